//! The one trait, and how transforms combine.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::check_len;
use crate::{Error, Schedule, lanes};

/// Turns a gradient into an update, in place; what comes out is to be **subtracted** from the parameters.
///
/// A gradient that is not finite is refused, and nothing is changed by it: one NaN in a state would stay for ever.
/// Hyper-parameters live in `self`; whatever changes from step to step lives in `State`, which serialises, so that a
/// run can stop and go on bit for bit. An element's update may depend on the whole gradient (clipping does), and
/// `update` must not allocate.
///
/// ```
/// use nl_optim::{Error, Transform};
///
/// /// Takes the sign of the gradient (Bernstein et al., "signSGD", 2018).
/// struct Sign;
/// impl Transform for Sign {
///     type State = ();
///     fn init(&self, _params: &[f32]) -> Result<(), Error> {
///         Ok(())
///     }
///     fn update(&self, grads: &mut [f32], _: &mut (), _: &[f32], _step: u64) -> Result<(), Error> {
///         grads.iter_mut().for_each(|g| *g = if *g == 0.0 { 0.0 } else { g.signum() });
///         Ok(())
///     }
/// }
/// let mut grads = [3.0, -0.1];
/// Sign.update(&mut grads, &mut (), &[0.0; 2], 0)?;
/// assert_eq!(grads, [1.0, -1.0]);
/// # Ok::<(), Error>(())
/// ```
pub trait Transform {
    /// What changes over time.
    type State: Clone + Serialize + DeserializeOwned;

    /// The state before the first step.
    ///
    /// # Errors
    /// [`Error::Memory`] if there is none for the state.
    fn init(&self, params: &[f32]) -> Result<Self::State, Error>;

    /// Replaces the gradient of `params` by the update; `step` counts the updates made before this one.
    ///
    /// # Errors
    /// [`Error`] if the slices or the state do not fit each other, or an element of the gradient is not finite; state
    /// and gradient are then unchanged.
    fn update(&self, grads: &mut [f32], state: &mut Self::State, params: &[f32], step: u64) -> Result<(), Error>;
}

impl<T: Transform + ?Sized> Transform for &T {
    type State = T::State;
    fn init(&self, params: &[f32]) -> Result<Self::State, Error> {
        (**self).init(params)
    }
    fn update(&self, grads: &mut [f32], state: &mut Self::State, params: &[f32], step: u64) -> Result<(), Error> {
        (**self).update(grads, state, params, step)
    }
}

/// First `A`, then `B` on what `A` made of the gradient; see [`chain`].
#[derive(Debug, Clone, PartialEq)]
pub struct Chain<A, B> {
    first: A,
    second: B,
}

/// First `first`, then `second`; longer chains nest. If `second` refuses what `first` made of a finite gradient, `first`
/// has taken its step.
///
/// ```
/// use nl_optim::{Adam, ClipNorm, Scale, Schedule, Transform, apply_updates, chain};
///
/// let recipe = chain(chain(ClipNorm::new(1.0)?, Adam::default()), Scale(Schedule::Constant { rate: 0.1 }));
/// let mut params = [3.0_f32, -4.0];
/// let mut state = recipe.init(&params)?;
/// for step in 0..200 {
///     let mut grads = params.map(|x| 2.0 * x); // of Σ x²
///     recipe.update(&mut grads, &mut state, &params, step)?;
///     apply_updates(&mut params, &grads)?;
/// }
/// assert!(params.iter().all(|x| x.abs() < 0.1));
/// # Ok::<(), nl_optim::Error>(())
/// ```
pub const fn chain<A: Transform, B: Transform>(first: A, second: B) -> Chain<A, B> {
    Chain { first, second }
}

impl<A: Transform, B: Transform> Transform for Chain<A, B> {
    type State = (A::State, B::State);
    fn init(&self, params: &[f32]) -> Result<Self::State, Error> {
        Ok((self.first.init(params)?, self.second.init(params)?))
    }
    fn update(&self, grads: &mut [f32], state: &mut Self::State, params: &[f32], step: u64) -> Result<(), Error> {
        self.first.update(grads, &mut state.0, params, step)?;
        self.second.update(grads, &mut state.1, params, step)
    }
}

/// u ← rate(step) · u: the learning rate as the last link of a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Scale(pub Schedule);

impl Transform for Scale {
    type State = ();
    fn init(&self, _params: &[f32]) -> Result<(), Error> {
        Ok(())
    }
    fn update(&self, grads: &mut [f32], _state: &mut (), _params: &[f32], step: u64) -> Result<(), Error> {
        lanes::finite("scale", "the gradient", grads)?;
        let rate = self.0.rate(step) as f32;
        lanes::map(grads, |u| rate * u);
        Ok(())
    }
}

/// p ← p − u.
///
/// # Errors
/// [`Error::Length`] if the lengths differ, [`Error::NotFinite`] if an update is not finite; nothing is then changed.
pub fn apply_updates(params: &mut [f32], updates: &[f32]) -> Result<(), Error> {
    check_len("apply_updates", "updates", updates.len(), params.len())?;
    lanes::finite("apply_updates", "the updates", updates)?;
    lanes::map_with(params, updates, |p, u| p - u);
    Ok(())
}
