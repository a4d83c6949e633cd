//! Safe calls with hostile shapes: an error or the right result, never a write outside, an abort or a loop without end.
//!
//! Sizes are drawn from 0, 1, small ones and those at which products wrap (2³¹, 2³², 2⁶², 2⁶³, `usize::MAX`). Slices have
//! exactly the length that the shape says, each in an allocation of its own, so that an address sanitizer sees the first
//! element beyond (`.ci/sanitize`); where the shape asks for more than that, the call gets short slices and must refuse
//! them. An allocator refuses what no kernel needs for slices this short.

use std::alloc::{GlobalAlloc, Layout, System};

use nl_kernels::{
    Binary, Conv2d, ConvBlock, Level, MatMut, MatRef, Metric, Pool2d, Scratch, ShapeError, avg_pool2d, avg_pool2d_grad,
    batched_gemm, batched_gemm_nt, batched_gemm_tn, binary_broadcast, conv_block, conv_block_grad, conv2d,
    conv2d_grad_input, conv2d_grad_weight, gemm, gemm_parallel, log_softmax, max_axis, max_pool2d, max_pool2d_grad,
    softmax, softmax_cross_entropy, sum_axis, sum_to, top_k, tree_sum,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

const MAX: usize = usize::MAX;
/// Where products wrap, and sizes on the way there.
const HOSTILE: [usize; 13] =
    [0, 1 << 12, 4000, 1 << 20, 1 << 22, 1 << 31, 1 << 32, (1 << 32) + 1, 1 << 62, 1 << 63, MAX / 2, MAX - 1, MAX];
const SMALL: [usize; 7] = [1, 1, 2, 3, 4, 7, 17];
/// Elements of a slice that is really made.
const MOST: usize = 1 << 15;
/// Bytes of one allocation that is granted.
const GRANTED: usize = 64 << 20;

/// The system's allocator, which has no memory for moonshots.
struct Strict;

// SAFETY: calls are passed on to the system's allocator unchanged, or refused by a null pointer, as an allocator may.
unsafe impl GlobalAlloc for Strict {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() > GRANTED {
            return core::ptr::null_mut();
        }
        // SAFETY: the caller's promises are those `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `System` made the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static STRICT: Strict = Strict;

/// What became of the calls.
#[derive(Default)]
struct Count {
    shapes: usize,
    ran: usize,
    refused: usize,
}

impl Count {
    fn note(&mut self, result: Result<(), ShapeError>) -> bool {
        match result {
            Ok(()) => self.ran += 1,
            Err(error) => {
                assert!(!error.to_string().is_empty());
                self.refused += 1;
            }
        }
        self.shapes += 1;
        true
    }

    /// The line that `.ci/sanitize` adds up.
    fn report(&self, what: &str) {
        let Self { shapes, ran, refused } = self;
        println!("hostile {what}: {shapes} shapes at {}, {ran} run, {refused} refused", Level::current());
        assert!(self.ran * 20 > self.shapes && self.refused * 20 > self.shapes, "{what}: {ran} ran, {refused} refused");
    }
}

struct Draw(ChaCha8Rng);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(rand::SeedableRng::seed_from_u64(seed))
    }

    fn below(&mut self, n: usize) -> usize {
        self.0.random_range(0..n)
    }

    /// Hostile once in `rarely`.
    fn size(&mut self, rarely: usize) -> usize {
        if self.below(rarely) == 0 { HOSTILE[self.below(HOSTILE.len())] } else { SMALL[self.below(SMALL.len())] }
    }
}

/// Small integers, so that sums are exact; not the same twice.
fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + 3) % 11) as f32 - 5.0).collect()
}

fn product(sizes: &[usize]) -> usize {
    sizes.iter().fold(1, |n: usize, &size| n.saturating_mul(size))
}

/// Both are equal but for the rounding of Winograd's transforms, which goes with the largest Σ|x||w| (`scale`).
fn close(got: &[f32], want: &[f32], scale: &[f32], what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    let scale = scale.iter().fold(1.0_f32, |most, &x| most.max(x));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(approx::abs_diff_eq!(got, want, epsilon = 1e-5 * scale), "{what} [{i}]: {got} instead of {want}");
    }
}

/// Calls `f(x index, w index, y index)` for every product of the convolution.
fn products(s: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    let (oh, ow) = (s.out_height(), s.out_width());
    for y in 0..s.output_len() {
        let (n, o, i, j) = (y / ow / oh / s.out_channels, y / ow / oh % s.out_channels, y / ow % oh, y % ow);
        for tap in 0..s.in_channels * s.kernel[0] * s.kernel[1] {
            let (c, u, v) = (tap / s.kernel[1] / s.kernel[0], tap / s.kernel[1] % s.kernel[0], tap % s.kernel[1]);
            let row = (i * s.stride[0] + u).checked_sub(s.padding[0]).filter(|&row| row < s.height);
            let column = (j * s.stride[1] + v).checked_sub(s.padding[1]).filter(|&column| column < s.width);
            if let (Some(row), Some(column)) = (row, column) {
                let w = o * s.in_channels * s.kernel[0] * s.kernel[1] + tap;
                f(((n * s.in_channels + c) * s.height + row) * s.width + column, w, y);
            }
        }
    }
}

fn convolutions(count: &mut Count, s: Conv2d, scratch: &mut Scratch) {
    let lens = [s.input_len(), s.weight_len(), s.output_len()];
    // Not only those that `validate` likes: each kernel has to look for itself.
    if lens.iter().any(|&len| len > MOST) || s.out_channels > MOST {
        let (x, w, mut y) = (numbers(lens[0].min(64)), numbers(lens[1].min(64)), numbers(lens[2].min(64)));
        let (mut dx, mut dw) = (x.clone(), w.clone());
        assert!(count.note(conv2d(&s, &x, &w, None, &mut y, scratch)) && y == numbers(y.len()), "{s:?}");
        count.note(conv2d_grad_input(&s, &y, &w, &mut dx, scratch));
        count.note(conv2d_grad_weight(&s, &x, &y, &mut dw, scratch));
        assert!(dx == x && dw == w, "{s:?}: refused, but something was written");
        return;
    }
    let (x, w, b) = (numbers(lens[0]), numbers(lens[1]), numbers(s.out_channels));
    let (mut y, mut dx, mut dw) = (vec![0.0; lens[2]], vec![0.0; lens[0]], vec![0.0; lens[1]]);
    let dy = numbers(lens[2]);
    let affordable = product(&[lens[2], s.in_channels, s.kernel[0], s.kernel[1]]) < 1 << 22;
    let ran_input = conv2d_grad_input(&s, &dy, &w, &mut dx, scratch);
    let ran = conv2d(&s, &x, &w, None, &mut y, scratch);
    let ran_weight = conv2d_grad_weight(&s, &x, &dy, &mut dw, scratch);
    if ran.is_ok() && ran_input.is_ok() && ran_weight.is_ok() && affordable {
        let mut want = [vec![0.0; lens[2]], vec![0.0; lens[0]], vec![0.0; lens[1]]];
        let mut scale = want.clone();
        products(&s, |ix, iw, iy| {
            let terms = [(iy, x[ix] * w[iw]), (ix, dy[iy] * w[iw]), (iw, x[ix] * dy[iy])];
            for (i, (at, term)) in terms.into_iter().enumerate() {
                want[i][at] += term;
                scale[i][at] += f32::abs(term);
            }
        });
        close(&y, &want[0], &scale[0], &format!("{s:?} y"));
        close(&dx, &want[1], &scale[1], &format!("{s:?} dx"));
        close(&dw, &want[2], &scale[2], &format!("{s:?} dw"));
    }
    for result in [ran, ran_input, ran_weight] {
        count.note(result);
    }
    for pool in [false, true] {
        let block = ConvBlock { conv: s, pool };
        let len = block.output_len().min(MOST);
        let (mut y, mut places, mut db) = (vec![0.0; len], vec![0_u8; len], vec![0.0; s.out_channels]);
        let argmax = pool.then_some(&mut places[..]);
        count.note(conv_block(&block, &x, &w, &b, &mut y, argmax, scratch));
        let (dy, argmax) = (numbers(len), pool.then_some(&places[..]));
        count.note(conv_block_grad(&block, &x, &w, &y, argmax, &dy, Some(&mut dx), &mut dw, &mut db, scratch));
    }
}

#[test]
fn convolutions_of_hostile_shapes() {
    let (mut count, mut draw, scratch) = (Count::default(), Draw::new(1), &mut Scratch::new());
    let plain = Conv2d {
        batch: 1,
        in_channels: 1,
        height: 8,
        width: 2,
        out_channels: 1,
        kernel: [8, 2],
        stride: [1, 1],
        padding: [0, 0],
    };
    // What was found first: a stride whose product with the next one wraps.
    for size in [4000, 8] {
        for stride in [[1 << 63, 2], [2, 1 << 63], [1 << 63, 1 << 63], [MAX, MAX], [1 << 32, 1 << 32]] {
            convolutions(&mut count, Conv2d { height: size, kernel: [size, 2], stride, ..plain }, scratch);
        }
    }
    let one = Conv2d { height: 1, width: 1, kernel: [1, 1], ..plain };
    for s in [
        Conv2d { stride: [1 << 20, 1 << 20], ..one },
        Conv2d { stride: [1 << 20, 1 << 20], padding: [1 << 19, 1 << 19], ..one },
        Conv2d { stride: [1 << 31, 1 << 31], padding: [1 << 30, 1 << 30], kernel: [3, 3], ..one },
        Conv2d { batch: 0, height: 1 << 22, width: 1 << 22, kernel: [3, 3], padding: [1, 1], ..one },
        Conv2d { batch: 0, height: 1 << 22, width: 1 << 22, kernel: [5, 5], padding: [2, 2], ..one },
        Conv2d { batch: 0, height: 1 << 29, width: 1 << 29, ..one },
    ] {
        let ran = count.ran;
        convolutions(&mut count, s, scratch);
        assert!(count.ran >= ran + 3, "{s:?} takes little memory, and is refused");
    }
    while count.shapes < 6000 {
        let height = draw.size(12);
        let s = Conv2d {
            batch: draw.size(8),
            in_channels: draw.size(20),
            height,
            width: draw.size(12),
            out_channels: draw.size(20),
            kernel: [if draw.below(4) == 0 { height } else { draw.size(15) }, draw.size(15)],
            stride: [draw.size(2), draw.size(2)],
            padding: [if draw.below(3) == 0 { draw.size(4) } else { draw.below(3) }, draw.below(3)],
        };
        convolutions(&mut count, s, scratch);
        let winograd = Conv2d { kernel: [3, 3], stride: [1, 1], padding: [1, 1], ..s };
        convolutions(&mut count, winograd, scratch);
    }
    count.report("convolutions");
}

#[test]
fn pools_of_hostile_shapes() {
    let (mut count, mut draw) = (Count::default(), Draw::new(2));
    while count.shapes < 6000 {
        let kernel = [draw.size(10), draw.size(10)];
        let s = Pool2d {
            batch: draw.size(6),
            channels: draw.size(10),
            height: draw.size(8),
            width: draw.size(8),
            kernel,
            stride: [draw.size(2), draw.size(3)],
            padding: if draw.below(4) == 0 { kernel.map(|k| k / 2) } else { [draw.below(2), draw.size(9)] },
        };
        let (input, output) = (s.input_len(), s.output_len());
        let work = product(&[output, s.kernel[0].min(s.height), s.kernel[1].min(s.width)]);
        let real = input <= MOST && output <= MOST && work < 1 << 22;
        let (input, output) = if real { (input, output) } else { (input.min(3), output.min(3)) };
        if !real && (input, output) == (s.input_len(), s.output_len()) {
            continue;
        }
        let (x, mut y, mut argmax, mut dx) = (numbers(input), vec![0.0; output], vec![0; output], numbers(input));
        count.note(max_pool2d(&s, &x, &mut y, &mut argmax));
        count.note(max_pool2d_grad(&s, &argmax, &y, &mut dx));
        let lies: Vec<u32> = argmax.iter().map(|a| a ^ 0x8000_0001).collect();
        let lied = max_pool2d_grad(&s, &lies, &y, &mut dx);
        assert!(lied.is_err() || output == 0, "{s:?}");
        count.note(avg_pool2d(&s, &x, &mut y));
        count.note(avg_pool2d_grad(&s, &y, &mut dx));
    }
    count.report("pools");
}

#[test]
fn products_of_hostile_shapes() {
    let (mut count, mut draw, scratch) = (Count::default(), Draw::new(3), &mut Scratch::new());
    while count.shapes < 8000 {
        let [m, k, n] = [draw.size(6), draw.size(6), draw.size(6)];
        let len = |rows: usize, cols: usize| product(&[rows, cols]).min(2048);
        let (a, b, mut c) = (numbers(len(m, k)), numbers(len(k, n)), numbers(len(m, n)));
        // Contiguous, and with any strides over data that may be too short.
        let strides = [draw.size(3), draw.size(3)];
        let work = product(&[m, k, n]);
        for strided in [false, true] {
            let views = || {
                if strided {
                    return Ok((MatRef::strided(&a, m, k, strides[0], strides[1])?, MatRef::new(&b, k, n)?));
                }
                Ok((MatRef::new(&a, m, k)?, MatRef::new(&b, k, n)?))
            };
            if m > 0 && n > 0 && work > 1 << 20 {
                // A view whose stride is 0 may have more terms than anybody waits for.
                count.note(views().map(|_| ()));
                continue;
            }
            let cells =
                if strided { MatMut::strided(&mut c, m, n, strides[1], strides[0]) } else { MatMut::new(&mut c, m, n) };
            let result = views().and_then(|(a, b)| gemm(1.0, a, b, 0.5, cells?, scratch));
            count.note(result);
            let cells = MatMut::new(&mut c, m, n);
            let result =
                views().and_then(|(a, b)| gemm_parallel(0.0, a, b, 0.5, cells?, &mut [Scratch::new(), Scratch::new()]));
            count.note(result);
        }
        let times = draw.size(4);
        let len = |rows: usize, cols: usize| product(&[times, rows, cols]).min(2048);
        let (a, b, mut c) = (numbers(len(m, k)), numbers(len(k, n)), numbers(len(m, n)));
        let level = Level::current();
        count.note(batched_gemm(level, times, m, n, k, &a, &b, &mut c, false));
        count.note(batched_gemm_tn(level, times, m, n, k, &a, &b, &mut c, true));
        count.note(batched_gemm_nt(level, times, m, n, k, &a, &b, &mut c, false, scratch));
    }
    count.report("products");
}

#[test]
fn neighbours_of_hostile_shapes() {
    let (mut count, mut draw, mut scratch) = (Count::default(), Draw::new(4), Scratch::new());
    while count.shapes < 2000 {
        let (dim, n, q, k) = (draw.size(6), draw.size(6), draw.size(6), draw.size(6));
        let len = |rows: usize, cols: usize| product(&[rows, cols]).min(2048);
        let (keys, queries) = (numbers(len(n, dim)), numbers(len(q, dim)));
        let (mut dist, mut index) = (vec![0.0; len(q, k)], vec![0; len(q, k)]);
        let metric = if draw.below(2) == 0 { Metric::L2 } else { Metric::Cosine };
        count.note(top_k(metric, dim, &keys, &queries, k, None, &mut dist, &mut index, &mut scratch));
        let exclude = vec![0; q.min(2048)];
        count.note(top_k(metric, dim, &keys, &queries, k, Some(&exclude), &mut dist, &mut index, &mut scratch));
    }
    count.report("neighbours");
}

#[test]
fn reductions_of_hostile_shapes() {
    let (mut count, mut draw) = (Count::default(), Draw::new(5));
    while count.shapes < 8000 {
        let shape = [draw.size(5), draw.size(5), draw.size(5)];
        let [outer, axis, inner] = shape;
        let len = |sizes: &[usize]| product(sizes).min(2048);
        let (x, mut y) = (numbers(len(&shape)), vec![0.0; len(&[outer, inner])]);
        let mut arg = vec![0; y.len()];
        count.note(sum_axis(outer, axis, inner, &x, &mut y));
        count.note(max_axis(outer, axis, inner, &x, &mut y, Some(&mut arg)));
        count.note(max_axis(outer, axis, inner, &x, &mut y, None));
        // Any strides, over slices that may be too short.
        let strides = [draw.size(3), draw.below(2), draw.size(3)];
        let other = [draw.below(2), draw.size(3), draw.below(3)];
        let (mut to, b) = (vec![0.0; 1 + draw.below(300)], numbers(1 + draw.below(300)));
        count.note(sum_to(&x, &shape, &strides, &mut to));
        let mut all = vec![0.0; x.len()];
        count.note(binary_broadcast(Binary::Add, &x, &strides, &b, &other, &shape, &mut all));
        let (x, mut y) = (numbers(len(&[outer, inner])), vec![0.0; len(&[outer, inner])]);
        count.note(softmax(outer, inner, &x, &mut y));
        count.note(log_softmax(outer, inner, &x, &mut y));
        let (targets, mut losses) = (vec![0; outer.min(2048)], vec![0.0; outer.min(2048)]);
        count.note(softmax_cross_entropy(outer, inner, &x, &targets, 0.1, &mut y, &mut losses));
        let parts: Vec<&[f32]> = (0..draw.below(5)).map(|i| &x[..x.len().saturating_sub(i / 3)]).collect();
        count.note(tree_sum(&parts, &mut y));
    }
    count.report("reductions");
}

#[test]
fn working_memory_of_hostile_sizes() {
    let mut scratch = Scratch::new();
    for len in [1 << 27, 1 << 61, 1 << 62, 1 << 63, MAX] {
        assert!(matches!(scratch.take::<f32>(len), Err(ShapeError::Memory { .. })), "{len}");
        assert!(matches!(scratch.take::<f64>(len), Err(ShapeError::Memory { .. })), "{len}");
    }
    assert!(scratch.take::<f32>(1000).is_ok());
    // A real shape, for which the machine has no memory: refused by its name, before anything is written.
    let s = Conv2d {
        batch: 1,
        in_channels: 1,
        height: 1,
        width: 1 << 20,
        out_channels: 1,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [1, 1],
    };
    let (x, w, mut y) = (vec![1.0_f32; 1 << 20], vec![1.0; 9], vec![-1.0; 1 << 20]);
    let error = conv2d(&s, &x, &w, None, &mut y, &mut scratch).unwrap_err();
    assert!(matches!(error, ShapeError::Memory { op: "conv2d", .. }), "{error}");
    assert!(y.iter().all(|&y| y == -1.0));
}
