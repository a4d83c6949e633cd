//! What may happen to a weight at all.

use nl_neuron::Real;

use super::run::{Bench, Found, Show, Title, compare, hold, hold_on, outcome, same_bits, sparse};
use super::{Case, Cases, Config, Knobs, Subject, Violation};
use crate::PlasticityRule;

const BOUNDS: Title = ("bounds", "weights that start within [w_min, w_max] are there after every step");
const SILENCE: Title = ("silence", "without spikes no weight changes, whatever the modulators do");
const SKIPPING: Title = ("skipping", "leaving out the steps in which nothing happens gives the same bits");

/// w_min ≤ w(t) ≤ w_max for all t.
///
/// # Errors
/// The violation, with its shortest example.
pub fn bounds<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(BOUNDS, family, config, |subject, case| {
        let (low, high) = subject.bounds.ok_or("no bounds are claimed: add `.bounds(w_min, w_max)` or an exemption")?;
        let within = |when: &str, weights: &[F]| match weights.iter().position(|w| !(low..=high).contains(&w.to_f64()))
        {
            None => Ok(()),
            Some(s) => {
                let (i, j, _) = case.synapses[s];
                Err(format!("w({i}→{j}) = {} {when}, outside [{low}, {high}]", weights[s]))
            }
        };
        let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        let show = |now, weights: &[F]| within(&format!("after step {now}"), weights);
        bench.show(case, 0..case.steps, Show::default(), show)?;
        within("after settling", nl_synapse::Weights::weights(&bench.synapses))
    })
}

/// No spikes ⇒ Δw = 0.
///
/// # Errors
/// The violation, with its shortest example.
pub fn silence<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let still = |subject: &_, case: &_| unchanged(subject, case, Show::default(), "in silence");
    hold_on(SILENCE, family, config, Case::silent, still)
}

/// run(all steps) = run(steps with spikes or a pulse), bit for bit.
///
/// # Errors
/// The violation, with its shortest example.
pub fn skipping<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(SKIPPING, family, config, |subject, case| {
        let all = outcome(subject, case, Show::default())?;
        let some = outcome(subject, case, Show { silence: false, ..Show::default() })?;
        let (all, some) = (("with all steps", &all[..]), ("without the silent ones", &some[..]));
        if subject.integrates { compare(subject, case, all, some) } else { same_bits(case, all, some) }
    })
}

/// The weights of a case stay as they are, bit for bit.
pub(crate) fn unchanged<F: Real, R: PlasticityRule<F>>(
    subject: &Subject<F, R>,
    case: &Case,
    how: Show,
    when: &str,
) -> Found {
    let bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
    same_bits(case, (&format!("at the end, {when}"), &outcome(subject, case, how)?), ("at first", &bench.weights()))
}
