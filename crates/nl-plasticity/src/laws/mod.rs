//! The laws of learning rules as property tests, for a rule of your own (feature `laws`).
//!
//! Describe the rule once as a [`Subject`], a function of [`Knobs`] that jitter its parameters; then each [`Law`] shows it
//! random spike trains on random connections and, if it fails, shrinks them to the shortest counter-example, which
//! [`Violation`] draws as a spike raster. [`stdp_laws!`](crate::stdp_laws) makes one test a law:
//!
//! ```
//! use nl_plasticity::laws::{Config, Law, Subject};
//! use nl_plasticity::{Ms, PairStdp, PairStdpParameters};
//!
//! let rule = |dt: Ms| PairStdp::<f64>::new(PairStdpParameters::default(), dt).expect("valid");
//! let cases = Law::Bounds.check(&|_| Subject::new(rule).bounds(0.0, 1.0), &Config::default())?;
//! assert!(cases.0 > 0);
//! # Ok::<(), Box<nl_plasticity::laws::Violation>>(())
//! ```
//!
//! Each law is stated as mathematics in `docs/laws.md`.

mod case;
mod run;
mod subject;

mod connection;
mod modulation;
mod state;
mod timing;
mod weights;

mod gradient;
mod law;
mod limits;
mod rates;

pub use case::Case;
pub use connection::{copies, dense_sparse, locality, permutation, untouched};
pub use gradient::{Filters, gradient};
pub use law::{Law, verify};
pub use limits::{equal, target_rate};
pub use modulation::{gate, rate_linear, rate_zero};
pub use nl_laws::{Cases, Config, Knobs};
pub use rates::{principal_components, selectivity, sliding_threshold};
pub use state::{forgetting, refusal, resume, settle};
pub use subject::Subject;
pub use timing::{axonal_delay, coincidence, dendritic_delay, pairs, refinement, time_shift, window};
pub use weights::{bounds, silence, skipping};

/// A broken law, with the shortest spike trains and connection that show it.
pub type Violation = nl_laws::Violation<Case>;
