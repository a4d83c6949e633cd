//! RMSprop.

use serde::{Deserialize, Serialize};

use crate::error::{check_len, require_decay, require_positive, zeros};
use crate::{Error, Transform, huge, lanes};

/// s ← α s + (1 − α) g²,  u = g / (√s + ε); if centred, √(s − m²) with m ← α m + (1 − α) g in place of √s; with
/// momentum μ > 0, u is then accumulated, b ← μ b + u, and b is the update.
///
/// ε stands outside the root (PyTorch's reading; TensorFlow puts it inside). s starts at 0 without bias correction, so
/// the first updates are large. s − m² is cut at 0, where rounding could make it negative. Holds for any finite g: squares
/// beyond the range of `f32` are taken in `f64`, and averages that do not fit are held as large as they can be.
///
/// Source: Tieleman & Hinton, "Lecture 6.5: rmsprop", 2012; centred: Graves, "Generating sequences with recurrent neural
/// networks", 2013, eq 38-41.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct RmsProp {
    /// α in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub decay: f64,
    /// ε > 0
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0)))]
    pub epsilon: f64,
    /// μ in \[0, 1)
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub momentum: f64,
    /// Divide by the deviation around the mean, not around 0.
    pub centered: bool,
}

impl Default for RmsProp {
    /// α = 0.99, ε = 1e-8, no momentum, not centred
    fn default() -> Self {
        Self { decay: 0.99, epsilon: 1e-8, momentum: 0.0, centered: false }
    }
}

/// The averages of [`RmsProp`]; those not in use are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RmsPropState {
    square: Vec<f32>,
    mean: Vec<f32>,
    velocity: Vec<f32>,
}

impl RmsPropState {
    /// The lengths of its parts.
    pub(crate) fn lengths(&self) -> [usize; 3] {
        [self.square.len(), self.mean.len(), self.velocity.len()]
    }
}

impl RmsProp {
    pub(crate) fn validate(&self) -> Result<(), Error> {
        require_decay("rms-prop", "decay", self.decay)?;
        require_positive("rms-prop", "epsilon", self.epsilon)?;
        require_decay("rms-prop", "momentum", self.momentum)
    }
}

impl Transform for RmsProp {
    type State = RmsPropState;

    fn init(&self, params: &[f32]) -> Result<RmsPropState, Error> {
        let buffer = |used| zeros("rms-prop", if used { params.len() } else { 0 });
        let (square, mean) = (buffer(true)?, buffer(self.centered)?);
        Ok(RmsPropState { square, mean, velocity: buffer(self.momentum > 0.0)? })
    }

    fn update(&self, grads: &mut [f32], state: &mut RmsPropState, _params: &[f32], _step: u64) -> Result<(), Error> {
        let n = grads.len();
        check_len("rms-prop", "the average of squares", state.square.len(), n)?;
        check_len("rms-prop", "the average", state.mean.len(), if self.centered { n } else { 0 })?;
        check_len("rms-prop", "the velocity", state.velocity.len(), if self.momentum > 0.0 { n } else { 0 })?;
        let largest = lanes::finite("rms-prop", "the gradient", grads)?;
        let (keep, take, epsilon) = (self.decay as f32, (1.0 - self.decay) as f32, self.epsilon as f32);
        let centred = move |g: f32, s: f32, m: f32| {
            let (s, m) = (keep * s + take * (g * g), keep * m + take * g);
            // Without deviation it is g / ε, which a tiny ε can make infinite.
            ((g / ((s - m * m).max(0.0).sqrt() + epsilon)).clamp(-f32::MAX, f32::MAX), s, m)
        };
        let plain = move |g: f32, s: f32| {
            let s = keep * s + take * (g * g);
            (g / (s.sqrt() + epsilon), s)
        };
        match (self.centered, largest <= huge::ORDINARY) {
            (true, true) => lanes::map3(grads, &mut state.square, &mut state.mean, centred),
            (true, false) => lanes::map3(grads, &mut state.square, &mut state.mean, |g, s, m| {
                if g.abs() <= huge::ORDINARY { centred(g, s, m) } else { self.huge(g, s, m) }
            }),
            (false, true) => lanes::map2(grads, &mut state.square, plain),
            (false, false) => lanes::map2(grads, &mut state.square, |g, s| {
                if g.abs() <= huge::ORDINARY {
                    return plain(g, s);
                }
                let (u, s, _) = self.huge(g, s, 0.0);
                (u, s)
            }),
        }
        if self.momentum > 0.0 {
            let momentum = self.momentum as f32;
            lanes::map2(grads, &mut state.velocity, |u, b| {
                let b = (momentum * b + u).clamp(-f32::MAX, f32::MAX);
                (b, b)
            });
        }
        Ok(())
    }
}

impl RmsProp {
    /// (u, s, m) of a |g| above [`huge::ORDINARY`], in `f64`.
    fn huge(&self, g: f32, s: f32, m: f32) -> (f32, f32, f32) {
        let [g, s, m] = [g, s, m].map(f64::from);
        let s = self.decay * s + (1.0 - self.decay) * (g * g);
        let m = self.decay * m + (1.0 - self.decay) * g;
        let around = if self.centered { m * m } else { 0.0 };
        let u = g / ((s - around).max(0.0).sqrt() + self.epsilon);
        let (m, s) = huge::held(m, s);
        (huge::clamped(u), s, m)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A constant gradient has no deviation: s − m² is rounding noise of either sign.
    #[test]
    fn centring_survives_a_constant_gradient() {
        let rule = RmsProp { decay: 0.7, centered: true, ..RmsProp::default() };
        let gradient: Vec<f32> = (1..200).map(|i| 0.037 * i as f32).collect();
        let mut state = rule.init(&gradient).unwrap();
        for step in 0..200 {
            let mut update = gradient.clone();
            rule.update(&mut update, &mut state, &gradient, step).unwrap();
            assert!(update.iter().all(|u| u.is_finite()), "step {step}: {update:?}");
        }
    }
}
