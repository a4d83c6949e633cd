//! From conductances to currents.

use nl_kernels::{Level, Vectorised};
use nl_neuron::Real;
use nl_units::{Error as NeuronError, Mv};
use serde::{Deserialize, Serialize};

use crate::Error;

const NAME: &str = "conductance";

/// I = g (E − V): the current through open channels, in pA with g in nS and V in mV; positive depolarises.
///
/// g is not negative: inhibition is an E below V, not a g below 0, which would drive V away from E without end.
///
/// ```
/// use nl_units::Mv;
/// use nl_synapse::Conductance;
/// let inhibition = Conductance::new(Mv(-85.0))?;
/// let mut current = [0.0_f32; 2];
/// inhibition.add_current(&[2.0, 0.0], &[-70.0, -70.0], &mut current)?;
/// assert_eq!(current, [-30.0, 0.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Conductance {
    e_rev: Mv,
}

impl Conductance {
    /// Channels with this reversal potential.
    ///
    /// # Errors
    /// If it is not finite.
    pub fn new(e_rev: Mv) -> Result<Self, Error> {
        NeuronError::finite(NAME, "e_rev", e_rev.0)?;
        Ok(Self { e_rev })
    }

    /// I_j += g_j (E − V_j); all `[n]`.
    ///
    /// # Errors
    /// If the lengths differ.
    pub fn add_current<F: Real>(&self, g: &[F], v: &[F], current: &mut [F]) -> Result<(), Error> {
        NeuronError::length(NAME, "v", g.len(), v.len())?;
        NeuronError::length(NAME, "current", g.len(), current.len())?;
        Level::current().dispatch(AddCurrent { e_rev: F::from_f64(self.e_rev.0), g, v, current });
        Ok(())
    }
}

struct AddCurrent<'a, F> {
    e_rev: F,
    g: &'a [F],
    v: &'a [F],
    current: &'a mut [F],
}

impl<F: Real> Vectorised for AddCurrent<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for ((i, &g), &v) in self.current.iter_mut().zip(self.g).zip(self.v) {
            *i += g * (self.e_rev - v);
        }
    }
}
