//! Names of classes, from a file beside the images.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::IdxError;

/// The file: one name a line, in order of labels.
pub(crate) const FILE: &str = "classes.txt";
/// 256 names of 256 bytes.
const CAP: u64 = 1 << 16;
/// Characters of a name.
const LONGEST: usize = 80;

/// The names in `classes.txt` of `dir`, one for each class; none if there is no such file.
///
/// Where no sample has the label 0 (`from_one`), the first name may be that of class 1.
pub(crate) fn read(dir: &Path, classes: usize, from_one: bool) -> Result<Vec<String>, IdxError> {
    let path = dir.join(FILE);
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let refuse = |what: String| IdxError::ClassNames { file: path.clone(), what };
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(CAP + 1).read_to_end(&mut bytes));
    read.map_err(|source| IdxError::Io { file: path.clone(), source })?;
    if bytes.len() as u64 > CAP {
        return Err(refuse(format!("more than {CAP} bytes")));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("not UTF-8 text".to_owned()))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut names: Vec<String> = text.lines().map(|line| line.trim().to_owned()).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    check(&names).map_err(|(at, what)| refuse(format!("line {} {what}", at + 1)))?;
    if names.len() + 1 == classes && from_one {
        names.insert(0, "0".to_owned());
    }
    if names.len() != classes {
        return Err(refuse(format!("{} names for {classes} classes", names.len())));
    }
    Ok(names)
}

/// Which name is none, and why; each may stand once.
pub(crate) fn check(names: &[String]) -> Result<(), (usize, &'static str)> {
    let mut seen = HashSet::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err((at, "is empty"));
        }
        if name.chars().count() > LONGEST || name.chars().any(char::is_control) {
            return Err((at, "is no name of at most 80 characters"));
        }
        if !seen.insert(name) {
            return Err((at, "names a class that has been named before"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &[u8], classes: usize, from_one: bool) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), text).unwrap();
        let read = read(dir.path(), classes, from_one);
        read.map_err(|error| error.to_string().replace(&dir.path().display().to_string(), "…"))
    }

    #[test]
    fn one_name_a_line() {
        assert_eq!(names(b"cat\ndog\n", 2, false).unwrap(), ["cat", "dog"]);
        assert_eq!(names("\u{feff}chat \r\nchien\r\n\r\n".as_bytes(), 2, false).unwrap(), ["chat", "chien"]);
        assert!(read(Path::new("nowhere"), 2, false).unwrap().is_empty());
        // EMNIST's letters begin at 1.
        assert_eq!(names(b"a\nb", 3, true).unwrap(), ["0", "a", "b"]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (text, what) in [
            (&b"cat\n"[..], "1 names for 2 classes"),
            (b"cat\n\ndog", "line 2 is empty"),
            (b"cat\ncat", "line 2 names a class that has been named before"),
            (b"cat\nd\x01g", "line 2 is no name"),
            (b"cat\n\xff", "not UTF-8"),
            (&[b'a'; 70_000], "more than 65536 bytes"),
        ] {
            let error = names(text, 2, false).unwrap_err();
            assert!(error.contains(what) && error.contains("classes.txt"), "{error}");
        }
    }
}
