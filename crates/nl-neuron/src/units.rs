//! Physical units as types, so that a signature says what a number means.

use crate::Error;

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident, $suffix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Default, serde::Serialize, serde::Deserialize)]
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
    /// A time in milliseconds.
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

impl Ms {
    /// This time as a whole number of steps of `dt`, rounded to the nearest.
    ///
    /// ```
    /// use nl_neuron::Ms;
    /// assert_eq!(Ms(2.0).steps("lif", "t_ref", Ms(0.1))?, 20);
    /// assert!(Ms(-1.0).steps("lif", "t_ref", Ms(0.1)).is_err());
    /// # Ok::<(), nl_neuron::Error>(())
    /// ```
    ///
    /// # Errors
    /// If either is not finite, `dt` is not positive, the time is negative, or there are 2³² or more steps.
    pub fn steps(self, model: &'static str, name: &'static str, dt: Self) -> Result<u32, Error> {
        Error::positive(model, "dt", dt.0)?;
        let steps = (self.0 / dt.0).round();
        Error::check(
            model,
            name,
            self.0,
            |x| x >= 0.0 && steps <= f64::from(u32::MAX),
            "use 0 or more, below 2^32 steps",
        )?;
        Ok(steps as u32)
    }
}
