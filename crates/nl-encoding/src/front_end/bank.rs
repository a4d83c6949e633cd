//! Filters of one size, and their correlation with an image.

use nl_kernels::{Level, Vectorised};
use nl_units::Error;

const NAME: &str = "filter bank";

/// C square kernels of odd size: `[C, window, window]`.
///
/// Response: r_c\[y, x\] = Σ_{v,u} K_c\[v, u\] · image\[y + v − ρ, x + u − ρ\], ρ = (window − 1) / 2, zeros outside: a
/// correlation (nothing is mirrored), of the image's size.
#[derive(Debug, Clone, PartialEq)]
pub struct FilterBank {
    window: usize,
    kernels: Vec<f32>,
}

impl FilterBank {
    /// The bank of these kernels, row by row, one after the other.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `window` is even or above 255, or a weight is not finite; [`Error::Length`] if the
    /// weights are not a whole number of kernels, at least one.
    pub fn new(window: usize, kernels: Vec<f32>) -> Result<Self, Error> {
        check_window(NAME, window)?;
        let channels = (kernels.len() / (window * window)).max(1);
        Error::length(NAME, "kernels", channels * window * window, kernels.len())?;
        for &weight in &kernels {
            Error::finite(NAME, "weight", weight.into())?;
        }
        Ok(Self { window, kernels })
    }

    /// Kernels drawn from `value(channel, y, x)`, y and x from −ρ to ρ, each then worked over by `finish`,
    /// which also gets the largest |value| that the mean was taken from.
    pub(super) fn draw(
        window: usize,
        channels: usize,
        value: impl Fn(usize, f64, f64) -> f64,
        finish: impl Fn(&mut [f64], f64),
    ) -> Result<Self, Error> {
        check_window(NAME, window)?;
        let radius = (window / 2) as f64;
        let mut kernels = Vec::with_capacity(channels * window * window);
        for channel in 0..channels {
            let place = |i: usize| i as f64 - radius;
            let mut kernel: Vec<f64> =
                (0..window * window).map(|i| value(channel, place(i / window), place(i % window))).collect();
            let largest = kernel.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
            let mean = kernel.iter().sum::<f64>() / kernel.len() as f64;
            for weight in &mut kernel {
                *weight -= mean;
            }
            finish(&mut kernel, largest);
            kernels.extend(kernel.iter().map(|&weight| weight as f32));
        }
        Self::new(window, kernels)
    }

    /// Number of kernels C.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.kernels.len() / (self.window * self.window)
    }

    /// Rows and columns of a kernel.
    #[must_use]
    pub fn window(&self) -> usize {
        self.window
    }

    /// The weights of one kernel, row by row; none beyond the last channel.
    #[must_use]
    pub fn kernel(&self, channel: usize) -> &[f32] {
        self.kernels.chunks_exact(self.window * self.window).nth(channel).unwrap_or(&[])
    }

    /// Copies `image` into the middle of zeros, ρ on each side.
    pub(super) fn pad(&self, image: &[f32], height: usize, width: usize, padded: &mut Vec<f32>) {
        let radius = self.window / 2;
        let stride = width + 2 * radius;
        padded.clear();
        padded.resize((height + 2 * radius) * stride, 0.0);
        if width > 0 {
            for (row, from) in padded[radius * stride..].chunks_mut(stride).zip(image.chunks(width)) {
                row[radius..radius + width].copy_from_slice(from);
            }
        }
    }

    /// The response of one channel to an image padded by [`pad`](Self::pad).
    pub(super) fn correlate(&self, channel: usize, padded: &[f32], width: usize, out: &mut [f32]) {
        let (kernel, window) = (self.kernel(channel), self.window);
        Level::current().dispatch(Correlate { kernel, window, padded, width, out });
    }
}

pub(super) fn check_window(model: &'static str, window: usize) -> Result<(), Error> {
    let fits = |w: f64| w % 2.0 == 1.0 && w < 256.0;
    Error::check(model, "window", window as f64, fits, "use an odd number, 1 to 255")
}

struct Correlate<'a> {
    kernel: &'a [f32],
    window: usize,
    padded: &'a [f32],
    width: usize,
    out: &'a mut [f32],
}

impl Vectorised for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { kernel, window, padded, width, out } = self;
        let stride = width + window - 1;
        for (y, row) in out.chunks_exact_mut(width.max(1)).enumerate() {
            row.fill(0.0);
            for (v, weights) in kernel.chunks_exact(window).enumerate() {
                let source = &padded[(y + v) * stride..][..stride];
                for (u, &weight) in weights.iter().enumerate() {
                    for (sum, pixel) in row.iter_mut().zip(&source[u..u + width]) {
                        *sum += weight * pixel;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn correlates_and_does_not_mirror() {
        let kernel = vec![0.0, 0.0, 0.0, 0.0, 1.0, 10.0, 0.0, 0.0, 100.0];
        let bank = FilterBank::new(3, kernel).unwrap();
        let (mut padded, mut out) = (Vec::new(), [0.0; 6]);
        bank.pad(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3, &mut padded);
        bank.correlate(0, &padded, 3, &mut out);
        assert_eq!(out, [521.0, 632.0, 3.0, 54.0, 65.0, 6.0]);
    }

    #[test]
    fn every_instruction_set_gives_the_same_bits() {
        let kernel: Vec<f32> = (0..49).map(|i| (i as f32 * 0.7).sin()).collect();
        let padded: Vec<f32> = (0..34 * 34).map(|i| (i as f32 * 1.3).cos()).collect();
        let responses = [Level::Portable, Level::Avx2, Level::Avx512].map(|level| {
            let mut out = vec![0.0_f32; 28 * 28];
            level.dispatch(Correlate { kernel: &kernel, window: 7, padded: &padded, width: 28, out: &mut out });
            out.into_iter().map(f32::to_bits).collect::<Vec<_>>()
        });
        assert!(responses[0] == responses[1] && responses[0] == responses[2]);
    }

    #[test]
    fn crooked_banks_are_refused() {
        for (window, weights) in [(2, 4), (0, 1), (257, 257 * 257), (3, 8), (3, 10), (3, 0)] {
            assert!(FilterBank::new(window, vec![0.0; weights]).is_err(), "{window}, {weights}");
        }
        assert!(FilterBank::new(1, vec![f32::INFINITY]).is_err());
        assert!(FilterBank::new(1, vec![1.0, 2.0]).unwrap().kernel(2).is_empty());
    }
}
