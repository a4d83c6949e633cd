//! Arrays as samples: images by their dimensions, targets by their type.

use std::path::Path;

use super::{ReadError, Task};
use crate::element::{Array, Numbers};
use crate::samples::MOST_CLASSES;
use crate::{Samples, Targets, Values};

const MIXED: &str = "this is a fault of nl-data, please report it";

/// Samples of so many features and targets.
pub(super) fn join(
    count: usize,
    shape: Vec<usize>,
    values: Values,
    targets: Targets,
    file: &Path,
) -> Result<Samples, ReadError> {
    if count != targets.len() {
        let what = format!("{count} samples, but targets for {}", targets.len());
        return Err(ReadError::format(file, what, "the two arrays are not of one set"));
    }
    Samples::new(shape, values, targets).map_err(ReadError::samples(file))
}

/// Count, shape and values: the first dimension counts samples, colours come first, one channel is none.
///
/// Four dimensions with 3 or 1 at the end and not in second place are images with the channels last, and are turned
/// round.
pub(super) fn features(array: Array, file: &Path) -> Result<(usize, Vec<usize>, Values), ReadError> {
    let Array { dims, numbers, .. } = array;
    let Numbers::Features(values) = numbers else {
        return Err(ReadError::format(file, "targets where features were expected", MIXED));
    };
    let (count, shape) = match dims[..] {
        [] => {
            return Err(ReadError::format(
                file,
                "one number, not an array of samples",
                "save an array whose first dimension counts samples",
            ));
        }
        [n] => (n, vec![1]),
        [n, 1, height, width] | [n, height, width, 1] => (n, vec![height, width]),
        [n, height, width, 3] if height != 3 => {
            let (area, shape) = (height * width, vec![3, height, width]);
            return Ok((
                n,
                shape,
                match values {
                    Values::U8(values) => Values::U8(channels_first(values, area, 3)),
                    Values::F32(values) => Values::F32(channels_first(values, area, 3)),
                },
            ));
        }
        [n, ref shape @ ..] => (n, shape.to_vec()),
    };
    Ok((count, shape, values))
}

/// Pixels of `channels` values each, of images of `area` pixels, turned into `channels` planes; one image at a time.
pub(super) fn channels_first<T: Copy>(mut values: Vec<T>, area: usize, channels: usize) -> Vec<T> {
    let mut image = Vec::with_capacity(area * channels);
    for samples in values.chunks_exact_mut((area * channels).max(1)) {
        image.clear();
        image
            .extend((0..channels).flat_map(|c| (0..area).map(move |pixel| pixel * channels + c)).map(|at| samples[at]));
        samples.copy_from_slice(&image);
    }
    values
}

/// What is to be learned: `[count]`, or `[count, width]` and more, rows one-hot or of values.
///
/// Classes are the labels 0 (or 1) to the first one that never occurs, as in IDX files, unless `classes` says how many
/// there are.
pub(super) fn targets(array: Array, task: Task, classes: Option<usize>, file: &Path) -> Result<Targets, ReadError> {
    const LABELS: &str = "number the classes 0, 1, 2 … without gaps, or ask for values (`task: values`)";
    let Array { dims, element, numbers } = array;
    let Numbers::Targets(numbers) = numbers else {
        return Err(ReadError::format(file, "features where targets were expected", MIXED));
    };
    let count = dims.first().copied().unwrap_or(0);
    // `[N, 1]` is `[N]` in a wrapper.
    let width = dims.get(1..).unwrap_or_default().iter().product::<usize>();
    if count == 0 || width == 0 {
        return Err(ReadError::format(file, format!("targets of shape {dims:?}"), "pass at least one target a sample"));
    }
    let one_hot = || {
        let hot =
            |row: &[f64]| row.iter().filter(|&&x| x == 1.0).count() == 1 && row.iter().all(|&x| x == 0.0 || x == 1.0);
        (2..=MOST_CLASSES).contains(&width) && numbers.chunks_exact(width).all(hot)
    };
    let labels: Vec<f64> = match task {
        Task::Auto | Task::Classes if width > 1 && one_hot() => {
            let place = |row: &[f64]| row.iter().position(|&x| x == 1.0).unwrap_or(0) as f64;
            let labels = numbers.chunks_exact(width).map(place).map(|label| label as u32).collect();
            return Ok(Targets::Classes { labels, classes: width, names: Vec::new() });
        }
        Task::Classes if width > 1 => {
            return Err(ReadError::format(file, format!("targets of shape {dims:?} are no classes"), LABELS));
        }
        Task::Auto if width == 1 && element.is_whole() => numbers,
        Task::Classes => numbers,
        Task::Auto | Task::Values => {
            let values = numbers.into_iter().map(|number| number as f32).collect();
            return Ok(Targets::Values { width, values, names: Vec::new() });
        }
    };
    let most = classes.unwrap_or(MOST_CLASSES).min(MOST_CLASSES);
    let wrong = |label: &f64| !(label.fract() == 0.0 && (0.0..most as f64).contains(label));
    if let Some(at) = labels.iter().position(wrong) {
        let known = classes.map_or(String::new(), |classes| format!(" of {classes}"));
        return Err(ReadError::format(
            file,
            format!("target {at} is {}, which is no class{known}", labels[at]),
            LABELS,
        ));
    }
    let labels: Vec<u32> = labels.into_iter().map(|label| label as u32).collect();
    let classes = match classes {
        Some(classes) => classes,
        None => {
            let mut seen = vec![false; MOST_CLASSES + 1];
            labels.iter().for_each(|&label| seen[label as usize] = true);
            let classes = (1..=MOST_CLASSES).find(|&label| !seen[label]).unwrap_or(MOST_CLASSES);
            if let Some(at) = labels.iter().position(|&label| label as usize >= classes) {
                let what = format!("target {at} is class {}, but {classes} never occurs", labels[at]);
                return Err(ReadError::format(file, what, LABELS));
            }
            classes
        }
    };
    Ok(Targets::Classes { labels, classes, names: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::element::Element;

    fn numbers(dims: &[usize], numbers: &[f64], element: Element) -> Array {
        Array { dims: dims.to_vec(), element, numbers: Numbers::Targets(numbers.to_vec()) }
    }

    fn read(dims: &[usize], values: &[f64], element: Element, task: Task) -> Result<Targets, String> {
        targets(numbers(dims, values, element), task, None, "y".as_ref()).map_err(|error| error.to_string())
    }

    fn classes(labels: &[u32], classes: usize) -> Targets {
        Targets::Classes { labels: labels.to_vec(), classes, names: Vec::new() }
    }

    #[test]
    fn targets_by_their_type_and_shape() {
        use Element::{F64, I64};
        assert_eq!(read(&[3], &[0.0, 2.0, 1.0], I64, Task::Auto), Ok(classes(&[0, 2, 1], 3)));
        assert_eq!(read(&[3, 1], &[0.0, 2.0, 1.0], F64, Task::Classes), Ok(classes(&[0, 2, 1], 3)));
        assert_eq!(read(&[2], &[1.0, 2.0], I64, Task::Auto), Ok(classes(&[1, 2], 3)), "labels from 1");
        assert_eq!(read(&[2, 3], &[0.0, 1.0, 0.0, 1.0, 0.0, 0.0], F64, Task::Auto), Ok(classes(&[1, 0], 3)));
        for (dims, task) in [(&[2, 1][..], Task::Auto), (&[2], Task::Values)] {
            let expected = Targets::Values { width: 1, values: vec![0.5, 1.0], names: Vec::new() };
            assert_eq!(read(dims, &[0.5, 1.0], F64, task), Ok(expected));
        }
        let steps = Targets::Values { width: 4, values: vec![1.0, 1.0, 0.0, 2.0], names: Vec::new() };
        assert_eq!(read(&[1, 2, 2], &[1.0, 1.0, 0.0, 2.0], I64, Task::Auto), Ok(steps));
    }

    #[test]
    fn what_is_no_class_is_refused() {
        use Element::{F64, I64};
        for (dims, values, element, task, words) in [
            (&[2][..], &[0.0, -1.0][..], I64, Task::Auto, "target 1 is -1"),
            (&[2], &[0.0, 4e9], I64, Task::Auto, "target 1 is 4000000000"),
            (&[2], &[0.0, 0.5], F64, Task::Classes, "target 1 is 0.5"),
            (&[2], &[0.0, f64::NAN], F64, Task::Classes, "target 1 is NaN"),
            (&[3], &[0.0, 1.0, 7.0], I64, Task::Auto, "target 2 is class 7, but 2 never occurs"),
            (&[1, 2], &[2.0, 0.0], I64, Task::Classes, "[1, 2] are no classes"),
            (&[], &[0.0], I64, Task::Auto, "shape []"),
            (&[2, 0], &[], I64, Task::Auto, "shape [2, 0]"),
        ] {
            let error = read(dims, values, element, task).unwrap_err();
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
        let known = targets(numbers(&[2], &[0.0, 5.0], I64), Task::Auto, Some(5), "y".as_ref()).unwrap_err();
        assert!(known.to_string().contains("target 1 is 5, which is no class of 5"), "{known}");
    }

    #[test]
    fn colours_come_first() {
        let shape = |dims: &[usize]| {
            let count = dims.iter().product::<usize>();
            let values = Values::U8((0..count).map(|i| i as u8).collect());
            let array = Array { dims: dims.to_vec(), element: Element::U8, numbers: Numbers::Features(values) };
            let (n, shape, values) = features(array, "x".as_ref()).unwrap();
            (n, shape, if let Values::U8(values) = values { values } else { Vec::new() })
        };
        let (n, turned, values) = shape(&[2, 2, 2, 3]);
        assert_eq!((n, &turned[..]), (2, &[3, 2, 2][..]));
        assert_eq!(values[..12], [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        assert_eq!(values[12..16], [12, 15, 18, 21]);
        for (dims, expected) in [
            (&[2, 3, 4, 5][..], &[3, 4, 5][..]),
            (&[2, 3, 4, 3], &[3, 4, 3]),
            (&[2, 1, 4, 5], &[4, 5]),
            (&[2, 4, 5, 1], &[4, 5]),
            (&[2, 4, 5], &[4, 5]),
            (&[2, 7], &[7]),
            (&[2], &[1]),
            (&[2, 5, 6, 7, 8], &[5, 6, 7, 8]),
        ] {
            assert_eq!(shape(dims).1, expected, "{dims:?}");
        }
    }
}
