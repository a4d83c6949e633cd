//! What the rules share: checked constants, bounds, coincidence, weight dependence, and the loops over a spike's synapses.

use nl_kernels::{Level, Vectorised};
use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use crate::{Activity, Decay, Error, Trace, TraceOf, TraceValues};

/// What a pre and a post spike that reach the synapse in the same step do.
///
/// The same order rules what the two do to the weight one after the other, where it is bounded or matters otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Coincidence {
    /// Nothing: both read the traces before either jumps; the post spike acts first (NEST).
    #[default]
    Ignore,
    /// Counts as pre before post, Δt = 0⁺ (Brian2's usual order: pre pathway first).
    Potentiate,
    /// Counts as post before pre, Δt = 0⁻.
    Depress,
    /// Counts as both: both traces jump, then the pre spike acts, then the post spike (Norse, SpikingJelly, BindsNET).
    Both,
}

/// The four things that happen in one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    PreActs,
    PreJumps,
    PostActs,
    PostJumps,
}

impl Coincidence {
    /// Their order.
    pub(crate) fn order(self) -> [Event; 4] {
        use Event::{PostActs, PostJumps, PreActs, PreJumps};
        match self {
            Self::Ignore => [PostActs, PreActs, PreJumps, PostJumps],
            Self::Potentiate => [PreActs, PreJumps, PostActs, PostJumps],
            Self::Depress => [PostActs, PostJumps, PreActs, PreJumps],
            Self::Both => [PreJumps, PostJumps, PreActs, PostActs],
        }
    }

    /// Whether the presynaptic trace jumps before a post spike of the same step reads it.
    pub(crate) fn pre_jumps_first(self) -> bool {
        matches!(self, Self::Potentiate | Self::Both)
    }

    /// Whether the postsynaptic trace jumps before a pre spike of the same step reads it.
    pub(crate) fn post_jumps_first(self) -> bool {
        matches!(self, Self::Depress | Self::Both)
    }
}

/// Which past spikes a trace remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Interaction {
    /// All: a spike adds 1 to the trace.
    #[default]
    AllToAll,
    /// The last one only: a spike sets the trace to 1.
    Nearest,
}

impl Interaction {
    /// The jump of the traces of `neurons`.
    pub(crate) fn jump<F: Real>(self, trace: &mut Trace<F>, decay: Decay, now: u64, neurons: &[u32]) {
        match self {
            Self::AllToAll => trace.add_each(decay, now, neurons, F::ONE),
            Self::Nearest => trace.set_each(decay, now, neurons, F::ONE),
        }
    }
}

/// A number that is finite in the precision of the weights.
pub(crate) fn real<F: Real>(rule: &'static str, name: &'static str, value: f64) -> Result<F, nl_units::Error> {
    let x = F::from_f64(value);
    nl_units::Error::check(rule, name, value, |_| x.is_finite(), "use a number that the weights' precision can hold")?;
    Ok(x)
}

/// The bounds of a weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Clip<F> {
    low: F,
    high: F,
}

impl<F: Real> Clip<F> {
    /// [w_min, w_max].
    pub(crate) fn new(rule: &'static str, w_min: f64, w_max: f64) -> Result<Self, nl_units::Error> {
        let (low, high): (F, F) = (real(rule, "w_min", w_min)?, real(rule, "w_max", w_max)?);
        nl_units::Error::check(rule, "w_max", w_max, |x| x >= w_min, "use a bound not below w_min")?;
        let apart = |_| (high - low).is_finite();
        nl_units::Error::check(
            rule,
            "w_max",
            w_max,
            apart,
            "use bounds whose distance the weights' precision can hold",
        )?;
        Ok(Self { low, high })
    }

    /// (w_min, w_max).
    pub(crate) fn bounds(self) -> (F, F) {
        (self.low, self.high)
    }

    /// The nearest weight within; w_min for NaN.
    #[inline(always)]
    pub(crate) fn of(self, w: F) -> F {
        w.max(self.low).min(self.high)
    }
}

/// How the size of a change depends on the weight: a factor f(w) ≥ 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Strength<F> {
    /// 1.
    Constant,
    /// [(w − pivot)·slope]₊.
    Linear(Line<F>),
    /// [(w − pivot)·slope]₊^μ.
    Power(Line<F>, F),
}

/// (w − pivot)·slope, cut off below 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Line<F> {
    pivot: F,
    slope: F,
}

impl<F: Real> Line<F> {
    #[inline(always)]
    fn of(self, w: F) -> F {
        ((w - self.pivot) * self.slope).max(F::ZERO)
    }
}

impl<F: Real> Strength<F> {
    /// [(w − pivot)/scale]₊^mu, whose base reaches up to `largest`; exactly 1 for μ = 0.
    pub(crate) fn power(
        rule: &'static str,
        (name, mu): (&'static str, f64),
        (pivot, scale): (f64, f64),
        largest: f64,
    ) -> Result<Self, nl_units::Error> {
        nl_units::Error::not_negative(rule, name, mu)?;
        let mu_real = real(rule, name, mu)?;
        if mu == 0.0 {
            return Ok(Self::Constant);
        }
        let held = |_| F::from_f64(largest).is_finite() && F::from_f64(largest.powf(mu)).is_finite();
        nl_units::Error::check(
            rule,
            name,
            mu,
            held,
            "use an exponent that keeps the change within the weights' precision",
        )?;
        let line = Line { pivot: real(rule, "w_max", pivot)?, slope: real(rule, "1 / (w_max - w_min)", 1.0 / scale)? };
        Ok(if mu == 1.0 { Self::Linear(line) } else { Self::Power(line, mu_real) })
    }
}

/// base^mu for base ≥ 0, μ > 0.
#[inline(always)]
fn power<F: Real>(base: F, mu: F) -> F {
    if base > F::ZERO { (base.ln() * mu).exp() } else { F::ZERO }
}

/// The change of the synapses of one spike: w ← clip(w + amount · trace · f(w)).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change<F> {
    pub(crate) amount: F,
    pub(crate) strength: Strength<F>,
    pub(crate) clip: Clip<F>,
}

impl<F: Real> Change<F> {
    /// On each synapse that leaves `pre`; `trace` is given (synapse, post).
    #[inline]
    pub(crate) fn outgoing<W: Weights<F>>(self, weights: &mut W, pre: u32, mut trace: impl FnMut(usize, usize) -> F) {
        let Self { amount, strength, clip } = self;
        match strength {
            Strength::Constant => {
                weights.for_outgoing(pre, |s, j, w| *w = clip.of(*w + amount * trace(s, j as usize)));
            }
            Strength::Linear(f) => {
                weights.for_outgoing(pre, |s, j, w| *w = clip.of(*w + amount * trace(s, j as usize) * f.of(*w)));
            }
            Strength::Power(f, mu) => weights.for_outgoing(pre, |s, j, w| {
                *w = clip.of(*w + amount * trace(s, j as usize) * power(f.of(*w), mu));
            }),
        }
    }

    /// On each synapse that leaves `pre`, with the trace of its post neuron, `[post]`: [`outgoing`](Self::outgoing), but
    /// on several weights at once where a row of them lies side by side.
    #[inline]
    pub(crate) fn row<W: Weights<F>>(self, weights: &mut W, pre: u32, trace: &[F]) {
        match weights.row_mut(pre) {
            Some((_, row)) if !matches!(self.strength, Strength::Power(..)) => {
                Level::current().dispatch(Row { change: self, row, trace });
            }
            _ => self.outgoing(weights, pre, |_, j| trace[j]),
        }
    }

    /// On each synapse that reaches `post`; `trace` is given (synapse, pre).
    #[inline]
    pub(crate) fn incoming<W: Weights<F>>(self, weights: &mut W, post: u32, mut trace: impl FnMut(usize, usize) -> F) {
        let Self { amount, strength, clip } = self;
        match strength {
            Strength::Constant => {
                weights.for_incoming(post, |s, i, w| *w = clip.of(*w + amount * trace(s, i as usize)));
            }
            Strength::Linear(f) => {
                weights.for_incoming(post, |s, i, w| *w = clip.of(*w + amount * trace(s, i as usize) * f.of(*w)));
            }
            Strength::Power(f, mu) => weights.for_incoming(post, |s, i, w| {
                *w = clip.of(*w + amount * trace(s, i as usize) * power(f.of(*w), mu));
            }),
        }
    }
}

/// [`Change::row`] on weights side by side.
struct Row<'a, F> {
    change: Change<F>,
    row: &'a mut [F],
    trace: &'a [F],
}

impl<F: Real> Vectorised for Row<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { change: Change { amount, strength, clip }, row, trace } = self;
        if let Strength::Linear(f) = strength {
            for (w, &y) in row.iter_mut().zip(trace) {
                *w = clip.of(*w + amount * y * f.of(*w));
            }
        } else {
            for (w, &y) in row.iter_mut().zip(trace) {
                *w = clip.of(*w + amount * y);
            }
        }
    }
}

/// A presynaptic and a postsynaptic trace, and the last step seen: the state of the rules that compare pairs of spikes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct TraceState<F> {
    pub(crate) pre: Trace<F>,
    pub(crate) post: Trace<F>,
    pub(crate) last: Option<u64>,
}

impl<F: Real> TraceState<F> {
    /// Silence between populations that fit.
    pub(crate) fn new(rule: &'static str, pre: usize, post: usize) -> Result<Self, Error> {
        nl_units::Error::population(rule, pre)?;
        nl_units::Error::population(rule, post)?;
        Ok(Self { pre: Trace::new(rule, pre)?, post: Trace::new(rule, post)?, last: None })
    }

    /// The two traces under these names, at step `now`.
    pub(crate) fn view(
        &self,
        decays: Traces,
        (pre, post): (&'static str, &'static str),
        now: u64,
    ) -> Vec<TraceValues<F>> {
        vec![
            TraceValues::new(pre, TraceOf::Pre, self.pre.values(decays.pre, now)),
            TraceValues::new(post, TraceOf::Post, self.post.values(decays.post, now)),
        ]
    }

    /// `Ok` if activity and weights fit.
    pub(crate) fn check<W: Weights<F>>(
        &mut self,
        rule: &'static str,
        activity: &Activity<'_, F>,
        weights: &W,
    ) -> Result<(), Error> {
        activity.check(rule, (self.pre.len(), self.post.len()), &mut self.last, weights)
    }
}

/// The jumps of a pair of traces and when they happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Traces {
    pub(crate) pre: Decay,
    pub(crate) post: Decay,
    pub(crate) interaction: Interaction,
    pub(crate) coincidence: Coincidence,
}

impl Traces {
    /// Shows both halves of a rule their traces, in the order of the option: `on_pre` gets the weights, each pre spike, the
    /// postsynaptic values without their common factor, and that factor; `on_post` likewise.
    pub(crate) fn step<F: Real, W: Weights<F>>(
        self,
        state: &mut TraceState<F>,
        activity: &Activity<'_, F>,
        weights: &mut W,
        mut on_pre: impl FnMut(&mut W, u32, &[F], F),
        mut on_post: impl FnMut(&mut W, u32, &[F], F),
    ) {
        let Self { pre, post, interaction, coincidence } = self;
        let now = activity.now;
        for event in coincidence.order() {
            match event {
                Event::PreJumps => interaction.jump(&mut state.pre, pre, now, activity.pre),
                Event::PostJumps => interaction.jump(&mut state.post, post, now, activity.post),
                Event::PreActs if activity.pre.is_empty() => {}
                Event::PreActs => {
                    let (y, factor) = (state.post.scaled(), state.post.factor(post, now));
                    for &i in activity.pre {
                        on_pre(weights, i, y, factor);
                    }
                }
                Event::PostActs if activity.post.is_empty() => {}
                Event::PostActs => {
                    let (x, factor) = (state.pre.scaled(), state.pre.factor(pre, now));
                    for &j in activity.post {
                        on_post(weights, j, x, factor);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_synapse::{Csr, Dense, Sparse};

    /// A row at once and a synapse at a time give the same bits, within the bounds and at them.
    #[test]
    fn a_row_at_once_has_the_bits_of_its_synapses_one_by_one() {
        let clip = Clip::<f32>::new("test", 0.0, 1.0).unwrap();
        let line = Strength::power("test", ("mu", 1.0), (1.0, -1.0), 1.0).unwrap();
        let power = Strength::power("test", ("mu", 0.4), (1.0, -1.0), 1.0).unwrap();
        for post in [1_u32, 7, 64, 131] {
            let value = |k: u32| (k.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32;
            let values: Vec<f32> = (0..2 * post).map(value).collect();
            let trace: Vec<f32> = (0..post).map(|j| 3.0 * value(j + 500)).collect();
            let edges: Vec<(u32, u32)> = (0..2).flat_map(|i| (0..post).map(move |j| (i, j))).collect();
            let csr = Csr::from_edges(2, post as usize, &edges).unwrap();
            for strength in [Strength::Constant, line, power] {
                for amount in [0.3, -0.3] {
                    let mut dense = Dense::new(2, post as usize, values.clone()).unwrap();
                    let mut sparse = Sparse::new(csr.clone(), values.clone()).unwrap();
                    let change = Change { amount, strength, clip };
                    change.row(&mut dense, 1, &trace);
                    change.row(&mut sparse, 1, &trace);
                    let bits = |weights: &[f32]| weights.iter().map(|w| w.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(dense.weights()), bits(sparse.weights()));
                    assert_ne!(dense.weights(), values);
                }
            }
        }
    }
}
