//! Sensory front ends: what an eye does to an image before anything is learned.
//!
//! A [`FilterBank`] (differences of Gaussians as in retina and thalamus, Gabor functions as in V1) is correlated with the
//! image, what is weak is cut off, and each place is divided by its neighbourhood: a [`FrontEnd`]. Its output is an input
//! for [`RankOrder`](crate::encode::RankOrder).

mod bank;
mod centre_surround;
mod gabor;
mod local;

use nl_units::Error;

pub use bank::FilterBank;
pub use centre_surround::CentreSurround;
pub use gabor::Gabor;

const NAME: &str = "front end";

/// A filter bank, a threshold, and a division by the local mean.
///
/// r_c = K_c ⋆ image (zeros around it); r_c := 0 where r_c < threshold; then, with a radius ρ,
/// r_c := r_c / (mean of r_c over the (2ρ + 1)² window around the place, zeros outside, + 1e-12).
///
/// Source: Kheradpisheh et al. 2018 (ON and OFF cells, then ranks); the local division is SpykeTorch's
/// `local_normalization` (Mozafari et al. 2019). Pixels are in 0..255 there, the threshold 50, the radius 8.
///
/// ```
/// use nl_encoding::encode::{Encoder, RankOrder};
/// use nl_encoding::front_end::{CentreSurround, FrontEnd, FrontEndScratch};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let eye = FrontEnd::new(CentreSurround::default().bank()?, 50.0, Some(8))?;
/// let image: Vec<f32> = (0..28 * 28).map(|i| if i % 28 < 14 { 0.0 } else { 255.0 }).collect();
/// let (mut out, mut scratch) = (vec![0.0; 28 * 28 * eye.channels()], FrontEndScratch::default());
/// eye.apply(&image, 28, 28, &mut scratch, &mut out)?;
/// let mut train = SpikeTrain::new(out.len());
/// RankOrder::default().encode(&out, &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert!(train.count() > 50 && train.count() < 400); // the edge and the border speak, the plains are silent
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct FrontEnd {
    bank: FilterBank,
    threshold: f32,
    radius: Option<usize>,
}

/// Working memory of [`FrontEnd::apply`].
#[derive(Debug, Clone, Default)]
pub struct FrontEndScratch {
    padded: Vec<f32>,
    response: Vec<f32>,
    sums: Vec<f64>,
}

impl FrontEnd {
    /// The front end with this bank, threshold and radius of the local mean.
    ///
    /// # Errors
    /// [`Error::Parameter`] if the threshold is negative or not finite, or the radius 0 or above 32767.
    pub fn new(bank: FilterBank, threshold: f32, radius: Option<usize>) -> Result<Self, Error> {
        Error::not_negative(NAME, "threshold", threshold.into())?;
        if let Some(radius) = radius {
            Error::check(NAME, "radius", radius as f64, |r| (1.0..32768.0).contains(&r), "use 1 to 32767, or None")?;
        }
        Ok(Self { bank, threshold, radius })
    }

    /// The filters.
    #[must_use]
    pub fn bank(&self) -> &FilterBank {
        &self.bank
    }

    /// Number of channels C.
    #[must_use]
    pub fn channels(&self) -> usize {
        self.bank.channels()
    }

    /// Filters `image` `[H, W]` into `out` `[H, W, C]`; all of it is 0 or above.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice does not fit `height` and `width`, [`Error::Parameter`] if a pixel is not finite.
    pub fn apply(
        &self,
        image: &[f32],
        height: usize,
        width: usize,
        scratch: &mut FrontEndScratch,
        out: &mut [f32],
    ) -> Result<(), Error> {
        let area = height.saturating_mul(width);
        Error::length(NAME, "image", area, image.len())?;
        Error::length(NAME, "out", area.saturating_mul(self.channels()), out.len())?;
        if let Some(&pixel) = image.iter().find(|pixel| !pixel.is_finite()) {
            Error::finite(NAME, "pixel", pixel.into())?;
        }
        let FrontEndScratch { padded, response, sums } = scratch;
        self.bank.pad(image, height, width, padded);
        response.resize(area, 0.0);
        for channel in 0..self.channels() {
            self.bank.correlate(channel, padded, width, response);
            for value in &mut *response {
                *value = if *value < self.threshold { 0.0 } else { *value };
            }
            if let Some(radius) = self.radius {
                local::divide_by_mean(response, height, width, radius, sums);
            }
            for (out, &value) in out.iter_mut().skip(channel).step_by(self.channels()).zip(&*response) {
                *out = value;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::{Encoder, RankOrder};
    use approx::assert_relative_eq;
    use nl_neuron::SpikeTrain;
    use nl_random::Streams;

    fn image(index: usize) -> Vec<f32> {
        // A bright stroke on black, of another slope for each index, its edge grey.
        let slope = (index as f32 - 1.5) / 3.0;
        let pixel = |y: usize, x: usize| {
            let away = (x as f32 - 14.0 - slope * (y as f32 - 14.0)).abs();
            if (4..24).contains(&y) { (255.0 * (2.5 - away).clamp(0.0, 1.0)).round() } else { 0.0 }
        };
        (0..28).flat_map(|y| (0..28).map(move |x| pixel(y, x))).collect()
    }

    /// The recipe, place by place and in double precision.
    fn recipe(image: &[f32], sigma: (f64, f64)) -> Vec<f64> {
        let size = 28_i32;
        let g = |r2: f64, s: f64| (-r2 / (2.0 * s * s)).exp() / (s * s);
        let mut kernel = [[0.0; 7]; 7];
        for y in 0..7 {
            for x in 0..7 {
                let r2 = (y as f64 - 3.0).powi(2) + (x as f64 - 3.0).powi(2);
                kernel[y][x] = (g(r2, sigma.0) - g(r2, sigma.1)) / core::f64::consts::TAU;
            }
        }
        let mean = kernel.iter().flatten().sum::<f64>() / 49.0;
        let max = kernel.iter().flatten().copied().fold(f64::MIN, f64::max) - mean;
        let sum = |y: i32, x: i32, r: i32, f: &dyn Fn(i32, i32, i32, i32) -> f64| {
            let mut sum = 0.0;
            for v in y - r..=y + r {
                for u in x - r..=x + r {
                    if (0..size).contains(&v) && (0..size).contains(&u) {
                        sum += f(v, u, v - y + r, u - x + r);
                    }
                }
            }
            sum
        };
        let places = || (0..size).flat_map(|y| (0..size).map(move |x| (y, x)));
        let at = |v: i32, u: i32| (v * size + u) as usize;
        let filtered: Vec<f64> = places()
            .map(|(y, x)| {
                let value = sum(y, x, 3, &|v, u, ky, kx| {
                    f64::from(image[at(v, u)]) * (kernel[ky as usize][kx as usize] - mean) / max
                });
                if value < 50.0 { 0.0 } else { value }
            })
            .collect();
        places()
            .map(|(y, x)| filtered[at(y, x)] / (sum(y, x, 8, &|v, u, _, _| filtered[at(v, u)]) / 289.0 + 1e-12))
            .collect()
    }

    #[test]
    fn on_and_off_cells_follow_the_recipe() {
        let eye = FrontEnd::new(CentreSurround::default().bank().unwrap(), 50.0, Some(8)).unwrap();
        let mut scratch = FrontEndScratch::default();
        for index in 0..4 {
            let image = image(index);
            let mut out = vec![0.0; 2 * 784];
            eye.apply(&image, 28, 28, &mut scratch, &mut out).unwrap();
            for (channel, sigma) in [(0, (1.0, 2.0)), (1, (2.0, 1.0))] {
                for (i, expected) in recipe(&image, sigma).into_iter().enumerate() {
                    let got = f64::from(out[2 * i + channel]);
                    assert!(
                        (got - expected).abs() <= 1e-5 * expected,
                        "place {i}, channel {channel}: {got}, {expected}"
                    );
                }
            }
            let mut train = SpikeTrain::new(out.len());
            RankOrder::default().encode(&out, &mut Streams::new(1).rng("encode", 0, 0), &mut train).unwrap();
            assert_eq!(train.count(), out.iter().filter(|&&v| v > 0.0).count());
            assert!(train.count() > 100, "a digit has edges");
        }
    }

    #[test]
    fn local_division_takes_contrast_out() {
        let eye = FrontEnd::new(CentreSurround::default().bank().unwrap(), 0.0, Some(8)).unwrap();
        let (mut bright, mut dim, mut scratch) = (vec![0.0; 1568], vec![0.0; 1568], FrontEndScratch::default());
        let image = image(0);
        eye.apply(&image, 28, 28, &mut scratch, &mut bright).unwrap();
        let half: Vec<f32> = image.iter().map(|x| 0.5 * x).collect();
        eye.apply(&half, 28, 28, &mut scratch, &mut dim).unwrap();
        for (a, b) in bright.iter().zip(&dim) {
            assert_relative_eq!(a, b, max_relative = 1e-4);
        }
    }

    #[test]
    fn a_second_image_allocates_nothing() {
        let eye = FrontEnd::new(CentreSurround::default().bank().unwrap(), 50.0, Some(8)).unwrap();
        let (image, mut out, mut scratch) = (image(0), vec![0.0; 1568], FrontEndScratch::default());
        let mut apply = || eye.apply(&image, 28, 28, &mut scratch, &mut out).unwrap();
        apply();
        assert_eq!(allocation_counter::measure(apply).count_total, 0);
    }

    #[test]
    fn hostile_images_and_parameters_are_refused() {
        let bank = CentreSurround::default().bank().unwrap();
        assert!(FrontEnd::new(bank.clone(), -1.0, None).is_err());
        assert!(FrontEnd::new(bank.clone(), f32::NAN, None).is_err());
        assert!(FrontEnd::new(bank.clone(), 0.0, Some(0)).is_err());
        let eye = FrontEnd::new(bank, 0.0, None).unwrap();
        let mut scratch = FrontEndScratch::default();
        assert!(eye.apply(&[0.0; 5], 2, 3, &mut scratch, &mut [0.0; 12]).is_err());
        assert!(eye.apply(&[0.0; 6], 2, 3, &mut scratch, &mut [0.0; 6]).is_err());
        assert!(eye.apply(&[f32::NAN; 6], 2, 3, &mut scratch, &mut [0.0; 12]).is_err());
        assert!(eye.apply(&[], usize::MAX, 2, &mut scratch, &mut []).is_err());
        assert!(eye.apply(&[], 0, 0, &mut scratch, &mut []).is_ok(), "no pixels, no responses");
        assert!(eye.apply(&[1.0], 1, 1, &mut scratch, &mut [0.0; 2]).is_ok(), "smaller than the window");
    }
}
