//! The one error of this crate: what went wrong, at which layer path.

/// Why a layer could not be built or run; every message starts with the path of the layer or parameter.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer was given an input of a shape it cannot take.
    #[error("{path}: expected an input of shape {expected}, got {got:?}; {help}")]
    Input {
        /// Path of the layer.
        path: String,
        /// The shape it takes, axes named or numbered.
        expected: String,
        /// The shape it was given.
        got: Vec<usize>,
        /// What to do about it.
        help: &'static str,
    },
    /// A hyper-parameter has a value that no layer could work with.
    #[error("{path}: {message}")]
    Hyperparameter {
        /// Path of the layer.
        path: String,
        /// What is wrong, with the offending value, and what to do.
        message: String,
    },
    /// Two parameters would have the same path.
    #[error("{path}: a parameter of this path exists already; give each layer its own child of the builder")]
    DuplicatePath {
        /// The path asked for twice.
        path: String,
    },
    /// A path segment that would make paths ambiguous.
    #[error("{path}: `{name}` is no name for a path segment; use one or more characters, none of them `/`")]
    Name {
        /// Path of the parent.
        path: String,
        /// The offending name.
        name: String,
    },
    /// A parameter that the store does not hold.
    #[error("{path}: no such parameter; `Parameters::entries` lists those that exist")]
    UnknownPath {
        /// The path looked up.
        path: String,
    },
    /// Values whose number or shape differs from the parameters they should replace.
    #[error("{path}: expected values of shape {expected:?}, got {got:?}; was the source built from another config?")]
    Values {
        /// Path of the parameter, or a prefix of paths.
        path: String,
        /// Shape in this store.
        expected: Vec<usize>,
        /// Shape found.
        got: Vec<usize>,
    },
    /// Weights that are not those of this store; nothing was loaded.
    #[error(
        "weights do not fit, nothing was loaded: missing {missing:?}; not expected {unexpected:?}; of another kind \
         {mismatched:?}; were they saved from the same config?"
    )]
    Load {
        /// Paths of parameters that were not given.
        missing: Vec<String>,
        /// Names given that are no path of a parameter.
        unexpected: Vec<String>,
        /// Paths given with another shape or number of values, twice, or with a value that is not finite, and what is
        /// wrong.
        mismatched: Vec<String>,
    },
    /// A gradient of another length than the parameters, or of a context over variables, which has none.
    #[error("gradient: {got} numbers given for {expected} parameters; give one for each of `Parameters::values`")]
    Gradient {
        /// Number of parameters.
        expected: usize,
        /// Numbers given.
        got: usize,
    },
    /// A layer that draws noise was run in training mode without a source of noise, or with too few sample ids.
    #[error(
        "{path}: needs one sample id per row to draw its noise: {rows} rows, {samples} ids; \
         set them with `Context::with_noise`, or run in `Mode::Eval`"
    )]
    Noise {
        /// Path of the layer.
        path: String,
        /// Rows of the batch.
        rows: usize,
        /// Sample ids in the context.
        samples: usize,
    },
    /// An op of the layer failed.
    #[error("{path}: {source}")]
    Op {
        /// Path of the layer.
        path: String,
        /// The op's own message (boxed, to keep `Result` small).
        source: Box<nl_autodiff::Error>,
    },
}

impl Error {
    /// An op's error, at a layer's path.
    pub fn at(path: &str, source: nl_autodiff::Error) -> Self {
        Self::Op { path: path.to_owned(), source: Box::new(source) }
    }

    /// A shape a layer cannot take.
    pub fn input(path: &str, expected: impl Into<String>, got: &[usize], help: &'static str) -> Self {
        Self::Input { path: path.to_owned(), expected: expected.into(), got: got.to_vec(), help }
    }

    /// A hyper-parameter out of its range.
    pub fn hyperparameter(path: &str, message: impl Into<String>) -> Self {
        Self::Hyperparameter { path: path.to_owned(), message: message.into() }
    }
}

/// `.at(path)` on the result of an op.
pub(crate) trait At<T> {
    fn at(self, path: &str) -> Result<T, Error>;
}

impl<T> At<T> for Result<T, nl_autodiff::Error> {
    fn at(self, path: &str) -> Result<T, Error> {
        self.map_err(|source| Error::at(path, source))
    }
}
