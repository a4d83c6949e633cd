//! Time to first spike: a threshold comes down until the input reaches it.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, UNIT, UNIT_EXPECTED, begin, check_steps};
use nl_units::rounding::{self, INPUT};

const NAME: &str = "time to first spike";

/// Each input spikes once, in the first step k with x ≥ θ₀ e^(−k dt / τ): k = ⌈(τ / dt) ln(θ₀ / x)⌉, at least 0.
///
/// Equal ratios of inputs are equal differences of time; x and x / e are τ apart. An input below θ₀ e^(−(T−1) dt / τ)
/// is silent. An input that is the threshold of a step but for rounding spikes in that step. Source: Park, Kim, Na & Yoon, "T2FSNN", 2020; the idea: VanRullen &
/// Thorpe 2001. Defaults: θ₀ = 1, τ = 5 ms, 20 steps of 1 ms: the faintest input that speaks is e^(−19/5) = 0.022.
///
/// ```
/// use nl_encoding::encode::{Encoder, TimeToFirstSpike};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let mut train = SpikeTrain::new(3);
/// TimeToFirstSpike::default()
///     .encode(&[1.0, 0.5, 0.01], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!(train.events().collect::<Vec<_>>(), [(0, 0), (4, 1)]); // 5 ln 2 = 3.5
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct TimeToFirstSpike {
    /// Threshold θ₀ in step 0.
    pub threshold: f64,
    /// Time constant τ of the threshold.
    pub tau: Ms,
    /// Number of steps.
    pub steps: usize,
    /// Length of a step.
    pub dt: Ms,
}

impl Default for TimeToFirstSpike {
    fn default() -> Self {
        Self { threshold: 1.0, tau: Ms(5.0), steps: 20, dt: Ms(1.0) }
    }
}

impl TimeToFirstSpike {
    /// The threshold in a step: what a spike of that step stands for.
    #[must_use]
    pub fn threshold_at(&self, step: usize) -> f64 {
        self.threshold * (-(step as f64) * self.dt.0 / self.tau.0).exp()
    }
}

impl Encoder for TimeToFirstSpike {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        nl_units::Error::positive(NAME, "threshold", self.threshold)?;
        nl_units::Error::positive(NAME, "tau", self.tau.0)?;
        nl_units::Error::positive(NAME, "dt", self.dt.0)?;
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], _: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, UNIT, UNIT_EXPECTED, out)?;
        let rate = self.tau.0 / self.dt.0;
        let spikes = x.iter().zip(0..).filter(|&(&x, _)| x > 0.0).filter_map(|(&x, neuron)| {
            // x is known to its rounding, its logarithm to as much.
            let step = rounding::ceil(rate * (self.threshold / f64::from(x)).ln(), rate * INPUT).max(0.0);
            (step < self.steps as f64).then_some((step as u32, neuron))
        });
        out.events_mut().extend(spikes);
        Ok(out.collect(self.steps)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use proptest::prelude::*;

    fn encode(encoder: TimeToFirstSpike, x: &[f32]) -> SpikeTrain {
        let mut train = SpikeTrain::new(x.len());
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, 0), &mut train).unwrap();
        train
    }

    #[test]
    fn a_low_threshold_is_reached_at_once() {
        let train = encode(TimeToFirstSpike { threshold: 0.4, ..TimeToFirstSpike::default() }, &[0.41, 1.0, 0.0]);
        assert_eq!(train.at(0), [0, 1]);
        assert_eq!(train.count(), 2);
    }

    /// What a spike stands for is told by that very spike, in single precision too.
    #[test]
    fn the_threshold_of_a_step_is_reached_in_that_step() {
        for (tau, dt) in [(5.0, 1.0), (7.3, 0.1), (20.0, 0.5), (50.0, 0.3)] {
            let encoder = TimeToFirstSpike { tau: Ms(tau), dt: Ms(dt), steps: 200, ..TimeToFirstSpike::default() };
            let x: Vec<f32> = (0..200).map(|step| encoder.threshold_at(step) as f32).collect();
            let train = encode(encoder, &x);
            for step in 0..200 {
                assert_eq!(train.at(step), [step as u32], "tau {tau} ms, dt {dt} ms");
            }
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = TimeToFirstSpike::default();
        for (encoder, name) in [
            (TimeToFirstSpike { threshold: 0.0, ..p }, "threshold"),
            (TimeToFirstSpike { tau: Ms(f64::NAN), ..p }, "tau"),
            (TimeToFirstSpike { dt: Ms(0.0), ..p }, "dt"),
            (TimeToFirstSpike { steps: 0, ..p }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }

    proptest! {
        /// Against the threshold, step by step.
        #[test]
        fn the_first_step_whose_threshold_is_reached(x in 0.0_f32..=1.0, tau in 0.5_f64..50.0, steps in 1_usize..60) {
            let encoder = TimeToFirstSpike { tau: Ms(tau), steps, ..TimeToFirstSpike::default() };
            // Inputs on the edge fall to either side by rounding.
            let margin = |k| f64::from(x) / encoder.threshold_at(k) - 1.0;
            prop_assume!((0..steps).all(|k| margin(k).abs() > 2.0 * INPUT));
            let expected: Vec<usize> = (0..steps).find(|&k| margin(k) > 0.0).into_iter().collect();
            prop_assert_eq!(encode(encoder, &[x]).steps_of(0), expected);
        }
    }
}
