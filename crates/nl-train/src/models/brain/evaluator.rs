//! What a brain says about whole sets of images.

use std::ops::Range;

use nl_autodiff::{Tape, Tensor};
use nl_brain::Brain;
use nl_data::Images;
use nl_layers::{Context, Lesion, Mode, Parameters};

use super::objective::{Evidence, Rows};
use crate::Error;
use crate::gradient::RowEvaluator;
use crate::models::images::plain_batch;

/// What a brain computes for a set of images; row-major, one row an image.
#[derive(Debug, Clone, Default)]
pub struct Encoded {
    /// Embeddings `[N, embedding]`.
    pub embedding: Vec<f32>,
    /// Logits of the prefrontal cortex `[N, classes]`.
    pub logits: Vec<f32>,
}

/// What the basal ganglia decide for a set of images.
#[derive(Debug, Clone, Default)]
pub struct Decided {
    /// Log-probabilities of the mixture `[N, classes]`.
    pub log_probs: Vec<f32>,
    /// Trust in the memory `[N]`.
    pub trust: Vec<f32>,
}

/// What a region answers to one image.
pub(crate) struct FeatureMaps {
    /// The region.
    pub(crate) name: &'static str,
    /// Maps, height, width.
    pub(crate) shape: [usize; 3],
    /// `[maps, height, width]`
    pub(crate) values: Vec<f32>,
}

/// Runs a brain without recording gradients; the same bits for any number of threads.
pub struct Evaluator {
    rows: RowEvaluator<Rows>,
    lesions: Vec<Lesion<f32>>,
}

impl Evaluator {
    /// One worker for each thread of the current rayon pool, `shard` images at a time.
    #[must_use]
    pub fn new(shard: usize) -> Self {
        Self { rows: RowEvaluator::new(shard), lesions: Vec::new() }
    }

    /// What [`encode`](Self::encode) gives, and what is remembered by, is that of a brain with these regions cut out.
    #[must_use]
    pub fn with_lesions(mut self, lesions: &[Lesion<f32>]) -> Self {
        self.lesions = lesions.to_vec();
        self
    }

    /// Pieces of `0..n` after each of which one may stop: a thousand images or so, whole shards.
    pub(super) fn pieces(&self, n: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = self.rows.shard() * (1024 / self.rows.shard()).max(1);
        (0..n).step_by(size).map(move |from| from..n.min(from + size))
    }

    /// Embeddings and logits of all images.
    ///
    /// # Errors
    /// Images of another size than the brain's.
    pub fn encode(&mut self, brain: &Brain, parameters: &Parameters<f32>, images: &Images) -> Result<Encoded, Error> {
        let (dim, classes) = (brain.config().embedding, brain.config().classes);
        let width = dim + classes;
        let Self { rows, lesions } = self;
        let both = rows.map(images.len(), width, parameters, |samples, ctx, _, out| {
            let mut ctx = Context::new(ctx.tape(), parameters, Mode::Eval).with_lesions(lesions);
            let embedding = brain.recognise(plain_batch(ctx.tape(), images, samples)?, &mut ctx)?;
            let logits = brain.classify(embedding, &mut ctx)?;
            let (embedding, logits) = (embedding.value(), logits.value());
            for (i, row) in out.chunks_exact_mut(width).enumerate() {
                row[..dim].copy_from_slice(&embedding.as_slice()[i * dim..][..dim]);
                row[dim..].copy_from_slice(&logits.as_slice()[i * classes..][..classes]);
            }
            Ok(())
        })?;
        Ok(Encoded { embedding: columns(&both, width, 0..dim), logits: columns(&both, width, dim..width) })
    }

    /// Reconstructions `[N, height, width]` of all images, values in (0, 1).
    ///
    /// # Errors
    /// Images of another size than the brain's.
    pub fn reconstruct(
        &mut self,
        brain: &Brain,
        parameters: &Parameters<f32>,
        images: &Images,
    ) -> Result<Vec<f32>, Error> {
        self.rows.map(images.len(), images.area(), parameters, |samples, ctx, _, out| {
            let embedding = brain.encode(plain_batch(ctx.tape(), images, samples)?, ctx)?;
            let image = brain.reconstruct(embedding, ctx)?.sigmoid()?;
            out.copy_from_slice(image.value().as_slice());
            Ok(())
        })
    }

    /// What the thalamus lets through: gate values `[N, retina channels]` of all images.
    ///
    /// # Errors
    /// Images of another size than the brain's.
    pub fn gates(&mut self, brain: &Brain, parameters: &Parameters<f32>, images: &Images) -> Result<Vec<f32>, Error> {
        let channels = brain.config().retina;
        self.rows.map(images.len(), channels, parameters, |samples, ctx, _, out| {
            let mut recording = Context::new(ctx.tape(), parameters, Mode::Eval).with_recording();
            brain.encode(plain_batch(ctx.tape(), images, samples)?, &mut recording)?;
            let recording = recording.into_recording();
            let gate = recording.get(nl_brain::Thalamus::GATE).ok_or_else(|| {
                Error::config(format!("the thalamus recorded nothing under {}", nl_brain::Thalamus::GATE))
            })?;
            out.copy_from_slice(gate.as_slice());
            Ok(())
        })
    }

    /// P x for all images `[N, width]`: x what the region recorded under `path`, or the image without one; P `[size, width]`.
    ///
    /// # Errors
    /// Images of another size than the brain's.
    pub(super) fn project(
        &mut self,
        brain: &Brain,
        parameters: &Parameters<f32>,
        images: &Images,
        path: Option<&str>,
        projection: &Tensor<f32>,
        width: usize,
    ) -> Result<Vec<f32>, Error> {
        let [size, _] = *projection.shape().dims() else {
            return Err(Error::config("a projection is a matrix"));
        };
        let Self { rows, lesions } = self;
        rows.map(images.len(), width, parameters, |samples, ctx, _, out| {
            let tape = ctx.tape();
            let image = plain_batch(tape, images, samples)?;
            let answer = match path {
                None => image,
                Some(path) => {
                    let recording = Context::new(tape, parameters, Mode::Eval).with_lesions(lesions);
                    let mut recording = recording.with_recording();
                    brain.encode(image, &mut recording)?;
                    let recorded = recording.into_recording();
                    let answer = recorded.get(path);
                    tape.constant(
                        answer.ok_or_else(|| Error::config(format!("nothing was recorded under {path}")))?.clone(),
                    )
                }
            };
            let keys = answer.reshape(&[samples.len(), size])?.matmul(tape.constant(projection.clone()))?;
            out.copy_from_slice(keys.value().as_slice());
            Ok(())
        })
    }

    /// What the retina and each region of the visual cortex answer to the first of `images`.
    ///
    /// # Errors
    /// Images of another size than the brain's.
    pub(crate) fn features(
        &mut self,
        brain: &Brain,
        parameters: &Parameters<f32>,
        images: &Images,
    ) -> Result<Vec<FeatureMaps>, Error> {
        let tape = Tape::new();
        let pause = tape.stop_recording();
        let mut ctx = Context::new(&tape, parameters, Mode::Eval).with_recording();
        let image = plain_batch(&tape, images, &[0])?;
        brain.encode(image, &mut ctx)?;
        let recording = ctx.into_recording();
        drop(pause);
        let regions = [("Retina", "cortex/retina"), ("V1", "cortex/v1"), ("V2", "cortex/v2"), ("V4", "cortex/v4")];
        let found = regions.into_iter().filter_map(|(name, path)| {
            let maps = recording.get(path)?;
            let &[_, channels, height, width] = maps.shape().dims() else { return None };
            Some(FeatureMaps { name, shape: [channels, height, width], values: maps.as_slice().to_vec() })
        });
        Ok(found.collect())
    }

    /// Cortex and memory mixed by the basal ganglia, for all rows of the evidence.
    ///
    /// # Errors
    /// Evidence of other widths than the brain's.
    pub fn decide(
        &mut self,
        brain: &Brain,
        parameters: &Parameters<f32>,
        evidence: &Evidence,
    ) -> Result<Decided, Error> {
        let width = brain.config().classes + 1;
        let both = self.rows.map(evidence.labels.len(), width, parameters, |samples, ctx, rows, out| {
            evidence.with_rows(ctx.tape(), samples, rows, |logits, recalled| {
                let decision = brain.decide(logits, recalled, ctx)?;
                let (log_probs, trust) = (decision.log_probs.value(), decision.trust.value());
                for (i, row) in out.chunks_exact_mut(width).enumerate() {
                    row[..width - 1].copy_from_slice(&log_probs.as_slice()[i * (width - 1)..][..width - 1]);
                    row[width - 1] = trust.as_slice()[i];
                }
                Ok(())
            })
        })?;
        Ok(Decided { log_probs: columns(&both, width, 0..width - 1), trust: columns(&both, width, width - 1..width) })
    }
}

/// Some columns of a row-major matrix.
fn columns(matrix: &[f32], width: usize, wanted: Range<usize>) -> Vec<f32> {
    matrix.chunks_exact(width).flat_map(|row| &row[wanted.clone()]).copied().collect()
}
