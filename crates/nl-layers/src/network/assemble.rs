//! From declarations to a network: cutting populations into pieces.

use nl_kernels::Buffer;
use nl_neuron::SpikeSet;
use nl_synapse::{DelayLine, TsodyksMarkram};

use super::builder::{NetworkBuilder, Wired};
use super::drive::PoissonInput;
use super::monitor::{RateTrace, StateMonitor, StateTrace, WeightMonitor, WeightTrace};
use super::piece::{Incoming, Piece, Release};
use super::projection::Group;
use super::runtime::{Network, Population, Synapses};
use super::signals::{SignalState, Signals};
use super::{NetworkError, PopulationId, ProjectionId};

/// Neurons of a piece: fixed, so that the cut never depends on the number of threads. 4096 potentials and their input fill
/// a first-level cache; smaller pieces would repeat the work a spike costs a row.
const PIECE: usize = 4096;
/// Longest run of steps between two exchanges of spikes.
const LONGEST_WINDOW: u32 = 256;

impl NetworkBuilder {
    /// The network, at step 0.
    ///
    /// # Errors
    /// If a recorded variable does not exist, or anything does not fit together.
    pub fn build(self) -> Result<Network, NetworkError> {
        let mut longest = vec![1; self.populations.len()];
        let (mut window, mut returning) = (LONGEST_WINDOW, 1);
        for wired in &self.projections {
            for delay in wired.groups.iter().map(|group| group.delay) {
                let source = &mut longest[wired.projection.pre.0];
                *source = delay.total().max(*source);
                window = window.min(delay.total());
                if wired.plastic {
                    window = window.min(delay.axonal().max(1));
                    returning = returning.max(delay.dendritic() + 1);
                }
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
                receptors: declared.blueprint.receptors().len(),
                pieces: first..pieces.len(),
                recorded: declared.record_spikes.then(Vec::new),
                rates: declared.record_rate.map(|width| RateTrace { width, counts: Vec::new() }),
                count: 0,
            });
        }
        let lines = longest.iter().map(|&longest| DelayLine::new(longest)).collect::<Result<_, _>>()?;
        let states = self.states.iter().map(|m| state_monitor(m, &populations, &pieces)).collect::<Result<_, _>>()?;
        let weights = self.weights.iter().map(|m| weight_monitor(m, &pieces)).collect();
        let count = |wired: &Wired| Synapses { count: wired.synapses(), plastic: wired.plastic };
        let synapses = self.projections.iter().map(count).collect();
        Ok(Network {
            dt: self.dt,
            streams: self.streams,
            window,
            now: 0,
            populations,
            lines,
            pieces,
            synapses,
            signals: Signals { source: self.neuromodulation, state: SignalState::default() },
            states,
            weights,
            merged: Vec::new(),
            modulators: Vec::new(),
        })
    }

    /// The pieces of a population: as even as can be, or one if a connection onto it cannot be cut.
    fn cut(&self, id: usize) -> Result<Vec<core::ops::Range<usize>>, NetworkError> {
        let n = self.populations[id].n;
        let count = n.div_ceil(PIECE);
        for wired in self.projections.iter().filter(|wired| wired.projection.post.0 == id) {
            for group in &wired.groups {
                if count > 1 && group.bundle.cut(0..1)?.is_none() {
                    return Ok(core::iter::once(0..n).collect());
                }
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
            if wired.projection.post.0 == id {
                for group in &wired.groups {
                    wires.push(incoming(projection, wired, group, range.clone())?);
                }
            }
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
            input: Buffer::filled(receptors * n, 0.0).map_err(|e| NetworkError::Invalid(e.to_string()))?,
            touched: vec![true; receptors],
            spikes: SpikeSet::new(n),
            own: DelayLine::new(returning)?,
            emitted: vec![Vec::new(); window as usize],
            range,
        })
    }
}

fn incoming(
    projection: usize,
    wired: &Wired,
    group: &Group,
    range: core::ops::Range<usize>,
) -> Result<Incoming, NetworkError> {
    let Some((wire, kept)) = group.bundle.cut(range)? else {
        return Err(NetworkError::Invalid("a connection could be cut, and then could not".into()));
    };
    // From the place in the piece to the place in the group to the number in the projection.
    let kept = match (kept, &group.numbers) {
        (Some(kept), Some(numbers)) => Some(kept.iter().map(|&synapse| numbers[synapse as usize]).collect()),
        (None, numbers) => numbers.clone(),
        (kept, None) => kept,
    };
    let release = |dynamics: &TsodyksMarkram<f32>| -> Result<Release, NetworkError> {
        Ok(Release { dynamics: dynamics.clone(), state: dynamics.state(group.bundle.pre())?, scale: Vec::new() })
    };
    Ok(Incoming {
        projection,
        source: wired.projection.pre.0,
        receptor: wired.projection.receptor,
        delay: group.delay,
        plastic: wired.plastic,
        release: wired.short_term.as_ref().map(release).transpose()?,
        wire,
        kept,
    })
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
                let place = match &incoming.kept {
                    None => Some(synapse),
                    // Connections keep the order of their synapses when they are cut.
                    Some(kept) => kept.binary_search(&(synapse as u32)).ok(),
                };
                places.extend(place.map(|place| (p, w, place)));
            }
        }
    }
    WeightMonitor {
        every: *every,
        places,
        trace: WeightTrace { synapses: synapses.clone(), steps: Vec::new(), values: Vec::new() },
    }
}
