//! Differences of Gaussians: ganglion cells with a centre and a surround.

use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::FilterBank;

const NAME: &str = "centre surround";

/// K = (G_a − G_b) / 2π with G_s = e^(−r² / 2s²) / s²; then K − mean(K), divided by its largest weight. One channel for
/// each pair (a, b) = (σ of the centre, σ of the surround): a < b an ON cell (bright spots), a > b an OFF cell.
///
/// Source: Rodieck 1965; Enroth-Cugell & Robson 1966; sizes and normalisation (the defaults: ON (1, 2), OFF (2, 1),
/// window 7) of Kheradpisheh et al. 2018 as in SpykeTorch's `DoG` (Mozafari et al. 2019).
///
/// ```
/// use nl_encoding::front_end::CentreSurround;
/// let bank = CentreSurround::default().bank()?;
/// assert_eq!((bank.channels(), bank.window(), bank.kernel(0)[24]), (2, 7, 1.0)); // ON: the middle is largest
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CentreSurround {
    /// (σ of the centre, σ of the surround) of each channel, in pixels.
    pub sigmas: Vec<(f64, f64)>,
    /// Rows and columns of a kernel, odd.
    pub window: usize,
}

impl Default for CentreSurround {
    fn default() -> Self {
        Self { sigmas: vec![(1.0, 2.0), (2.0, 1.0)], window: 7 }
    }
}

impl CentreSurround {
    /// The kernels.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a σ is not positive, both of a pair are equal or so large that the kernel is flat, or the window is not odd, 3 to 255;
    /// [`Error::Length`] if there is no pair.
    pub fn bank(&self) -> Result<FilterBank, Error> {
        Error::check(NAME, "window", self.window as f64, |w| w >= 3.0, "use an odd number, 3 to 255")?;
        for &(centre, surround) in &self.sigmas {
            Error::positive(NAME, "sigma of the centre", centre)?;
            Error::positive(NAME, "sigma of the surround", surround)?;
            Error::check(
                NAME,
                "sigma of the surround",
                surround,
                |s| s != centre,
                "use another one than the centre's",
            )?;
        }
        let value = |channel: usize, y: f64, x: f64| {
            let gauss = |s: f64| (-0.5 * (x * x + y * y) / (s * s)).exp() / (s * s);
            let (centre, surround): (f64, f64) = self.sigmas[channel];
            (gauss(centre) - gauss(surround)) / core::f64::consts::TAU
        };
        let bank = FilterBank::draw(self.window, self.sigmas.len(), value, |kernel, drawn| {
            let largest = kernel.iter().copied().fold(f64::MIN, f64::max);
            // Of a kernel that is flat across the window nothing but rounding is left.
            for weight in kernel {
                *weight = if largest > 1e-9 * drawn { *weight / largest } else { 0.0 };
            }
        })?;
        for (channel, &(centre, surround)) in self.sigmas.iter().enumerate() {
            let flat = bank.kernel(channel).iter().all(|&weight| weight == 0.0);
            let mend = "use sigmas of the order of the window, or a larger window: this kernel is flat";
            Error::check(NAME, "sigma of the surround", surround.max(centre), |_| !flat, mend)?;
        }
        Ok(bank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn kernels_sum_to_nothing_peak_at_one_and_are_symmetric() {
        let bank = CentreSurround { sigmas: vec![(0.5, 2.0), (1.0, 2.0), (2.0, 1.0)], window: 9 }.bank().unwrap();
        for channel in 0..3 {
            let kernel = bank.kernel(channel);
            // 81 weights of at most 1 in single precision.
            assert_abs_diff_eq!(kernel.iter().sum::<f32>(), 0.0, epsilon = 1e-4);
            assert_eq!(kernel.iter().copied().fold(f32::MIN, f32::max), 1.0);
            for (i, weight) in kernel.iter().enumerate() {
                assert_eq!(*weight, kernel[80 - i], "by half a turn");
                assert_eq!(*weight, kernel[i % 9 * 9 + i / 9], "along the diagonal");
            }
        }
        assert!(bank.kernel(2)[40] < 0.0, "OFF: a dark middle");
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = CentreSurround::default();
        for (eye, name) in [
            (CentreSurround { sigmas: vec![(0.0, 1.0)], ..p.clone() }, "centre"),
            (CentreSurround { sigmas: vec![(1.0, f64::NAN)], ..p.clone() }, "surround"),
            (CentreSurround { sigmas: vec![(1.0, 1.0)], ..p.clone() }, "surround"),
            (CentreSurround { sigmas: vec![(1.0, 2.0), (1e6, 2e6)], ..p.clone() }, "flat"),
            (CentreSurround { sigmas: vec![], ..p.clone() }, "kernels"),
            (CentreSurround { window: 6, ..p.clone() }, "window"),
            (CentreSurround { window: 1, ..p }, "window"),
        ] {
            assert!(eye.bank().unwrap_err().to_string().contains(name));
        }
    }
}
