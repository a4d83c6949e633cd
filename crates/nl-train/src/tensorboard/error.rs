//! What can go wrong with an event file.

use crate::FileError;

/// An event was refused, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorBoardError {
    /// The writer said no; what it was given may be there in part.
    #[error("an event for TensorBoard could not be written: {0}")]
    Write(#[from] std::io::Error),
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tag without a letter.
    #[error("an event for TensorBoard has an empty tag; give it a name such as \"loss\" or \"weights/v1\"")]
    Tag,
    /// A step that TensorBoard cannot count to.
    #[error("step {step} of an event for TensorBoard is above 2^63 − 1; count in larger steps")]
    Step {
        /// The step.
        step: u64,
    },
    /// A time that is none.
    #[error("the time of an event for TensorBoard is {time}; use seconds since 1970, from 0 to 9999999999")]
    Time {
        /// The time.
        time: f64,
    },
    /// Pixels that are no picture.
    #[error("a picture of {width} × {height} pixels in {channels} channels has {expected} bytes, not {found}")]
    Image {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes a pixel.
        channels: usize,
        /// Bytes that it should have, if it can have any.
        expected: String,
        /// Bytes handed in.
        found: usize,
    },
    /// The encoder of pictures said no.
    #[error("a picture for TensorBoard could not be encoded: {reason}")]
    Png {
        /// Why.
        reason: String,
    },
    /// A histogram of nothing.
    #[error("a histogram of {values} values in {buckets} buckets, {finite} of the values finite; it needs one of each")]
    Histogram {
        /// Values handed in.
        values: usize,
        /// Those of them that are finite.
        finite: usize,
        /// Buckets asked for.
        buckets: usize,
    },
}
