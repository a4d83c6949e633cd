//! y = Aᵀ (V U) A, with bias, ReLU and 2×2 max-pool on the way out.

use super::super::layout::{Rows, lanes_to_planes, planes_to_lanes};
use super::super::product::Product;
use super::super::vector::{Kernel, Vector, call};
use super::super::{Conv2d, Finish};
use super::{
    Group, Layout, POINTS, TransformFilters, TransformInput, block_planes, pad_input, points_of, tile_reach, transforms,
};
use crate::size::{elements, product};
use crate::{Float, Level, Scratch, ShapeError};

/// The forward pass; slices fit the shape, which [`applies`](super::applies).
pub(in crate::conv) struct Forward<'a, T> {
    /// The operation, for errors.
    pub(in crate::conv) op: &'static str,
    pub(in crate::conv) shape: &'a Conv2d,
    pub(in crate::conv) x: &'a [T],
    pub(in crate::conv) w: &'a [T],
    pub(in crate::conv) bias: Option<&'a [T]>,
    pub(in crate::conv) finish: Finish,
    pub(in crate::conv) y: &'a mut [T],
    pub(in crate::conv) argmax: Option<&'a mut [u8]>,
    pub(in crate::conv) scratch: &'a mut Scratch,
}

impl<T: Float> Forward<'_, T> {
    /// Runs at `level`.
    ///
    /// # Errors
    /// [`ShapeError`] if the working memory is not there; nothing is written then.
    pub(in crate::conv) fn start(self, level: Level) -> Result<(), ShapeError> {
        T::winograd_forward(level, self)
    }
}

impl<T: Float> Kernel<T> for Forward<'_, T> {
    type Output = Result<(), ShapeError>;
    #[inline(always)]
    fn run<V: Vector<T>>(self) -> Self::Output {
        let Self { op, shape: s, x, w, bias, finish, y, mut argmax, scratch } = self;
        let layout = Layout::new::<T, V>(op, s)?;
        let (channels, filters) = (layout.channels(), layout.filters());
        let (v_point, v_len) = layout.points::<T>(op, layout.group_tiles, channels)?;
        let (m_point, m_len) = layout.points::<T>(op, layout.group_tiles, filters)?;
        let (u_point, u_len) = layout.points::<T>(op, s.in_channels, filters)?;
        let out_len = product(op, "an output in tiles", &[16, layout.tiles[0], layout.tiles[1], V::LANES])?;
        let outs = product(op, "an output in tiles", &[layout.filter_blocks, out_len])?;
        let lens = [
            product(op, "filters", &[s.in_channels, 9, V::LANES])?,
            u_len,
            v_len,
            m_len,
            product(op, "a padded image", &[layout.channel_blocks, layout.padded_len])?,
            outs,
            if finish.pool { outs } else { 0 },
            filters,
        ];
        let [mut taps, mut u, mut v, mut m, mut padded, mut out, mut places, mut biases] =
            scratch.take_all::<T, 8>(op, lens)?;

        biases.as_mut_slice().fill(T::ZERO);
        if let Some(bias) = bias {
            biases.as_mut_slice()[..s.out_channels].copy_from_slice(bias);
        }
        // The lanes beyond the channels and the border are zero once and for all.
        padded.as_mut_slice().fill(T::ZERO);
        for block in 0..layout.filter_blocks {
            let pixels = 9 * s.in_channels;
            let planes = block_planes(block, V::LANES, s.out_channels, pixels, pixels);
            let rows = Rows { width: pixels, row: pixels };
            planes_to_lanes::<T, V, _>(w, block * V::LANES * pixels, planes, rows, taps.as_mut_slice());
            call::<T, V, _>(TransformFilters {
                taps: taps.as_slice(),
                others: s.in_channels,
                u: u.as_mut_slice(),
                at: block * V::LANES,
                point: u_point,
                row: filters,
            });
        }
        for group in layout.groups(s.batch) {
            for n in 0..group.images {
                for block in 0..layout.channel_blocks {
                    let padded = &mut padded.as_mut_slice()[block * layout.padded_len..][..layout.padded_len];
                    if group.is_first_of_image() {
                        pad_input::<T, V>(s, &layout, x, group.image + n, block, padded);
                    }
                    let at = n * group.rows * layout.tiles[1] * channels + block * V::LANES;
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
                m: group.tiles(&layout),
                k: s.in_channels,
                n: filters,
                a: v.as_slice(),
                a_strides: [v_point, channels, 1],
                b: u.as_slice(),
                b_strides: [u_point, filters],
                c: m.as_mut_slice(),
                c_strides: [m_point, filters],
                accumulate: false,
            });
            for n in 0..group.images {
                for block in 0..layout.filter_blocks {
                    let lanes = block * out_len..(block + 1) * out_len;
                    let out = &mut out.as_mut_slice()[lanes.clone()];
                    let places = if finish.pool { &mut places.as_mut_slice()[lanes] } else { &mut [] };
                    let at = n * group.rows * layout.tiles[1] * filters + block * V::LANES;
                    let biases = &biases.as_slice()[block * V::LANES..];
                    transform_output::<T, V>(&layout, &group, m.as_slice(), at, m_point, biases, finish, out, places);
                    if group.is_last_of_image(&layout) {
                        let [height, width] = finish.size(s);
                        let planes = block_planes(block, V::LANES, s.out_channels, height * width, height * width);
                        let rows = Rows { width, row: finish.tile() * layout.tiles[1] };
                        let at = ((group.image + n) * s.out_channels + block * V::LANES) * height * width;
                        lanes_to_planes::<T, V, _>(out, rows, planes, y, at);
                        if let Some(argmax) = argmax.as_deref_mut() {
                            lanes_to_planes::<T, V, _>(places, rows, planes, argmax, at);
                        }
                    }
                }
            }
        }
        scratch.give_all([taps, u, v, m, padded, out, places, biases]);
        Ok(())
    }
}

/// Tiles of M, transformed and finished, to lanes: rows of 4 (pooled: 2) vectors a tile.
#[inline(always)]
fn transform_output<T: Float, V: Vector<T>>(
    layout: &Layout,
    group: &Group,
    m: &[T],
    at: usize,
    point: usize,
    biases: &[T],
    finish: Finish,
    out: &mut [T],
    places: &mut [T],
) {
    let (columns, tile) = (layout.tiles[1], finish.tile());
    let width = tile * columns * V::LANES;
    assert!(group.row + group.rows <= layout.tiles[0] && biases.len() >= V::LANES);
    assert!(tile_reach(at, point, group.rows * columns, layout.filters(), V::LANES) <= m.len());
    assert!(out.len() >= elements(&[tile, layout.tiles[0], width]));
    assert!(!finish.pool || places.len() >= elements(&[tile, layout.tiles[0], width]));
    let zero = V::splat(T::ZERO);
    // SAFETY: LANES biases were asserted.
    let bias = unsafe { V::load(biases.as_ptr()) };
    for row in 0..group.rows {
        for column in 0..columns {
            // SAFETY: of the offsets into `m` the largest was asserted to fit; the tile's rows and columns lie in
            // `out` (and `places`), which hold all tiles of the image.
            unsafe {
                let from = m.as_ptr().add(at + (row * columns + column) * layout.filters());
                let to = tile * (group.row + row) * width + tile * column * V::LANES;
                let mut half = [[zero; 6]; 4];
                for j in 0..6 {
                    let m = points_of::<T, V>(from, j, point);
                    for (i, m) in transforms::output::<T, V>(m).into_iter().enumerate() {
                        half[i][j] = m;
                    }
                }
                if finish.pool {
                    for i in 0..2 {
                        let upper = transforms::output::<T, V>(half[2 * i]);
                        let lower = transforms::output::<T, V>(half[2 * i + 1]);
                        for j in 0..2 {
                            let (mut best, mut place) = (upper[2 * j], zero);
                            let others = [upper[2 * j + 1], lower[2 * j], lower[2 * j + 1]];
                            for (k, z) in others.into_iter().enumerate() {
                                place = z.select_above(best, V::splat(T::from_usize(k + 1)), place);
                                best = z.select_above(best, z, best);
                            }
                            let best = best.add(bias);
                            let to = to + i * width + j * V::LANES;
                            best.select_le(zero, zero, best).store(out.as_mut_ptr().add(to));
                            place.store(places.as_mut_ptr().add(to));
                        }
                    }
                } else {
                    for i in 0..4 {
                        for (j, z) in transforms::output::<T, V>(half[i]).into_iter().enumerate() {
                            let z = z.add(bias);
                            let z = if finish.relu { z.select_le(zero, zero, z) } else { z };
                            z.store(out.as_mut_ptr().add(to + i * width + j * V::LANES));
                        }
                    }
                }
            }
        }
    }
}
