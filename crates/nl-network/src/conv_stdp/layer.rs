//! The layer: inference and learning.

use nl_kernels::Level;
use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::NAME;
use super::compete::{Cross, Keep, Offer, Winner, compete};
use super::config::{ConvStdpConfig, Grid};
use super::kernels::{Kernels, times};

/// A layer of feature maps: see the [module](super) for its equations and an example.
#[derive(Debug, Clone, PartialEq)]
pub struct ConvStdp {
    config: ConvStdpConfig,
    kernels: Kernels,
    seen: u64,
    wins: Vec<u64>,
}

/// Everything that learning changes, in plain order: what a checkpoint holds, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConvStdpState {
    /// Weights `[maps, channels, K, K]`.
    pub weights: Vec<f32>,
    /// Images learned from.
    pub seen: u64,
    /// Wins of each map.
    pub wins: Vec<u64>,
}

/// Working memory of one image, and what it ended with; one for each thread, for layers of any size.
#[derive(Debug, Clone, Default)]
pub struct Activity {
    pub(super) potential: Vec<f32>,
    pub(super) earliness: Vec<u8>,
    pub(super) room: Vec<u32>,
    pub(super) when: Vec<u8>,
    pub(super) place_closed: Vec<bool>,
    pub(super) map_closed: Vec<bool>,
    pub(super) offers: Vec<Offer>,
    pub(super) winners: Vec<Winner>,
}

impl Activity {
    /// T − b of each neuron that spiked in bin b, 0 of the others, after [`ConvStdp::infer`]: `[height, width, maps]`.
    #[must_use]
    pub fn earliness(&self) -> &[u8] {
        &self.earliness
    }

    /// V of each neuron at the end.
    #[must_use]
    pub fn potential(&self) -> &[f32] {
        &self.potential
    }

    /// Who won, in order, after [`ConvStdp::compete`] or [`ConvStdp::learn`].
    #[must_use]
    pub fn winners(&self) -> &[Winner] {
        &self.winners
    }

    /// V := 0.
    pub(super) fn begin(&mut self, neurons: usize) {
        self.potential.clear();
        self.potential.resize(neurons, 0.0);
    }
}

impl ConvStdp {
    /// A layer over `input` with random weights.
    ///
    /// # Errors
    /// [`ConvStdpConfig::output`].
    pub fn new(config: ConvStdpConfig, input: Grid, rng: &mut Rng) -> Result<Self, Error> {
        let kernels = Kernels::new(&config, input, rng)?;
        Ok(Self { wins: vec![0; config.maps], seen: 0, config, kernels })
    }

    /// The parameters.
    #[must_use]
    pub fn config(&self) -> &ConvStdpConfig {
        &self.config
    }

    /// The grid of the inputs.
    #[must_use]
    pub fn input(&self) -> Grid {
        self.kernels.input
    }

    /// The grid of the layer's neurons.
    #[must_use]
    pub fn output(&self) -> Grid {
        self.kernels.output
    }

    /// Spikes from bin to bin, without learning: earliness of every neuron in `activity`.
    ///
    /// # Errors
    /// [`Error::Length`] if `train` is not of the layer's inputs, [`Error::Parameter`] if it has more than 254 bins.
    pub fn infer(&self, train: &SpikeTrain, activity: &mut Activity) -> Result<(), Error> {
        self.kernels.check(train)?;
        let (neurons, maps, threshold) = (self.output().len(), self.config.maps, self.config.threshold);
        activity.begin(neurons);
        let Activity { potential, earliness, room, .. } = activity;
        earliness.clear();
        earliness.resize(neurons, 0);
        room.clear();
        room.resize(neurons / maps, self.config.keep.unwrap_or(0) as u32);
        for bin in 0..train.steps() {
            self.kernels.integrate(train.at(bin), potential);
            if self.config.keep.is_none() {
                Level::current().dispatch(Cross { threshold, potential, earliness });
            } else {
                let left = (train.steps() - bin) as u8;
                Level::current().dispatch(Keep { threshold, maps, left, potential, earliness, room });
            }
        }
        Ok(())
    }

    /// Competition without learning: the winners in `activity`.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub fn compete(&self, train: &SpikeTrain, activity: &mut Activity) -> Result<(), Error> {
        self.kernels.check(train)?;
        activity.begin(self.output().len());
        activity.winners.clear();
        activity.place_closed.clear();
        activity.place_closed.resize(self.output().places(), false);
        activity.map_closed.clear();
        activity.map_closed.resize(self.config.maps, false);
        for bin in 0..train.steps() {
            self.kernels.integrate(train.at(bin), &mut activity.potential);
            if compete(&self.config, &self.kernels, bin, activity) {
                break;
            }
        }
        Ok(())
    }

    /// One image: competition, then STDP of the winners.
    ///
    /// # Errors
    /// As [`infer`](Self::infer).
    pub fn learn(&mut self, train: &SpikeTrain, activity: &mut Activity) -> Result<(), Error> {
        self.compete(train, activity)?;
        self.seen += 1;
        let rate = self.config.rate_after(self.seen);
        let (up, down) = (rate, -self.config.depression * rate);
        times(train, &mut activity.when);
        for &winner in &activity.winners {
            self.wins[winner.map as usize] += 1;
            let step = |w: f32, before: bool| {
                let a = if before { up } else { down };
                (w + a * w * (1.0 - w)).clamp(0.0, 1.0)
            };
            self.kernels.update(&activity.when, winner, step);
        }
        Ok(())
    }

    /// C = mean w (1 − w): 0 when every weight is 0 or 1. Source: Kheradpisheh et al. 2018, eq. 4.
    #[must_use]
    pub fn convergence(&self) -> f64 {
        let weights = &self.kernels.weights;
        weights.iter().map(|&w| f64::from(w * (1.0 - w))).sum::<f64>() / weights.len() as f64
    }

    /// Images learned from.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Wins of each map while learning.
    #[must_use]
    pub fn wins(&self) -> &[u64] {
        &self.wins
    }

    /// w_m(c, ky, kx); 0 outside the kernel.
    #[must_use]
    pub fn weight(&self, map: usize, channel: usize, ky: usize, kx: usize) -> f32 {
        let size = self.kernels.size;
        let inside = map < self.config.maps && channel < self.input().channels && ky < size && kx < size;
        if inside { self.kernels.weights[self.kernels.index(map, channel, ky, kx)] } else { 0.0 }
    }

    /// `Ok` if every weight is a number from 0 to 1: learning does not look, call it now and then.
    ///
    /// # Errors
    /// [`Error::Parameter`], with the value.
    pub fn check_finite(&self) -> Result<(), Error> {
        self.kernels.check_finite()
    }

    /// What learning has changed.
    #[must_use]
    pub fn state(&self) -> ConvStdpState {
        ConvStdpState { weights: self.kernels.in_order(), seen: self.seen, wins: self.wins.clone() }
    }

    /// Goes back to a state.
    ///
    /// # Errors
    /// [`Error::Length`] if it is of another layer, [`Error::Parameter`] if a weight is not within 0 to 1. The layer is
    /// then as it was.
    pub fn restore(&mut self, state: &ConvStdpState) -> Result<(), Error> {
        Error::length(NAME, "wins", self.config.maps, state.wins.len())?;
        self.kernels.set_in_order(&state.weights)?;
        self.seen = state.seen;
        self.wins.clone_from(&state.wins);
        Ok(())
    }
}
