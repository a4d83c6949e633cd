//! Pair-based spike-timing-dependent plasticity.

use nl_neuron::{Ms, Real};
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use crate::{Activity, Decay, Error, PlasticityRule, Trace};

const NAME: &str = "pair STDP";

/// What a pre and a post spike that reach the synapse in the same step do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Coincidence {
    /// Nothing: traces are read before either jumps (NEST).
    #[default]
    Ignore,
    /// Counts as pre before post, Δt = 0⁺ (Brian2's usual order: pre pathway first).
    Potentiate,
    /// Counts as post before pre, Δt = 0⁻.
    Depress,
    /// Counts as both (Norse, SpikingJelly, BindsNET).
    Both,
}

/// Parameters of [`PairStdp`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairStdpParameters {
    /// Potentiation by a pair with Δt → 0⁺.
    pub a_plus: f64,
    /// Depression by a pair with Δt → 0⁻ (a positive number depresses).
    pub a_minus: f64,
    /// Time constant of the presynaptic trace.
    pub tau_plus: Ms,
    /// Time constant of the postsynaptic trace.
    pub tau_minus: Ms,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// What coincident spikes do.
    pub coincidence: Coincidence,
}

impl Default for PairStdpParameters {
    fn default() -> Self {
        Self {
            a_plus: 0.01,
            a_minus: 0.0105,
            tau_plus: Ms(20.0),
            tau_minus: Ms(20.0),
            w_min: 0.0,
            w_max: 1.0,
            coincidence: Coincidence::Ignore,
        }
    }
}

/// Additive pair STDP, all-to-all: with Δt = t_post − t_pre,
/// Δw = A₊ e^(−Δt/τ₊) for Δt > 0, −A₋ e^(Δt/τ₋) for Δt < 0, summed over all pairs.
///
/// Online: τ₊ x' = −x, x += 1 at a pre spike; τ₋ y' = −y, y += 1 at a post spike; pre spike: w −= A₋ y; post spike:
/// w += A₊ x; then w is clipped to [w_min, w_max]. Within a step depression comes first.
///
/// Source: Song, Miller & Abbott 2000; Morrison, Diesmann & Gerstner 2008, eqs. 5–6.
#[derive(Debug, Clone, PartialEq)]
pub struct PairStdp<F = f32> {
    parameters: PairStdpParameters,
    dt: Ms,
    plus: Decay,
    minus: Decay,
    a_plus: F,
    a_minus: F,
    bounds: (F, F),
}

/// Traces of [`PairStdp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PairStdpState<F> {
    pre: Trace<F>,
    post: Trace<F>,
    last: Option<u64>,
}

impl<F: Real> PairStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, or w_min above w_max.
    pub fn new(parameters: PairStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        nl_neuron::Error::finite(NAME, "a_plus", p.a_plus)?;
        nl_neuron::Error::finite(NAME, "a_minus", p.a_minus)?;
        nl_neuron::Error::finite(NAME, "w_min", p.w_min)?;
        nl_neuron::Error::check(NAME, "w_max", p.w_max, |x| x >= p.w_min, "use a bound not below w_min")?;
        Ok(Self {
            parameters,
            dt,
            plus: Decay::new(NAME, "tau_plus", p.tau_plus, dt)?,
            minus: Decay::new(NAME, "tau_minus", p.tau_minus, dt)?,
            a_plus: F::from_f64(p.a_plus),
            a_minus: F::from_f64(p.a_minus),
            bounds: (F::from_f64(p.w_min), F::from_f64(p.w_max)),
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &PairStdpParameters {
        &self.parameters
    }
}

impl<F: Real> PlasticityRule<F> for PairStdp<F> {
    type State = PairStdpState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn state(&self, pre: usize, post: usize, _synapses: usize) -> Result<Self::State, Error> {
        nl_neuron::Error::population(NAME, pre)?;
        nl_neuron::Error::population(NAME, post)?;
        Ok(PairStdpState { pre: Trace::new(pre), post: Trace::new(post), last: None })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let now = activity.now;
        activity.check(NAME, (state.pre.len(), state.post.len()), &mut state.last, weights)?;
        let (low, high) = self.bounds;
        let bump = |trace: &mut Trace<F>, decay, spikes: &[u32]| {
            for &i in spikes {
                trace.add(decay, now, i, F::ONE);
            }
        };
        let early = |wanted| self.parameters.coincidence == wanted || self.parameters.coincidence == Coincidence::Both;
        if early(Coincidence::Depress) {
            bump(&mut state.post, self.minus, activity.post);
        }
        let scale = activity.rate * self.a_minus * state.post.factor(self.minus, now);
        let y = state.post.scaled();
        for &i in activity.pre {
            weights.for_outgoing(i, |_, j, w| *w = (*w - scale * y[j as usize]).max(low).min(high));
        }
        if early(Coincidence::Potentiate) {
            bump(&mut state.pre, self.plus, activity.pre);
        }
        let scale = activity.rate * self.a_plus * state.pre.factor(self.plus, now);
        let x = state.pre.scaled();
        for &j in activity.post {
            weights.for_incoming(j, |_, i, w| *w = (*w + scale * x[i as usize]).max(low).min(high));
        }
        if !early(Coincidence::Potentiate) {
            bump(&mut state.pre, self.plus, activity.pre);
        }
        if !early(Coincidence::Depress) {
            bump(&mut state.post, self.minus, activity.post);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_synapse::Dense;

    fn pair(coincidence: Coincidence, pre: u64, post: u64) -> f64 {
        let p = PairStdpParameters { coincidence, w_min: -1.0, ..PairStdpParameters::default() };
        let rule = PairStdp::<f64>::new(p, Ms(1.0)).unwrap();
        let mut state = rule.state(1, 1, 1).unwrap();
        let mut weights = Dense::new(1, 1, vec![0.0]).unwrap();
        for now in 0..=pre.max(post) {
            let at = |t: u64| if t == now { &[0_u32][..] } else { &[] };
            rule.step(&mut state, &Activity::spikes(now, at(pre), at(post)), &mut weights).unwrap();
        }
        weights.weights()[0]
    }

    #[test]
    fn the_window_of_one_pair_is_exact() {
        for d in 1..60 {
            let exact = (-(d as f64) / 20.0).exp();
            assert!((pair(Coincidence::Ignore, 3, 3 + d) - 0.01 * exact).abs() < 1e-15);
            assert!((pair(Coincidence::Ignore, 3 + d, 3) + 0.0105 * exact).abs() < 1e-15);
        }
    }

    #[test]
    fn coincidence_follows_the_option() {
        assert_eq!(pair(Coincidence::Ignore, 4, 4), 0.0);
        assert_eq!(pair(Coincidence::Potentiate, 4, 4), 0.01);
        assert_eq!(pair(Coincidence::Depress, 4, 4), -0.0105);
        assert!((pair(Coincidence::Both, 4, 4) + 0.0005).abs() < 1e-15);
    }
}
