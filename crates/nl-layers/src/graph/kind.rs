//! The one table of layers: a new kind joins here.

use nl_autodiff::Scalar;
use serde::{Deserialize, Serialize};

use super::config::{Built, LayerConfig};
use super::form::Form;
use crate::activation::ActivationConfig;
use crate::activity_penalty::ActivityPenaltyConfig;
use crate::attention::AttentionConfig;
use crate::batch_norm::BatchNormConfig;
use crate::cbam::{CbamConfig, SpatialGateConfig};
use crate::conv::{Conv2dConfig, ConvBlockConfig};
use crate::divisive_norm::DivisiveNormConfig;
use crate::dropout::DropoutConfig;
use crate::embedding::{EmbeddingConfig, PositionsConfig};
use crate::episodic::EpisodicConfig;
use crate::feedback::FeedbackConfig;
use crate::flatten::{FlattenConfig, RowsConfig};
use crate::gate::ChannelGateConfig;
use crate::hopfield::HopfieldConfig;
use crate::join::{AddConfig, ConcatConfig, MultiplyConfig};
use crate::lateral::LateralConfig;
use crate::linear::LinearConfig;
use crate::local::Local2dConfig;
use crate::noise::NoiseConfig;
use crate::norm::{GroupNormConfig, LayerNormConfig};
use crate::ntm::NtmConfig;
use crate::patches::PatchesConfig;
use crate::pool::{AvgPool2dConfig, GlobalAvgPoolConfig, MaxPool2dConfig};
use crate::recurrent::{ElmanConfig, GruConfig, LstmConfig};
use crate::residual::ResidualConfig;
use crate::rms_norm::RmsNormConfig;
use crate::spiking::{LeakyIntegratorConfig, PoolStepsConfig, RepeatConfig, SpikingConfig};
use crate::steps::{ClassTokenConfig, SelectStepConfig};
use crate::transformer::TransformerBlockConfig;
use crate::winner_take_all::{KWinnersTakeAllConfig, SoftWinnerTakeAllConfig};
use crate::working_memory::WorkingMemoryConfig;
use crate::{Builder, Error};

macro_rules! table {
    ($($variant:ident $name:literal: $config:ident, $about:literal;)*) => {
        /// A layer of a network, as a configuration names it: `{kind: conv2d, channels: 32, kernel: 3}`.
        ///
        /// ```
        /// use nl_layers::graph::LayerKind;
        /// let layer: LayerKind = serde_json::from_str(r#"{"kind": "linear", "units": 10}"#)?;
        /// assert_eq!(layer.name(), "linear");
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
        pub enum LayerKind {
            $(#[doc = $about] #[serde(rename = $name)] $variant($config),)*
        }

        impl LayerKind {
            /// The names that a configuration may use, and what each is, in a sentence.
            pub const KINDS: &'static [(&'static str, &'static str)] = &[$(($name, $about)),*];

            /// Its name in a configuration.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }
        }

        impl LayerConfig for LayerKind {
            fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
                match self { $(Self::$variant(config) => config.build(at, inputs),)* }
            }
        }
    };
}

table! {
    Linear "linear": LinearConfig, "y = x Wᵀ + b, on the last axis.";
    Conv2d "conv2d": Conv2dConfig, "A convolution of images.";
    Local2d "local2d": Local2dConfig, "As conv2d, with weights of its own at each position.";
    ConvBlock "conv-block": ConvBlockConfig, "Convolution, ReLU and pooling in one pass.";
    MaxPool2d "max-pool2d": MaxPool2dConfig, "The largest value of a window.";
    AvgPool2d "avg-pool2d": AvgPool2dConfig, "The mean of a window.";
    GlobalAvgPool "global-avg-pool": GlobalAvgPoolConfig, "The mean of each channel of an image, or of a sequence over its steps.";
    Activation "activation": ActivationConfig, "A pointwise nonlinearity.";
    ActivityPenalty "activity-penalty": ActivityPenaltyConfig, "A price on activity while learning: its magnitude, its square.";
    Dropout "dropout": DropoutConfig, "Units, channels or whole samples are silenced at random while learning.";
    Noise "noise": NoiseConfig, "Gaussian noise while learning.";
    BatchNorm "batch-norm": BatchNormConfig, "Each channel to mean 0 and variance 1 over a shard, with learned scale and shift.";
    LayerNorm "layer-norm": LayerNormConfig, "Each row of features to mean 0 and variance 1, with learned scale and shift.";
    GroupNorm "group-norm": GroupNormConfig, "As layer-norm, over groups of channels of an image.";
    RmsNorm "rms-norm": RmsNormConfig, "Each row of features over the root of its mean square, with learned scale.";
    DivisiveNorm "divisive-norm": DivisiveNormConfig, "Each unit over the activity of its neighbours.";
    Lateral "lateral": LateralConfig, "Units of a layer excite and inhibit each other, for some steps or until they rest.";
    SoftWinnerTakeAll "soft-winner-take-all": SoftWinnerTakeAllConfig, "A softmax with temperature over features, channels or all units.";
    KWinnersTakeAll "k-winners-take-all": KWinnersTakeAllConfig, "The k largest stay, the others are 0.";
    ChannelGate "channel-gate": ChannelGateConfig, "Attention over channels: squeeze and excitation.";
    Flatten "flatten": FlattenConfig, "All of a sample as one row of features.";
    Rows "rows": RowsConfig, "An image as a sequence of its rows, from above.";
    Residual "residual": ResidualConfig, "A branch of layers, added to its input.";
    Add "add": AddConfig, "The sum of several values.";
    Multiply "multiply": MultiplyConfig, "The product of several values.";
    Concat "concat": ConcatConfig, "Several values behind one another, on the axis of channels or features.";
    Elman "elman": ElmanConfig, "A state that sees itself: tanh or ReLU units over a sequence.";
    Gru "gru": GruConfig, "A gated recurrent unit over a sequence.";
    Lstm "lstm": LstmConfig, "Long short-term memory over a sequence.";
    Feedback "feedback": FeedbackConfig, "Layers step by step, the first also given what a later one gave at the step before.";
    Patches "patches": PatchesConfig, "An image as a sequence of its patches, each through a learned linear map.";
    Embedding "embedding": EmbeddingConfig, "Tokens as rows of a learned table.";
    Positions "positions": PositionsConfig, "Where a step stands, added to it: learned, or sines and cosines.";
    ClassToken "class-token": ClassTokenConfig, "A learned step before all others.";
    SelectStep "select-step": SelectStepConfig, "The first or the last step of a sequence.";
    SpatialGate "spatial-gate": SpatialGateConfig, "Attention over the places of an image.";
    Cbam "cbam": CbamConfig, "Attention over channels, then over places.";
    Attention "attention": AttentionConfig, "Attention of several heads within a sequence, or to another one.";
    TransformerBlock "transformer-block": TransformerBlockConfig, "Attention and a network for each step, with norms and skip connections.";
    Repeat "repeat": RepeatConfig, "A sample as a sequence, the same at every step.";
    Spiking "spiking": SpikingConfig, "Spiking neurons over a sequence: LIF, CUBA-LIF, ALIF, recurrent or not.";
    LeakyIntegrator "leaky-integrator": LeakyIntegratorConfig, "A read-out that integrates spikes and never spikes.";
    PoolSteps "pool-steps": PoolStepsConfig, "The sum, mean or largest of all steps of a sequence.";
    WorkingMemory "working-memory": WorkingMemoryConfig, "A store that learns when to write and when to clear.";
    Hopfield "hopfield": HopfieldConfig, "Retrieval from stored patterns: the modern Hopfield network.";
    Episodic "episodic": EpisodicConfig, "What is known of the remembered samples most like this one.";
    Ntm "ntm": NtmConfig, "A memory of slots, read and written by content: the neural Turing machine's.";
}
