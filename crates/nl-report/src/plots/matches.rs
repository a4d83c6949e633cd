//! Pictures, and those that were found to be like them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::svg::escape;
use crate::{Error, Picture};

/// A picture that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Match {
    /// The picture.
    pub picture: Picture,
    /// What it is.
    pub name: String,
    /// How like it is: `"0.031"`.
    pub note: String,
    /// Whether it is of another kind than what it was found for: marked by a frame and by ≠.
    pub other: bool,
}

/// A picture, and what was found for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// The picture.
    pub picture: Picture,
    /// What it is.
    pub name: String,
    /// What was found, the most alike first.
    pub found: Vec<Match>,
}

/// Pictures, each with those that were found to be like it.
///
/// ```
/// use nl_report::{Picture, plots::{Draw, Match, Matched, Matches}};
/// let picture = Picture::from_unit(1, 1, &[0.5]);
/// let found = vec![Match { picture: picture.clone(), name: "9".into(), note: "0.031".into(), other: true }];
/// let plot = Matches { rows: vec![Matched { picture, name: "4".into(), found }] };
/// assert!(plot.draw("Memories")?.html.contains("≠"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matches {
    /// One a row.
    pub rows: Vec<Matched>,
}

impl Draw for Matches {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let label = escape(label);
        let mut html = String::from("<div class=\"matches\">");
        for row in &self.rows {
            let (uri, name) = (row.picture.data_uri("matches")?, escape(&row.name));
            html.push_str("<div class=\"match\">");
            let _ = write!(
                html,
                r#"<div class="query"><img src="{uri}" alt="{label}: {name}"><span>{name}</span></div><ol>"#
            );
            for found in &row.found {
                let (uri, name, note) = (found.picture.data_uri("matches")?, escape(&found.name), escape(&found.note));
                let (class, other) = if found.other { (" class=\"other\"", " ≠") } else { ("", "") };
                let _ = write!(
                    html,
                    r#"<li{class}><img src="{uri}" alt="found: {name}"><span><b>{name}</b>{other}<br>{note}</span></li>"#
                );
            }
            html.push_str("</ol></div>");
        }
        html.push_str("</div>");
        Ok(Drawing::wide(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_marked_in_more_than_colour() {
        let picture = Picture::from_unit(1, 1, &[0.5]);
        let found =
            |name: &str, other| Match { picture: picture.clone(), name: name.into(), note: "<i>".into(), other };
        let found = vec![found("4", false), found("9", true)];
        let row = Matched { picture: picture.clone(), name: "<b>4".into(), found };
        let html = Matches { rows: vec![row] }.draw("t").unwrap().html;
        assert_eq!((html.matches("class=\"other\"").count(), html.matches('≠').count()), (1, 1));
        assert!(!html.contains("<b>4<b>") && !html.contains("<i>"));
        let torn = Matched { picture: Picture::default(), ..Matched::default() };
        assert!(Matches { rows: vec![torn] }.draw("t").is_err());
    }
}
