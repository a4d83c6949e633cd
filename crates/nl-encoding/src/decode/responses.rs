//! Recorded responses: how often each neuron spiked to each sample.

use core::ops::Range;

use nl_neuron::SpikeTrain;
use nl_units::Error;
use serde::{Deserialize, Serialize};

const NAME: &str = "responses";

/// Spike counts `[samples, neurons]`, the zeros left out: most neurons are silent most of the time.
///
/// ```
/// use nl_encoding::decode::Responses;
/// let mut responses = Responses::new(4)?;
/// responses.push(&[0, 7, 0, 1])?;
/// assert_eq!(responses.get(0).unwrap().iter().collect::<Vec<_>>(), [(1, 7), (3, 1)]);
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Responses {
    neurons: usize,
    offsets: Vec<usize>,
    indices: Vec<u32>,
    counts: Vec<u32>,
}

/// As it is read, before anybody has looked whether it can be.
#[derive(Deserialize)]
struct Raw {
    neurons: usize,
    offsets: Vec<usize>,
    indices: Vec<u32>,
    counts: Vec<u32>,
}

impl TryFrom<Raw> for Responses {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let Raw { neurons, offsets, indices, counts } = raw;
        let ordered = offsets.first() == Some(&0) && offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        let whole = indices.len() == counts.len() && offsets.last() == Some(&indices.len());
        if Error::population(NAME, neurons).is_err() || !ordered || !whole {
            return Err("responses whose samples do not follow each other");
        }
        let ascending = |pair: &[usize]| indices[pair[0]..pair[1]].windows(2).all(|two| two[0] < two[1]);
        if indices.iter().any(|&neuron| neuron as usize >= neurons) || !offsets.windows(2).all(ascending) {
            return Err("responses of neurons that do not exist");
        }
        Ok(Self { neurons, offsets, indices, counts })
    }
}

/// The response to one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Response<'a> {
    neurons: usize,
    indices: &'a [u32],
    counts: &'a [u32],
}

impl Responses {
    /// No responses yet of a population of `neurons`.
    ///
    /// # Errors
    /// [`Error::Population`].
    pub fn new(neurons: usize) -> Result<Self, Error> {
        Error::population(NAME, neurons)?;
        Ok(Self { neurons, offsets: vec![0], indices: Vec::new(), counts: Vec::new() })
    }

    /// The responses of `counts`, `[samples, neurons]`.
    ///
    /// # Errors
    /// [`Error::Population`]; [`Error::Length`] if that is not a whole number of samples.
    pub fn from_dense(neurons: usize, counts: &[u32]) -> Result<Self, Error> {
        let mut responses = Self::new(neurons)?;
        for sample in counts.chunks(neurons) {
            responses.push(sample)?;
        }
        Ok(responses)
    }

    /// Adds a sample: the count of each neuron.
    ///
    /// # Errors
    /// [`Error::Length`].
    pub fn push(&mut self, counts: &[u32]) -> Result<(), Error> {
        Error::length(NAME, "counts", self.neurons, counts.len())?;
        for (count, neuron) in counts.iter().copied().zip(0..) {
            if count > 0 {
                self.indices.push(neuron);
                self.counts.push(count);
            }
        }
        self.offsets.push(self.indices.len());
        Ok(())
    }

    /// Adds a sample: the spikes of a raster, at most one a step and so no more than a `u32` counts.
    ///
    /// # Errors
    /// [`Error::Length`] if the raster is of another population.
    pub fn push_train(&mut self, train: &SpikeTrain) -> Result<(), Error> {
        self.push(&train.counts())
    }

    /// Number of neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The response to sample `index`.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Response<'_>> {
        (index < self.len()).then(|| self.at(self.offsets[index]..self.offsets[index + 1]))
    }

    /// The responses in order.
    pub fn iter(&self) -> impl Iterator<Item = Response<'_>> {
        self.offsets.windows(2).map(|pair| self.at(pair[0]..pair[1]))
    }

    fn at(&self, range: Range<usize>) -> Response<'_> {
        Response { neurons: self.neurons, indices: &self.indices[range.clone()], counts: &self.counts[range] }
    }
}

impl<'a> Response<'a> {
    /// Number of neurons, the silent ones among them.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// (neuron, count) of the neurons that spiked, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + 'a {
        self.indices.iter().copied().zip(self.counts.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_raster_a_row_and_a_table_say_the_same() {
        let train = SpikeTrain::from_events(3, 4, &[(0, 2), (1, 2), (3, 0)]).unwrap();
        let (mut a, mut b) = (Responses::new(3).unwrap(), Responses::new(3).unwrap());
        a.push_train(&train).unwrap();
        b.push(&[1, 0, 2]).unwrap();
        assert_eq!(a, b);
        assert_eq!(a, Responses::from_dense(3, &[1, 0, 2]).unwrap());
        assert_eq!((a.len(), a.get(1)), (1, None));
    }

    #[test]
    fn a_neuron_that_never_rests_is_counted_to_the_end() {
        let mut train = SpikeTrain::new(2);
        (0..70_000).for_each(|_| train.push_step(&[1]).unwrap());
        let mut responses = Responses::new(2).unwrap();
        responses.push_train(&train).unwrap();
        responses.push(&[u32::MAX, 0]).unwrap();
        let counts: Vec<_> = responses.iter().flat_map(|response| response.iter().collect::<Vec<_>>()).collect();
        assert_eq!(counts, [(1, 70_000), (0, u32::MAX)]);
    }

    #[test]
    fn misfits_are_refused() {
        assert!(Responses::new(0).is_err());
        assert!(Responses::from_dense(3, &[0; 4]).is_err());
        assert!(Responses::new(3).unwrap().push_train(&SpikeTrain::new(2)).is_err());
    }
}
