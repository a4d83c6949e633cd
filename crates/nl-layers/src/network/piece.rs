//! A piece of a population with all that reaches it: what one thread computes alone for a while.

use nl_kernels::Buffer;
use nl_neuron::SpikeSet;
use nl_plasticity::{Activity, Modulators};
use nl_synapse::{Delay, DelayLine, TsodyksMarkram, TsodyksMarkramState};

use super::NetworkError;
use super::cells::Cells;
use super::drive::PoissonInput;
use super::wire::{Numbers, Wire};

/// Synapses onto this piece, from one population, of one delay.
pub(super) struct Incoming {
    pub(super) projection: usize,
    pub(super) source: usize,
    pub(super) receptor: usize,
    pub(super) delay: Delay,
    pub(super) plastic: bool,
    /// Short-term plasticity.
    pub(super) release: Option<Release>,
    pub(super) wire: Box<dyn Wire>,
    /// Numbers of the synapses in the whole projection, ascending.
    pub(super) kept: Numbers,
}

/// How much of its weight each spike delivers. Each piece has the whole state: it sees the same spikes as the others.
pub(super) struct Release {
    pub(super) dynamics: TsodyksMarkram<f32>,
    pub(super) state: TsodyksMarkramState<f32>,
    pub(super) scale: Vec<f32>,
}

impl Incoming {
    /// Adds what `spikes`, which arrive in step `now`, bring.
    fn deliver(&mut self, now: u64, spikes: &[u32], input: &mut [f32]) -> Result<(), NetworkError> {
        let Some(release) = &mut self.release else { return self.wire.deliver(now, spikes, None, input) };
        release.dynamics.release(&mut release.state, now, spikes, &mut release.scale)?;
        self.wire.deliver(now, spikes, Some(&release.scale), input)
    }

    /// Whether the rule needs spikes of the very step it learns in, which are known only after all pieces have run.
    fn late(&self) -> bool {
        self.delay.axonal() == 0
    }
}

pub(super) struct Piece {
    pub(super) range: core::ops::Range<usize>,
    pub(super) cells: Box<dyn Cells>,
    pub(super) wires: Vec<Incoming>,
    pub(super) poisson: Vec<PoissonInput>,
    /// Input that is the same in every step, `[receptors, n]`; empty: none.
    pub(super) constant: Vec<f32>,
    /// `[receptors, n]`
    pub(super) input: Buffer<f32>,
    /// Receptors that something was added to in the last step: the others still hold what they should.
    pub(super) touched: Vec<bool>,
    pub(super) spikes: SpikeSet,
    /// What this piece emitted in the last steps, numbered within it: what learning rules see come back.
    pub(super) own: DelayLine,
    /// Spikes of each step since the last exchange, numbered within the population.
    pub(super) emitted: Vec<Vec<u32>>,
}

impl Piece {
    /// Steps `start .. start + steps`; `lines` hold what every population emitted before `start`, `modulators` the
    /// concentrations of each step.
    pub(super) fn advance(
        &mut self,
        start: u64,
        steps: u32,
        lines: &[DelayLine],
        modulators: &[Modulators],
    ) -> Result<(), NetworkError> {
        let n = self.range.len();
        for (s, &modulators) in (0..steps).zip(modulators) {
            let now = start + u64::from(s);
            self.clear_input();
            for incoming in &mut self.wires {
                let spikes = lines[incoming.source].ago(incoming.delay.total() - s)?;
                if !spikes.is_empty() {
                    self.touched[incoming.receptor] = true;
                    let receptor = incoming.receptor * n..(incoming.receptor + 1) * n;
                    incoming.deliver(now, spikes, &mut self.input[receptor])?;
                }
            }
            for drive in &mut self.poisson {
                self.touched[drive.receptor()] = true;
                drive.add(now, n, &mut self.input);
            }
            self.cells.step(now, &self.input, &mut self.spikes)?;
            self.own.push(self.spikes.indices());
            let first = self.range.start as u32;
            let emitted = &mut self.emitted[s as usize];
            emitted.clear();
            emitted.extend(self.spikes.indices().iter().map(|&i| first + i));
            self.learn(now, false, |incoming| lines[incoming.source].ago(incoming.delay.axonal() - s), modulators)?;
        }
        Ok(())
    }

    /// Puts what was touched back to the constant input, or to 0.
    fn clear_input(&mut self) {
        let n = self.range.len();
        for (receptor, touched) in self.touched.iter_mut().enumerate().filter(|(_, touched)| **touched) {
            *touched = false;
            let range = receptor * n..(receptor + 1) * n;
            match self.constant.get(range.clone()) {
                Some(constant) => self.input[range].copy_from_slice(constant),
                None => self.input[range].fill(0.0),
            }
        }
    }

    /// Whether [`learn_late`](Self::learn_late) has anything to do.
    pub(super) fn learns_late(&self) -> bool {
        self.wires.iter().any(|incoming| incoming.plastic && incoming.late())
    }

    /// The part of step `now`'s learning that had to wait for the spikes of all pieces; `lines` hold them.
    pub(super) fn learn_late(
        &mut self,
        now: u64,
        lines: &[DelayLine],
        modulators: Modulators,
    ) -> Result<(), NetworkError> {
        self.learn(now, true, |incoming| lines[incoming.source].ago(1), modulators)
    }

    fn learn<'a>(
        &mut self,
        now: u64,
        late: bool,
        pre: impl Fn(&Incoming) -> Result<&'a [u32], nl_synapse::Error>,
        modulators: Modulators,
    ) -> Result<(), NetworkError> {
        let v_post = self.cells.variable("v").unwrap_or(&[]);
        for incoming in self.wires.iter_mut().filter(|incoming| incoming.plastic && incoming.late() == late) {
            let post = self.own.ago(incoming.delay.dendritic() + 1)?;
            let activity = Activity { v_post, modulators, ..Activity::spikes(now, pre(incoming)?, post) };
            incoming.wire.learn(&activity)?;
        }
        Ok(())
    }
}
