//! `cargo xtask fetch`: a dataset, verified, into the cache.

use indicatif::{ProgressBar, ProgressStyle};
use nl_data::Origin;

use crate::cli::Fetch;

pub(crate) fn run(options: &Fetch) -> anyhow::Result<()> {
    let from = options.from.as_deref().map(Origin::parse);
    let bar = ProgressBar::new(0);
    bar.set_style(ProgressStyle::with_template("{msg:30} {bytes:>10} of {total_bytes} {bar:30} {eta}")?);
    let files = nl_data::fetch(&options.name, from.as_ref(), &options.cache, &mut |progress| {
        bar.set_message(progress.file.to_owned());
        bar.set_length(progress.total);
        bar.set_position(progress.bytes);
    });
    bar.finish_and_clear();
    for file in files? {
        let origin = file.origin.unwrap_or_else(|| "already there".into());
        let resumed = if file.resumed > 0 { format!(", the first {} bytes kept", file.resumed) } else { String::new() };
        crate::print(&format!("{}: verified ({origin}{resumed})\n", file.path.display()))?;
    }
    Ok(())
}
