//! Resampling through a geometric map, in one bilinear pass.

use super::elastic::Field;

/// An affine map from output to input pixel coordinates about the image's centre c: x_in = A (x_out - c) + c + b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine {
    /// A, row-major over (x, y): x right, y down.
    pub matrix: [f32; 4],
    /// b, in pixels.
    pub offset: [f32; 2],
}

impl Affine {
    /// The map that changes nothing.
    pub const IDENTITY: Self = Self { matrix: [1.0, 0.0, 0.0, 1.0], offset: [0.0, 0.0] };

    /// The content moved right by `dx` and down by `dy` pixels: the input is read at x - dx.
    #[must_use]
    pub const fn shift(dx: f32, dy: f32) -> Self {
        Self { matrix: [1.0, 0.0, 0.0, 1.0], offset: [-dx, -dy] }
    }
}

/// Buffers of the transforms, reused from image to image.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    /// The input inside a border of fill: one pixel above and left, two below and right.
    padded: Vec<f32>,
    /// (height, width, fill) that the border is for.
    border: Option<(usize, usize, f32)>,
    /// Input coordinates of one output row.
    x: Vec<f32>,
    y: Vec<f32>,
    /// Top left neighbour in `padded`.
    at: Vec<u32>,
    pub(super) field: Field,
    pub(super) order: Vec<u32>,
}

impl Scratch {
    /// Empty buffers, which grow at first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn pad(&mut self, src: &[f32], [height, width]: [usize; 2], fill: f32) {
        let stride = width + 3;
        if self.border != Some((height, width, fill)) {
            self.border = Some((height, width, fill));
            self.padded.clear();
            self.padded.resize((height + 3) * stride, fill);
            self.x.resize(width, 0.0);
            self.y.resize(width, 0.0);
            self.at.resize(width, 0);
        }
        for (row, line) in src.chunks_exact(width).enumerate() {
            self.padded[(row + 1) * stride + 1..][..width].copy_from_slice(line);
        }
    }
}

/// out(p) = bilinear(src, map(p) + displacement(p)); beyond the image lies `fill`.
///
/// Row by row in three plain loops: coordinates (vectorised), integer and fractional parts (vectorised), gather and
/// interpolate. In padded coordinates a clamp keeps all four neighbours inside and everything beyond equal to fill, so
/// the last loop has no branch. Both slices are `height · width` long (checked by the callers).
pub(super) fn warp(
    src: &[f32],
    [height, width]: [usize; 2],
    map: &Affine,
    elastic: bool,
    fill: f32,
    out: &mut [f32],
    scratch: &mut Scratch,
) {
    if src.is_empty() {
        return;
    }
    scratch.pad(src, [height, width], fill);
    let Scratch { padded, x, y, at, field, .. } = scratch;
    let stride = width + 3;
    let centre = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
    let [a, b, c, d] = map.matrix;
    let base = [centre[0] + map.offset[0] + 1.0, centre[1] + map.offset[1] + 1.0];
    let most = [width as f32 + 1.0, height as f32 + 1.0];
    for (row, line) in out.chunks_exact_mut(width).enumerate() {
        let v = row as f32 - centre[1];
        let start = [b * v + base[0], d * v + base[1]];
        for column in 0..width {
            let u = column as f32 - centre[0];
            x[column] = a * u + start[0];
            y[column] = c * u + start[1];
        }
        if elastic {
            field.add_row(row, x, y);
        }
        for column in 0..width {
            let (px, py) = (x[column].clamp(0.0, most[0]), y[column].clamp(0.0, most[1]));
            // Truncation is the floor, since nothing is negative.
            let (ix, iy) = (px as i32 as f32, py as i32 as f32);
            (x[column], y[column]) = (px - ix, py - iy);
            // Exact: below 2^24 for every image that fits a cache.
            at[column] = (iy * stride as f32 + ix) as i32 as u32;
        }
        for column in 0..width {
            let (fx, fy) = (x[column], y[column]);
            let corner = at[column] as usize;
            let [top, bottom] = [&padded[corner..corner + 2], &padded[corner + stride..corner + stride + 2]];
            let upper = top[0] + fx * (top[1] - top[0]);
            let lower = bottom[0] + fx * (bottom[1] - bottom[0]);
            line[column] = upper + fy * (lower - upper);
        }
    }
}
