//! What can be read from a network between two runs, and set: spikes, traces, variables, weights.

use nl_units::{Hz, Ms};

use crate::checks::sign;
use crate::monitor::{RateTrace, SpikeEvent, StateTrace, StateTraceId, WeightTrace, WeightTraceId};
use crate::runtime::{Population, Synapses};
use crate::statistics::mean_rate;
use crate::{Network, NetworkError, PopulationId, ProjectionId};

impl Network {
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
        self.synapses.iter().map(|synapses| synapses.count).sum()
    }

    pub(super) fn population(&self, id: PopulationId) -> Result<&Population, NetworkError> {
        self.populations.get(id.0).ok_or_else(|| NetworkError::Invalid("a population of another network".into()))
    }

    /// Spikes of a population so far: counted whether recorded or not.
    ///
    /// # Errors
    /// If the population is of another network.
    pub fn spike_count(&self, population: PopulationId) -> Result<u64, NetworkError> {
        Ok(self.population(population)?.count)
    }

    /// The mean rate of a population over the whole run so far; 0 before it.
    ///
    /// # Errors
    /// If the population is of another network.
    pub fn mean_rate(&self, population: PopulationId) -> Result<Hz, NetworkError> {
        let Population { n, count, .. } = self.population(population)?;
        Ok(mean_rate(*count, *n, Ms(self.now as f64 * self.dt.0)))
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

    /// Takes the recorded spikes of a population out of the network, which goes on with an empty list: what a long run does
    /// now and then, so that neither it nor its snapshots grow.
    ///
    /// # Errors
    /// As [`spikes`](Self::spikes).
    pub fn take_spikes(&mut self, population: PopulationId) -> Result<Vec<SpikeEvent>, NetworkError> {
        self.spikes(population)?;
        let recorded = self.populations.get_mut(population.0).and_then(|population| population.recorded.as_mut());
        Ok(recorded.map(core::mem::take).unwrap_or_default())
    }

    /// The spikes of a whole population in bins of time.
    ///
    /// # Errors
    /// If it is of another network, or `record_rate` was not called for it.
    pub fn rate_trace(&self, population: PopulationId) -> Result<&RateTrace, NetworkError> {
        let population = self.population(population)?;
        let missing = || NetworkError::Invalid(format!("{}: no rates; call record_rate", population.name));
        population.rates.as_ref().ok_or_else(missing)
    }

    /// The mean rate of a population in each bin of [`rate_trace`](Self::rate_trace) that is over.
    ///
    /// # Errors
    /// As [`rate_trace`](Self::rate_trace).
    pub fn rates(&self, population: PopulationId) -> Result<Vec<Hz>, NetworkError> {
        let RateTrace { width, counts } = self.rate_trace(population)?;
        let (n, bin) = (self.size(population)?, Ms(*width as f64 * self.dt.0));
        let over = (self.now / width) as usize;
        Ok(counts.iter().take(over).map(|&count| mean_rate(count, n, bin)).collect())
    }

    /// What a [`record_state`](crate::NetworkBuilder::record_state) has written down.
    ///
    /// # Errors
    /// If it is of another network.
    pub fn state_trace(&self, id: StateTraceId) -> Result<&StateTrace, NetworkError> {
        let missing = || NetworkError::Invalid("a trace of another network".into());
        self.states.get(id.0).map(|monitor| &monitor.trace).ok_or_else(missing)
    }

    /// Takes out what [`state_trace`](Self::state_trace) would show; the trace goes on from nothing.
    ///
    /// # Errors
    /// If it is of another network.
    pub fn take_state_trace(&mut self, id: StateTraceId) -> Result<StateTrace, NetworkError> {
        let neurons = self.state_trace(id)?.neurons.clone();
        let empty = StateTrace { neurons, steps: Vec::new(), values: Vec::new() };
        Ok(core::mem::replace(&mut self.states[id.0].trace, empty))
    }

    /// What a [`record_weights`](crate::NetworkBuilder::record_weights) has written down.
    ///
    /// # Errors
    /// If it is of another network.
    pub fn weight_trace(&self, id: WeightTraceId) -> Result<&WeightTrace, NetworkError> {
        let missing = || NetworkError::Invalid("a trace of another network".into());
        self.weights.get(id.0).map(|monitor| &monitor.trace).ok_or_else(missing)
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
        nl_units::Error::length("set_variable", "values", n, values.len())?;
        for &value in values {
            nl_units::Error::finite("set_variable", "value", f64::from(value))?;
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
    /// If it is of another network or its weights are fixed, the length differs, or a weight is not finite, outside the
    /// rule's bounds, or below 0 where it is a conductance; nothing is set then.
    pub fn set_weights(&mut self, projection: ProjectionId, weights: &[f32]) -> Result<(), NetworkError> {
        // Settles what is pending, and says whether there is anything to set.
        let n = self.weights(projection)?.len();
        nl_units::Error::length("set_weights", "weights", n, weights.len())?;
        for &w in weights {
            nl_units::Error::finite("set_weights", "weight", f64::from(w))?;
        }
        let Synapses { post, receptor, .. } = self.synapses[projection.0];
        let post = &self.populations[post];
        let lowest = weights.iter().copied().reduce(f32::min);
        sign(&post.name, post.receptors[receptor], lowest)?;
        for incoming in self.pieces.iter().flat_map(|piece| &piece.wires).filter(|i| i.projection == projection.0) {
            incoming.wire.as_ref().map_or(Ok(()), |wire| wire.check_weights(weights))?;
        }
        for incoming in self.pieces.iter_mut().flat_map(|piece| &mut piece.wires) {
            if incoming.projection != projection.0 {
                continue;
            }
            let Some(target) = incoming.wire.as_mut().and_then(|wire| wire.weights_mut()) else { continue };
            match &incoming.kept {
                None => target.copy_from_slice(weights),
                Some(kept) => {
                    for (&synapse, w) in kept.iter().zip(target) {
                        *w = weights[synapse as usize];
                    }
                }
            }
        }
        Ok(())
    }

    /// All weights of a plastic projection, by synapse number. What a rule owes to synapses that were not touched lately
    /// is paid first; since it is then rounded once more, such a rule's later weights differ in their last bits from those
    /// of a run in which nobody looked.
    ///
    /// # Errors
    /// If it is of another network or its weights are fixed.
    pub fn weights(&mut self, projection: ProjectionId) -> Result<Vec<f32>, NetworkError> {
        let Some(synapses) = self.synapses.get(projection.0).filter(|synapses| synapses.plastic) else {
            return Err(NetworkError::Invalid("weights: not a plastic projection".into()));
        };
        let mut all = vec![0.0; synapses.count];
        for incoming in self.pieces.iter_mut().flat_map(|piece| &mut piece.wires) {
            if incoming.projection != projection.0 {
                continue;
            }
            let Some(wire) = &mut incoming.wire else { continue };
            if let Some(last) = self.now.checked_sub(1) {
                wire.settle(last)?;
            }
            let Some(weights) = wire.weights() else { continue };
            match &incoming.kept {
                None => all.copy_from_slice(weights),
                Some(kept) => {
                    for (&synapse, &w) in kept.iter().zip(weights) {
                        all[synapse as usize] = w;
                    }
                }
            }
        }
        Ok(all)
    }
}
