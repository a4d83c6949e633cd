//! Momentum, plain and Nesterov's.

use serde::{Deserialize, Serialize};

use crate::error::{check_len, require_decay, zeros};
use crate::{Error, Transform, huge, lanes};

/// v ← β v + (1 − τ) g,  u = v,  with v = g in the first step.
///
/// The learning rate multiplies v when it is used, not g when it enters v: a changed rate acts at once (PyTorch's
/// reading; Sutskever et al. put the rate inside). τ is the dampening. Source: Polyak, "Some methods of speeding up the
/// convergence of iteration methods", 1964, eq 9. A sum beyond the range of `f32` is held at its end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Momentum {
    /// β in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub beta: f64,
    /// τ in \[0, 1); 0 is the usual choice, β makes v an average
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub dampening: f64,
}

impl Default for Momentum {
    /// β = 0.9, τ = 0
    fn default() -> Self {
        Self { beta: 0.9, dampening: 0.0 }
    }
}

impl Momentum {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        require_decay("momentum", "beta", self.beta)?;
        require_decay("momentum", "dampening", self.dampening)
    }
}

impl Transform for Momentum {
    /// v
    type State = Vec<f32>;

    fn init(&self, params: &[f32]) -> Result<Vec<f32>, Error> {
        zeros("momentum", params.len())
    }

    fn update(&self, grads: &mut [f32], velocity: &mut Vec<f32>, _params: &[f32], step: u64) -> Result<(), Error> {
        check_len("momentum", "the velocity", velocity.len(), grads.len())?;
        let largest = lanes::finite("momentum", "the gradient", grads)?;
        if step == 0 {
            velocity.copy_from_slice(grads);
            return Ok(());
        }
        let (beta, gain) = (self.beta as f32, (1.0 - self.dampening) as f32);
        let next = move |g: f32, v: f32| beta * v + gain * g;
        if largest <= huge::ORDINARY {
            lanes::map2(grads, velocity, |g, v| {
                let v = next(g, v);
                (v, v)
            });
        } else {
            lanes::map2(grads, velocity, |g, v| {
                let v = next(g, v).clamp(-f32::MAX, f32::MAX);
                (v, v)
            });
        }
        Ok(())
    }
}

/// v ← β v + g,  u = g + β v.
///
/// PyTorch's reading, in which the parameters are those after the look-ahead. Source: Sutskever et al., "On the
/// importance of initialization and momentum in deep learning", 2013, eq 3-4, after Nesterov, 1983. A sum beyond the range
/// of `f32` is held at its end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Nesterov {
    /// β in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub beta: f64,
}

impl Default for Nesterov {
    /// β = 0.9
    fn default() -> Self {
        Self { beta: 0.9 }
    }
}

impl Nesterov {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        require_decay("nesterov", "beta", self.beta)
    }
}

impl Transform for Nesterov {
    /// v
    type State = Vec<f32>;

    fn init(&self, params: &[f32]) -> Result<Vec<f32>, Error> {
        zeros("nesterov", params.len())
    }

    fn update(&self, grads: &mut [f32], velocity: &mut Vec<f32>, _params: &[f32], _step: u64) -> Result<(), Error> {
        check_len("nesterov", "the velocity", velocity.len(), grads.len())?;
        let beta = self.beta as f32;
        let largest = lanes::finite("nesterov", "the gradient", grads)?;
        if largest <= huge::ORDINARY {
            lanes::map2(grads, velocity, |g, v| {
                let v = beta * v + g;
                (g + beta * v, v)
            });
        } else {
            lanes::map2(grads, velocity, |g, v| {
                let v = (beta * v + g).clamp(-f32::MAX, f32::MAX);
                ((g + beta * v).clamp(-f32::MAX, f32::MAX), v)
            });
        }
        Ok(())
    }
}
