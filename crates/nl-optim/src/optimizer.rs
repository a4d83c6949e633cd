//! The usual chain, from a configuration: clip, penalise, algorithm, decay, learning rate.

use serde::{Deserialize, Serialize};

use crate::error::{check_len, require, require_not_negative};
use crate::{
    Adam, AdamState, AdamW, ClipNorm, ClipValue, DecoupledDecay, Error, L1, L2, Mask, Momentum, Nesterov, Plateau,
    PlateauState, RmsProp, RmsPropState, Schedule, Sgd, Transform, lanes,
};

/// The rule that turns a gradient into a direction. In configurations: `{kind: adam, beta1: 0.9}`; what is left out
/// has its default.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Algorithm {
    /// Plain gradient descent.
    Sgd(Sgd),
    /// Momentum.
    Momentum(Momentum),
    /// Nesterov's momentum.
    Nesterov(Nesterov),
    /// RMSprop.
    RmsProp(RmsProp),
    /// Adam or AMSGrad.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

/// The state of an [`Algorithm`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum AlgorithmState {
    /// None.
    Sgd,
    /// The velocity.
    Momentum(Vec<f32>),
    /// The velocity.
    Nesterov(Vec<f32>),
    /// The averages.
    RmsProp(RmsPropState),
    /// The moments.
    Adam(AdamState),
    /// The moments.
    AdamW(AdamState),
}

impl Algorithm {
    const fn name(&self) -> &'static str {
        match self {
            Self::Sgd(_) => "sgd",
            Self::Momentum(_) => "momentum",
            Self::Nesterov(_) => "nesterov",
            Self::RmsProp(_) => "rms-prop",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adam-w",
        }
    }

    fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Sgd(_) => Ok(()),
            Self::Momentum(rule) => rule.validate(),
            Self::Nesterov(rule) => rule.validate(),
            Self::RmsProp(rule) => rule.validate(),
            Self::Adam(rule) => rule.validate("adam"),
            Self::AdamW(rule) => rule.validate(),
        }
    }
}

impl AlgorithmState {
    const fn name(&self) -> &'static str {
        match self {
            Self::Sgd => "sgd",
            Self::Momentum(_) => "momentum",
            Self::Nesterov(_) => "nesterov",
            Self::RmsProp(_) => "rms-prop",
            Self::Adam(_) => "adam",
            Self::AdamW(_) => "adam-w",
        }
    }
}

impl AlgorithmState {
    /// The lengths of its parts.
    fn lengths(&self) -> [usize; 3] {
        match self {
            Self::Sgd => [0; 3],
            Self::Momentum(velocity) | Self::Nesterov(velocity) => [velocity.len(), 0, 0],
            Self::RmsProp(state) => state.lengths(),
            Self::Adam(state) | Self::AdamW(state) => state.lengths(),
        }
    }
}

/// The decay of [`Algorithm::AdamW`] is left to the [`Optimizer`], which knows the mask.
impl Transform for Algorithm {
    type State = AlgorithmState;

    fn init(&self, params: &[f32]) -> Result<AlgorithmState, Error> {
        Ok(match self {
            Self::Sgd(_) => AlgorithmState::Sgd,
            Self::Momentum(rule) => AlgorithmState::Momentum(rule.init(params)?),
            Self::Nesterov(rule) => AlgorithmState::Nesterov(rule.init(params)?),
            Self::RmsProp(rule) => AlgorithmState::RmsProp(rule.init(params)?),
            Self::Adam(rule) => AlgorithmState::Adam(rule.init(params)?),
            Self::AdamW(rule) => AlgorithmState::AdamW(rule.init(params)?),
        })
    }

    fn update(&self, grads: &mut [f32], state: &mut AlgorithmState, params: &[f32], step: u64) -> Result<(), Error> {
        match (self, state) {
            (Self::Sgd(rule), AlgorithmState::Sgd) => rule.update(grads, &mut (), params, step),
            (Self::Momentum(rule), AlgorithmState::Momentum(state)) => rule.update(grads, state, params, step),
            (Self::Nesterov(rule), AlgorithmState::Nesterov(state)) => rule.update(grads, state, params, step),
            (Self::RmsProp(rule), AlgorithmState::RmsProp(state)) => rule.update(grads, state, params, step),
            (Self::Adam(rule), AlgorithmState::Adam(state)) => rule.update(grads, state, params, step),
            (Self::AdamW(rule), AlgorithmState::AdamW(state)) => rule.adam().update(grads, state, params, step),
            (_, state) => Err(Error::State { expected: self.name(), found: state.name() }),
        }
    }
}

/// Everything about an optimiser that stands in a configuration file: at least
/// `{algorithm: {kind: adam}, schedule: {kind: constant, rate: 0.001}}`.
///
/// One step: g is clipped by value, then by norm; penalised, g + l2 · p + l1 · sign p; turned into a direction u by the
/// algorithm; and p ← p − η (u + `weight_decay` · p) with η = schedule(step) · plateau scale. Penalties and decay act on
/// the [`Mask`] of the [`Optimizer`]. Both `l1` and `l2` are the elastic net (Zou & Hastie, "Regularization and variable selection
/// via the elastic net", 2005).
///
/// ```
/// use nl_optim::{Algorithm, OptimizerConfig};
/// let text = r#"{"algorithm": {"kind": "adam-w", "weight_decay": 0.05},
///                "schedule": {"kind": "one-cycle", "peak": 0.003, "steps": 1000}, "clip_norm": 1.0}"#;
/// let config: OptimizerConfig = serde_json::from_str(text)?;
/// assert!(matches!(config.algorithm, Algorithm::AdamW(_)) && config.validate().is_ok());
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The rule.
    pub algorithm: Algorithm,
    /// The learning rate.
    pub schedule: Schedule,
    /// Drops the rate when a metric makes no progress ([`Optimizer::observe`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plateau: Option<Plateau>,
    /// Pulls weights towards 0 by a constant ([`L1`]); 0: not at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0), range(min = 0.0)))]
    pub l1: f64,
    /// Pulls weights towards 0 in proportion, as a part of the gradient ([`L2`]); 0: not at all.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0), range(min = 0.0)))]
    pub l2: f64,
    /// Share of a weight that a step of rate 1 takes away, apart from the gradient ([`DecoupledDecay`]); 0 with AdamW, which
    /// has its own.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[cfg_attr(feature = "schema", schemars(extend("default" = 0.0), range(min = 0.0)))]
    pub weight_decay: f64,
    /// The largest norm of a whole gradient: a longer one is made so long ([`ClipNorm`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub clip_norm: Option<f64>,
    /// The largest value of each element of a gradient, before its norm is looked at ([`ClipValue`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub clip_value: Option<f64>,
}

fn is_zero(strength: &f64) -> bool {
    *strength == 0.0
}

impl OptimizerConfig {
    /// An algorithm and its schedule; no penalty, no clipping.
    #[must_use]
    pub const fn new(algorithm: Algorithm, schedule: Schedule) -> Self {
        Self {
            algorithm,
            schedule,
            plateau: None,
            l1: 0.0,
            l2: 0.0,
            weight_decay: 0.0,
            clip_norm: None,
            clip_value: None,
        }
    }

    /// This configuration for `total` steps: the schedule's length, if it was left open, is filled in by
    /// [`Schedule::over`].
    #[must_use]
    pub fn over(&self, total: u64) -> Self {
        Self { schedule: self.schedule.over(total), ..self.clone() }
    }

    /// Checks every number.
    ///
    /// # Errors
    /// [`Error::Config`] with the first that is out of range, or a schedule whose length is still open.
    pub fn validate(&self) -> Result<(), Error> {
        self.algorithm.validate()?;
        self.schedule.validate()?;
        if let Some(plateau) = &self.plateau {
            plateau.validate()?;
        }
        require_not_negative("optimizer", "l1", self.l1)?;
        require_not_negative("optimizer", "l2", self.l2)?;
        require_not_negative("optimizer", "weight_decay", self.weight_decay)?;
        let twice = matches!(self.algorithm, Algorithm::AdamW(_)) && self.weight_decay > 0.0;
        require(!twice, "optimizer", "weight_decay", self.weight_decay, "0 with adam-w, which has its own")?;
        let (owner, decay) = match self.algorithm {
            Algorithm::AdamW(rule) => ("adam-w", rule.weight_decay),
            _ => ("optimizer", self.weight_decay),
        };
        // Beyond 1 a step turns weights around, beyond 2 it makes them larger, without end.
        let shrinks = decay * self.schedule.peak() <= 1.0;
        require(shrinks, owner, "weight_decay", decay, "at most 1 / the largest learning rate")?;
        self.clip_norm.map(ClipNorm::new).transpose()?;
        self.clip_value.map(ClipValue::new).transpose()?;
        Ok(())
    }
}

/// An optimiser ready to step; holds nothing that changes.
///
/// ```
/// use nl_optim::{Adam, Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};
///
/// let config = OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 0.05 });
/// let optimizer = Optimizer::new(config, Mask::all())?;
/// let mut params = [3.0_f32, -4.0];
/// let mut state = optimizer.init(&params)?;
/// for step in 0..400 {
///     let mut grads = params.map(|x| 2.0 * x);
///     optimizer.step(&mut params, &mut grads, &mut state, step)?;
/// }
/// assert!(params.iter().all(|x| x.abs() < 0.01));
/// # Ok::<(), nl_optim::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Optimizer {
    config: OptimizerConfig,
    clip_value: Option<ClipValue>,
    clip_norm: Option<ClipNorm>,
    l2: L2,
    l1: L1,
    decay: DecoupledDecay,
}

/// What an [`Optimizer`] carries from step to step; save it, with the step number, to go on bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OptimizerState {
    algorithm: AlgorithmState,
    plateau: Option<PlateauState>,
}

impl OptimizerState {
    /// Whether `other` is a state of the same algorithm for as many parameters: what was read from a file is checked by it.
    ///
    /// ```
    /// use nl_optim::{Algorithm, Mask, Momentum, Optimizer, OptimizerConfig, Schedule};
    /// let momentum = Algorithm::Momentum(Momentum::default());
    /// let optimizer = Optimizer::new(OptimizerConfig::new(momentum, Schedule::Constant { rate: 0.1 }), Mask::all())?;
    /// assert!(optimizer.init(&[0.0; 3])?.fits(&optimizer.init(&[1.0; 3])?));
    /// assert!(!optimizer.init(&[0.0; 3])?.fits(&optimizer.init(&[0.0; 4])?));
    /// # Ok::<(), nl_optim::Error>(())
    /// ```
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        self.algorithm.name() == other.algorithm.name()
            && self.algorithm.lengths() == other.algorithm.lengths()
            && self.plateau.is_some() == other.plateau.is_some()
    }
}

impl Optimizer {
    /// An optimiser whose penalties and decay act on `penalised` (usually the weights, not biases and norms).
    ///
    /// # Errors
    /// [`Error::Config`] if a number is out of range.
    pub fn new(config: OptimizerConfig, penalised: Mask) -> Result<Self, Error> {
        config.validate()?;
        let decay = match config.algorithm {
            Algorithm::AdamW(rule) => rule.weight_decay,
            _ => config.weight_decay,
        };
        Ok(Self {
            clip_value: config.clip_value.map(ClipValue::new).transpose()?,
            clip_norm: config.clip_norm.map(ClipNorm::new).transpose()?,
            l2: L2 { strength: config.l2, mask: penalised.clone() },
            l1: L1 { strength: config.l1, mask: penalised.clone() },
            decay: DecoupledDecay { strength: decay, mask: penalised },
            config,
        })
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// The state before the first step.
    ///
    /// # Errors
    /// [`Error::Mask`] if the mask reaches beyond the parameters, [`Error::Memory`] if there is none for the state.
    pub fn init(&self, params: &[f32]) -> Result<OptimizerState, Error> {
        self.l2.mask.validate(params.len())?;
        let plateau = self.config.plateau.map(|plateau| plateau.init());
        Ok(OptimizerState { algorithm: self.config.algorithm.init(params)?, plateau })
    }

    /// One step: overwrites `grads` with the update and subtracts η times it from `params`. `step` counts the steps made
    /// before. Allocates nothing; on an error `params` and `state` are unchanged.
    ///
    /// # Errors
    /// [`Error::Length`], [`Error::State`] or [`Error::Mask`] if parts do not fit each other; [`Error::NotFinite`] with
    /// the first element of the gradient that is infinite or NaN (`grads` is then unchanged too, unless a penalty made
    /// it so).
    pub fn step(
        &self,
        params: &mut [f32],
        grads: &mut [f32],
        state: &mut OptimizerState,
        step: u64,
    ) -> Result<(), Error> {
        check_len("optimiser step", "the gradient", grads.len(), params.len())?;
        let nothing = &mut ();
        if let Some(clip) = &self.clip_value {
            clip.update(grads, nothing, params, step)?;
        }
        if let Some(clip) = &self.clip_norm {
            clip.update(grads, nothing, params, step)?;
        }
        if self.l2.strength > 0.0 {
            self.l2.update(grads, nothing, params, step)?;
        }
        if self.l1.strength > 0.0 {
            self.l1.update(grads, nothing, params, step)?;
        }
        self.config.algorithm.update(grads, &mut state.algorithm, params, step)?;
        if self.decay.strength > 0.0 {
            self.decay.update(grads, nothing, params, step)?;
        }
        let rate = self.rate(state, step) as f32;
        lanes::map_with(params, grads, |p, u| p - rate * u);
        Ok(())
    }

    /// η of this step: schedule times plateau scale.
    #[must_use]
    pub fn rate(&self, state: &OptimizerState, step: u64) -> f64 {
        self.config.schedule.rate(step) * state.plateau.map_or(1.0, |plateau| plateau.scale())
    }

    /// Shows the plateau a metric (a validation loss, once an epoch); without a plateau it does nothing.
    pub fn observe(&self, state: &mut OptimizerState, metric: f64) {
        if let (Some(plateau), Some(seen)) = (&self.config.plateau, &mut state.plateau) {
            plateau.observe(seen, metric);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shortest form reads, and what has its default is not written.
    #[test]
    fn a_configuration_says_what_is_not_usual() {
        let read = |text: &str| serde_json::from_str::<OptimizerConfig>(text);
        let short =
            read(r#"{"algorithm": {"kind": "adam"}, "schedule": {"kind": "constant", "rate": 0.001}}"#).unwrap();
        assert_eq!(short, OptimizerConfig::new(Algorithm::Adam(Adam::default()), Schedule::Constant { rate: 0.001 }));
        let written = serde_json::to_value(&short).unwrap();
        assert_eq!(written.as_object().unwrap().keys().collect::<Vec<_>>(), ["algorithm", "schedule"]);

        let long = r#"{"algorithm": {"kind": "rms-prop", "centered": true}, "schedule": {"kind": "one-cycle", "peak": 0.01},
            "plateau": {"patience": 3}, "l1": 0.1, "l2": 0.2, "weight_decay": 0.3, "clip_norm": 1, "clip_value": 2}"#;
        let long = read(long).unwrap();
        assert!(matches!(long.algorithm, Algorithm::RmsProp(RmsProp { centered: true, .. })));
        assert_eq!((long.l1, long.l2, long.weight_decay), (0.1, 0.2, 0.3));
        assert_eq!((long.clip_norm, long.clip_value, long.plateau.unwrap().patience), (Some(1.0), Some(2.0), 3));
        assert_eq!(read(&serde_json::to_string(&long).unwrap()).unwrap(), long);

        let error = long.validate().unwrap_err().to_string();
        assert!(error.contains("one-cycle.steps = 0") && error.contains("Schedule::over"), "{error}");
        assert_eq!(long.over(10).schedule, Schedule::one_cycle(0.01, 10));
        assert_eq!(long.over(10).validate(), Ok(()));

        for (wrong, named) in [
            (r#"{"algorithm": {"kind": "adamw"}, "schedule": {"kind": "constant", "rate": 1}}"#, "`adam-w`"),
            (r#"{"algorithm": {"kind": "adam", "bta1": 1}, "schedule": {"kind": "constant", "rate": 1}}"#, "bta1"),
            (r#"{"algorithm": {"kind": "sgd"}, "schedule": {"kind": "OneCycle", "peak": 1}}"#, "`one-cycle`"),
            (r#"{"algorithm": {"kind": "sgd"}, "schedule": {"kind": "constant", "rate": 1}, "l3": 1}"#, "l3"),
        ] {
            let error = read(wrong).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
