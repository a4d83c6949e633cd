//! What every neuron model offers.

use nl_kernels::Float;
use nl_random::Streams;
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, InputChannel, Ms, SpikeSet};

/// The scalar of a state: `f32` to simulate, `f64` to check; [`Float`] that can be written to a checkpoint.
pub trait Real: Float + Serialize + DeserializeOwned {}

impl<F: Float + Serialize + DeserializeOwned> Real for F {}

/// A neuron model discretised with one time step: parameters and their propagators, nothing that changes.
///
/// Implement `step` as one loop over the state's arrays inside a [`nl_kernels::Vectorised`] body, so that it runs with
/// the widest instructions of the CPU; set `spikes.flags_mut()` in the loop and call `spikes.collect()` after it.
pub trait NeuronModel<F: Real> {
    /// What changes over time: one array a variable, each as long as the population.
    type State: PopulationState<F>;

    /// The model's name in messages and plots.
    fn name(&self) -> &'static str;

    /// The time step it was discretised with.
    fn dt(&self) -> Ms;

    /// The input channels; `step` takes one block of n values for each, in this order.
    fn receptors(&self) -> &'static [InputChannel];

    /// The number of the receptor of that name: found once, where a network is built.
    fn receptor(&self, name: &str) -> Option<usize> {
        self.receptors().iter().position(|channel| channel.name == name)
    }

    /// The state of `n` neurons at rest.
    ///
    /// # Errors
    /// [`Error::Population`] if `n` is 0 or does not fit `u32`, [`Error::Memory`] if there is no room for it.
    fn state(&self, n: usize) -> Result<Self::State, Error>;

    /// Names the random stream of a stochastic model: no draw depends on anything but (streams, `index`, step).
    fn set_noise(&self, _state: &mut Self::State, _streams: Streams, _index: u64) {}

    /// Advances the population by one time step; `spikes` becomes the set of those that spiked.
    ///
    /// `input` is `[receptors, n]`: currents are held constant over the step, jumps arrive at its end.
    ///
    /// # Errors
    /// [`Error::Length`] if `input` or `spikes` do not fit the state, or its arrays each other (a damaged file).
    fn step(&self, state: &mut Self::State, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error>;

    /// `Ok` if `input` and `spikes` fit a population of `n`, with the flags of `spikes` at hand: what `step` calls first,
    /// with [`Error::state`].
    ///
    /// # Errors
    /// [`Error::Length`]; [`Error::Memory`] if there is no room for the flags.
    fn check(&self, n: usize, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        Error::length(self.name(), "input", n * self.receptors().len(), input.len())?;
        Error::length(self.name(), "spikes", n, spikes.population())?;
        spikes.prepare()
    }
}

/// The state of a population: named arrays of one value a neuron.
pub trait PopulationState<F>: Clone + core::fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send {
    /// Number of neurons.
    fn len(&self) -> usize;

    /// Whether there are none (there always are some).
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names of the variables that can be read and set, the membrane potential first.
    fn variables(&self) -> &'static [&'static str];

    /// The variable of that name, `[n]`.
    fn variable(&self, name: &str) -> Option<&[F]>;

    /// The variable of that name, `[n]`, to be set (initial conditions, a voltage clamp).
    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]>;

    /// The number of the variable of that name among [`variables`](Self::variables): found once, where a network is built.
    fn variable_number(&self, name: &str) -> Option<usize> {
        self.variables().iter().position(|variable| *variable == name)
    }

    /// The variable of that number, `[n]`.
    fn variable_at(&self, number: usize) -> Option<&[F]> {
        self.variables().get(number).and_then(|name| self.variable(name))
    }

    /// The first value that is NaN or infinite, by variable and then by neuron: for a run to look at now and then, since
    /// the loops themselves do not.
    ///
    /// ```
    /// use nl_neuron::{Lif, LifParameters, Ms, NeuronModel, PopulationState, SpikeSet};
    /// let lif = Lif::<f32>::new(LifParameters::default(), Ms(0.1))?;
    /// let mut state = lif.state(3)?;
    /// assert!(state.first_not_finite().is_none());
    /// lif.step(&mut state, &[0.0, f32::NAN, 0.0], &mut SpikeSet::new(3))?;
    /// let found = state.first_not_finite().map(|found| found.to_string());
    /// assert_eq!(found.as_deref(), Some("v of neuron 1 is NaN"));
    /// # Ok::<(), nl_neuron::Error>(())
    /// ```
    fn first_not_finite(&self) -> Option<NotFinite>
    where
        F: Real,
    {
        self.variables().iter().find_map(|&variable| {
            let values = self.variable(variable)?;
            let index = values.iter().position(|value| !value.is_finite())?;
            Some(NotFinite { variable, index, value: values[index].to_f64() })
        })
    }
}

/// A value of a state that is no number: what [`PopulationState::first_not_finite`] finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NotFinite {
    /// The variable.
    pub variable: &'static str,
    /// The neuron.
    pub index: usize,
    /// NaN, or an infinity.
    pub value: f64,
}

impl core::fmt::Display for NotFinite {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{} of neuron {} is {}", self.variable, self.index, self.value)
    }
}
