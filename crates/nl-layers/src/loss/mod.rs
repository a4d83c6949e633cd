//! What a network learns by: losses on its outputs, each with what the outputs then mean.
//!
//! | `kind` | target | outputs | answer | source |
//! |---|---|---|---|---|
//! | `cross-entropy` ([`CrossEntropy`]) | classes | C | probabilities | Szegedy et al. 2016 (smoothing) |
//! | `focal` ([`Focal`]) | classes | C | probabilities | Lin et al. 2017 |
//! | `ordinal` ([`Ordinal`]) | classes in order | C − 1 | probabilities | Shi, Cao & Raschka 2021 |
//! | `least-squares` ([`LeastSquares`]) | classes | C | probabilities | Hui & Belkin 2021 |
//! | `sigmoid` ([`Sigmoid`]) | labels, or classes | K, or C | probabilities | Cox 1958 |
//! | `mse` ([`Mse`]) | values | K | values | Gauss 1809 |
//! | `huber` ([`Huber`]) | values | K | values | Huber 1964 |
//! | `quantile` ([`Quantile`]) | values | K · Q | values and quantiles | Koenker & Bassett 1978 |
//! | `gaussian` ([`Gaussian`]) | values | 2 K | values and deviations | Nix & Weigend 1994 |
//!
//! A loss is the **sum over samples**, so that the gradients of parts of a batch add up to that of the batch; whoever
//! trains divides by the number of samples. The columns of one sample are averaged where each is a target of its own
//! (`mse`, `huber`, `quantile`, `gaussian`, `sigmoid`), so that Σ / B is what PyTorch calls `mean`.
//!
//! A new loss is a file, a line in [`LossKind`] and one in `each!` below. Losses of two views of the same samples, without
//! any target, are in [`JointEmbeddingKind`].
//!
//! ```
//! use nl_autodiff::{Tape, Tensor};
//! use nl_layers::loss::{Answer, LossKind, TargetForm, Targets};
//!
//! let loss: LossKind = serde_json::from_str(r#"{"kind": "focal", "gamma": 2.0}"#)?;
//! let form = TargetForm::Classes(3);
//! assert_eq!(loss.outputs(&form)?, 3); // what the last layer has to give
//!
//! let tape = Tape::<f32>::new();
//! let output = tape.leaf(Tensor::new(&[2, 3], vec![0.0, 0.0, 0.0, 5.0, 0.0, 0.0])?);
//! let sum = loss.loss("loss", output, &Targets::Classes(&[1, 0]))?;
//! assert!(sum.item()? > 0.0);
//! let Answer::Classes(p) = loss.answer(output.value().as_slice(), &form)? else { unreachable!() };
//! assert!((p[0] - 1.0 / 3.0).abs() < 1e-6 && p[3] > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod checks;
mod target;

mod cross_entropy;
mod focal;
mod least_squares;
mod ordinal;
mod sigmoid;

mod gaussian;
mod huber;
mod mse;
mod quantile;

mod joint_embedding;

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::Error;

pub use answer::{Answer, Spread};
pub use cross_entropy::CrossEntropy;
pub use focal::Focal;
pub use gaussian::Gaussian;
pub use huber::Huber;
pub use joint_embedding::{BarlowTwins, JointEmbeddingKind, NtXent, VicReg};
pub use least_squares::LeastSquares;
pub use mse::Mse;
pub use ordinal::Ordinal;
pub use quantile::Quantile;
pub use sigmoid::Sigmoid;
pub use target::{TargetForm, TargetRows, Targets};

/// Path in messages of methods that are not given one.
const PATH: &str = "loss";

/// What each file of this module says about its loss.
trait Loss {
    /// Its name in a configuration.
    const NAME: &'static str;
    /// What it is for, in a few words.
    const ABOUT: &'static str;

    /// `Ok` if every hyper-parameter can be used.
    fn check(&self, path: &str) -> Result<(), Error>;

    /// How many numbers a sample's output has. The hyper-parameters are checked.
    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error>;

    /// The sum over samples. The hyper-parameters are checked.
    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error>;

    /// What rows of [`outputs`](Self::outputs) numbers mean.
    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error>;
}

/// A loss with a target. In configurations: `{kind: focal, gamma: 2.0}`; what is left out has its default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum LossKind {
    /// Softmax over classes.
    CrossEntropy(CrossEntropy),
    /// Softmax over classes; those that are easy count less.
    Focal(Focal),
    /// Classes that have an order.
    Ordinal(Ordinal),
    /// Squared distance from the right class.
    LeastSquares(LeastSquares),
    /// A yes or no for each label, or for each class.
    Sigmoid(Sigmoid),
    /// Squared error.
    Mse(Mse),
    /// Squared error near the target, absolute error far from it.
    Huber(Huber),
    /// Quantiles of the values.
    Quantile(Quantile),
    /// Mean and variance of the values.
    Gaussian(Gaussian),
}

/// `$what` for the loss in hand: the table of losses.
macro_rules! each {
    ($kind:expr, $loss:ident => $what:expr) => {
        match $kind {
            LossKind::CrossEntropy($loss) => $what,
            LossKind::Focal($loss) => $what,
            LossKind::Ordinal($loss) => $what,
            LossKind::LeastSquares($loss) => $what,
            LossKind::Sigmoid($loss) => $what,
            LossKind::Mse($loss) => $what,
            LossKind::Huber($loss) => $what,
            LossKind::Quantile($loss) => $what,
            LossKind::Gaussian($loss) => $what,
        }
    };
}

impl LossKind {
    /// Every loss with its default hyper-parameters.
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::CrossEntropy(CrossEntropy::default()),
            Self::Focal(Focal::default()),
            Self::Ordinal(Ordinal::default()),
            Self::LeastSquares(LeastSquares::default()),
            Self::Sigmoid(Sigmoid::default()),
            Self::Mse(Mse::default()),
            Self::Huber(Huber::default()),
            Self::Quantile(Quantile::default()),
            Self::Gaussian(Gaussian::default()),
        ]
    }

    /// Its name, in a configuration and in messages.
    #[must_use]
    pub fn name(&self) -> &'static str {
        fn name<L: Loss>(_: &L) -> &'static str {
            L::NAME
        }
        each!(self, it => name(it))
    }

    /// What it is for, in a few words.
    #[must_use]
    pub fn about(&self) -> &'static str {
        fn about<L: Loss>(_: &L) -> &'static str {
            L::ABOUT
        }
        each!(self, it => about(it))
    }

    /// `Ok` if every hyper-parameter can be used; `path` is where it stands, for messages.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] with the first that cannot, its value and its range.
    pub fn check(&self, path: &str) -> Result<(), Error> {
        each!(self, it => it.check(path))
    }

    /// How many numbers the last layer must give for each sample.
    ///
    /// ```
    /// use nl_layers::loss::{LossKind, Quantile, TargetForm};
    /// let loss = LossKind::Quantile(Quantile { quantiles: vec![0.1, 0.5, 0.9] });
    /// assert_eq!(loss.outputs(&TargetForm::Values(4))?, 12);
    /// assert!(loss.outputs(&TargetForm::Classes(4)).is_err()); // "takes values"
    /// # Ok::<(), nl_layers::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] as [`check`](Self::check), for a target that the loss cannot take, or one without columns
    /// or with fewer than two classes.
    pub fn outputs(&self, target: &TargetForm) -> Result<usize, Error> {
        self.check(PATH)?;
        each!(self, it => it.outputs(PATH, target))
    }

    /// The loss, summed over samples: one element. `output` is `[B, outputs]`.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] as [`check`](Self::check) or for a target that the loss cannot take; [`Error::Input`] if
    /// the output has another shape than the target asks for; [`Error::Op`] for a class that does not exist.
    pub fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        self.check(path)?;
        each!(self, it => it.loss(path, output, target))
    }

    /// What outputs mean: rows of [`outputs`](Self::outputs) numbers, one after another.
    ///
    /// # Errors
    /// As [`outputs`](Self::outputs); [`Error::Input`] if the numbers do not fill whole rows.
    pub fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let width = self.outputs(target)?;
        if !output.len().is_multiple_of(width) {
            return Err(Error::input(PATH, format!("[N, {width}]"), &[output.len()], "pass whole rows of outputs"));
        }
        each!(self, it => it.answer(output, target))
    }
}
