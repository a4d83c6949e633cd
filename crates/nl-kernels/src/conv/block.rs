//! Convolution, bias, ReLU and 2×2 max-pooling as one kernel, forward and backward.

use super::{Conv2d, Finish, conv2d_at, im2col, winograd};
use crate::error::check_len;
use crate::reduce::above;
use crate::size::elements;
use crate::{Float, Level, Scratch, ShapeError};

/// out = relu(x ⋆ w + b), or the 2×2 maxima of that (stride 2, an odd last row or column left out).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConvBlock {
    /// The convolution.
    pub conv: Conv2d,
    /// Whether a 2×2 max-pool of stride 2 follows the ReLU.
    pub pool: bool,
}

impl ConvBlock {
    /// Whether these sizes describe a block.
    ///
    /// # Errors
    /// [`ShapeError::Invalid`] if the convolution is invalid, or its output is too small to be pooled.
    pub fn validate(&self) -> Result<(), ShapeError> {
        self.conv.validate()?;
        let (height, width) = (self.conv.out_height(), self.conv.out_width());
        if self.pool && (height < 2 || width < 2) {
            return Err(ShapeError::Invalid {
                op: "conv_block",
                message: format!("an output of [{height}, {width}] has no 2x2 window; set `pool` to false"),
            });
        }
        Ok(())
    }

    /// Rows of the output; 0 if no window fits or a size overflows.
    #[must_use]
    pub const fn out_height(&self) -> usize {
        if self.pool { self.conv.out_height() / 2 } else { self.conv.out_height() }
    }

    /// Columns of the output; 0 if no window fits or a size overflows.
    #[must_use]
    pub const fn out_width(&self) -> usize {
        if self.pool { self.conv.out_width() / 2 } else { self.conv.out_width() }
    }

    /// Elements of the output `[batch, out_channels, out_height, out_width]`; `usize::MAX` if that is more.
    #[must_use]
    pub const fn output_len(&self) -> usize {
        elements(&[self.conv.batch, self.conv.out_channels, self.out_height(), self.out_width()])
    }
}

/// y = maxpool?(relu(x ⋆ w + b)) in one pass; overwrites `y`, and `argmax` if given.
///
/// `x`: `[batch, in_channels, height, width]`, `w`: `[out_channels, in_channels, kernel…]`, `b`: `[out_channels]`,
/// `y` and `argmax`: `[batch, out_channels, out_height, out_width]` of the [`ConvBlock`]. `argmax` is the place of the
/// maximum in its window, 0..=3 in reading order, the first of equals, a NaN being larger than every number; it is what [`conv_block_grad`] needs if `pool`
/// is set, and must be `None` if it is not. Where all four are ≤ 0 the place is unspecified (the gradient is 0 there).
///
/// # Errors
/// [`ShapeError`] if the shape is invalid or a slice does not fit it.
///
/// ```
/// use nl_kernels::{Conv2d, ConvBlock, Scratch, conv_block};
/// let conv = Conv2d { batch: 1, in_channels: 1, height: 2, width: 2, out_channels: 1, kernel: [1, 1], stride: [1, 1],
///     padding: [0, 0] };
/// let (mut y, mut argmax) = ([0.0], [0]);
/// let x = [1.0, 2.0, 5.0, -4.0];
/// conv_block(&ConvBlock { conv, pool: true }, &x, &[2.0], &[1.0], &mut y, Some(&mut argmax), &mut Scratch::new())?;
/// assert_eq!((y, argmax), ([11.0], [2]));
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn conv_block<T: Float>(
    shape: &ConvBlock,
    x: &[T],
    w: &[T],
    b: &[T],
    y: &mut [T],
    argmax: Option<&mut [u8]>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    conv_block_at(Level::current(), shape, x, w, b, y, argmax, scratch)
}

/// [`conv_block`] at a given level (capped at what the CPU has).
///
/// # Errors
/// As [`conv_block`].
#[doc(hidden)]
pub fn conv_block_at<T: Float>(
    level: Level,
    shape: &ConvBlock,
    x: &[T],
    w: &[T],
    b: &[T],
    y: &mut [T],
    argmax: Option<&mut [u8]>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "conv_block";
    shape.validate()?;
    check_len(OP, "x", x.len(), shape.conv.input_len())?;
    check_len(OP, "w", w.len(), shape.conv.weight_len())?;
    check_len(OP, "b", b.len(), shape.conv.out_channels)?;
    check_len(OP, "y", y.len(), shape.output_len())?;
    check_argmax(OP, shape, argmax.as_deref(), false)?;
    if shape.conv.batch == 0 {
        return Ok(());
    }
    let (conv, bias) = (&shape.conv, Some(b));
    if winograd::applies(conv) {
        let finish = Finish { relu: true, pool: shape.pool };
        return winograd::Forward { op: OP, shape: conv, x, w, bias, finish, y, argmax, scratch }.start(level);
    }
    if !shape.pool {
        let finish = Finish { relu: true, pool: false };
        return im2col::Forward { op: OP, shape: conv, x, w, bias, finish, y, scratch }.start(level);
    }
    let [mut z] = scratch.take_all::<T, 1>(OP, [shape.conv.output_len()])?;
    conv2d_at(level, &shape.conv, x, w, Some(b), z.as_mut_slice(), scratch)?;
    relu_pool(shape, z.as_slice(), y, argmax);
    scratch.give(z);
    Ok(())
}

/// The gradients of [`conv_block`] given dy = dL/dy; overwrites `dx` (if wanted), `dw` and `db`.
///
/// `x`, `w`: as given to the forward pass; `y` and `argmax`: its results; `dy`: shaped like `y`.
///
/// # Errors
/// [`ShapeError`] if the shape is invalid, a slice does not fit it, or `argmax` is missing where `pool` is set.
///
/// ```
/// use nl_kernels::{Conv2d, ConvBlock, Scratch, conv_block_grad};
/// let conv = Conv2d { batch: 1, in_channels: 1, height: 2, width: 2, out_channels: 1, kernel: [1, 1], stride: [1, 1],
///     padding: [0, 0] };
/// let (mut dx, mut dw, mut db) = ([0.0; 4], [0.0], [0.0]);
/// conv_block_grad(&ConvBlock { conv, pool: true }, &[1.0, 2.0, 5.0, -4.0], &[2.0], &[11.0], Some(&[2]), &[1.0],
///     Some(&mut dx), &mut dw, &mut db, &mut Scratch::new())?;
/// assert_eq!((dx, dw, db), ([0.0, 0.0, 2.0, 0.0], [5.0], [1.0]));
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
pub fn conv_block_grad<T: Float>(
    shape: &ConvBlock,
    x: &[T],
    w: &[T],
    y: &[T],
    argmax: Option<&[u8]>,
    dy: &[T],
    dx: Option<&mut [T]>,
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    conv_block_grad_at(Level::current(), shape, x, w, y, argmax, dy, dx, dw, db, scratch)
}

/// [`conv_block_grad`] at a given level (capped at what the CPU has).
///
/// # Errors
/// As [`conv_block_grad`].
#[doc(hidden)]
pub fn conv_block_grad_at<T: Float>(
    level: Level,
    shape: &ConvBlock,
    x: &[T],
    w: &[T],
    y: &[T],
    argmax: Option<&[u8]>,
    dy: &[T],
    dx: Option<&mut [T]>,
    dw: &mut [T],
    db: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "conv_block_grad";
    shape.validate()?;
    let conv = &shape.conv;
    check_len(OP, "x", x.len(), conv.input_len())?;
    check_len(OP, "w", w.len(), conv.weight_len())?;
    check_len(OP, "y", y.len(), shape.output_len())?;
    check_len(OP, "dy", dy.len(), shape.output_len())?;
    check_len(OP, "dw", dw.len(), conv.weight_len())?;
    check_len(OP, "db", db.len(), conv.out_channels)?;
    check_argmax(OP, shape, argmax, true)?;
    if let Some(dx) = &dx {
        check_len(OP, "dx", dx.len(), conv.input_len())?;
    }
    if conv.batch == 0 {
        dw.fill(T::ZERO);
        db.fill(T::ZERO);
        return Ok(());
    }
    if winograd::applies(conv) {
        return winograd::Backward {
            op: OP,
            shape: conv,
            finish: Finish { relu: true, pool: shape.pool },
            y,
            argmax: argmax.unwrap_or_default(),
            dy,
            input: dx.map(|dx| (w, dx)),
            weight: Some((x, dw)),
            db: Some(db),
            scratch,
        }
        .start(level);
    }
    let finish = Finish { relu: !shape.pool, pool: false };
    let [mut dz] = scratch.take_all::<T, 1>(OP, [if shape.pool { conv.output_len() } else { 0 }])?;
    if let Some(argmax) = argmax {
        relu_pool_grad(shape, y, argmax, dy, dz.as_mut_slice());
    }
    im2col::Backward {
        op: OP,
        shape: conv,
        finish,
        y,
        dy: if shape.pool { dz.as_slice() } else { dy },
        input: dx.map(|dx| (w, dx)),
        weight: Some((x, dw)),
        db: Some(db),
        scratch,
    }
    .start(level)?;
    scratch.give_all([dz]);
    Ok(())
}

fn check_argmax(op: &'static str, shape: &ConvBlock, argmax: Option<&[u8]>, needed: bool) -> Result<(), ShapeError> {
    let invalid = |message: &str| Err(ShapeError::Invalid { op, message: message.to_owned() });
    match argmax {
        Some(_) if !shape.pool => invalid("`argmax` is given but `pool` is false; pass None"),
        None if shape.pool && needed => invalid("`pool` is true but `argmax` is None; pass what conv_block wrote"),
        Some(argmax) => check_len(op, "argmax", argmax.len(), shape.output_len()),
        None => Ok(()),
    }
}

/// y = maxpool(relu(z)), for the shapes that have no fused form.
fn relu_pool<T: Float>(shape: &ConvBlock, z: &[T], y: &mut [T], mut argmax: Option<&mut [u8]>) {
    // A NaN stays a NaN.
    let relu = |z: T| if z <= T::ZERO { T::ZERO } else { z };
    let (width, oh, ow) = (shape.conv.out_width(), shape.out_height(), shape.out_width());
    let plane = shape.conv.out_height() * width;
    for (p, z) in z.chunks_exact(plane).enumerate() {
        for i in 0..oh {
            for j in 0..ow {
                let at = 2 * i * width + 2 * j;
                let (mut best, mut place) = (z[at], 0);
                for (k, z) in [(1, z[at + 1]), (2, z[at + width]), (3, z[at + width + 1])] {
                    if above(z, best) {
                        (best, place) = (z, k);
                    }
                }
                y[(p * oh + i) * ow + j] = relu(best);
                if let Some(argmax) = &mut argmax {
                    argmax[(p * oh + i) * ow + j] = place;
                }
            }
        }
    }
}

/// dz of [`relu_pool`]: dy where y > 0, at the place of the maximum, and 0 elsewhere.
fn relu_pool_grad<T: Float>(shape: &ConvBlock, y: &[T], argmax: &[u8], dy: &[T], dz: &mut [T]) {
    dz.fill(T::ZERO);
    let (width, oh, ow) = (shape.conv.out_width(), shape.out_height(), shape.out_width());
    let plane = shape.conv.out_height() * width;
    for (p, dz) in dz.chunks_exact_mut(plane).enumerate() {
        for i in 0..oh {
            for j in 0..ow {
                let at = (p * oh + i) * ow + j;
                let place = usize::from(argmax[at] & 3);
                dz[(2 * i + place / 2) * width + 2 * j + place % 2] = if y[at] <= T::ZERO { T::ZERO } else { dy[at] };
            }
        }
    }
}
