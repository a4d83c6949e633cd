//! `cargo xtask fetch`: a dataset, verified, into the cache.
//!
//! From a folder without more ado. For a download cargo builds the helper `xtask-fetch` first, the only package that
//! needs TLS: so nobody waits for it who does not download. (In a build that has TLS at hand, as that of all tests at once,
//! nl-data downloads without the helper.)

use std::env;
use std::path::Path;
use std::process::{Command, ExitStatus, exit};

use anyhow::{Context, bail};
use nl_data::{FetchError, Origin};

use crate::cli::Fetch;

pub(crate) fn run(options: &Fetch) -> anyhow::Result<()> {
    let from = options.from.as_deref().map(Origin::parse);
    match nl_data::fetch(&options.name, from.as_ref(), &options.cache, &mut |_| {}) {
        Ok(files) => files.iter().try_for_each(|file| crate::print(&format!("{file}\n"))),
        Err(FetchError::NoDownloads { .. }) => download(options),
        Err(error) => Err(error.into()),
    }
}

/// Has cargo build the helper, and ends as the helper does.
fn download(options: &Fetch) -> anyhow::Result<()> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("fetch/Cargo.toml");
    if !manifest.is_file() {
        bail!(
            "no {}: this program has left its workspace, which holds the sources of the downloader; \
             run `cargo xtask fetch` there, or use --from with a folder",
            manifest.display()
        );
    }
    if !is_built() {
        crate::say("fetch: building the downloader with TLS first (once, about a minute)");
    }
    let built = status(cargo(["build", "--release"], &manifest))?;
    if !built.success() {
        bail!("fetch: the downloader could not be built, for the reason above; --from with a folder does without it");
    }
    let mut helper = cargo(["run", "--release", "--quiet"], &manifest);
    helper.arg("--").arg(&options.name).arg(&options.cache).args(&options.from);
    match status(helper)?.code() {
        Some(0) => Ok(()),
        // It has told what is wrong.
        code => exit(code.unwrap_or(1)),
    }
}

/// Whether the helper lies beside this program, perhaps of older sources.
fn is_built() -> bool {
    let name = format!("xtask-fetch{}", env::consts::EXE_SUFFIX);
    env::current_exe().is_ok_and(|path| path.with_file_name(name).is_file())
}

fn cargo<const N: usize>(words: [&str; N], manifest: &Path) -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(words).arg("--manifest-path").arg(manifest);
    // What `cargo run` told this program about itself is not true of the helper, and build scripts look at it: TLS would be
    // built again whenever it changes.
    for (name, _) in env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|own| name.to_string_lossy().starts_with(own)) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn status(mut command: Command) -> anyhow::Result<ExitStatus> {
    command.status().with_context(|| format!("fetch: cannot start {}", command.get_program().to_string_lossy()))
}
