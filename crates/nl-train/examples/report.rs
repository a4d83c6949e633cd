//! Draws the report of a made-up run: `cargo run -p nl-train --example report -- report.html`.

#[path = "../tests/fixture/mod.rs"]
mod fixture;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).unwrap_or_else(|| "report.html".into());
    let html = nl_train::report::render(&fixture::report())?;
    Ok(nl_train::write_atomic(path.as_ref(), html.as_bytes())?)
}
