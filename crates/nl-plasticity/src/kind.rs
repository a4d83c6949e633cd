//! The one table of spike rules: a new rule joins here.

use nl_neuron::Real;
use nl_synapse::Weights;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use crate::rules::{
    ClopathStdp, ClopathStdpParameters, DiehlCookStdp, DiehlCookStdpParameters, DopamineStdp, DopamineStdpParameters,
    Eprop, EpropParameters, Mstdp, MstdpParameters, Mstdpet, PairStdp, PairStdpParameters, TripletStdp,
    TripletStdpParameters, VogelsStdp, VogelsStdpParameters,
};
use crate::{Activity, Error, PlasticityRule, TraceValues};

macro_rules! table {
    ($($variant:ident $name:literal: $parameters:ident => $rule:ident;)*) => {
        /// A spike rule by name, with its parameters, as a configuration file has it: `{kind: pair-stdp, a_plus: 0.02}`.
        ///
        /// ```
        /// use nl_plasticity::{Ms, PairStdpParameters, PlasticityRule, RuleKind};
        /// let text = r#"{"kind": "pair-stdp", "a_plus": 0.02, "pairing": "restricted"}"#;
        /// let kind: RuleKind = serde_json::from_str(text)?;
        /// assert_eq!(kind.name(), "pair-stdp");
        /// let rule = kind.build::<f32>(Ms(1.0))?;
        /// assert_eq!(PlasticityRule::<f32>::name(&rule), kind.name());
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum RuleKind {
            $(#[doc = concat!("[`", stringify!($rule), "`].")] $variant($parameters),)*
        }

        impl RuleKind {
            /// The names that a configuration file may use.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// Every rule with its default parameters.
            #[must_use]
            pub fn all() -> Vec<Self> {
                vec![$(Self::$variant($parameters::default())),*]
            }

            /// Its name, in a configuration file and in messages.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The rule, discretised with `dt`.
            ///
            /// # Errors
            /// As the rule's own constructor.
            pub fn build<F: Real>(self, dt: Ms) -> Result<AnyRule<F>, Error> {
                Ok(match self { $(Self::$variant(p) => AnyRule::$variant($rule::new(p, dt)?),)* })
            }
        }

        /// Any rule of the table: what a configuration file becomes; see [`RuleKind::build`].
        #[derive(Debug, Clone, PartialEq)]
        #[allow(missing_docs)]
        pub enum AnyRule<F = f32> {
            $($variant($rule<F>),)*
        }

        /// State of [`AnyRule`].
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(bound = "F: Real")]
        #[allow(missing_docs)]
        pub enum AnyState<F: Real> {
            $($variant(<$rule<F> as PlasticityRule<F>>::State),)*
        }

        impl<F: Real> PlasticityRule<F> for AnyRule<F> {
            type State = AnyState<F>;

            fn name(&self) -> &'static str {
                match self { $(Self::$variant(rule) => rule.name(),)* }
            }

            fn dt(&self) -> Ms {
                match self { $(Self::$variant(rule) => rule.dt(),)* }
            }

            fn bounds(&self) -> Option<(F, F)> {
                match self { $(Self::$variant(rule) => rule.bounds(),)* }
            }

            fn step_size(&self) -> Option<f64> {
                match self { $(Self::$variant(rule) => rule.step_size(),)* }
            }

            /// None for the state of another rule.
            fn traces(&self, state: &AnyState<F>, now: u64) -> Vec<TraceValues<F>> {
                match (self, state) {
                    $((Self::$variant(rule), AnyState::$variant(state)) => rule.traces(state, now),)*
                    _ => Vec::new(),
                }
            }

            fn state(&self, pre: usize, post: usize, synapses: usize) -> Result<AnyState<F>, Error> {
                Ok(match self { $(Self::$variant(rule) => AnyState::$variant(rule.state(pre, post, synapses)?),)* })
            }

            fn step<W: Weights<F>>(
                &self,
                state: &mut AnyState<F>,
                activity: &Activity<'_, F>,
                weights: &mut W,
            ) -> Result<(), Error> {
                match (self, state) {
                    $((Self::$variant(rule), AnyState::$variant(state)) => rule.step(state, activity, weights),)*
                    _ => Err(Error::State { rule: self.name() }),
                }
            }

            fn settle<W: Weights<F>>(&self, state: &mut AnyState<F>, now: u64, weights: &mut W) -> Result<(), Error> {
                match (self, state) {
                    $((Self::$variant(rule), AnyState::$variant(state)) => rule.settle(state, now, weights),)*
                    _ => Err(Error::State { rule: self.name() }),
                }
            }

            fn settle_outgoing<W: Weights<F>>(
                &self,
                state: &mut AnyState<F>,
                now: u64,
                pre: &[u32],
                weights: &mut W,
            ) -> Result<(), Error> {
                match (self, state) {
                    $((Self::$variant(rule), AnyState::$variant(state)) =>
                        rule.settle_outgoing(state, now, pre, weights),)*
                    _ => Err(Error::State { rule: self.name() }),
                }
            }
        }
    };
}

table! {
    PairStdp "pair-stdp": PairStdpParameters => PairStdp;
    TripletStdp "triplet-stdp": TripletStdpParameters => TripletStdp;
    ClopathStdp "clopath-stdp": ClopathStdpParameters => ClopathStdp;
    VogelsStdp "vogels-stdp": VogelsStdpParameters => VogelsStdp;
    DiehlCookStdp "diehl-cook-stdp": DiehlCookStdpParameters => DiehlCookStdp;
    DopamineStdp "dopamine-stdp": DopamineStdpParameters => DopamineStdp;
    Mstdp "mstdp": MstdpParameters => Mstdp;
    Mstdpet "mstdpet": MstdpParameters => Mstdpet;
    Eprop "eprop": EpropParameters => Eprop;
}
