//! A layer that reads what is known of the samples most like its own.

use nl_autodiff::{Scalar, Var};
use nl_memory::{EpisodicMemory, MemoryConfig};
use serde::{Deserialize, Serialize};

use super::{EpisodicKernel, EpisodicRead};
use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only, product};
use crate::{Builder, Context, Error, Layer, Mode};

/// An episodic memory in a configuration: `{kind: episodic, neighbours: 10}` asks a store of samples that are known for those most
/// like its input, and gives what is known of them: y = Σ_i w_i v_i, as [`EpisodicRead`] says.
///
/// | | shape |
/// |---|---|
/// | input: the questions | `[B, F]` |
/// | output: class probabilities, or whatever else is known of the memories | `[B, values]` |
///
/// What it reads is no parameter: whoever trains fills [`Episodes`] with what the layer is given for samples that are known, and
/// lends them to the [`Context`] ([`Context::set_episodes`]); a memory of nothing answers 0. In [`Mode::Train`] a sample does not
/// read what is known of itself, by the sample ids of the context's noise. The gradient reaches the questions, not the keys.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct EpisodicConfig {
    /// Memories that are read.
    #[serde(default = "neighbours")]
    pub neighbours: usize,
    /// How much a memory counts, by its distance.
    #[serde(default = "kernel")]
    pub kernel: EpisodicKernel,
    /// The most samples that are remembered; without it, all that are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<usize>,
    /// Numbers that are known of a sample; without it, what the data have: their classes, or their values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<usize>,
}

const fn neighbours() -> usize {
    10
}

const fn kernel() -> EpisodicKernel {
    EpisodicKernel::Cosine { temperature: 0.1 }
}

impl EpisodicConfig {
    /// An empty store for `capacity` keys of so many numbers, by the metric of the kernel.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for sizes that no store has.
    pub fn memory(&self, path: &str, features: usize, capacity: usize) -> Result<EpisodicMemory, Error> {
        let config = MemoryConfig { metric: self.kernel.metric(), ..MemoryConfig::new(features, capacity, 1) };
        EpisodicMemory::new(config).map_err(|error| Error::hyperparameter(path, error.to_string()))
    }

    /// What the layer at `path` was asked last is recorded under this name, in a context that records.
    #[must_use]
    pub fn question(path: &str) -> String {
        format!("{path}/question")
    }
}

impl LayerConfig for EpisodicConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let path = at.path().to_owned();
        let form = only(at, inputs)?;
        let Some(features) = form.as_features() else {
            let help = "place `flatten` before it, to make a row of an image or a sequence";
            return Err(Error::input(&path, "[B, F]", &form.batched(1), help));
        };
        if self.capacity == Some(0) {
            return Err(Error::hyperparameter(
                &path,
                "capacity is 0; leave it out to remember all samples that are known",
            ));
        }
        let Some(values) = self.values.filter(|&values| values > 0) else {
            let message = "values must say how many numbers are known of a sample: the number of classes, or of values";
            return Err(Error::hyperparameter(&path, message));
        };
        let read = EpisodicRead::new(&path, self.neighbours, self.kernel)?;
        let question = Self::question(&path);
        let layer = Episodic { path, question, read, features, values };
        // The search is not in here: it grows with what is held.
        let macs = product(&[self.neighbours, features]).saturating_add(product(&[self.neighbours, values]));
        Ok(Built::layer(layer, Form::features(values), macs))
    }
}

/// What an [episodic layer](EpisodicConfig) reads: keys, and what is known of the sample behind each.
#[derive(Debug, Clone)]
pub struct Episodes {
    path: String,
    memory: EpisodicMemory,
    values: Vec<f32>,
}

impl Episodes {
    /// Those of the layer at `path`; `values` `[held, width]`, a row for each slot of the memory, whose ids are sample ids.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for values that are not a row of one length for each memory.
    pub fn new(path: &str, memory: EpisodicMemory, values: Vec<f32>) -> Result<Self, Error> {
        if !values.len().is_multiple_of(memory.len().max(1)) || (memory.is_empty() != values.is_empty()) {
            let message = format!("{} values are no rows of one length for {} memories", values.len(), memory.len());
            return Err(Error::hyperparameter(path, message));
        }
        Ok(Self { path: path.to_owned(), memory, values })
    }

    /// The layer that reads them.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The keys.
    #[must_use]
    pub const fn memory(&self) -> &EpisodicMemory {
        &self.memory
    }

    /// What is known of each, `[held, width]`.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }
}

#[derive(Debug, Clone)]
struct Episodic {
    path: String,
    question: String,
    read: EpisodicRead,
    features: usize,
    values: usize,
}

impl<S: Scalar> Layer<S> for Episodic {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let &[rows, features] = shape.dims() else {
            let expected = format!("[B, {}]", self.features);
            return Err(Error::input(&self.path, expected, shape.dims(), "one row for each question"));
        };
        if features != self.features {
            let expected = format!("[B, {}]", self.features);
            return Err(Error::input(&self.path, expected, shape.dims(), "pass what the layer was built for"));
        }
        ctx.record(&self.question, x);
        let own = match ctx.mode() {
            Mode::Train => ctx.noise(&self.path, rows).ok().map(|noise| noise.samples),
            Mode::Eval => None,
        };
        let nothing =
            |ctx: &Context<'t, S>| ctx.tape().constant_with(&[rows, self.values], |y| y.fill(S::ZERO)).at(&self.path);
        let Some(episodes) = ctx.episodes(&self.path) else { return nothing(ctx) };
        let held = episodes.memory.len();
        if held <= usize::from(own.is_some()) || rows == 0 {
            return nothing(ctx);
        }
        if episodes.values.len() != held * self.values {
            let (got, expected) = (episodes.values.len() / held, self.values);
            let message = format!("{got} numbers are known of each memory, but the layer was built for {expected}");
            return Err(Error::hyperparameter(&self.path, message));
        }
        self.read.values(x, &episodes.memory, &episodes.values, own)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    use nl_random::Streams;

    use super::*;
    use crate::graph::{Graph, LayerEntry};
    use crate::{Noise, Parameters};

    fn net(config: &str, form: &Form) -> Result<(Graph<f64>, Parameters<f64>), Error> {
        let layers: Vec<LayerEntry> = serde_json::from_str(config).unwrap();
        let builder = Builder::new(Streams::new(3));
        Ok((Graph::new(&layers, form, &builder)?, builder.finish().convert()))
    }

    const MEMORY: &str = r#"[{"kind": "linear", "units": 2}, {"kind": "episodic", "name": "past", "neighbours": 2, "values": 3,
        "kernel": {"kind": "gaussian", "bandwidth": 0.5}}]"#;

    /// Four memories of two numbers, of which three are known.
    fn episodes() -> Episodes {
        let config: EpisodicConfig =
            serde_json::from_str(r#"{"kernel": {"kind": "gaussian", "bandwidth": 0.5}, "values": 3}"#).unwrap();
        let mut memory = config.memory("past", 2, 4).unwrap();
        for (id, key) in [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [2.0, 2.0]].iter().enumerate() {
            memory.store(key, 0, 10 + id as u64).unwrap();
        }
        Episodes::new("past", memory, (0..12).map(|i| i as f32).collect()).unwrap()
    }

    fn x() -> Tensor<f64> {
        Tensor::new(&[2, 3], vec![0.3, -0.2, 0.5, 0.1, 0.9, -0.4]).unwrap()
    }

    /// The layer is the reading of what it was lent; its question is on record; the gradient reaches the weights below.
    #[test]
    fn it_reads_what_it_was_lent() {
        let (graph, parameters) = net(MEMORY, &Form::features(3)).unwrap();
        let lent: Arc<[Episodes]> = Arc::from([episodes()]);
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
        let question = tape.leaf(x());
        let empty = graph.forward(question, &mut ctx).unwrap();
        assert_eq!(empty.value().as_slice(), [0.0; 6], "nothing is known yet");
        ctx.set_episodes(Arc::clone(&lent));
        let y = graph.forward(question, &mut ctx).unwrap();
        let recording = ctx.into_recording();
        let asked = tape.constant(recording.get(&EpisodicConfig::question("past")).unwrap().clone());
        let read = EpisodicRead::new("past", 2, EpisodicKernel::Gaussian { bandwidth: 0.5 }).unwrap();
        let expected = read.values(asked, lent[0].memory(), lent[0].values(), None).unwrap();
        assert_eq!(y.value().as_slice(), expected.value().as_slice());
        let slope = grad(y.sum().unwrap(), &[question], CreateGraph::No).unwrap()[0].value();
        assert!(slope.as_slice().iter().all(|&g| g != 0.0), "{slope:?}");
    }

    /// While it learns, a sample does not read what is known of itself; when asked, it may.
    #[test]
    fn a_sample_that_learns_does_not_read_itself() {
        let (graph, parameters) = net(
            &MEMORY
                .replace("\"neighbours\": 2", "\"neighbours\": 1")
                .replace("{\"kind\": \"linear\", \"units\": 2}, ", ""),
            &Form::features(2),
        )
        .unwrap();
        let tape = Tape::new();
        let own = tape.constant(Tensor::new(&[1, 2], vec![1.0, 0.0]).unwrap());
        let lent: Arc<[Episodes]> = Arc::from([episodes()]);
        let read = |mode, samples: &'static [u64]| {
            let noise = Noise { streams: Streams::new(1), epoch: 0, samples };
            let mut ctx = Context::new(&tape, &parameters, mode).with_noise(noise);
            ctx.set_episodes(Arc::clone(&lent));
            graph.forward(own, &mut ctx).unwrap().value().as_slice()[0]
        };
        assert_eq!(read(Mode::Eval, &[11]), 3.0);
        assert_eq!(read(Mode::Train, &[99]), 3.0);
        // Of the next nearest, [0, 0].
        assert_eq!(read(Mode::Train, &[11]), 0.0);
    }

    #[test]
    fn what_cannot_be_remembered_is_refused() {
        let told = |config: &str, form: &Form| net(config, form).err().unwrap().to_string();
        let said = told(r#"[{"kind": "episodic", "values": 3}]"#, &Form::image(1, 2, 2));
        assert!(said.contains("flatten"), "{said}");
        let rows = Form::features(3);
        assert!(told(r#"[{"kind": "episodic"}]"#, &rows).contains("values must say how many"));
        assert!(told(r#"[{"kind": "episodic", "values": 0}]"#, &rows).contains("values must say how many"));
        assert!(told(r#"[{"kind": "episodic", "values": 2, "capacity": 0}]"#, &rows).contains("capacity is 0"));
        assert!(told(r#"[{"kind": "episodic", "values": 2, "neighbours": 0}]"#, &rows).contains("neighbours is 0"));
        let memory = episodes().memory().clone();
        assert!(Episodes::new("past", memory.clone(), vec![0.0; 9]).unwrap_err().to_string().contains("9 values"));
        assert!(Episodes::new("past", memory.clone(), Vec::new()).is_err());
        let (graph, parameters) = net(MEMORY, &Form::features(3)).unwrap();
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
        ctx.set_episodes(Arc::from([Episodes::new("past", memory, vec![0.0; 8]).unwrap()]));
        let said = graph.forward(tape.constant(x()), &mut ctx).err().unwrap().to_string();
        assert!(said.contains("2 numbers are known of each memory, but the layer was built for 3"), "{said}");
    }
}
