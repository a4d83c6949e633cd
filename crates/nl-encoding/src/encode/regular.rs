//! Rate code by the clock: equal intervals.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::{Hz, Ms};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, UNIT, UNIT_EXPECTED, begin, check_steps};
use nl_units::rounding::{self, INPUT};

const NAME: &str = "regular";

/// Where in its interval an input begins.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Phase {
    /// The same for all, in [0, 1): 0 waits a whole interval for the first spike.
    Fixed {
        /// That phase φ.
        value: f64,
    },
    /// Uniform, each input and each image its own.
    Random,
}

/// Each input spikes periodically: in step k iff ⌊p (k + 1) + φ⌋ > ⌊p k + φ⌋, p = min(rate · x · dt, 1).
///
/// A perfect integrator without leak that starts at φ and loses 1 by a spike; ⌊p T + φ⌋ spikes in all, so that the count
/// is off by less than 1 (a Poisson count by √(p T)). What is whole but for rounding counts as whole: 290 Hz for 200
/// steps of 0.5 ms are 29 spikes. Defaults: 63.75 Hz for 350 steps of 1 ms as
/// [`Poisson`](super::Poisson), φ random.
///
/// ```
/// use nl_encoding::encode::{Encoder, Phase, Regular};
/// use nl_neuron::SpikeTrain;
/// use nl_units::Hz;
/// use nl_random::Streams;
///
/// let encoder = Regular { rate: Hz(500.0), phase: Phase::Fixed { value: 0.0 }, steps: 8, ..Regular::default() };
/// let mut train = SpikeTrain::new(2);
/// encoder.encode(&[0.5, 1.0], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!((train.steps_of(0), train.steps_of(1)), (vec![3, 7], vec![1, 3, 5, 7]));
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Regular {
    /// Rate of an input of 1.
    pub rate: Hz,
    /// Where in its interval an input begins.
    pub phase: Phase,
    /// Number of steps.
    pub steps: usize,
    /// Length of a step.
    pub dt: Ms,
}

impl Default for Regular {
    fn default() -> Self {
        Self { rate: Hz(63.75), phase: Phase::Random, steps: 350, dt: Ms(1.0) }
    }
}

impl Encoder for Regular {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        nl_units::Error::not_negative(NAME, "rate", self.rate.0)?;
        nl_units::Error::positive(NAME, "dt", self.dt.0)?;
        if let Phase::Fixed { value: phase } = self.phase {
            let fits = |phase| (0.0..1.0).contains(&phase);
            nl_units::Error::check(NAME, "phase", phase, fits, "use a number from 0 to below 1")?;
        }
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], rng: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, UNIT, UNIT_EXPECTED, out)?;
        let steps = self.steps as f64;
        for (&x, neuron) in x.iter().zip(0..) {
            let p = (self.rate.0 * self.dt.0 * 1e-3 * f64::from(x)).min(1.0);
            if p <= 0.0 {
                continue;
            }
            let phase = match self.phase {
                Phase::Fixed { value: phase } => phase,
                Phase::Random => rng.random::<f64>(),
            };
            // Spike m comes with the first k + 1 at which p (k + 1) + φ reaches m.
            let count = rounding::floor(p * steps + phase, p * steps * INPUT);
            let mut next = 0.0;
            for m in 1..=count as u64 {
                let due = (m as f64 - phase) / p;
                let step = rounding::ceil(due, due * INPUT).clamp(next + 1.0, steps) - 1.0;
                out.events_mut().push((step as u32, neuron));
                next = step + 1.0;
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

    fn encode(encoder: Regular, x: &[f32]) -> SpikeTrain {
        let mut train = SpikeTrain::new(x.len());
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, 0), &mut train).unwrap();
        train
    }

    #[test]
    fn a_phase_brings_the_first_spike_forward() {
        let at = |phase| {
            let encoder = Regular { rate: Hz(250.0), phase: Phase::Fixed { value: phase }, steps: 9, dt: Ms(1.0) };
            encode(encoder, &[1.0]).steps_of(0)
        };
        assert_eq!((at(0.0), at(0.5), at(0.99)), (vec![3, 7], vec![1, 5], vec![0, 4, 8]));
    }

    /// Every whole number of spikes, whatever rate, step and brightness it is the product of.
    #[test]
    fn a_whole_number_of_intervals_is_that_many_spikes() {
        let mut cases = 0;
        for dt in [0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0] {
            for steps in [50, 100, 200, 350, 400, 1000] {
                for (tenths, x) in [(10, 1.0_f32), (7, 0.7), (3, 0.3), (1, 0.1)] {
                    for rate in (10..=500).step_by(10) {
                        // Thousandths of a spike, in integers: dt is a multiple of 0.05 ms.
                        let product = rate * (dt * 20.0) as usize * steps * tenths;
                        if product.is_multiple_of(200_000) && rate as f64 * dt <= 1000.0 {
                            let encoder = Regular {
                                rate: Hz(rate as f64),
                                phase: Phase::Fixed { value: 0.0 },
                                steps,
                                dt: Ms(dt),
                            };
                            let spikes = encode(encoder, &[x]).steps_of(0);
                            assert_eq!(spikes.len(), product / 200_000, "{rate} Hz, {dt} ms, {steps} steps, {x}");
                            assert_eq!(spikes.last(), Some(&(steps - 1)), "the last interval ends with the last step");
                            cases += 1;
                        }
                    }
                }
            }
        }
        assert!(cases > 500, "{cases}");
        let encoder = Regular { rate: Hz(290.0), phase: Phase::Fixed { value: 0.0 }, steps: 200, dt: Ms(0.5) };
        assert_eq!(encode(encoder, &[1.0]).count(), 29);
    }

    #[test]
    fn random_phases_spread_the_spikes_over_the_steps() {
        let train = encode(Regular { rate: Hz(100.0), ..Regular::default() }, &[1.0; 10_000]);
        for step in [0, 5, 9, 349] {
            // Binomial(10000, 0.1): five standard deviations are 150.
            assert!(train.at(step).len().abs_diff(1000) < 150, "{}", train.at(step).len());
        }
        assert_eq!(train.count(), 350_000, "a whole number of intervals");
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = Regular::default();
        for (encoder, name) in [
            (Regular { rate: Hz(f64::NAN), ..p }, "rate"),
            (Regular { dt: Ms(-1.0), ..p }, "dt"),
            (Regular { phase: Phase::Fixed { value: 1.0 }, ..p }, "phase"),
            (Regular { steps: 0, ..p }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }

    proptest! {
        /// Against the integrator, step by step, on numbers that binary fractions hold exactly.
        #[test]
        fn a_perfect_integrator(eighths in 0_u32..=64, phase in 0_u32..8, steps in 1_usize..60) {
            let (x, phase) = (eighths as f32 / 64.0, f64::from(phase) / 8.0);
            let encoder = Regular { rate: Hz(1000.0), phase: Phase::Fixed { value: phase }, steps, dt: Ms(1.0) };
            let (mut v, mut expected) = (phase, Vec::new());
            for step in 0..steps {
                v += f64::from(x);
                if v >= 1.0 {
                    v -= 1.0;
                    expected.push(step);
                }
            }
            prop_assert_eq!(encode(encoder, &[x]).steps_of(0), expected);
        }

        #[test]
        fn brighter_is_never_less(a in 0.0_f32..=1.0, b in 0.0_f32..=1.0, rate in 0.0_f64..2000.0) {
            let encoder = Regular { rate: Hz(rate), phase: Phase::Fixed { value: 0.3 }, ..Regular::default() };
            let counts = encode(encoder, &[a.min(b), a.max(b)]).counts();
            prop_assert!(counts[0] <= counts[1]);
        }
    }
}
