//! A rule as the laws see it.

use nl_neuron::Real;
use nl_units::Ms;

use crate::{Coincidence, Modulators, Pairing, PlasticityRule};

type At = Box<dyn Fn(f64, f64) -> f64>;
type Offset = Box<dyn Fn(f64) -> f64>;
type Delayed<R> = Box<dyn Fn(Ms, u32, u32) -> R>;
type Offline = Box<dyn Fn(&[f64], &[f64], f64) -> f64>;

/// What one pair of spikes does.
pub(crate) struct Window {
    /// Change by a pair with t_post − t_pre = lag ≥ 0 in ms, at a weight.
    pub(crate) plus: At,
    /// Change by a pair with t_pre − t_post = lag ≥ 0 in ms, at a weight.
    pub(crate) minus: At,
    /// Change by a pre spike, and by a post spike, whatever came before.
    pub(crate) alone: (Offset, Offset),
}

/// A rule, how to build it for a time step, and what it claims about itself.
///
/// Only `new` is needed; a law that needs a claim which is missing says so.
pub struct Subject<F, R> {
    pub(crate) build: Box<dyn Fn(Ms) -> R>,
    pub(crate) delayed: Option<Delayed<R>>,
    pub(crate) bounds: Option<(f64, f64)>,
    pub(crate) start: (f64, f64),
    pub(crate) window: Option<Window>,
    pub(crate) offline: Option<Offline>,
    pub(crate) pairing: Pairing,
    pub(crate) coincidence: Coincidence,
    pub(crate) pulse: Option<fn(f64) -> Modulators>,
    pub(crate) background: Modulators,
    pub(crate) voltages: bool,
    pub(crate) learning_signal: bool,
    pub(crate) integrates: bool,
    pub(crate) tolerance: f64,
    scalar: core::marker::PhantomData<F>,
}

impl<F: Real, R: PlasticityRule<F>> Subject<F, R> {
    /// The rule that `build` makes for a time step. Weights start between 0 and 1.
    pub fn new(build: impl Fn(Ms) -> R + 'static) -> Self {
        Self {
            build: Box::new(build),
            delayed: None,
            bounds: None,
            start: (0.0, 1.0),
            window: None,
            offline: None,
            pairing: Pairing::AllToAll,
            coincidence: Coincidence::Ignore,
            pulse: None,
            background: Modulators::default(),
            voltages: false,
            learning_signal: false,
            integrates: false,
            tolerance: 4096.0 * F::EPSILON.to_f64(),
            scalar: core::marker::PhantomData,
        }
    }

    /// It keeps weights within these bounds; they also start there.
    #[must_use]
    pub fn bounds(self, w_min: f64, w_max: f64) -> Self {
        Self { bounds: Some((w_min, w_max)), start: (w_min, w_max), ..self }
    }

    /// Where weights start.
    #[must_use]
    pub fn start(self, low: f64, high: f64) -> Self {
        Self { start: (low, high), ..self }
    }

    /// The change of weight w by one pair: `plus(lag, w)` for pre before post, `minus(lag, w)` for post before pre, lag in
    /// ms.
    #[must_use]
    pub fn window(self, plus: impl Fn(f64, f64) -> f64 + 'static, minus: impl Fn(f64, f64) -> f64 + 'static) -> Self {
        let alone: (Offset, Offset) = (Box::new(|_| 0.0), Box::new(|_| 0.0));
        Self { window: Some(Window { plus: Box::new(plus), minus: Box::new(minus), alone }), ..self }
    }

    /// The change of weight w by a pre spike and by a post spike, besides that by pairs; call it after `window`.
    #[must_use]
    pub fn alone(mut self, pre: impl Fn(f64) -> f64 + 'static, post: impl Fn(f64) -> f64 + 'static) -> Self {
        if let Some(window) = &mut self.window {
            window.alone = (Box::new(pre), Box::new(post));
        }
        self
    }

    /// Which spikes form pairs; all with all unless said otherwise.
    #[must_use]
    pub fn pairing(self, pairing: Pairing) -> Self {
        Self { pairing, ..self }
    }

    /// What spikes of the same step do, and which acts first; `Ignore` unless said otherwise.
    #[must_use]
    pub fn coincidence(self, coincidence: Coincidence) -> Self {
        Self { coincidence, ..self }
    }

    /// The weight after these pre and post spike times (ms, ascending) and from this weight, when it is no sum over pairs.
    #[must_use]
    pub fn offline(self, formula: impl Fn(&[f64], &[f64], f64) -> f64 + 'static) -> Self {
        Self { offline: Some(Box::new(formula)), ..self }
    }

    /// It learns only through a neuromodulator: what a pulse of this size is to it.
    #[must_use]
    pub fn modulated(self, pulse: fn(f64) -> Modulators) -> Self {
        Self { pulse: Some(pulse), ..self }
    }

    /// Modulators that are always there.
    #[must_use]
    pub fn background(self, background: Modulators) -> Self {
        Self { background, ..self }
    }

    /// It looks at the membrane potential, and so at every step.
    #[must_use]
    pub fn voltages(self) -> Self {
        Self { voltages: true, ..self }
    }

    /// It looks at pseudo-derivatives and learning signals, and so at every step.
    #[must_use]
    pub fn learning_signal(self) -> Self {
        Self { learning_signal: true, ..self }
    }

    /// It integrates between spikes, so that leaving out silent steps may change the rounding (not the result).
    #[must_use]
    pub fn integrates(self) -> Self {
        Self { integrates: true, ..self }
    }

    /// A form of the rule that delays spikes itself, by whole steps: `build(dt, axonal, dendritic)`. Without it the laws put
    /// a delay line before the rule.
    #[must_use]
    pub fn delayed(self, build: impl Fn(Ms, u32, u32) -> R + 'static) -> Self {
        Self { delayed: Some(Box::new(build)), ..self }
    }

    /// How far weights of order 1 that ought to be equal may differ; 4096 ε unless said otherwise.
    #[must_use]
    pub fn tolerance(self, tolerance: f64) -> Self {
        Self { tolerance, ..self }
    }

    /// Whether two weights are equal within the tolerance.
    pub(crate) fn close(&self, a: f64, b: f64) -> bool {
        (a - b).abs() <= self.tolerance * (1.0 + b.abs())
    }

    /// The weight that lies at `part` of the way between the start's bounds.
    pub(crate) fn weight(&self, part: f64) -> f64 {
        self.start.0 + part * (self.start.1 - self.start.0)
    }
}
