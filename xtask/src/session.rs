//! What every long command has in common: threads, progress, Ctrl-C, the folder, the result.

use std::fs::File;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use nl_train::RunFolder;
use serde::Serialize;

use crate::progress::Printer;

/// What a shell expects of a program ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;
/// A configuration file larger than this is not one of ours.
const CONFIG_CAP: u64 = 1 << 20;

/// Runs `work` on its own threads. The first Ctrl-C ends it with a checkpoint after the step under way, the second at
/// once.
pub(crate) fn run<T: Send>(
    threads: Option<NonZeroUsize>,
    work: impl FnOnce(&mut Printer) -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let pool = crate::pool(threads)?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut printer = Printer::new(Arc::clone(&stop));
    ctrlc::set_handler(move || {
        if stop.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
        crate::tell("stopping with a checkpoint after this step; Ctrl-C again ends at once\n");
    })?;
    pool.install(|| work(&mut printer))
}

/// The folder asked for, or a new one under experiments/.
pub(crate) fn folder(out: Option<&Path>, name: &str) -> anyhow::Result<RunFolder> {
    Ok(match out {
        Some(path) => RunFolder::create(path)?,
        None => RunFolder::create_in(Path::new("experiments"), name)?,
    })
}

/// The text of a configuration file.
pub(crate) fn read_config(file: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    // Whatever size the file says it has: a device says 0 and has no end.
    let open = File::open(file).with_context(|| about(file))?;
    open.take(CONFIG_CAP + 1).read_to_end(&mut bytes).with_context(|| about(file))?;
    anyhow::ensure!(
        bytes.len() as u64 <= CONFIG_CAP,
        "{}: a configuration has at most {CONFIG_CAP} bytes",
        about(file)
    );
    String::from_utf8(bytes).with_context(|| about(file))
}

/// How a message names a configuration file.
pub(crate) fn about(file: &Path) -> String {
    format!("--config {}", file.display())
}

/// The result: a table for people, or one JSON object on stdout with the table on stderr.
pub(crate) fn show(summary: &impl Serialize, table: &str, json: bool) -> anyhow::Result<()> {
    if json {
        crate::tell(table);
        crate::print(&format!("{}\n", serde_json::to_string(summary)?))
    } else {
        crate::print(table)
    }
}
