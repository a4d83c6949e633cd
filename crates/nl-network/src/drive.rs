//! External input: Poisson jumps, drawn for each neuron and step from a counter-based stream.

use nl_kernels::{Level, Vectorised};
use nl_random::Streams;
use nl_units::{Hz, Ms};
use rand::{Rng, RngExt};

use crate::NetworkError;
use crate::memory::zeros;

/// Each neuron of a piece receives, in each step, a Poisson number of jumps of the same weight.
pub(super) struct PoissonInput {
    receptor: usize,
    rate: Hz,
    weight: f32,
    dt: Ms,
    lambda: f64,
    /// P(X ≤ k) · 2³², for k = 0, 1, …; empty when events are rare.
    cumulative: Vec<u32>,
    streams: Streams,
    name: String,
    piece: u64,
    draws: Vec<u32>,
}

/// Below this mean it is cheaper to walk from event to event than to draw for each neuron.
const RARE: f64 = 0.125;
/// Above this mean a step holds so many jumps that a shorter dt, or a current, is what was meant.
const MOST: f64 = 1000.0;

impl PoissonInput {
    pub(super) fn new(
        (name, piece, n): (&str, usize, usize),
        receptor: usize,
        rate: Hz,
        weight: f32,
        dt: Ms,
        streams: Streams,
    ) -> Result<Self, NetworkError> {
        nl_units::Error::finite("poisson input", "weight", f64::from(weight))?;
        let mut input = Self {
            receptor,
            rate,
            weight,
            dt,
            lambda: 0.0,
            cumulative: Vec::new(),
            streams,
            name: format!("poisson input/{name}"),
            piece: piece as u64,
            draws: zeros("draws of Poisson input", n)?,
        };
        input.set_rate(rate)?;
        Ok(input)
    }

    pub(super) fn rate(&self) -> Hz {
        self.rate
    }

    /// Jumps at another rate from now on.
    pub(super) fn set_rate(&mut self, rate: Hz) -> Result<(), NetworkError> {
        let lambda = rate.0 * self.dt.0 / 1000.0;
        let within = |r: f64| r >= 0.0 && lambda <= MOST;
        nl_units::Error::check("poisson input", "rate", rate.0, within, "use 0 or more, at most 1000 jumps a step")?;
        (self.rate, self.lambda) = (rate, lambda);
        self.cumulative = if lambda < RARE { Vec::new() } else { cumulative(lambda) };
        Ok(())
    }

    pub(super) fn receptor(&self) -> usize {
        self.receptor
    }

    /// Adds the jumps of step `now`; `input` is `[receptors, n]`.
    pub(super) fn add(&mut self, now: u64, n: usize, input: &mut [f32]) {
        let input = &mut input[self.receptor * n..(self.receptor + 1) * n];
        let mut rng = self.streams.rng(&self.name, self.piece, now);
        if self.cumulative.is_empty() {
            poisson_process(&mut rng, self.lambda, n, |i| input[i] += self.weight);
        } else {
            rng.fill(&mut self.draws[..]);
            let weight = self.weight;
            Level::current().dispatch(AddCounts { draws: &self.draws, cumulative: &self.cumulative, weight, input });
        }
    }
}

/// P(X ≤ k) · 2³² for a Poisson X of mean `lambda`, as far as 32 bits tell it from 1.
fn cumulative(lambda: f64) -> Vec<u32> {
    const SCALE: f64 = 4_294_967_296.0;
    let (mut table, mut sum, mut ln_p) = (Vec::new(), 0.0, -lambda);
    for k in 1.. {
        sum += ln_p.exp();
        let scaled = (sum * SCALE).round();
        // Past the mode and past the last bit.
        if scaled >= SCALE - 1.0 || f64::from(k) > lambda + 40.0 * lambda.sqrt() + 40.0 {
            break;
        }
        table.push(scaled as u32);
        ln_p += (lambda / f64::from(k)).ln();
    }
    table
}

/// input_i += weight · |{k : draw_i ≥ P(X ≤ k)}|: the Poisson count by inversion.
struct AddCounts<'a> {
    draws: &'a [u32],
    cumulative: &'a [u32],
    weight: f32,
    input: &'a mut [f32],
}

impl Vectorised for AddCounts<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const BLOCK: usize = 64;
        let Self { draws, cumulative, weight, input } = self;
        for (draws, input) in draws.chunks(BLOCK).zip(input.chunks_mut(BLOCK)) {
            let (mut block, mut counts) = ([0_u32; BLOCK], [0_i32; BLOCK]);
            block[..draws.len()].copy_from_slice(draws);
            for &bound in cumulative {
                for lane in 0..BLOCK {
                    counts[lane] += i32::from(block[lane] >= bound);
                }
            }
            for (x, &count) in input.iter_mut().zip(&counts) {
                *x += weight * count as f32;
            }
        }
    }
}

/// Calls `hit(i)` for each event of a Poisson process of `intensity` a cell over `n` cells, in ascending order: the gaps
/// are exponential, so the cost is that of the events.
pub(super) fn poisson_process(rng: &mut impl Rng, intensity: f64, n: usize, mut hit: impl FnMut(usize)) {
    if intensity <= 0.0 {
        return;
    }
    let mut position = 0.0;
    loop {
        // 1 − u lies in (0, 1], so the logarithm is finite.
        position -= (1.0 - rng.random::<f64>()).ln() / intensity;
        if position >= n as f64 {
            return;
        }
        hit(position as usize);
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    fn moments(rate: f64) -> (f64, f64) {
        let n = 1000;
        let mut drive = PoissonInput::new(("test", 0, n), 0, Hz(rate), 1.0, Ms(0.1), Streams::new(5)).unwrap();
        let (mut sum, mut squares, steps) = (0.0, 0.0, 200);
        for now in 0..steps {
            let mut input = vec![0.0; n];
            drive.add(now, n, &mut input);
            sum += input.iter().map(|&x| f64::from(x)).sum::<f64>();
            squares += input.iter().map(|&x| f64::from(x * x)).sum::<f64>();
        }
        let count = (n as u64 * steps) as f64;
        let mean = sum / count;
        (mean, squares / count - mean * mean)
    }

    #[test]
    fn mean_and_variance_are_lambda_on_both_paths() {
        for lambda in [0.0, 0.05, 0.124, 0.126, 2.0, 60.0] {
            let (mean, variance) = moments(lambda * 1e4);
            let sigma = (lambda / 200_000.0_f64).sqrt();
            assert_abs_diff_eq!(mean, lambda, epsilon = 5.0 * sigma);
            // Var of the sample variance of a Poisson: (λ + 2 λ²) / N.
            let sigma = ((lambda + 2.0 * lambda * lambda) / 200_000.0_f64).sqrt();
            assert_abs_diff_eq!(variance, lambda, epsilon = 5.0 * sigma);
        }
    }

    #[test]
    fn hostile_rates_are_refused() {
        for rate in [f64::NAN, f64::INFINITY, -1.0, 1e9] {
            assert!(PoissonInput::new(("test", 0, 1), 0, Hz(rate), 1.0, Ms(0.1), Streams::new(5)).is_err());
        }
    }
}
