//! Laws of rules between rate neurons: where they converge to.

use nl_neuron::Real;
use nl_random::Streams;
use nl_synapse::{Dense, Weights};
use rand::RngExt;

use super::run::{Found, Title, said};
use super::{Cases, Config, Violation};
use crate::RateRule;

const COMPONENTS: Title =
    ("principal_components", "column j turns to the j-th principal component of the input, with squared norm 1/β");
const THRESHOLD: Title =
    ("sliding_threshold", "the same activity depresses after a lively past and potentiates after a quiet one");
const SELECTIVITY: Title = ("selectivity", "of two inputs that overlap a neuron ends up answering one only");

/// Number of inputs of the random data.
const N: usize = 4;

fn tried<F: Real, R: RateRule<F>>(
    (law, statement): Title,
    rule: &R,
    cases: u64,
    case: impl Fn(u64) -> Found,
) -> Result<Cases, Box<Violation>> {
    for n in 0..cases {
        case(n).map_err(|found| {
            let found = format!("{found} (data set {n})");
            Box::new(Violation { law, statement, who: rule.name().to_owned(), found, example: None })
        })?;
    }
    Ok(Cases(cases))
}

/// w_j → ± c_j / √β, c_j the j-th principal component of x, for linear neurons y = Σ w x and j = 0 … `columns` − 1.
///
/// Four random data sets of 4 inputs whose components have standard deviations 1, 0.6, 0.35, 0.2. 40,000 updates; the mean of
/// w over the last half must lie within 3 % of the axis and of the norm. Why 3 %: with η ≤ 0.005 a weight fluctuates by
/// √(η σ²) or so, 7 %, around its limit, and the mean over 20,000 updates, some hundred correlation times, by a tenth of it.
///
/// # Errors
/// The violation: the column that went elsewhere.
pub fn principal_components<F: Real, R: RateRule<F>>(
    rule: &R,
    columns: usize,
    beta: f64,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    const UPDATES: usize = 40_000;
    const DEVIATIONS: [f64; N] = [1.0, 0.6, 0.35, 0.2];
    tried(COMPONENTS, rule, 4, |n| {
        let mut rng = Streams::new(config.seed).rng("laws/principal-components", 0, n);
        let mut uniform = || 2.0 * rng.random::<f64>() - 1.0;
        let axes = orthonormal(&mut uniform);
        let first = (0..N * columns).map(|_| F::from_f64(0.1 * uniform())).collect();
        let mut weights = Dense::new(N, columns, first).map_err(said)?;
        let mut state = rule.state(N, columns).map_err(said)?;
        let mut mean = vec![0.0; N * columns];
        for update in 0..UPDATES {
            let mut x = [0.0; N];
            for (axis, deviation) in axes.iter().zip(DEVIATIONS) {
                let loading = 3.0_f64.sqrt() * deviation * uniform();
                (0..N).for_each(|k| x[k] += loading * axis[k]);
            }
            let x = x.map(F::from_f64);
            let column = |j| (0..N).fold(F::ZERO, |sum, i| sum + weights.weights()[i * columns + j] * x[i]);
            let y: Vec<F> = (0..columns).map(column).collect();
            rule.step(&mut state, &x, &y, &mut weights).map_err(said)?;
            if update >= UPDATES / 2 {
                mean.iter_mut().zip(weights.weights()).for_each(|(m, w)| *m += w.to_f64() / (UPDATES / 2) as f64);
            }
        }
        for (j, axis) in axes.iter().enumerate().take(columns) {
            let w = |i: usize| mean[i * columns + j];
            let norm = (0..N).map(|i| w(i) * w(i)).sum::<f64>();
            let cosine = (0..N).map(|i| w(i) * axis[i]).sum::<f64>().abs() / norm.sqrt();
            // Written so that NaN fails.
            if !((norm * beta - 1.0).abs() < 0.03 && cosine > 0.97) {
                return Err(format!("column {j}: squared norm {norm:.4}, cosine with component {j} {cosine:.4}"));
            }
        }
        Ok(())
    })
}

/// Gram and Schmidt's basis of random directions.
fn orthonormal(uniform: &mut impl FnMut() -> f64) -> [[f64; N]; N] {
    let mut axes = [[0.0; N]; N];
    for a in 0..N {
        let mut axis = [0.0; N].map(|_: f64| uniform());
        for other in &axes[..a] {
            let along: f64 = (0..N).map(|k| axis[k] * other[k]).sum();
            (0..N).for_each(|k| axis[k] -= along * other[k]);
        }
        let norm = axis.iter().map(|x| x * x).sum::<f64>().sqrt();
        axes[a] = axis.map(|x| x / norm);
    }
    axes
}

/// sign Δw(y) = sign(y − θ), θ following past activity: after `updates` updates at 2 y an update at y depresses, after as
/// many at y/2 it potentiates; y = 0.25 … 4, so that no fixed threshold will do.
///
/// # Errors
/// The violation: the sign that was wrong.
pub fn sliding_threshold<F: Real, R: RateRule<F>>(rule: &R, updates: usize) -> Result<Cases, Box<Violation>> {
    const LEVELS: [f64; 3] = [1.0, 1.5, 0.75];
    tried(THRESHOLD, rule, LEVELS.len() as u64, |n| {
        let y = LEVELS[n as usize];
        for (past, sign) in [(2.0 * y, -1.0), (0.5 * y, 1.0)] {
            let mut weights = Dense::new(1, 1, vec![F::ONE]).map_err(said)?;
            let mut state = rule.state(1, 1).map_err(said)?;
            for _ in 0..updates {
                rule.step(&mut state, &[F::ONE], &[F::from_f64(past)], &mut weights).map_err(said)?;
            }
            weights.weights_mut()[0] = F::ONE;
            rule.step(&mut state, &[F::ONE], &[F::from_f64(y)], &mut weights).map_err(said)?;
            let change = weights.weights()[0].to_f64() - 1.0;
            if change * sign <= 0.0 {
                return Err(format!("Δw = {change:e} at y = {y} after a past at y = {past}"));
            }
        }
        Ok(())
    })
}

/// y(x_1) : y(x_2) moves far from 1 for x_1 = (1, 0.2) and x_2 = (0.2, 1) shown at random, y = [Σ w x]₊, weights from about
/// 0.5: after `updates` updates the larger response is alive, above 0.1, and four times the smaller (a neuron with weights
/// from 0 can reach five); 8 random orders and starts.
///
/// # Errors
/// The violation: both responses.
pub fn selectivity<F: Real, R: RateRule<F>>(
    rule: &R,
    updates: usize,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    const INPUTS: [[f64; 2]; 2] = [[1.0, 0.2], [0.2, 1.0]];
    tried(SELECTIVITY, rule, 8, |n| {
        let mut rng = Streams::new(config.seed).rng("laws/selectivity", 0, n);
        let first = (0..2).map(|_| F::from_f64(0.4 + 0.2 * rng.random::<f64>())).collect();
        let mut weights = Dense::new(2, 1, first).map_err(said)?;
        let mut state = rule.state(2, 1).map_err(said)?;
        let answer = |weights: &Dense<F>, x: &[f64; 2]| {
            x.iter().zip(weights.weights()).map(|(x, w)| x * w.to_f64()).sum::<f64>().max(0.0)
        };
        for _ in 0..updates {
            let x = &INPUTS[rng.random_range(0..2)];
            let y = F::from_f64(answer(&weights, x));
            rule.step(&mut state, &x.map(F::from_f64), &[y], &mut weights).map_err(said)?;
        }
        let [a, b] = [0, 1].map(|k| answer(&weights, &INPUTS[k]));
        if a.max(b) > f64::max(0.1, 4.0 * a.min(b)) { Ok(()) } else { Err(format!("responses {a:.4} and {b:.4}")) }
    })
}
