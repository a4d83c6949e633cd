//! Spiking neuron models: a whole population advances by one time step in one call, equation first.
//!
//! A model ([`Lif`] …) is its parameters discretised with one time step; what changes over time is a separate
//! structure-of-arrays state; [`NeuronModel::step`] joins them and lists who spiked in a [`SpikeSet`].
//!
//! The order of one step k, from t = k·dt to (k+1)·dt, is the same everywhere: decay and integrate with the input of
//! step k held constant → add the jumps that arrive → compare with the threshold → reset and start the refractory
//! period. A spike of step k is recorded under the index k.

mod error;
mod spikes;
mod units;

mod model;

mod exact;
pub mod integrate;
mod models;
mod surrogates;

#[cfg(feature = "laws")]
pub mod laws;

pub use error::Error;
pub use model::{NeuronModel, PopulationState, Real};
pub use models::{AdEx, AdExParameters, AdExState, Eif, EifParameters, EifState, Qif, QifParameters, QifState};
pub use models::{
    Alif, AlifParameters, AlifState, Coba, CobaParameters, CobaState, ConductanceScheme, CubaAlpha,
    CubaAlphaParameters, CubaAlphaState, CubaExp, CubaExpParameters, CubaExpState, DiehlCook, DiehlCookInput,
    DiehlCookParameters, DiehlCookState, Gif, GifParameters, GifState, IntegrateAndFire, IntegrateAndFireParameters,
    IntegrateAndFireState, Mat2, Mat2Parameters, Mat2State, Srm0, Srm0Parameters, Srm0State,
};
pub use models::{Drive, Lif, LifParameters, LifState, Reset};
pub use models::{HodgkinHuxley, HodgkinHuxleyParameters, HodgkinHuxleyState};
pub use models::{Izhikevich, IzhikevichParameters, IzhikevichPreset, IzhikevichScheme, IzhikevichState};
pub use models::{
    MorrisLecar, MorrisLecarParameters, MorrisLecarState, TraubMiles, TraubMilesParameters, TraubMilesState,
};
pub use nl_kernels::Float;
pub use spikes::{SpikeSet, SpikeTrain};
pub use surrogates::{
    Arctan, Circ, Erf, EscapeRate, Exponential, FastSigmoid, Fourier, LeakyRectangle, LeakyRelu, LogAbs,
    PiecewiseQuadratic, QPseudoSpike, S2nn, Sigmoid, SoftSign, SparseFastSigmoid, StraightThrough, SuperSpike,
    Surrogate, SurrogateKind, SurrogateVisitor, Tanh, Triangle,
};
pub use units::{Hz, Ms, Mv, Ns, Pa, Pf};
