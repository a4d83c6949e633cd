//! The whole state of a network as a value: restored, it goes on bit for bit.

use nl_synapse::{DelayLine, TsodyksMarkramState};
use nl_units::Hz;
use serde::{Deserialize, Serialize};

use crate::drive::PoissonInput;
use crate::monitor::{RateTrace, SpikeEvent, StateTrace, WeightTrace};
use crate::piece::Piece;
use crate::runtime::LONGEST_LIFE;
use crate::signals::SignalState;
use crate::{Network, NetworkError};

/// Everything that changes while a network runs: the clock, spikes under way, potentials, traces, plastic weights, the
/// inputs' present rates and values, and what the monitors have written. What was declared is not in it: it is restored into a network built the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    seed: u64,
    dt: f64,
    now: u64,
    populations: Vec<SavedPopulation>,
    lines: Vec<DelayLine>,
    signals: SignalState,
    /// Short-term plasticity, by projection and delay.
    short_term: Vec<Option<TsodyksMarkramState<f32>>>,
    pieces: Vec<SavedPiece>,
    states: Vec<StateTrace>,
    weights: Vec<WeightTrace>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedPopulation {
    name: String,
    neurons: usize,
    count: u64,
    recorded: Option<Vec<SpikeEvent>>,
    rates: Option<RateTrace>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedPiece {
    cells: Vec<u8>,
    own: DelayLine,
    /// Plastic weights and what their rules keep, by wire.
    wires: Vec<Vec<u8>>,
    /// Rates of the Poisson inputs.
    poisson: Vec<Hz>,
    constant: Vec<f32>,
}

impl Network {
    /// The state at this moment.
    ///
    /// # Errors
    /// If a state cannot be serialised.
    pub fn snapshot(&self) -> Result<Snapshot, NetworkError> {
        let pieces = self.pieces.iter().map(|piece| {
            let wires = piece.wires.iter().map(|incoming| match &incoming.wire {
                Some(wire) => wire.save(),
                None => Ok(Vec::new()),
            });
            Ok(SavedPiece {
                cells: piece.cells.save()?,
                own: piece.own.clone(),
                wires: wires.collect::<Result<_, NetworkError>>()?,
                poisson: piece.poisson.iter().map(PoissonInput::rate).collect(),
                constant: piece.constant.clone(),
            })
        });
        let populations = self.populations.iter().map(|p| SavedPopulation {
            name: p.name.clone(),
            neurons: p.n,
            count: p.count,
            recorded: p.recorded.clone(),
            rates: p.rates.clone(),
        });
        Ok(Snapshot {
            seed: self.streams.seed(),
            dt: self.dt.0,
            now: self.now,
            populations: populations.collect(),
            lines: self.lines.clone(),
            signals: self.signals.state.clone(),
            short_term: self
                .afferents
                .iter()
                .map(|a| a.release.as_ref().map(|release| release.state.clone()))
                .collect(),
            pieces: pieces.collect::<Result<_, NetworkError>>()?,
            states: self.states.iter().map(|m| m.trace.clone()).collect(),
            weights: self.weights.iter().map(|m| m.trace.clone()).collect(),
        })
    }

    /// Goes on from `snapshot`, which a network built the same way made; on an error the network is as it was.
    ///
    /// # Errors
    /// [`NetworkError::Snapshot`] if it is of another network: seed, time step, names, sizes or delays differ.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), NetworkError> {
        self.fits(snapshot)?;
        let before = self.snapshot()?;
        self.load(snapshot).inspect_err(|_| {
            // What was here a moment ago fits; only the foreign state can fail to load.
            let _ = self.load(&before);
        })
    }

    fn fits(&self, snapshot: &Snapshot) -> Result<(), NetworkError> {
        let differ = |what: &str| Err(NetworkError::Snapshot(format!("{what} differ; build the network the same way")));
        if snapshot.seed != self.streams.seed() || snapshot.dt != self.dt.0 {
            return differ("seed or time step");
        }
        let names = snapshot.populations.iter().map(|p| (&p.name, p.neurons, p.recorded.is_some()));
        if !names.eq(self.populations.iter().map(|p| (&p.name, p.n, p.recorded.is_some()))) {
            return differ("populations");
        }
        let lines = snapshot.lines.iter().map(DelayLine::longest).eq(self.lines.iter().map(DelayLine::longest));
        let own = snapshot.pieces.iter().map(|p| (p.own.longest(), p.wires.len()));
        if !lines || !own.eq(self.pieces.iter().map(|p| (p.own.longest(), p.wires.len()))) {
            return differ("projections or delays");
        }
        let sizes = self.afferents.iter().map(|a| a.release.as_ref().map(|release| release.state.u().len()));
        if !snapshot.short_term.iter().map(|state| state.as_ref().map(|state| state.u().len())).eq(sizes) {
            return differ("short-term plasticities");
        }
        let states = snapshot.states.iter().map(|t| &t.neurons).eq(self.states.iter().map(|m| &m.trace.neurons));
        let weights = snapshot.weights.iter().map(|t| &t.synapses).eq(self.weights.iter().map(|m| &m.trace.synapses));
        let rates =
            snapshot.populations.iter().zip(&self.populations).all(|(saved, p)| match (&saved.rates, &p.rates) {
                (Some(saved), Some(own)) => saved.width == own.width && saved.fits(snapshot.now),
                (saved, own) => saved.is_none() && own.is_none(),
            });
        if !states || !weights || !rates {
            return differ("monitors");
        }
        if snapshot.now > LONGEST_LIFE {
            return differ("numbers of steps");
        }
        for (saved, population) in snapshot.populations.iter().zip(&self.populations) {
            // A neuron spikes at most once a step.
            let most = |steps: u64| population.n as u128 * u128::from(steps);
            let bins = saved.rates.as_ref().map_or(&[][..], |rates| &rates.counts);
            let width = saved.rates.as_ref().map_or(0, |rates| rates.width);
            if u128::from(saved.count) > most(snapshot.now) || bins.iter().any(|&n| u128::from(n) > most(width)) {
                return differ("numbers of spikes");
            }
            let spikes = saved.recorded.as_deref().unwrap_or(&[]);
            let known = |spike: &SpikeEvent| spike.step < snapshot.now && (spike.neuron as usize) < population.n;
            if !spikes.iter().all(known) || !spikes.is_sorted_by(|a, b| a < b) {
                return differ("recorded spikes");
            }
        }
        for (line, population) in snapshot.lines.iter().zip(&self.populations) {
            line.check(population.n)?;
        }
        for (saved, piece) in snapshot.pieces.iter().zip(&self.pieces) {
            saved.own.check(piece.range.len())?;
        }
        Ok(())
    }

    fn load(&mut self, snapshot: &Snapshot) -> Result<(), NetworkError> {
        for (piece, saved) in self.pieces.iter_mut().zip(&snapshot.pieces) {
            saved.load(piece)?;
        }
        for (afferent, saved) in self.afferents.iter_mut().zip(&snapshot.short_term) {
            if let (Some(release), Some(state)) = (&mut afferent.release, saved) {
                release.state = state.clone();
            }
        }
        for (population, saved) in self.populations.iter_mut().zip(&snapshot.populations) {
            population.count = saved.count;
            population.recorded.clone_from(&saved.recorded);
            population.rates.clone_from(&saved.rates);
        }
        for (monitor, trace) in self.states.iter_mut().zip(&snapshot.states) {
            monitor.trace = trace.clone();
        }
        for (monitor, trace) in self.weights.iter_mut().zip(&snapshot.weights) {
            monitor.trace = trace.clone();
        }
        self.lines.clone_from(&snapshot.lines);
        self.signals.state.clone_from(&snapshot.signals);
        (self.now, self.finite) = (snapshot.now, 0);
        Ok(())
    }
}

impl SavedPiece {
    fn load(&self, piece: &mut Piece) -> Result<(), NetworkError> {
        let differ = |what: &str| Err(NetworkError::Snapshot(format!("{what} differ; build the network the same way")));
        piece.cells.load(&self.cells)?;
        piece.own = self.own.clone();
        for (incoming, saved) in piece.wires.iter_mut().zip(&self.wires) {
            match &mut incoming.wire {
                Some(wire) => wire.load(saved)?,
                None if saved.is_empty() => {}
                None => return differ("fixed weights"),
            }
        }
        if self.poisson.len() != piece.poisson.len() {
            return differ("Poisson inputs");
        }
        for (input, &rate) in piece.poisson.iter_mut().zip(&self.poisson) {
            input.set_rate(rate)?;
        }
        let finite = self.constant.iter().all(|value| value.is_finite());
        if !(self.constant.is_empty() || self.constant.len() == piece.input.len()) || !finite {
            return differ("constant inputs");
        }
        piece.constant.clone_from(&self.constant);
        piece.touched.fill(true);
        Ok(())
    }
}
