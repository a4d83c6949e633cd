//! A broken law, in words, numbers and a raster.

use core::fmt;

use super::Case;

/// Which law is broken, by whom, what was found, and the shortest example.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The law's name.
    pub law: &'static str,
    /// The law in words.
    pub statement: &'static str,
    /// Who breaks it.
    pub rule: String,
    /// What was found, in numbers.
    pub found: String,
    /// The smallest spike trains and connection that show it.
    pub example: Option<Case>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "law `{}` is broken by {}", self.law, self.rule)?;
        writeln!(f, "  law:   {}", self.statement)?;
        write!(f, "  found: {}", self.found)?;
        match &self.example {
            Some(case) => {
                write!(f, "\n{case}")?;
                match case.coincidence() {
                    Some(step) => write!(
                        f,
                        "\n  hint: a pre and a post spike coincide in step {step}; what such a pair does, and which of the two \
                         acts first, is the subject's claim `.coincidence(…)`: see `Coincidence` and the law `coincidence`"
                    ),
                    None => Ok(()),
                }
            }
            None => Ok(()),
        }
    }
}

impl core::error::Error for Violation {}
