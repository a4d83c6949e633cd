//! What amplitudes are measured in, and which of them a weight can hold.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

/// What the amplitudes of a rule (A₊, A₋, η, γ …) are measured in.
///
/// ```
/// use nl_plasticity::{AmplitudeUnit, Ms, PairStdp, PairStdpParameters, PlasticityRule};
/// // Song, Miller & Abbott 2000: A₊ = 0.5 % of the largest conductance, here 40 pA.
/// let p = PairStdpParameters { a_plus: 0.005, a_minus: 0.00525, w_max: 40.0, ..PairStdpParameters::default() };
/// let of_range = PairStdpParameters { amplitude_unit: AmplitudeUnit::Range, ..p };
/// let step = |p| Ok::<_, nl_plasticity::Error>(PairStdp::<f32>::new(p, Ms(0.1))?.step_size());
/// assert_eq!(step(p)?, Some(0.00525)); // pA: 8,000 pairs from one bound to the other
/// assert_eq!(step(of_range)?, Some(0.00525 * 40.0)); // 200 pairs
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum AmplitudeUnit {
    /// The unit of the weight itself: pA, nS, mV, or none.
    #[default]
    Weight,
    /// The distance between the bounds, w_max − w_min. With w_min = 0 an amplitude is a share of w_max, as Song, Miller &
    /// Abbott's A₊ (2000) and the λ of NEST's `stdp_synapse` are.
    Range,
}

impl AmplitudeUnit {
    /// How much one of these is in the unit of the weight.
    pub(crate) fn size(self, rule: &'static str, w_min: f64, w_max: f64) -> Result<f64, nl_units::Error> {
        match self {
            Self::Weight => Ok(1.0),
            Self::Range => {
                let expected = "use a bound above w_min: the amplitudes are measured by their distance";
                nl_units::Error::check(rule, "w_max", w_max, |high| high > w_min, expected)?;
                Ok(w_max - w_min)
            }
        }
    }
}

impl AmplitudeUnit {
    /// The largest of `amplitudes`, in the unit of the weight.
    pub(crate) fn largest(self, (w_min, w_max): (f64, f64), amplitudes: &[f64]) -> f64 {
        let size = if self == Self::Range { w_max - w_min } else { 1.0 };
        amplitudes.iter().fold(0.0, |largest: f64, a| largest.max(a.abs())) * size
    }
}

/// `value` in units of `size` weights, as an amplitude: a number which the weights' precision holds with so much room above
/// (2⁶⁴) that no product with a trace or a learning rate overflows, where 0 · ∞ would end at a bound.
pub(crate) fn amplitude<F: Real>(
    rule: &'static str,
    name: &'static str,
    value: f64,
    size: f64,
) -> Result<F, nl_units::Error> {
    let exact = value * size;
    let fits = |_| {
        let x = F::from_f64(exact);
        F::from_f64(exact * ROOM).is_finite()
            && (x != F::ZERO || exact == 0.0)
            && (exact != 0.0 || value == 0.0 || size == 0.0)
    };
    nl_units::Error::check(rule, name, value, fits, "use an amplitude that the weights' precision can hold")?;
    Ok(F::from_f64(exact))
}

/// 2⁶⁴.
const ROOM: f64 = 18_446_744_073_709_551_616.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amplitude_is_scaled_and_must_be_held_with_room() {
        assert_eq!(AmplitudeUnit::Weight.size("test", 1.0, 0.0), Ok(1.0));
        assert_eq!(AmplitudeUnit::Range.size("test", -1.0, 39.0), Ok(40.0));
        assert!(AmplitudeUnit::Range.size("test", 1.0, 1.0).is_err());
        assert_eq!(amplitude::<f32>("test", "a", 0.25, 40.0), Ok(10.0));
        assert_eq!(amplitude::<f32>("test", "a", -0.0, 40.0), Ok(0.0));
        for lost in [1e-60, 1e30, f64::NAN, f64::INFINITY] {
            assert!(amplitude::<f32>("test", "a", lost, 1.0).is_err(), "{lost}");
        }
        assert_eq!(amplitude::<f64>("test", "a", 1e-60, 1.0), Ok(1e-60));
        assert!(amplitude::<f64>("test", "a", 1e300, 1.0).is_err());
    }
}
