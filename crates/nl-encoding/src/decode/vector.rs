//! The population vector.

use nl_units::Error;

const NAME: &str = "population vector";

/// P = Σ_i (r_i − b) C_i, C_i the preferred direction of neuron i: `directions` `[n, D]`, `out` `[D]`.
///
/// Not divided by anything: its direction is the estimate. b = `baseline` is the rate without a stimulus. In the plane
/// with C_i = (cos, sin) the angle is atan2(P_y, P_x). Source: Georgopoulos, Schwartz & Kettner 1986.
///
/// ```
/// use nl_encoding::decode::population_vector;
/// let mut out = [0.0; 2];
/// population_vector(&[5.0, 3.0, 1.0, 3.0], 3.0, &[1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0], &mut out)?;
/// assert_eq!(out, [4.0, 0.0]); // east
/// # Ok::<(), nl_units::Error>(())
/// ```
///
/// # Errors
/// [`Error::Length`] if `directions` is not n · D long; [`Error::Parameter`] if a number is not finite.
pub fn population_vector(rates: &[f32], baseline: f32, directions: &[f32], out: &mut [f32]) -> Result<(), Error> {
    Error::population(NAME, out.len())?;
    Error::length(NAME, "directions", rates.len().saturating_mul(out.len()), directions.len())?;
    for (what, values) in [("rate", rates), ("direction", directions), ("baseline", &[baseline])] {
        if let Some(&value) = values.iter().find(|value| !value.is_finite()) {
            Error::finite(NAME, what, value.into())?;
        }
    }
    out.fill(0.0);
    for (rate, direction) in rates.iter().zip(directions.chunks_exact(out.len())) {
        for (sum, component) in out.iter_mut().zip(direction) {
            *sum += (rate - baseline) * component;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};
    use core::f32::consts::TAU;

    /// Cosine tuning, directions evenly around: the vector points exactly where the stimulus does.
    #[test]
    fn cosine_tuning_is_read_without_error() {
        let angles: Vec<f32> = (0..12).map(|i| i as f32 / 12.0 * TAU).collect();
        let directions: Vec<f32> = angles.iter().flat_map(|a| [a.cos(), a.sin()]).collect();
        for stimulus in [-3.0_f32, -1.0, 0.0, 0.7, 2.5] {
            let rates: Vec<f32> = angles.iter().map(|a| 20.0 + 15.0 * (stimulus - a).cos()).collect();
            let mut out = [0.0; 2];
            population_vector(&rates, 20.0, &directions, &mut out).unwrap();
            assert_abs_diff_eq!(out[1].atan2(out[0]), stimulus, epsilon = 1e-5);
            // n/2 times the modulation, from a dozen terms in single precision.
            assert_relative_eq!(out[0].hypot(out[1]), 15.0 * 6.0, max_relative = 1e-5);
        }
    }

    #[test]
    fn misfits_are_refused() {
        assert!(population_vector(&[1.0], 0.0, &[1.0], &mut []).is_err());
        assert!(population_vector(&[1.0], 0.0, &[1.0], &mut [0.0; 2]).is_err());
        assert!(population_vector(&[f32::NAN], 0.0, &[1.0], &mut [0.0]).is_err());
        assert!(population_vector(&[1.0], f32::INFINITY, &[1.0], &mut [0.0]).is_err());
    }
}
