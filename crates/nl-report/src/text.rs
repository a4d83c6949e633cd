//! Numbers, times and words as people read them.

use std::ffi::OsStr;

/// `12,345`.
///
/// ```
/// assert_eq!(nl_report::text::thousands(1_234_567), "1,234,567");
/// ```
#[must_use]
pub fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `420 ms`, `8.3 s`, `48 s`, `7 min 5 s`, `2 h 3 min`; what is negative or no number counts as 0.
///
/// ```
/// assert_eq!(nl_report::text::duration(425.0), "7 min 5 s");
/// ```
#[must_use]
pub fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    let whole = seconds.round() as u64;
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", 1000.0 * s),
        s if s < 9.95 => format!("{s:.1} s"),
        _ if whole < 60 => format!("{whole} s"),
        _ if whole < 3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

/// A share as percent, with a blank that does not break: `99.45 %`.
///
/// ```
/// assert_eq!(nl_report::text::percent(0.9945, 2), "99.45\u{a0}%");
/// ```
#[must_use]
pub fn percent(share: f64, decimals: usize) -> String {
    format!("{:.decimals$}\u{a0}%", 100.0 * share)
}

/// `1 image`, `12,345 images`.
///
/// ```
/// assert_eq!(nl_report::text::count(1, "image"), "1 image");
/// assert_eq!(nl_report::text::count(1200, "image"), "1,200 images");
/// ```
#[must_use]
pub fn count(n: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(n), if n == 1 { "" } else { "s" })
}

/// A number for a tick or a tooltip: three digits or so, with a power of ten when it is tiny or huge.
///
/// ```
/// use nl_report::text::number;
/// assert_eq!([number(0.5), number(2.5e-5), number(3e7)], ["0.5", "2.5·10⁻⁵", "3·10⁷"]);
/// ```
#[must_use]
pub fn number(value: f64) -> String {
    // Below 1e-300, the power of ten is no normal number any more.
    if value.abs() < 1e-300 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return "none".to_owned();
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

/// At most `limit` characters, the last of which is then an ellipsis.
///
/// ```
/// assert_eq!(nl_report::text::shorten("aeroplane", 5), "aero…");
/// ```
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}

/// `word` as a shell takes it for one word.
///
/// ```
/// assert_eq!(nl_report::text::quoted("my runs".as_ref()), "'my runs'");
/// ```
#[must_use]
pub fn quoted(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.into() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_text() {
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        let times = [0.42, 0.9996, 8.31, 9.96, 48.2, 59.7, 425.0, 7380.0, -3.0, f64::NAN].map(duration);
        let said = ["420 ms", "1.0 s", "8.3 s", "10 s", "48 s", "1 min 0 s", "7 min 5 s", "2 h 3 min", "0 ms", "0 ms"];
        assert_eq!(times, said);
        assert_eq!([0, 1, 2, 1000].map(|n| count(n, "dot")), ["0 dots", "1 dot", "2 dots", "1,000 dots"]);
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (-0.5, "-0.5"),
            (1234.0, "1234"),
            (1e-5, "10⁻⁵"),
            (2.5e-4, "0.00025"),
            (2.5e-5, "2.5·10⁻⁵"),
            (3e7, "3·10⁷"),
            (f64::NAN, "none"),
            (4e-309, "0"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
        assert_eq!(shorten("cat", 5), "cat");
    }

    #[test]
    fn words_for_a_shell() {
        assert_eq!(quoted(OsStr::new("experiments/a-1.b")), "experiments/a-1.b");
        assert_eq!(quoted(OsStr::new("it's")), r"'it'\''s'");
        assert_eq!(quoted(OsStr::new("")), "''");
    }
}
