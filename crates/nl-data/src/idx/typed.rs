//! IDX files of any element type and number of dimensions, as numbers.

use std::io::Read;
use std::path::Path;

use byteorder::{BigEndian, ByteOrder};

use super::{Decoder, IdxError, Limits, opened};
use crate::element::{self, Array, Element, Want};

/// Most dimensions: those of a set of coloured images.
const MOST_DIMENSIONS: u8 = 4;

impl Element {
    /// The type of a code of the format.
    fn of_idx(code: u8) -> Option<Self> {
        match code {
            0x08 => Some(Self::U8),
            0x09 => Some(Self::I8),
            0x0b => Some(Self::I16),
            0x0c => Some(Self::I32),
            0x0d => Some(Self::F32),
            0x0e => Some(Self::F64),
            _ => None,
        }
    }
}

/// Reads a file of any of the format's types and 1 to 4 dimensions, plain or gzipped.
pub(crate) fn read(reader: impl Read, file: &Path, want: Want, limits: &Limits) -> Result<Array, IdxError> {
    opened(reader, file, |mut decoder| decoder.array(want, limits))
}

impl<R: Read> Decoder<'_, R> {
    fn array(&mut self, want: Want, limits: &Limits) -> Result<Array, IdxError> {
        let file = self.file;
        let file = || file.to_path_buf();
        let (code, rank) = self.start()?;
        let Some(element) = Element::of_idx(code) else {
            return Err(IdxError::TypeCode { file: file(), found: code, rank, dims: self.declared(rank) });
        };
        if !(1..=MOST_DIMENSIONS).contains(&rank) {
            return Err(IdxError::Dimensions { file: file(), found: rank, dims: self.declared(rank) });
        }
        let header = 4 + 4 * u64::from(rank);
        let raw = self.bytes(header - 4, header)?;
        let mut dims = vec![0; usize::from(rank)];
        BigEndian::read_u32_into(&raw, &mut dims);
        let (count, bytes) = self.size(&dims, element.size(), limits)?;
        let (numbers, found, outcome) = element::read(&mut self.reader, element, true, count, want);
        self.found += found;
        outcome.map_err(|source| self.failure(source))?;
        if found < bytes {
            return Err(IdxError::Short { file: file(), expected: header + bytes, found: self.found });
        }
        self.end(header + bytes)?;
        Ok(Array { dims: dims.into_iter().map(|dim| dim as usize).collect(), element, numbers })
    }
}
