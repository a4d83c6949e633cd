//! One rule, one file; each opens with its equation.

mod amplitude;
mod common;
mod eligibility;

mod pair;
mod triplet;

mod clopath;
mod diehl_cook;
mod vogels;

mod dopamine;
mod eprop;
mod florian;

mod bcm;
mod hebb;
mod oja;

pub use amplitude::AmplitudeUnit;
pub use bcm::{Bcm, BcmParameters, BcmState, BcmThreshold};
pub use clopath::{ClopathHomeostasis, ClopathStdp, ClopathStdpParameters, ClopathStdpState, ClopathVoltages};
pub(crate) use common::{Clip, real};
pub use common::{Coincidence, Interaction, TraceState};
pub use diehl_cook::{DiehlCookForm, DiehlCookStdp, DiehlCookStdpParameters, DiehlCookStdpState};
pub use dopamine::{DopamineInput, DopamineStdp, DopamineStdpParameters, DopamineStdpState};
pub use eprop::{Eprop, EpropAdaptation, EpropParameters, EpropState};
pub use florian::{Mstdp, MstdpParameters, Mstdpet, MstdpetState};
pub use hebb::{Hebb, HebbParameters};
pub use oja::{Oja, OjaParameters, Sanger};
pub use pair::{PairStdp, PairStdpParameters, PairStdpState, Pairing, WeightDependence};
pub use triplet::{TripletStdp, TripletStdpParameters, TripletStdpState};
pub use vogels::{VogelsStdp, VogelsStdpParameters};
