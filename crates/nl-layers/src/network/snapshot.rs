//! The whole state of a network as a value: restored, it goes on bit for bit.

use nl_plasticity::Modulators;
use nl_synapse::DelayLine;
use serde::{Deserialize, Serialize};

use super::monitor::{SpikeEvent, StateTrace, WeightTrace};
use super::{Network, NetworkError};

/// Everything that changes while a network runs: the clock, spikes under way, potentials, traces, plastic weights, and what
/// the monitors have written. What was declared is not in it: it is restored into a network built the same way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    seed: u64,
    dt: f64,
    now: u64,
    /// (name, neurons, spikes so far, spikes recorded)
    populations: Vec<(String, usize, u64, Option<Vec<SpikeEvent>>)>,
    lines: Vec<DelayLine>,
    modulators: Modulators,
    pieces: Vec<SavedPiece>,
    states: Vec<StateTrace>,
    weights: Vec<WeightTrace>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct SavedPiece {
    cells: Vec<u8>,
    own: DelayLine,
    wires: Vec<Vec<u8>>,
}

impl Network {
    /// The state at this moment.
    ///
    /// # Errors
    /// If a state cannot be serialised.
    pub fn snapshot(&self) -> Result<Snapshot, NetworkError> {
        let pieces = self.pieces.iter().map(|piece| {
            let wires = piece.wires.iter().map(|incoming| incoming.wire.save()).collect::<Result<_, _>>()?;
            Ok(SavedPiece { cells: piece.cells.save()?, own: piece.own.clone(), wires })
        });
        Ok(Snapshot {
            seed: self.streams.seed(),
            dt: self.dt.0,
            now: self.now,
            populations: self.populations.iter().map(|p| (p.name.clone(), p.n, p.count, p.recorded.clone())).collect(),
            lines: self.lines.clone(),
            modulators: self.modulators,
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
        let names = snapshot.populations.iter().map(|p| (&p.0, p.1, p.3.is_some()));
        if !names.eq(self.populations.iter().map(|p| (&p.name, p.n, p.recorded.is_some()))) {
            return differ("populations");
        }
        let lines = snapshot.lines.iter().map(DelayLine::longest).eq(self.lines.iter().map(DelayLine::longest));
        let own = snapshot.pieces.iter().map(|p| (p.own.longest(), p.wires.len()));
        if !lines || !own.eq(self.pieces.iter().map(|p| (p.own.longest(), p.wires.len()))) {
            return differ("projections or delays");
        }
        let states = snapshot.states.iter().map(|t| &t.neurons).eq(self.states.iter().map(|m| &m.trace.neurons));
        let weights = snapshot.weights.iter().map(|t| &t.synapses).eq(self.weights.iter().map(|m| &m.trace.synapses));
        if !states || !weights {
            return differ("monitors");
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
            piece.cells.load(&saved.cells)?;
            piece.own = saved.own.clone();
            for (incoming, bytes) in piece.wires.iter_mut().zip(&saved.wires) {
                incoming.wire.load(bytes)?;
            }
        }
        for (population, saved) in self.populations.iter_mut().zip(&snapshot.populations) {
            population.count = saved.2;
            population.recorded.clone_from(&saved.3);
        }
        for (monitor, trace) in self.states.iter_mut().zip(&snapshot.states) {
            monitor.trace = trace.clone();
        }
        for (monitor, trace) in self.weights.iter_mut().zip(&snapshot.weights) {
            monitor.trace = trace.clone();
        }
        self.lines.clone_from(&snapshot.lines);
        self.modulators = snapshot.modulators;
        self.now = snapshot.now;
        Ok(())
    }
}
