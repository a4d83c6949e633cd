//! NPZ files, as `numpy.load` reads them: a ZIP archive of NPY arrays, stored without compression.
//!
//! Source: numpy.lib.format, version 1.0 of NPY; PKWARE's APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16. A member or an
//! archive of 4 GiB or more would need ZIP64 and is refused. The same arrays make the same bytes: there is no time in them.

use std::io::{self, Write};

/// Version 2.0 of ZIP is what a reader needs.
const VERSION: u16 = 20;
/// 1980-01-01, the first day that ZIP knows.
const DATE: u16 = 1 << 5 | 1;

/// An archive under way; [`finish`](Self::finish) ends it.
pub(crate) struct Npz<W> {
    out: W,
    /// Bytes written.
    at: u64,
    /// The central directory so far.
    directory: Vec<u8>,
    members: u16,
}

impl<W: Write> Npz<W> {
    pub(crate) fn new(out: W) -> Self {
        Self { out, at: 0, directory: Vec::new(), members: 0 }
    }

    /// Adds the array `name` of items in NumPy's notation `descr` (`"<f8"`), little endian; goes through `items` twice.
    ///
    /// # Errors
    /// Of the writer; [`io::ErrorKind::InvalidInput`] if the items do not fill the shape;
    /// [`io::ErrorKind::FileTooLarge`] from 4 GiB on.
    pub(crate) fn array<const N: usize>(
        &mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        items: impl Iterator<Item = [u8; N]> + Clone,
    ) -> io::Result<()> {
        let (name, header) = (format!("{name}.npy"), npy_header(descr, shape));
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header);
        let mut count = 0_usize;
        items.clone().for_each(|item| {
            crc.update(&item);
            count += 1;
        });
        if count != shape.iter().product::<usize>() {
            let message = format!("{name}: {count} items for an array of shape {shape:?}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let size = small(header.len() as u64 + count as u64 * N as u64)?;
        let offset = small(self.at)?;
        // What the header of a member and its entry in the directory have in common.
        let mut common = Vec::new();
        for half in [VERSION, 0, 0, 0, DATE] {
            common.extend(half.to_le_bytes());
        }
        for word in [crc.finalize(), size, size] {
            common.extend(word.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());

        self.put(b"PK\x03\x04")?;
        self.put(&common)?;
        self.put(name.as_bytes())?;
        self.put(&header)?;
        for item in items {
            self.put(&item)?;
        }
        self.directory.extend(b"PK\x01\x02");
        self.directory.extend(VERSION.to_le_bytes());
        self.directory.extend(common);
        // No comment, first disk, no attributes.
        self.directory.extend([0; 2 + 2 + 2 + 4]);
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(name.as_bytes());
        self.members += 1;
        Ok(())
    }

    /// Writes the directory.
    ///
    /// # Errors
    /// As [`array`](Self::array).
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let (offset, size) = (small(self.at)?, small(self.directory.len() as u64)?);
        let directory = std::mem::take(&mut self.directory);
        self.put(&directory)?;
        self.put(b"PK\x05\x06")?;
        // Of disk 0, which is this one.
        self.put(&[0; 4])?;
        for members in [self.members; 2] {
            self.put(&members.to_le_bytes())?;
        }
        for word in [size, offset] {
            self.put(&word.to_le_bytes())?;
        }
        self.put(&[0; 2])?;
        self.out.flush()
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)
    }
}

/// Below 4 GiB.
fn small(bytes: u64) -> io::Result<u32> {
    u32::try_from(bytes).map_err(|_| {
        let message = "an NPZ file of 4 GiB or more is not written; ask for CSV, or for the spikes of fewer stages";
        io::Error::new(io::ErrorKind::FileTooLarge, message)
    })
}

/// Magic, version, length, and a Python dictionary, filled up with blanks to a multiple of 64 bytes.
fn npy_header(descr: &str, shape: &[usize]) -> Vec<u8> {
    // A tuple of one has a comma at its end.
    let shape = shape.iter().map(|n| format!("{n},")).collect::<Vec<_>>().join(" ");
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}");
    let begin = 6 + 2 + 2;
    let end = (begin + text.len() + 1).next_multiple_of(64);
    text.extend(std::iter::repeat_n(' ', end - begin - text.len() - 1));
    text.push('\n');
    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    header.extend((text.len() as u16).to_le_bytes());
    header.extend(text.into_bytes());
    header
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn half(bytes: &[u8], at: usize) -> usize {
        usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
    }

    fn word(bytes: &[u8], at: usize) -> usize {
        u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
    }

    /// CRC-32 bit by bit, by its definition: ISO 3309, reflected, polynomial edb88320.
    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), |crc, _| step(crc)))
    }

    /// The members of an archive, found from its end as readers do; every header is checked.
    pub(crate) fn members(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
        let end = zip.len() - 22;
        assert_eq!(&zip[end..end + 4], b"PK\x05\x06");
        let (count, size, mut at) = (half(zip, end + 10), word(zip, end + 12), word(zip, end + 16));
        assert_eq!((half(zip, end + 8), at + size), (count, end));
        let members = (0..count).map(|_| {
            assert_eq!(&zip[at..at + 4], b"PK\x01\x02");
            let (length, local) = (half(zip, at + 28), word(zip, at + 42));
            let name = &zip[at + 46..at + 46 + length];
            assert_eq!(&zip[local..local + 4], b"PK\x03\x04");
            // From the version needed to the length of the extra field, both headers say the same.
            assert_eq!(zip[local + 4..local + 30], zip[at + 6..at + 32]);
            assert_eq!(&zip[local + 30..local + 30 + length], name);
            let data = &zip[local + 30 + length..][..word(zip, at + 24)];
            assert_eq!((word(zip, at + 16), half(zip, at + 10)), (crc(data) as usize, 0));
            at += 46 + length;
            (String::from_utf8(name.to_vec()).unwrap(), data.to_vec())
        });
        members.collect()
    }

    #[test]
    fn arrays_are_read_back() {
        assert_eq!(crc(b"123456789"), 0xcbf4_3926);
        let mut bytes = Vec::new();
        let mut npz = Npz::new(&mut bytes);
        let times = [0.1_f64, -2.5, 1e300];
        npz.array("times", "<f8", &[3], times.iter().map(|t| t.to_le_bytes())).unwrap();
        npz.array("pairs", "<u4", &[2, 2], [1_u32, 2, 3, u32::MAX].iter().map(|n| n.to_le_bytes())).unwrap();
        npz.array("dt", "<f8", &[], [0.1_f64].iter().map(|t| t.to_le_bytes())).unwrap();
        npz.array("none", "|u1", &[0], std::iter::empty::<[u8; 1]>()).unwrap();
        npz.finish().unwrap();
        let members = members(&bytes);
        let names: Vec<&str> = members.iter().map(|member| member.0.as_str()).collect();
        assert_eq!(names, ["times.npy", "pairs.npy", "dt.npy", "none.npy"]);
        let read = |k: usize| npyz::NpyFile::new(&members[k].1[..]).unwrap();
        assert_eq!(read(0).into_vec::<f64>().unwrap(), times);
        assert_eq!(read(1).shape(), [2, 2]);
        assert_eq!(read(1).into_vec::<u32>().unwrap(), [1, 2, 3, u32::MAX]);
        assert_eq!((read(2).shape(), read(2).into_vec::<f64>().unwrap()), (&[][..], vec![0.1]));
        assert!(read(3).into_vec::<u8>().unwrap().is_empty());
        // The data of an array begin at a multiple of 64 bytes of it.
        assert_eq!(members[0].1.len() % 64, 3 * 8);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut bytes = Vec::new();
        let mut npz = Npz::new(&mut bytes);
        let error = npz.array("a", "|u1", &[3], [[1_u8], [2]].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "a.npy: 2 items for an array of shape [3]");
        assert!(small(u64::from(u32::MAX)).is_ok());
        assert!(small(1 << 32).unwrap_err().to_string().contains("ask for CSV"));
        drop(npz);
        assert!(bytes.is_empty());
    }
}
