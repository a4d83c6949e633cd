//! What is done to an image to see what a model bears.

use std::fmt;

use nl_data::transform::Affine;
use nl_data::{Corruption, Scratch};
use nl_random::Streams;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::blur::blur;
use crate::evaluate::EvaluateError;

/// A way to spoil a grey image of values from 0 to 1, at one of five severities; severity 0 changes no bit.
///
/// Severities of noise and contrast are those of Hendrycks & Dietterich, "Benchmarking neural network robustness to common
/// corruptions and perturbations", 2019 (its appendix B and code). The others are this crate's, relative to the shorter side
/// of the image, so that they mean the same at any size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Perturbation {
    /// x + std · N(0, 1), clipped to 0 and 1.
    GaussianNoise,
    /// Smoothed by a Gaussian, σ a share of the shorter side.
    Blur,
    /// A rectangle of the image's own proportions, at a random place, is black; it covers a share of the area.
    Occlusion,
    /// Turned about the centre, to the left or to the right, by so many degrees.
    Rotation,
    /// Moved in a random direction by a share of the shorter side.
    Shift,
    /// c (x − m) + m, with m the image's mean.
    Contrast,
}

impl Perturbation {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::GaussianNoise, Self::Blur, Self::Occlusion, Self::Rotation, Self::Shift, Self::Contrast];

    /// The greatest severity.
    pub const MOST: u8 = 5;

    /// Its name, as in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GaussianNoise => "gaussian-noise",
            Self::Blur => "blur",
            Self::Occlusion => "occlusion",
            Self::Rotation => "rotation",
            Self::Shift => "shift",
            Self::Contrast => "contrast",
        }
    }

    /// The parameter at severities 0 to 5: standard deviation, σ over the side, share of the area, degrees, share of the
    /// side, factor.
    #[must_use]
    pub const fn strengths(self) -> [f32; 6] {
        match self {
            Self::GaussianNoise => [0.0, 0.08, 0.12, 0.18, 0.26, 0.38],
            Self::Blur => [0.0, 0.0125, 0.025, 0.04, 0.06, 0.09],
            Self::Occlusion => [0.0, 0.02, 0.05, 0.1, 0.2, 0.3],
            Self::Rotation => [0.0, 7.5, 15.0, 22.5, 30.0, 45.0],
            Self::Shift => [0.0, 0.04, 0.08, 0.12, 0.16, 0.2],
            Self::Contrast => [1.0, 0.4, 0.3, 0.2, 0.1, 0.05],
        }
    }

    /// The image of sample `sample`, `[height, width]`, spoilt: `src` to `out`.
    ///
    /// What is random is keyed by (seed, perturbation, severity, sample), so the order in which images are taken changes
    /// nothing.
    ///
    /// ```
    /// use nl_data::Scratch;
    /// use nl_random::Streams;
    /// use nl_train::evaluate::Perturbation;
    /// let (image, mut out) = ([0.25; 16], [0.0; 16]);
    /// Perturbation::Occlusion.apply(5, &image, 4, 4, &mut out, &mut Scratch::new(), Streams::new(1), 7)?;
    /// assert_eq!(out.iter().filter(|&&pixel| pixel == 0.0).count(), 4); // 30 % of 4 × 4, in whole pixels
    /// # Ok::<(), nl_train::evaluate::EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvaluateError::Parameter`] for a severity above 5, [`EvaluateError::Transform`] for a slice that is not
    /// `height · width` long or an image that is too large.
    pub fn apply(
        self,
        severity: u8,
        src: &[f32],
        height: usize,
        width: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
        streams: Streams,
        sample: u64,
    ) -> Result<(), EvaluateError> {
        let Some(&strength) = self.strengths().get(usize::from(severity)) else {
            return Err(severity_error(severity));
        };
        for found in [src.len(), out.len()] {
            if height.checked_mul(width) != Some(found) {
                return Err(nl_data::TransformError::Length { operation: self.name(), found, height, width }.into());
            }
        }
        out.copy_from_slice(src);
        if severity == 0 || src.is_empty() {
            return Ok(());
        }
        let mut rng = streams.rng(&format!("robustness/{}", self.name()), severity.into(), sample);
        let side = height.min(width) as f32;
        match self {
            Self::GaussianNoise => {
                Corruption::Gaussian { std: strength }.apply(out, height, width, scratch, &mut rng)?;
                out.iter_mut().for_each(|pixel| *pixel = pixel.clamp(0.0, 1.0));
            }
            Self::Blur => blur(out, height, width, strength * side),
            Self::Occlusion => {
                let part = |side: usize| ((strength.sqrt() * side as f32).round() as usize).clamp(1, side);
                let (h, w) = (part(height), part(width));
                // The same draws on every platform.
                let mut within = |most: usize| rng.random_range(0..=most as u32) as usize;
                let (top, left) = (within(height - h), within(width - w));
                out.chunks_exact_mut(width).skip(top).take(h).for_each(|row| row[left..left + w].fill(0.0));
            }
            Self::Rotation => {
                let degrees = if rng.random::<bool>() { strength } else { -strength };
                Affine::rotation(degrees).apply(src, height, width, 0.0, out, scratch)?;
            }
            Self::Shift => {
                let (sin, cos) = (std::f32::consts::TAU * rng.random::<f32>()).sin_cos();
                let map = Affine::shift(strength * side * cos, strength * side * sin);
                map.apply(src, height, width, 0.0, out, scratch)?;
            }
            Self::Contrast => {
                let mean = (src.iter().map(|&x| f64::from(x)).sum::<f64>() / src.len() as f64) as f32;
                out.iter_mut().for_each(|pixel| *pixel = strength * (*pixel - mean) + mean);
            }
        }
        Ok(())
    }
}

pub(super) fn severity_error(severity: u8) -> EvaluateError {
    let (parameter, value, expected) = ("severity", f64::from(severity), "a whole number from 0 (as it is) to 5");
    EvaluateError::Parameter { score: "robustness", parameter, value, expected }
}

impl fmt::Display for Perturbation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn image(height: usize, width: usize) -> Vec<f32> {
        (0..height * width).map(|i| ((i * 7919) % 256) as f32 / 255.0).collect()
    }

    fn spoilt(kind: Perturbation, severity: u8, (h, w): (usize, usize), seed: u64, sample: u64) -> Vec<f32> {
        let mut out = vec![f32::NAN; h * w];
        let (scratch, streams) = (&mut Scratch::new(), Streams::new(seed));
        kind.apply(severity, &image(h, w), h, w, &mut out, scratch, streams, sample).unwrap();
        out
    }

    fn distance(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    }

    #[test]
    fn names_are_those_of_yaml() {
        for kind in Perturbation::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn severity_nothing_changes_no_bit_and_more_changes_more() {
        for kind in Perturbation::ALL {
            let clean = image(28, 20);
            assert_eq!(spoilt(kind, 0, (28, 20), 1, 1), clean);
            // A mean over samples: one shift may go along the pattern.
            let far =
                |severity| (0..30).map(|i| distance(&spoilt(kind, severity, (28, 20), 1, i), &clean)).sum::<f32>();
            assert!(far(1) > 0.0 && far(5) > far(1), "{kind}: {} {}", far(1), far(5));
        }
    }

    #[test]
    fn what_is_random_is_keyed() {
        use Perturbation::{GaussianNoise, Occlusion, Rotation, Shift};
        for kind in [GaussianNoise, Occlusion, Rotation, Shift] {
            let drawn = |seed, severity| (0..8).map(|i| spoilt(kind, severity, (9, 9), seed, i)).collect::<Vec<_>>();
            assert_eq!(drawn(1, 3), drawn(1, 3));
            assert_ne!(drawn(1, 3), drawn(2, 3));
            let samples = drawn(1, 3);
            assert!(samples.iter().any(|other| *other != samples[0]));
        }
    }

    #[test]
    fn contrast_keeps_the_mean_and_noise_stays_in_range() {
        let mean = |v: &[f32]| v.iter().sum::<f32>() / v.len() as f32;
        let flat = spoilt(Perturbation::Contrast, 5, (8, 8), 1, 1);
        assert!((mean(&flat) - mean(&image(8, 8))).abs() < 1e-5);
        assert!(spoilt(Perturbation::GaussianNoise, 5, (8, 8), 1, 1).iter().all(|v| (0.0..=1.0).contains(v)));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let apply = |severity, src: &[f32], out: &mut [f32]| {
            let scratch = &mut Scratch::new();
            Perturbation::Blur.apply(severity, src, 2, 2, out, scratch, Streams::new(1), 0).unwrap_err().to_string()
        };
        assert!(apply(6, &[0.0; 4], &mut [0.0; 4]).contains("severity = 6"));
        assert!(apply(1, &[0.0; 3], &mut [0.0; 4]).contains("blur: a slice of 3 values for a 2x2 image"));
        assert!(apply(1, &[0.0; 4], &mut [0.0; 5]).contains("5 values"));
    }

    proptest! {
        #[test]
        fn any_size_will_do(h in 1_usize..12, w in 1_usize..12, kind in 0_usize..6, severity in 0_u8..=5, sample: u64) {
            let out = spoilt(Perturbation::ALL[kind], severity, (h, w), 3, sample);
            prop_assert!(out.iter().all(|v| (-1e-5..=1.0 + 1e-5).contains(v)), "{:?}", out);
        }
    }
}
