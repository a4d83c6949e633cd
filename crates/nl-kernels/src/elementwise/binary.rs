//! y = f(a, b) for each pair of elements.

use core::marker::PhantomData;

use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// A function of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Binary {
    /// a + b
    Add,
    /// a − b
    Sub,
    /// a · b
    Mul,
    /// a / b
    Div,
    /// the larger; NaN if either is NaN
    Max,
    /// the smaller; NaN if either is NaN
    Min,
}

impl Binary {
    /// Every function, for tests and tables.
    pub const ALL: [Self; 6] = [Self::Add, Self::Sub, Self::Mul, Self::Div, Self::Max, Self::Min];
}

/// yᵢ = f(aᵢ, bᵢ).
///
/// ```
/// use nl_kernels::{Binary, binary};
/// let mut y = [0.0_f32; 2];
/// binary(Binary::Max, &[1.0, 5.0], &[3.0, 2.0], &mut y)?;
/// assert_eq!(y, [3.0, 5.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn binary<T: Float>(op: Binary, a: &[T], b: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    binary_at(Level::current(), op, a, b, y)
}

/// aᵢ ← f(aᵢ, bᵢ).
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn binary_assign<T: Float>(op: Binary, a: &mut [T], b: &[T]) -> Result<(), ShapeError> {
    check_len("binary_assign", "b", b.len(), a.len())?;
    select(op, Assign { a, b });
    Ok(())
}

pub(crate) fn binary_at<T: Float>(level: Level, op: Binary, a: &[T], b: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    check_len("binary", "b", b.len(), a.len())?;
    check_len("binary", "y", y.len(), a.len())?;
    select(op, Apply { level, a, b, y });
    Ok(())
}

/// A function known at compile time, so that the loop around it vectorises.
pub(super) trait Function {
    fn value<T: Float>(a: T, b: T) -> T;
}

/// A computation that wants to know the function at compile time.
pub(super) trait WithFunction {
    fn with<F: Function>(self);
}

pub(super) fn select(op: Binary, body: impl WithFunction) {
    match op {
        Binary::Add => body.with::<Add>(),
        Binary::Sub => body.with::<Sub>(),
        Binary::Mul => body.with::<Mul>(),
        Binary::Div => body.with::<Div>(),
        Binary::Max => body.with::<Max>(),
        Binary::Min => body.with::<Min>(),
    }
}

struct Apply<'a, T> {
    level: Level,
    a: &'a [T],
    b: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> WithFunction for Apply<'_, T> {
    fn with<F: Function>(self) {
        struct Body<'a, F, T>(Apply<'a, T>, PhantomData<F>);
        impl<F: Function, T: Float> Vectorised for Body<'_, F, T> {
            type Output = ();
            #[inline(always)]
            fn run(self) {
                let Apply { a, b, y, .. } = self.0;
                for ((y, &a), &b) in y.iter_mut().zip(a).zip(b) {
                    *y = F::value(a, b);
                }
            }
        }
        self.level.dispatch(Body(self, PhantomData::<F>));
    }
}

struct Assign<'a, T> {
    a: &'a mut [T],
    b: &'a [T],
}

impl<T: Float> WithFunction for Assign<'_, T> {
    fn with<F: Function>(self) {
        struct Body<'a, F, T>(Assign<'a, T>, PhantomData<F>);
        impl<F: Function, T: Float> Vectorised for Body<'_, F, T> {
            type Output = ();
            #[inline(always)]
            fn run(self) {
                for (a, &b) in self.0.a.iter_mut().zip(self.0.b) {
                    *a = F::value(*a, b);
                }
            }
        }
        Level::current().dispatch(Body(self, PhantomData::<F>));
    }
}

macro_rules! function {
    ($name:ident, |$a:ident, $b:ident| $value:expr) => {
        struct $name;
        impl Function for $name {
            #[inline(always)]
            fn value<T: Float>($a: T, $b: T) -> T {
                $value
            }
        }
    };
}

function!(Add, |a, b| a + b);
function!(Sub, |a, b| a - b);
function!(Mul, |a, b| a * b);
function!(Div, |a, b| a / b);
// The comparison fails for a NaN `b`, which is then the result.
function!(Max, |a, b| if a > b || a.is_nan() { a } else { b });
function!(Min, |a, b| if a < b || a.is_nan() { a } else { b });
