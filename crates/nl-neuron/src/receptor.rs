//! What the input channels of a model are: their names, units and what one unit of input does.

/// What one unit of input to a receptor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReceptorKind {
    /// It is a current, held constant over the step. Not made for spikes: one would be a current for a single dt, whose
    /// charge depends on dt.
    Current,
    /// It jumps a synaptic current, which then decays; negative values inhibit.
    CurrentJump,
    /// It jumps a synaptic conductance, which then decays. Never negative: which way it drives V is its reversal
    /// potential's affair, and a conductance below 0 has no meaning and may leave V without bound.
    ConductanceJump,
    /// It jumps the membrane potential itself (delta synapses).
    PotentialJump,
}

/// One input channel of a [`NeuronModel`](crate::NeuronModel).
///
/// ```
/// use nl_neuron::{Coba, CobaParameters, Ms, NeuronModel, ReceptorKind};
/// let coba = Coba::<f32>::new(CobaParameters::default(), Ms(0.1))?;
/// let inhibition = coba.receptor("inh").ok_or("no such receptor")?; // found once, by name; then a number
/// let channel = coba.receptors()[inhibition];
/// assert_eq!((inhibition, channel.unit, channel.kind), (1, "nS", ReceptorKind::ConductanceJump));
/// assert!(channel.takes_spikes() && !channel.may_be_negative());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputChannel {
    /// Its name: `exc`, `inh`, `current` …
    pub name: &'static str,
    /// The unit of its input.
    pub unit: &'static str,
    /// What its input does.
    pub kind: ReceptorKind,
}

impl InputChannel {
    /// A current in `unit`, held over the step, called `current`.
    #[must_use]
    pub const fn current(unit: &'static str) -> Self {
        Self { name: "current", unit, kind: ReceptorKind::Current }
    }

    /// Jumps of a synaptic current in pA.
    #[must_use]
    pub const fn current_jump(name: &'static str) -> Self {
        Self { name, unit: "pA", kind: ReceptorKind::CurrentJump }
    }

    /// Jumps of a conductance in `unit`.
    #[must_use]
    pub const fn conductance_jump(name: &'static str, unit: &'static str) -> Self {
        Self { name, unit, kind: ReceptorKind::ConductanceJump }
    }

    /// Jumps of the potential in mV, called `jump`.
    #[must_use]
    pub const fn potential_jump() -> Self {
        Self { name: "jump", unit: "mV", kind: ReceptorKind::PotentialJump }
    }

    /// Whether spikes are meant to arrive here.
    #[must_use]
    pub const fn takes_spikes(self) -> bool {
        !matches!(self.kind, ReceptorKind::Current)
    }

    /// Whether a negative input means something.
    #[must_use]
    pub const fn may_be_negative(self) -> bool {
        !matches!(self.kind, ReceptorKind::ConductanceJump)
    }
}

impl core::fmt::Display for InputChannel {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(&format!("{} ({})", self.name, self.unit))
    }
}

/// Exponential or alpha currents and a held one: `exc`, `inh`, `current`, all in pA.
pub(crate) const CURRENTS: &[InputChannel] =
    &[InputChannel::current_jump("exc"), InputChannel::current_jump("inh"), InputChannel::current("pA")];

/// Exponential conductances in nS and a held current in pA: `exc`, `inh`, `current`.
pub(crate) const CONDUCTANCES: &[InputChannel] = &[
    InputChannel::conductance_jump("exc", "nS"),
    InputChannel::conductance_jump("inh", "nS"),
    InputChannel::current("pA"),
];
