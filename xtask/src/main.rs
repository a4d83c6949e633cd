//! The command line of the workspace: `cargo xtask train`, `eval`, `predict`, `list`, `fetch`, `bench`, and short names for
//! shipped configurations.

mod ask;
mod bench;
mod cli;
mod fetch;
mod list;
mod place;
mod progress;
mod screen;
mod session;
mod shortcut;
mod text;
mod train;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

fn main() -> ExitCode {
    let Err(error) = run(cli::Cli::parse()) else { return ExitCode::SUCCESS };
    // No error: that is what was asked for. The words wrap; the command does not, so that it can be copied whole.
    if let Some(session::Stopped { command }) = error.downcast_ref() {
        say(session::STOPPED);
        tell(&format!("  {command}\n"));
        return ExitCode::from(session::INTERRUPTED);
    }
    say(&format!("error: {}", message(&error)));
    ExitCode::FAILURE
}

/// The error and its causes, but none that the one above it has in its own words already.
fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    text
}

fn run(cli: cli::Cli) -> anyhow::Result<()> {
    // A misspelt NL_SIMD would otherwise silently mean "the best level".
    nl_kernels::Level::from_env()?;
    match cli.command {
        cli::Command::Fetch(options) => fetch::run(&options),
        cli::Command::Train(options) => train::run(&options),
        cli::Command::Eval(options) => ask::eval(&options),
        cli::Command::Predict(options) => ask::predict(&options),
        cli::Command::List(options) => list::run(&options),
        cli::Command::Mnist(options) => shortcut::mnist(&options),
        cli::Command::Stdp(options) => shortcut::stdp(&options),
        cli::Command::ConvStdp(options) => shortcut::conv_stdp(&options),
        cli::Command::Sim(options) => shortcut::sim(&options),
        cli::Command::Bench(options) => bench::run(&options),
    }
}

/// A pool of as many threads as asked for, but not more than there are cores, or one for each core.
fn pool(threads: cli::Threads) -> anyhow::Result<rayon::ThreadPool> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let asked = threads.number.map_or(cores, NonZeroUsize::get);
    let used = if threads.oversubscribe { asked } else { asked.min(cores) };
    if used < asked {
        say(&format!(
            "warning: --threads {asked}, but there are {cores} cores: more threads than cores are only slower, the result \
             is the same; using {used} (--oversubscribe insists)"
        ));
    } else if used > cores {
        say(&format!("warning: {used} threads on {cores} cores, as asked for: slower, with the same result"));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(used).build();
    pool.context("cannot start the threads; try fewer --threads")
}

/// A result, to stdout: that it could not be written is an error, not a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to stdout")
}

/// A message, to stderr, in lines that fit a terminal.
fn say(message: &str) {
    screen::Screen::stderr().say(message);
}

/// Lines as they are, to stderr; a stderr that is closed is no reason to fail.
fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_cause_is_told_twice() {
        let error = anyhow::anyhow!("disk full").context("cannot write a: disk full").context("--out a");
        assert_eq!(super::message(&error), "--out a: cannot write a: disk full");
    }
}
