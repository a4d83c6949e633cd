//! Declaring what is written down.

use nl_units::Ms;

use crate::builder::NetworkBuilder;
use crate::monitor::{StateTraceId, WeightTraceId};
use crate::{NetworkError, PopulationId, ProjectionId};

impl NetworkBuilder {
    /// Writes down every spike of a population.
    ///
    /// # Errors
    /// If the population is of another network.
    pub fn record_spikes(&mut self, population: PopulationId) -> Result<(), NetworkError> {
        self.declared(population)?.record_spikes = true;
        Ok(())
    }

    /// Counts the spikes of a whole population in bins of this width, from step 0 on.
    ///
    /// # Errors
    /// If the population is of another network, or `bin` is not a whole number of time steps, at least one
    /// ([`nl_units::grid`]).
    pub fn record_rate(&mut self, population: PopulationId, bin: Ms) -> Result<(), NetworkError> {
        let width = interval("record_rate", "bin", bin, self.dt)?;
        self.declared(population)?.record_rate = Some(width);
        Ok(())
    }

    /// Writes down a variable of some neurons at the end of each interval of `every`. Sampling ends a run of steps without
    /// exchange: every step costs speed.
    ///
    /// ```
    /// use nl_network::NetworkBuilder;
    /// use nl_neuron::{Lif, LifParameters};
    /// use nl_units::Ms;
    /// use nl_random::Streams;
    /// let mut builder = NetworkBuilder::new(Ms(0.1), Streams::new(1))?;
    /// let cells = builder.population("cells", 3, Lif::new(LifParameters::default(), Ms(0.1))?)?;
    /// builder.constant_input(cells, "current", &[200.0, 250.0, 300.0])?; // pA
    /// let potentials = builder.record_state(cells, "v", &[2], Ms(1.0))?;
    /// let mut network = builder.build()?;
    /// network.run(Ms(5.0))?;
    /// let trace = network.state_trace(potentials)?;
    /// assert!(trace.values.len() == 5 && trace.values.is_sorted());
    /// # Ok::<(), nl_network::NetworkError>(())
    /// ```
    ///
    /// # Errors
    /// If a neuron does not exist, or `every` is not a whole number of time steps, at least one. Whether the variable exists
    /// is known at [`build`](Self::build).
    pub fn record_state(
        &mut self,
        population: PopulationId,
        variable: &str,
        neurons: &[u32],
        every: Ms,
    ) -> Result<StateTraceId, NetworkError> {
        let n = self.declared(population)?.n;
        if let Some(&index) = neurons.iter().find(|&&i| i as usize >= n) {
            return Err(nl_units::Error::Index { what: "record_state", index: index as usize, n }.into());
        }
        let every = interval("record_state", "every", every, self.dt)?;
        self.states.push((population, variable.into(), neurons.to_vec(), every));
        Ok(StateTraceId(self.states.len() - 1))
    }

    /// Writes down some weights of a plastic projection at the end of each interval of `every`.
    ///
    /// # Errors
    /// If the projection is of another network or not plastic, a synapse does not exist, or `every` is not a whole number of
    /// time steps, at least one.
    pub fn record_weights(
        &mut self,
        projection: ProjectionId,
        synapses: &[usize],
        every: Ms,
    ) -> Result<WeightTraceId, NetworkError> {
        let Some(wired) = self.projections.get(projection.0).filter(|wired| wired.plastic) else {
            return Err(NetworkError::Invalid("record_weights: not a plastic projection of this network".into()));
        };
        let n = wired.synapses();
        if let Some(&index) = synapses.iter().find(|&&s| s >= n) {
            return Err(nl_units::Error::Index { what: "record_weights (synapse)", index, n }.into());
        }
        let every = interval("record_weights", "every", every, self.dt)?;
        self.weights.push((projection, synapses.to_vec(), every));
        Ok(WeightTraceId(self.weights.len() - 1))
    }
}

/// A time between two samples, in steps.
fn interval(what: &'static str, name: &'static str, time: Ms, dt: Ms) -> Result<u64, NetworkError> {
    let steps = time.steps_u64(what, name, dt)?;
    nl_units::Error::check(what, name, time.0, |_| steps > 0, "use one step of dt or more")?;
    Ok(steps)
}
