//! Rate code by chance with one total rate: the superposition of all inputs' Poisson processes, drawn as one.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::{Hz, Ms};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, begin, check_steps};

const NAME: &str = "superposed Poisson";
/// Most spikes expected in a step, all inputs together; beyond it e^−λ and the table lose their meaning.
const MOST: f64 = 100.0;

/// Independent Poisson processes of rates ∝ x_i that add up to `rate` for every image.
///
/// The superposition of Poisson processes is one, and each of its spikes belongs to input i with probability
/// x_i / Σ x, independently (Kingman, Poisson Processes, 1993, sections 2.2 and 5.1). So a step draws one number
/// K ~ Poisson(rate · dt) from a table of the distribution, and K inputs from Vose's alias table: the cost is that of the
/// spikes, not of inputs × steps. Exact but for the tables' resolution, 2⁻³² and 2⁻²⁴, however large, small or many the
/// inputs are. An input may spike twice in a step.
///
/// Inputs: any finite numbers from 0; only their proportions count. Diehl & Cook (2015) give each pixel its own rate
/// (a byte / 4 in Hz), so that thick digits excite more, and raise it until the network answers. The default, 6500 Hz, is
/// what a mean digit of MNIST has there. Shown for 350 steps of 1 ms.
///
/// ```
/// use nl_encoding::encode::SuperposedPoisson;
/// use nl_random::Streams;
///
/// let mut source = SuperposedPoisson::default().source()?;
/// source.set(&[0.0, 1.0, 3.0])?;
/// let (mut rng, mut counts) = (Streams::new(1).rng("encode", 0, 0), [0; 3]);
/// for _ in 0..1000 {
///     source.step(&mut rng).iter().for_each(|&input| counts[input as usize] += 1);
/// }
/// assert_eq!(counts[0], 0);
/// assert!((6095..6905).contains(&(counts[1] + counts[2])), "{counts:?}"); // 5 standard deviations of 6500
/// assert!((2.5..3.5).contains(&(f64::from(counts[2]) / f64::from(counts[1]))), "{counts:?}");
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct SuperposedPoisson {
    /// Spikes of all inputs together.
    pub rate: Hz,
    /// Number of steps.
    pub steps: usize,
    /// Time step.
    pub dt: Ms,
}

impl Default for SuperposedPoisson {
    fn default() -> Self {
        Self { rate: Hz(6500.0), steps: 350, dt: Ms(1.0) }
    }
}

impl SuperposedPoisson {
    /// Its tables, to draw step by step, doubled spikes included, from image after image without an allocation.
    ///
    /// # Errors
    /// If a parameter is out of range.
    pub fn source(&self) -> Result<Superposition, EncodeError> {
        self.validate()?;
        let counts = poisson_table(self.rate.0 * self.dt.0 / 1000.0);
        let median = counts.iter().position(|&threshold| threshold > 1 << 31).unwrap_or(0);
        Ok(Superposition {
            counts,
            median,
            alias: Vec::new(),
            share: Vec::new(),
            small: Vec::new(),
            spikes: Vec::new(),
        })
    }
}

impl Encoder for SuperposedPoisson {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        nl_units::Error::not_negative(NAME, "rate", self.rate.0)?;
        nl_units::Error::positive(NAME, "dt", self.dt.0)?;
        let fits = |x: f64| x <= MOST;
        let expected = "expect at most 100 spikes a step: use a lower rate or a shorter dt";
        nl_units::Error::check(NAME, "rate · dt", self.rate.0 * self.dt.0 / 1000.0, fits, expected)?;
        Ok(check_steps(NAME, self.steps)?)
    }

    /// A raster holds a doubled spike once; [`source`](SuperposedPoisson::source) gives both, and makes its tables once.
    fn encode(&self, x: &[f32], rng: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, (0.0, f32::MAX), EXPECTED, out)?;
        let mut source = self.source()?;
        source.set(x)?;
        for step in 0..self.steps as u32 {
            let spikes = source.step(rng).iter().map(|&input| (step, input));
            out.events_mut().extend(spikes);
        }
        Ok(out.collect(self.steps)?)
    }
}

const EXPECTED: &str = "use finite numbers from 0";
/// Inputs of which a sum in single precision is good to some 2⁻²⁰.
const FEW: usize = 1024;

/// The tables of a [`SuperposedPoisson`], set to an image.
#[derive(Debug, Clone)]
pub struct Superposition {
    /// ⌊2³² P(K ≤ k)⌋ for k = 0, 1 …
    counts: Vec<u32>,
    /// The first k above one half: where the search begins.
    median: usize,
    /// Each lit input: probability of itself · 2²⁴, itself, whom to take instead.
    alias: Vec<(u32, u32, u32)>,
    /// n x_i / Σ x, what is left of it while the table is made.
    share: Vec<f64>,
    /// Lit inputs with a share below 1 (from the front) and from 1 (from the back).
    small: Vec<u32>,
    spikes: Vec<u32>,
}

impl Superposition {
    /// Sets the proportions.
    ///
    /// # Errors
    /// [`EncodeError::Value`] if an input is negative or not finite; nothing is lit then.
    pub fn set(&mut self, x: &[f32]) -> Result<(), EncodeError> {
        self.alias.clear();
        self.share.clear();
        for (index, &value) in x.iter().enumerate() {
            if value > 0.0 && value <= f32::MAX {
                self.alias.push((0, index as u32, index as u32));
                self.share.push(value.into());
            } else if value != 0.0 {
                self.alias.clear();
                return Err(EncodeError::Value { encoder: NAME, index, value, expected: EXPECTED });
            }
        }
        // Single precision is as good as the tables are for a picture's worth of inputs of common size, and every result
        // drawn so far was drawn with it; it is not for many inputs, nor for tiny or huge ones.
        let total: f64 = self.share.iter().sum();
        if self.share.len() <= FEW && (1e-18..1e30).contains(&total) {
            self.balance(|x| f64::from(x as f32));
        } else {
            self.balance(|x| x);
        }
        Ok(())
    }

    /// Vose's method: whoever has less than the mean share is filled up by one who has more. Source: Vose, "A linear
    /// algorithm for generating random numbers with a given distribution", 1991. Every result passes through `round`.
    fn balance(&mut self, round: impl Fn(f64) -> f64) {
        let n = self.share.len();
        let total = self.share.iter().fold(0.0, |total, &value| round(total + value));
        let scale = round(n as f64 / total);
        self.small.clear();
        self.small.resize(n, 0);
        let (mut small, mut large) = (0, n);
        for (i, share) in self.share.iter_mut().enumerate() {
            *share = round(*share * scale);
            if *share < 1.0 {
                self.small[small] = i as u32;
                small += 1;
            } else {
                large -= 1;
                self.small[large] = i as u32;
            }
        }
        while small > 0 && large < n {
            small -= 1;
            let (poor, rich) = (self.small[small] as usize, self.small[large] as usize);
            self.alias[poor].0 = (self.share[poor] * 16_777_216.0) as u32;
            self.alias[poor].2 = self.alias[rich].1;
            self.share[rich] = round(self.share[rich] - round(1.0 - self.share[poor]));
            if self.share[rich] < 1.0 {
                large += 1;
                self.small[small] = rich as u32;
                small += 1;
            }
        }
        for &i in self.small[..small].iter().chain(&self.small[large..]) {
            self.alias[i as usize].0 = 1 << 24;
        }
    }

    /// The inputs that spike in the next step, in no order, some perhaps twice.
    #[inline]
    pub fn step(&mut self, rng: &mut Rng) -> &[u32] {
        self.spikes.clear();
        let lit = self.alias.len() as u64;
        if lit == 0 {
            return &self.spikes;
        }
        let u = rng.next_u32();
        let mut k = self.median;
        while k < self.counts.len() && u >= self.counts[k] {
            k += 1;
        }
        while k > 0 && u < self.counts[k - 1] {
            k -= 1;
        }
        for _ in 0..k {
            let bits = rng.next_u64();
            let (own, itself, other) = self.alias[(((bits >> 32) * lit) >> 32) as usize];
            self.spikes.push(if (bits as u32) >> 8 < own { itself } else { other });
        }
        &self.spikes
    }
}

/// ⌊2³² P(K ≤ k)⌋, K ~ Poisson(λ), until 1 but for 1e-10.
fn poisson_table(lambda: f64) -> Vec<u32> {
    let (mut p, mut sum, mut table) = ((-lambda).exp(), 0.0, Vec::new());
    while sum <= 1.0 - 1e-10 && table.len() < 1000 {
        sum += p;
        table.push((sum.min(1.0) * 4_294_967_295.0) as u32);
        p *= lambda / table.len() as f64;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};
    use nl_random::{Rng, Streams};
    use proptest::prelude::*;

    fn rng(index: u64) -> Rng {
        Streams::new(9).rng("encode", 0, index)
    }

    /// Mean and variance of the count, and each input's share, five standard deviations each.
    #[test]
    fn the_law_is_poissons_and_the_shares_are_the_inputs() {
        for lambda in [0.01, 1.0, 6.5, 80.0] {
            let x = [0.1, 0.0, 1.0, 0.5, 0.4];
            let mut source = SuperposedPoisson { rate: Hz(lambda * 1000.0), ..Default::default() }.source().unwrap();
            source.set(&x).unwrap();
            let steps = 100_000;
            let (mut rng, mut squares, mut counts) = (rng(0), 0.0, [0_usize; 5]);
            for _ in 0..steps {
                let spikes = source.step(&mut rng);
                squares += (spikes.len() as f64 - lambda).powi(2);
                spikes.iter().for_each(|&i| counts[i as usize] += 1);
            }
            let n = f64::from(steps);
            for (count, share) in counts.into_iter().zip(x) {
                let expected = n * lambda * f64::from(share) / 2.0;
                assert!((count as f64 - expected).abs() <= 5.0 * expected.sqrt(), "{count}, not {expected}");
            }
            // Var of (K − λ)²: λ + 2 λ².
            let error = (squares / n - lambda).abs();
            assert!(
                error < 5.0 * ((lambda + 2.0 * lambda * lambda) / n).sqrt(),
                "variance of {lambda}: off by {error}"
            );
        }
    }

    #[test]
    fn the_table_is_the_distribution() {
        // P(K <= k) for λ = 2: e^-2 · (1, 3, 5, 19/3, 7 …).
        let table = poisson_table(2.0);
        for (k, sum) in [1.0, 3.0, 5.0, 19.0 / 3.0, 7.0].into_iter().enumerate() {
            let expected = f64::exp(-2.0) * sum * 4_294_967_295.0;
            // Rounded down to a whole number.
            assert_abs_diff_eq!(f64::from(table[k]), expected, epsilon = 1.0);
        }
        assert_eq!(poisson_table(0.0), [u32::MAX]);
    }

    /// Each input's probability, put together again from the alias table.
    #[test]
    fn the_alias_table_holds_the_proportions() {
        let x: Vec<f32> = (0..700).map(|i| ((i * 37) % 101) as f32).collect();
        let mut source = SuperposedPoisson::default().source().unwrap();
        source.set(&x).unwrap();
        let total = x.iter().map(|&x| f64::from(x)).sum::<f64>();
        for (i, share) in shares(&source, 700).into_iter().enumerate() {
            // 2⁻²⁴ of a place among 694.
            assert_abs_diff_eq!(share, f64::from(x[i]) / total, epsilon = 1e-9);
        }
    }

    /// The probability of each input, put together again from the alias table.
    fn shares(source: &Superposition, n: usize) -> Vec<f64> {
        let mut shares = vec![0.0; n];
        for &(own, itself, other) in &source.alias {
            let own = f64::from(own) / 16_777_216.0;
            shares[itself as usize] += own / source.alias.len() as f64;
            shares[other as usize] += (1.0 - own) / source.alias.len() as f64;
        }
        shares
    }

    /// From the smallest number that single precision holds to the largest.
    #[test]
    fn proportions_do_not_depend_on_the_unit() {
        let mut source = SuperposedPoisson::default().source().unwrap();
        for unit in [1e-44, 1e-39, 1e-38, 1e-30, 1e-19, 1e-10, 1.0, 1e10, 1e29, 1e37] {
            let x = [unit as f32, (3.0 * unit) as f32, (7.0 * unit) as f32];
            source.set(&x).unwrap();
            let total: f64 = x.iter().map(|&x| f64::from(x)).sum();
            for (share, x) in shares(&source, 3).into_iter().zip(x) {
                assert_abs_diff_eq!(share, f64::from(x) / total, epsilon = 1e-6);
            }
        }
        source.set(&[1e-39, 3e-39]).unwrap();
        assert_abs_diff_eq!(shares(&source, 2)[1], 0.75, epsilon = 1e-6);
    }

    /// A million dim inputs and some bright ones: neither the sum nor what is taken from the bright drifts.
    #[test]
    fn proportions_of_a_million_inputs() {
        let n = 1_000_000;
        let x: Vec<f32> = (0..n).map(|i| if i % 250_000 == 0 { 7e4 } else { 0.3 }).collect();
        let mut source = SuperposedPoisson::default().source().unwrap();
        source.set(&x).unwrap();
        let (shares, total) = (shares(&source, n), x.iter().map(|&x| f64::from(x)).sum::<f64>());
        for i in [0, 1, 250_000, 250_001, 500_000, 750_000, n - 1] {
            // A few 2⁻²⁴ of a place.
            assert_relative_eq!(shares[i], f64::from(x[i]) / total, max_relative = 1e-6);
        }
    }

    #[test]
    fn hostile_values_are_named_and_silence_is_silent() {
        let mut source = SuperposedPoisson::default().source().unwrap();
        for bad in [f32::NAN, f32::INFINITY, -1.0] {
            let error = source.set(&[1.0, bad]).unwrap_err().to_string();
            assert!(error.contains("input 1"), "{error}");
            assert!(source.step(&mut rng(0)).is_empty());
        }
        source.set(&[0.0; 5]).unwrap();
        assert!((0..100).all(|i| source.step(&mut rng(i)).is_empty()));
        source.set(&[f32::MAX, f32::MAX, f32::MIN_POSITIVE]).unwrap();
        assert!((0..100).all(|i| source.step(&mut rng(i)).iter().all(|&input| input < 2)));
        for (encoder, name) in [
            (SuperposedPoisson { rate: Hz(-1.0), ..Default::default() }, "rate"),
            (SuperposedPoisson { rate: Hz(1e6), ..Default::default() }, "rate"),
            (SuperposedPoisson { dt: Ms(f64::NAN), ..Default::default() }, "dt"),
            (SuperposedPoisson { steps: 0, ..Default::default() }, "steps"),
        ] {
            assert!(encoder.source().unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn a_second_image_costs_no_memory() {
        let mut source = SuperposedPoisson { rate: Hz(50_000.0), ..Default::default() }.source().unwrap();
        let mut draw = |index| {
            source.set(&[0.2, 0.9, 0.4]).unwrap();
            (0..350).map(|_| source.step(&mut rng(index)).len()).max()
        };
        draw(0);
        let again = allocation_counter::measure(|| assert!(draw(0) > Some(0)));
        assert_eq!(again.count_total, 0);
    }

    proptest! {
        #[test]
        fn only_lit_inputs_spike(x in prop::collection::vec(prop_oneof![Just(0.0_f32), 0.0_f32..1e6], 1..60)) {
            let mut train = SpikeTrain::new(x.len());
            SuperposedPoisson::default().encode(&x, &mut rng(3), &mut train).unwrap();
            prop_assert_eq!(train.steps(), 350);
            for (input, &count) in train.counts().iter().enumerate() {
                prop_assert!(count == 0 || x[input] > 0.0);
            }
            prop_assert_eq!(train.count() > 0, x.iter().any(|&x| x > 0.0));
        }
    }
}
