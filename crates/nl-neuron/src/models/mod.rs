//! One model, one file; each opens with its equation.

mod cuba_alpha;
mod cuba_exp;
mod hodgkin_huxley;
mod integrate_and_fire;
mod integrated;
mod izhikevich;
mod lif;

pub use cuba_alpha::{CubaAlpha, CubaAlphaParameters, CubaAlphaState};
pub use cuba_exp::{CubaExp, CubaExpParameters, CubaExpState};
pub use integrate_and_fire::{IntegrateAndFire, IntegrateAndFireParameters, IntegrateAndFireState};
pub use lif::{Drive, Lif, LifParameters, LifState, Reset};

pub use hodgkin_huxley::{HodgkinHuxley, HodgkinHuxleyParameters, HodgkinHuxleyState};
pub use izhikevich::{Izhikevich, IzhikevichParameters, IzhikevichPreset, IzhikevichScheme, IzhikevichState};
