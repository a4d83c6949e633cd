//! Penalties on the weights: L1, L2, and decay apart from the gradient.

use crate::error::check_len;
use crate::{Error, Mask, Transform, lanes};

/// g ← g + λ sign(p): the gradient of λ Σ |p|, 0 at p = 0.
///
/// Source: Tibshirani, "Regression shrinkage and selection via the lasso", 1996.
#[derive(Debug, Clone, PartialEq)]
pub struct L1 {
    /// λ ≥ 0
    pub strength: f64,
    /// Which parameters.
    pub mask: Mask,
}

/// g ← g + λ p: the gradient of ½ λ Σ p². Before Adam it is scaled like the rest of the gradient;
/// [`DecoupledDecay`] behind it is not.
#[derive(Debug, Clone, PartialEq)]
pub struct L2 {
    /// λ ≥ 0
    pub strength: f64,
    /// Which parameters.
    pub mask: Mask,
}

/// u ← u + λ p, placed behind the algorithm and before the learning rate: p ← p − rate · (u + λ p).
///
/// Source: Loshchilov & Hutter, "Decoupled weight decay regularization", 2019.
///
/// ```
/// use nl_optim::{DecoupledDecay, Mask, Transform};
/// let decay = DecoupledDecay { strength: 0.5, mask: Mask::ranges(std::iter::once(0..1))? };
/// let mut update = [1.0, 1.0];
/// decay.update(&mut update, &mut (), &[4.0, 4.0], 0)?;
/// assert_eq!(update, [3.0, 1.0]);
/// # Ok::<(), nl_optim::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DecoupledDecay {
    /// λ ≥ 0
    pub strength: f64,
    /// Which parameters.
    pub mask: Mask,
}

/// g ← f(g, p) where the mask is.
fn penalise(
    op: &'static str,
    mask: &Mask,
    grads: &mut [f32],
    params: &[f32],
    f: impl Fn(f32, f32) -> f32 + Copy,
) -> Result<(), Error> {
    check_len(op, "the gradient", grads.len(), params.len())?;
    mask.validate(params.len())?;
    lanes::finite(op, "the gradient", grads)?;
    for range in mask.iter(params.len()) {
        lanes::map_with(&mut grads[range.clone()], &params[range], f);
    }
    Ok(())
}

impl Transform for L1 {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), params: &[f32], _step: u64) -> Result<(), Error> {
        let strength = self.strength as f32;
        penalise("L1", &self.mask, grads, params, move |g, p| {
            let up = if p > 0.0 { strength } else { 0.0 };
            let down = if p < 0.0 { strength } else { 0.0 };
            g + (up - down)
        })
    }
}

impl Transform for L2 {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), params: &[f32], _step: u64) -> Result<(), Error> {
        let strength = self.strength as f32;
        penalise("L2", &self.mask, grads, params, move |g, p| g + strength * p)
    }
}

impl Transform for DecoupledDecay {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), params: &[f32], _step: u64) -> Result<(), Error> {
        let strength = self.strength as f32;
        penalise("decoupled decay", &self.mask, grads, params, move |u, p| u + strength * p)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn penalties_act_on_their_mask_only() {
        let (params, mask) = ([2.0, -2.0, 0.0, 5.0], Mask::ranges(std::iter::once(0..3)).unwrap());
        let mut grads = [1.0; 4];
        L1 { strength: 0.5, mask: mask.clone() }.update(&mut grads, &mut (), &params, 0).unwrap();
        assert_eq!(grads, [1.5, 0.5, 1.0, 1.0]);
        let mut grads = [1.0; 4];
        L2 { strength: 0.5, mask }.update(&mut grads, &mut (), &params, 0).unwrap();
        assert_eq!(grads, [2.0, 0.0, 1.0, 1.0]);
        let outside = L2 { strength: 0.5, mask: Mask::ranges(std::iter::once(2..5)).unwrap() };
        assert_eq!(outside.update(&mut grads, &mut (), &params, 0), Err(Error::Mask { start: 2, end: 5, len: 4 }));
        assert!(outside.update(&mut grads[..3], &mut (), &params, 0).is_err());
    }
}
