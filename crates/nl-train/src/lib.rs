#![doc = include_str!("../README.md")]

mod config;
mod data;
mod error;
pub mod evaluate;
mod gradient;
mod metrics;
pub mod models;
mod npz;
mod page;
mod pca;
mod picture;
mod run;
pub mod tensorboard;
mod tsne;
mod weights;
pub mod yaml;

pub use config::{
    CheckpointConfig, DataConfig, Digits, Document, Every, LogConfig, Normalization, RunConfig, SHIPPED, Shipped,
    shipped,
};
pub use data::{Dataset, Nothing, SampleForm, Set, TargetKind};
pub use error::Error;
pub use gradient::{
    Budget, EarlyStopping, Engine, Gradient, GradientStage, Inputs, LearnConfig, Objective, Probe, RowEvaluator, Shard,
    Stepped, Task, Wanted, Watched,
};
pub use metrics::{
    ClassScore, ConfusionMatrix, ReliabilityBin, RunningMean, accuracy, expected_calibration_error,
    negative_log_likelihood, reliability, wilson_interval,
};
/// What the pages are drawn with.
pub use nl_report as report;
pub use pca::{Pca, PcaError};
pub use picture::read_pictures;
pub use run::{
    Advance, CheckpointError, CheckpointStore, ConfigOf, DryRun, Estimate, Event, FileError, Findings, History, Latest,
    Learner, Measures, Model, Moment, Neighbour, Observer, Opinion, Plan, Prediction, Progress, Record, Robust, Run,
    RunFolder, RunFolderError, Setting, Settings, Shown, Silent, Stage, StageHistory, StageKind, Story, Summary,
    Tensor, Timing, Timings, Trained, load_checkpoint, pack, save_checkpoint, unpack,
};
pub(crate) use run::{read_capped, write_atomic};
pub use tsne::{Tsne, TsneError};
pub use weights::{NamedTensors, WeightsError, read_weights, write_weights};
