//! Random cases, the first that breaks a law, and the smallest like it.

use proptest::strategy::Strategy;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use crate::{Cases, Config, Violation};

/// What a law found: nothing, or what is wrong.
pub type Found = Result<(), String>;

/// A law's name and its statement in words.
pub type Title = (&'static str, &'static str);

/// An error as a finding.
pub fn said(error: impl core::fmt::Display) -> String {
    error.to_string()
}

/// `Ok` if the condition holds.
///
/// # Errors
/// What `found` says.
pub fn ensure(holds: bool, found: impl FnOnce() -> String) -> Found {
    if holds { Ok(()) } else { Err(found()) }
}

/// What is wrong with the smallest case found that breaks a law; none if it held on all of `config.cases`. Without a case if
/// none could be drawn.
///
/// ```
/// use nl_laws::{Config, search};
/// let small = |x: &u32| if *x < 20 { Ok(()) } else { Err(format!("{x} is large")) };
/// let (found, case) = search(&(0..1000_u32), &Config::default(), &small).unwrap();
/// assert_eq!((found.as_str(), case), ("20 is large", Some(20))); // the smallest of them
/// assert!(search(&(0..20_u32), &Config::default(), &small).is_none());
/// ```
pub fn search<S: Strategy>(
    cases: &S,
    config: &Config,
    check: &dyn Fn(&S::Value) -> Found,
) -> Option<(String, Option<S::Value>)> {
    let settings = proptest::test_runner::Config {
        cases: config.cases,
        failure_persistence: None,
        max_shrink_iters: config.shrinks,
        ..proptest::test_runner::Config::default()
    };
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&config.seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    match TestRunner::new_with_rng(settings, rng).run(cases, |case| check(&case).map_err(TestCaseError::fail)) {
        Ok(()) => None,
        Err(TestError::Fail(reason, case)) => Some((reason.message().to_owned(), Some(case))),
        Err(TestError::Abort(reason)) => Some((reason.message().to_owned(), None)),
    }
}

/// Tries a law on random cases and shrinks the first that breaks it; `shown` says who breaks it, and what of the case is shown.
///
/// # Errors
/// The violation.
pub fn hold<S: Strategy, E>(
    (law, statement): Title,
    cases: &S,
    config: &Config,
    check: impl Fn(&S::Value) -> Found,
    shown: impl FnOnce(Option<S::Value>) -> (String, Option<E>),
) -> Result<Cases, Box<Violation<E>>> {
    let Some((found, case)) = search(cases, config, &check) else { return Ok(Cases(u64::from(config.cases))) };
    let (who, example) = shown(case);
    Err(Box::new(Violation { law, statement, who, found, example }))
}
