//! The filter's product in bfloat16: twice the multiplications per instruction, and what they lose.
//!
//! Rounding to the nearest of 8 significant bits changes a number by at most 2⁻⁸ of it, so for rounded q̂ and x̂, by
//! Cauchy and Schwarz,
//!
//!   |q̂·x̂ − q·x| <= |q̂ − q||x̂| + |q||x̂ − x| <= (2 · 2⁻⁸ + 2⁻¹⁶) |q||x|.
//!
//! Products of two such numbers are exact in f32; their sum loses at most (dim + c) u Σ|q̂ᵢ||x̂ᵢ|, for which twice the
//! slack of f32 products is allowed. The instructions take denormals for zero and flush results to it: a loss of at
//! most 2⁻¹²⁶ (|qᵢ| + |xᵢ| + 2) per component, below 10⁻¹³ |q||x| for norms that [`fits`] lets pass, which the allowance
//! covers as well. Nor can such norms overflow. A NaN stays one.

use crate::Level;
use crate::gemm::kernel::Job;

/// Witness that the CPU has AVX-512 and its BF16 instructions.
#[derive(Clone, Copy)]
pub(super) struct Bf16(());

/// The s of the bound.
pub(super) fn slack(dim: usize) -> f64 {
    const UNIT: f64 = 1.0 / 256.0;
    2.0 * UNIT + UNIT * UNIT + 2.0 * super::slack(dim)
}

/// Whether vectors of this |x|² neither underflow nor overflow.
#[inline(always)]
pub(super) fn fits(norm: f64) -> bool {
    norm == 0.0 || (1e-24..1e24).contains(&norm)
}

/// Words of 32 bits that `dim` numbers take, two in each.
pub(super) fn words(dim: usize) -> usize {
    dim.div_ceil(2)
}

impl Bf16 {
    /// The witness, if `level` allows AVX-512 and the CPU has the instructions.
    pub(super) fn detect(level: Level) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        let has = is_x86_feature_detected!("avx512bf16");
        #[cfg(not(target_arch = "x86_64"))]
        let has = false;
        (has && level.min(Level::detect()) >= Level::Avx512).then_some(Self(()))
    }

    /// Rounds rows of `dim` numbers to nearest, to rows of [`words`]; an odd row ends in a zero.
    pub(super) fn round(self, dim: usize, rows: &[f32], out: &mut [f32]) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the witness says that the CPU has the instructions.
        unsafe {
            round(dim, rows, out);
        }
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!("no witness without the instructions: {dim} {rows:?} {out:?}");
    }

    /// Runs a product whose operands are rounded.
    ///
    /// # Safety
    /// All pointers of the job are valid for the elements their comments name; C aliases nothing.
    pub(super) unsafe fn run(self, job: &Job<f32>) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the witness says that the CPU has the instructions; the rest is the caller's promise.
        unsafe {
            crate::gemm::kernel::run_bf16(job);
        }
        #[cfg(not(target_arch = "x86_64"))]
        unreachable!("no witness without the instructions: {}", job.m);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
fn round(dim: usize, rows: &[f32], out: &mut [f32]) {
    use core::arch::x86_64::{__m256bh, __m256i, _mm256_mask_storeu_epi16, _mm512_cvtneps_pbh, _mm512_maskz_loadu_ps};
    const LANES: usize = 16;
    let first = |n: usize| ((1_u32 << n.min(LANES)) - 1) as u16;
    for (row, out) in rows.chunks_exact(dim).zip(out.chunks_exact_mut(words(dim))) {
        let halves = 2 * out.len();
        let out = out.as_mut_ptr().cast::<i16>();
        for at in (0..dim).step_by(LANES) {
            // SAFETY: the masks let through the dim − at numbers left of the row and the halves − at half words left
            // of the output, at most 16 of each; a __m256bh is 256 plain bits.
            unsafe {
                let x = _mm512_maskz_loadu_ps(first(dim - at), row.as_ptr().add(at));
                let x = core::mem::transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(x));
                _mm256_mask_storeu_epi16(out.add(at), first(halves - at), x);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gemm::kernel::Left;

    /// Round to nearest, ties to even, by its definition; denormals to zero.
    fn nearest(x: f32) -> f32 {
        if x.is_subnormal() {
            return 0.0_f32.copysign(x);
        }
        let bits = x.to_bits();
        f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff_0000)
    }

    #[test]
    fn rows_are_rounded_to_nearest_in_pairs() {
        let Some(bf16) = Bf16::detect(Level::detect()) else { return };
        for dim in 1..70 {
            let rows: Vec<f32> =
                (0..3 * dim).map(|i| (1.0 + i as f32 / 512.0) * [1.0, -3e-39, 1e30, -7e-20][i % 4]).collect();
            let mut out = vec![f32::NAN; 3 * words(dim)];
            bf16.round(dim, &rows, &mut out);
            for (row, out) in rows.chunks(dim).zip(out.chunks(words(dim))) {
                for (i, &x) in row.iter().enumerate() {
                    let got = f32::from_bits(out[i / 2].to_bits() >> (16 * (i % 2)) << 16);
                    assert_eq!(got, nearest(x), "{x:e} at {i} of {dim}");
                }
                assert!(dim % 2 == 0 || out[dim / 2].to_bits() >> 16 == 0);
            }
        }
    }

    #[test]
    fn products_are_as_close_as_the_bound_says() {
        let Some(bf16) = Bf16::detect(Level::detect()) else { return };
        for dim in [1, 2, 5, 16, 33, 128, 513] {
            for scale in [1e-12_f32, 1.0, 1e9] {
                // Half way between two numbers of bfloat16: the worst there is.
                let q: Vec<f32> = (0..dim).map(|i| scale * (1.0 + (2 * (i % 2) + 1) as f32 / 256.0)).collect();
                let x: Vec<f32> = (0..dim).map(|i| 1.0 + (4 * (i % 3) + 1) as f32 / 256.0).collect();
                let (mut left, mut right) = (vec![0.0; words(dim)], vec![0.0; words(dim)]);
                bf16.round(dim, &q, &mut left);
                bf16.round(dim, &x, &mut right);
                // One row against sixteen lanes that hold the same.
                let lanes: Vec<f32> = right.iter().flat_map(|&pair| [pair; 16]).collect();
                let mut c = [f32::NAN; 16];
                let job = Job {
                    m: 1,
                    n: 16,
                    k: words(dim),
                    a: left.as_ptr(),
                    left: Left::Strided { row: words(dim), col: 1 },
                    b: lanes.as_ptr(),
                    b_row: 16,
                    b_strip: 0,
                    c: c.as_mut_ptr(),
                    c_row: 16,
                    alpha: 1.0,
                    beta: 0.0,
                };
                // SAFETY: one row of k words, k rows of 16, one row of 16.
                unsafe { bf16.run(&job) };
                let dot =
                    |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
                let bound = slack(dim) * (dot(&q, &q) * dot(&x, &x)).sqrt();
                for c in c {
                    let error = (f64::from(c) - dot(&q, &x)).abs();
                    assert!(error <= bound, "dim {dim}: {error:e} off, {bound:e} allowed");
                }
            }
        }
    }
}
