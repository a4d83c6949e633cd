//! Pooling of images.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, Size, image, only, windows};
use crate::{Builder, Context, Error, Layer};

#[derive(Debug, Clone)]
struct Window {
    path: String,
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 2],
}

impl Window {
    fn new(builder: &Builder, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self, Error> {
        let path = builder.path().to_owned();
        if kernel.contains(&0) || stride.contains(&0) || (0..2).any(|i| padding[i] > kernel[i] / 2) {
            let message = format!(
                "kernel {kernel:?} and stride {stride:?} must be at least 1, padding {padding:?} at most half the kernel"
            );
            return Err(Error::Hyperparameter { path, message });
        }
        Ok(Self { path, kernel, stride, padding })
    }

    fn check<S: Scalar>(&self, x: Var<'_, S>) -> Result<(), Error> {
        let shape = x.shape();
        match *shape.dims() {
            [_, _, h, w] if (0..2).all(|i| [h, w][i] + 2 * self.padding[i] >= self.kernel[i]) => Ok(()),
            _ => {
                let least = [0, 1].map(|i| (self.kernel[i] - 2 * self.padding[i]).max(1));
                let expected = format!("[N, C, H >= {}, W >= {}]", least[0], least[1]);
                Err(Error::input(&self.path, expected, shape.dims(), "pass images at least as large as the window"))
            }
        }
    }
}

/// Max-pooling: y_{n,c,i,j} = max_{u,v} x_{n, c, i·stride + u − padding, j·stride + v − padding}, −∞ outside x.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]` |
/// | output | `[N, C, H′, W′]` with H′ = ⌊(H + 2·padding − kh) / stride⌋ + 1, W′ likewise |
#[derive(Debug, Clone)]
pub struct MaxPool2d(Window);

impl MaxPool2d {
    /// A layer with the given window.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a kernel or stride of 0, or a padding above half the kernel.
    pub fn new(builder: &Builder, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self, Error> {
        Window::new(builder, kernel, stride, padding).map(Self)
    }
}

impl<S: Scalar> Layer<S> for MaxPool2d {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        self.0.check(x)?;
        x.max_pool2d(self.0.kernel, self.0.stride, self.0.padding).at(&self.0.path)
    }
}

/// Average-pooling: y_{n,c,i,j} = 1 / (kh · kw) Σ_{u,v} x_{n, c, i·stride + u − padding, j·stride + v − padding}; the
/// padding counts as zeros.
///
/// | | shape |
/// |---|---|
/// | input | `[N, C, H, W]` |
/// | output | `[N, C, H′, W′]` with H′ = ⌊(H + 2·padding − kh) / stride⌋ + 1, W′ likewise |
#[derive(Debug, Clone)]
pub struct AvgPool2d(Window);

impl AvgPool2d {
    /// A layer with the given window.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a kernel or stride of 0, or a padding above half the kernel.
    pub fn new(builder: &Builder, kernel: [usize; 2], stride: [usize; 2], padding: [usize; 2]) -> Result<Self, Error> {
        Window::new(builder, kernel, stride, padding).map(Self)
    }
}

impl<S: Scalar> Layer<S> for AvgPool2d {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        self.0.check(x)?;
        x.avg_pool2d(self.0.kernel, self.0.stride, self.0.padding).at(&self.0.path)
    }
}

/// A [`MaxPool2d`] in a configuration: `{kind: max-pool2d, kernel: 2}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct MaxPool2dConfig {
    /// Height and width of the window.
    pub kernel: Size,
    /// Pixels from one window to the next; without it those of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Size>,
    /// Pixels around the image that are never the largest.
    #[serde(default = "Size::zero")]
    pub padding: Size,
}

impl LayerConfig for MaxPool2dConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let ([kernel, stride, padding], output) = window(at, inputs, self.kernel, self.stride, self.padding)?;
        Ok(Built::layer(MaxPool2d::new(at, kernel, stride, padding)?, output, 0))
    }
}

/// An [`AvgPool2d`] in a configuration: `{kind: avg-pool2d, kernel: 2}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AvgPool2dConfig {
    /// Height and width of the window.
    pub kernel: Size,
    /// Pixels from one window to the next; without it those of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stride: Option<Size>,
    /// Zeros around the image.
    #[serde(default = "Size::zero")]
    pub padding: Size,
}

impl LayerConfig for AvgPool2dConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let ([kernel, stride, padding], output) = window(at, inputs, self.kernel, self.stride, self.padding)?;
        Ok(Built::layer(AvgPool2d::new(at, kernel, stride, padding)?, output, 0))
    }
}

/// Kernel, stride, padding, and what comes out.
fn window(
    at: &Builder,
    inputs: &[Form],
    kernel: Size,
    stride: Option<Size>,
    padding: Size,
) -> Result<([[usize; 2]; 3], Form), Error> {
    let [channels, height, width] = image(at, inputs)?;
    let sizes = [kernel, stride.unwrap_or(kernel), padding].map(Size::pair);
    let [h, w] = windows(at, [height, width], sizes[0], sizes[1], sizes[2])?;
    Ok((sizes, Form::image(channels, h, w)))
}

/// The mean of each channel over all pixels, `[B, C, H, W]` to `[B, C]`, or of each feature over all steps, `[T, B, F]` to
/// `[B, F]`.
#[derive(Debug, Clone)]
pub struct GlobalAvgPool {
    path: String,
    axes: &'static [usize],
}

/// A [`GlobalAvgPool`] in a configuration: `{kind: global-avg-pool}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GlobalAvgPoolConfig {}

impl LayerConfig for GlobalAvgPoolConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let (axes, features) = match (form.as_image(), form.as_sequence()) {
            (Some([channels, ..]), _) => (&[2, 3][..], channels),
            (_, Some([_, features])) => (&[0][..], features),
            _ => {
                let help = "it averages over the pixels of images and the steps of sequences";
                return Err(Error::input(at.path(), "[B, C, H, W] or [T, B, F]", &form.batched(1), help));
            }
        };
        Ok(Built::layer(GlobalAvgPool { path: at.path().to_owned(), axes }, Form::features(features), 0))
    }
}

impl<S: Scalar> Layer<S> for GlobalAvgPool {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        x.mean_axes(self.axes, KeepDims::No).at(&self.path)
    }
}
