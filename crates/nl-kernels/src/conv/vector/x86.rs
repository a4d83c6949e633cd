//! 512- and 256-bit registers. One type serves both scalars: `size_of::<T>()` decides, at compile time.

use core::arch::x86_64::*;
use core::marker::PhantomData;

use super::{MAX_LANES, Vector};
use crate::{Float, Level};

/// Sixteen f32 or eight f64.
#[derive(Clone, Copy)]
pub(super) struct Zmm<T>(__m512, PhantomData<T>);
/// Eight f32 or four f64.
#[derive(Clone, Copy)]
pub(super) struct Ymm<T>(__m256, PhantomData<T>);

/// `$single` of the registers as f32 if T is f32, else `$double` of them as f64.
macro_rules! by_scalar {
    ($to_double:ident, $to_single:ident, $single:ident, $double:ident $(, $x:expr)+) => {
        Self(
            // SAFETY: a value of this module's types exists only where `run_at` found the instructions (see the head
            // of the folder); these intrinsics touch registers only.
            unsafe {
                if size_of::<T>() == 4 { $single($($x),+) } else { $to_single($double($($to_double($x)),+)) }
            },
            PhantomData,
        )
    };
}

impl<T: Float> Vector<T> for Zmm<T> {
    const LANES: usize = 64 / size_of::<T>();
    const REGISTERS: usize = 32;
    const LEVEL: Level = Level::Avx512;

    #[inline(always)]
    fn splat(x: T) -> Self {
        // SAFETY: the CPU has AVX-512 (head of the folder); T is f32 or f64, told apart by size, so the copy reads
        // exactly that type.
        Self(
            unsafe {
                if size_of::<T>() == 4 {
                    _mm512_set1_ps(core::mem::transmute_copy::<T, f32>(&x))
                } else {
                    _mm512_castpd_ps(_mm512_set1_pd(core::mem::transmute_copy::<T, f64>(&x)))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the CPU has AVX-512; the caller promises 64 readable bytes, and the load needs no alignment.
        Self(unsafe { _mm512_loadu_ps(p.cast()) }, PhantomData)
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the CPU has AVX-512; the caller promises 64 writable bytes, and the store needs no alignment.
        unsafe { _mm512_storeu_ps(p.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn load_partial(p: *const T, n: usize) -> Self {
        // SAFETY: the CPU has AVX-512; masked-off elements are not read, the others the caller promises.
        Self(
            unsafe {
                if size_of::<T>() == 4 {
                    _mm512_maskz_loadu_ps(mask(n) as __mmask16, p.cast())
                } else {
                    _mm512_castpd_ps(_mm512_maskz_loadu_pd(mask(n) as __mmask8, p.cast()))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut T, n: usize) {
        // SAFETY: the CPU has AVX-512; masked-off elements are not written, the others the caller promises.
        unsafe {
            if size_of::<T>() == 4 {
                _mm512_mask_storeu_ps(p.cast(), mask(n) as __mmask16, self.0);
            } else {
                _mm512_mask_storeu_pd(p.cast(), mask(n) as __mmask8, _mm512_castps_pd(self.0));
            }
        }
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        by_scalar!(_mm512_castps_pd, _mm512_castpd_ps, _mm512_fmadd_ps, _mm512_fmadd_pd, self.0, a.0, b.0)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self, b: Self) -> Self {
        by_scalar!(_mm512_castps_pd, _mm512_castpd_ps, _mm512_fnmadd_ps, _mm512_fnmadd_pd, self.0, a.0, b.0)
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        by_scalar!(_mm512_castps_pd, _mm512_castpd_ps, _mm512_add_ps, _mm512_add_pd, self.0, b.0)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        by_scalar!(_mm512_castps_pd, _mm512_castpd_ps, _mm512_sub_ps, _mm512_sub_pd, self.0, b.0)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        by_scalar!(_mm512_castps_pd, _mm512_castpd_ps, _mm512_mul_ps, _mm512_mul_pd, self.0, b.0)
    }
    #[inline(always)]
    fn select_le(self, bound: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the CPU has AVX-512; registers only.
        Self(
            unsafe {
                if size_of::<T>() == 4 {
                    _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_LE_OQ>(self.0, bound.0), no.0, yes.0)
                } else {
                    let (a, b) = (_mm512_castps_pd(self.0), _mm512_castps_pd(bound.0));
                    let (yes, no) = (_mm512_castps_pd(yes.0), _mm512_castps_pd(no.0));
                    _mm512_castpd_ps(_mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_LE_OQ>(a, b), no, yes))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn select_above(self, best: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the CPU has AVX-512; registers only.
        Self(
            unsafe {
                if size_of::<T>() == 4 {
                    let number = _mm512_cmp_ps_mask::<_CMP_ORD_Q>(best.0, best.0);
                    let above = _mm512_mask_cmp_ps_mask::<_CMP_NLE_UQ>(number, self.0, best.0);
                    _mm512_mask_blend_ps(above, no.0, yes.0)
                } else {
                    let (a, b) = (_mm512_castps_pd(self.0), _mm512_castps_pd(best.0));
                    let (yes, no) = (_mm512_castps_pd(yes.0), _mm512_castps_pd(no.0));
                    let number = _mm512_cmp_pd_mask::<_CMP_ORD_Q>(b, b);
                    let above = _mm512_mask_cmp_pd_mask::<_CMP_NLE_UQ>(number, a, b);
                    _mm512_castpd_ps(_mm512_mask_blend_pd(above, no, yes))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn select_eq(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the CPU has AVX-512; registers only.
        Self(
            unsafe {
                if size_of::<T>() == 4 {
                    _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_EQ_OQ>(self.0, other.0), no.0, yes.0)
                } else {
                    let (a, b) = (_mm512_castps_pd(self.0), _mm512_castps_pd(other.0));
                    let (yes, no) = (_mm512_castps_pd(yes.0), _mm512_castps_pd(no.0));
                    _mm512_castpd_ps(_mm512_mask_blend_pd(_mm512_cmp_pd_mask::<_CMP_EQ_OQ>(a, b), no, yes))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut padded = [0_u8; MAX_LANES];
        if bytes.len() >= Self::LANES {
            padded[..Self::LANES].copy_from_slice(&bytes[..Self::LANES]);
        } else {
            padded[..bytes.len()].copy_from_slice(bytes);
        }
        // SAFETY: the CPU has AVX-512; the load reads the 16 bytes of `padded`.
        Self(
            unsafe {
                let bytes = _mm_loadu_si128(padded.as_ptr().cast());
                if size_of::<T>() == 4 {
                    _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes))
                } else {
                    _mm512_castpd_ps(_mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(bytes)))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn to_bytes(self) -> [u8; MAX_LANES] {
        let mut bytes = [0_u8; MAX_LANES];
        // SAFETY: the CPU has AVX-512; the store writes the 16 bytes of `bytes`.
        unsafe {
            let integers = if size_of::<T>() == 4 {
                _mm512_cvtps_epi32(self.0)
            } else {
                _mm512_zextsi256_si512(_mm512_cvtpd_epi32(_mm512_castps_pd(self.0)))
            };
            _mm_storeu_si128(bytes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(integers));
        }
        bytes
    }
    #[inline(always)]
    fn transpose(block: &mut [Self; MAX_LANES]) {
        if size_of::<T>() == 4 {
            // SAFETY: the CPU has AVX-512; registers only.
            unsafe {
                // Pairs of rows, then fours, interleaved within each 128-bit quarter.
                let mut pairs = [_mm512_setzero_ps(); 16];
                for i in 0..8 {
                    pairs[2 * i] = _mm512_unpacklo_ps(block[2 * i].0, block[2 * i + 1].0);
                    pairs[2 * i + 1] = _mm512_unpackhi_ps(block[2 * i].0, block[2 * i + 1].0);
                }
                let mut fours = [_mm512_setzero_ps(); 16];
                for i in 0..4 {
                    for h in 0..2 {
                        let a = _mm512_castps_pd(pairs[4 * i + h]);
                        let b = _mm512_castps_pd(pairs[4 * i + 2 + h]);
                        fours[4 * i + 2 * h] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, b));
                        fours[4 * i + 2 * h + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, b));
                    }
                }
                // fours[4 i + r], quarter q = column 4 q + r of rows 4 i .. 4 i + 4: transpose the quarters.
                for r in 0..4 {
                    let (a, b, c, d) = (fours[r], fours[4 + r], fours[8 + r], fours[12 + r]);
                    let even_low = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
                    let even_high = _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d);
                    let odd_low = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
                    let odd_high = _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d);
                    block[r].0 = _mm512_shuffle_f32x4::<0b10_00_10_00>(even_low, even_high);
                    block[8 + r].0 = _mm512_shuffle_f32x4::<0b11_01_11_01>(even_low, even_high);
                    block[4 + r].0 = _mm512_shuffle_f32x4::<0b10_00_10_00>(odd_low, odd_high);
                    block[12 + r].0 = _mm512_shuffle_f32x4::<0b11_01_11_01>(odd_low, odd_high);
                }
            }
        } else {
            // SAFETY: the CPU has AVX-512; registers only.
            unsafe {
                let mut pairs = [_mm512_setzero_pd(); 8];
                for i in 0..4 {
                    let (a, b) = (_mm512_castps_pd(block[2 * i].0), _mm512_castps_pd(block[2 * i + 1].0));
                    pairs[2 * i] = _mm512_unpacklo_pd(a, b);
                    pairs[2 * i + 1] = _mm512_unpackhi_pd(a, b);
                }
                // pairs[2 i + r], quarter q = column 2 q + r of rows 2 i, 2 i + 1: transpose the quarters.
                for r in 0..2 {
                    let (a, b, c, d) = (pairs[r], pairs[2 + r], pairs[4 + r], pairs[6 + r]);
                    let even_low = _mm512_shuffle_f64x2::<0b10_00_10_00>(a, b);
                    let even_high = _mm512_shuffle_f64x2::<0b10_00_10_00>(c, d);
                    let odd_low = _mm512_shuffle_f64x2::<0b11_01_11_01>(a, b);
                    let odd_high = _mm512_shuffle_f64x2::<0b11_01_11_01>(c, d);
                    let out = [
                        _mm512_shuffle_f64x2::<0b10_00_10_00>(even_low, even_high),
                        _mm512_shuffle_f64x2::<0b10_00_10_00>(odd_low, odd_high),
                        _mm512_shuffle_f64x2::<0b11_01_11_01>(even_low, even_high),
                        _mm512_shuffle_f64x2::<0b11_01_11_01>(odd_low, odd_high),
                    ];
                    for (q, out) in out.into_iter().enumerate() {
                        block[2 * q + r].0 = _mm512_castpd_ps(out);
                    }
                }
            }
        }
    }
}

/// The lowest `n` bits.
#[inline(always)]
fn mask(n: usize) -> u32 {
    debug_assert!(n <= 16);
    (1 << n) - 1
}

/// All ones in the 32-bit words of the first `n` lanes.
///
/// # Safety
/// The CPU has AVX2.
#[inline(always)]
unsafe fn first_lanes<T>(n: usize) -> __m256i {
    debug_assert!(n <= 32 / size_of::<T>());
    let words = (n * size_of::<T>() / 4) as i32;
    // SAFETY: the caller promises AVX2; registers only.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(words), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

impl<T: Float> Vector<T> for Ymm<T> {
    const LANES: usize = 32 / size_of::<T>();
    const REGISTERS: usize = 16;
    const LEVEL: Level = Level::Avx2;

    #[inline(always)]
    fn splat(x: T) -> Self {
        // SAFETY: the CPU has AVX2 (head of the folder); T is f32 or f64, told apart by size.
        Self(
            unsafe {
                if size_of::<T>() == 4 {
                    _mm256_set1_ps(core::mem::transmute_copy::<T, f32>(&x))
                } else {
                    _mm256_castpd_ps(_mm256_set1_pd(core::mem::transmute_copy::<T, f64>(&x)))
                }
            },
            PhantomData,
        )
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the CPU has AVX2; the caller promises 32 readable bytes, and the load needs no alignment.
        Self(unsafe { _mm256_loadu_ps(p.cast()) }, PhantomData)
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the CPU has AVX2; the caller promises 32 writable bytes, and the store needs no alignment.
        unsafe { _mm256_storeu_ps(p.cast(), self.0) }
    }
    #[inline(always)]
    unsafe fn load_partial(p: *const T, n: usize) -> Self {
        // SAFETY: the CPU has AVX2; masked-off elements are not read, the others the caller promises.
        Self(unsafe { _mm256_maskload_ps(p.cast(), first_lanes::<T>(n)) }, PhantomData)
    }
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut T, n: usize) {
        // SAFETY: the CPU has AVX2; masked-off elements are not written, the others the caller promises.
        unsafe { _mm256_maskstore_ps(p.cast(), first_lanes::<T>(n), self.0) }
    }
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        by_scalar!(_mm256_castps_pd, _mm256_castpd_ps, _mm256_fmadd_ps, _mm256_fmadd_pd, self.0, a.0, b.0)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self, b: Self) -> Self {
        by_scalar!(_mm256_castps_pd, _mm256_castpd_ps, _mm256_fnmadd_ps, _mm256_fnmadd_pd, self.0, a.0, b.0)
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        by_scalar!(_mm256_castps_pd, _mm256_castpd_ps, _mm256_add_ps, _mm256_add_pd, self.0, b.0)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        by_scalar!(_mm256_castps_pd, _mm256_castpd_ps, _mm256_sub_ps, _mm256_sub_pd, self.0, b.0)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        by_scalar!(_mm256_castps_pd, _mm256_castpd_ps, _mm256_mul_ps, _mm256_mul_pd, self.0, b.0)
    }
    #[inline(always)]
    fn select_le(self, bound: Self, yes: Self, no: Self) -> Self {
        // SAFETY: the CPU has AVX2; registers only. A comparison fills the whole lane, so the f32 blend (by the
        // sign bit of each half) picks both halves of an f64 alike.
        Self(
            unsafe {
                let mask = if size_of::<T>() == 4 {
                    _mm256_cmp_ps::<_CMP_LE_OQ>(self.0, bound.0)
                } else {
                    let (a, b) = (_mm256_castps_pd(self.0), _mm256_castps_pd(bound.0));
                    _mm256_castpd_ps(_mm256_cmp_pd::<_CMP_LE_OQ>(a, b))
                };
                _mm256_blendv_ps(no.0, yes.0, mask)
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn select_above(self, best: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as in `select_le`.
        Self(
            unsafe {
                let mask = if size_of::<T>() == 4 {
                    let number = _mm256_cmp_ps::<_CMP_ORD_Q>(best.0, best.0);
                    _mm256_and_ps(number, _mm256_cmp_ps::<_CMP_NLE_UQ>(self.0, best.0))
                } else {
                    let (a, b) = (_mm256_castps_pd(self.0), _mm256_castps_pd(best.0));
                    let number = _mm256_cmp_pd::<_CMP_ORD_Q>(b, b);
                    _mm256_castpd_ps(_mm256_and_pd(number, _mm256_cmp_pd::<_CMP_NLE_UQ>(a, b)))
                };
                _mm256_blendv_ps(no.0, yes.0, mask)
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn select_eq(self, other: Self, yes: Self, no: Self) -> Self {
        // SAFETY: as in `select_le`.
        Self(
            unsafe {
                let mask = if size_of::<T>() == 4 {
                    _mm256_cmp_ps::<_CMP_EQ_OQ>(self.0, other.0)
                } else {
                    let (a, b) = (_mm256_castps_pd(self.0), _mm256_castps_pd(other.0));
                    _mm256_castpd_ps(_mm256_cmp_pd::<_CMP_EQ_OQ>(a, b))
                };
                _mm256_blendv_ps(no.0, yes.0, mask)
            },
            PhantomData,
        )
    }
    #[inline(always)]
    fn transpose(block: &mut [Self; MAX_LANES]) {
        // SAFETY: the CPU has AVX2; registers only.
        unsafe {
            if size_of::<T>() == 4 {
                let mut pairs = [_mm256_setzero_ps(); 8];
                for i in 0..4 {
                    pairs[2 * i] = _mm256_unpacklo_ps(block[2 * i].0, block[2 * i + 1].0);
                    pairs[2 * i + 1] = _mm256_unpackhi_ps(block[2 * i].0, block[2 * i + 1].0);
                }
                let mut fours = [_mm256_setzero_ps(); 8];
                for i in 0..2 {
                    for h in 0..2 {
                        let a = _mm256_castps_pd(pairs[4 * i + h]);
                        let b = _mm256_castps_pd(pairs[4 * i + 2 + h]);
                        fours[4 * i + 2 * h] = _mm256_castpd_ps(_mm256_unpacklo_pd(a, b));
                        fours[4 * i + 2 * h + 1] = _mm256_castpd_ps(_mm256_unpackhi_pd(a, b));
                    }
                }
                for r in 0..4 {
                    block[r].0 = _mm256_permute2f128_ps::<0x20>(fours[r], fours[4 + r]);
                    block[4 + r].0 = _mm256_permute2f128_ps::<0x31>(fours[r], fours[4 + r]);
                }
            } else {
                let [a, b, c, d] = [0, 1, 2, 3].map(|i| _mm256_castps_pd(block[i].0));
                let (low, high) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
                let (low2, high2) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
                block[0].0 = _mm256_castpd_ps(_mm256_permute2f128_pd::<0x20>(low, low2));
                block[1].0 = _mm256_castpd_ps(_mm256_permute2f128_pd::<0x20>(high, high2));
                block[2].0 = _mm256_castpd_ps(_mm256_permute2f128_pd::<0x31>(low, low2));
                block[3].0 = _mm256_castpd_ps(_mm256_permute2f128_pd::<0x31>(high, high2));
            }
        }
    }
}
