//! NumPy's archives: a ZIP of arrays, stored or deflated.
//!
//! Members are found by their names and never written anywhere. Each is read to the end of its array and no further, so
//! that a bomb ends at the size that its header declares, which is checked against the limit.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use flate2::bufread::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use super::by_name::assemble;
use super::{Found, Options, ReadError, npy};
use crate::Limits;

/// More arrays than a data set has.
const MOST_MEMBERS: usize = 1024;
const REMEDY: &str = "save it with numpy.savez or numpy.savez_compressed";

/// Reads an archive of arrays x_train, y_train, x_test, y_test, or x and y where the test set is to be drawn.
///
/// Other names are known, too: data, images, features or inputs for x; target, targets, label or labels for y;
/// `train_x` as well as `x_train`; capitals do not count. Bytes stay bytes, all other numbers become f32; images with
/// their colours last are turned round to `[3, height, width]`. What else the archive holds is named in
/// [`Found::unused`].
///
/// # Errors
/// [`ReadError`]: not an archive, an array that is missing, malformed, too large, of objects or text; counts or shapes
/// that differ; labels with gaps; numbers that are not finite.
///
/// ```no_run
/// use nl_data::{read, Limits};
///
/// // numpy.savez("set.npz", x_train=x, y_train=y)
/// let found = read::npz("set.npz".as_ref(), &read::Options::default(), &Limits::default())?;
/// println!("{} samples of shape {:?}", found.train.len(), found.train.shape());
/// # Ok::<(), nl_data::read::ReadError>(())
/// ```
pub fn npz(file: &Path, options: &Options, limits: &Limits) -> Result<Found, ReadError> {
    let opened = File::open(file).map_err(ReadError::io(file))?;
    let bad = |what: String| ReadError::format(file, what, REMEDY);
    let damaged = |error: rawzip::Error| bad(format!("not a whole ZIP archive ({error})"));
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipArchive::from_file(opened, &mut buffer).map_err(damaged)?;
    let mut members = BTreeMap::new();
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        let path = entry.file_path();
        let Some(name) = std::str::from_utf8(path.as_ref()).ok().and_then(|name| name.strip_suffix(".npy")) else {
            continue;
        };
        if entry.flags().is_encrypted() {
            return Err(bad(format!("{name:?} is encrypted")));
        }
        let method = entry.compression_method();
        if method != CompressionMethod::STORE && method != CompressionMethod::DEFLATE {
            return Err(bad(format!("{name:?} is packed by another method than deflate")));
        }
        if members.insert(name.to_owned(), (entry.wayfinder(), method)).is_some() {
            return Err(bad(format!("two arrays are called {name:?}")));
        }
        if members.len() > MOST_MEMBERS {
            return Err(bad(format!("more than {MOST_MEMBERS} arrays")));
        }
    }
    let names: Vec<String> = members.keys().cloned().collect();
    assemble(file, &names, options, limits, |name, want| {
        let place = file.join(format!("{name}.npy"));
        let Some(&(wayfinder, method)) = members.get(name) else { return Err(bad(format!("there is no {name:?}"))) };
        let entry = archive.get_entry(wayfinder).map_err(damaged)?;
        let packed = BufReader::new(entry.reader());
        // Both compare the checksum where the member ends.
        match method {
            CompressionMethod::STORE => npy::array(entry.verifying_reader(packed), &place, want, limits),
            _ => {
                let unpacked = BufReader::new(DeflateDecoder::new(packed));
                npy::array(entry.verifying_reader(unpacked), &place, want, limits)
            }
        }
    })
}
