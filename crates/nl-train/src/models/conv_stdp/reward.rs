//! The stage in which a last layer learns from right and wrong.

use nl_network::conv_stdp::{Activity, RewardStdp, RewardStdpState, spikes};
use nl_neuron::SpikeTrain;
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::config::RewardStageConfig;
use super::network::{FEATURES, Network};
use super::{ConvStdpModel, shuffled};
use crate::Error;
use crate::data::Dataset;
use crate::run::{Advance, Learner, Measures, Moment, Plan, Progress, pack, unpack};

/// Images between two looks at Ctrl-C.
const PIECE: usize = 200;

/// The part of the run that the time goes to.
pub(super) const REWARD: &str = "Reward";

/// A layer that is rewarded and punished.
pub(super) struct Rewarding<'a> {
    config: &'a RewardStageConfig,
    data: &'a Dataset,
    streams: Streams,
    layer: RewardStdp,
    /// Passes that are complete; images of the one under way, and how many of them were right.
    at: (u64, u64, u64),
    order: Vec<u32>,
    train: SpikeTrain,
    active: Vec<u8>,
    activity: Activity,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct State {
    at: (u64, u64, u64),
    layer: RewardStdpState,
}

/// The last layer's features of a row as spikes: which neurons spiked at all is what counts.
pub(super) fn show(row: &[u8], size: usize, train: &mut SpikeTrain, active: &mut Vec<u8>) -> Result<(), Error> {
    active.clear();
    active.extend(row[row.len() - size..].iter().map(|&early| u8::from(early > 0)));
    Ok(spikes(active, 1, train)?)
}

/// The layer of a `reward` stage before it learns.
pub(super) fn untrained(
    config: &RewardStageConfig,
    classes: usize,
    streams: &Streams,
    network: &Network,
) -> Result<RewardStdp, Error> {
    let grid = network.grid(network.layers.len() - 1);
    Ok(RewardStdp::new(config.layer.clone(), grid, classes, &mut streams.rng("init/reward", 0, 0))?)
}

impl<'a> Rewarding<'a> {
    pub(super) fn new(
        config: &'a RewardStageConfig,
        data: &'a Dataset,
        streams: Streams,
        layer: Option<RewardStdp>,
    ) -> Result<Self, Error> {
        let Some(layer) = layer else { return Err(Error::config("there is no layer to reward")) };
        let train = SpikeTrain::new(layer.input().len());
        let (order, active, activity) = (Vec::new(), Vec::new(), Activity::default());
        Ok(Self { config, data, streams, layer, at: (0, 0, 0), order, train, active, activity })
    }
}

impl Learner<ConvStdpModel> for Rewarding<'_> {
    fn plan(&self) -> Plan {
        let total = self.config.epochs.saturating_mul(self.data.labelled.len() as u64);
        Plan { name: "Reward-modulated STDP".into(), unit: "images", total }
    }

    fn done(&self, _: &ConvStdpModel) -> u64 {
        self.at.0 * self.data.labelled.len() as u64 + self.at.1
    }

    fn advance(&mut self, model: &mut ConvStdpModel, progress: &mut Progress<'_>) -> Result<Advance, Error> {
        if model.rows.is_none() {
            model.compute_rows(self.data, progress)?;
            return Ok(Advance { done: self.done(model), part: FEATURES, ..Advance::default() });
        }
        let (n, width) = (self.data.labelled.len(), model.network.width());
        let size = self.train.population();
        let rows = model.rows.as_deref().unwrap_or_default();
        if self.order.is_empty() {
            self.order = shuffled(n as u32, &self.streams, "order/reward", self.at.0);
        }
        let from = self.at.1 as usize;
        for &i in &self.order[from..n.min(from + PIECE)] {
            let label = u32::from(self.data.split.train.labels()[self.data.labelled[i as usize] as usize]);
            show(&rows[i as usize * width..][..width], size, &mut self.train, &mut self.active)?;
            let right = self.layer.learn(&self.train, label, &mut self.activity)? == Some(label);
            self.at.1 += 1;
            self.at.2 += u64::from(right);
        }
        if (self.at.1 as usize) < n {
            return Ok(Advance { done: self.done(model), part: REWARD, ..Advance::default() });
        }
        let epoch = self.at.0 + 1;
        let right = self.at.2 as f64 / n as f64;
        self.at = (epoch, 0, 0);
        self.order.clear();
        let place = || format!("reward-modulated STDP, after pass {epoch}");
        let finite = self.layer.check_finite();
        finite.map_err(|error| Error::Spiking { stage: place(), what: error.to_string() })?;
        let told = Some(format!("epoch {epoch} of {}", self.config.epochs));
        let measures = Measures::of("right_while_learning", right);
        let record = Some(Moment { unit: "epoch", at: epoch as f64, measures, told });
        let finished = epoch >= self.config.epochs;
        Ok(Advance { done: self.done(model), finished, part: REWARD, record, ..Advance::default() })
    }

    fn state(&self) -> Result<Vec<u8>, Error> {
        pack(&State { at: self.at, layer: self.layer.state() })
    }

    fn restore(&mut self, _: &mut ConvStdpModel, state: &[u8]) -> Result<(), Error> {
        let State { at, layer } = unpack(state)?;
        let (epoch, done, right) = at;
        if epoch > self.config.epochs || done >= self.data.labelled.len() as u64 || right > done {
            return Err(Error::config(format!(
                "the checkpoint is of pass {epoch}, image {done}, {right} of them right"
            )));
        }
        self.layer.restore(&layer)?;
        self.at = at;
        Ok(())
    }

    fn finish(&mut self, model: &mut ConvStdpModel) -> Result<(), Error> {
        model.reward = Some((self.layer.clone(), true));
        Ok(())
    }
}
