//! Draws one digit with a shaky hand.

use nl_random::Rng;
use rand::RngExt;

use super::SIDE;
use super::glyphs::{GLYPHS, Glyph};

/// Straight pieces for each pair of control points.
const PIECES: usize = 5;

/// Buffers for drawing, reused from digit to digit.
#[derive(Debug, Default)]
pub(super) struct Pen {
    /// Jittered control points of a stroke.
    control: Vec<[f32; 2]>,
    /// All strokes as straight pieces: x, y, radius at either end.
    pieces: Vec<[[f32; 3]; 2]>,
    /// Least signed distance to the ink, per pixel.
    distance: Vec<f32>,
}

/// One writer's hand on one occasion.
struct Hand {
    matrix: [f32; 4],
    radius: f32,
    taper: f32,
    jitter: f32,
    wave: [[f32; 4]; 2],
    ink: f32,
    softness: f32,
}

/// Roughly N(0, 1): the sum of three uniform draws on [-1, 1] has variance 1; never beyond ±3.
fn bell(rng: &mut Rng) -> f32 {
    (0..3).map(|_| 2.0 * rng.random::<f32>() - 1.0).sum()
}

/// sin x to 2e-4 in additions and products only, so that the digits do not depend on the platform's mathematics library.
fn sine(x: f32) -> f32 {
    use std::f32::consts::{FRAC_PI_2, PI, TAU};
    let x = x - TAU * (x / TAU).round();
    let x = if x > FRAC_PI_2 {
        PI - x
    } else if x < -FRAC_PI_2 {
        -PI - x
    } else {
        x
    };
    let square = x * x;
    x * (1.0 - square / 6.0 * (1.0 - square / 20.0 * (1.0 - square / 42.0)))
}

impl Hand {
    fn draw(rng: &mut Rng) -> Self {
        let slant = 0.12 + 0.22 * bell(rng);
        let angle = 0.09 * bell(rng);
        let height = 19.0 * (1.0 + 0.06 * bell(rng));
        let width = height * (0.78 + 0.11 * bell(rng));
        let (sin, cos) = (sine(angle), sine(angle + std::f32::consts::FRAC_PI_2));
        let wave = [0, 1].map(|_| {
            let amplitude = 1.0 * bell(rng);
            let (fx, fy) = (0.14 * bell(rng), 0.14 * bell(rng));
            [amplitude, fx, fy, std::f32::consts::TAU * rng.random::<f32>()]
        });
        Self {
            // rotation · slant (to the right at the top) · size
            matrix: [cos * width, (-slant * cos - sin) * height, sin * width, (cos - slant * sin) * height],
            radius: (1.25 + 0.33 * bell(rng)).max(0.65),
            taper: 0.16 * bell(rng),
            jitter: 0.042,
            wave,
            ink: 255.0 * (1.0 - 0.18 * rng.random::<f32>() * rng.random::<f32>()),
            softness: 0.9 + 0.5 * rng.random::<f32>(),
        }
    }

    /// From the glyph's unit box to pixels about the origin: the affine part and one slow wave per axis.
    fn place(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (x, y) = (x - 0.5, y - 0.5);
        let [a, b, c, d] = self.matrix;
        let p = [a * x + b * y, c * x + d * y];
        let wave = |[amplitude, fx, fy, phase]: [f32; 4]| amplitude * sine(fx * p[0] + fy * p[1] + phase);
        [p[0] + wave(self.wave[0]), p[1] + wave(self.wave[1])]
    }
}

impl Pen {
    /// Draws `digit` into `image`, 28x28.
    pub(super) fn draw(&mut self, digit: u8, rng: &mut Rng, image: &mut [u8]) {
        let hand = Hand::draw(rng);
        self.pieces.clear();
        for stroke in choose(GLYPHS[usize::from(digit)], rng).1 {
            self.control.clear();
            for (i, point) in stroke.iter().enumerate() {
                if i > 0 && stroke[i - 1] == *point {
                    let corner = self.control[i - 1];
                    self.control.push(corner);
                } else {
                    let shaken = point.map(|c| c + hand.jitter * bell(rng));
                    self.control.push(hand.place(shaken));
                }
            }
            self.flatten(&hand);
        }
        self.centre(&hand, rng);
        self.ink(&hand, image);
    }

    /// The control points as straight pieces on a Catmull-Rom curve (Catmull & Rom 1974, uniform).
    fn flatten(&mut self, hand: &Hand) {
        let last = self.control.len() - 1;
        let radius = |along: f32| hand.radius * (1.0 + hand.taper * (2.0 * along - 1.0));
        let mut from = [self.control[0][0], self.control[0][1], radius(0.0)];
        for i in 0..last {
            let [p1, p2] = [self.control[i], self.control[i + 1]];
            if p1 == p2 {
                continue;
            }
            let p0 = self.control[i.saturating_sub(1)];
            let p3 = self.control[(i + 2).min(last)];
            for step in 1..=PIECES {
                let t = step as f32 / PIECES as f32;
                let at = |k: usize| {
                    let (a, b, c, d) = (p0[k], p1[k], p2[k], p3[k]);
                    b + 0.5 * t * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)))
                };
                let to = [at(0), at(1), radius((i as f32 + t) / last as f32)];
                self.pieces.push([from, to]);
                from = to;
            }
        }
    }

    /// Shrinks what does not fit between the margins, and moves the centre of mass to the middle of the image, give or
    /// take a pixel, but no ink outside.
    fn centre(&mut self, hand: &Hand, rng: &mut Rng) {
        let last = SIDE as f32 - 1.0;
        let margin = hand.radius * (1.0 + hand.taper.abs()) + hand.softness;
        let (mut mass, mut sum) = (1e-6, [0.0; 2]);
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for [a, b] in &self.pieces {
            let length = ((a[0] - b[0]).powi(2) + (a[1] - b[1]).powi(2)).sqrt();
            mass += length;
            for k in 0..2 {
                sum[k] += length * 0.5 * (a[k] + b[k]);
                low[k] = low[k].min(a[k].min(b[k]));
                high[k] = high[k].max(a[k].max(b[k]));
            }
        }
        let factor = ((last - 2.0 * margin) / (high[0] - low[0]).max(high[1] - low[1])).min(1.0);
        for k in 0..2 {
            let wanted = 0.5 * last - factor * sum[k] / mass + 0.6 * bell(rng);
            let shift = wanted.max(margin - factor * low[k]).min(last - margin - factor * high[k]);
            for point in self.pieces.iter_mut().flatten() {
                point[k] = factor * point[k] + shift;
            }
        }
    }

    /// Pixel = ink · clamp(1/2 - d / softness), d the least signed distance to the round-ended pieces.
    fn ink(&mut self, hand: &Hand, image: &mut [u8]) {
        self.distance.clear();
        self.distance.resize(SIDE * SIDE, f32::MAX);
        for [a, b] in &self.pieces {
            let reach = a[2].max(b[2]) + hand.softness;
            let bound = |k: usize| {
                let low = (a[k].min(b[k]) - reach).max(0.0) as usize;
                let high = (a[k].max(b[k]) + reach + 1.0).clamp(0.0, SIDE as f32) as usize;
                low..high
            };
            let (dx, dy) = (b[0] - a[0], b[1] - a[1]);
            let inverse = 1.0 / (dx * dx + dy * dy).max(1e-12);
            for row in bound(1) {
                for column in bound(0) {
                    let (x, y) = (column as f32 - a[0], row as f32 - a[1]);
                    let t = ((x * dx + y * dy) * inverse).clamp(0.0, 1.0);
                    let (ex, ey) = (x - t * dx, y - t * dy);
                    let distance = (ex * ex + ey * ey).sqrt() - (a[2] + t * (b[2] - a[2]));
                    let least = &mut self.distance[row * SIDE + column];
                    *least = least.min(distance);
                }
            }
        }
        for (pixel, distance) in image.iter_mut().zip(&self.distance) {
            *pixel = (hand.ink * (0.5 - distance / hand.softness).clamp(0.0, 1.0)).round() as u8;
        }
    }
}

/// One of the ways of writing, by weight.
fn choose(ways: &'static [Glyph], rng: &mut Rng) -> &'static Glyph {
    let total: u32 = ways.iter().map(|way| way.0).sum();
    let mut ticket = rng.random_range(0..total);
    for way in ways {
        if ticket < way.0 {
            return way;
        }
        ticket -= way.0;
    }
    unreachable!("the ticket is below the sum of the weights")
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn sine_is_the_sine() {
        for i in -1000..1000 {
            let x = i as f32 * 0.02;
            // A parabola with one correction.
            assert_abs_diff_eq!(sine(x), x.sin(), epsilon = 2e-4);
        }
    }
}
