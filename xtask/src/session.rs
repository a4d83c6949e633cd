//! What every long command has in common: threads, progress, Ctrl-C, the folder, the result.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::cli::Threads;
use crate::progress::Printer;
use crate::screen::Screen;

/// What a shell expects of a program ended by Ctrl-C.
pub(crate) const INTERRUPTED: u8 = 130;

/// What is said of a run that was [`Stopped`]; its command follows.
pub(crate) const STOPPED: &str = "stopped as asked, with a checkpoint; this goes on:";

/// The run was asked to stop, and has: no error, but no result either.
#[derive(Debug, thiserror::Error)]
#[error("{STOPPED}\n  {command}")]
pub(crate) struct Stopped {
    /// The whole command that goes on with the run.
    pub(crate) command: String,
}

/// Runs `work` on its own threads. The first Ctrl-C ends it with a checkpoint after the step under way, the second at
/// once.
pub(crate) fn run<T: Send>(
    threads: Threads,
    work: impl FnOnce(&mut Printer) -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    let pool = crate::pool(threads)?;
    let stop = Arc::new(AtomicBool::new(false));
    let screen = Arc::new(Mutex::new(Screen::stderr()));
    let mut printer = Printer::new(Arc::clone(&screen), Arc::clone(&stop));
    ctrlc::set_handler(move || {
        let mut screen = screen.lock().unwrap_or_else(PoisonError::into_inner);
        if stop.swap(true, Ordering::Relaxed) {
            screen.clear();
            std::process::exit(INTERRUPTED.into());
        }
        screen.say("stopping with a checkpoint after this step; Ctrl-C again ends at once");
    })?;
    let done = pool.install(|| work(&mut printer));
    drop(printer);
    done.map_err(|error| match error.downcast_ref() {
        Some(nl_train::Error::Stopped { folder }) => {
            let line: Vec<OsString> = std::env::args_os().skip(1).collect();
            Stopped { command: resuming(&line, folder) }.into()
        }
        _ => error,
    })
}

/// The command that goes on with what `line` (without the program) began in `folder`.
fn resuming(line: &[OsString], folder: &Path) -> String {
    let is = |word: &OsStr, option: &str| word == option || word.to_string_lossy().starts_with(&format!("{option}="));
    let mut command = "cargo xtask".to_owned();
    let mut add = |word: &OsStr| command += &format!(" {}", crate::text::quoted(word));
    // Of a run that was resumed before, all of it: its --data may be needed again.
    if line.iter().any(|word| is(word, "--resume")) {
        line.iter().for_each(|word| add(word));
        return command;
    }
    // Of a new run, what its configuration does not hold.
    line.first().into_iter().for_each(|word| add(word));
    add(OsStr::new("--resume"));
    add(folder.as_os_str());
    let mut words = line.iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--threads" {
            add(word);
            words.next().into_iter().for_each(|number| add(number));
        } else if ["--threads", "--oversubscribe", "--json"].iter().any(|option| is(word, option)) {
            add(word);
        }
    }
    command
}

/// What comes next and how long it takes, before anything else is said.
pub(crate) fn open(resume: Option<&Path>, config: Option<&Path>, command: &str, what: &str, preset: &str) {
    let time = match (resume, config) {
        (Some(folder), _) => format!("goes on with {}", folder.display()),
        (None, Some(file)) => format!("as long as {} says", file.display()),
        (None, None) => preset.to_owned(),
    };
    crate::say(&format!("{command}: {what}; {time}. Ctrl-C stops with a checkpoint."));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on() {
        for (line, expected) in [
            ("mnist", "cargo xtask mnist --resume 'my runs/a'"),
            (
                "mnist --data ../x --threads 2 --preset full --json",
                "cargo xtask mnist --resume 'my runs/a' --threads 2 --json",
            ),
            (
                "sim cuba --seconds 10 --threads=4 --oversubscribe",
                "cargo xtask sim --resume 'my runs/a' --threads=4 --oversubscribe",
            ),
            ("mnist --resume other --data ../x", "cargo xtask mnist --resume other --data ../x"),
            ("mnist --data ../x --resume=other", "cargo xtask mnist --data ../x --resume=other"),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(resuming(&words, Path::new("my runs/a")), expected);
        }
    }
}
