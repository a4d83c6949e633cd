//! Contrastive learning: find the other view of a sample among all samples.

use nl_autodiff::{KeepDims, Reduction, Scalar, Transpose, Var};
use serde::{Deserialize, Serialize};

use super::super::checks;
use super::{check_views, diagonal};
use crate::Error;
use crate::error::At;

/// NT-Xent, the "normalised temperature-scaled cross-entropy" of SimCLR.
///
/// ℓ_ij = −ln (e^{s_ij / τ} / Σ_{k≠i} e^{s_ik / τ}),  s_ij = z_i·z_j / (‖z_i‖ ‖z_j‖);  L = 1/2 Σ over samples (ℓ_ij + ℓ_ji)
///
/// with z the 2 B rows of both views, i and j those of one sample: L / B is the paper's mean over 2 B.
///
/// | | shape |
/// |---|---|
/// | views | `[B, D]` each |
///
/// The 2 (B − 1) embeddings of the other samples **of the batch given** are the negatives; more of them make the task harder and
/// the embedding better. Lengths are √(Σ z² + 10⁻¹²), so that an embedding of zeros has a gradient.
///
/// # Errors
/// [`Error::Hyperparameter`]: τ outside \[0.001, 1000\]; [`Error::Input`]: views of different or other shapes, or fewer than 2
/// samples.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::NtXent;
/// let tape = Tape::new();
/// let z = tape.leaf(Tensor::new(&[2, 2], vec![1.0_f64, 0.0, 0.0, 1.0])?);
/// let sum = NtXent { temperature: 0.5 }.loss("loss", z, z)?; // s is 1 for the other view, 0 for the negatives
/// assert!((sum.item()? - 2.0 * (1.0 + 2.0 * (-2f64).exp()).ln()).abs() < 1e-9);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Chen, Kornblith, Norouzi & Hinton, "A simple framework for contrastive learning of visual representations", 2020,
/// eq. 1 and algorithm 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct NtXent {
    /// τ from 0.001 to 1000: the lower, the more the nearest negatives count.
    #[cfg_attr(feature = "schema", schemars(range(min = 1e-3, max = 1e3)))]
    pub temperature: f64,
}

impl Default for NtXent {
    /// τ = 0.5
    fn default() -> Self {
        Self { temperature: 0.5 }
    }
}

impl NtXent {
    /// `Ok` if every hyper-parameter can be used.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first that cannot, its value and its range.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        checks::within(path, "temperature", self.temperature, 1e-3..=1e3, "0.5")
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

    /// The equation of the type.
    fn sum<'t, S: Scalar>(&self, a: Var<'t, S>, b: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let z = Var::concat(&[a, b], 0)?;
        let length = z.square()?.sum_axes(&[1], KeepDims::Yes)?.add_scalar(1e-12)?.sqrt()?;
        let z = z.div(length)?;
        let all = z.shape().dims()[0];
        let itself = diagonal(z.tape(), all, -1e30, 0.0)?;
        let similarity = z.matmul_with(Transpose::No, z, Transpose::Yes)?.div_scalar(self.temperature)?.add(itself)?;
        let other_view: Vec<u32> = (0..all).map(|i| ((i + all / 2) % all) as u32).collect();
        similarity.cross_entropy(&other_view, 0.0, Reduction::Sum)?.mul_scalar(0.5)
    }
}
