//! Histograms: one filled, or several as outlines over each other.

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::axis::{Axis, Frame};
use crate::palette::COLOURS;
use crate::svg::{Key, Svg, legend, polyline};
use crate::text::{number, thousands};

/// The bars of one thing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BarGroup {
    /// Its name; the only group needs none.
    pub name: String,
    /// (left edge, height) of each bar.
    pub bars: Vec<(f64, f64)>,
}

/// Bars of one width over a common x.
///
/// ```
/// use nl_report::plots::{Bars, Draw};
/// let bars = Bars::histogram("rate, Hz", "neurons", &[1.0, 1.5, 2.0, 9.0], 3);
/// let heights: Vec<f64> = bars.groups[0].bars.iter().map(|bar| bar.1).collect();
/// assert_eq!(heights, [3.0, 0.0, 1.0]);
/// assert!(bars.draw("Rates")?.html.contains("<title>0 to 3: 3</title>"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bars {
    /// Name of the x axis, with unit.
    pub x: String,
    /// Name of the y axis, with unit.
    pub y: String,
    /// Width of a bar, above 0.
    pub width: f64,
    /// The bars.
    pub groups: Vec<BarGroup>,
    /// Values that were no number and are in no bar.
    pub left_out: usize,
}

impl Bars {
    /// Counts `values` in `bins` equal bins: from 0, unless that would leave more than half of them empty, to the largest.
    /// Values that are not finite are left out, which the drawing says.
    #[must_use]
    pub fn histogram(x: &str, y: &str, values: &[f64], bins: usize) -> Self {
        let bins = bins.max(1);
        let finite = || values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 0.0) };
        let low = if low >= 0.0 && low < 0.5 * high { 0.0 } else { low };
        let width = if high > low { (high - low) / bins as f64 } else { 1.0 };
        let mut counts = vec![0.0; bins];
        finite().for_each(|value| counts[(((value - low) / width) as usize).min(bins - 1)] += 1.0);
        let bars = counts.into_iter().enumerate().map(|(b, n)| (low + b as f64 * width, n)).collect();
        let groups = vec![BarGroup { name: String::new(), bars }];
        Self { x: x.into(), y: y.into(), width, groups, left_out: values.len() - finite().count() }
    }
}

/// A value of an axis to a tenth of `width`, without zeros at its end.
fn edge(value: f64, width: f64) -> String {
    let decimals = (1.0 - width.log10().floor()).clamp(0.0, 9.0) as usize;
    let text = format!("{value:.decimals$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    (if text == "-0" { "0" } else { text }).to_owned()
}

/// A height: counts as they are, anything else in three digits.
fn height(value: f64) -> String {
    if (0.0..1e15).contains(&value) && value.fract() == 0.0 { thousands(value as u64) } else { number(value) }
}

impl Draw for Bars {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        if !(self.width.is_finite() && self.width > 0.0) {
            return Err(Error::shape("bars", format!("bars are {} wide; use a width above 0", self.width)));
        }
        let frame = Frame::CHART;
        let finite = |bar: &&(f64, f64)| bar.0.is_finite() && bar.1.is_finite();
        let all = || self.groups.iter().flat_map(|group| &group.bars);
        let mut svg = Svg::new(360.0, 232.0, "chart", &format!("{label}: {} over {}.", self.y, self.x));
        let edges = all().filter(finite).flat_map(|bar| [bar.0, bar.0 + self.width]);
        let x = Axis::over(edges, false, frame.left, frame.right).rounded_if_near(6);
        let y =
            Axis::over(all().filter(finite).map(|bar| bar.1).chain([0.0]), false, frame.bottom, frame.top).rounded(5);
        frame.draw(&mut svg, &x, &y, &self.x, &self.y);
        let title = |bar: &(f64, f64)| {
            format!("{} to {}: {}", edge(bar.0, self.width), edge(bar.0 + self.width, self.width), height(bar.1))
        };
        let mut keys = Vec::new();
        for (i, group) in self.groups.iter().enumerate() {
            let colour = i % COLOURS;
            let bars = || group.bars.iter().filter(finite);
            if let [_] = self.groups[..] {
                for bar in bars() {
                    let (from, to, high) = (x.at(bar.0), x.at(bar.0 + self.width), y.at(bar.1.max(0.0)));
                    let size = ((to - from - 0.6).max(0.4), (y.at(bar.1.min(0.0)) - high).max(0.0));
                    svg.rect((from, high), size, "f0", 1.0, &title(bar));
                }
                continue;
            }
            let mut outline = Vec::new();
            for bar in bars() {
                let (from, to, high) = (x.at(bar.0), x.at(bar.0 + self.width), y.at(bar.1));
                outline.extend([(from, high), (to, high)]);
            }
            if let (Some(&(from, _)), Some(&(to, _))) = (outline.first(), outline.last()) {
                outline.insert(0, (from, y.at(0.0)));
                outline.push((to, y.at(0.0)));
            }
            svg.path(&polyline(&outline), &format!("area s{colour} f{colour}"));
            for bar in bars() {
                // Invisible, for the tooltip.
                let at = (x.at(bar.0 + self.width / 2.0), y.at(bar.1));
                svg.circle(at, 4.0, "touch", &format!("{}, {}", group.name, title(bar)));
            }
            keys.push((Key::Area(colour), group.name.as_str()));
        }
        let left_out = self.left_out + all().count() - all().filter(finite).count();
        let repeat = (self.groups.len() > COLOURS).then(|| format!("Colours repeat after {COLOURS} groups."));
        Ok(Drawing::narrow(svg.finish() + &legend(&keys)).with(repeat).without(left_out, "value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tooltips_are_for_people() {
        let bars = vec![(22.425, 1902.0), (23.425, 0.25)];
        let groups = vec![BarGroup { name: String::new(), bars }];
        let plot = Bars { width: 1.0, groups, ..Bars::default() };
        let html = plot.draw("t").unwrap().html;
        assert!(html.contains("<title>22.4 to 23.4: 1,902</title>"), "{html}");
        assert!(html.contains("<title>23.4 to 24.4: 0.25</title>"), "{html}");
        assert_eq!([edge(0.03125, 0.015), edge(150.0, 50.0), edge(-0.0001, 1.0)], ["0.031", "150", "0"]);
    }

    #[test]
    fn histograms_by_hand() {
        let bars = Bars::histogram("x", "y", &[10.0, 10.5, 11.0, f64::NAN], 2);
        assert_eq!((bars.width, &bars.groups[0].bars[..]), (0.5, &[(10.0, 1.0), (10.5, 2.0)][..]));
        assert_eq!(bars.draw("t").unwrap().notes, ["1 value is no finite number and is not drawn."]);
        for values in [&[][..], &[3.0], &[0.0, 0.0], &[-5.0, -5.0, -2.0]] {
            let bars = Bars::histogram("x", "y", values, 4);
            let total: f64 = bars.groups[0].bars.iter().map(|bar| bar.1).sum();
            assert_eq!(total, values.len() as f64);
            bars.draw("t").unwrap();
        }
    }

    #[test]
    fn several_groups_are_outlines_with_a_legend() {
        let group = |name: &str, h: f64| BarGroup { name: name.into(), bars: vec![(0.0, h), (0.5, 1.0)] };
        let plot = Bars { width: 0.5, groups: vec![group("right", 3.0), group("wrong", 2.0)], ..Bars::default() };
        let html = plot.draw("t").unwrap().html;
        assert!(html.contains("area s0 f0") && html.contains("area s1 f1") && html.contains("wrong</li>"));
        let error = Bars { width: 0.0, ..plot }.draw("t").unwrap_err().to_string();
        assert_eq!(error, "bars: bars are 0 wide; use a width above 0");
    }
}
