//! Is this file the one that the registry knows?

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::FetchError;
use crate::gzip::{MAGIC, Members};
use crate::hash::Hasher;
use crate::registry::Remote;

impl Remote {
    /// The name without `.gz`.
    pub(super) fn stem(&self) -> &str {
        self.name.strip_suffix(".gz").unwrap_or(&self.name)
    }

    /// Bytes beyond which a file cannot be this one: the same content may be packed a little worse, no more.
    pub(super) fn most_bytes(&self, gzipped: bool) -> u64 {
        if gzipped { self.bytes + self.bytes / 4 + 4096 } else { self.unpacked_bytes + 1 }
    }
}

/// Whether the file at `path`, named as it is, is right.
pub(super) fn is_right(path: &Path, remote: &Remote) -> Result<bool, FetchError> {
    check(path, remote, path.extension().is_some_and(|extension| extension == "gz"))
}

/// Whether the download's hash is the one stated, if one is, or, failing that, the hash of the unpacked content.
pub(super) fn check(path: &Path, remote: &Remote, gzipped: bool) -> Result<bool, FetchError> {
    let read = FetchError::io("read", path);
    let mut file = File::open(path).map_err(FetchError::io("read", path))?;
    let size = file.metadata().map_err(FetchError::io("read", path))?.len();
    if let Some(sha256) = &remote.sha256
        && gzipped
        && size == remote.bytes
    {
        let mut hasher = Hasher::default();
        io::copy(&mut file, &mut hasher).map_err(read)?;
        if hasher.hex() == *sha256 {
            return Ok(true);
        }
    }
    Ok(size <= remote.most_bytes(gzipped) && unpacked_hash(path, remote, gzipped)? == remote.unpacked_sha256)
}

/// SHA-256 of the unpacked content, or of the file itself where it does not unpack to at most the stated size.
pub(super) fn unpacked_hash(path: &Path, remote: &Remote, gzipped: bool) -> Result<String, FetchError> {
    let open = || File::open(path).map_err(FetchError::io("read", path));
    if gzipped {
        let (mut file, mut start, mut hasher) = (open()?, [0; 2], Hasher::default());
        if file.read_exact(&mut start).is_ok() && start == MAGIC {
            let mut content = Members::after_magic(file).take(remote.unpacked_bytes + 1);
            if io::copy(&mut content, &mut hasher).is_ok_and(|bytes| bytes <= remote.unpacked_bytes) {
                return Ok(hasher.hex());
            }
        }
    }
    let mut hasher = Hasher::default();
    io::copy(&mut open()?, &mut hasher).map_err(FetchError::io("read", path))?;
    Ok(hasher.hex())
}
