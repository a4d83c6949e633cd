//! Where things are kept: below the workspace, wherever in it the command is given; else below the current folder.

use std::path::{Path, PathBuf};

use nl_data::Lookup;
use nl_train::{Error, RunFolder};

/// The folder of the workspace, as seen from the current one: empty if that is it, or if there is none.
pub(crate) fn root() -> PathBuf {
    let Ok(here) = std::env::current_dir() else { return PathBuf::new() };
    let is_root =
        |folder: &&Path| folder.join("xtask").is_dir() && folder.join("datasets").join("registry.toml").is_file();
    match here.ancestors().position(|folder| is_root(&folder)) {
        None | Some(0) => PathBuf::new(),
        Some(up) => std::iter::repeat_n("..", up).collect(),
    }
}

/// Where images are looked for.
pub(crate) fn lookup() -> Lookup {
    let lookup = Lookup::from_env();
    Lookup { cache: root().join(&lookup.cache), ..lookup }
}

/// The folder asked for, or a new one under experiments/.
pub(crate) fn folder(out: Option<&Path>, name: &str) -> Result<RunFolder, Error> {
    Ok(match out {
        Some(path) => RunFolder::create(path)?,
        None => RunFolder::create_in(&root().join("experiments"), name)?,
    })
}
