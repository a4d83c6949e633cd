//! y = f(x) for each element, and its derivative.

use core::marker::PhantomData;

use crate::error::check_len;
use crate::{Float, Level, ShapeError, Vectorised};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unary {
    /// −x
    Neg,
    /// |x|; derivative sign(x), 0 at 0
    Abs,
    /// −1, 0 or 1; derivative 0
    Sign,
    /// 1 if x > 0, else 0 (the derivative of [`Relu`](Self::Relu) but for NaN); derivative 0
    Step,
    /// e^x
    Exp,
    /// natural logarithm
    Log,
    /// √x
    Sqrt,
    /// x²
    Square,
    /// 1/x
    Recip,
    /// max(x, 0), NaN stays NaN; derivative 0 at 0, 1 at NaN (as PyTorch's)
    Relu,
    /// 1 / (1 + e^−x)
    Sigmoid,
    /// hyperbolic tangent
    Tanh,
    /// ln(1 + e^x)
    Softplus,
    /// x Φ(x) with the normal distribution function Φ: the exact (erf) form of Hendrycks & Gimpel, "Gaussian error
    /// linear units", 2016, eq 2, not their tanh approximation
    Gelu,
    /// 2/√π ∫₀ˣ e^(−t²) dt
    Erf,
}

impl Unary {
    /// Every function, for tests and tables.
    pub const ALL: [Self; 15] = [
        Self::Neg,
        Self::Abs,
        Self::Sign,
        Self::Step,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Square,
        Self::Recip,
        Self::Relu,
        Self::Sigmoid,
        Self::Tanh,
        Self::Softplus,
        Self::Gelu,
        Self::Erf,
    ];
}

/// yᵢ = f(xᵢ).
///
/// ```
/// use nl_kernels::{Unary, unary};
/// let mut y = [0.0_f32; 3];
/// unary(Unary::Relu, &[-1.0, 0.0, 2.0], &mut y)?;
/// assert_eq!(y, [0.0, 0.0, 2.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn unary<T: Float>(op: Unary, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    unary_at(Level::current(), op, x, y)
}

/// xᵢ ← f(xᵢ).
pub fn unary_in_place<T: Float>(op: Unary, x: &mut [T]) {
    select(op, InPlace { level: Level::current(), x });
}

/// dxᵢ = dyᵢ f′(xᵢ), given x and y = f(x), in one pass.
///
/// ```
/// use nl_kernels::{Unary, unary_grad};
/// let mut dx = [0.0_f64; 2];
/// unary_grad(Unary::Square, &[3.0, -1.0], &[9.0, 1.0], &[1.0, 0.5], &mut dx)?;
/// assert_eq!(dx, [6.0, -1.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError::Length`] if the lengths differ.
pub fn unary_grad<T: Float>(op: Unary, x: &[T], y: &[T], dy: &[T], dx: &mut [T]) -> Result<(), ShapeError> {
    unary_grad_at(Level::current(), op, x, y, dy, dx)
}

pub(crate) fn unary_at<T: Float>(level: Level, op: Unary, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    check_len("unary", "y", y.len(), x.len())?;
    select(op, Apply { level, x, y });
    Ok(())
}

pub(crate) fn unary_grad_at<T: Float>(
    level: Level,
    op: Unary,
    x: &[T],
    y: &[T],
    dy: &[T],
    dx: &mut [T],
) -> Result<(), ShapeError> {
    check_len("unary_grad", "y", y.len(), x.len())?;
    check_len("unary_grad", "dy", dy.len(), x.len())?;
    check_len("unary_grad", "dx", dx.len(), x.len())?;
    select(op, Grad { level, x, y, dy, dx });
    Ok(())
}

/// A function and its derivative, known at compile time so that the loop around it vectorises.
trait Function {
    fn value<T: Float>(x: T) -> T;
    /// f′(x), given y = f(x).
    fn slope<T: Float>(x: T, y: T) -> T;
}

/// A computation that wants to know the function at compile time.
trait WithFunction {
    fn with<F: Function>(self);
}

fn select(op: Unary, body: impl WithFunction) {
    match op {
        Unary::Neg => body.with::<Neg>(),
        Unary::Abs => body.with::<Abs>(),
        Unary::Sign => body.with::<Sign>(),
        Unary::Step => body.with::<Step>(),
        Unary::Exp => body.with::<Exp>(),
        Unary::Log => body.with::<Log>(),
        Unary::Sqrt => body.with::<Sqrt>(),
        Unary::Square => body.with::<Square>(),
        Unary::Recip => body.with::<Recip>(),
        Unary::Relu => body.with::<Relu>(),
        Unary::Sigmoid => body.with::<Sigmoid>(),
        Unary::Tanh => body.with::<Tanh>(),
        Unary::Softplus => body.with::<Softplus>(),
        Unary::Gelu => body.with::<Gelu>(),
        Unary::Erf => body.with::<Erf>(),
    }
}

struct Apply<'a, T> {
    level: Level,
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Float> WithFunction for Apply<'_, T> {
    fn with<F: Function>(self) {
        struct Body<'a, F, T>(&'a [T], &'a mut [T], PhantomData<F>);
        impl<F: Function, T: Float> Vectorised for Body<'_, F, T> {
            type Output = ();
            #[inline(always)]
            fn run(self) {
                for (y, &x) in self.1.iter_mut().zip(self.0) {
                    *y = F::value(x);
                }
            }
        }
        self.level.dispatch(Body(self.x, self.y, PhantomData::<F>));
    }
}

struct InPlace<'a, T> {
    level: Level,
    x: &'a mut [T],
}

impl<T: Float> WithFunction for InPlace<'_, T> {
    fn with<F: Function>(self) {
        struct Body<'a, F, T>(&'a mut [T], PhantomData<F>);
        impl<F: Function, T: Float> Vectorised for Body<'_, F, T> {
            type Output = ();
            #[inline(always)]
            fn run(self) {
                for x in self.0 {
                    *x = F::value(*x);
                }
            }
        }
        self.level.dispatch(Body(self.x, PhantomData::<F>));
    }
}

struct Grad<'a, T> {
    level: Level,
    x: &'a [T],
    y: &'a [T],
    dy: &'a [T],
    dx: &'a mut [T],
}

impl<T: Float> WithFunction for Grad<'_, T> {
    fn with<F: Function>(self) {
        struct Body<'a, F, T>(Grad<'a, T>, PhantomData<F>);
        impl<F: Function, T: Float> Vectorised for Body<'_, F, T> {
            type Output = ();
            #[inline(always)]
            fn run(self) {
                let Grad { x, y, dy, dx, .. } = self.0;
                for (((dx, &x), &y), &dy) in dx.iter_mut().zip(x).zip(y).zip(dy) {
                    *dx = dy * F::slope(x, y);
                }
            }
        }
        self.level.dispatch(Body(self, PhantomData::<F>));
    }
}

/// One function: its value, and its slope from x and y.
macro_rules! function {
    ($name:ident, |$x:ident| $value:expr, |$sx:ident, $sy:ident| $slope:expr) => {
        struct $name;
        impl Function for $name {
            #[inline(always)]
            fn value<T: Float>($x: T) -> T {
                $value
            }
            #[inline(always)]
            fn slope<T: Float>($sx: T, $sy: T) -> T {
                $slope
            }
        }
    };
}

function!(Neg, |x| -x, |_x, _y| -T::ONE);
function!(Abs, |x| x.abs(), |x, _y| sign(x));
function!(Sign, |x| sign(x), |_x, _y| T::ZERO);
function!(Step, |x| step(x), |_x, _y| T::ZERO);
function!(Exp, |x| x.v_exp(), |_x, y| y);
function!(Log, |x| x.v_ln(), |x, _y| T::ONE / x);
function!(Sqrt, |x| x.sqrt(), |_x, y| T::from_f64(0.5) / y);
function!(Square, |x| x * x, |x, _y| x + x);
function!(Recip, |x| T::ONE / x, |_x, y| -(y * y));
// The comparison fails for NaN, which stays one, and lets its gradient through.
function!(Relu, |x| if x <= T::ZERO { T::ZERO } else { x }, |x, _y| if x <= T::ZERO { T::ZERO } else { T::ONE });
function!(Sigmoid, |x| x.v_sigmoid(), |_x, y| y * (T::ONE - y));
function!(Tanh, |x| x.v_tanh(), |_x, y| T::ONE - y * y);
function!(Softplus, |x| x.v_softplus(), |x, _y| x.v_sigmoid());
function!(Gelu, |x| x * x.v_normal_cdf(), |x, _y| x.v_normal_cdf() + x * normal_density(x));
function!(Erf, |x| x.v_erf(), |x, _y| T::from_f64(core::f64::consts::FRAC_2_SQRT_PI) * (-(x * x)).v_exp());

/// −1, 0 or 1; 0 for NaN.
#[inline(always)]
fn sign<T: Float>(x: T) -> T {
    step(x) - step(-x)
}

/// 1 if x > 0, else 0.
#[inline(always)]
fn step<T: Float>(x: T) -> T {
    if x > T::ZERO { T::ONE } else { T::ZERO }
}

/// φ(x) = e^(−x²/2) / √(2π)
#[inline(always)]
fn normal_density<T: Float>(x: T) -> T {
    T::from_f64(0.398_942_280_401_432_7) * (T::from_f64(-0.5) * x * x).v_exp()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::relative_eq;

    /// One definition per function, in the standard library's `f64`.
    fn exact(op: Unary, x: f64) -> f64 {
        match op {
            Unary::Neg => -x,
            Unary::Abs => x.abs(),
            Unary::Sign => f64::from(i8::from(x > 0.0) - i8::from(x < 0.0)),
            Unary::Step => f64::from(u8::from(x > 0.0)),
            Unary::Exp => x.exp(),
            Unary::Log => x.ln(),
            Unary::Sqrt => x.sqrt(),
            Unary::Square => x * x,
            Unary::Recip => x.recip(),
            Unary::Relu => x.max(0.0),
            Unary::Sigmoid => (1.0 + (-x).exp()).recip(),
            Unary::Tanh => x.tanh(),
            Unary::Softplus => x.exp().ln_1p(),
            Unary::Gelu => 0.5 * x * (1.0 + erf(x / 2_f64.sqrt())),
            Unary::Erf => erf(x),
        }
    }

    /// 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms do not cancel; enough of them for |x| ≤ 4.
    fn erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, x);
        for n in 1..100 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        sum * core::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()
    }

    fn inputs(op: Unary, n: usize) -> Vec<f64> {
        let positive = matches!(op, Unary::Log | Unary::Sqrt);
        (0..n)
            .map(|i| {
                let x = ((i * 37 + 11) % 101) as f64 / 17.0 - 2.9;
                if positive { x.abs() + 0.01 } else { x }
            })
            .collect()
    }

    #[test]
    fn values_and_slopes_at_every_level_length_and_offset() {
        for op in Unary::ALL {
            for n in (0..36).chain([63, 64, 65, 127, 130]) {
                let x = inputs(op, n + 3);
                for offset in 0..3 {
                    let x64 = &x[offset..offset + n];
                    let x32: Vec<f32> = x[..].iter().map(|&x| x as f32).collect();
                    let x32 = &x32[offset..offset + n];
                    let mut first = None;
                    for level in Level::available() {
                        let (mut y, mut y32) = (vec![f64::NAN; n], vec![f32::NAN; n]);
                        unary_at(level, op, x64, &mut y).unwrap();
                        unary_at(level, op, x32, &mut y32).unwrap();
                        let (mut dx, mut dx32) = (vec![f64::NAN; n], vec![f32::NAN; n]);
                        unary_grad_at(level, op, x64, &y, &vec![1.0; n], &mut dx).unwrap();
                        unary_grad_at(level, op, x32, &y32, &vec![2.0; n], &mut dx32).unwrap();
                        for i in 0..n {
                            let want = exact(op, x64[i]);
                            assert!(
                                relative_eq!(y[i], want, epsilon = 1e-14, max_relative = 1e-14),
                                "{op:?}({}) = {}",
                                x64[i],
                                y[i]
                            );
                            let want = exact(op, f64::from(x32[i])) as f32;
                            assert!(
                                relative_eq!(y32[i], want, epsilon = 6e-8, max_relative = 6e-7),
                                "{op:?}({}) = {}",
                                x32[i],
                                y32[i]
                            );
                            let h = 1e-5;
                            if x64[i].abs() > h {
                                let slope = (exact(op, x64[i] + h) - exact(op, x64[i] - h)) / (2.0 * h);
                                let close = relative_eq!(dx[i], slope, epsilon = 1e-6, max_relative = 1e-6);
                                assert!(close, "{op:?}'({}) = {}", x64[i], dx[i]);
                                let slope = 2.0 * dx[i] as f32;
                                let close = relative_eq!(dx32[i], slope, epsilon = 1e-5, max_relative = 1e-5);
                                assert!(close, "{op:?}' in f32");
                            }
                        }
                        // The same bits at every level.
                        let bits: Vec<u32> = y32.iter().chain(&dx32).map(|v| v.to_bits()).collect();
                        assert_eq!(*first.get_or_insert_with(|| bits.clone()), bits, "{op:?} at {level}");
                    }
                    let mut in_place = x64.to_vec();
                    unary_in_place(op, &mut in_place);
                    let mut y = vec![0.0; n];
                    unary(op, x64, &mut y).unwrap();
                    assert_eq!(in_place, y);
                }
            }
        }
    }

    #[test]
    fn kinks_and_special_values() {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0];
        let value = |op| {
            let mut y = [7.0_f32; 5];
            unary(op, &x, &mut y).unwrap();
            y
        };
        let slope = |op| {
            let (y, mut dx) = (value(op), [7.0_f32; 5]);
            unary_grad(op, &x, &y, &[1.0; 5], &mut dx).unwrap();
            dx
        };
        let inf = f32::INFINITY;
        assert!(value(Unary::Relu)[0].is_nan());
        assert_eq!(value(Unary::Relu)[1..], [inf, 0.0, 0.0, 0.0]);
        assert_eq!(slope(Unary::Relu), [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(slope(Unary::Abs)[1..], [1.0, -1.0, 0.0, 0.0]);
        assert_eq!(value(Unary::Sign), [0.0, 1.0, -1.0, 0.0, 0.0]);
        assert_eq!(value(Unary::Recip)[1..], [0.0, -0.0, inf, -inf]);
        for op in [Unary::Exp, Unary::Log, Unary::Sigmoid, Unary::Tanh, Unary::Softplus, Unary::Gelu, Unary::Erf] {
            assert!(value(op)[0].is_nan(), "{op:?}(NaN) is a number");
        }
        assert_eq!(value(Unary::Gelu)[1], inf);
        assert_eq!(value(Unary::Softplus)[1..3], [inf, 0.0]);
        assert_eq!(slope(Unary::Sigmoid)[1..3], [0.0, 0.0]);
    }

    #[test]
    fn wrong_lengths_are_named() {
        let error = unary(Unary::Exp, &[0.0_f32; 3], &mut [0.0; 2]).unwrap_err();
        assert_eq!(error, ShapeError::Length { op: "unary", what: "y", expected: 3, got: 2 });
        let error = unary_grad(Unary::Exp, &[0.0_f32; 3], &[0.0; 3], &[0.0; 4], &mut [0.0; 3]).unwrap_err();
        assert_eq!(error, ShapeError::Length { op: "unary_grad", what: "dy", expected: 3, got: 4 });
    }
}
