#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod parameters;

mod builder;
mod initializers;

mod context;
mod layer;
mod lesion;

mod conv;
mod linear;
mod local;
mod pool;

mod activation;
mod activity_penalty;
mod batch_norm;
mod divisive_norm;
mod dropout;
mod noise;
mod norm;
mod rms_norm;

mod attention;
mod cbam;
mod gate;
mod lateral;
mod transformer;
mod winner_take_all;

mod embedding;
mod flatten;
mod join;
mod patches;
mod residual;
mod sequential;

mod feedback;
mod recurrent;
mod steps;

mod episodic;
mod hopfield;
mod ntm;
mod working_memory;

mod spiking;

pub mod credit;
pub mod graph;
pub mod loss;

mod error;

pub use nl_autodiff::BlockPool;

pub use activation::Activation;
pub use activity_penalty::ActivityPenalty;
pub use batch_norm::{BatchNorm, BatchNormConfig};
pub use builder::Builder;
pub use context::{Context, Mode, Noise, Recording};
pub use conv::{Conv2d, Conv2dConfig, ConvBlock, ConvTranspose2d};
pub use divisive_norm::DivisiveNorm;
pub use dropout::{Dropout, Dropped};
pub use episodic::{Episodes, EpisodicConfig, EpisodicKernel, EpisodicRead};
pub use error::Error;
pub use flatten::{Flatten, Rows};
pub use gate::ChannelGate;
pub use initializers::{Fan, Fans, Initializer};
pub use lateral::Lateral;
pub use layer::Layer;
pub use lesion::Lesion;
pub use linear::Linear;
pub use local::{Local2d, Local2dConfig};
pub use noise::GaussianNoise;
pub use norm::{GroupNorm, LayerNorm};
pub use parameters::{Entry, ParameterId, Parameters, Role};
pub use pool::{AvgPool2d, GlobalAvgPool, MaxPool2d};
pub use recurrent::{InitialState, Recurrent, RecurrentShape, RecurrentUnit, StepOutput};
pub use residual::Residual;
pub use rms_norm::RmsNorm;
pub use sequential::Sequential;
pub use spiking::{
    AlifConfig, CubaLifConfig, LeakyIntegrator, Learned, LifConfig, Per, Spiking, SpikingConfig, SpikingInput,
    SpikingNeuron,
};
pub use winner_take_all::{KWinnersTakeAll, SoftWinnerTakeAll};
