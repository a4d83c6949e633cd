//! A smooth random displacement field.
//!
//! Simard, Steinkraus & Platt, "Best practices for convolutional neural networks applied to visual document analysis",
//! ICDAR 2003, §2: a field of uniform random displacements is convolved with a Gaussian of standard deviation σ and
//! scaled by α. Here the same kind of field is had for a fraction of the price: random coefficients on a grid of
//! spacing h = σ √3, interpolated by the cubic B-spline, whose kernel has standard deviation h / √3 = σ and is nearly
//! Gaussian. It is scaled by its root-mean-square displacement in pixels instead of by α; for Simard's σ = 4 and
//! α = 34, α · (1/√3) · 1/(2 σ √π) ≈ 1.4 pixels.

use nl_random::Rng;
use rand::RngExt;

/// ∫ B(x)² dx of the cubic B-spline: 151/315.
const SPLINE_POWER: f32 = 151.0 / 315.0;

/// The four cubic B-spline weights at fraction t of a cell; they sum to 1.
fn spline(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    let (t2, s2) = (t * t, s * s);
    [s2 * s / 6.0, (4.0 - 6.0 * t2 + 3.0 * t2 * t) / 6.0, (4.0 - 6.0 * s2 + 3.0 * s2 * s) / 6.0, t2 * t / 6.0]
}

/// Spline weights for one image size and smoothness, and the last field drawn.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    /// (height, width, σ) that the weights are for.
    key: (usize, usize, f32),
    /// For each pixel row: the first of its four grid rows, and their weights.
    rows: Vec<(usize, [f32; 4])>,
    /// Dense weights [grid columns, width], zero but for four in each pixel column.
    columns: Vec<f32>,
    /// Displacements on the grid rows, [axis, grid rows, width].
    lines: Vec<f32>,
}

impl Field {
    /// Draws a field of root-mean-square displacement `amplitude` (on each axis) and smoothness `sigma`, in pixels.
    pub(super) fn draw(&mut self, height: usize, width: usize, amplitude: f32, sigma: f32, rng: &mut Rng) {
        if self.key != (height, width, sigma) {
            self.prepare(height, width, sigma);
        }
        let scale = amplitude * 3f32.sqrt() / SPLINE_POWER;
        self.lines.fill(0.0);
        for line in self.lines.chunks_exact_mut(width) {
            for weights in self.columns.chunks_exact(width) {
                let node = (2.0 * rng.random::<f32>() - 1.0) * scale;
                for (sum, weight) in line.iter_mut().zip(weights) {
                    *sum += node * weight;
                }
            }
        }
    }

    fn prepare(&mut self, height: usize, width: usize, sigma: f32) {
        self.key = (height, width, sigma);
        let spacing = sigma * 3f32.sqrt();
        let cell = |pixel: usize| {
            let at = pixel as f32 / spacing;
            (at as usize, spline(at.fract()))
        };
        self.rows = (0..height).map(cell).collect();
        let grid = |size: usize| cell(size - 1).0 + 4;
        self.columns.clear();
        self.columns.resize(grid(width) * width, 0.0);
        for column in 0..width {
            let (first, weights) = cell(column);
            for (tap, weight) in weights.into_iter().enumerate() {
                self.columns[(first + tap) * width + column] = weight;
            }
        }
        self.lines.clear();
        self.lines.resize(2 * grid(height) * width, 0.0);
    }

    /// Adds the displacements of pixel row `row` to x and y coordinates, `[width]` each.
    pub(super) fn add_row(&self, row: usize, x: &mut [f32], y: &mut [f32]) {
        let width = x.len();
        let (first, weights) = self.rows[row];
        let (along_x, along_y) = self.lines.split_at(self.lines.len() / 2);
        for (sum, lines) in [(x, along_x), (y, along_y)] {
            let line = |tap: usize| &lines[(first + tap) * width..][..width];
            let (a, b, c, d) = (line(0), line(1), line(2), line(3));
            for i in 0..width {
                sum[i] += weights[0] * a[i] + weights[1] * b[i] + weights[2] * c[i] + weights[3] * d[i];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use nl_random::Streams;

    fn field(sigma: f32, index: u64) -> (Vec<f32>, Vec<f32>) {
        let mut field = Field::default();
        field.draw(28, 30, 1.5, sigma, &mut Streams::new(5).rng("elastic", 0, index));
        let (mut x, mut y) = (vec![0.0; 28 * 30], vec![0.0; 28 * 30]);
        for (row, (x, y)) in x.chunks_exact_mut(30).zip(y.chunks_exact_mut(30)).enumerate() {
            field.add_row(row, x, y);
        }
        (x, y)
    }

    #[test]
    fn spline_weights_sum_to_one_and_join_smoothly() {
        for t in [0.0, 0.1, 0.5, 0.99] {
            assert_abs_diff_eq!(spline(t).iter().sum::<f32>(), 1.0, epsilon = 1e-6);
        }
        let (end, start) = (spline(1.0), spline(0.0));
        for tap in 0..3 {
            // The end of a cell is the start of the next.
            assert_abs_diff_eq!(end[tap + 1], start[tap], epsilon = 1e-7);
        }
    }

    #[test]
    fn root_mean_square_displacement_is_the_amplitude() {
        let mut power = 0.0;
        for index in 0..400 {
            let (x, y) = field(4.0, index);
            power += x.iter().chain(&y).map(|d| f64::from(d * d)).sum::<f64>() / (x.len() + y.len()) as f64;
        }
        let rms = (power / 400.0).sqrt();
        assert!((rms - 1.5).abs() < 0.06, "rms {rms}");
    }

    /// Naive double sum over the grid, with the same draws in the same order.
    #[test]
    fn equals_the_naive_double_sum() {
        let (x, _) = field(2.0, 9);
        let spacing = 2.0 * 3f32.sqrt();
        let grid = |size: usize| ((size - 1) as f32 / spacing) as usize + 4;
        let mut rng = Streams::new(5).rng("elastic", 0, 9);
        let scale = 1.5 * 3f32.sqrt() / SPLINE_POWER;
        let nodes: Vec<f32> = (0..grid(28) * grid(30)).map(|_| (2.0 * rng.random::<f32>() - 1.0) * scale).collect();
        for (row, column) in [(0, 0), (13, 7), (27, 29), (5, 29)] {
            let (v, u) = (row as f32 / spacing, column as f32 / spacing);
            let mut sum = 0.0;
            for (i, wy) in spline(v.fract()).iter().enumerate() {
                for (j, wx) in spline(u.fract()).iter().enumerate() {
                    sum += wy * wx * nodes[(v as usize + i) * grid(30) + u as usize + j];
                }
            }
            // 16 terms of a few pixels each.
            assert_abs_diff_eq!(sum, x[row * 30 + column], epsilon = 1e-5);
        }
    }
}
