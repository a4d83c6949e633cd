//! A parameter of neurons: a number, or learned.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::{Builder, Context, Error, Initializer, ParameterId, Role};

/// Whose value a learned parameter of a neuron is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Per {
    /// One for all neurons of the layer.
    #[default]
    Layer,
    /// One for each neuron.
    Neuron,
}

/// What keeps a learned value within its range: how it is made of a weight w.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Sort {
    /// σ(w), within (0, 1)
    Decay,
    /// a + e^w, above a
    Above(f64),
    /// w
    Any,
}

impl Sort {
    /// The w of a value.
    fn weight(self, value: f64) -> f64 {
        match self {
            Self::Decay => (value / (1.0 - value)).ln(),
            Self::Above(least) => (value - least).ln(),
            Self::Any => value,
        }
    }
}

/// A parameter of the neurons of a layer.
#[derive(Debug, Clone)]
pub(super) enum Parameter {
    Fixed(f64),
    Learned {
        id: ParameterId,
        sort: Sort,
    },
    /// 1 − that of another: the gain of a current held over the step.
    Rest(Box<Parameter>),
}

impl Parameter {
    pub(super) const fn fixed(value: f64) -> Self {
        Self::Fixed(value)
    }

    pub(super) fn learned(
        at: &Builder,
        name: &str,
        (neurons, per): (usize, Per),
        value: f64,
        sort: Sort,
    ) -> Result<Self, Error> {
        let weight = sort.weight(value);
        if !weight.is_finite() {
            let message =
                format!("{name} lies on the edge of what can be learned; use another value, or leave it out of learn");
            return Err(Error::hyperparameter(at.path(), message));
        }
        let len = if per == Per::Layer { 1 } else { neurons };
        let id = at.parameter(name, &[len], Role::Neuron, Initializer::Constant { value: weight })?;
        Ok(Self::Learned { id, sort })
    }

    /// Its value, `[1]` or `[n]`.
    pub(super) fn value<'t, S: Scalar>(&self, ctx: &Context<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        match self {
            Self::Fixed(value) => ctx.tape().constant_with(&[1], |x| x.fill(S::from_f64(*value))),
            Self::Learned { id, sort } => {
                let weight = ctx.parameter(*id);
                match sort {
                    Sort::Decay => weight.sigmoid(),
                    Sort::Above(least) => weight.exp()?.add_scalar(*least),
                    Sort::Any => Ok(weight),
                }
            }
            Self::Rest(of) => of.value(ctx)?.neg()?.add_scalar(1.0),
        }
    }
}
