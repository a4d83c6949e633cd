//! The convolutions allocate nothing once their scratch has seen the shapes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use nl_kernels::{
    Conv2d, ConvBlock, Scratch, ShapeError, conv_block, conv_block_grad, conv2d, conv2d_grad_input, conv2d_grad_weight,
};

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
struct Counting;

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are those `System` asks for.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above; `System` made the pointer.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn conv(channels: [usize; 2], side: usize, [kernel, stride, padding]: [usize; 3]) -> Conv2d {
    Conv2d {
        batch: 4,
        in_channels: channels[0],
        height: side,
        width: side,
        out_channels: channels[1],
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: [padding; 2],
    }
}

#[test]
fn the_third_round_allocates_nothing() -> Result<(), ShapeError> {
    let shapes = [
        (conv([1, 16], 28, [5, 1, 2]), false),
        (conv([16, 32], 28, [3, 1, 1]), true),
        (conv([32, 64], 14, [3, 1, 1]), true),
        (conv([64, 64], 7, [3, 1, 1]), false),
        (conv([3, 10], 9, [2, 2, 0]), true),
        (conv([16, 32], 14, [4, 2, 1]), false),
    ];
    let longest = |f: fn(&Conv2d) -> usize| shapes.iter().map(|(conv, _)| f(conv)).max().unwrap_or(0);
    let mut x = vec![0.5_f32; longest(Conv2d::input_len)];
    let mut w = vec![0.1_f32; longest(Conv2d::weight_len)];
    let (mut y, dy) = (vec![0.0_f32; longest(Conv2d::output_len)], vec![0.25_f32; longest(Conv2d::output_len)]);
    let (mut dx, mut dw, mut b) = (x.clone(), w.clone(), vec![0.0_f32; 64]);
    let mut places = vec![0_u8; y.len()];
    let mut scratch = Scratch::new();
    let mut counts = Vec::with_capacity(3);
    for _ in 0..3 {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for (conv, pool) in shapes {
            let block = ConvBlock { conv, pool };
            let (x, w) = (&mut x[..conv.input_len()], &mut w[..conv.weight_len()]);
            let (dx, dw) = (&mut dx[..conv.input_len()], &mut dw[..conv.weight_len()]);
            let b = &mut b[..conv.out_channels];
            let z = &mut y[..conv.output_len()];
            conv2d(&conv, x, w, Some(b), z, &mut scratch)?;
            conv2d_grad_input(&conv, &dy[..conv.output_len()], w, dx, &mut scratch)?;
            conv2d_grad_weight(&conv, x, &dy[..conv.output_len()], dw, &mut scratch)?;
            let (y, places) = (&mut y[..block.output_len()], &mut places[..block.output_len()]);
            conv_block(&block, x, w, b, y, pool.then_some(&mut *places), &mut scratch)?;
            let (argmax, dy) = (pool.then_some(&*places), &dy[..block.output_len()]);
            conv_block_grad(&block, x, w, y, argmax, dy, Some(dx), dw, b, &mut scratch)?;
        }
        counts.push(ALLOCATIONS.load(Ordering::Relaxed) - before);
    }
    assert!(counts[0] > 0, "the counter counts");
    assert_eq!(counts[2], 0, "allocations per round: {counts:?}");
    Ok(())
}
