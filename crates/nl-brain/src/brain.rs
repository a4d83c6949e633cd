//! The brain: all regions, and the ways through them.

use nl_autodiff::{Scalar, Var};
use nl_layers::{Builder, Context, Parameters};
use nl_random::Streams;

use crate::{
    BasalGanglia, BrainConfig, Cerebellum, Decision, Error, InferotemporalCortex, PrefrontalCortex, Recalled, Retina,
    Thalamus, VisualCortex,
};

/// Retina → thalamus → visual cortex → inferotemporal cortex, and from the embedding three ways on: the prefrontal
/// cortex classifies, the cerebellum reconstructs, the basal ganglia weigh the classification against memory.
///
/// The hippocampus is not in here: what it holds is data, not parameters (see [`crate::Hippocampus`]).
///
/// | paths | regions | learns in stage |
/// |---|---|---|
/// | `cortex/retina`, `cortex/thalamus`, `cortex/v1`, `cortex/v2`, `cortex/v4`, `cortex/it` | encoder | 1 and 2 |
/// | `cerebellum/…` | decoder | 1 |
/// | `prefrontal/…` | classifier | 2 |
/// | `basal_ganglia/…` | gate | last |
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_brain::{Brain, BrainConfig};
/// use nl_layers::{Context, Mode};
/// use nl_random::Streams;
///
/// let config = BrainConfig { height: 9, width: 14, ..BrainConfig::default() };
/// let (brain, parameters) = Brain::new(config, Streams::new(1))?;
///
/// let tape = Tape::new();
/// let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
/// let images = tape.constant(Tensor::full(&[2, 1, 9, 14], 0.5)?);
/// let embedding = brain.encode(images, &mut ctx)?;
/// assert_eq!(embedding.shape().dims(), [2, 128]);
/// assert_eq!(brain.classify(embedding, &mut ctx)?.shape().dims(), [2, 10]);
/// assert_eq!(brain.reconstruct(embedding, &mut ctx)?.shape().dims(), [2, 1, 9, 14]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Brain {
    config: BrainConfig,
    retina: Retina,
    thalamus: Thalamus,
    visual_cortex: VisualCortex,
    inferotemporal: InferotemporalCortex,
    prefrontal: PrefrontalCortex,
    cerebellum: Cerebellum,
    basal_ganglia: BasalGanglia,
}

impl Brain {
    /// Prefix of the encoder's parameters.
    pub const CORTEX: &'static str = "cortex";
    /// Prefix of the classifier's parameters.
    pub const PREFRONTAL: &'static str = "prefrontal";
    /// Prefix of the decoder's parameters.
    pub const CEREBELLUM: &'static str = "cerebellum";
    /// Prefix of the gate's parameters.
    pub const BASAL_GANGLIA: &'static str = "basal_ganglia";

    /// A brain of these sizes and its parameters, drawn from the streams `init/<path>`.
    ///
    /// # Errors
    /// [`Error::Config`] for sizes out of range.
    pub fn new(config: BrainConfig, streams: Streams) -> Result<(Self, Parameters<f32>), Error> {
        config.validate()?;
        let builder = Builder::new(streams);
        let cortex = builder.child(Self::CORTEX)?;
        let brain = Self {
            config,
            retina: Retina::new(&cortex.child("retina")?, &config)?,
            thalamus: Thalamus::new(&cortex.child("thalamus")?, &config)?,
            visual_cortex: VisualCortex::new(&cortex, &config)?,
            inferotemporal: InferotemporalCortex::new(&cortex.child("it")?, &config)?,
            prefrontal: PrefrontalCortex::new(&builder.child(Self::PREFRONTAL)?, &config)?,
            cerebellum: Cerebellum::new(&builder.child(Self::CEREBELLUM)?, &config)?,
            basal_ganglia: BasalGanglia::new(&builder.child(Self::BASAL_GANGLIA)?, &config)?,
        };
        Ok((brain, builder.finish()))
    }

    /// The sizes it was built from.
    #[must_use]
    pub fn config(&self) -> &BrainConfig {
        &self.config
    }

    /// Images `[N, channels, H, W]` in [0, 1] to embeddings `[N, embedding]`.
    ///
    /// # Errors
    /// [`Error::Layer`] for images of another shape than the config's.
    pub fn encode<'t, S: Scalar>(&self, images: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let (c, h, w) = (self.config.channels, self.config.height, self.config.width);
        if !matches!(*images.shape().dims(), [_, channels, height, width] if [channels, height, width] == [c, h, w]) {
            let help = "pass images of the config's size, or build the brain for these";
            let expected = format!("[N, {c}, {h}, {w}]");
            return Err(nl_layers::Error::input(Self::CORTEX, expected, images.shape().dims(), help).into());
        }
        let maps = self.retina.forward(images, ctx)?;
        let maps = self.thalamus.forward(maps, ctx)?;
        let maps = self.visual_cortex.forward(maps, ctx)?;
        self.inferotemporal.forward(maps, ctx)
    }

    /// What images `[N, channels, H, W]` are named and remembered by, `[N, embedding]`: their [embedding](Self::encode) e(x), or with
    /// [`both_sides`](BrainConfig::both_sides) ½ e(x) + ½ e(x mirrored), the same for an image and its mirror image. What is recorded
    /// of regions is their answer to x.
    ///
    /// Sources: neurons of the monkey's anterior lateral face patch answer alike to a view and its mirror image, Freiwald & Tsao,
    /// Science 330, 2010; the mean over both sides in a convolutional network: Simonyan & Zisserman, "Very deep convolutional networks
    /// for large-scale image recognition", 2015, section 3.2 (of the class scores, which here are linear in the embedding).
    ///
    /// # Errors
    /// As [`encode`](Self::encode).
    pub fn recognise<'t, S: Scalar>(&self, images: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        if !self.config.both_sides || images.shape().rank() != 4 {
            return self.encode(images, ctx);
        }
        let columns: Vec<u32> = (0..images.shape().dims()[3] as u32).rev().collect();
        let mirrored = self.encode(images.index_select(3, &columns)?, ctx)?;
        Ok(self.encode(images, ctx)?.add(mirrored)?.mul_scalar(0.5)?)
    }

    /// Embeddings `[N, embedding]` to logits `[N, classes]`.
    ///
    /// # Errors
    /// As [`PrefrontalCortex::forward`].
    pub fn classify<'t, S: Scalar>(
        &self,
        embedding: Var<'t, S>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Var<'t, S>, Error> {
        self.prefrontal.forward(embedding, ctx)
    }

    /// Embeddings `[N, embedding]` to images `[N, channels, H, W]`, as logits (see [`Cerebellum::image`]).
    ///
    /// # Errors
    /// As [`Cerebellum::forward`].
    pub fn reconstruct<'t, S: Scalar>(
        &self,
        embedding: Var<'t, S>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Var<'t, S>, Error> {
        self.cerebellum.forward(embedding, ctx)
    }

    /// Cortex and memory weighed against each other, image by image.
    ///
    /// # Errors
    /// As [`BasalGanglia::decide`].
    pub fn decide<'t, S: Scalar>(
        &self,
        logits: Var<'t, S>,
        recalled: Recalled<'_>,
        ctx: &mut Context<'t, S>,
    ) -> Result<Decision<'t, S>, Error> {
        self.basal_ganglia.decide(logits, recalled, ctx)
    }
}
