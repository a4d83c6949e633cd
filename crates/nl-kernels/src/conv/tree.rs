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

/// Four running sums, which enter a tree after some steps.
pub(super) struct Tree<T, V> {
    /// The sums of the block under way.
    pub(super) parts: [V; 4],
    levels: [V; LEVELS],
    blocks: usize,
    steps: usize,
    block: usize,
    scalar: core::marker::PhantomData<T>,
}

impl<T: Float, V: Vector<T>> Tree<T, V> {
    /// Nothing; a block is `block` steps.
    #[inline(always)]
    pub(super) fn new(block: usize) -> Self {
        let zero = V::splat(T::ZERO);
        let (parts, levels) = ([zero; 4], [zero; LEVELS]);
        Self { parts, levels, blocks: 0, steps: 0, block, scalar: core::marker::PhantomData }
    }

    /// One step is done.
    #[inline(always)]
    pub(super) fn step(&mut self) {
        self.steps += 1;
        if self.steps == self.block {
            self.close();
        }
    }

    #[inline(always)]
    fn close(&mut self) {
        let [a, b, c, d] = self.parts;
        let mut sum = a.add(b).add(c.add(d));
        let mut depth = self.blocks.count_ones() as usize;
        for _ in 0..self.blocks.trailing_ones() {
            depth -= 1;
            sum = self.levels[depth].add(sum);
        }
        self.levels[depth] = sum;
        self.blocks += 1;
        (self.parts, self.steps) = ([V::splat(T::ZERO); 4], 0);
    }

    /// The sum of all.
    #[inline(always)]
    pub(super) fn total(mut self) -> V {
        if self.steps > 0 {
            self.close();
        }
        let mut depth = self.blocks.count_ones() as usize;
        if depth == 0 {
            return V::splat(T::ZERO);
        }
        depth -= 1;
        let mut sum = self.levels[depth];
        while depth > 0 {
            depth -= 1;
            sum = self.levels[depth].add(sum);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::conv::vector::{Kernel, run_at};

    /// Both trees over n times 0.1, and over integers, which are exact.
    struct Sums(usize);

    impl Kernel<f32> for Sums {
        type Output = [f32; 4];
        #[inline(always)]
        fn run<V: Vector<f32>>(self) -> [f32; 4] {
            let mut levels = vec![f32::NAN; LEVELS * V::LANES];
            let mut exact = levels.clone();
            let (mut tree, mut whole) = (Tree::<f32, V>::new(16), Tree::<f32, V>::new(4));
            for n in 0..self.0 {
                push(&mut levels, n, V::splat(0.1));
                push(&mut exact, n, V::splat((n % 7) as f32));
                tree.parts[n % 4] = tree.parts[n % 4].add(V::splat(0.1));
                tree.step();
                whole.parts[n % 4] = whole.parts[n % 4].add(V::splat((n % 7) as f32));
                whole.step();
            }
            let (levels, exact) = (total::<f32, V>(&levels, self.0), total::<f32, V>(&exact, self.0));
            [levels, exact, tree.total(), whole.total()].map(|sum: V| sum.to_array()[V::LANES - 1])
        }
    }

    #[test]
    fn trees_lose_nothing() {
        for level in Level::available() {
            for n in (0..70).chain([1000, 65_536, 100_003]) {
                let exact = (0..n).map(|n| (n % 7) as f32).sum::<f32>();
                let [tenths, integers, more_tenths, more_integers] = run_at(level, Sums(n));
                assert_eq!((integers, more_integers), (exact, exact), "{level}, {n} vectors");
                for sum in [tenths, more_tenths] {
                    let error = (f64::from(sum) - 0.1 * n as f64).abs();
                    assert!(error <= 3e-7 * 0.1 * n as f64, "{level}, {n} vectors: {sum}");
                }
            }
        }
    }
}
