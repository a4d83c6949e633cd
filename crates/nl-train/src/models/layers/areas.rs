//! The network as a chain of areas, the read-out the last.

use std::ops::Range;

use nl_autodiff::Var;
use nl_layers::credit::Areas;
use nl_layers::{Context, Layer};

use super::network::{Network, unlabelled};
use crate::Error;

/// Where areas begin and end: places of the list of layers.
pub(super) struct Places {
    /// Areas below the read-out.
    hidden: Vec<Range<usize>>,
    /// Layers without parameters that belong to the read-out, because no area is below it.
    last: Range<usize>,
}

impl Places {
    /// The areas of `network`.
    ///
    /// # Errors
    /// [`Error::Config`] for a network that is not layers in a row.
    pub(super) fn of(network: &Network) -> Result<Self, Error> {
        let hidden = network.graph.areas().map_err(|error| Error::config(error.to_string()))?;
        let last = if hidden.is_empty() { 0..network.graph.lines().len() } else { 0..0 };
        Ok(Self { hidden, last })
    }

    /// Numbers that each area below the read-out gives for a sample.
    ///
    /// # Errors
    /// [`Error::Config`] for an area that gives a sequence, whose samples are not rows.
    pub(super) fn lengths(&self, network: &Network) -> Result<Vec<usize>, Error> {
        let length = |area: &Range<usize>| {
            let line = &network.graph.lines()[area.end - 1];
            if line.output.steps.is_some() {
                return Err(Error::config(format!(
                    "layers: {} gives {}; direct feedback alignment takes areas that give rows or images: close the sequence \
                     within the area, by {{output: last}}",
                    line.name, line.output
                )));
            }
            Ok(line.output.len())
        };
        self.hidden.iter().map(length).collect()
    }
}

/// A network and its areas.
pub(super) struct Chain<'a> {
    pub(super) network: &'a Network,
    pub(super) places: &'a Places,
}

impl Areas<f32> for Chain<'_> {
    fn count(&self) -> usize {
        self.places.hidden.len() + 1
    }

    fn forward<'t>(
        &self,
        area: usize,
        below: Var<'t, f32>,
        ctx: &mut Context<'t, f32>,
    ) -> Result<Var<'t, f32>, nl_layers::Error> {
        let graph = &self.network.graph;
        if let Some(places) = self.places.hidden.get(area) {
            return graph.run(places.clone(), below, ctx);
        }
        let features = graph.run(self.places.last.clone(), below, ctx)?;
        let Some(output) = &self.network.output else {
            return Err(nl_layers::Error::hyperparameter("output", unlabelled().to_string()));
        };
        output.forward(features, ctx)
    }
}
