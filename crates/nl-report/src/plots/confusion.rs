//! Truth against decision.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Cell, Draw, Drawing, Table};
use crate::Error;
use crate::svg::{Key, Svg, legend};
use crate::text::{shorten, thousands};

/// A confusion matrix as a heat map: truth in rows, decisions in columns, what is right in one hue and what is wrong in
/// another, each on its own scale. The same numbers follow as a table to unfold.
///
/// ```
/// use nl_report::plots::{Confusion, Draw};
/// let plot = Confusion { classes: vec!["cat".into(), "dog".into()], counts: vec![vec![5, 1], vec![0, 4]] };
/// assert!(plot.draw("Decisions")?.html.contains("<title>cat decided as dog: 1</title>"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// `counts[truth][decision]`.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// The most frequent mistakes: truth, decision, how often; the first in order of classes where they are as frequent.
    #[must_use]
    pub fn pairs(&self, most: usize) -> Vec<(usize, usize, u64)> {
        let cell = |t: usize| self.counts[t].iter().enumerate().map(move |(d, &n)| (t, d, n));
        let mut pairs: Vec<(usize, usize, u64)> =
            (0..self.counts.len()).flat_map(cell).filter(|&(t, d, n)| t != d && n > 0).collect();
        pairs.sort_by_key(|&(t, d, n)| (std::cmp::Reverse(n), t, d));
        pairs.truncate(most);
        pairs
    }

    fn check(&self) -> Result<(), Error> {
        let n = self.classes.len();
        if self.counts.len() != n {
            let what = format!("{} rows for {n} classes", self.counts.len());
            return Err(Error::shape("confusion matrix", what));
        }
        if let Some(i) = self.counts.iter().position(|row| row.len() != n) {
            let what = format!("row {:?} has {} columns for {n} classes", self.classes[i], self.counts[i].len());
            return Err(Error::shape("confusion matrix", what));
        }
        Ok(())
    }

    /// The whole in a sentence.
    fn said(&self, label: &str) -> String {
        let total: u64 = self.counts.iter().flatten().sum();
        let right: u64 = (0..self.counts.len()).map(|i| self.counts[i][i]).sum();
        let mut text = format!("{label}: {} of {} right.", thousands(right), thousands(total));
        for (i, (t, d, n)) in self.pairs(3).into_iter().enumerate() {
            let lead = if i == 0 { " Most often wrong: " } else { ", " };
            let _ = write!(text, "{lead}{} taken for {} {n} times", self.classes[t], self.classes[d]);
        }
        text
    }
}

/// Above this number of classes, the matrix takes the whole width, and where there is nothing there is no cell.
const MANY: usize = 26;

impl Draw for Confusion {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        self.check()?;
        let n = self.classes.len();
        let many = n > MANY;
        let (left, top, cell) = (62.0, 58.0, (340.0 / n.max(1) as f64).max(11.0));
        let size = cell * n as f64;
        let class = if many { "heat confusion many" } else { "heat confusion" };
        let mut svg = Svg::new(left + size + 4.0, top + size + 4.0, class, &self.said(label));
        svg.text((left + size / 2.0, 12.0), "t l m", "decision →");
        svg.text((0.0, 12.0), "t l", "truth ↓");
        let worst = self.pairs(1).first().map_or(1, |pair| pair.2);
        let (with_counts, font) = (n <= 12, if many { "t tiny" } else { "t" });
        if many {
            svg.rect((left, top), (size, size), "cell none", 1.0, "");
        }
        for (t, row) in self.counts.iter().enumerate() {
            let (y, support) = (top + cell * t as f64, row.iter().sum::<u64>().max(1) as f64);
            svg.text((left - 7.0, y + cell / 2.0 + 4.0), &format!("{font} e"), &shorten(&self.classes[t], 8));
            let x = left + cell * (t as f64 + 0.5);
            if cell < 30.0 {
                svg.text_up((x + 3.5, top - 6.0), font, &shorten(&self.classes[t], 6));
            } else {
                svg.text((x, top - 7.0), &format!("{font} m"), &shorten(&self.classes[t], (cell / 7.0) as usize));
            }
            for (d, &count) in row.iter().enumerate() {
                if many && count == 0 {
                    continue;
                }
                let title = format!("{} decided as {}: {}", self.classes[t], self.classes[d], thousands(count));
                let (class, strength) = match (count, t == d) {
                    (0, _) => ("cell none", 1.0),
                    (_, true) => ("cell good", 0.08 + 0.36 * count as f64 / support),
                    (_, false) => ("cell bad", 0.18 + 0.82 * count as f64 / worst as f64),
                };
                let (at, inner) = ((left + cell * d as f64, y), cell - if many { 0.4 } else { 1.0 });
                svg.rect((at.0 + 0.5, at.1 + 0.5), (inner, inner), class, strength, &title);
                if with_counts && count > 0 {
                    let class = if t != d && strength > 0.6 { "n m on" } else { "n m" };
                    svg.text((at.0 + cell / 2.0, at.1 + cell / 2.0 + 4.0), class, &count.to_string());
                }
            }
        }
        let keys = legend(&[
            (Key::Cell("good"), "right, the stronger the larger its share of its class"),
            (Key::Cell("bad"), "wrong, the stronger the more often"),
        ]);
        let head = std::iter::once("true \\ decided".to_owned()).chain(self.classes.iter().cloned()).collect();
        let row = |(name, row): (&String, &Vec<u64>)| {
            let count = |&n: &u64| Cell::Number(if n == 0 { "·".to_owned() } else { thousands(n) });
            std::iter::once(Cell::Text(name.clone())).chain(row.iter().map(count)).collect()
        };
        let table = Table { head, rows: self.classes.iter().zip(&self.counts).map(row).collect() };
        let numbers = table.draw(label)?.html;
        let html = svg.finish() + &keys + "<details><summary>The same as a table</summary>" + &numbers + "</details>";
        Ok(Drawing { html, notes: Vec::new(), wide: many })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(counts: Vec<Vec<u64>>) -> Confusion {
        Confusion { classes: (0..counts.len()).map(|i| format!("c{i}")).collect(), counts }
    }

    #[test]
    fn cells_say_what_they_count_and_the_label_says_the_rest() {
        let html = plot(vec![vec![5, 1], vec![0, 4]]).draw("t").unwrap().html;
        assert!(html.contains("<title>c0 decided as c1: 1</title>"));
        let cells = |kind| html.matches(&format!("cell {kind}\" x=\"")).count();
        // One of each hue is the legend's.
        assert_eq!((cells("good"), cells("bad"), cells("none")), (3, 2, 1));
        assert!(html.contains("aria-label=\"t: 9 of 10 right. Most often wrong: c0 taken for c1 1 times\""), "{html}");
        assert!(html.contains("<details>") && html.contains("<th scope=\"row\">c1</th>"));
    }

    #[test]
    fn pairs_are_sorted() {
        let plot = plot(vec![vec![9, 2, 0], vec![5, 9, 2], vec![0, 0, 9]]);
        assert_eq!(plot.pairs(9), [(1, 0, 5), (0, 1, 2), (1, 2, 2)]);
        assert_eq!(plot.pairs(1), [(1, 0, 5)]);
    }

    #[test]
    fn any_number_of_classes_is_drawn() {
        for n in [0, 1, 26, 47, 200] {
            plot(vec![vec![1; n]; n]).draw("t").unwrap();
        }
        let error = plot(vec![vec![1, 2], vec![1]]).draw("t").unwrap_err().to_string();
        assert_eq!(error, "confusion matrix: row \"c1\" has 1 columns for 2 classes");
        assert!(Confusion { classes: Vec::new(), ..plot(vec![vec![1]]) }.draw("t").is_err());
    }
}
