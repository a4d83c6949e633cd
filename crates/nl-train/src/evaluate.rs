//! Forward passes over whole sets, shard by shard, in parallel.

use std::ops::Range;
use std::sync::Mutex;

use nl_autodiff::{Tape, Var};
use nl_brain::Brain;
use nl_data::Images;
use nl_kernels::for_each_shard;
use nl_layers::{Context, Mode, Parameters};

use crate::Error;
use crate::objective::{Evidence, Rows, image_batch};

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

/// Runs models without recording gradients; the same bits for any number of threads.
pub struct Evaluator {
    workers: Vec<(Tape<f32>, Rows)>,
    shard: usize,
}

impl Evaluator {
    /// One worker for each thread of the current rayon pool, `shard` images at a time.
    #[must_use]
    pub fn new(shard: usize) -> Self {
        Self { workers: (0..rayon::current_num_threads()).map(|_| Default::default()).collect(), shard: shard.max(1) }
    }

    /// `f(samples, ctx, rows, out)` for consecutive pieces of `0..n`; `out` is the piece's window, `width` values a row.
    fn map<F>(&mut self, n: usize, width: usize, parameters: &Parameters<f32>, f: F) -> Result<Vec<f32>, Error>
    where
        F: Fn(&[u32], &mut Context<'_, f32>, &mut Rows, &mut [f32]) -> Result<(), Error> + Sync,
    {
        let order: Vec<u32> = (0..n as u32).collect();
        let mut out = vec![0.0; n * width];
        let pieces: Vec<_> = out
            .chunks_mut((self.shard * width).max(1))
            .zip(order.chunks(self.shard))
            .map(|(out, samples)| Mutex::new((out, samples, Ok(()))))
            .collect();
        for_each_shard(pieces.len(), &mut self.workers, |i, (tape, rows)| {
            tape.reset();
            if let Ok(mut piece) = pieces[i].lock() {
                let (out, samples, outcome) = &mut *piece;
                let pause = tape.stop_recording();
                *outcome = f(samples, &mut Context::new(tape, parameters, Mode::Eval), rows, out);
                drop(pause);
            }
            tape.reset();
        });
        for piece in pieces {
            piece.into_inner().map_err(|_| Error::Worker)?.2?;
        }
        Ok(out)
    }

    /// Embeddings and logits of all images.
    ///
    /// # Errors
    /// Images of another size than the brain's.
    pub fn encode(&mut self, brain: &Brain, parameters: &Parameters<f32>, images: &Images) -> Result<Encoded, Error> {
        let (dim, classes) = (brain.config().embedding, brain.config().classes);
        let width = dim + classes;
        let both = self.map(images.len(), width, parameters, |samples, ctx, _, out| {
            let embedding = brain.encode(batch(ctx, images, samples)?, ctx)?;
            let logits = brain.classify(embedding, ctx)?;
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
        self.map(images.len(), images.area(), parameters, |samples, ctx, _, out| {
            let embedding = brain.encode(batch(ctx, images, samples)?, ctx)?;
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
        self.map(images.len(), channels, parameters, |samples, ctx, _, out| {
            let mut recording = Context::new(ctx.tape(), parameters, Mode::Eval).with_recording();
            brain.encode(batch(ctx, images, samples)?, &mut recording)?;
            let recording = recording.into_recording();
            let gate = recording.get(nl_brain::Thalamus::GATE).ok_or_else(|| {
                Error::config(format!("the thalamus recorded nothing under {}", nl_brain::Thalamus::GATE))
            })?;
            out.copy_from_slice(gate.as_slice());
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
        let image = batch(&ctx, images, &[0])?;
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
        let both = self.map(evidence.labels.len(), width, parameters, |samples, ctx, rows, out| {
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

    /// Any model of rows: `f` maps a constant `[rows, dim]` to `[rows, width]`.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn rows<F>(
        &mut self,
        x: &[f32],
        dim: usize,
        width: usize,
        parameters: &Parameters<f32>,
        f: F,
    ) -> Result<Vec<f32>, Error>
    where
        F: for<'t> Fn(Var<'t, f32>, &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> + Sync,
    {
        self.map(x.len() / dim.max(1), width, parameters, |samples, ctx, _, out| {
            let first = samples.first().map_or(0, |&i| i as usize);
            let rows = &x[first * dim..][..samples.len() * dim];
            let input = ctx.tape().constant_with(&[samples.len(), dim], |to| to.copy_from_slice(rows))?;
            out.copy_from_slice(f(input, ctx)?.value().as_slice());
            Ok(())
        })
    }
}

/// Images as they are, bytes scaled to [0, 1].
fn batch<'t>(ctx: &Context<'t, f32>, images: &Images, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
    image_batch(ctx.tape(), images, samples, |to, i| {
        crate::objective::unit_image(images, i, to);
        Ok(())
    })
}

/// Some columns of a row-major matrix.
fn columns(matrix: &[f32], width: usize, wanted: Range<usize>) -> Vec<f32> {
    matrix.chunks_exact(width).flat_map(|row| &row[wanted.clone()]).copied().collect()
}
