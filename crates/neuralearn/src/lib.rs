#![doc = include_str!("../README.md")]

pub use nl_autodiff as autodiff;
pub use nl_brain as brain;
pub use nl_data as data;
pub use nl_encoding as encoding;
pub use nl_kernels as kernels;
pub use nl_layers as layers;
pub use nl_memory as memory;
pub use nl_network as network;
pub use nl_neuron as neuron;
pub use nl_optim as optim;
pub use nl_plasticity as plasticity;
pub use nl_random as random;
pub use nl_report as report;
pub use nl_synapse as synapse;
pub use nl_train as train;
pub use nl_units as units;

/// What most programs need, and nothing that shares a name with another.
pub mod prelude {
    pub use nl_autodiff::{CreateGraph, Reduction, Tape, Tensor, Var, grad};
    pub use nl_brain::{Brain, BrainConfig, Hippocampus, HippocampusConfig, Recalled};
    pub use nl_data::{Augment, Batches, Choice, Images, Lookup, Source, Split, resolve};
    pub use nl_layers::{
        Activation, AvgPool2d, BlockPool, Builder, ChannelGate, Context, Conv2d, ConvBlock, ConvTranspose2d, Dropout,
        Flatten, GroupNorm, Initializer, Layer, LayerNorm, Linear, MaxPool2d, Mode, Noise, Parameters, Role,
        Sequential,
    };
    pub use nl_memory::{EpisodicMemory, MemoryConfig, Metric, RecallBatch, Replacement, Scratch};
    pub use nl_network::{Network, NetworkBuilder, Projection};
    pub use nl_neuron::{Lif, LifParameters, NeuronModel, SpikeSet, SpikeTrain};
    pub use nl_optim::{
        Adam, AdamW, Algorithm, Mask, Momentum, Nesterov, Optimizer, OptimizerConfig, OptimizerState, Plateau, RmsProp,
        Schedule, Sgd, WeightAverage,
    };
    pub use nl_plasticity::{Activity, PairStdp, PairStdpParameters, PlasticityRule};
    pub use nl_random::Streams;
    pub use nl_synapse::{Connection, Csr, Dense, Sparse, Weights};
    pub use nl_train::models::{AssociativeModel, BrainModel, CompetitiveModel, ConvStdpModel, SimulationModel};
    pub use nl_train::{
        Dataset, Document, Engine, Event, Objective, Observer, Run, RunConfig, RunFolder, Shard, Silent, Summary,
        Trained,
    };
    pub use nl_units::{Hz, Ms, Mv};
}
