//! Layers of spiking neurons over sequences `[T, B, n]`, trained by surrogate gradients.
//!
//! A layer holds no weights to its input: those are a `linear` or a convolution before it, so that a product is computed once for all
//! steps, and over spikes only where they are few. Equations are those of nl-neuron ([`Dynamics`](nl_neuron::dynamics::Dynamics)).

mod alif;
mod cuba_lif;
mod leaky_integrator;
mod lif;
mod neuron;
mod op;
mod parameter;
mod pool_steps;
mod repeat;

pub(crate) use leaky_integrator::LeakyIntegratorConfig;
pub(crate) use pool_steps::PoolStepsConfig;
pub(crate) use repeat::RepeatConfig;

pub use alif::AlifConfig;
pub use cuba_lif::CubaLifConfig;
pub use leaky_integrator::LeakyIntegrator;
pub use lif::LifConfig;
pub use neuron::{Learned, SpikingInput, SpikingNeuron};
pub use parameter::Per;

use std::sync::Arc;

use nl_autodiff::{CustomOp, Scalar, Var};
use nl_neuron::dynamics::Scan;
use nl_neuron::{Ms, Surrogate, SurrogateKind};
use serde::{Deserialize, Serialize};

use self::parameter::Parameter;
use crate::error::At;
use crate::graph::{Built, LayerConfig, only, product};
use crate::{Builder, Context, Error, Initializer, Layer, ParameterId, Role};

/// A layer of spiking neurons in a configuration: `{kind: spiking, neuron: {kind: lif, tau_m: 20}}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SpikingConfig {
    /// The equations, and their parameters.
    #[serde(default)]
    pub neuron: SpikingNeuron,
    /// The time step.
    #[serde(default = "one_ms")]
    pub dt: Ms,
    /// How long a neuron is held after a spike (absolute refractory period): a whole number of steps.
    #[serde(default)]
    pub t_ref: Ms,
    /// What stands for the derivative of the step function.
    #[serde(default)]
    pub surrogate: SurrogateKind,
    /// Whether no gradient goes through the reset.
    #[serde(default)]
    pub detach_reset: bool,
    /// Whether spikes come back to all neurons of the layer one step later, through learned weights.
    #[serde(default)]
    pub recurrent: bool,
    /// Truncated back-propagation through time: after so many steps the gradient stops. Without it, it goes through all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncate: Option<usize>,
    /// Parameters of the neuron that are learned; the others stay as they are given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub learn: Vec<Learned>,
    /// Of what is learned, one value for the layer or one for each neuron.
    #[serde(default)]
    pub per: Per,
}

impl Default for SpikingConfig {
    fn default() -> Self {
        Self {
            neuron: SpikingNeuron::default(),
            dt: one_ms(),
            t_ref: Ms(0.0),
            surrogate: SurrogateKind::default(),
            detach_reset: false,
            recurrent: false,
            truncate: None,
            learn: Vec::new(),
            per: Per::default(),
        }
    }
}

const fn one_ms() -> Ms {
    Ms(1.0)
}

/// A layer of spiking neurons: s\[t\] = Θ(excess(u\[t\])), u\[t\] one step of the neuron's equation on x\[t\] (+ U s\[t − 1\]).
///
/// | | shape |
/// |---|---|
/// | input, output | `[T, B, n]`, or `[T, B, C, H, W]` with n = C · H · W neurons; spikes are 0 or 1 |
/// | U (`recurrent/weight`) | `[n, n]` |
/// | what is learned of the neuron, by its name | `[1]` or `[n]` |
///
/// On the way back ∂Θ is the slope of the surrogate; who is held in its refractory period counts as given. In a context [with smooth
/// spikes](Context::with_smooth_spikes) Θ is the surrogate's primitive, and gradients equal finite differences. Second derivatives
/// are refused. The state begins at rest with each sequence.
///
/// Sources: Neftci, Mostafa & Zenke, "Surrogate gradient learning in spiking neural networks", 2019, sec. III; learned time constants:
/// Fang et al., "Incorporating learnable membrane time constant", 2021, eq. 8 (decay = σ(w)).
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::{Builder, Context, Layer, Mode, Parameters, Spiking, SpikingConfig};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let layer = Spiking::<f32>::new(&builder.child("lif")?, 2, &SpikingConfig::default())?;
/// let (parameters, tape) = (builder.finish(), Tape::new());
/// let x = tape.constant(Tensor::new(&[3, 1, 2], vec![1.5, 0.3, 0.0, 0.4, 0.0, 0.5])?);
/// let spikes = layer.forward(x, &mut Context::new(&tape, &parameters, Mode::Eval))?;
/// assert_eq!(spikes.value().as_slice(), [1.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Spiking<S> {
    path: String,
    neurons: usize,
    parameters: Vec<Parameter>,
    recurrent: Option<ParameterId>,
    /// With Θ, and with the surrogate's primitive.
    ops: [Arc<dyn CustomOp<S>>; 2],
}

impl<S: Scalar> Spiking<S> {
    /// A layer of `neurons` neurons.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] for a parameter out of its range or one that the neuron does not have; as [`Builder::parameter`].
    pub fn new(at: &Builder, neurons: usize, config: &SpikingConfig) -> Result<Self, Error> {
        let path = at.path().to_owned();
        let SpikingConfig { neuron, dt, t_ref, surrogate, detach_reset, recurrent, truncate, learn, per } = config;
        let refuse = |message: String| Error::hyperparameter(&path, message);
        let units = |error: nl_neuron::Error| refuse(error.to_string());
        surrogate.check().map_err(units)?;
        if *truncate == Some(0) {
            return Err(refuse("truncate is 0; leave it out to go back through all steps".into()));
        }
        let t_ref = t_ref.steps("spiking", "t_ref", *dt).map_err(units)?;
        let scan = Scan {
            t_ref,
            surrogate: *surrogate,
            detach_reset: *detach_reset,
            smooth: false,
            truncate: truncate.unwrap_or(0),
        };
        let parameters = neuron.parameters(at, neurons, *dt, (learn, *per))?;
        let weight = match recurrent {
            true => {
                let at = at.child("recurrent")?;
                Some(at.parameter("weight", &[neurons, neurons], Role::Weight, Initializer::XavierUniform)?)
            }
            false => None,
        };
        let op = |smooth: bool| neuron.op(Scan { smooth, ..scan }, *recurrent);
        Ok(Self { path, neurons, parameters, recurrent: weight, ops: [op(false), op(true)] })
    }
}

impl LayerConfig for SpikingConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[crate::graph::Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let Some(steps) = form.steps else {
            let help = "spiking layers take sequences; place `repeat`, `latency` or `rows` before it";
            return Err(Error::input(at.path(), "[T, B, n] or [T, B, C, H, W]", &form.batched(1), help));
        };
        let neurons = form.dims.iter().fold(1_usize, |all, &n| all.saturating_mul(n));
        let layer = Spiking::new(at, neurons, self)?;
        let macs = if self.recurrent { product(&[steps.saturating_sub(1), neurons, neurons]) } else { 0 };
        Ok(Built::layer(layer, form.clone(), macs))
    }
}

impl<S: Scalar> Layer<S> for Spiking<S> {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let dims = shape.dims();
        let neurons = dims.get(2..).map_or(0, |axes| axes.iter().product::<usize>());
        if dims.len() < 3 || neurons != self.neurons || dims[0] == 0 {
            let expected = format!("[T, B, {}]", self.neurons);
            return Err(Error::input(&self.path, expected, dims, "pass sequences of one step or more, time first"));
        }
        let flat = x.reshape(&[dims[0], dims[1], neurons]).at(&self.path)?;
        let mut others = [flat; MOST];
        let mut n = 0;
        for parameter in &self.parameters {
            others[n] = parameter.value(ctx).at(&self.path)?;
            n += 1;
        }
        if let Some(weight) = self.recurrent {
            others[n] = ctx.parameter(weight);
            n += 1;
        }
        let op = Arc::clone(&self.ops[usize::from(ctx.has_smooth_spikes())]);
        flat.custom(op, &others[..n]).and_then(|spikes| spikes.reshape(dims)).at(&self.path)
    }
}

/// Parameters of a neuron, and its weight, at most.
const MOST: usize = 12;
