#![doc = include_str!("../README.md")]

mod error;
mod memory;

mod activity;
mod rate;
mod rule;
mod trace;
mod view;

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
pub use nl_neuron::Real;
pub use nl_synapse::Weights;
pub use nl_units::{Hz, Ms, Mv};
pub use rate::RateRule;
pub use rule::PlasticityRule;
pub use rules::AmplitudeUnit;
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
pub use view::{TraceOf, TraceValues};
