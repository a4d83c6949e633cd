//! Reading from a store of single episodes, differentiable in the question.

use nl_autodiff::{KeepDims, Scalar, Transpose, Var};
use nl_memory::{EpisodicMemory, Metric, RecallBatch, Scratch};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::At;

/// How much a memory counts, by its distance from the question.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EpisodicKernel {
    /// e^(−‖q − k‖² / τ): nearby memories, softly; for a memory of metric L2.
    Gaussian {
        /// τ, in units of the squared distance.
        bandwidth: f64,
    },
    /// 1 / (‖q − k‖² + δ), of Pritzel et al. (eq. 5), whose tails are heavy; for a memory of metric L2.
    InverseDistance {
        /// δ, in units of the squared distance.
        delta: f64,
    },
    /// e^(cos(q, k) / τ), of Kaiser et al.; for a memory of metric cosine.
    Cosine {
        /// τ
        temperature: f64,
    },
}

impl EpisodicKernel {
    /// By what the memory finds that it reads.
    #[must_use]
    pub const fn metric(&self) -> Metric {
        match self {
            Self::Gaussian { .. } | Self::InverseDistance { .. } => Metric::L2,
            Self::Cosine { .. } => Metric::Cosine,
        }
    }
}

/// The k nearest memories of a question, mixed: y = Σ_i w_i v_i, w_i = κ(q, k_i) / Σ_j κ(q, k_j), over the k nearest keys k_i.
///
/// | | shape |
/// |---|---|
/// | questions q | `[B, F]` |
/// | keys of the memory | `[held, F]` |
/// | values v: classes as one-hot rows, or rows of the caller's | `[held, classes]`, `[held, width]` |
/// | output | `[B, classes]`, rows of probabilities; `[B, width]` |
///
/// Keys and values are constants, and which keys are the nearest is read as numbers: a gradient flows to q through the weights,
/// of second order as well. Where the k-th and the next memory are equally near, the output jumps. Fewer than k memories are all
/// read.
///
/// Source: Pritzel et al., "Neural episodic control", ICML 2017, eq. 1, 2 and 5 (their keys and values learn, too); Kaiser, Nachum,
/// Roy & Bengio, "Learning to remember rare events", ICLR 2017, section 3.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::{EpisodicKernel, EpisodicRead};
/// use nl_memory::{EpisodicMemory, MemoryConfig, Metric};
///
/// let mut memory = EpisodicMemory::new(MemoryConfig { metric: Metric::L2, ..MemoryConfig::new(1, 10, 2) })?;
/// memory.store(&[0.0], 0, 0)?;
/// memory.store(&[2.0], 1, 1)?;
/// let read = EpisodicRead::new("episodes", 2, EpisodicKernel::Gaussian { bandwidth: 1.0 })?;
/// let tape = Tape::<f64>::new();
/// let middle = tape.leaf(Tensor::new(&[1, 1], vec![1.0])?);
/// let y = read.classes(middle, &memory, None)?;
/// assert_eq!(y.value().as_slice(), [0.5, 0.5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct EpisodicRead {
    path: String,
    neighbours: usize,
    kernel: EpisodicKernel,
}

/// Added to a squared norm, so that a question of zeros has a slope.
const TINY: f64 = 1e-12;

impl EpisodicRead {
    /// A reading of so many neighbours; `path` stands in errors.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for no neighbours, or a width that is not positive and finite.
    pub fn new(path: &str, neighbours: usize, kernel: EpisodicKernel) -> Result<Self, Error> {
        let (name, width) = match kernel {
            EpisodicKernel::Gaussian { bandwidth } => ("bandwidth", bandwidth),
            EpisodicKernel::InverseDistance { delta } => ("delta", delta),
            EpisodicKernel::Cosine { temperature } => ("temperature", temperature),
        };
        if !(width > 0.0 && width.is_finite()) {
            return Err(Error::hyperparameter(path, format!("{name} is {width}, but must be positive and finite")));
        }
        if neighbours == 0 {
            return Err(Error::hyperparameter(path, "neighbours is 0, but must be at least 1"));
        }
        Ok(Self { path: path.to_owned(), neighbours, kernel })
    }

    /// The classes of the nearest memories, `[B, classes]`: each row sums to 1. The memory of its own `exclude` id (one a
    /// question) is not read: what would be known of a training sample that had never been seen?
    ///
    /// # Errors
    /// [`Error::Input`] for questions that are no rows of the memory's length, [`Error::Hyperparameter`] for a memory that holds
    /// too little or whose metric is not the kernel's, a question that is not finite, or ids that are not one each.
    pub fn classes<'t, S: Scalar>(
        &self,
        questions: Var<'t, S>,
        memory: &EpisodicMemory,
        exclude: Option<&[u64]>,
    ) -> Result<Var<'t, S>, Error> {
        let classes = memory.config().classes;
        self.read(questions, memory, exclude, classes, |slot, to| to[memory.labels()[slot] as usize] = S::from_f64(1.0))
    }

    /// As [`classes`](Self::classes), of `values`, `[held, width]`, a row for each slot of the memory.
    ///
    /// # Errors
    /// As [`classes`](Self::classes), and [`Error::Hyperparameter`] for values that are not a row for each slot.
    pub fn values<'t, S: Scalar>(
        &self,
        questions: Var<'t, S>,
        memory: &EpisodicMemory,
        values: &[f32],
        exclude: Option<&[u64]>,
    ) -> Result<Var<'t, S>, Error> {
        let held = memory.len();
        let width = values.len() / held.max(1);
        if width == 0 || width * held != values.len() {
            let message = format!("{} values are no rows of one length for {held} memories", values.len());
            return Err(Error::hyperparameter(&self.path, message));
        }
        self.read(questions, memory, exclude, width, |slot, to| {
            for (to, &value) in to.iter_mut().zip(&values[slot * width..]) {
                *to = S::from_f64(value.into());
            }
        })
    }

    /// `value(slot, row)` writes to a row of zeros.
    fn read<'t, S: Scalar>(
        &self,
        questions: Var<'t, S>,
        memory: &EpisodicMemory,
        exclude: Option<&[u64]>,
        width: usize,
        value: impl Fn(usize, &mut [S]),
    ) -> Result<Var<'t, S>, Error> {
        let (path, dim, shape) = (&self.path, memory.config().dim, questions.shape());
        let &[rows, features] = shape.dims() else {
            let help = "one row for each question";
            return Err(Error::input(path, format!("[B, {dim}]"), shape.dims(), help));
        };
        if features != dim || rows == 0 {
            let help = "pass questions as long as the memory's keys, at least one";
            return Err(Error::input(path, format!("[B, {dim}]"), shape.dims(), help));
        }
        let wanted = self.kernel.metric();
        if memory.config().metric != wanted {
            let message = format!(
                "the kernel weighs by {wanted:?}, the memory finds by {:?}; use the same",
                memory.config().metric
            );
            return Err(Error::hyperparameter(path, message));
        }
        // One of them may be the question's own.
        let left = memory.len().saturating_sub(usize::from(exclude.is_some()));
        let k = self.neighbours.min(left);
        if k == 0 {
            let message = format!("the memory holds {}, of which nothing can be read; fill it first", memory.len());
            return Err(Error::hyperparameter(path, message));
        }
        let (mut found, tape) = (RecallBatch::default(), questions.tape());
        let asked: Vec<f32> = questions.value().as_slice().iter().map(|x| x.to_f64() as f32).collect();
        let recalled = memory.recall_batch(&asked, k, exclude, &mut found, &mut [Scratch::new()]);
        recalled.map_err(|error| Error::hyperparameter(path, error.to_string()))?;
        let slots = || found.slots.iter().map(|&slot| slot as usize);
        let keys = tape.constant_with(&[rows, k, dim], |to| {
            for (to, slot) in to.chunks_exact_mut(dim).zip(slots()) {
                for (to, &key) in to.iter_mut().zip(&memory.keys()[slot * dim..]) {
                    *to = S::from_f64(key.into());
                }
            }
        });
        let values = tape.constant_with(&[rows, k, width], |to| {
            to.fill(S::from_f64(0.0));
            to.chunks_exact_mut(width).zip(slots()).for_each(|(to, slot)| value(slot, to));
        });
        let mixed = || {
            let weights = self.weights(questions.unsqueeze(1)?, keys?)?;
            weights.unsqueeze(1)?.matmul(values?)?.reshape(&[rows, width])
        };
        mixed().at(path)
    }

    /// `[B, 1, F]` and `[B, k, F]` to `[B, k]`, rows that sum to 1.
    fn weights<'t, S: Scalar>(
        &self,
        questions: Var<'t, S>,
        keys: Var<'t, S>,
    ) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let squared = || questions.sub(keys)?.square()?.sum_axes(&[2], KeepDims::No);
        match self.kernel {
            EpisodicKernel::Gaussian { bandwidth } => squared()?.mul_scalar(-1.0 / bandwidth)?.softmax(),
            EpisodicKernel::InverseDistance { delta } => {
                let kernel = squared()?.add_scalar(delta)?.recip()?;
                kernel.div(kernel.sum_axes(&[1], KeepDims::Yes)?)
            }
            EpisodicKernel::Cosine { temperature } => {
                let unit = |x: Var<'t, S>| {
                    let norm = x.square()?.sum_axes(&[2], KeepDims::Yes)?.add_scalar(TINY)?.sqrt()?;
                    x.div(norm)
                };
                let alike = unit(questions)?.matmul_with(Transpose::No, unit(keys)?, Transpose::Yes)?;
                let dims = alike.shape();
                alike.reshape(&[dims.dims()[0], dims.dims()[2]])?.mul_scalar(1.0 / temperature)?.softmax()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_autodiff::{CreateGraph, Tape, Tensor, grad, gradcheck, gradgradcheck};
    use nl_memory::MemoryConfig;
    use nl_random::Streams;
    use rand::RngExt;

    const KERNELS: [EpisodicKernel; 3] = [
        EpisodicKernel::Gaussian { bandwidth: 0.7 },
        EpisodicKernel::InverseDistance { delta: 0.3 },
        EpisodicKernel::Cosine { temperature: 0.4 },
    ];

    /// Twenty memories of three numbers and four classes.
    fn filled(metric: Metric) -> EpisodicMemory {
        let mut memory = EpisodicMemory::new(MemoryConfig { metric, ..MemoryConfig::new(3, 100, 4) }).unwrap();
        let mut rng = Streams::new(2).rng("episodes", 0, 0);
        for id in 0..20 {
            let key = [0; 3].map(|_| rng.random_range(-1.0..1.0));
            memory.store(&key, (id % 4) as u32, 100 + id).unwrap();
        }
        memory
    }

    fn questions() -> Tensor<f64> {
        Tensor::new(&[2, 3], vec![0.2, -0.4, 0.7, -0.6, 0.1, 0.3]).unwrap()
    }

    fn read(kernel: EpisodicKernel, k: usize) -> EpisodicRead {
        EpisodicRead::new("episodes", k, kernel).unwrap()
    }

    /// Against the equations as loops over all memories.
    #[test]
    fn values_are_those_of_the_equations() {
        for kernel in KERNELS {
            let memory = filled(kernel.metric());
            let values: Vec<f32> = (0..40).map(|i| (i as f32 * 0.37).sin()).collect();
            let tape = Tape::new();
            let q = tape.constant(questions());
            let classes = read(kernel, 5).classes(q, &memory, None).unwrap().value();
            let mixed = read(kernel, 5).values(q, &memory, &values, None).unwrap().value();
            assert_eq!((classes.shape().dims(), mixed.shape().dims()), (&[2, 4][..], &[2, 2][..]));
            for b in 0..2 {
                let q = &questions().as_slice()[3 * b..][..3].to_vec();
                let key =
                    |slot: usize| memory.keys()[3 * slot..][..3].iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let far = |slot: usize| q.iter().zip(key(slot)).map(|(q, k)| (q - k).powi(2)).sum::<f64>();
                let cosine = |slot: usize| dot(q, &key(slot)) / (dot(q, q) * dot(&key(slot), &key(slot))).sqrt();
                let weight = |slot: usize| match kernel {
                    EpisodicKernel::Gaussian { bandwidth } => (-far(slot) / bandwidth).exp(),
                    EpisodicKernel::InverseDistance { delta } => 1.0 / (far(slot) + delta),
                    EpisodicKernel::Cosine { temperature } => (cosine(slot) / temperature).exp(),
                };
                let mut order: Vec<usize> = (0..20).collect();
                order.sort_by(|&i, &j| weight(j).total_cmp(&weight(i)));
                let sum: f64 = order[..5].iter().map(|&slot| weight(slot)).sum();
                for class in 0..4 {
                    let share = order[..5].iter().filter(|&&slot| memory.labels()[slot] as usize == class);
                    let expected = share.map(|&slot| weight(slot)).sum::<f64>() / sum;
                    assert!((classes.as_slice()[4 * b + class] - expected).abs() < 1e-9, "{kernel:?}");
                }
                for axis in 0..2 {
                    let value = |slot: usize| weight(slot) * f64::from(values[2 * slot + axis]);
                    let expected = order[..5].iter().map(|&slot| value(slot)).sum::<f64>() / sum;
                    assert!((mixed.as_slice()[2 * b + axis] - expected).abs() < 1e-9, "{kernel:?}");
                }
            }
        }
    }

    /// In the question, of first and of second order, away from where the neighbours change.
    #[test]
    fn derivatives_equal_finite_differences() {
        for kernel in KERNELS {
            let memory = filled(kernel.metric());
            let layer = read(kernel, 5);
            gradcheck(|v| layer.classes(v[0], &memory, None).map_err(op), &[questions()]).unwrap();
            gradgradcheck(|v| layer.classes(v[0], &memory, None).map_err(op), &[questions()]).unwrap();
        }
    }

    fn op(error: Error) -> nl_autodiff::Error {
        match error {
            Error::Op { source, .. } => *source,
            other => panic!("{other}"),
        }
    }

    /// A question learns to be near the memories of its class.
    #[test]
    fn a_question_moves_towards_what_it_should_recall() {
        let memory = filled(Metric::L2);
        let layer = read(KERNELS[0], 20);
        let mut q = questions();
        let mut before = f64::INFINITY;
        for _ in 0..50 {
            let tape = Tape::new();
            let x = tape.leaf(q.clone());
            let y = layer.classes(x, &memory, None).unwrap();
            let loss = y.log().unwrap().nll(&[2, 1], nl_autodiff::Reduction::Sum).unwrap();
            let slope = grad(loss, &[x], CreateGraph::No).unwrap()[0].value();
            assert!(loss.item().unwrap() < before);
            before = loss.item().unwrap();
            let moved = q.as_slice().iter().zip(slope.as_slice()).map(|(q, g)| q - 0.05 * g).collect();
            q = Tensor::new(&[2, 3], moved).unwrap();
        }
    }

    #[test]
    fn what_is_excluded_is_not_read_and_few_memories_are_all_read() {
        let memory = filled(Metric::L2);
        let own: Vec<f64> = memory.keys()[..3].iter().map(|&x| x.into()).collect();
        let tape = Tape::new();
        let q = tape.constant(Tensor::new(&[1, 3], own).unwrap());
        let nearest = read(KERNELS[0], 1);
        assert_eq!(nearest.classes(q, &memory, None).unwrap().value().as_slice(), [1.0, 0.0, 0.0, 0.0]);
        let other = memory.recall(&memory.keys()[..3], 2, None).unwrap().neighbours[1].label as usize;
        let found = nearest.classes(q, &memory, Some(&[100])).unwrap().value();
        assert_eq!(found.as_slice()[other], 1.0);
        let all = read(KERNELS[0], 1000).classes(q, &memory, Some(&[100])).unwrap().value();
        assert!((all.as_slice().iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let long = read(KERNELS[0], 20).classes(q, &memory, None).unwrap().value();
        assert_ne!(long.as_slice(), all.as_slice());
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let told = |error: Option<Error>| error.unwrap().to_string();
        for kernel in [
            EpisodicKernel::Gaussian { bandwidth: 0.0 },
            EpisodicKernel::InverseDistance { delta: -1.0 },
            EpisodicKernel::Cosine { temperature: f64::NAN },
        ] {
            assert!(told(EpisodicRead::new("a", 1, kernel).err()).contains("must be positive and finite"));
        }
        assert!(told(EpisodicRead::new("a", 0, KERNELS[0]).err()).contains("neighbours is 0"));
        let (memory, layer, tape) = (filled(Metric::L2), read(KERNELS[0], 3), Tape::<f64>::new());
        let zeros = |dims: &[usize]| tape.constant(Tensor::zeros(dims).unwrap());
        let said = told(layer.classes(zeros(&[2, 4]), &memory, None).err());
        assert!(said.starts_with("episodes: expected an input of shape [B, 3], got [2, 4]"), "{said}");
        assert!(told(layer.classes(zeros(&[3]), &memory, None).err()).contains("got [3]"));
        assert!(told(layer.values(zeros(&[1, 3]), &memory, &[0.0; 21], None).err()).contains("21 values are no rows"));
        assert!(told(layer.classes(zeros(&[1, 3]), &filled(Metric::Cosine), None).err()).contains("use the same"));
        assert!(layer.classes(zeros(&[2, 3]), &memory, Some(&[1])).is_err());
        let infinite = tape.constant(Tensor::full(&[1, 3], f64::INFINITY).unwrap());
        assert!(layer.classes(infinite, &memory, None).is_err());
        let empty = EpisodicMemory::new(MemoryConfig { metric: Metric::L2, ..MemoryConfig::new(3, 9, 4) }).unwrap();
        assert!(told(layer.classes(zeros(&[1, 3]), &empty, None).err()).contains("fill it first"));
        let mut one = empty;
        one.store(&[0.0; 3], 1, 7).unwrap();
        assert!(layer.classes(zeros(&[1, 3]), &one, Some(&[7])).is_err());
    }
}
