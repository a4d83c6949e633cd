//! What a finished run has learned, to be asked: no images, no lock, nothing written.

use std::path::{Path, PathBuf};

use nl_data::{Images, Split};

use super::{
    Checkpoint, CheckpointStore, ConfigOf, Model, Observer, Prediction, Progress, Setting, Summary, Timings, score_text,
};
use crate::config::Document;
use crate::data::Dataset;
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
    /// A blank image of their size, and where they came from.
    data: Dataset,
    weights_sha256: Option<String>,
    folder: PathBuf,
}

impl<M: Model> Trained<M> {
    /// What the run in `folder` has learned.
    ///
    /// # Errors
    /// A folder without a finished run of this model, checkpoints that cannot be read, or a model that does not learn from
    /// images.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        if !M::IMAGES {
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
        let Some(shape) = at.images else {
            return Err(Error::config("the checkpoint does not say which images it is of"));
        };
        if shape.height > 1 << 16 || shape.width > 1 << 16 {
            return Err(Error::config("the checkpoint is of images that are too large to be any"));
        }
        // A blank image says what images are like.
        let area = shape.height.saturating_mul(shape.width);
        let blank = || Images::new(vec![0; area], vec![0], shape.height, shape.width, shape.classes);
        let blank = || blank().map_err(|e| Error::config(e.to_string()));
        let split = Split { train: blank()?, test: blank()? };
        let data = Dataset { split, source: shape.source, learn: Vec::new(), labelled: Vec::new(), validation: Vec::new() };
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

    /// Height, width and number of classes of the images it learned.
    #[must_use]
    pub fn shape(&self) -> (usize, usize, usize) {
        let images = &self.data.split.train;
        (images.height(), images.width(), images.classes())
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
    /// [`Error::Stopped`], images that do not fit, or a model that names no classes.
    pub fn evaluate(&self, data: &Dataset, observer: &mut (dyn Observer + Send)) -> Result<Summary, Error> {
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
            subject: format!("{} test images, {}", data.split.test.len(), crate::page::data_name(&data.source)),
        })
    }

    /// What it says about images of the size it was trained on.
    ///
    /// # Errors
    /// Images of another size, or a model that names no classes.
    pub fn predict(&self, images: &Images) -> Result<Vec<Prediction>, Error> {
        self.model.predict(Setting { config: &self.config, data: Some(&self.data) }, images)
    }
}
