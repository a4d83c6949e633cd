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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "Unchecked")]
pub struct Normalize {
    mean: f32,
    std: f32,
}

/// As written in a file, before [`Normalize::new`] has seen it.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    ///
    /// Pixels are whole numbers, and so are n, S₁ = Σ x and S₂ = Σ x²: mean = S₁ / (255 n) and
    /// std = √(n S₂ − S₁²) / (255 n) are exact but for the last rounding, and a set is constant if and only if
    /// n S₂ − S₁² is 0.
    #[must_use]
    pub fn fit(pixels: &[u8]) -> Self {
        let mut counts = [0u64; 256];
        for &pixel in pixels {
            counts[usize::from(pixel)] += 1;
        }
        // n < 2⁵⁶ (more bytes than a machine holds): all products stay below 2¹²⁸.
        let moment = |power| (0..256).zip(counts).map(|(x, count): (u128, _)| x.pow(power) * u128::from(count)).sum();
        let (n, s1, s2): (u128, u128, u128) = (pixels.len().max(1) as u128, moment(1), moment(2));
        let (spread, scale) = (n * s2 - s1 * s1, 255.0 * n as f64);
        let std = if spread > 0 { ((spread as f64).sqrt() / scale) as f32 } else { 1.0 };
        Self { mean: (s1 as f64 / scale) as f32, std }
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
    use approx::assert_abs_diff_eq;

    #[test]
    fn fitted_pixels_have_mean_0_and_std_1() {
        let pixels: Vec<u8> = (0..1000u32).map(|i| (i * i % 251) as u8).collect();
        let mut y = vec![0.0; 1000];
        Normalize::fit(&pixels).bytes(&pixels, &mut y).unwrap();
        let mean = y.iter().map(|&y| f64::from(y)).sum::<f64>() / 1000.0;
        let variance = y.iter().map(|&y| f64::from(y) * f64::from(y)).sum::<f64>() / 1000.0 - mean * mean;
        // Mean and deviation were rounded to single precision.
        assert_abs_diff_eq!(mean, 0.0, epsilon = 1e-5);
        assert_abs_diff_eq!(variance, 1.0, epsilon = 1e-5);
        assert_eq!(Normalize::fit(&[]), Normalize::unit());
    }

    /// Of whatever value and size, and one pixel of another value makes it another set.
    #[test]
    fn a_constant_set_is_seen_exactly() {
        for value in 0..=255_u8 {
            for n in [1, 2, 3, 7, 9, 10, 49, 784, 1000, 9999] {
                let mut pixels = vec![value; n];
                let constant = Normalize::fit(&pixels);
                assert_eq!(constant, Normalize { mean: f32::from(value) / 255.0, std: 1.0 }, "{n} times {value}");
                pixels.push(value ^ 1);
                // n of one value and one of its neighbour: variance n / (n + 1)², in units of 1/255².
                let std = f64::sqrt(n as f64) / (n as f64 + 1.0) / 255.0;
                assert_eq!(Normalize::fit(&pixels).std(), std as f32, "{n} times {value}");
            }
        }
    }

    #[test]
    fn undo_undoes() {
        let normalize = Normalize::new(0.1307, 0.3081).unwrap();
        let mut y = [0.0; 256];
        normalize.bytes(&(0..=255).collect::<Vec<u8>>(), &mut y).unwrap();
        normalize.undo(&mut y);
        let unit: Vec<f32> = (0..256).map(|x| x as f32 / 255.0).collect();
        assert_abs_diff_eq!(y[..], unit[..], epsilon = 1e-6);
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
