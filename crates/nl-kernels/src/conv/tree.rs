//! Sums of many vectors in a fixed pairwise order: the gradient of a bias, over the pixels of all images.
//!
//! A running sum of n like terms in f32 errs by up to n/2 ε; blocks that meet in a tree err by log₂ n ε. The tree is a
//! binary counter: vector number n finds as many full subtrees before it as n has ones, and closes as many as it has
//! trailing ones.

use super::vector::Vector;
use crate::Float;

/// Vectors kept at once, enough for 2⁴⁸ of them.
pub(super) const LEVELS: usize = 48;

/// Enters vector number `n`, counted from 0, into the tree that `levels` holds; its contents before the first vector do
/// not matter.
#[inline(always)]
pub(super) fn push<T: Float, V: Vector<T>>(levels: &mut [T], n: usize, vector: V) {
    let depth = n.count_ones() as usize;
    let merges = n.trailing_ones() as usize;
    let levels = &mut levels[..LEVELS * V::LANES];
    let mut sum = vector;
    for level in (depth - merges..depth).rev() {
        // SAFETY: the slice has LANES elements.
        sum = unsafe { V::load(levels[level * V::LANES..][..V::LANES].as_ptr()) }.add(sum);
    }
    // SAFETY: as above.
    unsafe { sum.store(levels[(depth - merges) * V::LANES..][..V::LANES].as_mut_ptr()) }
}

/// The sum of the first `n` vectors.
#[inline(always)]
pub(super) fn total<T: Float, V: Vector<T>>(levels: &[T], n: usize) -> V {
    let mut sum = V::splat(T::ZERO);
    for level in (0..n.count_ones() as usize).rev() {
        // SAFETY: the slice has LANES elements.
        let part: V = unsafe { V::load(levels[level * V::LANES..][..V::LANES].as_ptr()) };
        sum = part.add(sum);
    }
    sum
}

/// Vectors that are summed before they enter the tree, in four running sums.
pub(super) const BLOCK: usize = 64;

/// Blocks in `len` numbers of whole vectors: what [`push_all`] enters.
pub(super) const fn blocks<T: Float, V: Vector<T>>(len: usize) -> usize {
    (len / V::LANES).div_ceil(BLOCK)
}

/// Enters the vectors of `lanes` after `n` others, in blocks of [`BLOCK`].
#[inline(always)]
pub(super) fn push_all<T: Float, V: Vector<T>>(levels: &mut [T], n: usize, lanes: &[T]) {
    for (block, lanes) in lanes.chunks(BLOCK * V::LANES).enumerate() {
        let mut parts = [V::splat(T::ZERO); 4];
        for (i, lane) in lanes.chunks_exact(V::LANES).enumerate() {
            // SAFETY: the chunk has LANES elements.
            parts[i % 4] = parts[i % 4].add(unsafe { V::load(lane.as_ptr()) });
        }
        push(levels, n + block, parts[0].add(parts[1]).add(parts[2].add(parts[3])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::conv::vector::{Kernel, run_at};

    /// n times 0.1 one by one, integers (which are exact), and 0.1 in blocks.
    struct Sums(usize);

    impl Kernel<f32> for Sums {
        type Output = [f32; 3];
        #[inline(always)]
        fn run<V: Vector<f32>>(self) -> [f32; 3] {
            let mut levels = vec![f32::NAN; LEVELS * V::LANES];
            let (mut exact, mut blocked) = (levels.clone(), levels.clone());
            for n in 0..self.0 {
                push(&mut levels, n, V::splat(0.1));
                push(&mut exact, n, V::splat((n % 7) as f32));
            }
            let lanes = vec![0.1; self.0 * V::LANES];
            // In two calls, as two images are.
            let cut = self.0 / 3 * V::LANES;
            push_all::<f32, V>(&mut blocked, 0, &lanes[..cut]);
            push_all::<f32, V>(&mut blocked, blocks::<f32, V>(cut), &lanes[cut..]);
            let entered = blocks::<f32, V>(cut) + blocks::<f32, V>(lanes.len() - cut);
            let sums: [V; 3] = [total(&levels, self.0), total(&exact, self.0), total(&blocked, entered)];
            sums.map(|sum| sum.to_array()[V::LANES - 1])
        }
    }

    #[test]
    fn trees_lose_nothing() {
        for level in Level::available() {
            for n in (0..70).chain([1000, 65_536, 100_003]) {
                let exact = (0..n).map(|n| (n % 7) as f32).sum::<f32>();
                let [tenths, integers, blocked] = run_at(level, Sums(n));
                assert_eq!(integers, exact, "{level}, {n} vectors");
                for sum in [tenths, blocked] {
                    let error = (f64::from(sum) - 0.1 * n as f64).abs();
                    assert!(error <= 3e-7 * 0.1 * n as f64, "{level}, {n} vectors: {sum}");
                }
            }
        }
    }
}
