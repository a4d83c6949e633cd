//! Types of numbers as files hold them, and the way into memory.

use std::io::{self, Read};

use crate::Values;

/// Bytes that are decoded at a time: a multiple of every element's size.
const CHUNK: u64 = 1 << 16;

/// What one number of a file is.
#[cfg_attr(not(feature = "npy"), allow(dead_code, reason = "some are written by NumPy alone"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Element {
    Bool,
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl Element {
    /// Bytes of one number.
    pub(crate) fn size(self) -> u64 {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 => 8,
        }
    }

    /// Whether it holds whole numbers only.
    pub(crate) fn is_whole(self) -> bool {
        !matches!(self, Self::F32 | Self::F64)
    }

    /// One number of `size` bytes; whole numbers beyond 2⁵³ are rounded.
    fn decode(self, raw: &[u8], big_endian: bool) -> f64 {
        let mut bytes = [0; 8];
        let size = raw.len().min(8);
        bytes[..size].copy_from_slice(&raw[..size]);
        if big_endian {
            bytes[..size].reverse();
        }
        let word = u64::from_le_bytes(bytes);
        // The casts cut off what is 0 already, or take a sign from the top bit of the number.
        match self {
            Self::Bool => f64::from(u8::from(word != 0)),
            Self::U8 | Self::U16 | Self::U32 | Self::U64 => word as f64,
            Self::I8 => f64::from(word as u8 as i8),
            Self::I16 => f64::from(word as u16 as i16),
            Self::I32 => f64::from(word as u32 as i32),
            Self::I64 => word as i64 as f64,
            Self::F32 => f64::from(f32::from_bits(word as u32)),
            Self::F64 => f64::from_bits(word),
        }
    }
}

/// What the numbers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// To learn from: bytes stay bytes, all else becomes f32.
    Features,
    /// To be learned: f64, so that whole numbers stay exact.
    Targets,
}

/// Numbers in memory.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Numbers {
    Features(Values),
    Targets(Vec<f64>),
}

/// Numbers of a file, row-major, and their dimensions, outermost first.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array {
    pub(crate) dims: Vec<usize>,
    pub(crate) element: Element,
    pub(crate) numbers: Numbers,
}

/// The next `count` numbers of `reader`, and the bytes that arrived: fewer than `count` if the file ends before. Memory
/// grows with what arrives.
pub(crate) fn read(
    mut reader: impl Read,
    element: Element,
    big_endian: bool,
    count: u64,
    want: Want,
) -> (Numbers, u64, io::Result<()>) {
    let total = count.saturating_mul(element.size());
    if (element, want) == (Element::U8, Want::Features) {
        let mut bytes = Vec::with_capacity(total.min(CHUNK) as usize);
        let outcome = reader.take(total).read_to_end(&mut bytes);
        bytes.shrink_to_fit();
        let found = bytes.len() as u64;
        return (Numbers::Features(Values::U8(bytes)), found, outcome.map(drop));
    }
    let (mut floats, mut exact, mut chunk) = (Vec::new(), Vec::new(), Vec::new());
    let (mut found, mut outcome) = (0, Ok(()));
    while found < total && outcome.is_ok() {
        chunk.clear();
        outcome = reader.by_ref().take(CHUNK.min(total - found)).read_to_end(&mut chunk).map(drop);
        found += chunk.len() as u64;
        let numbers = chunk.chunks_exact(element.size() as usize).map(|raw| element.decode(raw, big_endian));
        match want {
            // To the nearest f32; what is too large becomes infinite, which `Samples` refuses.
            Want::Features => floats.extend(numbers.map(|number| number as f32)),
            Want::Targets => exact.extend(numbers),
        }
        if chunk.is_empty() {
            break;
        }
    }
    let numbers = match want {
        Want::Features => Numbers::Features(Values::F32(floats)),
        Want::Targets => Numbers::Targets(exact),
    };
    (numbers, found, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(element: Element, bytes: &[u8], big_endian: bool) -> Vec<f64> {
        let count = bytes.len() as u64 / element.size();
        match read(bytes, element, big_endian, count, Want::Targets) {
            (Numbers::Targets(values), found, Ok(())) if found == bytes.len() as u64 => values,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_type_in_both_orders() {
        macro_rules! check {
            ($($element:ident $number:ty: $values:expr),*) => {$(
                let values: &[$number] = &$values;
                let expected: Vec<f64> = values.iter().map(|&x| x as f64).collect();
                let little: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
                let big: Vec<u8> = values.iter().flat_map(|x| x.to_be_bytes()).collect();
                assert_eq!(exact(Element::$element, &little, false), expected);
                assert_eq!(exact(Element::$element, &big, true), expected);
            )*};
        }
        check!(
            U8 u8: [0, 7, 255], I8 i8: [-128, -1, 0, 127], U16 u16: [1, 65_535], I16 i16: [-32_768, 258],
            U32 u32: [0x0102_0304, u32::MAX], I32 i32: [i32::MIN, -5, 66_000], U64 u64: [1 << 52, 3],
            I64 i64: [-(1 << 52), i64::MIN, 9], F32 f32: [0.1, -2.5e30, 1e-40], F64 f64: [0.1, -2.5e300]
        );
        assert_eq!(exact(Element::Bool, &[0, 1, 2], false), [0.0, 1.0, 1.0]);
    }

    #[test]
    fn a_huge_claim_takes_no_memory() {
        for want in [Want::Features, Want::Targets] {
            for element in [Element::U8, Element::F64] {
                let info = allocation_counter::measure(|| {
                    let (_, found, outcome) = read(&[1_u8; 100][..], element, false, u64::MAX, want);
                    assert!(found == 100 && outcome.is_ok());
                });
                assert!(info.bytes_max < 200_000, "{element:?}: {} bytes", info.bytes_max);
            }
        }
    }

    proptest! {
        /// Chunks end within no number.
        #[test]
        fn long_arrays_are_read_whole(count in 8_000u64..40_000) {
            let bytes: Vec<u8> = (0..count).flat_map(|i| (i as f32).to_le_bytes()).collect();
            let (numbers, found, outcome) = read(&bytes[..], Element::F32, false, count, Want::Features);
            prop_assert!(outcome.is_ok());
            prop_assert_eq!(found, 4 * count);
            prop_assert_eq!(numbers, Numbers::Features(Values::F32((0..count).map(|i| i as f32).collect())));
        }
    }
}
