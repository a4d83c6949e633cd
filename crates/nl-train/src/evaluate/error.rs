//! What can be wrong with what is to be scored.

/// Predictions and truth that cannot be scored, and why.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// Nothing to score.
    #[error("{score}: there is nothing to score; hand in at least one {what}")]
    Empty {
        /// The score.
        score: &'static str,
        /// What is missing.
        what: &'static str,
    },
    /// Slices whose lengths contradict each other.
    #[error("{score}: {found} {what}, but {expected} are needed ({why})")]
    Length {
        /// The score.
        score: &'static str,
        /// What was counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
        /// Where that number comes from.
        why: String,
    },
    /// A label that is no class.
    #[error("{score}: label {label} of sample {index} is no class; there are {classes}, counted from 0")]
    Label {
        /// The score.
        score: &'static str,
        /// The sample.
        index: usize,
        /// Its label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// A number that the score has no meaning for.
    #[error("{score}: value {index} of the {what} is {value}; it must be {expected}")]
    Value {
        /// The score.
        score: &'static str,
        /// Which slice.
        what: &'static str,
        /// Its place there.
        index: usize,
        /// The value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A parameter outside its range.
    #[error("{score}: {parameter} = {value}, expected {expected}")]
    Parameter {
        /// The score.
        score: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// An image could not be changed.
    #[error(transparent)]
    Transform(#[from] nl_data::TransformError),
}
