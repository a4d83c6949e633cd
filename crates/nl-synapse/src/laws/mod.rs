//! The laws of synapses as property tests, for a connection, a delay or a builder of your own (feature `laws`).
//!
//! A law takes a family: a function that builds what is to be tested from a random [`Case`]. It tries many cases, shrinks
//! the first that fails, and returns a [`Violation`] that shows the smallest counter-example with its spike raster.
//! [`connection_laws!`](crate::connection_laws) makes a test of each law:
//!
//! ```
//! use nl_synapse::laws::{Case, Config, Subject, naive};
//! use nl_synapse::{Csr, Sparse};
//!
//! let family = |case: &Case| {
//!     let csr = Csr::from_edges(case.pre, case.post, &case.edges()).unwrap();
//!     let weights = csr.edges().zip(&case.synapses).map(|(_, s)| s.2 as f32).collect();
//!     Subject::wired(case, Sparse::new(csr, weights).unwrap())
//! };
//! let cases = naive(&family, &Config::default())?;
//! assert!(cases.0 > 0);
//! # Ok::<(), Box<nl_synapse::laws::Violation>>(())
//! ```

mod case;
mod run;

mod degrees;
mod delays;
mod delivery;
mod short_term;
mod weights;

pub use case::{Case, Subject};
pub use degrees::{in_degree, out_degree, probability};
pub use delays::{AtSynapse, Transport, arrival, at_synapse};
pub use delivery::{additive, cut, naive, permutation, refusal, round_trip, scaled};
pub use nl_laws::{Cases, Config};
pub use run::Violation;
pub use short_term::{Release, bounded, differential_form, steady_state};
pub use weights::{in_place, limits, normalised, views};

/// Name and statement of every law, in the order of `docs/laws-of-synapses.md`.
pub const ALL: [(&str, &str); 19] = [
    delivery::NAIVE,
    delivery::ADDITIVE,
    delivery::SCALED,
    delivery::CUT,
    delivery::PERMUTATION,
    delivery::REFUSAL,
    delivery::ROUND_TRIP,
    weights::VIEWS,
    weights::IN_PLACE,
    weights::LIMITS,
    weights::NORMALISED,
    delays::ARRIVAL,
    delays::AT_SYNAPSE,
    short_term::BOUNDED,
    short_term::STEADY_STATE,
    short_term::DIFFERENTIAL,
    degrees::IN_DEGREE,
    degrees::OUT_DEGREE,
    degrees::PROBABILITY,
];

/// One test for each law: `connection_laws!(name, family)` for a [`Connection`](crate::Connection) of any wiring, with
/// `wired` before the name if it has just the synapses of the case, and `weights` if it is also a
/// [`Weights`](crate::Weights) connection.
///
/// `family` is an expression of type `impl Fn(&Case) -> Subject<F, C>`. Needs `F: Real` to be clear from it.
#[macro_export]
macro_rules! connection_laws {
    ($name:ident, $family:expr) => {
        $crate::connection_laws!(@tests $name, $family, [naive, additive, scaled, cut, refusal, round_trip]);
    };
    (wired $name:ident, $family:expr) => {
        $crate::connection_laws!(
            @tests $name, $family, [naive, additive, scaled, cut, refusal, round_trip, permutation]
        );
    };
    (weights $name:ident, $family:expr) => {
        $crate::connection_laws!(
            @tests $name, $family,
            [naive, additive, scaled, cut, refusal, round_trip, permutation, views, in_place, limits, normalised]
        );
    };
    (@tests $name:ident, $family:expr, [$($law:ident),*]) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(
                #[test]
                fn $law() {
                    if let Err(violation) = $crate::laws::$law(&$family, &$crate::laws::Config::default()) {
                        panic!("{violation}");
                    }
                }
            )*
        }
    };
}
