//! What can go wrong: using a memory, and reading one.

/// A memory refused a parameter, a key, a label or a query.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter is out of range.
    #[error("memory config: {name} = {value}; it must be {expected}")]
    Config {
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        expected: &'static str,
    },
    /// A key or query has not `dim` components, or a batch is not a multiple of it.
    #[error("memory {op}: {got} numbers given, but keys have {dim} components; pass that many, or whole rows of them")]
    Dimension {
        /// What was called.
        op: &'static str,
        /// Components of a key.
        dim: usize,
        /// Numbers found.
        got: usize,
    },
    /// A key or query has an infinite or NaN component.
    #[error("memory {op}: component {at} is {value}; keys must be finite")]
    NotFinite {
        /// What was called.
        op: &'static str,
        /// Position in the slice.
        at: usize,
        /// What stands there.
        value: f32,
    },
    /// A label is not below the number of classes.
    #[error("memory store: label {label} is not one of {classes} classes; give 0 to classes - 1")]
    Label {
        /// The label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// There is no memory for one more; the store is unchanged.
    #[error("memory store: no memory for more than {held} keys of {dim} components; lower the capacity")]
    NoMemory {
        /// Memories held.
        held: usize,
        /// Components of a key.
        dim: usize,
    },
    /// A Hopfield network refused a size, a pattern or a state.
    #[error("hopfield: {message}")]
    Hopfield {
        /// What is wrong, with the offending value, and what to do.
        message: String,
    },
    /// No neighbours were asked for.
    #[error("memory recall: k = 0; ask for at least 1 neighbour")]
    ZeroNeighbours,
    /// More neighbours than the store can hold, or more in all than there is memory for.
    #[error(
        "memory recall: {k} neighbours of {queries} queries from a store of at most {capacity}; ask for no more than it \
         can hold and memory has room for"
    )]
    TooMany {
        /// Neighbours asked for.
        k: usize,
        /// The most memories the store holds.
        capacity: usize,
        /// Queries given.
        queries: usize,
    },
    /// Not one id to leave out per query.
    #[error("memory recall: {ids} ids to leave out for {queries} queries; give one per query")]
    ExcludeCount {
        /// Ids given.
        ids: usize,
        /// Queries given.
        queries: usize,
    },
    /// The nearest-neighbour kernel refused its shape.
    #[error("memory recall: {0}")]
    Kernel(#[from] nl_kernels::ShapeError),
}

/// Why a stored memory cannot be read, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// The reader or writer failed.
    #[error("memory: reading or writing failed: {0}")]
    Io(#[from] std::io::Error),
    /// The first bytes are not those of a memory.
    #[error("memory: starts with {0:02x?}, not with \"NLMEMORY\"; this is not a stored memory")]
    Magic([u8; 8]),
    /// A version this code does not know.
    #[error("memory: format version {found}, but this code reads version {known}; use the program that wrote it")]
    Version {
        /// Version found.
        found: u32,
        /// Version known.
        known: u32,
    },
    /// The body is larger than the caller allows.
    #[error("memory: a body of {length} bytes exceeds the limit of {limit}; raise the limit if the file is trusted")]
    TooLarge {
        /// Length the header claims.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// The input ends too early.
    #[error("memory: {part} ends after {got} of {expected} bytes; the file was cut off")]
    Truncated {
        /// Header or body.
        part: &'static str,
        /// Bytes expected.
        expected: u64,
        /// Bytes found.
        got: u64,
    },
    /// The body is not the one that was written.
    #[error("memory: the SHA-256 of the body is not that of the header; the file was damaged or tampered with")]
    Checksum,
    /// The body does not decode.
    #[error("memory: the body does not decode: {0}")]
    Decode(String),
    /// The body decodes, but bytes are left.
    #[error("memory: {0} bytes follow the decoded body; the file was not written by this code")]
    Trailing(u64),
    /// The body does not encode.
    #[error("memory: cannot be encoded: {0}")]
    Encode(String),
    /// The parts do not fit each other.
    #[error("memory: inconsistent contents: {0}")]
    Inconsistent(String),
    /// The configuration inside is not valid.
    #[error("memory: invalid configuration inside: {0}")]
    Config(#[from] Error),
}
