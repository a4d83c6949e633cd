//! Two-dimensional convolution: forward, data gradient, weight gradient, and the fused block.
//!
//! 3×3 kernels of stride 1 and padding 1 go through [`winograd`], all others through [`im2col`]; both are written in
//! the operations of a [`vector`], bring channels into lanes by [`layout`] and multiply by [`product`]. Grouped, dilated and
//! local convolutions are computed by their definition, images in lanes, in [`direct`].
//!
//! At a given level the result is a function of the operands alone. y and dx of an image do not depend on the other
//! images of the batch, to the bit; dw and db are summed over the batch in a fixed order.

mod block;
mod compiled;
mod direct;
mod im2col;
mod layout;
#[cfg(test)]
mod naive;
mod product;
mod tree;
mod vector;
mod winograd;

pub(crate) use compiled::Compiled;

pub use block::{ConvBlock, conv_block, conv_block_at, conv_block_grad, conv_block_grad_at};
pub use direct::{DirectConv2d, direct_conv2d, direct_conv2d_grad_input, direct_conv2d_grad_weight};

use crate::error::check_len;
use crate::size::{elements, padded, product, windows};
use crate::{Float, Level, Scratch, ShapeError};

/// The sizes of a two-dimensional convolution (in the sense of the field: a cross-correlation).
///
/// Images are `[batch, channels, height, width]`, weights `[out_channels, in_channels, kernel height, kernel width]`.
/// out = ⌊(in + 2·padding − kernel) / stride⌋ + 1 along each axis; the padding is zeros.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Conv2d {
    /// Images; may be 0.
    pub batch: usize,
    /// Channels of the input.
    pub in_channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Channels of the output.
    pub out_channels: usize,
    /// Rows and columns of the kernel.
    pub kernel: [usize; 2],
    /// Step between two windows, down and across.
    pub stride: [usize; 2],
    /// Zeros added on each side, above/below and left/right.
    pub padding: [usize; 2],
}

impl Conv2d {
    /// Whether these sizes describe a convolution.
    ///
    /// # Errors
    /// [`ShapeError::Invalid`] if a size other than `batch` or `padding` is zero, the kernel is larger than the padded
    /// input, or a length overflows.
    pub fn validate(&self) -> Result<(), ShapeError> {
        let invalid = |message: String| Err(ShapeError::Invalid { op: "conv2d", message });
        let sizes = [self.in_channels, self.height, self.width, self.out_channels];
        if sizes.contains(&0) || self.kernel.contains(&0) || self.stride.contains(&0) {
            return invalid(format!("{self:?}: only `batch` and `padding` may be 0"));
        }
        let (Some(height), Some(width)) = (padded(self.height, self.padding[0]), padded(self.width, self.padding[1]))
        else {
            return invalid(format!("{self:?}: the padded size overflows; use less padding"));
        };
        if self.kernel[0] > height || self.kernel[1] > width {
            return invalid(format!(
                "kernel {:?} is larger than the padded input [{height}, {width}]; use a smaller kernel or more padding",
                self.kernel
            ));
        }
        // Sizes of an empty batch are held to the same as those of one image.
        let (op, batch, size) = ("conv2d", self.batch.max(1), size_of::<f64>());
        let (down, across) = (self.out_height(), self.out_width());
        let [kh, kw] = self.kernel;
        product(op, "the patches of an image", &[self.in_channels, kh, kw, down, across, size])?;
        product(op, "the input", &[batch, self.in_channels, self.height, self.width, size])?;
        product(op, "the output", &[batch, self.out_channels, down, across, size])?;
        product(op, "the weights", &[self.out_channels, self.in_channels, kh, kw, size])?;
        Ok(())
    }

    /// Rows of the output; 0 if no window fits or a size overflows.
    #[must_use]
    pub const fn out_height(&self) -> usize {
        windows(self.height, self.padding[0], self.kernel[0], self.stride[0])
    }

    /// Columns of the output; 0 if no window fits or a size overflows.
    #[must_use]
    pub const fn out_width(&self) -> usize {
        windows(self.width, self.padding[1], self.kernel[1], self.stride[1])
    }

    /// Elements of the input `[batch, in_channels, height, width]`; `usize::MAX` if that is more.
    #[must_use]
    pub const fn input_len(&self) -> usize {
        elements(&[self.batch, self.in_channels, self.height, self.width])
    }

    /// Elements of the weights `[out_channels, in_channels, kernel[0], kernel[1]]`.
    #[must_use]
    pub const fn weight_len(&self) -> usize {
        elements(&[self.out_channels, self.in_channels, self.kernel[0], self.kernel[1]])
    }

    /// Elements of the output `[batch, out_channels, out_height, out_width]`.
    #[must_use]
    pub const fn output_len(&self) -> usize {
        elements(&[self.batch, self.out_channels, self.out_height(), self.out_width()])
    }
}

/// What happens to z = x ⋆ w + bias before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Finish {
    /// max(z, 0).
    relu: bool,
    /// The maximum of each 2×2 window; only with `relu`.
    pool: bool,
}

impl Finish {
    const PLAIN: Self = Self { relu: false, pool: false };

    /// Outputs down (and across) that a 4×4 tile of z becomes.
    const fn tile(self) -> usize {
        if self.pool { 2 } else { 4 }
    }

    /// Rows and columns of the output.
    const fn size(self, s: &Conv2d) -> [usize; 2] {
        let by = if self.pool { 2 } else { 1 };
        [s.out_height() / by, s.out_width() / by]
    }
}

/// y = x ⋆ w + bias: `y[n,o,i,j] = bias[o] + Σ_c,u,v x[n, c, i·s + u − p, j·s + v − p] · w[o,c,u,v]`; overwrites `y`.
///
/// `x`: `[batch, in_channels, height, width]`, `w`: `[out_channels, in_channels, kernel…]`, `bias`: `[out_channels]`,
/// `y`: `[batch, out_channels, out_height, out_width]`.
///
/// 3×3 kernels of stride 1 and padding 1 are computed, forward and backward, by Winograd's minimal filtering F(4×4, 3×3)
/// (Lavin & Gray 2016, "Fast algorithms for convolutional neural networks"), whose rounding error is up to
/// 5 ε · max Σ|x||w|, about twice that of the direct sum.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Conv2d, Scratch, conv2d};
/// let shape = Conv2d { batch: 1, in_channels: 1, height: 2, width: 3, out_channels: 1, kernel: [1, 2], stride: [1, 1],
///     padding: [0, 0] };
/// let mut y = [0.0; 4];
/// conv2d(&shape, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[10.0, 1.0], None, &mut y, &mut Scratch::new())?;
/// assert_eq!(y, [12.0, 23.0, 45.0, 56.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn conv2d<T: Float>(
    shape: &Conv2d,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    conv2d_at(Level::current(), shape, x, w, bias, y, scratch)
}

/// [`conv2d`] at a given level (capped at what the CPU has).
///
/// # Errors
/// As [`conv2d`].
#[doc(hidden)]
pub fn conv2d_at<T: Float>(
    level: Level,
    shape: &Conv2d,
    x: &[T],
    w: &[T],
    bias: Option<&[T]>,
    y: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "conv2d";
    shape.validate()?;
    check_len(OP, "x", x.len(), shape.input_len())?;
    check_len(OP, "w", w.len(), shape.weight_len())?;
    check_len(OP, "y", y.len(), shape.output_len())?;
    if let Some(bias) = bias {
        check_len(OP, "bias", bias.len(), shape.out_channels)?;
    }
    if shape.batch == 0 {
        return Ok(());
    }
    let finish = Finish::PLAIN;
    if winograd::applies(shape) {
        winograd::Forward { op: OP, shape, x, w, bias, finish, y, argmax: None, scratch }.start(level)
    } else {
        im2col::Forward { op: OP, shape, x, w, bias, finish, y, scratch }.start(level)
    }
}

/// dx = dL/dx given dy = dL/dy of [`conv2d`]: the transposed convolution of `dy` with `w`; overwrites `dx`.
///
/// A transposed convolution with weights `[in, out, kh, kw]` is this function on the mirrored [`Conv2d`], whose
/// `in_channels` and input size are the transposed convolution's output.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Conv2d, Scratch, conv2d_grad_input};
/// let shape = Conv2d { batch: 1, in_channels: 1, height: 1, width: 3, out_channels: 1, kernel: [1, 2], stride: [1, 1],
///     padding: [0, 0] };
/// let mut dx = [0.0; 3];
/// conv2d_grad_input(&shape, &[1.0, 2.0], &[10.0, 1.0], &mut dx, &mut Scratch::new())?;
/// assert_eq!(dx, [10.0, 21.0, 2.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn conv2d_grad_input<T: Float>(
    shape: &Conv2d,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    conv2d_grad_input_at(Level::current(), shape, dy, w, dx, scratch)
}

/// [`conv2d_grad_input`] at a given level (capped at what the CPU has).
///
/// # Errors
/// As [`conv2d_grad_input`].
#[doc(hidden)]
pub fn conv2d_grad_input_at<T: Float>(
    level: Level,
    shape: &Conv2d,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "conv2d_grad_input";
    shape.validate()?;
    check_len(OP, "dy", dy.len(), shape.output_len())?;
    check_len(OP, "w", w.len(), shape.weight_len())?;
    check_len(OP, "dx", dx.len(), shape.input_len())?;
    if shape.batch == 0 {
        return Ok(());
    }
    let (finish, input) = (Finish::PLAIN, Some((w, dx)));
    if winograd::applies(shape) {
        let (y, argmax) = (&[], &[]);
        winograd::Backward { op: OP, shape, finish, y, argmax, dy, input, weight: None, db: None, scratch }.start(level)
    } else {
        im2col::Backward { op: OP, shape, finish, y: &[], dy, input, weight: None, db: None, scratch }.start(level)
    }
}

/// dw = dL/dw given dy = dL/dy of [`conv2d`], summed over the batch; overwrites `dw`.
///
/// `dw[o,c,u,v] = Σ_n,i,j x[n, c, i·s + u − p, j·s + v − p] · dy[n,o,i,j]`
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Conv2d, Scratch, conv2d_grad_weight};
/// let shape = Conv2d { batch: 1, in_channels: 1, height: 1, width: 3, out_channels: 1, kernel: [1, 2], stride: [1, 1],
///     padding: [0, 0] };
/// let mut dw = [0.0; 2];
/// conv2d_grad_weight(&shape, &[1.0, 2.0, 3.0], &[10.0, 1.0], &mut dw, &mut Scratch::new())?;
/// assert_eq!(dw, [12.0, 23.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn conv2d_grad_weight<T: Float>(
    shape: &Conv2d,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    conv2d_grad_weight_at(Level::current(), shape, x, dy, dw, scratch)
}

/// [`conv2d_grad_weight`] at a given level (capped at what the CPU has).
///
/// # Errors
/// As [`conv2d_grad_weight`].
#[doc(hidden)]
pub fn conv2d_grad_weight_at<T: Float>(
    level: Level,
    shape: &Conv2d,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "conv2d_grad_weight";
    shape.validate()?;
    check_len(OP, "x", x.len(), shape.input_len())?;
    check_len(OP, "dy", dy.len(), shape.output_len())?;
    check_len(OP, "dw", dw.len(), shape.weight_len())?;
    if shape.batch == 0 {
        dw.fill(T::ZERO);
        return Ok(());
    }
    let (finish, weight) = (Finish::PLAIN, Some((x, dw)));
    if winograd::applies(shape) {
        let (y, argmax) = (&[], &[]);
        winograd::Backward { op: OP, shape, finish, y, argmax, dy, input: None, weight, db: None, scratch }.start(level)
    } else {
        im2col::Backward { op: OP, shape, finish, y: &[], dy, input: None, weight, db: None, scratch }.start(level)
    }
}

#[cfg(test)]
mod tests;
