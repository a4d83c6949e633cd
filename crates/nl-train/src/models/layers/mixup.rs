//! Images and their classes in mixtures of two.

use nl_random::{Rng, Streams};
use rand::RngExt;

use crate::Error;

/// The largest α: mixtures are then halves.
const MOST: f64 = 100.0;

/// `Ok` if α can be used.
///
/// # Errors
/// [`Error::Config`] with its range.
pub(super) fn check(alpha: f64) -> Result<(), Error> {
    if alpha > 0.0 && alpha <= MOST {
        return Ok(());
    }
    Err(Error::config(format!("mixup is {alpha}, but must be above 0 and at most {MOST}; 0.2 is usual")))
}

/// x̃_i = λ_i x_i + (1 − λ_i) x_j to `mixed`, j the next sample of the shard (of the last the first), λ_i ~ Beta(α, α) keyed by
/// (epoch, sample): λ to `shares`.
///
/// Source: Zhang, Cisse, Dauphin & Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018, eq. 1. There the two are
/// drawn from two mini-batches; here they are neighbours in the shuffled order of one shard, so that shards stay apart.
pub(super) fn mix(
    images: &[f32],
    (samples, epoch): (&[u32], u64),
    alpha: f64,
    streams: &Streams,
    mixed: &mut [f32],
    shares: &mut Vec<f32>,
) {
    let area = images.len() / samples.len().max(1);
    shares.clear();
    for (i, &sample) in samples.iter().enumerate() {
        let share = beta(alpha, &mut streams.rng("mixup", epoch, u64::from(sample))) as f32;
        shares.push(share);
        let next = (i + 1) % samples.len();
        let (own, other) = (&images[i * area..][..area], &images[next * area..][..area]);
        for ((to, own), other) in mixed[i * area..][..area].iter_mut().zip(own).zip(other) {
            *to = share * own + (1.0 - share) * other;
        }
    }
}

/// One draw of Beta(α, α), as G₁ / (G₁ + G₂) of two draws of Gamma(α), in logarithms so that small α do not end in 0 / 0.
fn beta(alpha: f64, rng: &mut Rng) -> f64 {
    let (a, b) = (ln_gamma_draw(alpha, rng), ln_gamma_draw(alpha, rng));
    1.0 / (1.0 + (b - a).exp())
}

/// ln of a draw of Gamma(α, 1).
///
/// Source: Marsaglia & Tsang, "A simple method for generating gamma variables", ACM TOMS 26, 2000; below α = 1 by
/// Gamma(α) = Gamma(α + 1) U^(1/α).
fn ln_gamma_draw(alpha: f64, rng: &mut Rng) -> f64 {
    if alpha < 1.0 {
        let u = 1.0 - rng.random::<f64>();
        return ln_gamma_draw(alpha + 1.0, rng) + u.ln() / alpha;
    }
    let d = alpha - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let x = normal(rng);
        let v = (1.0 + c * x).powi(3);
        let u = 1.0 - rng.random::<f64>();
        if v > 0.0 && u.ln() < 0.5 * x * x + d - d * v + d * v.ln() {
            return d.ln() + v.ln();
        }
    }
}

/// One draw of N(0, 1): Box & Muller 1958.
fn normal(rng: &mut Rng) -> f64 {
    let (u, v) = (1.0 - rng.random::<f64>(), rng.random::<f64>());
    (-2.0 * u.ln()).sqrt() * (core::f64::consts::TAU * v).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean ½, variance 1 / (4 (2 α + 1)); within five standard errors of 20,000 draws.
    #[test]
    fn beta_has_its_moments() {
        for alpha in [0.05, 0.2, 0.7, 1.0, 2.0, 8.0] {
            let streams = Streams::new(4);
            let draws: Vec<f64> = (0..20_000).map(|i| beta(alpha, &mut streams.rng("test", 0, i))).collect();
            assert!(draws.iter().all(|x| (0.0..=1.0).contains(x)));
            let n = draws.len() as f64;
            let variance = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            let mean = draws.iter().sum::<f64>() / n;
            approx::assert_abs_diff_eq!(mean, 0.5, epsilon = 5.0 * (variance / n).sqrt());
            let seen = draws.iter().map(|x| (x - 0.5).powi(2)).sum::<f64>() / n;
            // (x − ½)² is at most ¼, so its own deviation is at most √(variance / 4).
            approx::assert_abs_diff_eq!(seen, variance, epsilon = 5.0 * (0.25 * variance / n).sqrt());
        }
    }

    /// Each image with the next one, the last with the first; λ belongs to the sample and the epoch, not to the place.
    #[test]
    fn mixtures_are_of_neighbours() {
        let streams = Streams::new(1);
        let images = [1.0_f32, 10.0, 2.0, 20.0, 4.0, 40.0];
        let mixed = |samples: &[u32], epoch| {
            let images = &images[..2 * samples.len()];
            let (mut to, mut shares) = (vec![f32::NAN; images.len()], vec![9.0]);
            mix(images, (samples, epoch), 0.5, &streams, &mut to, &mut shares);
            (to, shares)
        };
        let (to, shares) = mixed(&[7, 3, 9], 2);
        for (i, share) in shares.iter().enumerate() {
            assert!((0.0..=1.0).contains(share));
            for k in 0..2 {
                let expected = share * images[2 * i + k] + (1.0 - share) * images[2 * ((i + 1) % 3) + k];
                approx::assert_relative_eq!(to[2 * i + k], expected, max_relative = 1e-6);
            }
        }
        assert_ne!(shares, mixed(&[7, 3, 9], 3).1);
        // Alone in its shard an image is mixed with itself.
        let (alone, share) = mixed(&[9], 2);
        assert_eq!(share[0], shares[2]);
        approx::assert_relative_eq!(alone[..], images[..2], max_relative = 1e-6);
    }

    #[test]
    fn an_alpha_out_of_range_is_refused() {
        assert!([0.0, -1.0, f64::NAN, 1e9].iter().all(|&alpha| check(alpha).is_err()));
        assert!([1e-3, 0.2, 1.0, 100.0].iter().all(|&alpha| check(alpha).is_ok()));
    }
}
