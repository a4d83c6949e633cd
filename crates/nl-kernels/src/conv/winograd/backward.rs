//! dx, dw and db from dy: the adjoint of the forward pass, step by step, in the transformed domain.

use super::super::layout::{Rows, Upstream, lanes_to_planes, planes_to_lanes};
use super::super::product::Product;
use super::super::tree::{self, LEVELS};
use super::super::vector::{Kernel, Vector, call};
use super::super::{Conv2d, Finish};
use super::{
    Group, Layout, POINTS, TransformFilters, TransformInput, block_planes, pad_input, points_of, tile_reach, transforms,
};
use crate::size::{elements, product};
use crate::{Float, Level, Scratch, ShapeError};

/// The backward pass; slices fit the shape, which [`applies`](super::applies). Each gradient is computed if wanted.
pub(in crate::conv) struct Backward<'a, T> {
    /// The operation, for errors.
    pub(in crate::conv) op: &'static str,
    pub(in crate::conv) shape: &'a Conv2d,
    pub(in crate::conv) finish: Finish,
    /// The block's output; needed where `finish.relu` is set.
    pub(in crate::conv) y: &'a [T],
    /// Needed where `finish.pool` is set.
    pub(in crate::conv) argmax: &'a [u8],
    pub(in crate::conv) dy: &'a [T],
    /// w and dx.
    pub(in crate::conv) input: Option<(&'a [T], &'a mut [T])>,
    /// x and dw.
    pub(in crate::conv) weight: Option<(&'a [T], &'a mut [T])>,
    pub(in crate::conv) db: Option<&'a mut [T]>,
    pub(in crate::conv) scratch: &'a mut Scratch,
}

impl<T: Float> Backward<'_, T> {
    /// Runs at `level`.
    ///
    /// # Errors
    /// [`ShapeError`] if the working memory is not there; nothing is written then.
    pub(in crate::conv) fn start(self, level: Level) -> Result<(), ShapeError> {
        T::winograd_backward(level, self)
    }
}

impl<T: Float> Kernel<T> for Backward<'_, T> {
    type Output = Result<(), ShapeError>;
    #[inline(always)]
    fn run<V: Vector<T>>(self) -> Self::Output {
        let Self { op, shape: s, finish, y, argmax, dy, mut input, mut weight, db, scratch } = self;
        let layout = Layout::new::<T, V>(op, s)?;
        let (channels, filters) = (layout.channels(), layout.filters());
        let (v_point, v_len) = layout.points::<T>(op, layout.group_tiles, channels)?;
        let (m_point, m_len) = layout.points::<T>(op, layout.group_tiles, filters)?;
        let (ut_point, ut_len) = layout.points::<T>(op, s.out_channels, channels)?;
        let (du_point, du_len) = layout.points::<T>(op, s.in_channels, filters)?;
        let when = |wanted: bool, len: usize| if wanted { len } else { 0 };
        let tile = finish.tile();
        let dz_len = product(op, "an output in tiles", &[tile, tile, layout.tiles[0], layout.tiles[1], V::LANES])?;
        let dzs = product(op, "an output in tiles", &[layout.filter_blocks, dz_len])?;
        let padded_len = product(op, "a padded image", &[layout.channel_blocks, layout.padded_len])?;
        let lens = [
            product(op, "filters", &[9, V::LANES, s.in_channels.max(s.out_channels)])?,
            when(input.is_some(), ut_len),
            when(weight.is_some(), du_len),
            v_len,
            m_len,
            dzs,
            when(finish.pool, dzs),
            when(weight.is_some(), padded_len),
            when(input.is_some(), padded_len),
            product(op, "sums of a bias gradient", &[layout.filter_blocks, LEVELS, V::LANES])?,
        ];
        let [mut taps, mut ut, mut du, mut v, mut dm, mut dz, mut places, mut padded, mut dpadded, mut sums] =
            scratch.take_all::<T, 10>(op, lens)?;

        // The border and the lanes beyond the channels are zero once and for all.
        for buffer in [&mut padded, &mut dz, &mut places] {
            buffer.as_mut_slice().fill(T::ZERO);
        }
        if let Some((w, _)) = &input {
            for block in 0..layout.channel_blocks {
                for (filter, taps) in
                    taps.as_mut_slice().chunks_exact_mut(9 * V::LANES).take(s.out_channels).enumerate()
                {
                    let planes = block_planes(block, V::LANES, s.in_channels, 9, 9);
                    let at = (filter * s.in_channels + block * V::LANES) * 9;
                    planes_to_lanes::<T, V, _>(*w, at, planes, Rows { width: 9, row: 9 }, taps);
                }
                let at = block * V::LANES;
                call::<T, V, _>(TransformFilters {
                    taps: taps.as_slice(),
                    others: s.out_channels,
                    u: ut.as_mut_slice(),
                    at,
                    point: ut_point,
                    row: channels,
                });
            }
        }
        let (mut first, mut summed) = (true, 0);
        for group in layout.groups(s.batch) {
            let image_tiles = group.rows * layout.tiles[1];
            for n in 0..group.images {
                for block in 0..layout.filter_blocks {
                    let lanes = block * dz_len..(block + 1) * dz_len;
                    let dz = &mut dz.as_mut_slice()[lanes.clone()];
                    let places = if finish.pool { &mut places.as_mut_slice()[lanes] } else { &mut [] };
                    if group.is_first_of_image() {
                        let [height, width] = finish.size(s);
                        let planes = block_planes(block, V::LANES, s.out_channels, height * width, height * width);
                        let rows = Rows { width, row: finish.tile() * layout.tiles[1] };
                        let at = ((group.image + n) * s.out_channels + block * V::LANES) * height * width;
                        let upstream = Upstream { y: finish.relu.then_some(y), dy };
                        planes_to_lanes::<T, V, _>(upstream, at, planes, rows, dz);
                        if finish.pool {
                            planes_to_lanes::<T, V, _>(argmax, at, planes, rows, places);
                        }
                    }
                    let at = n * image_tiles * filters + block * V::LANES;
                    let levels = &mut sums.as_mut_slice()[block * LEVELS * V::LANES..];
                    let dm = dm.as_mut_slice();
                    transform_dz::<T, V>(&layout, &group, finish, dz, places, levels, summed, dm, at, m_point);
                }
                summed += image_tiles.div_ceil(tiles_of_block(finish));
            }
            if let Some((x, _)) = &weight {
                for n in 0..group.images {
                    for block in 0..layout.channel_blocks {
                        let padded = &mut padded.as_mut_slice()[block * layout.padded_len..][..layout.padded_len];
                        if group.is_first_of_image() {
                            pad_input::<T, V>(s, &layout, x, group.image + n, block, padded);
                        }
                        let at = n * image_tiles * channels + block * V::LANES;
                        call::<T, V, _>(TransformInput {
                            layout: &layout,
                            group: &group,
                            padded,
                            v: v.as_mut_slice(),
                            at,
                            point: v_point,
                        });
                    }
                }
                call::<T, V, _>(Product {
                    count: POINTS,
                    m: s.in_channels,
                    k: group.tiles(&layout),
                    n: filters,
                    a: v.as_slice(),
                    a_strides: [v_point, 1, channels],
                    b: dm.as_slice(),
                    b_strides: [m_point, filters],
                    c: du.as_mut_slice(),
                    c_strides: [du_point, filters],
                    accumulate: !first,
                });
                first = false;
            }
            if let Some((_, dx)) = &mut input {
                // V has served; dV takes its place.
                call::<T, V, _>(Product {
                    count: POINTS,
                    m: group.tiles(&layout),
                    k: s.out_channels,
                    n: channels,
                    a: dm.as_slice(),
                    a_strides: [m_point, filters, 1],
                    b: ut.as_slice(),
                    b_strides: [ut_point, channels],
                    c: v.as_mut_slice(),
                    c_strides: [v_point, channels],
                    accumulate: false,
                });
                for n in 0..group.images {
                    for block in 0..layout.channel_blocks {
                        let dpadded = &mut dpadded.as_mut_slice()[block * layout.padded_len..][..layout.padded_len];
                        if group.is_first_of_image() {
                            dpadded.fill(T::ZERO);
                        }
                        let at = n * image_tiles * channels + block * V::LANES;
                        add_dx_tiles::<T, V>(&layout, &group, v.as_slice(), at, v_point, dpadded);
                        if group.is_last_of_image(&layout) {
                            let plane = s.height * s.width;
                            let planes = block_planes(block, V::LANES, s.in_channels, plane, plane);
                            let rows = Rows { width: s.width, row: layout.padded_width };
                            let inside = (layout.padded_width + 1) * V::LANES;
                            let at = ((group.image + n) * s.in_channels + block * V::LANES) * plane;
                            lanes_to_planes::<T, V, _>(&dpadded[inside..], rows, planes, *dx, at);
                        }
                    }
                }
            }
        }
        if let Some((_, dw)) = &mut weight {
            if first {
                dw.fill(T::ZERO);
            } else {
                for block in 0..layout.filter_blocks {
                    let at = block * V::LANES;
                    call::<T, V, _>(FilterGradient {
                        du: du.as_slice(),
                        at,
                        point: du_point,
                        row: filters,
                        channels: s.in_channels,
                        taps: taps.as_mut_slice(),
                    });
                    let pixels = 9 * s.in_channels;
                    let planes = block_planes(block, V::LANES, s.out_channels, pixels, pixels);
                    let rows = Rows { width: pixels, row: pixels };
                    lanes_to_planes::<T, V, _>(taps.as_slice(), rows, planes, *dw, block * V::LANES * pixels);
                }
            }
        }
        if let Some(db) = db {
            for (block, db) in db.chunks_mut(V::LANES).enumerate() {
                let total = tree::total::<T, V>(&sums.as_slice()[block * LEVELS * V::LANES..], summed);
                db.copy_from_slice(&total.to_array()[..db.len()]);
            }
        }
        scratch.give_all([taps, ut, du, v, dm, dz, places, padded, dpadded, sums]);
        Ok(())
    }
}

/// Tiles whose dz are summed before they enter the tree of the bias gradient: 16 terms for each of four running sums.
const fn tiles_of_block(finish: Finish) -> usize {
    if finish.pool { 16 } else { 4 }
}

/// dM = A dz Aᵀ for the tiles of one block of filters; dz comes from lanes of dy that are still pooled if
/// `finish.pool`. Enters the sums of dz over blocks of tiles into the tree `levels`, after `summed` others.
#[inline(always)]
fn transform_dz<T: Float, V: Vector<T>>(
    layout: &Layout,
    group: &Group,
    finish: Finish,
    dz: &[T],
    places: &[T],
    levels: &mut [T],
    mut summed: usize,
    dm: &mut [T],
    at: usize,
    point: usize,
) {
    let (columns, tile) = (layout.tiles[1], finish.tile());
    let width = tile * columns * V::LANES;
    assert!(dz.len() >= elements(&[tile, layout.tiles[0], width]) && group.row + group.rows <= layout.tiles[0]);
    assert!(!finish.pool || places.len() >= elements(&[tile, layout.tiles[0], width]));
    assert!(tile_reach(at, point, group.rows * columns, layout.filters(), V::LANES) <= dm.len());
    let zero = V::splat(T::ZERO);
    let (mut sums, mut left) = ([zero; 4], tiles_of_block(finish));
    for row in 0..group.rows {
        for column in 0..columns {
            // SAFETY: the tile's rows and columns lie in `dz` (and `places`), which hold all tiles of the image; of
            // the offsets into `dm` the largest was asserted to fit.
            unsafe {
                let from = tile * (group.row + row) * width + tile * column * V::LANES;
                let to = dm.as_mut_ptr().add(at + (row * columns + column) * layout.filters());
                let mut square = [[zero; 4]; 4];
                if finish.pool {
                    for i in 0..2 {
                        for j in 0..2 {
                            let from = from + i * width + j * V::LANES;
                            let dz = V::load(dz.as_ptr().add(from));
                            let place = V::load(places.as_ptr().add(from));
                            sums[2 * i + j] = sums[2 * i + j].add(dz);
                            for k in 0..4 {
                                let here = V::splat(T::from_usize(k));
                                square[2 * i + k / 2][2 * j + k % 2] = place.select_eq(here, dz, zero);
                            }
                        }
                    }
                } else {
                    for i in 0..4 {
                        for j in 0..4 {
                            let dz = V::load(dz.as_ptr().add(from + i * width + j * V::LANES));
                            sums[i] = sums[i].add(dz);
                            square[i][j] = dz;
                        }
                    }
                }
                let mut half = [[zero; 4]; 6];
                for j in 0..4 {
                    let z = [square[0][j], square[1][j], square[2][j], square[3][j]];
                    for (i, z) in transforms::output_adjoint::<T, V>(z).into_iter().enumerate() {
                        half[i][j] = z;
                    }
                }
                for i in 0..6 {
                    for (j, z) in transforms::output_adjoint::<T, V>(half[i]).into_iter().enumerate() {
                        z.store(to.add((6 * i + j) * point));
                    }
                }
            }
            left -= 1;
            if left == 0 {
                tree::push(levels, summed, sums[0].add(sums[1]).add(sums[2].add(sums[3])));
                summed += 1;
                (sums, left) = ([zero; 4], tiles_of_block(finish));
            }
        }
    }
    if left < tiles_of_block(finish) {
        tree::push(levels, summed, sums[0].add(sums[1]).add(sums[2].add(sums[3])));
    }
}

/// dx += B dV Bᵀ for the tiles of one block of channels, onto the padded lanes.
#[inline(always)]
fn add_dx_tiles<T: Float, V: Vector<T>>(
    layout: &Layout,
    group: &Group,
    dv: &[T],
    at: usize,
    point: usize,
    padded: &mut [T],
) {
    let (width, columns) = (layout.padded_width * V::LANES, layout.tiles[1]);
    assert!(padded.len() >= layout.padded_len && group.row + group.rows <= layout.tiles[0]);
    assert!(tile_reach(at, point, group.rows * columns, layout.channels(), V::LANES) <= dv.len());
    for row in 0..group.rows {
        for column in 0..columns {
            // SAFETY: as in `transform_input`, with reading and writing exchanged.
            unsafe {
                let from = dv.as_ptr().add(at + (row * columns + column) * layout.channels());
                let to = padded.as_mut_ptr().add(4 * (group.row + row) * width + 4 * column * V::LANES);
                let mut half = [[V::splat(T::ZERO); 6]; 6];
                for j in 0..6 {
                    let d = points_of::<T, V>(from, j, point);
                    for (i, d) in transforms::input_adjoint::<T, V>(d).into_iter().enumerate() {
                        half[i][j] = d;
                    }
                }
                for i in 0..6 {
                    for (j, d) in transforms::input_adjoint::<T, V>(half[i]).into_iter().enumerate() {
                        let to = to.add(i * width + j * V::LANES);
                        V::load(to).add(d).store(to);
                    }
                }
            }
        }
    }
}

/// dg = Gᵀ dU G for one block of filters, to `taps[channel][tap][lane]`.
struct FilterGradient<'a, T> {
    du: &'a [T],
    /// Of the first filter in `du`.
    at: usize,
    /// From one point, and one channel, to the next.
    point: usize,
    row: usize,
    channels: usize,
    taps: &'a mut [T],
}

impl<T: Float> Kernel<T> for FilterGradient<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { du, at, point, row, channels, taps } = self;
        assert!(channels > 0 && tile_reach(at, point, channels, row, V::LANES) <= du.len());
        assert!(taps.len() >= elements(&[channels, 9, V::LANES]));
        for channel in 0..channels {
            // SAFETY: of the offsets into `du` the largest was asserted to fit, and nine vectors a channel lie in
            // `taps`.
            unsafe {
                let from = du.as_ptr().add(at + channel * row);
                let to = taps.as_mut_ptr().add(channel * 9 * V::LANES);
                let mut half = [[V::splat(T::ZERO); 6]; 3];
                for j in 0..6 {
                    let u = points_of::<T, V>(from, j, point);
                    for (i, u) in transforms::filter_adjoint::<T, V>(u).into_iter().enumerate() {
                        half[i][j] = u;
                    }
                }
                for i in 0..3 {
                    for (j, u) in transforms::filter_adjoint::<T, V>(half[i]).into_iter().enumerate() {
                        u.store(to.add((3 * i + j) * V::LANES));
                    }
                }
            }
        }
    }
}
