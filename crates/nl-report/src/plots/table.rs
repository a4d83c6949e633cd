//! Rows and columns of text and numbers.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::Error;
use crate::svg::escape;
use crate::text::percent;

/// What stands in a table at one place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cell {
    /// Words, at the left.
    Text(String),
    /// A number as text, at the right.
    Number(String),
    /// A share from 0 to 1, as percent and as a bar.
    Share(f64),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Cell {
    /// A number, as text.
    #[must_use]
    pub fn number(value: impl Into<String>) -> Self {
        Self::Number(value.into())
    }
}

/// A table: its head, and its rows, whose first cell names them.
///
/// ```
/// use nl_report::plots::{Cell, Draw, Table};
/// let table = Table::new(&["part", "time"]).row(["build".into(), Cell::number("3 s")]);
/// assert!(table.draw("Times")?.html.contains("<td class=\"num\">3 s</td>"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Names of the columns; none: no head.
    pub head: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Without rows yet.
    #[must_use]
    pub fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// With one more row.
    #[must_use]
    pub fn row(mut self, cells: impl IntoIterator<Item = Cell>) -> Self {
        self.rows.push(cells.into_iter().collect());
        self
    }

    /// Whether every cell of a column is a number, or empty.
    fn is_numeric(&self, column: usize) -> bool {
        let number = |cell: &Cell| match cell {
            Cell::Text(text) => text.is_empty(),
            Cell::Number(_) => true,
            Cell::Share(_) => false,
        };
        !self.rows.is_empty() && self.rows.iter().all(|row| row.get(column).is_some_and(number))
    }

    /// The characters of its widest row; with `wrapped`, where every text is broken into words.
    fn width(&self, wrapped: bool) -> usize {
        let of = |text: &str| {
            let longest = |part: &str| part.chars().count();
            if wrapped { text.split_whitespace().map(longest).max().unwrap_or(0) } else { longest(text).min(28) }
        };
        let column = |column: usize| {
            let cell = |row: &Vec<Cell>| match row.get(column) {
                Some(Cell::Text(text)) => of(text),
                // Numbers stay whole.
                Some(Cell::Number(text)) => text.chars().count(),
                Some(Cell::Share(_)) => 14,
                None => 0,
            };
            let head = self.head.get(column).map_or(0, |name| of(name));
            self.rows.iter().map(cell).max().unwrap_or(0).max(head) + 2
        };
        let columns = self.head.len().max(self.rows.first().map_or(0, Vec::len));
        (0..columns).map(column).sum()
    }
}

/// Characters of a row that a phone of 390 points shows.
const PHONE: usize = 48;
/// Characters of a row that a third of the page shows; a table of less stands beside other figures.
const COLUMN: usize = 40;

impl Draw for Table {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let columns = if self.head.is_empty() { self.rows.first().map_or(0, Vec::len) } else { self.head.len() };
        if let Some((i, row)) = self.rows.iter().enumerate().find(|(_, row)| row.len() != columns) {
            let what = format!("row {} has {} cells, but there are {columns} columns", i + 1, row.len());
            return Err(Error::shape("table", what));
        }
        let mut html = String::new();
        if self.width(true) > PHONE {
            html.push_str("<p class=\"push\" aria-hidden=\"true\">push the table aside to see all of it →</p>");
        }
        // Reached with the keyboard, so that it can be scrolled without a pointer.
        let _ = write!(html, r#"<div class="scroll" tabindex="0" role="group" aria-label="{}"><table>"#, escape(label));
        if !self.head.is_empty() {
            html.push_str("<thead><tr>");
            for (i, name) in self.head.iter().enumerate() {
                let class = if self.is_numeric(i) { " class=\"num\"" } else { "" };
                let _ = write!(html, "<th scope=\"col\"{class}>{}</th>", escape(name));
            }
            html.push_str("</tr></thead>");
        }
        html.push_str("<tbody>");
        for row in &self.rows {
            html.push_str("<tr>");
            for (i, cell) in row.iter().enumerate() {
                let _ = match cell {
                    Cell::Text(text) if i == 0 && columns > 1 => {
                        write!(html, "<th scope=\"row\">{}</th>", escape(text))
                    }
                    Cell::Text(text) => write!(html, "<td>{}</td>", escape(text)),
                    Cell::Number(text) => write!(html, "<td class=\"num\">{}</td>", escape(text)),
                    Cell::Share(share) if share.is_finite() => {
                        let width = 100.0 * share.clamp(0.0, 1.0);
                        let text = percent(*share, 1);
                        write!(html, "<td class=\"share\"><span style=\"width:{width:.1}%\"></span>{text}</td>")
                    }
                    Cell::Share(_) => write!(html, "<td class=\"share\">–</td>"),
                };
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>");
        Ok(Drawing { html, notes: Vec::new(), wide: self.width(false) > COLUMN })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_text_is_text() {
        let table = Table::new(&["<b>", "n", "share"])
            .row(["<i>".into(), Cell::number("12"), Cell::Share(0.25)])
            .row(["x".into(), Cell::number("3"), Cell::Share(f64::NAN)]);
        let html = table.draw("\"><script>").unwrap().html;
        assert!(!html.contains("<b>") && !html.contains("<i>") && !html.contains("<script"));
        assert!(html.contains("<th scope=\"col\" class=\"num\">n</th>") && html.contains("width:25.0%"));
        assert!(html.contains(">–</td>") && !html.contains("NaN"));
    }

    #[test]
    fn a_crooked_table_is_refused() {
        let table = Table::new(&["a", "b"]).row(["x".into(), "y".into()]).row(["x".into()]);
        let error = table.draw("t").unwrap_err().to_string();
        assert_eq!(error, "table: row 2 has 1 cells, but there are 2 columns");
        let headless = Table { head: Vec::new(), rows: vec![vec!["a".into()], vec!["b".into(), "c".into()]] };
        assert!(headless.draw("t").is_err());
    }

    #[test]
    fn a_table_too_wide_for_a_phone_says_that_it_moves() {
        let wide = Table { head: (0..12).map(|i| format!("class-{i}")).collect(), rows: Vec::new() };
        assert!(wide.draw("t").unwrap().html.contains("push the table aside"));
        // Text wraps, so that a table of long sentences need not move.
        let long = Table::new(&["a", "b"])
            .row(["many short words in a row, more than fit".into(), "and as many again".into()]);
        let long = long.draw("t").unwrap();
        assert!(!long.html.contains("push the table") && long.wide);
        let narrow = Table::new(&["a", "b"]).draw("t").unwrap();
        assert!(!narrow.html.contains("push the table") && !narrow.wide);
    }
}
