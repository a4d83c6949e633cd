//! Tables of text: a line of names, then a sample a line, numbers and one or more columns to be learned.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::csv_columns::{Columns, short};
use super::{Found, Options, ReadError, Task, aligned};
use crate::samples::MOST_CLASSES;
use crate::{Limits, Samples, Targets, Values};

/// What other programs write where there is no value.
const MISSING: [&str; 6] = ["", "na", "n/a", "nan", "null", "?"];
const MISSING_REMEDY: &str = "the value is missing; fill it in, or remove the row or the column";

/// Reads a table: the first line names the columns, `options.target` are learned, `options.inputs` (all others, where none
/// are named) are numbers to learn from.
///
/// Text in the one target column names classes, which are numbered in order of their names (whole numbers by size);
/// numbers are values to predict, unless `options.task` asks for classes. `file` names the table in errors.
///
/// # Errors
/// [`ReadError`]: more bytes than the limit, no such column, a row with too few or too many cells, a cell that is
/// missing or no number (with row, line and column), more classes than can be told apart.
///
/// ```
/// use nl_data::{read, Limits, Targets};
///
/// let text = "length,width,species\n5.1,3.5,setosa\n6.3,3.3,virginica\n4.9,3.0,setosa\n";
/// let options = read::Options { target: vec!["species".into()], ..Default::default() };
/// let table = read::csv(text.as_bytes(), "flowers.csv".as_ref(), &options, &Limits::default())?;
/// assert_eq!((table.shape(), table.labels()), (&[2][..], Some(&[0, 1, 0][..])));
/// assert_eq!(table.targets().names(), ["setosa", "virginica"]);
/// # Ok::<(), nl_data::read::ReadError>(())
/// ```
pub fn csv(reader: impl Read, file: &Path, options: &Options, limits: &Limits) -> Result<Samples, ReadError> {
    table(reader, file, options, limits).map(|(samples, _)| samples)
}

/// Reads `train.csv` and `test.csv` of `dir`, which have the same columns.
///
/// # Errors
/// [`ReadError`], as of [`csv`](fn@csv); columns that differ; a class of the test set that is not in the training set.
///
/// ```
/// use nl_data::{read, Limits};
///
/// let dir = tempfile::tempdir()?;
/// std::fs::write(dir.path().join("train.csv"), "x,target\n0,no\n1,yes\n")?;
/// std::fs::write(dir.path().join("test.csv"), "x,target\n1,yes\n")?;
/// let found = read::csv_dir(dir.path(), &read::Options::default(), &Limits::default())?;
/// assert_eq!(found.test.unwrap().labels(), Some(&[1][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn csv_dir(dir: &Path, options: &Options, limits: &Limits) -> Result<Found, ReadError> {
    let read = |path: &Path| {
        let file = File::open(path).map_err(ReadError::io(path))?;
        table(file, path, options, limits)
    };
    let (train, test) = (dir.join("train.csv"), dir.join("test.csv"));
    let ((learned, unused), (held, _)) = (read(&train)?, read(&test)?);
    let (columns, others) = (learned.columns(), held.columns());
    if columns != others {
        let at = columns.iter().zip(others).position(|(a, b)| a != b);
        let what = match at {
            Some(at) => format!("its column {:?} is {:?} in train.csv", short(&others[at]), short(&columns[at])),
            None => format!("it has {} columns to learn from, train.csv has {}", others.len(), columns.len()),
        };
        return Err(ReadError::format(&test, what, "give both files the same columns in the same order"));
    }
    let held = aligned(&learned, held, &test)?;
    Ok(Found { train: learned, test: Some(held), unused })
}

/// The table of `file`, and the names of its columns that are not used.
pub(super) fn csv_file(file: &Path, options: &Options, limits: &Limits) -> Result<Found, ReadError> {
    let (train, unused) = table(File::open(file).map_err(ReadError::io(file))?, file, options, limits)?;
    Ok(Found { train, test: None, unused })
}

/// The samples of a table, and the names of the columns that are not used.
fn table(
    reader: impl Read,
    file: &Path,
    options: &Options,
    limits: &Limits,
) -> Result<(Samples, Vec<String>), ReadError> {
    let mut table = Table::open(reader, file, limits)?;
    let columns = Columns::new(&table.record, file, options)?;
    let mut values = Vec::new();
    let mut learned = Learned::new(&columns, options.task, file)?;
    while let Some((place, record)) = table.row(&columns.names)? {
        place.features(record, &columns.features, &mut values)?;
        learned.push(record, &place)?;
    }
    let targets = learned.finish(file)?;
    let samples = Samples::new(vec![columns.features.len()], Values::F32(values), targets);
    let samples = samples.and_then(|samples| samples.with_columns(columns.named(&columns.features)));
    Ok((samples.map_err(ReadError::samples(file))?, columns.unused()))
}

/// The columns `inputs` (all, where none are named) of a table, whatever else it holds; the targets are not known and stand as class 0 of 1.
pub(super) fn csv_inputs(
    reader: impl Read,
    file: &Path,
    inputs: &[String],
    limits: &Limits,
) -> Result<Samples, ReadError> {
    let mut table = Table::open(reader, file, limits)?;
    let columns = Columns::inputs(&table.record, file, inputs)?;
    let mut values = Vec::new();
    while let Some((place, record)) = table.row(&columns.names)? {
        place.features(record, &columns.features, &mut values)?;
    }
    let labels = vec![0; values.len() / columns.features.len().max(1)];
    if labels.is_empty() {
        return Err(ReadError::format(file, "no row below the header", "write a line for each sample"));
    }
    let targets = Targets::Classes { labels, classes: 1, names: Vec::new() };
    let samples = Samples::new(vec![columns.features.len()], Values::F32(values), targets);
    let samples = samples.and_then(|samples| samples.with_columns(columns.named(&columns.features)));
    samples.map_err(ReadError::samples(file))
}

/// A table that is being read.
struct Table<'a, R> {
    rows: csv::Reader<Counted<R>>,
    /// The header, then the row that was read last.
    record: csv::StringRecord,
    row: u64,
    file: &'a Path,
    limits: &'a Limits,
}

impl<'a, R: Read> Table<'a, R> {
    /// With its header read.
    fn open(reader: R, file: &'a Path, limits: &'a Limits) -> Result<Self, ReadError> {
        let counted = Counted { reader, left: limits.max_bytes };
        let mut rows =
            csv::ReaderBuilder::new().has_headers(false).flexible(true).trim(csv::Trim::All).from_reader(counted);
        let mut record = csv::StringRecord::new();
        rows.read_record(&mut record).map_err(|error| failure(error, file, limits))?;
        Ok(Self { rows, record, row: 0, file, limits })
    }

    /// The next row, of as many cells as there are `names`; none at the end.
    fn row<'r>(&'r mut self, names: &'r [String]) -> Result<Option<(Place<'r>, &'r csv::StringRecord)>, ReadError> {
        let more = self.rows.read_record(&mut self.record);
        if !more.map_err(|error| failure(error, self.file, self.limits))? {
            return Ok(None);
        }
        self.row += 1;
        let (row, line) = (self.row, self.record.position().map_or(0, csv::Position::line));
        let (cells, columns) = (self.record.len(), names.len());
        if cells != columns {
            let what = format!("row {row} (line {line}) has {cells} cells, the header has {columns}");
            let remedy = "give every row one cell a column; text with commas wants quotes";
            return Err(ReadError::format(self.file, what, remedy));
        }
        Ok(Some((Place { file: self.file, row, line, names }, &self.record)))
    }
}

/// A reader that fails when more than so many bytes come.
struct Counted<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.reader.read(out)?;
        self.left = self.left.checked_sub(bytes as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(bytes)
    }
}

fn failure(error: csv::Error, file: &Path, limits: &Limits) -> ReadError {
    match error.kind() {
        csv::ErrorKind::Io(source) if source.kind() == io::ErrorKind::FileTooLarge => ReadError::TooLarge {
            file: file.to_path_buf(),
            declared: limits.max_bytes.saturating_add(1),
            limit: limits.max_bytes,
        },
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            ReadError::format(file, format!("line {line} is not UTF-8 text"), "save the table as CSV in UTF-8")
        }
        _ => match error.into_kind() {
            csv::ErrorKind::Io(source) => ReadError::Io { file: file.to_path_buf(), source },
            other => ReadError::format(file, format!("{other:?}"), "save the table as CSV"),
        },
    }
}

/// The row that is being read.
struct Place<'a> {
    file: &'a Path,
    row: u64,
    line: u64,
    names: &'a [String],
}

impl Place<'_> {
    fn error(&self, column: usize, what: String) -> ReadError {
        let column = short(&self.names[column]);
        ReadError::Cell { file: self.file.to_path_buf(), row: self.row, line: self.line, column, what }
    }

    /// Appends the numbers of some columns.
    fn features(&self, record: &csv::StringRecord, columns: &[usize], values: &mut Vec<f32>) -> Result<(), ReadError> {
        const TEXT: &str = "a column of text cannot be learned from; number it, or leave it out (`inputs` names the columns to learn from)";
        for &column in columns {
            values.push(self.number(record, column, TEXT)?);
        }
        Ok(())
    }

    /// The text of a cell.
    fn text<'r>(&self, record: &'r csv::StringRecord, column: usize) -> Result<&'r str, ReadError> {
        let text = record.get(column).unwrap_or("");
        match text.len() <= 4 && MISSING.contains(&text.to_ascii_lowercase().as_str()) {
            true => Err(self.error(column, MISSING_REMEDY.to_owned())),
            false => Ok(text),
        }
    }

    /// The number of a cell.
    fn number(&self, record: &csv::StringRecord, column: usize, otherwise: &str) -> Result<f32, ReadError> {
        let text = self.text(record, column)?;
        match text.parse::<f32>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(self.error(column, format!("{:?} is not finite; scale the column", short(text)))),
            Err(_) => Err(self.error(column, format!("{:?} is no number; {otherwise}", short(text)))),
        }
    }
}

/// What is to be learned, as far as it has been read.
enum Learned {
    /// Not a row yet: its first target will tell.
    Open {
        column: usize,
        name: String,
    },
    Classes {
        column: usize,
        known: HashMap<String, u32>,
        labels: Vec<u32>,
    },
    Values {
        columns: Vec<usize>,
        names: Vec<String>,
        values: Vec<f32>,
    },
}

impl Learned {
    fn new(columns: &Columns, task: Task, file: &Path) -> Result<Self, ReadError> {
        let names = || columns.targets.iter().map(|&target| columns.names[target].clone()).collect();
        match (task, &columns.targets[..]) {
            (Task::Auto, &[column]) => Ok(Self::Open { column, name: columns.names[column].clone() }),
            (Task::Classes, &[column]) => Ok(Self::Classes { column, known: HashMap::new(), labels: Vec::new() }),
            (Task::Classes, _) => Err(ReadError::format(
                file,
                "several columns name classes",
                "name one target column, or ask for values",
            )),
            (Task::Auto | Task::Values, targets) => {
                Ok(Self::Values { columns: targets.to_vec(), names: names(), values: Vec::new() })
            }
        }
    }

    fn push(&mut self, record: &csv::StringRecord, place: &Place<'_>) -> Result<(), ReadError> {
        if let Self::Open { column, name } = self {
            let (column, name) = (*column, std::mem::take(name));
            *self = match place.text(record, column)?.parse::<f32>() {
                Ok(_) => Self::Values { columns: vec![column], names: vec![name], values: Vec::new() },
                Err(_) => Self::Classes { column, known: HashMap::new(), labels: Vec::new() },
            };
        }
        match self {
            Self::Open { .. } => {}
            Self::Classes { column, known, labels } => {
                let text = place.text(record, *column)?;
                let label = match known.get(text) {
                    Some(&label) => label,
                    None if known.len() >= MOST_CLASSES => {
                        let what = format!("more than {MOST_CLASSES} classes; is this the column to be learned?");
                        return Err(place.error(*column, what));
                    }
                    None => {
                        let label = known.len() as u32;
                        known.insert(text.to_owned(), label);
                        label
                    }
                };
                labels.push(label);
            }
            Self::Values { columns, values, .. } => {
                for &column in &*columns {
                    values.push(place.number(
                        record,
                        column,
                        "write a number, or ask for classes (`task: classes`)",
                    )?);
                }
            }
        }
        Ok(())
    }

    fn finish(self, file: &Path) -> Result<Targets, ReadError> {
        match self {
            Self::Open { .. } => {
                Err(ReadError::format(file, "no row below the header", "write a line for each sample"))
            }
            Self::Values { columns, names, values } => Ok(Targets::Values { width: columns.len(), values, names }),
            Self::Classes { known, labels, .. } => {
                let mut order: Vec<(String, u32)> = known.into_iter().collect();
                // "10" comes after "9", and before "a".
                order.sort_by_cached_key(|(name, _)| (name.parse::<i64>().map_err(|_| name.clone()), name.clone()));
                let mut number = vec![0; order.len()];
                (0..).zip(&order).for_each(|(label, (_, first))| number[*first as usize] = label);
                let labels = labels.into_iter().map(|first| number[first as usize]).collect();
                let names: Vec<String> = order.into_iter().map(|(name, _)| name).collect();
                Ok(Targets::Classes { labels, classes: names.len(), names })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with(text: &[u8], target: &[&str], task: Task) -> Result<Samples, String> {
        let target = target.iter().map(|&name| name.to_owned()).collect();
        let options = Options { target, task, ..Options::default() };
        csv(text, "t.csv".as_ref(), &options, &Limits::default()).map_err(|error| error.to_string())
    }

    fn read(text: &str) -> Result<Samples, String> {
        with(text.as_bytes(), &["y"], Task::Auto)
    }

    #[test]
    fn numbers_are_values_and_text_is_classes() {
        let table = read("\u{feff}a, y ,b\r\n1, 0.5 ,2e3\r\n\r\n-3,+1,.5\r\n").unwrap();
        assert_eq!(table.values(), &Values::F32(vec![1.0, 2000.0, -3.0, 0.5]));
        assert_eq!(table.targets(), &Targets::Values { width: 1, values: vec![0.5, 1.0], names: vec!["y".into()] });
        let table = read("a,y\n1,\"dog, big\"\n2,cat\n3,cat\n").unwrap();
        assert_eq!(
            (table.labels().unwrap(), table.targets().names()),
            (&[1, 0, 0][..], &["cat".into(), "dog, big".into()][..])
        );
        let table = with(b"a,y\n1,10\n2,9\n3,x\n4,10\n", &["y"], Task::Classes).unwrap();
        assert_eq!(
            (table.labels().unwrap(), table.targets().names().join(" ")),
            (&[1, 0, 2, 1][..], "9 10 x".to_owned())
        );
        let table = with(b"y,a,z\n1,2,3\n4,5,6\n", &["z", "y"], Task::Auto).unwrap();
        let names = vec!["z".to_owned(), "y".to_owned()];
        assert_eq!(table.targets(), &Targets::Values { width: 2, values: vec![3.0, 1.0, 6.0, 4.0], names });
    }

    #[test]
    fn inputs_are_the_columns_named() {
        let text = b"id,a,y,b\nx1,1,2,3\nx2,4,5,6\n";
        let inputs = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let read = |names: &[&str]| {
            let options = Options { target: vec!["y".into()], inputs: inputs(names), ..Options::default() };
            table(&text[..], "t.csv".as_ref(), &options, &Limits::default()).map_err(|error| error.to_string())
        };
        let (samples, unused) = read(&["b", "a"]).unwrap();
        assert_eq!(samples.values(), &Values::F32(vec![3.0, 1.0, 6.0, 4.0]));
        assert_eq!((samples.columns(), unused), (&inputs(&["b", "a"])[..], inputs(&["id"])));
        let asked = |names: &[&str]| csv_inputs(&text[..], "t.csv".as_ref(), &inputs(names), &Limits::default());
        assert_eq!(asked(&["b", "a"]).unwrap().values(), samples.values());
        assert_eq!(asked(&["b"]).unwrap().len(), 2);
        for (names, words) in [
            (&["c"][..], "no column is called \"c\"; there are id, a, y, b"),
            (&["a", "a"], "\"a\" is named twice"),
            (&["a", "y"], "the target \"y\" is among the inputs"),
            (&["id"], "row 1 (line 2), column \"id\": \"x1\" is no number"),
        ] {
            let error = read(names).unwrap_err();
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
        let empty = csv_inputs(&b"a\n"[..], "t.csv".as_ref(), &inputs(&["a"]), &Limits::default());
        assert!(empty.unwrap_err().to_string().contains("no row below the header"));
    }

    #[test]
    fn each_fault_has_its_place() {
        for (text, words) in [
            ("", "an empty table"),
            ("a,y\n", "no row below the header"),
            ("a,b\n1,2\n", "no column is called \"y\"; there are a, b"),
            ("a;y\n1;2\n", "parted by ';'"),
            (",y\n1,2\n", "column 1 of the header has no name"),
            ("a,y,a\n1,2,3\n", "columns 1 and 3 are both called \"a\""),
            ("y\n1\n", "every column is a target"),
            ("a,y\n1,2\n3\n", "row 2 (line 3) has 1 cells, the header has 2"),
            ("a,y\n1,2\n3,4,5\n", "row 2 (line 3) has 3 cells"),
            ("a,y\n1,2\n,4\n", "row 2 (line 3), column \"a\": the value is missing"),
            ("a,y\n\n1,2\n3,NaN\n", "row 2 (line 4), column \"y\": the value is missing"),
            ("a,y\n1,N/A\n", "row 1 (line 2), column \"y\": the value is missing"),
            ("a,y\nred,2\n", "row 1 (line 2), column \"a\": \"red\" is no number; a column of text"),
            ("a,y\n1e99,2\n", "column \"a\": \"1e99\" is not finite"),
            ("a,y\n-inf,2\n", "column \"a\": \"-inf\" is not finite"),
            (
                "a,y\n1,2\n3,two\n",
                "row 2 (line 3), column \"y\": \"two\" is no number; write a number, or ask for classes",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(words) && error.contains("t.csv"), "{words:?} is not in: {error}");
        }
        for (text, target, task, words) in [
            (&b"a,y\n1,\xff\n"[..], &["y"][..], Task::Auto, "line 2 is not UTF-8"),
            (b"a,y\n1,2\n", &[], Task::Auto, "no target is named"),
            (b"a,y\n1,2\n", &["y", "y"], Task::Auto, "\"y\" is named twice"),
            (b"a,y,z\n1,2,3\n", &["y", "z"], Task::Classes, "several columns"),
        ] {
            let error = with(text, target, task).unwrap_err();
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
    }

    #[test]
    fn training_and_test_have_the_same_columns_and_classes() {
        let dir = tempfile::tempdir().unwrap();
        let read = |train: &str, test: &str| {
            std::fs::write(dir.path().join("train.csv"), train).unwrap();
            std::fs::write(dir.path().join("test.csv"), test).unwrap();
            csv_dir(dir.path(), &Options::default(), &Limits::default()).map_err(|error| error.to_string())
        };
        let train = "a,b,target\n1,2,cow\n3,4,ant\n5,6,bee\n";
        let found = read(train, "a,b,target\n7,8,cow\n").unwrap();
        let (train_set, test) = (found.train, found.test.unwrap());
        assert_eq!((train_set.labels().unwrap(), test.labels().unwrap()), (&[2, 0, 1][..], &[2][..]));
        assert_eq!(train_set.targets().names(), test.targets().names());
        for (test, words) in [
            ("b,a,target\n7,8,cow\n", "test.csv: its column \"b\" is \"a\" in train.csv"),
            ("a,target\n7,cow\n", "1 columns to learn from, train.csv has 2"),
            ("a,b,target\n7,8,dog\n", "test.csv: the class \"dog\" is not among"),
        ] {
            let error = read(train, test).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_limit_is_one() {
        let text = "a,y\n".to_owned() + &"1,2\n".repeat(100_000);
        let limits = Limits { max_bytes: 50_000, ..Limits::default() };
        let options = Options { target: vec!["y".into()], ..Options::default() };
        let error = csv(text.as_bytes(), "t.csv".as_ref(), &options, &limits).unwrap_err();
        assert!(matches!(error, ReadError::TooLarge { limit: 50_000, .. }), "{error}");
        let wide = ["a,"; super::super::csv_columns::MOST_COLUMNS].concat() + "y\n";
        assert!(read(&wide).unwrap_err().contains("65537 columns"));
    }

    proptest! {
        #[test]
        fn round_trip(rows in proptest::collection::vec((-1e6f32..1e6, -1.0f32..1.0, "[ -~é]{1,12}"), 1..20)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            writer.write_record(["a", "b", "y"]).unwrap();
            // A name that reads as a number, or as a missing one, is another test's.
            let name = |text: &str| format!("name {}", text.trim()).trim_end().to_owned();
            for (a, b, text) in &rows {
                writer.write_record([a.to_string(), b.to_string(), name(text)]).unwrap();
            }
            let table = with(&writer.into_inner().unwrap(), &["y"], Task::Auto).unwrap();
            let values = rows.iter().flat_map(|(a, b, _)| [*a, *b]).collect();
            prop_assert_eq!(table.values(), &Values::F32(values));
            let (labels, names) = (table.labels().unwrap(), table.targets().names());
            prop_assert!(names.is_sorted());
            for ((_, _, text), &label) in rows.iter().zip(labels) {
                prop_assert_eq!(&names[label as usize], &name(text));
            }
        }

        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = with(&bytes, &["y"], Task::Auto);
            let _ = with(&[b"a,y\n", &bytes[..]].concat(), &["y"], Task::Classes);
        }

        #[test]
        fn memory_is_a_multiple_of_the_file(cells in "[0-9,\n\"ay]{0,400}") {
            let text = "a,y\n".to_owned() + &cells.repeat(50);
            let info = allocation_counter::measure(|| drop(read(&text)));
            prop_assert!(info.bytes_max < 20 * text.len() as u64 + (1 << 16), "{} of {}", info.bytes_max, text.len());
        }
    }
}
