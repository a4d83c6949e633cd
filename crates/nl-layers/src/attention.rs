//! Attention of several heads: within a sequence, or to another one.

use nl_autodiff::{Mask, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, Join, LayerConfig, product};
use crate::steps::refuse;
use crate::{Builder, Context, Error, Initializer, Layer, Linear};

/// Attention in a configuration: `{kind: attention, heads: 4}`, or to another sequence `{kind: attention, heads: 4, from: [x,
/// memory]}`.
///
/// Of each head: y_t = Σ_s p_ts v_s, p_t = softmax_s(q_t · k_s / √w), with q, k, v linear in the steps' features (k and v in the
/// memory's, if there is one) and w = F / heads; then all heads through one linear map.
///
/// | | shape |
/// |---|---|
/// | input x, output | `[T, B, F]` |
/// | memory | `[S, B, G]` |
/// | `query-key-value` | `[3 · F, F]`, `[3 · F]` |
/// | with a memory: `query`, `key-value` | `[F, F]`, `[F]`; `[2 · F, G]`, `[2 · F]` |
/// | `output` | `[F, F]`, `[F]` |
///
/// Source: Vaswani et al., "Attention is all you need", 2017, eq. 1 and section 3.2.2; no dropout of the weights p.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AttentionConfig {
    /// Heads; they divide the features.
    pub heads: usize,
    /// Whether a step sees none that comes after it.
    #[serde(default)]
    pub causal: bool,
    /// The most steps between a step and one that it sees; without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
}

impl LayerConfig for AttentionConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let sequence = |form: &Form| crate::graph::sequence(at, std::slice::from_ref(form));
        match inputs {
            [form] => {
                let [steps, features] = sequence(form)?;
                let mask = Mask { causal: self.causal, window: self.window };
                let layer = SelfAttention::new(at, features, self.heads, mask)?;
                Ok(Built::layer(layer, form.clone(), self_macs(steps, features)))
            }
            [form, memory] => {
                if self.causal || self.window.is_some() {
                    let message = "causal and window are for attention within a sequence; leave them out with a memory";
                    return Err(Error::hyperparameter(at.path(), message));
                }
                let ([queries, features], [keys, others]) = (sequence(form)?, sequence(memory)?);
                let layer = CrossAttention::new(at, features, others, self.heads)?;
                let macs = product(&[2, queries, features, features])
                    .saturating_add(product(&[2, keys, others, features]))
                    .saturating_add(product(&[2, queries, keys, features]));
                Ok(Built::join(layer, form.clone(), macs))
            }
            _ => Err(Error::hyperparameter(
                at.path(),
                format!("takes a sequence, or a sequence and a memory (`from: [x, memory]`), not {}", inputs.len()),
            )),
        }
    }
}

/// Multiplications of self-attention, for one sample.
pub(crate) fn self_macs(steps: usize, features: usize) -> u64 {
    product(&[4, steps, features, features]).saturating_add(product(&[2, steps, steps, features]))
}

fn check_heads(path: &str, features: usize, heads: usize) -> Result<(), Error> {
    if heads > 0 && features.is_multiple_of(heads) {
        return Ok(());
    }
    Err(Error::hyperparameter(path, format!("{heads} heads do not divide {features} features; choose a divisor")))
}

/// Attention within a sequence: see [`AttentionConfig`].
#[derive(Debug, Clone)]
pub(crate) struct SelfAttention {
    path: String,
    features: usize,
    heads: usize,
    mask: Mask,
    project: Linear,
    output: Linear,
}

impl SelfAttention {
    pub(crate) fn new(at: &Builder, features: usize, heads: usize, mask: Mask) -> Result<Self, Error> {
        check_heads(at.path(), features, heads)?;
        let init = Initializer::XavierUniform;
        Ok(Self {
            path: at.path().to_owned(),
            features,
            heads,
            mask,
            project: Linear::new(&at.child("query-key-value")?, features, features.saturating_mul(3), init)?,
            output: Linear::new(&at.child("output")?, features, features, init)?,
        })
    }
}

impl<S: Scalar> Layer<S> for SelfAttention {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if !matches!(*shape.dims(), [_, _, f] if f == self.features) {
            return Err(refuse(&self.path, self.features, shape.dims()));
        }
        let seen = self.project.forward(x, ctx)?.self_attention(self.heads, self.mask).at(&self.path)?;
        self.output.forward(seen, ctx)
    }
}

/// Attention to another sequence: see [`AttentionConfig`].
#[derive(Debug, Clone)]
struct CrossAttention {
    path: String,
    features: usize,
    others: usize,
    heads: usize,
    query: Linear,
    key_value: Linear,
    output: Linear,
}

impl CrossAttention {
    fn new(at: &Builder, features: usize, others: usize, heads: usize) -> Result<Self, Error> {
        check_heads(at.path(), features, heads)?;
        let init = Initializer::XavierUniform;
        Ok(Self {
            path: at.path().to_owned(),
            features,
            others,
            heads,
            query: Linear::new(&at.child("query")?, features, features, init)?,
            key_value: Linear::new(&at.child("key-value")?, others, features.saturating_mul(2), init)?,
            output: Linear::new(&at.child("output")?, features, features, init)?,
        })
    }
}

impl<S: Scalar> Join<S> for CrossAttention {
    fn join<'t>(&self, inputs: &[Var<'t, S>], ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let &[x, memory] = inputs else {
            return Err(Error::hyperparameter(&self.path, format!("takes two values, not {}", inputs.len())));
        };
        for (value, features) in [(x, self.features), (memory, self.others)] {
            let shape = value.shape();
            if !matches!(*shape.dims(), [_, _, f] if f == features) {
                return Err(refuse(&self.path, features, shape.dims()));
            }
        }
        let (query, key_value) = (self.query.forward(x, ctx)?, self.key_value.forward(memory, ctx)?);
        let seen = query.attention(key_value, self.heads).at(&self.path)?;
        self.output.forward(seen, ctx)
    }
}
