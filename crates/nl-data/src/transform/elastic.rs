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

/// Displacements along x and y for each pixel.
#[derive(Debug, Clone, Default)]
pub(super) struct Field {
    width: usize,
    nodes: Vec<f32>,
    x: Vec<f32>,
    y: Vec<f32>,
}

/// The four cubic B-spline weights at fraction t of a cell.
fn spline(t: f32) -> [f32; 4] {
    let s = 1.0 - t;
    [
        s * s * s / 6.0,
        (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
        (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0,
        t * t * t / 6.0,
    ]
}

impl Field {
    /// Draws a field of root-mean-square displacement `amplitude` (in each direction) and smoothness `sigma`, in pixels.
    pub(super) fn draw(&mut self, height: usize, width: usize, amplitude: f32, sigma: f32, rng: &mut Rng) {
        let spacing = sigma * 3f32.sqrt();
        let cells = |n: usize| (n as f32 / spacing) as usize + 4;
        let (rows, columns) = (cells(height), cells(width));
        let scale = amplitude * 3f32.sqrt() / SPLINE_POWER;
        self.width = width;
        for axis in 0..2 {
            self.nodes.clear();
            self.nodes.extend((0..rows * columns).map(|_| (2.0 * rng.random::<f32>() - 1.0) * scale));
            let out = if axis == 0 { &mut self.x } else { &mut self.y };
            out.clear();
            for row in 0..height {
                let (i, wy) = (row as f32 / spacing, spline((row as f32 / spacing).fract()));
                for column in 0..width {
                    let (j, wx) = (column as f32 / spacing, spline((column as f32 / spacing).fract()));
                    let mut sum = 0.0;
                    for (di, wy) in wy.iter().enumerate() {
                        for (dj, wx) in wx.iter().enumerate() {
                            sum += wy * wx * self.nodes[(i as usize + di) * columns + j as usize + dj];
                        }
                    }
                    out.push(sum);
                }
            }
        }
    }

    pub(super) fn at(&self, row: usize, column: usize) -> [f32; 2] {
        let at = row * self.width + column;
        [self.x[at], self.y[at]]
    }
}
