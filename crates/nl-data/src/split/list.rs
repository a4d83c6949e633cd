//! A given list: the samples of the test set, one number a line.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::SplitError;

/// Bytes of a line: ten digits, an end of line, and some blanks.
const LINE: u64 = 16;

/// Reads the numbers of samples from a file of text, one a line, counted from 0; in ascending order.
///
/// # Errors
/// [`SplitError`]: a file that cannot be read or is too large for a list of `len` samples, a line that is no number
/// below `len`, a sample that stands twice, no sample at all.
///
/// ```
/// let file = tempfile::NamedTempFile::new()?;
/// std::fs::write(&file, "7\n2\n")?;
/// assert_eq!(nl_data::read_indices(file.path(), 10)?, [2, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_indices(file: &Path, len: usize) -> Result<Vec<u32>, SplitError> {
    let refuse = |what: String| SplitError::List { file: file.to_path_buf(), what };
    let cap = (len as u64).saturating_mul(LINE).saturating_add(4096);
    let mut bytes = Vec::new();
    let read = File::open(file).and_then(|file| file.take(cap + 1).read_to_end(&mut bytes));
    read.map_err(|source| SplitError::Io { file: file.to_path_buf(), source })?;
    if bytes.len() as u64 > cap {
        return Err(refuse(format!("more than {cap} bytes, too many for a list of {len} samples")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("not a file of text".to_owned()))?;
    let mut chosen = vec![false; len];
    for (line, number) in (1..).zip(text.trim_end().lines()) {
        let shown: String = number.chars().take(40).collect();
        let Some(index) = number.trim().parse::<usize>().ok().filter(|&index| index < len) else {
            return Err(refuse(format!(
                "line {line}, {shown:?}, is no number of one of the {len} samples, 0 to {}",
                len.max(1) - 1
            )));
        };
        if std::mem::replace(&mut chosen[index], true) {
            return Err(refuse(format!("line {line} names sample {index}, which stands above already")));
        }
    }
    let indices: Vec<u32> = (0..).zip(chosen).filter_map(|(index, chosen)| chosen.then_some(index)).collect();
    match indices.is_empty() {
        true => Err(refuse("no sample".to_owned())),
        false => Ok(indices),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &[u8], len: usize) -> Result<Vec<u32>, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, text).unwrap();
        read_indices(file.path(), len).map_err(|error| error.to_string())
    }

    #[test]
    fn one_number_a_line() {
        assert_eq!(read(b"4\r\n 0 \n2\n\n", 5).unwrap(), [0, 2, 4]);
        for (text, words) in [
            (&b"1\n5"[..], "line 2, \"5\", is no number of one of the 5 samples, 0 to 4"),
            (b"1\n\n2", "line 2, \"\", is no number"),
            (b"-1", "line 1, \"-1\""),
            (b"1.0", "line 1, \"1.0\""),
            (b"99999999999999999999999999", "line 1"),
            (b"3\n3", "line 2 names sample 3"),
            (b"", "no sample"),
            (b"\xff", "not a file of text"),
            (&[b' '; 10_000], "too many for a list of 5 samples"),
        ] {
            let error = read(text, 5).unwrap_err();
            assert!(error.contains(words) && error.contains("one number a line"), "{error}");
        }
        assert!(read_indices("nowhere".as_ref(), 5).unwrap_err().to_string().contains("nowhere: cannot read"));
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), len in 0usize..50) {
            let _ = read(&bytes, len);
        }

        #[test]
        fn round_trip(chosen in proptest::collection::btree_set(0u32..60, 1..60)) {
            let text = chosen.iter().rev().map(|index| format!("{index}\n")).collect::<String>();
            prop_assert_eq!(read(text.as_bytes(), 60).unwrap(), chosen.into_iter().collect::<Vec<_>>());
        }
    }
}
