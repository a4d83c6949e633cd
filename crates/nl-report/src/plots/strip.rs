//! Columns of pictures, with a line below each.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::svg::escape;
use crate::{Error, Picture};

/// One column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StripItem {
    /// From the top.
    pub pictures: Vec<Picture>,
    /// Below them; may be empty.
    pub caption: String,
}

/// Columns of pictures side by side: the same kind of picture in the same row.
///
/// ```
/// use nl_report::{Picture, plots::{Draw, Strip, StripItem}};
/// let item = StripItem { pictures: vec![Picture::from_unit(1, 1, &[0.5]); 2], caption: "a 7".into() };
/// let strip = Strip { rows: vec!["shown".into(), "drawn".into()], items: vec![item] };
/// assert_eq!(strip.draw("Drawings")?.html.matches("<img").count(), 2);
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strip {
    /// What the pictures of each row are, from the top.
    pub rows: Vec<String>,
    /// The columns.
    pub items: Vec<StripItem>,
}

impl Draw for Strip {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let mut html = String::new();
        if self.rows.len() > 1 {
            let _ = write!(html, "<p class=\"rows\">From the top: {}.</p>", escape(&self.rows.join("; ")));
        }
        html.push_str("<div class=\"strips\">");
        for (i, item) in self.items.iter().enumerate() {
            if item.pictures.len() != self.rows.len() {
                let (found, rows) = (item.pictures.len(), self.rows.len());
                return Err(Error::shape("strip", format!("column {} has {found} pictures for {rows} rows", i + 1)));
            }
            html.push_str("<figure class=\"strip\">");
            for (picture, row) in item.pictures.iter().zip(&self.rows) {
                let (uri, alt) = (picture.data_uri("strip")?, format!("{label}, {}: {row}", item.caption));
                let _ = write!(html, r#"<img src="{uri}" alt="{}">"#, escape(&alt));
            }
            if !item.caption.is_empty() {
                let _ = write!(html, "<figcaption>{}</figcaption>", escape(&item.caption));
            }
            html.push_str("</figure>");
        }
        html.push_str("</div>");
        Ok(Drawing::wide(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let picture = Picture::from_unit(1, 1, &[1.0]);
        let item = StripItem { pictures: vec![picture.clone()], caption: "<b>".into() };
        let strip = Strip { rows: vec!["one".into()], items: vec![item.clone(), StripItem::default()] };
        assert_eq!(strip.draw("t").unwrap_err().to_string(), "strip: column 2 has 0 pictures for 1 rows");
        let html = Strip { items: vec![item], ..strip }.draw("t").unwrap().html;
        assert!(!html.contains("<b>") && html.contains("alt=\"t, &lt;b&gt;: one\""));
        let torn = StripItem { pictures: vec![Picture { width: 2, ..picture }], caption: String::new() };
        let error = Strip { rows: vec!["one".into()], items: vec![torn] }.draw("t").unwrap_err().to_string();
        assert_eq!(error, "strip: a picture of 2 × 1 has 1 pixels");
    }
}
