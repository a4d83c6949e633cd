//! The alpha function.

use nl_neuron::Real;
use nl_units::Ms;

use crate::{Error, Receptor};

use super::followed;

impl<F: Real> Receptor<F> {
    /// g(t) = w (t/τ) e^(1 − t/τ), with its peak w at t = τ.
    ///
    /// Exact over a step (Rotter & Diesmann 1999, eq. 16): g ← e^(−dt/τ) (g + e dt/τ · h), h ← h e^(−dt/τ) + w.
    /// Source: Rall 1967.
    ///
    /// # Errors
    /// If `tau` or `dt` is not positive, τ too slow for the scalar, or dt / τ overflows.
    pub fn alpha(tau: Ms, dt: Ms) -> Result<Self, Error> {
        const NAME: &str = "alpha receptor";
        followed::<F>(NAME, &[("tau", tau)], dt)?;
        let steps = dt.0 / tau.0;
        let decay = (-steps).exp();
        Self::new(NAME, [decay, steps * (1.0 - steps).exp(), decay], false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn follows_the_closed_form() {
        for (tau, dt) in [(2.0, 0.1), (5.0, 1.0), (0.3, 1.0)] {
            let receptor = Receptor::alpha(Ms(tau), Ms(dt)).unwrap();
            for (k, g) in super::super::response(&receptor, 80).into_iter().enumerate() {
                let t = k as f64 * dt / tau;
                assert_abs_diff_eq!(g, t * (1.0 - t).exp(), epsilon = 1e-14); // roundings of up to 80 steps
            }
        }
    }
}
