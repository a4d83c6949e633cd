//! Corruption of the input for denoising self-supervision.

use nl_random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Scratch, TransformError, check, check_len};
use nl_units::rounding;

/// What is done to an image that is then to be restored.
///
/// Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008, §2.3 (masking)
/// and JMLR 2010, §3.2 (Gaussian); patches: He et al., "Masked autoencoders are scalable vision learners", CVPR 2022.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Corruption {
    /// Nothing.
    #[default]
    None,
    /// x + std · N(0, 1), not clipped.
    Gaussian {
        /// Standard deviation of the noise.
        std: f32,
    },
    /// Each pixel set to `fill` with probability `fraction`.
    MaskPixels {
        /// Probability, in [0, 1].
        fraction: f32,
        /// The value written.
        fill: f32,
    },
    /// The image is tiled by `size`² patches; round(`fraction` · tiles) of them, drawn without replacement, are set to `fill`.
    MaskPatches {
        /// Share of the patches, in [0, 1].
        fraction: f32,
        /// Side of a patch in pixels, at least 1.
        size: usize,
        /// The value written.
        fill: f32,
    },
}

impl Corruption {
    /// Refuses parameters outside their ranges.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    pub fn validate(&self) -> Result<(), TransformError> {
        match *self {
            Self::None => Ok(()),
            Self::Gaussian { std } => {
                check("corruption", "std", std, std.is_finite() && std >= 0.0, "a finite number >= 0")
            }
            Self::MaskPixels { fraction, fill } => {
                check("corruption", "fraction", fraction, (0.0..=1.0).contains(&fraction), "a number in [0, 1]")?;
                check("corruption", "fill", fill, fill.is_finite(), "a finite number")
            }
            Self::MaskPatches { fraction, size, fill } => {
                check("corruption", "fraction", fraction, (0.0..=1.0).contains(&fraction), "a number in [0, 1]")?;
                check("corruption", "size", size as f32, size > 0, "at least 1")?;
                check("corruption", "fill", fill, fill.is_finite(), "a finite number")
            }
        }
    }

    /// Corrupts `[height, width]` in place; allocates nothing once `scratch` has seen the size.
    ///
    /// # Errors
    /// A parameter outside its range, or a slice that is not `height · width` long.
    pub fn apply(
        &self,
        image: &mut [f32],
        height: usize,
        width: usize,
        scratch: &mut Scratch,
        rng: &mut Rng,
    ) -> Result<(), TransformError> {
        self.validate()?;
        check_len("corruption", image.len(), height, width)?;
        match *self {
            Self::None => {}
            Self::Gaussian { std } => add_gaussian(image, std, rng),
            Self::MaskPixels { fraction, fill } => {
                for pixel in image {
                    if rng.random::<f32>() < fraction {
                        *pixel = fill;
                    }
                }
            }
            Self::MaskPatches { fraction, size, fill } => {
                let across = width.div_ceil(size);
                let tiles = height.div_ceil(size) * across;
                let share = f64::from(fraction) * tiles as f64;
                let masked = rounding::round(share, share * rounding::INPUT) as usize;
                scratch.order.clear();
                scratch.order.extend(0..tiles as u32);
                for i in 0..masked.min(tiles) {
                    let j = rng.random_range(i as u32..tiles as u32) as usize;
                    scratch.order.swap(i, j);
                    let tile = scratch.order[i] as usize;
                    let (top, left) = (tile / across * size, tile % across * size);
                    for row in top..height.min(top + size) {
                        image[row * width + left..row * width + width.min(left + size)].fill(fill);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Adds std · N(0, 1) by the polar method: Marsaglia & Bray, SIAM Review 6, 1964.
fn add_gaussian(image: &mut [f32], std: f32, rng: &mut Rng) {
    for pair in image.chunks_mut(2) {
        let (u, v, square) = loop {
            let (u, v) = (2.0 * rng.random::<f32>() - 1.0, 2.0 * rng.random::<f32>() - 1.0);
            let square = u * u + v * v;
            if square < 1.0 && square > 0.0 {
                break (u, v, square);
            }
        };
        let factor = std * (-2.0 * square.ln() / square).sqrt();
        for (pixel, coordinate) in pair.iter_mut().zip([u, v]) {
            *pixel += coordinate * factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    fn corrupted(corruption: Corruption, index: u64) -> Vec<f32> {
        let mut image = vec![0.5; 28 * 28];
        let mut rng = Streams::new(2).rng("corrupt", 0, index);
        corruption.apply(&mut image, 28, 28, &mut Scratch::new(), &mut rng).unwrap();
        image
    }

    #[test]
    fn none_and_zero_change_no_bit() {
        for corruption in [
            Corruption::None,
            Corruption::Gaussian { std: 0.0 },
            Corruption::MaskPixels { fraction: 0.0, fill: 9.0 },
            Corruption::MaskPatches { fraction: 0.0, size: 4, fill: 9.0 },
        ] {
            assert_eq!(corrupted(corruption, 0), [0.5; 28 * 28]);
        }
    }

    #[test]
    fn gaussian_noise_has_the_moments_of_a_normal() {
        let noise: Vec<f64> = (0..200)
            .flat_map(|index| corrupted(Corruption::Gaussian { std: 2.0 }, index))
            .map(|value| (f64::from(value) - 0.5) / 2.0)
            .collect();
        let moment = |power| noise.iter().map(|z| z.powi(power)).sum::<f64>() / noise.len() as f64;
        // 156,800 draws; five standard errors: √(1, 2, 15, 96) · 5 / 396.
        for (power, expected, error) in [(1, 0.0, 0.0126), (2, 1.0, 0.0179), (3, 0.0, 0.049), (4, 3.0, 0.124)] {
            assert!((moment(power) - expected).abs() < error, "moment {power}: {}", moment(power));
        }
        let beyond = noise.iter().filter(|z| z.abs() > 1.959_964).count() as f64 / noise.len() as f64;
        assert!((beyond - 0.05).abs() < 0.0028, "{beyond}");
    }

    #[test]
    fn all_pixels_or_patches_masked() {
        for corruption in [
            Corruption::MaskPixels { fraction: 1.0, fill: -1.0 },
            Corruption::MaskPatches { fraction: 1.0, size: 5, fill: -1.0 },
        ] {
            assert_eq!(corrupted(corruption, 3), [-1.0; 28 * 28]);
        }
    }

    #[test]
    fn share_of_masked_pixels() {
        let masked: usize = (0..50)
            .map(|i| corrupted(Corruption::MaskPixels { fraction: 0.3, fill: 0.0 }, i))
            .map(|image| image.iter().filter(|&&p| p == 0.0).count())
            .sum();
        // Binomial(39200, 0.3): five standard deviations are 454.
        assert!(masked.abs_diff(11_760) < 454, "{masked}");
    }

    #[test]
    fn patches_are_whole_and_as_many_as_stated() {
        for index in 0..20 {
            let image = corrupted(Corruption::MaskPatches { fraction: 0.4, size: 4, fill: 0.0 }, index);
            assert_eq!(image.iter().filter(|&&p| p == 0.0).count(), 20 * 16, "round(0.4 · 49) patches of 16 pixels");
            for tile in 0..49 {
                let pixel = |k: usize| image[(tile / 7 * 4 + k / 4) * 28 + tile % 7 * 4 + k % 4];
                assert!((1..16).all(|k| pixel(k) == pixel(0)));
            }
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        for (corruption, name) in [
            (Corruption::Gaussian { std: -1.0 }, "std"),
            (Corruption::MaskPixels { fraction: 1.1, fill: 0.0 }, "fraction"),
            (Corruption::MaskPatches { fraction: 0.5, size: 0, fill: 0.0 }, "size"),
            (Corruption::MaskPatches { fraction: 0.5, size: 2, fill: f32::NAN }, "fill"),
        ] {
            assert!(corruption.validate().unwrap_err().to_string().contains(name));
        }
    }

    #[test]
    fn corruptions_of_a_configuration() {
        let masked = Corruption::MaskPatches { fraction: 0.5, size: 4, fill: 0.0 };
        let text = "kind = \"mask-patches\"\nfraction = 0.5\nsize = 4\nfill = 0.0";
        assert_eq!(toml::from_str::<Corruption>(text), Ok(masked));
        assert_eq!(toml::from_str::<Corruption>("kind = \"none\""), Ok(Corruption::None));
        let error = toml::from_str::<Corruption>("kind = \"mask_pixels\"").unwrap_err().to_string();
        assert!(error.contains("`mask-pixels`"), "{error}");
        assert!(toml::from_str::<Corruption>("kind = \"gaussian\"\nstd = 1.0\nstdd = 1.0").is_err());
    }
}
