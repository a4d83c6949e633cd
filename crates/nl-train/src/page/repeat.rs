//! The command that repeats a run.

use std::path::{Component, Path, PathBuf};

use nl_data::{Source, SourceKind};
use nl_report::text::quoted;

/// The command that repeats the run in `folder`: with its configuration, which holds every default and everything that the
/// command line changed, and with the images it used. Paths are relative to the current folder: a page is sent to others, to
/// whom an absolute path would tell where its owner works, and nothing else. `asked` is the command of a page about a run that is
/// over.
pub(super) fn command(asked: Option<&str>, folder: &Path, source: Option<&Source>) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = |path: &Path| quoted(relative(path, &here).as_os_str());
    let mut command = match asked {
        Some(asked) => format!("cargo xtask {asked} {}", path(folder)),
        None => format!("cargo xtask train --config {}", path(&folder.join("config.yaml"))),
    };
    if let Some(source) = source {
        let data = match (source.kind, &source.path) {
            (SourceKind::Synthetic, _) => "synthetic".to_owned(),
            (SourceKind::Dir, Some(dir)) => path(dir),
            _ => "auto".to_owned(),
        };
        command += &format!(" --data {data}");
    }
    command
}

/// What is to be known about [`command`].
pub(super) fn words(asked: Option<&str>, source: Option<&Source>, same: &str) -> String {
    let found = match source.map(|source| source.kind) {
        Some(SourceKind::Datasets | SourceKind::Cache) => {
            " “--data auto” looks for the images where they were found this time: in $NL_DATASETS, then in datasets/cache."
        }
        _ => "",
    };
    if asked.is_some() {
        return format!(
            "Given in the folder in which this was asked, this command gives the same numbers, on any number of threads, at the \
             same SIMD level.{found}"
        );
    }
    format!(
        "Given in the folder in which the run was started, this command gives the same {same}, bit for bit, on any number of \
         threads, at the same SIMD level. config.yaml lies beside this page and holds the whole configuration.{found}"
    )
}

/// `path` as seen from `here`; as it is, if it is relative already.
fn relative(path: &Path, here: &Path) -> PathBuf {
    let relative = if path.is_absolute() {
        let (path, here): (Vec<Component<'_>>, Vec<Component<'_>>) =
            (path.components().collect(), here.components().collect());
        let common = path.iter().zip(&here).take_while(|(a, b)| a == b).count();
        let up = here[common..].iter().map(|_| Component::ParentDir);
        up.chain(path[common..].iter().copied()).collect()
    } else {
        path.to_owned()
    };
    // Else it would be taken for an option.
    if relative.as_os_str().to_string_lossy().starts_with('-') { Path::new(".").join(relative) } else { relative }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_where_one_is() {
        let from = |path: &str| relative(Path::new(path), Path::new("/home/ada/work")).to_string_lossy().into_owned();
        for (path, seen) in [
            ("experiments/a", "experiments/a"),
            ("/home/ada/work/experiments/a", "experiments/a"),
            ("/home/ada/data/x", "../data/x"),
            ("/tmp/x", "../../../tmp/x"),
            ("-odd", "./-odd"),
        ] {
            assert_eq!(from(path), seen);
        }
    }

    #[test]
    fn images_are_found_again() {
        let source = |kind, path: Option<&str>| Source {
            kind,
            name: String::new(),
            path: path.map(Into::into),
            sha256: String::new(),
            text: String::new(),
            class_names: Vec::new(),
        };
        let line = |source: Option<&Source>| command(None, Path::new("my runs/a"), source);
        assert_eq!(line(None), "cargo xtask train --config 'my runs/a/config.yaml'");
        let own = source(SourceKind::Dir, Some("my images"));
        assert!(line(Some(&own)).ends_with("--data 'my images'"));
        assert!(line(Some(&source(SourceKind::Synthetic, None))).ends_with("--data synthetic"));
        let found = source(SourceKind::Datasets, Some("/home/ada/datasets/mnist"));
        assert!(line(Some(&found)).ends_with("--data auto"));
        assert!(words(None, Some(&found), "weights").contains("$NL_DATASETS"));
        assert!(!words(None, None, "spikes").contains("--data"));
        let asked = command(Some("eval --robustness --run"), Path::new("my runs/a"), Some(&found));
        assert_eq!(asked, "cargo xtask eval --robustness --run 'my runs/a' --data auto");
    }
}
