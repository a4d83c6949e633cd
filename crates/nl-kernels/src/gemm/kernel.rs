//! The register tile and the loops right around it: C = α A B + β C for one block that fits the caches.

#[cfg(target_arch = "x86_64")]
use crate::simd::Bf16x32;
use crate::simd::{Simd, Vector, prefetch_line};
use crate::{Float, Level};

/// Terms per sum from which C is worth asking for in advance.
const FAR: usize = 64;

/// Where the broadcast operand A lies.
#[derive(Clone, Copy)]
pub(crate) enum Left {
    /// Element (i, p) at `a[i · row + p · col]`.
    Strided { row: usize, col: usize },
    /// Packed by [`pack::left`](super::pack::left): panels of the rows of [`groups`], each `k × rows` contiguous.
    Packed,
}

/// One block product. Columns of B and of C are contiguous.
pub(crate) struct Job<T> {
    pub m: usize,
    pub n: usize,
    pub k: usize,
    pub a: *const T,
    pub left: Left,
    /// Element (p, j) at `b[p · b_row + (j / strip) · b_strip + j % strip]`, strip = [`strip`].
    pub b: *const T,
    pub b_row: usize,
    pub b_strip: usize,
    /// Element (i, j) at `c[i · c_row + j]`; not read if `beta` is 0.
    pub c: *mut T,
    pub c_row: usize,
    pub alpha: T,
    pub beta: T,
}

/// The shape of a level's register tile: (rows, columns).
pub(crate) fn tile_shape<T: Float>(level: Level) -> (usize, usize) {
    fn of<T, V: Vector<T>>() -> (usize, usize) {
        (V::ROWS, V::LANES * V::WIDTH)
    }
    match level {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => of::<T, <T as Simd>::Avx512>(),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => of::<T, <T as Simd>::Avx2>(),
        _ => of::<T, <T as Simd>::Portable>(),
    }
}

/// Cuts `m` rows into the fewest groups of at most `rows`, as even as possible: (start, rows) of each.
pub(crate) fn groups(m: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let count = m.div_ceil(rows);
    let (base, longer) = m.checked_div(count).map_or((0, 0), |base| (base, m % count));
    (0..count).map(move |g| (g * base + g.min(longer), base + usize::from(g < longer)))
}

/// Where a product of a generic scalar becomes code: for f32 once, here; for f64 in the crates that ask for it.
pub trait Compiled: Sized {
    /// Runs `job` with the instructions of `level`.
    ///
    /// # Safety
    /// The CPU has `level`, and all pointers of the job are valid for the elements their comments name; C aliases
    /// nothing.
    #[doc(hidden)]
    #[allow(private_interfaces, reason = "the trait is reachable only as a bound of the sealed `Float`")]
    unsafe fn run(level: Level, job: &Job<Self>);
}

#[allow(private_interfaces, reason = "as above")]
impl Compiled for f32 {
    // Neither generic nor `inline`: compiled with this crate.
    #[inline(never)]
    unsafe fn run(level: Level, job: &Job<Self>) {
        // SAFETY: the caller's promise.
        unsafe { run(level, job) }
    }
}

#[allow(private_interfaces, reason = "as above")]
impl Compiled for f64 {
    // `inline`: compiled by whoever calls it, and not at all if nobody does.
    #[inline]
    unsafe fn run(level: Level, job: &Job<Self>) {
        // SAFETY: the caller's promise.
        unsafe { run(level, job) }
    }
}

/// [`Compiled::run`] for either scalar.
///
/// # Safety
/// As there.
unsafe fn run<T: Float>(level: Level, job: &Job<T>) {
    match level {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller promises the CPU has the level and the pointers are valid.
        Level::Avx512 => unsafe { run_avx512::<T, <T as Simd>::Avx512>(job) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Level::Avx2 => unsafe { run_avx2::<T, <T as Simd>::Avx2>(job) },
        // SAFETY: as above.
        _ => unsafe { block::<T, <T as Simd>::Portable>(job) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")]
unsafe fn run_avx512<T: Float, V: Vector<T>>(job: &Job<T>) {
    // SAFETY: the caller's promise.
    unsafe { block::<T, V>(job) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn run_avx2<T: Float, V: Vector<T>>(job: &Job<T>) {
    // SAFETY: the caller's promise.
    unsafe { block::<T, V>(job) }
}

/// [`Compiled::run`] for operands whose every word is a pair of bfloat16: C = Σ over the pairs' two products, in f32.
///
/// # Safety
/// As [`Compiled::run`]; the CPU has [`Level::Avx512`] and AVX-512 BF16.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma")]
pub(crate) unsafe fn run_bf16(job: &Job<f32>) {
    // SAFETY: the caller's promise.
    unsafe { block::<f32, Bf16x32>(job) }
}

/// Loop over groups of rows; B streams past each (from L2), the group's rows of A stay in L1.
///
/// # Safety
/// As [`Compiled::run`], with `V` of that level.
#[inline(always)]
unsafe fn block<T: Float, V: Vector<T>>(job: &Job<T>) {
    for (start, rows) in groups(job.m, V::ROWS) {
        // SAFETY: `start + rows <= m`, so the group lies inside A and C.
        unsafe {
            let (a, row, col) = match job.left {
                Left::Strided { row, col } => (job.a.add(start * row), row, col),
                Left::Packed => (job.a.add(start * job.k), 1, rows),
            };
            let c = job.c.add(start * job.c_row);
            if row == 1 {
                dispatch_rows::<T, V, true>(rows, job, a, 1, col, c);
            } else {
                dispatch_rows::<T, V, false>(rows, job, a, row, col, c);
            }
        }
    }
}

/// Turns the number of rows into a constant.
///
/// # Safety
/// As [`block`]; `a` and `c` point to the first of `rows` rows.
#[inline(always)]
unsafe fn dispatch_rows<T: Float, V: Vector<T>, const UNIT: bool>(
    rows: usize,
    job: &Job<T>,
    a: *const T,
    row: usize,
    col: usize,
    c: *mut T,
) {
    // SAFETY: handed on unchanged.
    unsafe {
        match rows {
            1 => strips::<T, V, 1, UNIT>(job, a, row, col, c),
            2 => strips::<T, V, 2, UNIT>(job, a, row, col, c),
            3 => strips::<T, V, 3, UNIT>(job, a, row, col, c),
            4 => strips::<T, V, 4, UNIT>(job, a, row, col, c),
            5 if V::ROWS >= 5 => strips::<T, V, 5, UNIT>(job, a, row, col, c),
            6 if V::ROWS >= 6 => strips::<T, V, 6, UNIT>(job, a, row, col, c),
            7 if V::ROWS >= 7 => strips::<T, V, 7, UNIT>(job, a, row, col, c),
            8 if V::ROWS >= 8 => strips::<T, V, 8, UNIT>(job, a, row, col, c),
            9 if V::ROWS >= 9 => strips::<T, V, 9, UNIT>(job, a, row, col, c),
            10 if V::ROWS >= 10 => strips::<T, V, 10, UNIT>(job, a, row, col, c),
            11 if V::ROWS >= 11 => strips::<T, V, 11, UNIT>(job, a, row, col, c),
            12 if V::ROWS >= 12 => strips::<T, V, 12, UNIT>(job, a, row, col, c),
            _ => unreachable!("groups are no longer than the register tile"),
        }
    }
}

/// Loop over the columns: full strips of `WIDTH` registers, single registers, then a masked one.
///
/// # Safety
/// As [`dispatch_rows`] with `R` rows.
#[inline(always)]
unsafe fn strips<T: Float, V: Vector<T>, const R: usize, const UNIT: bool>(
    job: &Job<T>,
    a: *const T,
    row: usize,
    col: usize,
    c: *mut T,
) {
    const { assert!(V::WIDTH == 2) };
    let strip = V::LANES * V::WIDTH;
    let at = |j: usize| (j / strip) * job.b_strip + j % strip;
    let mut j = 0;
    // SAFETY: each call covers columns j .. j + its width <= n of B and C.
    unsafe {
        while job.n - j >= strip {
            // Old values of C arrive while the sums are made.
            if job.k >= FAR {
                for r in 0..R {
                    let cells = c.add(r * job.c_row + j);
                    prefetch_line(cells);
                    prefetch_line(cells.add(strip - 1));
                }
            }
            let acc = product::<T, V, R, 2, UNIT, false>(job, a, row, col, job.b.add(at(j)), V::first(V::LANES));
            finish::<T, V, R, 2, false>(&acc, job, c.add(j), V::first(V::LANES));
            j += strip;
        }
        while job.n - j >= V::LANES {
            let acc = product::<T, V, R, 1, UNIT, false>(job, a, row, col, job.b.add(at(j)), V::first(V::LANES));
            finish::<T, V, R, 1, false>(&acc, job, c.add(j), V::first(V::LANES));
            j += V::LANES;
        }
        if j < job.n {
            let mask = V::first(job.n - j);
            let acc = product::<T, V, R, 1, UNIT, true>(job, a, row, col, job.b.add(at(j)), mask);
            finish::<T, V, R, 1, true>(&acc, job, c.add(j), mask);
        }
    }
}

/// The register tile: acc\[r\]\[w\] = Σ_p a\[r, p\] · b\[p, w-th register\], in the order of p.
///
/// # Safety
/// `a` is valid for `R` rows and `k` columns, `b` for `k` rows of `W` registers (of which only the masked lanes of the
/// single one if `MASKED`).
#[inline(always)]
unsafe fn product<T: Float, V: Vector<T>, const R: usize, const W: usize, const UNIT: bool, const MASKED: bool>(
    job: &Job<T>,
    mut a: *const T,
    row: usize,
    col: usize,
    mut b: *const T,
    mask: V::Mask,
) -> [[V; W]; R] {
    // SAFETY: offsets stay inside the rows and columns the caller vouches for; the pointers are advanced with wrapping
    // arithmetic because the last advance leaves the operand.
    unsafe {
        let mut acc = [[V::splat(T::ZERO); W]; R];
        for _ in 0..job.k {
            let mut lanes = [V::splat(T::ZERO); W];
            for w in 0..W {
                lanes[w] = if MASKED { V::load_first(b, mask) } else { V::load(b.add(w * V::LANES)) };
            }
            for r in 0..R {
                let x = V::splat(*a.add(if UNIT { r } else { r * row }));
                for w in 0..W {
                    acc[r][w] = x.mul_add(lanes[w], acc[r][w]);
                }
            }
            a = a.wrapping_add(col);
            b = b.wrapping_add(job.b_row);
        }
        acc
    }
}

/// C = α acc + β C; β = 0 does not read C.
///
/// # Safety
/// `c` is valid for `R` rows of `W` registers (of the masked lanes of the single one if `MASKED`).
#[inline(always)]
unsafe fn finish<T: Float, V: Vector<T>, const R: usize, const W: usize, const MASKED: bool>(
    acc: &[[V; W]; R],
    job: &Job<T>,
    c: *mut T,
    mask: V::Mask,
) {
    // SAFETY: the caller vouches for the cells of C.
    unsafe {
        let (alpha, beta) = (V::splat(job.alpha), V::splat(job.beta));
        for r in 0..R {
            for w in 0..W {
                let cell = c.add(r * job.c_row + w * V::LANES);
                let value = if job.beta == T::ZERO {
                    acc[r][w].mul(alpha)
                } else {
                    let old = if MASKED { V::load_first(cell, mask) } else { V::load(cell) };
                    acc[r][w].mul_add(alpha, old.mul(beta))
                };
                if MASKED { value.store_first(cell, mask) } else { value.store(cell) }
            }
        }
    }
}
