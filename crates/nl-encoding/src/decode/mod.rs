//! Decoders: spikes become a class or a direction.
//!
//! Where each neuron has its class: [`spike_count`], [`first_spike`], [`membrane_maximum`], [`membrane_last`]; where each
//! has a preferred direction: [`population_vector`]. Where nobody has told the neurons what they stand for, a [`Decoder`]
//! is fitted on the responses and labels of training samples, and on nothing else: [`AllActivity`],
//! [`ProportionWeighting`], [`LogLikelihood`], and [`Ngram`], which looks at the order of spikes.

mod all_activity;
mod direct;
mod likelihood;
mod ngram;
mod proportion;
mod responses;
mod vector;

use nl_units::Error;

pub use all_activity::AllActivity;
pub use direct::{first_spike, membrane_last, membrane_maximum, spike_count};
pub use likelihood::LogLikelihood;
pub use ngram::{Ngram, NgramFit};
pub use proportion::ProportionWeighting;
pub use responses::{Response, Responses};
pub use vector::population_vector;

/// Tells the class of a response to a sample from what it has seen of others.
///
/// ```
/// use nl_encoding::decode::{AllActivity, Decoder, Responses};
///
/// // Neurons 0 and 1 answer to class 0, neuron 2 to class 1.
/// let train = Responses::from_dense(3, &[5, 3, 0, /**/ 4, 0, 1, /**/ 0, 1, 6])?;
/// let decoder = AllActivity::fit(&train, &[0, 0, 1], 2)?;
/// let test = Responses::from_dense(3, &[2, 3, 1, /**/ 1, 0, 2])?;
/// assert_eq!(decoder.decide_all(&test)?, [0, 1]);
/// # Ok::<(), nl_units::Error>(())
/// ```
pub trait Decoder {
    /// What the decoder is called in messages and tables.
    fn name(&self) -> &'static str;

    /// Number of classes, 256 at most.
    fn classes(&self) -> usize;

    /// Number of neurons.
    fn neurons(&self) -> usize;

    /// The class of a response that says nothing: the most frequent one in training.
    fn fallback(&self) -> u8;

    /// Fills `scores` (one a class, at 0 before); whether the response said anything at all.
    fn score(&self, response: Response<'_>, scores: &mut [f64]) -> bool;

    /// The class of the largest score (of equals the lowest), or the fallback.
    ///
    /// # Errors
    /// [`Error::Length`] if the response is of another number of neurons.
    fn decide(&self, response: Response<'_>) -> Result<u8, Error> {
        Error::length(self.name(), "response", self.neurons(), response.neurons())?;
        let mut scores = [0.0; CLASSES];
        let scores = &mut scores[..self.classes()];
        let heard = self.score(response, scores);
        Ok(if heard { argmax(scores) as u8 } else { self.fallback() })
    }

    /// The class of each response.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    fn decide_all(&self, responses: &Responses) -> Result<Vec<u8>, Error> {
        responses.iter().map(|response| self.decide(response)).collect()
    }
}

/// Labels are bytes.
const CLASSES: usize = 256;

/// The index of the largest value, of equals the first; 0 of none. A NaN is never the largest.
fn argmax<T: PartialOrd + Copy>(values: &[T]) -> usize {
    let mut best = 0;
    for (i, &value) in values.iter().enumerate() {
        if value > values[best] {
            best = i;
        }
    }
    best
}

/// Samples of each class, after a check that there is a label below `classes` for each of `samples` samples.
fn samples_of(name: &'static str, samples: usize, labels: &[u8], classes: usize) -> Result<Vec<usize>, Error> {
    Error::length(name, "labels", samples, labels.len())?;
    Error::check(name, "classes", classes as f64, |n| (1.0..=256.0).contains(&n), "use 1 to 256")?;
    Error::check(name, "training samples", samples as f64, |n| n > 0.0, "fit on one sample at least")?;
    let mut count = vec![0; classes];
    for &label in labels {
        *count.get_mut(usize::from(label)).ok_or(Error::Index {
            what: "decoder (label, class)",
            index: label.into(),
            n: classes,
        })? += 1;
    }
    Ok(count)
}

/// Spikes of each neuron over the samples of each class: `[neurons, classes]`, whole numbers.
fn spikes_of(name: &'static str, responses: &Responses, labels: &[u8], classes: usize) -> Result<Vec<f64>, Error> {
    let (cells, mut sums) = (responses.neurons().saturating_mul(classes), Vec::new());
    let bytes = cells.saturating_mul(size_of::<f64>());
    sums.try_reserve_exact(cells).map_err(|_| Error::Memory { model: name, bytes })?;
    sums.resize(cells, 0.0);
    for (response, &label) in responses.iter().zip(labels) {
        for (neuron, count) in response.iter() {
            sums[neuron as usize * classes + usize::from(label)] += f64::from(count);
        }
    }
    Ok(sums)
}

/// Mean response of each neuron to each class: `[neurons, classes]`; 0 to a class without samples.
fn mean_responses(
    name: &'static str,
    responses: &Responses,
    labels: &[u8],
    samples: &[usize],
) -> Result<Vec<f64>, Error> {
    let mut means = spikes_of(name, responses, labels, samples.len())?;
    for row in means.chunks_exact_mut(samples.len()) {
        for (mean, &samples) in row.iter_mut().zip(samples) {
            *mean /= samples.max(1) as f64;
        }
    }
    Ok(means)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read from a file is looked at: each part changed into what no fit can have made is refused.
    #[test]
    fn what_cannot_be_is_not_read() {
        fn refused<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T, lies: &[(&str, serde_json::Value)]) {
            let good = serde_json::to_value(value).unwrap();
            assert!(serde_json::from_value::<T>(good.clone()).is_ok());
            for (field, lie) in lies {
                let mut bad = good.clone();
                assert_ne!(bad[field], *lie, "{field}");
                bad[field] = lie.clone();
                assert!(serde_json::from_value::<T>(bad).is_err(), "{field}: {lie}");
            }
        }
        use serde_json::json;
        let train = Responses::from_dense(3, &[5, 3, 0, /**/ 0, 1, 6]).unwrap();
        refused(
            &train,
            &[
                ("offsets", json!([0, 3, 2])),
                ("offsets", json!([])),
                ("offsets", json!([0, 2, 9])),
                ("indices", json!([0, 7, 1, 2])),
                ("indices", json!([1, 0, 1, 2])),
                ("counts", json!([1])),
                ("neurons", json!(0)),
            ],
        );
        refused(
            &AllActivity::fit(&train, &[0, 1], 2).unwrap(),
            &[
                ("assignments", json!([0, 9, 1])),
                ("fallback", json!(2)),
                ("assigned", json!([])),
                ("assigned", json!([3, 0])),
            ],
        );
        refused(
            &ProportionWeighting::fit(&train, &[0, 1], 2).unwrap(),
            &[("proportions", json!([0.5])), ("proportions", json!([0.5, 2.0, 0.5]))],
        );
        refused(
            &LogLikelihood::fit(&train, &[0, 1], 2, 1.0).unwrap(),
            &[("bias", json!([])), ("fallback", json!(200)), ("log_rates", json!([0.0]))],
        );
    }
    use nl_random::Streams;
    use proptest::prelude::*;
    use rand::RngExt;

    /// 10 classes, 60 neurons, of which each answers to one class six times as much as to the others.
    pub(super) fn tuned(samples: usize, index: u64) -> (Responses, Vec<u8>) {
        let mut rng = Streams::new(4).rng("tuned", 0, index);
        let (mut responses, mut labels) = (Responses::new(60).unwrap(), Vec::new());
        for _ in 0..samples {
            let label = rng.random_range(0..10_u8);
            let counts: Vec<u32> = (0..60)
                .map(|neuron| {
                    let p = if neuron % 10 == u32::from(label) { 0.3 } else { 0.05 };
                    (0..10).filter(|_| rng.random::<f32>() < p).count() as u32
                })
                .collect();
            responses.push(&counts).unwrap();
            labels.push(label);
        }
        (responses, labels)
    }

    fn all(responses: &Responses, labels: &[u8], classes: usize) -> Result<Vec<Box<dyn Decoder>>, Error> {
        Ok(vec![
            Box::new(AllActivity::fit(responses, labels, classes)?),
            Box::new(ProportionWeighting::fit(responses, labels, classes)?),
            Box::new(LogLikelihood::fit(responses, labels, classes, 1.0)?),
        ])
    }

    #[test]
    fn unseen_samples_of_tuned_neurons_are_told_apart() {
        let ((responses, labels), (unseen, wanted)) = (tuned(500, 0), tuned(500, 1));
        for decoder in all(&responses, &labels, 10).unwrap() {
            let right = decoder.decide_all(&unseen).unwrap().iter().zip(&wanted).filter(|(a, b)| a == b).count();
            assert!(right > 475, "{}: {right} of 500", decoder.name());
        }
    }

    #[test]
    fn silence_is_the_most_frequent_class() {
        let train = Responses::from_dense(2, &[3, 0, 0, 3, 0, 3, 0, 0]).unwrap();
        let silent = Responses::from_dense(2, &[0, 0]).unwrap();
        let [all_activity, proportion, _] = &all(&train, &[0, 2, 2, 1], 3).unwrap()[..] else { panic!("three") };
        for decoder in [all_activity, proportion] {
            assert_eq!(decoder.decide_all(&silent).unwrap(), [2], "{}", decoder.name());
        }
    }

    #[test]
    fn misfits_are_refused() {
        let train = Responses::from_dense(2, &[3, 0, 0, 3]).unwrap();
        for (labels, classes) in [(&[0][..], 2), (&[0, 2], 2), (&[0, 0], 0), (&[0, 0], 257)] {
            assert!(all(&train, labels, classes).is_err());
        }
        assert!(all(&Responses::new(2).unwrap(), &[], 2).is_err(), "no samples");
        let wide = Responses::from_dense(3, &[1, 1, 1]).unwrap();
        for decoder in all(&train, &[0, 1], 2).unwrap() {
            assert!(decoder.decide_all(&wide).is_err());
        }
    }

    proptest! {
        /// What a decoder has learned does not depend on the order of the samples, and names only classes it knows.
        #[test]
        fn the_order_of_samples_does_not_matter(
            samples in prop::collection::vec((prop::collection::vec(0_u32..5, 4), 0_u8..3), 1..20),
        ) {
            let fit = |samples: &[(Vec<u32>, u8)]| {
                let mut responses = Responses::new(4).unwrap();
                samples.iter().for_each(|(counts, _)| responses.push(counts).unwrap());
                let labels: Vec<u8> = samples.iter().map(|&(_, label)| label).collect();
                all(&responses, &labels, 3).unwrap().iter().map(|d| d.decide_all(&tests()).unwrap()).collect::<Vec<_>>()
            };
            fn tests() -> Responses {
                Responses::from_dense(4, &[1, 0, 0, 0, 0, 2, 1, 0, 4, 4, 4, 4, 0, 0, 0, 0]).unwrap()
            }
            let reversed: Vec<_> = samples.iter().rev().cloned().collect();
            let decided = fit(&samples);
            prop_assert!(decided.iter().flatten().all(|&class| class < 3));
            prop_assert_eq!(decided, fit(&reversed));
        }
    }
}
