//! One neuron a class: by count, by time, by membrane.

use nl_neuron::SpikeTrain;
use nl_units::Error;

use super::argmax;

/// argmax_c Σ_t s_c\[t\], of equals the lowest; `None` if nobody spiked.
///
/// ```
/// use nl_encoding::decode::spike_count;
/// use nl_neuron::SpikeTrain;
/// let train = SpikeTrain::from_events(3, 4, &[(0, 2), (1, 1), (3, 1)])?;
/// assert_eq!(spike_count(&train), Some(1));
/// # Ok::<(), nl_units::Error>(())
/// ```
#[must_use]
pub fn spike_count(train: &SpikeTrain) -> Option<usize> {
    (train.count() > 0).then(|| argmax(&train.counts()))
}

/// The neuron that spikes first; of several in that step the one with most spikes in all, of equals the lowest; `None`
/// if nobody spiked.
///
/// ```
/// use nl_encoding::decode::first_spike;
/// use nl_neuron::SpikeTrain;
/// let train = SpikeTrain::from_events(3, 4, &[(1, 1), (1, 2), (3, 0), (3, 2)])?;
/// assert_eq!(first_spike(&train), Some(2));
/// # Ok::<(), nl_units::Error>(())
/// ```
#[must_use]
pub fn first_spike(train: &SpikeTrain) -> Option<usize> {
    let first = (0..train.steps()).map(|step| train.at(step)).find(|row| !row.is_empty())?;
    let counts = train.counts();
    let among: Vec<u32> = first.iter().map(|&neuron| counts[neuron as usize]).collect();
    Some(first[argmax(&among)] as usize)
}

/// argmax_c max_t U\[t, c\] of membrane potentials `[T, classes]`, of equals the lowest.
///
/// ```
/// use nl_encoding::decode::{membrane_last, membrane_maximum};
/// let u = [0.1, 0.9, /**/ 0.5, 0.2]; // two steps of two classes
/// assert_eq!((membrane_maximum(&u, 2)?, membrane_last(&u, 2)?), (1, 0));
/// # Ok::<(), nl_units::Error>(())
/// ```
///
/// # Errors
/// If there is no class, no step, part of a step, or a potential that is not finite.
pub fn membrane_maximum(potentials: &[f32], classes: usize) -> Result<usize, Error> {
    let rows = steps("membrane maximum", potentials, classes)?;
    let mut maxima = vec![f32::NEG_INFINITY; classes];
    for row in rows {
        for (maximum, &u) in maxima.iter_mut().zip(row) {
            *maximum = maximum.max(u);
        }
    }
    Ok(argmax(&maxima))
}

/// argmax_c U\[T − 1, c\] of membrane potentials `[T, classes]`, of equals the lowest.
///
/// # Errors
/// As [`membrane_maximum`].
pub fn membrane_last(potentials: &[f32], classes: usize) -> Result<usize, Error> {
    Ok(steps("membrane last", potentials, classes)?.last().map_or(0, argmax))
}

/// The rows of `[T, classes]`, T > 0.
fn steps<'a>(
    name: &'static str,
    potentials: &'a [f32],
    classes: usize,
) -> Result<core::slice::ChunksExact<'a, f32>, Error> {
    Error::population(name, classes)?;
    Error::length(name, "potentials", (potentials.len() / classes).max(1).saturating_mul(classes), potentials.len())?;
    if let Some(&u) = potentials.iter().find(|u| !u.is_finite()) {
        Error::finite(name, "potential", u.into())?;
    }
    Ok(potentials.chunks_exact(classes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_and_ties() {
        let silent = SpikeTrain::from_events(3, 4, &[]).unwrap();
        assert_eq!((spike_count(&silent), first_spike(&silent)), (None, None));
        let even = SpikeTrain::from_events(3, 4, &[(1, 2), (1, 1), (2, 0)]).unwrap();
        assert_eq!((spike_count(&even), first_spike(&even)), (Some(0), Some(1)));
    }

    #[test]
    fn potentials_may_be_negative_but_not_amiss() {
        assert_eq!(membrane_maximum(&[-70.0, -60.0, -65.0, -60.0], 2), Ok(1));
        assert_eq!(membrane_last(&[0.0, 1.0, 1.0, 1.0, 0.0, 1.0], 3), Ok(0));
        for (potentials, classes) in [(&[0.0, 1.0][..], 0), (&[], 2), (&[0.0; 3], 2), (&[0.0, f32::NAN], 2)] {
            assert!(membrane_maximum(potentials, classes).is_err());
            assert!(membrane_last(potentials, classes).is_err());
        }
    }
}
