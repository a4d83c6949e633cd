//! Gabor functions: oriented edges and bars, the simple cells of V1.

use core::f64::consts::PI;

use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::FilterBank;

const NAME: &str = "gabor";

/// K_θ = e^(−(x'² + γ² y'²) / 2σ²) cos(2π x' / λ + φ), x' = x cos θ + y sin θ, y' = −x sin θ + y cos θ; then
/// K − mean(K), divided by √Σ K². One channel for each θ = 0, π/n, … (n − 1)π/n.
///
/// x points right, y down; θ = 0 answers to vertical structure. Phase 0 makes bars, π/2 edges; the opposite contrast has
/// phase φ + π. Source: Daugman 1985; Jones & Palmer 1987. Defaults: the S1 cells of Serre et al. 2007 at their smallest
/// size (7×7, σ = 2.8, λ = 3.5, γ = 0.3, four orientations).
///
/// ```
/// use nl_encoding::front_end::Gabor;
/// let bank = Gabor::default().bank()?;
/// assert_eq!((bank.channels(), bank.window()), (4, 7));
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Gabor {
    /// Number of orientations n, evenly over half a turn.
    pub orientations: usize,
    /// Wavelength λ, in pixels.
    pub wavelength: f64,
    /// Width σ of the envelope, in pixels.
    pub sigma: f64,
    /// Aspect ratio γ: 1 is round, below 1 long along the bar.
    pub gamma: f64,
    /// Phase φ, in radians.
    pub phase: f64,
    /// Rows and columns of a kernel, odd.
    pub window: usize,
}

impl Default for Gabor {
    fn default() -> Self {
        Self { orientations: 4, wavelength: 3.5, sigma: 2.8, gamma: 0.3, phase: 0.0, window: 7 }
    }
}

impl Gabor {
    /// The kernels.
    ///
    /// # Errors
    /// [`Error::Parameter`] if λ, σ or γ is not positive, φ not finite, n not 1 to 1024, or the window not odd, 3 to
    /// 255; or if the parameters leave a kernel with nothing but rounding.
    pub fn bank(&self) -> Result<FilterBank, Error> {
        let Self { orientations, wavelength, sigma, gamma, phase, window } = *self;
        let fits = |n: f64| (1.0..=1024.0).contains(&n);
        Error::check(NAME, "orientations", orientations as f64, fits, "use 1 to 1024")?;
        Error::positive(NAME, "wavelength", wavelength)?;
        Error::positive(NAME, "sigma", sigma)?;
        Error::positive(NAME, "gamma", gamma)?;
        Error::finite(NAME, "phase", phase)?;
        Error::check(NAME, "window", window as f64, |w| w >= 3.0, "use an odd number, 3 to 255")?;
        let value = |channel: usize, y: f64, x: f64| {
            let (sin, cos) = (channel as f64 * PI / orientations as f64).sin_cos();
            let (along, across) = (x * cos + y * sin, -x * sin + y * cos);
            let envelope = (-(along * along + (gamma * across).powi(2)) / (2.0 * sigma * sigma)).exp();
            envelope * (2.0 * PI * along / wavelength + phase).cos()
        };
        let norm = |kernel: &[f64]| kernel.iter().map(|weight| weight * weight).sum::<f64>().sqrt();
        let bank = FilterBank::draw(window, orientations, value, |kernel, _| {
            let norm = norm(kernel);
            for weight in kernel {
                *weight = if norm > 1e-6 { *weight / norm } else { 0.0 };
            }
        })?;
        let empty = (0..orientations).any(|channel| bank.kernel(channel).iter().all(|&weight| weight == 0.0));
        let mend = "use a wavelength above 1 or another phase: this kernel is flat";
        Error::check(NAME, "wavelength", wavelength, |_| !empty, mend)?;
        Ok(bank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn zero_mean_and_unit_norm() {
        for phase in [0.0, PI / 2.0, 1.0] {
            let bank = Gabor { orientations: 6, phase, window: 9, ..Gabor::default() }.bank().unwrap();
            for channel in 0..6 {
                let kernel = bank.kernel(channel);
                // 81 weights in single precision.
                assert_abs_diff_eq!(kernel.iter().sum::<f32>(), 0.0, epsilon = 1e-5);
                assert_abs_diff_eq!(kernel.iter().map(|w| w * w).sum::<f32>(), 1.0, epsilon = 1e-5);
            }
        }
    }

    /// A grating of the filter's own wavelength excites the filter of its orientation most.
    #[test]
    fn the_orientation_is_the_gratings() {
        let gabor = Gabor { orientations: 8, ..Gabor::default() };
        let bank = gabor.bank().unwrap();
        for wanted in 0..8 {
            let (sin, cos) = (wanted as f64 * PI / 8.0).sin_cos();
            let response = |channel: usize| -> f64 {
                let kernel = bank.kernel(channel).iter().enumerate();
                kernel
                    .map(|(i, &w)| {
                        let (y, x) = ((i / 7) as f64 - 3.0, (i % 7) as f64 - 3.0);
                        f64::from(w) * (2.0 * PI * (x * cos + y * sin) / gabor.wavelength).cos()
                    })
                    .sum()
            };
            let best = (0..8).max_by(|&a, &b| response(a).total_cmp(&response(b)));
            assert_eq!(best, Some(wanted));
        }
    }

    #[test]
    fn edges_are_odd_and_bars_even() {
        let edge = Gabor { phase: PI / 2.0, ..Gabor::default() }.bank().unwrap();
        let bar = Gabor::default().bank().unwrap();
        for i in 0..49 {
            for channel in 0..4 {
                let (e, b) = (edge.kernel(channel), bar.kernel(channel));
                assert_abs_diff_eq!(e[i], -e[48 - i], epsilon = 1e-6);
                assert_abs_diff_eq!(b[i], b[48 - i], epsilon = 1e-6);
            }
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let p = Gabor::default();
        for (gabor, name) in [
            (Gabor { orientations: 0, ..p }, "orientations"),
            (Gabor { wavelength: 0.0, ..p }, "wavelength"),
            (Gabor { wavelength: 1.0, phase: PI / 2.0, orientations: 1, ..p }, "wavelength"),
            (Gabor { sigma: f64::NAN, ..p }, "sigma"),
            (Gabor { gamma: -1.0, ..p }, "gamma"),
            (Gabor { phase: f64::INFINITY, ..p }, "phase"),
            (Gabor { window: 8, ..p }, "window"),
        ] {
            assert!(gabor.bank().unwrap_err().to_string().contains(name), "{name}");
        }
    }
}
