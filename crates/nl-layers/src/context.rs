//! What a forward pass runs in: the tape, the parameters, the mode, the noise and the recorder.

use std::sync::Arc;

use nl_autodiff::{Scalar, Tape, Tensor, Var};
use nl_random::{Rng, Streams};

use crate::error::At;
use crate::{Episodes, Error, Lesion, ParameterId, Parameters};

/// Whether layers that behave differently while learning (dropout) do so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Noise is drawn.
    Train,
    /// Deterministic.
    Eval,
}

/// Where the noise of a forward pass comes from: a draw is a function of the layer's path, the epoch and the sample,
/// so that it does not depend on the batch a sample is in, nor on the thread that runs it.
#[derive(Debug, Clone, Copy)]
pub struct Noise<'t> {
    /// The streams of the run.
    pub streams: Streams,
    /// Counts passes over the data.
    pub epoch: u64,
    /// One id per row of the batch.
    pub samples: &'t [u64],
}

/// Activations kept for a report, under the path of the layer that made them, in order of computation.
#[derive(Clone)]
pub struct Recording<S> {
    activations: Vec<(String, Tensor<S>)>,
}

impl<S: Scalar> Recording<S> {
    /// The activation recorded under a path; the latest, if there are several.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&Tensor<S>> {
        self.activations.iter().rev().find(|(name, _)| name == path).map(|(_, tensor)| tensor)
    }

    /// All activations, in order of computation.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor<S>)> {
        self.activations.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }
}

/// The surroundings of one forward pass; made anew for each step, without allocating.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::{Builder, Context, Initializer, Layer, Linear, Mode, Parameters};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let layer = Linear::new(&builder.child("head")?, 3, 2, Initializer::XavierUniform)?;
/// let parameters: Parameters<f32> = builder.finish();
///
/// let tape = Tape::new();
/// let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
/// let x = tape.constant(Tensor::new(&[1, 3], vec![1.0, 2.0, 3.0])?);
/// let y = layer.forward(x, &mut ctx)?;
/// ctx.record("head", y);
/// assert_eq!(ctx.into_recording().get("head").unwrap().shape().dims(), [1, 2]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Context<'t, S> {
    tape: &'t Tape<S>,
    weights: Weights<'t, S>,
    mode: Mode,
    trainable: Option<&'t [bool]>,
    noise: Option<Noise<'t>>,
    recording: Option<Recording<S>>,
    lesions: &'t [Lesion<S>],
    loss: Option<Var<'t, S>>,
    feedback: Option<Parameters<S>>,
    episodes: Option<Arc<[Episodes]>>,
    smooth_spikes: bool,
}

enum Weights<'t, S> {
    Stored(&'t Parameters<S>),
    Given(Vec<Var<'t, S>>),
}

impl<'t, S: Scalar> Context<'t, S> {
    /// A context without noise or recorder, in which every parameter gets a gradient.
    #[must_use]
    pub fn new(tape: &'t Tape<S>, parameters: &'t Parameters<S>, mode: Mode) -> Self {
        Self::bare(tape, Weights::Stored(parameters), mode)
    }

    /// A context in which parameter `i` is `variables[i]`: for weights that are themselves the result of a computation
    /// (an inner step of MAML, a hypernetwork), and for gradient checks.
    ///
    /// ```
    /// use nl_autodiff::{CreateGraph, Tape, Tensor, grad};
    /// use nl_layers::{Builder, Context, Initializer, Layer, Linear, Mode};
    /// use nl_random::Streams;
    ///
    /// let layer = Linear::without_bias(&Builder::new(Streams::new(1)).child("w")?, 1, 1, Initializer::Zeros)?;
    /// let tape = Tape::<f64>::new();
    /// let x = tape.constant(Tensor::new(&[1, 1], vec![1.0])?);
    /// let w = tape.leaf(Tensor::new(&[1, 1], vec![3.0])?);
    /// let output = |w| layer.forward(x, &mut Context::over(&tape, vec![w], Mode::Train));
    ///
    /// // One inner step on the loss y²: w' = w − 0.1 · 2w = 0.8 w …
    /// let inner = grad(output(w)?.square()?.sum()?, &[w], CreateGraph::Yes)?[0];
    /// let adapted = w.sub(inner.mul_scalar(0.1)?)?;
    /// // … through which the outer gradient flows: ∂(0.8 w)² / ∂w = 1.28 w.
    /// let outer = grad(output(adapted)?.square()?.sum()?, &[w], CreateGraph::No)?[0];
    /// assert!((outer.item()? - 3.84).abs() < 1e-12);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn over(tape: &'t Tape<S>, variables: Vec<Var<'t, S>>, mode: Mode) -> Self {
        Self::bare(tape, Weights::Given(variables), mode)
    }

    fn bare(tape: &'t Tape<S>, weights: Weights<'t, S>, mode: Mode) -> Self {
        let (trainable, noise, recording, loss, feedback, episodes) = (None, None, None, None, None, None);
        let smooth_spikes = false;
        Self { tape, weights, mode, trainable, noise, recording, lesions: &[], loss, feedback, episodes, smooth_spikes }
    }

    /// Draws noise from here.
    #[must_use]
    pub fn with_noise(mut self, noise: Noise<'t>) -> Self {
        self.noise = Some(noise);
        self
    }

    /// The same surroundings on another tape, without recorder and added losses: for values that a computation of its own looks for
    /// (the inference of [predictive coding](crate::credit::PredictiveCoding)), of which only numbers come back.
    ///
    /// # Errors
    /// [`Error::Gradient`] for a context [`over`](Self::over) variables, which belong to its tape.
    pub fn on<'u>(&self, tape: &'u Tape<S>) -> Result<Context<'u, S>, Error>
    where
        't: 'u,
    {
        let Weights::Stored(parameters) = self.weights else {
            return Err(Error::Gradient { expected: 0, got: 0 });
        };
        let Self { mode, trainable, noise, lesions, smooth_spikes, .. } = *self;
        let (weights, recording, loss) = (Weights::Stored(parameters), None, None);
        let (feedback, episodes) = (self.feedback.clone(), self.episodes.clone());
        Ok(Context {
            tape,
            weights,
            mode,
            trainable,
            noise,
            recording,
            lesions,
            loss,
            feedback,
            episodes,
            smooth_spikes,
        })
    }

    /// Errors go back through these weights in place of the parameters of the same id, in layers that know how
    /// ([`Linear`](crate::Linear), [`Conv2d`](crate::Conv2d)): feedback alignment. See
    /// [`feedback_weights`](crate::credit::feedback_weights).
    pub fn set_feedback(&mut self, feedback: Parameters<S>) {
        self.feedback = Some(feedback);
    }

    /// What [episodic layers](crate::EpisodicConfig) read, each by its path; without them, nothing.
    pub fn set_episodes(&mut self, episodes: Arc<[Episodes]>) {
        self.episodes = Some(episodes);
    }

    /// Those of the layer at `path`.
    #[must_use]
    pub fn episodes(&self, path: &str) -> Option<&Episodes> {
        self.episodes.as_deref()?.iter().find(|episodes| episodes.path() == path)
    }

    /// Whether it was lent any.
    #[must_use]
    pub const fn has_episodes(&self) -> bool {
        self.episodes.is_some()
    }

    /// What errors go back through in place of the parameter, if this context has it.
    ///
    /// # Panics
    /// If `id` comes from another, larger store.
    #[must_use]
    pub fn feedback(&self, id: ParameterId) -> Option<Var<'t, S>> {
        self.feedback.as_ref().map(|feedback| self.tape.constant(feedback.get(id)))
    }

    /// Spiking layers give the primitive of their surrogate in place of spikes: a network is then differentiable as a whole, and its
    /// gradients can be held against differences.
    #[must_use]
    pub fn with_smooth_spikes(mut self) -> Self {
        self.smooth_spikes = true;
        self
    }

    /// Whether it has [smooth spikes](Self::with_smooth_spikes).
    #[must_use]
    pub const fn has_smooth_spikes(&self) -> bool {
        self.smooth_spikes
    }

    /// Only parameters marked `true` (see [`Parameters::select`]) get a gradient; the others enter as constants, and
    /// the work of their gradients is saved. Parameters beyond the end of the mask are frozen.
    #[must_use]
    pub fn with_trainable(mut self, trainable: &'t [bool]) -> Self {
        self.trainable = Some(trainable);
        self
    }

    /// Keeps the activations that layers offer by [`record`](Self::record).
    #[must_use]
    pub fn with_recording(mut self) -> Self {
        self.recording = Some(Recording { activations: Vec::new() });
        self
    }

    /// Cuts these out of whatever offers its output by [`relay`](Self::relay): each layer of a graph, each region of a brain.
    #[must_use]
    pub fn with_lesions(mut self, lesions: &'t [Lesion<S>]) -> Self {
        self.lesions = lesions;
        self
    }

    /// What was recorded; empty without [`with_recording`](Self::with_recording).
    #[must_use]
    pub fn into_recording(self) -> Recording<S> {
        self.recording.unwrap_or(Recording { activations: Vec::new() })
    }

    /// The tape that records the pass.
    #[must_use]
    pub fn tape(&self) -> &'t Tape<S> {
        self.tape
    }

    /// Whether noise is drawn.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The parameter as a variable: one leaf per tape, however often it is asked for.
    ///
    /// # Panics
    /// If `id` comes from another, larger store than the one of this context.
    #[must_use]
    pub fn parameter(&self, id: ParameterId) -> Var<'t, S> {
        let slot = id.index();
        match &self.weights {
            Weights::Given(variables) => variables[slot],
            Weights::Stored(parameters) => match self.trainable {
                Some(mask) if !mask.get(slot).copied().unwrap_or(false) => self.tape.constant(parameters.get(id)),
                _ => self.tape.bind(slot, || parameters.get(id)),
            },
        }
    }

    /// From the loss to the gradient in one call: overwrites `gradient` (as long as [`Parameters::values`], in its order)
    /// with dL/dθ and returns L. A parameter that the loss does not depend on, or that is frozen, gets 0. Allocates
    /// nothing.
    ///
    /// Reset the tape before the optimiser writes to the parameters: while it holds them, the first write copies all.
    ///
    /// Noise is drawn in [`Mode::Train`] only, from the streams and sample ids of [`with_noise`](Self::with_noise): counting
    /// epochs gives each sample a new mask in each pass, and the same one when the run is repeated.
    ///
    /// ```
    /// use nl_autodiff::{Reduction, Tape, Tensor};
    /// use nl_layers::{Builder, Context, Dropout, Initializer, Layer, Linear, Mode, Noise, Sequential};
    /// use nl_random::Streams;
    ///
    /// let builder = Builder::new(Streams::new(1));
    /// let net = Sequential::<f32>::new(vec![
    ///     Box::new(Dropout::new(&builder.child("noise")?, 0.5)?),
    ///     Box::new(Linear::new(&builder.child("out")?, 2, 1, Initializer::XavierUniform)?),
    /// ]);
    /// let mut parameters = builder.finish();
    /// let (mut tape, mut gradient) = (Tape::new(), vec![0.0; parameters.len()]);
    /// for epoch in 0..100 {
    ///     let noise = Noise { streams: Streams::new(2), epoch, samples: &[0, 1, 2] }; // one id per row
    ///     let mut ctx = Context::new(&tape, &parameters, Mode::Train).with_noise(noise);
    ///     let x = tape.constant(Tensor::new(&[3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?);
    ///     let target = tape.constant(Tensor::full(&[3, 1], 1.0)?);
    ///     let loss = net.forward(x, &mut ctx)?.mse(target, Reduction::Mean)?;
    ///     let value = ctx.gradient(loss, &mut gradient)?;
    ///     assert!(value.is_finite());
    ///     tape.reset();
    ///     parameters.values_mut().iter_mut().zip(&gradient).for_each(|(p, g)| *p -= 0.01 * g);
    /// }
    /// // Mode::Eval: nothing is dropped, and no noise is needed.
    /// let x = tape.constant(Tensor::new(&[1, 2], vec![3.0, 4.0])?);
    /// let y = net.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval))?;
    /// assert_eq!(y.shape().dims(), [1, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Gradient`] if `gradient` is not as long as the parameters, or this context is [`over`](Self::over)
    /// variables (use [`nl_autodiff::grad`] with those); [`Error::Op`] if the loss has not exactly one element.
    pub fn gradient(&self, loss: Var<'t, S>, gradient: &mut [S]) -> Result<S, Error> {
        let Weights::Stored(parameters) = &self.weights else {
            return Err(Error::Gradient { expected: 0, got: gradient.len() });
        };
        if gradient.len() != parameters.len() {
            return Err(Error::Gradient { expected: parameters.len(), got: gradient.len() });
        }
        let value = loss.item().at("loss")?;
        gradient.fill(S::ZERO);
        let entries = parameters.entries();
        self.tape.backward_bound(loss, &mut |slot, g| gradient[entries[slot].range()].copy_from_slice(g)).at("loss")?;
        Ok(value)
    }

    /// Adds a term to what is minimised: a penalty of activity, a statistic's step. One element, summed over the samples of the
    /// batch, as whoever trains sums its own loss; it is thrown away where nothing is trained.
    ///
    /// # Errors
    /// [`Error::Op`] for more than one element.
    pub fn add_loss(&mut self, path: &str, loss: Var<'t, S>) -> Result<(), Error> {
        let sum = match self.loss {
            Some(sum) => sum.add(loss).at(path)?,
            None => loss,
        };
        if sum.shape().len() != 1 {
            let help = "sum it over the batch first";
            return Err(Error::input(path, "a loss of one element", sum.shape().dims(), help));
        }
        self.loss = Some(sum);
        Ok(())
    }

    /// The terms that layers have added so far, as a sum; the next call begins anew.
    pub fn take_loss(&mut self) -> Option<Var<'t, S>> {
        self.loss.take()
    }

    /// Keeps `value` under `path`, if this context records.
    pub fn record(&mut self, path: &str, value: Var<'t, S>) {
        if let Some(recording) = &mut self.recording {
            recording.activations.push((path.to_owned(), value.value()));
        }
    }

    /// `value` as those behind it are given it: with what lesions of `path` leave of it. Recorded as such.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a lesion that does not fit the value.
    pub fn relay(&mut self, path: &str, mut value: Var<'t, S>) -> Result<Var<'t, S>, Error> {
        for lesion in self.lesions.iter().filter(|lesion| lesion.path() == path) {
            value = lesion.of(value)?;
        }
        self.record(path, value);
        Ok(value)
    }

    /// Random numbers of the stream `name` that the whole batch shares (noise on weights), for the layer at `path`: keyed by the
    /// epoch and the smallest sample id. A mini-batch is cut into fixed shards, so that they do not depend on the number of threads,
    /// nor on the order of a shard's samples.
    ///
    /// # Errors
    /// [`Error::Noise`] if this context has no noise, or no samples.
    pub fn shared_noise(&self, path: &str, name: &str) -> Result<Rng, Error> {
        let noise = self.noise.and_then(|noise| Some((noise, *noise.samples.iter().min()?)));
        let (noise, key) = noise.ok_or_else(|| Error::Noise { path: path.to_owned(), rows: 1, samples: 0 })?;
        Ok(noise.streams.rng(name, noise.epoch, key))
    }

    /// The noise of a batch of `rows` samples, for the layer at `path`.
    ///
    /// # Errors
    /// [`Error::Noise`] if this context has no noise, or not one sample id for each row.
    pub fn noise(&self, path: &str, rows: usize) -> Result<Noise<'t>, Error> {
        let samples = self.noise.map_or(0, |noise| noise.samples.len());
        let found = self.noise.filter(|_| samples == rows);
        found.ok_or_else(|| Error::Noise { path: path.to_owned(), rows, samples })
    }
}
