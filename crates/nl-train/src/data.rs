//! The images of a run, and which of them are for what.

use nl_data::{Images, Lookup, Source, Split, resolve};
use nl_random::Streams;

use crate::Error;
use crate::config::DataConfig;
use crate::gradient::hold_out;
use crate::labels::{few, noisy};

/// Images for training and test; indices of those learned from and those held out.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// All of them.
    pub split: Split,
    /// Where they come from.
    pub source: Source,
    /// Indices of the training images that are learned from, ascending.
    pub learn: Vec<u32>,
    /// Of these the ones whose labels are known, ascending.
    pub labelled: Vec<u32>,
    /// Indices of the training images that are held out, ascending.
    pub validation: Vec<u32>,
}

impl Dataset {
    /// Finds the images that `config` names; see [`nl_data::resolve`].
    ///
    /// # Errors
    /// The images are missing or malformed, or too few.
    pub fn find(config: &DataConfig, seed: u64, lookup: &Lookup) -> Result<Self, Error> {
        let (train, test) = (config.synthetic.train, config.synthetic.test);
        let (split, source) = resolve(&config.name, &config.source, &Lookup { train, test, ..lookup.clone() })?;
        Self::new(split, source, config, seed)
    }

    /// Images that are in memory already, divided as `config` says.
    ///
    /// # Errors
    /// None for training or test, images of two sizes, or as many to be held out as there are.
    pub fn new(mut split: Split, source: Source, config: &DataConfig, seed: u64) -> Result<Self, Error> {
        let size = |images: &Images| (images.height(), images.width());
        if split.train.is_empty() || split.test.is_empty() || size(&split.train) != size(&split.test) {
            return Err(Error::config("training and test images must be there, and of one size"));
        }
        if let Some(most) = config.test.filter(|&most| most < split.test.len()) {
            split.test = split.test.select(&first(most));
        }
        let (mut learn, validation) = match config.validation {
            Some(most) => hold_out(split.train.labels(), most, config.validation_share, &Streams::new(seed))?,
            None => (first(split.train.len()), Vec::new()),
        };
        learn.truncate(config.train.unwrap_or(usize::MAX));
        let streams = Streams::new(seed);
        let labelled = match config.labelled.filter(|&n| n < learn.len()) {
            Some(n) => few(split.train.labels(), &learn, n, &streams)?,
            None => learn.clone(),
        };
        if config.label_noise > 0.0 {
            split.train = noisy(&split.train, config.label_noise, &streams)?;
        }
        Ok(Self { split, source, learn, labelled, validation })
    }

    /// The images learned from whose labels are known.
    #[must_use]
    pub fn with_labels(&self) -> Images {
        self.split.train.select(&self.labelled)
    }

    /// The images learned from.
    #[must_use]
    pub fn learned(&self) -> Images {
        self.split.train.select(&self.learn)
    }

    /// The images held out.
    #[must_use]
    pub fn held_out(&self) -> Images {
        self.split.train.select(&self.validation)
    }
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

fn first(n: usize) -> Vec<u32> {
    (0..u32::try_from(n).unwrap_or(u32::MAX)).collect()
}
