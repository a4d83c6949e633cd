//! Log-likelihood: naive Bayes with Poisson counts.

use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::{Decoder, Response, Responses, argmax, samples_of, spikes_of};

const NAME: &str = "log-likelihood";

/// argmax_c ln P(c) + Σ_j (k_j ln λ_jc − λ_jc): the counts k_j are Poisson with mean λ_jc, independent given the class.
///
/// λ_jc = (spikes of j over the samples of c + α) / (samples of c + α / m): the mean under a gamma prior of shape α whose
/// mean m is that of all counts, so that nothing seen is never taken as impossible. P(c) = (samples of c + 1) / (all + C).
/// Silence is evidence as well, so that the fallback is not needed. Source: the maximum a posteriori decoder of independent
/// Poisson neurons, Dayan & Abbott, Theoretical Neuroscience, 2001, §3.3; α = 1 is the usual smoothing.
///
/// ```
/// use nl_encoding::decode::{Decoder, LogLikelihood, Responses};
///
/// let train = Responses::from_dense(2, &[8, 1, /**/ 9, 0, /**/ 1, 0, /**/ 2, 1])?;
/// let decoder = LogLikelihood::fit(&train, &[0, 0, 1, 1], 2, 1.0)?;
/// let test = Responses::from_dense(2, &[7, 0, /**/ 0, 0])?;
/// assert_eq!(decoder.decide_all(&test)?, [0, 1]); // silence speaks for the class of few spikes
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Raw")]
pub struct LogLikelihood {
    /// ln λ, `[neurons, classes]`.
    log_rates: Vec<f64>,
    /// ln P(c) − Σ_j λ_jc.
    bias: Vec<f64>,
    fallback: u8,
}

/// As it is read, before anybody has looked whether it can be.
#[derive(Deserialize)]
struct Raw {
    log_rates: Vec<f64>,
    bias: Vec<f64>,
    fallback: u8,
}

impl TryFrom<Raw> for LogLikelihood {
    type Error = &'static str;

    fn try_from(raw: Raw) -> Result<Self, &'static str> {
        let Raw { log_rates, bias, fallback } = raw;
        let classes = bias.len();
        if !(1..=256).contains(&classes) || usize::from(fallback) >= classes || !log_rates.len().is_multiple_of(classes)
        {
            return Err("a decoder of classes that do not exist");
        }
        if !log_rates.iter().chain(&bias).all(|x| x.is_finite()) {
            return Err("a decoder with a number that is none");
        }
        Ok(Self { log_rates, bias, fallback })
    }
}

impl LogLikelihood {
    /// Estimates the means by the responses to training samples and their labels, each below `classes`.
    ///
    /// # Errors
    /// As [`AllActivity::fit`](super::AllActivity::fit); [`Error::Parameter`] if α = `smoothing` is not positive.
    pub fn fit(responses: &Responses, labels: &[u8], classes: usize, smoothing: f64) -> Result<Self, Error> {
        let samples = samples_of(NAME, responses.len(), labels, classes)?;
        let fits = |x: f64| (1e-9..=1e9).contains(&x);
        Error::check(NAME, "smoothing", smoothing, fits, "use a number from 1e-9 to 1e9; 1 is usual")?;
        let mut rates = spikes_of(NAME, responses, labels, classes)?;
        let cells = responses.len() as f64 * responses.neurons() as f64;
        // Of a silent recording any mean will do: all classes are alike but for P(c).
        let spikes: f64 = rates.iter().sum();
        let mean = if spikes > 0.0 { spikes / cells } else { 1.0 };
        let total = (responses.len() + classes) as f64;
        let mut bias: Vec<f64> = samples.iter().map(|&n| ((n + 1) as f64 / total).ln()).collect();
        for row in rates.chunks_exact_mut(classes) {
            for ((rate, bias), &n) in row.iter_mut().zip(&mut bias).zip(&samples) {
                let lambda = (*rate + smoothing) / (n as f64 + smoothing / mean);
                *bias -= lambda;
                *rate = lambda.ln();
            }
        }
        Ok(Self { log_rates: rates, bias, fallback: argmax(&samples) as u8 })
    }
}

impl Decoder for LogLikelihood {
    fn name(&self) -> &'static str {
        NAME
    }

    fn classes(&self) -> usize {
        self.bias.len()
    }

    fn neurons(&self) -> usize {
        self.log_rates.len() / self.bias.len()
    }

    fn fallback(&self) -> u8 {
        self.fallback
    }

    fn score(&self, response: Response<'_>, scores: &mut [f64]) -> bool {
        scores.copy_from_slice(&self.bias);
        let classes = scores.len();
        for (neuron, count) in response.iter() {
            let row = &self.log_rates[neuron as usize * classes..][..classes];
            for (score, log_rate) in scores.iter_mut().zip(row) {
                *score += f64::from(count) * log_rate;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn scores_are_the_logarithms_of_poissons_law() {
        let train = Responses::from_dense(2, &[3, 1, 5, 0, 0, 2]).unwrap();
        let decoder = LogLikelihood::fit(&train, &[0, 0, 1], 2, 0.5).unwrap();
        let mut scores = [0.0; 2];
        decoder.score(Responses::from_dense(2, &[2, 1]).unwrap().get(0).unwrap(), &mut scores);
        let m = 11.0 / 6.0;
        let lambda = |spikes: f64, n: f64| (spikes + 0.5) / (n + 0.5 / m);
        for (score, prior, a, b) in [
            (scores[0], 3.0 / 5.0, lambda(8.0, 2.0), lambda(1.0, 2.0)),
            (scores[1], 2.0 / 5.0, lambda(0.0, 1.0), lambda(2.0, 1.0)),
        ] {
            // P(2) P(1) = a² e^−a / 2! · b e^−b / 1!.
            let likelihood: f64 = prior * a * a * f64::exp(-a) / 2.0 * b * f64::exp(-b);
            assert_relative_eq!(score, (2.0 * likelihood).ln(), max_relative = 1e-12);
        }
    }

    #[test]
    fn a_silent_recording_leaves_the_frequencies() {
        let train = Responses::from_dense(2, &[0; 6]).unwrap();
        let decoder = LogLikelihood::fit(&train, &[0, 1, 1], 3, 1.0).unwrap();
        assert_eq!(decoder.decide_all(&train).unwrap(), [1; 3]);
    }

    #[test]
    fn bad_smoothing_is_refused() {
        let train = Responses::from_dense(1, &[1]).unwrap();
        for smoothing in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(LogLikelihood::fit(&train, &[0], 1, smoothing).is_err());
        }
    }
}
