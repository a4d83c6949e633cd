//! Spiking neuron models: a whole population advances by one time step in one call, equation first.
//!
//! A model ([`Lif`] …) is its parameters discretised with one time step; what changes over time is a separate
//! structure-of-arrays state; [`NeuronModel::step`] joins them and lists who spiked in a [`SpikeSet`].
//!
//! The order of one step k, from t = k·dt to (k+1)·dt, is the same everywhere: decay and integrate with the input of
//! step k held constant → add the jumps that arrive → compare with the threshold → reset and start the refractory
//! period. A spike of step k is recorded under the index k.
//!
//! ```
//! use nl_neuron::{Lif, LifParameters, Ms, Mv, NeuronModel, SpikeSet, SpikeTrain};
//!
//! let model = Lif::<f32>::new(LifParameters { v_th: Mv(-54.0), ..Default::default() }, Ms(0.1))?;
//! let mut state = model.state(100)?;
//! let mut spikes = SpikeSet::new(100);
//! let mut train = SpikeTrain::new(100);
//! let current: Vec<f32> = (0..100).map(|i| 10.0 * i as f32).collect(); // pA
//! for _ in 0..10_000 {
//!     model.step(&mut state, &current, &mut spikes)?;
//!     train.push_step(spikes.indices())?;
//! }
//! let rates = train.counts(); // of one second, so in Hz
//! assert!(rates[40] == 0 && rates[41] > 0 && rates[99] > 80); // 16 mV / (10 ms / 250 pF) = 400 pA
//! # Ok::<(), nl_neuron::Error>(())
//! ```
//!
//! | model | in short | file in `models/` |
//! |---|---|---|
//! | [`IntegrateAndFire`] | C V' = I | `integrate_and_fire.rs` |
//! | [`Lif`] | τ V' = −(V − E_L) + R I | `lif.rs` |
//! | [`CubaExp`], [`CubaAlpha`] | LIF with synaptic currents that decay, or rise and decay | `cuba_exp.rs`, `cuba_alpha.rs` |
//! | [`Coba`] | LIF with synaptic conductances | `coba.rs` |
//! | [`Alif`] | LIF; V ≥ V_th + β a, each spike raises a | `alif.rs` |
//! | [`Mat2`] | LIF never reset; V ≥ ω + θ₁ + θ₂ | `mat2.rs` |
//! | [`Srm0`] | responses to input and to the last spike, summed | `srm0.rs` |
//! | [`Gif`] | LIF with spike-triggered currents, moving threshold; hazard λ₀ e^((V − V_T)/Δ_V) | `gif.rs` |
//! | [`DiehlCook`] | COBA with an adaptive threshold, for learning digits | `diehl_cook.rs` |
//! | [`Qif`] | τ V' = a₀ (V − V_rest) (V − V_c) + R I | `qif.rs` |
//! | [`Eif`], [`AdEx`] | C V' = −g_L (V − E_L) + g_L Δ_T e^((V − V_T)/Δ_T) + I, AdEx − w | `eif.rs`, `adex.rs` |
//! | [`Izhikevich`] | v' = 0.04 v² + 5 v + 140 − u + I, u' = a (b v − u) | `izhikevich.rs` |
//! | [`HodgkinHuxley`] | C V' = −g_Na m³h (V − E_Na) − g_K n⁴ (V − E_K) − g_L (V − E_L) + I | `hodgkin_huxley.rs` |
//! | [`TraubMiles`] | the same with Traub & Miles' kinetics and conductance synapses | `traub_miles.rs` |
//! | [`MorrisLecar`] | C V' = −g_Ca m_∞ (V − E_Ca) − g_K w (V − E_K) − g_L (V − E_L) + I | `morris_lecar.rs` |

mod error;
pub mod grid;
mod spikes;
mod units;

mod model;
mod receptor;

mod exact;
pub mod integrate;
mod lane;
mod models;
pub mod slow;
mod surrogates;

#[cfg(feature = "laws")]
pub mod laws;

pub use error::Error;
pub use model::{NeuronModel, NotFinite, PopulationState, Real};
pub use models::{Drive, IntegrateAndFire, IntegrateAndFireParameters, IntegrateAndFireState};
pub use models::{Lif, LifParameters, LifState, Reset};
pub use receptor::{InputChannel, ReceptorKind};

pub use models::{Coba, CobaParameters, CobaState, ConductanceScheme};
pub use models::{CubaAlpha, CubaAlphaParameters, CubaAlphaState, CubaExp, CubaExpParameters, CubaExpState};

pub use models::{Alif, AlifParameters, AlifState, Mat2, Mat2Parameters, Mat2State};
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
pub use units::{Hz, Ms, Mv, Ns, Pa, Pf};
