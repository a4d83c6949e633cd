//! What a model bears: its score on images that are spoilt more and more.

mod blur;
mod perturbation;

use nl_data::Scratch;
use nl_random::Streams;
use serde::{Deserialize, Serialize};

pub use perturbation::Perturbation;

use super::EvaluateError;
use perturbation::severity_error;

/// Which perturbations at which severities are tried.
///
/// ```
/// use nl_random::Streams;
/// use nl_train::evaluate::{EvaluateError, Robustness};
/// let images = [0.9; 2 * 16]; // two grey images of 4 × 4
/// let brightness = |images: &[f32]| Ok::<f64, EvaluateError>(f64::from(images.iter().sum::<f32>()) / 32.0);
/// let table = Robustness::default().measure(&images, [1, 4, 4], Streams::new(1), brightness)?;
/// assert_eq!(table.curves.len(), 6);
/// assert!(table.curves.iter().all(|curve| curve.scores[0] == (0, table.clean)));
/// # Ok::<(), EvaluateError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Robustness {
    /// What is done to the images, each on its own; all of it unless said otherwise.
    pub perturbations: Vec<Perturbation>,
    /// How strongly, 1 to 5; all five unless said otherwise.
    pub severities: Vec<u8>,
}

impl Default for Robustness {
    /// Everything, at severities 1 to 5.
    fn default() -> Self {
        Self { perturbations: Perturbation::ALL.to_vec(), severities: (1..=Perturbation::MOST).collect() }
    }
}

/// The scores of a model on images as they are, and spoilt; a score is a number, or several of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessTable<T = f64> {
    /// The score on images as they are.
    pub clean: T,
    /// One a perturbation.
    pub curves: Vec<RobustnessCurve<T>>,
}

/// The scores under one perturbation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RobustnessCurve<T = f64> {
    /// What was done.
    pub perturbation: Perturbation,
    /// (severity, score), from severity 0, which is the images as they are.
    pub scores: Vec<(u8, T)>,
}

impl Robustness {
    /// Refuses what cannot be tried.
    ///
    /// # Errors
    /// [`EvaluateError::Parameter`] for a severity that is not from 1 to 5 or not above the one before it.
    pub fn validate(&self) -> Result<(), EvaluateError> {
        let mut last = 0;
        for &severity in &self.severities {
            if severity > Perturbation::MOST {
                return Err(severity_error(severity));
            }
            if severity <= last {
                let expected = "severities from 1 to 5 that rise; 0, the images as they are, is always tried";
                let (score, parameter, value) = ("robustness", "severities", f64::from(severity));
                return Err(EvaluateError::Parameter { score, parameter, value, expected });
            }
            last = severity;
        }
        Ok(())
    }

    /// The `score` of images `[N, channels, height, width]`, values 0 to 1, as they are and under every perturbation, which does the same
    /// to all channels of an image.
    ///
    /// `score` gets all N images at once, in their order, and gives what is to be compared: an accuracy, a loss.
    ///
    /// # Errors
    /// As [`validate`](Self::validate), [`EvaluateError::Transform`] for a size that does not fit, or an error of `score`.
    pub fn measure<T: Clone, E: From<EvaluateError>>(
        &self,
        images: &[f32],
        [channels, height, width]: [usize; 3],
        streams: Streams,
        mut score: impl FnMut(&[f32]) -> Result<T, E>,
    ) -> Result<RobustnessTable<T>, E> {
        let high = channels.saturating_mul(height);
        super::image_size("robustness", images.len(), high, width)?;
        let area = height * width;
        self.validate()?;
        let clean = score(images)?;
        let (mut spoilt, mut scratch) = (vec![0.0; images.len()], Scratch::new());
        let mut curves = Vec::with_capacity(self.perturbations.len());
        for &perturbation in &self.perturbations {
            let mut scores = vec![(0, clean.clone())];
            for &severity in &self.severities {
                for (plane, (src, out)) in images.chunks_exact(area).zip(spoilt.chunks_exact_mut(area)).enumerate() {
                    let sample = (plane / channels) as u64;
                    perturbation.apply(severity, src, height, width, out, &mut scratch, streams, sample)?;
                }
                scores.push((severity, score(&spoilt)?));
            }
            curves.push(RobustnessCurve { perturbation, scores });
        }
        Ok(RobustnessTable { clean, curves })
    }

    /// As [`measure`](Self::measure), for images of bytes, 0 to 255; what is spoilt is rounded to bytes again.
    ///
    /// # Errors
    /// As [`measure`](Self::measure).
    pub fn measure_bytes<T: Clone, E: From<EvaluateError>>(
        &self,
        images: &[u8],
        size: [usize; 3],
        streams: Streams,
        mut score: impl FnMut(&[u8]) -> Result<T, E>,
    ) -> Result<RobustnessTable<T>, E> {
        let unit: Vec<f32> = images.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let mut bytes = vec![0; images.len()];
        self.measure(&unit, size, streams, |images| {
            for (byte, &x) in bytes.iter_mut().zip(images) {
                *byte = (x * 255.0).round() as u8;
            }
            score(&bytes)
        })
    }
}

impl<T> RobustnessTable<T> {
    /// The table of what `of` makes of each score.
    #[must_use]
    pub fn map<U>(&self, of: impl Fn(&T) -> U) -> RobustnessTable<U> {
        let curve = |curve: &RobustnessCurve<T>| RobustnessCurve {
            perturbation: curve.perturbation,
            scores: curve.scores.iter().map(|(severity, score)| (*severity, of(score))).collect(),
        };
        RobustnessTable { clean: of(&self.clean), curves: self.curves.iter().map(curve).collect() }
    }
}

impl RobustnessTable {
    /// The mean score over perturbations and severities other than 0; `None` if nothing was tried.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        let scores: Vec<f64> = self.curves.iter().flat_map(|c| &c.scores).filter(|s| s.0 > 0).map(|s| s.1).collect();
        (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images() -> Vec<u8> {
        (0..3 * 36).map(|i| (i * 37 % 256) as u8).collect()
    }

    #[test]
    fn scores_are_of_the_images_that_were_asked_for() {
        let tried = Robustness { perturbations: vec![Perturbation::Shift, Perturbation::Blur], severities: vec![4, 5] };
        let mut seen = Vec::new();
        let table = tried.measure_bytes(&images(), [1, 6, 6], Streams::new(4), |images: &[u8]| {
            seen.push(images.to_vec());
            Ok::<_, EvaluateError>(seen.len() as f64)
        });
        let table = table.unwrap();
        assert_eq!((seen.len(), &seen[0]), (5, &images()));
        assert!(seen.iter().skip(1).all(|spoilt| *spoilt != images()));
        assert_eq!(table.curves[1].scores, [(0, 1.0), (4, 4.0), (5, 5.0)]);
        assert_eq!(table.mean(), Some((2.0 + 3.0 + 4.0 + 5.0) / 4.0));
    }

    /// A set, its reverse, and each image alone with its number give the same bits.
    #[test]
    fn the_order_of_work_changes_nothing() {
        let unit: Vec<f32> = images().iter().map(|&b| f32::from(b) / 255.0).collect();
        let gather = |tried: &Robustness| {
            let mut all = Vec::new();
            let table = tried.measure(&unit, [1, 6, 6], Streams::new(4), |images| {
                all.push(images.to_vec());
                Ok::<_, EvaluateError>(0.0)
            });
            table.unwrap();
            all
        };
        let all = gather(&Robustness::default());
        let mut reverse = Perturbation::ALL.to_vec();
        reverse.reverse();
        let turned = gather(&Robustness { perturbations: reverse, ..Robustness::default() });
        for (k, kind) in Perturbation::ALL.into_iter().enumerate() {
            assert_eq!(all[1 + 5 * k..6 + 5 * k], turned[1 + 5 * (5 - k)..6 + 5 * (5 - k)], "{kind}");
            let mut alone = vec![0.0; 36];
            let streams = Streams::new(4);
            kind.apply(3, &unit[72..], 6, 6, &mut alone, &mut Scratch::new(), streams, 2).unwrap();
            assert_eq!(all[1 + 5 * k + 2][72..], alone, "{kind}");
        }
    }

    /// A colour image of three equal channels stays one: geometry and noise are drawn once for an image.
    #[test]
    fn channels_are_damaged_alike() {
        let grey: Vec<f32> = images().iter().map(|&b| f32::from(b) / 255.0).collect();
        let colour: Vec<f32> = grey.chunks(36).flat_map(|plane| plane.repeat(3)).collect();
        let gather = |images: &[f32], channels| {
            let mut all = Vec::new();
            let table = Robustness::default().measure(images, [channels, 6, 6], Streams::new(4), |images| {
                all.push(images.to_vec());
                Ok::<_, EvaluateError>(0.0)
            });
            table.unwrap();
            all
        };
        for (grey, colour) in gather(&grey, 1).iter().zip(gather(&colour, 3)) {
            assert_eq!(colour, grey.chunks(36).flat_map(|plane| plane.repeat(3)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_cannot_be_tried_is_refused() {
        let fails = |severities: &[u8]| {
            let tried = Robustness { severities: severities.to_vec(), ..Robustness::default() };
            tried.validate().unwrap_err().to_string()
        };
        assert!(
            fails(&[6]).contains("severity = 6")
                && fails(&[0]).contains("that rise")
                && fails(&[2, 2]).contains("rise")
        );
        let wrong = |n: usize, size| {
            let score = |_: &[f32]| Ok::<_, EvaluateError>(0.0);
            Robustness::default().measure(&vec![0.0; n], size, Streams::new(1), score).unwrap_err().to_string()
        };
        assert!(
            wrong(0, [1, 2, 2]).contains("at least one image") && wrong(4, [1, 0, 2]).contains("at least one pixel")
        );
        assert!(wrong(5, [1, 2, 2]).contains("5 pixels, but 8 are needed"));
        assert!(wrong(5, [1, usize::MAX, 2]).contains("pixels"));
        assert!(wrong(4, [3, 2, 2]).contains("4 pixels") && wrong(4, [0, 2, 2]).contains("at least one pixel"));
        let error: Result<Robustness, _> = serde_json::from_str(r#"{"perturbations": ["blurr"]}"#);
        assert!(error.unwrap_err().to_string().contains("blur"));
    }

    #[test]
    fn an_error_of_the_model_ends_it() {
        let score = |_: &[f32]| Err::<f64, _>(Box::<dyn std::error::Error>::from("no weights"));
        let error = Robustness::default().measure(&[0.0; 4], [1, 2, 2], Streams::new(1), score).unwrap_err();
        assert_eq!(error.to_string(), "no weights");
    }
}
