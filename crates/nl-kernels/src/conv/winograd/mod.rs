//! 3×3 convolution of stride 1 and padding 1 with fewer products: Winograd's F(4×4, 3×3), forward and backward.
//!
//! The output is cut into 4×4 tiles, each made from a 6×6 tile d of the padded input. With V = Bᵀ d B, U = G g Gᵀ and
//! M = Σ_c V ⊙ U, the output is y = Aᵀ M A (Lavin & Gray 2016, eq. 8): 36 products instead of 144 a tile, channel and
//! filter. Over tiles, M = V U is a matrix product for each of the 36 points. Backward is its exact adjoint, in the
//! same domain: dM = A dy Aᵀ, dV = dM Uᵀ, dU = Vᵀ dM, dx = Σ_tiles B dV Bᵀ (overlapping tiles add up), dg = Gᵀ dU G.
//! dM is computed once and serves both gradients.
//!
//! Inside, channels lie along the lanes (see [`layout`](super::layout)), so the transforms are straight-line vector
//! code. Images are taken in groups whose V and M stay in the L2 cache. Bias, ReLU and 2×2 pooling ride along with the
//! output transform (a tile is 2×2 pooled outputs), their derivatives with the transform to dM.
//!
//! **Error.** The transforms add and cancel, so a small sum beside large ones in its tile has the tile's absolute
//! error, not its own: the bound is normwise. The worst case, the product of the norms of all transforms, is never met
//! because rounding errors have random signs. Against f64, over all swept shapes and levels, the error of y, dx and dw
//! is at most 5 ε · max Σ|x||w|, about twice the direct sum's in the mean; the tests hold it below 16 of that unit.

mod backward;
mod forward;
mod transforms;

pub(super) use backward::Backward;
pub(super) use forward::Forward;

use super::Conv2d;
use super::layout::{Planes, Rows, planes_to_lanes};
use super::vector::{Kernel, Vector};
use crate::size::{elements, product, reach, sum};
use crate::{Float, ShapeError};

/// Points of the transformed domain: 6 down × 6 across.
const POINTS: usize = 36;

/// Bytes of V and M together that a group may have, so that they stay in the L2 cache beside U.
const GROUP_BYTES: usize = 384 << 10;

/// Whether [`Forward`] and [`Backward`] can compute this convolution.
pub(super) const fn applies(s: &Conv2d) -> bool {
    matches!((s.kernel, s.stride, s.padding), ([3, 3], [1, 1], [1, 1]))
}

/// How images, tiles, channels and filters are laid out for a vector type.
#[derive(Clone, Copy)]
struct Layout {
    /// Lanes of a vector.
    lanes: usize,
    /// Blocks of `lanes` channels, and of filters.
    channel_blocks: usize,
    filter_blocks: usize,
    /// Tiles down and across an image.
    tiles: [usize; 2],
    /// Images in a group; if 1, a group may be only some of the rows of tiles.
    images: usize,
    /// Rows of tiles in a group.
    tile_rows: usize,
    /// Tiles of a full group.
    group_tiles: usize,
    /// Columns and elements of the padded input of one block of channels: what all tiles read, as lanes.
    padded_width: usize,
    padded_len: usize,
}

/// One more than the largest index of 36 points of `tiles` tiles, `point` and `row` apart, from `at` on.
const fn tile_reach(at: usize, point: usize, tiles: usize, row: usize, lanes: usize) -> usize {
    reach(&[(POINTS, point), (tiles, row)], lanes).saturating_add(at)
}

impl Layout {
    fn new<T: Float, V: Vector<T>>(op: &'static str, s: &Conv2d) -> Result<Self, ShapeError> {
        let lanes = V::LANES;
        let (channel_blocks, filter_blocks) = (s.in_channels.div_ceil(lanes), s.out_channels.div_ceil(lanes));
        let tiles = [s.height.div_ceil(4), s.width.div_ceil(4)];
        let blocks = sum(op, "channels and filters", channel_blocks, filter_blocks)?;
        let row_bytes = product(op, "a row of transformed tiles", &[tiles[1], POINTS, blocks, lanes, size_of::<T>()])?;
        let rows = (GROUP_BYTES / row_bytes).max(1);
        let images = (rows / tiles[0]).clamp(1, s.batch.max(1));
        // What tiles reach beyond the image, up to 5 cells along each axis, has room: a row of tiles has.
        let padded_width = 4 * tiles[1] + 2;
        let padded_len = product(op, "a padded image", &[4 * tiles[0] + 2, padded_width, lanes])?;
        let tile_rows = rows.min(tiles[0]);
        let group_tiles = product(op, "a group of tiles", &[images, tile_rows, tiles[1]])?;
        Ok(Self {
            lanes,
            channel_blocks,
            filter_blocks,
            tiles,
            images,
            tile_rows,
            group_tiles,
            padded_width,
            padded_len,
        })
    }

    const fn channels(&self) -> usize {
        self.channel_blocks * self.lanes
    }

    const fn filters(&self) -> usize {
        self.filter_blocks * self.lanes
    }

    /// Distance between two points of a `[36][rows][columns]` array, and its elements: an odd number of cache lines,
    /// because the 36 addresses a transform writes to would share a few cache sets otherwise.
    fn points<T>(&self, op: &'static str, rows: usize, columns: usize) -> Result<(usize, usize), ShapeError> {
        let per_line = 64 / size_of::<T>();
        let lines = product(op, "transformed tiles", &[rows, columns])?.div_ceil(per_line) | 1;
        let stride = product(op, "transformed tiles", &[lines, per_line])?;
        Ok((stride, product(op, "transformed tiles", &[POINTS, stride])?))
    }

    /// The groups, in order.
    fn groups(self, batch: usize) -> impl Iterator<Item = Group> {
        (0..batch).step_by(self.images).flat_map(move |image| {
            (0..self.tiles[0]).step_by(self.tile_rows).map(move |row| Group {
                image,
                images: self.images.min(batch - image),
                row,
                rows: self.tile_rows.min(self.tiles[0] - row),
            })
        })
    }
}

/// Column `j` of the 6×6 points at `from`, `point` apart. A loop, not a closure: what is not inlined lacks the level.
///
/// # Safety
/// The vectors of all 36 points can be read.
#[inline(always)]
unsafe fn points_of<T: Float, V: Vector<T>>(from: *const T, j: usize, point: usize) -> [V; 6] {
    let mut column = [V::splat(T::ZERO); 6];
    for i in 0..6 {
        // SAFETY: point 6 i + j of the 36 for which the caller vouches.
        column[i] = unsafe { V::load(from.add((6 * i + j) * point)) };
    }
    column
}

/// Some images, or some rows of tiles of one image.
#[derive(Clone, Copy)]
struct Group {
    image: usize,
    images: usize,
    row: usize,
    rows: usize,
}

impl Group {
    const fn tiles(&self, layout: &Layout) -> usize {
        self.images * self.rows * layout.tiles[1]
    }

    const fn is_first_of_image(&self) -> bool {
        self.row == 0
    }

    const fn is_last_of_image(&self, layout: &Layout) -> bool {
        self.row + self.rows == layout.tiles[0]
    }
}

/// The planes of one block of channels, `pixels` each, `stride` apart.
fn block_planes(block: usize, lanes: usize, channels: usize, pixels: usize, stride: usize) -> Planes {
    Planes { count: lanes.min(channels - block * lanes), pixels, stride }
}

/// V: 6×6 tiles of the padded lanes of one block, transformed, to `v[point][tile][lane]`.
struct TransformInput<'a, T> {
    layout: &'a Layout,
    group: &'a Group,
    padded: &'a [T],
    v: &'a mut [T],
    /// Of the first tile in `v`.
    at: usize,
    /// From one point to the next.
    point: usize,
}

impl<T: Float> Kernel<T> for TransformInput<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { layout, group, padded, v, at, point } = self;
        let (width, columns) = (layout.padded_width * V::LANES, layout.tiles[1]);
        assert!(padded.len() >= layout.padded_len && group.row + group.rows <= layout.tiles[0]);
        assert!(tile_reach(at, point, group.rows * columns, layout.channels(), V::LANES) <= v.len());
        for row in 0..group.rows {
            for column in 0..columns {
                // SAFETY: the tile's 6×6 vectors lie in the padded input, whose rows number 4·tiles + 2; the 36 results
                // go to offsets of which the largest was asserted to fit.
                unsafe {
                    let from = padded.as_ptr().add(4 * (group.row + row) * width + 4 * column * V::LANES);
                    let to = v.as_mut_ptr().add(at + (row * columns + column) * layout.channels());
                    let mut half = [[V::splat(T::ZERO); 6]; 6];
                    for j in 0..6 {
                        let mut d = [V::splat(T::ZERO); 6];
                        for i in 0..6 {
                            d[i] = V::load(from.add(i * width + j * V::LANES));
                        }
                        for (i, d) in transforms::input::<T, V>(d).into_iter().enumerate() {
                            half[i][j] = d;
                        }
                    }
                    for i in 0..6 {
                        for (j, d) in transforms::input::<T, V>(half[i]).into_iter().enumerate() {
                            d.store(to.add((6 * i + j) * point));
                        }
                    }
                }
            }
        }
    }
}

/// U: the 3×3 filters of one block of lanes, `taps[other][tap][lane]`, transformed, to `u[point][other][lane]`.
struct TransformFilters<'a, T> {
    taps: &'a [T],
    others: usize,
    u: &'a mut [T],
    /// Of the first filter in `u`.
    at: usize,
    /// From one point, and one filter, to the next.
    point: usize,
    row: usize,
}

impl<T: Float> Kernel<T> for TransformFilters<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<V: Vector<T>>(self) {
        let Self { taps, others, u, at, point, row } = self;
        assert!(taps.len() >= elements(&[others, 9, V::LANES]));
        assert!(others > 0 && tile_reach(at, point, others, row, V::LANES) <= u.len());
        for other in 0..others {
            // SAFETY: nine vectors per filter lie in `taps`; of the offsets into `u` the largest was asserted to fit.
            unsafe {
                let from = taps.as_ptr().add(other * 9 * V::LANES);
                let to = u.as_mut_ptr().add(at + other * row);
                let mut half = [[V::splat(T::ZERO); 3]; 6];
                for j in 0..3 {
                    let mut g = [V::splat(T::ZERO); 3];
                    for i in 0..3 {
                        g[i] = V::load(from.add((3 * i + j) * V::LANES));
                    }
                    for (i, g) in transforms::filter::<T, V>(g).into_iter().enumerate() {
                        half[i][j] = g;
                    }
                }
                for i in 0..6 {
                    for (j, g) in transforms::filter::<T, V>(half[i]).into_iter().enumerate() {
                        g.store(to.add((6 * i + j) * point));
                    }
                }
            }
        }
    }
}

/// The input's planes of block `block` of `image`, inside the border of zeros that `padded` already has.
#[inline(always)]
fn pad_input<T: Float, V: Vector<T>>(
    s: &Conv2d,
    layout: &Layout,
    x: &[T],
    image: usize,
    block: usize,
    padded: &mut [T],
) {
    let plane = s.height * s.width;
    let planes = block_planes(block, V::LANES, s.in_channels, plane, plane);
    let rows = Rows { width: s.width, row: layout.padded_width };
    let inside = (layout.padded_width + 1) * V::LANES;
    let at = (image * s.in_channels + block * V::LANES) * plane;
    planes_to_lanes::<T, V, _>(x, at, planes, rows, &mut padded[inside..]);
}
