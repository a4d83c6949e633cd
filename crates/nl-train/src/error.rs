//! The one error of training.

/// Why a run could not start, go on or be finished.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value in the configuration is out of range or does not fit the others.
    #[error("config: {message}")]
    Config {
        /// The value, and what to do.
        message: String,
    },
    /// A configuration has faults: each with file, line and column.
    #[error("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Faults {
        /// In the order of the text.
        faults: Vec<crate::yaml::Fault>,
    },
    /// The same below a place that is named already.
    #[error("{message}")]
    Bare {
        /// The value, and what to do.
        message: String,
    },
    /// The loss is infinite or not a number.
    #[error("the loss became {loss} in {place}; lower the learning rate, or clip gradients (clip_norm)")]
    Diverged {
        /// The loss.
        loss: f64,
        /// Stage and step.
        place: String,
    },
    /// A potential or a weight of a spiking network is infinite or not a number.
    #[error("{stage}: {what}")]
    Spiking {
        /// The stage or the network.
        stage: String,
        /// What was found, where and when, and what to do.
        what: String,
    },
    /// A number that decides what comes next is infinite or not a number.
    #[error(
        "{what} became {value} in {place}; lower the learning rate or the weight decay, or clip gradients (clip_norm); the \
         newest checkpoint is from before that"
    )]
    NotFinite {
        /// What: a parameter with its index, a component of a gradient, a validation loss.
        what: String,
        /// Its value.
        value: f64,
        /// Stage, epoch and step.
        place: String,
    },
    /// A worker thread stopped in the middle of a shard.
    #[error("a worker thread stopped in the middle of a shard; this is a bug in an objective or in this crate")]
    Worker,
    /// The run was asked to stop, and has: a checkpoint is written.
    #[error("stopped as asked; a checkpoint is in `{}`", folder.display())]
    Stopped {
        /// The run's folder.
        folder: std::path::PathBuf,
    },
    /// The images differ from those the run was started with.
    #[error("resume: the run was started on {expected}, but the data at hand is {found}; pass the same --data")]
    OtherData {
        /// SHA-256 of the data of the run.
        expected: String,
        /// SHA-256 of the data found.
        found: String,
    },
    /// The configuration in the run's folder was changed in a value that a run cannot change half-way.
    #[error(
        "resume: {field} was {old} when the run was started, and is {new} now; put it back, or start a new run (what may \
         change is `checkpoint`, and stages that have not begun)"
    )]
    OtherConfig {
        /// Its place.
        field: String,
        /// Then, as JSON.
        old: String,
        /// Now, as JSON.
        new: String,
    },
    /// Another SIMD level than the run was started at.
    #[error(
        "resume: the run was started at SIMD level {expected}, this is {found}: its numbers would be neither's; set NL_SIMD={expected}"
    )]
    OtherLevel {
        /// The level of the run.
        expected: String,
        /// The level here.
        found: String,
    },
    /// The error of a part of the configuration, with its place.
    #[error("{place}: {error}")]
    Under {
        /// The place: `stages[1].learn`, or a file.
        place: String,
        /// What is wrong there.
        error: Box<Error>,
    },
    /// No images could be had.
    #[error(transparent)]
    Images(#[from] nl_data::ResolveError),
    /// A memory could not be written or read.
    #[error(transparent)]
    MemoryFile(#[from] nl_memory::FormatError),
    /// A file of the run could not be written or read.
    #[error(transparent)]
    File(#[from] crate::FileError),
    /// A region or a layer refused its input.
    #[error(transparent)]
    Brain(#[from] nl_brain::Error),
    /// A layer refused its input or its parameters.
    #[error(transparent)]
    Layer(#[from] nl_layers::Error),
    /// A spiking network could not be built, run or restored.
    #[error(transparent)]
    Network(#[from] nl_network::NetworkError),
    /// A parameter or the size of something in a spiking network or a decoder.
    #[error(transparent)]
    Neuron(#[from] nl_units::Error),
    /// An encoder refused its parameters or an image.
    #[error(transparent)]
    Encode(#[from] nl_encoding::encode::EncodeError),
    /// An op refused its input.
    #[error(transparent)]
    Op(#[from] nl_autodiff::Error),
    /// A kernel refused its slices.
    #[error(transparent)]
    Kernel(#[from] nl_kernels::ShapeError),
    /// The memory refused a key, a label or a query.
    #[error(transparent)]
    Memory(#[from] nl_memory::Error),
    /// An optimiser's or a schedule's settings are out of range.
    #[error(transparent)]
    Optim(#[from] nl_optim::Error),
    /// An image transform's settings are out of range.
    #[error(transparent)]
    Transform(#[from] nl_data::TransformError),
    /// Batches or a validation split that cannot be made.
    #[error(transparent)]
    Batch(#[from] nl_data::BatchError),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] crate::CheckpointError),
    /// The run's folder could not be written or read.
    #[error(transparent)]
    Folder(#[from] crate::RunFolderError),
    /// The weights could not be written or read.
    #[error(transparent)]
    Weights(#[from] crate::WeightsError),
    /// The report could not be made.
    #[error(transparent)]
    Report(#[from] nl_report::Error),
    /// The map of the embedding could not be made.
    #[error(transparent)]
    Map(#[from] crate::TsneError),
    /// A score was refused.
    #[error(transparent)]
    Score(#[from] crate::evaluate::EvaluateError),
    /// An event file could not be written.
    #[error(transparent)]
    Events(#[from] crate::tensorboard::TensorBoardError),
}

impl From<crate::yaml::Fault> for Error {
    fn from(fault: crate::yaml::Fault) -> Self {
        Self::Faults { faults: vec![fault] }
    }
}

impl Error {
    /// A faulty configuration.
    pub(crate) fn config(message: impl Into<String>) -> Self {
        Self::Config { message: message.into() }
    }

    /// The same error, of a part of the configuration.
    pub(crate) fn under(self, place: &str) -> Self {
        match self {
            Self::Under { place: inner, error } if !place.contains(['/', ' ']) => {
                Self::Under { place: format!("{place}.{inner}"), error }
            }
            Self::Config { message } => {
                Self::Under { place: place.to_owned(), error: Box::new(Self::Bare { message }) }
            }
            other => Self::Under { place: place.to_owned(), error: Box::new(other) },
        }
    }
}
