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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// One definition per function.
    pub(in crate::elementwise) fn exact(op: Binary, a: f64, b: f64) -> f64 {
        match op {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Max | Binary::Min if a.is_nan() || b.is_nan() => f64::NAN,
            Binary::Max => a.max(b),
            Binary::Min => a.min(b),
        }
    }

    #[test]
    fn values_at_every_level_and_length() {
        for op in Binary::ALL {
            for n in (0..36).chain([64, 65, 100]) {
                let a: Vec<f64> = (0..n).map(|i| ((i * 31) % 47) as f64 / 8.0 - 2.0).collect();
                let b: Vec<f64> = (0..n).map(|i| ((i * 17) % 23) as f64 / 4.0 - 2.6).collect();
                let narrow = |x: &[f64]| x.iter().map(|&x| x as f32).collect::<Vec<_>>();
                let (a32, b32) = (narrow(&a), narrow(&b));
                for level in Level::available() {
                    let (mut y, mut y32) = (vec![f64::NAN; n], vec![f32::NAN; n]);
                    binary_at(level, op, &a, &b, &mut y).unwrap();
                    binary_at(level, op, &a32, &b32, &mut y32).unwrap();
                    for i in 0..n {
                        assert_eq!(y[i], exact(op, a[i], b[i]));
                        // + − · / of two f32 in f64, rounded once more, is the f32 result (Figueroa 1995).
                        assert_eq!(y32[i], exact(op, f64::from(a32[i]), f64::from(b32[i])) as f32);
                    }
                }
                let mut assigned = a.clone();
                binary_assign(op, &mut assigned, &b).unwrap();
                let want: Vec<f64> = a.iter().zip(&b).map(|(&a, &b)| exact(op, a, b)).collect();
                assert_eq!(assigned, want);
            }
        }
    }

    #[test]
    fn nan_wins_maximum_and_minimum() {
        for op in [Binary::Max, Binary::Min] {
            let mut y = [0.0_f32; 2];
            binary(op, &[f32::NAN, 1.0], &[1.0, f32::NAN], &mut y).unwrap();
            assert!(y.iter().all(|y| y.is_nan()));
        }
    }

    #[test]
    fn wrong_lengths_are_named() {
        let error = binary(Binary::Add, &[0.0_f32; 3], &[0.0; 2], &mut [0.0; 3]).unwrap_err();
        assert_eq!(error, ShapeError::Length { op: "binary", what: "b", expected: 3, got: 2 });
        assert!(binary_assign(Binary::Add, &mut [0.0_f32; 3], &[0.0; 2]).is_err());
    }
}
