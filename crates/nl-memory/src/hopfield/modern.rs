//! The modern Hopfield network: states of any value, a softmax over what is stored.

use super::Retrieval;
use crate::Error;

/// A network of N units that stores patterns x_μ as they are and moves a state to the one it is near to, or between those that it
/// cannot tell apart.
///
/// ξ ← Σ_μ p_μ x_μ,  p = softmax(β x_μ · ξ)
///
/// Each update lowers, or keeps, E = −(1/β) ln Σ_μ e^(β x_μ · ξ) + ½ ξ · ξ + (1/β) ln P + ½ max_μ |x_μ|² ≥ 0. How many random
/// patterns can be told apart grows exponentially with N, where the classical network keeps 0.138 N. Sums are in f64; as a layer
/// that learns, it stands in nl-layers.
///
/// Source: Ramsauer et al., "Hopfield networks is all you need", ICLR 2021, eq. 2 and 3; β without a choice is 1/√N there.
///
/// ```
/// use nl_memory::hopfield::ModernHopfield;
///
/// let mut network = ModernHopfield::new(4, 2.0)?;
/// network.store(&[1.0, 1.0, -1.0, -1.0])?;
/// network.store(&[1.0, -1.0, 1.0, -1.0])?;
/// let mut state = [1.0, 0.5, -1.0, 0.0];
/// assert!(network.retrieve(&mut state, 10)?.stable);
/// assert!(state[1] > 0.99 && state[3] < -0.99);
/// # Ok::<(), nl_memory::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ModernHopfield {
    units: usize,
    beta: f64,
    /// `[P, N]`
    patterns: Vec<f32>,
}

/// A state rests when no unit moves by more than this times the largest value stored.
const REST: f64 = 1e-6;

impl ModernHopfield {
    /// A network of `units` that holds nothing; `beta` is an inverse temperature, in units of 1 / (x · ξ).
    ///
    /// # Errors
    /// [`Error::Hopfield`] without units, or for a β that is not positive and finite.
    pub fn new(units: usize, beta: f64) -> Result<Self, Error> {
        if units == 0 {
            return Err(refuse("a network has one unit or more".into()));
        }
        if !(beta > 0.0 && beta.is_finite()) {
            return Err(refuse(format!("beta is {beta}, but must be positive and finite")));
        }
        Ok(Self { units, beta, patterns: Vec::new() })
    }

    /// Number of units.
    #[must_use]
    pub const fn units(&self) -> usize {
        self.units
    }

    /// Patterns stored so far.
    #[must_use]
    pub const fn patterns(&self) -> usize {
        self.patterns.len() / self.units
    }

    /// Adds a pattern.
    ///
    /// # Errors
    /// [`Error::Hopfield`] unless it has one finite number for each unit, or if there is no memory; nothing is stored then.
    pub fn store(&mut self, pattern: &[f32]) -> Result<(), Error> {
        self.check("store", pattern)?;
        if self.patterns.try_reserve(pattern.len()).is_err() {
            let held = self.patterns();
            return Err(refuse(format!("store: there is no memory for one more pattern beside {held}")));
        }
        self.patterns.extend_from_slice(pattern);
        Ok(())
    }

    /// Moves `state` until it rests, or for at most `updates`.
    ///
    /// # Errors
    /// [`Error::Hopfield`] unless the state has one finite number for each unit, and something is stored.
    pub fn retrieve(&self, state: &mut [f32], updates: usize) -> Result<Retrieval, Error> {
        let scores = self.check_state("retrieve", state)?;
        let largest = self.patterns.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let mut weights = scores;
        for sweep in 1..=updates {
            self.scores(state, &mut weights);
            let most = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            weights.iter_mut().for_each(|w| *w = (*w - most).exp());
            let sum: f64 = weights.iter().sum();
            let mut next = vec![0.0_f64; self.units];
            for (x, w) in self.patterns.chunks_exact(self.units).zip(&weights) {
                next.iter_mut().zip(x).for_each(|(next, &x)| *next += w / sum * f64::from(x));
            }
            let moved = next.iter().zip(state.iter()).fold(0.0_f64, |most, (a, &b)| most.max((a - f64::from(b)).abs()));
            state.iter_mut().zip(next).for_each(|(state, next)| *state = next as f32);
            if moved <= REST * f64::from(largest) {
                return Ok(Retrieval { sweeps: sweep, stable: true });
            }
        }
        Ok(Retrieval { sweeps: updates, stable: false })
    }

    /// E, at least 0.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn energy(&self, state: &[f32]) -> Result<f64, Error> {
        let mut scores = self.check_state("energy", state)?;
        self.scores(state, &mut scores);
        let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
        let square = |x: &[f32]| x.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>();
        let largest = self.patterns.chunks_exact(self.units).map(square).fold(0.0, f64::max);
        let count = self.patterns() as f64;
        Ok((count.ln() - most - sum.ln()) / self.beta + 0.5 * square(state) + 0.5 * largest)
    }

    /// β x_μ · ξ for each pattern.
    fn scores(&self, state: &[f32], to: &mut [f64]) {
        for (to, x) in to.iter_mut().zip(self.patterns.chunks_exact(self.units)) {
            *to = self.beta * x.iter().zip(state).map(|(&x, &s)| f64::from(x) * f64::from(s)).sum::<f64>();
        }
    }

    /// Room for a score of each pattern.
    fn check_state(&self, op: &'static str, state: &[f32]) -> Result<Vec<f64>, Error> {
        self.check(op, state)?;
        if self.patterns.is_empty() {
            return Err(refuse(format!("{op}: nothing is stored yet; store a pattern first")));
        }
        Ok(vec![0.0; self.patterns()])
    }

    fn check(&self, op: &'static str, values: &[f32]) -> Result<(), Error> {
        if values.len() != self.units {
            return Err(refuse(format!("{op}: {} values for {} units; give one for each", values.len(), self.units)));
        }
        match values.iter().find(|x| !x.is_finite()) {
            Some(x) => Err(refuse(format!("{op}: {x} is no finite number"))),
            None => Ok(()),
        }
    }
}

fn refuse(message: String) -> Error {
    Error::Hopfield { message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use rand::RngExt;

    fn random(units: usize, index: u64) -> Vec<f32> {
        let mut rng = Streams::new(7).rng("pattern", 0, index);
        (0..units).map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 }).collect()
    }

    fn filled(units: usize, patterns: u64, beta: f64) -> ModernHopfield {
        let mut network = ModernHopfield::new(units, beta).unwrap();
        (0..patterns).for_each(|i| network.store(&random(units, i)).unwrap());
        network
    }

    fn overlap(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() / a.len() as f64
    }

    /// Twice as many patterns as units, from cues of which a fifth is wrong: far beyond what a classical network keeps.
    #[test]
    fn more_patterns_than_units_are_told_apart() {
        let network = filled(100, 200, 0.5);
        for i in 0..20 {
            let (pattern, mut state) = (random(100, i), random(100, i));
            state[..20].iter_mut().for_each(|s| *s = -*s);
            assert!(network.retrieve(&mut state, 20).unwrap().stable);
            assert!(overlap(&pattern, &state) > 0.999, "{i}");
        }
    }

    /// One update, as it is written.
    #[test]
    fn an_update_is_that_of_the_equation() {
        let network = filled(6, 3, 0.3);
        let start: Vec<f32> = (0..6).map(|i| 0.2 * i as f32 - 0.5).collect();
        let mut state = start.clone();
        network.retrieve(&mut state, 1).unwrap();
        let raised: Vec<f64> = (0..3).map(|i| (0.3 * 6.0 * overlap(&random(6, i), &start)).exp()).collect();
        let sum: f64 = raised.iter().sum();
        for unit in 0..6 {
            let expected: f64 = (0..3).map(|i| raised[i] / sum * f64::from(random(6, i as u64)[unit])).sum();
            approx::assert_abs_diff_eq!(f64::from(state[unit]), expected, epsilon = 1e-6);
        }
    }

    #[test]
    fn updates_never_raise_the_energy_which_is_not_negative() {
        for beta in [0.01, 0.1, 1.0] {
            let network = filled(50, 30, beta);
            for seed in 0..10 {
                let mut rng = Streams::new(seed).rng("state", 0, 0);
                let mut state: Vec<f32> = (0..50).map(|_| rng.random_range(-1.0..1.0)).collect();
                let mut before = network.energy(&state).unwrap();
                for _ in 0..20 {
                    network.retrieve(&mut state, 1).unwrap();
                    let now = network.energy(&state).unwrap();
                    // Fifty roundings of single precision.
                    assert!(now <= before + 1e-4 && now >= 0.0, "beta {beta}: {before} {now}");
                    before = now;
                }
            }
        }
    }

    /// A small β tells nothing apart: the mean of all patterns.
    #[test]
    fn without_sharpness_the_mean_is_retrieved() {
        let network = filled(40, 5, 1e-6);
        let mut state = random(40, 2);
        assert!(network.retrieve(&mut state, 50).unwrap().stable);
        for (unit, found) in state.iter().enumerate() {
            let mean = (0..5).map(|i| random(40, i)[unit]).sum::<f32>() / 5.0;
            approx::assert_abs_diff_eq!(*found, mean, epsilon = 1e-3);
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let told = |error: Error| error.to_string();
        assert!(told(ModernHopfield::new(0, 1.0).unwrap_err()).contains("one unit or more"));
        for beta in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(told(ModernHopfield::new(3, beta).unwrap_err()).contains("must be positive and finite"));
        }
        let mut network = ModernHopfield::new(3, 1.0).unwrap();
        assert!(told(network.retrieve(&mut [0.0; 3], 1).unwrap_err()).contains("nothing is stored yet"));
        assert!(told(network.store(&[1.0]).unwrap_err()).contains("1 values for 3 units"));
        assert!(told(network.store(&[1.0, f32::NAN, 0.0]).unwrap_err()).contains("NaN is no finite number"));
        assert_eq!(network.patterns(), 0);
        network.store(&[1.0; 3]).unwrap();
        assert!(network.energy(&[0.0; 2]).is_err() && network.retrieve(&mut [f32::INFINITY; 3], 1).is_err());
    }
}
