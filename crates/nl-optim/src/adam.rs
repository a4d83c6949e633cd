//! Adam, AMSGrad, AdamW.

use serde::{Deserialize, Serialize};

use crate::error::{check_len, require_decay, require_not_negative, require_positive, zeros};
use crate::{DecoupledDecay, Error, Mask, Transform, huge, lanes};

/// m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g²,  u = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε),  t = step + 1.
///
/// ε stands outside the root and is compared with the corrected v (algorithm 1 of the paper and PyTorch; the paper's §2
/// also gives a form in which it is compared with the raw v). With `amsgrad` the largest v so far divides.
///
/// Holds for any finite g: squares beyond the range of `f32` are taken in `f64`, and an m and v that do not fit are scaled
/// down together, which leaves u as it is (in PyTorch a gradient above 6e20 makes v infinite and stops its parameter for
/// ever).
///
/// Source: Kingma & Ba, "Adam: a method for stochastic optimization", 2015, algorithm 1; Reddi, Kale & Kumar, "On the
/// convergence of Adam and beyond", 2018, algorithm 2, with the bias corrections of PyTorch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// β₁ in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub beta1: f64,
    /// β₂ in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub beta2: f64,
    /// ε > 0
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub epsilon: f64,
    /// Divide by the root of the largest v so far.
    pub amsgrad: bool,
}

impl Default for Adam {
    /// β₁ = 0.9, β₂ = 0.999, ε = 1e-8
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false }
    }
}

/// The moments of [`Adam`] and [`AdamW`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdamState {
    mean: Vec<f32>,
    square: Vec<f32>,
    /// Empty without `amsgrad`.
    largest: Vec<f32>,
}

impl AdamState {
    /// The lengths of its parts.
    pub(crate) fn lengths(&self) -> [usize; 3] {
        [self.mean.len(), self.square.len(), self.largest.len()]
    }
}

impl Adam {
    pub(crate) fn validate(&self, owner: &'static str) -> Result<(), Error> {
        require_decay(owner, "beta1", self.beta1)?;
        require_decay(owner, "beta2", self.beta2)?;
        require_positive(owner, "epsilon", self.epsilon)
    }
}

impl Transform for Adam {
    type State = AdamState;

    fn init(&self, params: &[f32]) -> Result<AdamState, Error> {
        let buffer = |used| zeros("adam", if used { params.len() } else { 0 });
        Ok(AdamState { mean: buffer(true)?, square: buffer(true)?, largest: buffer(self.amsgrad)? })
    }

    fn update(&self, grads: &mut [f32], state: &mut AdamState, _params: &[f32], step: u64) -> Result<(), Error> {
        let n = grads.len();
        check_len("adam", "the mean", state.mean.len(), n)?;
        check_len("adam", "the mean of squares", state.square.len(), n)?;
        check_len("adam", "the largest mean of squares", state.largest.len(), if self.amsgrad { n } else { 0 })?;
        let largest = lanes::finite("adam", "the gradient", grads)?;
        let (keep1, take1) = (self.beta1 as f32, (1.0 - self.beta1) as f32);
        let (keep2, take2) = (self.beta2 as f32, (1.0 - self.beta2) as f32);
        let ordinary = move |g: f32, m: f32, v: f32| (keep1 * m + take1 * g, keep2 * v + take2 * (g * g));
        if largest <= huge::ORDINARY {
            self.descend(grads, state, step, ordinary);
        } else {
            self.descend(grads, state, step, |g, m, v| {
                if g.abs() <= huge::ORDINARY {
                    ordinary(g, m, v)
                } else {
                    huge::moments(g, m, v, self.beta1, self.beta2)
                }
            });
        }
        Ok(())
    }
}

impl Adam {
    /// (m, v) ← `moments`(g, m, v), then u.
    fn descend(
        &self,
        grads: &mut [f32],
        state: &mut AdamState,
        step: u64,
        moments: impl Fn(f32, f32, f32) -> (f32, f32) + Copy,
    ) {
        // βᵗ is 0 to f64 long before t leaves the range of i32.
        let t = i32::try_from(step).unwrap_or(i32::MAX).saturating_add(1);
        let scale1 = (1.0 - self.beta1.powi(t)).recip() as f32;
        let scale2 = (1.0 - self.beta2.powi(t)).sqrt().recip() as f32;
        let epsilon = self.epsilon as f32;
        if self.amsgrad {
            lanes::map3(grads, &mut state.mean, &mut state.square, |g, m, v| {
                let (m, v) = moments(g, m, v);
                (g, m, v)
            });
            lanes::map_with(&mut state.largest, &state.square, |largest, v| if v > largest { v } else { largest });
            grads.copy_from_slice(&state.mean);
            lanes::map_with(grads, &state.largest, |m, v| scale1 * m / (scale2 * v.sqrt() + epsilon));
        } else {
            lanes::map3(grads, &mut state.mean, &mut state.square, |g, m, v| {
                let (m, v) = moments(g, m, v);
                (scale1 * m / (scale2 * v.sqrt() + epsilon), m, v)
            });
        }
    }
}

/// [`Adam`], then u ← u + λ p: the weights shrink by rate · λ each step, whatever their gradients' size.
///
/// Source: Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2, with λ multiplied by the
/// learning rate (PyTorch's reading; the paper multiplies it by the schedule only).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct AdamW {
    /// β₁ in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub beta1: f64,
    /// β₂ in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub beta2: f64,
    /// ε > 0
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub epsilon: f64,
    /// Divide by the root of the largest v so far.
    pub amsgrad: bool,
    /// λ ≥ 0
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0)))]
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// Those of [`Adam`], λ = 0.01
    fn default() -> Self {
        let Adam { beta1, beta2, epsilon, amsgrad } = Adam::default();
        Self { beta1, beta2, epsilon, amsgrad, weight_decay: 0.01 }
    }
}

impl AdamW {
    pub(crate) const fn adam(&self) -> Adam {
        Adam { beta1: self.beta1, beta2: self.beta2, epsilon: self.epsilon, amsgrad: self.amsgrad }
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        self.adam().validate("adam-w")?;
        require_not_negative("adam-w", "weight_decay", self.weight_decay)
    }
}

/// Decays every parameter; for a mask chain [`Adam`] with [`DecoupledDecay`], or use [`Optimizer`](crate::Optimizer).
impl Transform for AdamW {
    type State = AdamState;

    fn init(&self, params: &[f32]) -> Result<AdamState, Error> {
        self.adam().init(params)
    }

    fn update(&self, grads: &mut [f32], state: &mut AdamState, params: &[f32], step: u64) -> Result<(), Error> {
        self.adam().update(grads, state, params, step)?;
        DecoupledDecay { strength: self.weight_decay, mask: Mask::all() }.update(grads, &mut (), params, step)
    }
}
