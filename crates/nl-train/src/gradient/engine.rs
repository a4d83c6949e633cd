//! The gradient of one mini-batch: fixed shards, each on one thread to its end, summed by a fixed tree.

use std::sync::Mutex;

use nl_autodiff::{Tape, Var};
use nl_data::Scratch;
use nl_kernels::{for_each_shard, tree_sum};
use nl_layers::credit::Relaxation;
use nl_layers::{Context, Mode, Noise, Parameters};
use nl_random::Streams;

use crate::Error;

/// What is minimised.
///
/// Implemented by the objectives of this crate (reconstruct, classify, trust, linear probe), and by whoever trains
/// something else with the same [`Engine`].
pub trait Objective: Sync {
    /// Puts the shard's forward pass on the context's tape and returns the **sum** of the loss over its samples (one
    /// element). What is drawn at random must be keyed by (epoch, sample), never by the shard.
    ///
    /// # Errors
    /// Shapes or values that do not fit.
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error>;
}

/// The samples of one shard, and the working memory of the worker that has it.
pub struct Shard<'a> {
    /// Indices of the samples in the training set.
    pub samples: &'a [u32],
    /// The epoch, for the keys of random streams.
    pub epoch: u64,
    /// Working memory of the objectives of this crate.
    pub(crate) workspace: &'a mut Workspace,
}

/// Reusable working memory of one worker.
#[derive(Default)]
pub(crate) struct Workspace {
    /// For geometric transforms.
    pub(crate) transform: Scratch,
    /// One image.
    pub(crate) image: Vec<f32>,
    /// One shard of class targets.
    pub(crate) labels: Vec<u32>,
    /// One shard of values to be learned.
    pub(crate) values: Vec<f32>,
    /// The classes that samples of a shard are mixed with, and their own shares.
    pub(crate) others: Vec<u32>,
    pub(crate) shares: Vec<f32>,
    /// For the inference of predictive coding.
    pub(crate) relaxation: Relaxation<f32>,
}

/// A tape and its working memory; there is one for each thread, and results do not depend on which one is used.
#[derive(Default)]
pub(crate) struct Worker {
    pub(crate) tape: Tape<f32>,
    pub(crate) workspace: Workspace,
    ids: Vec<u64>,
}

/// What a shard leaves behind.
struct Part {
    gradient: Vec<f32>,
    loss: f64,
    error: Option<Error>,
}

/// The most shards a mini-batch may have.
const MAX_SHARDS: usize = 64;

/// The number of shards of a mini-batch.
pub(crate) fn check_shards(batch: usize, shard: usize) -> Result<usize, Error> {
    if batch == 0 || shard == 0 {
        return Err(Error::config(format!("batch {batch}, shard {shard}: both must be at least 1")));
    }
    let shards = batch.div_ceil(shard);
    if shards > MAX_SHARDS {
        return Err(Error::config(format!(
            "batch {batch} in shards of {shard} makes {shards} shards, more than {MAX_SHARDS}; use larger shards"
        )));
    }
    Ok(shards)
}

/// Computes gradients of mini-batches, with the same bits for any number of threads.
///
/// g = (1/B) Σ_shards Σ_{i in shard} ∂loss_i/∂θ, the inner sum in the order of the samples, the outer one by
/// [`nl_kernels::tree_sum`]. A second step of the same size allocates nothing when run inside a rayon pool.
pub struct Engine {
    workers: Vec<Worker>,
    parts: Vec<Mutex<Part>>,
    gradient: Vec<f32>,
    trainable: Vec<bool>,
    shard: usize,
    streams: Streams,
}

impl Engine {
    /// An engine for mini-batches of at most `batch` samples cut into shards of `shard`, with one worker for each thread
    /// of the current rayon pool. Parameters whose path lies under one of the prefixes in `learns` get gradients, the
    /// others are constants.
    ///
    /// # Errors
    /// [`Error::Config`] if a size is zero or a batch has more than 64 shards.
    pub fn new(
        parameters: &Parameters<f32>,
        learns: &[&str],
        batch: usize,
        shard: usize,
        streams: Streams,
    ) -> Result<Self, Error> {
        let shards = check_shards(batch, shard)?;
        let part = || Mutex::new(Part { gradient: vec![0.0; parameters.len()], loss: 0.0, error: None });
        Ok(Self {
            workers: (0..rayon::current_num_threads()).map(|_| Worker::default()).collect(),
            parts: (0..shards).map(|_| part()).collect(),
            gradient: vec![0.0; parameters.len()],
            trainable: parameters.entries().iter().map(|e| learns.iter().any(|p| e.is_under(p))).collect(),
            shard,
            streams,
        })
    }

    /// The mean loss of a mini-batch; its gradient is then in [`gradient`](Self::gradient). Parameters that the
    /// objective does not bind have gradient 0.
    ///
    /// # Errors
    /// The first failing shard's error, or [`Error::Diverged`] if the loss is not finite.
    pub fn step(
        &mut self,
        samples: &[u32],
        epoch: u64,
        parameters: &Parameters<f32>,
        objective: &dyn Objective,
    ) -> Result<f64, Error> {
        let shards = samples.len().div_ceil(self.shard);
        if shards > self.parts.len() || samples.is_empty() {
            let most = self.parts.len() * self.shard;
            return Err(Error::config(format!(
                "a mini-batch of {} samples; the engine takes 1 to {most}",
                samples.len()
            )));
        }
        let (parts, size) = (&self.parts, self.shard);
        let pass = Pass { epoch, parameters, trainable: &self.trainable, streams: self.streams, objective };
        let weight = 1.0 / samples.len() as f32;
        for_each_shard(shards, &mut self.workers, |i, worker| {
            let samples = &samples[i * size..samples.len().min((i + 1) * size)];
            if let Ok(mut part) = parts[i].lock() {
                let outcome = worker.run(&pass, samples, weight, &mut part.gradient);
                (part.loss, part.error) = outcome.map_or_else(|e| (f64::NAN, Some(e)), |loss| (loss, None));
            }
        });
        self.reduce(shards)
    }

    /// The gradient of the last step, in the order of [`Parameters::values`].
    pub fn gradient(&mut self) -> &mut [f32] {
        &mut self.gradient
    }

    /// Losses in the order of the shards, gradients by the tree.
    fn reduce(&mut self, shards: usize) -> Result<f64, Error> {
        let mut refs: [&[f32]; MAX_SHARDS] = [&[]; MAX_SHARDS];
        let mut loss = 0.0;
        for (slot, part) in refs.iter_mut().zip(&mut self.parts[..shards]) {
            let part = part.get_mut().map_err(|_| Error::Worker)?;
            if let Some(error) = part.error.take() {
                return Err(error);
            }
            loss += part.loss;
            *slot = &part.gradient;
        }
        if !loss.is_finite() {
            return Err(Error::Diverged { loss, place: "a step".into() });
        }
        tree_sum(&refs[..shards], &mut self.gradient)?;
        Ok(loss)
    }
}

/// What all shards of a step have in common.
struct Pass<'a> {
    epoch: u64,
    parameters: &'a Parameters<f32>,
    trainable: &'a [bool],
    streams: Streams,
    objective: &'a dyn Objective,
}

impl Worker {
    /// One shard, forward and backward; overwrites the windows of bound parameters in `gradient`.
    fn run(&mut self, pass: &Pass<'_>, samples: &[u32], weight: f32, gradient: &mut [f32]) -> Result<f64, Error> {
        // A shard that failed may have left its variables behind.
        self.tape.reset();
        self.ids.clear();
        self.ids.extend(samples.iter().map(|&i| u64::from(i)));
        let noise = Noise { streams: pass.streams, epoch: pass.epoch, samples: &self.ids };
        let mut ctx =
            Context::new(&self.tape, pass.parameters, Mode::Train).with_noise(noise).with_trainable(pass.trainable);
        let mut shard = Shard { samples, epoch: pass.epoch, workspace: &mut self.workspace };
        let mut loss = pass.objective.loss(&mut shard, &mut ctx)?;
        if let Some(added) = ctx.take_loss() {
            loss = loss.add(added)?;
        }
        let loss = loss.mul_scalar(f64::from(weight))?;
        let value = f64::from(loss.item()?);
        let entries = pass.parameters.entries();
        self.tape.backward_bound(loss, &mut |slot, g| gradient[entries[slot].range()].copy_from_slice(g))?;
        // Lets go of the parameters, so that the optimiser may write to them without a copy.
        self.tape.reset();
        Ok(value)
    }
}
