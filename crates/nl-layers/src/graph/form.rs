//! The shape of a sample.

use std::fmt;

/// The shape of what one sample is at one place of a network: the tensor's, without the axis of the batch.
///
/// | form | one sample | tensor |
/// |---|---|---|
/// | features | `[F]` | `[B, F]` |
/// | image | `[C, H, W]` | `[B, C, H, W]` |
/// | sequence | T steps of `[F]` | `[T, B, F]`: time first, as in PyTorch |
///
/// ```
/// use nl_layers::graph::Form;
/// assert_eq!(Form::sequence(28, 32).batched(128), [28, 128, 32]);
/// assert_eq!(Form::image(1, 28, 28).to_string(), "1 × 28 × 28");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Form {
    /// Steps of a sequence.
    pub steps: Option<usize>,
    /// The axes of a sample, or of one step of it.
    pub dims: Vec<usize>,
}

impl Form {
    /// A row of `features` numbers.
    #[must_use]
    pub fn features(features: usize) -> Self {
        Self { steps: None, dims: vec![features] }
    }

    /// An image.
    #[must_use]
    pub fn image(channels: usize, height: usize, width: usize) -> Self {
        Self { steps: None, dims: vec![channels, height, width] }
    }

    /// `steps` rows of `features` numbers, one after the other.
    #[must_use]
    pub fn sequence(steps: usize, features: usize) -> Self {
        Self { steps: Some(steps), dims: vec![features] }
    }

    /// The number of features, if it is a row of them.
    #[must_use]
    pub fn as_features(&self) -> Option<usize> {
        match (self.steps, &self.dims[..]) {
            (None, &[features]) => Some(features),
            _ => None,
        }
    }

    /// Channels, height and width, if it is an image.
    #[must_use]
    pub fn as_image(&self) -> Option<[usize; 3]> {
        match (self.steps, &self.dims[..]) {
            (None, &[c, h, w]) => Some([c, h, w]),
            _ => None,
        }
    }

    /// Steps and features, if it is a sequence of rows.
    #[must_use]
    pub fn as_sequence(&self) -> Option<[usize; 2]> {
        match (self.steps, &self.dims[..]) {
            (Some(steps), &[features]) => Some([steps, features]),
            _ => None,
        }
    }

    /// The same form with another last axis.
    #[must_use]
    pub fn with_last(&self, len: usize) -> Self {
        let mut form = self.clone();
        if let Some(last) = form.dims.last_mut() {
            *last = len;
        }
        form
    }

    /// Numbers of one sample; saturates.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dims.iter().fold(self.steps.unwrap_or(1), |all, &n| all.saturating_mul(n))
    }

    /// True for a sample without numbers.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor's shape for a batch of so many samples.
    #[must_use]
    pub fn batched(&self, samples: usize) -> Vec<usize> {
        self.steps.into_iter().chain([samples]).chain(self.dims.iter().copied()).collect()
    }

    /// Whether a tensor with these axes is a batch of it, of any number of samples.
    ///
    /// ```
    /// use nl_layers::graph::Form;
    /// let sequence = Form::sequence(28, 32);
    /// assert!(sequence.fits(&[28, 5, 32]) && !sequence.fits(&[5, 28, 32]));
    /// ```
    #[must_use]
    pub fn fits(&self, axes: &[usize]) -> bool {
        match (self.steps, axes) {
            (None, [_, dims @ ..]) => *dims == self.dims[..],
            (Some(steps), [t, _, dims @ ..]) => *t == steps && *dims == self.dims[..],
            _ => false,
        }
    }

    /// The tensor's shape with a letter for the batch: `[28, B, 32]`.
    #[must_use]
    pub fn named(&self) -> String {
        let axes: Vec<String> = self
            .steps
            .iter()
            .map(ToString::to_string)
            .chain(["B".to_owned()])
            .chain(self.dims.iter().map(ToString::to_string))
            .collect();
        format!("[{}]", axes.join(", "))
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims.iter().map(ToString::to_string).collect();
        match self.steps {
            Some(steps) => write!(f, "{steps} steps of {}", dims.join(" × ")),
            None => f.write_str(&dims.join(" × ")),
        }
    }
}
