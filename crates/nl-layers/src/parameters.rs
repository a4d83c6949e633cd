//! All weights of a model in one flat vector, with a named, shaped window per parameter.
//!
//! Optimisers, checkpoints and gradient sums see one slice; layers see tensors that borrow it. Nothing is copied on
//! the way: [`Parameters::get`] is a view of the shared vector.

use std::borrow::Borrow;
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use nl_autodiff::{Scalar, Shape, Tensor};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::error::At;

/// The position of a parameter in the order of declaration; also its slot on a tape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParameterId(pub(crate) usize);

impl ParameterId {
    /// The position as a number: the slot that `Tape::backward_bound` reports.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// What a parameter is for: weight decay, for one, falls on weights only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Multiplies its input: matrices and convolution kernels.
    Weight,
    /// Added to the output.
    Bias,
    /// Scale or shift of a normalisation.
    Norm,
    /// A running statistic. It is no weight: no optimiser may move it. Its "gradient" is the step that it takes, r ← r − g, which
    /// the layer asks for by [`Context::add_loss`](crate::Context::add_loss).
    Statistic,
    /// A property of neurons: a time constant, a threshold.
    Neuron,
}

/// One parameter: where it stands in the model, its shape and its window in the flat vector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// `region/layer/name`, unique in the store.
    pub path: String,
    /// Shape, row-major.
    pub shape: Vec<usize>,
    /// First element in the flat vector.
    pub offset: usize,
    /// What it is for.
    pub role: Role,
}

impl Entry {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// True for a parameter without elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The window in the flat vector.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.offset..self.offset + self.len()
    }

    /// True if the path is `prefix` or lies below it: `v1` holds `v1` and `v1/weight`, not `v10/weight`; "" holds all.
    #[must_use]
    pub fn is_under(&self, prefix: &str) -> bool {
        let prefix = prefix.trim_end_matches('/');
        prefix.is_empty() || self.path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// The parameters of a model: one flat vector and its table of contents.
///
/// Cloning is cheap (the vector is shared) until one of the clones is written to.
///
/// ```
/// use nl_layers::{Builder, Initializer, Parameters, Role};
/// use nl_random::Streams;
///
/// let builder = Builder::new(Streams::new(1));
/// let v1 = builder.child("v1")?;
/// let weight = v1.parameter("weight", &[4, 3], Role::Weight, Initializer::XavierUniform)?;
/// let bias = v1.parameter("bias", &[4], Role::Bias, Initializer::Zeros)?;
/// let mut parameters: Parameters<f32> = builder.finish();
///
/// assert_eq!(parameters.len(), 16);
/// assert_eq!(parameters.entry(bias).path, "v1/bias");
/// assert_eq!(parameters.get(weight).shape().dims(), [4, 3]);
/// // Decay weights, not biases:
/// assert_eq!(parameters.ranges(|entry| entry.role == Role::Weight), [0..12]);
/// parameters.values_mut()[12] = 0.5;
/// assert_eq!(parameters.get(bias).as_slice(), [0.5, 0.0, 0.0, 0.0]);
/// # Ok::<(), nl_layers::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Parameters<S> {
    values: Arc<Vec<S>>,
    entries: Arc<[Entry]>,
}

impl<S: Scalar> Parameters<S> {
    /// The store of `entries` over `values`.
    ///
    /// # Errors
    /// [`Error::Values`] if the entries do not tile the vector in order, [`Error::Op`] for a shape that no tensor can have.
    pub fn new(values: Vec<S>, entries: Vec<Entry>) -> Result<Self, Error> {
        let mut end = 0;
        for entry in &entries {
            Shape::new(&entry.shape).at(&entry.path)?;
            if entry.offset != end {
                return Err(Error::Values { path: entry.path.clone(), expected: vec![end], got: vec![entry.offset] });
            }
            end += entry.len();
        }
        if end != values.len() {
            return Err(Error::Values { path: "parameters".into(), expected: vec![end], got: vec![values.len()] });
        }
        Ok(Self { values: Arc::new(values), entries: entries.into() })
    }

    /// Number of elements of all parameters together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True for a model without parameters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// All values, in the order of declaration.
    #[must_use]
    pub fn values(&self) -> &[S] {
        &self.values
    }

    /// All values, to be written to.
    ///
    /// Writes in place if nobody else holds the vector; reset the tapes of the last step first, or the first write
    /// after each step copies everything.
    pub fn values_mut(&mut self) -> &mut [S] {
        Arc::make_mut(&mut self.values).as_mut_slice()
    }

    /// Replaces all values.
    ///
    /// # Errors
    /// [`Error::Values`] if the number of values differs.
    pub fn set_values(&mut self, values: &[S]) -> Result<(), Error> {
        if values.len() != self.len() {
            let path = "parameters".to_owned();
            return Err(Error::Values { path, expected: vec![self.len()], got: vec![values.len()] });
        }
        self.values_mut().copy_from_slice(values);
        Ok(())
    }

    /// The table of contents, in the order of declaration.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// One line of the table of contents.
    ///
    /// # Panics
    /// If `id` comes from another, larger store.
    #[must_use]
    pub fn entry(&self, id: ParameterId) -> &Entry {
        &self.entries[id.0]
    }

    /// The parameter's values as a tensor that shares the flat vector.
    ///
    /// # Panics
    /// If `id` comes from another, larger store.
    #[must_use]
    pub fn get(&self, id: ParameterId) -> Tensor<S> {
        let entry = &self.entries[id.0];
        let shape = Shape::new(&entry.shape).expect("checked when declared");
        Tensor::view(Arc::clone(&self.values), entry.offset, shape).expect("entries tile the vector")
    }

    /// The parameter at a path.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] if there is none.
    pub fn find(&self, path: &str) -> Result<ParameterId, Error> {
        let position = self.entries.iter().position(|entry| entry.path == path);
        position.map(ParameterId).ok_or_else(|| Error::UnknownPath { path: path.to_owned() })
    }

    /// The windows of all parameters that satisfy a condition, neighbours joined: a mask for decay or freezing.
    #[must_use]
    pub fn ranges(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Range<usize>> {
        let mut ranges: Vec<Range<usize>> = Vec::new();
        for range in self.entries.iter().filter(|entry| wanted(entry)).map(Entry::range) {
            match ranges.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => ranges.push(range),
            }
        }
        ranges
    }

    /// For each parameter, whether it satisfies a condition: the mask that [`Context::with_trainable`] takes.
    ///
    /// [`Context::with_trainable`]: crate::Context::with_trainable
    #[must_use]
    pub fn select(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<bool> {
        self.entries.iter().map(wanted).collect()
    }

    /// Copies every parameter under `prefix` from the same path of `source`; returns how many elements were copied.
    ///
    /// # Errors
    /// [`Error::UnknownPath`] if nothing lies under `prefix`, or if a path is missing in the source;
    /// [`Error::Values`] if a shape differs. Nothing is copied then.
    pub fn copy_from(&mut self, source: &Self, prefix: &str) -> Result<usize, Error> {
        let entries = Arc::clone(&self.entries);
        let mut pairs = Vec::new();
        for entry in entries.iter().filter(|entry| entry.is_under(prefix)) {
            let other = source.entry(source.find(&entry.path)?);
            if other.shape != entry.shape {
                let (path, expected, got) = (entry.path.clone(), entry.shape.clone(), other.shape.clone());
                return Err(Error::Values { path, expected, got });
            }
            pairs.push((entry.range(), other.range()));
        }
        if pairs.is_empty() {
            return Err(Error::UnknownPath { path: prefix.to_owned() });
        }
        let values = self.values_mut();
        Ok(pairs
            .into_iter()
            .map(|(to, from)| (values[to].copy_from_slice(&source.values[from.clone()]), from.len()).1)
            .sum())
    }

    /// Path, shape and values of each parameter, in the order of declaration: what a file of weights holds.
    ///
    /// Collects into whatever writes it: `parameters.iter().map(|(path, shape, values)| …)`.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[usize], &[S])> {
        self.entries.iter().map(|entry| (entry.path.as_str(), entry.shape.as_slice(), &self.values[entry.range()]))
    }

    /// A copy by name: path to (shape, values).
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, (Vec<usize>, Vec<S>)> {
        self.iter().map(|(path, shape, values)| (path.to_owned(), (shape.to_vec(), values.to_vec()))).collect()
    }

    /// Replaces all values by those of the same names: (path, (shape, values)), in any order. All or nothing.
    ///
    /// Takes what [`to_map`](Self::to_map) gives, what `nl_train::read_weights` reads, and anything else that names its
    /// slices. For a part of the parameters see [`copy_from`](Self::copy_from).
    ///
    /// ```
    /// use nl_layers::{Builder, Initializer, Linear};
    /// use nl_random::Streams;
    ///
    /// let model = |seed| {
    ///     let builder = Builder::new(Streams::new(seed));
    ///     let layer = Linear::new(&builder.child("head")?, 3, 2, Initializer::XavierUniform)?;
    ///     Ok::<_, nl_layers::Error>((layer, builder.finish()))
    /// };
    /// let (_, trained) = model(1)?;
    /// let saved = trained.to_map(); // into a file, and back
    ///
    /// let (_, mut parameters) = model(2)?;
    /// parameters.load(&saved)?;
    /// assert_eq!(parameters.values(), trained.values());
    ///
    /// // By hand, and incomplete: an error that lists what is missing, and nothing is loaded.
    /// let error = parameters.load([("head/bias", (&[2], &[0.5, 0.5]))]).unwrap_err();
    /// assert!(error.to_string().contains("missing [\"head/weight\"]"));
    /// assert_eq!(parameters.values(), trained.values());
    /// # Ok::<(), nl_layers::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Load`] with all paths that are missing, not expected, or given with another shape, another number of
    /// values, twice, or with a value that is not finite.
    pub fn load<N, D, V, T>(&mut self, weights: impl IntoIterator<Item = (N, T)>) -> Result<(), Error>
    where
        N: AsRef<str>,
        T: Borrow<(D, V)>,
        D: AsRef<[usize]>,
        V: AsRef<[S]>,
    {
        let positions: HashMap<&str, usize> = self.entries.iter().map(|e| e.path.as_str()).zip(0..).collect();
        let mut found: Vec<Option<T>> = self.entries.iter().map(|_| None).collect();
        let (mut unexpected, mut mismatched) = (Vec::new(), Vec::new());
        for (name, weight) in weights {
            let name = name.as_ref();
            let Some(&at) = positions.get(name) else {
                unexpected.push(name.to_owned());
                continue;
            };
            let (entry, (shape, values)) = (&self.entries[at], weight.borrow());
            let (shape, values) = (shape.as_ref(), values.as_ref());
            if shape != entry.shape {
                mismatched.push(format!("{name}: shape {shape:?}, but the parameter has {:?}", entry.shape));
            } else if values.len() != entry.len() {
                mismatched.push(format!("{name}: {} values for shape {shape:?}", values.len()));
            } else if let Some(bad) = values.iter().position(|x| !x.to_f64().is_finite()) {
                mismatched.push(format!("{name}: value {bad} is {}", values[bad].to_f64()));
            } else if found[at].is_some() {
                mismatched.push(format!("{name}: given twice"));
            }
            found[at] = Some(weight);
        }
        let missing: Vec<String> =
            self.entries.iter().zip(&found).filter(|(_, found)| found.is_none()).map(|(e, _)| e.path.clone()).collect();
        if !(missing.is_empty() && unexpected.is_empty() && mismatched.is_empty()) {
            return Err(Error::Load { missing, unexpected, mismatched });
        }
        let entries = Arc::clone(&self.entries);
        let values = self.values_mut();
        for (entry, weight) in entries.iter().zip(found.iter().flatten()) {
            values[entry.range()].copy_from_slice(weight.borrow().1.as_ref());
        }
        Ok(())
    }

    /// The same parameters in another precision, each value rounded to nearest.
    #[must_use]
    pub fn convert<T: Scalar>(&self) -> Parameters<T> {
        let values = self.values.iter().map(|&x| T::from_f64(x.to_f64())).collect();
        Parameters { values: Arc::new(values), entries: Arc::clone(&self.entries) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, shape: &[usize], offset: usize, role: Role) -> Entry {
        Entry { path: path.into(), shape: shape.into(), offset, role }
    }

    fn store() -> Parameters<f32> {
        let entries = vec![
            entry("cortex/v1/weight", &[2, 2], 0, Role::Weight),
            entry("cortex/v1/bias", &[2], 4, Role::Bias),
            entry("cortex/v10/weight", &[3], 6, Role::Weight),
            entry("head/weight", &[1, 2], 9, Role::Weight),
        ];
        Parameters::new((0..11).map(|i| i as f32 + 0.1).collect(), entries).unwrap()
    }

    #[test]
    fn views_share_the_vector() {
        let mut parameters = store();
        let id = parameters.find("cortex/v1/bias").unwrap();
        assert_eq!(parameters.get(id).as_slice(), [4.1, 5.1]);
        assert_eq!(parameters.get(id).as_slice().as_ptr(), parameters.values()[4..].as_ptr());
        let before = parameters.values().as_ptr();
        parameters.values_mut()[4] = 9.0;
        assert_eq!(parameters.values().as_ptr(), before, "no copy while nobody else looks");
        assert_eq!(parameters.get(id).as_slice(), [9.0, 5.1]);
    }

    #[test]
    fn a_snapshot_is_not_changed_by_later_writes() {
        let mut parameters = store();
        let snapshot = parameters.clone();
        parameters.values_mut()[0] = -1.0;
        assert_eq!(snapshot.values()[0], 0.1);
    }

    #[test]
    fn prefixes_end_at_segments() {
        let parameters = store();
        assert_eq!(parameters.ranges(|e| e.is_under("cortex/v1")), [0..6]);
        assert_eq!(parameters.ranges(|e| e.is_under("cortex/")), [0..9]);
        assert_eq!(parameters.ranges(|e| e.is_under("")), [0..11]);
        assert_eq!(parameters.ranges(|e| e.role == Role::Weight), [0..4, 6..11]);
        assert!(parameters.ranges(|e| e.is_under("cort")).is_empty());
    }

    #[test]
    fn copy_by_prefix_is_all_or_nothing() {
        let mut target = store();
        target.values_mut().fill(0.0);
        assert_eq!(target.copy_from(&store(), "cortex").unwrap(), 9);
        assert_eq!(target.values()[..9], store().values()[..9]);
        assert_eq!(target.values()[9..], [0.0, 0.0]);
        assert!(matches!(target.copy_from(&store(), "nowhere"), Err(Error::UnknownPath { .. })));

        let entries = vec![entry("cortex/v1/weight", &[4], 0, Role::Weight)];
        let other = Parameters::new(vec![7.0; 4], entries).unwrap();
        let error = target.copy_from(&other, "cortex").unwrap_err();
        assert!(error.to_string().starts_with("cortex/v1/weight: expected values of shape [2, 2], got [4]"), "{error}");
        assert_eq!(target.values()[..9], store().values()[..9]);
    }

    #[test]
    fn weights_load_by_name_or_not_at_all() {
        let (saved, mut target) = (store().to_map(), store());
        target.values_mut().fill(0.0);
        target.load(&saved).unwrap();
        assert_eq!(target.values(), store().values());
        // Owned, and in another order.
        target.values_mut().fill(0.0);
        target.load(saved.clone().into_iter().rev()).unwrap();
        assert_eq!(target.values(), store().values());
        assert_eq!(target.iter().map(|(path, ..)| path).collect::<Vec<_>>().len(), saved.len());

        target.values_mut().fill(7.0);
        let mut wrong = saved.clone();
        wrong.remove("cortex/v1/weight");
        wrong.insert("cortex/v2/weight".into(), (vec![1], vec![0.0]));
        wrong.insert("cortex/v1/bias".into(), (vec![1, 2], vec![0.0; 2]));
        wrong.insert("head/weight".into(), (vec![1, 2], vec![0.0; 3]));
        wrong.insert("cortex/v10/weight".into(), (vec![3], vec![0.0, f32::NAN, 0.0]));
        let Err(Error::Load { missing, unexpected, mismatched }) = target.load(&wrong) else { panic!("loaded") };
        assert_eq!((missing, unexpected), (vec!["cortex/v1/weight".into()], vec!["cortex/v2/weight".into()]));
        let expected = [
            "cortex/v1/bias: shape [1, 2], but the parameter has [2]",
            "cortex/v10/weight: value 1 is NaN",
            "head/weight: 3 values for shape [1, 2]",
        ];
        assert_eq!(mismatched, expected);
        let twice = saved.iter().chain(saved.iter().take(1));
        assert!(target.load(twice).unwrap_err().to_string().contains("cortex/v1/bias: given twice"));
        assert_eq!(target.values(), [7.0; 11]);
    }

    #[test]
    fn entries_must_tile() {
        let gap = vec![entry("a", &[2], 0, Role::Bias), entry("b", &[2], 3, Role::Bias)];
        assert!(Parameters::new(vec![0.0; 5], gap).is_err());
        assert!(Parameters::new(vec![0.0; 3], vec![entry("a", &[2], 0, Role::Bias)]).is_err());
        assert!(store().set_values(&[0.0; 3]).is_err());
    }

    #[test]
    fn f32_survives_the_way_through_f64() {
        let parameters = store();
        let back: Parameters<f32> = parameters.convert::<f64>().convert();
        assert_eq!(back.values(), parameters.values());
        assert_eq!(back.entries(), parameters.entries());
    }
}
