//! Physical units as types, so that a signature says what a number means.

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $suffix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(extend("x-unit" = $suffix)))]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{} {}", self.0, $suffix)
            }
        }
    };
}

unit!(
    /// A time in milliseconds; a duration in steps follows the rule of [`grid`](crate::grid).
    Ms, "ms"
);
unit!(
    /// A voltage in millivolts.
    Mv, "mV"
);
unit!(
    /// A frequency in hertz: events a second.
    Hz, "Hz"
);
unit!(
    /// A current in picoamperes.
    Pa, "pA"
);
unit!(
    /// A conductance in nanosiemens.
    Ns, "nS"
);
unit!(
    /// A capacitance in picofarads.
    Pf, "pF"
);
