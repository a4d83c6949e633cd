//! From declarations to a network: cutting populations into pieces.

use nl_kernels::Buffer;
use nl_neuron::SpikeSet;
use nl_synapse::DelayLine;

use crate::afferent::{Afferent, Release, Route};
use crate::builder::{NetworkBuilder, Wired};
use crate::drive::PoissonInput;
use crate::memory::reserve;
use crate::monitor::{RateTrace, StateMonitor, StateTrace, WeightMonitor, WeightTrace};
use crate::piece::{Incoming, Piece};
use crate::projection::Group;
use crate::route::Jumps;
use crate::runtime::{Network, Population, Synapses};
use crate::signals::{SignalState, Signals};
use crate::wire::{Cut, Spread};
use crate::{NetworkError, PopulationId, ProjectionId};

/// Neurons of a piece: fixed, so that the cut never depends on the number of threads. 4096 potentials and their input fill
/// a first-level cache; smaller pieces would repeat the work a spike costs a row.
const PIECE: usize = 4096;
/// Longest run of steps between two exchanges of spikes.
const LONGEST_WINDOW: u32 = 256;

impl NetworkBuilder {
    /// The network, at step 0.
    ///
    /// # Errors
    /// If a recorded variable does not exist, anything does not fit together, or the memory is not there.
    pub fn build(self) -> Result<Network, NetworkError> {
        self.room()?;
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
        let (mut populations, mut pieces, mut bounds) = (Vec::new(), Vec::new(), Vec::new());
        for (id, declared) in self.populations.iter().enumerate() {
            let (first, ends) = (pieces.len(), self.cut(id)?);
            for range in ends.windows(2).map(|ends| ends[0]..ends[1]) {
                pieces.push(self.piece(id, range, pieces.len() - first, window, returning)?);
            }
            populations.push(Population {
                name: declared.name.clone(),
                n: declared.n,
                receptors: declared.blueprint.receptors(),
                pieces: first..pieces.len(),
                recorded: declared.record_spikes.then(Vec::new),
                rates: declared.record_rate.map(|width| RateTrace { width, counts: Vec::new() }),
                count: 0,
            });
            bounds.push(ends);
        }
        let Self { dt, streams, projections, neuromodulation, states, weights, .. } = self;
        let (mut afferents, mut synapses) = (Vec::new(), Vec::new());
        for (projection, wired) in projections.into_iter().enumerate() {
            synapses.push(Synapses {
                count: wired.synapses(),
                plastic: wired.plastic,
                pre: wired.projection.pre.0,
                post: wired.projection.post.0,
                receptor: wired.receptor,
            });
            let post = wired.projection.post.0;
            let targets = (&bounds[post][..], &mut pieces[populations[post].pieces.clone()]);
            attach(projection, wired, window, targets, &mut afferents)?;
        }
        let lines = longest.iter().map(|&longest| DelayLine::new(longest)).collect::<Result<_, _>>()?;
        let states = states.iter().map(|m| state_monitor(m, &populations, &pieces)).collect::<Result<_, _>>()?;
        let weights = weights.iter().map(|m| weight_monitor(m, &pieces)).collect();
        Ok(Network {
            dt,
            streams,
            window,
            now: 0,
            finite: 0,
            populations,
            lines,
            afferents,
            pieces,
            synapses,
            signals: Signals { source: neuromodulation, state: SignalState::default() },
            states,
            weights,
            merged: Vec::new(),
            modulators: Vec::new(),
        })
    }

    /// `Ok` if there is memory for all neurons: their arrays are many and small, so they are asked for as a whole first.
    fn room(&self) -> Result<(), NetworkError> {
        /// Spike flags, spike lists, refractory counters: what a neuron has besides variables and input.
        const BESIDES: usize = 16;
        let mut bytes = 0;
        for declared in &self.populations {
            let variables = declared.blueprint.cells(0..1, 0)?.variables().len();
            let floats = variables + declared.blueprint.receptors().len() + declared.poisson.len();
            bytes += declared.n * (floats * size_of::<f32>() + BESIDES) + declared.constant.len() * size_of::<f32>();
        }
        reserve::<u8>("neurons", bytes).map(drop)
    }

    /// Where the pieces of a population begin and end: as even as can be, or one if a connection onto it cannot be cut.
    fn cut(&self, id: usize) -> Result<Vec<usize>, NetworkError> {
        let n = self.populations[id].n;
        let count = n.div_ceil(PIECE);
        for wired in self.projections.iter().filter(|wired| wired.projection.post.0 == id) {
            for group in &wired.groups {
                if count > 1 && !group.bundle.divisible()? {
                    return Ok(vec![0, n]);
                }
            }
        }
        Ok((0..=count).map(|k| k * n / count).collect())
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
        let poisson = declared.poisson.iter().enumerate().map(|(k, &(receptor, rate, weight))| {
            let name = format!("{}/{k}", declared.name);
            PoissonInput::new((&name, number, n), receptor, rate, weight, self.dt, self.streams)
        });
        let given = declared.constant.chunks(declared.n);
        let mut constant = reserve("constant input", given.len() * n)?;
        given.for_each(|values| constant.extend_from_slice(&values[range.clone()]));
        let bytes = (receptors * n * size_of::<f32>()) as u128;
        Ok(Piece {
            number,
            cells: declared.blueprint.cells(range.clone(), number)?,
            wires: Vec::new(),
            poisson: poisson.collect::<Result<_, _>>()?,
            constant,
            input: Buffer::filled(receptors * n, 0.0)
                .map_err(|_| NetworkError::Memory { what: "input of the neurons".into(), bytes })?,
            touched: vec![true; receptors],
            spikes: SpikeSet::new(n),
            own: DelayLine::new(returning)?,
            emitted: vec![Vec::new(); window as usize],
            range,
        })
    }
}

/// Spreads the synapses of a projection over the pieces of its targets; each group's are let go as soon as they are spread.
fn attach(
    projection: usize,
    wired: Wired,
    window: u32,
    (bounds, pieces): (&[usize], &mut [Piece]),
    afferents: &mut Vec<Afferent>,
) -> Result<(), NetworkError> {
    let (source, receptor) = (wired.projection.pre.0, wired.receptor);
    for Group { bundle, delay, numbers } in wired.groups {
        let (afferent, plastic) = (afferents.len(), wired.plastic);
        let release = |dynamics| Release::new(dynamics, bundle.pre(), window);
        let release = wired.short_term.as_ref().map(release).transpose()?;
        let mut onto = |piece: usize, cut: Option<Cut>| {
            let (wire, kept) = cut.map_or((None, None), |(wire, kept)| (Some(wire), kept));
            // From the place in the piece to the place in the group to the number in the projection.
            let kept = match (kept, &numbers) {
                (Some(mut kept), Some(numbers)) => {
                    kept.iter_mut().for_each(|synapse| *synapse = numbers[*synapse as usize]);
                    Some(kept)
                }
                (None, numbers) => numbers.clone(),
                (kept, None) => kept,
            };
            pieces[piece].wires.push(Incoming { projection, receptor, plastic, afferent, wire, kept });
        };
        let route = match bundle.spread(bounds)? {
            Spread::Whole(cuts) => {
                cuts.into_iter().enumerate().for_each(|(piece, cut)| onto(piece, Some(cut)));
                None
            }
            Spread::Shared(synapses) => {
                (0..bounds.len() - 1).for_each(|piece| onto(piece, None));
                Some(Route::Jumps(Jumps::new(synapses, bounds)?))
            }
            Spread::Shares(cuts, index) => {
                for (piece, cut) in cuts.into_iter().enumerate().filter(|(_, cut)| cut.is_some()) {
                    onto(piece, cut);
                }
                Some(Route::Index(index))
            }
        };
        afferents.push(Afferent { source, delay, plastic, release, route });
    }
    Ok(())
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
