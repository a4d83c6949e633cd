//! The same number of sources for each neuron.

use nl_random::Rng;

use crate::{Csr, Error};

use super::{Draw, Multapses, Pairs, reserve, zeros};

/// Each post neuron gets `degree` synapses, their sources drawn evenly from the pairs; Brunel's network is one
/// (2000, with [`Multapses::Allow`] as in NEST's default).
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Multapses, Pairs, fixed_in_degree};
/// let mut rng = nl_random::Streams::new(1).rng("connect", 0, 0);
/// let csr = fixed_in_degree(Pairs::recurrent(100, Autapses::Forbid), 10, Multapses::Forbid, &mut rng)?;
/// assert_eq!(csr.edges().filter(|&(_, post)| post == 42).count(), 10);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If a population is empty, the degree exceeds the candidates (without multapses) or there are none, or 2³² synapses or
/// more are asked for (found before anything is allocated).
pub fn fixed_in_degree(pairs: Pairs, degree: usize, multapses: Multapses, rng: &mut Rng) -> Result<Csr, Error> {
    const NAME: &str = "fixed in-degree";
    pairs.check(NAME)?;
    Error::count(NAME, pairs.post as u128 * degree as u128)?;
    Pairs::check_degree(NAME, degree, pairs.sources(), multapses)?;
    let mut draw = Draw::new(NAME, pairs.sources(), multapses)?;
    let mut sources = reserve(NAME, pairs.post * degree)?;
    let mut offsets = zeros::<u32>(NAME, pairs.pre + 1)?;
    for j in 0..pairs.post as u32 {
        let first = sources.len();
        draw.partners(j, degree, rng, &mut sources);
        for i in &mut sources[first..] {
            *i = pairs.candidate(j, *i);
            offsets[*i as usize + 1] += 1;
        }
    }
    // Columns to rows: post ascends, so each row comes out sorted.
    for i in 0..pairs.pre {
        offsets[i + 1] += offsets[i];
    }
    let mut next = reserve(NAME, pairs.pre)?;
    next.extend_from_slice(&offsets[..pairs.pre]);
    let mut targets = zeros(NAME, sources.len())?;
    for (k, &i) in sources.iter().enumerate() {
        targets[next[i as usize] as usize] = (k / degree) as u32;
        next[i as usize] += 1;
    }
    Csr::new(pairs.pre, pairs.post, offsets, targets)
}

#[cfg(test)]
mod tests {
    use super::super::Autapses;
    use super::*;
    use nl_random::Streams;

    #[test]
    fn all_sources_are_as_likely() {
        let mut rng = Streams::new(3).rng("in", 0, 0);
        let pairs = Pairs::recurrent(6, Autapses::Forbid);
        let mut counts = [[0_u32; 6]; 6];
        let trials = 3000;
        for _ in 0..trials {
            for (i, j) in fixed_in_degree(pairs, 2, Multapses::Forbid, &mut rng).unwrap().edges() {
                counts[i as usize][j as usize] += 1;
            }
        }
        // 2 of 5 candidates: p = 0.4.
        let (mean, sigma) = (f64::from(trials) * 0.4, (f64::from(trials) * 0.4 * 0.6).sqrt());
        for (i, row) in counts.iter().enumerate() {
            for (j, &c) in row.iter().enumerate() {
                assert!(if i == j { c == 0 } else { (f64::from(c) - mean).abs() < 5.0 * sigma }, "{i} {j} {c}");
            }
        }
    }

    #[test]
    fn multapses_are_drawn_only_where_allowed() {
        let doubled = |multapses| {
            let mut rng = Streams::new(4).rng("multi", 0, 0);
            let csr = fixed_in_degree(Pairs::between(5, 40), 4, multapses, &mut rng).unwrap();
            (0..5).any(|i| csr.row(i).windows(2).any(|w| w[0] == w[1]))
        };
        assert!(doubled(Multapses::Allow) && !doubled(Multapses::Forbid));
    }

    /// A changed number here is another network for every seed: a decision, not an accident.
    #[test]
    fn value_stability() {
        let mut rng = Streams::new(42).rng("stability", 0, 0);
        let csr = fixed_in_degree(Pairs::between(8, 4), 2, Multapses::Forbid, &mut rng).unwrap();
        let expected = [(0, 0), (2, 3), (4, 1), (4, 2), (4, 3), (5, 0), (6, 1), (7, 2)];
        assert_eq!(csr.edges().collect::<Vec<_>>(), expected);
    }
}
