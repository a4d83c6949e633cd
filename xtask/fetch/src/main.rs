//! `xtask-fetch NAME CACHE [URL]`: the part of `cargo xtask fetch` that needs TLS, and so is built only when it is needed.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use nl_data::Origin;

fn main() -> ExitCode {
    match run(std::env::args_os().skip(1).collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Vec<OsString>) -> anyhow::Result<()> {
    let mut arguments = arguments.into_iter();
    let (Some(name), Some(cache), url, None) = (arguments.next(), arguments.next(), arguments.next(), arguments.next())
    else {
        bail!("usage: xtask-fetch NAME CACHE [URL]; `cargo xtask fetch NAME` is meant for people");
    };
    let from = url.map(|url| Origin::parse(&url.to_string_lossy()));
    let bar = ProgressBar::new(0);
    // At most 80 columns.
    bar.set_style(ProgressStyle::with_template("{msg:28} {bytes:>10} of {total_bytes:10} {bar:16} {eta}")?);
    let files = nl_data::fetch(&name.to_string_lossy(), from.as_ref(), cache.as_ref(), &mut |progress| {
        bar.set_message(progress.file.to_owned());
        bar.set_length(progress.total);
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    let mut out = io::stdout().lock();
    for file in files? {
        writeln!(out, "{file}").context("cannot write to stdout")?;
    }
    Ok(())
}
