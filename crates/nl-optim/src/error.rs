//! What can go wrong: a parameter out of range, slices that do not fit, a gradient that is not finite.

/// An optimiser refused its configuration or its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A hyper-parameter is out of range.
    #[error("optimiser config: {owner}.{name} = {value}; it must be {expected}")]
    Config {
        /// The optimiser, schedule or penalty.
        owner: &'static str,
        /// The hyper-parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A slice or a state buffer has not the length of the parameters.
    #[error(
        "{op}: {what} has {got} elements, but there are {expected} parameters; use the state of the same parameters"
    )]
    Length {
        /// What was called.
        op: &'static str,
        /// The slice.
        what: &'static str,
        /// Number of parameters.
        expected: usize,
        /// Elements found.
        got: usize,
    },
    /// A state of another algorithm.
    #[error("optimiser step: the state belongs to {found}, but the optimiser is {expected}; call init again")]
    State {
        /// The optimiser's algorithm.
        expected: &'static str,
        /// The state's algorithm.
        found: &'static str,
    },
    /// A range of a mask is reversed, or reaches beyond the parameters.
    #[error(
        "mask: range {start}..{end} does not lie in {len} parameters; give start <= end <= the number of parameters"
    )]
    Mask {
        /// Start of the range.
        start: usize,
        /// End of the range.
        end: usize,
        /// Number of parameters (`usize::MAX` if not known yet).
        len: usize,
    },
    /// The norm of the gradient is infinite or NaN.
    #[error("{op}: the gradient's norm is {norm}; lower the learning rate, or look for a division by 0 in the loss")]
    NotFinite {
        /// What was called.
        op: &'static str,
        /// The norm.
        norm: f64,
    },
}

/// `Ok` if `got == expected`.
pub(crate) fn check_len(op: &'static str, what: &'static str, got: usize, expected: usize) -> Result<(), Error> {
    if got == expected { Ok(()) } else { Err(Error::Length { op, what, expected, got }) }
}

/// `Ok` if `holds`, else an [`Error::Config`].
pub(crate) fn require(
    holds: bool,
    owner: &'static str,
    name: &'static str,
    value: impl core::fmt::Display,
    expected: &'static str,
) -> Result<(), Error> {
    if holds { Ok(()) } else { Err(Error::Config { owner, name, value: value.to_string(), expected }) }
}

/// A decay rate β in \[0, 1).
pub(crate) fn require_decay(owner: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require((0.0..1.0).contains(&value), owner, name, value, "in [0, 1)")
}

/// A finite number, 0 or more.
pub(crate) fn require_not_negative(owner: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require(value >= 0.0 && value.is_finite(), owner, name, value, "a finite number, 0 or more")
}

/// A finite number above 0.
pub(crate) fn require_positive(owner: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require(value > 0.0 && value.is_finite(), owner, name, value, "a finite number above 0")
}
