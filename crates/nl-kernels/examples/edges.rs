//! Edges of a picture: two Sobel filters by convolution, their strength, and a max-pool, drawn as text.
//!
//! `cargo run --release -p nl-kernels --example edges`

use nl_kernels::{Binary, Conv2d, Pool2d, Scratch, ShapeError, Unary, binary, conv2d, max_pool2d, unary_in_place};

const SIDE: usize = 48;

/// A bright disc, a square of middling grey, and a dark ground.
fn picture() -> Vec<f32> {
    let pixel = |i: usize| {
        let (row, column) = ((i / SIDE) as f32, (i % SIDE) as f32);
        let disc = (row - 17.0).powi(2) + (column - 16.0).powi(2) < 130.0;
        let square = (24.0..42.0).contains(&row) && (25.0..43.0).contains(&column);
        if disc { 1.0 } else { f32::from(u8::from(square)) * 0.5 }
    };
    (0..SIDE * SIDE).map(pixel).collect()
}

/// Rows of characters, darker for larger numbers; two characters a pixel, which is then about square.
fn draw(title: &str, pixels: &[f32], width: usize) {
    let most = pixels.iter().fold(f32::MIN_POSITIVE, |most, &x| most.max(x));
    println!("{title}");
    for row in pixels.chunks(width) {
        let ink = |x: &f32| [b' ', b'.', b':', b'+', b'#'][(4.0 * x / most).round() as usize] as char;
        println!("{}", row.iter().map(ink).flat_map(|c| [c, c]).collect::<String>());
    }
}

fn main() -> Result<(), ShapeError> {
    let image = picture();
    let filters =
        [[-1.0_f32, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0], [-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0]];
    let shape = Conv2d {
        batch: 1,
        in_channels: 1,
        height: SIDE,
        width: SIDE,
        out_channels: 2,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
    };
    let mut slopes = vec![0.0; shape.output_len()];
    conv2d(&shape, &image, filters.as_flattened(), None, &mut slopes, &mut Scratch::new())?;
    // Strength √(across² + down²) of each pixel.
    unary_in_place(Unary::Square, &mut slopes);
    let (across, down) = slopes.split_at(SIDE * SIDE);
    let mut strength = vec![0.0; SIDE * SIDE];
    binary(Binary::Add, across, down, &mut strength)?;
    unary_in_place(Unary::Sqrt, &mut strength);
    let pool =
        Pool2d { batch: 1, channels: 1, height: SIDE, width: SIDE, kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
    let (mut pooled, mut places) = (vec![0.0; pool.output_len()], vec![0; pool.output_len()]);
    max_pool2d(&pool, &strength, &mut pooled, &mut places)?;

    let (mut small, mut argmax) = (pooled.clone(), places.clone());
    max_pool2d(&pool, &image, &mut small, &mut argmax)?;
    draw("the picture:", &small, SIDE / 2);
    draw("its edges:", &pooled, SIDE / 2);
    Ok(())
}
