//! Between two spikes of the layer, nobody's potential depends on anybody else's.
//!
//! So neurons need not go through time together: a block of [`BLOCK`] neurons runs [`CHUNK`] steps on its own, its
//! potentials in registers, its weights (rows of one block, an input each) in the second-level cache, and stops at its
//! first crossing. The last winner's block goes first; once a crossing is known, the other blocks need not look beyond
//! that step. The winner is the earliest crossing, then the largest excess, then the lowest index: it does not depend on
//! the order of the blocks or on the chunk. A spike sets every potential, so what a block computed beyond it is of no
//! consequence.

use nl_kernels::{Level, Vectorised};

use super::stimulus::{GROUP, Stimulus};

/// Neurons of a block: five registers of AVX-512, ten of AVX2.
pub(super) const BLOCK: usize = 80;
/// Steps a block runs on its own.
pub(super) const CHUNK: usize = 50;

/// A value of each neuron of a block.
pub(super) type Row = [f32; BLOCK];

/// A crossing of the threshold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crossing {
    pub(super) step: usize,
    excess: f32,
    pub(super) neuron: usize,
}

impl Crossing {
    fn beats(&self, other: &Self) -> bool {
        let tie = self.excess == other.excess && self.neuron < other.neuron;
        self.step < other.step || (self.step == other.step && (self.excess > other.excess || tie))
    }
}

/// What a race is run on: weights in blocks of `inputs + 1` rows, thresholds in blocks.
#[derive(Clone, Copy)]
pub(super) struct Track<'a> {
    pub(super) weights: &'a [Row],
    pub(super) thresholds: &'a [Row],
    pub(super) stimulus: &'a Stimulus,
    /// e^(−dt/τ_m)
    pub(super) decay: f32,
    pub(super) chunk: usize,
}

impl Track<'_> {
    /// Runs from step `from` to the first spike, or to the end; `first` is the block to begin with.
    pub(super) fn race(&self, v: &mut [Row], from: usize, first: usize) -> Option<Crossing> {
        let level = Level::current();
        let (steps, rows) = (self.stimulus.steps(), self.stimulus.inputs() + 1);
        let mut start = from;
        while start < steps {
            let end = (start + self.chunk).min(steps);
            let mut to = end;
            let mut best: Option<Crossing> = None;
            for turn in 0..v.len() {
                let block = match turn {
                    0 => first,
                    turn if turn <= first => turn - 1,
                    turn => turn,
                };
                let run = RunBlock {
                    weights: &self.weights[block * rows..][..rows],
                    thresholds: &self.thresholds[block],
                    v: &mut v[block],
                    stimulus: self.stimulus,
                    steps: (start, to),
                    decay: self.decay,
                };
                if let Some((step, excess, lane)) = level.dispatch(run) {
                    let crossing = Crossing { step, excess, neuron: block * BLOCK + lane };
                    if best.is_none_or(|best| crossing.beats(&best)) {
                        best = Some(crossing);
                    }
                    to = step + 1;
                }
            }
            if best.is_some() {
                return best;
            }
            start = end;
        }
        None
    }
}

/// One block until its first crossing: (step, excess over the threshold, neuron of the block).
struct RunBlock<'a> {
    weights: &'a [Row],
    thresholds: &'a Row,
    v: &'a mut Row,
    stimulus: &'a Stimulus,
    steps: (usize, usize),
    decay: f32,
}

impl Vectorised for RunBlock<'_> {
    type Output = Option<(usize, f32, usize)>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut v = *self.v;
        let thresholds = self.thresholds;
        for t in self.steps.0..self.steps.1 {
            charge(&mut v, self.weights, self.stimulus.rows(t), self.decay);
            let mut any = false;
            for j in 0..BLOCK {
                any |= v[j] > thresholds[j];
            }
            if any {
                let (mut excess, mut winner) = (f32::NEG_INFINITY, 0);
                for j in 0..BLOCK {
                    let e = v[j] - thresholds[j];
                    if e > excess {
                        (excess, winner) = (e, j);
                    }
                }
                return Some((t, excess, winner));
            }
        }
        *self.v = v;
        None
    }
}

/// V ← V · decay + ((a + b) + (c + d)) of each group of four rows, the groups in turn.
#[inline(always)]
fn charge(v: &mut Row, weights: &[Row], rows: &[u16], decay: f32) {
    let (groups, _) = rows.as_chunks::<GROUP>();
    let Some((first, rest)) = groups.split_first() else {
        for j in 0..BLOCK {
            v[j] *= decay;
        }
        return;
    };
    let [a, b, c, d] = first.map(|row| &weights[row as usize]);
    for j in 0..BLOCK {
        v[j] = v[j] * decay + ((a[j] + b[j]) + (c[j] + d[j]));
    }
    for group in rest {
        let [a, b, c, d] = group.map(|row| &weights[row as usize]);
        for j in 0..BLOCK {
            v[j] += (a[j] + b[j]) + (c[j] + d[j]);
        }
    }
}
