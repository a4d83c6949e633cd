//! Values with their intervals: a dot, a thick bar, a thin bar.

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::axis::Axis;
use crate::palette::COLOURS;
use crate::svg::Svg;
use crate::text::{number, shorten};

/// One row.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// What is measured.
    pub name: String,
    /// The value: a dot.
    pub value: f64,
    /// The value as text, at the right; may be empty.
    pub text: String,
    /// A thick bar.
    pub near: (f64, f64),
    /// A thin bar around it.
    pub far: Option<(f64, f64)>,
    /// Number of its colour.
    pub colour: usize,
}

/// Values with their intervals, one a row, over one axis.
///
/// ```
/// use nl_report::plots::{Draw, Interval, Intervals};
/// let row = Interval { name: "cortex".into(), value: 99.4, text: "99.40 %".into(), near: (99.2, 99.5), ..Interval::default() };
/// let plot = Intervals { x: "accuracy, %".into(), rows: vec![row], range: None };
/// assert!(plot.draw("Scores")?.html.contains("99.40 %"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// Name of the axis, with unit.
    pub x: String,
    /// The rows, from the top.
    pub rows: Vec<Interval>,
    /// The ends of the axis; without them, those of the rows.
    pub range: Option<(f64, f64)>,
}

/// From so many rows on, names stand at the left and rows are narrow.
const MANY: usize = 8;

impl Draw for Intervals {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let finite = |row: &&Interval| {
            let (far_low, far_high) = row.far.unwrap_or_default();
            [row.value, row.near.0, row.near.1, far_low, far_high].iter().all(|v| v.is_finite())
        };
        let rows: Vec<&Interval> = self.rows.iter().filter(finite).collect();
        if let Some(row) = rows.iter().find(|row| row.near.0 > row.near.1) {
            let what = format!("row {:?} has an interval from {} to {}", row.name, row.near.0, row.near.1);
            return Err(Error::shape("intervals", what));
        }
        let narrow = rows.len() >= MANY;
        let (left, right, top) = (if narrow { 72.0 } else { 12.0 }, 348.0, 8.0);
        let row_height = if narrow { (180.0 / rows.len().max(1) as f64).clamp(11.0, 22.0) } else { 44.0 };
        let bottom = top + row_height * rows.len() as f64 + if narrow { 4.0 } else { 0.0 };
        let described: Vec<String> = rows.iter().map(|row| format!("{} {}", row.name, number(row.value))).collect();
        let description = format!("{label}: {}. {}.", self.x, described.join("; "));
        let mut svg = Svg::new(360.0, bottom + 42.0, "chart", &description);
        let x = match self.range {
            Some((from, to)) => Axis::over([from, to].into_iter(), false, left, right),
            None => {
                let ends = rows.iter().flat_map(|row| {
                    let far = row.far.unwrap_or(row.near);
                    [row.near.0, row.near.1, far.0, far.1, row.value]
                });
                Axis::over(ends, false, left, right).rounded(5)
            }
        };
        for (value, text) in x.ticks(5) {
            svg.line((x.at(value), top), (x.at(value), bottom), "grid");
            svg.text((x.at(value).clamp(14.0, 340.0), bottom + 16.0), "t m", &text);
        }
        svg.text((right, bottom + 34.0), "t l e", &self.x);
        for (i, row) in rows.iter().enumerate() {
            let top = top + row_height * i as f64;
            let y = if narrow { top + row_height / 2.0 } else { top + 29.0 };
            if narrow {
                svg.text((left - 8.0, y + 4.0), "t e", &shorten(&row.name, 9));
            } else {
                svg.text((left - 4.0, top + 15.0), "t i", &row.name);
                svg.text((right, top + 15.0), "t e b", &row.text);
            }
            let colour = row.colour % COLOURS;
            let bar = |svg: &mut Svg, (from, to): (f64, f64), class: &str| {
                svg.line((x.at(from), y), (x.at(to), y), &format!("{class} s{colour}"));
            };
            if let Some(far) = row.far {
                bar(&mut svg, far, "whisker thin");
            }
            bar(&mut svg, row.near, "whisker");
            let said = if row.text.is_empty() { number(row.value) } else { row.text.clone() };
            let title = format!("{}: {said}, {} to {}", row.name, number(row.near.0), number(row.near.1));
            svg.circle((x.at(row.value), y), if narrow { 4.0 } else { 5.5 }, &format!("f{colour}"), &title);
        }
        Ok(Drawing::narrow(svg.finish()).without(self.rows.len() - rows.len(), "row"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, value: f64) -> Interval {
        let near = (value - 1.0, value + 1.0);
        Interval { name: name.into(), value, near, far: Some((value - 2.0, value + 2.0)), ..Interval::default() }
    }

    #[test]
    fn every_row_has_its_dot_and_its_bars() {
        for n in [1, 3, 12] {
            let rows = (0..n).map(|i| row(&format!("r{i}"), f64::from(i))).collect();
            let html = Intervals { x: "x".into(), rows, range: None }.draw("t").unwrap().html;
            assert_eq!(html.matches("<circle").count(), n as usize);
            assert_eq!(html.matches("whisker").count(), 2 * n as usize);
            assert!((0..n).all(|i| html.contains(&format!(">r{i}</text>"))));
        }
    }

    #[test]
    fn a_row_without_a_number_is_left_out_and_said() {
        let plot = Intervals { x: "x".into(), rows: vec![row("a", 1.0), row("b", f64::NAN)], range: Some((0.0, 3.0)) };
        let drawing = plot.draw("t").unwrap();
        assert_eq!(drawing.notes, ["1 row is no finite number and is not drawn."]);
        assert!(!drawing.html.contains(">b</text>"));
        let wrong = Interval { near: (3.0, 1.0), ..row("c", 2.0) };
        let error = Intervals { rows: vec![wrong], ..plot }.draw("t").unwrap_err().to_string();
        assert_eq!(error, "intervals: row \"c\" has an interval from 3 to 1");
    }
}
