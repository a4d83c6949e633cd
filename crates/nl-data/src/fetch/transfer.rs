//! One file from one address, resumed where an earlier attempt ended.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::http::{Response, header};
use ureq::{Agent, Body};

use super::verify::{check, unpacked_hash};
use super::{FetchError, Patience, Progress};
use crate::atomic;
use crate::registry::Remote;

pub(super) struct Transfer<'a, 'p> {
    pub(super) url: &'a str,
    pub(super) part: &'a Path,
    pub(super) remote: &'a Remote,
    pub(super) patience: &'a Patience,
    pub(super) progress: &'a mut (dyn FnMut(Progress<'_>) + 'p),
}

impl Transfer<'_, '_> {
    /// Leaves the right file at `part`, and returns how many bytes of an earlier attempt it begins with.
    pub(super) fn run(&mut self) -> Result<u64, FetchError> {
        if self.is_whole()? {
            return Ok(self.remote.bytes);
        }
        let have = self.present()?;
        let resumed = match self.body(have) {
            // Nothing more to be had: judge what is there.
            Err(FetchError::Status { status: 416, .. }) if have > 0 => have,
            outcome => outcome?,
        };
        if check(self.part, self.remote, true)? {
            return Ok(resumed);
        }
        // The beginning may have been of another file: once more, from the start.
        if resumed > 0 {
            self.discard()?;
            self.body(0)?;
            if check(self.part, self.remote, true)? {
                return Ok(0);
            }
        }
        let found = unpacked_hash(self.part, self.remote, true)?;
        self.discard()?;
        Err(FetchError::WrongHash { from: shown(self.url), expected: self.remote.unpacked_sha256.clone(), found })
    }

    /// Whether an earlier attempt was cut off only after its last byte.
    fn is_whole(&self) -> Result<bool, FetchError> {
        let length = fs::metadata(self.part).map(|metadata| metadata.len());
        Ok(length.is_ok_and(|length| length == self.remote.bytes) && check(self.part, self.remote, true)?)
    }

    /// Bytes of an earlier attempt.
    fn present(&self) -> Result<u64, FetchError> {
        match fs::metadata(self.part) {
            Ok(metadata) if metadata.len() < self.remote.bytes => Ok(metadata.len()),
            Ok(_) => self.discard().map(|()| 0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(FetchError::Io { action: "read", path: self.part.to_path_buf(), source }),
        }
    }

    fn discard(&self) -> Result<(), FetchError> {
        atomic::remove(self.part).map_err(FetchError::io("remove", self.part))
    }

    /// Writes the bytes from `have` on to `part`; returns at which byte the server began, which may be 0.
    fn body(&mut self, have: u64) -> Result<u64, FetchError> {
        let remote = self.remote;
        let allowed = self.patience.grace
            + Duration::from_secs_f64((remote.bytes - have) as f64 / self.patience.bytes_per_second.max(1) as f64);
        let mut response = self.request(have, allowed)?;
        let start = match response.status().as_u16() {
            200 => 0,
            206 if range_start(&response) == Some(have) => have,
            // A part that was not asked for: take the whole.
            206 if have > 0 => {
                response = self.request(0, allowed)?;
                0
            }
            status => return Err(FetchError::Status { url: shown(self.url), status }),
        };
        if response.status().as_u16() != 200 && start == 0 {
            return Err(FetchError::Status { url: shown(self.url), status: response.status().as_u16() });
        }
        let limit = remote.most_bytes(true);
        let declared = response.body().content_length().map(|bytes| bytes.saturating_add(start));
        if declared.is_some_and(|bytes| bytes > limit) {
            return Err(self.too_large(limit));
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(start == 0)
            .write(true)
            .append(start > 0)
            .open(self.part)
            .map_err(FetchError::io("write", self.part))?;
        let mut reader = response.into_body().into_reader();
        let expected = declared.unwrap_or(remote.bytes);
        self.pump(&mut reader, &mut file, start, expected, limit, allowed)?;
        Ok(start)
    }

    fn request(&self, have: u64, allowed: Duration) -> Result<Response<Body>, FetchError> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(5)
            .https_only(self.url.starts_with("https://"))
            .user_agent(concat!("nl-data/", env!("CARGO_PKG_VERSION")))
            .timeout_resolve(Some(self.patience.connect))
            .timeout_connect(Some(self.patience.connect))
            .timeout_recv_response(Some(self.patience.connect))
            .timeout_recv_body(Some(allowed));
        if is_loopback(self.url) {
            config = config.proxy(None);
        }
        let agent: Agent = config.build().into();
        let mut request = agent.get(self.url).header(header::ACCEPT_ENCODING, "identity");
        if have > 0 {
            request = request.header(header::RANGE, format!("bytes={have}-"));
        }
        request.call().map_err(|error| FetchError::NoAnswer { url: shown(self.url), reason: error.to_string() })
    }

    fn pump(
        &mut self,
        reader: &mut impl Read,
        file: &mut File,
        start: u64,
        expected: u64,
        limit: u64,
        allowed: Duration,
    ) -> Result<(), FetchError> {
        let began = Instant::now();
        let mut found = start;
        let mut buffer = vec![0; 64 * 1024];
        let slow = |found| FetchError::TooSlow {
            url: shown(self.url),
            found,
            expected,
            seconds: began.elapsed().as_secs_f64(),
        };
        let cut = |found, reason| FetchError::CutOff { url: shown(self.url), found, expected, reason };
        loop {
            (self.progress)(Progress { file: &self.remote.name, bytes: found, total: expected });
            let bytes = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if is_timeout(&error) => return Err(slow(found)),
                Err(error) => return Err(cut(found, error.to_string())),
            };
            found += bytes as u64;
            if found > limit {
                self.discard()?;
                return Err(self.too_large(limit));
            }
            if let Err(source) = file.write_all(&buffer[..bytes]) {
                // A full disk is not helped by keeping half a file.
                self.discard()?;
                return Err(FetchError::Io { action: "write", path: self.part.to_path_buf(), source });
            }
            // A server that drips would keep every single read short of its timeout.
            let due = (found - start) as f64 / self.patience.bytes_per_second.max(1) as f64;
            if began.elapsed() > allowed.min(self.patience.grace + Duration::from_secs_f64(due)) {
                return Err(slow(found));
            }
        }
        // Without a declared length only the hash can tell a short file from one that was packed better.
        if found < expected && !check(self.part, self.remote, true)? {
            return Err(cut(found, "the connection was closed".to_owned()));
        }
        Ok(())
    }

    fn too_large(&self, limit: u64) -> FetchError {
        FetchError::TooLarge { url: shown(self.url), limit, expected: self.remote.bytes }
    }
}

/// The first byte of `Content-Range: bytes FIRST-LAST/TOTAL`.
fn range_start(response: &Response<Body>) -> Option<u64> {
    let range = response.headers().get(header::CONTENT_RANGE)?.to_str().ok()?;
    range.trim().strip_prefix("bytes ")?.split('-').next()?.trim().parse().ok()
}

/// Whether the time allowed has run out.
fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    error.kind() == io::ErrorKind::TimedOut || matches!(inner, Some(ureq::Error::Timeout(_)))
}

/// A URL as it may be printed: without a name and a password in it.
pub(super) fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://…@{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// Whether the address is this machine, which no proxy can reach.
fn is_loopback(url: &str) -> bool {
    let host = url.split("://").nth(1).unwrap_or_default();
    ["127.", "localhost", "[::1]"].iter().any(|local| host.starts_with(local))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(shown("https://ada:secret@example.org/a?b=c@d"), "https://…@example.org/a?b=c@d");
        assert_eq!(shown("https://a@b:p@ss@example.org"), "https://…@example.org");
        assert_eq!(shown("http://example.org/a@b"), "http://example.org/a@b");
    }
}
