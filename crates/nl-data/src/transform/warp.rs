//! Resampling through a geometric map, in one bilinear pass.

use super::elastic::Field;
use super::{TransformError, check_len};

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

    /// The content turned clockwise about the image's centre by `degrees`: the input is read at R(−θ) (x − c) + c.
    #[must_use]
    pub fn rotation(degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Self { matrix: [cos, sin, -sin, cos], offset: [0.0, 0.0] }
    }

    /// `src` to `out`, both `[height, width]`, resampled bilinearly; beyond the image lies `fill`. Allocates nothing once
    /// `scratch` has seen the size.
    ///
    /// ```
    /// use nl_data::Scratch;
    /// use nl_data::transform::Affine;
    /// let mut out = [0.0; 3];
    /// Affine::shift(1.0, 0.0).apply(&[0.25, 0.5, 0.75], 1, 3, 0.0, &mut out, &mut Scratch::new())?;
    /// assert_eq!(out, [0.0, 0.25, 0.5]);
    /// # Ok::<(), nl_data::TransformError>(())
    /// ```
    ///
    /// # Errors
    /// A slice that is not `height · width` long, or an image of more than 8 million pixels.
    pub fn apply(
        &self,
        src: &[f32],
        height: usize,
        width: usize,
        fill: f32,
        out: &mut [f32],
        scratch: &mut Scratch,
    ) -> Result<(), TransformError> {
        check_len("affine", src.len(), height, width)?;
        check_len("affine", out.len(), height, width)?;
        if !resamples(height, width) {
            return Err(TransformError::Size { operation: "affine", height, width });
        }
        warp(src, [height, width], self, false, fill, out, scratch);
        Ok(())
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

/// 2^23: from here on f32 has no fraction, and the mantissa is the integer.
const EXACT: f32 = 8_388_608.0;
const MANTISSA: u32 = (1 << 23) - 1;

/// Whether every position in the padded image is below [`EXACT`], so that its arithmetic in f32 is exact.
pub(super) fn resamples(height: usize, width: usize) -> bool {
    (height + 3).checked_mul(width + 3).is_some_and(|n| n <= MANTISSA as usize) && height.max(width) < 1 << 21
}

/// ⌊x⌋ for 0 ≤ x < 2^22, in instructions that every vector unit has: rounded, and lowered where that went up.
fn floor(x: f32) -> f32 {
    let rounded = (x + EXACT) - EXACT;
    if rounded > x { rounded - 1.0 } else { rounded }
}

/// out(p) = bilinear(src, map(p) + displacement(p)); beyond the image lies `fill`.
///
/// Row by row in three plain loops: coordinates (vectorised), integer and fractional parts (vectorised), gather and
/// interpolate. In padded coordinates a clamp keeps all four neighbours inside and everything beyond equal to fill, so
/// the last loop has no branch. Both slices are `height · width` long and [`resamples`] holds (checked by the caller).
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
    let (x, y, at) = (&mut x[..width], &mut y[..width], &mut at[..width]);
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
            // In this order NaN becomes 0.
            let (px, py) = (x[column].max(0.0).min(most[0]), y[column].max(0.0).min(most[1]));
            let (ix, iy) = (floor(px), floor(py));
            (x[column], y[column]) = (px - ix, py - iy);
            at[column] = (iy * stride as f32 + ix + EXACT).to_bits() & MANTISSA;
        }
        for ((value, &corner), (&fx, &fy)) in line.iter_mut().zip(at.iter()).zip(x.iter().zip(y.iter())) {
            let corner = corner as usize;
            let [top, bottom] = [&padded[corner..corner + 2], &padded[corner + stride..corner + stride + 2]];
            let upper = top[0] + fx * (top[1] - top[0]);
            let lower = bottom[0] + fx * (bottom[1] - bottom[0]);
            *value = upper + fy * (lower - upper);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::abs_diff_eq;
    use proptest::prelude::*;

    fn run(src: &[f32], size: [usize; 2], map: &Affine, fill: f32) -> Vec<f32> {
        let mut out = vec![f32::NAN; src.len()];
        let mut scratch = Scratch::new();
        // A scratch that has seen another size and fill must not matter.
        warp(&[5.0; 12], [3, 4], &Affine::IDENTITY, false, 9.0, &mut [0.0; 12], &mut scratch);
        warp(src, size, map, false, fill, &mut out, &mut scratch);
        out
    }

    /// The definition, pixel by pixel in f64: 0 weight outside the four neighbours, fill beyond the image.
    fn naive(src: &[f32], [height, width]: [usize; 2], map: &Affine, fill: f32) -> Vec<f64> {
        let (cx, cy) = ((width as f64 - 1.0) / 2.0, (height as f64 - 1.0) / 2.0);
        let [a, b, c, d] = map.matrix.map(f64::from);
        let pixel = |x: i64, y: i64| {
            let inside = (0..width as i64).contains(&x) && (0..height as i64).contains(&y);
            f64::from(if inside { src[y as usize * width + x as usize] } else { fill })
        };
        let mut out = Vec::new();
        for row in 0..height {
            for column in 0..width {
                let (u, v) = (column as f64 - cx, row as f64 - cy);
                let x = a * u + b * v + cx + f64::from(map.offset[0]);
                let y = c * u + d * v + cy + f64::from(map.offset[1]);
                let (fx, fy) = (x - x.floor(), y - y.floor());
                let (i, j) = (x.floor() as i64, y.floor() as i64);
                out.push(
                    (1.0 - fy) * ((1.0 - fx) * pixel(i, j) + fx * pixel(i + 1, j))
                        + fy * ((1.0 - fx) * pixel(i, j + 1) + fx * pixel(i + 1, j + 1)),
                );
            }
        }
        out
    }

    fn image(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 7919) % 256) as f32 / 255.0).collect()
    }

    #[test]
    fn floor_is_the_floor() {
        let edges =
            (0..2000).flat_map(|i| [i as f32, (i as f32).next_up(), ((i + 1) as f32).next_down(), i as f32 + 0.5]);
        for x in edges.chain([1e6 + 0.5, 2_097_152.0, 2_097_151.8]) {
            assert_eq!(floor(x), x.floor(), "floor({x})");
        }
    }

    #[test]
    fn identity_gives_the_same_bits() {
        for size in [[1, 1], [1, 7], [5, 1], [28, 28], [32, 17]] {
            let src = image(size[0], size[1]);
            assert_eq!(run(&src, size, &Affine::IDENTITY, 0.0), src);
        }
    }

    #[test]
    fn integer_shifts_are_exact() {
        let src = image(9, 11);
        for (dx, dy) in [(1i64, 0i64), (0, 1), (-3, 2), (4, -4), (11, 0), (0, -9), (-100, 100)] {
            let out = run(&src, [9, 11], &Affine::shift(dx as f32, dy as f32), 0.25);
            for row in 0..9i64 {
                for column in 0..11i64 {
                    let (x, y) = (column - dx, row - dy);
                    let inside = (0..11).contains(&x) && (0..9).contains(&y);
                    let expected = if inside { src[(y * 11 + x) as usize] } else { 0.25 };
                    assert_eq!(out[(row * 11 + column) as usize], expected, "shift {dx},{dy} at {row},{column}");
                }
            }
        }
    }

    #[test]
    fn quarter_turns_are_exact() {
        let src = image(8, 8);
        // x_in = y_out, y_in = -x_out about the centre.
        let out = run(&src, [8, 8], &Affine { matrix: [0.0, 1.0, -1.0, 0.0], offset: [0.0; 2] }, 0.0);
        for row in 0..8 {
            for column in 0..8 {
                assert_eq!(out[row * 8 + column], src[(7 - column) * 8 + row]);
            }
        }
    }

    #[test]
    fn a_turn_is_clockwise_and_sizes_are_checked() {
        let (src, mut out) = (image(8, 8), [0.0; 64]);
        Affine::rotation(90.0).apply(&src, 8, 8, 0.0, &mut out, &mut Scratch::new()).unwrap();
        // The top left corner goes to the top right; cos 90° is not quite 0 in f32.
        assert!(abs_diff_eq!(out[7], src[0], epsilon = 1e-5) && abs_diff_eq!(out[0], src[56], epsilon = 1e-5));
        let refused = |src: &[f32], out: &mut [f32], h, w| {
            Affine::IDENTITY.apply(src, h, w, 0.0, out, &mut Scratch::new()).unwrap_err()
        };
        let length = |found| TransformError::Length { operation: "affine", found, height: 8, width: 8 };
        assert_eq!(refused(&src[1..], &mut [0.0; 64], 8, 8), length(63));
        assert_eq!(refused(&src, &mut [0.0; 65], 8, 8), length(65));
        let large = vec![0.0; 1 << 23];
        let size = TransformError::Size { operation: "affine", height: 1, width: 1 << 23 };
        assert_eq!(refused(&large, &mut large.clone(), 1, 1 << 23), size);
    }

    #[test]
    fn not_a_number_in_the_map_harms_nothing_else() {
        let out = run(&image(4, 4), [4, 4], &Affine { matrix: [f32::NAN; 4], offset: [0.0; 2] }, 0.0);
        assert_eq!(out.len(), 16);
    }

    proptest! {
        #[test]
        fn equals_the_definition(
            matrix in prop::array::uniform4(-2.0f32..2.0), offset in prop::array::uniform2(-12.0f32..12.0),
            height in 1usize..12, width in 1usize..12, fill in -1.0f32..1.0,
        ) {
            let (src, map) = (image(height, width), Affine { matrix, offset });
            let out = run(&src, [height, width], &map, fill);
            for (out, expected) in out.iter().zip(naive(&src, [height, width], &map, fill)) {
                // Coordinates and weights are in single precision.
                prop_assert!(abs_diff_eq!(f64::from(*out), expected, epsilon = 1e-4), "{out} {expected}");
            }
        }

        #[test]
        fn stays_within_the_range_of_the_input(
            matrix in prop::array::uniform4(-2.0f32..2.0), offset in prop::array::uniform2(-12.0f32..12.0),
        ) {
            let out = run(&image(10, 10), [10, 10], &Affine { matrix, offset }, 0.0);
            // The pixels fill [0, 1]; a last-bit rounding of the interpolation is allowed for.
            prop_assert!(out.iter().all(|&value| (-1e-6..=1.0 + 1e-6).contains(&value)), "{:?}", out);
        }
    }
}
