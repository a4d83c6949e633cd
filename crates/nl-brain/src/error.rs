//! What can be wrong with a brain's sizes or with what it is shown.

/// Why a brain could not be built or run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A size in the config is out of range.
    #[error("brain config: {field} {message}")]
    Config {
        /// The field.
        field: &'static str,
        /// Its value, and its range.
        message: String,
    },
    /// A region refused its input; the message starts with the region's path.
    #[error(transparent)]
    Layer(#[from] nl_layers::Error),
    /// An op outside any region failed.
    #[error("brain: {0}")]
    Op(Box<nl_autodiff::Error>),
    /// The episodic memory refused a key, a label or a query.
    #[error("hippocampus: {0}")]
    Memory(#[from] nl_memory::Error),
    /// Two arguments disagree on the number of images.
    #[error("{region}: `{what}` has {got} elements, but there should be {expected}; pass one row for each image")]
    Rows {
        /// The region asked.
        region: &'static str,
        /// The argument.
        what: &'static str,
        /// Elements that fit the other arguments.
        expected: usize,
        /// Elements found.
        got: usize,
    },
}

impl From<nl_autodiff::Error> for Error {
    fn from(error: nl_autodiff::Error) -> Self {
        Self::Op(Box::new(error))
    }
}

impl Error {
    pub(crate) fn config(field: &'static str, message: String) -> Self {
        Self::Config { field, message }
    }
}
