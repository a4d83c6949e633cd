//! Inline SVG: a text builder that escapes, and axes with round ticks.
//!
//! Our own, because a page for both colour schemes and for phones needs three things the plotting crates do not give:
//! colours as CSS classes, a `viewBox` that scales, and a label for screen readers with tooltips by mark.

use std::fmt::Write as _;

/// `<`, `>`, `&` and quotes as entities, for text and attributes.
pub(super) fn escape(text: &str) -> String {
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

/// At most `limit` characters, the last of which is then an ellipsis.
pub(super) fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// A coordinate: one decimal, none if it is zero.
pub(super) fn coordinate(value: f64) -> String {
    let tenths = (value * 10.0).round() as i64;
    if tenths % 10 == 0 { (tenths / 10).to_string() } else { format!("{:.1}", tenths as f64 / 10.0) }
}

/// A picture being drawn. Marks take CSS classes, never colours.
pub(super) struct Svg {
    out: String,
}

impl Svg {
    /// An empty picture of `width` × `height` units, described by `label`.
    pub(super) fn new(width: f64, height: f64, class: &str, label: &str) -> Self {
        let (w, h) = (coordinate(width), coordinate(height));
        let label = escape(label);
        Self { out: format!(r#"<svg class="{class}" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">"#) }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        let _ = write!(self.out, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// A rectangle; `strength` is its opacity, `title` its tooltip.
    pub(super) fn rect(&mut self, at: (f64, f64), size: (f64, f64), class: &str, strength: f64, title: &str) {
        let [x, y, w, h] = [at.0, at.1, size.0, size.1].map(coordinate);
        let _ = write!(self.out, r#"<rect class="{class}" x="{x}" y="{y}" width="{w}" height="{h}""#);
        if strength < 1.0 {
            let _ = write!(self.out, r#" fill-opacity="{:.3}""#, strength.max(0.0));
        }
        self.close("rect", title);
    }

    pub(super) fn circle(&mut self, at: (f64, f64), radius: f64, class: &str, title: &str) {
        let [x, y, r] = [at.0, at.1, radius].map(coordinate);
        let _ = write!(self.out, r#"<circle class="{class}" cx="{x}" cy="{y}" r="{r}""#);
        self.close("circle", title);
    }

    pub(super) fn path(&mut self, data: &str, class: &str) {
        let _ = write!(self.out, r#"<path class="{class}" d="{data}"/>"#);
    }

    pub(super) fn text(&mut self, at: (f64, f64), class: &str, text: &str) {
        let [x, y] = [at.0, at.1].map(coordinate);
        let _ = write!(self.out, r#"<text class="{class}" x="{x}" y="{y}">{}</text>"#, escape(text));
    }

    fn close(&mut self, tag: &str, title: &str) {
        if title.is_empty() {
            self.out.push_str("/>");
        } else {
            let _ = write!(self.out, "><title>{}</title></{tag}>", escape(title));
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

/// `M x y L x y …` through points.
pub(super) fn polyline(points: &[(f64, f64)]) -> String {
    let mut data = String::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        let _ = write!(data, "{}{} {}", if i == 0 { "M" } else { "L" }, coordinate(x), coordinate(y));
    }
    data
}

/// From values to coordinates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    from: f64,
    to: f64,
}

impl Axis {
    /// An axis that covers all finite `values` and runs from coordinate `from` to `to`. With `log`, values must be
    /// positive to count.
    pub(super) fn over(values: impl Iterator<Item = f64>, log: bool, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.filter(|v| v.is_finite() && (!log || *v > 0.0)) {
            (low, high) = (low.min(v), high.max(v));
        }
        if low > high {
            (low, high) = if log { (0.1, 1.0) } else { (0.0, 1.0) };
        }
        if high - low <= 1e-9 * high.abs() {
            (low, high) = if log { (low / 2.0, high * 2.0) } else { (low - 0.5, high + 0.5) };
        }
        Self { low, high, log, from, to }
    }

    /// The same axis, with its ends moved out to round numbers (linear axes only).
    pub(super) fn rounded(mut self, ticks: usize) -> Self {
        if !self.log {
            let step = round_step(self.high - self.low, ticks);
            self.low = (self.low / step + 1e-9).floor() * step;
            self.high = (self.high / step - 1e-9).ceil() * step;
        }
        self
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(f64::MIN_POSITIVE) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        self.from + share.clamp(-0.02, 1.02) * (self.to - self.from)
    }

    /// Round values within the axis, about `target` of them, with their labels.
    pub(super) fn ticks(&self, target: usize) -> Vec<(f64, String)> {
        if self.log {
            let values = |multiples: &[f64]| -> Vec<f64> {
                let decades = self.low.log10().floor() as i32..=self.high.log10().ceil() as i32;
                let all = decades.flat_map(|e| multiples.iter().map(move |m| m * 10_f64.powi(e)));
                all.filter(|v| (self.low * 0.999..=self.high * 1.001).contains(v)).collect()
            };
            let choices: [&[f64]; 3] = [&[1.0], &[1.0, 3.0], &[1.0, 2.0, 5.0]];
            let chosen = choices.iter().map(|c| values(c)).find(|v| v.len() >= 3).unwrap_or_else(|| values(choices[2]));
            let skip = chosen.len().div_ceil(target + 2).max(1);
            return chosen.into_iter().step_by(skip).map(|v| (v, number(v))).collect();
        }
        let step = round_step(self.high - self.low, target);
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let label = |v: f64| if step < 1e-3 { number(v) } else { format!("{v:.decimals$}") };
        (first..=last).map(|i| i as f64 * step).map(|v| (v, label(if v == 0.0 { 0.0 } else { v }))).collect()
    }
}

/// The step of 1, 2 or 5 times a power of ten that cuts `range` into at most `parts`.
fn round_step(range: f64, parts: usize) -> f64 {
    let raw = range / parts.max(1) as f64;
    let power = 10_f64.powf(raw.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= raw * 0.999_999).unwrap_or(10.0 * power)
}

/// A number for a tick: short, with a power of ten when it is tiny or huge.
pub(super) fn number(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let exponent = value.abs().log10().floor() as i32;
    if (-4..6).contains(&exponent) {
        let decimals = (2 - exponent).clamp(0, 6) as usize;
        let text = format!("{value:.decimals$}");
        return if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    }
    let digits: String = exponent.to_string().chars().map(superscript).collect();
    let mantissa = value / 10_f64.powi(exponent);
    let text = format!("{mantissa:.1}");
    match text.trim_end_matches(".0") {
        "1" => format!("10{digits}"),
        mantissa => format!("{mantissa}·10{digits}"),
    }
}

fn superscript(c: char) -> char {
    match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        c => c.to_digit(10).and_then(|d| char::from_u32(0x2070 + d)).unwrap_or(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: Axis, target: usize) -> Vec<String> {
        axis.ticks(target).into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round() {
        let axis = |values: &[f64], log| Axis::over(values.iter().copied(), log, 0.0, 100.0);
        assert_eq!(labels(axis(&[0.0, 1.0], false), 5), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(axis(&[97.3, 99.5], false), 5), ["97.5", "98.0", "98.5", "99.0", "99.5"]);
        assert_eq!(labels(axis(&[0.0, 0.0004], false), 4), ["0", "0.0001", "0.0002", "0.0003", "0.0004"]);
        assert_eq!(labels(axis(&[0.001, 2.3], true), 5), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(labels(axis(&[0.01, 0.09], true), 5), ["0.01", "0.02", "0.05"]);
        assert_eq!(labels(axis(&[f64::NAN], false), 2), ["0.0", "0.5", "1.0"]);
        assert_eq!(axis(&[3.0, 3.0], false).at(3.0), 50.0);
        assert_eq!(axis(&[1.0, 100.0], true).at(10.0).round(), 50.0);
        assert_eq!(labels(axis(&[0.3, 9.7], false).rounded(5), 5), ["0", "2", "4", "6", "8", "10"]);
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (0.5, "0.5"),
            (1234.0, "1234"),
            (1e-5, "10⁻⁵"),
            (2.5e-4, "0.00025"),
            (2.5e-5, "2.5·10⁻⁵"),
            (3e7, "3·10⁷"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!((coordinate(3.04), coordinate(-0.26)), ("3".to_owned(), "-0.3".to_owned()));
        assert_eq!((shorten("aeroplane", 5), shorten("cat", 5)), ("aero…".to_owned(), "cat".to_owned()));
    }

    #[test]
    fn text_cannot_become_markup() {
        let mut svg = Svg::new(1.0, 1.0, "x", "\"><script>");
        svg.text((0.0, 0.0), "t", "</text><script>");
        svg.rect((0.0, 0.0), (1.0, 1.0), "r", 1.0, "</title><script>");
        assert!(!svg.finish().contains("<script"));
    }
}
