//! Neuromodulators as signals: where they come from, and how they gate a rule.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use crate::{Activity, Decay, Error, Modulators, PlasticityRule, TraceValues};

const NAME: &str = "neuromodulation";

/// One neuromodulator: its concentration m falls back to 0 with τ m' = −m.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ModulatorParameters {
    /// Time constant of the decay.
    pub tau: Ms,
}

impl Default for ModulatorParameters {
    fn default() -> Self {
        Self { tau: Ms(200.0) }
    }
}

/// Parameters of [`Neuromodulation`], one time constant each.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NeuromodulationParameters {
    /// Dopamine (Izhikevich 2007: 200 ms).
    pub dopamine: ModulatorParameters,
    /// Acetylcholine.
    pub acetylcholine: ModulatorParameters,
    /// Serotonin.
    pub serotonin: ModulatorParameters,
    /// Noradrenaline.
    pub noradrenaline: ModulatorParameters,
}

/// The source of the four signals: a release adds to a concentration, which decays: τ m' = −m + τ Σ release δ(t − t_r).
///
/// ```
/// use nl_plasticity::{Modulators, Ms, Neuromodulation, NeuromodulationParameters};
/// let source = Neuromodulation::new(NeuromodulationParameters::default(), Ms(1.0))?;
/// let mut state = source.state();
/// source.release(&mut state, 0, Modulators { dopamine: 1.0, ..Modulators::default() })?;
/// assert!((source.at(&state, 200).dopamine - (-1.0_f64).exp()).abs() < 1e-15);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Neuromodulation {
    parameters: NeuromodulationParameters,
    decays: [Decay; 4],
}

/// Concentrations of [`Neuromodulation`].
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct NeuromodulationState {
    levels: Modulators,
    time: Option<u64>,
}

impl Neuromodulation {
    /// The source with these parameters and time step.
    ///
    /// # Errors
    /// If a time constant or dt is not positive and finite.
    pub fn new(parameters: NeuromodulationParameters, dt: Ms) -> Result<Self, Error> {
        let p = parameters;
        let decays = [
            Decay::new(NAME, "dopamine.tau", p.dopamine.tau, dt)?,
            Decay::new(NAME, "acetylcholine.tau", p.acetylcholine.tau, dt)?,
            Decay::new(NAME, "serotonin.tau", p.serotonin.tau, dt)?,
            Decay::new(NAME, "noradrenaline.tau", p.noradrenaline.tau, dt)?,
        ];
        Ok(Self { parameters, decays })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &NeuromodulationParameters {
        &self.parameters
    }

    /// Nothing released yet.
    #[must_use]
    pub fn state(&self) -> NeuromodulationState {
        NeuromodulationState::default()
    }

    /// Adds `amounts` to the concentrations at step `now`; any number of times a step.
    ///
    /// # Errors
    /// If an amount or the sum is not finite, or a later step was released into before.
    pub fn release(&self, state: &mut NeuromodulationState, now: u64, amounts: Modulators) -> Result<(), Error> {
        amounts.check(NAME)?;
        if let Some(last) = state.time.filter(|&last| last > now) {
            return Err(Error::Order { rule: NAME, now, last });
        }
        let levels = self.at(state, now) + amounts;
        levels.check("neuromodulation, the sum of all releases")?;
        state.levels = levels;
        state.time = Some(now);
        Ok(())
    }

    /// The concentrations at step `now`.
    #[must_use]
    pub fn at(&self, state: &NeuromodulationState, now: u64) -> Modulators {
        let steps = now.saturating_sub(state.time.unwrap_or(now));
        let [dopamine, acetylcholine, serotonin, noradrenaline] = self.decays.map(|decay| decay.over(steps));
        Modulators {
            dopamine: state.levels.dopamine * dopamine,
            acetylcholine: state.levels.acetylcholine * acetylcholine,
            serotonin: state.levels.serotonin * serotonin,
            noradrenaline: state.levels.noradrenaline * noradrenaline,
        }
    }
}

/// A factor on learning from any combination of modulators: g = bias + a·DA + b·ACh + c·5-HT + d·NA, cut off below 0 if
/// `rectify`. The default is 1 whatever the modulators.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// Factor at baseline.
    pub bias: f64,
    /// Weight of dopamine.
    pub dopamine: f64,
    /// Weight of acetylcholine.
    pub acetylcholine: f64,
    /// Weight of serotonin.
    pub serotonin: f64,
    /// Weight of noradrenaline.
    pub noradrenaline: f64,
    /// Whether a factor below 0 becomes 0 rather than turning learning round.
    pub rectify: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self { bias: 1.0, dopamine: 0.0, acetylcholine: 0.0, serotonin: 0.0, noradrenaline: 0.0, rectify: false }
    }
}

impl Gate {
    /// g.
    #[must_use]
    pub fn factor(&self, m: &Modulators) -> f64 {
        let g = self.bias
            + self.dopamine * m.dopamine
            + self.acetylcholine * m.acetylcholine
            + self.serotonin * m.serotonin
            + self.noradrenaline * m.noradrenaline;
        if self.rectify { g.max(0.0) } else { g }
    }

    /// `Ok` if all its weights are finite.
    ///
    /// # Errors
    /// [`nl_units::Error::Parameter`].
    pub fn check(&self) -> Result<(), nl_units::Error> {
        for (name, weight) in [
            ("bias", self.bias),
            ("dopamine", self.dopamine),
            ("acetylcholine", self.acetylcholine),
            ("serotonin", self.serotonin),
            ("noradrenaline", self.noradrenaline),
        ] {
            nl_units::Error::finite("gate", name, weight)?;
        }
        Ok(())
    }
}

/// Any rule with its learning rate multiplied by a [`Gate`]: three-factor learning.
///
/// ```
/// use nl_plasticity::{Activity, Gate, Gated, Modulators, Ms, PlasticityRule, VogelsStdp, VogelsStdpParameters};
/// use nl_synapse::{Dense, Weights};
/// let rule = VogelsStdp::<f64>::new(VogelsStdpParameters::default(), Ms(1.0))?;
/// let rule = Gated::new(rule, Gate { bias: 0.0, acetylcholine: 1.0, ..Gate::default() })?;
/// let mut weights = Dense::new(1, 1, vec![1.0])?;
/// let mut state = rule.state(1, 1, 1)?;
/// rule.step(&mut state, &Activity::spikes(0, &[0], &[]), &mut weights)?;
/// assert_eq!(weights.weights(), &[1.0]); // shut
/// let open = Modulators { acetylcholine: 1.0, ..Modulators::default() };
/// rule.step(&mut state, &Activity::spikes(1, &[0], &[]).with_modulators(open), &mut weights)?;
/// assert!(weights.weights()[0] < 1.0);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Gated<R> {
    rule: R,
    gate: Gate,
}

impl<R> Gated<R> {
    /// The rule behind the gate.
    ///
    /// # Errors
    /// If a weight of the gate is not finite.
    pub fn new(rule: R, gate: Gate) -> Result<Self, Error> {
        gate.check()?;
        Ok(Self { rule, gate })
    }

    /// The rule.
    #[must_use]
    pub fn rule(&self) -> &R {
        &self.rule
    }

    /// The gate.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.gate
    }
}

impl<F: Real, R: PlasticityRule<F>> PlasticityRule<F> for Gated<R> {
    type State = R::State;

    fn name(&self) -> &'static str {
        self.rule.name()
    }

    fn dt(&self) -> Ms {
        self.rule.dt()
    }

    fn bounds(&self) -> Option<(F, F)> {
        self.rule.bounds()
    }

    /// That of the rule behind the gate, at a factor of 1.
    fn step_size(&self) -> Option<f64> {
        self.rule.step_size()
    }

    fn traces(&self, state: &Self::State, now: u64) -> Vec<TraceValues<F>> {
        self.rule.traces(state, now)
    }

    fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<Self::State, Error> {
        self.rule.state(pre, post, synapses)
    }

    fn step<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        activity: &Activity<'_, F>,
        weights: &mut W,
    ) -> Result<(), Error> {
        let rate = activity.rate * F::from_f64(self.gate.factor(&activity.modulators));
        self.rule.step(state, &activity.with_rate(rate), weights)
    }

    fn settle<W: Weights<F>>(&self, state: &mut Self::State, now: u64, weights: &mut W) -> Result<(), Error> {
        self.rule.settle(state, now, weights)
    }

    fn settle_outgoing<W: Weights<F>>(
        &self,
        state: &mut Self::State,
        now: u64,
        pre: &[u32],
        weights: &mut W,
    ) -> Result<(), Error> {
        self.rule.settle_outgoing(state, now, pre, weights)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    #[test]
    fn a_gate_adds_up_its_modulators() {
        let m = Modulators { dopamine: 0.5, acetylcholine: 2.0, serotonin: -1.0, noradrenaline: 3.0 };
        let gate =
            Gate { bias: 0.1, dopamine: 1.0, acetylcholine: -1.0, serotonin: 2.0, noradrenaline: 0.5, rectify: false };
        assert_abs_diff_eq!(gate.factor(&m), 0.1 + 0.5 - 2.0 - 2.0 + 1.5, epsilon = 1e-15);
        assert_eq!(Gate { rectify: true, ..gate }.factor(&m), 0.0);
        assert_eq!(Gate::default().factor(&m), 1.0);
        assert!(Gate { serotonin: f64::NAN, ..gate }.check().is_err());
    }

    #[test]
    fn each_signal_decays_with_its_own_time_constant() {
        let tau = |tau| ModulatorParameters { tau: Ms(tau) };
        let parameters = NeuromodulationParameters {
            dopamine: tau(10.0),
            acetylcholine: tau(20.0),
            serotonin: tau(40.0),
            noradrenaline: tau(80.0),
        };
        let source = Neuromodulation::new(parameters, Ms(0.5)).unwrap();
        let mut state = source.state();
        let one = Modulators { dopamine: 1.0, acetylcholine: 1.0, serotonin: 1.0, noradrenaline: 1.0 };
        source.release(&mut state, 1 << 40, one).unwrap();
        source.release(&mut state, 1 << 40, one).unwrap();
        source.release(&mut state, (1 << 40) + 80, Modulators { serotonin: 0.5, ..Modulators::default() }).unwrap();
        let at = source.at(&state, (1 << 40) + 160);
        for (got, expected) in [
            (at.dopamine, 2.0 * (-8.0_f64).exp()),
            (at.acetylcholine, 2.0 * (-4.0_f64).exp()),
            (at.serotonin, 2.0 * (-2.0_f64).exp() + 0.5 * (-1.0_f64).exp()),
            (at.noradrenaline, 2.0 * (-1.0_f64).exp()),
        ] {
            assert_relative_eq!(got, expected, max_relative = 1e-13); // exponents of 8
        }
        assert!(source.release(&mut state, 3, one).is_err());
        assert!(source.release(&mut state, u64::MAX, Modulators { dopamine: f64::NAN, ..one }).is_err());
    }
}
