//! The features of both views correlate one by one.

use nl_autodiff::{KeepDims, Scalar, Transpose, Var};
use serde::{Deserialize, Serialize};

use super::super::checks;
use super::{centred, check_views, diagonal};
use crate::Error;
use crate::error::At;

/// Barlow Twins: the correlation of the features of one view with those of the other becomes the identity.
///
/// L / B = Σ_i (1 − C_ii)² + λ Σ_{i≠j} C_ij²,  C_ij = 1/B Σ_b â_bi b̂_bj,  ẑ = (z − mean z) / √(Var z + ε)
///
/// | | shape |
/// |---|---|
/// | views | `[B, D]` each |
///
/// Mean and (biased) variance of each feature over the batch. The ε is the authors' code's; eq. 2 has none. The code's λ is
/// 0.0051, the paper's 0.005.
///
/// # Errors
/// [`Error::Hyperparameter`]: λ outside \[0, 1e9\], ε outside \[1e-12, 1\]; [`Error::Input`]: views of different or other shapes,
/// or fewer than 2 samples.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::BarlowTwins;
/// let tape = Tape::new();
/// let z = tape.leaf(Tensor::new(&[2, 1], vec![-1.0_f64, 1.0])?);
/// let loss = BarlowTwins::default();
/// assert!(loss.loss("loss", z, z)?.item()? < 1e-9); // C = 1
/// assert!((loss.loss("loss", z, z.neg()?)?.item()? - 2.0 * 4.0).abs() < 1e-3); // C = −1
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Zbontar, Jing, Misra, LeCun & Deny, "Barlow Twins: self-supervised learning via redundancy reduction", 2021, eq. 1
/// and 2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BarlowTwins {
    /// λ from 0 to 1e9: how much it counts that different features do not correlate.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0, max = 1e9)))]
    pub redundancy: f64,
    /// ε from 1e-12 to 1: keeps a feature that does not vary finite.
    #[cfg_attr(feature = "schema", schemars(range(min = 1e-12, max = 1.0)))]
    pub epsilon: f64,
}

impl Default for BarlowTwins {
    /// λ = 0.005, ε = 1e-5
    fn default() -> Self {
        Self { redundancy: 0.005, epsilon: 1e-5 }
    }
}

impl BarlowTwins {
    /// `Ok` if every hyper-parameter can be used.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first that cannot, its value and its range.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        checks::within(path, "redundancy", self.redundancy, 0.0..=checks::MOST, "0.005")?;
        checks::within(path, "epsilon", self.epsilon, 1e-12..=1.0, "1e-5")
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
        let (rows, features) = (a.shape().dims()[0], a.shape().dims()[1]);
        let (a, b, tape) = (self.standardised(a)?, self.standardised(b)?, a.tape());
        let correlation = a.matmul_with(Transpose::Yes, b, Transpose::No)?.div_scalar(rows as f64)?;
        let weights = diagonal(tape, features, 1.0, self.redundancy)?;
        let errors = correlation.sub(diagonal(tape, features, 1.0, 0.0)?)?.square()?;
        errors.mul(weights)?.sum()?.mul_scalar(rows as f64)
    }

    /// ẑ
    fn standardised<'t, S: Scalar>(&self, z: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let z = centred(z)?;
        let variance = z.square()?.mean_axes(&[0], KeepDims::Yes)?;
        z.div(variance.add_scalar(self.epsilon)?.sqrt()?)
    }
}
