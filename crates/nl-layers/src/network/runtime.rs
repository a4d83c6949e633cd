//! A network that runs.

use nl_neuron::Ms;
use nl_plasticity::Modulators;
use nl_random::Streams;
use nl_synapse::DelayLine;
use rayon::prelude::*;

use super::monitor::{SpikeEvent, StateMonitor, StateTrace, WeightMonitor, WeightTrace};
use super::piece::Piece;
use super::{NetworkError, PopulationId, ProjectionId};

pub(super) struct Population {
    pub(super) name: String,
    pub(super) n: usize,
    /// Which of the network's pieces are its own.
    pub(super) pieces: core::ops::Range<usize>,
    pub(super) recorded: Option<Vec<SpikeEvent>>,
    pub(super) count: u64,
}

/// Populations, their synapses, and the present moment. Made by a [`NetworkBuilder`](super::NetworkBuilder).
pub struct Network {
    pub(super) dt: Ms,
    pub(super) streams: Streams,
    /// Steps the pieces may run on their own.
    window: u32,
    pub(super) now: u64,
    pub(super) populations: Vec<Population>,
    /// What the populations emitted lately, by population; apart from them so that pieces can read while they compute.
    pub(super) lines: Vec<DelayLine>,
    pub(super) pieces: Vec<Piece>,
    pub(super) synapses: Vec<usize>,
    pub(super) modulators: Modulators,
    pub(super) states: Vec<StateMonitor>,
    pub(super) weights: Vec<WeightMonitor>,
    merged: Vec<u32>,
}

impl Network {
    pub(super) fn new(
        dt: Ms,
        streams: Streams,
        window: u32,
        populations: Vec<Population>,
        lines: Vec<DelayLine>,
        pieces: Vec<Piece>,
        synapses: Vec<usize>,
        states: Vec<StateMonitor>,
        weights: Vec<WeightMonitor>,
    ) -> Self {
        let modulators = Modulators::default();
        Self {
            dt,
            streams,
            window,
            now: 0,
            populations,
            lines,
            pieces,
            synapses,
            modulators,
            states,
            weights,
            merged: Vec::new(),
        }
    }

    /// Runs for a time, rounded to whole steps, on the threads of the current rayon pool.
    ///
    /// # Errors
    /// If the time is negative or not finite.
    pub fn run(&mut self, time: Ms) -> Result<(), NetworkError> {
        let steps = time.steps("network", "time", self.dt)?;
        self.run_steps(u64::from(steps))
    }

    /// Runs so many steps.
    ///
    /// # Errors
    /// If a rule or model finds its input faulty: never after a successful build, unless a variable was set to nonsense.
    pub fn run_steps(&mut self, steps: u64) -> Result<(), NetworkError> {
        let end = self.now + steps;
        while self.now < end {
            let sample = self.states.iter().map(|m| m.every).chain(self.weights.iter().map(|m| m.every));
            let stop = sample.map(|every| (self.now / every + 1) * every).min().unwrap_or(end).min(end);
            let window = u64::from(self.window).min(stop - self.now) as u32;
            self.advance(window)?;
            self.sample()?;
        }
        Ok(())
    }

    fn advance(&mut self, window: u32) -> Result<(), NetworkError> {
        let Self { now, lines, pieces, modulators, .. } = self;
        let (start, modulators) = (*now, *modulators);
        for_each(pieces, window, |piece| piece.advance(start, window, lines, modulators))?;
        for (population, line) in self.populations.iter_mut().zip(lines.iter_mut()) {
            for s in 0..window as usize {
                self.merged.clear();
                for piece in &pieces[population.pieces.clone()] {
                    self.merged.extend_from_slice(&piece.emitted[s]);
                }
                population.count += self.merged.len() as u64;
                if let Some(recorded) = &mut population.recorded {
                    let step = start + s as u64;
                    recorded.extend(self.merged.iter().map(|&neuron| SpikeEvent { step, neuron }));
                }
                line.push(&self.merged);
            }
        }
        if pieces.iter().any(Piece::learns_late) {
            // Then the window is one step.
            for_each(pieces, 1, |piece| piece.learn_late(start, lines, modulators))?;
        }
        self.now += u64::from(window);
        Ok(())
    }

    fn sample(&mut self) -> Result<(), NetworkError> {
        let now = self.now;
        for monitor in self.states.iter_mut().filter(|m| now.is_multiple_of(m.every)) {
            monitor.trace.steps.push(now - 1);
            for &(piece, place) in &monitor.places {
                let values = self.pieces[piece].cells.variable(&monitor.variable).unwrap_or(&[]);
                monitor.trace.values.push(values.get(place).copied().unwrap_or(f32::NAN));
            }
        }
        for monitor in self.weights.iter_mut().filter(|m| now.is_multiple_of(m.every)) {
            monitor.trace.steps.push(now - 1);
            for &(piece, wire, place) in &monitor.places {
                let wire = &mut self.pieces[piece].wires[wire].wire;
                wire.settle(now - 1)?;
                let weight = wire.weights().and_then(|weights| weights.get(place).copied());
                monitor.trace.values.push(weight.unwrap_or(f32::NAN));
            }
        }
        Ok(())
    }

    /// The time step.
    #[must_use]
    pub fn dt(&self) -> Ms {
        self.dt
    }

    /// Steps run so far.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Neurons of all populations.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.populations.iter().map(|p| p.n).sum()
    }

    /// Neurons of a population.
    ///
    /// # Errors
    /// If the population is of another network.
    pub fn size(&self, population: PopulationId) -> Result<usize, NetworkError> {
        Ok(self.population(population)?.n)
    }

    /// Synapses of all projections.
    #[must_use]
    pub fn synapses(&self) -> usize {
        self.synapses.iter().sum()
    }

    /// The neuromodulators from now on.
    pub fn set_modulators(&mut self, modulators: Modulators) {
        self.modulators = modulators;
    }

    fn population(&self, id: PopulationId) -> Result<&Population, NetworkError> {
        self.populations.get(id.0).ok_or_else(|| NetworkError::Invalid("a population of another network".into()))
    }

    /// Spikes of a population so far: counted whether recorded or not.
    ///
    /// # Errors
    /// If the population is of another network.
    pub fn spike_count(&self, population: PopulationId) -> Result<u64, NetworkError> {
        Ok(self.population(population)?.count)
    }

    /// The recorded spikes of a population, by step and then by neuron.
    ///
    /// # Errors
    /// If it is of another network, or `record_spikes` was not called for it.
    pub fn spikes(&self, population: PopulationId) -> Result<&[SpikeEvent], NetworkError> {
        let population = self.population(population)?;
        let missing = || NetworkError::Invalid(format!("{}: not recorded; call record_spikes", population.name));
        population.recorded.as_deref().ok_or_else(missing)
    }

    /// The traces of the `k`-th `record_state`.
    #[must_use]
    pub fn state_trace(&self, k: usize) -> Option<&StateTrace> {
        self.states.get(k).map(|m| &m.trace)
    }

    /// The traces of the `k`-th `record_weights`.
    #[must_use]
    pub fn weight_trace(&self, k: usize) -> Option<&WeightTrace> {
        self.weights.get(k).map(|m| &m.trace)
    }

    /// A variable of all neurons of a population, `[n]`.
    ///
    /// # Errors
    /// If the population or the variable does not exist.
    pub fn variable(&self, population: PopulationId, name: &str) -> Result<Vec<f32>, NetworkError> {
        let population = self.population(population)?;
        let mut values = Vec::with_capacity(population.n);
        for piece in &self.pieces[population.pieces.clone()] {
            let missing = || NetworkError::Invalid(format!("{}: no variable `{name}`", population.name));
            values.extend_from_slice(piece.cells.variable(name).ok_or_else(missing)?);
        }
        Ok(values)
    }

    /// Sets a variable of all neurons of a population: initial conditions.
    ///
    /// # Errors
    /// If the population or the variable does not exist, the length differs, or a value is not finite.
    pub fn set_variable(&mut self, population: PopulationId, name: &str, values: &[f32]) -> Result<(), NetworkError> {
        let Population { name: own, n, pieces, .. } = self.population(population)?;
        let (n, own_pieces) = (*n, pieces.clone());
        nl_neuron::Error::length("set_variable", "values", n, values.len())?;
        for &value in values {
            nl_neuron::Error::finite("set_variable", "value", f64::from(value))?;
        }
        let missing = NetworkError::Invalid(format!("{own}: no variable `{name}`"));
        for piece in &mut self.pieces[own_pieces] {
            let target = piece.cells.variable_mut(name).ok_or_else(|| missing.clone())?;
            target.copy_from_slice(&values[piece.range.clone()]);
        }
        Ok(())
    }

    /// Sets all weights of a plastic projection, by synapse number.
    ///
    /// # Errors
    /// If it is of another network or its weights are fixed, the length differs, or a weight is not finite.
    pub fn set_weights(&mut self, projection: ProjectionId, weights: &[f32]) -> Result<(), NetworkError> {
        // Settles what is pending, and says whether there is anything to set.
        let n = self.weights(projection)?.len();
        nl_neuron::Error::length("set_weights", "weights", n, weights.len())?;
        for &w in weights {
            nl_neuron::Error::finite("set_weights", "weight", f64::from(w))?;
        }
        for piece in &mut self.pieces {
            for incoming in piece.wires.iter_mut().filter(|i| i.projection == projection.0) {
                let Some(target) = incoming.wire.weights_mut() else { continue };
                if incoming.kept.is_empty() {
                    target.copy_from_slice(weights);
                }
                for (&synapse, w) in incoming.kept.iter().zip(target) {
                    *w = weights[synapse as usize];
                }
            }
        }
        Ok(())
    }

    /// All weights of a plastic projection, by synapse number.
    ///
    /// # Errors
    /// If it is of another network or its weights are fixed.
    pub fn weights(&mut self, projection: ProjectionId) -> Result<Vec<f32>, NetworkError> {
        let n = self.synapses.get(projection.0).copied().unwrap_or(0);
        let mut all = vec![0.0; n];
        let mut found = false;
        for piece in &mut self.pieces {
            for incoming in piece.wires.iter_mut().filter(|i| i.projection == projection.0) {
                incoming.wire.settle(self.now.saturating_sub(1))?;
                let Some(weights) = incoming.wire.weights() else { continue };
                found = true;
                if incoming.kept.is_empty() {
                    all.copy_from_slice(weights);
                }
                for (&synapse, &w) in incoming.kept.iter().zip(weights) {
                    all[synapse as usize] = w;
                }
            }
        }
        if found { Ok(all) } else { Err(NetworkError::Invalid("weights: not a plastic projection".into())) }
    }
}

/// Neuron steps below which waking another thread costs more than it brings: some ten microseconds of work.
const WORTH_A_THREAD: usize = 1 << 15;

/// Each piece, for `steps` steps, on the threads of the current pool if that is worth it; the first error by order of
/// pieces. The result does not depend on which way was taken.
fn for_each(
    pieces: &mut [Piece],
    steps: u32,
    run: impl Fn(&mut Piece) -> Result<(), NetworkError> + Send + Sync,
) -> Result<(), NetworkError> {
    let work = pieces.iter().map(|piece| piece.range.len()).sum::<usize>() * steps as usize;
    if pieces.len() == 1 || work < WORTH_A_THREAD || rayon::current_num_threads() == 1 {
        return pieces.iter_mut().try_for_each(run);
    }
    let done: Vec<Result<(), NetworkError>> = pieces.par_iter_mut().map(run).collect();
    done.into_iter().collect()
}
