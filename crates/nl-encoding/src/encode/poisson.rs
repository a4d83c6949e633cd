//! Rate code by chance: a Bernoulli trial each step, the discrete Poisson process.

use nl_kernels::{Float, Level, Vectorised};
use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::{Hz, Ms};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, UNIT, UNIT_EXPECTED, begin, check_steps};

const NAME: &str = "poisson";

/// Each input spikes in each step with P = min(rate · x · dt, 1), independently of everything else.
///
/// Not T coins are tossed but gaps drawn: the steps passed over before the next spike are geometric,
/// G = ⌊ln(1 − U) / ln(1 − P)⌋, which has the same law exactly and costs nothing where nothing happens
/// (Devroye, Non-Uniform Random Variate Generation, 1986, X.2). U has 32 bits, so a P below 1e-8 is coarse.
///
/// Defaults: 63.75 Hz for 350 steps of 1 ms (Diehl & Cook 2015, §2.5: a byte / 4 in Hz for 350 ms). Norse has 100 Hz,
/// snnTorch and SpikingJelly P = x: a `rate` of 1000 Hz at 1 ms.
///
/// ```
/// use nl_encoding::encode::{Encoder, Poisson};
/// use nl_neuron::SpikeTrain;
/// use nl_units::Hz;
/// use nl_random::Streams;
///
/// let mut train = SpikeTrain::new(2);
/// let encoder = Poisson { rate: Hz(1000.0), ..Poisson::default() };
/// encoder.encode(&[0.0, 1.0], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!(train.counts(), [0, 350]); // P = 1: every step
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Poisson {
    /// Rate of an input of 1.
    pub rate: Hz,
    /// Number of steps.
    pub steps: usize,
    /// Length of a step.
    pub dt: Ms,
}

impl Default for Poisson {
    fn default() -> Self {
        Self { rate: Hz(63.75), steps: 350, dt: Ms(1.0) }
    }
}

impl Poisson {
    /// Adds the events of the input `neuron`s, each with its number in [0, 1].
    pub(super) fn events(&self, x: impl Iterator<Item = f32>, rng: &mut Rng, events: &mut Vec<(u32, u32)>) {
        let probability = (self.rate.0 * self.dt.0 * 1e-3) as f32;
        let mut draws = Exponentials::new();
        for (neuron, x) in x.enumerate() {
            // Gaps in units of −1 / ln(1 − P): 0 if P = 1.
            let p = probability * x;
            if p > 0.0 {
                let scale = if p < 1.0 { 1.0 / exponential(p) } else { 0.0 };
                let mut step = (draws.next(rng) * scale) as u32;
                while (step as usize) < self.steps {
                    events.push((step, neuron as u32));
                    step = step.saturating_add(1).saturating_add((draws.next(rng) * scale) as u32);
                }
            }
        }
    }
}

impl Encoder for Poisson {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        nl_units::Error::not_negative(NAME, "rate", self.rate.0)?;
        nl_units::Error::positive(NAME, "dt", self.dt.0)?;
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], rng: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, UNIT, UNIT_EXPECTED, out)?;
        self.events(x.iter().copied(), rng, out.events_mut());
        Ok(out.collect(self.steps)?)
    }
}

/// −ln(1 − u), u in [0, 1), good to the last bits near 0: the rounding error of 1 − u is carried along.
#[inline(always)]
fn exponential<F: Float>(u: F) -> F {
    let rest = F::ONE - u;
    let lost = (F::ONE - rest) - u;
    -(rest.v_ln() + lost / rest)
}

/// Standard exponential variates, drawn a block at a time.
struct Exponentials {
    block: [f32; BLOCK],
    used: usize,
}

const BLOCK: usize = 64;

impl Exponentials {
    fn new() -> Self {
        Self { block: [0.0; BLOCK], used: BLOCK }
    }

    #[inline(always)]
    fn next(&mut self, rng: &mut Rng) -> f32 {
        if self.used == BLOCK {
            self.fill(rng);
        }
        let value = self.block[self.used];
        self.used += 1;
        value
    }

    #[inline(never)]
    fn fill(&mut self, rng: &mut Rng) {
        let mut bits = [0; BLOCK];
        for word in &mut bits {
            *word = rng.next_u32();
        }
        Level::current().dispatch(Transform { bits: &bits, out: &mut self.block });
        self.used = 0;
    }
}

struct Transform<'a> {
    bits: &'a [u32; BLOCK],
    out: &'a mut [f32; BLOCK],
}

impl Vectorised for Transform<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (out, &bits) in self.out.iter_mut().zip(self.bits) {
            // (k + ½) / 2³², and never 1.
            let u = (bits as f32 + 0.5) * (1.0 / 4_294_967_296.0);
            let below_one = 1.0 - f32::EPSILON / 2.0;
            *out = exponential(if u < below_one { u } else { below_one });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;
    use nl_random::Streams;

    fn encode(encoder: Poisson, x: &[f32], index: u64) -> SpikeTrain {
        let mut train = SpikeTrain::new(x.len());
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, index), &mut train).unwrap();
        train
    }

    #[test]
    fn exponentials_match_double_precision() {
        for u in [1e-9_f32, 1e-6, 0.001, 0.3, 0.5, 0.9, 0.999_999] {
            let exact = -(-f64::from(u)).ln_1p();
            // Four units in the last place of single precision.
            assert_relative_eq!(f64::from(exponential(u)), exact, max_relative = 5e-7);
        }
    }

    #[test]
    fn every_instruction_set_draws_the_same_bits() {
        let mut rng = Streams::new(5).rng("levels", 0, 0);
        for _ in 0..200 {
            let mut bits = [0; BLOCK];
            bits.iter_mut().for_each(|word| *word = rng.next_u32());
            (bits[0], bits[1]) = (0, u32::MAX);
            let drawn = [Level::Portable, Level::Avx2, Level::Avx512].map(|level| {
                let mut out = [0.0; BLOCK];
                level.dispatch(Transform { bits: &bits, out: &mut out });
                out.map(f32::to_bits)
            });
            assert!(drawn[0] == drawn[1] && drawn[0] == drawn[2]);
            assert!(drawn[0].iter().all(|&e| f32::from_bits(e) > 0.0 && f32::from_bits(e) < 17.0));
        }
    }

    /// Spikes of a neuron, of a step, and neighbouring pairs of steps, against the binomial law, five standard
    /// deviations each.
    #[test]
    fn the_law_is_bernoullis() {
        for p in [0.003, 0.02, 0.3, 0.9] {
            let encoder = Poisson { rate: Hz(1000.0), steps: 50, dt: Ms(1.0) };
            let train = encode(encoder, &[p; 20_000], 0);
            let near = |got: usize, trials: f64, p: f64, what: &str| {
                let sigma = (trials * p * (1.0 - p)).sqrt();
                assert!((got as f64 - trials * p).abs() < 5.0 * sigma, "{what}: {got} of {trials} at {p}");
            };
            let p = f64::from(p);
            near(train.count(), 1e6, p, "in all");
            for step in [0, 1, 25, 49] {
                near(train.at(step).len(), 2e4, p, "in one step");
            }
            let both = train.at(10).iter().filter(|i| train.at(11).binary_search(i).is_ok()).count();
            near(both, 2e4, p * p, "in two steps running");
            let silent = train.counts().iter().filter(|&&count| count == 0).count();
            near(silent, 2e4, (1.0 - p).powi(50), "silent");
        }
    }

    #[test]
    fn zero_never_and_certainty_always() {
        let encoder = Poisson { rate: Hz(2000.0), steps: 7, dt: Ms(1.0) };
        assert_eq!(encode(encoder, &[0.0, 0.5, 1.0], 0).counts(), [0, 7, 7]);
        assert_eq!(encode(Poisson { rate: Hz(0.0), ..encoder }, &[1.0; 9], 0).count(), 0);
        assert_eq!(encode(encoder, &[f32::MIN_POSITIVE, 1e-40], 0).count(), 0, "so rare that never");
    }

    #[test]
    fn the_step_does_not_change_the_rate() {
        for (steps, dt) in [(350, 1.0), (700, 0.5), (3500, 0.1)] {
            let train = encode(Poisson { steps, dt: Ms(dt), ..Poisson::default() }, &[1.0; 1000], 0);
            let expected = 63.75 * 0.35 * 1000.0;
            // A binomial count scatters less than a Poisson count.
            assert!((train.count() as f64 - expected).abs() < 5.0 * f64::sqrt(expected), "{}", train.count());
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = Poisson::default();
        for (encoder, name) in [
            (Poisson { rate: Hz(-1.0), ..p }, "rate"),
            (Poisson { rate: Hz(f64::INFINITY), ..p }, "rate"),
            (Poisson { dt: Ms(0.0), ..p }, "dt"),
            (Poisson { steps: 0, ..p }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }
}
