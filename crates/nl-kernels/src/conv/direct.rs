//! Convolution by its definition, sixteen images at a time: for what the fast ways do not know. Channels in groups, kernels with
//! holes, and weights that are not shared between positions (local connections).
//!
//! The images of a block lie in lanes, `[channel, row, column, image]`, so that each product of the definition is one vector
//! operation, whatever the kernel, and none is spent on what a group does not see. No product is fused with its sum, and sums
//! have a fixed order: the same bits at every level; y and dx of an image do not depend on the other images.

use super::Conv2d;
use crate::error::check_len;
use crate::size::{elements, padded, product, windows};
use crate::{Float, Level, Scratch, ShapeError, Vectorised};

/// Images of a block.
const LANES: usize = 16;
/// Outputs that are computed together.
const TOGETHER: usize = 4;

type Lanes<T> = [T; LANES];

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

/// What all three have in common.
#[derive(Clone, Copy)]
struct Plan {
    s: Conv2d,
    dilation: [usize; 2],
    groups: usize,
    local: bool,
    /// Channels of a group, in and out.
    inputs: usize,
    outputs: usize,
    /// Of the output.
    size: [usize; 2],
    /// Rows and columns with the padding.
    padded: [usize; 2],
    taps: usize,
    /// Elements of a group of a block, in lanes.
    input: usize,
    output: usize,
    weights: usize,
}

impl Plan {
    fn new(op: &'static str, shape: &DirectConv2d, x: usize, w: usize, y: usize) -> Result<Self, ShapeError> {
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
    fn lanes(&self, first: usize) -> usize {
        (self.s.batch - first).min(LANES)
    }

    /// Group `g` of the images from `first` on, padded, into lanes.
    #[inline(always)]
    fn gather<T: Float>(&self, x: &[T], g: usize, first: usize, images: &mut [T]) {
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
    fn scatter<T: Float>(&self, images: &[T], g: usize, first: usize, x: &mut [T]) {
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
    fn gather_outputs<T: Float>(&self, y: &[T], g: usize, first: usize, outputs: &mut [T]) {
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
    fn weights_at(&self, g: usize, p: usize, o: usize) -> usize {
        let place = if self.local { p * self.s.out_channels } else { 0 };
        (place + g * self.outputs + o) * self.taps
    }

    /// Calls `tap(k, at)` for each tap k of position (i, j), with the place of its lanes.
    #[inline(always)]
    fn each_tap(&self, i: usize, j: usize, mut tap: impl FnMut(usize, usize)) {
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
fn lanes_at<T: Float>(from: &[T], at: usize) -> Lanes<T> {
    let mut lanes = [T::ZERO; LANES];
    lanes.copy_from_slice(&from[at..at + LANES]);
    lanes
}

/// The sum of the lanes, by halves.
#[inline(always)]
fn fold<T: Float>(lanes: Lanes<T>) -> T {
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

struct Forward<'a, T> {
    plan: Plan,
    x: &'a [T],
    w: &'a [T],
    y: &'a mut [T],
    images: &'a mut [T],
    outputs: &'a mut [T],
}

impl<T: Float> Vectorised for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, x, w, y, images, outputs } = self;
        let plane = plan.size[0] * plan.size[1];
        for g in 0..plan.groups {
            for first in (0..plan.s.batch).step_by(LANES) {
                plan.gather(x, g, first, images);
                for p in 0..plane {
                    let mut o = 0;
                    while o + TOGETHER <= plan.outputs {
                        forward::<T, TOGETHER>(&plan, g, p, o, w, images, outputs);
                        o += TOGETHER;
                    }
                    for o in o..plan.outputs {
                        forward::<T, 1>(&plan, g, p, o, w, images, outputs);
                    }
                }
                for lane in 0..plan.lanes(first) {
                    let at = ((first + lane) * plan.s.out_channels + g * plan.outputs) * plane;
                    let from = outputs.iter().skip(lane).step_by(LANES);
                    for (y, &from) in y[at..at + plan.outputs * plane].iter_mut().zip(from) {
                        *y = from;
                    }
                }
            }
        }
    }
}

/// Outputs o to o + N of position p.
#[inline(always)]
fn forward<T: Float, const N: usize>(
    plan: &Plan,
    g: usize,
    p: usize,
    o: usize,
    w: &[T],
    images: &[T],
    outputs: &mut [T],
) {
    let (i, j) = (p / plan.size[1], p % plan.size[1]);
    let w = &w[plan.weights_at(g, p, o)..][..N * plan.taps];
    let mut sums = [[T::ZERO; LANES]; N];
    plan.each_tap(i, j, |k, at| {
        let x = lanes_at(images, at);
        for (n, sum) in sums.iter_mut().enumerate() {
            let w = w[n * plan.taps + k];
            for lane in 0..LANES {
                sum[lane] += w * x[lane];
            }
        }
    });
    for (n, sum) in sums.iter().enumerate() {
        outputs[((o + n) * plan.size[0] * plan.size[1] + p) * LANES..][..LANES].copy_from_slice(sum);
    }
}

struct GradInput<'a, T> {
    plan: Plan,
    dy: &'a [T],
    w: &'a [T],
    dx: &'a mut [T],
    images: &'a mut [T],
    outputs: &'a mut [T],
}

impl<T: Float> Vectorised for GradInput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, dy, w, dx, images, outputs } = self;
        let plane = plan.size[0] * plan.size[1];
        for g in 0..plan.groups {
            for first in (0..plan.s.batch).step_by(LANES) {
                plan.gather_outputs(dy, g, first, outputs);
                images.fill(T::ZERO);
                for p in 0..plane {
                    let mut o = 0;
                    while o + TOGETHER <= plan.outputs {
                        back::<T, TOGETHER>(&plan, g, p, o, w, outputs, images);
                        o += TOGETHER;
                    }
                    for o in o..plan.outputs {
                        back::<T, 1>(&plan, g, p, o, w, outputs, images);
                    }
                }
                plan.scatter(images, g, first, dx);
            }
        }
    }
}

/// From outputs o to o + N of position p to the images.
#[inline(always)]
fn back<T: Float, const N: usize>(plan: &Plan, g: usize, p: usize, o: usize, w: &[T], outputs: &[T], images: &mut [T]) {
    let (i, j) = (p / plan.size[1], p % plan.size[1]);
    let w = &w[plan.weights_at(g, p, o)..][..N * plan.taps];
    let plane = plan.size[0] * plan.size[1];
    let dy: [Lanes<T>; N] = core::array::from_fn(|n| lanes_at(outputs, ((o + n) * plane + p) * LANES));
    plan.each_tap(i, j, |k, at| {
        let mut dx = lanes_at(images, at);
        for (n, dy) in dy.iter().enumerate() {
            let w = w[n * plan.taps + k];
            for lane in 0..LANES {
                dx[lane] += w * dy[lane];
            }
        }
        images[at..at + LANES].copy_from_slice(&dx);
    });
}

struct GradWeight<'a, T> {
    plan: Plan,
    x: &'a [T],
    dy: &'a [T],
    dw: &'a mut [T],
    images: &'a mut [T],
    outputs: &'a mut [T],
    weights: &'a mut [T],
}

impl<T: Float> Vectorised for GradWeight<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, x, dy, dw, images, outputs, weights } = self;
        let plane = plan.size[0] * plan.size[1];
        dw.fill(T::ZERO);
        for g in 0..plan.groups {
            weights.fill(T::ZERO);
            for first in (0..plan.s.batch).step_by(LANES) {
                plan.gather(x, g, first, images);
                plan.gather_outputs(dy, g, first, outputs);
                for p in 0..plane {
                    let mut o = 0;
                    while o + TOGETHER <= plan.outputs {
                        weigh::<T, TOGETHER>(&plan, g, p, o, images, outputs, weights, dw);
                        o += TOGETHER;
                    }
                    for o in o..plan.outputs {
                        weigh::<T, 1>(&plan, g, p, o, images, outputs, weights, dw);
                    }
                }
            }
            let at = plan.weights_at(g, 0, 0);
            for (dw, lanes) in dw[at..].iter_mut().zip(weights.chunks_exact(LANES)) {
                *dw = fold(lanes_at(lanes, 0));
            }
        }
    }
}

/// The products of outputs o to o + N of position p with the images: into the lanes of shared weights, or folded into local ones.
#[inline(always)]
fn weigh<T: Float, const N: usize>(
    plan: &Plan,
    g: usize,
    p: usize,
    o: usize,
    images: &[T],
    outputs: &[T],
    weights: &mut [T],
    dw: &mut [T],
) {
    let (i, j) = (p / plan.size[1], p % plan.size[1]);
    let plane = plan.size[0] * plan.size[1];
    let dy: [Lanes<T>; N] = core::array::from_fn(|n| lanes_at(outputs, ((o + n) * plane + p) * LANES));
    if plan.local {
        let dw = &mut dw[plan.weights_at(g, p, o)..][..N * plan.taps];
        plan.each_tap(i, j, |k, at| {
            let x = lanes_at(images, at);
            for (n, dy) in dy.iter().enumerate() {
                let mut sum = x;
                for lane in 0..LANES {
                    sum[lane] = x[lane] * dy[lane];
                }
                dw[n * plan.taps + k] += fold(sum);
            }
        });
    } else {
        plan.each_tap(i, j, |k, at| {
            let x = lanes_at(images, at);
            for (n, dy) in dy.iter().enumerate() {
                let sum = &mut weights[((o + n) * plan.taps + k) * LANES..][..LANES];
                for lane in 0..LANES {
                    sum[lane] += x[lane] * dy[lane];
                }
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `f(x index, w index, y index)` for every product of the definition.
    fn for_each_product(shape: &DirectConv2d, mut f: impl FnMut(usize, usize, usize)) {
        let s = &shape.conv;
        let (oh, ow) = (shape.out_height(), shape.out_width());
        let (inputs, outputs) = (s.in_channels / shape.groups, s.out_channels / shape.groups);
        for n in 0..s.batch {
            for o in 0..s.out_channels {
                for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
                    for c in 0..inputs {
                        for (u, v) in (0..s.kernel[0]).flat_map(|u| (0..s.kernel[1]).map(move |v| (u, v))) {
                            let row = (i * s.stride[0] + u * shape.dilation[0]).wrapping_sub(s.padding[0]);
                            let col = (j * s.stride[1] + v * shape.dilation[1]).wrapping_sub(s.padding[1]);
                            if row >= s.height || col >= s.width {
                                continue;
                            }
                            let channel = o / outputs * inputs + c;
                            let place = if shape.local { i * ow + j } else { 0 };
                            let w = ((place * s.out_channels + o) * inputs + c) * s.kernel[0] + u;
                            f(
                                ((n * s.in_channels + channel) * s.height + row) * s.width + col,
                                w * s.kernel[1] + v,
                                ((n * s.out_channels + o) * oh + i) * ow + j,
                            );
                        }
                    }
                }
            }
        }
    }

    fn wave(len: usize, salt: f64) -> Vec<f64> {
        (0..len).map(|i| (1.0 + salt + 0.7 * i as f64).sin()).collect()
    }

    fn shapes() -> Vec<DirectConv2d> {
        let mut all = Vec::new();
        for (batch, [inputs, outputs], groups) in
            [(1, [2, 4], 2), (3, [6, 9], 3), (17, [3, 5], 1), (0, [2, 2], 2), (16, [4, 4], 4)]
        {
            for (kernel, stride, padding, dilation) in
                [([3, 2], [1, 2], [1, 0], [1, 2]), ([1, 1], [2, 1], [0, 1], [1, 1]), ([2, 3], [1, 1], [0, 2], [3, 1])]
            {
                for local in [false, true] {
                    let conv = Conv2d {
                        batch,
                        in_channels: inputs,
                        height: 5,
                        width: 6,
                        out_channels: outputs,
                        kernel,
                        stride,
                        padding,
                    };
                    all.push(DirectConv2d { conv, dilation, groups, local });
                }
            }
        }
        all
    }

    #[test]
    fn all_three_equal_their_definition() -> Result<(), ShapeError> {
        let scratch = &mut Scratch::new();
        for shape in shapes() {
            let x = wave(shape.conv.input_len(), 0.0);
            let w = wave(shape.weight_len(), 0.3);
            let dy = wave(shape.output_len(), 0.6);
            let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
            for_each_product(&shape, |ix, iw, iy| {
                y[iy] += x[ix] * w[iw];
                dx[ix] += dy[iy] * w[iw];
                dw[iw] += dy[iy] * x[ix];
            });
            let (mut y_, mut dx_, mut dw_) = (vec![9.0; dy.len()], vec![9.0; x.len()], vec![9.0; w.len()]);
            direct_conv2d(&shape, &x, &w, &mut y_, scratch)?;
            direct_conv2d_grad_input(&shape, &dy, &w, &mut dx_, scratch)?;
            direct_conv2d_grad_weight(&shape, &x, &dy, &mut dw_, scratch)?;
            for (got, want) in [(y_, y), (dx_, dx), (dw_, dw)] {
                for (a, b) in got.iter().zip(&want) {
                    assert!((a - b).abs() < 1e-12, "{shape:?}: {a}, {b}");
                }
            }
        }
        Ok(())
    }

    /// An image's output and gradient have the same bits whatever block it is in.
    #[test]
    fn images_do_not_see_each_other() -> Result<(), ShapeError> {
        for mut shape in shapes().into_iter().filter(|shape| shape.conv.batch == 17) {
            let x: Vec<f32> = wave(shape.conv.input_len(), 0.0).iter().map(|&x| x as f32).collect();
            let w: Vec<f32> = wave(shape.weight_len(), 0.3).iter().map(|&x| x as f32).collect();
            let mut all = vec![0.0; shape.output_len()];
            direct_conv2d(&shape, &x, &w, &mut all, &mut Scratch::new())?;
            let (image, output) = (x.len() / 17, all.len() / 17);
            shape.conv.batch = 1;
            for n in [0, 7, 16] {
                let mut alone = vec![0.0; output];
                direct_conv2d(&shape, &x[n * image..][..image], &w, &mut alone, &mut Scratch::new())?;
                assert_eq!(alone, all[n * output..][..output]);
            }
        }
        Ok(())
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        let conv = Conv2d {
            batch: 1,
            in_channels: 4,
            height: 5,
            width: 5,
            out_channels: 4,
            kernel: [3, 3],
            stride: [1, 1],
            padding: [0, 0],
        };
        let good = DirectConv2d { conv, dilation: [1, 1], groups: 2, local: false };
        assert_eq!(good.validate(), Ok(()));
        let huge = usize::MAX / 2;
        for (bad, says) in [
            (DirectConv2d { groups: 3, ..good }, "cannot both be cut into 3 groups"),
            (DirectConv2d { groups: 0, ..good }, "may be 0"),
            (DirectConv2d { dilation: [0, 1], ..good }, "may be 0"),
            (DirectConv2d { dilation: [3, 1], ..good }, "larger than the padded input"),
            (DirectConv2d { dilation: [huge, 1], ..good }, "larger than the padded input"),
            (DirectConv2d { conv: Conv2d { padding: [huge, huge], ..conv }, ..good }, "overflow"),
            (DirectConv2d { conv: Conv2d { batch: huge, ..conv }, ..good }, ""),
            (DirectConv2d { conv: Conv2d { out_channels: huge & !1, ..conv }, local: true, ..good }, ""),
        ] {
            let error = bad.validate().unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            let mut y = [0.0_f32; 4];
            assert!(direct_conv2d(&bad, &[0.0; 4], &[0.0; 4], &mut y, &mut Scratch::new()).is_err());
        }
        assert!(direct_conv2d(&good, &[0.0_f32; 99], &[0.0; 72], &mut [0.0; 36], &mut Scratch::new()).is_err());
    }
}
