//! Rows of features from images.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, image, only};
use crate::{Builder, Context, Error, Layer};

/// All axes but the first become one: `[N, A, B, …]` to `[N, A · B · …]`, without copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flatten;

impl<S: Scalar> Layer<S> for Flatten {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let [rows, rest @ ..] = shape.dims() else {
            return Err(Error::input("flatten", "[N, …]", shape.dims(), "give each sample a row"));
        };
        x.reshape(&[*rows, rest.iter().product()]).at("flatten")
    }
}

/// The steps of a sequence as one row: `[T, B, F]` to `[B, T · F]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FlattenSteps;

impl<S: Scalar> Layer<S> for FlattenSteps {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let by_sample = x.transpose(0, 1).at("flatten")?;
        Flatten.forward(by_sample, ctx)
    }
}

/// A [`Flatten`] in a configuration: `{kind: flatten}`; of a sequence, the steps behind one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FlattenConfig {}

impl LayerConfig for FlattenConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let output = Form::features(form.len());
        Ok(if form.steps.is_some() { Built::layer(FlattenSteps, output, 0) } else { Built::layer(Flatten, output, 0) })
    }
}

/// An image as a sequence of its rows, from above: `[B, C, H, W]` to `[H, B, C · W]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows;

impl<S: Scalar> Layer<S> for Rows {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let &[rows, channels, height, width] = shape.dims() else {
            return Err(Error::input("rows", "[B, C, H, W]", shape.dims(), "pass images"));
        };
        let first = x.permute(&[2, 0, 1, 3]).at("rows")?;
        first.reshape(&[height, rows, channels * width]).at("rows")
    }
}

/// [`Rows`] in a configuration: `{kind: rows}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RowsConfig {}

impl LayerConfig for RowsConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, height, width] = image(at, inputs)?;
        Ok(Built::layer(Rows, Form::sequence(height, channels * width), 0))
    }
}
