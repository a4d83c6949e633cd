//! Samples of any shape in memory, and what is to be learned of each: a class, or values.

mod error;

use std::collections::HashMap;

pub use self::error::SamplesError;
use crate::class_names;
use crate::{Images, ImagesError, Split};

/// More classes than any output layer here has.
pub(crate) const MOST_CLASSES: usize = 1 << 16;

/// The values of all samples, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Bytes, 0 to 255, as of pictures: [`Samples::copy_to`] gives x / 255.
    U8(Vec<u8>),
    /// Finite numbers.
    F32(Vec<f32>),
}

impl Values {
    /// How many values there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::F32(values) => values.len(),
        }
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What is to be learned of each sample.
#[derive(Debug, Clone, PartialEq)]
pub enum Targets {
    /// Its class.
    Classes {
        /// `[len]`, each below `classes`.
        labels: Vec<u32>,
        /// How many classes there are.
        classes: usize,
        /// A name for each class, or none at all.
        names: Vec<String>,
    },
    /// Values, as in a regression.
    Values {
        /// Values a sample.
        width: usize,
        /// `[len, width]`.
        values: Vec<f32>,
        /// A name for each of the `width` values, or none at all.
        names: Vec<String>,
    },
}

impl Targets {
    /// How many samples there are targets for.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Classes { labels, .. } => labels.len(),
            Self::Values { width, values, .. } => values.len() / (*width).max(1),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Names of the classes or of the values; none where they are numbered.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::Classes { names, .. } | Self::Values { names, .. } => names,
        }
    }

    /// "10 classes", "3 values a sample".
    pub(crate) fn words(&self) -> String {
        match self {
            Self::Classes { classes, .. } => format!("{classes} classes"),
            Self::Values { width: 1, .. } => "1 value a sample to predict".to_owned(),
            Self::Values { width, .. } => format!("{width} values a sample to predict"),
        }
    }

    fn check(&self) -> Result<(), SamplesError> {
        match self {
            Self::Classes { labels, classes, .. } => {
                let classes = *classes;
                if !(1..=MOST_CLASSES).contains(&classes) {
                    return Err(SamplesError::Classes { classes });
                }
                if let Some(sample) = labels.iter().position(|&label| label as usize >= classes) {
                    return Err(SamplesError::LabelRange { label: labels[sample], sample, classes });
                }
            }
            Self::Values { width, values, .. } => {
                let (width, found) = (*width, values.len());
                if width == 0 || !found.is_multiple_of(width) {
                    return Err(SamplesError::TargetCount { found, width });
                }
                if let Some(i) = values.iter().position(|value| !value.is_finite()) {
                    return Err(SamplesError::TargetNotFinite { sample: i / width, at: i % width, value: values[i] });
                }
            }
        }
        self.check_names()
    }

    fn check_names(&self) -> Result<(), SamplesError> {
        let (Self::Classes { classes: expected, .. } | Self::Values { width: expected, .. }) = self;
        let (found, expected) = (self.names().len(), *expected);
        if found != 0 && found != expected {
            return Err(SamplesError::NameCount { found, expected });
        }
        class_names::check(self.names()).map_err(|(at, what)| SamplesError::Name { at, what })
    }
}

/// Samples of one shape and their targets; a grey picture is `[height, width]`, a coloured one `[3, height, width]`, a
/// row of a table `[columns]`.
///
/// Values lie one after the other in one buffer, bytes as bytes: a sample costs its values and its target, nothing
/// more.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples {
    shape: Vec<usize>,
    width: usize,
    values: Values,
    targets: Targets,
    columns: Vec<String>,
}

impl Samples {
    /// Samples from their parts; their number is that of the targets.
    ///
    /// # Errors
    /// An empty set, a size of 0, counts that do not fit, a label that is not below `classes`, numbers that are not
    /// finite, names that are not one for each class or value.
    ///
    /// ```
    /// use nl_data::{Samples, Targets, Values};
    ///
    /// let targets = Targets::Values { width: 1, values: vec![0.5, 2.0], names: vec!["price".into()] };
    /// let table = Samples::new(vec![3], Values::F32(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), targets)?;
    /// let mut row = [0.0; 3];
    /// table.copy_to(1, &mut row);
    /// assert_eq!((table.len(), row), (2, [4.0, 5.0, 6.0]));
    /// # Ok::<(), nl_data::SamplesError>(())
    /// ```
    pub fn new(shape: Vec<usize>, values: Values, targets: Targets) -> Result<Self, SamplesError> {
        targets.check()?;
        let samples = targets.len();
        if samples == 0 {
            return Err(SamplesError::Empty);
        }
        if u32::try_from(samples).is_err() {
            return Err(SamplesError::TooMany { len: samples });
        }
        let width = shape.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).filter(|&width| width > 0);
        let Some((width, expected)) = width.and_then(|width| Some((width, width.checked_mul(samples)?))) else {
            return Err(SamplesError::Shape { shape });
        };
        if values.len() != expected {
            return Err(SamplesError::ValueCount { found: values.len(), samples, shape });
        }
        if let Values::F32(values) = &values
            && let Some(i) = values.iter().position(|value| !value.is_finite())
        {
            return Err(SamplesError::NotFinite { sample: i / width, at: i % width, value: values[i] });
        }
        Ok(Self { shape, width, values, targets, columns: Vec::new() })
    }

    /// The number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there is no sample; never true of a set made by [`Samples::new`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// The shape of one sample.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Values a sample: the product of its shape.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// All values, `[len, shape…]`, row-major.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The same samples with names for the classes, or for the values to predict.
    ///
    /// # Errors
    /// Names that are not one for each, or that cannot be shown.
    pub fn with_names(mut self, given: Vec<String>) -> Result<Self, SamplesError> {
        match &mut self.targets {
            Targets::Classes { names, .. } | Targets::Values { names, .. } => *names = given,
        }
        // Labels and values were checked before; names are what is new.
        self.targets.check_names()?;
        Ok(self)
    }

    /// Names of the values of a sample, for rows of a table; none where they are numbered.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The same samples with names for their values.
    ///
    /// # Errors
    /// Names that are not one for each value.
    pub fn with_columns(mut self, columns: Vec<String>) -> Result<Self, SamplesError> {
        if !columns.is_empty() && columns.len() != self.width {
            return Err(SamplesError::ColumnCount { found: columns.len(), expected: self.width });
        }
        self.columns = columns;
        Ok(self)
    }

    /// The same samples with the classes of `known`: labels numbered anew by name, or, where neither has names, as many
    /// classes. Values to predict stay as they are.
    ///
    /// ```
    /// use nl_data::{Samples, Targets, Values};
    ///
    /// let pets = |labels, names: &[&str]| {
    ///     let names: Vec<String> = names.iter().map(|&name| name.into()).collect();
    ///     Samples::new(vec![1], Values::U8(vec![0]), Targets::Classes { labels, classes: names.len(), names })
    /// };
    /// let dogs = pets(vec![0], &["dog"])?.with_classes_of(pets(vec![0], &["cat", "dog"])?.targets())?;
    /// assert_eq!(dogs.labels(), Some(&[1][..]));
    /// # Ok::<(), nl_data::SamplesError>(())
    /// ```
    ///
    /// # Errors
    /// [`SamplesError::UnknownClass`] for a class that `known` has not; [`SamplesError::LabelRange`] where classes have
    /// numbers.
    pub fn with_classes_of(mut self, known: &Targets) -> Result<Self, SamplesError> {
        let Targets::Classes { classes, names, .. } = known else { return Ok(self) };
        let Targets::Classes { labels, classes: own, names: called } = &mut self.targets else { return Ok(self) };
        if called != names && !(called.is_empty() || names.is_empty()) {
            let by_name: HashMap<&str, u32> = (0..).zip(names).map(|(number, name)| (name.as_str(), number)).collect();
            let number = |name: &String| by_name.get(name.as_str()).copied().ok_or_else(|| name.clone());
            let numbers: Result<Vec<u32>, String> = called.iter().map(number).collect();
            let numbers = numbers.map_err(|class| SamplesError::UnknownClass { class })?;
            labels.iter_mut().for_each(|label| *label = numbers[*label as usize]);
        }
        (*own, *called) = (*classes, names.clone());
        self.targets.check()?;
        Ok(self)
    }

    /// All values, given away.
    #[must_use]
    pub fn into_values(self) -> Values {
        self.values
    }

    /// What is to be learned.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// The class of each sample, `[len]`, if that is what is to be learned.
    #[must_use]
    pub fn labels(&self) -> Option<&[u32]> {
        match &self.targets {
            Targets::Classes { labels, .. } => Some(labels),
            Targets::Values { .. } => None,
        }
    }

    /// Sample `index` as floats, bytes as x / 255; panics beyond the end or if `out` has another length, as slices do.
    pub fn copy_to(&self, index: usize, out: &mut [f32]) {
        let range = index * self.width..(index + 1) * self.width;
        match &self.values {
            Values::F32(values) => out.copy_from_slice(&values[range]),
            Values::U8(values) => {
                assert_eq!(out.len(), self.width, "samples: copy_to needs room for one sample");
                out.iter_mut().zip(&values[range]).for_each(|(y, &x)| *y = f32::from(x) / 255.0);
            }
        }
    }

    /// The samples at `indices`, in that order; panics beyond the end, as a slice does.
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        fn rows<T: Copy>(all: &[T], width: usize, indices: &[u32]) -> Vec<T> {
            let mut chosen = Vec::with_capacity(indices.len() * width);
            indices.iter().for_each(|&i| chosen.extend_from_slice(&all[i as usize * width..][..width]));
            chosen
        }
        let values = match &self.values {
            Values::U8(values) => Values::U8(rows(values, self.width, indices)),
            Values::F32(values) => Values::F32(rows(values, self.width, indices)),
        };
        let targets = match &self.targets {
            Targets::Classes { labels, classes, names } => {
                Targets::Classes { labels: rows(labels, 1, indices), classes: *classes, names: names.clone() }
            }
            Targets::Values { width, values, names } => {
                Targets::Values { width: *width, values: rows(values, *width, indices), names: names.clone() }
            }
        };
        Self { shape: self.shape.clone(), width: self.width, values, targets, columns: self.columns.clone() }
    }

    /// "28x28".
    pub(crate) fn size(&self) -> String {
        let sizes: Vec<String> = self.shape.iter().map(usize::to_string).collect();
        sizes.join("x")
    }
}

impl From<Images> for Samples {
    /// Grey images `[height, width]` with their labels; nothing is copied but the labels.
    fn from(images: Images) -> Self {
        let (shape, classes) = (vec![images.height(), images.width()], images.classes());
        let (pixels, labels) = images.into_parts();
        // What `Images` has checked, `Samples` asks for, too.
        let targets =
            Targets::Classes { labels: labels.into_iter().map(u32::from).collect(), classes, names: Vec::new() };
        Self { width: shape.iter().product(), shape, values: Values::U8(pixels), targets, columns: Vec::new() }
    }
}

impl TryFrom<Samples> for Images {
    type Error = SamplesError;

    /// Grey images of bytes; names of classes are left behind.
    ///
    /// # Errors
    /// [`SamplesError::NotGrey`] for anything but bytes of shape `[height, width]` in at most 256 classes.
    fn try_from(samples: Samples) -> Result<Self, SamplesError> {
        let refuse = |what: String| SamplesError::NotGrey { what };
        let Samples { shape, values, targets, .. } = samples;
        let &[height, width] = &shape[..] else {
            return Err(refuse(format!("these are samples of shape {shape:?}")));
        };
        let Values::U8(pixels) = values else { return Err(refuse("these are floats".to_owned())) };
        let Targets::Classes { labels, classes, .. } = targets else {
            return Err(refuse("these have values to predict".to_owned()));
        };
        if classes > 256 {
            return Err(refuse(format!("these have {classes} classes")));
        }
        // Below 256, since each is below the number of classes.
        let labels = labels.into_iter().map(|label| label as u8).collect();
        Self::new(pixels, labels, height, width, classes)
            .map_err(|error: ImagesError| refuse(format!("these cannot be used ({error})")))
    }
}

/// A training set and a test set of the same shape and targets.
pub type SampleSplit = Split<Samples>;

impl From<Split> for SampleSplit {
    /// Grey images as samples; nothing is copied but the labels.
    fn from(images: Split) -> Self {
        Self { train: images.train.into(), test: images.test.into() }
    }
}

impl SampleSplit {
    /// The two of them, checked against each other.
    ///
    /// # Errors
    /// [`SamplesError::NotAlike`] for two shapes, two kinds of targets, or two numbers of classes or lists of names.
    pub fn new(train: Samples, test: Samples) -> Result<Self, SamplesError> {
        let differ = |train: String, test: String| Err(SamplesError::NotAlike { train, test });
        if train.shape != test.shape {
            return differ(format!("the shape {:?}", train.shape), format!("the shape {:?}", test.shape));
        }
        let (a, b) = (train.targets.words(), test.targets.words());
        if a != b {
            return differ(a, b);
        }
        if train.columns != test.columns {
            let at = train.columns.iter().zip(&test.columns).position(|(a, b)| a != b).unwrap_or(0);
            let column = |samples: &Samples| match samples.columns.get(at) {
                Some(name) => format!("the column {name:?} in place {at}"),
                None => "columns without names".to_owned(),
            };
            return differ(column(&train), column(&test));
        }
        if train.targets.names() != test.targets.names() {
            let first = |names: &[String], others: &[String]| {
                let at = names.iter().zip(others).position(|(a, b)| a != b);
                at.map_or("names".to_owned(), |at| format!("the name {:?} for number {at}", names[at]))
            };
            let (a, b) = (train.targets.names(), test.targets.names());
            return differ(first(a, b), first(b, a));
        }
        Ok(Self { train, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn classes(labels: &[u32], classes: usize) -> Targets {
        Targets::Classes { labels: labels.to_vec(), classes, names: Vec::new() }
    }

    fn regression(values: &[f32], width: usize) -> Targets {
        Targets::Values { width, values: values.to_vec(), names: Vec::new() }
    }

    fn named(names: &[&str]) -> Targets {
        Targets::Classes { labels: vec![0], classes: 2, names: names.iter().map(|&name| name.into()).collect() }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bytes = |n: usize| Values::U8(vec![0; n]);
        for (shape, values, targets, words) in [
            (vec![2], bytes(0), classes(&[], 1), "empty set"),
            (vec![2, 0], bytes(0), classes(&[0], 1), "[2, 0] has no value"),
            (vec![usize::MAX, 3], bytes(0), classes(&[0], 1), "too many"),
            (vec![2, 3], bytes(11), classes(&[0, 0], 1), "11 values for 2 samples of shape [2, 3], expected 12"),
            (vec![1], bytes(1), classes(&[0], 0), "0 classes"),
            (vec![1], bytes(1), classes(&[0], 1 << 20), "1048576 classes"),
            (vec![1], bytes(2), classes(&[0, 7], 7), "label 7 of sample 1 is not below the number of classes, 7"),
            (vec![1], bytes(2), regression(&[1.0, 2.0, 3.0], 2), "3 target values do not make rows of 2"),
            (vec![1], bytes(2), regression(&[1.0, 2.0], 0), "rows of 0"),
            (vec![1], bytes(2), regression(&[1.0, 2.0, 3.0, f32::NAN], 2), "target 1 of sample 1 is NaN"),
            (
                vec![2],
                Values::F32(vec![0.0, 1.0, 2.0, f32::INFINITY]),
                classes(&[0, 0], 1),
                "value 1 of sample 1 is inf",
            ),
            (vec![1], bytes(1), named(&["cat"]), "1 names for 2"),
            (vec![1], bytes(1), named(&["cat", "cat"]), "name 1 names a class that has been named before"),
        ] {
            let error = Samples::new(shape, values, targets).unwrap_err().to_string();
            assert!(error.contains(words), "{words:?} is not in: {error}");
        }
        assert!(Samples::new(vec![1], bytes(1), named(&["cat", "dog"])).is_ok());
        // One number is a sample without a shape.
        assert_eq!(Samples::new(vec![], bytes(3), classes(&[0, 0, 0], 1)).unwrap().width(), 1);
    }

    #[test]
    fn images_there_and_back() {
        let images = crate::synthetic::digits(20, 1, 3).train;
        let samples = Samples::from(images.clone());
        assert_eq!((samples.shape(), samples.len()), (&[28, 28][..], 20));
        let mut pixels = vec![0.0; 28 * 28];
        samples.copy_to(7, &mut pixels);
        assert!(pixels.iter().zip(images.image(7)).all(|(&y, &x)| y == f32::from(x) / 255.0));
        assert_eq!(Images::try_from(samples), Ok(images));
        for (shape, values, targets, words) in [
            (vec![4], Values::U8(vec![0; 4]), classes(&[0], 1), "samples of shape [4]"),
            (vec![2, 2], Values::F32(vec![0.0; 4]), classes(&[0], 1), "floats"),
            (vec![2, 2], Values::U8(vec![0; 4]), regression(&[0.0], 1), "values to predict"),
            (vec![2, 2], Values::U8(vec![0; 4]), classes(&[0], 300), "300 classes"),
        ] {
            let error = Images::try_from(Samples::new(shape, values, targets).unwrap()).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("grey images"), "{error}");
        }
    }

    #[test]
    fn classes_are_numbered_as_others_are() {
        let known = named(&["cat", "dog"]);
        let sample = |targets| Samples::new(vec![1], Values::U8(vec![0]), targets).unwrap();
        let dog = Targets::Classes { labels: vec![0], classes: 1, names: vec!["dog".into()] };
        let told = sample(dog).with_classes_of(&known).unwrap();
        assert_eq!((told.labels(), told.targets().names()), (Some(&[1][..]), known.names()));
        let cow = Targets::Classes { labels: vec![0], classes: 1, names: vec!["cow".into()] };
        let error = sample(cow).with_classes_of(&known).unwrap_err();
        assert_eq!(error, SamplesError::UnknownClass { class: "cow".into() });
        // Numbers stay, as long as there are so many classes.
        assert_eq!(sample(classes(&[1], 2)).with_classes_of(&known).unwrap().labels(), Some(&[1][..]));
        assert!(sample(classes(&[2], 3)).with_classes_of(&known).unwrap_err().to_string().contains("label 2"));
        let values = sample(regression(&[0.5], 1));
        assert_eq!(values.clone().with_classes_of(&known), Ok(values));
    }

    #[test]
    fn columns_are_named_one_by_one() {
        let row = || Samples::new(vec![2], Values::U8(vec![0, 1]), classes(&[0], 2)).unwrap();
        let names = vec!["a".to_owned(), "b".to_owned()];
        let table = row().with_columns(names.clone()).unwrap();
        assert_eq!((table.columns(), table.select(&[0]).columns()), (&names[..], &names[..]));
        assert!(row().with_columns(names[..1].to_vec()).unwrap_err().to_string().contains("1 names for 2 values"));
        let error = SampleSplit::new(table, row()).unwrap_err().to_string();
        assert!(error.contains("the column \"a\" in place 0") && error.contains("columns without names"), "{error}");
    }

    #[test]
    fn training_and_test_must_be_alike() {
        let new = |shape: &[usize], targets| {
            let width = shape.iter().product();
            Samples::new(shape.to_vec(), Values::U8(vec![0; width]), targets).unwrap()
        };
        let train = new(&[2], named(&["cat", "dog"]));
        for (test, words) in [
            (new(&[3], named(&["cat", "dog"])), ["the shape [2]", "the shape [3]"]),
            (new(&[2], classes(&[0], 3)), ["2 classes", "3 classes"]),
            (new(&[2], regression(&[0.0], 1)), ["2 classes", "1 value a sample"]),
            (new(&[2], named(&["cat", "cow"])), ["\"dog\" for number 1", "\"cow\" for number 1"]),
        ] {
            let error = SampleSplit::new(train.clone(), test).unwrap_err().to_string();
            assert!(words.iter().all(|words| error.contains(words)), "{error}");
        }
        assert!(SampleSplit::new(train.clone(), train).is_ok());
    }

    proptest! {
        #[test]
        fn selects_rows_and_targets_in_order(chosen in proptest::collection::vec(0u32..9, 1..20), floats: bool) {
            let bytes: Vec<u8> = (0..54).collect();
            let values = match floats {
                true => Values::F32(bytes.iter().map(|&x| f32::from(x) / 255.0).collect()),
                false => Values::U8(bytes),
            };
            let targets = Targets::Values { width: 2, values: (0..18).map(|x| x as f32).collect(), names: Vec::new() };
            let all = Samples::new(vec![2, 3], values, targets).unwrap();
            let some = all.select(&chosen);
            prop_assert_eq!(some.len(), chosen.len());
            let (mut a, mut b) = ([0.0; 6], [0.0; 6]);
            let Targets::Values { values, .. } = some.targets() else { panic!("classes") };
            for (at, &from) in chosen.iter().enumerate() {
                some.copy_to(at, &mut a);
                all.copy_to(from as usize, &mut b);
                prop_assert_eq!(a, b);
                prop_assert_eq!(&values[2 * at..2 * at + 2], [(2 * from) as f32, (2 * from + 1) as f32]);
            }
        }
    }
}
