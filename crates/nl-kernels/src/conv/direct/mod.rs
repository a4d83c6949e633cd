//! Convolution by its definition, sixteen images at a time: for what the fast ways do not know. Channels in groups, kernels with
//! holes, and weights that are not shared between positions (local connections).
//!
//! The images of a block lie in lanes, `[channel, row, column, image]`, so that each product of the definition is one vector
//! operation, whatever the kernel, and none is spent on what a group does not see. No product is fused with its sum, and sums
//! have a fixed order: the same bits at every level; y and dx of an image do not depend on the other images.

mod forward;
mod grad_input;
mod grad_weight;
mod plan;
#[cfg(test)]
mod tests;

use self::forward::Forward;
use self::grad_input::GradInput;
use self::grad_weight::GradWeight;
use self::plan::{LANES, Plan};
use super::Conv2d;
use crate::size::{elements, padded, product, windows};
use crate::{Float, Level, Scratch, ShapeError};

/// The sizes of a convolution whose channels are in groups, whose kernel has holes, or whose weights belong to one position.
///
/// With `groups` g, output channel o sees the input channels of its group only, `in_channels / g` of them; with as many groups as
/// channels each is filtered on its own (depth-wise). With `dilation` d, taps are d cells apart.
///
/// | | weights |
/// |---|---|
/// | shared | `[out_channels, in_channels / groups, kernel…]` |
/// | local | `[out_height, out_width, out_channels, in_channels / groups, kernel…]` |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DirectConv2d {
    /// Sizes of images and kernel; the kernel is counted without its holes.
    pub conv: Conv2d,
    /// Cells from one tap to the next, down and across; 1: no holes.
    pub dilation: [usize; 2],
    /// Groups of channels; 1: every output sees every input.
    pub groups: usize,
    /// Whether each position has weights of its own.
    pub local: bool,
}

impl DirectConv2d {
    /// Whether these sizes describe a convolution.
    ///
    /// # Errors
    /// [`ShapeError::Invalid`] if a size other than `batch` or `padding` is zero, the groups do not divide the channels, the
    /// kernel with its holes is larger than the padded input, or a length overflows.
    pub fn validate(&self) -> Result<(), ShapeError> {
        const OP: &str = "direct_conv2d";
        let invalid = |message: String| Err(ShapeError::Invalid { op: OP, message });
        let s = &self.conv;
        let sizes = [s.in_channels, s.height, s.width, s.out_channels, self.groups];
        if [&sizes[..], &s.kernel, &s.stride, &self.dilation].iter().any(|all| all.contains(&0)) {
            return invalid(format!("{self:?}: only `batch` and `padding` may be 0"));
        }
        if !s.in_channels.is_multiple_of(self.groups) || !s.out_channels.is_multiple_of(self.groups) {
            return invalid(format!(
                "{} channels in and {} out cannot both be cut into {} groups; choose a common divisor",
                s.in_channels, s.out_channels, self.groups
            ));
        }
        let (Some(height), Some(width)) = (padded(s.height, s.padding[0]), padded(s.width, s.padding[1])) else {
            return invalid(format!("{self:?}: the padded size overflows; use less padding"));
        };
        let reach = self.reach();
        if reach[0] > height || reach[1] > width {
            return invalid(format!(
                "kernel {:?} with dilation {:?} is larger than the padded input [{height}, {width}]; use a smaller kernel or \
                 more padding",
                s.kernel, self.dilation
            ));
        }
        let (batch, size) = (s.batch.max(1), LANES * size_of::<f64>());
        let (down, across) = (self.out_height(), self.out_width());
        product(OP, "a block of images", &[s.in_channels, height, width, size])?;
        product(OP, "a block of outputs", &[s.out_channels, down, across, size])?;
        product(OP, "the input", &[batch, s.in_channels, s.height, s.width, size_of::<f64>()])?;
        product(OP, "the output", &[batch, s.out_channels, down, across, size_of::<f64>()])?;
        let places = if self.local { [down, across] } else { [1, 1] };
        product(OP, "the weights", &[places[0], places[1], s.out_channels, self.taps(), size])?;
        Ok(())
    }

    /// Cells that the kernel spans with its holes; saturates.
    const fn reach(&self) -> [usize; 2] {
        let [kh, kw] = self.conv.kernel;
        [
            self.dilation[0].saturating_mul(kh.saturating_sub(1)).saturating_add(1),
            self.dilation[1].saturating_mul(kw.saturating_sub(1)).saturating_add(1),
        ]
    }

    /// Rows of the output; 0 if no window fits or a size overflows.
    #[must_use]
    pub const fn out_height(&self) -> usize {
        windows(self.conv.height, self.conv.padding[0], self.reach()[0], self.conv.stride[0])
    }

    /// Columns of the output; 0 if no window fits or a size overflows.
    #[must_use]
    pub const fn out_width(&self) -> usize {
        windows(self.conv.width, self.conv.padding[1], self.reach()[1], self.conv.stride[1])
    }

    /// Terms in the sum of one output; `usize::MAX` if that is more.
    #[must_use]
    pub const fn taps(&self) -> usize {
        let channels = match self.conv.in_channels.checked_div(self.groups) {
            Some(channels) => channels,
            None => 0,
        };
        elements(&[channels, self.conv.kernel[0], self.conv.kernel[1]])
    }

    /// Elements of the weights; `usize::MAX` if that is more.
    #[must_use]
    pub const fn weight_len(&self) -> usize {
        let places = if self.local { [self.out_height(), self.out_width()] } else { [1, 1] };
        elements(&[places[0], places[1], self.conv.out_channels, self.taps()])
    }

    /// Elements of the output; `usize::MAX` if that is more.
    #[must_use]
    pub const fn output_len(&self) -> usize {
        elements(&[self.conv.batch, self.conv.out_channels, self.out_height(), self.out_width()])
    }
}

/// y = x ⋆ w by its definition: `y[n,o,i,j] = Σ_c,u,v x[n, c, i·s + u·d − p, j·s + v·d − p] · w[o,c,u,v]`, c over the channels of
/// o's group, and `w[i,j,o,c,u,v]` for local weights; overwrites `y`.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Conv2d, DirectConv2d, Scratch, direct_conv2d};
/// let conv = Conv2d { batch: 1, in_channels: 1, height: 1, width: 3, out_channels: 1, kernel: [1, 2], stride: [1, 1],
///     padding: [0, 0] };
/// let local = DirectConv2d { conv, dilation: [1, 1], groups: 1, local: true };
/// let mut y = [0.0; 2];
/// direct_conv2d(&local, &[1.0, 2.0, 3.0], &[1.0, 10.0, 2.0, 20.0], &mut y, &mut Scratch::new())?;
/// assert_eq!(y, [21.0, 64.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn direct_conv2d<T: Float>(
    shape: &DirectConv2d,
    x: &[T],
    w: &[T],
    y: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "direct_conv2d";
    let plan = Plan::new(OP, shape, x.len(), w.len(), y.len())?;
    let mut buffers = scratch.take_all(OP, [plan.input, plan.output])?;
    let [images, outputs] = &mut buffers;
    Level::current().dispatch(Forward { plan, x, w, y, images, outputs });
    scratch.give_all(buffers);
    Ok(())
}

/// dx of [`direct_conv2d`]: each dy goes back through the weights it came by; overwrites `dx`.
///
/// # Errors
/// As [`direct_conv2d`].
pub fn direct_conv2d_grad_input<T: Float>(
    shape: &DirectConv2d,
    dy: &[T],
    w: &[T],
    dx: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "direct_conv2d_grad_input";
    let plan = Plan::new(OP, shape, dx.len(), w.len(), dy.len())?;
    let mut buffers = scratch.take_all(OP, [plan.input, plan.output])?;
    let [images, outputs] = &mut buffers;
    Level::current().dispatch(GradInput { plan, dy, w, dx, images, outputs });
    scratch.give_all(buffers);
    Ok(())
}

/// dw of [`direct_conv2d`]: Σ over images (and, for shared weights, positions) of x dy; overwrites `dw`.
///
/// # Errors
/// As [`direct_conv2d`].
pub fn direct_conv2d_grad_weight<T: Float>(
    shape: &DirectConv2d,
    x: &[T],
    dy: &[T],
    dw: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "direct_conv2d_grad_weight";
    let plan = Plan::new(OP, shape, x.len(), dw.len(), dy.len())?;
    let mut buffers = scratch.take_all(OP, [plan.input, plan.output, plan.weights])?;
    let [images, outputs, weights] = &mut buffers;
    Level::current().dispatch(GradWeight { plan, x, dy, dw, images, outputs, weights });
    scratch.give_all(buffers);
    Ok(())
}
