//! How a law is tried on many cases, and how a rule is shown one.

use nl_laws::proptest::strategy::Strategy;
use nl_laws::{Cases, Config, Knobs};
pub(crate) use nl_laws::{Found, Title, said};
use nl_neuron::Real;
use nl_synapse::{Csr, Dense, Sparse, Weights};
use nl_units::Ms;

use super::{Case, Subject, Violation};
use crate::{Activity, Modulators, PlasticityRule};

/// Tries a law on `config.cases` random cases and shrinks the first that breaks it.
pub(crate) fn hold<F: Real, R: PlasticityRule<F>>(
    title: Title,
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
    check: impl Fn(&Subject<F, R>, &Case) -> Found,
) -> Result<Cases, Box<Violation>> {
    hold_on(title, family, config, |case| case, check)
}

/// As [`hold`], on cases of a special form.
pub(crate) fn hold_on<F: Real, R: PlasticityRule<F>>(
    title: Title,
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
    form: fn(Case) -> Case,
    check: impl Fn(&Subject<F, R>, &Case) -> Found,
) -> Result<Cases, Box<Violation>> {
    let check = |case: &Case| check(&family(&case.knobs), case);
    nl_laws::hold(title, &Case::strategy().prop_map(form), config, check, |example| {
        let subject = family(&example.as_ref().map_or_else(Knobs::default, |case| case.knobs));
        let rule = (subject.build)(Ms(1.0)).name().to_owned();
        (rule, example.map(|case| Case { start: subject.start, ..case }))
    })
}

/// The sparse connection of a case.
pub(crate) fn sparse<F: Real, R: PlasticityRule<F>>(subject: &Subject<F, R>, case: &Case) -> Result<Sparse<F>, String> {
    let edges: Vec<_> = case.synapses.iter().map(|&(i, j, _)| (i, j)).collect();
    let weights = case.synapses.iter().map(|&(_, _, part)| F::from_f64(subject.weight(part))).collect();
    let csr = Csr::from_edges(case.pre, case.post, &edges).map_err(said)?;
    Sparse::new(csr, weights).map_err(said)
}

/// The dense connection of a case whose synapses are all there.
pub(crate) fn dense<F: Real, R: PlasticityRule<F>>(subject: &Subject<F, R>, case: &Case) -> Result<Dense<F>, String> {
    let weights = case.synapses.iter().map(|&(_, _, part)| F::from_f64(subject.weight(part))).collect();
    Dense::new(case.pre, case.post, weights).map_err(said)
}

/// Which neuromodulators a rule is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signals {
    /// Those it claims to listen to.
    Claimed,
    /// None.
    Absent,
    /// All four.
    All,
}

/// How a case is shown to a rule.
#[derive(Clone, Copy)]
pub(crate) struct Show {
    /// Show steps in which nothing happens, too.
    pub(crate) silence: bool,
    /// Which neuromodulators there are.
    pub(crate) signals: Signals,
    /// Factor on every weight change.
    pub(crate) rate: f64,
    /// Settle after each step and not only at the end.
    pub(crate) settle: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self { silence: true, signals: Signals::Claimed, rate: 1.0, settle: false }
    }
}

/// A rule, its state and a connection, in the middle of an experiment.
pub(crate) struct Bench<'a, F: Real, R: PlasticityRule<F>, W> {
    pub(crate) subject: &'a Subject<F, R>,
    pub(crate) rule: R,
    pub(crate) state: R::State,
    pub(crate) synapses: W,
}

impl<'a, F: Real, R: PlasticityRule<F>, W: Weights<F>> Bench<'a, F, R, W> {
    /// A fresh state.
    pub(crate) fn new(subject: &'a Subject<F, R>, dt: Ms, synapses: W) -> Result<Self, String> {
        let rule = (subject.build)(dt);
        let state = rule.state(synapses.pre(), synapses.post(), synapses.synapses()).map_err(said)?;
        Ok(Self { subject, rule, state, synapses })
    }

    /// Shows the steps of `range`; `after` sees the weights after each step shown. Settles at the end.
    pub(crate) fn show(
        &mut self,
        case: &Case,
        range: core::ops::Range<u64>,
        how: Show,
        mut after: impl FnMut(u64, &[F]) -> Found,
    ) -> Found {
        let (mut voltages, mut psi, mut error) = (Vec::new(), Vec::new(), Vec::new());
        let (mut pre, mut post) = (Vec::new(), Vec::new());
        for now in range.clone() {
            spikes_of(&case.pre_spikes, now, &mut pre);
            spikes_of(&case.post_spikes, now, &mut post);
            let pulse = case.pulses.iter().find(|pulse| pulse.0 == now).map(|pulse| pulse.1);
            let modulators = self.modulators(how.signals, pulse);
            let pulse = modulators != self.subject.background;
            if !how.silence && pre.is_empty() && post.is_empty() && !pulse {
                continue;
            }
            if self.subject.voltages {
                voltage(case, now, &mut voltages);
            }
            if self.subject.learning_signal {
                signals(case, now, &mut psi, &mut error);
            }
            let activity = Activity::spikes(now, &pre, &post)
                .with_modulators(modulators)
                .with_rate(F::from_f64(how.rate))
                .with_voltage(&voltages)
                .with_learning_signal(&psi, &error);
            self.rule.step(&mut self.state, &activity, &mut self.synapses).map_err(said)?;
            if how.settle {
                self.rule.settle(&mut self.state, now, &mut self.synapses).map_err(said)?;
            }
            after(now, self.synapses.weights())?;
        }
        if range.end > range.start {
            self.rule.settle(&mut self.state, range.end - 1, &mut self.synapses).map_err(said)?;
        }
        Ok(())
    }

    fn modulators(&self, signals: Signals, pulse: Option<f64>) -> Modulators {
        let none = Modulators::default();
        match (signals, pulse) {
            (Signals::Absent, _) => none,
            (Signals::All, Some(x)) => Modulators { dopamine: x, acetylcholine: x, serotonin: x, noradrenaline: x },
            (Signals::All | Signals::Claimed, None) => self.subject.background,
            (Signals::Claimed, Some(x)) => {
                let (a, b) = (self.subject.background, self.subject.pulse.map_or(none, |pulse| pulse(x)));
                Modulators {
                    dopamine: a.dopamine + b.dopamine,
                    acetylcholine: a.acetylcholine + b.acetylcholine,
                    serotonin: a.serotonin + b.serotonin,
                    noradrenaline: a.noradrenaline + b.noradrenaline,
                }
            }
        }
    }

    /// The weights.
    pub(crate) fn weights(&self) -> Vec<f64> {
        self.synapses.weights().iter().map(|w| w.to_f64()).collect()
    }
}

/// The weights after all steps of a case on its sparse connection.
pub(crate) fn outcome<F: Real, R: PlasticityRule<F>>(
    subject: &Subject<F, R>,
    case: &Case,
    how: Show,
) -> Result<Vec<f64>, String> {
    let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
    bench.show(case, 0..case.steps, how, |_, _| Ok(()))?;
    Ok(bench.weights())
}

/// Names the first synapse whose weights differ beyond the tolerance.
pub(crate) fn compare<F: Real, R: PlasticityRule<F>>(
    subject: &Subject<F, R>,
    case: &Case,
    (this, a): (&str, &[f64]),
    (that, b): (&str, &[f64]),
) -> Found {
    differ(case, (this, a), (that, b), |a, b| subject.close(a, b))
}

/// Names the first synapse whose weights differ in any bit.
pub(crate) fn same_bits(case: &Case, a: (&str, &[f64]), b: (&str, &[f64])) -> Found {
    differ(case, a, b, |a, b| a.to_bits() == b.to_bits())
}

fn differ(
    case: &Case,
    (this, a): (&str, &[f64]),
    (that, b): (&str, &[f64]),
    equal: impl Fn(f64, f64) -> bool,
) -> Found {
    match (0..a.len()).find(|&s| !equal(a[s], b[s])) {
        None => Ok(()),
        Some(s) => {
            let (i, j, _) = case.synapses[s];
            Err(format!("w({i}→{j}) = {} {this}, but {} {that}", a[s], b[s]))
        }
    }
}

fn spikes_of(spikes: &[(u64, u32)], now: u64, out: &mut Vec<u32>) {
    out.clear();
    let first = spikes.partition_point(|spike| spike.0 < now);
    out.extend(spikes[first..].iter().take_while(|spike| spike.0 == now).map(|spike| spike.1));
}

/// A membrane potential that follows the post spikes: rest, an after-depolarisation of 15 mV and 10 ms, and the spike.
fn voltage<F: Real>(case: &Case, now: u64, v: &mut Vec<F>) {
    follow(case, now, v, |lags| {
        -70.6 + lags.map(|lag| if lag == 0.0 { 90.0 } else { 15.0 * (-lag / 10.0).exp() }).sum::<f64>()
    });
}

/// Pseudo-derivatives and learning signals that follow the post spikes.
fn signals<F: Real>(case: &Case, now: u64, psi: &mut Vec<F>, error: &mut Vec<F>) {
    follow(case, now, psi, |lags| 0.3 / (1.0 + lags.map(|lag| (-lag / 5.0).exp()).sum::<f64>()));
    follow(case, now, error, |lags| 0.5 - lags.map(|lag| (-lag / 15.0).exp()).sum::<f64>());
}

/// For each post neuron a value made of the times since its spikes, in ms.
fn follow<F: Real>(case: &Case, now: u64, out: &mut Vec<F>, f: impl Fn(&mut dyn Iterator<Item = f64>) -> f64) {
    out.clear();
    for j in 0..case.post as u32 {
        let past = case.post_spikes.iter().filter(|spike| spike.1 == j && spike.0 <= now);
        out.push(F::from_f64(f(&mut past.map(|spike| (now - spike.0) as f64 * case.dt.0))));
    }
}
