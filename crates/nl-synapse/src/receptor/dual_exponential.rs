//! A rise and a decay.

use nl_neuron::Real;
use nl_units::{Error as NeuronError, Ms};

use crate::{Error, Receptor};

use super::followed;

const NAME: &str = "dual-exponential receptor";

impl<F: Real> Receptor<F> {
    /// g(t) = w N (e^(−t/τ_decay) − e^(−t/τ_rise)), with its peak w at t = τ_d τ_r / (τ_d − τ_r) · ln(τ_d / τ_r).
    ///
    /// N = 1 / ((1 − x) x^(x / (1 − x))), x = τ_rise / τ_decay. Exact over a step, with α = e^(−dt/τ):
    /// g ← α_d g + N (α_d − α_r) h, h ← α_r h + w. Source: Dayan & Abbott, Theoretical Neuroscience, 2001, eq. 5.35;
    /// Roth & van Rossum 2009, eq. 6.4.
    ///
    /// # Errors
    /// If a time is not positive or too slow for the scalar, or τ_rise is not below τ_decay (equal ones are an [`alpha`](Self::alpha) function).
    pub fn dual_exponential(rise: Ms, decay: Ms, dt: Ms) -> Result<Self, Error> {
        followed::<F>(NAME, &[("tau_rise", rise), ("tau_decay", decay)], dt)?;
        let below = "use a time below tau_decay, or an alpha function if they are equal";
        NeuronError::check(NAME, "tau_rise", rise.0, |r| r < decay.0, below)?;
        let x = rise.0 / decay.0;
        let (slow, fast) = ((-dt.0 / decay.0).exp(), (-dt.0 / rise.0).exp());
        // α_d − α_r without cancellation, N without (1 − x) → 0: each is small where the other is large.
        let difference = -slow * (-dt.0 * (1.0 - x) / rise.0).exp_m1();
        let norm = (-x / (1.0 - x) * x.ln()).exp() / (1.0 - x);
        Self::new(NAME, [slow, norm * difference, fast], false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    #[test]
    fn follows_the_closed_form_and_peaks_at_one() {
        for (rise, decay, dt) in [(0.5, 2.0, 0.1), (1.0, 100.0, 0.5), (2.0, 2.1, 0.2)] {
            let receptor = Receptor::dual_exponential(Ms(rise), Ms(decay), Ms(dt)).unwrap();
            let peak = rise * decay / (decay - rise) * f64::ln(decay / rise);
            let shape = |t: f64| (-t / decay).exp() - (-t / rise).exp();
            for (k, g) in super::super::response(&receptor, 200).into_iter().enumerate() {
                let expected = shape(k as f64 * dt) / shape(peak);
                assert!((g - expected).abs() < 1e-12 && g <= 1.0 + 1e-12, "{rise} {decay} {k}: {g} {expected}");
            }
        }
    }

    /// τ_rise → τ_decay is the alpha function, without loss of digits on the way.
    #[test]
    fn nearly_equal_times_are_nearly_an_alpha_function() {
        let dual = Receptor::dual_exponential(Ms(2.0 * (1.0 - 1e-9)), Ms(2.0), Ms(0.1)).unwrap();
        let alpha = Receptor::alpha(Ms(2.0), Ms(0.1)).unwrap();
        for (a, b) in super::super::response(&dual, 100).iter().zip(super::super::response(&alpha, 100)) {
            assert_abs_diff_eq!(*a, b, epsilon = 1e-7); // the times differ by 1e-9
        }
        assert!(Receptor::<f32>::dual_exponential(Ms(2.0), Ms(2.0), Ms(0.1)).is_err());
    }
}
