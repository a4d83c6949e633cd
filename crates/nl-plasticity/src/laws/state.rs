//! What a rule's state must do: resume, settle, forget, refuse nonsense.

use nl_neuron::Real;
use nl_units::Ms;

use super::run::{Bench, Found, Show, Title, compare, hold, said, same_bits, sparse};
use super::{Case, Cases, Config, Knobs, Subject, Violation};
use crate::{Activity, PlasticityRule};

const RESUME: Title = ("resume", "saving and loading state and weights in the middle changes no bit of what follows");
const SETTLE: Title = ("settle", "settling twice is settling once, and settling after each step changes no result");
const FORGETTING: Title = ("forgetting", "after a long silence a rule learns like a fresh one");
const REFUSAL: Title =
    ("refusal", "a spike of a neuron that does not exist, or time that does not ascend, is an error");

/// run(0, T) = run(t, T) ∘ load ∘ save ∘ run(0, t), bit for bit, in weights and in state.
///
/// # Errors
/// The violation, with its shortest example.
pub fn resume<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(RESUME, family, config, |subject, case| {
        let cut = case.choice.min(case.steps);
        let quiet = |_: u64, _: &[F]| Ok(());
        let mut through = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        let mut broken = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        for bench in [&mut through, &mut broken] {
            bench.show(case, 0..cut, Show::default(), quiet)?;
        }
        let state = serde_json::to_string(&broken.state).map_err(said)?;
        let weights = serde_json::to_string(&broken.synapses).map_err(said)?;
        broken.state =
            serde_json::from_str(&state).map_err(|e| format!("the saved state {state} cannot be read: {e}"))?;
        broken.synapses = serde_json::from_str(&weights).map_err(said)?;
        for bench in [&mut through, &mut broken] {
            bench.show(case, cut..case.steps, Show::default(), quiet)?;
        }
        let loaded = format!("resumed in step {cut}");
        same_bits(case, (&loaded, &broken.weights()), ("run through", &through.weights()))?;
        if broken.state == through.state {
            return Ok(());
        }
        Err(format!("state {:?} {loaded}, but {:?} run through", broken.state, through.state))
    })
}

/// settle ∘ settle = settle; run with settle after each step = run with settle at the end.
///
/// # Errors
/// The violation, with its shortest example.
pub fn settle<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(SETTLE, family, config, |subject, case| {
        let run = |settle| {
            let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
            bench.show(case, 0..case.steps, Show { settle, ..Show::default() }, |_, _| Ok(()))?;
            Ok::<_, String>(bench)
        };
        let mut late = run(false)?;
        let once = late.weights();
        late.rule.settle(&mut late.state, case.steps - 1, &mut late.synapses).map_err(said)?;
        same_bits(case, ("settled twice", &late.weights()), ("settled once", &once))?;
        compare(subject, case, ("settled at the end", &once), ("settled after each step", &run(true)?.weights()))
    })
}

/// lim T→∞ of run(B) after run(A) and a silence T = run(B) from the same weights with a fresh state; T = 10⁶ ms.
///
/// # Errors
/// The violation, with its shortest example.
pub fn forgetting<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(FORGETTING, family, config, |subject, case| {
        let quiet = |_: u64, _: &[F]| Ok(());
        let mut old = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        old.show(case, 0..case.steps, Show::default(), quiet)?;
        let gap = Ms(1e6).on_grid(case.dt).steps_u64("forgetting", "silence", case.dt).map_err(said)?;
        old.rule.settle(&mut old.state, gap - 2, &mut old.synapses).map_err(said)?;
        let mut fresh = Bench::new(subject, case.dt, old.synapses.clone())?;
        // One quiet step goes before, for rules that take a step's voltage for that of all steps left out.
        let again = case.at_steps(|step| step + gap);
        for bench in [&mut old, &mut fresh] {
            bench.show(&again, gap - 1..again.steps, Show::default(), quiet)?;
        }
        compare(
            subject,
            case,
            ("shown again after 1000 s of silence", &old.weights()),
            ("in a fresh state", &fresh.weights()),
        )
    })
}

/// i ≥ n or t ≤ t_last ⇒ `Err`, and never a panic.
///
/// # Errors
/// The violation, with its shortest example.
pub fn refusal<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(REFUSAL, family, config, |subject, case| {
        let values = |wanted, x| vec![F::from_f64(x); if wanted { case.post } else { 0 }];
        let voltages = values(subject.voltages, -70.0);
        let learning = values(subject.learning_signal, 0.1);
        let refused = |now, pre: &[u32], post: &[u32], what: &str| -> Found {
            let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
            let first = Case { steps: case.steps.min(case.choice + 1), ..case.clone() };
            bench.show(&first, 0..first.steps, Show::default(), |_, _| Ok(()))?;
            let activity = Activity::spikes(now, pre, post).with_voltage(&voltages);
            let activity = activity.with_learning_signal(&learning, &learning);
            match bench.rule.step(&mut bench.state, &activity, &mut bench.synapses) {
                Ok(()) => Err(format!("{what} was accepted")),
                Err(_) => Ok(()),
            }
        };
        let (m, n) = (case.pre as u32, case.post as u32);
        let last = case.steps.min(case.choice + 1) - 1;
        refused(last + 1, &[m], &[], &format!("a spike of pre neuron {m} of {m}"))?;
        refused(last + 1, &[], &[n], &format!("a spike of post neuron {n} of {n}"))?;
        refused(last, &[0], &[], &format!("step {last} after step {last}"))
    })
}
