//! Pictures with facts beside them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::svg::escape;
use crate::{Error, Picture};

/// A picture and what is known of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// The picture.
    pub picture: Picture,
    /// A line above the facts: `"4 taken for 9"`.
    pub title: String,
    /// Name and value of each fact.
    pub facts: Vec<(String, String)>,
}

/// Cards side by side.
///
/// ```
/// use nl_report::{Picture, plots::{Card, Cards, Draw}};
/// let facts = vec![("cortex".into(), "9 (61 %)".into())];
/// let card = Card { picture: Picture::from_unit(1, 1, &[0.5]), title: "4 taken for 9".into(), facts };
/// assert!(Cards { cards: vec![card] }.draw("Mistakes")?.html.contains("<dt>cortex</dt>"));
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cards {
    /// The cards.
    pub cards: Vec<Card>,
}

impl Draw for Cards {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let mut html = String::from("<div class=\"cards\">");
        for card in &self.cards {
            let (uri, title) = (card.picture.data_uri("cards")?, escape(&card.title));
            let alt = escape(&format!("{label}: {}", card.title));
            let _ = write!(html, r#"<article><img src="{uri}" alt="{alt}"><div><p class="verdict">{title}</p><dl>"#);
            for (name, value) in &card.facts {
                let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
            }
            html.push_str("</dl></div></article>");
        }
        html.push_str("</div>");
        Ok(Drawing::wide(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_becomes_markup_and_torn_pictures_are_refused() {
        let picture = Picture::from_unit(1, 1, &[0.5]);
        let facts = vec![("<i>".into(), "<b>".into())];
        let card = Card { picture, title: "\"><script>".into(), facts };
        let html = Cards { cards: vec![card.clone()] }.draw("t").unwrap().html;
        assert!(!html.contains("<script") && !html.contains("<b>") && !html.contains("<i>"));
        let torn = Card { picture: Picture::default(), ..card };
        assert!(
            Cards { cards: vec![torn] }.draw("t").unwrap_err().to_string().starts_with("cards: a picture of 0 × 0")
        );
    }
}
