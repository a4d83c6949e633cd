//! Hebb's rule.

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::Clip;
use crate::rate::{check_populations, check_rates};
use crate::{Error, RateRule};

const NAME: &str = "hebb";

/// Parameters of [`Hebb`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct HebbParameters {
    /// Learning rate η: the change at x = y = 1, in the `amplitude_unit`.
    pub eta: f64,
    /// Share λ of the weight lost in each update, 0 to 1.
    pub decay: f64,
    /// What η is measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for HebbParameters {
    fn default() -> Self {
        Self { eta: 1e-3, decay: 0.0, amplitude_unit: AmplitudeUnit::Weight, w_min: -1.0, w_max: 1.0 }
    }
}

/// Hebb's rule with decay: Δw_ij = η x_i y_j − λ w_ij, clipped to [w_min, w_max].
///
/// η is in the unit of the weight (for x and y without unit), or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]).
///
/// Without decay only the bounds stop it. Source: Hebb 1949; Gerstner & Kistler 2002, chapter 10.
///
/// ```
/// use nl_plasticity::{Hebb, HebbParameters, RateRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = Hebb::<f64>::new(HebbParameters { eta: 0.5, ..HebbParameters::default() })?;
/// let mut weights = Dense::new(2, 1, vec![0.0, 0.0])?;
/// rule.step(&mut (), &[1.0, -0.5], &[1.0], &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5, -0.25]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Hebb<F = f32> {
    parameters: HebbParameters,
    eta: F,
    keep: F,
    clip: Clip<F>,
}

impl<F: Real> Hebb<F> {
    /// The rule with these parameters.
    ///
    /// # Errors
    /// If a value is not finite, λ not within 0 to 1, or w_min above w_max.
    pub fn new(parameters: HebbParameters) -> Result<Self, Error> {
        let p = parameters;
        nl_units::Error::check(NAME, "decay", p.decay, |x| (0.0..=1.0).contains(&x), "use a share from 0 to 1")?;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        Ok(Self {
            parameters,
            eta: amplitude(NAME, "eta", p.eta, unit)?,
            keep: F::from_f64(1.0 - p.decay),
            clip: Clip::new(NAME, p.w_min, p.w_max)?,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &HebbParameters {
        &self.parameters
    }
}

impl<F: Real> RateRule<F> for Hebb<F> {
    type State = ();

    fn name(&self) -> &'static str {
        NAME
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.clip.bounds())
    }

    fn state(&self, pre: usize, post: usize) -> Result<(), Error> {
        check_populations(NAME, pre, post)
    }

    fn step<W: Weights<F>>(&self, (): &mut (), x: &[F], y: &[F], weights: &mut W) -> Result<(), Error> {
        check_rates(NAME, x, y, weights)?;
        for (i, &x) in x.iter().enumerate() {
            let amount = self.eta * x;
            weights.for_outgoing(i as u32, |_, j, w| *w = self.clip.of(*w * self.keep + amount * y[j as usize]));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use nl_synapse::Dense;

    #[test]
    fn decay_balances_at_eta_xy_over_lambda_and_the_bound_holds() {
        let run = |p: HebbParameters| {
            let rule = Hebb::<f64>::new(p).unwrap();
            let mut weights = Dense::new(1, 1, vec![0.9]).unwrap();
            for _ in 0..5000 {
                rule.step(&mut (), &[0.5], &[0.8], &mut weights).unwrap();
            }
            weights.weights()[0]
        };
        let p = HebbParameters { eta: 0.01, decay: 0.01, ..HebbParameters::default() };
        assert_abs_diff_eq!(run(p), 0.4, epsilon = 1e-12); // rounding over 5000 updates
        assert_eq!(run(HebbParameters { decay: 0.0, ..p }), 1.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let rule = Hebb::<f64>::new(HebbParameters::default()).unwrap();
        let mut weights = Dense::new(2, 1, vec![0.0, 0.0]).unwrap();
        assert!(rule.step(&mut (), &[1.0], &[1.0], &mut weights).is_err());
        assert!(rule.step(&mut (), &[1.0, 1.0], &[], &mut weights).is_err());
        assert!(rule.step(&mut (), &[1.0, f64::NAN], &[1.0], &mut weights).is_err());
        assert!(Hebb::<f64>::new(HebbParameters { decay: 1.5, ..HebbParameters::default() }).is_err());
    }
}
