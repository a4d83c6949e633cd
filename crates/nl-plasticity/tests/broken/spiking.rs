//! One small STDP rule that can be told to make one mistake.

use nl_plasticity::laws::{Knobs, Subject};
use nl_plasticity::{Activity, Decay, Error, Ms, Pairing, PlasticityRule, Trace, Weights};
use serde::{Deserialize, Serialize};

/// What is wrong with the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    SwappedPreAndPost,
    NoUpperBound,
    NoLowerBound,
    NoBounds,
    JumpTimesDt,
    EulerDecay,
    DecayTwice,
    DepressionPotentiates,
    OwnJumpRead,
    TimeZeroSentinel,
    TimeInSinglePrecision,
    SharedTrace,
    LeakyNormalisation,
    StateNotSaved,
    SilentStepsUncounted,
    PotentiationTimesWeight,
    NearestAddsUp,
    Transposed,
    DenseNumbering,
    WrongDelay,
    AxonalDelayTooLong,
    RateForgotten,
    RateInTheTrace,
    SpikesUnchecked,
    DriftInSilence,
    EverySynapseDepressed,
    UnnamedModulator,
    TraceNeverDecays,
    TripletReadsOwnJump,
    InhibitoryAlphaSign,
}

const A_PLUS: f64 = 0.01;
const A_MINUS: f64 = 0.0105;
const A_TRIPLET: f64 = 0.006;
const ALPHA: f64 = 0.12;
const TAU: f64 = 20.0;
const TAU_SLOW: f64 = 100.0;

/// Additive pair STDP, all-to-all, coincidences ignored; with one mistake.
#[derive(Debug, Clone)]
pub(crate) struct Stdp {
    fault: Fault,
    dt: Ms,
    decay: Decay,
    slow: Decay,
    delays: (u64, u64),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pre: Trace<f64>,
    post: Trace<f64>,
    post_slow: Trace<f64>,
    #[serde(skip)]
    unsaved: Option<Trace<f64>>,
    last_pre: Vec<u64>,
    last: Option<u64>,
    shown: u64,
    waiting_pre: Vec<(u64, u32)>,
    waiting_post: Vec<(u64, u32)>,
}

impl Stdp {
    pub(crate) fn new(fault: Fault, dt: Ms, axonal: u32, dendritic: u32) -> Self {
        let tau = if fault == Fault::TraceNeverDecays { 1e30 } else { TAU };
        let decay = Decay::new("broken", "tau", Ms(tau), dt).expect("valid");
        let slow = Decay::new("broken", "tau", Ms(TAU_SLOW), dt).expect("valid");
        let (mut axonal, mut dendritic) = (u64::from(axonal), u64::from(dendritic));
        if fault == Fault::WrongDelay {
            (axonal, dendritic) = (dendritic, axonal);
        }
        if fault == Fault::AxonalDelayTooLong && axonal > 0 {
            axonal += 1;
        }
        Self { fault, dt, decay, slow, delays: (axonal, dendritic) }
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn clip(&self, w: f64) -> f64 {
        match self.fault {
            Fault::NoBounds => w,
            Fault::NoUpperBound => w.max(0.0),
            Fault::NoLowerBound => w.min(1.0),
            _ => w.clamp(0.0, 1.0),
        }
    }

    /// The value of a trace, from the value it had at its spike.
    fn read(&self, trace: &Trace<f64>, now: u64, i: u32) -> f64 {
        let exact = trace.at(self.decay, now, i.min(trace.len() as u32 - 1));
        match self.fault {
            Fault::DecayTwice => exact * exact,
            // (1 - dt/τ)^n = exp(-n dt/τ)^c with c = ln(1 - dt/τ) / (-dt/τ).
            Fault::EulerDecay => exact.powf((1.0 - self.dt.0 / TAU).ln() / (-self.dt.0 / TAU)),
            _ => exact,
        }
    }
}

/// The spikes that are due now; those of now are queued behind them.
fn delayed(waiting: &mut Vec<(u64, u32)>, delay: u64, now: u64, spikes: &[u32]) -> Vec<u32> {
    waiting.extend(spikes.iter().map(|&i| (now + delay, i)));
    let due = waiting.iter().filter(|spike| spike.0 == now).map(|spike| spike.1).collect();
    waiting.retain(|spike| spike.0 > now);
    due
}

impl PlasticityRule<f64> for Stdp {
    type State = State;

    fn name(&self) -> &'static str {
        "the broken rule"
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn state(&self, pre: usize, post: usize, _synapses: usize) -> Result<State, Error> {
        Ok(State {
            pre: Trace::new("broken", pre)?,
            post: Trace::new("broken", post)?,
            post_slow: Trace::new("broken", post)?,
            unsaved: None,
            last_pre: vec![0; pre],
            last: None,
            shown: 0,
            waiting_pre: Vec::new(),
            waiting_post: Vec::new(),
        })
    }

    fn step<W: Weights<f64>>(&self, s: &mut State, activity: &Activity<'_, f64>, weights: &mut W) -> Result<(), Error> {
        if self.is(Fault::SpikesUnchecked) {
            let known = |spikes: &[u32], n| spikes.iter().copied().filter(|&i| (i as usize) < n).collect::<Vec<_>>();
            let (pre, post) = (known(activity.pre, s.pre.len()), known(activity.post, s.post.len()));
            self.learn(s, activity, (&pre, &post), weights);
            return Ok(());
        }
        activity.check("broken", (s.pre.len(), s.post.len()), &mut s.last, weights)?;
        let pre = delayed(&mut s.waiting_pre, self.delays.0, activity.now, activity.pre);
        let post = delayed(&mut s.waiting_post, self.delays.1, activity.now, activity.post);
        self.learn(s, activity, (&pre, &post), weights);
        Ok(())
    }
}

impl Stdp {
    fn learn<W: Weights<f64>>(
        &self,
        s: &mut State,
        activity: &Activity<'_, f64>,
        (pre, post): (&[u32], &[u32]),
        weights: &mut W,
    ) {
        s.shown += 1;
        let now = match self.fault {
            Fault::SilentStepsUncounted => s.shown,
            Fault::TimeInSinglePrecision => (activity.now as f32) as u64,
            _ => activity.now,
        };
        let mut rate = activity.rate;
        if self.is(Fault::UnnamedModulator) {
            rate *= 1.0 + activity.modulators.noradrenaline;
        }
        if self.is(Fault::DriftInSilence) {
            weights.weights_mut().iter_mut().for_each(|w| *w *= 0.999);
        }
        if self.is(Fault::EverySynapseDepressed) && !post.is_empty() {
            weights.weights_mut().iter_mut().for_each(|w| *w *= 0.99);
        }
        if self.is(Fault::StateNotSaved) {
            s.pre = s.unsaved.take().unwrap_or_else(|| Trace::new("broken", s.pre.len()).expect("memory"));
        }
        let unit = match self.fault {
            Fault::JumpTimesDt => self.dt.0,
            Fault::RateInTheTrace => rate,
            _ => 1.0,
        };
        let jump = |trace: &mut Trace<f64>, decay, i| match self.fault {
            Fault::TimeZeroSentinel => trace.set(decay, now, i, unit),
            _ => trace.add(decay, now, i, unit),
        };
        if self.is(Fault::OwnJumpRead) {
            post.iter().for_each(|&j| jump(&mut s.post, self.decay, j));
        }
        if self.is(Fault::TripletReadsOwnJump) {
            post.iter().for_each(|&j| jump(&mut s.post_slow, self.slow, j));
        }
        for &j in post {
            let slow = s.post_slow.at(self.slow, now, j);
            let plus = |i: u32, w: f64| {
                let x = match self.fault {
                    Fault::SharedTrace => self.read(&s.pre, now, 0),
                    Fault::Transposed => self.read(&s.pre, now, j),
                    Fault::TimeZeroSentinel => {
                        (-((now - s.last_pre[i as usize].min(now)) as f64) * self.dt.0 / TAU).exp()
                    }
                    _ => self.read(&s.pre, now, i),
                };
                match self.fault {
                    Fault::SwappedPreAndPost => -A_MINUS * x,
                    Fault::PotentiationTimesWeight => A_PLUS * x * w,
                    Fault::TripletReadsOwnJump => x * (A_PLUS + A_TRIPLET * slow),
                    _ => A_PLUS * x,
                }
            };
            if self.is(Fault::DenseNumbering) {
                let n = weights.post();
                for i in 0..weights.pre() {
                    let all = weights.weights_mut();
                    let synapse = (i * n + j as usize).min(all.len() - 1);
                    all[synapse] = self.clip(all[synapse] + rate * plus(i as u32, all[synapse]));
                }
            } else {
                weights.for_incoming(j, |_, i, w| *w = self.clip(*w + rate * plus(i, *w)));
            }
        }
        for &i in pre {
            let y = |j| self.read(&s.post, now, j);
            let minus = |j: u32| match self.fault {
                Fault::SwappedPreAndPost => A_PLUS * y(j),
                Fault::DepressionPotentiates => A_MINUS * y(j),
                Fault::InhibitoryAlphaSign => A_PLUS * (y(j) + ALPHA),
                _ => -A_MINUS * y(j),
            };
            let rate = if self.is(Fault::RateForgotten) { 1.0 } else { rate };
            weights.for_outgoing(i, |_, j, w| *w = self.clip(*w + rate * minus(j)));
        }
        for &i in pre {
            let i = if self.is(Fault::SharedTrace) { 0 } else { i };
            jump(&mut s.pre, self.decay, i);
            s.last_pre[i as usize] = now;
        }
        if !self.is(Fault::OwnJumpRead) {
            post.iter().for_each(|&j| jump(&mut s.post, self.decay, j));
        }
        if self.is(Fault::LeakyNormalisation) && !post.is_empty() {
            let all = weights.weights_mut();
            let sum: f64 = all.iter().sum();
            let wanted = 0.5 * all.len() as f64;
            all.iter_mut().for_each(|w| *w = (*w * wanted / sum.max(0.1)).clamp(0.0, 1.0));
        }
        if self.is(Fault::StateNotSaved) {
            s.unsaved = Some(s.pre.clone());
        }
    }
}

/// The rule with its mistake, claiming to have none.
pub(crate) fn broken(fault: Fault) -> impl Fn(&Knobs) -> Subject<f64, Stdp> {
    move |_| {
        let plus = |lag: f64, _| A_PLUS * (-lag / TAU).exp();
        let minus = move |lag: f64, _| {
            let amount = if fault == Fault::InhibitoryAlphaSign { A_PLUS } else { -A_MINUS };
            amount * (-lag / TAU).exp()
        };
        let subject = Subject::new(move |dt| Stdp::new(fault, dt, 0, 0))
            .delayed(move |dt, axonal, dendritic| Stdp::new(fault, dt, axonal, dendritic))
            .bounds(0.0, 1.0)
            .window(plus, minus);
        match fault {
            Fault::InhibitoryAlphaSign => subject.alone(|_| -A_PLUS * ALPHA, |_| 0.0),
            Fault::NearestAddsUp | Fault::TimeZeroSentinel => subject.pairing(Pairing::NearestSymmetric),
            _ => subject,
        }
    }
}
