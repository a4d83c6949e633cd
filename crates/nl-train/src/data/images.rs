//! Grey images of bytes, in classes.

use std::path::Path;

use nl_data::{Images, Lookup, Source, Split, resolve};

use super::{SampleForm, Set, TargetKind};
use crate::config::DataConfig;
use crate::{Error, read_pictures};

impl Set for Images {
    const WHAT: Option<&'static str> = Some("images");

    fn find(config: &DataConfig, lookup: &Lookup) -> Result<(Split, Source), Error> {
        if config.is_of_samples() {
            let names = "target, inputs, task, colour, split and normalize";
            return Err(Error::config(format!("{names} are for a model of kind `layers`; leave them out here")));
        }
        Ok(resolve(&config.name, &config.source, lookup)?)
    }

    fn find_test(config: &DataConfig, lookup: &Lookup, _: &SampleForm) -> Result<(Self, Source), Error> {
        let (split, source) = Self::find(config, lookup)?;
        Ok((split.test, source))
    }

    fn open(path: &Path, form: &SampleForm) -> Result<Self, Error> {
        let &[height, width] = &form.shape[..] else { return Err(no_images()) };
        read_pictures(path, (height, width), form.targets.classes())
    }

    fn form(&self) -> SampleForm {
        SampleForm {
            shape: vec![self.height(), self.width()],
            bytes: true,
            columns: Vec::new(),
            targets: TargetKind::Classes { classes: self.classes(), names: Vec::new() },
        }
    }

    fn blank(form: &SampleForm) -> Result<Self, Error> {
        let &[height, width] = &form.shape[..] else { return Err(no_images()) };
        let area = height.checked_mul(width).filter(|&area| area <= super::samples::MOST).ok_or_else(no_images)?;
        let blank = Self::new(vec![0; area], vec![0], height, width, form.targets.classes());
        blank.map_err(|e| Error::config(e.to_string()))
    }

    fn len(&self) -> usize {
        self.len()
    }

    fn strata(&self) -> Vec<u32> {
        self.labels().iter().map(|&label| u32::from(label)).collect()
    }

    fn select(&self, indices: &[u32]) -> Self {
        self.select(indices)
    }

    fn with_labels(&self, labels: Vec<u32>) -> Result<Self, Error> {
        let labels = labels.into_iter().map(|label| u8::try_from(label).unwrap_or(u8::MAX)).collect();
        Self::new(self.pixels().to_vec(), labels, self.height(), self.width(), self.classes())
            .map_err(|e| Error::config(e.to_string()))
    }

    fn pixels(&self) -> Result<(&[u8], [usize; 3]), Error> {
        Ok((self.pixels(), [1, self.height(), self.width()]))
    }

    fn with_pixels(&self, pixels: Vec<u8>) -> Result<Self, Error> {
        let (labels, height, width) = (self.labels().to_vec(), self.height(), self.width());
        Self::new(pixels, labels, height, width, self.classes()).map_err(|e| Error::config(e.to_string()))
    }
}

fn no_images() -> Error {
    Error::config("the checkpoint is of images that are none: another height and width, or too large")
}

/// `Ok` if `images` have the size that `learner` learned, and no more classes, as far as they matter to it.
///
/// # Errors
/// [`Error::Config`] with what there is and what was learned.
pub(crate) fn fits(
    images: &Images,
    learner: &str,
    (height, width): (usize, usize),
    classes: Option<usize>,
) -> Result<(), Error> {
    let (h, w) = (images.height(), images.width());
    if (h, w) != (height, width) {
        return Err(Error::config(format!("images of {h} × {w} pixels, but the {learner} learned {height} × {width}")));
    }
    match classes {
        Some(known) if images.classes() > known => {
            let found = images.classes();
            Err(Error::config(format!("images of {found} classes, but the {learner} learned {known}")))
        }
        _ => Ok(()),
    }
}
