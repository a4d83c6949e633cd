//! A file from the network: mirror after mirror.

use std::path::Path;

use super::transfer::{Transfer, shown};
use super::{FetchError, Fetched, Patience, Progress};
use crate::atomic;
use crate::registry::Remote;

/// A file from the first mirror that gives it; what one mirror left unfinished, the next one goes on with.
pub(super) fn download(
    mirrors: &[&str],
    remote: &Remote,
    dir: &Path,
    patience: &Patience,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Fetched, FetchError> {
    let goal = dir.join(&remote.name);
    let part = atomic::part(&goal);
    let mut failures = Vec::new();
    for mirror in mirrors {
        let url = format!("{}/{}", mirror.trim_end_matches('/'), remote.name);
        let mut transfer = Transfer { url: &url, part: &part, remote, patience, progress };
        match transfer.run() {
            Ok(resumed) => {
                atomic::publish(&part, &goal).map_err(FetchError::io("write", &goal))?;
                return Ok(Fetched { path: goal, origin: Some(shown(&url)), resumed });
            }
            // The next mirror has the same disk.
            Err(error @ FetchError::Io { .. }) => return Err(error),
            Err(error) => failures.push(error),
        }
    }
    match failures.len() {
        1 => Err(failures.remove(0)),
        _ => Err(FetchError::AllMirrors { file: remote.name.clone(), failures }),
    }
}
