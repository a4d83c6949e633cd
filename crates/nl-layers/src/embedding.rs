//! Tokens as rows of a learned table, and where they stand.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only, sequence};
use crate::{Builder, Context, Error, Fans, Initializer, Layer, ParameterId, Role};

/// Tokens in a configuration: `{kind: embedding, vocabulary: 1000, units: 64}`, each a whole number that picks a row of a learned
/// table.
///
/// y_t = E\[x_t\]
///
/// | | shape |
/// |---|---|
/// | input | `[B, T]` or `[T, B, 1]`, whole numbers below the vocabulary |
/// | output | `[T, B, units]` |
/// | E (`table`), which begins as N(0, 1) | `[vocabulary, units]` |
///
/// No gradient flows to the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EmbeddingConfig {
    /// Number of tokens.
    pub vocabulary: usize,
    /// Features of a token.
    pub units: usize,
}

struct Embedding {
    path: String,
    steps: usize,
    /// Tokens come as rows `[B, T]`.
    rows: bool,
    table: ParameterId,
}

impl LayerConfig for EmbeddingConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let (steps, rows) = match (form.as_features(), form.as_sequence()) {
            (Some(steps), _) => (steps, true),
            (_, Some([steps, 1])) => (steps, false),
            _ => {
                let help = "give each step one token";
                return Err(Error::input(at.path(), "[B, T] or [T, B, 1]", &form.batched(1), help));
            }
        };
        // He's normal distribution with two inputs has a variance of 1.
        let fans = Fans { fan_in: 2, fan_out: self.units };
        let shape = [self.vocabulary, self.units];
        let table = at.parameter_with_fans("table", &shape, fans, Role::Weight, Initializer::HE_NORMAL)?;
        let layer = Embedding { path: at.path().to_owned(), steps, rows, table };
        Ok(Built::layer(layer, Form::sequence(steps, self.units), 0))
    }
}

impl<S: Scalar> Layer<S> for Embedding {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let tokens = match (self.rows, shape.dims()) {
            (true, &[_, steps]) if steps == self.steps => x.transpose(0, 1),
            (false, &[steps, batch, 1]) if steps == self.steps => x.reshape(&[steps, batch]),
            (_, got) => {
                let expected =
                    if self.rows { format!("[B, {}]", self.steps) } else { format!("[{}, B, 1]", self.steps) };
                return Err(Error::input(&self.path, expected, got, "give each step one token"));
            }
        };
        ctx.parameter(self.table).lookup(tokens.at(&self.path)?).at(&self.path)
    }
}

/// Positions in a configuration: `{kind: positions}`, added to a sequence so that layers which do not see the order of its steps
/// know it.
///
/// y_t = x_t + p_t; sinusoidal: p_{t,2i} = sin(t / 10000^(2i/F)), p_{t,2i+1} = cos(t / 10000^(2i/F))
///
/// | | shape |
/// |---|---|
/// | input, output | `[T, B, F]` |
/// | learned p (`table`), which begins as N(0, 0.02²) | `[T, F]` |
///
/// Source: Vaswani et al., "Attention is all you need", 2017, section 3.5; learned: Dosovitskiy et al., 2021, eq. 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PositionsConfig {
    /// What is added.
    #[serde(default)]
    pub encoding: Encoding,
}

/// What [`PositionsConfig`] adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// A parameter for each step.
    #[default]
    Learned,
    /// Sines and cosines of lengths that grow from 2π to 10000 · 2π steps.
    Sinusoidal,
}

struct Positions {
    path: String,
    steps: usize,
    features: usize,
    learned: Option<ParameterId>,
}

impl LayerConfig for PositionsConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        let learned = match self.encoding {
            Encoding::Sinusoidal => None,
            Encoding::Learned => {
                // He's normal distribution with 5000 inputs has a standard deviation of 0.02.
                let fans = Fans { fan_in: 5000, fan_out: features };
                let (shape, init) = ([steps, features], Initializer::HE_NORMAL);
                Some(at.parameter_with_fans("table", &shape, fans, Role::Bias, init)?)
            }
        };
        Ok(Built::layer(Positions { path: at.path().to_owned(), steps, features, learned }, inputs[0].clone(), 0))
    }
}

impl<S: Scalar> Layer<S> for Positions {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let (steps, features) = (self.steps, self.features);
        if !matches!(*shape.dims(), [t, _, f] if t == steps && f == features) {
            let expected = format!("[{steps}, B, {features}]");
            return Err(Error::input(&self.path, expected, shape.dims(), "pass sequences of that length, time first"));
        }
        let table = match self.learned {
            Some(id) => ctx.parameter(id).reshape(&[steps, 1, features]),
            None => ctx.tape().constant_with(&[steps, 1, features], |table| {
                for (i, p) in table.iter_mut().enumerate() {
                    *p = S::from_f64(sinusoid(i / features, i % features, features));
                }
            }),
        };
        x.add(table.at(&self.path)?).at(&self.path)
    }
}

/// p_{t,j} of F features.
fn sinusoid(t: usize, j: usize, features: usize) -> f64 {
    let angle = t as f64 / 10_000_f64.powf((j - j % 2) as f64 / features as f64);
    if j.is_multiple_of(2) { angle.sin() } else { angle.cos() }
}
