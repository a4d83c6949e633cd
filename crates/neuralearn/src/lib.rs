//! Neuro-inspired learning on the CPU: all crates of the workspace under one name, and a [`prelude`].
//!
//! ```
//! use neuralearn::prelude::*;
//!
//! // Retina to decision: the default brain on two white images.
//! let (brain, parameters) = Brain::new(BrainConfig::default(), Streams::new(1))?;
//! let tape = Tape::new();
//! let mut ctx = Context::new(&tape, &parameters, Mode::Eval);
//! let images = tape.constant(Tensor::full(&[2, 1, 28, 28], 1.0)?);
//! let embedding = brain.encode(images, &mut ctx)?;
//! let logits = brain.classify(embedding, &mut ctx)?;
//! assert_eq!(logits.shape().dims(), [2, 10]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | crate | floor | what it is for |
//! |---|---|---|
//! | [`kernels`] | 0 | SIMD kernels over slices |
//! | [`random`] | 0 | named random streams |
//! | [`autodiff`] | 1 | tensors, tape, gradients of gradients |
//! | [`neuron`] | 1 | spiking neuron models, integrators, surrogate gradients |
//! | [`synapse`] | 2 | connectivity, delays, receptors, short-term plasticity |
//! | [`plasticity`] | 2 | local learning rules and their laws |
//! | [`optim`] | 2 | optimisers, schedules, penalties, clipping |
//! | [`memory`] | 2 | episodic k-nearest-neighbour store |
//! | [`data`] | 2 | datasets, downloads, transforms, procedural digits |
//! | [`layers`] | 3 | differentiable layers, event-driven networks |
//! | [`brain`] | 4 | the regions |
//! | [`train`] | 4 | stages, checkpoints, reports |

pub use nl_autodiff as autodiff;
pub use nl_brain as brain;
pub use nl_data as data;
pub use nl_kernels as kernels;
pub use nl_layers as layers;
pub use nl_memory as memory;
pub use nl_neuron as neuron;
pub use nl_optim as optim;
pub use nl_plasticity as plasticity;
pub use nl_random as random;
pub use nl_synapse as synapse;
pub use nl_train as train;

/// What most programs need.
pub mod prelude {
    pub use nl_autodiff::{CreateGraph, Reduction, Tape, Tensor, Var, grad};
    pub use nl_brain::{Brain, BrainConfig, Hippocampus, HippocampusConfig};
    pub use nl_data::{Augment, Choice, Images, Lookup, Split, resolve};
    pub use nl_layers::network::{Network, NetworkBuilder, Projection};
    pub use nl_layers::{Builder, Context, Initializer, Layer, Mode, Parameters, Role};
    pub use nl_memory::{EpisodicMemory, MemoryConfig};
    pub use nl_neuron::{Hz, Lif, LifParameters, Ms, Mv, NeuronModel, SpikeSet, SpikeTrain};
    pub use nl_optim::{Algorithm, Mask, Optimizer, OptimizerConfig, Schedule};
    pub use nl_plasticity::{Activity, PairStdp, PairStdpParameters, PlasticityRule};
    pub use nl_random::Streams;
    pub use nl_synapse::{Connection, Csr, Dense, Sparse, Weights};
    pub use nl_train::{BrainRun, Engine, Objective, Preset, RunConfig, RunFolder};
}
