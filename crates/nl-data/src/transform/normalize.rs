//! Bytes to floats.

use serde::{Deserialize, Serialize};

use super::{TransformError, check};

/// y = (x / 255 - mean) / std, for x a byte or already in [0, 1].
///
/// ```
/// use nl_data::Normalize;
///
/// let mut y = [0.0; 2];
/// Normalize::unit().bytes(&[0, 255], &mut y)?;
/// assert_eq!(y, [0.0, 1.0]);
/// Normalize::new(0.5, 0.5)?.bytes(&[0, 255], &mut y)?;
/// assert_eq!(y, [-1.0, 1.0]);
/// # Ok::<(), nl_data::TransformError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Normalize {
    mean: f32,
    std: f32,
}

/// As written in a file, before [`Normalize::new`] has seen it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    mean: f32,
    std: f32,
}

impl TryFrom<Unchecked> for Normalize {
    type Error = TransformError;

    fn try_from(Unchecked { mean, std }: Unchecked) -> Result<Self, TransformError> {
        Self::new(mean, std)
    }
}

impl Normalize {
    /// Mean 0, standard deviation 1: pixels in [0, 1].
    #[must_use]
    pub const fn unit() -> Self {
        Self { mean: 0.0, std: 1.0 }
    }

    /// A given mean and standard deviation, of pixels in [0, 1].
    ///
    /// # Errors
    /// A mean that is not finite, a standard deviation that is not positive and finite.
    pub fn new(mean: f32, std: f32) -> Result<Self, TransformError> {
        check("normalize", "mean", mean, mean.is_finite(), "a finite number")?;
        check("normalize", "std", std, std.is_finite() && std > 0.0, "a finite number > 0")?;
        Ok(Self { mean, std })
    }

    /// Mean and standard deviation of all pixels of a set (population form; a constant set gets std 1).
    #[must_use]
    pub fn fit(pixels: &[u8]) -> Self {
        let mut counts = [0u64; 256];
        for &pixel in pixels {
            counts[usize::from(pixel)] += 1;
        }
        let n = pixels.len().max(1) as f64;
        let moment = |f: &dyn Fn(f64) -> f64| -> f64 {
            counts.iter().enumerate().map(|(value, &count)| f(value as f64 / 255.0) * count as f64).sum::<f64>() / n
        };
        let mean = moment(&|x| x);
        let variance = moment(&|x| (x - mean) * (x - mean));
        Self { mean: mean as f32, std: if variance > 0.0 { variance.sqrt() as f32 } else { 1.0 } }
    }

    /// The mean that is subtracted.
    #[must_use]
    pub const fn mean(&self) -> f32 {
        self.mean
    }

    /// The standard deviation that is divided by.
    #[must_use]
    pub const fn std(&self) -> f32 {
        self.std
    }

    /// Bytes to normalised floats, of equal length.
    ///
    /// # Errors
    /// Slices of different lengths.
    pub fn bytes(&self, x: &[u8], y: &mut [f32]) -> Result<(), TransformError> {
        if x.len() != y.len() {
            return Err(TransformError::Length { operation: "normalize", found: y.len(), height: 1, width: x.len() });
        }
        for (y, &x) in y.iter_mut().zip(x) {
            *y = (f32::from(x) / 255.0 - self.mean) / self.std;
        }
        Ok(())
    }

    /// Floats in [0, 1] to normalised floats, in place.
    pub fn floats(&self, x: &mut [f32]) {
        for x in x {
            *x = (*x - self.mean) / self.std;
        }
    }

    /// Back to [0, 1], in place: for pictures.
    pub fn undo(&self, y: &mut [f32]) {
        for y in y {
            *y = *y * self.std + self.mean;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fitted_pixels_have_mean_0_and_std_1() {
        let pixels: Vec<u8> = (0..1000u32).map(|i| (i * i % 251) as u8).collect();
        let mut y = vec![0.0; 1000];
        Normalize::fit(&pixels).bytes(&pixels, &mut y).unwrap();
        let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / 1000.0;
        let variance = y.iter().map(|&y| f64::from(y) * f64::from(y)).sum::<f64>() / 1000.0 - mean * mean;
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-5, "{mean} {variance}");
        assert_eq!(Normalize::fit(&[7; 9]).std(), 1.0, "a constant set is not divided by 0");
        assert_eq!(Normalize::fit(&[]), Normalize::unit());
    }

    #[test]
    fn undo_undoes() {
        let normalize = Normalize::new(0.1307, 0.3081).unwrap();
        let mut y = [0.0; 256];
        normalize.bytes(&(0..=255).collect::<Vec<u8>>(), &mut y).unwrap();
        normalize.undo(&mut y);
        assert!(y.iter().enumerate().all(|(x, y)| (x as f32 / 255.0 - y).abs() < 1e-6));
    }

    #[test]
    fn bytes_and_floats_agree_to_the_bit() {
        let normalize = Normalize::new(0.1307, 0.3081).unwrap();
        let bytes: Vec<u8> = (0..=255).collect();
        let (mut a, mut b) = ([0.0; 256], [0.0; 256]);
        normalize.bytes(&bytes, &mut a).unwrap();
        Normalize::unit().bytes(&bytes, &mut b).unwrap();
        normalize.floats(&mut b);
        assert_eq!(a, b);
    }

    #[test]
    fn refuses_what_cannot_be() {
        assert!(Normalize::new(f32::NAN, 1.0).is_err());
        assert!(Normalize::new(0.0, 0.0).is_err());
        assert!(Normalize::new(0.0, f32::INFINITY).is_err());
        assert!(toml::from_str::<Normalize>("mean = 0.0\nstd = 0.0").unwrap_err().to_string().contains("std = 0"));
        assert_eq!(toml::from_str("mean = 0.5\nstd = 2.0"), Normalize::new(0.5, 2.0).map_err(|_| unreachable!()));
        let error = Normalize::unit().bytes(&[1, 2], &mut [0.0]).unwrap_err();
        assert_eq!(error, TransformError::Length { operation: "normalize", found: 1, height: 1, width: 2 });
    }
}
