//! What a finished run has learned, to be asked: no images, no lock, nothing written.

use std::path::{Path, PathBuf};

use nl_data::Split;

use super::{
    Checkpoint, CheckpointStore, ConfigOf, Estimate, Model, Observer, Prediction, Progress, Setting, Summary, Timings,
    score_text,
};
use crate::config::Document;
use crate::data::{Dataset, SampleForm, Set};
use crate::{Error, FileError};

/// A trained model.
///
/// ```no_run
/// use nl_train::Trained;
/// use nl_train::models::BrainModel;
/// # let images = nl_data::synthetic::digits(1, 1, 1).test;
///
/// let brain = Trained::<BrainModel>::open("experiments/first".as_ref())?;
/// for prediction in brain.predict(&images)? {
///     println!("{} ({:.0} %)", prediction.name, 100.0 * prediction.probabilities[prediction.class]);
/// }
/// # Ok::<(), nl_train::Error>(())
/// ```
pub struct Trained<M: Model> {
    config: ConfigOf<M>,
    model: M,
    /// A blank sample of their form, and where they came from.
    data: Dataset<M::Set>,
    weights_sha256: Option<String>,
    folder: PathBuf,
}

impl<M: Model> Trained<M> {
    /// What the run in `folder` has learned.
    ///
    /// # Errors
    /// A folder without a finished run of this model, checkpoints that cannot be read, or a model that learns from nothing.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if M::Set::WHAT.is_none() {
            return Err(Error::config(format!("a model of kind {} names no classes: it cannot be asked", M::KIND)));
        }
        let latest = CheckpointStore::new(folder.join("checkpoints")).latest::<Checkpoint<M::State>>()?;
        let Checkpoint { at, model: state } = latest.value;
        let config = Document::json("the checkpoint's configuration", &at.config)?.config::<M>()?;
        let (stage, stages) = (at.stage, config.stages.len());
        if (stage as usize) < stages {
            return Err(Error::config(format!(
                "`{}` is not finished: {stage} of {stages} stages are over; go on with --resume first",
                folder.display()
            )));
        }
        let Some(known) = at.data else {
            return Err(Error::config("the checkpoint does not say which data it is of"));
        };
        let blank = M::Set::blank(&known.form)?;
        let split = Split { train: blank.clone(), test: blank };
        let data = Dataset { split, source: known.source, learn: Vec::new(), validation: Vec::new() };
        let mut model = M::build(Setting { config: &config, data: Some(&data) })?;
        model.restore(state, folder)?;
        let weights = folder.join("weights.safetensors");
        let weights_sha256 = match std::fs::read(&weights) {
            Ok(bytes) => Some(super::sha256_hex(&bytes)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(FileError::at("read", &weights)(error).into()),
        };
        Ok(Self { config, model, data, weights_sha256, folder: folder.to_owned() })
    }

    /// What a sample is like that it learned.
    #[must_use]
    pub fn form(&self) -> SampleForm {
        self.data.split.train.form()
    }

    /// The configuration of the run.
    #[must_use]
    pub fn config(&self) -> &ConfigOf<M> {
        &self.config
    }

    /// The model.
    pub(super) fn model(&self) -> &M {
        &self.model
    }

    /// The folder of the run.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn weights_sha256(&self) -> Option<&str> {
        self.weights_sha256.as_deref()
    }

    /// The scores on the test images of `data`.
    ///
    /// # Errors
    /// [`Error::Stopped`], samples that do not fit, or a model that cannot be asked.
    pub fn evaluate(&self, data: &Dataset<M::Set>, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error> {
        let mut timings = Timings::default();
        let mut progress = Progress::new(observer, &mut timings, &self.folder);
        let scores = self.model.evaluate(Setting { config: &self.config, data: Some(data) }, &mut progress)?;
        let row = |(name, &value): (&String, &f64)| (name.replace('_', " "), score_text(name, value));
        Ok(Summary {
            model: M::KIND.to_owned(),
            preset: self.config.name.clone(),
            dataset: Some(data.source.clone()),
            seed: self.config.seed,
            threads: rayon::current_num_threads(),
            rows: scores.iter().map(row).collect(),
            scores,
            seconds: timings.by_key(),
            weights_sha256: self.weights_sha256.clone(),
            report: self.folder.join("report.html").to_string_lossy().into_owned(),
            details: serde_json::Map::new(),
            subject: {
                let (n, unit) = (data.split.test.len(), data.split.test.form().unit());
                format!("{n} test {unit}, {}", crate::page::data_name(&data.source))
            },
        })
    }

    /// What it says about samples of the form it was trained on: the class of each.
    ///
    /// # Errors
    /// Samples of another form, or a model that names no classes.
    pub fn predict(&self, samples: &M::Set) -> Result<Vec<Prediction>, Error> {
        self.model.predict(Setting { config: &self.config, data: Some(&self.data) }, samples)
    }

    /// Whether it learned values: then it gives an [`estimate`](Self::estimate), else a [prediction](Self::predict).
    #[must_use]
    pub fn estimates(&self) -> bool {
        self.model.estimates()
    }

    /// What it says about samples of the form it was trained on: the values of each.
    ///
    /// # Errors
    /// Samples of another form, or a model that learned no values.
    pub fn estimate(&self, samples: &M::Set) -> Result<Vec<Vec<Estimate>>, Error> {
        self.model.estimate(Setting { config: &self.config, data: Some(&self.data) }, samples)
    }
}
