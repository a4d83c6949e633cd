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
        let mut random =
            |n: usize| -> Vec<f64> { (0..n).map(|_| f64::from(rng.random_range(-2048_i32..=2048)) / 1024.0).collect() };
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

/// `data` between NaNs: whatever reads too far finds one.
struct Guarded<T>(Vec<T>);

impl<T: Float> Guarded<T> {
    const GUARD: usize = 37;

    fn new(data: &[f64]) -> Self {
        let mut guarded = vec![T::from_f64(f64::NAN); data.len() + 2 * Self::GUARD];
        for (to, &from) in guarded[Self::GUARD..].iter_mut().zip(data) {
            *to = T::from_f64(from);
        }
        Self(guarded)
    }

    /// An output to be overwritten: NaN throughout.
    fn blank(len: usize) -> Self {
        Self::new(&vec![f64::NAN; len])
    }

    fn get(&self) -> &[T] {
        &self.0[Self::GUARD..self.0.len() - Self::GUARD]
    }

    /// The data, to be written to; [`check`](Self::check) then finds what was written beside it.
    fn get_mut(&mut self) -> &mut [T] {
        let end = self.0.len() - Self::GUARD;
        &mut self.0[Self::GUARD..end]
    }

    fn check(&self) -> &[T] {
        let (before, rest) = self.0.split_at(Self::GUARD);
        let after = &rest[rest.len() - Self::GUARD..];
        assert!(before.iter().chain(after).all(|x| x.to_f64().is_nan()), "wrote outside the output");
        self.get()
    }
}

/// Scratch whose buffers are full of NaN: whatever is read before it is written shows.
fn poisoned<T: Float>() -> Scratch {
    let mut scratch = Scratch::new();
    let buffers: Vec<_> = (0..12)
        .map(|_| {
            let mut buffer = scratch.take::<T>(300_000).unwrap();
            buffer.as_mut_slice().fill(T::from_f64(f64::NAN));
            buffer
        })
        .collect();
    for buffer in buffers {
        scratch.give(buffer);
    }
    scratch
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
    let (x, w, b, dy) = (Guarded::<T>::new(x), Guarded::new(w), Guarded::new(b), Guarded::new(dy));
    for level in Level::available() {
        let scratch = &mut poisoned::<T>();
        let mut got = Guarded::blank(y.len());
        conv2d_at(level, shape, x.get(), w.get(), Some(b.get()), got.get_mut(), scratch).unwrap();
        worst[0] = worst[0].max(error(got.check(), &y, &ys));
        let mut got = Guarded::blank(dx.len());
        conv2d_grad_input_at(level, shape, dy.get(), w.get(), got.get_mut(), scratch).unwrap();
        worst[1] = worst[1].max(error(got.check(), &dx, &dxs));
        let mut got = Guarded::blank(dw.len());
        conv2d_grad_weight_at(level, shape, x.get(), dy.get(), got.get_mut(), scratch).unwrap();
        worst[2] = worst[2].max(error(got.check(), &dw, &dws));
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

/// The bound stated in `winograd`: a few roundings in each of three transforms and two, times their cancellation.
const WINOGRAD_BOUND: f64 = 16.0;

/// A direct sum of n terms errs by at most n ε Σ|x||w|, in practice by √n ε of their root mean square.
const DIRECT_BOUND: f64 = 4.0;

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
        for error in single.into_iter().chain(double) {
            assert!(error < WINOGRAD_BOUND, "{:?}: f32 {single:?}, f64 {double:?} eps", case.shape);
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
        for error in single.into_iter().chain(double) {
            assert!(error < DIRECT_BOUND, "{shape:?}: f32 {single:?}, f64 {double:?} eps");
        }
    }
}

/// conv, bias, ReLU and pooling one after the other, from the unfused kernels, in f64: (y, [dx, dw, db]).
fn composed(shape: &ConvBlock, x: &[f64], w: &[f64], b: &[f64], dy: &[f64]) -> (Vec<f64>, [Vec<f64>; 3]) {
    let conv = &shape.conv;
    let mut z = vec![0.0; conv.output_len()];
    naive::forward(conv, x, w, Some(b), &mut z);
    let relu: Vec<f64> = z.iter().map(|z| z.max(0.0)).collect();
    let (y, mut dz) = if shape.pool {
        let pool = crate::Pool2d {
            batch: conv.batch,
            channels: conv.out_channels,
            height: conv.out_height(),
            width: conv.out_width(),
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
        };
        let (mut y, mut argmax) = (vec![0.0; pool.output_len()], vec![0; pool.output_len()]);
        crate::max_pool2d(&pool, &relu, &mut y, &mut argmax).unwrap();
        let mut dz = vec![0.0; z.len()];
        crate::max_pool2d_grad(&pool, &argmax, dy, &mut dz).unwrap();
        (y, dz)
    } else {
        (relu, dy.to_vec())
    };
    for (dz, &z) in dz.iter_mut().zip(&z) {
        *dz = if z > 0.0 { *dz } else { 0.0 };
    }
    let (mut dx, mut dw, mut db) = (vec![0.0; x.len()], vec![0.0; w.len()], vec![0.0; b.len()]);
    naive::grad_input(conv, &dz, w, &mut dx);
    naive::grad_weight(conv, x, &dz, &mut dw);
    let plane = conv.out_height() * conv.out_width();
    for (i, dz) in dz.iter().enumerate() {
        db[i / plane % b.len()] += dz;
    }
    (y, [dx, dw, db])
}

#[test]
fn fused_block_equals_its_parts() {
    for (i, (conv, pool)) in [
        (square(2, 3, [28, 28], 18), true),
        (square(3, 17, [7, 9], 5), true),
        (square(5, 4, [2, 3], 16), true),
        (square(2, 10, [7, 7], 20), false),
        (square(1, 3, [130, 97], 2), true),
        (square(1, 3, [130, 97], 2), false),
        (Conv2d { kernel: [5, 5], padding: [2, 2], ..square(2, 1, [28, 28], 16) }, false),
        (Conv2d { kernel: [5, 5], padding: [2, 2], ..square(2, 1, [11, 9], 6) }, true),
        (Conv2d { kernel: [2, 3], stride: [2, 1], padding: [0, 2], ..square(3, 5, [9, 10], 33) }, true),
        (Conv2d { kernel: [4, 4], stride: [2, 2], ..square(3, 2, [8, 6], 3) }, false),
    ]
    .into_iter()
    .enumerate()
    {
        let shape = ConvBlock { conv, pool };
        let Case { x, w, b, dy, .. } = Case::new(conv, 200 + i as u64);
        let dy = &dy[..shape.output_len()];
        let (want, gradients) = composed(&shape, &x, &w, &b, dy);
        let (x, w, b, dy) = (Guarded::<f64>::new(&x), Guarded::new(&w), Guarded::new(&b), Guarded::new(dy));
        for level in Level::available() {
            let scratch = &mut poisoned::<f64>();
            let mut y = Guarded::blank(want.len());
            let mut places = vec![9_u8; want.len()];
            let argmax = pool.then_some(&mut places[..]);
            conv_block_at(level, &shape, x.get(), w.get(), b.get(), y.get_mut(), argmax, scratch).unwrap();
            let close = |got: &[f64], want: &[f64], what: &str| {
                let size = want.iter().fold(1.0_f64, |max, x| max.max(x.abs()));
                for (i, (got, want)) in got.iter().zip(want).enumerate() {
                    let equal = approx::abs_diff_eq!(got, want, epsilon = 1e-13 * size);
                    assert!(equal, "{shape:?} {level} {what}[{i}]: {got}, not {want}");
                }
            };
            close(y.check(), &want, "y");
            // Inference: no argmax, the same y.
            let mut again = Guarded::blank(want.len());
            conv_block_at(level, &shape, x.get(), w.get(), b.get(), again.get_mut(), None, scratch).unwrap();
            assert_eq!(y.get(), again.check());

            let argmax = pool.then_some(&places[..]);
            let [mut dx, mut dw, mut db] =
                [&gradients[0], &gradients[1], &gradients[2]].map(|g| Guarded::blank(g.len()));
            conv_block_grad_at(
                level,
                &shape,
                x.get(),
                w.get(),
                y.get(),
                argmax,
                dy.get(),
                Some(dx.get_mut()),
                dw.get_mut(),
                db.get_mut(),
                scratch,
            )
            .unwrap();
            for (got, (want, what)) in [&dx, &dw, &db].into_iter().zip(gradients.iter().zip(["dx", "dw", "db"])) {
                close(got.check(), want, what);
            }
            let [mut dw2, mut db2] = [&dw, &db].map(|g| Guarded::blank(g.get().len()));
            let (x, w, y, dy) = (x.get(), w.get(), y.get(), dy.get());
            let (to, bias) = (dw2.get_mut(), db2.get_mut());
            conv_block_grad_at(level, &shape, x, w, y, argmax, dy, None, to, bias, scratch).unwrap();
            assert_eq!((dw.get(), db.get()), (dw2.check(), db2.check()), "dx is not wanted, the rest is the same");
        }
    }
}

/// y and dx of an image do not depend on the images beside it, to the bit.
#[test]
fn images_of_a_batch_are_computed_alike() {
    for conv in [
        square(9, 6, [7, 7], 18),
        square(3, 16, [28, 28], 32),
        Conv2d { kernel: [4, 4], stride: [2, 2], ..square(7, 5, [14, 14], 20) },
    ] {
        let Case { x, w, dy, .. } = Case::new(conv, 7);
        let one = Conv2d { batch: 1, ..conv };
        let [x, w, dy] = [x, w, dy].map(|a| a.iter().map(|&a| a as f32).collect::<Vec<_>>());
        for level in Level::available() {
            let scratch = &mut Scratch::new();
            let (mut y, mut dx) = (dy.clone(), x.clone());
            conv2d_at(level, &conv, &x, &w, None, &mut y, scratch).unwrap();
            conv2d_grad_input_at(level, &conv, &dy, &w, &mut dx, scratch).unwrap();
            let (mut y1, mut dx1) = (vec![0.0; one.output_len()], vec![0.0; one.input_len()]);
            for n in 0..conv.batch {
                let (input, output) = (n * dx1.len()..(n + 1) * dx1.len(), n * y1.len()..(n + 1) * y1.len());
                conv2d_at(level, &one, &x[input.clone()], &w, None, &mut y1, scratch).unwrap();
                conv2d_grad_input_at(level, &one, &dy[output.clone()], &w, &mut dx1, scratch).unwrap();
                assert_eq!((&y[output], &dx[input]), (&y1[..], &dx1[..]), "{level}, image {n}");
            }
        }
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 48, failure_persistence: None, ..Default::default() })]

    /// ⟨conv(x, w), dy⟩ = ⟨x, grad_input(dy, w)⟩ = ⟨w, grad_weight(x, dy)⟩: the gradients are the adjoints.
    #[test]
    fn gradients_are_adjoint(
        batch in 1_usize..4, channels in 1_usize..20, filters in 1_usize..20,
        size in [1_usize..13, 1_usize..13], kernel in [1_usize..5, 1_usize..5],
        stride in [1_usize..4, 1_usize..4], padding in [0_usize..3, 0_usize..3],
        winograd in proptest::bool::ANY, seed in 0_u64..1000,
    ) {
        let mut shape = Conv2d { kernel, stride, padding, ..square(batch, channels, size, filters) };
        if winograd {
            shape = square(batch, channels, size, filters);
        }
        proptest::prop_assume!(shape.validate().is_ok());
        let Case { x, w, dy, .. } = Case::new(shape, seed);
        let scratch = &mut Scratch::new();
        let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), w.clone());
        conv2d(&shape, &x, &w, None, &mut y, scratch).unwrap();
        conv2d_grad_input(&shape, &dy, &w, &mut dx, scratch).unwrap();
        conv2d_grad_weight(&shape, &x, &dy, &mut dw, scratch).unwrap();
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let size = dot(&abs(&y), &abs(&dy)) + dot(&abs(&x), &abs(&dx)) + dot(&abs(&w), &abs(&dw)) + 1.0;
        let dots = [dot(&y, &dy), dot(&x, &dx), dot(&w, &dw)];
        for other in &dots[1..] {
            let equal = approx::abs_diff_eq!(dots[0], *other, epsilon = 1e-13 * size);
            proptest::prop_assert!(equal, "{:?}: {:?}", shape, dots);
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let good = square(1, 2, [4, 4], 3);
    for bad in [
        Conv2d { in_channels: 0, ..good },
        Conv2d { width: 0, ..good },
        Conv2d { stride: [1, 0], ..good },
        Conv2d { kernel: [0, 3], ..good },
        Conv2d { kernel: [7, 3], ..good },
        Conv2d { padding: [usize::MAX, 1], ..good },
        Conv2d { batch: usize::MAX, ..good },
        Conv2d { out_channels: usize::MAX / 8, ..good },
    ] {
        assert!(matches!(bad.validate(), Err(ShapeError::Invalid { .. })), "{bad:?}");
    }
    let (x, w, mut y) = (vec![0.0_f32; 32], vec![0.0_f32; 54], vec![0.0_f32; 48]);
    let scratch = &mut Scratch::new();
    assert!(conv2d(&good, &x, &w, None, &mut y, scratch).is_ok());
    let length = |result: Result<(), ShapeError>, what: &str| {
        assert!(matches!(&result, Err(ShapeError::Length { what: found, .. }) if *found == what), "{result:?}");
    };
    length(conv2d(&good, &x[1..], &w, None, &mut y, scratch), "x");
    length(conv2d(&good, &x, &w[1..], None, &mut y, scratch), "w");
    length(conv2d(&good, &x, &w, Some(&[0.0; 4]), &mut y, scratch), "bias");
    length(conv2d(&good, &x, &w, None, &mut y[1..], scratch), "y");
    length(conv2d_grad_input(&good, &y, &w, &mut [0.0; 31], scratch), "dx");
    length(conv2d_grad_weight(&good, &x, &y, &mut [0.0; 53], scratch), "dw");
    let pooled = ConvBlock { conv: good, pool: true };
    length(conv_block(&pooled, &x, &w, &[0.0; 3], &mut y[..12], Some(&mut [0; 11]), scratch), "argmax");
    let plain = ConvBlock { conv: good, pool: false };
    let given = conv_block(&plain, &x, &w, &[0.0; 3], &mut y, Some(&mut [0; 48]), scratch);
    assert!(matches!(given, Err(ShapeError::Invalid { .. })));
    let (dy, mut dw) = (vec![0.0; 12], w.clone());
    let missing = conv_block_grad(&pooled, &x, &w, &dy, None, &dy, None, &mut dw, &mut [0.0; 3], scratch);
    assert!(matches!(missing, Err(ShapeError::Invalid { .. })));
    let narrow = ConvBlock { conv: square(1, 2, [1, 4], 3), pool: true };
    assert!(matches!(narrow.validate(), Err(ShapeError::Invalid { .. })));
}

/// A NaN anywhere: the fused block has it where the chain of convolution, ReLU and max-pool has it, at the same place,
/// and lets the gradient through there.
#[test]
fn a_nan_goes_through_the_block() {
    for (i, conv) in [
        square(1, 2, [9, 10], 3),
        square(1, 1, [2, 2], 17),
        Conv2d { kernel: [1, 1], padding: [0, 0], ..square(1, 1, [4, 4], 2) },
        Conv2d { kernel: [2, 3], stride: [2, 1], padding: [0, 2], ..square(1, 2, [8, 6], 3) },
    ]
    .into_iter()
    .enumerate()
    {
        let Case { x, w, b, .. } = Case::new(conv, 300 + i as u64);
        let block = ConvBlock { conv, pool: true };
        let pool = crate::Pool2d {
            batch: conv.batch,
            channels: conv.out_channels,
            height: conv.out_height(),
            width: conv.out_width(),
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
        };
        for level in Level::available() {
            for nan in 0..x.len() {
                let scratch = &mut Scratch::new();
                let mut x = x.clone();
                x[nan] = f64::NAN;
                let mut z = vec![0.0; conv.output_len()];
                conv2d_at(level, &conv, &x, &w, Some(&b), &mut z, scratch).unwrap();
                let relu: Vec<f64> = z.iter().map(|&z| if z <= 0.0 { 0.0 } else { z }).collect();
                let (mut want, mut at) = (vec![0.0; pool.output_len()], vec![0; pool.output_len()]);
                crate::max_pool2d(&pool, &relu, &mut want, &mut at).unwrap();
                assert!(want.iter().any(|y| y.is_nan()) || nan > 0, "{conv:?}: the NaN at {nan} is not to be seen");
                let (mut y, mut places) = (vec![0.0; want.len()], vec![9; want.len()]);
                conv_block_at(level, &block, &x, &w, &b, &mut y, Some(&mut places), scratch).unwrap();
                let mut plain = vec![0.0; z.len()];
                let unpooled = ConvBlock { conv, pool: false };
                conv_block_at(level, &unpooled, &x, &w, &b, &mut plain, None, scratch).unwrap();
                for (plain, relu) in plain.iter().zip(&relu) {
                    assert_eq!(plain.is_nan(), relu.is_nan(), "{conv:?} {level}, NaN at {nan}: {plain}, not {relu}");
                }
                for i in 0..y.len() {
                    assert_eq!(
                        y[i].is_nan(),
                        want[i].is_nan(),
                        "{conv:?} {level}, NaN at {nan}: {}, not {}",
                        y[i],
                        want[i]
                    );
                    if y[i].is_nan() {
                        let (row, column) = (at[i] as usize / pool.width % 2, at[i] as usize % pool.width % 2);
                        assert_eq!(usize::from(places[i]), 2 * row + column, "{conv:?} {level}, NaN at {nan}");
                    }
                }
                // db is the sum of dy over the windows that are open: positive, or NaN.
                let dy: Vec<f64> = (0..y.len()).map(|i| 1.0 + i as f64).collect();
                let (mut dw, mut db) = (w.clone(), b.clone());
                conv_block_grad_at(level, &block, &x, &w, &y, Some(&places), &dy, None, &mut dw, &mut db, scratch)
                    .unwrap();
                let plane = block.out_height() * block.out_width();
                for (o, &db) in db.iter().enumerate() {
                    let open = (o * plane..(o + 1) * plane).filter(|&i| y[i].is_nan() || y[i] > 0.0);
                    assert_eq!(db, open.map(|i| dy[i]).sum::<f64>(), "{conv:?} {level}, NaN at {nan}");
                }
            }
        }
    }
}

/// 65,536 pixels and more, in many images or in few, of like gradients: running sums in f32 are off by 6e-4.
#[test]
fn bias_and_weight_gradients_are_summed_in_blocks() {
    for (conv, pool) in [
        (Conv2d { kernel: [1, 1], padding: [0, 0], ..square(65_536, 1, [1, 1], 2) }, false),
        (Conv2d { kernel: [1, 1], padding: [0, 0], ..square(1, 1, [256, 300], 1) }, false),
        (Conv2d { kernel: [1, 1], padding: [0, 0], ..square(70_000, 1, [2, 2], 1) }, true),
        (square(65_536, 1, [1, 1], 1), false),
        (square(17_000, 1, [2, 2], 2), true),
        (square(1, 1, [300, 260], 1), false),
        (square(2, 1, [520, 510], 1), true),
    ] {
        let block = ConvBlock { conv, pool };
        let len = block.output_len();
        let (x, w) = (vec![1.0_f32; conv.input_len()], vec![1.0_f32; conv.weight_len()]);
        let (y, dy, places) = (vec![1.0_f32; len], vec![0.1_f32; len], vec![0_u8; len]);
        let argmax = pool.then_some(&places[..]);
        for level in Level::available() {
            let (mut dw, mut db) = (vec![f32::NAN; w.len()], vec![f32::NAN; conv.out_channels]);
            let scratch = &mut Scratch::new();
            conv_block_grad_at(level, &block, &x, &w, &y, argmax, &dy, None, &mut dw, &mut db, scratch).unwrap();
            let want = f64::from(0.1_f32) * (len / conv.out_channels) as f64;
            for db in db {
                let error = (f64::from(db) / want - 1.0).abs();
                assert!(error < 3e-7, "{block:?} {level}: db {db}, relative error {error:e}");
            }
            if conv.kernel == [1, 1] {
                // Blocks of 256 terms, and a few hundred of them: not pairwise, as a matrix product is not.
                for dw in dw {
                    let error = (f64::from(dw) / want - 1.0).abs();
                    assert!(error < 2e-5, "{block:?} {level}: dw {dw}, relative error {error:e}");
                }
            }
        }
    }
}

/// Strides, paddings and kernels at which sizes wrap: the right result, or an error, in little memory.
#[test]
fn strides_beyond_the_image_have_one_output() {
    const MAX: usize = usize::MAX;
    for stride in [[1 << 63, 2], [MAX, MAX], [1 << 20, 1 << 20], [5, 1 << 32], [9, 9]] {
        for (kernel, padding) in [([1, 1], [0, 0]), ([5, 3], [0, 0]), ([3, 2], [1, 2]), ([9, 4], [2, 1])] {
            let shape = Conv2d { kernel, stride, padding, ..square(2, 3, [5, 4], 2) };
            let case = Case::new(shape, 400);
            for error in errors::<f32>(&case).into_iter().chain(errors::<f64>(&case)) {
                assert!(error < DIRECT_BOUND, "{shape:?}: {error} eps");
            }
        }
    }
    // 4 TB of phases, were all of them kept.
    let shape = Conv2d { kernel: [1, 1], stride: [1 << 20; 2], padding: [1 << 19; 2], ..square(1, 1, [1, 1], 1) };
    let mut y = [f32::NAN; 4];
    conv2d(&shape, &[3.0], &[2.0], None, &mut y[..shape.output_len()], &mut Scratch::new()).unwrap();
    assert_eq!(y[..shape.output_len()], vec![0.0; shape.output_len()]);
    let empty = Conv2d { batch: 0, height: 1 << 22, width: 1 << 22, ..square(1, 1, [1, 1], 1) };
    for shape in [empty, Conv2d { kernel: [5, 5], ..empty }] {
        let (w, mut dw) = (vec![1.0_f32; shape.weight_len()], vec![1.0_f32; shape.weight_len()]);
        let (mut db, scratch) = ([1.0], &mut Scratch::new());
        conv2d(&shape, &[], &w, None, &mut [], scratch).unwrap();
        conv2d_grad_input(&shape, &[], &w, &mut [], scratch).unwrap();
        conv2d_grad_weight(&shape, &[], &[], &mut dw, scratch).unwrap();
        assert!(dw.iter().all(|&dw| dw == 0.0));
        let block = ConvBlock { conv: shape, pool: false };
        dw.fill(1.0);
        conv_block(&block, &[], &w, &[0.0], &mut [], None, scratch).unwrap();
        conv_block_grad(&block, &[], &w, &[], None, &[], None, &mut dw, &mut db, scratch).unwrap();
        assert!(dw.iter().chain(&db).all(|&d| d == 0.0));
    }
}
