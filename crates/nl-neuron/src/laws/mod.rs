//! The laws of neuron models as property tests, for a model of your own (feature `laws`).
//!
//! Describe the model once as a [`Subject`], a function of [`Knobs`] that jitter its parameters; then each [`Law`] runs it
//! on random pulses of input and, if it fails, shrinks them to the shortest counter-example, which [`Violation`] draws as
//! a spike raster. [`neuron_laws!`](crate::neuron_laws) makes one test a law; `docs/laws-of-neurons.md` states each:
//!
//! ```
//! use nl_neuron::laws::{Config, Knobs, Law, Subject};
//! use nl_neuron::{Lif, LifParameters, Ms};
//!
//! let lif = |_: &Knobs| Subject::new(|dt| Lif::<f64>::new(LifParameters::default(), dt), 0.0..=800.0);
//! let family = |knobs: &Knobs| lif(knobs).t_ref(Ms(2.0));
//! assert!(Law::Refractory.check(&family, &Config::default())?.0 > 0);
//!
//! // A wrong claim: t_ref is 2 ms, not 3.
//! let violation = Law::Refractory.check(&|knobs: &Knobs| lif(knobs).t_ref(Ms(3.0)), &Config::default()).unwrap_err();
//! assert!(violation.to_string().contains("law `refractory` is broken by lif"), "{violation}");
//! # Ok::<(), Box<nl_neuron::laws::Violation>>(())
//! ```

mod case;
mod run;
mod subject;
mod violation;

mod identity;
mod response;
mod slow;
mod timing;

mod law;

pub use case::{Case, Pulse, cases, spike_trains};
pub use identity::{determinism, permutation, refusal, resume, splitting};
pub use law::{Law, verify};
pub use nl_laws::{Cases, Config, Knobs};
pub use response::{finite, lif_closed_form, monotone, refractory, silence};
pub use slow::slow_decay;
pub use subject::{Convergence, Drive, Subject};
pub use timing::{order, refinement, time_shift};
pub use violation::{Example, Violation, raster};
