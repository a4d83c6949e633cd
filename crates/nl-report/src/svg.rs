//! Inline SVG: a text builder that escapes.
//!
//! Our own, because a page for both colour schemes and for phones needs three things the plotting crates do not give:
//! colours as CSS classes, a `viewBox` that scales, and a label for screen readers with tooltips by mark.

use std::fmt::Write as _;

use crate::palette::Mark;

/// `<`, `>`, `&` and quotes as entities, for text and attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            c => out.push(c),
        }
    }
    out
}

/// A coordinate: one decimal, none if it is zero.
pub(crate) fn coordinate(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{:.1}", tenths as f64 / 10.0) }
}

/// A picture being drawn. Marks take CSS classes, never colours.
pub(crate) struct Svg {
    out: String,
}

impl Svg {
    /// An empty picture of `width` × `height` units, described by `label`.
    pub(crate) fn new(width: f64, height: f64, class: &str, label: &str) -> Self {
        let (w, h) = (coordinate(width), coordinate(height));
        let label = escape(label);
        Self { out: format!(r#"<svg class="{class}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">"#) }
    }

    pub(crate) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        let _ = write!(self.out, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// A rectangle; `strength` is its opacity, `title` its tooltip.
    pub(crate) fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str, strength: f64, title: &str) {
        let [x, y, w, h] = [at.0, at.1, size.0, size.1].map(coordinate);
        let _ = write!(self.out, r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}""#);
        if strength < 1.0 {
            let _ = write!(self.out, r#" fill-opacity="{:.3}""#, strength.max(0.0));
        }
        self.close("rect", title);
    }

    pub(crate) fn circle(&mut self, at: (f64, f64), radius: f64, class: &str, title: &str) {
        let [x, y, r] = [at.0, at.1, radius].map(coordinate);
        let _ = write!(self.out, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}""#);
        self.close("circle", title);
    }

    pub(crate) fn path(&mut self, data: &str, class: &str) {
        let _ = write!(self.out, r#"<path class="{class}" d="{data}"/>"#);
    }

    pub(crate) fn text(&mut self, at: (f64, f64), class: &str, text: &str) {
        let [x, y] = [at.0, at.1].map(coordinate);
        let _ = write!(self.out, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    /// Text that runs upwards.
    pub(crate) fn text_up(&mut self, at: (f64, f64), class: &str, text: &str) {
        let [x, y] = [at.0, at.1].map(coordinate);
        let text = escape(text);
        let _ = write!(self.out, r#"<text class="{class}" transform="translate({x} {y}) rotate(-90)">{text}</text>"#);
    }

    fn close(&mut self, tag: &str, title: &str) {
        if title.is_empty() {
            self.out.push_str("/>");
        } else {
            let _ = write!(self.out, "><title>{}</title></{tag}>", escape(title));
        }
    }

    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// `M x y L x y …` through points.
pub(crate) fn polyline(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let _ = write!(data, "{}{} {}", if i == 0 { "M" } else { "L" }, coordinate(x), coordinate(y));
    }
    data
}

/// How an entry of a legend is drawn: as what it stands for.
#[derive(Clone, Copy)]
pub(crate) enum Key {
    Mark(Mark),
    /// A line of these CSS classes.
    Line(usize, &'static str),
    /// An area of this colour.
    Area(usize),
    /// A cell of this CSS class.
    Cell(&'static str),
}

/// The names of what is drawn, each with its mark, below the drawing, where they can wrap.
pub(crate) fn legend(entries: &[(Key, &str)]) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut out = String::from("<ul class=\"legend\">");
    for (key, name) in entries {
        let drawn = match key {
            Key::Mark(mark) => format!(r#"<path class="{}" d="{}"/>"#, mark.class(), mark.at((9.0, 6.0), 3.2)),
            Key::Line(colour, class) => format!(r#"<line class="{class} s{colour}" x1="1" y1="6" x2="17" y2="6"/>"#),
            Key::Cell(class) => format!(r#"<rect class="cell {class}" x="3" y="1" width="12" height="10"/>"#),
            Key::Area(colour) => format!(r#"<rect class="f{colour}" x="3" y="1" width="12" height="10"/>"#),
        };
        let _ = write!(
            out,
            r#"<li><svg class="key" viewBox="0 0 18 12" aria-hidden="true">{drawn}</svg>{}</li>"#,
            escape(name)
        );
    }
    out.push_str("</ul>");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        assert_eq!((coordinate(3.04), coordinate(-0.26)), ("3".to_owned(), "-0.3".to_owned()));
    }

    #[test]
    fn text_cannot_become_markup() {
        let mut svg = Svg::new(1.0, 1.0, "x", "\"><script>");
        svg.text((0.0, 0.0), "t", "</text><script>");
        svg.rect((0.0, 0.0), (1.0, 1.0), "r", 1.0, "</title><script>");
        let all = svg.finish() + &legend(&[(Key::Area(0), "</li><script>")]);
        assert!(!all.contains("<script"));
    }
}
