//! One model, one file; each opens with its equation.

mod adex;
mod alif;
mod coba;
mod cuba_alpha;
mod cuba_exp;
mod diehl_cook;
mod eif;
mod gif;
mod hodgkin_huxley;
mod integrate_and_fire;
mod integrated;
mod izhikevich;
mod lif;
mod mat2;
mod morris_lecar;
mod qif;
mod srm0;
mod traub_miles;

pub use alif::{Alif, AlifDynamics, AlifParameters, AlifState};
pub use coba::{Coba, CobaParameters, CobaState, ConductanceScheme};
pub use cuba_alpha::{CubaAlpha, CubaAlphaParameters, CubaAlphaState};
pub use cuba_exp::{CubaExp, CubaExpParameters, CubaExpState, CubaLifDynamics};
pub use diehl_cook::{DiehlCook, DiehlCookInput, DiehlCookParameters, DiehlCookState};
pub use gif::{Gif, GifParameters, GifState};
pub use integrate_and_fire::{IntegrateAndFire, IntegrateAndFireParameters, IntegrateAndFireState};
pub use lif::{Drive, Lif, LifDynamics, LifParameters, LifState, Reset};
pub use mat2::{Mat2, Mat2Parameters, Mat2State};
pub use srm0::{Srm0, Srm0Parameters, Srm0State};

pub use adex::{AdEx, AdExParameters, AdExState};
pub use eif::{Eif, EifParameters, EifState};
pub use hodgkin_huxley::{HodgkinHuxley, HodgkinHuxleyParameters, HodgkinHuxleyState};
pub use izhikevich::{Izhikevich, IzhikevichParameters, IzhikevichPreset, IzhikevichScheme, IzhikevichState};
pub use morris_lecar::{MorrisLecar, MorrisLecarParameters, MorrisLecarState};
pub use qif::{Qif, QifParameters, QifState};
pub use traub_miles::{TraubMiles, TraubMilesParameters, TraubMilesState};
