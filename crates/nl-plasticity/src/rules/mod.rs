//! One rule, one file; each opens with its equation.

mod common;

mod diehl_cook;
mod pair;
mod triplet;
mod vogels;

pub use common::{Coincidence, Interaction, TraceState};
pub use diehl_cook::{DiehlCookForm, DiehlCookStdp, DiehlCookStdpParameters, DiehlCookStdpState};
pub use pair::{PairStdp, PairStdpParameters, PairStdpState, Pairing, WeightDependence};
pub use triplet::{TripletStdp, TripletStdpParameters, TripletStdpState};
pub use vogels::{VogelsStdp, VogelsStdpParameters};
