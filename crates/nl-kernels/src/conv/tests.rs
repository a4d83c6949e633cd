//! Every algorithm at every level against the six nested loops in f64.

use rand::RngExt;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::*;

/// A shape and random operands for it.
struct Case {
    shape: Conv2d,
    x: Vec<f64>,
    w: Vec<f64>,
    b: Vec<f64>,
    dy: Vec<f64>,
}

impl Case {
    fn new(shape: Conv2d, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // Multiples of 2^-10, so that f32 and f64 hold the same operands.
        let mut random = |n: usize| -> Vec<f64> {
            (0..n).map(|_| f64::from(rng.random_range(-2048_i32..=2048)) / 1024.0).collect()
        };
        shape.validate().unwrap();
        Self {
            shape,
            x: random(shape.input_len()),
            w: random(shape.weight_len()),
            b: random(shape.out_channels),
            dy: random(shape.output_len()),
        }
    }
}

fn narrow<T: Float>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

fn abs(x: &[f64]) -> Vec<f64> {
    x.iter().map(|x| x.abs()).collect()
}

/// The largest |got − want| in units of ε · (the largest entry of scale), scale being the same sum over absolute values.
fn error<T: Float>(got: &[T], want: &[f64], scale: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    let scale = scale.iter().fold(0.0_f64, |max, &scale| max.max(scale));
    if scale == 0.0 {
        assert!(got.iter().all(|&got| got == T::ZERO));
        return 0.0;
    }
    let mut worst = 0.0_f64;
    for (got, want) in got.iter().zip(want) {
        let error = (got.to_f64() - want).abs() / (T::EPSILON.to_f64() * scale);
        assert!(error.is_finite(), "{got} instead of {want}");
        worst = worst.max(error);
    }
    worst
}

/// Largest errors of y, dx, dw over all levels.
fn errors<T: Float>(case: &Case) -> [f64; 3] {
    let Case { shape, x, w, b, dy } = case;
    let mut worst = [0.0_f64; 3];
    let (mut y, mut ys) = (vec![0.0; shape.output_len()], vec![0.0; shape.output_len()]);
    naive::forward(shape, x, w, Some(b), &mut y);
    naive::forward(shape, &abs(x), &abs(w), Some(&abs(b)), &mut ys);
    let (mut dx, mut dxs) = (vec![0.0; shape.input_len()], vec![0.0; shape.input_len()]);
    naive::grad_input(shape, dy, w, &mut dx);
    naive::grad_input(shape, &abs(dy), &abs(w), &mut dxs);
    let (mut dw, mut dws) = (vec![0.0; shape.weight_len()], vec![0.0; shape.weight_len()]);
    naive::grad_weight(shape, x, dy, &mut dw);
    naive::grad_weight(shape, &abs(x), &abs(dy), &mut dws);
    let (tx, tw, tb, tdy) = (narrow::<T>(x), narrow::<T>(w), narrow::<T>(b), narrow::<T>(dy));
    let nan = |n: usize| vec![T::from_f64(f64::NAN); n];
    for level in Level::available() {
        // Two rounds on one scratch: the second finds the first one's leavings.
        let mut scratch = Scratch::new();
        for _ in 0..2 {
            let mut got = nan(y.len());
            conv2d_at(level, shape, &tx, &tw, Some(&tb), &mut got, &mut scratch).unwrap();
            worst[0] = worst[0].max(error(&got, &y, &ys));
            let mut got = nan(dx.len());
            conv2d_grad_input_at(level, shape, &tdy, &tw, &mut got, &mut scratch).unwrap();
            worst[1] = worst[1].max(error(&got, &dx, &dxs));
            let mut got = nan(dw.len());
            conv2d_grad_weight_at(level, shape, &tx, &tdy, &mut got, &mut scratch).unwrap();
            worst[2] = worst[2].max(error(&got, &dw, &dws));
        }
    }
    worst
}

fn square(batch: usize, channels: usize, size: [usize; 2], filters: usize) -> Conv2d {
    Conv2d {
        batch,
        in_channels: channels,
        height: size[0],
        width: size[1],
        out_channels: filters,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
    }
}

#[test]
fn winograd_equals_the_definition() {
    for (i, (batch, channels, size, filters)) in [
        (1, 1, [1, 1], 1),
        (2, 3, [2, 3], 10),
        (1, 16, [4, 4], 16),
        (3, 17, [5, 9], 15),
        (2, 10, [7, 7], 33),
        (1, 64, [14, 14], 3),
        (5, 8, [6, 13], 64),
        (20, 2, [3, 4], 2),
        (1, 3, [150, 131], 5),
        (0, 3, [4, 4], 2),
    ]
    .into_iter()
    .enumerate()
    {
        let case = Case::new(square(batch, channels, size, filters), i as u64);
        let (single, double) = (errors::<f32>(&case), errors::<f64>(&case));
        eprintln!("{:?}: f32 {single:.2?} f64 {double:.2?}", case.shape);
        for error in single.into_iter().chain(double) {
            assert!(error < 16.0, "{:?}: f32 {single:?}, f64 {double:?} eps", case.shape);
        }
    }
}

#[test]
fn im2col_equals_the_definition() {
    // batch, channels, size, filters, kernel, stride, padding
    for (i, (batch, channels, size, filters, kernel, stride, padding)) in [
        (2, 1, [28, 28], 16, [5, 5], [1, 1], [2, 2]),
        (3, 16, [14, 14], 32, [4, 4], [2, 2], [1, 1]),
        (2, 1, [28, 28], 16, [4, 4], [2, 2], [1, 1]),
        (1, 1, [1, 1], 1, [1, 1], [1, 1], [0, 0]),
        (2, 3, [1, 1], 10, [3, 3], [2, 2], [1, 1]),
        (7, 3, [2, 5], 3, [1, 1], [3, 2], [0, 0]),
        (2, 10, [6, 7], 17, [6, 7], [1, 1], [0, 0]),
        (1, 2, [3, 4], 5, [7, 9], [1, 2], [2, 3]),
        (2, 3, [9, 17], 4, [2, 3], [3, 5], [4, 1]),
        (1, 2, [1, 40], 3, [1, 7], [1, 1], [0, 3]),
        (1, 5, [33, 20], 2, [3, 1], [2, 3], [0, 5]),
        (1, 3, [190, 170], 2, [5, 5], [1, 1], [1, 2]),
        (1, 4, [90, 81], 2, [5, 5], [2, 2], [2, 2]),
        (0, 2, [3, 3], 2, [2, 2], [1, 1], [0, 0]),
    ]
    .into_iter()
    .enumerate()
    {
        let shape = Conv2d {
            batch,
            in_channels: channels,
            height: size[0],
            width: size[1],
            out_channels: filters,
            kernel,
            stride,
            padding,
        };
        let case = Case::new(shape, 100 + i as u64);
        let (single, double) = (errors::<f32>(&case), errors::<f64>(&case));
        eprintln!("{shape:?}: f32 {single:.2?} f64 {double:.2?}");
        for error in single.into_iter().chain(double) {
            assert!(error < 16.0, "{shape:?}: f32 {single:?}, f64 {double:?} eps");
        }
    }
}
