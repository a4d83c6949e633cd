//! Random silencing of units while learning.

use nl_autodiff::{Scalar, Var};
use rand::Rng as _;

use crate::error::At;
use crate::{Builder, Context, Error, Layer, Mode};

/// Dropout ("inverted"): y = x · m / (1 − p) with m ~ Bernoulli(1 − p) for each unit; y = x in [`Mode::Eval`].
///
/// | | shape |
/// |---|---|
/// | input, output | `[N, …]`, one row per sample |
///
/// The mask of a row comes from the stream `dropout/<path>` at (epoch, sample id): the same for every batch, thread
/// and precision.
///
/// Source: Srivastava et al., "Dropout", JMLR 15, 2014, sec. 10 (scaling at training time).
#[derive(Debug, Clone)]
pub struct Dropout {
    path: String,
    stream: String,
    probability: f64,
}

impl Dropout {
    /// Drops each unit with `probability`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] if the probability is not in [0, 1).
    pub fn new(builder: &Builder, probability: f64) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        if !(0.0..1.0).contains(&probability) {
            let message = format!("dropout probability {probability} must be in [0, 1)");
            return Err(Error::Hyperparameter { path, message });
        }
        Ok(Self { stream: format!("dropout/{path}"), path, probability })
    }
}

impl<S: Scalar> Layer<S> for Dropout {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        if ctx.mode() == Mode::Eval || self.probability == 0.0 {
            return Ok(x);
        }
        let shape = x.shape();
        let Some(&rows) = shape.dims().first() else {
            return Err(Error::input(&self.path, "[N, …]", shape.dims(), "give each sample a row"));
        };
        let noise = ctx.noise(&self.path, rows)?;
        let kept = S::from_f64(1.0 / (1.0 - self.probability));
        // A 32-bit draw below p · 2³² drops the unit.
        let threshold = (self.probability * 4_294_967_296.0) as u32;
        let mask = ctx.tape().constant_with(shape.dims(), |mask| {
            let width = (mask.len() / rows.max(1)).max(1);
            for (row, &sample) in mask.chunks_exact_mut(width).zip(noise.samples) {
                let mut rng = noise.streams.rng(&self.stream, noise.epoch, sample);
                for m in row {
                    *m = if rng.next_u32() < threshold { S::ZERO } else { kept };
                }
            }
        });
        x.mul(mask.at(&self.path)?).at(&self.path)
    }
}
