//! Learning without targets: two views of the same samples shall be embedded alike, and not all samples alike.

mod barlow_twins;
mod nt_xent;
mod vic_reg;

use nl_autodiff::{KeepDims, Scalar, Tape, Var};
use serde::{Deserialize, Serialize};

use crate::Error;

pub use barlow_twins::BarlowTwins;
pub use nt_xent::NtXent;
pub use vic_reg::VicReg;

/// A loss of two views. In configurations: `{kind: nt-xent, temperature: 0.5}`; what is left out has its default.
///
/// Row i of both views `[B, D]` is an embedding of sample i. All of these losses compare the samples of a batch with each
/// other (what keeps the embedding from collapsing to a point), so B is at least 2 and the result belongs to the batch: cut
/// into parts, it is another loss. It is the paper's loss times B, the sum over samples as of [`LossKind`](super::LossKind).
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::JointEmbeddingKind;
/// let tape = Tape::<f32>::new();
/// let a = tape.leaf(Tensor::new(&[2, 2], vec![1.0, 0.0, 0.0, 1.0])?);
/// let b = tape.leaf(Tensor::new(&[2, 2], vec![0.9, 0.1, 0.1, 0.9])?);
/// for loss in JointEmbeddingKind::all() {
///     let (alike, swapped) = (loss.loss("loss", a, b)?, loss.loss("loss", a, b.index_select(0, &[1, 0])?)?);
///     assert!(alike.item()? < swapped.item()?, "{}", loss.name());
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum JointEmbeddingKind {
    /// SimCLR: find the other view of a sample among all samples.
    NtXent(NtXent),
    /// Views near each other, spread over the batch, without redundancy.
    VicReg(VicReg),
    /// The features of both views correlate one by one.
    BarlowTwins(BarlowTwins),
}

impl JointEmbeddingKind {
    /// Every loss with its default hyper-parameters.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::NtXent(NtXent::default()),
            Self::VicReg(VicReg::default()),
            Self::BarlowTwins(BarlowTwins::default()),
        ]
    }

    /// Its name, in a configuration and in messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NtXent(_) => "nt-xent",
            Self::VicReg(_) => "vic-reg",
            Self::BarlowTwins(_) => "barlow-twins",
        }
    }

    /// What it is for, in a few words.
    #[must_use]
    pub const fn about(&self) -> &'static str {
        match self {
            Self::NtXent(_) => "two views, no labels: find the other view among all samples of the shard",
            Self::VicReg(_) => "two views, no labels: near each other, spread over the shard, features not redundant",
            Self::BarlowTwins(_) => "two views, no labels: features correlate one by one",
        }
    }

    /// `Ok` if every hyper-parameter can be used; `path` is where it stands, for messages.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first that cannot, its value and its range.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        match self {
            Self::NtXent(it) => it.check(path),
            Self::VicReg(it) => it.check(path),
            Self::BarlowTwins(it) => it.check(path),
        }
    }

    /// The loss of the views a and b, times the number of samples: one element.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] as [`check`](Self::check); [`Error::Input`] unless both views are `[B, D]` with B ≥ 2 and
    /// D ≥ 1.
    pub fn loss<'t, S: Scalar>(&self, path: &str, a: Var<'t, S>, b: Var<'t, S>) -> Result<Var<'t, S>, Error> {
        match self {
            Self::NtXent(it) => it.loss(path, a, b),
            Self::VicReg(it) => it.loss(path, a, b),
            Self::BarlowTwins(it) => it.loss(path, a, b),
        }
    }
}

/// `Ok` if both views are `[B, D]` with B ≥ 2 and D ≥ 1.
fn check_views<S: Scalar>(path: &str, a: Var<'_, S>, b: Var<'_, S>) -> Result<(), Error> {
    let (left, right) = (a.shape(), b.shape());
    let &[rows, columns] = left.dims() else {
        return Err(Error::input(path, "[B, D]", left.dims(), "give each sample's embedding a row"));
    };
    if rows < 2 || columns == 0 {
        let help = "samples are compared with each other, so give 2 or more at once, and 1 feature or more";
        return Err(Error::input(path, "[2 or more, 1 or more]", left.dims(), help));
    }
    if right != left {
        let help = "both views are of the same samples and of the same network";
        return Err(Error::input(path, format!("{:?}", left.dims()), right.dims(), help));
    }
    Ok(())
}

/// z less its mean over the batch.
fn centred<S: Scalar>(z: Var<'_, S>) -> Result<Var<'_, S>, nl_autodiff::Error> {
    z.sub(z.mean_axes(&[0], KeepDims::Yes)?)
}

/// A square matrix of `other`, with `diagonal` on its diagonal.
fn diagonal<S: Scalar>(
    tape: &Tape<S>,
    size: usize,
    diagonal: f64,
    other: f64,
) -> Result<Var<'_, S>, nl_autodiff::Error> {
    tape.constant_with(&[size, size], |cells| {
        cells.fill(S::from_f64(other));
        cells.iter_mut().step_by(size + 1).for_each(|cell| *cell = S::from_f64(diagonal));
    })
}
