//! Which pieces a spike reaches, where most spikes reach few of them.
//!
//! The plain way is that each piece looks at every spike and finds the row of its own synapses: that needs, in each piece,
//! a place for every sender. In a large, sparse network most of these rows are empty: a million neurons of 80 synapses each
//! would keep 245 × 10⁶ places for 80 × 10⁶ synapses. There a spike is sent to the pieces that it reaches, before they run:
//!
//! * weights that stay are kept once, for all pieces: the row of a spike is read, and each target's piece is handed a
//!   [`Jump`]. Nothing is kept a piece.
//! * weights that a rule changes belong to the piece of their targets, which numbers only the neurons that reach it. An
//!   index from each neuron to its (piece, number there) hands out the spikes.
//!
//! A piece receives what it would have received, in the same order: no sum changes a bit.

use nl_synapse::{Csr, RowWeights, Rows, Share};

use crate::NetworkError;
use crate::memory::{reserve, zeros};
use crate::wire::Shared;

/// What one spike adds to one neuron of a piece.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Jump {
    pub(super) target: u32,
    pub(super) weight: f32,
}

/// What one piece is handed in the steps of a window, one after the other.
#[derive(Debug)]
struct Inbox<T> {
    items: Vec<T>,
    /// Where each step ends.
    ends: Vec<usize>,
}

impl<T> Inbox<T> {
    fn empty() -> Self {
        Self { items: Vec::new(), ends: Vec::new() }
    }

    fn clear(&mut self) {
        self.items.clear();
        self.ends.clear();
    }

    fn end_step(&mut self) {
        self.ends.push(self.items.len());
    }

    fn at(&self, step: usize) -> &[T] {
        let start = step.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.items[start..self.ends[step]]
    }
}

/// Inboxes of `n` pieces.
fn inboxes<T>(n: usize) -> Result<Vec<Inbox<T>>, NetworkError> {
    let mut list = reserve("inboxes", n)?;
    list.resize_with(n, Inbox::empty);
    Ok(list)
}

/// Synapses kept in one copy, whose spikes become jumps of the pieces they reach.
pub(super) struct Jumps {
    synapses: Box<dyn Shared>,
    bounds: Vec<usize>,
    /// The piece of neuron `j` is `blocks[j / BLOCK]` or the one after it.
    blocks: Vec<u32>,
    inboxes: Vec<Inbox<Jump>>,
}

/// Neurons of a block: fewer than a piece has, so that a block meets at most two pieces.
const BLOCK: usize = 1024;

impl Jumps {
    /// `bounds` are those of the pieces, each at least [`BLOCK`] neurons wide.
    pub(super) fn new(synapses: Box<dyn Shared>, bounds: &[usize]) -> Result<Self, NetworkError> {
        let n = bounds.last().copied().unwrap_or(0);
        let mut blocks = reserve("pieces of blocks", n.div_ceil(BLOCK))?;
        let piece = |first: usize| (bounds.partition_point(|&bound| bound <= first) - 1) as u32;
        blocks.extend((0..n.div_ceil(BLOCK)).map(|block| piece(block * BLOCK)));
        let inboxes = inboxes(bounds.len() - 1)?;
        Ok(Self { synapses, bounds: bounds.to_vec(), blocks, inboxes })
    }

    pub(super) fn start(&mut self) {
        self.inboxes.iter_mut().for_each(Inbox::clear);
    }

    /// Hands out what `spikes` bring in the next step, each times its factor if there is `scale`.
    pub(super) fn step(&mut self, spikes: &[u32], scale: Option<&[f32]>) {
        if let Some(Rows { csr, weights }) = self.synapses.rows() {
            let Self { bounds, blocks, inboxes, .. } = self;
            for (k, &spike) in spikes.iter().enumerate() {
                match (weights, scale.map(|scale| scale[k])) {
                    (RowWeights::One(w), None) => send(csr, spike, |_| w, (bounds, blocks), inboxes),
                    (RowWeights::One(w), Some(s)) => send(csr, spike, |_| s * w, (bounds, blocks), inboxes),
                    (RowWeights::Each(w), None) => send(csr, spike, |k| w[k], (bounds, blocks), inboxes),
                    (RowWeights::Each(w), Some(s)) => send(csr, spike, |k| s * w[k], (bounds, blocks), inboxes),
                }
            }
        }
        self.inboxes.iter_mut().for_each(Inbox::end_step);
    }

    pub(super) fn at(&self, piece: usize, step: usize) -> &[Jump] {
        self.inboxes[piece].at(step)
    }
}

/// Hands out the row of one spike, each synapse with its weight.
fn send(
    csr: &Csr,
    spike: u32,
    weight: impl Fn(usize) -> f32,
    (bounds, blocks): (&[usize], &[u32]),
    inboxes: &mut [Inbox<Jump>],
) {
    for synapse in csr.range(spike) {
        let j = csr.targets()[synapse] as usize;
        let mut piece = blocks[j / BLOCK] as usize;
        piece += usize::from(j >= bounds[piece + 1]);
        inboxes[piece].items.push(Jump { target: (j - bounds[piece]) as u32, weight: weight(synapse) });
    }
}

/// From each neuron to the pieces that it reaches, and its number there.
pub(super) struct Index {
    /// Entries of neuron i: `offsets[i] .. offsets[i + 1]`.
    offsets: Vec<u32>,
    /// (piece, number of the neuron in it)
    entries: Vec<(u32, u32)>,
    arriving: Vec<Inbox<u32>>,
    scales: Vec<Inbox<f32>>,
    at_synapse: Vec<Inbox<u32>>,
}

impl Index {
    /// `shares` by piece; of `pre` neurons.
    pub(super) fn new(pre: usize, shares: &[Option<Share>]) -> Result<Self, NetworkError> {
        let mut offsets = zeros::<u32>("senders", pre + 1)?;
        for &sender in shares.iter().flatten().flat_map(|share| &share.senders) {
            offsets[sender as usize + 1] += 1;
        }
        for i in 0..pre {
            offsets[i + 1] += offsets[i];
        }
        let mut next = reserve("senders", pre)?;
        next.extend_from_slice(&offsets[..pre]);
        let mut entries = zeros("pairs of sender and piece", offsets[pre] as usize)?;
        for (piece, share) in shares.iter().enumerate() {
            for (number, &sender) in share.iter().flat_map(|share| share.senders.iter().enumerate()) {
                let place = &mut next[sender as usize];
                entries[*place as usize] = (piece as u32, number as u32);
                *place += 1;
            }
        }
        let n = shares.len();
        Ok(Self { offsets, entries, arriving: inboxes(n)?, scales: inboxes(n)?, at_synapse: inboxes(n)? })
    }

    /// What pieces keep of the neurons that reach them, by neuron: all pieces keep the same of one.
    pub(super) fn gather(&self, of_pieces: &[Vec<f32>], values: &mut [f32]) {
        for (sender, value) in (0..).zip(values) {
            if let Some(&(piece, number)) = self.entries[self.entries(sender)].first() {
                *value = of_pieces[piece as usize][number as usize];
            }
        }
    }

    fn entries(&self, spike: u32) -> core::ops::Range<usize> {
        self.offsets[spike as usize] as usize..self.offsets[spike as usize + 1] as usize
    }

    pub(super) fn start(&mut self) {
        self.arriving.iter_mut().for_each(Inbox::clear);
        self.scales.iter_mut().for_each(Inbox::clear);
        self.at_synapse.iter_mut().for_each(Inbox::clear);
    }

    /// Hands out the spikes that reach the somata in the next step.
    pub(super) fn arrive(&mut self, spikes: &[u32], scale: Option<&[f32]>) {
        for (k, &spike) in spikes.iter().enumerate() {
            for entry in self.entries(spike) {
                let (piece, number) = self.entries[entry];
                self.arriving[piece as usize].items.push(number);
                if let Some(scale) = scale {
                    self.scales[piece as usize].items.push(scale[k]);
                }
            }
        }
        self.arriving.iter_mut().for_each(Inbox::end_step);
        self.scales.iter_mut().for_each(Inbox::end_step);
    }

    /// Hands out the spikes that are at the synapses in the next step.
    pub(super) fn reach(&mut self, spikes: &[u32]) {
        for &spike in spikes {
            for entry in self.entries(spike) {
                let (piece, number) = self.entries[entry];
                self.at_synapse[piece as usize].items.push(number);
            }
        }
        self.at_synapse.iter_mut().for_each(Inbox::end_step);
    }

    pub(super) fn arriving(&self, piece: usize, step: usize) -> (&[u32], &[f32]) {
        (self.arriving[piece].at(step), self.scales[piece].at(step))
    }

    pub(super) fn at_synapse(&self, piece: usize, step: usize) -> &[u32] {
        self.at_synapse[piece].at(step)
    }
}
