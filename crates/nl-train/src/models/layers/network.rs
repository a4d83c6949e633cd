//! The layers, the read-out behind them, and what stages without labels put in its place.

use std::sync::Arc;

use nl_autodiff::Var;
use nl_layers::graph::{Form, Graph, Line};
use nl_layers::loss::{LossKind, TargetForm};
use nl_layers::{Builder, Context, Episodes, Initializer, Layer, Linear, Parameters};
use nl_random::Streams;

use super::config::{LayersModelConfig, ProjectorConfig};
use super::episodes::{self, Reader};
use super::reconstruct::DecoderConfig;
use crate::Error;

/// Names that no layer can have.
pub(super) const OUTPUT: &str = "output";
pub(super) const PROJECTOR: &str = "projector";
pub(super) const DECODER: &str = "decoder";

/// A network for samples of one form: a list of layers, and what stands behind the last.
pub(super) struct Network {
    pub(super) graph: Graph<f32>,
    lines: Vec<Line>,
    features: usize,
    pub(super) output: Option<Linear>,
    projector: Option<[Linear; 2]>,
    decoder: Option<[Linear; 2]>,
    readers: Vec<Reader>,
    /// What they read, unless the context was lent something else.
    pub(super) episodes: Arc<[Episodes]>,
}

/// What a network is to be built for.
pub(super) struct Purpose<'a> {
    /// One sample.
    pub(super) input: Form,
    /// What it answers by, if it learns to.
    pub(super) loss: Option<&'a LossKind>,
    pub(super) target: TargetForm,
    /// How many numbers are known of a sample: its classes, its values; none if what it is to tell is drawn anew each time.
    pub(super) known: Option<usize>,
    /// What compares views, if it learns without labels.
    pub(super) projector: Option<ProjectorConfig>,
    /// What restores images, if it learns to.
    pub(super) decoder: Option<DecoderConfig>,
    pub(super) seed: u64,
}

impl Network {
    /// The network, and its first weights.
    pub(super) fn new(config: &LayersModelConfig, purpose: &Purpose<'_>) -> Result<(Self, Parameters<f32>), Error> {
        let builder = Builder::new(Streams::new(purpose.seed));
        let names = config.layers.iter().filter_map(|layer| layer.name.as_deref());
        if let Some(name) = names.into_iter().find(|name| [OUTPUT, PROJECTOR, DECODER].contains(name)) {
            let message = format!("layers: {name:?} is the name of what stands behind the layers; choose another");
            return Err(Error::config(message));
        }
        let layers = episodes::completed(&config.layers, purpose.known)?;
        let graph = Graph::new(&layers, &purpose.input, &builder)?;
        let readers = episodes::readers(&layers, graph.lines(), &purpose.input);
        let last = graph.lines().last().map_or("input", |line| line.name.as_str()).to_owned();
        let Some(features) = graph.output().as_features() else {
            let reached = graph.output();
            return Err(Error::config(format!(
                "layers: {last} gives {reached}, but the read-out takes a row of features; end with {{kind: flatten}} or \
                 {{kind: global-avg-pool}}"
            )));
        };
        let mut lines = graph.lines().to_vec();
        let mut linear = |at: &Builder, from: &str, inputs: usize, outputs: usize, initializer| {
            let layer = Linear::new(at, inputs, outputs, initializer)?;
            lines.push(Line {
                name: at.path().to_owned(),
                kind: "linear",
                from: vec![from.to_owned()],
                output: Form::features(outputs),
                parameters: inputs * outputs + outputs,
                macs: (inputs * outputs) as u64,
            });
            Ok::<_, Error>(layer)
        };
        let projector = match purpose.projector {
            None => None,
            Some(ProjectorConfig { hidden, units }) => {
                let at = builder.child(PROJECTOR)?;
                let first = linear(&at.child("hidden")?, &last, features, hidden, Initializer::HE_NORMAL)?;
                let second = at.child("units")?;
                Some([first, linear(&second, "projector/hidden", hidden, units, Initializer::XavierUniform)?])
            }
        };
        let decoder = match purpose.decoder {
            None => None,
            Some(DecoderConfig { hidden }) => {
                let at = builder.child(DECODER)?;
                let first = linear(&at.child("hidden")?, &last, features, hidden, Initializer::HE_NORMAL)?;
                let (second, pixels) = (at.child("pixels")?, purpose.input.len());
                Some([first, linear(&second, "decoder/hidden", hidden, pixels, Initializer::XavierUniform)?])
            }
        };
        let output = match purpose.loss {
            None => None,
            Some(loss) => {
                let outputs = loss.outputs(&purpose.target)?;
                Some(linear(&builder.child(OUTPUT)?, &last, features, outputs, config.output)?)
            }
        };
        let episodes = Arc::default();
        Ok((Self { graph, lines, features, output, projector, decoder, readers, episodes }, builder.finish()))
    }

    /// All layers, and what stands behind the last.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The layers of the list.
    pub(super) fn listed(&self) -> &[Line] {
        self.graph.lines()
    }

    /// Length of an embedding: what the last layer gives.
    pub(super) fn features(&self) -> usize {
        self.features
    }

    /// Numbers that the read-out gives for each sample; 0 without one.
    pub(super) fn outputs(&self) -> usize {
        self.output.as_ref().map_or(0, Linear::outputs)
    }

    /// Paths of what learns: the layers, and what is behind them: [`OUTPUT`], [`PROJECTOR`] or [`DECODER`].
    pub(super) fn learns(&self, behind: &'static str) -> Vec<&str> {
        let layers = self.graph.lines().iter().map(|line| line.name.as_str());
        layers.chain([behind]).collect()
    }

    /// The episodic layers.
    pub(super) fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// `[B, features]`
    pub(super) fn embed<'t>(&self, x: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        if !self.readers.is_empty() && !ctx.has_episodes() {
            ctx.set_episodes(Arc::clone(&self.episodes));
        }
        Ok(self.graph.forward(x, ctx)?)
    }

    /// `[B, outputs]`
    pub(super) fn forward<'t>(&self, x: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let features = self.embed(x, ctx)?;
        let output = self.output.as_ref().ok_or_else(unlabelled)?;
        Ok(output.forward(features, ctx)?)
    }

    /// `[B, units]`: in what views are compared.
    pub(super) fn project<'t>(&self, x: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        behind(self.embed(x, ctx)?, self.projector.as_ref(), PROJECTOR, ctx)
    }

    /// `[B, pixels]`: the images restored.
    pub(super) fn restore<'t>(&self, x: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        behind(self.embed(x, ctx)?, self.decoder.as_ref(), DECODER, ctx)
    }
}

/// One hidden layer with ReLU, then linear.
fn behind<'t>(
    features: Var<'t, f32>,
    layers: Option<&[Linear; 2]>,
    name: &str,
    ctx: &mut Context<'t, f32>,
) -> Result<Var<'t, f32>, Error> {
    let [hidden, last] = layers.ok_or_else(|| Error::config(format!("the network was built without a {name}")))?;
    let hidden = hidden.forward(features, ctx)?.relu()?;
    Ok(last.forward(hidden, ctx)?)
}

/// Asked for what it never learned.
pub(super) fn unlabelled() -> Error {
    Error::config(
        "the network has learned no classes and no values: its configuration has no stage `supervise`, `predictive-coding` or \
         `feedback-alignment`",
    )
}
