//! e-prop is back-propagation through time where nothing recurs.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;

use super::run::{Bench, Title, hold, said, sparse};
use super::{Case, Cases, Config, Knobs, Subject, Violation};
use crate::{Activity, PlasticityRule};

const GRADIENT: Title =
    ("gradient", "without recurrence the summed changes of e-prop are the gradient of back-propagation through time");

/// What the law must know of a form of e-prop: Δw = −η dE/dw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Filters {
    /// Learning rate η.
    pub eta: f64,
    /// Membrane time constant: α = e^(−dt/τ_m).
    pub tau_m: Ms,
    /// Time constant of the read-out: κ = e^(−dt/τ_out); `None`: κ = 0.
    pub tau_out: Option<Ms>,
}

/// Σ_t Δw_ij(t) = −η dE/dw_ij, the gradient taken backwards through time by hand, for
/// v_j(t) = α v_j(t−1) + Σ_i w_ij z_i(t) − s_j(t−1), s_j = Θ(v_j − 1), ψ_j = 0.3 [1 − abs(v_j − 1)]₊,
/// y(t) = κ y(t−1) + Σ_j B_j s_j(t), E = ½ Σ_t (y − y*)²; the reset is not differentiated.
///
/// # Errors
/// The violation, with its shortest example.
pub fn gradient<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    filters: Filters,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(GRADIENT, family, config, |subject, case| {
        let (steps, n) = (case.steps as usize, case.post);
        let alpha = (-case.dt.0 / filters.tau_m.0).exp();
        let kappa = filters.tau_out.map_or(0.0, |tau| (-case.dt.0 / tau.0).exp());
        let b = |j: usize| 1.0 - 0.7 * j as f64;
        let input = |i, t| f64::from(u8::from(case.pre_spikes.binary_search(&(t as u64, i)).is_ok()));
        // Forwards, with the weights of the start.
        let (mut v, mut spiked, mut psi) = (vec![0.0; n], vec![0.0; n], vec![vec![F::ZERO; n]; steps]);
        let (mut y, mut error) = (0.0, vec![0.0; steps]);
        for t in 0..steps {
            for j in 0..n {
                v[j] = alpha * v[j] - spiked[j];
            }
            for &(i, j, part) in &case.synapses {
                v[j as usize] += subject.weight(part) * input(i, t);
            }
            y *= kappa;
            for j in 0..n {
                psi[t][j] = F::from_f64(0.3 * (1.0 - (v[j] - 1.0_f64).abs()).max(0.0));
                spiked[j] = f64::from(u8::from(v[j] >= 1.0));
                y += b(j) * spiked[j];
            }
            error[t] = y - 0.1 * (t % 7) as f64;
        }
        // Backwards.
        let mut expected = vec![0.0; case.synapses.len()];
        let (mut dy, mut dv) = (0.0, vec![0.0; n]);
        for t in (0..steps).rev() {
            dy = error[t] + kappa * dy;
            for j in 0..n {
                dv[j] = psi[t][j].to_f64() * b(j) * dy + alpha * dv[j];
            }
            for (gradient, &(i, j, _)) in expected.iter_mut().zip(&case.synapses) {
                *gradient += dv[j as usize] * input(i, t);
            }
        }
        let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        let first = bench.weights();
        for t in 0..steps {
            let pre: Vec<u32> = (0..case.pre as u32).filter(|&i| input(i, t) > 0.0).collect();
            let signal: Vec<F> = (0..n).map(|j| F::from_f64(b(j) * error[t])).collect();
            let activity = Activity::spikes(t as u64, &pre, &[]).with_learning_signal(&psi[t], &signal);
            bench.rule.step(&mut bench.state, &activity, &mut bench.synapses).map_err(said)?;
        }
        bench.rule.settle(&mut bench.state, case.steps - 1, &mut bench.synapses).map_err(said)?;
        same_gradient(subject, case, &first, bench.synapses.weights(), &expected, filters.eta)
    })
}

fn same_gradient<F: Real, R: PlasticityRule<F>>(
    subject: &Subject<F, R>,
    case: &Case,
    first: &[f64],
    last: &[F],
    expected: &[f64],
    eta: f64,
) -> Result<(), String> {
    for (s, &(i, j, _)) in case.synapses.iter().enumerate() {
        let online = (first[s] - last[s].to_f64()) / eta;
        if !subject.close(eta * online, eta * expected[s]) {
            return Err(format!("dE/dw({i}→{j}) = {online} by the rule, but {} through time", expected[s]));
        }
    }
    Ok(())
}
