//! A broken law, in words, numbers and its shortest example; and exemptions.

use core::fmt;

use crate::{Cases, Config};

/// Which law is broken, by whom, what was found, and the shortest example.
#[derive(Debug, Clone, PartialEq)]
pub struct Violation<E> {
    /// The law's name.
    pub law: &'static str,
    /// The law in words.
    pub statement: &'static str,
    /// Who breaks it.
    pub who: String,
    /// What was found, in numbers.
    pub found: String,
    /// The smallest experiment that shows it.
    pub example: Option<E>,
}

impl<E: fmt::Display> fmt::Display for Violation<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "law `{}` is broken by {}", self.law, self.who)?;
        writeln!(f, "  law:   {}", self.statement)?;
        write!(f, "  found: {}", self.found)?;
        self.example.as_ref().map_or(Ok(()), |example| write!(f, "\n{example}"))
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for Violation<E> {}

/// Tries the law `law`, called `name`, on `who`, or, if it is exempt, makes sure that the exemption is still needed.
///
/// ```
/// use nl_laws::{Cases, Config, Violation, verify};
/// let holds = |_: &Config| Ok::<_, Box<Violation<String>>>(Cases(3));
/// assert_eq!(verify((0, "zero"), || "me".into(), &[], &Config::default(), holds)?, Cases(3));
/// // An excuse that nobody needs any more.
/// let stale = verify((0, "zero"), || "me".into(), &[(0, "it is hard")], &Config::default(), holds).unwrap_err();
/// assert!(stale.to_string().contains("remove the exemption"));
/// # Ok::<(), Box<Violation<String>>>(())
/// ```
///
/// # Errors
/// The violation; or the exemption, if the law holds after all.
pub fn verify<L: PartialEq, E>(
    (law, name): (L, &'static str),
    who: impl FnOnce() -> String,
    exempt: &[(L, &'static str)],
    config: &Config,
    check: impl Fn(&Config) -> Result<Cases, Box<Violation<E>>>,
) -> Result<Cases, Box<Violation<E>>> {
    let Some((_, reason)) = exempt.iter().find(|(exempt, _)| *exempt == law) else { return check(config) };
    match check(&Config { shrinks: 0, ..*config }) {
        Err(_) => Ok(Cases(0)),
        Ok(Cases(cases)) => Err(Box::new(Violation {
            law: name,
            statement: "an exemption is for a law that does not hold",
            who: who(),
            found: format!("exempt (\"{reason}\"), but the law held in {cases} cases: remove the exemption"),
            example: None,
        })),
    }
}
