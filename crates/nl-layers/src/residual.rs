//! A branch beside its input: the sum of both.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, Graph, LayerConfig, LayerEntry, only, product};
use crate::{Builder, Context, Conv2d, Error, Initializer, Layer, Linear};

/// A residual connection: y = s(x) + f(x), with the layers f of the branch.
///
/// s is the identity where f keeps the form; otherwise it is learned and linear (`shortcut`): a matrix without bias for
/// features, a 1 × 1 convolution for images, with the stride that gives the branch's height and width.
///
/// | | shape |
/// |---|---|
/// | input, output | that of the branch's input, that of its output |
/// | `shortcut`, if forms differ | `[F′, F]`, or `[C′, C, 1, 1]` and a bias `[C′]` |
///
/// For stochastic depth the branch ends in `{kind: dropout, drop: depth, probability: …}`. What the branch's layers record stands
/// under the path of the whole.
///
/// Source: He, Zhang, Ren & Sun, "Deep Residual Learning for Image Recognition", CVPR 2016, eq. 1 and 2.
pub struct Residual<S> {
    path: String,
    branch: Graph<S>,
    shortcut: Option<Box<dyn Layer<S>>>,
}

/// A [`Residual`] connection in a configuration: `{kind: residual, layers: [{kind: linear, units: 64}]}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ResidualConfig {
    /// The layers of the branch, first to last; `input` in their `from` is what the branch is given.
    pub layers: Vec<LayerEntry>,
}

/// The most residual connections within each other.
const DEEPEST: usize = 16;

impl LayerConfig for ResidualConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let input = only(at, inputs)?;
        let path = at.path().to_owned();
        if self.layers.is_empty() {
            return Err(Error::hyperparameter(&path, "has no layers; name at least one in `layers`"));
        }
        // Each residual connection adds a name to the path.
        if path.matches('/').count() >= DEEPEST {
            return Err(Error::hyperparameter(&path, format!("more than {DEEPEST} networks within each other")));
        }
        let branch = Graph::nested(&self.layers, input, at)?;
        let output = branch.output().clone();
        let mut macs = branch.lines().iter().fold(0_u64, |sum, line| sum.saturating_add(line.macs));
        let shortcut = if *input == output { None } else { Some(shortcut(at, input, &output)?) };
        let shortcut = shortcut.map(|(layer, products)| {
            macs = macs.saturating_add(products);
            layer
        });
        Ok(Built::layer(Residual { path, branch, shortcut }, output, macs))
    }
}

/// A learned linear map from one form to the other, and its products for a sample.
fn shortcut<S: Scalar>(at: &Builder, from: &Form, to: &Form) -> Result<(Box<dyn Layer<S>>, u64), Error> {
    let scope = at.child("shortcut")?;
    if let (Some([inputs, height, width]), Some([channels, h, w])) = (from.as_image(), to.as_image()) {
        let stride = [height.div_ceil(h), width.div_ceil(w)];
        if [(height - 1) / stride[0] + 1, (width - 1) / stride[1] + 1] == [h, w] {
            let he = Initializer::HE_NORMAL;
            let layer = Conv2d::new(&scope, inputs, channels, [1, 1], stride, [0, 0], he)?;
            return Ok((Box::new(layer), product(&[inputs, channels, h, w])));
        }
    }
    if let ([inputs], [outputs], true) = (&from.dims[..], &to.dims[..], from.steps == to.steps) {
        let layer = Linear::without_bias(&scope, *inputs, *outputs, Initializer::XavierUniform)?;
        return Ok((Box::new(layer), product(&[from.steps.unwrap_or(1), *inputs, *outputs])));
    }
    let message = format!(
        "no linear shortcut leads from {from} to {to}; let the branch keep the kind of its input, and the size or \
         a fraction of it"
    );
    Err(Error::hyperparameter(at.path(), message))
}

impl<S: Scalar> Layer<S> for Residual<S> {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let branch = self.branch.forward(x, ctx)?;
        let direct = match &self.shortcut {
            Some(shortcut) => shortcut.forward(x, ctx)?,
            None => x,
        };
        if direct.shape() != branch.shape() {
            let help = "pass samples of the form that it was built for";
            return Err(Error::input(&self.path, self.branch.output().named(), direct.shape().dims(), help));
        }
        direct.add(branch).at(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{Tape, Tensor};
    use nl_random::Streams;

    use super::*;
    use crate::{Mode, Parameters};

    fn build(layers: &str, form: &Form) -> Result<(Graph<f64>, Parameters<f64>), Error> {
        let layers: Vec<LayerEntry> = serde_json::from_str(layers).unwrap();
        let builder = Builder::new(Streams::new(1));
        let graph = Graph::new(&layers, form, &builder)?;
        Ok((graph, builder.finish().convert()))
    }

    #[test]
    fn the_branch_is_added_and_recorded_under_its_path() {
        let twice = r#"[{"kind": "activation", "function": "tanh", "name": "a"},
                        {"kind": "residual", "name": "block", "layers": [{"kind": "activation", "function": "relu", "name": "a"}]}]"#;
        let (graph, parameters) = build(twice, &Form::features(2)).unwrap();
        let tape = Tape::new();
        let x = tape.constant(Tensor::new(&[1, 2], vec![1.0, -2.0]).unwrap());
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
        let y = graph.forward(x, &mut ctx).unwrap().value();
        assert_eq!(y.as_slice(), [2.0 * 1.0_f64.tanh(), -2.0_f64.tanh()]);
        let recording = ctx.into_recording();
        let names: Vec<&str> = recording.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a", "block/a", "block"]);
    }

    #[test]
    fn forms_that_differ_are_joined_by_a_projection() {
        let conv = r#"[{"kind": "residual", "layers": [
            {"kind": "conv2d", "channels": 4, "kernel": 3, "stride": 2, "padding": 1},
            {"kind": "residual", "layers": [{"kind": "activation", "function": "relu"}]}]}]"#;
        let (graph, parameters) = build(conv, &Form::image(2, 7, 8)).unwrap();
        assert_eq!(graph.output(), &Form::image(4, 4, 4));
        assert!(parameters.find("residual-1/shortcut/weight").is_ok());
        assert!(parameters.find("residual-1/conv2d-1/weight").is_ok());
        assert_eq!(graph.lines()[0].macs, 4 * 16 * 18 + 4 * 16 * 2);
        let flat = r#"[{"kind": "residual", "layers": [{"kind": "flatten"}]}]"#;
        let error = build(flat, &Form::image(2, 3, 3)).err().unwrap().to_string();
        assert!(error.starts_with("residual-1: no linear shortcut leads from 2 × 3 × 3 to 18"), "{error}");
        let none = build(r#"[{"kind": "residual", "layers": []}]"#, &Form::features(2)).err().unwrap().to_string();
        assert!(none.starts_with("residual-1: has no layers"), "{none}");
    }

    /// A fault is named by its whole path; networks cannot be within each other without end.
    #[test]
    fn a_fault_within_is_found() {
        let wrong = r#"[{"kind": "residual", "name": "block", "layers": [{"kind": "dropout", "probability": 1.5}]}]"#;
        let error = build(wrong, &Form::features(2)).err().unwrap().to_string();
        assert!(error.starts_with("block/dropout-1: "), "{error}");
        let (mut open, mut close) = (String::new(), String::new());
        for _ in 0..20 {
            open += r#"[{"kind": "residual", "layers": "#;
            close += "}]";
        }
        let deep = format!(r#"{open}[{{"kind": "activation", "function": "relu"}}]{close}"#);
        let error = build(&deep, &Form::features(2)).err().unwrap().to_string();
        assert!(error.contains("more than 16 networks within each other"), "{error}");
    }
}
