//! A piece of a population with all that reaches it: what one thread computes alone for a while.

use nl_kernels::Buffer;
use nl_neuron::SpikeSet;
use nl_plasticity::{Activity, Modulators};
use nl_synapse::DelayLine;

use crate::NetworkError;
use crate::afferent::{Afferent, Arrivals};
use crate::cells::Cells;
use crate::drive::PoissonInput;
use crate::wire::{Numbers, Wire};

/// Synapses onto this piece, from one population, of one delay.
pub(super) struct Incoming {
    pub(super) projection: usize,
    pub(super) receptor: usize,
    pub(super) plastic: bool,
    /// Which of the network's afferents brings its spikes.
    pub(super) afferent: usize,
    /// `None`: the afferent keeps the synapses, and hands over what they add.
    pub(super) wire: Option<Box<dyn Wire>>,
    /// Numbers of the synapses in the whole projection, ascending.
    pub(super) kept: Numbers,
}

pub(super) struct Piece {
    /// Its place among the pieces of its population.
    pub(super) number: usize,
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
    /// concentrations of each step; `afferents` have prepared these steps.
    pub(super) fn advance(
        &mut self,
        start: u64,
        steps: u32,
        (lines, afferents): (&[DelayLine], &[Afferent]),
        modulators: &[Modulators],
    ) -> Result<(), NetworkError> {
        let n = self.range.len();
        for (s, &modulators) in (0..steps).zip(modulators) {
            let now = start + u64::from(s);
            self.clear_input();
            for Incoming { receptor, afferent, wire, .. } in &mut self.wires {
                let arrivals = afferents[*afferent].arrivals(self.number, s, lines)?;
                if arrivals.is_empty() {
                    continue;
                }
                self.touched[*receptor] = true;
                let input = &mut self.input[*receptor * n..(*receptor + 1) * n];
                match (arrivals, wire) {
                    (Arrivals::Spikes(spikes, scale), Some(wire)) => wire.deliver(now, spikes, scale, input)?,
                    (Arrivals::Jumps(jumps), _) => {
                        for jump in jumps {
                            input[jump.target as usize] += jump.weight;
                        }
                    }
                    (Arrivals::Spikes(..), None) => {}
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
            self.learn(now, s, false, (lines, afferents), modulators)?;
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

    /// The part of step `now`'s learning that had to wait for the spikes of all pieces; `lines` hold them.
    pub(super) fn learn_late(
        &mut self,
        now: u64,
        network: (&[DelayLine], &[Afferent]),
        modulators: Modulators,
    ) -> Result<(), NetworkError> {
        self.learn(now, 0, true, network, modulators)
    }

    fn learn(
        &mut self,
        now: u64,
        s: u32,
        late: bool,
        (lines, afferents): (&[DelayLine], &[Afferent]),
        modulators: Modulators,
    ) -> Result<(), NetworkError> {
        let v_post = self.cells.variable("v").unwrap_or(&[]);
        for incoming in self.wires.iter_mut().filter(|incoming| incoming.plastic) {
            let afferent = &afferents[incoming.afferent];
            let Some(wire) = incoming.wire.as_mut().filter(|_| afferent.late() == late) else { continue };
            let post = self.own.ago(afferent.delay.dendritic() + 1)?;
            let pre = afferent.at_synapse(self.number, s, lines)?;
            wire.learn(&Activity { v_post, modulators, ..Activity::spikes(now, pre, post) })?;
        }
        Ok(())
    }
}
