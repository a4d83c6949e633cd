//! What a monitor may read of a rule's state.

use crate::Error;

/// Whom the values of a [`TraceValues`] belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TraceOf {
    /// The presynaptic neurons, `[pre]`.
    Pre,
    /// The postsynaptic neurons, `[post]`.
    Post,
    /// The synapses, by synapse number, `[synapses]`.
    Synapse,
    /// The rule as a whole: one value.
    Rule,
}

/// One of a rule's traces at one step: its name, whose it is, its values.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceValues<F> {
    /// The name that the rule's page uses.
    pub name: &'static str,
    /// Whose the values are.
    pub of: TraceOf,
    /// The values.
    pub values: Vec<F>,
}

impl<F> TraceValues<F> {
    /// A trace by these values.
    pub fn new(name: &'static str, of: TraceOf, values: Vec<F>) -> Self {
        Self { name, of, values }
    }
}

/// The trace called `name`; the error lists the names there are.
pub(crate) fn named<F>(rule: &'static str, name: &str, all: Vec<TraceValues<F>>) -> Result<TraceValues<F>, Error> {
    let known = || all.iter().map(|trace| trace.name).collect::<Vec<_>>().join(", ");
    match all.iter().position(|trace| trace.name == name) {
        Some(at) => all.into_iter().nth(at).ok_or(Error::State { rule }),
        None => Err(Error::Trace { rule, name: name.to_owned(), known: known() }),
    }
}
