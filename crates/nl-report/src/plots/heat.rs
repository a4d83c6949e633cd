//! Numbers as shades, on their own scale, which is drawn beside them.

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::svg::Svg;
use crate::text::shorten;

/// Rows of values on one scale: from the least to the greatest of them, which the colour bar below states.
///
/// ```
/// use nl_report::plots::{Draw, Heat};
/// let heat = Heat {
///     rows: vec!["a".into(), "b".into()],
///     columns: "channel".into(),
///     unit: "mean gate".into(),
///     values: vec![vec![0.25, 0.5], vec![0.4, 0.75]],
/// };
/// assert!(heat.draw("Gates")?.html.contains(">0.75</text>"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Heat {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// What a column is: `"channel"`; columns are numbered from 0.
    pub columns: String,
    /// What a value is.
    pub unit: String,
    /// The values, row by row.
    pub values: Vec<Vec<f32>>,
}

impl Draw for Heat {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let columns = self.values.first().map_or(0, Vec::len);
        if self.rows.len() != self.values.len() {
            let what = format!("{} names for {} rows", self.rows.len(), self.values.len());
            return Err(Error::shape("heat map", what));
        }
        if let Some(i) = self.values.iter().position(|row| row.len() != columns) {
            let what = format!("row {:?} has {} values, the first has {columns}", self.rows[i], self.values[i].len());
            return Err(Error::shape("heat map", what));
        }
        let (left, top, width) = (62.0, 34.0, 434.0);
        let (w, h) = (width / columns.max(1) as f64, (340.0 / self.rows.len().max(1) as f64).clamp(6.0, 26.0));
        let bottom = top + h * self.rows.len() as f64;
        let finite = || self.values.iter().flatten().copied().filter(|v| v.is_finite()).map(f64::from);
        let (low, high) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (0.0, 1.0) };
        let strength = |v: f64| 0.05 + 0.95 * (v - low) / (high - low).max(1e-12);
        let decimals = (0.99 - (high - low).max(1e-6).log10()).ceil().clamp(0.0, 8.0) as usize;
        let scale = |v: f64| format!("{v:.decimals$}");
        let description = format!(
            "{label}: heat map of {} rows and {columns} columns, {} from {} to {}.",
            self.rows.len(),
            self.unit,
            scale(low),
            scale(high)
        );
        let mut svg = Svg::new(left + width + 4.0, bottom + 52.0, "heat", &description);
        svg.text((left + width, 12.0), "t l e", &format!("{} →", self.columns));
        for (r, (name, row)) in self.rows.iter().zip(&self.values).enumerate() {
            let y = top + h * r as f64;
            if self.rows.len() <= 30 {
                svg.text((left - 7.0, y + h / 2.0 + 4.0), "t e", &shorten(name, 8));
            }
            for (c, &value) in row.iter().enumerate() {
                let at = (left + w * c as f64 + 0.5, y + 0.5);
                let size = ((w - 1.0).max(0.5), (h - 1.0).max(0.5));
                if value.is_finite() {
                    let title = format!("{name}, {} {c}: {value:.4}", self.columns);
                    svg.rect(at, size, "cell hot", strength(f64::from(value)), &title);
                } else {
                    svg.rect(at, size, "cell none", 1.0, &format!("{name}, {} {c}: no number", self.columns));
                }
            }
        }
        let step = columns.div_ceil(16).max(1);
        for c in (0..columns).step_by(step) {
            svg.text((left + w * (c as f64 + 0.5), top - 7.0), "t m", &c.to_string());
        }
        // The colour bar, with its ends and its middle.
        let (bar, cells) = (200.0, 40);
        for i in 0..cells {
            let share = f64::from(i) / f64::from(cells - 1);
            let at = (left + bar / f64::from(cells) * f64::from(i), bottom + 12.0);
            svg.rect(at, (bar / f64::from(cells) + 0.2, 12.0), "hot", 0.05 + 0.95 * share, "");
        }
        for (share, class) in [(0.0, "t"), (0.5, "t m"), (1.0, "t e")] {
            svg.text((left + bar * share, bottom + 39.0), class, &scale(low + share * (high - low)));
        }
        svg.text((left + bar + 12.0, bottom + 22.0), "t", &self.unit);
        let left_out = self.values.iter().flatten().count() - finite().count();
        Ok(Drawing::wide(svg.finish()).without(left_out, "value"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heat(values: Vec<Vec<f32>>) -> Heat {
        let rows = (0..values.len()).map(|i| format!("c{i}")).collect();
        Heat { rows, columns: "channel".into(), unit: "gate".into(), values }
    }

    #[test]
    fn the_scale_is_its_own_and_stated() {
        let drawing = heat(vec![vec![0.25, 0.5], vec![f32::NAN, 0.75]]).draw("t").unwrap();
        for end in [">0.25<", ">0.50<", ">0.75<", ">gate<", "gate from 0.25 to 0.75"] {
            assert!(drawing.html.contains(end), "{end}: {}", drawing.html);
        }
        assert_eq!(drawing.html.matches("cell hot").count(), 3);
        assert_eq!(drawing.notes, ["1 value is no finite number and is not drawn."]);
        // A narrow range is told in as many digits as it needs.
        let narrow = heat(vec![vec![0.5, 0.501]]).draw("t").unwrap().html;
        assert!(narrow.contains(">0.5000<") && narrow.contains(">0.5010<"), "{narrow}");
        assert!(heat(vec![vec![0.5, 0.5]]).draw("t").is_ok() && heat(vec![]).draw("t").is_ok());
    }

    #[test]
    fn what_contradicts_is_refused() {
        let error = heat(vec![vec![1.0, 2.0], vec![1.0]]).draw("t").unwrap_err().to_string();
        assert_eq!(error, "heat map: row \"c1\" has 1 values, the first has 2");
        let error = Heat { rows: Vec::new(), ..heat(vec![vec![1.0]]) }.draw("t").unwrap_err().to_string();
        assert_eq!(error, "heat map: 0 names for 1 rows");
    }
}
