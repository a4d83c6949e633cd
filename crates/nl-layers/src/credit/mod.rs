//! Who is to change, and by how much: ways of learning other than back-propagation.
//!
//! | way | what an area's change depends on | source |
//! |---|---|---|
//! | [`PredictiveCoding`] | its own input and its own error, after inference | Whittington & Bogacz 2017 |
//! | feedback alignment ([`feedback_weights`]) | errors that came back through fixed random weights | Lillicrap et al. 2016 |
//! | direct feedback alignment ([`DirectFeedback`]) | the error of the output, through fixed random weights of its own | Nøkland 2016 |
//!
//! Each puts a **surrogate** on the tape: one element whose gradient with respect to the parameters is the change that the way
//! asks for. So optimisers, penalties, shards and averages work as they do for back-propagation.

mod feedback_alignment;
mod predictive_coding;

use nl_autodiff::{Scalar, Var};

pub use feedback_alignment::{DirectFeedback, feedback_weights};
pub use predictive_coding::{Clamped, Ending, PredictiveCoding, Relaxation};

use crate::{Context, Error, Layer};

/// The most areas of a chain.
const MOST: usize = 64;

/// A network as a chain of areas: x_l = f_l(x_{l−1}), each with parameters of its own.
///
/// A slice of layers is one: each layer is an area.
pub trait Areas<S: Scalar> {
    /// How many there are, at least 1; the last gives the output.
    fn count(&self) -> usize;

    /// f_l(below), l from 0.
    ///
    /// # Errors
    /// As [`Layer::forward`].
    fn forward<'t>(&self, area: usize, below: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error>;
}

impl<S: Scalar, L: Layer<S>> Areas<S> for [L] {
    fn count(&self) -> usize {
        self.len()
    }

    fn forward<'t>(&self, area: usize, below: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        self[area].forward(below, ctx)
    }
}

/// The number of areas below the output.
fn hidden<S: Scalar>(areas: &(impl Areas<S> + ?Sized)) -> Result<usize, Error> {
    let count = areas.count();
    if count == 0 || count > MOST {
        return Err(Error::hyperparameter("areas", format!("{count} areas; a chain has 1 to {MOST}")));
    }
    Ok(count - 1)
}
