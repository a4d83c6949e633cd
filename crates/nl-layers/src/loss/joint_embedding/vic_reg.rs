//! Views near each other, spread over the batch, without redundancy.

use nl_autodiff::{KeepDims, Reduction, Scalar, Transpose, Var};
use serde::{Deserialize, Serialize};

use super::super::checks;
use super::{centred, check_views, diagonal};
use crate::Error;
use crate::error::At;

/// VICReg: variance, invariance and covariance.
///
/// L / B = λ s(a, b) + μ ½ (v(a) + v(b)) + ν (c(a) + c(b))
///
/// - s = 1/(B D) Σ (a − b)²: both views of a sample are the same;
/// - v(z) = 1/D Σ_j max(0, γ − √(Var z_j + ε)): each feature varies over the batch, by γ or more;
/// - c(z) = 1/D Σ_{i≠j} C_ij², C the covariance of the features: no feature repeats another.
///
/// Variances and covariances are divided by B − 1.
///
/// | | shape |
/// |---|---|
/// | views | `[B, D]` each |
///
/// Paper and code of the authors differ: eq. 5 does not divide s by D, and eq. 6 has no ½ before v. The code's reading is the
/// one coded here, since it is that in which 25, 25, 1 were found.
///
/// # Errors
/// [`Error::Hyperparameter`]: a coefficient outside \[0, 1e9\], all of them 0, `deviation` outside \[1e-6, 1e6\], ε outside
/// \[1e-12, 1\]; [`Error::Input`]: views of different or other shapes, or fewer than 2 samples.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::VicReg;
/// let tape = Tape::new();
/// let z = tape.leaf(Tensor::new(&[3, 1], vec![-2.0_f64, 0.0, 2.0])?);
/// let loss = VicReg::default();
/// assert_eq!(loss.loss("loss", z, z)?.item()?, 0.0); // alike, spread out, and no other feature
/// let collapsed = z.mul_scalar(0.0)?; // v = 1 − √ε in both views
/// assert!((loss.loss("loss", collapsed, collapsed)?.item()? - 3.0 * 25.0 * 0.99).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Bardes, Ponce & LeCun, "VICReg: variance-invariance-covariance regularization for self-supervised learning", 2022,
/// eq. 1 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct VicReg {
    /// λ from 0 to 1e9
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1e9)))]
    pub invariance: f64,
    /// μ from 0 to 1e9
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1e9)))]
    pub variance: f64,
    /// ν from 0 to 1e9
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1e9)))]
    pub covariance: f64,
    /// γ from 1e-6 to 1e6: the standard deviation that each feature shall have at least.
    #[cfg_attr(feature = "schema", schemars(range(min = 1e-6, max = 1e6)))]
    pub deviation: f64,
    /// ε from 1e-12 to 1: keeps the root's slope finite.
    #[cfg_attr(feature = "schema", schemars(range(min = 1e-12, max = 1.0)))]
    pub epsilon: f64,
}

impl Default for VicReg {
    /// λ = μ = 25, ν = 1, γ = 1, ε = 1e-4
    fn default() -> Self {
        Self { invariance: 25.0, variance: 25.0, covariance: 1.0, deviation: 1.0, epsilon: 1e-4 }
    }
}

impl VicReg {
    /// `Ok` if every hyper-parameter can be used.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first that cannot, its value and its range.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        let terms = [
            ("invariance", self.invariance, "25"),
            ("variance", self.variance, "25"),
            ("covariance", self.covariance, "1"),
        ];
        for (name, value, usual) in terms {
            checks::within(path, name, value, 0.0..=checks::MOST, usual)?;
        }
        if terms.iter().all(|(_, value, _)| *value == 0.0) {
            let message =
                "invariance, variance and covariance are all 0, so nothing would be learned; 25, 25, 1 is usual";
            return Err(Error::hyperparameter(path, message));
        }
        checks::within(path, "deviation", self.deviation, 1e-6..=1e6, "1")?;
        checks::within(path, "epsilon", self.epsilon, 1e-12..=1.0, "1e-4")
    }

    /// The loss of the views a and b, times the number of samples: one element.
    ///
    /// # Errors
    /// As the type says.
    pub fn loss<'t, S: Scalar>(&self, path: &str, a: Var<'t, S>, b: Var<'t, S>) -> Result<Var<'t, S>, Error> {
        self.check(path)?;
        check_views(path, a, b)?;
        self.sum(a, b).at(path)
    }

    /// The equation of the type, times B.
    fn sum<'t, S: Scalar>(&self, a: Var<'t, S>, b: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let rows = a.shape().dims()[0];
        let apart = a.mse(b, Reduction::Mean)?.mul_scalar(self.invariance)?;
        let loss = apart.add(self.spread(a)?)?.add(self.spread(b)?)?;
        loss.mul_scalar(rows as f64)
    }

    /// μ ½ v(z) + ν c(z)
    fn spread<'t, S: Scalar>(&self, z: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let (rows, features) = (z.shape().dims()[0], z.shape().dims()[1]);
        let (z, others) = (centred(z)?, (rows - 1) as f64);
        let variance = z.square()?.sum_axes(&[0], KeepDims::No)?.div_scalar(others)?;
        let missing = variance.add_scalar(self.epsilon)?.sqrt()?.rsub_scalar(self.deviation)?.relu()?.mean()?;
        let covariance = z.matmul_with(Transpose::Yes, z, Transpose::No)?.div_scalar(others)?;
        let repeated = covariance.mul(diagonal(z.tape(), features, 0.0, 1.0)?)?.square()?.sum()?;
        let repeated = repeated.mul_scalar(self.covariance / features as f64)?;
        missing.mul_scalar(0.5 * self.variance)?.add(repeated)
    }
}
