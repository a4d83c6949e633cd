//! Cross-entropy of a softmax over classes.

use nl_autodiff::{Reduction, Scalar, Var};
use serde::{Deserialize, Serialize};

use super::{Answer, Loss, TargetForm, Targets, answer, checks};
use crate::Error;
use crate::error::At;

/// Softmax cross-entropy: how surprising the right class is, in nats.
///
/// ℓ = −Σ_c w_c q_c ln p_c,  p = softmax(x),  q = (1 − ε) onehot(y) + ε / C
///
/// | | shape |
/// |---|---|
/// | output x (logits) | `[B, C]` |
/// | target y | B classes |
/// | answer p | `[N, C]` |
///
/// Readings of *weighted*: here, as in PyTorch, a weight stands before the term of its class, those of smoothing included.
/// The sum over samples is PyTorch's `reduction="sum"`. PyTorch's `mean` then divides by Σ w_y of the batch; whoever trains
/// here divides by the number of samples, so that a sample counts the same in whatever batch it comes. Weights whose mean over
/// the training set is 1 leave the learning rate what it was.
///
/// # Errors
/// Of [`LossKind::check`](super::LossKind::check): `label_smoothing` outside \[0, 1), weights outside \[0, 1e9\] or
/// all 0; of the loss: targets other than classes, another number of weights than classes.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{CrossEntropy, LossKind, Targets};
/// let loss = LossKind::CrossEntropy(CrossEntropy { class_weights: Some(vec![1.0, 3.0]), ..CrossEntropy::default() });
/// let tape = Tape::new();
/// let logits = tape.leaf(Tensor::new(&[2, 2], vec![0.0_f64; 4])?);
/// let sum = loss.loss("loss", logits, &Targets::Classes(&[0, 1]))?;
/// assert!((sum.item()? - (1.0 + 3.0) * 2f64.ln()).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: the likelihood of a softmax, Bridle 1990; smoothing: Szegedy et al., "Rethinking the Inception architecture for
/// computer vision", 2016, sec. 7.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropy {
    /// ε in \[0, 1): this share of the target is spread evenly over all classes.
    #[cfg_attr(feature = "schema", schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0)))]
    pub label_smoothing: f64,
    /// w, one for each class; without it all are 1.
    pub class_weights: Option<Vec<f64>>,
}

impl CrossEntropy {
    /// The equation of the type.
    fn sum<'t, S: Scalar>(&self, x: Var<'t, S>, y: &[u32]) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let Some(weights) = &self.class_weights else {
            return x.cross_entropy(y, self.label_smoothing, Reduction::Sum);
        };
        let classes = weights.len();
        let (one, all) = (1.0 - self.label_smoothing, self.label_smoothing / classes as f64);
        against(x, classes, |sample, class| {
            let q = all + if class == y[sample] as usize { one } else { 0.0 };
            weights[class] * q
        })
    }

    /// The loss of mixtures (mixup): Σ_samples λ ℓ(x, a) + (1 − λ) ℓ(x, b) with the classes a and b that sample x is a mixture of.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// use nl_layers::loss::CrossEntropy;
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::new(&[1, 3], vec![2.0_f64, -1.0, 0.5])?);
    /// let loss = CrossEntropy::default();
    /// let first = loss.mixed("loss", x, [&[0], &[0]], &[1.0])?.item()?;
    /// let second = loss.mixed("loss", x, [&[1], &[1]], &[1.0])?.item()?;
    /// let both = loss.mixed("loss", x, [&[0], &[1]], &[0.25])?.item()?;
    /// assert!((both - (0.25 * first + 0.75 * second)).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Source: Zhang, Cisse, Dauphin & Lopez-Paz, "mixup: beyond empirical risk minimization", ICLR 2018, eq. 1.
    ///
    /// # Errors
    /// As [`LossKind::loss`](super::LossKind::loss); [`Error::Input`] for another number of shares than samples.
    pub fn mixed<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        [first, second]: [&[u32]; 2],
        shares: &[f32],
    ) -> Result<Var<'t, S>, Error> {
        self.check(path)?;
        let mut classes = 0;
        for of in [first, second] {
            classes = Targets::<S>::Classes(of).classes(path, Self::NAME, output, 0)?.1;
        }
        checks::weight_for_each(path, self.class_weights.as_deref(), classes)?;
        if shares.len() != first.len() {
            let help = "give each sample the share of its first class";
            return Err(Error::input(path, format!("{} shares", first.len()), &[shares.len()], help));
        }
        let (one, all) = (1.0 - self.label_smoothing, self.label_smoothing / classes as f64);
        against(output, classes, |sample, class| {
            let share = f64::from(shares[sample]);
            let of = |y: u32, share: f64| if class == y as usize { one * share } else { 0.0 };
            let q = all + of(first[sample], share) + of(second[sample], 1.0 - share);
            self.class_weights.as_ref().map_or(1.0, |weights| weights[class]) * q
        })
        .at(path)
    }
}

/// −Σ q ln softmax(x), with q(sample, class).
fn against<'t, S: Scalar>(
    x: Var<'t, S>,
    classes: usize,
    q: impl Fn(usize, usize) -> f64,
) -> Result<Var<'t, S>, nl_autodiff::Error> {
    let weights = x.tape().constant_with(x.shape().dims(), |to| {
        for (sample, row) in to.chunks_exact_mut(classes).enumerate() {
            for (class, to) in row.iter_mut().enumerate() {
                *to = S::from_f64(q(sample, class));
            }
        }
    })?;
    x.log_softmax()?.mul(weights)?.sum()?.neg()
}

impl Loss for CrossEntropy {
    const NAME: &'static str = "cross-entropy";
    const ABOUT: &'static str = "classes: softmax, with label smoothing and class weights";

    fn check(&self, path: &str) -> Result<(), Error> {
        let smoothing = self.label_smoothing;
        if !(0.0..1.0).contains(&smoothing) {
            let message = format!("label_smoothing {smoothing} must be in [0, 1); 0.1 is usual, 0 is without");
            return Err(Error::hyperparameter(path, message));
        }
        checks::class_weights(path, self.class_weights.as_deref())
    }

    fn outputs(&self, path: &str, target: &TargetForm) -> Result<usize, Error> {
        let classes = target.classes(path, Self::NAME)?;
        checks::weight_for_each(path, self.class_weights.as_deref(), classes)?;
        Ok(classes)
    }

    fn loss<'t, S: Scalar>(
        &self,
        path: &str,
        output: Var<'t, S>,
        target: &Targets<'_, 't, S>,
    ) -> Result<Var<'t, S>, Error> {
        let (y, classes) = target.classes(path, Self::NAME, output, 0)?;
        checks::weight_for_each(path, self.class_weights.as_deref(), classes)?;
        self.sum(output, y).at(path)
    }

    fn answer(&self, output: &[f32], target: &TargetForm) -> Result<Answer, Error> {
        let classes = target.classes(super::PATH, Self::NAME)?;
        Ok(Answer::Classes(answer::softmax(output, classes)?))
    }
}
