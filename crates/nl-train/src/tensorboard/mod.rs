//! Event files for TensorBoard: scalars, pictures, histograms, text and hyper-parameters of a run.
//!
//! An event file is a chain of records ([`record`]), each a protocol buffer (`proto`): a moment, a step, and what was
//! measured. [`EventWriter`] writes one to anything that can be written to; [`EventFile`] is one in a folder, which is what
//! `tensorboard --logdir` shows.
//!
//! ```
//! use nl_train::tensorboard::{At, EventFile, Histogram, Image};
//!
//! # let place = tempfile::tempdir()?;
//! # let folder = place.path().join("tensorboard");
//! let start = 1_700_000_000.0; // seconds since 1970, from the caller's clock
//! let mut file = EventFile::open(&folder, At { step: 0, time: start })?;
//! for step in 0..3 {
//!     let at = At { step, time: start + step as f64 };
//!     file.writer().scalar("loss", at, 1.0 / (1.0 + step as f64))?;
//! }
//! let at = At { step: 3, time: start + 3.0 };
//! file.writer().histogram("weights/v1", at, &Histogram::of(&[-0.1, 0.0, 0.3], 30)?)?;
//! file.writer().image("input", at, &Image::grey(2, 1, &[0, 255])?)?;
//! file.sync()?; // before a checkpoint that says "go on from step 4"
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # After a kill
//!
//! A run that goes on from a checkpoint opens a new file beside the old one, with the first step that it does again:
//! `EventFile::open(&folder, At { step: 4, time })`. The file begins with a session start at that step, and TensorBoard then
//! forgets everything it has read for steps from there on, so that nothing stands twice. What the checkpoint has to hold is
//! that step and nothing else.
//! (The data server of newer versions does so tag by tag, once a tag is written again: what the second attempt does not measure
//! at all stays as the first one left it. With `--load_fast=false` that is gone, too.)
//!
//! The other way, cutting the old file back to its length at the checkpoint, was tried and left: a TensorBoard that is open
//! keeps its place in the file and finds the middle of another record there, after which it reads nothing more (its checksum
//! never fits again). A record that a kill has cut in two at the end of a file is passed over by TensorBoard without a word.
//! `tests/reference/read_events.py` shows both.
//!
//! A step is counted over the whole folder: stages that count from 0 each need a folder each.

mod error;
mod file;
mod histogram;
mod image;
mod proto;
pub mod record;
mod writer;

pub use error::TensorBoardError;
pub use file::EventFile;
pub use histogram::Histogram;
pub use image::Image;
pub use writer::{At, EventWriter, HyperParameter};
