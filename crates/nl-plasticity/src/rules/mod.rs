//! One rule, one file; each opens with its equation.

mod pair;

pub use pair::{Coincidence, PairStdp, PairStdpParameters, PairStdpState};
