//! Neurons broken on purpose, in the ways of real programs: each must be caught, by the law named beside it.

use std::cell::Cell;

use nl_neuron::laws::{Cases, Config, Convergence, Knobs, Law, Subject, Violation, lif_closed_form};
use nl_neuron::{Error, InputChannel, LifParameters, Ms, NeuronModel, PopulationState, SpikeSet};
use serde::{Deserialize, Serialize};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Nothing.
    None,
    /// The refractory period is one step short.
    RefractoryOneShort,
    /// There is none.
    RefractoryIgnored,
    /// It is counted in steps whatever their length.
    RefractoryInSteps,
    /// A spike resets to E_L + 5 mV.
    WrongReset,
    /// The leak is 1 − dt/τ, but declared exact.
    EulerDecay,
    /// Input is not scaled with dt.
    GainPerStep,
    /// The threshold is compared before the integration.
    ThresholdFirst,
    /// Input is added in the step after.
    InputOneLate,
    /// A neuron's spike inhibits the one after it.
    SharedState,
    /// The last neurons, which do not fill a vector of 8, are left out.
    RemainderForgotten,
    /// The refractory counter is not saved.
    HiddenCounter,
    /// A random number from the model itself.
    ModelMutates,
    /// The threshold sinks with the time since the start.
    AbsoluteTime,
    /// A rate with a removable pole at V = −40 mV, not removed.
    PoleAtMinus40,
    /// A trace that grows by a power with each spike and never decays overflows.
    Overflow,
    /// The leak pulls away from E_L.
    LeakReversed,
    /// Strong currents wrap around, as in a narrow integer.
    CurrentWraps,
    /// Input of the wrong length is taken.
    LengthUnchecked,
    /// A state whose arrays differ in length is taken.
    StateUnchecked,
    /// V is kept in steps of a thousandth of a millivolt.
    SmallStepsLost,
    /// Every neuron gets the input of the first.
    InputOfFirst,
}

/// A leaky integrate-and-fire neuron with a fault.
#[derive(Debug)]
struct Broken {
    p: LifParameters,
    dt: f64,
    fault: Fault,
    uses: Cell<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    v: Vec<f64>,
    threshold: Vec<f64>,
    trace: Vec<f64>,
    late: Vec<f64>,
    refractory: Vec<u32>,
    #[serde(skip)]
    hidden: Vec<u32>,
    step: u64,
}

impl PopulationState<f64> for State {
    fn len(&self) -> usize {
        self.v.len()
    }
    fn variables(&self) -> &'static [&'static str] {
        &["v", "threshold", "trace"]
    }
    fn variable(&self, name: &str) -> Option<&[f64]> {
        match name {
            "v" => Some(&self.v),
            "threshold" => Some(&self.threshold),
            "trace" => Some(&self.trace),
            _ => None,
        }
    }
    fn variable_mut(&mut self, name: &str) -> Option<&mut [f64]> {
        (name == "v").then_some(&mut self.v[..])
    }
}

impl NeuronModel<f64> for Broken {
    type State = State;

    fn name(&self) -> &'static str {
        "broken"
    }

    fn dt(&self) -> Ms {
        Ms(self.dt)
    }

    fn receptors(&self) -> &'static [InputChannel] {
        const { &[InputChannel::current("pA")] }
    }

    fn state(&self, n: usize) -> Result<State, Error> {
        Error::population("broken", n)?;
        let p = &self.p;
        Ok(State {
            v: vec![p.e_l.0; n],
            threshold: vec![p.v_th.0; n],
            trace: vec![0.0; n],
            late: vec![0.0; n],
            refractory: vec![0; n],
            hidden: vec![0; n],
            step: 0,
        })
    }

    fn step(&self, state: &mut State, input: &[f64], spikes: &mut SpikeSet) -> Result<(), Error> {
        let (p, dt, fault) = (&self.p, self.dt, self.fault);
        if fault != Fault::StateUnchecked {
            let lengths = [&state.threshold, &state.trace, &state.late].map(Vec::len);
            Error::state("broken", state.v.len(), &[&lengths[..], &[state.refractory.len()]].concat())?;
        }
        if fault != Fault::LengthUnchecked {
            self.check(state.v.len(), input, spikes)?;
        }
        spikes.prepare()?;
        let n = state.v.len().min(input.len()).min(spikes.population());
        self.uses.set(self.uses.get() + 1);
        state.step += 1;
        state.hidden.resize(n, 0);
        let held = match fault {
            Fault::RefractoryOneShort => (p.t_ref.0 / dt).round() as u32 - 1,
            Fault::RefractoryIgnored => 0,
            Fault::RefractoryInSteps => 20,
            _ => (p.t_ref.0 / dt).round() as u32,
        };
        let decay = match fault {
            Fault::EulerDecay => 1.0 - dt / p.tau_m.0,
            Fault::LeakReversed => (dt / p.tau_m.0).exp(),
            _ => (-dt / p.tau_m.0).exp(),
        };
        let gain = p.tau_m.0 / p.c_m.0 * if fault == Fault::GainPerStep { 0.01 } else { (1.0 - decay).abs() };
        let mut inhibited = false;
        for i in 0..if fault == Fault::RemainderForgotten && n > 8 { n / 8 * 8 } else { n } {
            let counter = if fault == Fault::HiddenCounter { &mut state.hidden[i] } else { &mut state.refractory[i] };
            let mut current = if fault == Fault::InputOfFirst { input[0] } else { input[i] };
            if fault == Fault::InputOneLate {
                core::mem::swap(&mut current, &mut state.late[i]);
            }
            if fault == Fault::CurrentWraps && current > 640.0 {
                current -= 640.0;
            }
            let v = &mut state.v[i];
            let threshold = state.threshold[i]
                - if fault == Fault::AbsoluteTime { 0.01 * state.step as f64 } else { 0.0 }
                - if fault == Fault::ModelMutates { 1e-3 * (self.uses.get() % 7) as f64 } else { 0.0 };
            let before = *v;
            if *counter == 0 {
                *v = p.e_l.0 + (*v - p.e_l.0) * decay + gain * current;
                if fault == Fault::PoleAtMinus40 {
                    let x = (before + 40.0) / 10.0;
                    *v += 1e-12 * x / (1.0 - (-x).exp());
                }
                if fault == Fault::LeakReversed {
                    *v += 1e-3 * dt;
                }
                if inhibited {
                    *v -= 1.0;
                }
            }
            if fault == Fault::SmallStepsLost {
                *v = (*v * 1e3).round() * 1e-3;
            }
            inhibited = false;
            let seen = if fault == Fault::ThresholdFirst { before } else { *v };
            if *counter == 0 && seen >= threshold {
                *v = if fault == Fault::WrongReset { p.v_reset.0 + 5.0 } else { p.v_reset.0 };
                *counter = held;
                if fault == Fault::Overflow {
                    state.trace[i] = (state.trace[i] + 10.0).powi(4);
                }
                spikes.flags_mut()[i] = 1;
                inhibited = fault == Fault::SharedState;
            } else {
                *counter = counter.saturating_sub(1);
            }
        }
        spikes.collect();
        Ok(())
    }
}

fn parameters(knobs: &Knobs) -> LifParameters {
    LifParameters { tau_m: Ms(knobs.jitter(0, 10.0)), ..LifParameters::default() }
}

fn family(fault: Fault) -> impl Fn(&Knobs) -> Subject<f64, Broken> {
    move |knobs| {
        let p = parameters(knobs);
        Subject::new(
            move |dt| {
                Error::positive("broken", "dt", dt.0)?;
                Ok(Broken { p, dt: dt.0, fault, uses: Cell::new(0) })
            },
            -400.0..=900.0,
        )
        .t_ref(p.t_ref)
        .quiet(200.0)
        .convergence(Convergence::Exact)
    }
}

type Check = fn(Fault) -> Result<Cases, Box<Violation>>;

macro_rules! law {
    ($law:ident) => {
        |fault| Law::$law.check(&family(fault), &Config::default())
    };
}

fn closed_form(fault: Fault) -> Result<Cases, Box<Violation>> {
    lif_closed_form(&family(fault), &Config::default(), parameters)
}

const TABLE: &[(Fault, Check, &str)] = &[
    (Fault::RefractoryOneShort, law!(Refractory), "refractory"),
    (Fault::RefractoryIgnored, law!(Refractory), "refractory"),
    (Fault::RefractoryInSteps, law!(Refinement), "refinement"),
    (Fault::WrongReset, closed_form, "lif_closed_form"),
    (Fault::EulerDecay, law!(Order), "order"),
    (Fault::GainPerStep, law!(Order), "order"),
    (Fault::GainPerStep, law!(Refinement), "refinement"),
    (Fault::ThresholdFirst, closed_form, "lif_closed_form"),
    (Fault::InputOneLate, closed_form, "lif_closed_form"),
    (Fault::SharedState, law!(Permutation), "permutation"),
    (Fault::SharedState, law!(Splitting), "splitting"),
    (Fault::RemainderForgotten, law!(Splitting), "splitting"),
    (Fault::HiddenCounter, law!(Resume), "resume"),
    (Fault::ModelMutates, law!(Determinism), "determinism"),
    (Fault::AbsoluteTime, law!(TimeShift), "time_shift"),
    (Fault::PoleAtMinus40, law!(Finite), "finite"),
    (Fault::Overflow, law!(Finite), "finite"),
    (Fault::LeakReversed, law!(Silence), "silence"),
    (Fault::CurrentWraps, law!(Monotone), "monotone"),
    (Fault::LengthUnchecked, law!(Refusal), "refusal"),
    (Fault::StateUnchecked, law!(Refusal), "refusal"),
    (Fault::SmallStepsLost, law!(SlowDecay), "slow_decay"),
    (Fault::InputOfFirst, law!(Permutation), "permutation"),
];

#[test]
fn every_fault_is_caught_by_its_law() {
    for (fault, check, law) in TABLE {
        match check(*fault) {
            Ok(cases) => panic!("{fault:?} obeys `{law}` in {cases:?}"),
            Err(violation) => {
                assert_eq!(violation.law, *law, "{fault:?}");
                // Shown small: what is printed is read by somebody.
                let example = violation.example.as_ref().unwrap_or_else(|| panic!("{fault:?}: no example"));
                assert!(example.case.pulses.len() <= 2, "{fault:?} is shown with too much:\n{violation}");
                assert!(violation.to_string().contains("shortest example"), "{violation}");
            }
        }
    }
}

#[test]
fn without_a_fault_every_law_holds() {
    for &law in Law::ALL {
        law.check(&family(Fault::None), &Config::default()).unwrap_or_else(|violation| panic!("{violation}"));
    }
    closed_form(Fault::None).unwrap_or_else(|violation| panic!("{violation}"));
}

#[test]
fn a_refractory_period_one_step_short_is_drawn() {
    let violation = law_of(Fault::RefractoryOneShort);
    let text = violation.to_string();
    let spikes = text.lines().last().unwrap();
    assert!(spikes.contains(&format!("|{}|", ".".repeat(19))), "{text}");
}

fn law_of(fault: Fault) -> Box<Violation> {
    let everywhere: Check = law!(Refractory);
    everywhere(fault).unwrap_err()
}
