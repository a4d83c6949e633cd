//! Training in stages, evaluation, metrics, checkpoints and reports.

pub mod report;

mod atomic;
mod checkpoint;
mod metrics;
mod observer;
mod pca;
mod run_folder;
mod tsne;
mod weights;

pub use atomic::{FileError, write_atomic, write_atomic_with};
pub use checkpoint::{CheckpointError, CheckpointStore, Latest, load_checkpoint, save_checkpoint, sha256_hex};
pub use metrics::{
    ClassScore, ConfusionMatrix, ReliabilityBin, RunningMean, accuracy, expected_calibration_error,
    negative_log_likelihood, reliability, wilson_interval,
};
pub use observer::{Event, Observer, Silent};
pub use pca::{Pca, PcaError};
pub use run_folder::{RunFolder, RunFolderError, utc_stamp, utc_text};
pub use tsne::Tsne;
pub use weights::{NamedTensors, WeightsError, read_weights, write_weights};
