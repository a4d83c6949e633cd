#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod atomic;
mod batches;
mod class_names;
mod element;
pub mod fetch;
mod folder;
mod gzip;
mod hash;
pub mod idx;
mod images;
pub mod read;
pub mod registry;
mod resolve;
mod samples;
mod split;
pub mod synthetic;
pub mod transform;

pub use batches::{BatchError, Batches};
pub use fetch::{FetchError, Fetched, Origin, Progress, fetch, fetch_dataset};
pub use folder::{load_idx_dir, save_idx_dir};
pub use idx::{IdxError, Limits};
pub use images::{Images, ImagesError, Split};
pub use registry::Registry;
pub use resolve::{Choice, Lookup, ResolveError, Source, SourceKind, resolve, resolve_samples, resolve_test};
pub use samples::{SampleSplit, Samples, SamplesError, Targets, Values};
pub use split::{Division, Fold, SplitError, folds, read_indices, stratified_split};
pub use transform::{Augment, Corruption, Erase, Normalize, Scratch, TransformError};
