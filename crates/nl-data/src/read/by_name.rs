//! Which array of a set is for what, by its name.

use std::path::Path;

use super::arrays::{features, join, targets};
use super::{Found, Options, ReadError};
use crate::element::{Array, Want};
use crate::{Limits, Targets};

/// Names of what is learned from.
const FEATURES: [&str; 5] = ["x", "data", "images", "features", "inputs"];
/// Names of what is to be learned.
const TARGETS: [&str; 5] = ["y", "target", "targets", "label", "labels"];
const NAMES: &str = "name the arrays x_train, y_train, x_test, y_test, or x and y where the test set is to be drawn \
                     (data, images, features or inputs for x; target, targets, label or labels for y; train_x as well as x_train)";

/// The samples of the arrays called `names`, each read when it is its turn.
pub(super) fn assemble(
    file: &Path,
    names: &[String],
    options: &Options,
    limits: &Limits,
    mut read: impl FnMut(&str, Want) -> Result<Array, ReadError>,
) -> Result<Found, ReadError> {
    let find = |kinds: &[&str], set: &str| match one_of(names, kinds, set) {
        Ok(found) => Ok(found),
        Err([a, b]) => Err(ReadError::format(file, format!("both {a:?} and {b:?} could be meant"), NAMES)),
    };
    let pair = |set: &str| -> Result<Option<(String, String)>, ReadError> {
        match (find(&FEATURES, set)?, find(&TARGETS, set)?) {
            (Some(x), Some(y)) => Ok(Some((x, y))),
            (None, None) => Ok(None),
            (Some(one), None) | (None, Some(one)) => {
                Err(ReadError::format(file, format!("there is {one:?}, but not what belongs to it"), NAMES))
            }
        }
    };
    let (train, test) = match (pair("train")?, pair("test")?) {
        (Some(train), test @ Some(_)) => (train, test),
        (Some(train), None) => (train, None),
        (None, Some(_)) => {
            return Err(ReadError::format(file, "there is a test set, but nothing to learn from", NAMES));
        }
        (None, None) => match pair("")? {
            Some(all) => (all, None),
            None => {
                let listed = names.iter().take(8).map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
                let what = if listed.is_empty() { "no array".to_owned() } else { format!("arrays {listed}") };
                return Err(ReadError::format(file, format!("it holds {what}, none of which is known"), NAMES));
            }
        },
    };
    let mut unused = names.to_vec();
    let mut samples = |(x, y): &(String, String), classes: Option<usize>| {
        unused.retain(|name| name != x && name != y);
        // Targets first: they are small, and most mistakes show in them.
        let place = file.join(format!("{y}.npy"));
        let targets = targets(read(y, Want::Targets)?, options.task, classes, &place)?;
        let place = file.join(format!("{x}.npy"));
        let (count, shape, values) = features(read(x, Want::Features)?, &place)?;
        join(count, shape, values, targets, &place)
    };
    let train = samples(&train, limits.classes)?;
    let classes = match train.targets() {
        Targets::Classes { classes, .. } => Some(*classes),
        Targets::Values { .. } => None,
    };
    let test = test.map(|test| samples(&test, classes)).transpose()?;
    Ok(Found { train, test, unused })
}

/// The name that means one of `kinds` in a `set`; two of them if it cannot be told.
fn one_of(names: &[String], kinds: &[&str], set: &str) -> Result<Option<String>, [String; 2]> {
    let means = |name: &&String| {
        let name = name.to_ascii_lowercase();
        kinds.iter().any(|kind| match set {
            "" => name == *kind,
            _ => name == format!("{kind}_{set}") || name == format!("{set}_{kind}"),
        })
    };
    let mut found = names.iter().filter(means);
    match (found.next(), found.next()) {
        (Some(a), Some(b)) => Err([a.clone(), b.clone()]),
        (found, _) => Ok(found.cloned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Values;
    use crate::element::{Element, Numbers};

    #[test]
    fn arrays_are_known_by_their_names() {
        let names = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let find = |text: &str| {
            let file = Path::new("f.npz");
            assemble(file, &names(text), &Options::default(), &Limits::default(), |name, want| {
                let numbers = match want {
                    Want::Features => Numbers::Features(Values::U8(vec![0; 2])),
                    Want::Targets => Numbers::Targets(vec![0.0, if name == "y_bad" { 9.0 } else { 1.0 }]),
                };
                Ok(Array { dims: vec![2], element: Element::U8, numbers })
            })
            .map_err(|error| error.to_string())
        };
        for text in
            ["x_train y_train x_test y_test", "train_images train_labels test_labels test_images", "X y", "Data Target"]
        {
            let found = find(text).unwrap();
            assert_eq!(found.test.is_some(), text.contains("test"), "{text}");
            assert!(found.unused.is_empty());
        }
        assert_eq!(find("x_train y_train val_images val_labels").unwrap().unused, ["val_images", "val_labels"]);
        for (text, words) in [
            ("", "no array"),
            ("a b", "arrays \"a\", \"b\""),
            ("x_train", "there is \"x_train\", but not what belongs to it"),
            ("x_test y_test", "nothing to learn from"),
            ("x data y", "both \"x\" and \"data\""),
        ] {
            let error = find(text).unwrap_err();
            assert!(error.contains(words) && error.contains("name the arrays x_train"), "{error}");
        }
    }
}
