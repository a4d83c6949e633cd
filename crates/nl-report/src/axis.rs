//! Axes: from values to coordinates, with round ticks and a label at either end.

use crate::svg::Svg;
use crate::text::number;

/// From values to coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis that covers all finite `values` and runs from coordinate `from` to `to`. With `log`, values must be
    /// positive to count.
    pub(crate) fn over(values: impl Iterator<Item = f64>, log: bool, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.filter(|v| v.is_finite() && (!log || *v > 0.0)) {
            (low, high) = (low.min(v), high.max(v));
        }
        if low > high {
            (low, high) = if log { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        // Nearly one value; or a range so small that a step of it is no normal number.
        if high - low <= (1e-9 * high.abs()).max(1e-290) {
            let size = low.abs();
            let more = if size == 0.0 { 0.5 } else { (0.5 * size.min(1.0)).max(1e-3 * size) };
            (low, high) = if log { (low / 2.0, high * 2.0) } else { (low - more, high + more) };
        }
        if !(high - low).is_finite() {
            // Values that fill the whole range of f64: their difference has none.
            (low, high) = (low / 4.0, high / 4.0);
        }
        Self { low, high, log, from, to }
    }

    /// The same axis from 0, if the values are not negative and much of them would otherwise be cut off at the foot: a
    /// line that starts at 20 seems to fall to nothing. `always` starts at 0 even if little is cut off.
    pub(crate) fn zero_based(mut self, always: bool) -> Self {
        if !self.log && self.low >= 0.0 && (always || self.low < 0.6 * self.high) {
            self.low = 0.0;
        }
        self
    }

    /// The same axis, with its ends moved out to round numbers (linear axes only).
    pub(crate) fn rounded(mut self, ticks: usize) -> Self {
        // A wider axis may want a wider step, and that another end.
        for _ in 0..3 {
            if self.log {
                break;
            }
            let step = round_step(self.high - self.low, ticks);
            self.low = (self.low / step + 1e-9).floor() * step;
            self.high = (self.high / step - 1e-9).ceil() * step;
        }
        self
    }

    /// The same axis, with its ends moved out to round numbers where that wastes little of it.
    pub(crate) fn rounded_if_near(self, ticks: usize) -> Self {
        let round = self.rounded(ticks);
        if round.high - round.low <= 1.08 * (self.high - self.low) { round } else { self }
    }

    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(-0.02, 1.02) * (self.to - self.from)
    }

    /// Round values within the axis, about `target` of them, with their labels; on a linear axis, its ends among them.
    pub(crate) fn ticks(&self, target: usize) -> Vec<(f64, String)> {
        if self.log {
            return self.log_ticks(target);
        }
        let step = round_step(self.high - self.low, target);
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let label = |v: f64| if !(1e-3..1e6).contains(&step) { number(v) } else { format!("{v:.decimals$}") };
        let mut ticks: Vec<(f64, String)> =
            (first..=last).map(|i| i as f64 * step).map(|v| (v, label(if v == 0.0 { 0.0 } else { v }))).collect();
        // An end between two round values: it takes the place of its neighbour if both would not fit.
        for (end, at_end) in [(self.low, false), (self.high, true)] {
            let nearest =
                if at_end { ticks.last() } else { ticks.first() }.map_or(f64::INFINITY, |t| (t.0 - end).abs());
            if nearest > 0.02 * (self.high - self.low) {
                if nearest < 0.12 * (self.high - self.low) && ticks.len() > 2 {
                    ticks.remove(if at_end { ticks.len() - 1 } else { 0 });
                }
                ticks.insert(if at_end { ticks.len() } else { 0 }, (end, number(end)));
            }
        }
        ticks
    }

    fn log_ticks(&self, target: usize) -> Vec<(f64, String)> {
        let values = |multiples: &[f64]| -> Vec<f64> {
            let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
            let all = decades.flat_map(|e| multiples.iter().map(move |m| m * 10_f64.powi(e)));
            all.filter(|v| (self.low * 0.999..=self.high * 1.001).contains(v)).collect()
        };
        let choices: [&[f64]; 3] = [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0]];
        let chosen = choices.iter().map(|c| values(c)).find(|v| v.len() >= 3).unwrap_or_else(|| values(choices[2]));
        let skip = chosen.len().div_ceil(target + 2).max(1);
        chosen.into_iter().step_by(skip).map(|v| (v, number(v))).collect()
    }
}

/// The step of 1, 2 or 5 times a power of ten that cuts `range` into at most `parts`.
fn round_step(range: f64, parts: usize) -> f64 {
    let raw = range / parts.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw * 0.999_999).unwrap_or(10.0 * power)
}

/// Where a chart's axes stand, in its own units.
#[derive(Clone, Copy)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

impl Frame {
    /// Of a chart of 360 × 232 units; half of the last label lies beyond the axis.
    pub(crate) const CHART: Self = Self { left: 48.0, right: 342.0, top: 22.0, bottom: 194.0 };

    /// Grid, ticks and names of the axes.
    pub(crate) fn draw(self, svg: &mut Svg, x: &Axis, y: &Axis, x_label: &str, y_label: &str) {
        for (value, label) in y.ticks(5) {
            svg.line((self.left, y.at(value)), (self.right, y.at(value)), "grid");
            svg.text((self.left - 6.0, y.at(value) + 4.0), "t e", &label);
        }
        for (value, label) in x.ticks(6) {
            svg.line((x.at(value), self.bottom), (x.at(value), self.bottom + 4.0), "axis");
            svg.text((x.at(value), self.bottom + 17.0), "t m", &label);
        }
        svg.line((self.left, self.bottom), (self.right, self.bottom), "axis");
        svg.text((self.right, self.bottom + 34.0), "t l e", x_label);
        svg.text((0.0, self.top - 11.0), "t l", y_label);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, target: usize) -> Vec<String> {
        axis.ticks(target).into_iter().map(|tick| tick.1).collect()
    }

    fn axis(values: &[f64], log: bool) -> Axis {
        Axis::over(values.iter().copied(), log, 0.0, 100.0)
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(labels(axis(&[0.0, 1.0], false), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(axis(&[0.0, 0.0004], false), 4), ["0", "0.0001", "0.0002", "0.0003", "0.0004"]);
        assert_eq!(labels(axis(&[0.001, 2.3], true), 5), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(axis(&[0.01, 0.09], true), 5), ["0.01", "0.02", "0.05"]);
        assert_eq!(labels(axis(&[f64::NAN], false), 2), ["0.0", "0.5", "1.0"]);
        assert_eq!(axis(&[3.0, 3.0], false).at(3.0), 50.0);
        assert_eq!(axis(&[1.0, 100.0], true).at(10.0).round(), 50.0);
        assert_eq!(labels(axis(&[0.3, 9.7], false).rounded(5), 5), ["0", "2", "4", "6", "8", "10"]);
    }

    #[test]
    fn both_ends_are_labelled() {
        assert_eq!(labels(axis(&[0.0, 12_345.0], false), 6), ["0", "5000", "10000", "12345"]);
        assert_eq!(labels(axis(&[0.0, 400.0], false), 6), ["0", "100", "200", "300", "400"]);
        assert_eq!(labels(axis(&[701.2, 999.9], false).rounded_if_near(6), 6).first().unwrap(), "700");
        assert_eq!(labels(axis(&[701.2, 999.9], false).rounded_if_near(6), 6).last().unwrap(), "1000");
        // Rounding would waste a fifth of the axis.
        assert_eq!(labels(axis(&[0.0, 1234.0], false).rounded_if_near(6), 6), ["0", "500", "1000", "1234"]);
    }

    #[test]
    fn an_end_near_a_round_value_takes_its_place() {
        assert_eq!(labels(axis(&[0.0, 1050.0], false), 6), ["0", "200", "400", "600", "800", "1050"]);
    }

    #[test]
    fn rounded_ends_are_ticks() {
        assert_eq!(labels(axis(&[98.65, 99.65], false).rounded(5), 5), ["98.5", "99.0", "99.5", "100.0"]);
    }

    #[test]
    fn rates_start_at_zero_and_accuracies_need_not() {
        assert_eq!(axis(&[20.0, 60.0], false).zero_based(false).at(0.0), 0.0);
        assert_eq!(axis(&[97.0, 99.0], false).zero_based(false).at(97.0), 0.0);
        assert_eq!(axis(&[97.0, 99.0], false).zero_based(true).at(0.0), 0.0);
        assert_eq!(axis(&[-70.0, -50.0], false).zero_based(true).at(-70.0), 0.0);
    }

    #[test]
    fn extreme_values_have_an_axis() {
        for values in [[f64::MAX, -f64::MAX], [1e-300, 2e-300], [0.0, f64::MIN_POSITIVE], [1e300, 1e300]] {
            let axis = axis(&values, false).zero_based(false).rounded_if_near(5);
            assert!(axis.ticks(5).len() < 20 && values.iter().all(|&v| axis.at(v).is_finite()), "{values:?}");
        }
    }
}
