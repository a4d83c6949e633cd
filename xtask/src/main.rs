//! The command line of the workspace: `cargo xtask fetch`, `cargo xtask mnist`, `cargo xtask bench`.

mod bench;
mod cli;
mod fetch;
mod mnist;
mod progress;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

fn main() -> ExitCode {
    match run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {error:#}\n"));
            match error.downcast_ref() {
                Some(nl_train::Error::Stopped { .. }) => ExitCode::from(mnist::INTERRUPTED),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

fn run(cli: cli::Cli) -> anyhow::Result<()> {
    // A misspelt NL_SIMD would otherwise silently mean "the best level".
    nl_kernels::Level::from_env()?;
    match cli.command {
        cli::Command::Fetch(options) => fetch::run(&options),
        cli::Command::Mnist(options) => mnist::run(&options),
        cli::Command::Bench(options) => bench::run(&options),
    }
}

/// A pool of `threads` threads, or one for each core.
fn pool(threads: Option<std::num::NonZeroUsize>) -> anyhow::Result<rayon::ThreadPool> {
    let threads = threads.map_or(0, std::num::NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("cannot start the threads; try fewer --threads")
}

/// A result, to stdout: that it could not be written is an error, not a panic.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot write to stdout")
}

/// Something to know, to stderr; a stderr that is closed is no reason to fail.
fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}
