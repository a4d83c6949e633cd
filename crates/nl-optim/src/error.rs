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
    /// An element is infinite or NaN; nothing was changed.
    #[error(
        "{op}: element {at} of {what} is {value}; nothing was changed: lower the learning rate, or look for a division by 0 \
         in the loss"
    )]
    NotFinite {
        /// What was called.
        op: &'static str,
        /// The slice.
        what: &'static str,
        /// The first such element.
        at: usize,
        /// What stands there.
        value: f32,
    },
    /// There is no memory for a state of that size; nothing was allocated.
    #[error("{op}: there is no memory for {elements} numbers; the state needs as many as there are parameters")]
    Memory {
        /// What was called.
        op: &'static str,
        /// Numbers asked for.
        elements: usize,
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

/// A finite number, 0 or more, also to `f32`, in which the loops run: 1e300 would be ∞ there.
pub(crate) fn require_not_negative(owner: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    require(
        value >= 0.0 && (value as f32).is_finite(),
        owner,
        name,
        value,
        "a finite number, 0 or more, at most 3.4e38",
    )
}

/// A finite number above 0, also to `f32`: 1e-300 would be 0 there.
pub(crate) fn require_positive(owner: &'static str, name: &'static str, value: f64) -> Result<(), Error> {
    let held = value as f32;
    require(held > 0.0 && held.is_finite(), owner, name, value, "a finite number above 0, from 1e-45 to 3.4e38")
}

/// `len` zeros, or an error before anything is allocated.
pub(crate) fn zeros(op: &'static str, len: usize) -> Result<Vec<f32>, Error> {
    let mut zeros = Vec::new();
    zeros.try_reserve_exact(len).map_err(|_| Error::Memory { op, elements: len })?;
    zeros.resize(len, 0.0);
    Ok(zeros)
}
