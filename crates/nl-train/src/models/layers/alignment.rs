//! How a way of learning lies to back-propagation.

use std::ops::Range;

use nl_layers::loss::LossKind;
use nl_layers::{Context, Parameters, Role};

use super::labelled::Labelled;
use super::network::{Network, OUTPUT};
use super::shown::Shown;
use crate::Error;
use crate::gradient::{Engine, Objective, Shard};

/// Training samples by which the angle is measured.
const MEASURED: usize = 256;
const SHARD: usize = 16;

/// Back-propagation: Σ_samples ℓ(network(augment(x)), y), errors through `feedback` if there is one.
pub(super) struct Propagate<'a> {
    pub(super) network: &'a Network,
    pub(super) shown: Shown<'a>,
    pub(super) loss: &'a LossKind,
    pub(super) feedback: Option<&'a Parameters<f32>>,
}

impl Objective for Propagate<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<nl_autodiff::Var<'t, f32>, Error> {
        let view = self.shown.batch(shard, ctx)?;
        if let Some(feedback) = self.feedback {
            ctx.set_feedback(feedback.clone());
        }
        let output = self.network.forward(view, ctx)?;
        let work = &*shard.workspace;
        let targets = self.shown.aim.targets(&work.labels, &work.values).on(ctx.tape(), "loss")?;
        Ok(self.loss.loss("loss", output, &targets)?)
    }
}

/// The angle between what a way of learning and back-propagation would do to the weights below the read-out.
///
/// α = arccos(⟨g, g_BP⟩ / (‖g‖ ‖g_BP‖)), the gradients of the mean over the first 256 training samples, as they are: below 90° what
/// the way does makes the loss smaller, for steps that are small enough.
///
/// Source: Lillicrap et al., Nature Communications 7:13276, 2016, fig. 2.
pub(super) struct Alignment {
    engine: Engine,
    samples: Vec<u32>,
    /// Weights below the read-out.
    weights: Vec<Range<usize>>,
}

impl Alignment {
    /// For `network`, by the first of the samples that are learned from.
    pub(super) fn new(network: &Network, parameters: &Parameters<f32>, of: &Labelled<'_>) -> Result<Self, Error> {
        let (learns, learn) = (network.learns(OUTPUT), of.items());
        let samples = learn[..learn.len().min(MEASURED)].to_vec();
        let engine = Engine::new(parameters, &learns, samples.len().max(1), SHARD, *of.streams())?;
        let below = |entry: &nl_layers::Entry| {
            entry.role == Role::Weight && !entry.is_under(OUTPUT) && learns.iter().any(|path| entry.is_under(path))
        };
        Ok(Self { engine, samples, weights: parameters.ranges(below) })
    }

    /// α in degrees, if either has anything to say; `way` is the objective of samples shown in some manner.
    pub(super) fn degrees<'a, O: Objective>(
        &mut self,
        (network, loss, shown): (&'a Network, &'a LossKind, Shown<'a>),
        parameters: &Parameters<f32>,
        way: impl FnOnce(Shown<'a>) -> O,
    ) -> Result<Option<f64>, Error> {
        let shown = shown.plain();
        let mut gradient = |objective: &dyn Objective| {
            self.engine.step(&self.samples, 0, parameters, objective)?;
            let all = self.engine.gradient();
            Ok::<Vec<f32>, Error>(self.weights.iter().flat_map(|range| all[range.clone()].iter().copied()).collect())
        };
        let own = gradient(&way(shown))?;
        let back = gradient(&Propagate { network, shown, loss, feedback: None })?;
        Ok(angle(&own, &back))
    }
}

/// In degrees; none if either is 0.
fn angle(a: &[f32], b: &[f32]) -> Option<f64> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let long = (dot(a, a) * dot(b, b)).sqrt();
    (long > 0.0 && long.is_finite()).then(|| (dot(a, b) / long).clamp(-1.0, 1.0).acos().to_degrees())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles() {
        for (a, b, degrees) in
            [([1.0, 0.0], [0.0, 2.0], 90.0), ([1.0, 1.0], [3.0, 0.0], 45.0), ([1.0, 0.0], [-2.0, 0.0], 180.0)]
        {
            approx::assert_relative_eq!(angle(&a, &b).unwrap(), degrees, max_relative = 1e-12);
        }
        assert_eq!(angle(&[0.0], &[1.0]), None);
        assert_eq!(angle(&[f32::MAX; 4], &[f32::MAX; 4]).map(f64::round), Some(0.0));
    }
}
