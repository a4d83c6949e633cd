//! Latency code: one spike an input, earlier if brighter.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, UNIT, UNIT_EXPECTED, begin, check_steps};
use nl_units::rounding::{self, INPUT};

const NAME: &str = "latency";

/// How the time of the spike, in steps, follows from the input x in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum LatencyCurve {
    /// t = (T − 1)(1 − x).
    #[default]
    Linear,
    /// t = τ ln(x / (x − θ)), τ in steps: when a leaky membrane driven by the current x charges up to θ.
    ///
    /// θ is [`Latency::threshold`], which must be above 0. Source: snnTorch `latency_code_log` (τ = 1, θ = 0.01), which
    /// then stretches the times of a batch to T; here they are what the equation says.
    Charging {
        /// Time constant, in steps.
        tau: f64,
    },
    /// t = (T − 1) − ln(α x + 1) with ln(α + 1) = T − 1, so that t(0) = T − 1 and t(1) = 0.
    ///
    /// Source: SpikingJelly `LatencyEncoder("log")` (whose text misprints the condition as t(1) = T − 1). All but the
    /// darkest inputs spike within the first steps.
    Logarithmic,
}

/// Each input above the threshold spikes once, in step round(t) of its [`LatencyCurve`], halves up; at or below it never.
///
/// A time beyond the last step is put into the last step. Source: Hopfield, "Pattern recognition computation using
/// action potential timing", 1995, and the libraries named at each curve. Default: linear, 20 steps, only 0 is silent
/// (SpikingJelly lets 0 spike in the last step; with `threshold` −1 so does this).
///
/// ```
/// use nl_encoding::encode::{Encoder, Latency};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let mut train = SpikeTrain::new(3);
/// Latency { steps: 11, ..Latency::default() }
///     .encode(&[0.0, 0.3, 1.0], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!(train.events().collect::<Vec<_>>(), [(0, 2), (7, 1)]);
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Latency {
    /// From input to time.
    pub curve: LatencyCurve,
    /// Inputs at or below it are silent; of [`LatencyCurve::Charging`] the membrane's threshold θ.
    pub threshold: f32,
    /// Number of steps.
    pub steps: usize,
}

impl Default for Latency {
    fn default() -> Self {
        Self { curve: LatencyCurve::Linear, threshold: 0.0, steps: 20 }
    }
}

impl Latency {
    /// The step of the spike of `x`, if it has one.
    pub(super) fn step(&self, x: f32) -> Option<u32> {
        let last = self.steps as f64 - 1.0;
        let (value, threshold) = (f64::from(x), f64::from(self.threshold));
        // The time, and by how much it moves with the rounding of x: |x dt/dx|.
        let (time, slope) = match self.curve {
            LatencyCurve::Linear => (last * (1.0 - value), last * value),
            LatencyCurve::Charging { tau } => {
                (-tau * (-threshold / value).ln_1p(), tau * threshold / (value - threshold))
            }
            // ln(α x + 1), α = e^last − 1, without the overflow of e^last: last + ln(x + (1 − x) e^−last).
            LatencyCurve::Logarithmic => (-(value + (1.0 - value) * (-last).exp()).ln(), 1.0),
        };
        (x > self.threshold).then(|| rounding::round(time, slope * INPUT).clamp(0.0, last) as u32)
    }
}

impl Encoder for Latency {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        let threshold = f64::from(self.threshold);
        nl_units::Error::finite(NAME, "threshold", threshold)?;
        if let LatencyCurve::Charging { tau } = self.curve {
            nl_units::Error::positive(NAME, "tau", tau)?;
            nl_units::Error::positive(NAME, "threshold", threshold)?;
        }
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], _: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, UNIT, UNIT_EXPECTED, out)?;
        let spikes = x.iter().zip(0..).filter_map(|(&x, neuron)| Some((self.step(x)?, neuron)));
        out.events_mut().extend(spikes);
        Ok(out.collect(self.steps)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CURVES: [LatencyCurve; 3] =
        [LatencyCurve::Linear, LatencyCurve::Charging { tau: 5.0 }, LatencyCurve::Logarithmic];

    #[test]
    fn exact_times() {
        let at = |curve, threshold, steps| {
            let latency = Latency { curve, threshold, steps };
            [0.0, 0.01, 0.02, 0.5, 1.0].map(|x| latency.step(x))
        };
        assert_eq!(at(LatencyCurve::Linear, 0.01, 101), [None, None, Some(98), Some(50), Some(0)]);
        // 20 ln 2 = 13.9; 20 ln(50 / 49) = 0.4; 20 ln(100 / 99) = 0.2.
        assert_eq!(at(LatencyCurve::Charging { tau: 20.0 }, 0.01, 100), [None, None, Some(14), Some(0), Some(0)]);
        // Beyond the last step: in the last step.
        assert_eq!(at(LatencyCurve::Charging { tau: 200.0 }, 0.01, 100)[2], Some(99));
        // −ln(0.01) = 4.6, −ln(0.02) = 3.9, −ln(0.5) = 0.7, where e^−19 is nothing.
        assert_eq!(at(LatencyCurve::Logarithmic, -1.0, 20), [Some(19), Some(5), Some(4), Some(1), Some(0)]);
    }

    /// Of 6 steps, 0.1, 0.3 … 0.9 fall half way between two: the later, whichever way single precision has rounded them.
    #[test]
    fn halves_go_up() {
        let latency = Latency { steps: 6, ..Latency::default() };
        assert_eq!([0.1, 0.3, 0.5, 0.7, 0.9].map(|x| latency.step(x)), [5, 4, 3, 2, 1].map(Some));
    }

    /// SpikingJelly's own expression, for a T at which it does not overflow.
    #[test]
    fn the_logarithmic_curve_is_the_librarys() {
        let latency = Latency { curve: LatencyCurve::Logarithmic, threshold: -1.0, steps: 8 };
        let alpha = f64::exp(7.0) - 1.0;
        for i in 0..=1000 {
            let x = i as f32 / 1000.0;
            let expected = (7.0 - (alpha * f64::from(x) + 1.0).ln()).round() as u32;
            assert_eq!(latency.step(x), Some(expected), "{x}");
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = Latency { threshold: 0.1, ..Latency::default() };
        for (encoder, name) in [
            (Latency { threshold: f32::NAN, ..p }, "threshold"),
            (Latency { curve: LatencyCurve::Charging { tau: 1.0 }, threshold: 0.0, ..p }, "threshold"),
            (Latency { curve: LatencyCurve::Charging { tau: 0.0 }, ..p }, "tau"),
            (Latency { steps: 0, ..p }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }

    proptest! {
        #[test]
        fn brighter_is_never_later(a in 0.0_f32..=1.0, b in 0.0_f32..=1.0, steps in 1_usize..2000, theta in 0.001_f32..0.9) {
            for curve in CURVES {
                let latency = Latency { curve, threshold: theta, steps };
                let (dark, bright) = (latency.step(a.min(b)), latency.step(a.max(b)));
                prop_assert!(dark.is_none() || bright <= dark);
                prop_assert!(dark.or(bright).is_none_or(|step| (step as usize) < steps));
            }
        }
    }
}
