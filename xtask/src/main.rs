//! The command line of the workspace: `cargo xtask fetch`, `mnist`, `stdp`, `conv-stdp`, `sim`, `bench`.

mod bench;
mod cli;
mod conv_stdp;
mod fetch;
mod mnist;
mod progress;
mod session;
mod sim;
mod stdp;

use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

fn main() -> ExitCode {
    match run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("error: {}\n", message(&error)));
            match error.downcast_ref() {
                Some(nl_train::Error::Stopped { .. }) => ExitCode::from(session::INTERRUPTED),
                _ => ExitCode::FAILURE,
            }
        }
    }
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
        cli::Command::Mnist(options) => mnist::run(&options),
        cli::Command::Stdp(options) => stdp::run(&options),
        cli::Command::ConvStdp(options) => conv_stdp::run(&options),
        cli::Command::Sim(options) => sim::run(&options),
        cli::Command::Bench(options) => bench::run(&options),
    }
}

/// A pool of `threads` threads, or one for each core.
fn pool(threads: Option<std::num::NonZeroUsize>) -> anyhow::Result<rayon::ThreadPool> {
    let threads = threads.map_or(0, std::num::NonZeroUsize::get);
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .context("cannot start the threads; try fewer --threads")
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

#[cfg(test)]
mod tests {
    #[test]
    fn no_cause_is_told_twice() {
        let error = anyhow::anyhow!("disk full").context("cannot write a: disk full").context("--out a");
        assert_eq!(super::message(&error), "--out a: cannot write a: disk full");
    }
}
