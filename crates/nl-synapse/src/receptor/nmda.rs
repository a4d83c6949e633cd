//! NMDA receptors, which magnesium blocks at rest.

use nl_kernels::{Level, Vectorised};
use nl_neuron::Real;
use nl_units::{Error as NeuronError, Mv};
use serde::{Deserialize, Serialize};

use crate::Error;

const NAME: &str = "NMDA";

/// I = g B(V) (E − V), B(V) = 1 / (1 + [Mg²⁺] / 3.57 mM · e^(−0.062 V / mV)): conductances that open as the cell
/// depolarises.
///
/// g is in nS, V in mV, I in pA. The block follows the voltage at once; g has its own kinetics, such as a
/// [`dual_exponential`](crate::Receptor::dual_exponential) one. Source: Jahr & Stevens, Voltage dependence of
/// NMDA-activated macroscopic conductances predicted by single-channel kinetics, 1990, eq. 4a as it is usually quoted
/// (Dayan & Abbott, Theoretical Neuroscience, 2001, eq. 5.36: 1 / (1 + Mg / 3.57 mM · e^(−V / 16.13 mV))).
///
/// ```
/// use nl_units::Mv;
/// use nl_synapse::Nmda;
/// let nmda = Nmda::new(Mv(0.0), 1.0)?;
/// assert!(nmda.unblocked(-70.0_f64) < 0.05 && nmda.unblocked(20.0_f64) > 0.9);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Unchecked")]
pub struct Nmda {
    e_rev: Mv,
    mg: f64,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct Unchecked {
    e_rev: Mv,
    mg: f64,
}

impl TryFrom<Unchecked> for Nmda {
    type Error = Error;

    fn try_from(Unchecked { e_rev, mg }: Unchecked) -> Result<Self, Error> {
        Self::new(e_rev, mg)
    }
}

impl Nmda {
    /// Receptors with this reversal potential (0 mV is usual) in this concentration of magnesium, in mM (1 is usual).
    ///
    /// # Errors
    /// If the potential is not finite or the concentration negative.
    pub fn new(e_rev: Mv, mg: f64) -> Result<Self, Error> {
        NeuronError::finite(NAME, "e_rev", e_rev.0)?;
        NeuronError::not_negative(NAME, "mg", mg)?;
        Ok(Self { e_rev, mg })
    }

    /// B(V), the fraction of channels that are not blocked.
    #[inline(always)]
    #[must_use]
    pub fn unblocked<F: Real>(&self, v: F) -> F {
        let block = F::from_f64(self.mg / 3.57) * (F::from_f64(-0.062) * v).v_exp();
        F::ONE / (F::ONE + block)
    }

    /// I_j += g_j B(V_j) (E − V_j); all `[n]`.
    ///
    /// # Errors
    /// If the lengths differ.
    pub fn add_current<F: Real>(&self, g: &[F], v: &[F], current: &mut [F]) -> Result<(), Error> {
        NeuronError::length(NAME, "v", g.len(), v.len())?;
        NeuronError::length(NAME, "current", g.len(), current.len())?;
        Level::current().dispatch(AddCurrent { nmda: *self, g, v, current });
        Ok(())
    }
}

struct AddCurrent<'a, F> {
    nmda: Nmda,
    g: &'a [F],
    v: &'a [F],
    current: &'a mut [F],
}

impl<F: Real> Vectorised for AddCurrent<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let e_rev = F::from_f64(self.nmda.e_rev.0);
        for ((i, &g), &v) in self.current.iter_mut().zip(self.g).zip(self.v) {
            *i += g * self.nmda.unblocked(v) * (e_rev - v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    #[test]
    fn block_follows_the_formula() {
        let nmda = Nmda::new(Mv(0.0), 1.2).unwrap();
        for v in [-1e6, -90.0, -70.0, -20.0, 0.0, 40.0, 1e6] {
            let expected = 1.0 / (1.0 + 1.2 / 3.57 * f64::exp(-0.062 * v));
            assert_abs_diff_eq!(nmda.unblocked(v), expected, epsilon = 1e-12); // of an exponential of up to 4
            let mut current = [1.0];
            nmda.add_current(&[3.0], &[v], &mut current).unwrap();
            assert_relative_eq!(current[0], 1.0 - 3.0 * expected * v, max_relative = 1e-9, epsilon = 1e-9);
        }
        let open = Nmda::new(Mv(0.0), 0.0).unwrap();
        assert_eq!(open.unblocked(-70.0_f32), 1.0);
    }
}
