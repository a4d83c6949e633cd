//! What a rule sees of one time step.

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use crate::Error;

/// One time step as seen from the synapses.
///
/// `pre` are the presynaptic spikes that reach the synapses in this step (after the axonal delay), `post` the
/// postsynaptic ones (after the dendritic delay); both ascending.
#[derive(Debug, Clone, Copy)]
pub struct Activity<'a, F> {
    /// The step's index.
    pub now: u64,
    /// Presynaptic spikes at the synapse.
    pub pre: &'a [u32],
    /// Postsynaptic spikes at the synapse.
    pub post: &'a [u32],
    /// Membrane potentials of the postsynaptic neurons in mV, `[post]`; empty for rules that do not look at them.
    pub v_post: &'a [F],
    /// Pseudo-derivatives ψ_j = ∂z_j/∂v_j of the postsynaptic neurons, `[post]`; empty for rules that do not look at them.
    pub psi: &'a [F],
    /// Learning signals L_j of the postsynaptic neurons, `[post]`; empty for rules that do not look at them.
    pub learning_signal: &'a [F],
    /// The neuromodulators' concentrations.
    pub modulators: Modulators,
    /// Factor on every weight change of this step; 1 unless a gate says otherwise.
    pub rate: F,
}

impl<'a, F: Real> Activity<'a, F> {
    /// Spikes alone: no voltages, no learning signals, no modulators, rate 1.
    #[must_use]
    pub fn spikes(now: u64, pre: &'a [u32], post: &'a [u32]) -> Self {
        Self {
            now,
            pre,
            post,
            v_post: &[],
            psi: &[],
            learning_signal: &[],
            modulators: Modulators::default(),
            rate: F::ONE,
        }
    }

    /// With the membrane potentials of the postsynaptic neurons in mV, `[post]`.
    #[must_use]
    pub fn with_voltage(self, v_post: &'a [F]) -> Self {
        Self { v_post, ..self }
    }

    /// With the pseudo-derivatives and learning signals of the postsynaptic neurons, `[post]` each.
    #[must_use]
    pub fn with_learning_signal(self, psi: &'a [F], learning_signal: &'a [F]) -> Self {
        Self { psi, learning_signal, ..self }
    }

    /// With these concentrations of neuromodulators.
    #[must_use]
    pub fn with_modulators(self, modulators: Modulators) -> Self {
        Self { modulators, ..self }
    }

    /// With this factor on every weight change.
    #[must_use]
    pub fn with_rate(self, rate: F) -> Self {
        Self { rate, ..self }
    }
}

/// The largest factor on learning: nothing that a rule makes of it overflows.
const LARGEST: f64 = 4_294_967_296.0;

impl<F: Real> Activity<'_, F> {
    /// `Ok` if the connection joins `(pre, post)` neurons, the spikes ascend within them, the rate lies within ±2³², modulators
    /// are finite, and the step comes after `last`, which becomes this step: what `step` calls first.
    ///
    /// # Errors
    /// [`nl_units::Error::Length`], [`nl_units::Error::Index`], [`nl_units::Error::Parameter`] or [`Error::Order`].
    pub fn check<W: Weights<F>>(
        &self,
        rule: &'static str,
        (pre, post): (usize, usize),
        last: &mut Option<u64>,
        weights: &W,
    ) -> Result<(), Error> {
        nl_units::Error::length(rule, "weights (pre)", pre, weights.pre())?;
        nl_units::Error::length(rule, "weights (post)", post, weights.post())?;
        for (spikes, n) in [(self.pre, pre), (self.post, post)] {
            if let Some(&index) = spikes.iter().find(|&&i| i as usize >= n) {
                return Err(nl_units::Error::Index { what: rule, index: index as usize, n }.into());
            }
            if let Some(pair) = spikes.windows(2).find(|pair| pair[0] >= pair[1]) {
                return Err(Error::Unsorted { rule, first: pair[0], second: pair[1] });
            }
        }
        let expected = "use a factor within -2^32 to 2^32";
        nl_units::Error::check(rule, "rate", self.rate.to_f64(), |x| x.abs() <= LARGEST, expected)?;
        self.modulators.check(rule)?;
        Error::order(rule, self.now, *last)?;
        *last = Some(self.now);
        Ok(())
    }
}

/// Concentrations of the four neuromodulators, dimensionless, 0 at baseline.
///
/// Source of the roles: Doya, "Metalearning and neuromodulation", Neural Networks 2002.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Modulators {
    /// Reward prediction error.
    pub dopamine: f64,
    /// Speed of learning against keeping; expected uncertainty.
    pub acetylcholine: f64,
    /// Time scale of reward.
    pub serotonin: f64,
    /// Arousal, exploration; unexpected uncertainty.
    pub noradrenaline: f64,
}

impl Modulators {
    /// `Ok` if all four are finite; `what` opens the message.
    ///
    /// # Errors
    /// [`nl_units::Error::Parameter`].
    pub fn check(&self, what: &'static str) -> Result<(), nl_units::Error> {
        for (name, level) in [
            ("dopamine", self.dopamine),
            ("acetylcholine", self.acetylcholine),
            ("serotonin", self.serotonin),
            ("noradrenaline", self.noradrenaline),
        ] {
            nl_units::Error::finite(what, name, level)?;
        }
        Ok(())
    }
}

impl core::ops::Add for Modulators {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            dopamine: self.dopamine + other.dopamine,
            acetylcholine: self.acetylcholine + other.acetylcholine,
            serotonin: self.serotonin + other.serotonin,
            noradrenaline: self.noradrenaline + other.noradrenaline,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_synapse::Dense;

    #[test]
    fn what_does_not_fit_is_refused_and_leaves_the_clock_alone() {
        let weights = Dense::new(2, 3, vec![0.0_f64; 6]).unwrap();
        let mut last = Some(4);
        let mut check = |shape, activity: Activity<'_, f64>| activity.check("test", shape, &mut last, &weights).is_ok();
        assert!(!check((3, 3), Activity::spikes(5, &[], &[])));
        assert!(!check((2, 2), Activity::spikes(5, &[], &[])));
        assert!(!check((2, 3), Activity::spikes(5, &[2], &[])));
        assert!(!check((2, 3), Activity::spikes(5, &[1, 0], &[])));
        assert!(!check((2, 3), Activity::spikes(5, &[], &[1, 1])));
        assert!(!check((2, 3), Activity::spikes(5, &[], &[]).with_rate(f64::NAN)));
        let modulators = Modulators { serotonin: f64::INFINITY, ..Modulators::default() };
        assert!(!check((2, 3), Activity::spikes(5, &[], &[]).with_modulators(modulators)));
        assert!(!check((2, 3), Activity::spikes(4, &[], &[])));
        assert!(check((2, 3), Activity::spikes(5, &[0, 1], &[2])));
        assert_eq!(last, Some(5));
    }
}
