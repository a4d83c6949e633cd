//! Convolutions over images.

use nl_autodiff::{BlockPool, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, Size, image, product, windows};
use crate::{Builder, Context, Error, Fans, Initializer, Layer, ParameterId, Role};

/// A [`Conv2d`] in a configuration: `{kind: conv2d, channels: 32, kernel: 3, padding: 1}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Conv2dConfig {
    /// Channels of the output.
    pub channels: usize,
    /// Height and width of the kernel.
    pub kernel: Size,
    /// Pixels from one window to the next.
    #[serde(default = "Size::one")]
    pub stride: Size,
    /// Zeros around the image.
    #[serde(default = "Size::zero")]
    pub padding: Size,
    /// Pixels from one tap of the kernel to the next; 1: no holes.
    #[serde(default = "Size::one")]
    pub dilation: Size,
    /// Groups of channels that do not see each other; as many as channels of the input: depth-wise.
    #[serde(default = "one")]
    pub groups: usize,
    /// How the kernels begin.
    #[serde(default = "he")]
    pub initializer: Initializer,
}

const fn one() -> usize {
    1
}

const fn he() -> Initializer {
    Initializer::HE_NORMAL
}

impl LayerConfig for Conv2dConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, height, width] = image(at, inputs)?;
        let [kernel, stride, padding, dilation] =
            [self.kernel, self.stride, self.padding, self.dilation].map(Size::pair);
        let layer = Conv2d::grouped(at, channels, self)?;
        let reach = [0, 1].map(|i| reach(kernel[i], dilation[i]));
        let [h, w] = windows(at, [height, width], reach, stride, padding)?;
        let macs = product(&[self.channels, h, w, channels / self.groups, kernel[0], kernel[1]]);
        Ok(Built::layer(layer, Form::image(self.channels, h, w), macs))
    }
}

/// Pixels that a kernel spans with its holes; saturates.
const fn reach(kernel: usize, dilation: usize) -> usize {
    kernel.saturating_sub(1).saturating_mul(dilation).saturating_add(if kernel == 0 { 0 } else { 1 })
}

/// A [`ConvBlock`] in a configuration: `{kind: conv-block, channels: 32, kernel: 3, pool: max}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ConvBlockConfig {
    /// Channels of the output.
    pub channels: usize,
    /// Height and width of the kernel, odd.
    pub kernel: usize,
    /// What follows the ReLU.
    #[serde(default)]
    pub pool: Pool,
}

/// What follows the ReLU of a [`ConvBlock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// Nothing: the image keeps its size.
    #[default]
    None,
    /// The largest of 2 × 2 pixels.
    Max,
}

impl LayerConfig for ConvBlockConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [channels, height, width] = image(at, inputs)?;
        let (pool, output) = match self.pool {
            Pool::None => (BlockPool::None, Form::image(self.channels, height, width)),
            Pool::Max => (BlockPool::Max2x2, Form::image(self.channels, height / 2, width / 2)),
        };
        let layer = ConvBlock::new(at, channels, self.channels, self.kernel, pool)?;
        let macs = product(&[self.channels, height, width, channels, self.kernel, self.kernel]);
        Ok(Built::layer(layer, output, macs))
    }
}

/// Convolution (cross-correlation) with bias:
/// y_{n,o,i,j} = b_o + Σ_{c,u,v} w_{o,c,u,v} · x_{n, c, i·stride + u·dilation − padding, j·stride + v·dilation − padding}, 0
/// outside x, with c over the channels of o's group.
///
/// | | shape |
/// |---|---|
/// | input | `[N, in, H, W]` |
/// | weight, bias | `[out, in / groups, kh, kw]`, `[out]` |
/// | output | `[N, out, H′, W′]` with H′ = ⌊(H + 2·padding − dilation·(kh − 1) − 1) / stride⌋ + 1, W′ likewise |
///
/// Sources: groups, Krizhevsky, Sutskever & Hinton, "ImageNet Classification with Deep Convolutional Neural Networks", 2012,
/// sec. 3.2; dilation, Yu & Koltun, "Multi-Scale Context Aggregation by Dilated Convolutions", ICLR 2016, eq. 2.
#[derive(Debug, Clone)]
pub struct Conv2d {
    path: String,
    inputs: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
    weight: ParameterId,
    bias: ParameterId,
}

impl Conv2d {
    /// A layer of one group without holes, with the bias at 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a stride of 0; otherwise as [`Builder::parameter`].
    pub fn new(
        builder: &Builder,
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        initializer: Initializer,
    ) -> Result<Self, Error> {
        let [kernel, stride, padding] = [kernel, stride, padding].map(Size::Pair);
        let (dilation, groups) = (Size::one(), 1);
        let config = Conv2dConfig { channels: outputs, kernel, stride, padding, dilation, groups, initializer };
        Self::grouped(builder, inputs, &config)
    }

    /// A layer for images of `inputs` channels as `config` describes it.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a stride or dilation of 0, or groups that do not divide the channels; otherwise as
    /// [`Builder::parameter`].
    pub fn grouped(builder: &Builder, inputs: usize, config: &Conv2dConfig) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        let [kernel, stride, padding, dilation] =
            [config.kernel, config.stride, config.padding, config.dilation].map(Size::pair);
        let (outputs, groups) = (config.channels, config.groups);
        check_stride(&path, stride)?;
        if dilation.contains(&0) {
            let message = format!("dilation {dilation:?} must be at least 1 in each direction; 1 leaves no holes");
            return Err(Error::hyperparameter(&path, message));
        }
        if groups == 0 || !inputs.is_multiple_of(groups) || !outputs.is_multiple_of(groups) {
            let message = format!(
                "{inputs} channels in and {outputs} out cannot both be cut into {groups} groups; choose a common divisor"
            );
            return Err(Error::hyperparameter(&path, message));
        }
        let shape = [outputs, inputs / groups, kernel[0], kernel[1]];
        // An input channel feeds the outputs of its own group only.
        let fans = Fans::of(&[outputs / groups, inputs / groups, kernel[0], kernel[1]]);
        let weight = builder.parameter_with_fans("weight", &shape, fans, Role::Weight, config.initializer)?;
        let bias = builder.parameter("bias", &[outputs], Role::Bias, Initializer::Zeros)?;
        Ok(Self { path, inputs, kernel, stride, padding, dilation, groups, weight, bias })
    }
}

impl<S: Scalar> Layer<S> for Conv2d {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let least = [0, 1].map(|i| reach(self.kernel[i], self.dilation[i]));
        check_image(&self.path, x, self.inputs, least, self.padding)?;
        let (weight, bias) = (ctx.parameter(self.weight), ctx.parameter(self.bias));
        let feedback = ctx.feedback(self.weight);
        if self.groups == 1 && self.dilation == [1, 1] {
            return match feedback {
                None => x.conv2d(weight, Some(bias), self.stride, self.padding),
                Some(feedback) => x.conv2d_with_feedback(weight, Some(bias), self.stride, self.padding, feedback),
            }
            .at(&self.path);
        }
        if feedback.is_some() {
            let message = "feedback alignment takes convolutions of one group without holes; use groups 1, dilation 1";
            return Err(Error::hyperparameter(&self.path, message));
        }
        let y = x.grouped_conv2d(weight, self.stride, self.padding, self.dilation, self.groups).at(&self.path)?;
        let bias = bias.reshape(&[bias.shape().len(), 1, 1]).at(&self.path)?;
        y.add(bias).at(&self.path)
    }
}

/// Transposed convolution with bias, the adjoint of [`Conv2d`] in its input: each x_{n,c,i,j} adds
/// w_{c,o,u,v} · x_{n,c,i,j} to y_{n, o, i·stride + u − padding, j·stride + v − padding}.
///
/// | | shape |
/// |---|---|
/// | input | `[N, in, H, W]` |
/// | weight, bias | `[in, out, kh, kw]`, `[out]` |
/// | output | `[N, out, H′, W′]` with H′ = (H − 1)·stride + kh − 2·padding + output_padding, W′ likewise |
///
/// The output padding picks one of the `stride` sizes that the convolution maps to H; it is below the stride.
#[derive(Debug, Clone)]
pub struct ConvTranspose2d {
    path: String,
    inputs: usize,
    stride: [usize; 2],
    padding: [usize; 2],
    output_padding: [usize; 2],
    weight: ParameterId,
    bias: ParameterId,
}

impl ConvTranspose2d {
    /// A layer with the bias at 0; its fans are those of [`Fans::of_transposed`].
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a stride of 0, a padding above kernel − 1, or an output padding that is not below
    /// the stride; otherwise as [`Builder::parameter`].
    pub fn new(
        builder: &Builder,
        inputs: usize,
        outputs: usize,
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 2],
        output_padding: [usize; 2],
        initializer: Initializer,
    ) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        check_stride(&path, stride)?;
        for axis in 0..2 {
            if output_padding[axis] >= stride[axis] {
                let message = format!("output padding {output_padding:?} must be below the stride {stride:?}");
                return Err(Error::hyperparameter(&path, message));
            }
            if padding[axis] >= kernel[axis] {
                let message = format!("padding {padding:?} must be below the kernel {kernel:?}");
                return Err(Error::hyperparameter(&path, message));
            }
        }
        let shape = [inputs, outputs, kernel[0], kernel[1]];
        let fans = Fans::of_transposed(&shape, stride);
        let weight = builder.parameter_with_fans("weight", &shape, fans, Role::Weight, initializer)?;
        let bias = builder.parameter("bias", &[outputs], Role::Bias, Initializer::Zeros)?;
        Ok(Self { path, inputs, stride, padding, output_padding, weight, bias })
    }
}

impl<S: Scalar> Layer<S> for ConvTranspose2d {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        check_image(&self.path, x, self.inputs, [1, 1], [0, 0])?;
        let (weight, bias) = (ctx.parameter(self.weight), ctx.parameter(self.bias));
        x.conv_transpose2d(weight, Some(bias), self.stride, self.padding, self.output_padding).at(&self.path)
    }
}

/// Convolution, ReLU and, if asked for, 2 × 2 max-pooling in one pass: y = pool(max(0, conv(x, w) + b)).
///
/// The convolution has stride 1 and the padding (k − 1) / 2 that keeps the image's size; the pooling has stride 2 and
/// drops an odd last row or column.
///
/// | | shape |
/// |---|---|
/// | input | `[N, in, H, W]` |
/// | weight, bias | `[out, in, k, k]`, `[out]` |
/// | output | `[N, out, H, W]`, pooled `[N, out, ⌊H/2⌋, ⌊W/2⌋]` |
#[derive(Debug, Clone)]
pub struct ConvBlock {
    path: String,
    inputs: usize,
    kernel: usize,
    pool: BlockPool,
    weight: ParameterId,
    bias: ParameterId,
}

impl ConvBlock {
    /// A layer with weights from He's normal distribution and the bias at 0.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for an even kernel; otherwise as [`Builder::parameter`].
    pub fn new(
        builder: &Builder,
        inputs: usize,
        outputs: usize,
        kernel: usize,
        pool: BlockPool,
    ) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        if kernel.is_multiple_of(2) {
            let message = format!("kernel {kernel} must be odd, so that the image keeps its size");
            return Err(Error::hyperparameter(&path, message));
        }
        let shape = [outputs, inputs, kernel, kernel];
        let weight = builder.parameter("weight", &shape, Role::Weight, Initializer::HE_NORMAL)?;
        let bias = builder.parameter("bias", &[outputs], Role::Bias, Initializer::Zeros)?;
        Ok(Self { path, inputs, kernel, pool, weight, bias })
    }
}

impl<S: Scalar> Layer<S> for ConvBlock {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let least = if self.pool == BlockPool::Max2x2 { [2, 2] } else { [1, 1] };
        check_image(&self.path, x, self.inputs, least, [0, 0])?;
        let (weight, bias) = (ctx.parameter(self.weight), ctx.parameter(self.bias));
        x.conv_block(weight, bias, [1, 1], [self.kernel / 2; 2], self.pool).at(&self.path)
    }
}

fn check_stride(path: &str, stride: [usize; 2]) -> Result<(), Error> {
    if stride.contains(&0) {
        return Err(Error::hyperparameter(path, format!("stride {stride:?} must be at least 1 in each direction")));
    }
    Ok(())
}

/// `x` is `[N, channels, H, W]` with padded sides not below `least`.
fn check_image<S: Scalar>(
    path: &str,
    x: Var<'_, S>,
    channels: usize,
    least: [usize; 2],
    padding: [usize; 2],
) -> Result<(), Error> {
    let shape = x.shape();
    match *shape.dims() {
        [_, c, h, w] if c == channels && (0..2).all(|i| [h, w][i] + 2 * padding[i] >= least[i]) => Ok(()),
        _ => {
            let least = [0, 1].map(|i| least[i].saturating_sub(2 * padding[i]).max(1));
            let expected = format!("[N, {channels}, H >= {}, W >= {}]", least[0], least[1]);
            Err(Error::input(path, expected, shape.dims(), "pass images of that many channels, large enough"))
        }
    }
}
