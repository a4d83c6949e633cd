//! Local learning rules for spiking and rate neurons, with their laws as property tests.
//!
//! A rule is its hyper-parameters discretised with one time step; its traces are a separate state; weights belong to the
//! connection it is shown. A rule sees spikes *at the synapse*: axonal and dendritic delays are the caller's business
//! (see `nl_synapse`), so each rule works with any delay. Steps without spikes may be left out: traces decay when they
//! are touched.
//!
//! ```
//! use nl_plasticity::{Activity, Ms, PairStdp, PairStdpParameters, PlasticityRule};
//! use nl_synapse::{Dense, Weights};
//! let rule = PairStdp::<f32>::new(PairStdpParameters::default(), Ms(1.0))?; // steps of 1 ms
//! let mut synapses = Dense::new(2, 1, vec![0.5, 0.5])?; // two neurons onto one
//! let mut state = rule.state(2, 1, 2)?;
//! for trial in 0..20 {
//!     let start = 200 * trial; // the steps between are silent
//!     rule.step(&mut state, &Activity::spikes(start, &[0], &[]), &mut synapses)?;
//!     rule.step(&mut state, &Activity::spikes(start + 5, &[], &[0]), &mut synapses)?;
//!     rule.step(&mut state, &Activity::spikes(start + 10, &[1], &[]), &mut synapses)?;
//! }
//! let [causal, late] = synapses.weights() else { unreachable!() };
//! assert!(*causal > 0.6 && *late < 0.4); // before the post spike: stronger; after it: weaker
//! # Ok::<(), nl_plasticity::Error>(())
//! ```
//!
//! # The rules
//! x and y are traces of pre and post spikes; w is clipped to the rule's bounds after each change. Each page has the whole
//! equation and says which reading of its source this is.
//!
//! | rule | in short | source |
//! |---|---|---|
//! | [`PairStdp`] | pre: w −= A₋ f₋(w) y; post: w += A₊ f₊(w) x | Song, Miller & Abbott 2000; Morrison et al. 2008 |
//! | [`TripletStdp`] | pre: w −= o₁ (A₂⁻ + A₃⁻ r₂); post: w += r₁ (A₂⁺ + A₃⁺ o₂) | Pfister & Gerstner 2006 |
//! | [`ClopathStdp`] | w' = −A_LTD X [ū₋ − θ₋]₊ + A_LTP x̄ [u − θ₊]₊ [ū₊ − θ₋]₊ | Clopath et al. 2010 |
//! | [`VogelsStdp`] | pre: w += η (y − α); post: w += η x | Vogels et al. 2011 |
//! | [`DiehlCookStdp`] | post: w += η (x − x_tar) (w_max − w)^μ, and two more forms | Diehl & Cook 2015 |
//! | [`DopamineStdp`] | c' = −c/τ_c + STDP; w' = c (d − b) | Izhikevich 2007; Potjans et al. 2010 |
//! | [`Mstdp`] | w += γ r ζ, ζ = P⁺ at post, P⁻ at pre spikes | Florian 2007 |
//! | [`Mstdpet`] | τ_z z' = −z + ζ; w' = γ r z | Florian 2007 |
//! | [`Eprop`] | w −= η L_j ē_ij | Bellec et al. 2020 |
//! | [`Hebb`] | Δw = η x y − λ w | Hebb 1949 |
//! | [`Oja`] | Δw = η y (x − β y w) | Oja 1982 |
//! | [`Sanger`] | Δw_ij = η y_j (x_i − β Σ_{k≤j} w_ik y_k) | Sanger 1989 |
//! | [`Bcm`] | Δw = η x y (y − θ); τ_θ θ' = −θ + y² | Bienenstock, Cooper & Munro 1982 |
//!
//! The first nine see spikes ([`PlasticityRule`]), the last four rates ([`RateRule`]). [`Gated`] multiplies the learning
//! rate of any spike rule by a combination of neuromodulators. Beside them, homeostasis: [`SynapticScaling`],
//! [`WeightNormalisation`], [`AdaptiveThreshold`], [`IntrinsicPlasticity`].

mod error;

mod activity;
mod rate;
mod rule;
mod trace;

mod rules;

mod homeostasis;
mod modulation;

mod kind;

#[cfg(feature = "laws")]
pub mod laws;

pub use activity::{Activity, Modulators};
pub use error::Error;
pub use homeostasis::{AdaptiveThreshold, AdaptiveThresholdParameters, IntrinsicPlasticity, RateEstimate};
pub use homeostasis::{SynapticScaling, SynapticScalingParameters, WeightNormalisation};
pub use kind::{AnyRule, AnyState, RuleKind};
pub use modulation::{
    Gate, Gated, ModulatorParameters, Neuromodulation, NeuromodulationParameters, NeuromodulationState,
};
pub use nl_neuron::{Hz, Ms, Mv, Real};
pub use nl_synapse::Weights;
pub use rate::RateRule;
pub use rule::PlasticityRule;
pub use rules::{Bcm, BcmParameters, BcmState, BcmThreshold, Hebb, HebbParameters, Oja, OjaParameters, Sanger};
pub use rules::{ClopathHomeostasis, ClopathStdp, ClopathStdpParameters, ClopathStdpState, ClopathVoltages};
pub use rules::{Coincidence, Interaction, TraceState};
pub use rules::{DiehlCookForm, DiehlCookStdp, DiehlCookStdpParameters, DiehlCookStdpState};
pub use rules::{DopamineInput, DopamineStdp, DopamineStdpParameters, DopamineStdpState};
pub use rules::{Eprop, EpropAdaptation, EpropParameters, EpropState};
pub use rules::{Mstdp, MstdpParameters, Mstdpet, MstdpetState};
pub use rules::{PairStdp, PairStdpParameters, PairStdpState, Pairing, WeightDependence};
pub use rules::{TripletStdp, TripletStdpParameters, TripletStdpState};
pub use rules::{VogelsStdp, VogelsStdpParameters};
pub use trace::{Decay, Trace};
