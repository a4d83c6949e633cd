//! Near excitation and far inhibition.

use nl_neuron::Real;
use nl_units::Error as NeuronError;
use serde::{Deserialize, Serialize};

use crate::{Error, Sparse};

use super::{Autapses, Lattice, lateral};

/// A difference of Gaussians over distance; lengths in units of the lattice.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MexicanHat {
    /// Height of the excitatory Gaussian.
    pub a_exc: f64,
    /// Width of the excitatory Gaussian.
    pub sigma_exc: f64,
    /// Height of the inhibitory Gaussian.
    pub a_inh: f64,
    /// Width of the inhibitory Gaussian.
    pub sigma_inh: f64,
    /// No synapse beyond this distance.
    pub cut_off: f64,
}

impl MexicanHat {
    /// w(d) = A_exc e^(−d² / 2σ_exc²) − A_inh e^(−d² / 2σ_inh²)
    #[must_use]
    pub fn weight(&self, d: f64) -> f64 {
        let gaussian = |a: f64, sigma: f64| a * (-d * d / (2.0 * sigma * sigma)).exp();
        gaussian(self.a_exc, self.sigma_exc) - gaussian(self.a_inh, self.sigma_inh)
    }
}

/// Lateral connections within a lattice whose weights are a [`MexicanHat`] of the distance.
///
/// w_ij = A_exc e^(−d² / 2σ_exc²) − A_inh e^(−d² / 2σ_inh²) for d ≤ cut_off. Source: Wilson & Cowan, 1973; Amari,
/// Dynamics of pattern formation in lateral-inhibition type neural fields, 1977 (the shape; the difference of Gaussians
/// is the usual choice).
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Edges, Lattice, MexicanHat, mexican_hat};
/// use nl_synapse::{Connection, Weights};
/// let hat = MexicanHat { a_exc: 2.0, sigma_exc: 1.0, a_inh: 1.0, sigma_inh: 3.0, cut_off: 6.0 };
/// let ring = Lattice { height: 1, width: 20, edges: Edges::Torus };
/// let synapses = mexican_hat::<f32>(ring, &hat, Autapses::Forbid)?;
/// let mut input = [0.0; 20];
/// synapses.deliver(&[0], &mut input)?;
/// assert!(input[1] > 0.0 && input[4] < 0.0 && input[7] == 0.0);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If a height is negative, a width not positive, or as [`lateral`].
pub fn mexican_hat<F: Real>(lattice: Lattice, hat: &MexicanHat, autapses: Autapses) -> Result<Sparse<F>, Error> {
    const NAME: &str = "Mexican hat";
    NeuronError::not_negative(NAME, "a_exc", hat.a_exc)?;
    NeuronError::not_negative(NAME, "a_inh", hat.a_inh)?;
    NeuronError::positive(NAME, "sigma_exc", hat.sigma_exc)?;
    NeuronError::positive(NAME, "sigma_inh", hat.sigma_inh)?;
    lateral(lattice, hat.cut_off, autapses, |d| F::from_f64(hat.weight(d)))
}

#[cfg(test)]
mod tests {
    use super::super::Edges;
    use super::*;
    use crate::Weights;
    use approx::assert_abs_diff_eq;

    #[test]
    fn weights_follow_the_formula() {
        let hat = MexicanHat { a_exc: 1.5, sigma_exc: 0.8, a_inh: 0.5, sigma_inh: 2.0, cut_off: 2.0 };
        let grid = Lattice { height: 5, width: 5, edges: Edges::Open };
        let synapses = mexican_hat::<f64>(grid, &hat, Autapses::Allow).unwrap();
        let at = |j: u32| {
            let row = synapses.csr().row(12);
            row.binary_search(&j).ok().map(|k| synapses.weights()[synapses.csr().range(12).start + k])
        };
        assert_eq!(at(12), Some(1.0));
        let expected = 1.5 * (-0.5 / 0.64_f64).exp() - 0.5 * (-0.125_f64).exp();
        assert_abs_diff_eq!(at(13).unwrap(), expected, epsilon = 1e-15); // a few last places
        assert_eq!(at(13), at(7));
        assert_eq!(at(6), Some(hat.weight(2.0_f64.sqrt())));
        assert_eq!((at(2).is_some(), at(1)), (true, None)); // 2 away; √5 away
    }
}
