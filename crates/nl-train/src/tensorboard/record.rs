//! Records with lengths and checksums: the framing of TFRecord files.
//!
//! ```text
//! length   u64, little endian
//! masked CRC-32C of those eight bytes, u32
//! payload  `length` bytes
//! masked CRC-32C of the payload, u32
//! masked(c) = ((c >> 15) | (c << 17)) + a282ead8, modulo 2³²
//! ```
//!
//! The mask keeps the checksum of data that itself holds checksums from being weak. Source: TensorFlow,
//! `tensorflow/core/lib/io/record_writer.h` and `core/lib/hash/crc32c.h`; CRC-32C: Castagnoli, Bräuer & Herrmann,
//! "Optimization of cyclic redundancy-check codes with 24 and 32 parity bits", 1993; RFC 3720, appendix B.4.

use std::io::{self, Write};

use crc::{CRC_32_ISCSI, Crc, Table};

/// The polynomial 1edc6f41, reflected, sixteen bytes at a time.
const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// The masked CRC-32C of `bytes`.
///
/// ```
/// // RFC 3720: the CRC-32C of 32 zeros is 8a9136aa.
/// let crc = 0x8a91_36aa_u32;
/// let masked = crc.rotate_right(15).wrapping_add(0xa282_ead8);
/// assert_eq!(nl_train::tensorboard::record::masked_crc32c(&[0; 32]), masked);
/// ```
#[must_use]
pub fn masked_crc32c(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// Writes `payload` as one record, in one call of the writer.
///
/// ```
/// let mut out = Vec::new();
/// nl_train::tensorboard::record::write_record(&mut out, b"hello")?;
/// assert_eq!((out.len(), &out[..8], &out[12..17]), (21, &[5, 0, 0, 0, 0, 0, 0, 0][..], &b"hello"[..]));
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// Of the writer.
pub fn write_record(out: &mut impl Write, payload: &[u8]) -> io::Result<()> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(payload.len() + 16);
    record.extend(length);
    record.extend(masked_crc32c(&length).to_le_bytes());
    record.extend(payload);
    record.extend(masked_crc32c(payload).to_le_bytes());
    out.write_all(&record)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// CRC-32C bit by bit, by its definition.
    fn crc32c(bytes: &[u8]) -> u32 {
        let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 };
        !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
    }

    fn unmasked(masked: u32) -> u32 {
        masked.wrapping_sub(0xa282_ead8).rotate_left(15)
    }

    /// A reader of its own: the payloads of whole, sound records, and what is left at the end.
    pub(in super::super) fn read(mut bytes: &[u8]) -> (Vec<Vec<u8>>, &[u8]) {
        let mut found = Vec::new();
        while bytes.len() >= 12 {
            let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
            let crc = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
            assert_eq!(unmasked(crc(8)), crc32c(&bytes[..8]), "checksum of a length");
            if bytes.len() < 16 + length {
                break;
            }
            let payload = &bytes[12..12 + length];
            assert_eq!(unmasked(crc(12 + length)), crc32c(payload), "checksum of a payload");
            found.push(payload.to_vec());
            bytes = &bytes[16 + length..];
        }
        (found, bytes)
    }

    #[test]
    fn checksums_are_those_of_the_standard() {
        // RFC 3720, appendix B.4, and the check value of the catalogue of CRCs.
        let rising: Vec<u8> = (0..32).collect();
        let falling: Vec<u8> = (0..32).rev().collect();
        for (bytes, expected) in [
            (&[0; 32][..], 0x8a91_36aa),
            (&[0xff; 32], 0x62a8_ab43),
            (&rising, 0x46dd_794e),
            (&falling, 0x113f_db5c),
            (b"123456789", 0xe306_9283),
        ] {
            assert_eq!((crc32c(bytes), unmasked(masked_crc32c(bytes))), (expected, expected));
        }
    }

    proptest! {
        #[test]
        fn records_are_read_back_and_a_torn_one_is_seen(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..6), cut in 0_usize..100,
        ) {
            let mut bytes = Vec::new();
            payloads.iter().for_each(|payload| write_record(&mut bytes, payload).unwrap());
            let (found, rest) = read(&bytes);
            prop_assert!(found == payloads && rest.is_empty());
            let torn = &bytes[..bytes.len().saturating_sub(cut)];
            let (found, _) = read(torn);
            prop_assert_eq!(&found[..], &payloads[..found.len()]);
        }
    }
}
