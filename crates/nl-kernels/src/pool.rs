//! Max and average pooling over image planes, with their gradients.

use crate::error::check_len;
use crate::reduce::above;
use crate::size::{elements, padded, product, windows};
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
        let mut all = [0; 2];
        for axis in 0..2 {
            if self.padding[axis] > self.kernel[axis] / 2 {
                return invalid(format!("padding {:?} exceeds half the window {:?}", self.padding, self.kernel));
            }
            let Some(padded) = padded(input[axis], self.padding[axis]).filter(|&all| self.kernel[axis] <= all) else {
                return invalid(format!(
                    "window {:?} is larger than the input {input:?} padded by {:?}; use a smaller window",
                    self.kernel, self.padding
                ));
            };
            all[axis] = padded;
        }
        // The output is no longer than the padded input. Sizes of an empty batch are held to the same as of one image.
        let sizes = [self.batch.max(1), self.channels, all[0], all[1], size_of::<f64>()];
        product("pool2d", "the padded input", &sizes)?;
        if u32::try_from(self.height * self.width).is_err() {
            return invalid(format!("a plane of {input:?} has more cells than an index (u32) can name; pool in parts"));
        }
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

    /// Elements of the input `[batch, channels, height, width]`; `usize::MAX` if that is more.
    #[must_use]
    pub const fn input_len(&self) -> usize {
        elements(&[self.batch, self.channels, self.height, self.width])
    }

    /// Elements of the output `[batch, channels, out_height, out_width]`; `usize::MAX` if that is more.
    #[must_use]
    pub const fn output_len(&self) -> usize {
        elements(&[self.batch, self.channels, self.out_height(), self.out_width()])
    }

    /// The rows (or columns) of the input that output row (or column) `i` sees: never empty.
    fn window(&self, axis: usize, i: usize) -> core::ops::Range<usize> {
        let size = if axis == 0 { self.height } else { self.width };
        let start = i * self.stride[axis];
        let end = (start + self.kernel[axis] - self.padding[axis]).min(size);
        start.saturating_sub(self.padding[axis])..end
    }
}

/// y = the maximum of each window; `argmax` = its flat index in the input plane, the first of equals. A NaN is larger than every
/// number; of several the first counts.
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
                        if above(x[at], best) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    /// Every combination of small sizes, kernels, strides and paddings.
    fn shapes() -> Vec<Pool2d> {
        let mut shapes = Vec::new();
        for size in [[1, 1], [2, 3], [5, 4], [7, 7]] {
            for kernel in [[1, 1], [2, 2], [3, 2], [1, 4], [5, 5]] {
                for stride in [[1, 1], [2, 2], [3, 1]] {
                    for padding in [[0, 0], [1, 1], [0, 2]] {
                        let [height, width] = size;
                        let shape = Pool2d { batch: 2, channels: 3, height, width, kernel, stride, padding };
                        if shape.validate().is_ok() {
                            shapes.push(shape);
                        }
                    }
                }
            }
        }
        shapes
    }

    fn numbers(n: usize) -> Vec<f64> {
        (0..n).map(|i| ((i * 7919 + 31) % 101) as f64 - 50.0).collect()
    }

    /// The cells of window (i, j) of a plane padded by `None`.
    fn cells(s: &Pool2d, x: &[f64], i: usize, j: usize) -> Vec<Option<f64>> {
        let mut cells = Vec::new();
        for u in 0..s.kernel[0] {
            for v in 0..s.kernel[1] {
                let row = (i * s.stride[0] + u).checked_sub(s.padding[0]).filter(|&row| row < s.height);
                let column = (j * s.stride[1] + v).checked_sub(s.padding[1]).filter(|&column| column < s.width);
                cells.push(row.zip(column).map(|(row, column)| x[row * s.width + column]));
            }
        }
        cells
    }

    #[test]
    fn equal_the_definition_and_gradients_are_adjoint() {
        let shapes = shapes();
        assert!(shapes.len() > 50);
        for s in shapes {
            let (x, dy) = (numbers(s.input_len()), numbers(s.output_len()));
            let (mut max, mut average) = (vec![f64::NAN; dy.len()], vec![f64::NAN; dy.len()]);
            let (mut dmax, mut daverage) = (vec![f64::NAN; x.len()], vec![f64::NAN; x.len()]);
            let mut argmax = vec![u32::MAX; dy.len()];
            max_pool2d(&s, &x, &mut max, &mut argmax).unwrap();
            avg_pool2d(&s, &x, &mut average).unwrap();
            max_pool2d_grad(&s, &argmax, &dy, &mut dmax).unwrap();
            avg_pool2d_grad(&s, &dy, &mut daverage).unwrap();
            let (plane, ow) = (s.height * s.width, s.out_width());
            let area = (s.kernel[0] * s.kernel[1]) as f64;
            for at in 0..dy.len() {
                let (p, i, j) = (at / (s.out_height() * ow), at / ow % s.out_height(), at % ow);
                let cells = cells(&s, &x[p * plane..(p + 1) * plane], i, j);
                let want = cells.iter().flatten().fold(f64::NEG_INFINITY, |max, &x| max.max(x));
                assert_eq!(max[at], want, "{s:?} at {at}");
                assert_eq!(x[p * plane + argmax[at] as usize], want);
                let want = cells.iter().flatten().sum::<f64>() / area;
                assert_abs_diff_eq!(average[at], want, epsilon = 1e-12);
            }
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            // Sums of some hundred products of up to 2500.
            assert_abs_diff_eq!(dot(&average, &dy), dot(&x, &daverage), epsilon = 1e-6);
            assert_abs_diff_eq!(dot(&max, &dy), dot(&x, &dmax), epsilon = 1e-6);
        }
    }

    #[test]
    fn the_first_of_equals_wins_and_nan_over_all() {
        let s = Pool2d { batch: 1, channels: 1, height: 2, width: 2, kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
        let (mut y, mut argmax) = ([0.0_f32], [9]);
        max_pool2d(&s, &[1.0, 3.0, 3.0, 2.0], &mut y, &mut argmax).unwrap();
        assert_eq!((y, argmax), ([3.0], [1]));
        max_pool2d(&s, &[1.0, f32::NAN, 3.0, 2.0], &mut y, &mut argmax).unwrap();
        assert!(y[0].is_nan() && argmax == [1]);
        for (at, x) in [[1.0, 2.0, f32::NAN, 0.5], [f32::NAN, 1.0, 2.0, 3.0], [0.0, f32::NAN, 9.0, f32::NAN]]
            .into_iter()
            .zip([2, 0, 1])
            .map(|(x, at)| (at, x))
        {
            max_pool2d(&s, &x, &mut y, &mut argmax).unwrap();
            assert!(y[0].is_nan() && argmax == [at], "{x:?}: {y:?} at {argmax:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let good =
            Pool2d { batch: 1, channels: 1, height: 3, width: 3, kernel: [2, 2], stride: [1, 1], padding: [1, 0] };
        assert!(good.validate().is_ok());
        for bad in [
            Pool2d { channels: 0, ..good },
            Pool2d { stride: [0, 1], ..good },
            Pool2d { kernel: [9, 2], ..good },
            Pool2d { padding: [2, 0], ..good },
            Pool2d { batch: usize::MAX, ..good },
            Pool2d { height: usize::MAX, ..good },
            Pool2d { batch: 0, height: usize::MAX, ..good },
            Pool2d { batch: 0, height: 1 << 40, width: 1 << 40, ..good },
            Pool2d { batch: 0, height: 1 << 32, width: 1 << 32, ..good },
        ] {
            assert!(matches!(bad.validate(), Err(ShapeError::Invalid { .. })), "{bad:?}");
        }
        let mut y = [0.0_f32; 8];
        let short = avg_pool2d(&good, &[0.0; 8], &mut y);
        assert!(matches!(short, Err(ShapeError::Length { what: "x", .. })), "{short:?}");
        let outside = max_pool2d_grad(&good, &[9; 8], &y, &mut [0.0; 9]);
        assert!(matches!(outside, Err(ShapeError::Invalid { .. })), "{outside:?}");
    }
}
