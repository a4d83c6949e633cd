//! How a law is tried on many cases.

use core::fmt;

use nl_laws::proptest::strategy::Strategy;
use nl_laws::{Cases, Config};
pub(super) use nl_laws::{Found, Title, ensure, said};

/// A broken law; its example is the smallest case that shows it, as text.
pub type Violation = nl_laws::Violation<String>;

/// Tries a law on `config.cases` random cases and shrinks the first that breaks it.
pub(super) fn hold<S: Strategy>(
    title: Title,
    who: &'static str,
    cases: &S,
    config: &Config,
    check: impl Fn(&S::Value) -> Found,
) -> Result<Cases, Box<Violation>>
where
    S::Value: fmt::Display,
{
    nl_laws::hold(title, cases, config, check, |case| (who.to_owned(), case.map(|case| case.to_string())))
}
