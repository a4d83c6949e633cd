//! Declaring a network.

use std::sync::Arc;

use nl_neuron::{Hz, Ms, NeuronModel, SpikeTrain};
use nl_plasticity::{Neuromodulation, PlasticityRule};
use nl_random::Streams;
use nl_synapse::{Connection, Delayed, TsodyksMarkram, TsodyksMarkramParameters, Weights};

use super::NetworkError;
use super::cells::{Blueprint, NeuronsBlueprint, PoissonBlueprint, SpikeListBlueprint};
use super::drive::PoissonInput;
use super::projection::{Group, PopulationId, Projection, ProjectionId};
use super::wire::{Bundle, Fixed, PlasticBundle};

/// An input of [`NetworkBuilder::poisson_input`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PoissonInputId {
    pub(super) population: PopulationId,
    pub(super) input: usize,
}

pub(super) struct Declared {
    pub(super) name: String,
    pub(super) n: usize,
    pub(super) blueprint: Box<dyn Blueprint>,
    pub(super) poisson: Vec<(usize, Hz, f32)>,
    pub(super) constant: Vec<f32>,
    pub(super) record_spikes: bool,
    /// Width of a bin.
    pub(super) record_rate: Option<u64>,
}

pub(super) struct Wired {
    pub(super) projection: Projection,
    pub(super) groups: Vec<Group>,
    pub(super) plastic: bool,
    pub(super) short_term: Option<TsodyksMarkram<f32>>,
}

impl Wired {
    pub(super) fn synapses(&self) -> usize {
        self.groups.iter().map(|group| group.bundle.synapses()).sum()
    }
}

/// Collects populations, projections, inputs and monitors; [`build`](Self::build) makes the network.
pub struct NetworkBuilder {
    pub(super) dt: Ms,
    pub(super) streams: Streams,
    pub(super) populations: Vec<Declared>,
    pub(super) projections: Vec<Wired>,
    pub(super) neuromodulation: Option<Neuromodulation>,
    pub(super) states: Vec<(PopulationId, String, Vec<u32>, u64)>,
    pub(super) weights: Vec<(ProjectionId, Vec<usize>, u64)>,
}

impl NetworkBuilder {
    /// An empty network of this time step; all its randomness grows from `streams`.
    ///
    /// # Errors
    /// If `dt` is not positive and finite.
    pub fn new(dt: Ms, streams: Streams) -> Result<Self, NetworkError> {
        nl_neuron::Error::positive("network", "dt", dt.0)?;
        Ok(Self {
            dt,
            streams,
            populations: Vec::new(),
            projections: Vec::new(),
            neuromodulation: None,
            states: Vec::new(),
            weights: Vec::new(),
        })
    }

    /// `n` neurons of `model`, at rest.
    ///
    /// # Errors
    /// If `n` is 0 or too large, the name is taken, or the model was discretised with another time step.
    pub fn population<M>(&mut self, name: &str, n: usize, model: M) -> Result<PopulationId, NetworkError>
    where
        M: NeuronModel<f32> + Send + Sync + 'static,
    {
        if model.dt() != self.dt {
            let message = format!("{name}: the model's time step is {}, the network's {}", model.dt(), self.dt);
            return Err(NetworkError::Invalid(message));
        }
        let blueprint = NeuronsBlueprint { model: Arc::new(model), name: name.into(), streams: self.streams };
        self.declare(name, n, Box::new(blueprint))
    }

    /// Neurons that spike when `train` says so; its step 0 is the network's.
    ///
    /// # Errors
    /// If the train has no neurons, or the name is taken.
    pub fn spike_list(&mut self, name: &str, train: SpikeTrain) -> Result<PopulationId, NetworkError> {
        let n = train.population();
        self.declare(name, n, Box::new(SpikeListBlueprint(Arc::new(train))))
    }

    /// `n` neurons that spike independently at `rate` (at most once a step).
    ///
    /// # Errors
    /// If the rate is negative or above one spike a step, `n` is 0 or too large, or the name is taken.
    pub fn poisson_population(&mut self, name: &str, n: usize, rate: Hz) -> Result<PopulationId, NetworkError> {
        let blueprint = PoissonBlueprint::new(name, rate, self.dt, self.streams)?;
        self.declare(name, n, Box::new(blueprint))
    }

    fn declare(&mut self, name: &str, n: usize, blueprint: Box<dyn Blueprint>) -> Result<PopulationId, NetworkError> {
        nl_neuron::Error::population("network", n)?;
        if self.populations.iter().any(|p| p.name == name) {
            return Err(NetworkError::Invalid(format!("two populations are named {name}; give each its own name")));
        }
        self.populations.push(Declared {
            name: name.into(),
            n,
            blueprint,
            poisson: Vec::new(),
            constant: Vec::new(),
            record_spikes: false,
            record_rate: None,
        });
        Ok(PopulationId(self.populations.len() - 1))
    }

    fn declared(&mut self, id: PopulationId) -> Result<&mut Declared, NetworkError> {
        self.populations.get_mut(id.0).ok_or_else(|| NetworkError::Invalid("a population of another network".into()))
    }

    fn receptor(&mut self, id: PopulationId, receptor: usize) -> Result<(), NetworkError> {
        let declared = self.declared(id)?;
        let receptors = declared.blueprint.receptors();
        if receptor < receptors.len() {
            return Ok(());
        }
        let names = receptors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message = format!("{}: receptor {receptor} does not exist; there are [{names}]", declared.name);
        Err(NetworkError::Invalid(message))
    }

    /// Synapses whose weights stay.
    ///
    /// # Errors
    /// If sizes, the receptor or the delay do not fit.
    pub fn connect<C>(&mut self, projection: Projection, synapses: C) -> Result<ProjectionId, NetworkError>
    where
        C: Connection<f32> + Clone + Send + Sync + 'static,
    {
        self.wire(projection, false, self.one_group(&projection, Box::new(Fixed(synapses)))?)
    }

    /// Synapses whose weights stay, each with a delay of its own; `projection` names none.
    ///
    /// # Errors
    /// As [`connect`](Self::connect), and if `projection` has a delay too.
    pub fn connect_delayed<C>(
        &mut self,
        projection: Projection,
        synapses: &Delayed<C>,
    ) -> Result<ProjectionId, NetworkError>
    where
        C: Connection<f32> + Clone + Send + Sync + 'static,
    {
        let groups = self.groups(&projection, synapses, |part| Box::new(Fixed(part)))?;
        self.wire(projection, false, groups)
    }

    /// Synapses whose weights `rule` changes. It sees the spikes that are at the synapse, the modulators, and the
    /// variable `v` of the postsynaptic neurons after the step (a neuron that just spiked has been reset); no network
    /// provides the learning signals of e-prop.
    ///
    /// # Errors
    /// If sizes, the receptor or the delay do not fit, or the rule was discretised with another time step.
    pub fn connect_plastic<C, R>(
        &mut self,
        projection: Projection,
        synapses: C,
        rule: R,
    ) -> Result<ProjectionId, NetworkError>
    where
        C: Weights<f32> + Clone + Send + Sync + 'static,
        R: PlasticityRule<f32> + Send + Sync + 'static,
        R::State: Sync,
    {
        self.same_step(&rule)?;
        let bundle = PlasticBundle { synapses, rule: Arc::new(rule) };
        self.wire(projection, true, self.one_group(&projection, Box::new(bundle))?)
    }

    /// Synapses whose weights `rule` changes, each with a delay of its own; `projection` names none.
    ///
    /// # Errors
    /// As [`connect_plastic`](Self::connect_plastic), and if `projection` has a delay too.
    pub fn connect_plastic_delayed<C, R>(
        &mut self,
        projection: Projection,
        synapses: &Delayed<C>,
        rule: R,
    ) -> Result<ProjectionId, NetworkError>
    where
        C: Weights<f32> + Clone + Send + Sync + 'static,
        R: PlasticityRule<f32> + Send + Sync + 'static,
        R::State: Sync,
    {
        self.same_step(&rule)?;
        let rule = Arc::new(rule);
        let bundle = |part| Box::new(PlasticBundle { synapses: part, rule: Arc::clone(&rule) }) as Box<dyn Bundle>;
        let groups = self.groups(&projection, synapses, bundle)?;
        self.wire(projection, true, groups)
    }

    fn same_step<R: PlasticityRule<f32>>(&self, rule: &R) -> Result<(), NetworkError> {
        if rule.dt() == self.dt {
            return Ok(());
        }
        let message = format!("{}: the rule's time step is {}, the network's {}", rule.name(), rule.dt(), self.dt);
        Err(NetworkError::Invalid(message))
    }

    fn one_group(&self, projection: &Projection, bundle: Box<dyn Bundle>) -> Result<Vec<Group>, NetworkError> {
        Ok(vec![Group { bundle, delay: projection.uniform_delay(self.dt)?, numbers: None }])
    }

    fn groups<C: Connection<f32> + Clone>(
        &self,
        projection: &Projection,
        synapses: &Delayed<C>,
        bundle: impl Fn(C) -> Box<dyn Bundle>,
    ) -> Result<Vec<Group>, NetworkError> {
        projection.delays_of_synapses(synapses.groups().iter().map(|group| group.delay), self.dt)?;
        let uniform = synapses.groups().len() == 1 && synapses.number(0, 0).is_none();
        let total = synapses.groups().iter().map(|group| group.connection.synapses()).sum();
        let group = |(g, group): (usize, &nl_synapse::DelayGroup<C>)| {
            let numbers = |s| synapses.number(g, s).filter(|&number| number < total).map(|number| number as u32);
            let numbers: Option<Vec<u32>> = (0..group.connection.synapses()).map(numbers).collect();
            let numbers = numbers.filter(|numbers| numbers.is_sorted_by(|a, b| a < b));
            if numbers.is_none() && !uniform {
                let message =
                    format!("delay group {g}: synapse numbers do not ascend below {total}; use Delayed::split");
                return Err(NetworkError::Invalid(message));
            }
            Ok(Group { bundle: bundle(group.connection.clone()), delay: group.delay, numbers })
        };
        synapses.groups().iter().enumerate().map(group).collect()
    }

    fn wire(
        &mut self,
        projection: Projection,
        plastic: bool,
        groups: Vec<Group>,
    ) -> Result<ProjectionId, NetworkError> {
        self.receptor(projection.post, projection.receptor)?;
        self.declared(projection.pre)?;
        for Group { bundle, .. } in &groups {
            for (id, n, which) in
                [(projection.pre, bundle.pre(), "sends from"), (projection.post, bundle.post(), "reaches")]
            {
                let declared = self.declared(id)?;
                if declared.n != n {
                    let (name, own) = (&declared.name, declared.n);
                    let message = format!("{name}: has {own} neurons, but the connection {which} {n}");
                    return Err(NetworkError::Invalid(message));
                }
            }
        }
        self.projections.push(Wired { projection, groups, plastic, short_term: None });
        Ok(ProjectionId(self.projections.len() - 1))
    }

    /// Short-term plasticity of a projection, plastic or not: a spike delivers w · u · x (Tsodyks & Markram), with u and x
    /// of its neuron (and, with delays of their own, of each delay).
    ///
    /// # Errors
    /// If the projection is of another network, or a parameter is out of its range.
    pub fn short_term(
        &mut self,
        projection: ProjectionId,
        parameters: TsodyksMarkramParameters,
    ) -> Result<(), NetworkError> {
        let dynamics = TsodyksMarkram::new(parameters, self.dt)?;
        let missing = || NetworkError::Invalid("short_term: a projection of another network".into());
        self.projections.get_mut(projection.0).ok_or_else(missing)?.short_term = Some(dynamics);
        Ok(())
    }

    /// Lets what [`Network::release`](super::Network::release) releases decay as `source` says; without it, a release is
    /// there for one step.
    pub fn neuromodulation(&mut self, source: Neuromodulation) {
        self.neuromodulation = Some(source);
    }

    /// Independent Poisson jumps of `weight` at `rate` for each neuron of `post`, drawn for each neuron apart.
    ///
    /// # Errors
    /// If the receptor does not exist, the rate is negative or beyond 1000 jumps a step, or the weight is not finite.
    pub fn poisson_input(
        &mut self,
        post: PopulationId,
        receptor: usize,
        rate: Hz,
        weight: f32,
    ) -> Result<PoissonInputId, NetworkError> {
        self.receptor(post, receptor)?;
        PoissonInput::new(("", 0, 1), receptor, rate, weight, self.dt, self.streams)?;
        let inputs = &mut self.declared(post)?.poisson;
        inputs.push((receptor, rate, weight));
        Ok(PoissonInputId { population: post, input: inputs.len() - 1 })
    }

    /// Adds `values`, one for each neuron of `post`, to the receptor's input in every step.
    ///
    /// # Errors
    /// If the receptor does not exist, the length differs, or a value is not finite.
    pub fn constant_input(&mut self, post: PopulationId, receptor: usize, values: &[f32]) -> Result<(), NetworkError> {
        self.receptor(post, receptor)?;
        let declared = self.declared(post)?;
        nl_neuron::Error::length("constant input", "values", declared.n, values.len())?;
        for &value in values {
            nl_neuron::Error::finite("constant input", "value", f64::from(value))?;
        }
        let n = declared.n;
        declared.constant.resize(declared.blueprint.receptors().len() * n, 0.0);
        for (sum, &value) in declared.constant[receptor * n..(receptor + 1) * n].iter_mut().zip(values) {
            *sum += value;
        }
        Ok(())
    }

    /// Writes down every spike of a population.
    ///
    /// # Errors
    /// If the population is of another network.
    pub fn record_spikes(&mut self, population: PopulationId) -> Result<(), NetworkError> {
        self.declared(population)?.record_spikes = true;
        Ok(())
    }

    /// Counts the spikes of a whole population in bins of `width` steps, from step 0 on.
    ///
    /// # Errors
    /// If the population is of another network, or `width` is 0.
    pub fn record_rate(&mut self, population: PopulationId, width: u64) -> Result<(), NetworkError> {
        let declared = self.declared(population)?;
        nl_neuron::Error::check("record_rate", "width", width as f64, |x| x >= 1.0, "use bins of 1 or more steps")?;
        declared.record_rate = Some(width);
        Ok(())
    }

    /// Writes down a variable of some neurons after every `every`-th step; its traces are found under the order of these
    /// calls. Sampling ends a run of steps without exchange: `every` = 1 costs speed.
    ///
    /// # Errors
    /// If a neuron does not exist or `every` is 0. Whether the variable exists is known at [`build`](Self::build).
    pub fn record_state(
        &mut self,
        population: PopulationId,
        variable: &str,
        neurons: &[u32],
        every: u64,
    ) -> Result<(), NetworkError> {
        let n = self.declared(population)?.n;
        if let Some(&index) = neurons.iter().find(|&&i| i as usize >= n) {
            return Err(nl_neuron::Error::Index { what: "record_state", index: index as usize, n }.into());
        }
        nl_neuron::Error::check("record_state", "every", every as f64, |x| x >= 1.0, "sample every 1 or more steps")?;
        self.states.push((population, variable.into(), neurons.to_vec(), every));
        Ok(())
    }

    /// Writes down some weights of a plastic projection after every `every`-th step.
    ///
    /// # Errors
    /// If the projection is of another network or not plastic, a synapse does not exist, or `every` is 0.
    pub fn record_weights(
        &mut self,
        projection: ProjectionId,
        synapses: &[usize],
        every: u64,
    ) -> Result<(), NetworkError> {
        let Some(wired) = self.projections.get(projection.0).filter(|wired| wired.plastic) else {
            return Err(NetworkError::Invalid("record_weights: not a plastic projection of this network".into()));
        };
        let n = wired.synapses();
        if let Some(&index) = synapses.iter().find(|&&s| s >= n) {
            return Err(nl_neuron::Error::Index { what: "record_weights (synapse)", index, n }.into());
        }
        nl_neuron::Error::check("record_weights", "every", every as f64, |x| x >= 1.0, "sample every 1 or more steps")?;
        self.weights.push((projection, synapses.to_vec(), every));
        Ok(())
    }
}
