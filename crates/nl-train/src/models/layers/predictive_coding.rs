//! Learning from classes or values by predictive coding.

use nl_autodiff::Var;
use nl_data::Augment;
use nl_layers::credit::{Clamped, PredictiveCoding};
use nl_layers::loss::{LeastSquares, LossKind};
use nl_layers::{Context, Parameters};
use serde::{Deserialize, Serialize};

use super::LayersModel;
use super::alignment::Alignment;
use super::areas::{Chain, Places};
use super::labelled::Labelled;
use super::network::Network;
use super::shown::Shown;
use crate::Error;
use crate::gradient::{Gradient, LearnConfig, Objective, Shard, Stepped, Task};
use crate::run::{Measures, Settings};

pub(super) const NAME: &str = "Predictive coding";

/// Learns from samples with classes or values by predictive coding: hidden areas settle between what is below and above them, then each area's
/// weights learn by its own error. An area is a layer with parameters and those without behind it; the read-out is the last, and
/// its value is clamped to the class, or to the values in the unit in which they are learned. Layers must stand in a row.
///
/// Source: Whittington & Bogacz, Neural Computation 29, 2017; [`PredictiveCoding`] has equations and readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PredictiveCodingConfig {
    /// How it learns.
    pub learn: LearnConfig,
    /// Whether all weights begin again, as they were before the first stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fresh: bool,
    /// The energy of the read-out: half the squared error of classes, or another loss as the negative logarithm of a likelihood;
    /// of values one that takes them, such as `{kind: mse}`.
    #[serde(default = "least_squares")]
    pub loss: LossKind,
    /// Geometry of what is shown; of samples that are no pictures it must be left out.
    #[serde(default)]
    pub augment: Augment,
    /// Steps of inference before each change of the weights.
    #[serde(default = "twenty")]
    #[cfg_attr(feature = "schema", schemars(range(max = 10_000)))]
    pub steps: usize,
    /// Size of a step of inference, above 0 and below 2.
    #[serde(default = "tenth")]
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 2.0)))]
    pub rate: f64,
}

fn least_squares() -> LossKind {
    LossKind::LeastSquares(LeastSquares::default())
}

const fn twenty() -> usize {
    20
}

const fn tenth() -> f64 {
    0.1
}

impl PredictiveCodingConfig {
    const fn way(&self) -> PredictiveCoding {
        PredictiveCoding { steps: self.steps, rate: self.rate }
    }
}

impl Settings for PredictiveCodingConfig {
    fn check(&self) -> Result<(), Error> {
        self.learn.check().map_err(|e| e.under("learn"))?;
        self.loss.check("loss")?;
        self.augment.validate()?;
        Ok(self.way().check()?)
    }
}

/// F after inference, Σ over the samples.
struct Energy<'a> {
    chain: Chain<'a>,
    shown: Shown<'a>,
    loss: &'a LossKind,
    way: PredictiveCoding,
}

impl Objective for Energy<'_> {
    fn loss<'t>(&self, shard: &mut Shard<'_>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let view = self.shown.batch(shard, ctx)?;
        let work = &mut *shard.workspace;
        let clamped = Clamped { loss: self.loss, target: self.shown.aim.targets(&work.labels, &work.values) };
        Ok(self.way.energy(&self.chain, view, &clamped, ctx, &mut work.relaxation)?)
    }
}

/// The stage.
pub(super) struct Coding<'a> {
    config: &'a PredictiveCodingConfig,
    of: Labelled<'a>,
    places: Places,
    alignment: Alignment,
}

impl<'a> Coding<'a> {
    pub(super) fn new(
        config: &'a PredictiveCodingConfig,
        of: Labelled<'a>,
        (network, parameters): (&Network, &Parameters<f32>),
    ) -> Result<Self, Error> {
        let alignment = Alignment::new(network, parameters, &of)?;
        Ok(Self { config, of, places: Places::of(network)?, alignment })
    }
}

impl Task<LayersModel> for Coding<'_> {
    fn step(&mut self, model: &mut LayersModel, gradient: &mut Gradient) -> Result<Stepped, Error> {
        let chain = Chain { network: &model.network, places: &self.places };
        let (shown, loss, way) = (self.of.shown(&model.inputs), &self.config.loss, self.config.way());
        gradient.step(&mut model.parameters, &Energy { chain, shown, loss, way })
    }

    fn validate(&mut self, model: &LayersModel, parameters: &Parameters<f32>) -> Result<Measures, Error> {
        let (network, loss, places, way) = (&model.network, &self.config.loss, &self.places, self.config.way());
        let shown = self.of.shown(&model.inputs);
        let energy = |shown| Energy { chain: Chain { network, places }, shown, loss, way };
        let degrees = self.alignment.degrees((network, loss, shown), parameters, energy)?;
        Ok(self.of.measures(model, parameters, loss)?.and_some("alignment", degrees))
    }

    fn parameters<'m>(&self, model: &'m mut LayersModel) -> &'m mut Parameters<f32> {
        &mut model.parameters
    }
}
