//! Neuromodulators and the learning rate.

use nl_neuron::Real;

use super::run::{Bench, Show, Signals, Title, hold, outcome, same_bits, sparse};
use super::weights::unchanged;
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::PlasticityRule;

const GATE: Title =
    ("gate", "without the modulator it listens to a rule changes nothing; modulators it does not name change nothing");
const RATE_ZERO: Title = ("rate_zero", "at learning rate 0 no weight changes");
const RATE_LINEAR: Title = ("rate_linear", "away from the bounds a change is proportional to the learning rate");

/// m(t) = 0 for all t ⇒ Δw = 0; a rule without modulator: Δw does not depend on m.
///
/// # Errors
/// The violation, with its shortest example.
pub fn gate<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(GATE, family, config, |subject, case| {
        if subject.pulse.is_some() {
            let how = Show { signals: Signals::Absent, ..Show::default() };
            return unchanged(subject, case, how, "without the modulator");
        }
        let with = outcome(subject, case, Show { signals: Signals::All, ..Show::default() })?;
        let without = outcome(subject, case, Show::default())?;
        same_bits(case, ("with pulses of all modulators", &with), ("without", &without))
    })
}

/// rate = 0 ⇒ Δw = 0.
///
/// # Errors
/// The violation, with its shortest example.
pub fn rate_zero<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(RATE_ZERO, family, config, |subject, case| {
        unchanged(subject, case, Show { rate: 0.0, ..Show::default() }, "at learning rate 0")
    })
}

/// Δw(r) = r Δw(1), 0 ≤ r ≤ 1, for weights that keep away from the bounds.
///
/// # Errors
/// The violation, with its shortest example.
pub fn rate_linear<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(RATE_LINEAR, family, config, |subject, case| {
        let rate = (case.choice % 9) as f64 / 8.0;
        // A quarter off: within a step a weight may meet a bound and leave it again.
        let (low, high) = subject.bounds.map_or((f64::NEG_INFINITY, f64::INFINITY), |(low, high)| {
            (low + 0.25 * (high - low), high - 0.25 * (high - low))
        });
        let run = |rate| {
            let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
            let (first, mut free) = (bench.weights(), vec![true; case.synapses.len()]);
            bench.show(case, 0..case.steps, Show { rate, settle: true, ..Show::default() }, |_, weights| {
                for (free, w) in free.iter_mut().zip(weights) {
                    *free &= low < w.to_f64() && w.to_f64() < high;
                }
                Ok(())
            })?;
            Ok::<_, String>((first, bench.weights(), free))
        };
        let ((first, full, free_full), (_, part, free_part)) = (run(1.0)?, run(rate)?);
        for (s, &(i, j, _)) in case.synapses.iter().enumerate() {
            let expected = first[s] + rate * (full[s] - first[s]);
            if free_full[s] && free_part[s] && !subject.close(part[s], expected) {
                let (a, b) = (part[s] - first[s], full[s] - first[s]);
                return Err(format!("Δw({i}→{j}) = {a} at learning rate {rate}, but {b} at rate 1"));
            }
        }
        Ok(())
    })
}
