//! Several values as one: sums, products, concatenations.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, Join, LayerConfig};
use crate::{Builder, Context, Error};

/// The sum of values of one form in a configuration: `{kind: add, from: [stem, branch]}`, a skip connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AddConfig {}

/// The product of values of one form in a configuration: `{kind: multiply, from: [value, gate]}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MultiplyConfig {}

/// Values behind one another in a configuration, on the axis of channels of images, of features otherwise:
/// `{kind: concat, from: [a, b]}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConcatConfig {}

struct Joint {
    path: String,
    by: By,
}

#[derive(Clone, Copy)]
enum By {
    Sum,
    Product,
    Concatenation { axis: usize },
}

impl<S: Scalar> Join<S> for Joint {
    fn join<'t>(&self, inputs: &[Var<'t, S>], _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let (&first, rest) = inputs.split_first().ok_or_else(|| too_few(&self.path, 0))?;
        match self.by {
            By::Sum => rest.iter().try_fold(first, |sum, &x| sum.add(x)),
            By::Product => rest.iter().try_fold(first, |all, &x| all.mul(x)),
            By::Concatenation { axis } => Var::concat(inputs, axis),
        }
        .at(&self.path)
    }
}

fn too_few(path: &str, got: usize) -> Error {
    Error::hyperparameter(path, format!("joins two values or more, not {got}; name them: `from: [a, b]`"))
}

/// One form for all, or an error that names both.
fn alike(at: &Builder, inputs: &[Form]) -> Result<Form, Error> {
    let [first, rest @ ..] = inputs else { return Err(too_few(at.path(), 0)) };
    if rest.is_empty() {
        return Err(too_few(at.path(), 1));
    }
    match rest.iter().find(|&form| form != first) {
        Some(other) => Err(Error::hyperparameter(
            at.path(),
            format!(
                "joins values of one form, not {first} and {other}; make them alike by a linear layer or a 1 x 1 convolution"
            ),
        )),
        None => Ok(first.clone()),
    }
}

impl LayerConfig for AddConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = alike(at, inputs)?;
        Ok(Built::join(Joint { path: at.path().to_owned(), by: By::Sum }, form, 0))
    }
}

impl LayerConfig for MultiplyConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = alike(at, inputs)?;
        let macs = (form.len() as u64).saturating_mul(inputs.len() as u64 - 1);
        Ok(Built::join(Joint { path: at.path().to_owned(), by: By::Product }, form, macs))
    }
}

impl LayerConfig for ConcatConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [first, rest @ ..] = inputs else { return Err(too_few(at.path(), 0)) };
        if rest.is_empty() {
            return Err(too_few(at.path(), 1));
        }
        let tail = |form: &Form| (form.steps, form.dims[1..].to_vec());
        if let Some(other) = rest.iter().find(|&form| tail(form) != tail(first)) {
            let message = format!("cannot put {other} behind {first}: all axes but the first must be equal");
            return Err(Error::hyperparameter(at.path(), message));
        }
        let mut output = first.clone();
        output.dims[0] = inputs.iter().map(|form| form.dims[0]).fold(0, usize::saturating_add);
        let axis = usize::from(first.steps.is_some()) + 1;
        Ok(Built::join(Joint { path: at.path().to_owned(), by: By::Concatenation { axis } }, output, 0))
    }
}
