//! Resampling through a geometric map, in one bilinear pass.

use super::{TransformError, check_len, elastic::Field};

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
    /// The input inside a border of one fill pixel above and left, two below and right.
    padded: Vec<f32>,
    pub(super) field: Field,
    pub(super) order: Vec<u32>,
}

impl Scratch {
    /// Empty buffers, which grow at first use.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

/// out(p) = bilinear(src, map(p) + displacement(p)); beyond the image lies `fill`.
pub(super) fn warp(
    src: &[f32],
    [height, width]: [usize; 2],
    map: &Affine,
    elastic: bool,
    fill: f32,
    out: &mut [f32],
    scratch: &mut Scratch,
) -> Result<(), TransformError> {
    check_len("warp", src.len(), height, width)?;
    check_len("warp", out.len(), height, width)?;
    let stride = width + 3;
    scratch.padded.resize((height + 3) * stride, fill);
    scratch.padded.fill(fill);
    for (row, line) in src.chunks_exact(width).enumerate() {
        scratch.padded[(row + 1) * stride + 1..][..width].copy_from_slice(line);
    }
    let centre = [(width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0];
    let [a, b, c, d] = map.matrix;
    for (row, line) in out.chunks_exact_mut(width).enumerate() {
        let y = row as f32 - centre[1];
        for (column, value) in line.iter_mut().enumerate() {
            let x = column as f32 - centre[0];
            let [u, v] = if elastic { scratch.field.at(row, column) } else { [0.0; 2] };
            // In padded coordinates, clamped to where all four neighbours exist and all that lies beyond is fill.
            let sx = (a * x + b * y + (centre[0] + map.offset[0] + 1.0) + u).clamp(0.0, width as f32 + 1.0);
            let sy = (c * x + d * y + (centre[1] + map.offset[1] + 1.0) + v).clamp(0.0, height as f32 + 1.0);
            let (ix, iy) = (sx as usize, sy as usize);
            let (fx, fy) = (sx - ix as f32, sy - iy as f32);
            let at = iy * stride + ix;
            let top = &scratch.padded[at..at + 2];
            let bottom = &scratch.padded[at + stride..at + stride + 2];
            let upper = top[0] + fx * (top[1] - top[0]);
            let lower = bottom[0] + fx * (bottom[1] - bottom[0]);
            *value = upper + fy * (lower - upper);
        }
    }
    Ok(())
}
