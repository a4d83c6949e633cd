//! All activity: each neuron votes for the class it answers to most.

use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::{Decoder, Response, Responses, argmax, mean_responses, samples_of};

const NAME: &str = "all activity";

/// a_j = argmax_c mean response of neuron j to class c; the decision is argmax_c of the mean spike count of the neurons
/// with a_j = c.
///
/// Of equals the lowest class. A neuron silent in training has no class and no vote (in BindsNET's code and the authors'
/// it counts as one of class 0). A response without a spike of such a neuron is of the most frequent class. Source: Diehl
/// & Cook 2015, §2.6; the name from BindsNET (Hazan et al. 2018).
///
/// Example: see [`Decoder`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct AllActivity {
    assignments: Vec<Option<u8>>,
    assigned: Vec<usize>,
    fallback: u8,
}

/// As it is read, before anybody has looked whether it can be.
#[derive(Deserialize)]
struct Raw {
    assignments: Vec<Option<u8>>,
    assigned: Vec<usize>,
    fallback: u8,
}

impl TryFrom<Raw> for AllActivity {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let Raw { assignments, assigned, fallback } = raw;
        let classes = assigned.len();
        let known = |class: &u8| usize::from(*class) < classes;
        if !(1..=256).contains(&classes) || !known(&fallback) || !assignments.iter().flatten().all(known) {
            return Err("a decoder of classes that do not exist");
        }
        for (class, &count) in assigned.iter().enumerate() {
            if count != assignments.iter().filter(|a| a.is_some_and(|a| usize::from(a) == class)).count() {
                return Err("a decoder whose classes have other numbers of neurons than it says");
            }
        }
        Ok(Self { assignments, assigned, fallback })
    }
}

impl AllActivity {
    /// Assigns the neurons by the responses to training samples and their labels, each below `classes`.
    ///
    /// # Errors
    /// If there is no sample, or a label is missing or not below `classes`, or there are 0 or more than 256 classes.
    pub fn fit(responses: &Responses, labels: &[u8], classes: usize) -> Result<Self, Error> {
        let samples = samples_of(NAME, responses.len(), labels, classes)?;
        Ok(Self::assign(&mean_responses(NAME, responses, labels, &samples)?, &samples))
    }

    /// Assigns by means `[neurons, classes]`.
    pub(super) fn assign(means: &[f64], samples: &[usize]) -> Self {
        let mut assigned = vec![0; samples.len()];
        let assignments = means
            .chunks_exact(samples.len())
            .map(|row| {
                let best = argmax(row);
                (row[best] > 0.0).then(|| {
                    assigned[best] += 1;
                    best as u8
                })
            })
            .collect();
        Self { assignments, assigned, fallback: argmax(samples) as u8 }
    }

    /// The class of each neuron.
    #[must_use]
    pub fn assignments(&self) -> &[Option<u8>] {
        &self.assignments
    }

    /// The mean over each class's neurons of count · `weight(neuron)`.
    pub(super) fn mean_votes(&self, response: Response<'_>, weight: impl Fn(usize) -> f64, scores: &mut [f64]) -> bool {
        let mut heard = false;
        for (neuron, count) in response.iter() {
            let neuron = neuron as usize;
            if let Some(class) = self.assignments[neuron] {
                let class = usize::from(class);
                scores[class] += f64::from(count) * weight(neuron);
                heard = true;
            }
        }
        for (score, &assigned) in scores.iter_mut().zip(&self.assigned) {
            *score /= assigned.max(1) as f64;
        }
        heard
    }
}

impl Decoder for AllActivity {
    fn name(&self) -> &'static str {
        NAME
    }

    fn classes(&self) -> usize {
        self.assigned.len()
    }

    fn neurons(&self) -> usize {
        self.assignments.len()
    }

    fn fallback(&self) -> u8 {
        self.fallback
    }

    fn score(&self, response: Response<'_>, scores: &mut [f64]) -> bool {
        self.mean_votes(response, |_| 1.0, scores)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Class 1 has three samples and more spikes, but fewer a sample.
    #[test]
    fn means_not_sums_decide() {
        let train = Responses::from_dense(3, &[4, 0, 0, 3, 2, 0, 3, 0, 0, 0, 0, 0]).unwrap();
        let decoder = AllActivity::fit(&train, &[0, 1, 1, 1], 2).unwrap();
        assert_eq!(decoder.assignments(), [Some(0), Some(1), None]);
        let test = |counts| decoder.decide(Responses::from_dense(3, counts).unwrap().get(0).unwrap()).unwrap();
        assert_eq!(test(&[2, 1, 0]), 0);
        assert_eq!(test(&[1, 1, 0]), 0, "a tie: the lowest class");
        assert_eq!(test(&[0, 0, 9]), 1, "only a neuron without a class: the most frequent one");
    }

    #[test]
    fn a_crowd_has_no_more_weight_than_one() {
        let train = Responses::from_dense(4, &[1, 1, 1, 0, 0, 0, 0, 1]).unwrap();
        let decoder = AllActivity::fit(&train, &[0, 1], 2).unwrap();
        let mut scores = [0.0; 2];
        assert!(decoder.score(Responses::from_dense(4, &[1, 1, 0, 1]).unwrap().get(0).unwrap(), &mut scores));
        assert_eq!(scores, [2.0 / 3.0, 1.0]);
    }
}
