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
use super::vector::{Kernel, Vector, call, run_at, same, same_mut};
use super::{Conv2d, Finish};
use crate::{Float, Level, Scratch};

/// Bytes of the patch matrix of a group.
const GROUP_BYTES: usize = 256 << 10;

/// The sizes of the phases and of the patch matrix.
#[derive(Clone, Copy)]
struct Layout {
    /// Rows and columns of a phase.
    phase: [usize; 2],
    /// Elements of the phases of all channels of an image, with room to read one vector too far.
    phases_len: usize,
    /// Rows of the patch matrix: channels × kernel.
    patch: usize,
    /// From one row of the patch matrix to the next; one vector longer than the patches of a group.
    pitch: usize,
    /// Images of a group, and rows of output; some rows of a single image if that is large.
    images: usize,
    rows: usize,
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
    fn new<T: Float, V: Vector<T>>(s: &Conv2d) -> Self {
        let phase =
            [(s.height + 2 * s.padding[0]).div_ceil(s.stride[0]), (s.width + 2 * s.padding[1]).div_ceil(s.stride[1])];
        let patch = s.in_channels * s.kernel[0] * s.kernel[1];
        let row_bytes = patch * s.out_width() * size_of::<T>();
        let rows = (GROUP_BYTES / row_bytes).max(1);
        let images = (rows / s.out_height()).clamp(1, s.batch.max(1));
        let rows = rows.min(s.out_height());
        let per_line = 64 / size_of::<T>();
        let pitch = (images * rows * s.out_width()).next_multiple_of(V::LANES) + V::LANES;
        Self {
            phase,
            phases_len: s.in_channels * s.stride[0] * s.stride[1] * phase[0] * phase[1] + V::LANES,
            patch,
            pitch: (pitch.div_ceil(per_line) | 1) * per_line,
            images,
            rows,
        }
    }

    fn groups(self, s: Conv2d) -> impl Iterator<Item = Group> {
        (0..s.batch).step_by(self.images).flat_map(move |image| {
            (0..s.out_height()).step_by(self.rows).map(move |row| Group {
                image,
                images: self.images.min(s.batch - image),
                row,
                rows: self.rows.min(s.out_height() - row),
            })
        })
    }

    /// Where row `row` of channel `c` of the padded image lies in the phases, for columns ≡ `b`.
    const fn phase_row(&self, s: &Conv2d, c: usize, row: usize, b: usize) -> usize {
        let [height, width] = self.phase;
        let phase = (c * s.stride[0] + row % s.stride[0]) * s.stride[1] + b;
        (phase * height + row / s.stride[0]) * width
    }
}

impl Group {
    /// Patches: columns of the matrix.
    const fn patches(&self, s: &Conv2d) -> usize {
        self.images * self.rows * s.out_width()
    }

    const fn is_first_of_image(&self) -> bool {
        self.row == 0
    }

    const fn is_last_of_image(&self, s: &Conv2d) -> bool {
        self.row + self.rows == s.out_height()
    }

    /// Where the group's first pixel of channel `o` of its `n`th image lies in an output.
    const fn output_at(&self, s: &Conv2d, n: usize, o: usize) -> usize {
        (((self.image + n) * s.out_channels + o) * s.out_height() + self.row) * s.out_width()
    }
}

/// For column phase `b`: the image's first column that falls into it, and where in the phase that is.
const fn first_column(s: &Conv2d, b: usize) -> (usize, usize) {
    let first = (b + s.stride[1] - s.padding[1] % s.stride[1]) % s.stride[1];
    (first, (first + s.padding[1]) / s.stride[1])
}

/// Deals image `n` of `x` out to the phases, whose padding is and stays zero.
#[inline(always)]
fn split_phases<T: Float>(s: &Conv2d, layout: &Layout, x: &[T], n: usize, phases: &mut [T]) {
    for b in 0..s.stride[1] {
        let (first, place) = first_column(s, b);
        for c in 0..s.in_channels {
            for row in 0..s.height {
                let x = &x[((n * s.in_channels + c) * s.height + row) * s.width..][..s.width];
                let to = &mut phases[layout.phase_row(s, c, row + s.padding[0], b) + place..];
                if s.stride[1] == 1 {
                    to[..s.width].copy_from_slice(x);
                } else {
                    let mut column = first;
                    for to in to {
                        let Some(&x) = x.get(column) else { break };
                        *to = x;
                        column += s.stride[1];
                    }
                }
            }
        }
    }
}

/// The reverse of [`split_phases`]: the image without its padding.
#[inline(always)]
fn join_phases<T: Float>(s: &Conv2d, layout: &Layout, phases: &[T], x: &mut [T], n: usize) {
    for b in 0..s.stride[1] {
        let (first, place) = first_column(s, b);
        for c in 0..s.in_channels {
            for row in 0..s.height {
                let x = &mut x[((n * s.in_channels + c) * s.height + row) * s.width..][..s.width];
                let from = &phases[layout.phase_row(s, c, row + s.padding[0], b) + place..];
                if s.stride[1] == 1 {
                    x.copy_from_slice(&from[..s.width]);
                } else {
                    let mut column = first;
                    for &from in from {
                        let Some(x) = x.get_mut(column) else { break };
                        *x = from;
                        column += s.stride[1];
                    }
                }
            }
        }
    }
}

/// The patches of the group's `n`th image, from its phases to columns `n · rows · width` on of the matrix.
///
/// A row is copied in whole vectors: what is written beyond it is overwritten by the next row or lies in the spare
/// vector at the end of the matrix's row.
#[inline(always)]
fn im2col<T: Float, V: Vector<T>>(s: &Conv2d, layout: &Layout, group: &Group, n: usize, phases: &[T], col: &mut [T]) {
    let width = s.out_width();
    let [down, across] = s.kernel;
    assert!(phases.len() >= layout.phases_len && col.len() >= layout.patch * layout.pitch);
    assert!(group.patches(s).next_multiple_of(V::LANES) + V::LANES <= layout.pitch);
    for tap in 0..layout.patch {
        let (c, u, v) = (tap / (down * across), tap / across % down, tap % across);
        let mut to = tap * layout.pitch + n * group.rows * width;
        let first = layout.phase_row(s, c, u, v % s.stride[1]) + v / s.stride[1];
        for row in group.row..group.row + group.rows {
            let from = first + row * layout.phase[1];
            let mut j = 0;
            while j < width {
                // SAFETY: the row starts inside the phases and ends there, one vector of slack included; the matrix's
                // row has room for its patches and one vector more. Both lengths were asserted.
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
    let width = s.out_width();
    let [down, across] = s.kernel;
    let plane = layout.phase[0] * layout.phase[1] * s.stride[0] * s.stride[1];
    assert!(phases.len() >= layout.phases_len && col.len() >= layout.patch * layout.pitch);
    assert!(group.patches(s) <= layout.pitch);
    for tap in 0..down * across {
        let (u, v) = (tap / across, tap % across);
        let first = layout.phase_row(s, 0, u, v % s.stride[1]) + v / s.stride[1];
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
                        let to = phases.as_mut_ptr().add(c * plane + to + j);
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
    pub(super) shape: &'a Conv2d,
    pub(super) x: &'a [T],
    pub(super) w: &'a [T],
    pub(super) bias: Option<&'a [T]>,
    pub(super) finish: Finish,
    pub(super) y: &'a mut [T],
    pub(super) scratch: &'a mut Scratch,
}

impl<'a, T: Float> Forward<'a, T> {
    /// Runs at `level`. The code for f32 and f64 is compiled here, not again by every crate that calls it.
    pub(super) fn start(self, level: Level) {
        #[inline(never)]
        fn single(level: Level, kernel: Forward<'_, f32>) {
            run_at(level, kernel);
        }
        #[inline(never)]
        fn double(level: Level, kernel: Forward<'_, f64>) {
            run_at(level, kernel);
        }
        if size_of::<T>() == size_of::<f32>() {
            single(level, self.cast());
        } else {
            double(level, self.cast());
        }
    }

    fn cast<U: Float>(self) -> Forward<'a, U> {
        Forward {
            shape: self.shape,
            x: same(self.x),
            w: same(self.w),
            bias: self.bias.map(same),
            finish: self.finish,
            y: same_mut(self.y),
            scratch: self.scratch,
        }
    }
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { shape: s, x, w, bias, finish, y, scratch } = self;
        debug_assert!(!finish.pool);
        let layout = Layout::new::<T, V>(s);
        let mut phases = scratch.take::<T>(layout.phases_len);
        let mut col = scratch.take::<T>(layout.patch * layout.pitch);
        let mut z = scratch.take::<T>(s.out_channels * layout.pitch);
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
                n: group.patches(s).next_multiple_of(V::LANES),
                a: w,
                a_strides: [0, layout.patch, 1],
                b: col.as_slice(),
                b_strides: [0, layout.pitch],
                c: z.as_mut_slice(),
                c_strides: [0, layout.pitch],
                accumulate: false,
            });
            let pixels = group.rows * s.out_width();
            for n in 0..group.images {
                for o in 0..s.out_channels {
                    let z = &z.as_slice()[o * layout.pitch + n * pixels..][..pixels];
                    let y = &mut y[group.output_at(s, n, o)..][..pixels];
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
        for buffer in [phases, col, z] {
            scratch.give(buffer);
        }
    }
}

/// The gradients, each if wanted, given dz = dy, or dy where y > 0 if `finish.relu`; `finish.pool` must not be set.
pub(super) struct Backward<'a, T> {
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

impl<'a, T: Float> Backward<'a, T> {
    /// Runs at `level`. The code for f32 and f64 is compiled here, not again by every crate that calls it.
    pub(super) fn start(self, level: Level) {
        #[inline(never)]
        fn single(level: Level, kernel: Backward<'_, f32>) {
            run_at(level, kernel);
        }
        #[inline(never)]
        fn double(level: Level, kernel: Backward<'_, f64>) {
            run_at(level, kernel);
        }
        if size_of::<T>() == size_of::<f32>() {
            single(level, self.cast());
        } else {
            double(level, self.cast());
        }
    }

    fn cast<U: Float>(self) -> Backward<'a, U> {
        Backward {
            shape: self.shape,
            finish: self.finish,
            y: same(self.y),
            dy: same(self.dy),
            input: self.input.map(|(w, dx)| (same(w), same_mut(dx))),
            weight: self.weight.map(|(x, dw)| (same(x), same_mut(dw))),
            db: self.db.map(same_mut),
            scratch: self.scratch,
        }
    }
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { shape, finish, y, dy, input, weight, db, scratch } = self;
        debug_assert!(!finish.pool);
        backward::<T, V>(shape, Upstream { y: finish.relu.then_some(y), dy }, input, weight, db, scratch);
    }
}

#[inline(always)]
fn backward<T: Float, V: Vector<T>>(
    s: &Conv2d,
    dz: Upstream<'_, T>,
    mut input: Option<(&[T], &mut [T])>,
    mut weight: Option<(&[T], &mut [T])>,
    db: Option<&mut [T]>,
    scratch: &mut Scratch,
) {
    let layout = Layout::new::<T, V>(s);
    let blocks = s.out_channels.div_ceil(V::LANES);
    let plane = s.out_height() * s.out_width();
    let group_patches = layout.images * layout.rows * s.out_width();
    let mut phases = scratch.take::<T>(if weight.is_some() { layout.phases_len } else { 0 });
    let mut dphases = scratch.take::<T>(if input.is_some() { layout.phases_len } else { 0 });
    let mut col = scratch.take::<T>(layout.patch * layout.pitch);
    let mut rows = scratch.take::<T>(if input.is_some() { s.out_channels * layout.pitch } else { 0 });
    let mut lanes = scratch.take::<T>(blocks * group_patches * V::LANES);
    let mut dw_lanes = scratch.take::<T>(if weight.is_some() { blocks * layout.patch * V::LANES } else { 0 });
    let mut sums = scratch.take::<T>(blocks * V::LANES);
    sums.as_mut_slice().fill(T::ZERO);
    phases.as_mut_slice().fill(T::ZERO);
    let mut first = true;
    for group in layout.groups(*s) {
        let pixels = group.rows * s.out_width();
        if weight.is_some() || db.is_some() {
            for block in 0..blocks {
                for n in 0..group.images {
                    let count = V::LANES.min(s.out_channels - block * V::LANES);
                    let planes = Planes { count, pixels, stride: plane };
                    let at = (block * group_patches + n * pixels) * V::LANES;
                    let to = &mut lanes.as_mut_slice()[at..at + pixels * V::LANES];
                    let rows = Rows { width: pixels, row: pixels };
                    planes_to_lanes::<T, V, _>(dz, group.output_at(s, n, block * V::LANES), planes, rows, to);
                    add_rows::<T, V>(to, &mut sums.as_mut_slice()[block * V::LANES..]);
                }
            }
        }
        if let Some((x, _)) = &weight {
            for n in 0..group.images {
                if group.is_first_of_image() {
                    split_phases(s, &layout, x, group.image + n, phases.as_mut_slice());
                }
                im2col::<T, V>(s, &layout, &group, n, phases.as_slice(), col.as_mut_slice());
            }
            call::<T, V, _>(Product {
                count: blocks,
                m: layout.patch,
                k: group.patches(s),
                n: V::LANES,
                a: col.as_slice(),
                a_strides: [0, layout.pitch, 1],
                b: lanes.as_slice(),
                b_strides: [group_patches * V::LANES, V::LANES],
                c: dw_lanes.as_mut_slice(),
                c_strides: [layout.patch * V::LANES, V::LANES],
                accumulate: !first,
            });
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
                            let dz = dz.load::<V>(group.output_at(s, n, o) + i, count);
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
                n: group.patches(s).next_multiple_of(V::LANES),
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
                if group.is_last_of_image(s) {
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
        db.copy_from_slice(&sums.as_slice()[..s.out_channels]);
    }
    for buffer in [phases, dphases, col, rows, lanes, dw_lanes, sums] {
        scratch.give(buffer);
    }
}

/// sums += Σ of the vectors in `lanes`.
#[inline(always)]
fn add_rows<T: Float, V: Vector<T>>(lanes: &[T], sums: &mut [T]) {
    assert!(sums.len() >= V::LANES && lanes.len().is_multiple_of(V::LANES));
    let mut parts = [V::splat(T::ZERO); 4];
    for (i, lane) in lanes.chunks_exact(V::LANES).enumerate() {
        // SAFETY: the chunk has LANES elements.
        parts[i % 4] = parts[i % 4].add(unsafe { V::load(lane.as_ptr()) });
    }
    // SAFETY: LANES sums were asserted.
    unsafe {
        let total = parts[0].add(parts[1]).add(parts[2].add(parts[3]));
        V::load(sums.as_ptr()).add(total).store(sums.as_mut_ptr());
    }
}
