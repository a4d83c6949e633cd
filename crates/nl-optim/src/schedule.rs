//! The learning rate as a function of the step.

use core::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::{require, require_not_negative};

/// A learning rate η(t), t = 0, 1, 2 … the number of updates made before. Pure: nothing to save, nothing to resume.
///
/// In configurations: `{kind: cosine, rate: 0.001, steps: 1000}`; without `steps` it lasts for the whole stage. For a rate that reacts to a metric see
/// [`Plateau`](crate::Plateau), which multiplies any schedule.
///
/// ```
/// use nl_optim::Schedule;
/// let schedule = Schedule::warm_up(10, Schedule::Cosine { rate: 0.1, steps: 100, floor: 0.0 });
/// assert_eq!(schedule.rate(5), 0.05);
/// assert_eq!(schedule.rate(10), 0.1);
/// assert!(schedule.rate(110) < 1e-12);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Schedule {
    /// η = rate
    Constant {
        /// η
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        rate: f64,
    },
    /// η = rate · factor^⌊t / every⌋
    Step {
        /// Rate at t = 0.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        rate: f64,
        /// Steps between two drops.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        every: u64,
        /// What each drop multiplies by, in (0, 1].
        #[cfg_attr(feature = "schema", schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0)))]
        factor: f64,
    },
    /// η = rate · factor^(number of milestones ≤ t)
    MultiStep {
        /// Rate at t = 0.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        rate: f64,
        /// Ascending steps at which the rate drops.
        milestones: Vec<u64>,
        /// What each drop multiplies by, in (0, 1].
        #[cfg_attr(feature = "schema", schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0)))]
        factor: f64,
    },
    /// η = rate · factor^t
    Exponential {
        /// Rate at t = 0.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        rate: f64,
        /// What each step multiplies by, in (0, 1].
        #[cfg_attr(feature = "schema", schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0)))]
        factor: f64,
    },
    /// η = floor + ½ (rate − floor) (1 + cos(π t / steps)), floor from t = steps on (PyTorch's rises again).
    ///
    /// Source: Loshchilov & Hutter, "SGDR", 2017, eq 5.
    Cosine {
        /// Rate at t = 0.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        rate: f64,
        /// Steps until the floor; 0 or left out: all there are, see [`Schedule::over`].
        #[serde(default, skip_serializing_if = "is_zero")]
        steps: u64,
        /// Rate at the end.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        floor: f64,
    },
    /// [`Cosine`](Self::Cosine) over and over, each period `growth` times as long as the one before.
    ///
    /// Source: Loshchilov & Hutter, "SGDR", 2017, §3.
    CosineRestarts {
        /// Rate at each start.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        rate: f64,
        /// Steps of the first period.
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        period: u64,
        /// Ratio of a period's length to that of the one before.
        #[serde(default = "one")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
        growth: u64,
        /// Rate at which a period ends.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        floor: f64,
    },
    /// Half a cosine from peak / `start_divisor` up to the peak at t = `warm_up` · steps − 1, another one down to
    /// peak / `start_divisor` / `end_divisor` at t = steps − 1, and constant from there.
    ///
    /// Source: Smith & Topin, "Super-convergence", 2018, in the two-phase cosine form of fastai and PyTorch; the
    /// momentum is not cycled.
    OneCycle {
        /// The largest rate.
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
        peak: f64,
        /// Length of the cycle; 0 or left out: all steps there are, see [`Schedule::over`].
        #[serde(default, skip_serializing_if = "is_zero")]
        steps: u64,
        /// Share of the steps spent rising, in \[0, 1).
        #[serde(default = "default_warm_up")]
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
        warm_up: f64,
        /// peak / first rate, 1 or more
        #[serde(default = "default_start_divisor")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1.0)))]
        start_divisor: f64,
        /// first rate / last rate, 1 or more
        #[serde(default = "default_end_divisor")]
        #[cfg_attr(feature = "schema", schemars(range(min = 1.0)))]
        end_divisor: f64,
    },
    /// A line from start · η(0) to η(0) of the schedule `then` over `steps` steps, then that schedule from its t = 0.
    WarmUp {
        /// Steps until the full rate.
        steps: u64,
        /// Share of the full rate at t = 0.
        #[serde(default)]
        #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1.0)))]
        start: f64,
        /// What follows.
        then: Box<Schedule>,
    },
}

const fn is_zero(steps: &u64) -> bool {
    *steps == 0
}
const fn one() -> u64 {
    1
}
const fn default_warm_up() -> f64 {
    0.3
}
const fn default_start_divisor() -> f64 {
    25.0
}
const fn default_end_divisor() -> f64 {
    1e4
}

/// From `from` (at 0) to `to` (at 1) along half a cosine.
fn half_cosine(from: f64, to: f64, at: f64) -> f64 {
    to + 0.5 * (from - to) * (1.0 + (PI * at).cos())
}

impl Schedule {
    /// [`WarmUp`](Self::WarmUp) from 0 over `steps` steps, then `then`.
    #[must_use]
    pub fn warm_up(steps: u64, then: Self) -> Self {
        Self::WarmUp { steps, start: 0.0, then: Box::new(then) }
    }

    /// [`OneCycle`](Self::OneCycle) with the usual shape: 30 % rising from peak / 25, falling to peak / 250,000.
    #[must_use]
    pub const fn one_cycle(peak: f64, steps: u64) -> Self {
        let (warm_up, start_divisor, end_divisor) = (default_warm_up(), default_start_divisor(), default_end_divisor());
        Self::OneCycle { peak, steps, warm_up, start_divisor, end_divisor }
    }

    /// This schedule with the length that was left open filled in: it ends with step `total` − 1. What was given stays;
    /// after a [`WarmUp`](Self::WarmUp), `then` gets what remains of `total`, at least 1.
    ///
    /// ```
    /// use nl_optim::Schedule;
    /// let open: Schedule = serde_json::from_str(r#"{"kind": "cosine", "rate": 0.1}"#)?;
    /// assert!(open.validate().is_err());
    /// let warm = Schedule::warm_up(20, open).over(100);
    /// assert_eq!(warm, Schedule::warm_up(20, Schedule::Cosine { rate: 0.1, steps: 80, floor: 0.0 }));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn over(&self, total: u64) -> Self {
        let mut filled = self.clone();
        match &mut filled {
            Self::Cosine { steps, .. } | Self::OneCycle { steps, .. } if *steps == 0 => *steps = total.max(1),
            Self::WarmUp { steps, then, .. } => **then = then.over(total.saturating_sub(*steps)),
            _ => {}
        }
        filled
    }

    /// η(step). A length that is still open ([`over`](Self::over)) counts as 1.
    #[must_use]
    pub fn rate(&self, step: u64) -> f64 {
        let power = |factor: f64, n: u64| factor.powf(n as f64);
        match self {
            Self::Constant { rate } => *rate,
            Self::Step { rate, every, factor } => rate * power(*factor, step / every),
            Self::MultiStep { rate, milestones, factor } => {
                rate * power(*factor, milestones.iter().filter(|&&at| at <= step).count() as u64)
            }
            Self::Exponential { rate, factor } => rate * power(*factor, step),
            Self::Cosine { rate, steps, floor } => {
                half_cosine(*rate, *floor, (step as f64 / (*steps).max(1) as f64).min(1.0))
            }
            Self::CosineRestarts { rate, period, growth, floor } => {
                let (mut at, mut length) = (step, *period);
                if *growth == 1 {
                    at %= length;
                } else {
                    // Periods grow geometrically: at most 64 rounds.
                    while at >= length {
                        at -= length;
                        length = length.saturating_mul(*growth);
                    }
                }
                half_cosine(*rate, *floor, at as f64 / length as f64)
            }
            Self::OneCycle { peak, steps, warm_up, start_divisor, end_divisor } => {
                let (t, last) = (step as f64, steps.saturating_sub(1) as f64);
                let top = (warm_up * *steps as f64 - 1.0).max(0.0);
                let start = peak / start_divisor;
                if t <= top && top > 0.0 {
                    half_cosine(start, *peak, t / top)
                } else if t < last {
                    half_cosine(*peak, start / end_divisor, (t - top) / (last - top))
                } else {
                    start / end_divisor
                }
            }
            Self::WarmUp { steps, start, then } => match step.checked_sub(*steps) {
                Some(after) => then.rate(after),
                None => then.rate(0) * (start + (1.0 - start) * (step as f64 / *steps as f64)),
            },
        }
    }

    /// The largest η(t) of any t.
    #[must_use]
    pub fn peak(&self) -> f64 {
        match self {
            Self::Constant { rate }
            | Self::Step { rate, .. }
            | Self::MultiStep { rate, .. }
            | Self::Exponential { rate, .. } => *rate,
            Self::Cosine { rate, floor, .. } | Self::CosineRestarts { rate, floor, .. } => rate.max(*floor),
            Self::OneCycle { peak, .. } => *peak,
            Self::WarmUp { then, .. } => then.peak(),
        }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Config`] with the first that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let falls = |owner, factor: f64| require(factor > 0.0 && factor <= 1.0, owner, "factor", factor, "in (0, 1]");
        let divides = |name, divisor: f64| {
            require(divisor >= 1.0 && divisor.is_finite(), "one-cycle", name, divisor, "a finite number, 1 or more")
        };
        let count = |owner, name, n: u64| require(n > 0, owner, name, n, "at least 1");
        let length = |owner, n: u64| require(n > 0, owner, "steps", n, "at least 1, or filled in by Schedule::over");
        match self {
            Self::Constant { rate } => require_not_negative("constant", "rate", *rate),
            Self::Step { rate, every, factor } => {
                require_not_negative("step", "rate", *rate)?;
                count("step", "every", *every)?;
                falls("step", *factor)
            }
            Self::MultiStep { rate, milestones, factor } => {
                require_not_negative("multi-step", "rate", *rate)?;
                let ascending = milestones.windows(2).all(|pair| pair[0] < pair[1]);
                require(ascending, "multi-step", "milestones", format_args!("{milestones:?}"), "strictly ascending")?;
                falls("multi-step", *factor)
            }
            Self::Exponential { rate, factor } => {
                require_not_negative("exponential", "rate", *rate)?;
                falls("exponential", *factor)
            }
            Self::Cosine { rate, steps, floor } => {
                require_not_negative("cosine", "rate", *rate)?;
                length("cosine", *steps)?;
                require_not_negative("cosine", "floor", *floor)
            }
            Self::CosineRestarts { rate, period, growth, floor } => {
                require_not_negative("cosine-restarts", "rate", *rate)?;
                count("cosine-restarts", "period", *period)?;
                count("cosine-restarts", "growth", *growth)?;
                require_not_negative("cosine-restarts", "floor", *floor)
            }
            Self::OneCycle { peak, steps, warm_up, start_divisor, end_divisor } => {
                require_not_negative("one-cycle", "peak", *peak)?;
                length("one-cycle", *steps)?;
                require((0.0..1.0).contains(warm_up), "one-cycle", "warm_up", warm_up, "in [0, 1)")?;
                divides("start_divisor", *start_divisor)?;
                divides("end_divisor", *end_divisor)
            }
            Self::WarmUp { start, then, .. } => {
                require((0.0..=1.0).contains(start), "warm-up", "start", start, "in [0, 1]")?;
                then.validate()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against PyTorch inside their range: `tests/pytorch.rs`. Here: the ends, where the two differ or PyTorch refuses.
    #[test]
    fn schedules_stay_where_they_end() {
        let cosine = Schedule::Cosine { rate: 0.5, steps: 10, floor: 0.125 };
        for (step, rate) in [(0, 0.5), (5, 0.3125), (10, 0.125), (15, 0.125), (20, 0.125), (u64::MAX, 0.125)] {
            approx::assert_relative_eq!(cosine.rate(step), rate, max_relative = 1e-15);
        }
        let cycle = Schedule::one_cycle(1.0, 10);
        for step in [9, 10, 1000] {
            approx::assert_ulps_eq!(cycle.rate(step), 4e-6, max_ulps = 4);
        }
        // Too short to rise: it starts at the peak.
        assert_eq!(Schedule::one_cycle(1.0, 3).rate(0), 1.0);
        let falling = Schedule::OneCycle { peak: 1.0, steps: 5, warm_up: 0.0, start_divisor: 10.0, end_divisor: 10.0 };
        assert_eq!((falling.rate(0), falling.rate(4)), (1.0, 0.01));
    }

    #[test]
    fn an_open_length_is_filled_in_and_a_given_one_stays() {
        let read = |text: &str| serde_json::from_str::<Schedule>(text).unwrap();
        for (open, whole) in [
            (r#"{"kind": "cosine", "rate": 0.5}"#, Schedule::Cosine { rate: 0.5, steps: 40, floor: 0.0 }),
            (r#"{"kind": "one-cycle", "peak": 0.5}"#, Schedule::one_cycle(0.5, 40)),
            (
                r#"{"kind": "warm-up", "steps": 10, "then": {"kind": "one-cycle", "peak": 0.5}}"#,
                Schedule::warm_up(10, Schedule::one_cycle(0.5, 30)),
            ),
        ] {
            let open = read(open);
            let error = open.validate().unwrap_err().to_string();
            assert!(error.contains("steps = 0") && error.contains("Schedule::over"), "{error}");
            assert_eq!(open.over(40), whole);
            assert_eq!(whole.over(7), whole, "what was given stays");
            assert_eq!(whole.validate(), Ok(()));
            // Open or whole, what is written is read again, and an open one says nothing of its length.
            assert_eq!(read(&serde_json::to_string(&open).unwrap()), open);
            assert_eq!(read(&serde_json::to_string(&whole).unwrap()), whole);
            assert!([0, 1, u64::MAX].iter().all(|&step| open.rate(step).is_finite()));
        }
        assert!(!serde_json::to_string(&Schedule::one_cycle(0.5, 0)).unwrap().contains("steps"));
        // No steps, or fewer than the warm-up takes: one is left.
        assert_eq!(Schedule::one_cycle(0.5, 0).over(0), Schedule::one_cycle(0.5, 1));
        let late = Schedule::warm_up(10, Schedule::one_cycle(0.5, 0)).over(3);
        assert_eq!(late, Schedule::warm_up(10, Schedule::one_cycle(0.5, 1)));
        let constant = Schedule::Constant { rate: 0.1 };
        assert_eq!(constant.over(5), constant);
    }

    #[test]
    fn a_warm_up_joins_what_follows() {
        let schedule = Schedule::warm_up(4, Schedule::Exponential { rate: 0.8, factor: 0.5 });
        let rates: Vec<f64> = (0..7).map(|step| schedule.rate(step)).collect();
        for (got, want) in rates.iter().zip([0.0, 0.2, 0.4, 0.6, 0.8, 0.4, 0.2]) {
            approx::assert_ulps_eq!(*got, want, max_ulps = 4);
        }
        assert_eq!(Schedule::warm_up(0, Schedule::Constant { rate: 2.0 }).rate(0), 2.0);
    }
}
