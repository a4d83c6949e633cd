//! Feedback: layers that see at each step what a later one gave at the step before.

use nl_autodiff::{Scalar, Var};
use nl_random::Streams;
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, Graph, LayerConfig, LayerEntry, sequence};
use crate::steps::{Collected, refuse, step};
use crate::{Builder, Context, Error, Layer};

/// A list of layers that runs step by step over a sequence, the first of them also given what a later one gave at the step before:
/// `{kind: feedback, layers: [{kind: linear, units: 32}, {kind: activation, function: tanh}]}`.
///
/// y_t = f(x_t, s_{t−1}), with s_t the output of the layer `source` at step t and s_{−1} = 0. Inside the list `input` is x_t with
/// s_{t−1} behind it. The layers are those for rows; their noise is drawn once for a sequence, the same at each step.
///
/// | | shape |
/// |---|---|
/// | input | `[T, B, F]` |
/// | the list's input | `[B, F + S]`, S features of the source |
/// | output | `[T, B, G]`, G features of the last layer |
///
/// Source: Jordan, "Serial order", 1986 (from the output); Elman, 1990 (from a hidden layer).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeedbackConfig {
    /// The layers of a step.
    pub layers: Vec<LayerEntry>,
    /// The layer whose output is fed back, by its name in `layers`; without it, the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Truncated back-propagation through time: after so many steps the gradient stops. Without it, it goes through all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
}

/// See [`FeedbackConfig`].
struct Feedback<S> {
    path: String,
    graph: Graph<S>,
    /// The place of the source, and its features.
    source: usize,
    width: usize,
    features: usize,
    truncate: Option<usize>,
}

impl FeedbackConfig {
    /// The place of the source, and its form.
    fn source<S: Scalar>(&self, at: &Builder, graph: &Graph<S>) -> Result<(usize, usize), Error> {
        let lines = graph.lines();
        let names = || lines.iter().map(|line| line.name.as_str()).collect::<Vec<_>>().join(", ");
        let place = match &self.source {
            None => lines.len().checked_sub(1),
            Some(name) => lines.iter().position(|line| line.name == *name),
        };
        let place = place.ok_or_else(|| match &self.source {
            None => Error::hyperparameter(at.path(), "layers is empty; give it one layer or more"),
            Some(name) => {
                Error::hyperparameter(at.path(), format!("source {name:?} is none of its layers: {}", names()))
            }
        })?;
        let output = &lines[place].output;
        let width = output.as_features().ok_or_else(|| {
            Error::hyperparameter(
                at.path(),
                format!("source {} gives {output}; what is fed back is a row of features", lines[place].name),
            )
        })?;
        Ok((place, width))
    }

    /// The source's features: those for which the list, given so many more, gives so many.
    fn width<S: Scalar>(&self, at: &Builder, features: usize) -> Result<usize, Error> {
        let mut width = 1;
        for _ in 0..4 {
            // A store of its own, which is thrown away.
            let trial = at
                .path()
                .split('/')
                .filter(|name| !name.is_empty())
                .try_fold(Builder::new(Streams::new(0)), |at, name| at.child(name))?;
            let graph = Graph::<S>::nested(&self.layers, &Form::features(features.saturating_add(width)), &trial)?;
            let (_, found) = self.source(at, &graph)?;
            if found == width {
                return Ok(width);
            }
            width = found;
        }
        let message = "the features of the source grow with what is fed back; put a layer with `units` before or in it";
        Err(Error::hyperparameter(at.path(), message))
    }
}

impl LayerConfig for FeedbackConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        if self.truncate == Some(0) {
            return Err(Error::hyperparameter(at.path(), "truncate is 0; leave it out to go back through all steps"));
        }
        let width = self.width::<S>(at, features)?;
        let graph = Graph::<S>::nested(&self.layers, &Form::features(features.saturating_add(width)), at)?;
        let (source, _) = self.source(at, &graph)?;
        let given = graph.output().as_features().ok_or_else(|| {
            Error::hyperparameter(
                at.path(),
                format!("its last layer gives {}; a step gives a row of features", graph.output()),
            )
        })?;
        let each = graph.lines().iter().fold(0_u64, |all, line| all.saturating_add(line.macs));
        let layer = Feedback { path: at.path().to_owned(), graph, source, width, features, truncate: self.truncate };
        Ok(Built::layer(layer, Form::sequence(steps, given), each.saturating_mul(steps as u64)))
    }
}

impl<S: Scalar> Layer<S> for Feedback<S> {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let &[steps, batch, features] = shape.dims() else {
            return Err(refuse(&self.path, self.features, shape.dims()));
        };
        if features != self.features || steps == 0 {
            return Err(refuse(&self.path, self.features, shape.dims()));
        }
        let mut fed = ctx.tape().constant_with(&[batch, self.width], |s| s.fill(S::ZERO)).at(&self.path)?;
        let mut outputs = Collected::new(x);
        for t in 0..steps {
            if self.truncate.is_some_and(|n| t > 0 && t % n == 0) {
                fed = fed.detach();
            }
            let given = step(x, t).and_then(|x| Var::concat(&[x, fed], 1)).at(&self.path)?;
            let output;
            (output, fed) = self.graph.forward_with(given, ctx, self.source)?;
            outputs.push(output).at(&self.path)?;
        }
        outputs.finish().at(&self.path)
    }
}
