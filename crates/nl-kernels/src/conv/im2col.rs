//! Any kernel, stride and padding: patches are laid out as a matrix, and the convolution is one matrix product.
//!
//! With col`[(c,u,v), (n,i,j)] = x[n, c, i·s + u − p, j·s + v − p]`: y = W col, dcol = Wᵀ dy, dW = dy colᵀ, and dx adds
//! up dcol where the patches overlap (col2im). The matrix is built for a group of images (or some rows of a large one)
//! at a time, so that it stays in the L2 cache.
//!
//! A padded plane is first dealt out to its s × s *phases* (phase (a, b) has the rows ≡ a and columns ≡ b modulo the
//! stride): in a phase each row of a patch is contiguous whatever the stride, so the rest runs on vectors.

use super::layout::{Planes, Rows, Source, Upstream, lanes_to_planes, planes_to_lanes};
use super::product::Product;
use super::tree::{self, LEVELS};
use super::vector::{Kernel, Vector, call};
use super::{Conv2d, Finish};
use crate::size::{elements, padded, product, sum};
use crate::{Float, Level, Scratch, ShapeError};

/// Bytes of the patch matrix of a group.
const GROUP_BYTES: usize = 256 << 10;

/// Terms of a weight gradient that are summed one after another.
const TERMS: usize = 256;

/// The sizes of the phases and of the patch matrix.
///
/// Only what some patch reads has room: of s phases along an axis the first min(s, kernel), and in each no more rows (or
/// columns) than the outputs reach. So the phases are never much larger than the patches, whatever stride and padding.
#[derive(Clone, Copy)]
struct Layout {
    /// Step between two windows; beyond the padded size there is one window, so that no larger one is needed.
    stride: [usize; 2],
    /// Rows and columns of the output.
    out: [usize; 2],
    /// Phases that are read, down and across.
    phases: [usize; 2],
    /// Rows and columns of a phase, and how many of them the first patch reaches beyond its first.
    phase: [usize; 2],
    over: [usize; 2],
    /// Elements of the phases of one channel, and of all channels of an image with room to read one vector too far.
    channel_len: usize,
    phases_len: usize,
    /// Rows of the patch matrix: channels × kernel.
    patch: usize,
    /// From one row of the patch matrix to the next; one vector longer than the patches of a group.
    pitch: usize,
    /// Elements of the patch matrix.
    matrix_len: usize,
    /// Images of a group, and rows of output; some rows of a single image if that is large.
    images: usize,
    rows: usize,
    /// Patches of a full group.
    group_patches: usize,
}

/// Some images, or some rows of output of one image.
#[derive(Clone, Copy)]
struct Group {
    image: usize,
    images: usize,
    row: usize,
    rows: usize,
}

impl Layout {
    fn new<T: Float, V: Vector<T>>(op: &'static str, s: &Conv2d) -> Result<Self, ShapeError> {
        let out = [s.out_height(), s.out_width()];
        let size = [s.height, s.width];
        let stride = [0, 1].map(|axis| s.stride[axis].min(padded(size[axis], s.padding[axis]).unwrap_or(1)).max(1));
        let phases = [0, 1].map(|axis| stride[axis].min(s.kernel[axis]));
        let over = [0, 1].map(|axis| (s.kernel[axis] - 1) / stride[axis]);
        let phase = [sum(op, "rows of a phase", out[0], over[0])?, sum(op, "columns of a phase", out[1], over[1])?];
        let channel_len = product(op, "the phases of a padded image", &[phases[0], phases[1], phase[0], phase[1]])?;
        let phases_len = product(op, "the phases of a padded image", &[s.in_channels, channel_len])?;
        let patch = product(op, "a patch", &[s.in_channels, s.kernel[0], s.kernel[1]])?;
        let row_bytes = product(op, "the patches of a row of outputs", &[patch, out[1], size_of::<T>()])?;
        let rows = (GROUP_BYTES / row_bytes).max(1);
        let images = (rows / out[0]).clamp(1, s.batch.max(1));
        let rows = rows.min(out[0]);
        let per_line = 64 / size_of::<T>();
        let group_patches = product(op, "the patches of a group", &[images, rows, out[1]])?;
        // Whole vectors and room for one more, then an odd number of cache lines.
        let vectors = sum(op, "the patches of a group", group_patches.div_ceil(V::LANES), 1)?;
        let spare = product(op, "the patches of a group", &[vectors, V::LANES])?;
        let pitch = product(op, "the patches of a group", &[spare.div_ceil(per_line) | 1, per_line])?;
        Ok(Self {
            stride,
            out,
            phases,
            phase,
            over,
            channel_len,
            phases_len: sum(op, "the phases of a padded image", phases_len, V::LANES)?,
            patch,
            pitch,
            matrix_len: product(op, "the patches of a group", &[patch, pitch])?,
            images,
            rows,
            group_patches,
        })
    }

    fn groups(self, s: Conv2d) -> impl Iterator<Item = Group> {
        (0..s.batch).step_by(self.images).flat_map(move |image| {
            (0..self.out[0]).step_by(self.rows).map(move |row| Group {
                image,
                images: self.images.min(s.batch - image),
                row,
                rows: self.rows.min(self.out[0] - row),
            })
        })
    }

    /// Where row `row` of channel `c` of the padded image lies in the phases, for columns ≡ `b`.
    const fn phase_row(&self, c: usize, row: usize, b: usize) -> usize {
        let phase = row % self.stride[0] * self.phases[1] + b;
        c * self.channel_len + (phase * self.phase[0] + row / self.stride[0]) * self.phase[1]
    }

    /// For phase `phase` along an axis (0: rows, 1: columns): the image's first row that falls into it, where in the phase
    /// that is, and how many rows follow, a stride apart, that some patch may read.
    fn along(&self, s: &Conv2d, axis: usize, phase: usize) -> (usize, usize, usize) {
        let (step, size) = (self.stride[axis], if axis == 0 { s.height } else { s.width });
        let first = (phase + step - s.padding[axis] % step) % step;
        let place = (first + s.padding[axis]) / step;
        (first, place, size.saturating_sub(first).div_ceil(step).min(self.phase[axis].saturating_sub(place)))
    }

    /// Whether some patch reads every pixel of the image.
    fn covers(&self, s: &Conv2d) -> bool {
        [s.height, s.width].into_iter().enumerate().all(|(axis, size)| {
            self.phases[axis] == self.stride[axis]
                && (size - 1 + s.padding[axis]) / self.stride[axis] < self.phase[axis]
        })
    }

    /// What [`im2col`] and [`col2im`] rely on for the group's `n`th image, beside the lengths of their slices: every
    /// patch lies in the phases, with room to read one vector of `lanes` too far.
    fn holds(&self, s: &Conv2d, group: &Group, n: usize, lanes: usize) -> bool {
        let inside = |axis: usize| {
            self.over[axis].saturating_add(self.out[axis]) <= self.phase[axis]
                && self.stride[axis].min(s.kernel[axis]) <= self.phases[axis]
        };
        inside(0)
            && inside(1)
            && n < group.images
            && group.rows.saturating_add(group.row) <= self.out[0]
            && elements(&[self.phases[0], self.phases[1], self.phase[0], self.phase[1]]) == self.channel_len
            && elements(&[s.in_channels, self.channel_len]).saturating_add(lanes) <= self.phases_len
            && elements(&[s.in_channels, s.kernel[0], s.kernel[1]]) == self.patch
    }
}

impl Group {
    /// Patches: columns of the matrix.
    const fn patches(&self, layout: &Layout) -> usize {
        self.images * self.rows * layout.out[1]
    }

    const fn is_first_of_image(&self) -> bool {
        self.row == 0
    }

    const fn is_last_of_image(&self, layout: &Layout) -> bool {
        self.row + self.rows == layout.out[0]
    }

    /// Where the group's first pixel of channel `o` of its `n`th image lies in an output.
    const fn output_at(&self, s: &Conv2d, layout: &Layout, n: usize, o: usize) -> usize {
        (((self.image + n) * s.out_channels + o) * layout.out[0] + self.row) * layout.out[1]
    }
}

/// Calls `f(row of the image (of all channels), where its phase's columns lie, first column, columns)` for every row and
/// column phase that some patch reads.
#[inline(always)]
fn for_each_run(s: &Conv2d, layout: &Layout, mut f: impl FnMut(usize, usize, usize, usize)) {
    for a in 0..layout.phases[0] {
        let (top, down, rows) = layout.along(s, 0, a);
        for b in 0..layout.phases[1] {
            let (first, across, len) = layout.along(s, 1, b);
            if len == 0 {
                continue;
            }
            for c in 0..s.in_channels {
                let at = c * layout.channel_len
                    + ((a * layout.phases[1] + b) * layout.phase[0] + down) * layout.phase[1]
                    + across;
                for i in 0..rows {
                    f(c * s.height + top + i * layout.stride[0], at + i * layout.phase[1], first, len);
                }
            }
        }
    }
}

/// Deals image `n` of `x` out to the phases, whose padding is and stays zero.
#[inline(always)]
fn split_phases<T: Float>(s: &Conv2d, layout: &Layout, x: &[T], n: usize, phases: &mut [T]) {
    for_each_run(s, layout, |row, at, first, len| {
        let x = &x[(n * s.in_channels * s.height + row) * s.width..][..s.width];
        let to = &mut phases[at..][..len];
        if layout.stride[1] == 1 {
            to.copy_from_slice(&x[..len]);
        } else {
            for (to, &x) in to.iter_mut().zip(x[first..].iter().step_by(layout.stride[1])) {
                *to = x;
            }
        }
    });
}

/// The reverse of [`split_phases`]: the image without its padding, zero where no patch reads it.
#[inline(always)]
fn join_phases<T: Float>(s: &Conv2d, layout: &Layout, phases: &[T], x: &mut [T], n: usize) {
    if !layout.covers(s) {
        let image = s.in_channels * s.height * s.width;
        x[n * image..][..image].fill(T::ZERO);
    }
    for_each_run(s, layout, |row, at, first, len| {
        let x = &mut x[(n * s.in_channels * s.height + row) * s.width..][..s.width];
        let from = &phases[at..][..len];
        if layout.stride[1] == 1 {
            x[..len].copy_from_slice(from);
        } else {
            for (x, &from) in x[first..].iter_mut().step_by(layout.stride[1]).zip(from) {
                *x = from;
            }
        }
    });
}

/// The patches of the group's `n`th image, from its phases to columns `n · rows · width` on of the matrix.
///
/// A row is copied in whole vectors: what is written beyond it is overwritten by the next row or lies in the spare
/// vector at the end of the matrix's row.
#[inline(always)]
fn im2col<T: Float, V: Vector<T>>(s: &Conv2d, layout: &Layout, group: &Group, n: usize, phases: &[T], col: &mut [T]) {
    let width = layout.out[1];
    let [down, across] = s.kernel;
    assert!(layout.holds(s, group, n, V::LANES) && phases.len() >= layout.phases_len);
    assert!(col.len() >= elements(&[layout.patch, layout.pitch]));
    let vectors = elements(&[group.images, group.rows, width]).div_ceil(V::LANES).saturating_add(1);
    assert!(elements(&[vectors, V::LANES]) <= layout.pitch);
    for tap in 0..layout.patch {
        let (c, u, v) = (tap / (down * across), tap / across % down, tap % across);
        let mut to = tap * layout.pitch + n * group.rows * width;
        let first = layout.phase_row(c, u, v % layout.stride[1]) + v / layout.stride[1];
        for row in group.row..group.row + group.rows {
            let from = first + row * layout.phase[1];
            let mut j = 0;
            while j < width {
                // SAFETY: the layout holds, so the row starts inside the phases and ends there, one vector of slack
                // included; the matrix's row has room for its patches and one vector more. All of it was asserted.
                unsafe { V::load(phases.as_ptr().add(from + j)).store(col.as_mut_ptr().add(to + j)) }
                j += V::LANES;
            }
            to += width;
        }
    }
}

/// Adds the patches of the group's `n`th image to its phases: the adjoint of [`im2col`].
///
/// Channels run innermost: a load that follows a store to overlapping addresses would wait for it.
#[inline(always)]
fn col2im<T: Float, V: Vector<T>>(s: &Conv2d, layout: &Layout, group: &Group, n: usize, col: &[T], phases: &mut [T]) {
    let width = layout.out[1];
    let [down, across] = s.kernel;
    assert!(layout.holds(s, group, n, V::LANES) && phases.len() >= layout.phases_len);
    assert!(col.len() >= elements(&[layout.patch, layout.pitch]));
    assert!(elements(&[group.images, group.rows, width]) <= layout.pitch);
    for tap in 0..down * across {
        let (u, v) = (tap / across, tap % across);
        let first = layout.phase_row(0, u, v % layout.stride[1]) + v / layout.stride[1];
        for row in 0..group.rows {
            let from = tap * layout.pitch + (n * group.rows + row) * width;
            let to = first + (group.row + row) * layout.phase[1];
            let mut j = 0;
            while j < width {
                let count = V::LANES.min(width - j);
                for c in 0..s.in_channels {
                    // SAFETY: as in `im2col`; only the `count` numbers that belong to the row are touched.
                    unsafe {
                        let from = col.as_ptr().add(c * down * across * layout.pitch + from + j);
                        let to = phases.as_mut_ptr().add(c * layout.channel_len + to + j);
                        if count == V::LANES {
                            V::load(to).add(V::load(from)).store(to);
                        } else {
                            V::load_partial(to, count).add(V::load_partial(from, count)).store_partial(to, count);
                        }
                    }
                }
                j += V::LANES;
            }
        }
    }
}

/// y = relu?(W col + b); `finish.pool` must not be set.
pub(super) struct Forward<'a, T> {
    /// The operation, for errors.
    pub(super) op: &'static str,
    pub(super) shape: &'a Conv2d,
    pub(super) x: &'a [T],
    pub(super) w: &'a [T],
    pub(super) bias: Option<&'a [T]>,
    pub(super) finish: Finish,
    pub(super) y: &'a mut [T],
    pub(super) scratch: &'a mut Scratch,
}

impl<T: Float> Forward<'_, T> {
    /// Runs at `level`.
    ///
    /// # Errors
    /// [`ShapeError`] if the working memory is not there; nothing is written then.
    pub(super) fn start(self, level: Level) -> Result<(), ShapeError> {
        T::im2col_forward(level, self)
    }
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = Result<(), ShapeError>;
    #[inline(always)]
    fn run<V: Vector<T>>(self) -> Self::Output {
        let Self { op, shape: s, x, w, bias, finish, y, scratch } = self;
        debug_assert!(!finish.pool);
        let layout = Layout::new::<T, V>(op, s)?;
        let z = product(op, "the outputs of a group", &[s.out_channels, layout.pitch])?;
        let [mut phases, mut col, mut z] = scratch.take_all::<T, 3>(op, [layout.phases_len, layout.matrix_len, z])?;
        phases.as_mut_slice().fill(T::ZERO);
        let zero = V::splat(T::ZERO);
        for group in layout.groups(*s) {
            for n in 0..group.images {
                if group.is_first_of_image() {
                    split_phases(s, &layout, x, group.image + n, phases.as_mut_slice());
                }
                im2col::<T, V>(s, &layout, &group, n, phases.as_slice(), col.as_mut_slice());
            }
            call::<T, V, _>(Product {
                count: 1,
                m: s.out_channels,
                k: layout.patch,
                n: group.patches(&layout).next_multiple_of(V::LANES),
                a: w,
                a_strides: [0, layout.patch, 1],
                b: col.as_slice(),
                b_strides: [0, layout.pitch],
                c: z.as_mut_slice(),
                c_strides: [0, layout.pitch],
                accumulate: false,
            });
            let pixels = group.rows * layout.out[1];
            for n in 0..group.images {
                for o in 0..s.out_channels {
                    let z = &z.as_slice()[o * layout.pitch + n * pixels..][..pixels];
                    let y = &mut y[group.output_at(s, &layout, n, o)..][..pixels];
                    let bias = V::splat(bias.map_or(T::ZERO, |bias| bias[o]));
                    for i in (0..pixels).step_by(V::LANES) {
                        let count = V::LANES.min(pixels - i);
                        // SAFETY: i + count <= pixels, the length of both slices.
                        unsafe {
                            let z = Source::load::<V>(&z, i, count).add(bias);
                            let z = if finish.relu { z.select_le(zero, zero, z) } else { z };
                            let to = y.as_mut_ptr().add(i);
                            if count == V::LANES { z.store(to) } else { z.store_partial(to, count) }
                        }
                    }
                }
            }
        }
        scratch.give_all([phases, col, z]);
        Ok(())
    }
}

/// The gradients, each if wanted, given dz = dy, or dy where y > 0 if `finish.relu`; `finish.pool` must not be set.
pub(super) struct Backward<'a, T> {
    /// The operation, for errors.
    pub(super) op: &'static str,
    pub(super) shape: &'a Conv2d,
    pub(super) finish: Finish,
    /// The block's output; needed where `finish.relu` is set.
    pub(super) y: &'a [T],
    pub(super) dy: &'a [T],
    /// w and dx.
    pub(super) input: Option<(&'a [T], &'a mut [T])>,
    /// x and dw.
    pub(super) weight: Option<(&'a [T], &'a mut [T])>,
    pub(super) db: Option<&'a mut [T]>,
    pub(super) scratch: &'a mut Scratch,
}

impl<T: Float> Backward<'_, T> {
    /// Runs at `level`.
    ///
    /// # Errors
    /// [`ShapeError`] if the working memory is not there; nothing is written then.
    pub(super) fn start(self, level: Level) -> Result<(), ShapeError> {
        T::im2col_backward(level, self)
    }
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = Result<(), ShapeError>;
    #[inline(always)]
    fn run<V: Vector<T>>(self) -> Self::Output {
        let Self { op, shape, finish, y, dy, input, weight, db, scratch } = self;
        debug_assert!(!finish.pool);
        backward::<T, V>(op, shape, Upstream { y: finish.relu.then_some(y), dy }, input, weight, db, scratch)
    }
}

#[inline(always)]
fn backward<T: Float, V: Vector<T>>(
    op: &'static str,
    s: &Conv2d,
    dz: Upstream<'_, T>,
    mut input: Option<(&[T], &mut [T])>,
    mut weight: Option<(&[T], &mut [T])>,
    db: Option<&mut [T]>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    let layout = Layout::new::<T, V>(op, s)?;
    let blocks = s.out_channels.div_ceil(V::LANES);
    let plane = layout.out[0] * layout.out[1];
    let group_patches = layout.group_patches;
    let when = |wanted: bool, len: usize| if wanted { len } else { 0 };
    let lens = [
        when(weight.is_some(), layout.phases_len),
        when(input.is_some(), layout.phases_len),
        layout.matrix_len,
        when(input.is_some(), product(op, "the outputs of a group", &[s.out_channels, layout.pitch])?),
        product(op, "the outputs of a group", &[blocks, group_patches, V::LANES])?,
        when(weight.is_some(), product(op, "weights", &[blocks, layout.patch, V::LANES])?),
        product(op, "sums of a bias gradient", &[blocks, LEVELS, V::LANES])?,
    ];
    let [mut phases, mut dphases, mut col, mut rows, mut lanes, mut dw_lanes, mut sums] =
        scratch.take_all::<T, 7>(op, lens)?;
    phases.as_mut_slice().fill(T::ZERO);
    let (mut first, mut summed) = (true, 0);
    for group in layout.groups(*s) {
        let pixels = group.rows * layout.out[1];
        if weight.is_some() || db.is_some() {
            for block in 0..blocks {
                for n in 0..group.images {
                    let count = V::LANES.min(s.out_channels - block * V::LANES);
                    let planes = Planes { count, pixels, stride: plane };
                    let at = (block * group_patches + n * pixels) * V::LANES;
                    let to = &mut lanes.as_mut_slice()[at..at + pixels * V::LANES];
                    let rows = Rows { width: pixels, row: pixels };
                    planes_to_lanes::<T, V, _>(dz, group.output_at(s, &layout, n, block * V::LANES), planes, rows, to);
                    if db.is_some() {
                        let levels = &mut sums.as_mut_slice()[block * LEVELS * V::LANES..];
                        tree::push_all::<T, V>(levels, summed + n * tree::blocks::<T, V>(to.len()), to);
                    }
                }
            }
            summed += group.images * tree::blocks::<T, V>(pixels * V::LANES);
        }
        if let Some((x, _)) = &weight {
            for n in 0..group.images {
                if group.is_first_of_image() {
                    split_phases(s, &layout, x, group.image + n, phases.as_mut_slice());
                }
                im2col::<T, V>(s, &layout, &group, n, phases.as_slice(), col.as_mut_slice());
            }
            // Some terms at a time: one running sum over all patches would lose as many digits as it is long.
            let patches = group.patches(&layout);
            for start in (0..patches).step_by(TERMS) {
                call::<T, V, _>(Product {
                    count: blocks,
                    m: layout.patch,
                    k: TERMS.min(patches - start),
                    n: V::LANES,
                    a: &col.as_slice()[start..],
                    a_strides: [0, layout.pitch, 1],
                    b: &lanes.as_slice()[start * V::LANES..],
                    b_strides: [group_patches * V::LANES, V::LANES],
                    c: dw_lanes.as_mut_slice(),
                    c_strides: [layout.patch * V::LANES, V::LANES],
                    accumulate: !first || start > 0,
                });
            }
            first = false;
        }
        if let Some((w, dx)) = &mut input {
            for o in 0..s.out_channels {
                for n in 0..group.images {
                    let to = &mut rows.as_mut_slice()[o * layout.pitch + n * pixels..][..pixels];
                    for i in (0..pixels).step_by(V::LANES) {
                        let count = V::LANES.min(pixels - i);
                        // SAFETY: the source holds the whole output; i + count <= pixels, the length of `to`.
                        unsafe {
                            let dz = dz.load::<V>(group.output_at(s, &layout, n, o) + i, count);
                            let to = to.as_mut_ptr().add(i);
                            if count == V::LANES { dz.store(to) } else { dz.store_partial(to, count) }
                        }
                    }
                }
            }
            call::<T, V, _>(Product {
                count: 1,
                m: layout.patch,
                k: s.out_channels,
                n: group.patches(&layout).next_multiple_of(V::LANES),
                a: w,
                a_strides: [0, 1, layout.patch],
                b: rows.as_slice(),
                b_strides: [0, layout.pitch],
                c: col.as_mut_slice(),
                c_strides: [0, layout.pitch],
                accumulate: false,
            });
            for n in 0..group.images {
                if group.is_first_of_image() {
                    dphases.as_mut_slice().fill(T::ZERO);
                }
                col2im::<T, V>(s, &layout, &group, n, col.as_slice(), dphases.as_mut_slice());
                if group.is_last_of_image(&layout) {
                    join_phases(s, &layout, dphases.as_slice(), dx, group.image + n);
                }
            }
        }
    }
    if let Some((_, dw)) = &mut weight {
        if first {
            dw.fill(T::ZERO);
        }
        for block in 0..if first { 0 } else { blocks } {
            let count = V::LANES.min(s.out_channels - block * V::LANES);
            let planes = Planes { count, pixels: layout.patch, stride: layout.patch };
            let rows = Rows { width: layout.patch, row: layout.patch };
            let from = &dw_lanes.as_slice()[block * layout.patch * V::LANES..];
            lanes_to_planes::<T, V, _>(from, rows, planes, *dw, block * V::LANES * layout.patch);
        }
    }
    if let Some(db) = db {
        for (block, db) in db.chunks_mut(V::LANES).enumerate() {
            let total = tree::total::<T, V>(&sums.as_slice()[block * LEVELS * V::LANES..], summed);
            db.copy_from_slice(&total.to_array()[..db.len()]);
        }
    }
    scratch.give_all([phases, dphases, col, rows, lanes, dw_lanes, sums]);
    Ok(())
}
