#![doc = include_str!("../README.md")]

mod spikes;

mod model;
mod receptor;

pub mod dynamics;
mod exact;
pub mod integrate;
mod lane;
mod models;
pub mod slow;
mod surrogates;

#[cfg(feature = "laws")]
pub mod laws;

pub use model::{NeuronModel, NotFinite, PopulationState, Real};
pub use models::{Drive, IntegrateAndFire, IntegrateAndFireParameters, IntegrateAndFireState};
pub use models::{Lif, LifDynamics, LifParameters, LifState, Reset};
pub use receptor::{InputChannel, ReceptorKind};

pub use models::{Coba, CobaParameters, CobaState, ConductanceScheme};
pub use models::{
    CubaAlpha, CubaAlphaParameters, CubaAlphaState, CubaExp, CubaExpParameters, CubaExpState, CubaLifDynamics,
};

pub use models::{Alif, AlifDynamics, AlifParameters, AlifState, Mat2, Mat2Parameters, Mat2State};
pub use models::{DiehlCook, DiehlCookInput, DiehlCookParameters, DiehlCookState};
pub use models::{Gif, GifParameters, GifState, Srm0, Srm0Parameters, Srm0State};

pub use models::{AdEx, AdExParameters, AdExState, Eif, EifParameters, EifState, Qif, QifParameters, QifState};
pub use models::{Izhikevich, IzhikevichParameters, IzhikevichPreset, IzhikevichScheme, IzhikevichState};

pub use models::{HodgkinHuxley, HodgkinHuxleyParameters, HodgkinHuxleyState};
pub use models::{MorrisLecar, MorrisLecarParameters, MorrisLecarState};
pub use models::{TraubMiles, TraubMilesParameters, TraubMilesState};

pub use nl_kernels::Float;
pub use spikes::{SpikeSet, SpikeTrain};
pub use surrogates::{
    Arctan, Circ, Erf, EscapeRate, Exponential, FastSigmoid, Fourier, LeakyRectangle, LeakyRelu, LogAbs,
    PiecewiseQuadratic, QPseudoSpike, S2nn, Sigmoid, SoftSign, SparseFastSigmoid, StraightThrough, SuperSpike,
    Surrogate, SurrogateKind, SurrogateVisitor, Tanh, Triangle,
};
// What its parameters are written in.
pub use nl_units::{Error, Hz, Ms, Mv, Ns, Pa, Pf, grid};
