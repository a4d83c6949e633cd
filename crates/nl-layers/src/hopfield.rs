//! Retrieval from stored patterns by the modern Hopfield network.

use nl_autodiff::{Scalar, Transpose, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, Join, LayerConfig, product};
use crate::{Builder, Context, Error, Fans, Initializer, Layer, ParameterId, Role};

/// A modern Hopfield layer in a configuration: `{kind: hopfield, patterns: 64}` retrieves from learned patterns,
/// `{kind: hopfield, from: [x, memory]}` from the steps of a memory.
///
/// ξ ← X softmax(β Xᵀ ξ), `iterations` times; X the stored patterns as columns, ξ first the input
///
/// | | shape |
/// |---|---|
/// | input, output ξ | `[B, F]` or `[T, B, F]` |
/// | learned patterns (`patterns`), which begin as N(0, 1) | `[N, F]` |
/// | memory | `[S, B, F]` |
///
/// Large β finds one pattern, small β a mean of several. Classical networks of ±1 units stand in nl-memory.
///
/// Source: Ramsauer et al., "Hopfield networks is all you need", 2021, eq. 3.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HopfieldConfig {
    /// Learned patterns; left out where the patterns are a second input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns: Option<usize>,
    /// β; without it, 1 / √F.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beta: Option<f64>,
    /// Updates of ξ.
    #[serde(default = "one")]
    pub iterations: usize,
}

const fn one() -> usize {
    1
}

#[derive(Debug, Clone)]
struct Hopfield {
    path: String,
    features: usize,
    steps: bool,
    learned: Option<ParameterId>,
    beta: f64,
    iterations: usize,
}

impl LayerConfig for HopfieldConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let path = at.path().to_owned();
        let refuse = |message: String| Err(Error::hyperparameter(&path, message));
        let Some(form) = inputs.first() else { return refuse("takes an input; name one in `from`".into()) };
        let [features] = form.dims[..] else {
            let help = "place `flatten` before it, to make a row of an image";
            return Err(Error::input(&path, "[B, F] or [T, B, F]", &form.batched(1), help));
        };
        let beta = self.beta.unwrap_or(1.0 / (features as f64).sqrt());
        if !(beta > 0.0 && beta.is_finite()) {
            return refuse(format!("beta {beta} must be positive and finite"));
        }
        if self.iterations == 0 {
            return refuse("iterations is 0; use one or more".into());
        }
        let mut layer = Hopfield {
            path: path.clone(),
            features,
            steps: form.steps.is_some(),
            learned: None,
            beta,
            iterations: self.iterations,
        };
        let macs = |stored: usize| product(&[2, self.iterations, form.steps.unwrap_or(1), stored, features]);
        match (self.patterns, inputs) {
            (Some(patterns), [_]) => {
                // He's normal distribution with two inputs has a variance of 1.
                let (shape, fans) = ([patterns, features], Fans { fan_in: 2, fan_out: patterns });
                let init = Initializer::HE_NORMAL;
                layer.learned = Some(at.parameter_with_fans("patterns", &shape, fans, Role::Weight, init)?);
                Ok(Built::layer(layer, form.clone(), macs(patterns)))
            }
            (None, [_, memory]) => match memory.as_sequence() {
                Some([stored, others]) if others == features => {
                    Ok(Built::join(layer, form.clone(), macs(stored)))
                }
                _ => refuse(format!("the memory must be steps of {features} features, as the input's, not {memory}")),
            },
            (None, _) => refuse("where are the patterns? say how many are learned (`patterns: 64`), or name them as a second input (`from: [x, memory]`)".into()),
            (Some(_), _) => refuse("patterns are learned or a second input, not both; leave one out".into()),
        }
    }
}

impl Hopfield {
    fn check<S: Scalar>(&self, x: Var<'_, S>) -> Result<(), Error> {
        let shape = x.shape();
        let rank = if self.steps { 3 } else { 2 };
        if shape.rank() == rank && shape.dims().last() == Some(&self.features) {
            return Ok(());
        }
        let expected = if self.steps { "[T, B, " } else { "[B, " };
        let help = "pass what the layer was built for";
        Err(Error::input(&self.path, format!("{expected}{}]", self.features), shape.dims(), help))
    }

    /// `state` `[…, n, F]`, `stored` `[…, m, F]`.
    fn retrieve<'t, S: Scalar>(
        &self,
        mut state: Var<'t, S>,
        stored: Var<'t, S>,
    ) -> Result<Var<'t, S>, nl_autodiff::Error> {
        for _ in 0..self.iterations {
            let scores = state.matmul_with(Transpose::No, stored, Transpose::Yes)?.mul_scalar(self.beta)?;
            state = scores.softmax()?.matmul(stored)?;
        }
        Ok(state)
    }
}

impl<S: Scalar> Layer<S> for Hopfield {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        self.check(x)?;
        let Some(patterns) = self.learned else {
            return Err(Error::hyperparameter(&self.path, "needs its memory as a second input"));
        };
        self.retrieve(x, ctx.parameter(patterns)).at(&self.path)
    }
}

impl<S: Scalar> Join<S> for Hopfield {
    fn join<'t>(&self, inputs: &[Var<'t, S>], _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let &[x, memory] = inputs else {
            return Err(Error::hyperparameter(&self.path, format!("takes two values, not {}", inputs.len())));
        };
        self.check(x)?;
        let shape = memory.shape();
        if !matches!(*shape.dims(), [_, _, f] if f == self.features) {
            return Err(crate::steps::refuse(&self.path, self.features, shape.dims()));
        }
        let found = || {
            // A batch of matrices: samples first.
            let stored = memory.transpose(0, 1)?;
            if self.steps {
                return self.retrieve(x.transpose(0, 1)?, stored)?.transpose(0, 1);
            }
            let rows = x.shape();
            self.retrieve(x.unsqueeze(1)?, stored)?.reshape(rows.dims())
        };
        found().at(&self.path)
    }
}
