//! The stage that names neurons by the labels of training images.

use super::CompetitiveModel;
use super::config::LabelConfig;
use super::respond::{Decoders, Eye, RESPONSES, Spikes, respond};
use crate::Error;
use crate::data::Dataset;
use crate::run::{Advance, Learner, Plan, Progress, Setting};
use nl_random::Streams;

/// Responses to training images, then decoders fitted on them. A stop begins it again: it takes seconds.
pub(super) struct Labelling<'a> {
    data: &'a Dataset,
    streams: Streams,
    eye: Eye,
    steps: usize,
    count: usize,
    spikes: Spikes,
}

impl<'a> Labelling<'a> {
    pub(super) fn new(config: LabelConfig, setting: Setting<'a, CompetitiveModel>) -> Result<Self, Error> {
        let data = setting.images()?;
        let input = &setting.config.model.input;
        Ok(Self {
            data,
            streams: Streams::new(setting.config.seed),
            eye: Eye::new(input)?,
            steps: input.steps,
            count: config.images.unwrap_or(usize::MAX).min(data.split.train.len()),
            spikes: Vec::new(),
        })
    }
}

impl Learner<CompetitiveModel> for Labelling<'_> {
    fn plan(&self) -> Plan {
        Plan { name: "Label".into(), unit: "images", total: self.count as u64 }
    }

    fn done(&self, _: &CompetitiveModel) -> u64 {
        0
    }

    fn advance(&mut self, model: &mut CompetitiveModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let from = self.spikes.len();
        let part: Vec<u32> = (from..self.count.min(from + RESPONSES)).map(|i| i as u32).collect();
        let images = &self.data.split.train;
        self.spikes.extend(respond(&model.network, &self.eye, &self.streams, "stdp/label", images, &part)?);
        let done = self.spikes.len();
        Ok(Advance { done: done as u64, finished: done >= self.count, ..Advance::default() })
    }

    fn finish(&mut self, model: &mut CompetitiveModel) -> Result<(), Error> {
        let train = &self.data.split.train;
        let (neurons, labels) = (model.network.config().neurons, &train.labels()[..self.count]);
        model.decoders = Some(Decoders::fit(neurons, self.steps, &self.spikes, labels, train.classes())?);
        Ok(())
    }
}
