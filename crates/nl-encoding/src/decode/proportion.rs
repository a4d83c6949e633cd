//! Proportion weighting: a vote counts as much as its neuron is choosy.

use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::{AllActivity, Decoder, Response, Responses, mean_responses, samples_of};

const NAME: &str = "proportion weighting";

/// As [`AllActivity`], but a spike of neuron j counts p_j = r_jc / Σ_d r_jd, c its class, r the mean responses: 1 if it
/// answers to its class alone, 1/C if to all alike.
///
/// Source: Hazan et al. 2018, "Unsupervised learning with self-organizing spiking neural networks"; BindsNET
/// `proportion_weighting`, where too only a neuron's own class gains from it.
///
/// ```
/// use nl_encoding::decode::{Decoder, ProportionWeighting, Responses};
///
/// let train = Responses::from_dense(2, &[3, 0, /**/ 2, 4])?;
/// let decoder = ProportionWeighting::fit(&train, &[0, 1], 2)?;
/// // Neuron 0 has p = 3/5, neuron 1 p = 1.
/// let test = Responses::from_dense(2, &[3, 2])?;
/// assert_eq!(decoder.decide_all(&test)?, [1]);
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct ProportionWeighting {
    votes: AllActivity,
    proportions: Vec<f64>,
}

/// As it is read, before anybody has looked whether it can be.
#[derive(Deserialize)]
struct Raw {
    votes: AllActivity,
    proportions: Vec<f64>,
}

impl TryFrom<Raw> for ProportionWeighting {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let Raw { votes, proportions } = raw;
        if proportions.len() != votes.neurons() || !proportions.iter().all(|p| (0.0..=1.0).contains(p)) {
            return Err("a decoder whose proportions are none");
        }
        Ok(Self { votes, proportions })
    }
}

impl ProportionWeighting {
    /// Assigns and weighs the neurons by the responses to training samples and their labels, each below `classes`.
    ///
    /// # Errors
    /// As [`AllActivity::fit`].
    pub fn fit(responses: &Responses, labels: &[u8], classes: usize) -> Result<Self, Error> {
        let samples = samples_of(NAME, responses.len(), labels, classes)?;
        let means = mean_responses(NAME, responses, labels, &samples)?;
        let votes = AllActivity::assign(&means, &samples);
        let proportion = |(row, class): (&[f64], &Option<u8>)| {
            class.map_or(0.0, |class| row[usize::from(class)] / row.iter().sum::<f64>())
        };
        let proportions = means.chunks_exact(classes).zip(votes.assignments()).map(proportion).collect();
        Ok(Self { votes, proportions })
    }

    /// The class of each neuron.
    #[must_use]
    pub fn assignments(&self) -> &[Option<u8>] {
        self.votes.assignments()
    }

    /// What a spike of each neuron counts for its class.
    #[must_use]
    pub fn proportions(&self) -> &[f64] {
        &self.proportions
    }
}

impl Decoder for ProportionWeighting {
    fn name(&self) -> &'static str {
        NAME
    }

    fn classes(&self) -> usize {
        self.votes.classes()
    }

    fn neurons(&self) -> usize {
        self.votes.neurons()
    }

    fn fallback(&self) -> u8 {
        self.votes.fallback()
    }

    fn score(&self, response: Response<'_>, scores: &mut [f64]) -> bool {
        self.votes.mean_votes(response, |neuron| self.proportions[neuron], scores)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::tuned;
    use super::*;
    use approx::assert_relative_eq;

    /// BindsNET's tables, dense and by definition.
    #[test]
    fn scores_are_the_definitions() {
        let ((train, labels), (test, _)) = (tuned(60, 2), tuned(20, 3));
        let decoder = ProportionWeighting::fit(&train, &labels, 10).unwrap();
        let dense = |r: Response<'_>| {
            let mut row = [0.0; 60];
            r.iter().for_each(|(neuron, count)| row[neuron as usize] = f64::from(count));
            row
        };
        let rate = |j: usize, c: u8| {
            let of: Vec<f64> = train.iter().zip(&labels).filter(|&(_, &l)| l == c).map(|(r, _)| dense(r)[j]).collect();
            of.iter().sum::<f64>() / of.len() as f64
        };
        let rates: Vec<Vec<f64>> = (0..60).map(|j| (0..10).map(|c| rate(j, c)).collect()).collect();
        let class = |j: usize| (0..10).rev().max_by(|&a, &b| rates[j][a].total_cmp(&rates[j][b])).unwrap();
        for response in test.iter() {
            let mut scores = [0.0; 10];
            decoder.score(response, &mut scores);
            for c in 0..10 {
                let members: Vec<usize> = (0..60).filter(|&j| class(j) == c).collect();
                let sum: f64 =
                    members.iter().map(|&j| dense(response)[j] * rates[j][c] / rates[j].iter().sum::<f64>()).sum();
                // The same sums in another order.
                assert_relative_eq!(scores[c], sum / members.len().max(1) as f64, max_relative = 1e-12);
            }
        }
    }
}
