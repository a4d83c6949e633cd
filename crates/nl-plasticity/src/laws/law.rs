//! The list of laws, and the macro that makes a test of each.

use nl_neuron::Real;

use super::connection::{copies, dense_sparse, locality, permutation, untouched};
use super::modulation::{gate, rate_linear, rate_zero};
use super::state::{forgetting, refusal, resume, settle};
use super::timing::{axonal_delay, coincidence, dendritic_delay, pairs, refinement, time_shift, window};
use super::weights::{bounds, silence, skipping};
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::PlasticityRule;

macro_rules! laws {
    ($($law:ident => $check:ident,)*) => {
        /// The laws that every spike-driven rule is asked to obey; each is the function of the same name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Law {
            $($law,)*
        }

        impl Law {
            /// All of them, in the order of `docs/laws.md`.
            pub const ALL: &[Self] = &[$(Self::$law),*];

            /// The law's name: that of its function.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$law => stringify!($check),)*
                }
            }

            /// Tries this law on the rule that `family` describes.
            ///
            /// # Errors
            /// The violation, with its shortest example.
            pub fn check<F: Real, R: PlasticityRule<F>>(
                self,
                family: &impl Fn(&Knobs) -> Subject<F, R>,
                config: &Config,
            ) -> Result<Cases, Box<Violation>> {
                match self {
                    $(Self::$law => $check(family, config),)*
                }
            }
        }
    };
}

laws! {
    Bounds => bounds,
    Silence => silence,
    Skipping => skipping,
    Untouched => untouched,
    Window => window,
    Coincidence => coincidence,
    Pairs => pairs,
    TimeShift => time_shift,
    Refinement => refinement,
    AxonalDelay => axonal_delay,
    DendriticDelay => dendritic_delay,
    Permutation => permutation,
    Locality => locality,
    Copies => copies,
    DenseSparse => dense_sparse,
    RateZero => rate_zero,
    RateLinear => rate_linear,
    Gate => gate,
    Resume => resume,
    Settle => settle,
    Forgetting => forgetting,
    Refusal => refusal,
}

/// Tries a law, or, if the rule is exempt from it, makes sure that the exemption is still needed.
///
/// # Errors
/// The violation; or the exemption, if the law holds after all.
pub fn verify<F: Real, R: PlasticityRule<F>>(
    law: Law,
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    exempt: &[(Law, &'static str)],
) -> Result<Cases, Box<Violation>> {
    let who = || (family(&Knobs::default()).build)(nl_units::Ms(1.0)).name().to_owned();
    nl_laws::verify((law, law.name()), who, exempt, &Config::default(), |config| law.check(family, config))
}

/// Makes a module with one `#[test]` for each [`Law`](crate::laws::Law), for the rule that a function of
/// [`Knobs`](crate::laws::Knobs) describes. An exemption needs a reason, and is an error once the law holds.
///
/// ```
/// use nl_plasticity::laws::{Knobs, Subject};
/// use nl_plasticity::{PairStdp, PairStdpParameters};
///
/// fn my_rule(knobs: &Knobs) -> Subject<f64, PairStdp<f64>> {
///     let p = PairStdpParameters { a_plus: knobs.scale(0, 0.01), ..PairStdpParameters::default() };
///     Subject::new(move |dt| PairStdp::new(p, dt).expect("valid")).bounds(p.w_min, p.w_max)
/// }
///
/// nl_plasticity::stdp_laws!(mod my_rule_laws, my_rule, exempt: [
///     Window = "the window is not claimed",
///     Coincidence = "the window is not claimed",
///     Pairs = "the window is not claimed",
/// ]);
/// ```
#[macro_export]
macro_rules! stdp_laws {
    ($vis:vis mod $name:ident, $family:expr $(, exempt: [$($law:ident = $reason:expr),* $(,)?])? $(,)?) => {
        #[cfg(test)]
        $vis mod $name {
            #[allow(unused_imports)]
            use super::*;

            pub(crate) const EXEMPT: &[($crate::laws::Law, &str)] = &[$($(($crate::laws::Law::$law, $reason)),*)?];

            pub(crate) fn check(
                law: $crate::laws::Law,
            ) -> Result<$crate::laws::Cases, Box<$crate::laws::Violation>> {
                // Behind a pointer, so that subjects of one type share their code.
                let family: &dyn Fn(&$crate::laws::Knobs) -> $crate::laws::Subject<_, _> = &$family;
                $crate::laws::verify(law, &family, EXEMPT)
            }

            $crate::stdp_laws!(@tests
                bounds = Bounds, silence = Silence, skipping = Skipping, untouched = Untouched, window = Window,
                coincidence = Coincidence, pairs = Pairs, time_shift = TimeShift, refinement = Refinement,
                axonal_delay = AxonalDelay, dendritic_delay = DendriticDelay, permutation = Permutation,
                locality = Locality, copies = Copies, dense_sparse = DenseSparse, rate_zero = RateZero,
                rate_linear = RateLinear, gate = Gate, resume = Resume, settle = Settle, forgetting = Forgetting,
                refusal = Refusal
            );
        }
    };
    (@tests $($test:ident = $law:ident),*) => {
        /// The laws this module has a test for.
        pub(crate) const TESTED: &[$crate::laws::Law] = &[$($crate::laws::Law::$law),*];

        $(
            #[test]
            fn $test() {
                if let Err(violation) = check($crate::laws::Law::$law) {
                    panic!("{violation}");
                }
            }
        )*

        #[test]
        fn every_law_has_a_test() {
            assert_eq!(TESTED, $crate::laws::Law::ALL);
        }
    };
}
