//! A price on activity.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::{Builder, Context, Error, Layer, Mode};

/// An [`ActivityPenalty`] in a configuration: `{kind: activity-penalty, l1: 1.0e-4}`.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ActivityPenaltyConfig {
    /// Price of the magnitude of each unit: few units are active.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1e6)))]
    pub l1: f64,
    /// Price of half the square of each unit: no unit is very active.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1e6)))]
    pub l2: f64,
}

impl LayerConfig for ActivityPenaltyConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        Ok(Built::layer(ActivityPenalty::new(at, self.l1, self.l2)?, only(at, inputs)?.clone(), 0))
    }
}

/// y = x; while learning, λ₁ Σ |x| + ½ λ₂ Σ x² is added to what is minimised, the sum over all units of all samples of the batch.
///
/// Whoever trains divides by the number of samples, so that λ is the price for a sample. With λ₁ activity becomes sparse: a unit
/// that brings less than it costs is silent.
///
/// Sources: Olshausen & Field, "Emergence of simple-cell receptive field properties by learning a sparse code for natural images",
/// Nature 381, 1996 (a price on activity); Glorot, Bordes & Bengio, "Deep sparse rectifier neural networks", AISTATS 2011, sec. 3.2
/// (L1 of activations).
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::{ActivityPenalty, Builder, Context, Layer, Mode, Parameters};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let layer = ActivityPenalty::new(&builder.child("price")?, 0.5, 2.0)?;
/// let parameters: Parameters<f32> = builder.finish();
/// let tape = Tape::new();
/// let mut ctx = Context::new(&tape, &parameters, Mode::Train);
/// let x = tape.leaf(Tensor::new(&[1, 2], vec![-1.0, 3.0])?);
/// let y = layer.forward(x, &mut ctx)?;
/// assert_eq!(y.value(), x.value());
/// assert_eq!(ctx.take_loss().unwrap().item()?, 0.5 * (1.0 + 3.0) + 0.5 * 2.0 * (1.0 + 9.0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ActivityPenalty {
    path: String,
    l1: f64,
    l2: f64,
}

/// The highest price.
const MOST: f64 = 1e6;

impl ActivityPenalty {
    /// Of these prices, not both 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a price outside [0, 1e6], or two of 0.
    pub fn new(builder: &Builder, l1: f64, l2: f64) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        for (name, price) in [("l1", l1), ("l2", l2)] {
            if !(0.0..=MOST).contains(&price) {
                return Err(Error::hyperparameter(
                    &path,
                    format!("{name} {price} must be in [0, {MOST}]; 1e-4 is usual"),
                ));
            }
        }
        if l1 == 0.0 && l2 == 0.0 {
            return Err(Error::hyperparameter(
                &path,
                "l1 and l2 are both 0, so nothing has a price; give one, or leave the layer out",
            ));
        }
        Ok(Self { path, l1, l2 })
    }
}

impl<S: Scalar> Layer<S> for ActivityPenalty {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        if ctx.mode() == Mode::Train {
            if self.l1 > 0.0 {
                let price = x.abs().and_then(Var::sum).and_then(|sum| sum.mul_scalar(self.l1)).at(&self.path)?;
                ctx.add_loss(&self.path, price)?;
            }
            if self.l2 > 0.0 {
                let price =
                    x.square().and_then(Var::sum).and_then(|sum| sum.mul_scalar(0.5 * self.l2)).at(&self.path)?;
                ctx.add_loss(&self.path, price)?;
            }
        }
        Ok(x)
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    use nl_random::Streams;

    use super::*;
    use crate::Parameters;

    fn layer(l1: f64, l2: f64) -> Result<ActivityPenalty, Error> {
        ActivityPenalty::new(&Builder::new(Streams::new(1)).child("price").unwrap(), l1, l2)
    }

    /// λ₁ sign(x) + λ₂ x, beside whatever flows through; in evaluation nothing is added.
    #[test]
    fn the_price_is_part_of_what_is_minimised() {
        let parameters = Parameters::<f64>::new(vec![], vec![]).unwrap();
        let values = vec![-2.0, 0.5, 0.0, 3.0];
        for (l1, l2) in [(0.3, 0.0), (0.0, 0.7), (0.3, 0.7)] {
            let tape = Tape::new();
            let x = tape.leaf(Tensor::new(&[2, 2], values.clone()).unwrap());
            let mut ctx = Context::new(&tape, &parameters, Mode::Train);
            let y = layer(l1, l2).unwrap().forward(x, &mut ctx).unwrap();
            let loss = y.sum().unwrap().add(ctx.take_loss().unwrap()).unwrap();
            let slope = grad(loss, &[x], CreateGraph::No).unwrap()[0].value();
            for (slope, x) in slope.as_slice().iter().zip(&values) {
                let sign = if *x == 0.0 { 0.0 } else { f64::signum(*x) };
                approx::assert_relative_eq!(*slope, 1.0 + l1 * sign + l2 * x, max_relative = 1e-14);
            }
            let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
            layer(l1, l2).unwrap().forward(x, &mut ctx).unwrap();
            assert!(ctx.take_loss().is_none());
        }
    }

    #[test]
    fn prices_out_of_range_are_refused() {
        for (l1, l2, wanted) in
            [(-1.0, 0.0, "l1 -1"), (0.0, f64::NAN, "l2 NaN"), (f64::INFINITY, 0.0, "l1 inf"), (0.0, 0.0, "both 0")]
        {
            let said = layer(l1, l2).unwrap_err().to_string();
            assert!(said.starts_with("price: ") && said.contains(wanted), "{said}");
        }
    }
}
