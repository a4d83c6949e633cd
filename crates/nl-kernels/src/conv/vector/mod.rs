//! The few vector operations the convolutions are written in, and one type per [`Level`] that has them.
//!
//! A [`Kernel`] is generic over its [`Vector`]; [`run_at`] picks the vector type and enters the code compiled for its
//! level. The vector types are private to this folder and [`run_at`] is the only place that names them, so code that
//! holds a `V: Vector` runs on a CPU that has V's instructions: that is why the arithmetic needs no `unsafe`.

#[cfg(target_arch = "x86_64")]
mod x86;

use core::marker::PhantomData;

use crate::reduce::above;
use crate::{Float, Level, Vectorised};

/// The most lanes a [`Vector`] has.
pub(super) const MAX_LANES: usize = 16;

/// `LANES` numbers that are added, multiplied and compared at once.
pub(super) trait Vector<T: Float>: Copy {
    /// Numbers in a vector; at most [`MAX_LANES`].
    const LANES: usize;
    /// Vector registers of the CPU at this level.
    const REGISTERS: usize;
    /// The level whose instructions the operations are made of.
    const LEVEL: Level;

    fn splat(x: T) -> Self;
    /// # Safety
    /// `LANES` elements from `p` on can be read.
    unsafe fn load(p: *const T) -> Self;
    /// # Safety
    /// `LANES` elements from `p` on can be written.
    unsafe fn store(self, p: *mut T);
    /// self · a + b; one rounding where the level has it.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// b − self · a; one rounding where the level has it.
    fn neg_mul_add(self, a: Self, b: Self) -> Self;
    fn add(self, b: Self) -> Self;
    fn sub(self, b: Self) -> Self;
    fn mul(self, b: Self) -> Self;
    /// `no` where `self` > `bound` or either is NaN, `yes` elsewhere.
    fn select_le(self, bound: Self, yes: Self, no: Self) -> Self;
    /// `yes` where `self` takes the place of `best` as the maximum: where it is larger, or the first NaN; `no` elsewhere.
    fn select_above(self, best: Self, yes: Self, no: Self) -> Self;
    /// `yes` where `self` equals `other`, `no` elsewhere.
    fn select_eq(self, other: Self, yes: Self, no: Self) -> Self;

    /// The first `n` ≤ `LANES` elements, then zeros.
    ///
    /// # Safety
    /// `n` elements from `p` on can be read.
    #[inline(always)]
    unsafe fn load_partial(p: *const T, n: usize) -> Self {
        let mut lanes = [T::ZERO; MAX_LANES];
        for (i, lane) in lanes[..Self::LANES].iter_mut().enumerate().take(n) {
            // SAFETY: i < n, and the caller promises n readable elements.
            *lane = unsafe { p.add(i).read() };
        }
        // SAFETY: the array has MAX_LANES >= LANES elements.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// Writes the first `n` ≤ `LANES` lanes.
    ///
    /// # Safety
    /// `n` elements from `p` on can be written.
    #[inline(always)]
    unsafe fn store_partial(self, p: *mut T, n: usize) {
        for (i, &lane) in self.to_array()[..Self::LANES].iter().enumerate().take(n) {
            // SAFETY: i < n, and the caller promises n writable elements.
            unsafe { p.add(i).write(lane) }
        }
    }

    /// The lanes, then zeros.
    #[inline(always)]
    fn to_array(self) -> [T; MAX_LANES] {
        let mut lanes = [T::ZERO; MAX_LANES];
        // SAFETY: the array has MAX_LANES >= LANES elements.
        unsafe { self.store(lanes.as_mut_ptr()) }
        lanes
    }

    /// Bytes as numbers, one a lane; lanes from `n` on are 0.
    #[inline(always)]
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut lanes = [T::ZERO; MAX_LANES];
        for (lane, &byte) in lanes[..Self::LANES].iter_mut().zip(bytes) {
            *lane = T::from_f64(f64::from(byte));
        }
        // SAFETY: the array has MAX_LANES >= LANES elements.
        unsafe { Self::load(lanes.as_ptr()) }
    }

    /// Lanes that hold 0, 1, … 255, as bytes.
    #[inline(always)]
    fn to_bytes(self) -> [u8; MAX_LANES] {
        self.to_array().map(|lane| lane.to_f64() as u8)
    }

    /// Transposes the square of the first `LANES` vectors in place.
    #[inline(always)]
    fn transpose(block: &mut [Self; MAX_LANES]) {
        let mut columns = [[T::ZERO; MAX_LANES]; MAX_LANES];
        for (i, row) in block[..Self::LANES].iter().enumerate() {
            for (column, lane) in columns.iter_mut().zip(row.to_array()) {
                column[i] = lane;
            }
        }
        for (row, column) in block[..Self::LANES].iter_mut().zip(&columns) {
            // SAFETY: the array has MAX_LANES >= LANES elements.
            *row = unsafe { Self::load(column.as_ptr()) };
        }
    }
}

/// A computation that is compiled once per vector type. `run` and all it calls in its loops are `#[inline(always)]`.
pub(super) trait Kernel<T: Float> {
    /// What the computation returns.
    type Output;
    fn run<V: Vector<T>>(self) -> Self::Output;
}

/// Runs `kernel` with the vectors of `level`, or of the CPU's best level if it lacks that one.
pub(super) fn run_at<T: Float, K: Kernel<T>>(level: Level, kernel: K) -> K::Output {
    match level.min(Level::detect()) {
        #[cfg(target_arch = "x86_64")]
        Level::Avx512 => call::<T, x86::Zmm<T>, K>(kernel),
        #[cfg(target_arch = "x86_64")]
        Level::Avx2 => call::<T, x86::Ymm<T>, K>(kernel),
        _ => call::<T, Lanes<T>, K>(kernel),
    }
}

/// Runs `kernel` as a function of its own, compiled for V's level: keeps a kernel used in many places a single one.
pub(super) fn call<T: Float, V: Vector<T>, K: Kernel<T>>(kernel: K) -> K::Output {
    struct Bound<K, V>(K, PhantomData<V>);
    struct Tagged<T, K, V>(Bound<K, V>, PhantomData<T>);
    impl<T: Float, K: Kernel<T>, V: Vector<T>> Vectorised for Tagged<T, K, V> {
        type Output = K::Output;
        #[inline(always)]
        fn run(self) -> K::Output {
            self.0.0.run::<V>()
        }
    }
    V::LEVEL.dispatch(Tagged::<T, K, V>(Bound(kernel, PhantomData), PhantomData))
}

/// The portable vector: four numbers, which every 64-bit CPU has registers for.
#[derive(Clone, Copy)]
struct Lanes<T>([T; 4]);

impl<T: Float> Lanes<T> {
    #[inline(always)]
    fn zip(self, b: Self, f: impl Fn(T, T) -> T) -> Self {
        Self(core::array::from_fn(|i| f(self.0[i], b.0[i])))
    }
}

impl<T: Float> Vector<T> for Lanes<T> {
    const LANES: usize = 4;
    // Fewer than there are: an f64 vector takes two, and short tiles are as good without fused multiply-add.
    const REGISTERS: usize = 8;
    const LEVEL: Level = Level::Portable;

    #[inline(always)]
    fn splat(x: T) -> Self {
        Self([x; 4])
    }
    #[inline(always)]
    unsafe fn load(p: *const T) -> Self {
        // SAFETY: the caller promises four readable elements; T's alignment is given by the pointer's type.
        Self(unsafe { p.cast::<[T; 4]>().read() })
    }
    #[inline(always)]
    unsafe fn store(self, p: *mut T) {
        // SAFETY: the caller promises four writable elements.
        unsafe { p.cast::<[T; 4]>().write(self.0) }
    }
    // Two roundings: a fused multiply-add without the instruction is a function call.
    #[inline(always)]
    fn mul_add(self, a: Self, b: Self) -> Self {
        self.mul(a).add(b)
    }
    #[inline(always)]
    fn neg_mul_add(self, a: Self, b: Self) -> Self {
        b.sub(self.mul(a))
    }
    #[inline(always)]
    fn add(self, b: Self) -> Self {
        self.zip(b, |a, b| a + b)
    }
    #[inline(always)]
    fn sub(self, b: Self) -> Self {
        self.zip(b, |a, b| a - b)
    }
    #[inline(always)]
    fn mul(self, b: Self) -> Self {
        self.zip(b, |a, b| a * b)
    }
    #[inline(always)]
    fn select_le(self, bound: Self, yes: Self, no: Self) -> Self {
        Self(core::array::from_fn(|i| if self.0[i] <= bound.0[i] { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    fn select_above(self, best: Self, yes: Self, no: Self) -> Self {
        Self(core::array::from_fn(|i| if above(self.0[i], best.0[i]) { yes.0[i] } else { no.0[i] }))
    }
    #[inline(always)]
    fn select_eq(self, other: Self, yes: Self, no: Self) -> Self {
        Self(core::array::from_fn(|i| if self.0[i] == other.0[i] { yes.0[i] } else { no.0[i] }))
    }
}
