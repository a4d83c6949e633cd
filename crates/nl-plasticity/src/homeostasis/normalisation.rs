//! Normalisation of each neuron's summed weight.

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use super::check_spikes;
use crate::Error;
use crate::rules::real;

const NORMALISATION: &str = "weight normalisation";

/// Weight normalisation: w_ij ← w_ij c / Σ_i |w_ij| for a post neuron j; a neuron without weight keeps it.
///
/// It is not local: every weight of a neuron knows the others. Bounds are the learning rule's: the sum is exact.
///
/// Source: Diehl & Cook 2015 (c = 78.4 for 784 inputs; BindsNET and the authors' program).
///
/// ```
/// use nl_plasticity::WeightNormalisation;
/// use nl_synapse::{Dense, Weights};
/// let mut weights = Dense::new(2, 2, vec![1.0_f64, 1.0, 3.0, 1.0])?;
/// let normalisation = WeightNormalisation::new(2.0)?;
/// normalisation.apply_to(&[0], &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5, 1.0, 1.5, 1.0]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct WeightNormalisation {
    /// c.
    pub sum: f64,
}

impl WeightNormalisation {
    /// To sums of `sum`.
    ///
    /// # Errors
    /// If it is not positive and finite.
    pub fn new(sum: f64) -> Result<Self, Error> {
        nl_units::Error::positive(NORMALISATION, "sum", sum)?;
        Ok(Self { sum })
    }

    /// Normalises every post neuron.
    ///
    /// # Errors
    /// If the sum is not positive and finite.
    pub fn apply<F: Real, W: Weights<F>>(&self, weights: &mut W) -> Result<(), Error> {
        let sum = self.target::<F>()?;
        for j in 0..weights.post() {
            normalise(sum, j as u32, weights);
        }
        Ok(())
    }

    /// Normalises the neurons of `post` only, such as those that just fired: the others' weights have not changed.
    ///
    /// # Errors
    /// If the sum is not positive and finite, or a neuron does not exist.
    pub fn apply_to<F: Real, W: Weights<F>>(&self, post: &[u32], weights: &mut W) -> Result<(), Error> {
        let sum = self.target::<F>()?;
        check_spikes(NORMALISATION, post, weights.post())?;
        for &j in post {
            normalise(sum, j, weights);
        }
        Ok(())
    }

    fn target<F: Real>(&self) -> Result<F, Error> {
        nl_units::Error::positive(NORMALISATION, "sum", self.sum)?;
        Ok(real(NORMALISATION, "sum", self.sum)?)
    }
}

/// One column; the sum is taken in `f64` in ascending order of pre.
fn normalise<F: Real, W: Weights<F>>(sum: F, post: u32, weights: &mut W) {
    let mut now = 0.0_f64;
    weights.for_incoming(post, |_, _, w| now += w.abs().to_f64());
    let factor = F::from_f64(sum.to_f64() / now);
    if factor.is_finite() {
        weights.for_incoming(post, |_, _, w| *w *= factor);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use nl_synapse::{Csr, Dense, Sparse};

    #[test]
    fn every_sum_is_the_target_and_a_neuron_without_weight_stays() {
        let mut weights = Dense::new(3, 2, vec![1.0_f32, 0.0, 2.0, 0.0, 4.0, 0.0]).unwrap();
        WeightNormalisation::new(78.4).unwrap().apply(&mut weights).unwrap();
        let sum: f32 = [0, 2, 4].iter().map(|&s| weights.weights()[s]).sum();
        assert_relative_eq!(sum, 78.4, max_relative = 1e-6); // f32
        assert_eq!([1, 3, 5].map(|s| weights.weights()[s]), [0.0; 3]);
    }

    #[test]
    fn sparse_and_signed_weights_keep_their_signs() {
        let csr = Csr::from_edges(2, 2, &[(0, 0), (1, 0), (1, 1)]).unwrap();
        let mut weights = Sparse::new(csr, vec![1.0_f64, -3.0, 5.0]).unwrap();
        let normalisation = WeightNormalisation::new(1.0).unwrap();
        normalisation.apply_to(&[0], &mut weights).unwrap();
        assert_eq!(weights.weights(), &[0.25, -0.75, 5.0]);
        assert!(normalisation.apply_to(&[2], &mut weights).is_err());
        assert!(WeightNormalisation { sum: f64::NAN }.apply(&mut weights).is_err());
        assert!(WeightNormalisation::new(0.0).is_err());
    }
}
