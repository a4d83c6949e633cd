//! The columns of a table: their names, and which of them are for what.

use std::collections::HashMap;
use std::path::Path;

use super::{Options, ReadError};

/// Columns of a table.
pub(super) const MOST_COLUMNS: usize = 1 << 16;

/// The columns of a table, and which of them are for what.
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) features: Vec<usize>,
    pub(super) targets: Vec<usize>,
}

impl Columns {
    /// Those of a table to learn from.
    pub(super) fn new(header: &csv::StringRecord, file: &Path, options: &Options) -> Result<Self, ReadError> {
        let bad = |what: String, remedy| ReadError::format(file, what, remedy);
        let names = names(header, file)?;
        const TARGET: &str = "say which column is to be learned (`target: [name]`)";
        let targets = places(&names, &options.target, file, TARGET)?;
        if targets.is_empty() {
            return Err(bad("no target is named".to_owned(), TARGET));
        }
        let features = if options.inputs.is_empty() {
            (0..names.len()).filter(|number| !targets.contains(number)).collect()
        } else {
            places(&names, &options.inputs, file, INPUTS)?
        };
        if features.is_empty() {
            return Err(bad("every column is a target".to_owned(), "leave a column to learn from"));
        }
        if let Some(&both) = features.iter().find(|number| targets.contains(number)) {
            let what = format!("the target {:?} is among the inputs", short(&names[both]));
            return Err(bad(what, "name each column in one of the two lists"));
        }
        Ok(Self { names, features, targets })
    }

    /// Those of a table to be asked about: nothing is to be learned. Without `inputs`, all.
    pub(super) fn inputs(header: &csv::StringRecord, file: &Path, inputs: &[String]) -> Result<Self, ReadError> {
        let names = names(header, file)?;
        let features = match inputs {
            [] => (0..names.len()).collect(),
            _ => places(&names, inputs, file, INPUTS)?,
        };
        Ok(Self { names, features, targets: Vec::new() })
    }

    /// The names of some columns.
    pub(super) fn named(&self, columns: &[usize]) -> Vec<String> {
        columns.iter().map(|&column| self.names[column].clone()).collect()
    }

    /// The names of the columns that are neither inputs nor targets.
    pub(super) fn unused(&self) -> Vec<String> {
        let mut used = vec![false; self.names.len()];
        self.features.iter().chain(&self.targets).for_each(|&column| used[column] = true);
        self.names.iter().zip(used).filter(|(_, used)| !used).map(|(name, _)| name.clone()).collect()
    }
}

const INPUTS: &str = "name columns of the table (`inputs: [name]`)";

/// The places of `wanted` among `names`.
fn places(names: &[String], wanted: &[String], file: &Path, remedy: &'static str) -> Result<Vec<usize>, ReadError> {
    let numbers: HashMap<&str, usize> = (0..).zip(names).map(|(number, name)| (name.as_str(), number)).collect();
    let mut taken = vec![false; names.len()];
    let mut places = Vec::with_capacity(wanted.len());
    for name in wanted {
        let Some(&number) = numbers.get(name.as_str()) else {
            let listed = names.iter().take(20).map(|name| short(name)).collect::<Vec<_>>().join(", ");
            let what = format!("no column is called {:?}; there are {listed}", short(name));
            return Err(ReadError::format(file, what, remedy));
        };
        if std::mem::replace(&mut taken[number], true) {
            return Err(ReadError::format(file, format!("{:?} is named twice", short(name)), "name each column once"));
        }
        places.push(number);
    }
    Ok(places)
}

/// The names in a header, each once.
fn names(header: &csv::StringRecord, file: &Path) -> Result<Vec<String>, ReadError> {
    let bad = |what: String, remedy| ReadError::format(file, what, remedy);
    if header.len() > MOST_COLUMNS {
        return Err(bad(format!("{} columns, at most {MOST_COLUMNS} can be used", header.len()), "choose columns"));
    }
    let names: Vec<String> = header.iter().map(str::to_owned).collect();
    if names.iter().all(String::is_empty) {
        return Err(bad("an empty table".to_owned(), "write a line of names, and a line for each sample"));
    }
    if let [one] = &names[..]
        && let Some(other) = [';', '\t', '|'].into_iter().find(|&other| one.contains(other))
    {
        return Err(bad(format!("its columns are parted by {other:?}"), "save it with commas between the columns"));
    }
    let mut numbers = HashMap::with_capacity(names.len());
    for (number, name) in names.iter().enumerate() {
        if name.is_empty() {
            let what = format!("column {} of the header has no name", number + 1);
            return Err(bad(what, "name it, or remove it (pandas: to_csv(index=False))"));
        }
        if let Some(first) = numbers.insert(name.as_str(), number) {
            let what = format!("columns {} and {} are both called {:?}", first + 1, number + 1, short(name));
            return Err(bad(what, "give every column a name of its own"));
        }
    }
    Ok(names)
}

/// No more of a text than a message can bear.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
