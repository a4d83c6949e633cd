//! Image datasets (readers, verified downloads, transforms, shuffled batches, procedural digits) and spike codes.
//!
//! In reading order: [`Images`], the [`idx`] format, folders of it ([`load_idx_dir`]), [`synthetic`] digits, the
//! [`registry`] and its downloads ([`mod@fetch`]), which data a run gets ([`Source`]), [`Batches`], [`transform`];
//! then from numbers to spikes: [`front_end`], [`encode`]; and back: [`decode`].
//!
//! [`resolve`] answers "which data?", [`Batches`] "in which order?", [`Augment`] "how varied?":
//!
//! ```
//! use nl_data::{Batches, Choice, Lookup, resolve};
//! use nl_random::Streams;
//!
//! let lookup = Lookup { train: 200, test: 50, ..Lookup::default() };
//! let (split, source) = resolve("mnist", &Choice::Synthetic, &lookup)?;
//! assert_eq!((split.train.len(), split.train.height(), split.train.classes()), (200, 28, 10));
//! let batches = Batches::new(split.train.len(), 32, true, &Streams::new(1), 0)?;
//! assert_eq!(batches.len(), 6);
//! println!("{source}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod atomic;
mod batches;
pub mod decode;
pub mod encode;
pub mod fetch;
mod folder;
pub mod front_end;
mod hash;
pub mod idx;
mod images;
pub mod registry;
mod resolve;
pub mod synthetic;
pub mod transform;

pub use batches::{BatchError, Batches, stratified_split};
pub use fetch::{FetchError, Fetched, Origin, Patience, Progress, fetch, fetch_dataset};
pub use folder::{file_names, load_idx_dir, save_idx_dir};
pub use idx::{IdxError, Limits};
pub use images::{Images, ImagesError, Split};
pub use registry::Registry;
pub use resolve::{Choice, Lookup, ResolveError, Source, SourceKind, resolve};
pub use transform::{Augment, Corruption, Erase, Normalize, Scratch, TransformError};
