//! A block of attention and a small network for each step, both with skip connections.

use nl_autodiff::{Mask, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::attention::{SelfAttention, self_macs};
use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, product, sequence};
use crate::{Builder, Context, Dropout, Error, Initializer, Layer, LayerNorm, Linear};

/// A transformer block in a configuration: `{kind: transformer-block, heads: 4}`.
///
/// pre-norm: x' = x + D(A(N₁(x))), y = x' + D(M(N₂(x'))); post-norm: x' = N₁(x + D(A(x))), y = N₂(x' + D(M(x')))
///
/// A is self-attention, M(x) = W₂ gelu(W₁ x + b₁) + b₂ for each step, N layer normalisation, D dropout.
///
/// | | shape |
/// |---|---|
/// | input, output | `[T, B, F]` |
/// | `attention/…` | as of `attention` |
/// | `expand`, `contract` (W₁, b₁, W₂, b₂) | `[mlp, F]`, `[mlp]`, `[F, mlp]`, `[F]` |
/// | `norm-1`, `norm-2` | `[F]`, `[F]` each |
///
/// Source: Vaswani et al., "Attention is all you need", 2017, section 3.1; the norm before: Xiong et al., "On layer normalization in
/// the transformer architecture", 2020.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TransformerBlockConfig {
    /// Heads; they divide the features.
    pub heads: usize,
    /// Units of the network for each step; without it, four times the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mlp: Option<usize>,
    /// The share of the features that is silenced while learning, of what attention and network add; in [0, 1).
    #[serde(default)]
    pub dropout: f64,
    /// Where the normalisation stands.
    #[serde(default)]
    pub norm: NormPlace,
    /// Whether a step sees none that comes after it.
    #[serde(default)]
    pub causal: bool,
    /// The most steps between a step and one that it sees; without it, any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
}

/// Where a [`TransformerBlockConfig`] normalises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum NormPlace {
    /// Before attention and before the network: what is skipped stays as it is, and no warm-up is needed.
    #[default]
    Pre,
    /// After each sum, as in the first paper.
    Post,
}

struct TransformerBlock {
    path: String,
    place: NormPlace,
    attention: SelfAttention,
    norms: [LayerNorm; 2],
    expand: Linear,
    contract: Linear,
    dropouts: Option<[Dropout; 2]>,
}

impl LayerConfig for TransformerBlockConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let [steps, features] = sequence(at, inputs)?;
        let mlp = self.mlp.unwrap_or_else(|| features.saturating_mul(4));
        let mask = Mask { causal: self.causal, window: self.window };
        let norm = |name: &str| LayerNorm::new(&at.child(name)?, features, 1e-5);
        let dropout = |name: &str| Ok::<_, Error>(Dropout::new(&at.child(name)?, self.dropout)?.over_steps());
        let dropouts = [dropout("dropout-1")?, dropout("dropout-2")?];
        let layer = TransformerBlock {
            path: at.path().to_owned(),
            place: self.norm,
            norms: [norm("norm-1")?, norm("norm-2")?],
            attention: SelfAttention::new(&at.child("attention")?, features, self.heads, mask)?,
            expand: Linear::new(&at.child("expand")?, features, mlp, Initializer::XavierUniform)?,
            contract: Linear::new(&at.child("contract")?, mlp, features, Initializer::XavierUniform)?,
            dropouts: (self.dropout > 0.0).then_some(dropouts),
        };
        let macs = self_macs(steps, features).saturating_add(product(&[2, steps, features, mlp]));
        Ok(Built::layer(layer, inputs[0].clone(), macs))
    }
}

impl TransformerBlock {
    fn mlp<'t, S: Scalar>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let hidden = self.expand.forward(x, ctx)?.gelu().at(&self.path)?;
        self.contract.forward(hidden, ctx)
    }

    fn silenced<'t, S: Scalar>(
        &self,
        x: Var<'t, S>,
        which: usize,
        ctx: &mut Context<'t, S>,
    ) -> Result<Var<'t, S>, Error> {
        self.dropouts.as_ref().map_or(Ok(x), |dropouts| dropouts[which].forward(x, ctx))
    }
}

impl<S: Scalar> Layer<S> for TransformerBlock {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let pre = self.place == NormPlace::Pre;
        let mut value = x;
        for part in 0..2 {
            let given = if pre { self.norms[part].forward(value, ctx)? } else { value };
            let added = if part == 0 { self.attention.forward(given, ctx)? } else { self.mlp(given, ctx)? };
            value = value.add(self.silenced(added, part, ctx)?).at(&self.path)?;
            value = if pre { value } else { self.norms[part].forward(value, ctx)? };
        }
        Ok(value)
    }
}
