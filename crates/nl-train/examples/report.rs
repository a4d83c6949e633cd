//! Draws the report of a made-up run, to see what a change of the page does to it:
//! `cargo run --release -p nl-train --example report [FILE]`.
//!
//! Without a file it goes into the folder for temporary files. Takes no time.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).map_or_else(|| std::env::temp_dir().join("report.html"), PathBuf::from);
    let html = nl_train::report::render(&fixture::report())?;
    std::fs::write(&path, &html)?;
    println!("{}: {} kB", path.display(), html.len() / 1000);
    Ok(())
}
