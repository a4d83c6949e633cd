//! Memory for states, asked for before it is used.

use nl_units::Error;

/// `n` times `value`; an error where the memory is not there.
pub(crate) fn filled<T: Copy>(rule: &'static str, value: T, n: usize) -> Result<Vec<T>, Error> {
    let mut list = Vec::new();
    list.try_reserve_exact(n).map_err(|_| none::<T>(rule, n))?;
    list.resize(n, value);
    Ok(list)
}

/// `Ok` if a connection can have so many synapses with a weight of type `T` each, whether or not the rule keeps values by
/// synapse.
pub(crate) fn check_synapses<T>(rule: &'static str, synapses: usize) -> Result<(), Error> {
    let fits = synapses.checked_mul(size_of::<T>()).is_some_and(|bytes| isize::try_from(bytes).is_ok());
    if fits { Ok(()) } else { Err(none::<T>(rule, synapses)) }
}

fn none<T>(rule: &'static str, n: usize) -> Error {
    Error::Memory { model: rule, bytes: n.saturating_mul(size_of::<T>()) }
}
