//! Why samples are refused.

use thiserror::Error;

use super::MOST_CLASSES;

/// Why a set of samples was refused.
#[derive(Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum SamplesError {
    /// No sample.
    #[error("samples: empty set; pass at least one sample of at least one value")]
    Empty,
    /// More samples than a u32 can number.
    #[error("samples: {len} samples, at most {} can be numbered; split the set", u32::MAX)]
    TooMany {
        /// Samples given.
        len: usize,
    },
    /// A shape without a value, or too large to be multiplied out.
    #[error("samples: a sample of shape {shape:?} has no value or too many; each size must be at least 1")]
    Shape {
        /// The shape of one sample.
        shape: Vec<usize>,
    },
    /// `values` is not `samples · shape` long.
    #[error("samples: {found} values for {samples} samples of shape {shape:?}, expected {}", shape.iter().fold(*samples, |n, &size| n.saturating_mul(size)))]
    ValueCount {
        /// Values given.
        found: usize,
        /// Samples, counted by their targets.
        samples: usize,
        /// The shape of one sample.
        shape: Vec<usize>,
    },
    /// A value that is not finite.
    #[error(
        "samples: value {at} of sample {sample} is {value}; fill in or remove what is missing, and scale what is too large"
    )]
    NotFinite {
        /// The sample.
        sample: usize,
        /// The position within it, row-major.
        at: usize,
        /// The value.
        value: f32,
    },
    /// No class, or more than are counted.
    #[error("samples: {classes} classes; 1 to {MOST_CLASSES} can be told apart")]
    Classes {
        /// The number of classes given.
        classes: usize,
    },
    /// A label is not below the number of classes.
    #[error("samples: label {label} of sample {sample} is not below the number of classes, {classes}")]
    LabelRange {
        /// The offending label.
        label: u32,
        /// Its position.
        sample: usize,
        /// The number of classes.
        classes: usize,
    },
    /// Targets that do not make whole rows.
    #[error("samples: {found} target values do not make rows of {width}; pass {width} for each sample, at least 1")]
    TargetCount {
        /// Target values given.
        found: usize,
        /// Values a sample.
        width: usize,
    },
    /// A target that is not finite.
    #[error("samples: target {at} of sample {sample} is {value}; remove the sample, or scale its targets")]
    TargetNotFinite {
        /// The sample.
        sample: usize,
        /// Which of its targets.
        at: usize,
        /// The value.
        value: f32,
    },
    /// Names that are not one for each class or target.
    #[error("samples: {found} names for {expected} classes or targets; pass one for each, or none")]
    NameCount {
        /// Names given.
        found: usize,
        /// Classes, or values a target.
        expected: usize,
    },
    /// Names that are not one for each value of a sample.
    #[error("samples: {found} names for {expected} values of a sample; pass one for each, or none")]
    ColumnCount {
        /// Names given.
        found: usize,
        /// Values a sample.
        expected: usize,
    },
    /// A class that is not among those known.
    #[error("samples: the class {class:?} is not among those known; remove its samples, or name it as a known one")]
    UnknownClass {
        /// The class.
        class: String,
    },
    /// A name that cannot be shown.
    #[error("samples: name {at} {what}; use short names, each once")]
    Name {
        /// Its position.
        at: usize,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Training and test samples are not alike.
    #[error("samples: the training samples have {train}, but the test samples have {test}")]
    NotAlike {
        /// What the training samples have.
        train: String,
        /// What the test samples have in its place.
        test: String,
    },
    /// The samples are no grey images with classes.
    #[error("samples: {what}, but grey images of bytes [height, width] in at most 256 classes are needed here")]
    NotGrey {
        /// What they are.
        what: String,
    },
}
