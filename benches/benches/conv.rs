//! The convolutions of the brain for a shard of 16 images: forward, data gradient, weight gradient.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nl_benches::{MEASURED, WARM_UP, assert_close, numbers};
use nl_kernels::{Conv2d, Scratch, conv2d, conv2d_grad_input, conv2d_grad_weight};

/// Calls `f(index in x, index in w, index in y)` for each product of the definition
/// y[n, o, i, j] = Σ x[n, c, i·s + u − p, j·s + v − p] w[o, c, u, v].
#[inline(always)]
fn products(s: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    let (height, width) = (s.out_height(), s.out_width());
    for n in 0..s.batch {
        for o in 0..s.out_channels {
            for c in 0..s.in_channels {
                for u in 0..s.kernel[0] {
                    for v in 0..s.kernel[1] {
                        for i in 0..height {
                            let row = (i * s.stride[0] + u).wrapping_sub(s.padding[0]);
                            for j in 0..width {
                                let column = (j * s.stride[1] + v).wrapping_sub(s.padding[1]);
                                if row < s.height && column < s.width {
                                    f(
                                        ((n * s.in_channels + c) * s.height + row) * s.width + column,
                                        ((o * s.in_channels + c) * s.kernel[0] + u) * s.kernel[1] + v,
                                        ((n * s.out_channels + o) * height + i) * width + j,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn layer(channels: [usize; 2], side: usize, [kernel, stride, padding]: [usize; 3]) -> Conv2d {
    Conv2d {
        batch: 16,
        in_channels: channels[0],
        height: side,
        width: side,
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
    }
}

fn benches(criterion: &mut Criterion) {
    // The decoder's layers are transposed: their forward pass is the data gradient here.
    let layers = [
        ("retina", layer([1, 16], 28, [5, 1, 2])),
        ("v1", layer([16, 32], 28, [3, 1, 1])),
        ("v2", layer([32, 64], 14, [3, 1, 1])),
        ("v4", layer([64, 64], 7, [3, 1, 1])),
        ("coarse", layer([16, 32], 14, [4, 2, 1])),
        ("fine", layer([1, 16], 28, [4, 2, 1])),
    ];
    for (name, s) in layers {
        let (x, w, dy) = (numbers("x", s.input_len()), numbers("w", s.weight_len()), numbers("dy", s.output_len()));
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        let (mut y0, mut dx0, mut dw0) = (vec![0.0; y.len()], vec![0.0; dx.len()], vec![0.0; dw.len()]);
        let mut scratch = Scratch::new();

        let mut forward = |y: &mut [f32]| conv2d(&s, &x, &w, None, y, &mut scratch).expect("shapes fit");
        let naive_forward = |y: &mut [f32]| {
            y.fill(0.0);
            products(&s, |ix, iw, iy| y[iy] += x[ix] * w[iw]);
        };
        forward(&mut y);
        naive_forward(&mut y0);
        assert_close("forward", &y, &y0, 1e-5);

        let mut group = criterion.benchmark_group(format!("conv/{name}"));
        let flops = 2 * s.output_len() * s.in_channels * s.kernel[0] * s.kernel[1];
        group.throughput(Throughput::Elements(flops as u64));
        group.bench_function("forward/nl-kernels", |bench| bench.iter(|| forward(&mut y)));
        group.bench_function("forward/naive", |bench| bench.iter(|| naive_forward(&mut y0)));

        let mut data = |dx: &mut [f32]| conv2d_grad_input(&s, &dy, &w, dx, &mut scratch).expect("shapes fit");
        let naive_data = |dx: &mut [f32]| {
            dx.fill(0.0);
            products(&s, |ix, iw, iy| dx[ix] += dy[iy] * w[iw]);
        };
        data(&mut dx);
        naive_data(&mut dx0);
        assert_close("data gradient", &dx, &dx0, 1e-5);
        group.bench_function("data gradient/nl-kernels", |bench| bench.iter(|| data(&mut dx)));
        group.bench_function("data gradient/naive", |bench| bench.iter(|| naive_data(&mut dx0)));

        let mut weight = |dw: &mut [f32]| conv2d_grad_weight(&s, &x, &dy, dw, &mut scratch).expect("shapes fit");
        let naive_weight = |dw: &mut [f32]| {
            dw.fill(0.0);
            products(&s, |ix, iw, iy| dw[iw] += x[ix] * dy[iy]);
        };
        weight(&mut dw);
        naive_weight(&mut dw0);
        // Sums of up to 12,544 products: the naive order loses more than the blocked one.
        assert_close("weight gradient", &dw, &dw0, 1e-4);
        group.bench_function("weight gradient/nl-kernels", |bench| bench.iter(|| weight(&mut dw)));
        group.bench_function("weight gradient/naive", |bench| bench.iter(|| naive_weight(&mut dw0)));
        group.finish();
    }
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(10).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
