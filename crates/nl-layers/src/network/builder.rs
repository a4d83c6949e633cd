//! Declaring a network.

use std::sync::Arc;

use nl_neuron::{Hz, Ms, NeuronModel, SpikeSet, SpikeTrain};
use nl_plasticity::PlasticityRule;
use nl_random::Streams;
use nl_synapse::{Connection, DelayLine, Weights};

use super::NetworkError;
use super::cells::{Blueprint, NeuronsBlueprint, PoissonBlueprint, SpikeListBlueprint};
use super::drive::PoissonInput;
use super::monitor::{StateMonitor, StateTrace, WeightMonitor, WeightTrace};
use super::piece::{Incoming, Piece};
use super::runtime::{Network, Population};
use super::wire::{Bundle, Fixed, PlasticBundle};

/// Neurons of a piece: fixed, so that the cut never depends on the number of threads. 4096 potentials and their input fill
/// a first-level cache; smaller pieces would repeat the work a spike costs a row.
const PIECE: usize = 4096;
/// Longest run of steps between two exchanges of spikes.
const LONGEST_WINDOW: u32 = 256;
/// Longest delay: a minute at 0.1 ms.
const LONGEST_DELAY: u32 = 600_000;

/// A population of the network it was declared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PopulationId(pub(super) usize);

/// A projection of the network it was declared in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProjectionId(pub(super) usize);

/// From where to where, into which receptor, how late.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Projection {
    pre: PopulationId,
    post: PopulationId,
    receptor: usize,
    axonal: Ms,
    dendritic: Option<Ms>,
}

impl Projection {
    /// From `pre` to `post`, into receptor 0, with a delay of one step.
    #[must_use]
    pub fn new(pre: PopulationId, post: PopulationId) -> Self {
        Self { pre, post, receptor: 0, axonal: Ms(0.0), dendritic: None }
    }

    /// Into the receptor of this number: its place in the model's `receptors()`.
    #[must_use]
    pub fn receptor(self, receptor: usize) -> Self {
        Self { receptor, ..self }
    }

    /// With this delay, all of it dendritic (NEST's reading): a learning rule sees pre spikes at once and post spikes
    /// after the delay.
    #[must_use]
    pub fn delay(self, delay: Ms) -> Self {
        Self { axonal: Ms(0.0), dendritic: Some(delay), ..self }
    }

    /// With these delays: a learning rule sees pre spikes after the axonal and post spikes after the dendritic one; the
    /// soma is reached after both.
    #[must_use]
    pub fn delays(self, axonal: Ms, dendritic: Ms) -> Self {
        Self { axonal, dendritic: Some(dendritic), ..self }
    }
}

struct Declared {
    name: String,
    n: usize,
    blueprint: Box<dyn Blueprint>,
    poisson: Vec<(usize, Hz, f32)>,
    constant: Vec<f32>,
    record_spikes: bool,
}

struct Wired {
    projection: Projection,
    bundle: Box<dyn Bundle>,
    axonal: u32,
    dendritic: u32,
}

/// Collects populations, projections, inputs and monitors; [`build`](Self::build) makes the network.
pub struct NetworkBuilder {
    dt: Ms,
    streams: Streams,
    populations: Vec<Declared>,
    projections: Vec<Wired>,
    states: Vec<(PopulationId, String, Vec<u32>, u64)>,
    weights: Vec<(ProjectionId, Vec<usize>, u64)>,
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
        let message = format!("{}: receptor {receptor} does not exist; there are {receptors:?}", declared.name);
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
        self.wire(projection, Box::new(Fixed(synapses)))
    }

    /// Synapses whose weights `rule` changes.
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
        if rule.dt() != self.dt {
            let message = format!("{}: the rule's time step is {}, the network's {}", rule.name(), rule.dt(), self.dt);
            return Err(NetworkError::Invalid(message));
        }
        self.wire(projection, Box::new(PlasticBundle { synapses, rule: Arc::new(rule) }))
    }

    fn wire(&mut self, projection: Projection, bundle: Box<dyn Bundle>) -> Result<ProjectionId, NetworkError> {
        self.receptor(projection.post, projection.receptor)?;
        for (id, n, which) in
            [(projection.pre, bundle.pre(), "sends from"), (projection.post, bundle.post(), "reaches")]
        {
            let declared = self.declared(id)?;
            if declared.n != n {
                let message = format!("{}: has {} neurons, but the connection {which} {n}", declared.name, declared.n);
                return Err(NetworkError::Invalid(message));
            }
        }
        let axonal = projection.axonal.steps("projection", "axonal delay", self.dt)?;
        let dendritic = projection.dendritic.unwrap_or(self.dt).steps("projection", "delay", self.dt)?;
        let total = u64::from(axonal) + u64::from(dendritic);
        if total == 0 || total > u64::from(LONGEST_DELAY) {
            let message = format!("a delay of {total} steps; use 1 (one dt, {}) to {LONGEST_DELAY}", self.dt);
            return Err(NetworkError::Invalid(message));
        }
        self.projections.push(Wired { projection, bundle, axonal, dendritic });
        Ok(ProjectionId(self.projections.len() - 1))
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
    ) -> Result<(), NetworkError> {
        self.receptor(post, receptor)?;
        PoissonInput::new(("", 0, 1), receptor, rate, weight, self.dt, self.streams)?;
        self.declared(post)?.poisson.push((receptor, rate, weight));
        Ok(())
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
        let Some(wired) = self.projections.get(projection.0).filter(|wired| wired.bundle.plastic()) else {
            return Err(NetworkError::Invalid("record_weights: not a plastic projection of this network".into()));
        };
        let n = wired.bundle.synapses();
        if let Some(&index) = synapses.iter().find(|&&s| s >= n) {
            return Err(nl_neuron::Error::Index { what: "record_weights (synapse)", index, n }.into());
        }
        nl_neuron::Error::check("record_weights", "every", every as f64, |x| x >= 1.0, "sample every 1 or more steps")?;
        self.weights.push((projection, synapses.to_vec(), every));
        Ok(())
    }

    /// The network, at step 0.
    ///
    /// # Errors
    /// If a recorded variable does not exist, or anything does not fit together.
    pub fn build(self) -> Result<Network, NetworkError> {
        let mut longest = vec![1; self.populations.len()];
        let (mut window, mut returning) = (LONGEST_WINDOW, 1);
        for wired in &self.projections {
            let total = wired.axonal + wired.dendritic;
            let source = &mut longest[wired.projection.pre.0];
            *source = total.max(*source);
            window = window.min(total);
            if wired.bundle.plastic() {
                window = window.min(wired.axonal.max(1));
                returning = returning.max(wired.dendritic + 1);
            }
        }
        let (mut populations, mut pieces) = (Vec::new(), Vec::new());
        for (id, declared) in self.populations.iter().enumerate() {
            let first = pieces.len();
            for range in self.cut(id)? {
                pieces.push(self.piece(id, range, pieces.len() - first, window, returning)?);
            }
            populations.push(Population {
                name: declared.name.clone(),
                n: declared.n,
                pieces: first..pieces.len(),
                recorded: declared.record_spikes.then(Vec::new),
                count: 0,
            });
        }
        let lines = longest.iter().map(|&longest| DelayLine::new(longest)).collect::<Result<_, _>>()?;
        let states = self.states.iter().map(|m| state_monitor(m, &populations, &pieces)).collect::<Result<_, _>>()?;
        let weights = self.weights.iter().map(|m| weight_monitor(m, &pieces)).collect();
        let synapses = self.projections.iter().map(|wired| wired.bundle.synapses()).collect();
        Ok(Network::new(self.dt, self.streams, window, populations, lines, pieces, synapses, states, weights))
    }

    /// The pieces of a population: as even as can be, or one if a connection onto it cannot be cut.
    fn cut(&self, id: usize) -> Result<Vec<core::ops::Range<usize>>, NetworkError> {
        let n = self.populations[id].n;
        let count = n.div_ceil(PIECE);
        for wired in self.projections.iter().filter(|wired| wired.projection.post.0 == id) {
            if count > 1 && wired.bundle.cut(0..1)?.is_none() {
                return Ok(core::iter::once(0..n).collect());
            }
        }
        Ok((0..count).map(|k| k * n / count..(k + 1) * n / count).collect())
    }

    fn piece(
        &self,
        id: usize,
        range: core::ops::Range<usize>,
        number: usize,
        window: u32,
        returning: u32,
    ) -> Result<Piece, NetworkError> {
        let declared = &self.populations[id];
        let n = range.len();
        let receptors = declared.blueprint.receptors().len();
        let mut wires = Vec::new();
        for (projection, wired) in self.projections.iter().enumerate() {
            if wired.projection.post.0 != id {
                continue;
            }
            let Some((wire, kept)) = wired.bundle.cut(range.clone())? else {
                return Err(NetworkError::Invalid("a connection could be cut, and then could not".into()));
            };
            wires.push(Incoming {
                projection,
                source: wired.projection.pre.0,
                receptor: wired.projection.receptor,
                axonal: wired.axonal,
                dendritic: wired.dendritic,
                plastic: wired.bundle.plastic(),
                wire,
                kept,
            });
        }
        let poisson = declared.poisson.iter().enumerate().map(|(k, &(receptor, rate, weight))| {
            let name = format!("{}/{k}", declared.name);
            PoissonInput::new((&name, number, n), receptor, rate, weight, self.dt, self.streams)
        });
        let constant = declared.constant.chunks(declared.n).flat_map(|values| values[range.clone()].to_vec()).collect();
        Ok(Piece {
            cells: declared.blueprint.cells(range.clone(), number)?,
            wires,
            poisson: poisson.collect::<Result<_, _>>()?,
            constant,
            input: vec![0.0; receptors * n],
            touched: vec![true; receptors],
            spikes: SpikeSet::new(n),
            own: DelayLine::new(returning)?,
            emitted: vec![Vec::new(); window as usize],
            range,
        })
    }
}

fn state_monitor(
    (population, variable, neurons, every): &(PopulationId, String, Vec<u32>, u64),
    populations: &[Population],
    pieces: &[Piece],
) -> Result<StateMonitor, NetworkError> {
    let population = &populations[population.0];
    let cells = &pieces[population.pieces.start].cells;
    if cells.variable(variable).is_none() {
        let message = format!("{}: no variable `{variable}`; there are {:?}", population.name, cells.variables());
        return Err(NetworkError::Invalid(message));
    }
    let place = |&neuron: &u32| {
        let holds = |k: &usize| pieces[*k].range.contains(&(neuron as usize));
        let piece = population.pieces.clone().find(holds).unwrap_or(population.pieces.start);
        (piece, neuron as usize - pieces[piece].range.start)
    };
    Ok(StateMonitor {
        variable: variable.clone(),
        every: *every,
        places: neurons.iter().map(place).collect(),
        trace: StateTrace { neurons: neurons.clone(), steps: Vec::new(), values: Vec::new() },
    })
}

fn weight_monitor((projection, synapses, every): &(ProjectionId, Vec<usize>, u64), pieces: &[Piece]) -> WeightMonitor {
    let mut places = Vec::new();
    for &synapse in synapses {
        for (p, piece) in pieces.iter().enumerate() {
            for (w, incoming) in piece.wires.iter().enumerate().filter(|(_, i)| i.projection == projection.0) {
                if incoming.kept.is_empty() {
                    places.push((p, w, synapse));
                } else if let Ok(place) = incoming.kept.binary_search(&(synapse as u32)) {
                    places.push((p, w, place));
                }
            }
        }
    }
    WeightMonitor {
        every: *every,
        places,
        trace: WeightTrace { synapses: synapses.clone(), steps: Vec::new(), values: Vec::new() },
    }
}
