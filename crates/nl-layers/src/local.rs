//! Local connections: as a convolution, but each position has weights of its own.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, Size, image, product, windows};
use crate::{Builder, Context, Error, Fans, Initializer, Layer, ParameterId, Role};

/// Local connections:
/// y_{n,o,i,j} = b_{o,i,j} + Σ_{c,u,v} w_{i,j,o,c,u,v} · x_{n, c, i·stride + u − padding, j·stride + v − padding}, 0 outside x.
///
/// | | shape |
/// |---|---|
/// | input | `[N, in, H, W]` |
/// | weight, bias | `[H′, W′, out, in, kh, kw]`, `[out, H′, W′]` |
/// | output | `[N, out, H′, W′]` with H′ = ⌊(H + 2·padding − kh) / stride⌋ + 1, W′ likewise |
///
/// Source: LeCun, "Generalization and network design strategies", 1989, net 3 (local connections without shared weights).
#[derive(Debug, Clone)]
pub struct Local2d {
    path: String,
    input: [usize; 3],
    output: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    weight: ParameterId,
    bias: Option<ParameterId>,
}

/// A [`Local2d`] in a configuration: `{kind: local2d, channels: 8, kernel: 7, stride: 3}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Local2dConfig {
    /// Channels of the output.
    pub channels: usize,
    /// Height and width of the window that a unit sees.
    pub kernel: Size,
    /// Pixels from one window to the next.
    #[serde(default = "Size::one")]
    pub stride: Size,
    /// Zeros around the image.
    #[serde(default = "Size::zero")]
    pub padding: Size,
    /// Whether each unit has a bias.
    #[serde(default = "yes")]
    pub bias: bool,
    /// How the weights begin.
    #[serde(default = "he")]
    pub initializer: Initializer,
}

const fn yes() -> bool {
    true
}

const fn he() -> Initializer {
    Initializer::HE_NORMAL
}

impl LayerConfig for Local2dConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let input = image(at, inputs)?;
        let layer = Local2d::new(at, input, self)?;
        let ([kh, kw], [h, w]) = (self.kernel.pair(), layer.output);
        let macs = product(&[self.channels, h, w, input[0], kh, kw]);
        Ok(Built::layer(layer, Form::image(self.channels, h, w), macs))
    }
}

impl Local2d {
    /// A layer for images of `[channels, height, width]`, with the bias at 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a stride of 0, a window that finds no place, or an orthogonal initialiser (there is no one
    /// matrix); otherwise as [`Builder::parameter`].
    pub fn new(builder: &Builder, [inputs, height, width]: [usize; 3], config: &Local2dConfig) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        let ([kh, kw], stride, padding) = (config.kernel.pair(), config.stride.pair(), config.padding.pair());
        let output @ [h, w] = windows(builder, [height, width], [kh, kw], stride, padding)?;
        #[cfg(feature = "orthogonal")]
        if let Initializer::Orthogonal { .. } = config.initializer {
            let message = "orthogonal is for one matrix, and each position has its own; use he-normal or xavier-normal";
            return Err(Error::hyperparameter(&path, message));
        }
        let fans = Fans::of(&[config.channels, inputs, kh, kw]);
        let shape = [h, w, config.channels, inputs, kh, kw];
        let weight = builder.parameter_with_fans("weight", &shape, fans, Role::Weight, config.initializer)?;
        let bias = || builder.parameter("bias", &[config.channels, h, w], Role::Bias, Initializer::Zeros);
        let bias = config.bias.then(bias).transpose()?;
        Ok(Self { path, input: [inputs, height, width], output, stride, padding, weight, bias })
    }
}

impl<S: Scalar> Layer<S> for Local2d {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let (shape, [channels, height, width]) = (x.shape(), self.input);
        if !matches!(*shape.dims(), [_, c, h, w] if [c, h, w] == self.input) {
            let expected = format!("[N, {channels}, {height}, {width}]");
            return Err(Error::input(
                &self.path,
                expected,
                shape.dims(),
                "each position has weights: the size is fixed",
            ));
        }
        let y = x.local2d(ctx.parameter(self.weight), self.stride, self.padding).at(&self.path)?;
        match self.bias {
            Some(bias) => y.add(ctx.parameter(bias)).at(&self.path),
            None => Ok(y),
        }
    }
}
