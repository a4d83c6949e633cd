//! A network that runs.

use nl_neuron::InputChannel;
use nl_plasticity::Modulators;
use nl_random::Streams;
use nl_synapse::DelayLine;
use nl_units::Ms;
use rayon::prelude::*;

use crate::NetworkError;
use crate::afferent::Afferent;
use crate::monitor::{RateTrace, SpikeEvent, StateMonitor, WeightMonitor};
use crate::piece::Piece;
use crate::signals::Signals;

pub(super) struct Population {
    pub(super) name: String,
    pub(super) n: usize,
    pub(super) receptors: &'static [InputChannel],
    /// Which of the network's pieces are its own.
    pub(super) pieces: core::ops::Range<usize>,
    pub(super) recorded: Option<Vec<SpikeEvent>>,
    pub(super) rates: Option<RateTrace>,
    pub(super) count: u64,
}

/// What there is to know of a projection, wherever its pieces are.
pub(super) struct Synapses {
    pub(super) count: usize,
    pub(super) plastic: bool,
    /// Populations.
    pub(super) pre: usize,
    pub(super) post: usize,
    pub(super) receptor: usize,
}

/// Populations, their synapses, and the present moment. Made by a [`NetworkBuilder`](crate::NetworkBuilder).
pub struct Network {
    pub(super) dt: Ms,
    pub(super) streams: Streams,
    /// Steps the pieces may run on their own.
    pub(super) window: u32,
    pub(super) now: u64,
    /// Steps after which everything was found to be finite.
    pub(super) finite: u64,
    pub(super) populations: Vec<Population>,
    /// What the populations emitted lately, by population; apart from them so that pieces can read while they compute.
    pub(super) lines: Vec<DelayLine>,
    pub(super) afferents: Vec<Afferent>,
    pub(super) pieces: Vec<Piece>,
    pub(super) synapses: Vec<Synapses>,
    pub(super) signals: Signals,
    pub(super) states: Vec<StateMonitor>,
    pub(super) weights: Vec<WeightMonitor>,
    /// Scratch: the spikes of one population in one step.
    pub(super) merged: Vec<u32>,
    /// Scratch: the neuromodulators of each step of a window.
    pub(super) modulators: Vec<Modulators>,
}

/// Steps a network can run in all: beyond any life, and far from where counting ends.
pub(super) const LONGEST_LIFE: u64 = 1 << 62;

impl Network {
    /// Runs for a time, a whole number of steps, on the threads of the current rayon pool.
    ///
    /// # Errors
    /// If the time is negative, not finite, or not on the grid of the time step ([`nl_units::grid`]; the error names both
    /// neighbours); as [`run_steps`](Self::run_steps).
    pub fn run(&mut self, time: Ms) -> Result<(), NetworkError> {
        self.run_steps(time.steps_u64("network", "time", self.dt)?)
    }

    /// Runs so many steps.
    ///
    /// # Errors
    /// If a rule or model finds its input faulty: a voltage that is not finite, a rule that wants what no network provides.
    /// The network then stands in the middle of a step; go on from a snapshot.
    pub fn run_steps(&mut self, steps: u64) -> Result<(), NetworkError> {
        let Some(end) = self.now.checked_add(steps).filter(|&end| end <= LONGEST_LIFE) else {
            return Err(NetworkError::Invalid(format!("{steps} steps from step {}: beyond 2^62", self.now)));
        };
        while self.now < end {
            let sample = self.states.iter().map(|m| m.every).chain(self.weights.iter().map(|m| m.every));
            let stop = sample.map(|every| (self.now / every + 1).saturating_mul(every)).min().unwrap_or(end).min(end);
            let window = u64::from(self.window).min(stop - self.now) as u32;
            self.advance(window)?;
            self.sample()?;
        }
        Ok(())
    }

    fn advance(&mut self, window: u32) -> Result<(), NetworkError> {
        let Self { now, lines, afferents, pieces, modulators, signals, .. } = self;
        let start = *now;
        modulators.clear();
        modulators.extend((start..start + u64::from(window)).map(|step| signals.at(step)));
        let neurons: usize = pieces.iter().map(|piece| piece.range.len()).sum();
        let threads = neurons * window as usize >= WORTH_A_THREAD;
        if !afferents.iter().all(Afferent::idle) {
            for_each(afferents, threads, |afferent| afferent.prepare(start, window, lines))?;
        }
        for_each(pieces, threads, |piece| piece.advance(start, window, (lines, afferents), modulators))?;
        for (population, line) in self.populations.iter_mut().zip(lines.iter_mut()) {
            for s in 0..window as usize {
                self.merged.clear();
                for piece in &pieces[population.pieces.clone()] {
                    self.merged.extend_from_slice(&piece.emitted[s]);
                }
                population.count += self.merged.len() as u64;
                let step = start + s as u64;
                if let Some(rates) = &mut population.rates {
                    rates.add(step, self.merged.len());
                }
                if let Some(recorded) = &mut population.recorded {
                    let bytes = (self.merged.len() * size_of::<SpikeEvent>()) as u128;
                    let full = |_| NetworkError::Memory { what: format!("spikes of {}", population.name), bytes };
                    recorded.try_reserve(self.merged.len()).map_err(full)?;
                    recorded.extend(self.merged.iter().map(|&neuron| SpikeEvent { step, neuron }));
                }
                line.push(&self.merged);
            }
        }
        if afferents.iter().any(|afferent| afferent.plastic && afferent.late()) {
            // Then the window is one step.
            for_each(afferents, threads, |afferent| afferent.prepare_late(lines))?;
            for_each(pieces, threads, |piece| piece.learn_late(start, (lines, afferents), modulators[0]))?;
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
                let mut weight = None;
                if let Some(wire) = &mut self.pieces[piece].wires[wire].wire {
                    wire.settle(now - 1)?;
                    weight = wire.weights().and_then(|weights| weights.get(place).copied());
                }
                monitor.trace.values.push(weight.unwrap_or(f32::NAN));
            }
        }
        Ok(())
    }
}

/// Neuron steps below which waking another thread costs more than it brings: some ten microseconds of work.
const WORTH_A_THREAD: usize = 1 << 15;

/// Each item, on the threads of the current pool if that is worth it; the first error by their order. The result does not
/// depend on which way was taken.
fn for_each<T: Send>(
    items: &mut [T],
    threads: bool,
    run: impl Fn(&mut T) -> Result<(), NetworkError> + Send + Sync,
) -> Result<(), NetworkError> {
    if items.len() == 1 || !threads || rayon::current_num_threads() == 1 {
        return items.iter_mut().try_for_each(run);
    }
    let done: Vec<Result<(), NetworkError>> = items.par_iter_mut().map(run).collect();
    done.into_iter().collect()
}
