//! n-grams: who spoke after whom.

use std::collections::BTreeMap;

use nl_neuron::SpikeTrain;
use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::{argmax, samples_of};

const NAME: &str = "n-gram";

/// argmax_c Σ over the runs of n successive spikes of a response: how often the same run of neurons was seen in training
/// samples of class c.
///
/// Spikes are in the order of steps, and within a step of neurons. Of equals the lowest class; a response without a
/// known run is of the most frequent class. Source: Hazan et al. 2018; BindsNET `ngram`, whose training counts all orders
/// of neurons across n steps that have spikes, but whose decision uses the order above; here both use the latter.
///
/// ```
/// use nl_encoding::decode::{Ngram, NgramFit};
/// use nl_neuron::SpikeTrain;
///
/// let up = SpikeTrain::from_events(3, 3, &[(0, 0), (1, 1), (2, 2)])?;
/// let down = SpikeTrain::from_events(3, 3, &[(0, 2), (1, 1), (2, 0)])?;
/// let mut fit = NgramFit::new(2, 3, 2)?;
/// fit.push(&up, 0)?;
/// fit.push(&down, 1)?;
/// let decoder = fit.finish()?;
/// assert_eq!((decoder.decide(&up)?, decoder.decide(&down)?), (0, 1)); // the same counts, another order
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Ngram {
    n: usize,
    neurons: usize,
    classes: usize,
    fallback: u8,
    scores: BTreeMap<Vec<u32>, Vec<u32>>,
}

/// As it is read, before anybody has looked whether it can be.
#[derive(Deserialize)]
struct Raw {
    n: usize,
    neurons: usize,
    classes: usize,
    fallback: u8,
    scores: BTreeMap<Vec<u32>, Vec<u32>>,
}

impl TryFrom<Raw> for Ngram {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let Raw { n, neurons, classes, fallback, scores } = raw;
        if !(1..=64).contains(&n) || !(1..=256).contains(&classes) || usize::from(fallback) >= classes {
            return Err("a decoder of classes that do not exist");
        }
        let fits = |(run, scores): (&Vec<u32>, &Vec<u32>)| run.len() == n && scores.len() == classes;
        if !scores.iter().all(fits) || scores.keys().flatten().any(|&neuron| neuron as usize >= neurons) {
            return Err("a decoder of runs that its neurons cannot have fired");
        }
        Ok(Self { n, neurons, classes, fallback, scores })
    }
}

/// Collects training responses for an [`Ngram`], one at a time: rasters are large.
#[derive(Debug, Clone)]
pub struct NgramFit {
    decoder: Ngram,
    labels: Vec<u8>,
}

impl NgramFit {
    /// Nothing seen yet: runs of `n` spikes of `neurons` neurons, `classes` classes.
    ///
    /// # Errors
    /// If `n` is not 1 to 64, or the population or the number of classes is out of range.
    pub fn new(n: usize, neurons: usize, classes: usize) -> Result<Self, Error> {
        Error::check(NAME, "n", n as f64, |n| (1.0..=64.0).contains(&n), "use 1 to 64; 2 is usual")?;
        Error::population(NAME, neurons)?;
        Error::check(NAME, "classes", classes as f64, |n| (1.0..=256.0).contains(&n), "use 1 to 256")?;
        Ok(Self { decoder: Ngram { n, neurons, classes, fallback: 0, scores: BTreeMap::new() }, labels: Vec::new() })
    }

    /// Counts the runs of a training sample.
    ///
    /// # Errors
    /// If the raster is of another population, or the label not below the number of classes.
    pub fn push(&mut self, response: &SpikeTrain, label: u8) -> Result<(), Error> {
        let Ngram { n, classes, .. } = self.decoder;
        samples_of(NAME, 1, &[label], classes)?;
        for run in self.decoder.order(response)?.windows(n) {
            if !self.decoder.scores.contains_key(run) {
                self.decoder.scores.insert(run.to_vec(), vec![0; classes]);
            }
            if let Some(scores) = self.decoder.scores.get_mut(run) {
                let score = &mut scores[usize::from(label)];
                *score = score.saturating_add(1);
            }
        }
        self.labels.push(label);
        Ok(())
    }

    /// The decoder.
    ///
    /// # Errors
    /// If there was no sample.
    pub fn finish(self) -> Result<Ngram, Error> {
        let samples = samples_of(NAME, self.labels.len(), &self.labels, self.decoder.classes)?;
        Ok(Ngram { fallback: argmax(&samples) as u8, ..self.decoder })
    }
}

impl Ngram {
    /// Number of neurons.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.neurons
    }

    /// The class of a response.
    ///
    /// # Errors
    /// [`Error::Length`] if the raster is of another population.
    pub fn decide(&self, response: &SpikeTrain) -> Result<u8, Error> {
        let mut sums = vec![0_u64; self.classes];
        for run in self.order(response)?.windows(self.n) {
            for (sum, &score) in sums.iter_mut().zip(self.scores.get(run).into_iter().flatten()) {
                *sum += u64::from(score);
            }
        }
        let best = argmax(&sums);
        Ok(if sums[best] > 0 { best as u8 } else { self.fallback })
    }

    /// The neurons in the order of their spikes.
    fn order(&self, response: &SpikeTrain) -> Result<Vec<u32>, Error> {
        Error::length(NAME, "response", self.neurons, response.population())?;
        Ok(response.events().map(|(_, neuron)| neuron).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn train(order: &[u32]) -> SpikeTrain {
        let events: Vec<(usize, u32)> = order.iter().copied().enumerate().collect();
        SpikeTrain::from_events(5, 9, &events).unwrap()
    }

    #[test]
    fn what_no_fit_can_have_made_is_not_read() {
        let raw = |n, neurons, classes, fallback| Raw {
            n,
            neurons,
            classes,
            fallback,
            scores: BTreeMap::from([(vec![0, 1], vec![3, 0])]),
        };
        assert!(Ngram::try_from(raw(2, 2, 2, 1)).is_ok());
        for lie in
            [raw(1, 2, 2, 1), raw(2, 1, 2, 1), raw(2, 2, 3, 1), raw(2, 2, 2, 2), raw(0, 2, 2, 1), raw(2, 2, 0, 0)]
        {
            assert!(Ngram::try_from(lie).is_err());
        }
    }

    #[test]
    fn runs_are_counted_as_often_as_they_occur() {
        let mut fit = NgramFit::new(2, 5, 2).unwrap();
        fit.push(&train(&[0, 1, 0, 1]), 0).unwrap(); // 01 twice, 10 once
        fit.push(&train(&[1, 0, 2]), 1).unwrap(); // 10, 02
        fit.push(&train(&[3]), 1).unwrap(); // no run
        let decoder = fit.finish().unwrap();
        assert_eq!(decoder.scores[&vec![0, 1]], [2, 0]);
        assert_eq!(decoder.scores[&vec![1, 0]], [1, 1]);
        assert_eq!(decoder.decide(&train(&[0, 1])).unwrap(), 0);
        assert_eq!(decoder.decide(&train(&[1, 0])).unwrap(), 0, "a tie: the lowest class");
        assert_eq!(decoder.decide(&train(&[1, 0, 2])).unwrap(), 1);
        assert_eq!(decoder.decide(&train(&[4, 3])).unwrap(), 1, "never seen: the most frequent class");
        assert_eq!(decoder.decide(&train(&[])).unwrap(), 1);
    }

    #[test]
    fn misfits_are_refused() {
        assert!(NgramFit::new(0, 5, 2).is_err());
        assert!(NgramFit::new(2, 0, 2).is_err());
        assert!(NgramFit::new(2, 5, 0).is_err());
        let mut fit = NgramFit::new(2, 5, 2).unwrap();
        assert!(fit.clone().finish().is_err(), "no sample");
        assert!(fit.push(&train(&[0]), 2).is_err());
        assert!(fit.push(&SpikeTrain::new(4), 0).is_err());
    }
}
