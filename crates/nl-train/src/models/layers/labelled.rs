//! What every stage with labels has: samples, what is learned of them, how they are shown, and those it is watched by.

use nl_data::{Augment, Samples};
use nl_layers::Parameters;
use nl_layers::loss::LossKind;
use nl_random::Streams;

use super::LayersModel;
use super::aim::Aim;
use super::input::Input;
use super::shown::Shown;
use crate::Error;
use crate::data::Dataset;
use crate::models::standard::Standard;
use crate::run::Measures;

/// Stream of the angles of the samples held out.
const HELD_OUT: &str = "rotation-validation";

/// Samples with what is to be learned of them.
pub(super) struct Labelled<'a> {
    data: &'a Dataset<Samples>,
    aim: Aim,
    augment: Augment,
    streams: Streams,
    held_out: Samples,
}

impl<'a> Labelled<'a> {
    pub(super) fn new(data: &'a Dataset<Samples>, aim: Aim, augment: Augment, streams: Streams) -> Result<Self, Error> {
        let held_out = data.held_out();
        let held_out = match data.validation.is_empty() {
            true => held_out,
            false => aim.set(&held_out, &streams, HELD_OUT)?.into_owned(),
        };
        Ok(Self { data, aim, augment, streams, held_out })
    }

    /// What is drawn while it learns.
    pub(super) const fn streams(&self) -> &Streams {
        &self.streams
    }

    /// Indices of the training samples that it learns from.
    pub(super) fn items(&self) -> &'a [u32] {
        &self.data.labelled
    }

    /// The training samples, in the unit of a network.
    pub(super) fn shown<'s>(&'s self, inputs: &'s Standard) -> Shown<'s> {
        let input = Input { samples: &self.data.split.train, standard: inputs };
        Shown { input, aim: &self.aim, augment: self.augment, streams: self.streams }
    }

    /// How well these weights do on the samples held out.
    pub(super) fn measures(
        &self,
        model: &LayersModel,
        parameters: &Parameters<f32>,
        loss: &LossKind,
    ) -> Result<Measures, Error> {
        let episodes = model.recall_by(parameters, self.data)?;
        model.ask_with(parameters).reading(episodes.as_ref()).measures(&self.held_out, &self.aim, loss)
    }
}
