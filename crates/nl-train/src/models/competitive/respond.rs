//! Responses of a network that learns no more, in parallel over images; and what decoders make of them.

use std::collections::BTreeMap;

use nl_data::Images;
use nl_encoding::decode::{AllActivity, Decoder, LogLikelihood, NgramFit, ProportionWeighting, Responses};
use nl_encoding::encode::{SuperposedPoisson, Superposition};
use nl_network::competitive::{CompetitiveNetwork, OutputSpike, Presentation, Stimulus};
use nl_neuron::SpikeTrain;
use nl_random::Streams;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Images between two looks at Ctrl-C, which all threads share.
pub(super) const RESPONSES: usize = 2000;
/// Fewer images than this are not worth a task.
const TASK: usize = 16;
/// Spikes in a row that the n-gram decoder looks at.
const GRAM: usize = 2;

/// The spikes of each response.
pub(super) type Spikes = Vec<Vec<OutputSpike>>;

/// Images as spikes, one after another.
#[derive(Clone)]
pub(super) struct Eye {
    steps: usize,
    source: Superposition,
    pixels: Vec<f32>,
}

impl Eye {
    pub(super) fn new(input: &SuperposedPoisson) -> Result<Self, Error> {
        Ok(Self { steps: input.steps, source: input.source()?, pixels: Vec::new() })
    }

    /// Fills `stimulus` with the spikes of `image`.
    pub(super) fn see(&mut self, image: &[u8], rng: &mut nl_random::Rng, stimulus: &mut Stimulus) -> Result<(), Error> {
        self.pixels.clear();
        self.pixels.extend(image.iter().map(|&byte| f32::from(byte) / 255.0));
        self.source.set(&self.pixels)?;
        stimulus.clear();
        for _ in 0..self.steps {
            stimulus.push_step(self.source.step(rng))?;
        }
        Ok(())
    }
}

/// The responses to images `range` of `images`; the draw of image i is that of (`stream`, i). The same for any number of
/// threads.
pub(super) fn respond(
    network: &CompetitiveNetwork,
    eye: &Eye,
    streams: &Streams,
    stream: &str,
    images: &Images,
    range: &[u32],
) -> Result<Spikes, Error> {
    let inputs = network.config().inputs;
    range
        .par_iter()
        .with_min_len(TASK)
        .map_init(
            || (eye.clone(), Stimulus::new(inputs), Presentation::new(network)),
            |(eye, stimulus, presentation), &index| {
                let stimulus = stimulus.as_mut().map_err(|e| e.clone())?;
                eye.see(images.image(index as usize), &mut streams.rng(stream, 0, index.into()), stimulus)?;
                network.respond(stimulus, presentation)?;
                Ok(presentation.spikes().to_vec())
            },
        )
        .collect()
}

/// Spike counts of responses.
pub(super) fn counts(neurons: usize, spikes: &Spikes) -> Result<Responses, Error> {
    let mut responses = Responses::new(neurons)?;
    let mut row = vec![0_u32; neurons];
    spikes.iter().try_for_each(|response| push_counts(&mut responses, &mut row, response))?;
    Ok(responses)
}

/// Adds the counts of one response; `row`, an element a neuron, is 0 before and after.
pub(super) fn push_counts(responses: &mut Responses, row: &mut [u32], response: &[OutputSpike]) -> Result<(), Error> {
    response.iter().for_each(|spike| row[spike.neuron as usize] += 1);
    responses.push(row)?;
    response.iter().for_each(|spike| row[spike.neuron as usize] = 0);
    Ok(())
}

/// All decoders, fitted on labelled training responses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Decoders {
    pub(super) all_activity: AllActivity,
    proportion: ProportionWeighting,
    log_likelihood: LogLikelihood,
    bigram: nl_encoding::decode::Ngram,
    steps: usize,
}

impl Decoders {
    pub(super) fn fit(
        neurons: usize,
        steps: usize,
        spikes: &Spikes,
        labels: &[u8],
        classes: usize,
    ) -> Result<Self, Error> {
        let responses = counts(neurons, spikes)?;
        let mut bigram = NgramFit::new(GRAM, neurons, classes)?;
        let mut train = SpikeTrain::new(neurons);
        for (response, &label) in spikes.iter().zip(labels) {
            raster(response, steps, &mut train)?;
            bigram.push(&train, label)?;
        }
        Ok(Self {
            all_activity: AllActivity::fit(&responses, labels, classes)?,
            proportion: ProportionWeighting::fit(&responses, labels, classes)?,
            log_likelihood: LogLikelihood::fit(&responses, labels, classes, 1.0)?,
            bigram: bigram.finish()?,
            steps,
        })
    }

    /// `Ok` if all are of so many neurons.
    ///
    /// # Errors
    /// If not: a checkpoint of another network.
    pub(super) fn check(&self, neurons: usize) -> Result<(), Error> {
        let all = [self.all_activity.neurons(), self.proportion.neurons(), self.log_likelihood.neurons()];
        let bigram = self.bigram.neurons();
        match all.into_iter().chain([bigram]).find(|&found| found != neurons) {
            Some(found) => Err(Error::config(format!("the checkpoint names {found} neurons of {neurons}"))),
            None => Ok(()),
        }
    }

    /// What each decoder decides, by its name.
    pub(super) fn decide(&self, spikes: &Spikes) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let neurons = self.all_activity.neurons();
        let responses = counts(neurons, spikes)?;
        let mut train = SpikeTrain::new(neurons);
        let bigram = spikes.iter().map(|response| {
            raster(response, self.steps, &mut train)?;
            Ok(self.bigram.decide(&train)?)
        });
        Ok(BTreeMap::from([
            ("bigram".into(), bigram.collect::<Result<_, Error>>()?),
            (ALL_ACTIVITY.into(), self.all_activity.decide_all(&responses)?),
            ("proportion".into(), self.proportion.decide_all(&responses)?),
            ("log_likelihood".into(), self.log_likelihood.decide_all(&responses)?),
        ]))
    }
}

/// The name of the paper's own decoder.
pub(super) const ALL_ACTIVITY: &str = "all_activity";

fn raster(response: &[OutputSpike], steps: usize, train: &mut SpikeTrain) -> Result<(), Error> {
    train.events_mut().extend(response.iter().map(|spike| (spike.step, spike.neuron)));
    Ok(train.collect(steps)?)
}

/// The share of decisions that are right.
pub(super) fn share(decided: &[u8], labels: &[u8]) -> f64 {
    let right = decided.iter().zip(labels).filter(|(a, b)| a == b).count();
    right as f64 / decided.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A neuron that wins in every step of a long presentation: counts of 16 bits began again from 0.
    #[test]
    fn counts_do_not_wrap() {
        let response: Vec<OutputSpike> = (0..70_000).map(|step| OutputSpike { step, neuron: 1 }).collect();
        let counts = counts(3, &vec![response]).unwrap();
        assert_eq!(counts.get(0).unwrap().iter().collect::<Vec<_>>(), [(1, 70_000)]);
    }
}
