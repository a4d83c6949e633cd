//! Sizes and places that the three have in common, and images in lanes.

use super::DirectConv2d;
use crate::conv::Conv2d;
use crate::error::check_len;
use crate::{Float, ShapeError};

/// Images of a block.
pub(super) const LANES: usize = 16;
/// Outputs that are computed together.
pub(super) const TOGETHER: usize = 4;

pub(super) type Lanes<T> = [T; LANES];

/// What all three have in common.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) s: Conv2d,
    pub(super) dilation: [usize; 2],
    pub(super) groups: usize,
    pub(super) local: bool,
    /// Channels of a group, in and out.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Of the output.
    pub(super) size: [usize; 2],
    /// Rows and columns with the padding.
    pub(super) padded: [usize; 2],
    pub(super) taps: usize,
    /// Elements of a group of a block, in lanes.
    pub(super) input: usize,
    pub(super) output: usize,
    pub(super) weights: usize,
}

impl Plan {
    pub(super) fn new(
        op: &'static str,
        shape: &DirectConv2d,
        x: usize,
        w: usize,
        y: usize,
    ) -> Result<Self, ShapeError> {
        shape.validate()?;
        check_len(op, "x", x, shape.conv.input_len())?;
        check_len(op, "w", w, shape.weight_len())?;
        check_len(op, "y", y, shape.output_len())?;
        let s = shape.conv;
        let (inputs, outputs) = (s.in_channels / shape.groups, s.out_channels / shape.groups);
        let size = [shape.out_height(), shape.out_width()];
        let padded = [s.height + 2 * s.padding[0], s.width + 2 * s.padding[1]];
        Ok(Self {
            s,
            dilation: shape.dilation,
            groups: shape.groups,
            local: shape.local,
            inputs,
            outputs,
            size,
            padded,
            taps: shape.taps(),
            input: inputs * padded[0] * padded[1] * LANES,
            output: outputs * size[0] * size[1] * LANES,
            // Local gradients are summed over the lanes at once.
            weights: if shape.local { 0 } else { outputs * shape.taps() * LANES },
        })
    }

    /// The images from `first` on that fill the lanes.
    #[inline(always)]
    pub(super) fn lanes(&self, first: usize) -> usize {
        (self.s.batch - first).min(LANES)
    }

    /// Group `g` of the images from `first` on, padded, into lanes.
    #[inline(always)]
    pub(super) fn gather<T: Float>(&self, x: &[T], g: usize, first: usize, images: &mut [T]) {
        let (s, lanes) = (&self.s, self.lanes(first));
        if lanes < LANES || s.padding != [0, 0] {
            images.fill(T::ZERO);
        }
        let plane = s.height * s.width;
        for lane in 0..lanes {
            let image = &x[((first + lane) * s.in_channels + g * self.inputs) * plane..][..self.inputs * plane];
            for (c, image) in image.chunks_exact(plane).enumerate() {
                for (row, image) in image.chunks_exact(s.width).enumerate() {
                    let at = (c * self.padded[0] + row + s.padding[0]) * self.padded[1] + s.padding[1];
                    let to = images[at * LANES..].iter_mut().skip(lane).step_by(LANES);
                    for (to, &x) in to.zip(image) {
                        *to = x;
                    }
                }
            }
        }
    }

    /// The way back: overwrites group `g` of the images from `first` on.
    #[inline(always)]
    pub(super) fn scatter<T: Float>(&self, images: &[T], g: usize, first: usize, x: &mut [T]) {
        let (s, plane) = (&self.s, self.s.height * self.s.width);
        for lane in 0..self.lanes(first) {
            let image = &mut x[((first + lane) * s.in_channels + g * self.inputs) * plane..][..self.inputs * plane];
            for (c, image) in image.chunks_exact_mut(plane).enumerate() {
                for (row, image) in image.chunks_exact_mut(s.width).enumerate() {
                    let at = (c * self.padded[0] + row + s.padding[0]) * self.padded[1] + s.padding[1];
                    let from = images[at * LANES..].iter().skip(lane).step_by(LANES);
                    for (x, &from) in image.iter_mut().zip(from) {
                        *x = from;
                    }
                }
            }
        }
    }

    /// Group `g` of the outputs from image `first` on, into lanes.
    #[inline(always)]
    pub(super) fn gather_outputs<T: Float>(&self, y: &[T], g: usize, first: usize, outputs: &mut [T]) {
        let (plane, lanes) = (self.size[0] * self.size[1], self.lanes(first));
        if lanes < LANES {
            outputs.fill(T::ZERO);
        }
        for lane in 0..lanes {
            let y = &y[((first + lane) * self.s.out_channels + g * self.outputs) * plane..][..self.outputs * plane];
            for (to, &y) in outputs.iter_mut().skip(lane).step_by(LANES).zip(y) {
                *to = y;
            }
        }
    }

    /// Where the weights of output `o` of group `g` at position `p` begin.
    #[inline(always)]
    pub(super) fn weights_at(&self, g: usize, p: usize, o: usize) -> usize {
        let place = if self.local { p * self.s.out_channels } else { 0 };
        (place + g * self.outputs + o) * self.taps
    }

    /// Calls `tap(k, at)` for each tap k of position (i, j), with the place of its lanes.
    #[inline(always)]
    pub(super) fn each_tap(&self, i: usize, j: usize, mut tap: impl FnMut(usize, usize)) {
        let ([kh, kw], [sh, sw], [dh, dw]) = (self.s.kernel, self.s.stride, self.dilation);
        let mut k = 0;
        for c in 0..self.inputs {
            for u in 0..kh {
                let row = (c * self.padded[0] + i * sh + u * dh) * self.padded[1] + j * sw;
                for v in 0..kw {
                    tap(k, (row + v * dw) * LANES);
                    k += 1;
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn lanes_at<T: Float>(from: &[T], at: usize) -> Lanes<T> {
    let mut lanes = [T::ZERO; LANES];
    lanes.copy_from_slice(&from[at..at + LANES]);
    lanes
}

/// The sum of the lanes, by halves.
#[inline(always)]
pub(super) fn fold<T: Float>(lanes: Lanes<T>) -> T {
    let mut sum = lanes;
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            sum[i] += sum[i + half];
        }
        half /= 2;
    }
    sum[0]
}
