//! What can go wrong: data that contradict themselves.

/// A page or a figure could not be drawn. Nothing is half drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Sizes contradict each other, or a name is not known.
    #[error("{plot}: {what}")]
    Shape {
        /// The kind of plot: `"heat map"`.
        plot: &'static str,
        /// What contradicts what.
        what: String,
    },
    /// The same, with the figure it happened in.
    #[error("figure {figure:?}: {what}")]
    Figure {
        /// Its title.
        figure: String,
        /// What was wrong.
        what: String,
    },
    /// The template failed, which only a fault of this crate can make it do.
    #[error("the page cannot be put together: {0}")]
    Template(String),
}

impl Error {
    pub(crate) fn shape(plot: &'static str, what: impl Into<String>) -> Self {
        Self::Shape { plot, what: what.into() }
    }
}
