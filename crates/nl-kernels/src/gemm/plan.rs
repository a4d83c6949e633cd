//! The loops around the register tile: which operand is packed, and in what blocks.
//!
//! The tile broadcasts numbers of its left operand and loads registers of its right one. Blocks are sized so that a
//! panel of the left operand (`ROWS × kc`) stays in L1 while a block of the right one (`kc × nc`) streams from L2, the
//! roles of the BLIS loops with rows and columns exchanged, because our matrices are row-major.
//!
//! Bits: an element of C is Σ over blocks of kc, in order, each summed in the order of k by one fused multiply-add per
//! term. Only the orientation and kc enter, and [`Plan::new`] takes both from the whole problem; so any split of C into
//! pieces, on any number of threads, gives the same bits.

use crate::scratch::Buffer;
use crate::size::{elements, product};
use crate::{Float, Level, Scratch, ShapeError};

use super::kernel::{self, Job, Left};
use super::pack;

/// Terms of a sum that are done at a time.
const KC: usize = 384;
/// Bytes of the right operand that may occupy L2.
const L2_BYTES: usize = 512 * 1024;
/// Bytes of the left operand packed at a time; they live in L3.
const L3_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of the right operand that are re-read from L1 when it is not packed and too large for L2.
const L1_BYTES: usize = 20 * 1024;

/// A matrix by pointer and strides.
#[derive(Clone, Copy)]
pub(super) struct View<P> {
    pub ptr: P,
    pub row: usize,
    pub col: usize,
}

impl<P> View<P> {
    fn t(self) -> Self {
        Self { ptr: self.ptr, row: self.col, col: self.row }
    }
}

/// C = α A B + β C by pointers, already checked.
#[derive(Clone, Copy)]
pub(super) struct Problem<T> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub alpha: T,
    pub beta: T,
    pub a: View<*const T>,
    pub b: View<*const T>,
    pub c: View<*mut T>,
}

// SAFETY: the pointers come from slices the caller borrows for the whole call, of `Send + Sync` numbers; threads are
// only ever given problems whose parts of C are disjoint.
unsafe impl<T: Float> Sync for Problem<T> {}

impl<T: Float> Problem<T> {
    /// Cᵀ = α Bᵀ Aᵀ + β Cᵀ.
    fn t(self) -> Self {
        Self { m: self.n, n: self.m, a: self.b.t(), b: self.a.t(), c: self.c.t(), ..self }
    }

    /// The same for rows `i .. i + m` of C only.
    pub(super) fn rows(&self, i: usize, m: usize) -> Self {
        let (a, c) = (self.a.ptr.wrapping_add(i * self.a.row), self.c.ptr.wrapping_add(i * self.c.row));
        Self { m, a: View { ptr: a, ..self.a }, c: View { ptr: c, ..self.c }, ..*self }
    }

    /// The same for columns `j .. j + n` of C only.
    pub(super) fn cols(&self, j: usize, n: usize) -> Self {
        let (b, c) = (self.b.ptr.wrapping_add(j * self.b.col), self.c.ptr.wrapping_add(j * self.c.col));
        Self { n, b: View { ptr: b, ..self.b }, c: View { ptr: c, ..self.c }, ..*self }
    }
}

/// How a problem is computed: everything that its bits depend on.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    level: Level,
    kc: usize,
}

impl Plan {
    /// The plan, and the problem in the orientation it is for.
    pub(super) fn new<T: Float>(level: Level, problem: Problem<T>) -> (Self, Problem<T>) {
        let flipped = problem.t();
        let problem = if cost(level, &flipped) < cost(level, &problem) { flipped } else { problem };
        let (_, strip) = kernel::tile_shape::<T>(level);
        // A narrow right operand fits L2 at more terms than KC.
        let most = (L2_BYTES / 2 / size_of::<T>() / problem.n.max(strip / 2)).max(KC);
        let blocks = problem.k.div_ceil(most).max(1);
        (Self { level, kc: problem.k.div_ceil(blocks) }, problem)
    }
}

/// Estimated cycles of the tile and of the copies around it: a broadcast product costs one register operation per
/// register of a row, a transposing copy a third of a cycle per element.
fn cost<T: Float>(level: Level, p: &Problem<T>) -> f64 {
    let (rows, strip) = kernel::tile_shape::<T>(level);
    let lanes = strip / 2;
    let (m, n, k) = (p.m as f64, p.n as f64, p.k as f64);
    let product = m * p.n.div_ceil(lanes) as f64 * k;
    let right = if p.b.col == 1 { 0.0 } else { k * n / 3.0 };
    let left = if p.a.row != 1 && p.n > 4 * strip { m * k / 3.0 } else { 0.0 };
    let out = if p.c.col == 1 { 0.0 } else { m * n };
    // Few rows leave the multipliers waiting for their own results: four sums must be under way.
    let idle = if p.m < 4.min(rows) && p.n < strip { product } else { 0.0 };
    product + right + left + out + idle
}

/// What a problem's blocks are: which operands are packed, and how many rows and columns at a time.
#[derive(Clone, Copy)]
struct Blocks {
    pack_a: bool,
    pack_b: bool,
    mc: usize,
    nc: usize,
    strip: usize,
}

impl Blocks {
    fn new<T: Float>(plan: Plan, p: &Problem<T>) -> Self {
        let Plan { level, kc } = plan;
        let (rows, tile) = kernel::tile_shape::<T>(level);
        let strip = if p.n <= tile / 2 { tile / 2 } else { tile };
        let (groups, strips, size) = (p.m.div_ceil(rows), p.n.div_ceil(strip), size_of::<T>());
        let small_b = elements(&[p.k, p.n, size]) <= L2_BYTES / 2;
        let pack_b = p.b.col != 1 || (groups > 4 && !small_b);
        let nc = if pack_b {
            L2_BYTES / size / kc
        } else if groups == 1 || small_b {
            p.n
        } else {
            L1_BYTES / size / kc
        };
        let nc = (nc / strip * strip).clamp(strip, p.n.next_multiple_of(strip));
        let pack_a = strips > 6 && (p.a.row != 1 || elements(&[p.k, p.m, size]) > L1_BYTES);
        let mc = if pack_a { (L3_BYTES / size / kc).clamp(rows, p.m.max(rows)) } else { p.m };
        Self { pack_a, pack_b, mc, nc, strip }
    }
}

/// Working memory of a problem: its own C, a block of the left operand and one of the right one, each empty if not needed.
pub(super) type Buffers<T> = [Buffer<T>; 3];

impl Plan {
    /// The working memory of `problem`, which [`Plan::new`] oriented (or a part of it).
    pub(super) fn buffers<T: Float>(
        self,
        op: &'static str,
        problem: &Problem<T>,
        scratch: &mut Scratch,
    ) -> Result<Buffers<T>, ShapeError> {
        let p = problem;
        let Blocks { pack_a, pack_b, mc, nc, .. } = Blocks::new(self, p);
        let dense = if p.c.col == 1 { 0 } else { product(op, "a transposed result", &[p.m, p.n])? };
        let left = if pack_a { product(op, "a block of A", &[mc.min(p.m), self.kc])? } else { 0 };
        let right = if pack_b { product(op, "a block of B", &[nc, self.kc])? } else { 0 };
        scratch.take_all(op, [dense, left, right])
    }
}

/// Solves `problem`, oriented by [`Plan::new`] (or a part of one: some rows or columns of C); returns the buffers.
///
/// # Safety
/// The CPU has the plan's level; the pointers are valid for their shapes; C overlaps neither A nor B; the buffers are
/// those of [`Plan::buffers`] for this plan and problem.
pub(super) unsafe fn solve<T: Float>(plan: Plan, problem: &Problem<T>, buffers: Buffers<T>) -> Buffers<T> {
    let p = *problem;
    let [mut dense, mut left, mut right] = buffers;
    let packed = [&mut left, &mut right].map(|buffer| buffer.as_mut_slice().as_mut_ptr());
    if p.c.col == 1 {
        // SAFETY: the caller's promise, and columns of C are contiguous.
        unsafe { blocks(plan, &p, packed) };
        return [dense, left, right];
    }
    let sums = dense.as_mut_slice().as_mut_ptr();
    let c = View { ptr: sums, row: p.n, col: 1 };
    // SAFETY: as above, with a C of our own; then each element of the caller's C is touched once.
    unsafe {
        blocks(plan, &Problem { alpha: T::ONE, beta: T::ZERO, c, ..p }, packed);
        for j in 0..p.n {
            for i in 0..p.m {
                let (sum, cell) = (*sums.add(i * p.n + j), p.c.ptr.add(i * p.c.row + j * p.c.col));
                *cell = if p.beta == T::ZERO { p.alpha * sum } else { p.alpha * sum + p.beta * *cell };
            }
        }
    }
    [dense, left, right]
}

/// The loop nest over blocks of k, of rows and of columns.
///
/// # Safety
/// As [`solve`]; columns of C are contiguous; the pointers are to the buffers for blocks of the left and right operand.
unsafe fn blocks<T: Float>(plan: Plan, p: &Problem<T>, [left_ptr, right_ptr]: [*mut T; 2]) {
    let Plan { level, kc } = plan;
    let (rows, _) = kernel::tile_shape::<T>(level);
    let Blocks { pack_a, pack_b, mc, nc, strip } = Blocks::new(plan, p);
    for pc in (0..p.k).step_by(kc) {
        let k = kc.min(p.k - pc);
        let beta = if pc == 0 { p.beta } else { T::ONE };
        for ic in (0..p.m).step_by(mc) {
            let m = mc.min(p.m - ic);
            // SAFETY: blocks lie inside the shapes; the buffers hold a whole block (of at most mc rows, nc columns).
            unsafe {
                let a = p.a.ptr.add(ic * p.a.row + pc * p.a.col);
                if pack_a {
                    pack::left(a, p.a.row, p.a.col, m, k, left_ptr, rows);
                }
                for jc in (0..p.n).step_by(nc) {
                    let n = nc.min(p.n - jc);
                    let b = p.b.ptr.add(pc * p.b.row + jc * p.b.col);
                    if pack_b {
                        pack::right(b, p.b.row, p.b.col, k, n, right_ptr, strip);
                    }
                    let job = Job {
                        m,
                        n,
                        k,
                        a: if pack_a { left_ptr.cast_const() } else { a },
                        left: if pack_a { Left::Packed } else { Left::Strided { row: p.a.row, col: p.a.col } },
                        b: if pack_b { right_ptr.cast_const() } else { b },
                        b_row: if pack_b { strip } else { p.b.row },
                        b_strip: if pack_b { strip * k } else { strip },
                        c: p.c.ptr.add(ic * p.c.row + jc),
                        c_row: p.c.row,
                        alpha: p.alpha,
                        beta,
                    };
                    T::run(level, &job);
                }
            }
        }
    }
}
