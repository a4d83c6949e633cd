//! Differentiable layers over one flat, named parameter store; event-driven networks of spiking neurons.
//!
//! A [`Builder`] declares parameters while layers are built and hands over the [`Parameters`]; a [`Layer`] maps a
//! variable to a variable within a [`Context`] that knows the tape, the parameters and the noise. Spiking
//! populations, their synapses and learning rules meet in a [`network`]; [`competitive`] and [`conv_stdp`] are layers that
//! learn by spikes.

#![forbid(unsafe_code)]

mod parameters;

mod builder;
mod initializers;

mod context;
mod layer;

mod conv;
mod linear;
mod pool;

mod activation;
mod dropout;
mod norm;

mod gate;

mod flatten;
mod sequential;

pub mod network;

pub mod competitive;

pub mod conv_stdp;

mod error;

pub use nl_autodiff::BlockPool;

pub use activation::Activation;
pub use builder::Builder;
pub use context::{Context, Mode, Noise, Recording};
pub use conv::{Conv2d, ConvBlock, ConvTranspose2d};
pub use dropout::Dropout;
pub use error::Error;
pub use flatten::Flatten;
pub use gate::ChannelGate;
pub use initializers::{Fan, Fans, Initializer};
pub use layer::Layer;
pub use linear::Linear;
pub use norm::{GroupNorm, LayerNorm};
pub use parameters::{Entry, ParameterId, Parameters, Role};
pub use pool::{AvgPool2d, MaxPool2d};
pub use sequential::Sequential;
