//! A running average of the weights.

use serde::{Deserialize, Serialize};

use crate::error::{check_len, require_decay, zeros};
use crate::{Error, lanes};

/// The exponential moving average of the parameters, bias-corrected:
///
/// āₜ = (1 − β) Σᵢ β^(t−i) pᵢ / (1 − βᵗ),  kept as ā ← ā + wₜ (p − ā), wₜ = (1 − β) / (1 − βᵗ),
///
/// which is the same number: after one update it is p itself, and no correction is left to do when it is read. Often a
/// better classifier than the last weights.
///
/// Source: Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the exponential form and
/// its correction as in Kingma & Ba, 2015, §7.2.
///
/// ```
/// use nl_optim::WeightAverage;
/// let mut average = WeightAverage::new(0.9, 1)?;
/// for p in [1.0, 2.0, 3.0] {
///     average.update(&[p])?;
/// }
/// let exact = (1.0 * 0.81 + 2.0 * 0.9 + 3.0) / (0.81 + 0.9 + 1.0);
/// assert!((average.values()[0] - exact).abs() < 1e-6);
/// # Ok::<(), nl_optim::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WeightAverage {
    decay: f64,
    updates: u64,
    values: Vec<f32>,
}

impl WeightAverage {
    /// The empty average of `len` parameters, with β = `decay`.
    ///
    /// # Errors
    /// [`Error::Config`] if β is not in \[0, 1), [`Error::Memory`] if there is none for `len` numbers.
    pub fn new(decay: f64, len: usize) -> Result<Self, Error> {
        require_decay("weight average", "decay", decay)?;
        Ok(Self { decay, updates: 0, values: zeros("weight average", len)? })
    }

    /// Takes in the parameters after a step; allocates nothing, and is unchanged after an error.
    ///
    /// # Errors
    /// [`Error::Length`] if their number has changed, [`Error::NotFinite`] if one is infinite or NaN.
    pub fn update(&mut self, params: &[f32]) -> Result<(), Error> {
        check_len("weight average", "the average", self.values.len(), params.len())?;
        lanes::finite("weight average", "the parameters", params)?;
        self.updates = self.updates.saturating_add(1);
        let power = self.decay.powi(i32::try_from(self.updates).unwrap_or(i32::MAX));
        let weight = ((1.0 - self.decay) / (1.0 - power)) as f32;
        if self.updates == 1 {
            self.values.copy_from_slice(params);
        } else {
            lanes::map_with(&mut self.values, params, |average, p| average + weight * (p - average));
        }
        Ok(())
    }

    /// The average; zeros before the first update.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Whether `other` is an average of as many parameters with the same β: what was read from a file is checked by it.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        self.decay.to_bits() == other.decay.to_bits() && self.values.len() == other.values.len()
    }

    /// How many times it was updated.
    #[must_use]
    pub const fn updates(&self) -> u64 {
        self.updates
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_corrected_sum() {
        for decay in [0.0, 0.5, 0.99, 0.9999] {
            let mut average = WeightAverage::new(decay, 2).unwrap();
            let history: Vec<[f32; 2]> = (0..300).map(|i| [(0.1 * i as f32).sin(), i as f32]).collect();
            for (t, params) in history.iter().enumerate() {
                average.update(params).unwrap();
                let weights = (0..=t).map(|i| decay.powi((t - i) as i32));
                let total: f64 = weights.clone().sum();
                for axis in 0..2 {
                    let exact = weights.clone().zip(&history).map(|(w, p)| w * f64::from(p[axis])).sum::<f64>() / total;
                    let got = f64::from(average.values()[axis]);
                    // 300 roundings to f32.
                    approx::assert_relative_eq!(got, exact, max_relative = 2e-5, epsilon = 2e-5);
                }
            }
            assert_eq!(average.updates(), 300);
        }
        assert!(WeightAverage::new(1.0, 2).is_err());
        for len in [usize::MAX, usize::MAX / 4, 1 << 60] {
            assert_eq!(WeightAverage::new(0.9, len), Err(Error::Memory { op: "weight average", elements: len }));
        }
        assert!(WeightAverage::new(0.5, 2).unwrap().update(&[0.0; 3]).is_err());
    }
}
