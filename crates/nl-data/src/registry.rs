//! The table of known datasets, `registry.toml` in this crate's folder, built into the library.

use serde::Deserialize;
use thiserror::Error;

use crate::class_names;

/// Why a registry was refused.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Not TOML, or not a registry.
    #[error("registry: {0}")]
    Parse(#[from] toml::de::Error),
    /// An entry that cannot be right.
    #[error("registry: {dataset}: {problem}")]
    Entry {
        /// The entry.
        dataset: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// Known datasets.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// Each dataset.
    #[serde(rename = "dataset")]
    pub datasets: Vec<Dataset>,
}

/// One dataset: four IDX files, where they are to be had, and how they are recognised.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// The name on the command line and of the folder.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// The number of classes.
    pub classes: usize,
    /// Names of the classes in order of labels; none where the numbers are the names, as those of digits are.
    #[serde(default)]
    pub class_names: Vec<String>,
    /// Licence, as stated by those who publish it.
    pub licence: String,
    /// Whom to cite.
    pub citation: String,
    /// Addresses of folders that hold the files, in the order in which they are tried.
    pub mirrors: Vec<String>,
    /// The files.
    #[serde(rename = "file")]
    pub files: Vec<Remote>,
}

/// One file of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remote {
    /// Its name, below each mirror and in the cache; ends in `.gz`.
    pub name: String,
    /// Bytes of the download.
    pub bytes: u64,
    /// SHA-256 of the download, hexadecimal, where it is known: it spares the unpacking.
    #[serde(default)]
    pub sha256: Option<String>,
    /// Bytes after unpacking.
    pub unpacked_bytes: u64,
    /// SHA-256 after unpacking: what counts, since a gzip header may carry any time stamp.
    pub unpacked_sha256: String,
}

impl Registry {
    /// The registry built into the library.
    ///
    /// # Errors
    /// None for a library that passed its tests.
    ///
    /// ```
    /// let registry = nl_data::Registry::builtin()?;
    /// assert_eq!(registry.get("mnist").unwrap().classes, 10);
    /// # Ok::<(), nl_data::registry::RegistryError>(())
    /// ```
    pub fn builtin() -> Result<Self, RegistryError> {
        Self::parse(include_str!("../registry.toml"))
    }

    /// A registry from TOML.
    ///
    /// # Errors
    /// Not TOML, a missing or unknown key, a hash that is not 64 hexadecimal digits, a file name with a path in it,
    /// more or fewer names than classes.
    pub fn parse(text: &str) -> Result<Self, RegistryError> {
        let registry: Self = toml::from_str(text)?;
        for dataset in &registry.datasets {
            dataset.check().map_err(|problem| RegistryError::Entry { dataset: dataset.name.clone(), problem })?;
        }
        Ok(registry)
    }

    /// The dataset called `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| dataset.name == name)
    }

    /// All names, for messages.
    #[must_use]
    pub fn names(&self) -> String {
        self.datasets.iter().map(|dataset| dataset.name.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Dataset {
    fn check(&self) -> Result<(), String> {
        let plain = |name: &str| {
            !name.is_empty()
                && !name.starts_with('.')
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        if !plain(&self.name) {
            return Err(format!("name {:?} is not a plain file name", self.name));
        }
        if !(1..=256).contains(&self.classes) {
            return Err(format!("{} classes, expected 1 to 256", self.classes));
        }
        if !self.class_names.is_empty() {
            let (names, classes) = (self.class_names.len(), self.classes);
            class_names::check(&self.class_names).map_err(|(at, what)| format!("class name {} {what}", at + 1))?;
            if names != classes {
                return Err(format!("{names} class names for {classes} classes"));
            }
        }
        for mirror in &self.mirrors {
            if !(mirror.starts_with("https://") && mirror.ends_with('/')) {
                return Err(format!("mirror {mirror:?} must begin with https:// and end with /"));
            }
        }
        for file in &self.files {
            if !(plain(&file.name) && file.name.ends_with(".gz")) {
                return Err(format!("file {:?} must be a plain file name ending in .gz", file.name));
            }
            for hash in file.sha256.iter().chain([&file.unpacked_sha256]) {
                if !(hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))) {
                    return Err(format!("{}: {hash:?} is not 64 lower-case hexadecimal digits", file.name));
                }
            }
            if file.bytes == 0 || file.unpacked_bytes == 0 {
                return Err(format!("{}: bytes and unpacked_bytes must be above 0", file.name));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUILTIN: &str = include_str!("../registry.toml");

    #[test]
    fn builtin_parses_and_names_are_unique() {
        let registry = Registry::builtin().unwrap();
        for dataset in &registry.datasets {
            assert_eq!(registry.get(&dataset.name), Some(dataset));
            assert_eq!(dataset.files.len(), 4, "{}", dataset.name);
            assert!(!dataset.mirrors.is_empty() && !dataset.licence.is_empty() && !dataset.citation.is_empty());
        }
    }

    #[test]
    fn refuses_entries_that_cannot_be_right() {
        for (from, to, complaint) in [
            ("name = \"mnist\"", "name = \"../mnist\"", "plain file name"),
            ("name = \"train-images-idx3-ubyte.gz\"", "name = \"/etc/passwd.gz\"", "plain file name"),
            ("https://ossci", "http://ossci", "https://"),
            ("440fcabf", "440FCABF", "hexadecimal"),
            ("bytes = 9912422", "bytes = 0", "above 0"),
            ("classes = 10", "classes = 300", "1 to 256"),
            ("licence = ", "license = ", "license"),
            ("\"Bag\", ", "", "9 class names for 10 classes"),
            ("\"Bag\"", "\"Coat\"", "class name 9 names a class that has been named before"),
            ("\"Bag\"", "\"\"", "class name 9 is empty"),
        ] {
            assert!(BUILTIN.contains(from), "{from}");
            let error = Registry::parse(&BUILTIN.replacen(from, to, 1)).unwrap_err().to_string();
            assert!(error.contains(complaint), "{to}: {error}");
        }
    }

    #[test]
    fn the_hash_of_a_download_may_be_left_out_but_not_that_of_the_content() {
        let lines = |without: &str| {
            BUILTIN.lines().filter(|line| !line.starts_with(without)).fold(String::new(), |all, line| all + line + "\n")
        };
        let registry = Registry::parse(&lines("sha256 = ")).unwrap();
        assert!(registry.datasets.iter().flat_map(|set| &set.files).all(|file| file.sha256.is_none()));
        let error = Registry::parse(&lines("unpacked_sha256 = ")).unwrap_err().to_string();
        assert!(error.contains("unpacked_sha256"), "{error}");
    }

    #[test]
    fn clothes_have_names_and_digits_are_their_own() {
        let registry = Registry::builtin().unwrap();
        assert_eq!(registry.get("fashion-mnist").unwrap().class_names[7..], ["Sneaker", "Bag", "Ankle boot"]);
        assert!(registry.get("mnist").unwrap().class_names.is_empty());
    }
}
