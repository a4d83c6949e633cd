//! Burst code: spikes in succession are worth more and more.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, UNIT, UNIT_EXPECTED, begin, check_steps};
use nl_units::rounding::INPUT;

const NAME: &str = "burst";

/// V ← V + x each step; V ≥ g v_th → spike worth g v_th, V ← V − g v_th; g = β g after a spike, else 1.
///
/// What has piled up leaves in a short burst instead of a long row of single spikes. What the spikes are worth
/// ([`worth`](Self::worth)) adds up to the input but for what V still holds. Source: Park, Kim, Choe & Yoon, "Fast and
/// efficient information transmission with burst spikes in deep spiking neural networks", 2019 (β = 2, as here). Defaults:
/// v_th = 0.125, 20 steps.
///
/// ```
/// use nl_encoding::encode::{Burst, Encoder};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let (burst, mut train) = (Burst { steps: 5, ..Burst::default() }, SpikeTrain::new(1));
/// burst.encode(&[0.25], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!(train.steps_of(0), [0, 1, 3, 4]); // V = 0.25 - 0.125, 0.375 - 0.25, 0.375 < 0.5, then afresh
/// assert_eq!(burst.worth(&train), [0.125, 0.25, 0.125, 0.25]);
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Burst {
    /// Threshold v_th of the first spike of a burst.
    pub threshold: f64,
    /// Factor β from spike to spike; 1 is a [`Regular`](super::Regular) code.
    pub beta: f64,
    /// Number of steps.
    pub steps: usize,
}

impl Default for Burst {
    fn default() -> Self {
        Self { threshold: 0.125, beta: 2.0, steps: 20 }
    }
}

impl Burst {
    /// g v_th of each spike, in the order of [`SpikeTrain::events`].
    #[must_use]
    pub fn worth(&self, train: &SpikeTrain) -> Vec<f64> {
        let mut last = vec![(usize::MAX, 0.0); train.population()];
        let worth = |(step, neuron): (usize, u32)| {
            let (before, worth) = last[neuron as usize];
            let worth = if before.wrapping_add(1) == step && step > 0 { self.beta * worth } else { self.threshold };
            last[neuron as usize] = (step, worth);
            worth
        };
        train.events().map(worth).collect()
    }
}

impl Encoder for Burst {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        nl_units::Error::positive(NAME, "threshold", self.threshold)?;
        nl_units::Error::check(NAME, "beta", self.beta, |beta| beta >= 1.0, "use a finite number, 1 or above")?;
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], _: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, UNIT, UNIT_EXPECTED, out)?;
        for (&x, neuron) in x.iter().zip(0..) {
            if x == 0.0 {
                continue;
            }
            let (mut v, mut threshold) = (0.0, self.threshold);
            let x = f64::from(x);
            for step in 0..self.steps as u32 {
                v += x;
                // What has come in so far is known to the rounding of x.
                let error = (x * f64::from(step + 1) * INPUT).min(threshold / 1024.0);
                if v + error >= threshold {
                    v -= threshold;
                    threshold *= self.beta;
                    out.events_mut().push((step, neuron));
                } else {
                    threshold = self.threshold;
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

    fn encode(encoder: Burst, x: &[f32]) -> SpikeTrain {
        let mut train = SpikeTrain::new(x.len());
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, 0), &mut train).unwrap();
        train
    }

    #[test]
    fn without_growth_a_regular_code() {
        let train = encode(Burst { threshold: 1.0, beta: 1.0, steps: 8 }, &[0.25, 1.0, 0.0]);
        assert_eq!(train.steps_of(0), [3, 7]);
        assert_eq!(train.counts(), [2, 8, 0]);
    }

    /// Twenty-five times 0.005 are the threshold, in single precision a little less.
    #[test]
    fn what_reaches_the_threshold_but_for_rounding_spikes() {
        for (x, every) in [(0.005, 25), (0.025, 5), (0.001, 125), (0.0125, 10)] {
            let burst = Burst { steps: 20 * every, beta: 1.0, ..Burst::default() };
            let expected: Vec<usize> = (1..=20).map(|spike| spike * every - 1).collect();
            assert_eq!(encode(burst, &[x]).steps_of(0), expected, "{x}");
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = Burst::default();
        for (encoder, name) in [
            (Burst { threshold: 0.0, ..p }, "threshold"),
            (Burst { beta: 0.9, ..p }, "beta"),
            (Burst { beta: f64::INFINITY, ..p }, "beta"),
            (Burst { steps: 0, ..p }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_but_what_the_membrane_holds(x in 0.0_f32..=1.0, beta in 1.5_f64..3.0) {
            let burst = Burst { steps: 500, beta, ..Burst::default() };
            let sum: f64 = burst.worth(&encode(burst, &[x])).iter().sum();
            let held = 500.0 * f64::from(x) - sum;
            // Thresholds grow geometrically, the input adds 1 a step at most: of these β none lets V reach 32.
            prop_assert!((-1e-4..32.0).contains(&held), "{held}");
        }
    }
}
