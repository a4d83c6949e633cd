//! Learning from classes or values by errors that come back through fixed random weights.

use nl_autodiff::Var;
use nl_data::Augment;
use nl_layers::credit::{DirectFeedback, feedback_weights};
use nl_layers::graph::{LayerEntry, LayerKind};
use nl_layers::loss::LossKind;
use nl_layers::{Context, Initializer, Parameters};
use serde::{Deserialize, Serialize};

use super::LayersModel;
use super::alignment::{Alignment, Propagate};
use super::areas::{Chain, Places};
use super::config::cross_entropy;
use super::labelled::Labelled;
use super::network::Network;
use super::shown::Shown;
use crate::Error;
use crate::gradient::{Gradient, LearnConfig, Objective, Shard, Stepped, Task};
use crate::run::{Measures, Settings};

pub(super) const NAME: &str = "Feedback alignment";
pub(super) const DIRECT: &str = "Direct feedback alignment";

/// Learns from samples with classes or values by feedback alignment: as back-propagation, but errors go back through random weights that are
/// drawn once and never change. Without `direct` they stand in for the weights of each `linear` and `conv2d`, and no other layer
/// may have parameters; with it the error of the output goes straight to each area, through a matrix of its own, and layers must
/// stand in a row.
///
/// Sources: Lillicrap et al., Nature Communications 7:13276, 2016; `direct`: Nøkland, NeurIPS 2016.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FeedbackAlignmentConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// Whether all weights begin again, as they were before the first stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// What is minimised.
    #[serde(default = "cross_entropy")]
    pub loss: LossKind,
    /// Geometry of what is shown; of samples that are no pictures it must be left out.
    #[serde(default)]
    pub augment: Augment,
    /// Whether the error of the output goes straight to each area.
    #[serde(default)]
    pub direct: bool,
    /// How the fixed weights are drawn.
    #[serde(default = "xavier")]
    pub feedback: Initializer,
}

const fn xavier() -> Initializer {
    Initializer::XavierUniform
}

impl FeedbackAlignmentConfig {
    /// The name of the stage.
    pub(super) const fn name(&self) -> &'static str {
        if self.direct { DIRECT } else { NAME }
    }

    /// `Ok` if it can be done with this network.
    ///
    /// # Errors
    /// [`Error::Config`] with the first layer that has weights without a way back.
    pub(super) fn suits(&self, layers: &[LayerEntry], network: &Network) -> Result<(), Error> {
        if self.direct {
            return Places::of(network)?.lengths(network).map(drop);
        }
        for (entry, line) in layers.iter().zip(network.graph.lines()) {
            let known = match &entry.layer {
                LayerKind::Linear(_) => true,
                LayerKind::Conv2d(conv) => conv.groups == 1 && conv.dilation.pair() == [1, 1],
                _ => line.parameters == 0,
            };
            if !known {
                return Err(Error::config(format!(
                    "layers: {} ({}) has weights that feedback alignment has no way back for; use linear, conv2d of one group \
                     without dilation, and layers without parameters, or `direct: true`",
                    line.name, line.kind
                )));
            }
        }
        Ok(())
    }
}

impl Settings for FeedbackAlignmentConfig {
    fn check(&self) -> Result<(), Error> {
        self.learn.check().map_err(|e| e.under("learn"))?;
        self.loss.check("loss")?;
        Ok(self.augment.validate()?)
    }
}

/// How errors come back.
enum Way {
    /// Through these in place of the weights.
    Through(Parameters<f32>),
    /// Straight to each area.
    Direct(Places, DirectFeedback<f32>),
}

impl Way {
    fn objective<'a>(&'a self, network: &'a Network, shown: Shown<'a>, loss: &'a LossKind) -> Align<'a> {
        match self {
            Self::Through(feedback) => Align::Through(Propagate { network, shown, loss, feedback: Some(feedback) }),
            Self::Direct(places, feedback) => {
                Align::Direct(Straight { chain: Chain { network, places }, shown, loss, feedback })
            }
        }
    }
}

/// What is minimised, with errors that come back otherwise.
enum Align<'a> {
    Through(Propagate<'a>),
    Direct(Straight<'a>),
}

struct Straight<'a> {
    chain: Chain<'a>,
    shown: Shown<'a>,
    loss: &'a LossKind,
    feedback: &'a DirectFeedback<f32>,
}

impl Objective for Align<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        match self {
            Self::Through(it) => it.loss(shard, ctx),
            Self::Direct(it) => {
                let view = it.shown.batch(shard, ctx)?;
                let work = &*shard.workspace;
                let targets = it.shown.aim.targets(&work.labels, &work.values).on(ctx.tape(), "loss")?;
                let ending = |output| it.loss.loss("loss", output, &targets);
                Ok(it.feedback.loss(&it.chain, view, ending, ctx)?)
            }
        }
    }
}

/// The stage.
pub(super) struct Aligning<'a> {
    config: &'a FeedbackAlignmentConfig,
    of: Labelled<'a>,
    way: Way,
    alignment: Alignment,
}

impl<'a> Aligning<'a> {
    pub(super) fn new(
        config: &'a FeedbackAlignmentConfig,
        of: Labelled<'a>,
        (network, parameters): (&Network, &Parameters<f32>),
    ) -> Result<Self, Error> {
        let way = if config.direct {
            let places = Places::of(network)?;
            let lengths = places.lengths(network)?;
            Way::Direct(places, DirectFeedback::new(network.outputs(), &lengths, config.feedback, of.streams())?)
        } else {
            Way::Through(feedback_weights(parameters, config.feedback, of.streams())?)
        };
        let alignment = Alignment::new(network, parameters, &of)?;
        Ok(Self { config, of, way, alignment })
    }
}

impl Task<LayersModel> for Aligning<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let shown = self.of.shown(&model.inputs);
        let objective = self.way.objective(&model.network, shown, &self.config.loss);
        gradient.step(&mut model.parameters, &objective)
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        let (network, loss, way) = (&model.network, &self.config.loss, &self.way);
        let shown = self.of.shown(&model.inputs);
        let objective = |shown| way.objective(network, shown, loss);
        let degrees = self.alignment.degrees((network, loss, shown), parameters, objective)?;
        Ok(self.of.measures(model, parameters, loss)?.and_some("alignment", degrees))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}
