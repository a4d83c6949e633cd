//! The same number of targets for each neuron.

use nl_random::Rng;

use crate::{Csr, Error};

use super::{Draw, Multapses, Pairs, from_rows};

/// Each pre neuron gets `degree` synapses, their targets drawn evenly from the pairs.
///
/// ```
/// use nl_synapse::connectivity::{Multapses, Pairs, fixed_out_degree};
/// let mut rng = nl_random::Streams::new(1).rng("connect", 0, 0);
/// let csr = fixed_out_degree(Pairs::between(100, 50), 10, Multapses::Allow, &mut rng)?;
/// assert!((0..100).all(|i| csr.row(i).len() == 10));
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If a population is empty, the degree exceeds the candidates (without multapses) or there are none, or 2³² synapses or
/// more are asked for (found before anything is allocated).
pub fn fixed_out_degree(pairs: Pairs, degree: usize, multapses: Multapses, rng: &mut Rng) -> Result<Csr, Error> {
    const NAME: &str = "fixed out-degree";
    pairs.check(NAME)?;
    let synapses = pairs.pre as u128 * degree as u128;
    Error::count(NAME, synapses)?;
    Pairs::check_degree(NAME, degree, pairs.targets(), multapses)?;
    let mut draw = Draw::new(NAME, pairs.targets(), multapses)?;
    from_rows(NAME, (pairs.pre, pairs.post), synapses, |i, targets| {
        let first = targets.len();
        draw.partners(i, degree, rng, targets);
        let row = &mut targets[first..];
        row.sort_unstable();
        for j in row {
            *j = pairs.candidate(i, *j);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::Autapses;
    use super::*;
    use nl_random::Streams;

    #[test]
    fn the_largest_degree_takes_everybody() {
        let mut rng = Streams::new(5).rng("out", 0, 0);
        let pairs = Pairs::recurrent(9, Autapses::Forbid);
        let csr = fixed_out_degree(pairs, 8, Multapses::Forbid, &mut rng).unwrap();
        assert_eq!(csr, super::super::all_to_all(pairs).unwrap());
        assert!(fixed_out_degree(pairs, 9, Multapses::Forbid, &mut rng).is_err());
        assert!(fixed_out_degree(Pairs::recurrent(1, Autapses::Forbid), 1, Multapses::Allow, &mut rng).is_err());
    }
}
