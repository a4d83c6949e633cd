#![doc = include_str!("../README.md")]
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

mod attention;
mod cbam;
mod gate;
mod transformer;

mod embedding;
mod flatten;
mod join;
mod patches;
mod sequential;

mod feedback;
mod recurrent;
mod steps;

mod hopfield;
mod ntm;
mod working_memory;

pub mod graph;

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
pub use flatten::{Flatten, Rows};
pub use gate::ChannelGate;
pub use initializers::{Fan, Fans, Initializer};
pub use layer::Layer;
pub use linear::Linear;
pub use norm::{GroupNorm, LayerNorm};
pub use parameters::{Entry, ParameterId, Parameters, Role};
pub use pool::{AvgPool2d, GlobalAvgPool, MaxPool2d};
pub use recurrent::{InitialState, Recurrent, RecurrentShape, RecurrentUnit, StepOutput};
pub use sequential::Sequential;
