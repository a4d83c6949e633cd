//! Checks of gradients against finite differences, for every operation here and for yours.

use crate::{CreateGraph, Error, Tape, Tensor, Var, grad};

/// How a gradient is compared with finite differences.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerance {
    /// Step h of the differences, relative to max(1, |x|). Inputs must be more than 2h away from a kink.
    pub step: f64,
    /// Largest allowed |analytic − numeric| / max(`floor`, |analytic|, |numeric|).
    pub relative: f64,
    /// Below this size a derivative is compared absolutely: rounding in the function's value is not relative to it.
    pub floor: f64,
}

impl Default for Tolerance {
    /// h = 2⁻¹⁰, 10⁻⁷, 10⁻²: rounding costs about 10⁻¹² and the h⁴ term of a function with derivatives of order 1 no
    /// more.
    fn default() -> Self {
        Self { step: 1.0 / 1024.0, relative: 1e-7, floor: 1e-2 }
    }
}

/// A function to check: from variables to one variable of any shape. It is called often, so it must return the same
/// value for the same inputs (no fresh random numbers).
pub trait Function: for<'t> Fn(&[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {}
impl<F: for<'t> Fn(&[Var<'t, f64>]) -> Result<Var<'t, f64>, Error>> Function for F {}

/// Compares the gradients of f with fourth-order central differences, in `f64`, with [`Tolerance::default`]; under
/// [`CreateGraph::No`] and [`CreateGraph::Yes`] both. Returns the largest relative error.
///
/// f'(x) ≈ (8 (f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h. An output with several elements is first weighed
/// with fixed weights, different for each, so that no error can cancel.
///
/// ```
/// use nl_autodiff::{Tensor, gradcheck};
/// let x = Tensor::new(&[3], vec![-1.0, 0.5, 2.0])?;
/// let error = gradcheck(|v| v[0].exp()?.mul(v[0]), &[x])?;
/// assert!(error < 1e-7);
/// # Ok::<(), nl_autodiff::Error>(())
/// ```
///
/// # Errors
/// [`Error::Check`] at the first derivative that differs by more; whatever `f` returns.
pub fn gradcheck(f: impl Function, inputs: &[Tensor<f64>]) -> Result<f64, Error> {
    gradcheck_with(f, inputs, Tolerance::default())
}

/// [`gradcheck`] with a tolerance of your own.
///
/// # Errors
/// As [`gradcheck`].
pub fn gradcheck_with(f: impl Function, inputs: &[Tensor<f64>], tolerance: Tolerance) -> Result<f64, Error> {
    let scalar = |v: &[Var<'_, f64>]| -> Result<f64, Error> { weigh(f(v)?, 0)?.item() };
    let mut worst = 0.0;
    for create_graph in [CreateGraph::No, CreateGraph::Yes] {
        let tape = Tape::new();
        let vars: Vec<_> = inputs.iter().map(|x| tape.leaf(x.clone())).collect();
        let gradients = grad(weigh(f(&vars)?, 0)?, &vars, create_graph)?;
        let gradients: Vec<_> = gradients.into_iter().map(Var::value).collect();
        worst = compare("gradcheck", &scalar, inputs, &gradients, tolerance)?.max(worst);
    }
    Ok(worst)
}

/// Compares the second derivatives of f with central differences of its first: the gradient of Σ u · grad(Σ w · f) for
/// fixed weights w, u, under [`CreateGraph::Yes`] for the inner gradient. Returns the largest relative error.
///
/// ```
/// use nl_autodiff::{Tensor, gradgradcheck};
/// let x = Tensor::new(&[3], vec![-1.0, 0.5, 2.0])?;
/// assert!(gradgradcheck(|v| v[0].tanh(), &[x])? < 1e-7);
/// # Ok::<(), nl_autodiff::Error>(())
/// ```
///
/// # Errors
/// As [`gradcheck`].
pub fn gradgradcheck(f: impl Function, inputs: &[Tensor<f64>]) -> Result<f64, Error> {
    gradgradcheck_with(f, inputs, Tolerance::default())
}

/// [`gradgradcheck`] with a tolerance of your own.
///
/// # Errors
/// As [`gradcheck`].
pub fn gradgradcheck_with(f: impl Function, inputs: &[Tensor<f64>], tolerance: Tolerance) -> Result<f64, Error> {
    let slope = |v: &[Var<'_, f64>]| -> Result<f64, Error> { directional(&f, v)?.item() };
    let mut worst = 0.0;
    for create_graph in [CreateGraph::No, CreateGraph::Yes] {
        let tape = Tape::new();
        let vars: Vec<_> = inputs.iter().map(|x| tape.leaf(x.clone())).collect();
        let gradients = grad(directional(&f, &vars)?, &vars, create_graph)?;
        let gradients: Vec<_> = gradients.into_iter().map(Var::value).collect();
        worst = compare("gradgradcheck", &slope, inputs, &gradients, tolerance)?.max(worst);
    }
    Ok(worst)
}

/// Σᵢ Σ uᵢ · ∂(Σ w · f) / ∂xᵢ, recorded.
fn directional<'t>(f: &impl Function, vars: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
    let gradients = grad(weigh(f(vars)?, 0)?, vars, CreateGraph::Yes)?;
    let mut total: Option<Var<'t, f64>> = None;
    for (i, gradient) in gradients.into_iter().enumerate() {
        let part = weigh(gradient, i + 1)?;
        total = Some(if let Some(total) = total { total.add(part)? } else { part });
    }
    total.ok_or(Error::Length { op: "gradgradcheck", what: "inputs", expected: 1, got: 0 })
}

/// Σ w · x with weights in (0.5, 1.5), different for each element and `salt`.
fn weigh(x: Var<'_, f64>, salt: usize) -> Result<Var<'_, f64>, Error> {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let weights = x.tape().constant_with(x.shape().dims(), |w| {
        for (i, w) in w.iter_mut().enumerate() {
            *w = 0.5 + (GOLDEN * (i + 1 + 37 * salt) as f64).fract();
        }
    })?;
    x.mul(weights)?.sum()
}

/// A function of variables to a number.
type Evaluate<'a> = dyn Fn(&[Var<'_, f64>]) -> Result<f64, Error> + 'a;

/// The largest relative error of `gradients` against differences of `f`.
fn compare(
    op: &'static str,
    f: &Evaluate<'_>,
    inputs: &[Tensor<f64>],
    gradients: &[Tensor<f64>],
    tolerance: Tolerance,
) -> Result<f64, Error> {
    let mut tape = Tape::new();
    let mut worst = 0.0;
    for input in 0..inputs.len() {
        for element in 0..inputs[input].shape().len() {
            let x = inputs[input].as_slice()[element];
            let h = tolerance.step * x.abs().max(1.0);
            let mut at = |offset: f64| -> Result<f64, Error> {
                tape.reset();
                let mut moved = inputs[input].as_slice().to_vec();
                moved[element] = x + offset;
                let moved = Tensor::new(inputs[input].shape().dims(), moved)?;
                let leaf =
                    |(i, x): (usize, &Tensor<f64>)| tape.leaf(if i == input { moved.clone() } else { x.clone() });
                let vars: Vec<_> = inputs.iter().enumerate().map(leaf).collect();
                f(&vars)
            };
            let numeric = (8.0 * (at(h)? - at(-h)?) - (at(2.0 * h)? - at(-2.0 * h)?)) / (12.0 * h);
            let analytic = gradients[input].as_slice()[element];
            let error = (analytic - numeric).abs() / tolerance.floor.max(analytic.abs()).max(numeric.abs());
            if error.is_nan() || error > tolerance.relative {
                let allowed = tolerance.relative;
                let difference = format!(
                    "{analytic} by the tape and {numeric} by finite differences (relative error {error:e}, allowed {allowed:e})"
                );
                return Err(Error::Check { op, input, element, difference });
            }
            worst = error.max(worst);
        }
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_slope_is_found() -> Result<(), Error> {
        let x = [Tensor::new(&[2], vec![0.3, 0.7])?];
        let wrong = gradcheck(|v| v[0].with_slope(|x| (x * x, 2.001 * x)), &x);
        assert!(matches!(wrong, Err(Error::Check { op: "gradcheck", input: 0, element: 0, .. })), "{wrong:?}");
        assert!(gradcheck(|v| v[0].with_slope(|x| (x * x, 2.0 * x)), &x)? < 1e-9);
        // The slope is a constant to second derivatives, which a check of them must notice.
        assert!(gradgradcheck(|v| v[0].with_slope(|x| (x * x, 2.0 * x)), &x).is_err());
        Ok(())
    }
}
