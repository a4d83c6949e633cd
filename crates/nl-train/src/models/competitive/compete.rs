//! The stage that learns without labels: image by image, while another thread draws the spikes of the next ones.

use std::ops::Range;

use nl_data::{Batches, Images};
use nl_encoding::decode::{AllActivity, Decoder, Responses};
use nl_encoding::encode::SuperposedPoisson;
use nl_network::competitive::{Presentation, Stimulus};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use super::CompetitiveModel;
use super::config::CompeteConfig;
use super::respond::{Eye, counts, push_counts, respond, share};
use crate::Error;
use crate::data::Dataset;
use crate::run::{Advance, Learner, Measures, Moment, Plan, Progress, Setting, pack, unpack};

/// The name of the stage, and of its part of the time.
pub(super) const LEARNING: &str = "Learning";
/// Images between two looks at the clock and at Ctrl-C: while these are learned, the next are drawn by another thread.
const PIECE: u64 = 64;

/// Learning under way.
pub(super) struct Competing<'a> {
    config: CompeteConfig,
    data: &'a Dataset,
    streams: Streams,
    eye: Eye,
    at: At,
    total: u64,
    presentation: Presentation,
    row: Vec<u32>,
    now: Drawing,
    next: Drawing,
    /// The presentations that `next` holds the spikes of.
    drawn: Option<Range<u64>>,
}

/// What a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct At {
    /// Images presented so far, all epochs together.
    presented: u64,
    /// Images presented when the network was last watched.
    watched: u64,
    /// Who won, image by image, since then; and the images' labels.
    wins: (Responses, Vec<u8>),
}

impl<'a> Competing<'a> {
    pub(super) fn new(
        model: &CompetitiveModel,
        config: CompeteConfig,
        occurrence: u64,
        setting: Setting<'a, CompetitiveModel>,
    ) -> Result<Self, Error> {
        let data = setting.images()?;
        // The same epoch of two stages must not draw the same numbers.
        let streams = Streams::new(setting.config.seed ^ occurrence.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (input, network) = (&setting.config.model.input, &model.network);
        let (inputs, neurons) = (network.config().inputs, network.config().neurons);
        let wins = (Responses::new(neurons)?, Vec::new());
        Ok(Self {
            config,
            data,
            streams,
            eye: Eye::new(input)?,
            at: At { presented: 0, watched: 0, wins },
            total: config.epochs.saturating_mul(data.learn.len() as u64),
            presentation: Presentation::new(network),
            row: vec![0; neurons],
            now: Drawing::new(inputs, input, streams)?,
            next: Drawing::new(inputs, input, streams)?,
            drawn: None,
        })
    }

    /// The presentations from `from` to the next look at the clock.
    fn piece(&self, from: u64) -> Range<u64> {
        from..(from + PIECE).min(self.total).min(self.watch_point(from + 1))
    }

    /// The first moment to watch from `presented` on; never: after the end.
    fn watch_point(&self, presented: u64) -> u64 {
        let (points, total) = (u128::from(self.config.watch), u128::from(self.total));
        // The smallest ceil(k · total / points) that is not below `presented`, k from 1.
        let next = (u128::from(presented.max(1)) - 1) * points / total.max(1) + 1;
        if points == 0 || self.data.validation.is_empty() { u64::MAX } else { (next * total).div_ceil(points) as u64 }
    }

    /// How good the network is now, neurons named by what they won since the last look.
    fn watch(&mut self, model: &CompetitiveModel) -> Result<Measures, Error> {
        let train = &self.data.split.train;
        let neurons = model.network.config().neurons;
        let (responses, labels) = std::mem::replace(&mut self.at.wins, (Responses::new(neurons)?, Vec::new()));
        let names = AllActivity::fit(&responses, &labels, train.classes())?;
        let held_out = &self.data.validation;
        let spikes = respond(&model.network, &self.eye, &self.streams, "stdp/watch", train, held_out)?;
        let decided = names.decide_all(&counts(neurons, &spikes)?)?;
        let labels: Vec<u8> = held_out.iter().map(|&i| train.labels()[i as usize]).collect();
        let used = model.network.wins().iter().filter(|&&wins| wins > 0).count();
        Ok(Measures::of("validation_accuracy", share(&decided, &labels))
            .and("neurons_used", used as f64)
            .and("mean_theta", model.network.theta().map(f64::from).sum::<f64>() / neurons as f64))
    }
}

impl Learner<CompetitiveModel> for Competing<'_> {
    fn plan(&self) -> Plan {
        Plan { name: LEARNING.into(), unit: "images", total: self.total }
    }

    fn done(&self, _: &CompetitiveModel) -> u64 {
        self.at.presented.saturating_sub(u64::from(self.at.presented == self.total))
    }

    fn advance(&mut self, model: &mut CompetitiveModel, _: &mut Progress<'_>) -> Result<Advance, Error> {
        let done = self.at.presented;
        if done > self.at.watched && self.watch_point(done) == done {
            self.at.watched = done;
            let measures = self.watch(model)?;
            let told = Some(format!("after {} images", nl_report::text::thousands(done)));
            let record = Some(Moment { unit: "images", at: done as f64, measures, told });
            return Ok(Advance { done, finished: done >= self.total, part: "Watching", record, ..Advance::default() });
        }
        let piece = self.piece(done);
        if self.drawn.take().is_none_or(|drawn| drawn != piece) {
            self.next.draw(piece.clone(), &self.data.learn, &self.data.split.train)?;
        }
        std::mem::swap(&mut self.now, &mut self.next);
        let end = piece.end;
        let later = self.piece(end);
        let (learn, images, total) = (&self.data.learn, &self.data.split.train, self.total);
        let watched = self.config.watch > 0 && !self.data.validation.is_empty();
        let Self { at: At { wins, .. }, presentation, row, now, next, .. } = self;
        let network = &mut model.network;
        let (learned, drawn) = rayon::join(
            || {
                piece.zip(now.shown()).try_for_each(|(at, (stimulus, sample))| {
                    network.learn(stimulus, at as f32 / total as f32, presentation)?;
                    if watched {
                        push_counts(&mut wins.0, row, presentation.spikes())?;
                        wins.1.push(images.labels()[sample as usize]);
                    }
                    Ok::<(), Error>(())
                })
            },
            || next.draw(later.clone(), learn, images),
        );
        learned.and(drawn)?;
        self.drawn = Some(later);
        self.at.presented = end;
        let finished = end >= total && (self.watch_point(end) != end || self.at.watched == end);
        Ok(Advance { done: end, finished, ..Advance::default() })
    }

    fn state(&self) -> Result<Vec<u8>, Error> {
        pack(&self.at)
    }

    fn restore(&mut self, model: &mut CompetitiveModel, state: &[u8]) -> Result<(), Error> {
        let at: At = unpack(state)?;
        let classes = self.data.split.train.classes();
        let (responses, labels) = &at.wins;
        let fits = at.presented <= self.total
            && at.watched <= at.presented
            && responses.neurons() == model.network.config().neurons
            && responses.len() == labels.len()
            && labels.iter().all(|&label| usize::from(label) < classes);
        if !fits {
            return Err(Error::config("the checkpoint holds wins that this stage cannot have seen"));
        }
        self.at = at;
        Ok(())
    }
}

/// Draws the spikes of one piece of images; the draw of an image depends on epoch and image only.
struct Drawing {
    streams: Streams,
    eye: Eye,
    order: (u64, Vec<u32>),
    stimuli: Vec<Stimulus>,
    /// Whose spikes these are.
    samples: Vec<u32>,
}

impl Drawing {
    fn new(inputs: usize, input: &SuperposedPoisson, streams: Streams) -> Result<Self, Error> {
        let stimulus = Stimulus::new(inputs)?;
        Ok(Self {
            streams,
            eye: Eye::new(input)?,
            order: (u64::MAX, Vec::new()),
            stimuli: vec![stimulus; PIECE as usize],
            samples: Vec::new(),
        })
    }

    /// What was drawn last: spikes and index of each image.
    fn shown(&self) -> impl Iterator<Item = (&Stimulus, u32)> {
        self.stimuli.iter().zip(self.samples.iter().copied())
    }

    /// Draws the presentations of `range` from `images`, of which `learn` are learned from.
    fn draw(&mut self, range: Range<u64>, learn: &[u32], images: &Images) -> Result<(), Error> {
        let n = learn.len() as u64;
        self.samples.clear();
        for (at, stimulus) in range.zip(&mut self.stimuli) {
            let epoch = at / n;
            if self.order.0 != epoch {
                let batches = Batches::over(learn.to_vec(), learn.len(), true, &self.streams, epoch)?;
                self.order = (epoch, batches.get(0).unwrap_or_default().to_vec());
            }
            let sample = self.order.1[(at % n) as usize];
            self.samples.push(sample);
            let mut rng = self.streams.rng("stdp/poisson", epoch, sample.into());
            self.eye.see(images.image(sample as usize), &mut rng, stimulus)?;
        }
        Ok(())
    }
}
