//! Parallel loops whose results do not depend on scheduling.

use core::sync::atomic::{AtomicUsize, Ordering};

use crate::error::check_len;
use crate::{Float, ShapeError};

/// Calls `f(item, slot)` once for every item in `0..items`, on the threads of the current rayon pool.
///
/// Each slot is worked by one thread at a time: it first takes the item of its own index, then whichever item is next
/// free. What `f` writes for an item must depend on that item only, never on what its slot did before; then results are
/// the same for any number of threads. Allocates nothing when called from inside a rayon pool.
///
/// ```
/// use std::sync::atomic::{AtomicU64, Ordering};
/// let squares: Vec<AtomicU64> = (0..10).map(|_| AtomicU64::new(0)).collect();
/// nl_kernels::for_each_shard(10, &mut [(), ()], |i, ()| squares[i].store((i * i) as u64, Ordering::Relaxed));
/// assert_eq!(squares[7].load(Ordering::Relaxed), 49);
/// ```
///
/// # Panics
/// If there are items but no slot.
pub fn for_each_shard<S: Send>(items: usize, slots: &mut [S], f: impl Fn(usize, &mut S) + Sync) {
    assert!(items == 0 || !slots.is_empty(), "for_each_shard: {items} items, but no slot to work in; pass one slot");
    let used = slots.len().min(items);
    let next = AtomicUsize::new(used);
    run_slots(0, &mut slots[..used], items, &next, &f);
}

fn run_slots<S: Send, F: Fn(usize, &mut S) + Sync>(
    first: usize,
    slots: &mut [S],
    items: usize,
    next: &AtomicUsize,
    f: &F,
) {
    match slots {
        [] => {}
        [slot] => {
            let mut item = first;
            while item < items {
                f(item, slot);
                item = next.fetch_add(1, Ordering::Relaxed);
            }
        }
        _ => {
            let half = slots.len().div_ceil(2);
            let (left, right) = slots.split_at_mut(half);
            rayon::join(|| run_slots(first, left, items, next, f), || run_slots(first + half, right, items, next, f));
        }
    }
}

/// A slice in fixed chunks, the last one shorter, that the tasks of [`for_each_shard`] write each their own of.
pub(crate) struct Chunks<'a, T> {
    start: *mut T,
    len: usize,
    chunk: usize,
    borrow: core::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: a shared `Chunks` gives access to elements only by `get`, whose callers promise not to share a chunk; elements
// then move between threads as `&mut T` would, which `T: Send` allows.
unsafe impl<T: Send> Sync for Chunks<'_, T> {}

impl<'a, T> Chunks<'a, T> {
    pub(crate) fn new(slice: &'a mut [T], chunk: usize) -> Self {
        Self { start: slice.as_mut_ptr(), len: slice.len(), chunk, borrow: core::marker::PhantomData }
    }

    /// Chunk `i`, empty past the end.
    ///
    /// # Safety
    /// No two live references to the same chunk.
    #[allow(clippy::mut_from_ref, reason = "the point of the type; distinctness is the caller's promise")]
    pub(crate) unsafe fn get(&self, i: usize) -> &mut [T] {
        let from = i.saturating_mul(self.chunk).min(self.len);
        let len = self.chunk.min(self.len - from);
        // SAFETY: from + len <= self.len of the slice borrowed for 'a; chunks are disjoint, and the caller uses each
        // one once at a time.
        unsafe { core::slice::from_raw_parts_mut(self.start.add(from), len) }
    }
}

/// Elements per task of [`tree_sum`]: a fixed number, so that pieces do not depend on the number of threads.
const RANGE: usize = 4096;
/// Elements summed at a time within a task; partial sums of one block for every level of the tree stay in L1.
const BLOCK: usize = 64;

/// out\[e\] = Σ_p parts\[p\]\[e\] by the fixed pairwise tree ((p0 + p1) + (p2 + p3)) + …, on the current rayon pool.
///
/// Parts 0, 2, 4 … are joined with their right neighbour, an odd one out moves up alone, and so on until one is left:
/// the same bits for any number of threads. No parts give zeros.
///
/// ```
/// let mut out = [0.0_f32; 2];
/// nl_kernels::tree_sum(&[&[1.0, 2.0], &[3.0, 4.0], &[5.0, 6.0]], &mut out)?;
/// assert_eq!(out, [9.0, 12.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if a part is not as long as `out`.
pub fn tree_sum<T: Float>(parts: &[&[T]], out: &mut [T]) -> Result<(), ShapeError> {
    for part in parts {
        check_len("tree_sum", "part", part.len(), out.len())?;
    }
    sum_range(parts, 0, out);
    Ok(())
}

/// Splits at fixed multiples of [`RANGE`], then sums block by block.
fn sum_range<T: Float>(parts: &[&[T]], start: usize, out: &mut [T]) {
    if out.len() > RANGE {
        let half = (out.len() / 2).next_multiple_of(RANGE).min(out.len());
        if half < out.len() {
            let (left, right) = out.split_at_mut(half);
            rayon::join(|| sum_range(parts, start, left), || sum_range(parts, start + half, right));
            return;
        }
    }
    for (i, block) in out.chunks_mut(BLOCK).enumerate() {
        sum_block(parts, start + i * BLOCK, block);
    }
}

/// The tree over one block. Subtrees of 1, 2, 4 … parts are kept like the digits of a binary counter: the sum of parts
/// so far is a stack of full subtrees, and equal neighbours merge as they appear.
fn sum_block<T: Float>(parts: &[&[T]], start: usize, out: &mut [T]) {
    // 64 levels would hold 2^64 parts; 32 are more than a slice of slices can address in practice.
    let mut stack = [[T::ZERO; BLOCK]; 32];
    let mut heights = [0_u32; 32];
    let mut depth = 0;
    let n = out.len();
    for part in parts {
        stack[depth][..n].copy_from_slice(&part[start..start + n]);
        heights[depth] = 0;
        depth += 1;
        while depth >= 2 && heights[depth - 1] == heights[depth - 2] {
            merge(&mut stack, depth, n);
            depth -= 1;
            heights[depth - 1] += 1;
        }
    }
    // What is left over moves up alone until it meets its left neighbour.
    while depth >= 2 {
        merge(&mut stack, depth, n);
        depth -= 1;
    }
    if depth == 0 { out.fill(T::ZERO) } else { out.copy_from_slice(&stack[0][..n]) }
}

fn merge<T: Float>(stack: &mut [[T; BLOCK]; 32], depth: usize, n: usize) {
    let (left, right) = stack.split_at_mut(depth - 1);
    for (a, b) in left[depth - 2][..n].iter_mut().zip(&right[0][..n]) {
        *a += *b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::sync::atomic::AtomicU32;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    #[test]
    fn every_item_once_and_own_index_first() {
        for threads in 1..=3 {
            for items in [0, 1, 2, 3, 7, 50] {
                for slots in 1..=4 {
                    let counts: Vec<AtomicU32> = (0..items).map(|_| AtomicU32::new(0)).collect();
                    let mut seen: Vec<Vec<usize>> = vec![Vec::new(); slots];
                    pool(threads).install(|| {
                        for_each_shard(items, &mut seen, |i, slot| {
                            counts[i].fetch_add(1, Ordering::Relaxed);
                            slot.push(i);
                        });
                    });
                    assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1));
                    for (index, slot) in seen.iter().enumerate() {
                        assert_eq!(slot.first().copied(), (index < items).then_some(index));
                    }
                }
            }
        }
    }

    /// The definition, level by level.
    fn naive(parts: &[Vec<f32>], e: usize) -> f32 {
        let mut level: Vec<f32> = parts.iter().map(|p| p[e]).collect();
        while level.len() > 1 {
            level = level.chunks(2).map(|c| if c.len() == 2 { c[0] + c[1] } else { c[0] }).collect();
        }
        level.first().copied().unwrap_or(0.0)
    }

    #[test]
    fn tree_is_the_fixed_pairwise_tree() {
        use rand::RngExt;
        let mut rng: rand_chacha::ChaCha8Rng = rand::SeedableRng::seed_from_u64(1);
        for count in (0..=17).chain([31, 32, 33, 100]) {
            for len in [0, 1, 63, 64, 65, 200] {
                let parts: Vec<Vec<f32>> =
                    (0..count).map(|_| (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()).collect();
                let views: Vec<&[f32]> = parts.iter().map(Vec::as_slice).collect();
                let mut out = vec![f32::NAN; len];
                tree_sum(&views, &mut out).unwrap();
                for e in 0..len {
                    assert_eq!(out[e].to_bits(), naive(&parts, e).to_bits(), "{count} parts, element {e}");
                }
            }
        }
    }

    #[test]
    fn tree_sum_has_the_same_bits_on_any_number_of_threads() {
        let len = 3 * RANGE + 17;
        let parts: Vec<Vec<f32>> = (0..7).map(|p| (0..len).map(|e| ((p * 31 + e) as f32).sin()).collect()).collect();
        let views: Vec<&[f32]> = parts.iter().map(Vec::as_slice).collect();
        let run = |threads| {
            let mut out = vec![0.0; len];
            pool(threads).install(|| tree_sum(&views, &mut out)).unwrap();
            out
        };
        let one = run(1);
        assert_eq!(one, run(2));
        assert_eq!(one, run(3));
        assert!(tree_sum(&views, &mut [0.0; 3]).is_err());
    }
}
