//! Samples of any shape, with classes or values.

use std::path::Path;

use nl_data::read::{Colour, Options, inputs};
use nl_data::{
    Lookup, ResolveError, SampleSplit, Samples, SamplesError, Source, Targets, Values, resolve_samples, resolve_test,
};

use super::{SampleForm, Set, TargetKind};
use crate::config::DataConfig;
use crate::{Error, read_pictures};

/// More values than a sample of a checkpoint can have: 2^30.
pub(super) const MOST: usize = 1 << 30;

impl Set for Samples {
    const WHAT: Option<&'static str> = Some("samples");

    fn find(config: &DataConfig, lookup: &Lookup) -> Result<(SampleSplit, Source), Error> {
        Ok(resolve_samples(&config.name, &config.source, lookup, &config.options())?)
    }

    fn find_test(config: &DataConfig, lookup: &Lookup, form: &SampleForm) -> Result<(Self, Source), Error> {
        let options = Options { inputs: form.columns.clone(), ..config.options() };
        let (samples, source) = resolve_test(&config.name, &config.source, lookup, &options)?;
        let samples = samples.with_classes_of(&blank_targets(form, 1)).map_err(refused)?;
        form.check(&samples.form())?;
        Ok((samples, source))
    }

    fn open(path: &Path, form: &SampleForm) -> Result<Self, Error> {
        let grey = form.shape.len() == 2 && form.bytes;
        let known =
            path.extension().is_some_and(|end| ["png", "npy"].iter().any(|known| end.eq_ignore_ascii_case(known)));
        let samples = match form.shape[..] {
            // Pictures and arrays of them, bytes or floats from 0 to 1.
            [height, width] if grey && known => Samples::from(read_pictures(path, (height, width), 1)?),
            _ => {
                let colour = if grey { Colour::Grey } else { Colour::Rgb };
                let options = Options { inputs: form.columns.clone(), colour, ..Options::default() };
                inputs(path, &options, &nl_data::Limits::default()).map_err(ResolveError::from)?
            }
        };
        let (targets, shape, columns) = (blank_targets(form, samples.len()), samples.shape().to_vec(), &form.columns);
        let samples = Self::new(shape, samples.into_values(), targets).map_err(refused)?;
        form.check(&SampleForm { columns: columns.clone(), ..samples.form() })
            .map_err(|error| error.under(&path.to_string_lossy()))?;
        samples.with_columns(columns.clone()).map_err(refused)
    }

    fn form(&self) -> SampleForm {
        SampleForm {
            shape: self.shape().to_vec(),
            bytes: matches!(self.values(), Values::U8(_)),
            columns: self.columns().to_vec(),
            targets: match self.targets() {
                Targets::Classes { classes, names, .. } => {
                    TargetKind::Classes { classes: *classes, names: names.clone() }
                }
                Targets::Values { width, names, .. } => TargetKind::Values { width: *width, names: names.clone() },
            },
        }
    }

    fn blank(form: &SampleForm) -> Result<Self, Error> {
        let width = form.shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).filter(|&n| n <= MOST);
        let targets = if let TargetKind::Values { width, .. } = form.targets { width } else { 0 };
        let width = width.filter(|_| targets <= MOST);
        let width = width.ok_or_else(|| Error::config("the checkpoint is of samples that are too large to be any"))?;
        let values = if form.bytes { Values::U8(vec![0; width]) } else { Values::F32(vec![0.0; width]) };
        let blank = Self::new(form.shape.clone(), values, blank_targets(form, 1));
        blank.and_then(|blank| blank.with_columns(form.columns.clone())).map_err(refused)
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn strata(&self) -> Vec<u32> {
        self.labels().map_or_else(|| vec![0; self.len()], <[u32]>::to_vec)
    }

    fn select(&self, indices: &[u32]) -> Self {
        self.select(indices)
    }

    fn with_labels(&self, labels: Vec<u32>) -> Result<Self, Error> {
        let Targets::Classes { classes, names, .. } = self.targets() else {
            return Err(Error::config("data.label_noise is for classes, and these samples have values"));
        };
        let targets = Targets::Classes { labels, classes: *classes, names: names.clone() };
        let changed = Self::new(self.shape().to_vec(), self.values().clone(), targets);
        changed.and_then(|changed| changed.with_columns(self.columns().to_vec())).map_err(refused)
    }

    fn pixels(&self) -> Result<(&[u8], [usize; 3]), Error> {
        match (self.form().picture(), self.values()) {
            (Some(size), Values::U8(pixels)) => Ok((pixels, size)),
            (_, values) => {
                let (of, shape) = (if matches!(values, Values::U8(_)) { "bytes" } else { "floats" }, self.shape());
                let what = format!("damage is known for images of bytes, and these are {of} of shape {shape:?}");
                Err(Error::config(format!("robustness: {what}; leave out --robustness")))
            }
        }
    }

    fn with_pixels(&self, pixels: Vec<u8>) -> Result<Self, Error> {
        Self::new(self.shape().to_vec(), Values::U8(pixels), self.targets().clone()).map_err(refused)
    }
}

/// The targets of `n` samples of which nothing is known.
fn blank_targets(form: &SampleForm, n: usize) -> Targets {
    match &form.targets {
        TargetKind::Classes { classes, names } => {
            Targets::Classes { labels: vec![0; n], classes: *classes, names: names.clone() }
        }
        TargetKind::Values { width, names } => {
            Targets::Values { width: *width, values: vec![0.0; n * width], names: names.clone() }
        }
    }
}

// For `map_err`.
#[allow(clippy::needless_pass_by_value)]
fn refused(error: SamplesError) -> Error {
    Error::config(error.to_string())
}
