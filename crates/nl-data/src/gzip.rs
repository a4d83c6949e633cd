//! Gzip members one after the other, as gzip and Python read them.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::GzDecoder;
use thiserror::Error;

/// What every member begins with: RFC 1952, 2.3.1.
pub(crate) const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Most zero bytes that are passed over after a member: far above any block of a tape, far below what would take long.
const MOST_PADDING: u64 = 16 << 20;

/// Something follows the last member that is neither a member nor zero padding.
#[derive(Debug, Error)]
#[error("after its end the bytes 0x{}… follow, neither a further gzip member nor zero padding", hex(found))]
struct Trailing {
    /// The first bytes after padding, eight at most.
    found: Vec<u8>,
}

/// Whether an error of [`Members`] says that something else follows a whole stream.
pub(crate) fn is_trailing(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(inner) if inner.is::<Trailing>())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The unpacked content of a file of one or more members (RFC 1952, 2.2), zero padding allowed after each.
///
/// Errors are those of the decoder (`UnexpectedEof`: cut off; `InvalidInput`, `InvalidData`: damaged), and `InvalidData`
/// with a [`Trailing`] inside.
pub(crate) struct Members<R> {
    member: Option<GzDecoder<Source<R>>>,
}

/// The bytes of a member: its magic number, which was looked at before, and the rest.
type Source<R> = io::Chain<io::Cursor<[u8; 2]>, BufReader<R>>;

impl<R: Read> Members<R> {
    /// Of a reader whose first two bytes, taken already, were [`MAGIC`].
    pub(crate) fn after_magic(reader: R) -> Self {
        Self { member: Some(member(BufReader::new(reader))) }
    }
}

fn member<R: Read>(rest: BufReader<R>) -> GzDecoder<Source<R>> {
    GzDecoder::new(io::Cursor::new(MAGIC).chain(rest))
}

/// The member after padding, if the file does not end there.
fn next<R: Read>(mut rest: BufReader<R>) -> io::Result<Option<GzDecoder<Source<R>>>> {
    let mut padding = 0;
    let first = loop {
        let bytes = rest.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let zeros = bytes.iter().take_while(|&&byte| byte == 0).count();
        let first = bytes.get(zeros).copied();
        rest.consume(zeros + usize::from(first.is_some()));
        padding += zeros as u64;
        if padding > MOST_PADDING {
            let message = format!("more than {MOST_PADDING} zero bytes after its end");
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        if let Some(first) = first {
            break first;
        }
    };
    let mut found = vec![first];
    rest.by_ref().take(1).read_to_end(&mut found)?;
    if found == MAGIC {
        return Ok(Some(member(rest)));
    }
    // The beginning of a member, and no more.
    if found == MAGIC[..1] {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    rest.take(6).read_to_end(&mut found)?;
    Err(io::Error::new(io::ErrorKind::InvalidData, Trailing { found }))
}

impl<R: Read> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.member {
            let bytes = member.read(out)?;
            if bytes > 0 || out.is_empty() {
                return Ok(bytes);
            }
            if let Some(ended) = self.member.take() {
                let (_, rest) = ended.into_inner().into_inner();
                self.member = next(rest)?;
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        assert_eq!(bytes[..2], MAGIC);
        let mut content = Vec::new();
        Members::after_magic(&bytes[2..]).read_to_end(&mut content).map(|_| content)
    }

    /// Gives one byte at a time.
    struct Drip<'a>(&'a [u8]);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let n = out.len().min(1);
            self.0.read(&mut out[..n])
        }
    }

    /// Every one of these Python's `gzip.decompress` unpacks (3.11); gzip 1.12 those without a member after padding.
    #[test]
    fn members_and_padding_as_python_reads_them() {
        let (a, b, none, zeros) = (packed(b"one "), packed(b"two"), packed(b""), vec![0; 700]);
        for (file, content) in [
            (vec![&a], "one "),
            (vec![&a, &zeros], "one "),
            (vec![&a, &b], "one two"),
            (vec![&a, &none, &b], "one two"),
            (vec![&a, &zeros, &b, &zeros], "one two"),
            (vec![&none, &zeros], ""),
        ] {
            let file = file.into_iter().flatten().copied().collect::<Vec<u8>>();
            assert_eq!(unpacked(&file).unwrap(), content.as_bytes());
            let mut slowly = Vec::new();
            Members::after_magic(Drip(&file[2..])).read_to_end(&mut slowly).unwrap();
            assert_eq!(slowly, content.as_bytes());
        }
    }

    #[test]
    fn what_follows_is_named() {
        let a = packed(b"one");
        for (more, words) in [(&b"trailing"[..], "0x747261696c696e67"), (b"\0\0!", "0x21"), (&[0x1f, 0x9d], "0x1f9d")] {
            let error = unpacked(&[&a, more].concat()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert!(is_trailing(&error));
            assert!(error.to_string().contains(words), "{error}");
        }
        for cut in 1..a.len() {
            let error = unpacked(&[&a, &a[..cut]].concat()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "the second member cut off after {cut} bytes");
        }
    }

    #[test]
    fn padding_has_an_end() {
        let member = packed(b"one");
        let mut endless = Members::after_magic(member[2..].chain(io::repeat(0)));
        let mut content = Vec::new();
        let error = endless.read_to_end(&mut content).unwrap_err();
        assert!(error.to_string().contains("zero bytes"), "{error}");
        assert_eq!(content, b"one");
    }
}
