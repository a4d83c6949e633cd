//! Samples whose targets nobody knows: what a trained model is asked about.

use std::path::Path;

use super::form::{ending, is_picture};
use super::{Options, ReadError};
use crate::{Limits, Samples, Targets, Values};

/// Reads the samples of one file: a picture (PNG, JPEG), an array (.npy, whose first dimension counts samples), or the
/// columns `options.inputs` of a table (.csv). Their targets are not known and stand as class 0 of 1.
///
/// # Errors
/// [`ReadError`]: another kind of file, one that is malformed or too large, columns that are not there, numbers that are
/// not finite, or nl-data built without the feature that reads it.
///
/// ```
/// use nl_data::{read, Limits};
///
/// let dir = tempfile::tempdir()?;
/// let file = dir.path().join("rows.csv");
/// std::fs::write(&file, "name,area,rooms\nmill lane,81,3\n")?;
/// let options = read::Options { inputs: vec!["rooms".into(), "area".into()], ..Default::default() };
/// let samples = read::inputs(&file, &options, &Limits::default())?;
/// assert_eq!((samples.len(), samples.columns()), (1, &options.inputs[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg_attr(not(feature = "csv"), allow(unused_variables, reason = "reached where a feature is off"))]
pub fn inputs(file: &Path, options: &Options, limits: &Limits) -> Result<Samples, ReadError> {
    let without = |feature| Err(ReadError::Feature { file: file.to_path_buf(), feature });
    let unknown = |count: usize, shape: Vec<usize>, values: Values| {
        let targets = Targets::Classes { labels: vec![0; count], classes: 1, names: Vec::new() };
        Samples::new(shape, values, targets).map_err(ReadError::samples(file))
    };
    match ending(file).as_str() {
        _ if !file.exists() => Err(ReadError::Absent { path: file.to_path_buf() }),
        #[cfg(feature = "csv")]
        "csv" => {
            let opened = std::fs::File::open(file).map_err(ReadError::io(file))?;
            super::csv_table::csv_inputs(opened, file, &options.inputs, limits)
        }
        #[cfg(feature = "npy")]
        "npy" => {
            let (count, shape, values) = super::npy::npy_file(file, limits)?;
            unknown(count, shape, values)
        }
        #[cfg(feature = "pictures")]
        _ if is_picture(file) => {
            let (shape, values) = super::pictures::picture_file(file, options, limits)?;
            unknown(1, shape, Values::U8(values))
        }
        #[allow(unreachable_patterns, reason = "reached where a feature is off")]
        "csv" => without("csv"),
        #[allow(unreachable_patterns, reason = "reached where a feature is off")]
        "npy" => without("npy"),
        _ if is_picture(file) => without("pictures"),
        _ => Err(ReadError::format(file, "no file of samples", "pass a .png, .jpg, .npy or .csv file")),
    }
}
