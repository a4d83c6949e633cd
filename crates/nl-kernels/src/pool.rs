//! Max and average pooling over image planes, with their gradients.

use crate::error::check_len;
use crate::{Float, ShapeError};

/// The sizes of a pooling: a window that slides over each `[height, width]` plane.
///
/// out = ⌊(in + 2·padding − kernel) / stride⌋ + 1 along each axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pool2d {
    /// Images; may be 0.
    pub batch: usize,
    /// Channels.
    pub channels: usize,
    /// Rows of the input.
    pub height: usize,
    /// Columns of the input.
    pub width: usize,
    /// Rows and columns of the window.
    pub kernel: [usize; 2],
    /// Step between two windows, down and across.
    pub stride: [usize; 2],
    /// Cells added on each side: −∞ for the maximum, 0 for the average. At most half the window.
    pub padding: [usize; 2],
}

impl Pool2d {
    /// Whether these sizes describe a pooling.
    ///
    /// # Errors
    /// [`ShapeError::Invalid`] if a size other than `batch` or `padding` is zero, the padding exceeds half the window,
    /// the window exceeds the padded input, or a length overflows.
    pub fn validate(&self) -> Result<(), ShapeError> {
        let invalid = |message: String| Err(ShapeError::Invalid { op: "pool2d", message });
        if [self.channels, self.height, self.width].contains(&0) || self.kernel.contains(&0) || self.stride.contains(&0)
        {
            return invalid(format!("{self:?}: only `batch` and `padding` may be 0"));
        }
        let input = [self.height, self.width];
        for axis in 0..2 {
            if self.padding[axis] > self.kernel[axis] / 2 {
                return invalid(format!("padding {:?} exceeds half the window {:?}", self.padding, self.kernel));
            }
            let padded = self.padding[axis].checked_mul(2).and_then(|p| p.checked_add(input[axis]));
            if padded.is_none_or(|padded| self.kernel[axis] > padded) {
                return invalid(format!(
                    "window {:?} is larger than the input {input:?} padded by {:?}; use a smaller window",
                    self.kernel, self.padding
                ));
            }
        }
        // The output is no longer than the padded input.
        let sizes = [self.batch, self.channels, self.height + 2 * self.padding[0], self.width + 2 * self.padding[1], 8];
        if sizes.iter().try_fold(1_usize, |n, &s| n.checked_mul(s)).is_none() {
            return invalid(format!("{self:?}: the number of elements overflows"));
        }
        if u32::try_from(self.height * self.width).is_err() {
            return invalid(format!("a plane of {input:?} has more cells than an index (u32) can name"));
        }
        Ok(())
    }

    /// Rows of the output, if the shape is valid.
    #[must_use]
    pub const fn out_height(&self) -> usize {
        (self.height + 2 * self.padding[0] - self.kernel[0]) / self.stride[0] + 1
    }

    /// Columns of the output, if the shape is valid.
    #[must_use]
    pub const fn out_width(&self) -> usize {
        (self.width + 2 * self.padding[1] - self.kernel[1]) / self.stride[1] + 1
    }

    /// Elements of the input `[batch, channels, height, width]`.
    #[must_use]
    pub const fn input_len(&self) -> usize {
        self.batch * self.channels * self.height * self.width
    }

    /// Elements of the output `[batch, channels, out_height, out_width]`.
    #[must_use]
    pub const fn output_len(&self) -> usize {
        self.batch * self.channels * self.out_height() * self.out_width()
    }

    /// The rows (or columns) of the input that output row (or column) `i` sees: never empty.
    fn window(&self, axis: usize, i: usize) -> core::ops::Range<usize> {
        let size = if axis == 0 { self.height } else { self.width };
        let start = i * self.stride[axis];
        let end = (start + self.kernel[axis] - self.padding[axis]).min(size);
        start.saturating_sub(self.padding[axis])..end
    }
}

/// y = the maximum of each window; `argmax` = its flat index in the input plane, the first of equals. A NaN wins.
///
/// `x`: `[batch, channels, height, width]`; `y`, `argmax`: `[batch, channels, out_height, out_width]`; both overwritten.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Pool2d, max_pool2d};
/// let shape = Pool2d { batch: 1, channels: 1, height: 2, width: 4, kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
/// let (mut y, mut argmax) = ([0.0; 2], [0; 2]);
/// max_pool2d(&shape, &[1.0, 2.0, 3.0, 3.0, 4.0, 0.0, 1.0, 3.0], &mut y, &mut argmax)?;
/// assert_eq!((y, argmax), ([4.0, 3.0], [4, 2]));
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn max_pool2d<T: Float>(shape: &Pool2d, x: &[T], y: &mut [T], argmax: &mut [u32]) -> Result<(), ShapeError> {
    const OP: &str = "max_pool2d";
    shape.validate()?;
    check_len(OP, "x", x.len(), shape.input_len())?;
    check_len(OP, "y", y.len(), shape.output_len())?;
    check_len(OP, "argmax", argmax.len(), shape.output_len())?;
    let plane = shape.height * shape.width;
    let (oh, ow) = (shape.out_height(), shape.out_width());
    for (p, x) in x.chunks_exact(plane).enumerate() {
        for i in 0..oh {
            for j in 0..ow {
                let (rows, columns) = (shape.window(0, i), shape.window(1, j));
                let mut place = rows.start * shape.width + columns.start;
                let mut best = x[place];
                for row in rows {
                    for column in columns.clone() {
                        let at = row * shape.width + column;
                        if x[at] > best || x[at] != x[at] {
                            (best, place) = (x[at], at);
                        }
                    }
                }
                y[(p * oh + i) * ow + j] = best;
                argmax[(p * oh + i) * ow + j] = place as u32;
            }
        }
    }
    Ok(())
}

/// dx of [`max_pool2d`]: each dy is added to the cell its maximum came from; overwrites `dx`.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid, a slice does not fit it, or an index lies outside the plane.
///
/// ```
/// use nl_kernels::{Pool2d, max_pool2d_grad};
/// let shape = Pool2d { batch: 1, channels: 1, height: 1, width: 3, kernel: [1, 2], stride: [1, 1], padding: [0, 0] };
/// let mut dx = [0.0; 3];
/// max_pool2d_grad(&shape, &[1, 1], &[2.0, 3.0], &mut dx)?;
/// assert_eq!(dx, [0.0, 5.0, 0.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn max_pool2d_grad<T: Float>(shape: &Pool2d, argmax: &[u32], dy: &[T], dx: &mut [T]) -> Result<(), ShapeError> {
    const OP: &str = "max_pool2d_grad";
    shape.validate()?;
    check_len(OP, "argmax", argmax.len(), shape.output_len())?;
    check_len(OP, "dy", dy.len(), shape.output_len())?;
    check_len(OP, "dx", dx.len(), shape.input_len())?;
    let (plane, out_plane) = (shape.height * shape.width, shape.out_height() * shape.out_width());
    dx.fill(T::ZERO);
    for (p, dx) in dx.chunks_exact_mut(plane).enumerate() {
        let outputs = p * out_plane..(p + 1) * out_plane;
        for (&place, &dy) in argmax[outputs.clone()].iter().zip(&dy[outputs]) {
            let Some(dx) = dx.get_mut(place as usize) else {
                let message =
                    format!("`argmax` holds {place}, but a plane has {plane} cells; pass max_pool2d's result");
                return Err(ShapeError::Invalid { op: OP, message });
            };
            *dx += dy;
        }
    }
    Ok(())
}

/// y = the sum of each window over the window's size; padding counts as zeros (PyTorch's `count_include_pad`).
///
/// `x`: `[batch, channels, height, width]`; `y`: `[batch, channels, out_height, out_width]`, overwritten.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Pool2d, avg_pool2d};
/// let shape = Pool2d { batch: 1, channels: 1, height: 1, width: 4, kernel: [1, 2], stride: [1, 2], padding: [0, 0] };
/// let mut y = [0.0; 2];
/// avg_pool2d(&shape, &[1.0, 2.0, 3.0, 5.0], &mut y)?;
/// assert_eq!(y, [1.5, 4.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn avg_pool2d<T: Float>(shape: &Pool2d, x: &[T], y: &mut [T]) -> Result<(), ShapeError> {
    const OP: &str = "avg_pool2d";
    shape.validate()?;
    check_len(OP, "x", x.len(), shape.input_len())?;
    check_len(OP, "y", y.len(), shape.output_len())?;
    let scale = T::ONE / T::from_usize(shape.kernel[0] * shape.kernel[1]);
    let (oh, ow) = (shape.out_height(), shape.out_width());
    for (p, x) in x.chunks_exact(shape.height * shape.width).enumerate() {
        for i in 0..oh {
            for j in 0..ow {
                let mut sum = T::ZERO;
                for row in shape.window(0, i) {
                    for column in shape.window(1, j) {
                        sum += x[row * shape.width + column];
                    }
                }
                y[(p * oh + i) * ow + j] = sum * scale;
            }
        }
    }
    Ok(())
}

/// dx of [`avg_pool2d`]: each dy is spread evenly over its window; overwrites `dx`.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Pool2d, avg_pool2d_grad};
/// let shape = Pool2d { batch: 1, channels: 1, height: 1, width: 3, kernel: [1, 2], stride: [1, 1], padding: [0, 0] };
/// let mut dx = [0.0; 3];
/// avg_pool2d_grad(&shape, &[2.0, 4.0], &mut dx)?;
/// assert_eq!(dx, [1.0, 3.0, 2.0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn avg_pool2d_grad<T: Float>(shape: &Pool2d, dy: &[T], dx: &mut [T]) -> Result<(), ShapeError> {
    const OP: &str = "avg_pool2d_grad";
    shape.validate()?;
    check_len(OP, "dy", dy.len(), shape.output_len())?;
    check_len(OP, "dx", dx.len(), shape.input_len())?;
    let scale = T::ONE / T::from_usize(shape.kernel[0] * shape.kernel[1]);
    let (oh, ow) = (shape.out_height(), shape.out_width());
    dx.fill(T::ZERO);
    for (p, dx) in dx.chunks_exact_mut(shape.height * shape.width).enumerate() {
        for i in 0..oh {
            for j in 0..ow {
                let share = dy[(p * oh + i) * ow + j] * scale;
                for row in shape.window(0, i) {
                    for column in shape.window(1, j) {
                        dx[row * shape.width + column] += share;
                    }
                }
            }
        }
    }
    Ok(())
}
