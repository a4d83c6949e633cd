//! Weights in the safetensors format, which every framework reads.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::run::{FileError, read_capped, write_atomic};

/// No weights file may be larger: 4 GiB.
const CAP: u64 = 1 << 32;

/// Weights could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tensor's shape does not fit its values.
    #[error("tensor `{name}`: shape {shape:?} does not hold {values} values")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// The number of values given.
        values: usize,
    },
    /// The file is no safetensors file, or the tensors cannot be one.
    #[error("weights `{}`: {reason}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the format's reader or writer said.
        reason: String,
    },
}

/// A tensor by name: shape and values, row-major.
pub type NamedTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// Writes tensors (name, shape, values; row-major, f32 little endian) to `path` and returns the SHA-256 of the file.
///
/// The same tensors give the same bytes, whatever their order.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("weights.safetensors");
/// nl_train::write_weights(&path, [("v1.weight", &[2, 1][..], &[0.5, -1.0][..])])?;
/// assert_eq!(nl_train::read_weights(&path)?["v1.weight"], (vec![2, 1], vec![0.5, -1.0]));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`WeightsError`]: a shape that does not fit, or the file cannot be written.
pub fn write_weights<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [f32])>,
) -> Result<String, WeightsError> {
    let mut bytes = BTreeMap::new();
    for (name, shape, values) in tensors {
        if shape.iter().try_fold(1_usize, |n, &d| n.checked_mul(d)) != Some(values.len()) {
            return Err(WeightsError::Shape { name: name.to_owned(), shape: shape.to_vec(), values: values.len() });
        }
        let data: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        if bytes.insert(name, (shape, data)).is_some() {
            return Err(format_error(path, &format!("two tensors are named `{name}`")));
        }
    }
    let mut views = Vec::with_capacity(bytes.len());
    for (name, (shape, data)) in &bytes {
        let view = TensorView::new(Dtype::F32, shape.to_vec(), data).map_err(|error| format_error(path, &error))?;
        views.push((*name, view));
    }
    let file = safetensors::serialize(views, None).map_err(|error| format_error(path, &error))?;
    write_atomic(path, &file)?;
    Ok(crate::run::sha256_hex(&file))
}

/// Reads the f32 tensors of a safetensors file.
///
/// # Errors
/// [`WeightsError`]: the file cannot be read, is no safetensors file, or holds another number type.
pub fn read_weights(path: &Path) -> Result<NamedTensors, WeightsError> {
    let bytes = read_capped(path, CAP)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|error| format_error(path, &error))?;
    let read = |(name, view): (String, TensorView<'_>)| {
        if view.dtype() != Dtype::F32 {
            return Err(format_error(path, &format!("tensor `{name}` is {:?}, expected F32", view.dtype())));
        }
        let values = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok((name, (view.shape().to_vec(), values)))
    };
    file.tensors().into_iter().map(read).collect()
}

fn format_error(path: &Path, error: &dyn std::fmt::Display) -> WeightsError {
    WeightsError::Format { path: path.to_owned(), reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter_and_bits_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        let (one, two): (&[f32], &[f32]) = (&[f32::NAN, -0.0, 1e-45], &[2.0]);
        let first = write_weights(&a, [("one", &[3][..], one), ("two", &[1, 1][..], two)]).unwrap();
        let second = write_weights(&b, [("two", &[1, 1][..], two), ("one", &[3][..], one)]).unwrap();
        assert_eq!(first, second);
        assert_eq!(first, crate::run::sha256_hex(&std::fs::read(&a).unwrap()));
        let read = read_weights(&b).unwrap();
        assert_eq!(read["two"], (vec![1, 1], vec![2.0]));
        let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&read["one"].1), bits(one));
    }

    /// The layout by hand: header length, JSON header padded to 8 bytes, values.
    #[test]
    fn the_format_is_the_published_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_weights(&path, [("w", &[2][..], &[1.0, 2.0][..])]).unwrap();
        let mut expected = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.to_vec();
        expected.resize(expected.len().next_multiple_of(8), b' ');
        let mut file = (expected.len() as u64).to_le_bytes().to_vec();
        file.append(&mut expected);
        file.extend([0, 0, 0x80, 0x3f, 0, 0, 0, 0x40]);
        assert_eq!(std::fs::read(&path).unwrap(), file);
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let error = write_weights(&path, [("w", &[2, 2][..], &[1.0][..])]).unwrap_err().to_string();
        assert!(error.contains("tensor `w`: shape [2, 2] does not hold 1 values"), "{error}");
        let error = write_weights(&path, [("w", &[][..], &[1.0][..]), ("w", &[1][..], &[1.0][..])]).unwrap_err();
        assert!(error.to_string().contains("two tensors are named `w`"), "{error}");
        assert!(!path.exists());
        std::fs::write(&path, b"not weights at all").unwrap();
        assert!(read_weights(&path).unwrap_err().to_string().contains("weights `"));
    }
}
