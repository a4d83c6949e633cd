//! Declaring a network.

use std::sync::Arc;

use nl_neuron::{NeuronModel, SpikeTrain};
use nl_plasticity::{Neuromodulation, PlasticityRule};
use nl_random::Streams;
use nl_synapse::{Connection, Delayed, TsodyksMarkram, TsodyksMarkramParameters, Weights};
use nl_units::{Hz, Ms};

use crate::NetworkError;
use crate::cells::{Blueprint, NeuronsBlueprint, PoissonBlueprint, SpikeListBlueprint};
use crate::checks::sign;
use crate::drive::PoissonInput;
use crate::memory::{reserve, zeros};
use crate::projection::{Group, PopulationId, Projection, ProjectionId, Receptor};
use crate::wire::{Bundle, Fixed, PlasticBundle};

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
    pub(super) receptor: usize,
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
        nl_units::Error::positive("network", "dt", dt.0)?;
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
        nl_units::Error::population("network", n)?;
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

    pub(super) fn declared(&mut self, id: PopulationId) -> Result<&mut Declared, NetworkError> {
        self.populations.get_mut(id.0).ok_or_else(|| NetworkError::Invalid("a population of another network".into()))
    }

    /// Synapses whose weights stay.
    ///
    /// # Errors
    /// If sizes, the receptor or the delay do not fit, the receptor is a current held over the step (unless
    /// [`Projection::as_current`] says so) or a conductance that a weight below 0 reaches.
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
    /// As [`connect`](Self::connect), and if the rule was discretised with another time step, wants what the network does
    /// not provide, cannot change a weight by an amount that counts beside its bounds, or a weight lies outside of them.
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
        self.fits(&projection, &rule)?;
        self.within(&projection, &rule, synapses.weights())?;
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
        self.fits(&projection, &rule)?;
        for group in synapses.groups() {
            self.within(&projection, &rule, group.connection.weights())?;
        }
        let rule = Arc::new(rule);
        let bundle = |part| Box::new(PlasticBundle { synapses: part, rule: Arc::clone(&rule) }) as Box<dyn Bundle>;
        let groups = self.groups(&projection, synapses, bundle)?;
        self.wire(projection, true, groups)
    }

    /// `Ok` if the rule can learn where the projection ends.
    fn fits<R: PlasticityRule<f32>>(&mut self, projection: &Projection, rule: &R) -> Result<(), NetworkError> {
        if rule.dt() != self.dt {
            let message = format!("{}: the rule's time step is {}, the network's {}", rule.name(), rule.dt(), self.dt);
            return Err(NetworkError::Invalid(message));
        }
        rule.check_step()?;
        self.declared(projection.post)?.serves(rule)
    }

    /// `Ok` if the weights lie within the rule's bounds, and these where the receptor wants them.
    fn within<R: PlasticityRule<f32>>(
        &mut self,
        projection: &Projection,
        rule: &R,
        weights: &[f32],
    ) -> Result<(), NetworkError> {
        rule.check_weights(weights)?;
        let post = self.declared(projection.post)?;
        let receptor = post.receptor(projection.receptor)?;
        let lowest = rule.bounds().map(|(low, _)| low);
        sign(&format!("{}: w_min of {}", post.name, rule.name()), post.blueprint.receptors()[receptor], lowest)
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
            let count = group.connection.synapses();
            let mut numbers = reserve("synapse numbers", if uniform { 0 } else { count })?;
            if !uniform {
                numbers
                    .extend((0..count).map_while(|s| synapses.number(g, s).filter(|&n| n < total).map(|n| n as u32)));
            }
            let complete = numbers.len() == count && numbers.is_sorted_by(|a, b| a < b);
            let numbers = Some(numbers).filter(|_| complete && !uniform);
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
        let post = self.declared(projection.post)?;
        let receptor = post.receptor(projection.receptor)?;
        for Group { bundle, .. } in &groups {
            post.takes(receptor, bundle.lowest(), projection.held)?;
        }
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
        self.projections.push(Wired { projection, receptor, groups, plastic, short_term: None });
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

    /// Lets what [`Network::release`](crate::Network::release) releases decay as `source` says; without it, a release is
    /// there for one step.
    pub fn neuromodulation(&mut self, source: Neuromodulation) {
        self.neuromodulation = Some(source);
    }

    /// Independent Poisson jumps of `weight` at `rate` for each neuron of `post`, drawn for each neuron apart.
    ///
    /// # Errors
    /// If the receptor does not exist or is not made for spikes, the rate is negative or beyond 1000 jumps a step, the weight
    /// is not finite, or below 0 where it is a conductance.
    pub fn poisson_input(
        &mut self,
        post: PopulationId,
        receptor: impl Into<Receptor>,
        rate: Hz,
        weight: f32,
    ) -> Result<PoissonInputId, NetworkError> {
        let (dt, streams) = (self.dt, self.streams);
        let declared = self.declared(post)?;
        let receptor = declared.receptor(receptor.into())?;
        declared.takes(receptor, Some(weight), false)?;
        PoissonInput::new(("", 0, 1), receptor, rate, weight, dt, streams)?;
        declared.poisson.push((receptor, rate, weight));
        Ok(PoissonInputId { population: post, input: declared.poisson.len() - 1 })
    }

    /// Adds `values`, one for each neuron of `post`, to the receptor's input in every step.
    ///
    /// # Errors
    /// If the receptor does not exist, the length differs, or a value, or its sum with those of earlier calls, is not
    /// finite, or below 0 where it is a conductance; nothing is added then.
    pub fn constant_input(
        &mut self,
        post: PopulationId,
        receptor: impl Into<Receptor>,
        values: &[f32],
    ) -> Result<(), NetworkError> {
        let declared = self.declared(post)?;
        let receptor = declared.receptor(receptor.into())?;
        let channel = declared.blueprint.receptors()[receptor];
        let n = declared.n;
        nl_units::Error::length("constant input", "values", n, values.len())?;
        let given = declared.constant.get(receptor * n..(receptor + 1) * n).unwrap_or(&[]);
        for (i, &value) in values.iter().enumerate() {
            nl_units::Error::finite("constant input", "value", f64::from(value))?;
            let sum = value + given.get(i).copied().unwrap_or(0.0);
            nl_units::Error::finite("constant input", "sum of values", f64::from(sum))?;
            sign(&declared.name, channel, Some(value))?;
        }
        if declared.constant.is_empty() {
            declared.constant = zeros("constant input", declared.blueprint.receptors().len() * n)?;
        }
        for (sum, &value) in declared.constant[receptor * n..(receptor + 1) * n].iter_mut().zip(values) {
            *sum += value;
        }
        Ok(())
    }
}
