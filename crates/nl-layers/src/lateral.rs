//! Lateral connections: units of one layer excite and inhibit each other until they have settled.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only, product};
use crate::{Activation, Builder, Context, Error, Initializer, Layer, ParameterId, Role};

/// Lateral connections within a layer: x₀ = f(u), x_{k+1} = f(u + W x_k), for a number of steps or until x rests, with the input u.
///
/// | W | (W x)_i |
/// |---|---|
/// | all but self | −w Σ_{j≠i} x_j over the features of a row, or the channels of a pixel |
/// | difference of Gaussians | Σ_d (a G_c(d) − b G_s(d)) x_{i+d} in each map of an image, G of sum 1: excited near, inhibited far |
/// | learned | Σ_j w_ij x_j over features; over channels and a window of an image; signs free or fixed by ∓ ln(1 + e^v) |
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, F]`, `[T, B, F]` (each step on its own) or `[B, C, H, W]` |
/// | learned `weight` | `[F, F]` or `[C, C, k, k]`; no unit acts on itself |
///
/// *Until rest*, x* = f(u + W x*) is sought by iteration; a row is left alone once no unit of it moves by more than the tolerance, so that
/// a sample's result does not depend on its batch, and after `most` steps the last state counts. The gradient is that of x*: the
/// adjoint v = dy + Jᵀ v, with the Jacobian J of f(u + W x) at x*, is iterated as often as x was (recorded as so many steps that
/// begin at rest). Its error is that of x, about ‖J‖ to the power of the steps; where ‖J‖ ≥ 1 neither need settle.
///
/// Sources: all but self, Hartline & Ratliff, "Inhibitory interaction of receptor units in the eye of Limulus", 1957; difference of
/// Gaussians, Rodieck, 1965, and Amari, "Dynamics of pattern formation in lateral-inhibition type neural fields", 1977; rest,
/// Bai, Kolter & Koltun, "Deep Equilibrium Models", 2019, theorem 1.
#[derive(Debug, Clone)]
pub struct Lateral {
    path: String,
    form: Form,
    acts: Acts,
    activation: Activation,
    until: Until,
}

/// Who acts on whom.
#[derive(Debug, Clone)]
enum Acts {
    AllButSelf { inhibition: f64 },
    Kernel { size: usize, weights: Vec<f64> },
    Learned { weight: ParameterId, sign: Sign, size: usize },
}

/// Who acts on whom within a [`Lateral`] layer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Connections {
    /// Every feature of a row, or channel of a pixel, inhibits all others alike.
    AllButSelf {
        /// w, how much.
        inhibition: f64,
    },
    /// Units of a map excite their near and inhibit their far neighbours; images only.
    DifferenceOfGaussians {
        /// Height and width of the window, odd.
        size: usize,
        /// Standard deviation of the excitation, in pixels.
        center: f64,
        /// Standard deviation of the inhibition, in pixels.
        surround: f64,
        /// a, the sum of the excitation.
        #[serde(default = "half")]
        excitation: f64,
        /// b, the sum of the inhibition.
        #[serde(default = "half")]
        inhibition: f64,
    },
    /// Learned with the rest of the network.
    Learned {
        /// Which signs the weights may have.
        #[serde(default)]
        sign: Sign,
        /// Height and width of the window in an image, odd. Rows have none.
        #[serde(default = "one")]
        size: usize,
    },
}

/// Which signs learned connections may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// Any; they begin at 0.
    #[default]
    Free,
    /// w = −ln(1 + e^v)
    Inhibitory,
    /// w = ln(1 + e^v)
    Excitatory,
}

/// How long units act on each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Until {
    /// For so many steps; the gradient goes through all of them.
    Steps {
        /// How many.
        count: usize,
    },
    /// Until nothing moves; the gradient is that of the state of rest.
    Rest {
        /// The largest change of a unit at rest.
        #[serde(default = "tolerance")]
        tolerance: f64,
        /// Steps after which the state counts as it is.
        #[serde(default = "most")]
        most: usize,
    },
}

/// A [`Lateral`] layer in a configuration: `{kind: lateral, connections: {kind: all-but-self, inhibition: 0.2}}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct LateralConfig {
    /// Who acts on whom.
    pub connections: Connections,
    /// f, the nonlinearity.
    #[serde(default = "relu")]
    pub activation: Activation,
    /// How long.
    #[serde(default = "steps")]
    pub until: Until,
}

const fn half() -> f64 {
    0.5
}

const fn one() -> usize {
    1
}

const fn relu() -> Activation {
    Activation::Relu
}

const fn steps() -> Until {
    Until::Steps { count: 3 }
}

const fn tolerance() -> f64 {
    1e-5
}

const fn most() -> usize {
    50
}

/// The most steps that a configuration may ask for: each is kept for the gradient.
const MOST_STEPS: usize = 10_000;

/// v at the start of signed connections: ln(1 + e⁻³) ≈ 0.05.
const WEAK: f64 = -3.0;

impl LayerConfig for LateralConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let path = at.path().to_owned();
        let image = form.as_image();
        if image.is_none() && form.dims.len() != 1 {
            let help = "features of rows, or channels and pixels of images act on each other";
            return Err(Error::input(&path, "[B, F], [T, B, F] or [B, C, H, W]", &form.batched(1), help));
        }
        let refuse = |message: String| Err(Error::hyperparameter(&path, message));
        let steps = match self.until {
            Until::Steps { count } => count,
            Until::Rest { tolerance, .. } if !(tolerance > 0.0 && tolerance.is_finite()) => {
                return refuse(format!("tolerance {tolerance} must be positive and finite; 1e-5 is usual"));
            }
            Until::Rest { most, .. } => most,
        };
        if steps == 0 || steps > MOST_STEPS {
            return refuse(format!("{steps} steps; choose from 1 to {MOST_STEPS}"));
        }
        let odd = |size: usize| {
            let fits = image.is_none_or(|[_, h, w]| size / 2 < h && size / 2 < w);
            if size.is_multiple_of(2) || !fits {
                let message = format!("size {size} must be odd, and half of it within the image {form}");
                return Err(Error::hyperparameter(&path, message));
            }
            Ok(())
        };
        let (acts, each) = match self.connections {
            Connections::AllButSelf { inhibition } => {
                if !(inhibition >= 0.0 && inhibition.is_finite()) {
                    return refuse(format!("inhibition {inhibition} must not be negative, and finite"));
                }
                (Acts::AllButSelf { inhibition }, form.len() as u64)
            }
            Connections::DifferenceOfGaussians { size, center, surround, excitation, inhibition } => {
                if image.is_none() {
                    let help = "a difference of Gaussians needs the pixels of an image";
                    return Err(Error::input(&path, "[B, C, H, W]", &form.batched(1), help));
                }
                odd(size)?;
                if !(center > 0.0 && surround > center && surround.is_finite()) {
                    return refuse(format!(
                        "center {center} and surround {surround} must be positive, the surround wider"
                    ));
                }
                if ![excitation, inhibition].iter().all(|sum| *sum >= 0.0 && sum.is_finite()) {
                    return refuse(format!("excitation {excitation} and inhibition {inhibition} must not be negative"));
                }
                let weights = mexican_hat(size, [center, surround], [excitation, inhibition]);
                (Acts::Kernel { size, weights }, (form.len() as u64).saturating_mul(product(&[size, size])))
            }
            Connections::Learned { sign, size } => {
                odd(size)?;
                if image.is_none() && size != 1 {
                    return refuse(format!("size {size} is for images; features of a row have no neighbourhood"));
                }
                let units = form.dims[0];
                let shape = [units, units, size, size];
                let shape = if image.is_some() { &shape[..] } else { &shape[..2] };
                let start = if sign == Sign::Free { Initializer::Zeros } else { Initializer::Constant { value: WEAK } };
                let weight = at.parameter("weight", shape, Role::Weight, start)?;
                let each = (form.len() as u64).saturating_mul(product(&[units, size, size]));
                (Acts::Learned { weight, sign, size }, each)
            }
        };
        let layer = Lateral { path, form: form.clone(), acts, activation: self.activation, until: self.until };
        Ok(Built::layer(layer, form.clone(), each.saturating_mul(steps as u64)))
    }
}

/// a G_c − b G_s on a square, each G of sum 1.
fn mexican_hat(size: usize, sigmas: [f64; 2], sums: [f64; 2]) -> Vec<f64> {
    let gaussian = |sigma: f64| {
        let middle = (size / 2) as f64;
        let at = |i: usize| {
            let (row, column) = ((i / size) as f64 - middle, (i % size) as f64 - middle);
            (-(row * row + column * column) / (2.0 * sigma * sigma)).exp()
        };
        let cells: Vec<f64> = (0..size * size).map(at).collect();
        let sum: f64 = cells.iter().sum();
        cells.into_iter().map(move |cell| cell / sum)
    };
    let [center, surround] = sigmas.map(gaussian);
    center.zip(surround).map(|(c, s)| sums[0] * c - sums[1] * s).collect()
}

impl Lateral {
    /// W as a variable; nothing for connections that need none.
    fn weights<'t, S: Scalar>(&self, ctx: &Context<'t, S>) -> Result<Option<Var<'t, S>>, nl_autodiff::Error> {
        match &self.acts {
            Acts::AllButSelf { .. } => Ok(None),
            Acts::Kernel { size, weights } => {
                let kernel = ctx.tape().constant_with(&[1, 1, *size, *size], |kernel| {
                    for (to, &w) in kernel.iter_mut().zip(weights) {
                        *to = S::from_f64(w);
                    }
                })?;
                Ok(Some(kernel))
            }
            Acts::Learned { weight, sign, .. } => {
                let raw = ctx.parameter(*weight);
                let weight = match sign {
                    Sign::Free => raw,
                    Sign::Excitatory => raw.softplus()?,
                    Sign::Inhibitory => raw.softplus()?.neg()?,
                };
                // No unit acts on itself: the diagonal, in the middle of the window.
                let shape = weight.shape();
                let units = shape.dims()[0];
                let window = shape.len() / (units * units);
                let others = ctx.tape().constant_with(shape.dims(), |others| {
                    for (i, m) in others.iter_mut().enumerate() {
                        let (pair, cell) = (i / window, i % window);
                        let own = pair / units == pair % units && cell == window / 2;
                        *m = if own { S::ZERO } else { S::ONE };
                    }
                })?;
                Ok(Some(weight.mask_mul(others)?))
            }
        }
    }

    /// W x
    fn act<'t, S: Scalar>(&self, w: Option<Var<'t, S>>, x: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let shape = x.shape();
        let image = shape.rank() == 4;
        match (&self.acts, w) {
            (Acts::AllButSelf { inhibition }, _) => {
                let axis = if image { 1 } else { shape.rank() - 1 };
                x.sub(x.sum_axes(&[axis], KeepDims::Yes)?)?.mul_scalar(*inhibition)
            }
            (Acts::Kernel { size, .. }, Some(kernel)) => {
                let &[rows, channels, height, width] = shape.dims() else { return Ok(x) };
                let maps = x.reshape(&[rows * channels, 1, height, width])?;
                maps.conv2d(kernel, None, [1, 1], [size / 2; 2])?.reshape(shape.dims())
            }
            (Acts::Learned { size, .. }, Some(w)) if image => x.conv2d(w, None, [1, 1], [size / 2; 2]),
            (_, Some(w)) => x.linear(w, None),
            (_, None) => Ok(x),
        }
    }

    /// f(u + W x)
    fn step<'t, S: Scalar>(
        &self,
        u: Var<'t, S>,
        w: Option<Var<'t, S>>,
        x: Var<'t, S>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Var<'t, S>, Error> {
        let driven = self.act(w, x).and_then(|lateral| u.add(lateral)).at(&self.path)?;
        self.activation.forward(driven, ctx)
    }

    /// The state of rest as a constant, and how many steps it took.
    fn rest<'t, S: Scalar>(
        &self,
        u: Var<'t, S>,
        w: Option<Var<'t, S>>,
        (tolerance, most): (f64, usize),
        ctx: &mut Context<'t, S>,
    ) -> Result<(Var<'t, S>, usize), Error> {
        let _pause = ctx.tape().stop_recording();
        let shape = u.shape();
        let row = self.form.dims.iter().product::<usize>().max(1);
        let mut x = self.activation.forward(u, ctx)?;
        for steps in 1..=most {
            let next = self.step(u, w, x, ctx)?;
            let (before, after) = (x.value(), next.value());
            let mut moved = false;
            x = ctx
                .tape()
                .constant_with(shape.dims(), |kept| {
                    let rows = before.as_slice().chunks_exact(row).zip(after.as_slice().chunks_exact(row));
                    for (kept, (before, after)) in kept.chunks_exact_mut(row).zip(rows) {
                        let near = |(a, b): (&S, &S)| (*a - *b).abs().to_f64() <= tolerance;
                        let rests = before.iter().zip(after).all(near);
                        kept.copy_from_slice(if rests { before } else { after });
                        moved |= !rests;
                    }
                })
                .at(&self.path)?;
            if !moved {
                return Ok((x, steps));
            }
        }
        Ok((x, most))
    }
}

impl<S: Scalar> Layer<S> for Lateral {
    fn forward<'t>(&self, u: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = u.shape();
        if !self.form.fits(shape.dims()) {
            let help = "pass samples of the form that it was built for";
            return Err(Error::input(&self.path, self.form.named(), shape.dims(), help));
        }
        let w = self.weights(ctx).at(&self.path)?;
        let (mut x, steps, rest) = match self.until {
            Until::Steps { count } => (self.activation.forward(u, ctx)?, count, None),
            Until::Rest { tolerance, most } => {
                let (rest, steps) = self.rest(u, w, (tolerance, most), ctx)?;
                (rest, steps, Some(rest))
            }
        };
        for _ in 0..steps {
            x = self.step(u, w, x, ctx)?;
        }
        match rest {
            Some(rest) => x.straight_through(rest).at(&self.path),
            None => Ok(x),
        }
    }
}

#[cfg(test)]
mod tests {
    use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    use nl_random::Streams;

    use super::*;
    use crate::graph::Node;
    use crate::{Mode, Parameters};

    fn build(config: &str, form: &Form) -> (Box<dyn Layer<f64>>, Parameters<f64>) {
        let config: LateralConfig = serde_json::from_str(config).unwrap();
        let builder = Builder::new(Streams::new(1)).child("lateral").unwrap();
        let built: Built<f64> = config.build(&builder, std::slice::from_ref(form)).unwrap();
        let Node::Layer(layer) = built.node else { panic!("one input") };
        (layer, builder.finish().convert())
    }

    /// Two units that inhibit each other by w rest at x = u₁ − w x₂ and the other way round: x = (u₁ − w u₂) / (1 − w²), whose
    /// gradient is known as well.
    #[test]
    fn a_pair_rests_where_it_should() {
        let config = r#"{"connections": {"kind": "all-but-self", "inhibition": 0.5},
                         "until": {"kind": "rest", "tolerance": 1e-15, "most": 200}}"#;
        let (layer, parameters) = build(config, &Form::features(2));
        let tape = Tape::new();
        let u = tape.leaf(Tensor::new(&[2, 2], vec![1.0, 0.8, 1.0, 0.3]).unwrap());
        let x = layer.forward(u, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        let want = [(1.0 - 0.4) / 0.75, (0.8 - 0.5) / 0.75, 1.0, 0.0];
        approx::assert_abs_diff_eq!(x.value().as_slice(), &want[..], epsilon = 1e-14);
        // d(x₁ + 2 x₂) / du; the silent unit of the second row passes nothing on.
        let weights = tape.constant(Tensor::new(&[2], vec![1.0, 2.0]).unwrap());
        let du = grad(x.mul(weights).unwrap().sum().unwrap(), &[u], CreateGraph::No).unwrap()[0].value();
        let want = [(1.0 - 2.0 * 0.5) / 0.75, (2.0 - 0.5) / 0.75, 1.0, 0.0];
        approx::assert_abs_diff_eq!(du.as_slice(), &want[..], epsilon = 1e-13);
    }

    #[test]
    fn a_mexican_hat_sharpens_an_edge() {
        let hat = mexican_hat(5, [0.8, 1.6], [0.5, 0.5]);
        approx::assert_abs_diff_eq!(hat.iter().sum::<f64>(), 0.0, epsilon = 1e-15);
        assert!(hat[12] > 0.0 && hat[0] < 0.0 && hat[2] < 0.0);
        let config =
            r#"{"connections": {"kind": "difference-of-gaussians", "size": 5, "center": 0.8, "surround": 1.6}}"#;
        let (layer, parameters) = build(config, &Form::image(1, 9, 12));
        let tape = Tape::new();
        let edge = Tensor::from_fn(&[1, 1, 9, 12], |i| if i % 12 < 6 { 1.0 } else { 2.0 }).unwrap();
        let y = layer.forward(tape.constant(edge), &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap();
        let middle = &y.value().as_slice()[4 * 12..][..12].to_vec();
        assert!(middle[5] < middle[4] && middle[6] > middle[7], "overshoot on both sides: {middle:?}");
    }

    #[test]
    fn learned_connections_keep_their_sign_and_spare_oneself() {
        for (sign, factor) in [("inhibitory", -1.0), ("excitatory", 1.0)] {
            let config = format!(
                r#"{{"connections": {{"kind": "learned", "sign": "{sign}"}}, "until": {{"kind": "steps", "count": 1}}}}"#
            );
            let (layer, parameters) = build(&config, &Form::features(2));
            let tape = Tape::new();
            let u = tape.constant(Tensor::new(&[1, 2], vec![1.0, 3.0]).unwrap());
            let y = layer.forward(u, &mut Context::new(&tape, &parameters, Mode::Eval)).unwrap().value();
            let w = factor * (-3.0_f64).exp().ln_1p();
            approx::assert_abs_diff_eq!(y.as_slice(), &[1.0 + 3.0 * w, 3.0 + w][..], epsilon = 1e-14);
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let refused = |config: &str, form: Form| {
            let config: LateralConfig = serde_json::from_str(config).unwrap();
            let scope = Builder::new(Streams::new(1)).child("here").unwrap();
            LayerConfig::build::<f32>(&config, &scope, &[form]).err().unwrap().to_string()
        };
        let dog = r#"{"connections": {"kind": "difference-of-gaussians", "size": 3, "center": 1, "surround": 2}}"#;
        assert!(refused(dog, Form::features(4)).contains("needs the pixels of an image"));
        let even = dog.replace("\"size\": 3", "\"size\": 4");
        assert!(refused(&even, Form::image(1, 9, 9)).contains("size 4 must be odd"));
        let narrow = dog.replace("\"surround\": 2", "\"surround\": 0.5");
        assert!(refused(&narrow, Form::image(1, 9, 9)).contains("the surround wider"));
        let learned = r#"{"connections": {"kind": "learned", "size": 3}}"#;
        assert!(refused(learned, Form::features(4)).contains("size 3 is for images"));
        let none = r#"{"connections": {"kind": "learned"}, "until": {"kind": "steps", "count": 0}}"#;
        assert!(refused(none, Form::features(4)).contains("0 steps"));
    }
}
