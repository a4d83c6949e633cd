//! The layers, and the read-out behind them.

use nl_autodiff::Var;
use nl_layers::graph::{Form, Graph, Line};
use nl_layers::loss::{LossKind, TargetForm};
use nl_layers::{Builder, Context, Layer, Linear, Parameters};
use nl_random::Streams;

use super::config::LayersModelConfig;
use crate::Error;

/// The read-out's name: no layer can have it.
const OUTPUT: &str = "output";

/// A network for images of one size: a list of layers, then a linear read-out.
pub(super) struct Network {
    graph: Graph<f32>,
    output: Linear,
    lines: Vec<Line>,
}

impl Network {
    /// The network for samples of the form `input`, which learns by `loss`, and its first weights.
    pub(super) fn new(
        config: &LayersModelConfig,
        input: &Form,
        loss: &LossKind,
        target: &TargetForm,
        seed: u64,
    ) -> Result<(Self, Parameters<f32>), Error> {
        let builder = Builder::new(Streams::new(seed));
        if config.layers.iter().any(|layer| layer.name.as_deref() == Some(OUTPUT)) {
            return Err(Error::config(format!("layers: {OUTPUT:?} is the name of the read-out; choose another")));
        }
        let graph = Graph::new(&config.layers, input, &builder)?;
        let reached = graph.output();
        let Some(features) = reached.as_features() else {
            let last = graph.lines().last().map_or("input", |line| line.name.as_str());
            return Err(Error::config(format!(
                "layers: {last} gives {reached}, but the read-out takes a row of features; end with {{kind: flatten}} or \
                 {{kind: global-avg-pool}}"
            )));
        };
        let outputs = loss.outputs(target)?;
        let output = Linear::new(&builder.child(OUTPUT)?, features, outputs, config.output)?;
        let mut lines = graph.lines().to_vec();
        lines.push(Line {
            name: OUTPUT.to_owned(),
            kind: "linear",
            from: vec![lines.last().map_or("input", |line| line.name.as_str()).to_owned()],
            output: Form::features(outputs),
            parameters: features * outputs + outputs,
            macs: (features * outputs) as u64,
        });
        Ok((Self { graph, output, lines }, builder.finish()))
    }

    /// All layers, the read-out last.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Numbers that the read-out gives for each sample.
    pub(super) fn outputs(&self) -> usize {
        self.output.outputs()
    }

    /// `[B, outputs]`
    pub(super) fn forward<'t>(&self, x: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let features = self.graph.forward(x, ctx)?;
        Ok(self.output.forward(features, ctx)?)
    }
}
