//! What is cut out of a network, to see what it was good for.

use nl_autodiff::{Scalar, Tensor, Var};

use crate::Error;
use crate::error::At;

/// The output of one layer or region, replaced in whole or in part: y′ = keep ⊙ y + fill.
///
/// Both factors are broadcast against y, so that one of shape `[1, C, 1, 1]` says it for each channel. Where `keep` is 0, what
/// comes after does not depend on what came before. Which number stands in for the output is a choice, and the reading of a
/// lesion depends on it: 0 is what is left when all weights and biases of a rectified unit are set to 0 (Meyes et al.); the mean
/// of the output over some samples takes away what it says about a sample and leaves what the layers behind it are used to.
///
/// A lesion is looked for under the path that an output is recorded by; see
/// [`Context::with_lesions`](crate::Context::with_lesions).
///
/// Source: Meyes, Lu, Waubert de Puiseau & Meisen, "Ablation studies in artificial neural networks", arXiv:1901.08644, 2019,
/// section 3.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::graph::{Form, Graph, LayerEntry};
/// use nl_layers::{Builder, Context, Layer, Lesion, Mode};
/// use nl_random::Streams;
///
/// let layers: Vec<LayerEntry> = serde_json::from_str(
///     r#"[{"kind": "activation", "function": "relu", "name": "a"}, {"kind": "add", "from": ["a", "input"]}]"#,
/// )?;
/// let builder = Builder::new(Streams::new(1));
/// let graph = Graph::<f32>::new(&layers, &Form::features(2), &builder)?;
/// let parameters = builder.finish();
/// let tape = Tape::new();
/// let x = tape.constant(Tensor::new(&[1, 2], vec![3.0, 4.0])?);
/// let lesions = [Lesion::silence("a")];
/// let y = graph.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval).with_lesions(&lesions))?;
/// assert_eq!(y.value().as_slice(), [3.0, 4.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Lesion<S> {
    path: String,
    keep: Tensor<S>,
    fill: Tensor<S>,
}

impl<S: Scalar> Lesion<S> {
    /// The whole output is 0.
    #[must_use]
    pub fn silence(path: &str) -> Self {
        Self::part(path, Tensor::scalar(S::from_f64(0.0)), Tensor::scalar(S::from_f64(0.0)))
    }

    /// The whole output is `value`, the same for each sample: of shape `[1, …]`, or `[T, 1, …]` for a sequence.
    #[must_use]
    pub fn replace(path: &str, value: Tensor<S>) -> Self {
        Self::part(path, Tensor::scalar(S::from_f64(0.0)), value)
    }

    /// keep ⊙ y + fill.
    #[must_use]
    pub fn part(path: &str, keep: Tensor<S>, fill: Tensor<S>) -> Self {
        Self { path: path.to_owned(), keep, fill }
    }

    /// The path of what is cut out.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is left of `y`.
    pub(crate) fn of<'t>(&self, y: Var<'t, S>) -> Result<Var<'t, S>, Error> {
        for (what, tensor) in [("keep", &self.keep), ("fill", &self.fill)] {
            if y.shape().broadcast(tensor.shape()).ok() != Some(y.shape()) {
                let message = format!(
                    "`{what}` of its lesion has the shape {:?}, which does not stretch to the output's, {:?}",
                    tensor.shape().dims(),
                    y.shape().dims()
                );
                return Err(Error::hyperparameter(&self.path, message));
            }
        }
        let [keep, fill] = [&self.keep, &self.fill].map(|tensor| y.tape().constant(tensor.clone()));
        y.mul(keep).at(&self.path)?.add(fill).at(&self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Form, Graph, LayerEntry};
    use crate::{Builder, Context, Layer, Mode, Parameters};
    use nl_autodiff::{CreateGraph, Tape, grad};
    use nl_random::Streams;

    fn network() -> (Graph<f64>, Parameters<f64>) {
        let layers: Vec<LayerEntry> = serde_json::from_str(
            r#"[
                {"kind": "linear", "units": 3, "name": "first"},
                {"kind": "activation", "function": "tanh", "name": "bend"},
                {"kind": "linear", "units": 2, "name": "second"}
            ]"#,
        )
        .unwrap();
        let builder = Builder::new(Streams::new(4));
        let graph = Graph::new(&layers, &Form::features(2), &builder).unwrap();
        (graph, builder.finish().convert())
    }

    fn tensor(dims: &[usize], values: &[f64]) -> Tensor<f64> {
        Tensor::new(dims, values.to_vec()).unwrap()
    }

    /// Output and its slope in the input.
    fn outcome(lesions: &[Lesion<f64>], x: [f64; 2]) -> (Vec<f64>, Vec<f64>) {
        let (graph, parameters) = network();
        let tape = Tape::new();
        let x = tape.leaf(tensor(&[1, 2], &x));
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_lesions(lesions).with_recording();
        let y = graph.forward(x, &mut ctx).unwrap();
        if let Some(lesion) = lesions.first() {
            let kept = ctx.into_recording();
            assert!(kept.get(lesion.path()).is_some());
        }
        let slope = grad(y.sum().unwrap(), &[x], CreateGraph::No).unwrap()[0].value();
        (y.value().as_slice().to_vec(), slope.as_slice().to_vec())
    }

    #[test]
    fn behind_a_lesion_nothing_is_known_of_the_input() {
        let value = tensor(&[1, 3], &[0.1, -0.2, 0.3]);
        for lesion in [Lesion::silence("bend"), Lesion::replace("bend", value.clone()), Lesion::silence("first")] {
            let (a, slope) = outcome(std::slice::from_ref(&lesion), [0.5, -1.0]);
            assert_eq!((a, vec![0.0; 2]), (outcome(&[lesion], [7.0, 3.0]).0, slope));
        }
        // What stands in is what the next layer is given: W v + b.
        let (_, parameters) = network();
        let (weight, bias) = ("second/weight", "second/bias");
        let get = |path: &str| parameters.get(parameters.find(path).unwrap()).as_slice().to_vec();
        let (weight, bias) = (get(weight), get(bias));
        let expected: Vec<f64> =
            (0..2).map(|o| (0..3).map(|i| weight[3 * o + i] * value.as_slice()[i]).sum::<f64>() + bias[o]).collect();
        let (found, _) = outcome(&[Lesion::replace("bend", value)], [0.5, -1.0]);
        for (a, b) in found.iter().zip(&expected) {
            assert!((a - b).abs() < 1e-14, "{a} {b}");
        }
    }

    #[test]
    fn a_part_is_cut_out_and_the_rest_stays() {
        let whole = outcome(&[], [0.5, -1.0]);
        let nothing = Lesion::part("bend", Tensor::scalar(1.0), Tensor::scalar(0.0));
        assert_eq!(outcome(&[nothing], [0.5, -1.0]), whole);
        let elsewhere = Lesion::silence("nowhere");
        let (graph, parameters) = network();
        let tape = Tape::new();
        let lesions = [elsewhere];
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_lesions(&lesions);
        let y = graph.forward(tape.constant(tensor(&[1, 2], &[0.5, -1.0])), &mut ctx).unwrap();
        assert_eq!(y.value().as_slice(), whole.0);
        // One unit after the other: what each adds to the output adds up to all of it.
        let one = |unit: usize| {
            let keep = tensor(&[1, 3], &[0, 1, 2].map(|i| f64::from(u8::from(i != unit))));
            outcome(&[Lesion::part("bend", keep, Tensor::scalar(0.0))], [0.5, -1.0]).0[0]
        };
        let silent = outcome(&[Lesion::silence("bend")], [0.5, -1.0]).0[0];
        let lost: f64 = (0..3).map(|unit| whole.0[0] - one(unit)).sum();
        assert!((lost - (whole.0[0] - silent)).abs() < 1e-14);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let (graph, parameters) = network();
        let tape = Tape::new();
        for value in [tensor(&[1, 2], &[0.0; 2]), tensor(&[5, 3], &[0.0; 15]), tensor(&[1, 1, 3], &[0.0; 3])] {
            let lesions = [Lesion::replace("bend", value)];
            let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_lesions(&lesions);
            let refused = graph.forward(tape.constant(tensor(&[1, 2], &[0.5, -1.0])), &mut ctx);
            let said = refused.err().unwrap().to_string();
            assert!(said.starts_with("bend: `fill` of its lesion has the shape"), "{said}");
        }
    }
}
