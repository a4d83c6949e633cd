//! Rate rules with one mistake each.

use nl_plasticity::{Error, RateRule, Weights};
use serde::{Deserialize, Serialize};

/// What is wrong with the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    OjaWithoutDecay,
    OjaDecayLinearInY,
    SangerWithoutDeflation,
    BcmFixedThreshold,
}

pub(crate) struct Rate(pub(crate) Fault);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Nothing;

impl RateRule<f64> for Rate {
    type State = Nothing;

    fn name(&self) -> &'static str {
        "the broken rate rule"
    }

    fn state(&self, _pre: usize, _post: usize) -> Result<Nothing, Error> {
        Ok(Nothing)
    }

    fn step<W: Weights<f64>>(&self, _: &mut Nothing, x: &[f64], y: &[f64], weights: &mut W) -> Result<(), Error> {
        for (i, &x) in x.iter().enumerate() {
            weights.for_outgoing(i as u32, |_, j, w| {
                let y = y[j as usize];
                *w += 0.003
                    * match self.0 {
                        Fault::OjaWithoutDecay => x * y,
                        Fault::OjaDecayLinearInY => y * x - y.abs() * *w,
                        Fault::SangerWithoutDeflation => y * (x - y * *w),
                        Fault::BcmFixedThreshold => x * y * (y - 1.0),
                    };
                *w = w.clamp(-1e3, 1e3);
            });
        }
        Ok(())
    }
}
