//! What is written down while a network runs; what is not asked for costs nothing.

use serde::{Deserialize, Serialize};

/// One spike: neuron `neuron` of its population, in step `step`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpikeEvent {
    /// The step it was emitted in.
    pub step: u64,
    /// The neuron.
    pub neuron: u32,
}

/// What [`NetworkBuilder::record_state`](crate::NetworkBuilder::record_state) writes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateTraceId(pub(super) usize);

/// What [`NetworkBuilder::record_weights`](crate::NetworkBuilder::record_weights) writes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct WeightTraceId(pub(super) usize);

/// Spikes of a whole population in bins of time: bin b holds those of steps b · width .. (b + 1) · width.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateTrace {
    /// Steps of a bin.
    pub width: u64,
    /// Spikes of each bin; the last may still be filling.
    pub counts: Vec<u64>,
}

impl RateTrace {
    pub(super) fn add(&mut self, step: u64, spikes: usize) {
        let bin = (step / self.width) as usize;
        if self.counts.len() <= bin {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += spikes as u64;
    }

    /// Whether it has the bins of `now` steps.
    pub(super) fn fits(&self, now: u64) -> bool {
        self.width > 0 && self.counts.len() as u64 == now.div_ceil(self.width)
    }
}

/// A variable of some neurons, every so many steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateTrace {
    /// The neurons, as asked for.
    pub neurons: Vec<u32>,
    /// The steps after which it was sampled.
    pub steps: Vec<u64>,
    /// `[steps, neurons]`.
    pub values: Vec<f32>,
}

/// Weights of some synapses, every so many steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightTrace {
    /// The synapses, as asked for.
    pub synapses: Vec<usize>,
    /// The steps after which they were sampled.
    pub steps: Vec<u64>,
    /// `[steps, synapses]`.
    pub values: Vec<f32>,
}

/// A monitor of one variable: which piece and place each neuron has.
#[derive(Debug)]
pub(super) struct StateMonitor {
    pub(super) variable: String,
    pub(super) every: u64,
    /// (piece, place within it)
    pub(super) places: Vec<(usize, usize)>,
    pub(super) trace: StateTrace,
}

/// A monitor of weights: which piece, wire and place each synapse has.
#[derive(Debug)]
pub(super) struct WeightMonitor {
    pub(super) every: u64,
    /// (piece, wire of the piece, place within it)
    pub(super) places: Vec<(usize, usize, usize)>,
    pub(super) trace: WeightTrace,
}
