//! Each pair with a probability of its own.

use nl_random::Rng;
use rand::RngExt;

use crate::{Csr, Error};

use super::{Pairs, from_rows};

/// Each of the pairs is connected with probability p, independently ("pairwise Bernoulli", Erdős–Rényi).
///
/// The gap to the next connected pair is geometric, ⌊ln U / ln(1 − p)⌋ with U in (0, 1], so that the cost is
/// proportional to the synapses and not to the pairs (Batagelj & Brandes, Efficient generation of large random networks,
/// 2005, alg. 1).
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Pairs, fixed_probability};
/// let mut rng = nl_random::Streams::new(1).rng("connect", 0, 0);
/// let csr = fixed_probability(Pairs::recurrent(1000, Autapses::Forbid), 0.1, &mut rng)?;
/// assert!(csr.synapses().abs_diff(99_900) < 1500); // 5 standard deviations
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If a population is empty, p is not in [0, 1], or 2³² synapses or more are to be expected.
pub fn fixed_probability(pairs: Pairs, p: f64, rng: &mut Rng) -> Result<Csr, Error> {
    const NAME: &str = "fixed probability";
    pairs.check(NAME)?;
    nl_units::Error::check(NAME, "p", p, |p| (0.0..=1.0).contains(&p), "use a probability from 0 to 1")?;
    let mean = p * pairs.count() as f64;
    Error::count(NAME, mean as u128)?;
    let margin = 5.0 * (mean * (1.0 - p)).sqrt();
    let room = ((mean + margin).ceil() as u128).min(pairs.count()).min(u128::from(u32::MAX));
    let width = pairs.targets() as u128;
    let log_q = (-p).ln_1p();
    let mut gap = || if p == 0.0 { u128::MAX >> 1 } else { ((1.0 - rng.random::<f64>()).ln() / log_q) as u128 };
    let mut next = gap();
    from_rows(NAME, (pairs.pre, pairs.post), room, |i, targets| {
        while next < width {
            targets.push(pairs.candidate(i, next as u32));
            next += 1 + gap();
        }
        next -= width;
    })
}

#[cfg(test)]
mod tests {
    use super::super::Autapses;
    use super::*;
    use nl_random::Streams;

    #[test]
    fn certainty_and_impossibility() {
        let mut rng = Streams::new(1).rng("p", 0, 0);
        let pairs = Pairs::recurrent(20, Autapses::Forbid);
        assert_eq!(fixed_probability(pairs, 0.0, &mut rng).unwrap().synapses(), 0);
        let full = fixed_probability(pairs, 1.0, &mut rng).unwrap();
        assert_eq!(full, super::super::all_to_all(pairs).unwrap());
    }

    /// Every pair is equally likely, the corners too: counts over 4000 networks within 5 standard deviations.
    #[test]
    fn every_pair_is_as_likely() {
        let (trials, p) = (4000, 0.3);
        let mut counts = [[0_u32; 4]; 3];
        for k in 0..trials {
            let mut rng = Streams::new(7).rng("pair", 0, k);
            for (i, j) in fixed_probability(Pairs::between(3, 4), p, &mut rng).unwrap().edges() {
                counts[i as usize][j as usize] += 1;
            }
        }
        let (mean, sigma) = (trials as f64 * p, (trials as f64 * p * (1.0 - p)).sqrt());
        assert!(counts.as_flattened().iter().all(|&c| (f64::from(c) - mean).abs() < 5.0 * sigma), "{counts:?}");
    }

    /// A changed number here is another network for every seed: a decision, not an accident.
    #[test]
    fn value_stability() {
        let mut rng = Streams::new(42).rng("stability", 0, 0);
        let csr = fixed_probability(Pairs::between(4, 8), 0.25, &mut rng).unwrap();
        assert_eq!(csr.edges().collect::<Vec<_>>(), [(0, 4), (1, 0), (2, 7), (3, 3)]);
    }
}
