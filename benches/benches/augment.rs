//! One random view of a 28 × 28 image, against a loop over pixels that follows the equation.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nl_benches::{MEASURED, WARM_UP, assert_close};
use nl_data::{Augment, Scratch, synthetic};
use nl_random::{Rng, Streams};
use rand::RngExt;

const SIDE: usize = 28;

/// out(p) = bilinear(image, R(-θ) · Shear(-k) · (1/s) · (p − c − t) + c), 0 beyond the image.
fn naive(augment: &Augment, image: &[f32], out: &mut [f32], rng: &mut Rng) {
    let mut within = |limit: f32| limit * (2.0 * rng.random::<f32>() - 1.0);
    let (dx, dy) = (within(augment.shift), within(augment.shift));
    let angle = within(augment.rotate.to_radians());
    let (sx, sy) = (1.0 + within(augment.scale), 1.0 + within(augment.scale));
    let shear = within(augment.shear);
    let centre = (SIDE as f32 - 1.0) / 2.0;
    let pixel = |row: f32, column: f32| {
        let inside = |x: f32| (0.0..SIDE as f32).contains(&x);
        if inside(row) && inside(column) { image[row as usize * SIDE + column as usize] } else { 0.0 }
    };
    for i in 0..SIDE {
        for j in 0..SIDE {
            let (x, y) = ((j as f32 - centre - dx) / sx, (i as f32 - centre - dy) / sy);
            let x = x - shear * y;
            let (sin, cos) = angle.sin_cos();
            let (x, y) = (cos * x + sin * y + centre, cos * y - sin * x + centre);
            let (column, row) = (x.floor(), y.floor());
            let (u, v) = (x - column, y - row);
            out[i * SIDE + j] = (1.0 - v) * ((1.0 - u) * pixel(row, column) + u * pixel(row, column + 1.0))
                + v * ((1.0 - u) * pixel(row + 1.0, column) + u * pixel(row + 1.0, column + 1.0));
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let digits = synthetic::digits(1, 1, 0).train;
    let image: Vec<f32> = digits.image(0).iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let affine = Augment { shift: 2.0, rotate: 15.0, scale: 0.15, shear: 0.15, ..Augment::default() };
    let (mut out, mut expected, mut scratch) = (image.clone(), image.clone(), Scratch::new());
    let streams = Streams::new(0);
    let mut fast = |augment: &Augment, index: u64, out: &mut [f32]| {
        let mut rng = streams.rng("augment", 0, index);
        augment.apply(&image, SIDE, SIDE, out, &mut scratch, &mut rng).expect("parameters in range");
    };
    for index in 0..20 {
        fast(&affine, index, &mut out);
        naive(&affine, &image, &mut expected, &mut streams.rng("augment", 0, index));
        assert_close("view", &out, &expected, 1e-4);
    }

    let mut group = criterion.benchmark_group("augment/one image");
    group.throughput(Throughput::Elements(1));
    let mut index = 0;
    let mut bench_fast = |name: &str, augment: Augment| {
        group.bench_function(name, |bench| {
            bench.iter(|| {
                index += 1;
                fast(&augment, index, &mut out);
            });
        });
    };
    bench_fast("affine, nl-data", affine);
    bench_fast("affine and elastic, nl-data", Augment { elastic: 0.7, ..affine });
    group.bench_function("affine, naive", |bench| {
        bench.iter(|| {
            index += 1;
            naive(&affine, &image, &mut expected, &mut streams.rng("augment", 0, index));
        });
    });
    group.finish();
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(50).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
