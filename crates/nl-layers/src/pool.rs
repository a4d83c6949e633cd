//! Pooling of images.

use nl_autodiff::{Scalar, Var};

use crate::error::At;
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
