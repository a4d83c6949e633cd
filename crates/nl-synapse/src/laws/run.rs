//! How a law is tried on many cases.

use core::fmt;

use proptest::strategy::Strategy;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

/// How many cases a law is tried on, and from which seed they are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Number of cases.
    pub cases: u32,
    /// Seed: the same cases each time.
    pub seed: u64,
    /// How often a counter-example may be tried smaller.
    pub shrinks: u32,
}

impl Default for Config {
    /// 256 cases, or as many as the environment variable `PROPTEST_CASES` says.
    fn default() -> Self {
        let wanted = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
        Self { cases: wanted.unwrap_or(256), seed: 1, shrinks: 20_000 }
    }
}

/// The number of cases on which a law held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cases(pub u64);

/// Which law is broken, by whom, what was found, and the smallest example.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation {
    /// The law's name: that of its function.
    pub law: &'static str,
    /// The law in words.
    pub statement: &'static str,
    /// Who breaks it: a type.
    pub who: &'static str,
    /// What was found, in numbers.
    pub found: String,
    /// The smallest case that shows it, as text.
    pub example: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "law `{}` is broken by {}", self.law, self.who)?;
        writeln!(f, "  law:   {}", self.statement)?;
        writeln!(f, "  found: {}", self.found)?;
        f.write_str(&self.example)
    }
}

impl core::error::Error for Violation {}

/// What a law found: nothing, or what is wrong.
pub(super) type Found = Result<(), String>;

/// A law's name and its statement in words.
pub(super) type Title = (&'static str, &'static str);

/// Tries a law on `config.cases` random cases and shrinks the first that breaks it.
pub(super) fn hold<S: Strategy>(
    (law, statement): Title,
    who: &'static str,
    cases: &S,
    config: &Config,
    check: impl Fn(&S::Value) -> Found,
) -> Result<Cases, Box<Violation>>
where
    S::Value: fmt::Display,
{
    let settings = proptest::test_runner::Config {
        cases: config.cases,
        failure_persistence: None,
        max_shrink_iters: config.shrinks,
        ..proptest::test_runner::Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&config.seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let outcome = TestRunner::new_with_rng(settings, rng).run(cases, |case| check(&case).map_err(TestCaseError::fail));
    let (found, example) = match outcome {
        Ok(()) => return Ok(Cases(u64::from(config.cases))),
        Err(TestError::Fail(reason, case)) => (reason.message().to_owned(), case.to_string()),
        Err(TestError::Abort(reason)) => (reason.message().to_owned(), String::new()),
    };
    Err(Box::new(Violation { law, statement, who, found, example }))
}

/// An error as a finding.
pub(super) fn said(error: impl fmt::Display) -> String {
    error.to_string()
}

/// `Ok` if the condition holds.
pub(super) fn ensure(holds: bool, found: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(found()) }
}
