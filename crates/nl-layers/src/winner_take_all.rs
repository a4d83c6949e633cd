//! Competition: the strongest units speak, by softmax or by rank.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::batch_norm::follow;
use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::{Builder, Context, Error, Initializer, Layer, Mode, ParameterId, Role};

/// Who competes with whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Among {
    /// The channels of a pixel; the features of a row or of a step.
    Channels,
    /// All units of a sample; of a sequence, of a step.
    Sample,
}

/// Soft winner-take-all: y_i = e^(x_i / τ) / Σ_j e^(x_j / τ) over those that compete. For τ → 0 the strongest is 1 and the rest 0.
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, F]`, `[T, B, F]` or `[B, C, H, W]` |
///
/// Source: Elfadel & Wyatt, "The softmax nonlinearity", NIPS 1993.
#[derive(Debug, Clone)]
pub struct SoftWinnerTakeAll {
    path: String,
    form: Form,
    among: Among,
    temperature: f64,
}

/// A [`SoftWinnerTakeAll`] in a configuration: `{kind: soft-winner-take-all, temperature: 0.5}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SoftWinnerTakeAllConfig {
    /// τ, how soft.
    #[serde(default = "temperature")]
    pub temperature: f64,
    /// Who competes with whom.
    #[serde(default = "channels")]
    pub among: Among,
}

const fn temperature() -> f64 {
    1.0
}

const fn channels() -> Among {
    Among::Channels
}

/// A row, a sequence of rows, or an image.
fn competing(at: &Builder, inputs: &[Form]) -> Result<Form, Error> {
    let form = only(at, inputs)?;
    if form.dims.len() == 1 || form.as_image().is_some() {
        return Ok(form.clone());
    }
    let help = "features, channels or all units of an image compete";
    Err(Error::input(at.path(), "[B, F], [T, B, F] or [B, C, H, W]", &form.batched(1), help))
}

fn check<S: Scalar>(path: &str, form: &Form, x: Var<'_, S>) -> Result<(), Error> {
    let shape = x.shape();
    if form.fits(shape.dims()) {
        return Ok(());
    }
    Err(Error::input(path, form.named(), shape.dims(), "pass samples of the form that it was built for"))
}

/// `f` on rows of those that compete, and back.
fn on_rows<'t, S: Scalar>(
    x: Var<'t, S>,
    among: Among,
    f: impl FnOnce(Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error>,
) -> Result<Var<'t, S>, nl_autodiff::Error> {
    let shape = x.shape();
    match (shape.dims(), among) {
        (&[rows, c, h, w], Among::Sample) => f(x.reshape(&[rows, c * h * w])?)?.reshape(shape.dims()),
        ([_, _, _, _], Among::Channels) => f(x.permute(&[0, 2, 3, 1])?)?.permute(&[0, 3, 1, 2]),
        _ => f(x),
    }
}

impl LayerConfig for SoftWinnerTakeAllConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = competing(at, inputs)?;
        let Self { temperature, among } = *self;
        if !(temperature > 0.0 && temperature.is_finite()) {
            let message = format!("temperature {temperature} must be positive and finite; 1 is a plain softmax");
            return Err(Error::hyperparameter(at.path(), message));
        }
        let layer = SoftWinnerTakeAll { path: at.path().to_owned(), form: form.clone(), among, temperature };
        Ok(Built::layer(layer, form, 0))
    }
}

impl<S: Scalar> Layer<S> for SoftWinnerTakeAll {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        check(&self.path, &self.form, x)?;
        let scaled = x.mul_scalar(1.0 / self.temperature).at(&self.path)?;
        on_rows(scaled, self.among, Var::softmax).at(&self.path)
    }
}

/// k winners take all: y_i = x_i for the k largest of those that compete, else 0; the first of equals wins. The gradient flows to
/// the winners.
///
/// With boosting, in [`Mode::Train`], units are ranked by x_i · e^(β (k / n − d_i)), n of them competing, so that those win that seldom
/// did. The duty cycle d_i is the share of samples that unit (or channel) i won; it follows each shard's as the running statistics of
/// [`BatchNorm`](crate::BatchNorm) do, with the rate 1/1000 of the source.
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, F]`, `[T, B, F]` or `[B, C, H, W]` |
/// | d (`duty`), with boosting | `[F]` or `[C]` |
///
/// Source: Ahmad & Scheinkman, "How Can We Be So Dense? The Benefits of Using Highly Sparse Representations", 2019
/// (their k at inference may be larger; here it is the same).
#[derive(Debug, Clone)]
pub struct KWinnersTakeAll {
    path: String,
    form: Form,
    among: Among,
    winners: usize,
    boost: Option<Boost>,
}

#[derive(Debug, Clone)]
struct Boost {
    strength: f64,
    duty: ParameterId,
}

/// The share of a step in the duty cycles.
const RATE: f64 = 1e-3;

/// A [`KWinnersTakeAll`] in a configuration: `{kind: k-winners-take-all, winners: 10}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct KWinnersTakeAllConfig {
    /// k, how many units win.
    pub winners: usize,
    /// Who competes with whom.
    #[serde(default = "sample")]
    pub among: Among,
    /// β, how much units that seldom win are helped; 0: not at all.
    #[serde(default)]
    pub boost: f64,
}

const fn sample() -> Among {
    Among::Sample
}

impl LayerConfig for KWinnersTakeAllConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = competing(at, inputs)?;
        let Self { winners, among, boost } = *self;
        let path = at.path().to_owned();
        let all = match among {
            Among::Channels => form.dims[0],
            Among::Sample => form.dims.iter().product(),
        };
        if winners == 0 || winners > all {
            let message = format!("{winners} winners of {all} units; choose at least 1 and at most all");
            return Err(Error::hyperparameter(&path, message));
        }
        if !(boost >= 0.0 && boost.is_finite()) {
            return Err(Error::hyperparameter(&path, format!("boost {boost} must not be negative, and finite")));
        }
        let start = Initializer::Constant { value: winners as f64 / all as f64 };
        let duty = || at.parameter("duty", &[form.dims[0]], Role::Statistic, start);
        let boost = (boost > 0.0).then(duty).transpose()?.map(|duty| Boost { strength: boost, duty });
        let layer = KWinnersTakeAll { path, form: form.clone(), among, winners, boost };
        Ok(Built::layer(layer, form, 0))
    }
}

impl<S: Scalar> Layer<S> for KWinnersTakeAll {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        check(&self.path, &self.form, x)?;
        // The choice is piecewise constant: nothing of it is recorded.
        let boost = self.boost.as_ref().filter(|_| ctx.mode() == Mode::Train);
        let boost = boost.map(|boost| (boost.strength, ctx.parameter(boost.duty)));
        let mask = {
            let pause = ctx.tape().stop_recording();
            let mask = self.mask(x, boost);
            drop(pause);
            mask.at(&self.path)?
        };
        if let Some((_, duty)) = boost.filter(|(_, duty)| duty.needs_grad()) {
            let image = x.shape().rank() == 4;
            let axes: &[usize] = match (image, self.form.steps) {
                (true, _) => &[0, 2, 3],
                (_, Some(_)) => &[0, 1],
                _ => &[0],
            };
            let samples = x.shape().dims()[usize::from(self.form.steps.is_some())];
            let won = mask.mean_axes(axes, KeepDims::No).at(&self.path)?;
            ctx.add_loss(&self.path, follow(duty, won, RATE * samples as f64).at(&self.path)?)?;
        }
        x.mask_mul(mask).at(&self.path)
    }
}

impl KWinnersTakeAll {
    /// 1 for those that win, else 0.
    fn mask<'t, S: Scalar>(
        &self,
        x: Var<'t, S>,
        boost: Option<(f64, Var<'t, S>)>,
    ) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let ranked = match boost {
            Some((strength, duty)) => {
                let units = duty.shape().len();
                let all = match self.among {
                    Among::Channels => units,
                    Among::Sample => self.form.dims.iter().product(),
                };
                let target = self.winners as f64 / all as f64;
                let factor = duty.affine(-strength, strength * target)?.exp()?;
                x.mul(if x.shape().rank() == 4 { factor.reshape(&[units, 1, 1])? } else { factor })?
            }
            None => x,
        };
        on_rows(ranked, self.among, |x| {
            let (shape, tape) = (x.shape(), x.tape());
            let width = shape.dims().last().copied().unwrap_or(1).max(1);
            let values = x.value();
            tape.constant_with(shape.dims(), |mask| {
                for (row, mask) in values.as_slice().chunks_exact(width).zip(mask.chunks_exact_mut(width)) {
                    // Sorted where the mask will stand: a second step allocates nothing.
                    mask.copy_from_slice(row);
                    let kth = *mask.select_nth_unstable_by(self.winners - 1, |a, b| above(*b, *a)).1;
                    let larger = row.iter().filter(|&&x| above(x, kth).is_gt()).count();
                    let mut equals = self.winners - larger;
                    for (m, &x) in mask.iter_mut().zip(row) {
                        let tie = above(x, kth).is_eq() && equals > 0;
                        equals -= usize::from(tie);
                        *m = if tie || above(x, kth).is_gt() { S::ONE } else { S::ZERO };
                    }
                }
            })
        })
    }
}

/// By size; a NaN is larger than every number, and −0 equals 0.
fn above<S: Scalar>(a: S, b: S) -> std::cmp::Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    use nl_random::Streams;

    use super::*;
    use crate::Parameters;
    use crate::graph::Node;

    fn winners(config: &str, form: &Form, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
        let config: KWinnersTakeAllConfig = serde_json::from_str(config).unwrap();
        let builder = Builder::new(Streams::new(1)).child("kwta").unwrap();
        let built: Built<f64> = config.build(&builder, std::slice::from_ref(form)).unwrap();
        let Node::Layer(layer) = built.node else { panic!("one input") };
        let parameters: Parameters<f64> = builder.finish().convert();
        let tape = Tape::new();
        let x = tape.leaf(Tensor::new(&form.batched(1), x.to_vec()).unwrap());
        let y = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        let dx = grad(y.sum().unwrap(), &[x], CreateGraph::No).unwrap()[0].value();
        (y.value().as_slice().to_vec(), dx.as_slice().to_vec())
    }

    #[test]
    fn the_largest_win_and_the_first_of_equals() {
        let row = Form::features(5);
        let (y, dx) = winners(r#"{"winners": 2}"#, &row, &[-1.0, 3.0, 0.5, 2.0, 3.0]);
        assert_eq!((y, dx), (vec![0.0, 3.0, 0.0, 0.0, 3.0], vec![0.0, 1.0, 0.0, 0.0, 1.0]));
        assert_eq!(winners(r#"{"winners": 2}"#, &row, &[1.0; 5]).0, [1.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(winners(r#"{"winners": 5}"#, &row, &[1.0, -2.0, 0.0, -0.0, 4.0]).0, [1.0, -2.0, 0.0, -0.0, 4.0]);
        let image = Form::image(2, 1, 2);
        let x = [1.0, 5.0, 2.0, 4.0];
        assert_eq!(winners(r#"{"winners": 1, "among": "channels"}"#, &image, &x).0, [0.0, 5.0, 2.0, 0.0]);
        assert_eq!(winners(r#"{"winners": 2}"#, &image, &x).0, [0.0, 5.0, 0.0, 4.0]);
    }

    /// A unit that never wins is helped until it does; whoever trains gets the step of the duty cycle.
    #[test]
    fn boosting_helps_those_that_seldom_win() {
        let config = KWinnersTakeAllConfig { winners: 1, among: Among::Sample, boost: 2.0 };
        let builder = Builder::new(Streams::new(1)).child("kwta").unwrap();
        let built: Built<f64> = config.build(&builder, &[Form::features(2)]).unwrap();
        let Node::Layer(layer) = built.node else { panic!("one input") };
        let mut parameters: Parameters<f64> = builder.finish().convert();
        assert_eq!(parameters.values(), [0.5, 0.5]);
        let mut step = |mode| {
            let tape = Tape::new();
            let x = tape.constant(Tensor::new(&[2, 2], vec![1.0, 1.2, 1.0, 1.2]).unwrap());
            let mut ctx = Context::new(&tape, &parameters, mode);
            let y = layer.forward(x, &mut ctx).unwrap();
            let values = y.value().as_slice().to_vec();
            let mut gradient = [0.0; 2];
            if let Some(added) = ctx.take_loss() {
                assert_eq!(ctx.gradient(added.mul_scalar(0.5).unwrap(), &mut gradient).unwrap(), 0.0);
            }
            drop(tape);
            parameters.values_mut().iter_mut().zip(gradient).for_each(|(r, g)| *r -= g);
            (values, parameters.values().to_vec())
        };
        let (y, duty) = step(Mode::Train);
        assert_eq!(y, [0.0, 1.2, 0.0, 1.2]);
        approx::assert_abs_diff_eq!(&duty[..], &[0.4995, 0.5005][..], epsilon = 1e-14);
        // ln 1.2 / 2 = 0.091 between the duty cycles turns the order, after some 90 steps of about 1e-3.
        let turned = (0..200).position(|_| step(Mode::Train).0 == [1.0, 0.0, 1.0, 0.0]);
        assert!(turned.is_some_and(|steps| (80..110).contains(&steps)), "{turned:?}");
        assert_eq!(step(Mode::Eval).0, [0.0, 1.2, 0.0, 1.2]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let scope = Builder::new(Streams::new(1)).child("it").unwrap();
        let row = [Form::features(3)];
        for winners in [0, 4] {
            let config = KWinnersTakeAllConfig { winners, among: Among::Sample, boost: 0.0 };
            let error = LayerConfig::build::<f32>(&config, &scope, &row).err().unwrap().to_string();
            assert!(error.contains("winners of 3 units"), "{error}");
        }
        let config = SoftWinnerTakeAllConfig { temperature: 0.0, among: Among::Channels };
        assert!(LayerConfig::build::<f32>(&config, &scope, &row).is_err());
    }
}
