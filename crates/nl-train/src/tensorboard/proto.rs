//! The protocol buffers of an event file, as far as they are written here.
//!
//! Source of names, numbers and types: TensorFlow, `tensorflow/core/util/event.proto`,
//! `core/framework/{summary,histogram,tensor,tensor_shape,types}.proto`; TensorBoard, `plugins/hparams/plugin_data.proto`;
//! Protocol Buffers, `google/protobuf/struct.proto`. Written out by hand, so that no build needs a compiler of them.

use std::collections::BTreeMap;

use prost::{Message, Oneof};

/// event.proto, `Event`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    pub(super) wall_time: f64,
    #[prost(int64, tag = "2")]
    pub(super) step: i64,
    #[prost(oneof = "What", tags = "3, 5, 7")]
    pub(super) what: Option<What>,
}

/// event.proto, `Event.what`.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

/// event.proto, `SessionLog`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionLog {
    /// [`START`].
    #[prost(int32, tag = "1")]
    pub(super) status: i32,
}

/// event.proto, `SessionLog.SessionStatus`.
pub(super) const START: i32 = 1;

/// summary.proto, `Summary`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    pub(super) value: Vec<Value>,
}

/// summary.proto, `Summary.Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Value {
    #[prost(string, tag = "1")]
    pub(super) tag: String,
    #[prost(message, optional, tag = "9")]
    pub(super) metadata: Option<SummaryMetadata>,
    #[prost(oneof = "Measured", tags = "2, 4, 5, 8")]
    pub(super) value: Option<Measured>,
}

/// summary.proto, `Summary.Value.value`.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum Measured {
    #[prost(float, tag = "2")]
    SimpleValue(f32),
    #[prost(message, tag = "4")]
    Image(Image),
    #[prost(message, tag = "5")]
    Histo(Histogram),
    #[prost(message, tag = "8")]
    Tensor(Tensor),
}

/// summary.proto, `Summary.Image`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Image {
    #[prost(int32, tag = "1")]
    pub(super) height: i32,
    #[prost(int32, tag = "2")]
    pub(super) width: i32,
    /// Channels: 1 grey, 3 red, green and blue.
    #[prost(int32, tag = "3")]
    pub(super) colorspace: i32,
    /// A PNG file.
    #[prost(bytes = "vec", tag = "4")]
    pub(super) encoded_image_string: Vec<u8>,
}

/// histogram.proto, `HistogramProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) num: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_squares: f64,
    /// The upper edge of each bucket.
    #[prost(double, repeated, tag = "6")]
    pub(super) bucket_limit: Vec<f64>,
    /// Values in each bucket.
    #[prost(double, repeated, tag = "7")]
    pub(super) bucket: Vec<f64>,
}

/// summary.proto, `SummaryMetadata`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SummaryMetadata {
    #[prost(message, optional, tag = "1")]
    pub(super) plugin_data: Option<PluginData>,
}

/// summary.proto, `SummaryMetadata.PluginData`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct PluginData {
    #[prost(string, tag = "1")]
    pub(super) plugin_name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) content: Vec<u8>,
}

/// tensor.proto, `TensorProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Tensor {
    /// [`FLOAT`] or [`STRING`].
    #[prost(int32, tag = "1")]
    pub(super) dtype: i32,
    #[prost(message, optional, tag = "2")]
    pub(super) tensor_shape: Option<TensorShape>,
    #[prost(bytes = "vec", repeated, tag = "8")]
    pub(super) string_val: Vec<Vec<u8>>,
}

/// types.proto, `DT_FLOAT`.
pub(super) const FLOAT: i32 = 1;
/// types.proto, `DT_STRING`.
pub(super) const STRING: i32 = 7;

/// tensor_shape.proto, `TensorShapeProto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dim>,
}

/// tensor_shape.proto, `TensorShapeProto.Dim`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

/// plugin_data.proto, `HParamsPluginData`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HParams {
    #[prost(message, optional, tag = "3")]
    pub(super) session_start_info: Option<SessionStart>,
}

/// plugin_data.proto, `SessionStartInfo`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionStart {
    #[prost(btree_map = "string, message", tag = "1")]
    pub(super) hparams: BTreeMap<String, Scalar>,
    #[prost(double, tag = "5")]
    pub(super) start_time_secs: f64,
}

/// struct.proto, `Value`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Scalar {
    #[prost(oneof = "ScalarKind", tags = "2, 3, 4")]
    pub(super) kind: Option<ScalarKind>,
}

/// struct.proto, `Value.kind`.
#[derive(Clone, PartialEq, Oneof)]
pub(super) enum ScalarKind {
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    String(String),
    #[prost(bool, tag = "4")]
    Bool(bool),
}
