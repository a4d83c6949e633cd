//! What a run writes for TensorBoard.

use std::path::Path;
use std::time::SystemTime;

use nl_report::Picture;

use super::{Moment, Shown, Tensor};
use crate::Error;
use crate::tensorboard::{At, EventFile, Histogram, Image};

/// Buckets of a histogram: TensorBoard shows thirty.
const BUCKETS: usize = 30;

/// The event file of one stage; the step is what the stage counts (images, steps).
pub(super) struct Board {
    file: EventFile,
}

impl Board {
    /// A file in `tensorboard/<folder>` of the run, for a stage of which `done` units were done before.
    pub(super) fn open(run: &Path, folder: &str, done: u64) -> Result<Self, Error> {
        // What was measured at the checkpoint itself stands in the file before.
        let step = if done == 0 { 0 } else { done + 1 };
        let file = EventFile::open(&run.join("tensorboard").join(folder), At { step, time: now() })?;
        Ok(Self { file })
    }

    /// The folder of a stage: `1-supervise`.
    pub(super) fn folder(stage: usize, kind: &str) -> String {
        format!("{}-{kind}", stage + 1)
    }

    /// Measures.
    pub(super) fn moment(&mut self, done: u64, moment: &Moment) -> Result<(), Error> {
        let values = moment.measures.iter().chain([(moment.unit, moment.at)]);
        self.file.writer().scalars(at(done), values)?;
        Ok(self.file.flush()?)
    }

    /// A histogram of each tensor.
    pub(super) fn weights(&mut self, done: u64, tensors: &[Tensor]) -> Result<(), Error> {
        for tensor in tensors.iter().filter(|tensor| !tensor.values.is_empty()) {
            self.file.writer().histogram(&tensor.name, at(done), &Histogram::of(&tensor.values, BUCKETS)?)?;
        }
        Ok(self.file.flush()?)
    }

    /// What there is to look at.
    pub(super) fn shown(&mut self, done: u64, shown: &Shown) -> Result<(), Error> {
        self.weights(done, &shown.activations)?;
        self.pictures(done, &shown.pictures)
    }

    /// Pictures, each with its tag.
    pub(super) fn pictures(&mut self, done: u64, pictures: &[(String, Picture)]) -> Result<(), Error> {
        for (tag, picture) in pictures {
            self.file.writer().image(tag, at(done), &Image::of(picture)?)?;
        }
        Ok(self.file.flush()?)
    }

    /// Scores, once.
    pub(super) fn scores<'s>(&mut self, scores: impl IntoIterator<Item = (&'s str, f64)>) -> Result<(), Error> {
        self.file.writer().scalars(at(0), scores)?;
        Ok(self.file.sync()?)
    }

    /// What was written is durable: before a checkpoint that counts on it.
    pub(super) fn sync(&mut self) -> Result<(), Error> {
        Ok(self.file.sync()?)
    }
}

fn at(step: u64) -> At {
    At { step, time: now() }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::UNIX_EPOCH.elapsed().map_or(0.0, |since| since.as_secs_f64())
}
