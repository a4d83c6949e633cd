//! How often a run is saved.

use serde::{Deserialize, Serialize};

/// When checkpoints are written, besides those at the end of each stage and at Ctrl-C.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CheckpointConfig {
    /// Wall time between two checkpoints: `30 s`, `500 ms`, `2 min`, `1 h`.
    pub every: Every,
}

impl Default for CheckpointConfig {
    fn default() -> Self {
        Self { every: Every(30.0) }
    }
}

/// A span of wall time, in YAML a number with its unit: `30 s`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Every(f64);

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Every {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Every".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A span of wall time with its unit: 30 s, 500 ms, 2 min, 1 h.",
            "pattern": "^\\s*[0-9.eE+-]+\\s*(ms|s|min|h)\\s*$"
        })
    }
}

/// Units, and their seconds.
const UNITS: [(&str, f64); 4] = [("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0)];

impl Every {
    /// A span of so many seconds; none if that is negative or no number.
    #[must_use]
    pub fn new(seconds: f64) -> Option<Self> {
        (seconds.is_finite() && seconds >= 0.0).then_some(Self(seconds))
    }

    /// Seconds.
    #[must_use]
    pub const fn seconds(self) -> f64 {
        self.0
    }
}

impl TryFrom<String> for Every {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fail = || format!("{text:?} is no span of time; write a number and ms, s, min or h, such as \"30 s\"");
        let trimmed = text.trim();
        let split = trimmed.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(fail)?;
        // An exponent begins with a letter too: 1e3 s.
        let split = if trimmed[split..].starts_with(['e', 'E']) {
            trimmed.rfind(|c: char| !c.is_ascii_alphabetic()).map_or(split, |last| last + 1)
        } else {
            split
        };
        let (number, unit) = trimmed.split_at(split);
        let (_, seconds) = UNITS.iter().find(|known| known.0 == unit.trim()).ok_or_else(fail)?;
        let number: f64 = number.trim().parse().map_err(|_| fail())?;
        Self::new(number * seconds).ok_or_else(fail)
    }
}

impl From<Every> for String {
    fn from(every: Every) -> Self {
        format!("{} s", every.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_units() {
        for (text, seconds) in [
            ("30 s", 30.0),
            ("30s", 30.0),
            ("500 ms", 0.5),
            ("2 min", 120.0),
            ("1.5 h", 5400.0),
            ("1e1 s", 10.0),
            ("0 s", 0.0),
        ] {
            let every = Every::try_from(text.to_owned()).unwrap();
            assert!((every.seconds() - seconds).abs() < 1e-12, "{text}");
            assert_eq!(Every::try_from(String::from(every)).unwrap(), every);
        }
        for text in ["30", "s", "", "-1 s", "nan s", "inf s", "30 weeks", "1 s 2", "é s"] {
            let error = Every::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("\"30 s\""), "{text}: {error}");
        }
    }
}
