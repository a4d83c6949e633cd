//! What can go wrong with a fetch.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::registry::RegistryError;

/// Why a dataset could not be fetched; the cache holds no wrong or half-written file afterwards.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Not in the registry.
    #[error("fetch: no dataset is called {name:?}; known: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The registry is malformed.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// Another process holds the lock.
    #[error("fetch: another fetch is at work ({} is locked); wait for it to end", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The folder to fetch from is not there.
    #[error("fetch: {}: no such folder; --from takes a folder or an http(s) address", dir.display())]
    NoFolder {
        /// What was asked for.
        dir: PathBuf,
    },
    /// The folder to fetch from lacks a file.
    #[error("fetch: {} has none of {names}", dir.display())]
    NotInFolder {
        /// The folder.
        dir: PathBuf,
        /// The names under which the file is accepted.
        names: String,
    },
    /// A file would have to be downloaded, and this build cannot.
    #[error(
        "fetch: {file} is not there, and nl-data was built without downloads; \
         pass a folder that has it, or turn on nl-data's feature `download`"
    )]
    NoDownloads {
        /// The file.
        file: String,
    },
    /// The file system refused.
    #[error("fetch: cannot {action} {}: {source}; nothing half-written was left", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No answer.
    #[error("fetch: {url}: no answer ({reason}); check the network, or use --from with a folder")]
    NoAnswer {
        /// The address.
        url: String,
        /// Name resolution, connection, TLS or timeout.
        reason: String,
    },
    /// An answer, but not the file.
    #[error("fetch: {url}: HTTP status {status}; the file is not there, try another --from")]
    Status {
        /// The address.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection ended early.
    #[error("fetch: {url}: cut off at {found} of {expected} bytes ({reason}); run it again to resume")]
    CutOff {
        /// The address.
        url: String,
        /// Bytes present, kept for the next attempt.
        found: u64,
        /// Bytes expected.
        expected: u64,
        /// What the connection said.
        reason: String,
    },
    /// Slower than the patience allows.
    #[error(
        "fetch: {url}: too slow, {found} of {expected} bytes within {seconds:.1} s; \
         run it again to resume, or use another --from"
    )]
    TooSlow {
        /// The address.
        url: String,
        /// Bytes present, kept for the next attempt.
        found: u64,
        /// Bytes expected.
        expected: u64,
        /// Time allowed.
        seconds: f64,
    },
    /// More bytes than the registry allows.
    #[error("fetch: {url}: more than {limit} bytes, the registry states {expected}; this is not the file, discarded")]
    TooLarge {
        /// The address.
        url: String,
        /// Bytes at which the transfer was stopped.
        limit: u64,
        /// Bytes stated by the registry.
        expected: u64,
    },
    /// Not the file that the registry knows.
    #[error("fetch: {from}: wrong content: SHA-256 {found}, expected {expected}; discarded, try another --from")]
    WrongHash {
        /// The file or address.
        from: String,
        /// SHA-256 stated by the registry.
        expected: String,
        /// SHA-256 found (of the unpacked content where it unpacks, else of the file).
        found: String,
    },
    /// No mirror gave the file.
    #[error("fetch: {file}: no mirror gave it:{}", list(failures))]
    AllMirrors {
        /// The file.
        file: String,
        /// One failure for each mirror.
        failures: Vec<FetchError>,
    },
}

fn list(failures: &[FetchError]) -> String {
    failures.iter().map(|failure| format!("\n  {failure}")).collect()
}

impl FetchError {
    /// For `map_err`.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }
}
