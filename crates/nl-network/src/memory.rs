//! Memory that is asked for, not taken: a network too large for the machine is an error, not the end of the program.

use crate::NetworkError;

/// An empty list with room for `n` values.
pub(super) fn reserve<T>(what: &'static str, n: usize) -> Result<Vec<T>, NetworkError> {
    let mut list = Vec::new();
    let bytes = n as u128 * size_of::<T>() as u128;
    list.try_reserve_exact(n).map_err(|_| NetworkError::Memory { what: what.into(), bytes })?;
    Ok(list)
}

/// `n` times the default.
pub(super) fn zeros<T: Clone + Default>(what: &'static str, n: usize) -> Result<Vec<T>, NetworkError> {
    let mut list = reserve(what, n)?;
    list.resize(n, T::default());
    Ok(list)
}
