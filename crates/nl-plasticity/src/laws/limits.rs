//! Rules that must agree in a limit, and rules that must reach a target.

use nl_neuron::Real;
use nl_random::Streams;
use nl_synapse::{Dense, Weights};
use nl_units::{Hz, Ms};
use rand::RngExt;

use super::run::{Show, Title, compare, hold, outcome, said};
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::{Activity, PlasticityRule};

const EQUAL: Title = ("equal", "two rules that coincide in a limit give the same weights there");
const TARGET_RATE: Title = ("target_rate", "plastic inhibition drives the postsynaptic rate to its target");

/// w(rule A) = w(rule B): triplet STDP with A₃ = 0 and pair STDP, μ = 0 and the additive rule, and so on.
///
/// # Errors
/// The violation, with its shortest example.
pub fn equal<F: Real, A: PlasticityRule<F>, B: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, A>,
    other: &impl Fn(&Knobs) -> Subject<F, B>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(EQUAL, family, config, |subject, case| {
        let that = other(&case.knobs);
        let name = (that.build)(case.dt).name();
        let (a, b) = (outcome(subject, case, Show::default())?, outcome(&that, case, Show::default())?);
        compare(subject, case, ("by this rule", &a), (&format!("by {name}"), &b))
    })
}

/// ⟨ρ_post⟩ → ρ₀. Twenty inhibitory Poisson inputs of 20 Hz reach one Poisson neuron whose rate is 4 ρ₀ without
/// inhibition and falls to 0 linearly as the mean weight rises to the middle of where weights may start. After 300 s, the
/// rate over the next 300 s lies within 10 % of ρ₀.
///
/// Why 10 %: counting N = ρ₀ · 300 s spikes has a relative deviation of 1/√N at most (2.6 % at 5 Hz; feedback lowers it),
/// and a grid of dt = 0.5 ms moves the fixed point by dt / 2τ (1 % at 20 ms).
///
/// # Errors
/// The violation: the rate that was reached.
pub fn target_rate<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    rho_0: Hz,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    const INPUTS: u32 = 20;
    const DT: f64 = 0.5;
    const SPAN: u64 = 600_000;
    let subject = family(&Knobs::default());
    let rule = (subject.build)(Ms(DT));
    let run = |case: u64| {
        let mut rng = Streams::new(config.seed).rng("laws/target-rate", 0, case);
        let first = F::from_f64(subject.weight(0.05));
        let mut synapses = Dense::new(INPUTS as usize, 1, vec![first; INPUTS as usize]).map_err(said)?;
        let mut state = rule.state(INPUTS as usize, 1, INPUTS as usize).map_err(said)?;
        let mut spikes = 0_u64;
        for now in 0..2 * SPAN {
            let mean = synapses.weights().iter().map(|w| w.to_f64()).sum::<f64>() / f64::from(INPUTS);
            let part = (mean - subject.start.0) / (subject.start.1 - subject.start.0);
            let rate = 4.0 * rho_0.0 * (1.0 - 2.0 * part).max(0.0);
            let (input, which) = (rng.random::<f64>() < f64::from(INPUTS) * 0.02 * DT, rng.random_range(0..INPUTS));
            let output = rng.random::<f64>() < 1e-3 * rate * DT;
            let pre = if input { &[which][..] } else { &[] };
            let post = if output { &[0][..] } else { &[] };
            if input || output {
                rule.step(&mut state, &Activity::spikes(now, pre, post), &mut synapses).map_err(said)?;
            }
            spikes += u64::from(output && now >= SPAN);
        }
        let reached = spikes as f64 / (SPAN as f64 * DT * 1e-3);
        if (reached - rho_0.0).abs() <= 0.1 * rho_0.0 {
            Ok(())
        } else {
            Err(format!("{reached:.3} Hz after 300 s, not {} Hz", rho_0.0))
        }
    };
    const CASES: u64 = 2;
    for case in 0..CASES {
        run(case).map_err(|found| {
            let (law, statement) = TARGET_RATE;
            Box::new(Violation { law, statement, who: rule.name().to_owned(), found, example: None })
        })?;
    }
    Ok(Cases(CASES))
}
