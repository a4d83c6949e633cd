//! A jump that decays.

use nl_neuron::Real;
use nl_units::Ms;

use crate::{Error, Receptor};

use super::followed;

impl<F: Real> Receptor<F> {
    /// g(t) = w e^(−t/τ), from its peak w at the spike's arrival: τ g' = −g, g += w.
    ///
    /// Exact over a step: g ← g e^(−dt/τ) + w. Source: Gerstner et al., Neuronal Dynamics, 2014, eq. 3.2.
    ///
    /// # Errors
    /// If `tau` or `dt` is not positive, or τ too slow for the scalar.
    pub fn exponential(tau: Ms, dt: Ms) -> Result<Self, Error> {
        const NAME: &str = "exponential receptor";
        followed::<F>(NAME, &[("tau", tau)], dt)?;
        Self::new(NAME, [(-dt.0 / tau.0).exp(), 0.0, 0.0], true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn follows_the_closed_form() {
        for (tau, dt) in [(2.0, 0.1), (5.0, 1.0), (0.3, 1.0)] {
            let receptor = Receptor::exponential(Ms(tau), Ms(dt)).unwrap();
            for (k, g) in super::super::response(&receptor, 50).into_iter().enumerate() {
                assert_abs_diff_eq!(g, (-(k as f64) * dt / tau).exp(), epsilon = 1e-14); // roundings of up to 50 steps
            }
        }
    }
}
