//! Phase code: a spike is worth a bit.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, UNIT, UNIT_EXPECTED, begin, check_steps};
use nl_units::rounding::{self, INPUT};

const NAME: &str = "weighted phase";

/// The K bits of ⌊x (2^K − 1) + ½⌋, the highest first, one a step, over and over: a spike of step t weighs
/// 2^−(1 + t mod K).
///
/// A byte divided by 255 is told exactly with K = 8. Source: Kim et al., "Deep neural networks with weighted spikes", 2018
/// (t from 0 here). SpikingJelly's `WeightedPhaseEncoder` takes x up to 1 − 2^−K instead. Default: K = 8, one
/// period.
///
/// ```
/// use nl_encoding::encode::{Encoder, WeightedPhase};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let mut train = SpikeTrain::new(1);
/// WeightedPhase::default().encode(&[192.0 / 255.0], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!(train.steps_of(0), [0, 1]); // 192 = 11000000
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WeightedPhase {
    /// Bits K, 1 to 24.
    pub bits: u32,
    /// Number of steps; K of them tell a number.
    pub steps: usize,
}

impl Default for WeightedPhase {
    fn default() -> Self {
        Self { bits: 8, steps: 8 }
    }
}

impl WeightedPhase {
    /// 2^−(1 + t mod K): what a spike of this step is worth.
    #[must_use]
    pub fn weight(&self, step: usize) -> f64 {
        0.5_f64.powi(1 + (step % self.bits.max(1) as usize) as i32)
    }
}

impl Encoder for WeightedPhase {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        let fits = |bits: f64| (1.0..=24.0).contains(&bits);
        nl_units::Error::check(NAME, "bits", self.bits.into(), fits, "use 1 to 24; 8 for bytes")?;
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], _: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, UNIT, UNIT_EXPECTED, out)?;
        let largest = f64::from((1_u32 << self.bits) - 1);
        for (&x, neuron) in x.iter().zip(0..) {
            let x = f64::from(x) * largest;
            let number = rounding::round(x, x * INPUT).min(largest) as u32;
            if number == 0 {
                continue;
            }
            for step in 0..self.steps {
                let bit = self.bits - 1 - (step % self.bits as usize) as u32;
                if number >> bit & 1 == 1 {
                    out.events_mut().push((step as u32, neuron));
                }
            }
        }
        Ok(out.collect(self.steps)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use proptest::prelude::*;

    fn encode(encoder: WeightedPhase, x: &[f32]) -> SpikeTrain {
        let mut train = SpikeTrain::new(x.len());
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, 0), &mut train).unwrap();
        train
    }

    #[test]
    fn every_byte_is_told_exactly_and_in_each_period() {
        let bytes: Vec<f32> = (0..=255).map(|byte| byte as f32 / 255.0).collect();
        let encoder = WeightedPhase { bits: 8, steps: 16 };
        let train = encode(encoder, &bytes);
        for (byte, neuron) in (0..=255).zip(0..) {
            let sum: f64 = train.steps_of(neuron).iter().map(|&step| encoder.weight(step)).sum();
            assert_eq!(sum, 2.0 * f64::from(byte) / 256.0);
        }
        assert_eq!(train.at(3), train.at(11));
    }

    /// 0.1 to 0.9 lie half way between two bytes: the upper one, whichever way single precision has rounded them.
    #[test]
    fn halves_go_up() {
        let x: Vec<f32> = [1, 3, 5, 7, 9].map(|tenth| tenth as f32 / 10.0).to_vec();
        let (encoder, train) = (WeightedPhase::default(), encode(WeightedPhase::default(), &x));
        for (byte, neuron) in [26, 77, 128, 179, 230].into_iter().zip(0..) {
            let sum: f64 = train.steps_of(neuron).iter().map(|&step| encoder.weight(step)).sum();
            assert_eq!(sum * 256.0, f64::from(byte));
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        for (encoder, name) in [
            (WeightedPhase { bits: 0, steps: 8 }, "bits"),
            (WeightedPhase { bits: 25, steps: 8 }, "bits"),
            (WeightedPhase { bits: 8, steps: 0 }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }

    proptest! {
        #[test]
        fn brighter_is_never_worth_less(a in 0.0_f32..=1.0, b in 0.0_f32..=1.0, bits in 1_u32..=24) {
            let encoder = WeightedPhase { bits, steps: bits as usize };
            let train = encode(encoder, &[a.min(b), a.max(b)]);
            let worth = |neuron| -> f64 { train.steps_of(neuron).iter().map(|&step| encoder.weight(step)).sum() };
            prop_assert!(worth(0) <= worth(1));
            // Half a unit of rounding, and 2^K instead of 2^K − 1.
            prop_assert!((worth(1) - f64::from(a.max(b))).abs() <= 1.5 * 0.5_f64.powi(bits as i32));
        }
    }
}
