//! The few vector operations the matrix product needs, for every [`Level`](crate::Level).
//!
//! Methods are `#[inline(always)]` and carry no `target_feature` themselves: only an entry point compiled for a level
//! (see `gemm::kernel::run`) may reach the vectors of that level.

/// A register of `LANES` numbers, with the register tile that suits its instruction set.
///
/// # Safety
/// Every method may be called only on a CPU with the instruction set of the implementing type. Pointers must be valid
/// for `LANES` elements, or for the first `n` if a mask made by [`first`](Self::first)`(n)` is given; no alignment.
pub(crate) trait Vector<T>: Copy {
    /// Numbers per register.
    const LANES: usize;
    /// Rows of the register tile.
    const ROWS: usize;
    /// Registers per row of the tile; `ROWS · WIDTH` accumulators, `WIDTH` operands and a broadcast fit the registers.
    const WIDTH: usize;
    /// Selects the first lanes.
    type Mask: Copy;
    unsafe fn splat(x: T) -> Self;
    unsafe fn load(p: *const T) -> Self;
    unsafe fn store(self, p: *mut T);
    /// The mask of the first `n <= LANES` lanes.
    unsafe fn first(n: usize) -> Self::Mask;
    /// Zero outside the mask.
    unsafe fn load_first(p: *const T, mask: Self::Mask) -> Self;
    unsafe fn store_first(self, p: *mut T, mask: Self::Mask);
    unsafe fn mul(self, other: Self) -> Self;
    /// self · a + b; rounds once at the levels that have fused multiply-add, twice at the portable one.
    unsafe fn mul_add(self, a: Self, b: Self) -> Self;
}

/// Asks for the cache line at `p` to be brought near; does nothing where there is no such instruction.
#[inline(always)]
pub(crate) fn prefetch_line<T>(p: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE is part of x86-64; a prefetch reads nothing and never faults, whatever the address.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(p.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// [`prefetch_line`] for every line of `data`.
#[inline(always)]
pub(crate) fn prefetch<T>(data: &[T]) {
    for line in data.chunks((64 / size_of::<T>()).max(1)) {
        prefetch_line(line.as_ptr());
    }
}

/// The vector types of a scalar, one per level.
pub trait Simd: Sized {
    #[doc(hidden)]
    #[allow(private_bounds, reason = "the trait is reachable only as a bound of the sealed `Float`")]
    type Portable: Vector<Self>;
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    #[allow(private_bounds, reason = "as above")]
    type Avx2: Vector<Self>;
    #[cfg(target_arch = "x86_64")]
    #[doc(hidden)]
    #[allow(private_bounds, reason = "as above")]
    type Avx512: Vector<Self>;

    /// dst\[j · dst_row + i\] = src\[i · src_row + j\] for i, j < 4.
    ///
    /// # Safety
    /// `src` and `dst` are valid for four rows of four elements at their row strides.
    #[doc(hidden)]
    unsafe fn transpose4(src: *const Self, src_row: usize, dst: *mut Self, dst_row: usize);
}

impl Simd for f32 {
    type Portable = Array<f32, 4>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::F32x8;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::F32x16;

    #[inline(always)]
    unsafe fn transpose4(src: *const Self, src_row: usize, dst: *mut Self, dst_row: usize) {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the caller's promise; SSE is part of x86-64.
        unsafe {
            use core::arch::x86_64::{_MM_TRANSPOSE4_PS, _mm_loadu_ps, _mm_storeu_ps};
            let [mut a, mut b, mut c, mut d] = core::array::from_fn(|i| _mm_loadu_ps(src.add(i * src_row)));
            _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
            for (j, column) in [a, b, c, d].into_iter().enumerate() {
                _mm_storeu_ps(dst.add(j * dst_row), column);
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        // SAFETY: the caller's promise.
        unsafe {
            transpose4_plain(src, src_row, dst, dst_row);
        }
    }
}

impl Simd for f64 {
    type Portable = Array<f64, 2>;
    #[cfg(target_arch = "x86_64")]
    type Avx2 = x86::F64x4;
    #[cfg(target_arch = "x86_64")]
    type Avx512 = x86::F64x8;

    #[inline(always)]
    unsafe fn transpose4(src: *const Self, src_row: usize, dst: *mut Self, dst_row: usize) {
        // SAFETY: the caller's promise.
        unsafe { transpose4_plain(src, src_row, dst, dst_row) }
    }
}

/// [`Simd::transpose4`] by its definition.
///
/// # Safety
/// As there.
#[inline(always)]
unsafe fn transpose4_plain<T: Copy>(src: *const T, src_row: usize, dst: *mut T, dst_row: usize) {
    for i in 0..4 {
        for j in 0..4 {
            // SAFETY: the caller vouches for four rows of four.
            unsafe { *dst.add(j * dst_row + i) = *src.add(i * src_row + j) }
        }
    }
}

/// Plain Rust, 16 bytes wide: what every 64-bit CPU's baseline vectorises to.
#[derive(Clone, Copy)]
pub struct Array<T, const N: usize>([T; N]);

impl<T: crate::Float, const N: usize> Vector<T> for Array<T, N> {
    const LANES: usize = N;
    const ROWS: usize = 4;
    const WIDTH: usize = 2;
    type Mask = usize;
    #[inline(always)]
    unsafe fn splat(x: T) -> Self {
        Self([x; N])
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the caller promises N readable elements; `[T; N]` needs no more than the alignment of `T`.
        Self(unsafe { p.cast::<[T; N]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the caller promises N writable elements.
        unsafe { p.cast::<[T; N]>().write(self.0) }
    }
    #[inline(always)]
    unsafe fn first(n: usize) -> usize {
        n
    }
    #[inline(always)]
    unsafe fn load_first(p: *const T, mask: usize) -> Self {
        // SAFETY: the caller promises `mask` readable elements, and only those are read.
        Self(core::array::from_fn(|i| if i < mask { unsafe { *p.add(i) } } else { T::ZERO }))
    }
    #[inline(always)]
    unsafe fn store_first(self, p: *mut T, mask: usize) {
        for i in 0..mask.min(N) {
            // SAFETY: the caller promises `mask` writable elements.
            unsafe { *p.add(i) = self.0[i] }
        }
    }
    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] * other.0[i]))
    }
    #[inline(always)]
    unsafe fn mul_add(self, a: Self, b: Self) -> Self {
        Self(core::array::from_fn(|i| self.0[i] * a.0[i] + b.0[i]))
    }
}

#[cfg(target_arch = "x86_64")]
pub(crate) use x86::Bf16x32;

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Vector;
    use core::arch::x86_64::*;

    /// One wrapper and its operations; `$mask`, `$loadm` and `$storem` bridge the two shapes of masked access.
    macro_rules! vector {
        ($(#[$doc:meta])* $vis:vis $name:ident, $t:ty, $raw:ty, $lanes:literal, $rows:literal x $width:literal,
         $set:ident, $load:ident, $store:ident, $mul:ident, $fma:ident,
         $mask:ty, $first:expr, $loadm:expr, $storem:expr) => {
            $(#[$doc])*
            #[derive(Clone, Copy)]
            $vis struct $name($raw);

            // SAFETY of all the blocks below: the trait's contract; the caller runs on a CPU with these instructions
            // and hands pointers valid for the lanes that are touched (masked-out lanes are not accessed at all).
            impl Vector<$t> for $name {
                const LANES: usize = $lanes;
                const ROWS: usize = $rows;
                const WIDTH: usize = $width;
                type Mask = $mask;
                #[inline(always)]
                unsafe fn splat(x: $t) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $set(x) })
                }
                #[inline(always)]
                unsafe fn load(p: *const $t) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $load(p) })
                }
                #[inline(always)]
                unsafe fn store(self, p: *mut $t) {
                    // SAFETY: see above.
                    unsafe { $store(p, self.0) }
                }
                #[inline(always)]
                unsafe fn first(n: usize) -> $mask {
                    // SAFETY: see above.
                    unsafe { $first(n) }
                }
                #[inline(always)]
                unsafe fn load_first(p: *const $t, mask: $mask) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $loadm(p, mask) })
                }
                #[inline(always)]
                unsafe fn store_first(self, p: *mut $t, mask: $mask) {
                    // SAFETY: see above.
                    unsafe { $storem(p, mask, self.0) }
                }
                #[inline(always)]
                unsafe fn mul(self, other: Self) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $mul(self.0, other.0) })
                }
                #[inline(always)]
                unsafe fn mul_add(self, a: Self, b: Self) -> Self {
                    // SAFETY: see above.
                    Self(unsafe { $fma(self.0, a.0, b.0) })
                }
            }
        };
    }

    /// n ones, then zeros, in 4-byte lanes.
    #[inline(always)]
    unsafe fn first32(n: usize) -> __m256i {
        static ONES: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];
        debug_assert!(n <= 8);
        // SAFETY: n <= LANES = 8 by contract, so the 8 integers from 8 - n on lie inside the table; AVX by contract.
        unsafe { _mm256_loadu_si256(ONES.as_ptr().add(8 - n).cast()) }
    }

    /// n ones, then zeros, in 8-byte lanes.
    #[inline(always)]
    unsafe fn first64(n: usize) -> __m256i {
        static ONES: [i64; 8] = [-1, -1, -1, -1, 0, 0, 0, 0];
        debug_assert!(n <= 4);
        // SAFETY: n <= LANES = 4 by contract, so the 4 integers from 4 - n on lie inside the table; AVX by contract.
        unsafe { _mm256_loadu_si256(ONES.as_ptr().add(4 - n).cast()) }
    }

    /// n ones, then zeros.
    #[inline(always)]
    unsafe fn first16(n: usize) -> __mmask16 {
        ((1_u32 << n) - 1) as __mmask16
    }

    /// n ones, then zeros.
    #[inline(always)]
    unsafe fn first8(n: usize) -> __mmask8 {
        ((1_u32 << n) - 1) as __mmask8
    }

    vector!(
        /// AVX2 and FMA, f32.
        pub F32x8, f32, __m256, 8, 6 x 2,
        _mm256_set1_ps, _mm256_loadu_ps, _mm256_storeu_ps, _mm256_mul_ps, _mm256_fmadd_ps,
        __m256i, first32, _mm256_maskload_ps, _mm256_maskstore_ps
    );
    vector!(
        /// AVX2 and FMA, f64.
        pub F64x4, f64, __m256d, 4, 6 x 2,
        _mm256_set1_pd, _mm256_loadu_pd, _mm256_storeu_pd, _mm256_mul_pd, _mm256_fmadd_pd,
        __m256i, first64, _mm256_maskload_pd, _mm256_maskstore_pd
    );
    vector!(
        /// AVX-512, f32.
        pub F32x16, f32, __m512, 16, 12 x 2,
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_mul_ps, _mm512_fmadd_ps,
        __mmask16, first16,
        |p, mask| _mm512_maskz_loadu_ps(mask, p), |p, mask, v| _mm512_mask_storeu_ps(p, mask, v)
    );
    /// x · y + acc over pairs of bfloat16, each lane of x and y holding two: the later product is added last.
    ///
    /// Denormals count as zero, and sums round to nearest whatever the control register says.
    #[target_feature(enable = "avx512f,avx512bf16")]
    #[inline]
    fn dot_pairs(x: __m512, y: __m512, acc: __m512) -> __m512 {
        // SAFETY: both are 512 plain bits.
        let [x, y] = unsafe { [x, y].map(|v| core::mem::transmute::<__m512, __m512bh>(v)) };
        _mm512_dpbf16_ps(acc, x, y)
    }
    vector!(
        /// AVX-512 BF16: operands are pairs of bfloat16, carried as the bits of an f32; sums are f32.
        pub(crate) Bf16x32, f32, __m512, 16, 12 x 2,
        _mm512_set1_ps, _mm512_loadu_ps, _mm512_storeu_ps, _mm512_mul_ps, dot_pairs,
        __mmask16, first16,
        |p, mask| _mm512_maskz_loadu_ps(mask, p), |p, mask, v| _mm512_mask_storeu_ps(p, mask, v)
    );
    vector!(
        /// AVX-512, f64.
        pub F64x8, f64, __m512d, 8, 12 x 2,
        _mm512_set1_pd, _mm512_loadu_pd, _mm512_storeu_pd, _mm512_mul_pd, _mm512_fmadd_pd,
        __mmask8, first8,
        |p, mask| _mm512_maskz_loadu_pd(mask, p), |p, mask, v| _mm512_mask_storeu_pd(p, mask, v)
    );
}

#[cfg(test)]
mod tests {
    use crate::Float;

    fn transposes<T: Float>() {
        let src: Vec<T> = (0..31).map(T::from_usize).collect();
        let mut dst = vec![T::ZERO; 24];
        // SAFETY: four rows of four at strides 9 and 6 end at 31 and 22.
        unsafe { T::transpose4(src.as_ptr(), 9, dst.as_mut_ptr(), 6) };
        for (at, x) in dst.iter().enumerate() {
            let (row, col) = (at / 6, at % 6);
            assert_eq!(*x, if col < 4 { src[col * 9 + row] } else { T::ZERO });
        }
    }

    #[test]
    fn four_by_four_is_transposed_and_nothing_else_written() {
        transposes::<f32>();
        transposes::<f64>();
    }
}
