//! What can be wrong with a model, its input, or a spike list.

use crate::Ms;

/// A parameter, a size or an index that does not fit.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter outside the range in which the equations mean something (or NaN, or infinite).
    #[error("{model}: {name} = {value} is not usable; {expected}")]
    Parameter {
        /// The model, rule or source.
        model: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What it must be, and how to mend it.
        expected: &'static str,
    },
    /// A duration that is not a whole number of time steps; see [`grid`](crate::grid).
    #[error(
        "{model}: {name} = {value} is not a whole number of steps of {dt}; use {below} or {above} (Ms::on_grid takes the \
         nearer one)"
    )]
    OffGrid {
        /// The model, rule or source.
        model: &'static str,
        /// The parameter's name.
        name: &'static str,
        /// What was given.
        value: Ms,
        /// The time step.
        dt: Ms,
        /// The nearest duration below that is on the grid.
        below: Ms,
        /// The nearest duration above that is on the grid.
        above: Ms,
    },
    /// A decay so slow beside dt that the scalar cannot follow it; as nl-neuron's `slow` explains.
    #[error(
        "{model}: {name} = {tau} is too slow for {scalar} in steps of {dt}, it would be off by more than 1 %; use at most \
         {longest}, longer steps, or a wider scalar"
    )]
    TooSlow {
        /// The model, rule or source.
        model: &'static str,
        /// The time constant's name.
        name: &'static str,
        /// What was given.
        tau: Ms,
        /// The time step.
        dt: Ms,
        /// The longest that can be followed.
        longest: Ms,
        /// The scalar.
        scalar: &'static str,
    },
    /// A slice whose length is not what the population needs.
    #[error("{model}: `{what}` has {got} elements, but {expected} are needed; pass a slice of that length")]
    Length {
        /// The model, rule or source.
        model: &'static str,
        /// The argument.
        what: &'static str,
        /// Elements needed.
        expected: usize,
        /// Elements found.
        got: usize,
    },
    /// A population of none, or of more than 2³² − 1 neurons.
    #[error("{model}: a population of {n} neurons; use 1 to 4294967295")]
    Population {
        /// The model or source.
        model: &'static str,
        /// The size asked for.
        n: usize,
    },
    /// The memory for a state is not there.
    #[error("{model}: no memory for {bytes} bytes; use fewer neurons")]
    Memory {
        /// The model or source.
        model: &'static str,
        /// How many bytes were asked for, of one array.
        bytes: usize,
    },
    /// A neuron index beyond the population.
    #[error("{what}: neuron {index} of a population of {n}; indices run from 0 to n - 1")]
    Index {
        /// The operation.
        what: &'static str,
        /// The index.
        index: usize,
        /// The population's size.
        n: usize,
    },
}

impl Error {
    /// `Ok` if `value` is finite and `fits`, else [`Error::Parameter`].
    ///
    /// ```
    /// use nl_units::Error;
    /// assert!(Error::check("lif", "tau_m", f64::NAN, |x| x > 0.0, "use a positive time in ms").is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(
        model: &'static str,
        name: &'static str,
        value: f64,
        fits: impl Fn(f64) -> bool,
        expected: &'static str,
    ) -> Result<(), Self> {
        if value.is_finite() && fits(value) { Ok(()) } else { Err(Self::Parameter { model, name, value, expected }) }
    }

    /// `Ok` if `value` is a positive, finite time.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn positive(model: &'static str, name: &'static str, value: f64) -> Result<(), Self> {
        Self::check(model, name, value, |x| x > 0.0, "use a finite number above 0")
    }

    /// `Ok` if `value` is finite and not below 0.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn not_negative(model: &'static str, name: &'static str, value: f64) -> Result<(), Self> {
        Self::check(model, name, value, |x| x >= 0.0, "use a finite number, 0 or above")
    }

    /// `Ok` if `value` is finite.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn finite(model: &'static str, name: &'static str, value: f64) -> Result<(), Self> {
        Self::check(model, name, value, |_| true, "use a finite number")
    }

    /// `Ok` if a slice has the length needed.
    ///
    /// # Errors
    /// [`Error::Length`].
    pub fn length(model: &'static str, what: &'static str, expected: usize, got: usize) -> Result<(), Self> {
        if got == expected { Ok(()) } else { Err(Self::Length { model, what, expected, got }) }
    }

    /// `Ok` if the arrays of a state are all as long as its population, which is not empty: a state read from a file may not be.
    ///
    /// ```
    /// use nl_units::Error;
    /// let (v, refractory) = ([0.0_f32; 3], [0_u32; 2]);
    /// assert!(Error::state("lif", v.len(), &[refractory.len()]).is_err());
    /// ```
    ///
    /// # Errors
    /// [`Error::Population`] or [`Error::Length`].
    #[inline]
    pub fn state(model: &'static str, n: usize, lengths: &[usize]) -> Result<(), Self> {
        Self::population(model, n)?;
        lengths.iter().try_for_each(|&length| Self::length(model, "state (all arrays alike)", n, length))
    }

    /// `Ok` if a population of `n` can be indexed by `u32` and is not empty.
    ///
    /// # Errors
    /// [`Error::Population`].
    pub fn population(model: &'static str, n: usize) -> Result<(), Self> {
        if n > 0 && u32::try_from(n).is_ok() { Ok(()) } else { Err(Self::Population { model, n }) }
    }
}
