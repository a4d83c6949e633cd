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
            Some(case) => write!(f, "\n{case}"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for Violation {}
