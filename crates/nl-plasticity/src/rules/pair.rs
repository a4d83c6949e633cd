//! Pair-based spike-timing-dependent plasticity.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use super::amplitude::{AmplitudeUnit, amplitude};
use super::common::{Change, Clip, Coincidence, Event, Interaction, Strength};
use crate::memory::{check_synapses, filled};
use crate::{Activity, Decay, Error, PlasticityRule, Trace, TraceOf, TraceValues};

const NAME: &str = "pair-stdp";

/// Which pairs of spikes count (Morrison, Diesmann & Gerstner 2008, fig. 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// Every pre spike with every post spike.
    #[default]
    AllToAll,
    /// Each spike with the last one of the other side (fig. 7A; NEST `stdp_nn_symm_synapse`).
    NearestSymmetric,
    /// Each pre spike with the last post spike and with the next one (fig. 7B; NEST `stdp_nn_pre_centered_synapse`).
    PresynapticCentred,
    /// Immediate neighbours only: no spike takes part in two pairs of the same sign (fig. 7C; NEST
    /// `stdp_nn_restr_synapse`, which after a coincidence may also pair a pre spike with a post spike already used).
    Restricted,
}

/// How the size of a change depends on the weight: factors f₊(w), f₋(w) on A₊, A₋; with ŵ = (w − w_min)/(w_max − w_min).
///
/// NEST's λ is A₊ in [`AmplitudeUnit::Range`], its α is A₋/A₊.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum WeightDependence {
    /// f₊ = f₋ = 1 (Song, Miller & Abbott 2000).
    #[default]
    Additive,
    /// f₊ = 1 − ŵ, f₋ = ŵ (Rubin, Lee & Sompolinsky 2001).
    Multiplicative,
    /// f₊ = 1, f₋ = ŵ (van Rossum, Bi & Turrigiano 2000).
    VanRossum,
    /// f₊ = (1 − ŵ)^μ₊, f₋ = ŵ^μ₋ (Gütig, Aharonov, Rotter & Sompolinsky 2003; NEST `stdp_synapse`).
    Guetig {
        /// Exponent of potentiation, from 0.
        mu_plus: f64,
        /// Exponent of depression, from 0.
        mu_minus: f64,
    },
    /// f₊ = (w/w₀)^μ, f₋ = w/w₀ (Morrison, Aertsen & Diesmann 2007; NEST `stdp_pl_synapse_hom` with λ = A₊/w₀).
    PowerLaw {
        /// Exponent of potentiation, from 0.
        mu: f64,
        /// Reference weight, above 0.
        w_0: f64,
    },
}

impl WeightDependence {
    /// (f₊, f₋).
    fn strengths<F: Real>(self, w_min: f64, w_max: f64) -> Result<(Strength<F>, Strength<F>), nl_units::Error> {
        let soft = |plus, minus| {
            nl_units::Error::check(
                NAME,
                "w_max",
                w_max,
                |x| x > w_min,
                "use a bound above w_min with this dependence",
            )?;
            let span = w_max - w_min;
            let plus = Strength::power(NAME, ("mu_plus", plus), (w_max, -span), 1.0)?;
            Ok((plus, Strength::power(NAME, ("mu_minus", minus), (w_min, span), 1.0)?))
        };
        match self {
            Self::Additive => Ok((Strength::Constant, Strength::Constant)),
            Self::Multiplicative => soft(1.0, 1.0),
            Self::VanRossum => soft(0.0, 1.0),
            Self::Guetig { mu_plus, mu_minus } => soft(mu_plus, mu_minus),
            Self::PowerLaw { mu, w_0 } => {
                nl_units::Error::positive(NAME, "w_0", w_0)?;
                let power = |mu| Strength::power(NAME, ("mu", mu), (0.0, w_0), (w_max / w_0).max(0.0));
                Ok((power(mu)?, power(1.0)?))
            }
        }
    }
}

/// Parameters of [`PairStdp`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct PairStdpParameters {
    /// Potentiation by a pair with Δt → 0⁺, in the `amplitude_unit`.
    pub a_plus: f64,
    /// Depression by a pair with Δt → 0⁻ (a positive number depresses).
    pub a_minus: f64,
    /// Time constant of the presynaptic trace.
    pub tau_plus: Ms,
    /// Time constant of the postsynaptic trace.
    pub tau_minus: Ms,
    /// What A₊ and A₋ are measured in.
    pub amplitude_unit: AmplitudeUnit,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
    /// Which pairs count.
    pub pairing: Pairing,
    /// How the change depends on the weight.
    pub dependence: WeightDependence,
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
            amplitude_unit: AmplitudeUnit::Weight,
            w_min: 0.0,
            w_max: 1.0,
            pairing: Pairing::AllToAll,
            dependence: WeightDependence::Additive,
            coincidence: Coincidence::Ignore,
        }
    }
}

/// Pair STDP: with Δt = t_post − t_pre,
/// Δw = A₊ f₊(w) e^(−Δt/τ₊) for Δt > 0, −A₋ f₋(w) e^(Δt/τ₋) for Δt < 0, for each pair that counts.
///
/// A₊ and A₋ are in the unit of the weight, or in multiples of w_max − w_min ([`AmplitudeUnit::Range`]: Song et al., NEST).
/// The step size is the larger of the two; traces `x` and `y`.
///
/// Online: τ₊ x' = −x, x += 1 at a pre spike; τ₋ y' = −y, y += 1 at a post spike; pre spike: w −= A₋ f₋(w) y; post spike:
/// w += A₊ f₊(w) x; then w is clipped to [w_min, w_max]. Within a step the
/// order is that of [`Coincidence`]. The nearest-neighbour
/// schemes set a trace to 1 instead; the presynaptic-centred one forgets x at a post spike (one value a synapse); the
/// restricted one compares the times of the last spikes, so that (2008, fig. 7C) only neighbours pair.
///
/// Source: Song, Miller & Abbott 2000; Morrison, Diesmann & Gerstner 2008, eqs. 5–6 and fig. 7.
///
/// ```
/// use nl_plasticity::{Activity, Ms, PairStdp, PairStdpParameters, PlasticityRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = PairStdp::<f64>::new(PairStdpParameters::default(), Ms(1.0))?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// let mut state = rule.state(1, 1, 1)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?; // pre
/// rule.step(&mut state, &Activity::spikes(20, &[], &[0]), &mut weights)?; // post, one τ₊ later
/// assert!((weights.weights()[0] - (0.5 + 0.01 * (-1.0_f64).exp())).abs() < 1e-15);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PairStdp<F = f32> {
    parameters: PairStdpParameters,
    dt: Ms,
    plus: Decay,
    minus: Decay,
    a_plus: F,
    a_minus: F,
    f_plus: Strength<F>,
    f_minus: Strength<F>,
    clip: Clip<F>,
}

/// Traces of [`PairStdp`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real")]
pub struct PairStdpState<F> {
    pre: Trace<F>,
    post: Trace<F>,
    last: Option<u64>,
    /// Step of each neuron's last spike, plus 1; 0 for never. Empty where the pairing does not ask.
    last_pre: Vec<u64>,
    last_post: Vec<u64>,
    /// The same before the last spike: with `Both` the spikes of a step are noted before they act.
    previous_pre: Vec<u64>,
    previous_post: Vec<u64>,
    /// x_i at the last post spike, by synapse; empty unless presynaptic-centred.
    forgotten: Vec<F>,
}

impl<F: Real> PairStdp<F> {
    /// The rule with these parameters and time step.
    ///
    /// # Errors
    /// If a value is not finite, a time constant not positive, an exponent negative, or w_min above w_max (or equal to
    /// it, where the dependence divides by their distance).
    pub fn new(parameters: PairStdpParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let clip = Clip::new(NAME, p.w_min, p.w_max)?;
        let unit = p.amplitude_unit.size(NAME, p.w_min, p.w_max)?;
        let (f_plus, f_minus) = p.dependence.strengths(p.w_min, p.w_max)?;
        Ok(Self {
            parameters,
            dt,
            plus: Decay::new(NAME, "tau_plus", p.tau_plus, dt)?,
            minus: Decay::new(NAME, "tau_minus", p.tau_minus, dt)?,
            a_plus: amplitude(NAME, "a_plus", p.a_plus, unit)?,
            a_minus: amplitude(NAME, "a_minus", p.a_minus, unit)?,
            f_plus,
            f_minus,
            clip,
        })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &PairStdpParameters {
        &self.parameters
    }

    /// Which past spikes the (pre, post) traces remember.
    fn interactions(&self) -> (Interaction, Interaction) {
        match self.parameters.pairing {
            Pairing::AllToAll => (Interaction::AllToAll, Interaction::AllToAll),
            Pairing::PresynapticCentred => (Interaction::AllToAll, Interaction::Nearest),
            Pairing::NearestSymmetric | Pairing::Restricted => (Interaction::Nearest, Interaction::Nearest),
        }
    }

    fn jump_pre(&self, state: &mut PairStdpState<F>, activity: &Activity<'_, F>) {
        self.interactions().0.jump(&mut state.pre, self.plus, activity.now, activity.pre);
        note(&mut state.last_pre, &mut state.previous_pre, activity.pre, activity.now);
    }

    fn jump_post(&self, state: &mut PairStdpState<F>, activity: &Activity<'_, F>) {
        self.interactions().1.jump(&mut state.post, self.minus, activity.now, activity.post);
        note(&mut state.last_post, &mut state.previous_post, activity.post, activity.now);
    }

    fn depress<W: Weights<F>>(&self, state: &PairStdpState<F>, activity: &Activity<'_, F>, weights: &mut W) {
        let factor = state.post.factor(self.minus, activity.now);
        let amount = -(activity.rate * self.a_minus * factor);
        let change = Change { amount, strength: self.f_minus, clip: self.clip };
        let y = state.post.scaled();
        if self.parameters.pairing != Pairing::Restricted {
            for &i in activity.pre {
                change.row(weights, i, y);
            }
            return;
        }
        // Two spikes of one past step that did not pair each count as the later one.
        let tie = u64::from(!self.parameters.coincidence.post_jumps_first());
        let both = self.parameters.coincidence == Coincidence::Both;
        let last_pre = if both { &state.previous_pre } else { &state.last_pre };
        for &i in activity.pre {
            let pre = last_pre[i as usize];
            let later = |j: usize| state.last_post[j].saturating_add(tie) > pre;
            change.outgoing(weights, i, |_, j| if later(j) { y[j] } else { F::ZERO });
        }
    }

    fn potentiate<W: Weights<F>>(&self, state: &mut PairStdpState<F>, activity: &Activity<'_, F>, weights: &mut W) {
        let factor = state.pre.factor(self.plus, activity.now);
        let amount = activity.rate * self.a_plus;
        let change = Change { amount: amount * factor, strength: self.f_plus, clip: self.clip };
        let x = state.pre.scaled();
        let tie = u64::from(!self.parameters.coincidence.pre_jumps_first());
        let both = self.parameters.coincidence == Coincidence::Both;
        let last_pre = &state.last_pre;
        let last_post = if both { &state.previous_post } else { &state.last_post };
        for &j in activity.post {
            match self.parameters.pairing {
                Pairing::AllToAll | Pairing::NearestSymmetric => change.incoming(weights, j, |_, i| x[i]),
                Pairing::Restricted => {
                    let post = last_post[j as usize];
                    change.incoming(
                        weights,
                        j,
                        |_, i| if last_pre[i].saturating_add(tie) > post { x[i] } else { F::ZERO },
                    );
                }
                Pairing::PresynapticCentred => {
                    let post = last_post[j as usize];
                    let since = activity.now.saturating_add(1).saturating_sub(post);
                    let decayed = if post == 0 { F::ZERO } else { F::from_f64(self.plus.over(since)) };
                    let forgotten = &mut state.forgotten;
                    Change { amount, ..change }.incoming(weights, j, |s, i| {
                        let all = x[i] * factor;
                        let before = core::mem::replace(&mut forgotten[s], all);
                        if last_pre[i].saturating_add(tie) > post {
                            (all - before * decayed).max(F::ZERO)
                        } else {
                            F::ZERO
                        }
                    });
                }
            }
        }
    }
}

/// Writes down when `neurons` spiked, if anybody asks.
fn note(last: &mut [u64], previous: &mut [u64], neurons: &[u32], now: u64) {
    if !last.is_empty() {
        for &i in neurons {
            previous[i as usize] = core::mem::replace(&mut last[i as usize], now.saturating_add(1));
        }
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

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.clip.bounds())
    }

    fn step_size(&self) -> Option<f64> {
        let p = &self.parameters;
        Some(p.amplitude_unit.largest((p.w_min, p.w_max), &[p.a_plus, p.a_minus]))
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        vec![
            TraceValues::new("x", TraceOf::Pre, state.pre.values(self.plus, now)),
            TraceValues::new("y", TraceOf::Post, state.post.values(self.minus, now)),
        ]
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        nl_units::Error::population(NAME, pre)?;
        nl_units::Error::population(NAME, post)?;
        check_synapses::<F>(NAME, synapses)?;
        let centred = self.parameters.pairing == Pairing::PresynapticCentred;
        let times = centred || self.parameters.pairing == Pairing::Restricted;
        Ok(PairStdpState {
            pre: Trace::new(NAME, pre)?,
            post: Trace::new(NAME, post)?,
            last: None,
            last_pre: filled(NAME, 0, if times { pre } else { 0 })?,
            last_post: filled(NAME, 0, if times { post } else { 0 })?,
            previous_pre: filled(NAME, 0, if times { pre } else { 0 })?,
            previous_post: filled(NAME, 0, if times { post } else { 0 })?,
            forgotten: filled(NAME, F::ZERO, if centred { synapses } else { 0 })?,
        })
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let centred = self.parameters.pairing == Pairing::PresynapticCentred;
        if centred || self.parameters.pairing == Pairing::Restricted {
            for times in [&state.last_pre, &state.previous_pre] {
                nl_units::Error::length(NAME, "state (pre)", state.pre.len(), times.len())?;
            }
            for times in [&state.last_post, &state.previous_post] {
                nl_units::Error::length(NAME, "state (post)", state.post.len(), times.len())?;
            }
        }
        if centred {
            nl_units::Error::length(NAME, "weights (synapses)", state.forgotten.len(), weights.synapses())?;
        }
        activity.check(NAME, (state.pre.len(), state.post.len()), &mut state.last, weights)?;
        for event in self.parameters.coincidence.order() {
            match event {
                Event::PreActs => self.depress(state, activity, weights),
                Event::PreJumps => self.jump_pre(state, activity),
                Event::PostActs => self.potentiate(state, activity, weights),
                Event::PostJumps => self.jump_post(state, activity),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};
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
            assert_relative_eq!(pair(Coincidence::Ignore, 3, 3 + d), 0.01 * exact, max_relative = 1e-14);
            assert_relative_eq!(pair(Coincidence::Ignore, 3 + d, 3), -0.0105 * exact, max_relative = 1e-14);
        }
    }

    #[test]
    fn coincidence_follows_the_option() {
        assert_eq!(pair(Coincidence::Ignore, 4, 4), 0.0);
        assert_eq!(pair(Coincidence::Potentiate, 4, 4), 0.01);
        assert_eq!(pair(Coincidence::Depress, 4, 4), -0.0105);
        assert_abs_diff_eq!(pair(Coincidence::Both, 4, 4), -0.0005, epsilon = 1e-15);
    }

    /// What the last post spike took is not taken again: not even a rounding error of it.
    #[test]
    fn a_centred_post_spike_without_a_fresh_pre_spike_changes_nothing() {
        let p = PairStdpParameters {
            pairing: Pairing::PresynapticCentred,
            coincidence: Coincidence::Potentiate,
            w_min: -1.0,
            ..PairStdpParameters::default()
        };
        let rule = PairStdp::<f64>::new(p, Ms(1.0)).unwrap();
        // Post spikes in step 3, in the step of the last pre spike, and `d` steps later.
        let weight = |start: f64, d: u64| {
            let mut state = rule.state(1, 1, 1).unwrap();
            let mut weights = Dense::new(1, 1, vec![start]).unwrap();
            for (now, pre, post) in [(0, &[0_u32][..], &[][..]), (3, &[0], &[0]), (3 + d, &[], &[0])] {
                rule.step(&mut state, &Activity::spikes(now, pre, post), &mut weights).unwrap();
            }
            weights.weights()[0]
        };
        let taken = p.a_plus * (1.0 + (-3.0_f64 / 20.0).exp());
        for d in 1..60 {
            let change = weight(0.0, d);
            assert_relative_eq!(change, taken, max_relative = 1e-14);
            // Near 0 the least change shows.
            assert_eq!(weight(-change, d), 0.0, "{d} steps later");
        }
    }

    #[test]
    fn a_power_that_leaves_the_precision_is_refused() {
        let build = |w_0: f64| {
            let power = WeightDependence::PowerLaw { mu: 2.0, w_0 };
            PairStdp::<f32>::new(
                PairStdpParameters { dependence: power, w_max: 1e20, ..PairStdpParameters::default() },
                Ms(1.0),
            )
        };
        assert!(build(1e10).is_ok());
        assert!(build(1e-9).is_err(), "(w_max / w_0)² = 1e58");
    }
}
