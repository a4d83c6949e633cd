//! The list of laws, and the macro that makes a test of each.

use super::identity::{determinism, permutation, refusal, resume, splitting};
use super::response::{finite, monotone, refractory, silence};
use super::slow::slow_decay;
use super::timing::{order, refinement, time_shift};
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::{NeuronModel, Real};

macro_rules! laws {
    ($($law:ident => $check:ident,)*) => {
        /// The laws that every neuron model is asked to obey; each is the function of the same name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Law {
            $($law,)*
        }

        impl Law {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$law),*];

            /// The law's name: that of its function.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$law => stringify!($check),)*
                }
            }

            /// Tries this law on the model that `family` describes.
            ///
            /// # Errors
            /// The violation, with its shortest example.
            pub fn check<F: Real, M: NeuronModel<F>>(
                self,
                family: &impl Fn(&Knobs) -> Subject<F, M>,
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
    Refractory => refractory,
    Determinism => determinism,
    Permutation => permutation,
    Splitting => splitting,
    Resume => resume,
    Refusal => refusal,
    Finite => finite,
    Silence => silence,
    Monotone => monotone,
    TimeShift => time_shift,
    Order => order,
    Refinement => refinement,
    SlowDecay => slow_decay,
}

/// Cases a law: each runs a model for hundreds of steps, several times.
const CASES: u32 = 64;

/// Tries a law, or, if the model is exempt from it, makes sure that the exemption is still needed.
///
/// # Errors
/// The violation; or the exemption, if the law holds after all.
pub fn verify<F: Real, M: NeuronModel<F>>(
    law: Law,
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    exempt: &[(Law, &'static str)],
) -> Result<Cases, Box<Violation>> {
    let who = || {
        let subject = family(&Knobs::default());
        (subject.build)(subject.dt).map_or_else(|e| e.to_string(), |model| model.name().to_owned())
    };
    nl_laws::verify((law, law.name()), who, exempt, &Config::of(CASES), |config| law.check(family, config))
}

/// Makes a module with one `#[test]` for each [`Law`](crate::laws::Law), for the model that a function of
/// [`Knobs`](crate::laws::Knobs) describes. An exemption needs a reason, and is an error once the law holds. Each test says
/// on how many cases its law held (`cargo test -- --nocapture`).
///
/// ```
/// use nl_neuron::laws::{Convergence, Knobs, Subject};
/// use nl_neuron::{Lif, LifParameters, Ms};
///
/// fn my_neuron(knobs: &Knobs) -> Subject<f64, Lif<f64>> {
///     let p = LifParameters { tau_m: Ms(knobs.jitter(0, 10.0)), ..LifParameters::default() };
///     Subject::new(move |dt| Lif::new(p, dt), 0.0..=800.0).t_ref(p.t_ref).convergence(Convergence::Exact)
/// }
///
/// nl_neuron::neuron_laws!(mod my_neuron_laws, my_neuron);
/// ```
#[macro_export]
macro_rules! neuron_laws {
    (mod $name:ident, $family:expr $(, exempt: [$($law:ident = $reason:expr),* $(,)?])? $(,)?) => {
        #[cfg(test)]
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            pub(crate) const EXEMPT: &[($crate::laws::Law, &str)] = &[$($(($crate::laws::Law::$law, $reason)),*)?];

            pub(crate) fn check(
                law: $crate::laws::Law,
            ) -> Result<$crate::laws::Cases, Box<$crate::laws::Violation>> {
                $crate::laws::verify(law, &$family, EXEMPT)
            }

            $crate::neuron_laws!(@tests
                refractory = Refractory, determinism = Determinism, permutation = Permutation, splitting = Splitting,
                resume = Resume, refusal = Refusal, finite = Finite, silence = Silence, monotone = Monotone,
                time_shift = TimeShift, order = Order, refinement = Refinement,
                slow_decay = SlowDecay
            );
        }
    };
    (@tests $($test:ident = $law:ident),*) => {
        /// The laws this module has a test for.
        pub(crate) const TESTED: &[$crate::laws::Law] = &[$($crate::laws::Law::$law),*];

        $(
            #[test]
            fn $test() {
                match check($crate::laws::Law::$law) {
                    Ok(cases) => println!("{} cases", cases.0),
                    Err(violation) => panic!("{violation}"),
                }
            }
        )*

        #[test]
        fn every_law_has_a_test() {
            assert_eq!(TESTED, $crate::laws::Law::ALL);
        }
    };
}
