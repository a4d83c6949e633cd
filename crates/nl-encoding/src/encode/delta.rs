//! Delta code: what changes is told, what stays is not.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, begin, check_steps};
use nl_units::rounding::INPUT;

const NAME: &str = "delta";

/// What a value is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DeltaReference {
    /// The value one step before: slow changes, however large in the end, are never told (snnTorch `delta`).
    #[default]
    Previous,
    /// A level that follows by θ with each event, at most one a step: the signal can be rebuilt to within θ where it
    /// changes by less than θ a step (send on delta; the pixels of a dynamic vision sensor, Lichtsteiner et al. 2008,
    /// follow the logarithm of the intensity in this way).
    Level,
}

/// Of a sequence `[T, n]`: ON neuron i spikes in step t if x\[t, i\] − reference ≥ θ, OFF neuron n + i if ≤ −θ.
///
/// The reference of step 0 is x\[0\] itself: nothing is told at the beginning (snnTorch by default compares with 0 there).
/// Population: 2 n. Any finite numbers. Default: θ = 0.1, compared with the step before, 20 steps.
///
/// ```
/// use nl_encoding::encode::{Delta, Encoder};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let mut train = SpikeTrain::new(2);
/// let x = [0.0, 0.5, 0.52, 0.1]; // four steps of one number
/// Delta { steps: 4, ..Delta::default() }.encode(&x, &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!(train.events().collect::<Vec<_>>(), [(1, 0), (3, 1)]); // ON, OFF
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Delta {
    /// Least change θ that is told.
    pub threshold: f32,
    /// What a value is compared with.
    pub reference: DeltaReference,
    /// Number of steps T of the sequence.
    pub steps: usize,
}

impl Default for Delta {
    fn default() -> Self {
        Self { threshold: 0.1, reference: DeltaReference::Previous, steps: 20 }
    }
}

impl Encoder for Delta {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    /// `inputs` is T · n.
    fn population(&self, inputs: usize) -> usize {
        2 * (inputs / self.steps.max(1))
    }

    fn validate(&self) -> Result<(), EncodeError> {
        nl_units::Error::positive(NAME, "threshold", self.threshold.into())?;
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], _: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        // Half of the largest float: a difference of two numbers remains finite.
        begin(self, x, (-f32::MAX / 2.0, f32::MAX / 2.0), "use finite numbers, not the very largest", out)?;
        let n = x.len() / self.steps;
        nl_units::Error::length(NAME, "x [steps, n]", n * self.steps, x.len())?;
        let threshold = f64::from(self.threshold);
        for i in 0..n {
            let start = f64::from(x[i]);
            // Thresholds told so far, up less down: the level is not added up, so that it does not drift.
            let (mut reference, mut told) = (start, 0.0);
            for step in 1..self.steps {
                let value = f64::from(x[step * n + i]);
                let change = value - reference;
                // A change that is the threshold but for the rounding of the two values is told.
                let least = threshold - ((value.abs() + reference.abs()) * INPUT).min(threshold / 1024.0);
                if change >= least {
                    out.events_mut().push((step as u32, i as u32));
                    told += 1.0;
                } else if change <= -least {
                    out.events_mut().push((step as u32, (n + i) as u32));
                    told -= 1.0;
                }
                reference = match self.reference {
                    DeltaReference::Previous => value,
                    DeltaReference::Level => start + told * threshold,
                };
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

    fn encode(encoder: Delta, x: &[f32]) -> Result<SpikeTrain, EncodeError> {
        let mut train = SpikeTrain::new(encoder.population(x.len()));
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, 0), &mut train)?;
        Ok(train)
    }

    #[test]
    fn a_slow_drift_is_told_only_by_its_level() {
        let drift: Vec<f32> = (0..40).map(|t| t as f32 / 16.0).collect();
        let of = |reference| Delta { threshold: 0.25, reference, steps: 40 };
        assert_eq!(encode(of(DeltaReference::Previous), &drift).unwrap().count(), 0);
        let train = encode(of(DeltaReference::Level), &drift).unwrap();
        assert_eq!(train.steps_of(0), [4, 8, 12, 16, 20, 24, 28, 32, 36]);
    }

    #[test]
    fn on_and_off_of_two_numbers() {
        let x = [0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
        let train = encode(Delta { threshold: 1.0, steps: 3, ..Delta::default() }, &x).unwrap();
        assert_eq!(train.events().collect::<Vec<_>>(), [(1, 0), (1, 3), (2, 1)]);
    }

    /// A ramp of one threshold a step, of numbers that single precision rounds up here and down there.
    #[test]
    fn a_change_by_the_threshold_is_told_every_time() {
        let ramp: Vec<f32> = (0..1000).map(|t| (f64::from(t) * 0.1) as f32).collect();
        for reference in [DeltaReference::Previous, DeltaReference::Level] {
            let delta = Delta { reference, steps: 1000, ..Delta::default() };
            assert_eq!(encode(delta, &ramp).unwrap().counts(), [999, 0], "{reference:?}");
        }
    }

    #[test]
    fn hostile_sequences_and_parameters_are_refused() {
        let delta = Delta { steps: 2, ..Delta::default() };
        assert!(encode(delta, &[0.0; 3]).is_err(), "not a whole number of rows");
        for bad in [f32::NAN, f32::INFINITY, f32::MAX] {
            assert!(matches!(encode(delta, &[0.0, bad]), Err(EncodeError::Value { index: 1, .. })));
        }
        for threshold in [0.0, -1.0, f32::NAN] {
            assert!(encode(Delta { threshold, ..delta }, &[0.0; 2]).is_err());
        }
        assert!(encode(Delta { steps: 0, ..delta }, &[]).is_err());
    }

    proptest! {
        #[test]
        fn a_signal_that_moves_slowly_is_rebuilt_within_the_threshold(
            moves in prop::collection::vec(-0.24_f32..0.24, 1..60),
        ) {
            let mut x = vec![0.0];
            moves.iter().for_each(|change| x.push(x[x.len() - 1] + change));
            let delta = Delta { threshold: 0.25, reference: DeltaReference::Level, steps: x.len() };
            let train = encode(delta, &x).unwrap();
            let mut level = 0.0;
            for (step, value) in x.iter().enumerate() {
                for &neuron in train.at(step) {
                    level += if neuron == 0 { 0.25 } else { -0.25 };
                }
                prop_assert!((value - level).abs() < 0.25);
            }
        }
    }
}
