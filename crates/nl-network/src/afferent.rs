//! Synapses of one projection that share a delay: what is known of them once, not once a piece.

use nl_synapse::{Delay, DelayLine, TsodyksMarkram, TsodyksMarkramState};

use crate::NetworkError;
use crate::route::{Index, Jump, Jumps};

/// How much of its weight each spike delivers.
pub(super) struct Release {
    pub(super) dynamics: TsodyksMarkram<f32>,
    pub(super) state: TsodyksMarkramState<f32>,
    /// By step of the window, then by spike.
    scales: Vec<Vec<f32>>,
}

impl Release {
    pub(super) fn new(dynamics: &TsodyksMarkram<f32>, pre: usize, window: u32) -> Result<Self, NetworkError> {
        Ok(Self { dynamics: dynamics.clone(), state: dynamics.state(pre)?, scales: vec![Vec::new(); window as usize] })
    }
}

/// How spikes find their pieces; without one, each piece looks at all of them.
pub(super) enum Route {
    /// Synapses in one copy for all pieces.
    Jumps(Jumps),
    /// Synapses of the pieces, which know only the neurons that reach them.
    Index(Index),
}

/// What arrives in a piece in one step.
pub(super) enum Arrivals<'a> {
    /// Spikes, by the numbers that the piece's synapses know; each times its factor.
    Spikes(&'a [u32], Option<&'a [f32]>),
    /// What they add, target by target.
    Jumps(&'a [Jump]),
}

impl Arrivals<'_> {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Spikes(spikes, _) => spikes.is_empty(),
            Self::Jumps(jumps) => jumps.is_empty(),
        }
    }
}

/// Synapses of one projection that share a delay.
pub(super) struct Afferent {
    pub(super) source: usize,
    pub(super) delay: Delay,
    pub(super) plastic: bool,
    pub(super) release: Option<Release>,
    pub(super) route: Option<Route>,
}

impl Afferent {
    /// Whether pieces need nothing but the spikes of the source.
    pub(super) fn idle(&self) -> bool {
        self.release.is_none() && self.route.is_none()
    }

    /// Whether the rule needs spikes of the very step it learns in, which are known only after all pieces have run.
    pub(super) fn late(&self) -> bool {
        self.delay.axonal() == 0
    }

    /// Makes ready what arrives in the steps `start .. start + steps`; `lines` hold what was emitted before `start`.
    pub(super) fn prepare(&mut self, start: u64, steps: u32, lines: &[DelayLine]) -> Result<(), NetworkError> {
        let line = &lines[self.source];
        match &mut self.route {
            None => {}
            Some(Route::Jumps(jumps)) => jumps.start(),
            Some(Route::Index(index)) => index.start(),
        }
        for s in 0..steps {
            let spikes = line.ago(self.delay.total() - s)?;
            let mut scale = None;
            if let Some(Release { dynamics, state, scales }) = &mut self.release {
                let factors = &mut scales[s as usize];
                dynamics.release(state, start + u64::from(s), spikes, factors)?;
                scale = Some(&factors[..]);
            }
            match &mut self.route {
                None => {}
                Some(Route::Jumps(jumps)) => jumps.step(spikes, scale),
                Some(Route::Index(index)) => {
                    index.arrive(spikes, scale);
                    if self.delay.axonal() > 0 {
                        index.reach(line.ago(self.delay.axonal() - s)?);
                    }
                }
            }
        }
        Ok(())
    }

    /// The part that had to wait for the spikes of the last step: `lines` hold them. The window is then one step.
    pub(super) fn prepare_late(&mut self, lines: &[DelayLine]) -> Result<(), NetworkError> {
        if self.plastic
            && self.late()
            && let Some(Route::Index(index)) = &mut self.route
        {
            index.reach(lines[self.source].ago(1)?);
        }
        Ok(())
    }

    /// What arrives in a piece of number `piece` in step `s` of the window.
    pub(super) fn arrivals<'a>(
        &'a self,
        piece: usize,
        s: u32,
        lines: &'a [DelayLine],
    ) -> Result<Arrivals<'a>, NetworkError> {
        Ok(match &self.route {
            Some(Route::Jumps(jumps)) => Arrivals::Jumps(jumps.at(piece, s as usize)),
            Some(Route::Index(index)) => {
                let (spikes, scale) = index.arriving(piece, s as usize);
                Arrivals::Spikes(spikes, self.release.as_ref().map(|_| scale))
            }
            None => {
                let spikes = lines[self.source].ago(self.delay.total() - s)?;
                Arrivals::Spikes(spikes, self.release.as_ref().map(|release| &release.scales[s as usize][..]))
            }
        })
    }

    /// The pre spikes that are at the synapses of a piece in step `s` of the window; if [`late`](Self::late), after it.
    pub(super) fn at_synapse<'a>(
        &'a self,
        piece: usize,
        s: u32,
        lines: &'a [DelayLine],
    ) -> Result<&'a [u32], NetworkError> {
        match &self.route {
            Some(Route::Index(index)) => Ok(index.at_synapse(piece, s as usize)),
            _ if self.late() => Ok(lines[self.source].ago(1)?),
            _ => Ok(lines[self.source].ago(self.delay.axonal() - s)?),
        }
    }
}
