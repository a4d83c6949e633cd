//! The classical Hopfield network: ±1 units, Hebbian storage, retrieval by descent of an energy.

mod modern;

use nl_random::Streams;
use rand::RngExt;
use serde::{Deserialize, Serialize};

pub use modern::ModernHopfield;

use crate::Error;

/// A network of N units s_i = ±1 that stores patterns ξ^μ by Hebb's rule and finds the one that a cue is near to.
///
/// w_ij = (1/N) Σ_μ ξ_i^μ ξ_j^μ, w_ii = 0
///
/// s_i ← sign(Σ_j w_ij s_j), a unit whose input is 0 staying as it is: all at once, or one after another, which never raises
/// E = −½ Σ_ij w_ij s_i s_j.
///
/// Of P random patterns it keeps those with P / N below 0.138 (Amit, Gutfreund & Sompolinsky, 1985): [`theory`] has the share of units
/// that are right, and `cargo run --release -p nl-memory --example hopfield_capacity` compares. The modern network is
/// [`ModernHopfield`], and a layer of nl-layers that learns.
///
/// Source: Hopfield, "Neural networks and physical systems with emergent collective computational abilities", PNAS 79, 1982.
///
/// ```
/// use nl_memory::hopfield::{HopfieldNetwork, Update};
///
/// let mut network = HopfieldNetwork::new(8)?;
/// network.store(&[1, 1, 1, 1, -1, -1, -1, -1])?;
/// network.store(&[1, -1, 1, -1, 1, -1, 1, -1])?;
/// let mut state = [-1, 1, 1, 1, -1, -1, -1, -1]; // the first, with one unit wrong
/// let retrieval = network.retrieve(&mut state, Update::Synchronous, 10)?;
/// assert!(retrieval.stable);
/// assert_eq!(state, [1, 1, 1, 1, -1, -1, -1, -1]);
/// # Ok::<(), nl_memory::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopfieldNetwork {
    units: usize,
    patterns: usize,
    /// N · w, `[N, N]`: whole numbers, so that sums are exact.
    weights: Vec<i32>,
}

/// Which units are updated at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Update {
    /// All at once (Little, 1974); may end in a cycle of two states.
    Synchronous,
    /// One after another, in an order drawn anew for each sweep; ends in a minimum of the energy.
    Asynchronous {
        /// Seed of the orders.
        seed: u64,
    },
}

/// How a retrieval ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retrieval {
    /// Sweeps over all units.
    pub sweeps: usize,
    /// Whether no unit would change any more.
    pub stable: bool,
}

impl HopfieldNetwork {
    /// A network of `units` that holds nothing.
    ///
    /// # Errors
    /// [`Error::Hopfield`] without units, or if there is no memory for their weights.
    pub fn new(units: usize) -> Result<Self, Error> {
        let refuse = |message: String| Error::Hopfield { message };
        if units == 0 {
            return Err(refuse("a network has one unit or more".into()));
        }
        let mut weights = Vec::new();
        units
            .checked_mul(units)
            .and_then(|all| weights.try_reserve_exact(all).ok().map(|()| weights.resize(all, 0)))
            .ok_or_else(|| refuse(format!("there is no memory for {units} x {units} weights; use fewer units")))?;
        Ok(Self { units, patterns: 0, weights })
    }

    /// Number of units.
    #[must_use]
    pub const fn units(&self) -> usize {
        self.units
    }

    /// Patterns stored so far.
    #[must_use]
    pub const fn patterns(&self) -> usize {
        self.patterns
    }

    /// Adds a pattern: w_ij += ξ_i ξ_j / N for i ≠ j.
    ///
    /// # Errors
    /// [`Error::Hopfield`] unless it has one ±1 for each unit; nothing is stored then.
    pub fn store(&mut self, pattern: &[i8]) -> Result<(), Error> {
        self.check("store", pattern)?;
        if i32::try_from(self.patterns + 1).is_err() {
            return Err(Error::Hopfield { message: "more patterns than a weight can count".into() });
        }
        for (i, (row, &a)) in self.weights.chunks_exact_mut(self.units).zip(pattern).enumerate() {
            for (w, &b) in row.iter_mut().zip(pattern) {
                *w += i32::from(a) * i32::from(b);
            }
            row[i] = 0;
        }
        self.patterns += 1;
        Ok(())
    }

    /// Moves `state` until no unit changes, or for at most `sweeps` over all units.
    ///
    /// # Errors
    /// [`Error::Hopfield`] unless the state has one ±1 for each unit.
    pub fn retrieve(&self, state: &mut [i8], update: Update, sweeps: usize) -> Result<Retrieval, Error> {
        self.check("retrieve", state)?;
        let mut order: Vec<usize> = (0..self.units).collect();
        for sweep in 1..=sweeps {
            let changed = match update {
                Update::Synchronous => {
                    let next: Vec<i8> = (0..self.units).map(|i| self.next(i, state)).collect();
                    let changed = next != state;
                    state.copy_from_slice(&next);
                    changed
                }
                Update::Asynchronous { seed } => {
                    let mut rng = Streams::new(seed).rng("hopfield/order", 0, sweep as u64);
                    for i in (1..self.units).rev() {
                        order.swap(i, rng.random_range(0..=i));
                    }
                    let mut changed = false;
                    for &i in &order {
                        let next = self.next(i, state);
                        changed |= next != state[i];
                        state[i] = next;
                    }
                    changed
                }
            };
            if !changed {
                return Ok(Retrieval { sweeps: sweep, stable: true });
            }
        }
        Ok(Retrieval { sweeps, stable: false })
    }

    /// sign(Σ_j w_ij s_j), or what the unit is if that is 0.
    fn next(&self, i: usize, state: &[i8]) -> i8 {
        let row = &self.weights[i * self.units..][..self.units];
        let sum: i64 = row.iter().zip(state).map(|(&w, &s)| i64::from(w) * i64::from(s)).sum();
        match sum.signum() {
            0 => state[i],
            sign => sign as i8,
        }
    }

    /// E = −½ Σ_ij w_ij s_i s_j.
    ///
    /// # Errors
    /// As [`retrieve`](Self::retrieve).
    pub fn energy(&self, state: &[i8]) -> Result<f64, Error> {
        self.check("energy", state)?;
        let rows = self.weights.chunks_exact(self.units).zip(state);
        let sum: f64 = rows
            .map(|(row, &a)| {
                let inner: i64 = row.iter().zip(state).map(|(&w, &s)| i64::from(w) * i64::from(s)).sum();
                inner as f64 * f64::from(a)
            })
            .sum();
        Ok(-0.5 * sum / self.units as f64)
    }

    fn check(&self, op: &'static str, state: &[i8]) -> Result<(), Error> {
        if state.len() != self.units {
            let message = format!("{op}: {} values for {} units; give one for each", state.len(), self.units);
            return Err(Error::Hopfield { message });
        }
        match state.iter().find(|&&s| s != 1 && s != -1) {
            Some(other) => {
                Err(Error::Hopfield { message: format!("{op}: {other} is no state of a unit; use 1 and -1") })
            }
            None => Ok(()),
        }
    }
}

/// What theory says of random patterns in a large network.
pub mod theory {
    use std::f64::consts::{FRAC_2_SQRT_PI, SQRT_2};

    /// The load P / N above which nothing is retrieved.
    ///
    /// Source: Amit, Gutfreund & Sompolinsky, "Storing infinite numbers of patterns in a spin-glass model of neural networks",
    /// PRL 55, 1985.
    pub const CAPACITY: f64 = 0.138;

    /// The share of a stored pattern's units that the first update turns: ½ erfc(1 / √(2 α)), α = P / N.
    ///
    /// Source: Hopfield, 1982; Amit, "Modeling brain function", 1989, section 6.1 (the crosstalk is a Gaussian of variance α).
    #[must_use]
    pub fn first_errors(load: f64) -> f64 {
        0.5 * (1.0 - erf(1.0 / (2.0 * load).sqrt()))
    }

    /// The overlap m = (1/N) Σ ξ_i s_i that retrieval ends with, `None` above capacity (and for what is no load): m = erf y at the largest solution of
    /// y (√(2 α) + (2/√π) e^(−y²)) = erf y.
    ///
    /// Source: Amit, Gutfreund & Sompolinsky, 1985, at zero temperature (replica-symmetric).
    #[must_use]
    pub fn overlap(load: f64) -> Option<f64> {
        if !(load > 0.0 && load.is_finite()) {
            return (load == 0.0).then_some(1.0);
        }
        let gap = |y: f64| erf(y) - y * (SQRT_2 * load.sqrt() + FRAC_2_SQRT_PI * (-y * y).exp());
        // From above, where the gap is negative (beyond 6 an overlap is 1), to the first place at which it is not; then halving.
        let (step, top) = (1e-3, (1.0 / (SQRT_2 * load.sqrt())).min(6.0));
        let mut y = top;
        while gap(y) < 0.0 {
            y -= step;
            if y < 0.05 {
                return None;
            }
        }
        let (mut low, mut high) = (y, y + step);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if gap(middle) < 0.0 { high = middle } else { low = middle }
        }
        Some(erf(low))
    }

    /// erf x = 2/√π e^(−x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, whose terms do not cancel; 1 beyond 6.
    fn erf(x: f64) -> f64 {
        if x > 6.0 {
            return 1.0;
        }
        let (mut term, mut sum) = (x, x);
        for n in 1..300 {
            term *= 2.0 * x * x / f64::from(2 * n + 1);
            sum += term;
        }
        sum * FRAC_2_SQRT_PI * (-x * x).exp()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn known_values() {
            // erf 1, and the overlap at capacity (0.967) and the load at which it ceases (Amit et al., 1985).
            approx::assert_abs_diff_eq!(erf(1.0), 0.842_700_792_949_714_9, epsilon = 1e-15);
            approx::assert_abs_diff_eq!(first_errors(0.138), 0.0035, epsilon = 2e-4);
            approx::assert_abs_diff_eq!(overlap(0.1379).unwrap(), 0.967, epsilon = 3e-3);
            assert!(overlap(0.137).is_some() && overlap(0.139).is_none());
            assert!(overlap(0.01).unwrap() > 1.0 - 1e-12);
            for (load, m) in [(0.0, Some(1.0)), (-0.1, None), (f64::NAN, None), (f64::INFINITY, None)] {
                assert_eq!(overlap(load), m, "{load}");
            }
            assert!(overlap(1e-300).unwrap() > 1.0 - 1e-12);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn random(units: usize, index: u64) -> Vec<i8> {
        let mut rng = Streams::new(7).rng("pattern", 0, index);
        (0..units).map(|_| if rng.random::<bool>() { 1 } else { -1 }).collect()
    }

    fn overlap(a: &[i8], b: &[i8]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>() / a.len() as f64
    }

    fn filled(units: usize, patterns: u64) -> HopfieldNetwork {
        let mut network = HopfieldNetwork::new(units).unwrap();
        (0..patterns).for_each(|i| network.store(&random(units, i)).unwrap());
        network
    }

    /// From 1 to 14 percent of its units, against the share of units that the first update turns, and, below capacity, the overlap
    /// that retrieval ends with. (At 14 percent, just above it, so small a network still keeps most patterns.)
    #[test]
    fn loads_are_retrieved_as_theory_says() {
        let units = 1000;
        for percent in [1, 2, 5, 10, 14] {
            let patterns = units as u64 * percent / 100;
            let (network, load) = (filled(units, patterns), percent as f64 / 100.0);
            let shown = patterns.min(20);
            let (mut turned, mut m) = (0.0, 0.0);
            for i in 0..shown {
                let pattern = random(units, i);
                let mut state = pattern.clone();
                network.retrieve(&mut state, Update::Synchronous, 1).unwrap();
                turned += (1.0 - overlap(&pattern, &state)) / 2.0;
                let mut state = pattern.clone();
                let end = network.retrieve(&mut state, Update::Asynchronous { seed: i }, 100).unwrap();
                assert!(end.stable, "{percent} %");
                m += overlap(&pattern, &state);
            }
            let (turned, m, n) = (turned / shown as f64, m / shown as f64, (shown * units as u64) as f64);
            let expected = theory::first_errors(load);
            // Five standard errors of a share (units of one pattern are nearly independent), and P − 1 patterns for P.
            let near = 5.0 * (expected / n).sqrt() + 0.1 * expected + 1.0 / n;
            assert!((turned - expected).abs() <= near, "{percent} %: {turned} of the units turned, theory {expected}");
            assert_eq!(theory::overlap(load).is_some(), load < theory::CAPACITY, "{percent} %");
            if let Some(expected) = theory::overlap(load) {
                assert!((m - expected).abs() < 0.01, "{percent} %: overlap {m}, theory {expected}");
            }
        }
    }

    /// Beyond capacity what is stored is no longer near where retrieval ends.
    #[test]
    fn beyond_capacity_patterns_are_lost() {
        let units = 1000;
        let network = filled(units, 200);
        let mean = (0..10).map(|i| {
            let pattern = random(units, i);
            let mut state = pattern.clone();
            network.retrieve(&mut state, Update::Asynchronous { seed: i }, 200).unwrap();
            overlap(&pattern, &state)
        });
        let mean = mean.sum::<f64>() / 10.0;
        assert!(mean < 0.7, "{mean}");
    }

    #[test]
    fn one_unit_at_a_time_never_raises_the_energy() {
        let network = filled(100, 20);
        for seed in 0..10 {
            let mut state = random(100, 1000 + seed);
            let mut before = network.energy(&state).unwrap();
            loop {
                let end = network.retrieve(&mut state, Update::Asynchronous { seed }, 1).unwrap();
                let now = network.energy(&state).unwrap();
                assert!(now <= before + 1e-12);
                before = now;
                if end.stable {
                    break;
                }
            }
        }
    }

    #[test]
    fn a_fifth_of_a_pattern_may_be_wrong() {
        let network = filled(500, 15);
        let pattern = random(500, 3);
        for update in [Update::Synchronous, Update::Asynchronous { seed: 1 }] {
            let mut state = pattern.clone();
            state[..100].iter_mut().for_each(|s| *s = -*s);
            network.retrieve(&mut state, update, 50).unwrap();
            assert_eq!(state, pattern, "{update:?}");
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let mut network = HopfieldNetwork::new(3).unwrap();
        let told = |error: Error| error.to_string();
        assert!(told(network.store(&[1, -1]).unwrap_err()).contains("2 values for 3 units"));
        assert!(told(network.store(&[1, 0, 1]).unwrap_err()).contains("0 is no state of a unit"));
        assert!(told(network.retrieve(&mut [1, 1, 2], Update::Synchronous, 1).unwrap_err()).contains("2 is no state"));
        assert!(network.energy(&[i8::MIN; 3]).is_err());
        assert_eq!(network.patterns(), 0);
        for units in [0, usize::MAX, 1 << 40] {
            assert!(HopfieldNetwork::new(units).is_err(), "{units}");
        }
    }
}
