//! The command line of the workspace: `cargo xtask fetch`, `cargo xtask mnist`, `cargo xtask bench`.

mod bench;
mod cli;
mod fetch;
mod mnist;
mod progress;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
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
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}
