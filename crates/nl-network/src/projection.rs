//! From where to where, into which receptor, how late.

use nl_synapse::Delay;
use nl_units::Ms;

use crate::NetworkError;
use crate::wire::{Bundle, Numbers};

/// Longest delay: a minute at 0.1 ms.
const LONGEST_DELAY: u64 = 600_000;

/// A population of the network it was declared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PopulationId(pub(super) usize);

/// A projection of the network it was declared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProjectionId(pub(super) usize);

/// A receptor of a model, by its number or its name in the model's `receptors()`: `0` or `"exc"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Receptor {
    /// Its place.
    Number(usize),
    /// Its name, without the unit.
    Name(&'static str),
}

impl From<usize> for Receptor {
    fn from(number: usize) -> Self {
        Self::Number(number)
    }
}

impl From<&'static str> for Receptor {
    fn from(name: &'static str) -> Self {
        Self::Name(name)
    }
}

impl core::fmt::Display for Receptor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => write!(f, "`{name}`"),
        }
    }
}

/// From where to where, into which receptor, how late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    pub(super) pre: PopulationId,
    pub(super) post: PopulationId,
    pub(super) receptor: Receptor,
    /// Whether spikes are meant to be a current for one step.
    pub(super) held: bool,
    /// Axonal, dendritic; `None`: one step, or those of the synapses.
    delays: Option<(Ms, Ms)>,
}

impl Projection {
    /// From `pre` to `post`, into receptor 0, with a delay of one step, all of it dendritic.
    #[must_use]
    pub fn new(pre: PopulationId, post: PopulationId) -> Self {
        Self { pre, post, receptor: Receptor::Number(0), held: false, delays: None }
    }

    /// Into this receptor: its name or its place in the model's `receptors()`.
    #[must_use]
    pub fn receptor(self, receptor: impl Into<Receptor>) -> Self {
        Self { receptor: receptor.into(), ..self }
    }

    /// Onto a receptor that is a current held over the step: each spike is then a current for one step, whose charge
    /// depends on dt. Izhikevich's network of 2003 is made that way, at dt = 1 ms.
    #[must_use]
    pub fn as_current(self) -> Self {
        Self { held: true, ..self }
    }

    /// With this delay, all of it dendritic (NEST's reading): a learning rule sees pre spikes at once and post spikes
    /// after the delay.
    #[must_use]
    pub fn delay(self, delay: Ms) -> Self {
        self.delays(Ms(0.0), delay)
    }

    /// With these delays: a learning rule sees pre spikes after the axonal and post spikes after the dendritic one; the
    /// soma is reached after both.
    #[must_use]
    pub fn delays(self, axonal: Ms, dendritic: Ms) -> Self {
        Self { delays: Some((axonal, dendritic)), ..self }
    }

    /// The delay of all its synapses.
    pub(super) fn uniform_delay(&self, dt: Ms) -> Result<Delay, NetworkError> {
        let (axonal, dendritic) = self.delays.unwrap_or((Ms(0.0), dt));
        let axonal = axonal.steps("projection", "axonal delay", dt)?;
        let dendritic = dendritic.steps("projection", "delay", dt)?;
        within(u64::from(axonal) + u64::from(dendritic), dt)?;
        Ok(Delay::new(axonal, dendritic)?)
    }

    /// `Ok` if it leaves the delays to its synapses, and they are not too long.
    pub(super) fn delays_of_synapses(&self, delays: impl Iterator<Item = Delay>, dt: Ms) -> Result<(), NetworkError> {
        if self.delays.is_some() {
            let message = "the synapses have delays of their own; leave out the projection's `delay` and `delays`";
            return Err(NetworkError::Invalid(message.into()));
        }
        delays.into_iter().try_for_each(|delay| within(u64::from(delay.total()), dt))
    }
}

fn within(total: u64, dt: Ms) -> Result<(), NetworkError> {
    if (1..=LONGEST_DELAY).contains(&total) {
        return Ok(());
    }
    Err(NetworkError::Invalid(format!("a delay of {total} steps; use 1 (one dt, {dt}) to {LONGEST_DELAY}")))
}

/// Synapses of one projection that share a delay.
pub(super) struct Group {
    pub(super) bundle: Box<dyn Bundle>,
    pub(super) delay: Delay,
    /// The numbers its synapses have in the projection.
    pub(super) numbers: Numbers,
}
