//! Which pixels a decision hangs on.

use serde::{Deserialize, Serialize};

use super::EvaluateError;

/// What is covered: a square patch that goes over the image.
///
/// Of each position p the drop d_p = s(image) − s(image with the patch at p covered) is measured; a pixel gets the mean of
/// d_p over all patches that cover it. Above 0: the score needs it; below 0: it speaks against.
///
/// Source: Zeiler & Fergus, "Visualizing and understanding convolutional networks", 2014, section 4.2.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Occlusion {
    /// Side of the patch, pixels; larger than the image, it is cut to it.
    pub patch: usize,
    /// Pixels from one position to the next, at most `patch`, so that no pixel is left out.
    pub stride: usize,
    /// The value written: what nothing looks like.
    pub fill: f32,
    /// Images that are scored at once.
    pub batch: usize,
}

impl Default for Occlusion {
    /// 5 × 5 black pixels, at every second place, 64 images at once.
    fn default() -> Self {
        Self { patch: 5, stride: 2, fill: 0.0, batch: 64 }
    }
}

impl Occlusion {
    /// Refuses parameters outside their ranges.
    ///
    /// # Errors
    /// [`EvaluateError::Parameter`] names the parameter, its value and its range.
    pub fn validate(&self) -> Result<(), EvaluateError> {
        let check = |parameter, value: f64, ok: bool, expected| {
            let error = EvaluateError::Parameter { score: "occlusion map", parameter, value, expected };
            if ok { Ok(()) } else { Err(error) }
        };
        check("patch", self.patch as f64, self.patch > 0, "1 or more")?;
        check("stride", self.stride as f64, (1..=self.patch).contains(&self.stride), "from 1 to patch")?;
        check("batch", self.batch as f64, self.batch > 0, "1 or more")?;
        check("fill", self.fill.into(), self.fill.is_finite(), "a finite number")
    }

    /// How much each pixel of `image`, `[channels, height, width]`, matters to a score: `[height, width]`, in its unit.
    ///
    /// `scores` gets images `[n, channels, height, width]` and gives n scores: the probability or the logit of a class.
    /// Every channel is covered at once.
    ///
    /// ```
    /// use nl_train::evaluate::{EvaluateError, Occlusion};
    /// // A score that looks at the pixel in the middle only.
    /// let middle = |images: &[f32]| Ok::<_, EvaluateError>(images.chunks_exact(9).map(|image| image[4]).collect());
    /// let occlusion = Occlusion { patch: 1, stride: 1, ..Occlusion::default() };
    /// let map = occlusion.map(&[1.0; 9], (3, 3), middle)?;
    /// assert_eq!(map, [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    /// # Ok::<(), EvaluateError>(())
    /// ```
    ///
    /// # Errors
    /// As [`validate`](Self::validate), [`EvaluateError`] for a size that does not fit, or scores that are not one an image;
    /// or an error of `scores`.
    pub fn map<E: From<EvaluateError>>(
        &self,
        image: &[f32],
        (height, width): (usize, usize),
        mut scores: impl FnMut(&[f32]) -> Result<Vec<f32>, E>,
    ) -> Result<Vec<f32>, E> {
        const SCORE: &str = "occlusion map";
        self.validate()?;
        let plane = super::image_size(SCORE, image.len(), height, width)?;
        let mut scored = |images: &[f32]| {
            let (n, found) = (images.len() / image.len(), scores(images)?);
            if found.len() != n {
                let (what, why) = ("scores", format!("one for each of {n} images"));
                let error = EvaluateError::Length { score: SCORE, what, found: found.len(), expected: n, why };
                return Err(E::from(error));
            }
            Ok(found)
        };
        let whole = f64::from(scored(image)?[0]);
        let (h, w) = (self.patch.min(height), self.patch.min(width));
        let (tops, lefts) = (positions(height, h, self.stride), positions(width, w, self.stride));
        let places: Vec<(usize, usize)> =
            tops.iter().flat_map(|&top| lefts.iter().map(move |&left| (top, left))).collect();
        let (mut drops, mut covered) = (vec![0.0_f64; plane], vec![0_u32; plane]);
        for places in places.chunks(self.batch) {
            let mut images = image.repeat(places.len());
            for (image, &(top, left)) in images.chunks_exact_mut(image.len()).zip(places) {
                for channel in image.chunks_exact_mut(plane) {
                    channel
                        .chunks_exact_mut(width)
                        .skip(top)
                        .take(h)
                        .for_each(|row| row[left..left + w].fill(self.fill));
                }
            }
            for (score, &(top, left)) in scored(&images)?.iter().zip(places) {
                for row in top..top + h {
                    for pixel in row * width + left..row * width + left + w {
                        drops[pixel] += whole - f64::from(*score);
                        covered[pixel] += 1;
                    }
                }
            }
        }
        Ok(drops.iter().zip(&covered).map(|(drop, &n)| (drop / f64::from(n)) as f32).collect())
    }
}

/// Where a patch begins along a side: every `stride` pixels, and at the end.
fn positions(side: usize, patch: usize, stride: usize) -> Vec<usize> {
    let last = side - patch;
    let mut all: Vec<usize> = (0..=last).step_by(stride).collect();
    if all.last() != Some(&last) {
        all.push(last);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Σ of all pixels, of each image.
    fn sums(images: &[f32], size: usize) -> Vec<f32> {
        images.chunks_exact(size).map(|image| image.iter().sum()).collect()
    }

    #[test]
    fn patches_reach_the_end() {
        assert_eq!(positions(7, 3, 2), [0, 2, 4]);
        assert_eq!(positions(8, 3, 2), [0, 2, 4, 5]);
        assert_eq!(positions(3, 3, 2), [0]);
    }

    #[test]
    fn every_channel_is_covered_and_a_sum_falls_by_what_lay_there() {
        let occlusion = Occlusion { patch: 2, stride: 2, batch: 3, ..Occlusion::default() };
        let image: Vec<f32> = (0..2 * 16).map(|i| i as f32).collect();
        let map = occlusion.map(&image, (4, 4), |images| Ok::<_, EvaluateError>(sums(images, 32))).unwrap();
        // Channels 0 and 1 of the first patch: 0, 1, 4, 5 and 16, 17, 20, 21.
        assert_eq!((map[0], map[5], map[15]), (84.0, 84.0, 4.0 * (12.5 + 28.5)));
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let map = |occlusion: Occlusion, n: usize, size, scores: usize| {
            let answer = |_: &[f32]| Ok::<_, EvaluateError>(vec![0.0; scores]);
            occlusion.map(&vec![0.0; n], size, answer).unwrap_err().to_string()
        };
        let plain = Occlusion::default();
        assert!(map(Occlusion { patch: 0, ..plain }, 4, (2, 2), 1).contains("patch = 0"));
        assert!(map(Occlusion { stride: 6, ..plain }, 4, (2, 2), 1).contains("stride = 6, expected from 1 to patch"));
        assert!(map(Occlusion { batch: 0, ..plain }, 4, (2, 2), 1).contains("batch = 0"));
        assert!(map(Occlusion { fill: f32::NAN, ..plain }, 4, (2, 2), 1).contains("fill = NaN"));
        assert!(map(plain, 5, (2, 2), 1).contains("5 pixels, but 8 are needed"));
        assert!(map(plain, 0, (2, 2), 1).contains("at least one image"));
        assert!(map(plain, 4, (2, 2), 2).contains("2 scores, but 1 are needed (one for each of 1 images)"));
    }

    proptest! {
        /// Of a linear score a patch of one pixel finds the weights times what the pixel lost; batches change no bit.
        #[test]
        fn of_a_linear_score_it_is_exact(
            pixels in prop::collection::vec((0_i8..8, -4_i8..5), 12), batch in 1_usize..14,
        ) {
            let (image, weights): (Vec<f32>, Vec<f32>) = pixels.iter().map(|&(x, w)| (f32::from(x), f32::from(w))).unzip();
            let dot = |image: &[f32]| image.iter().zip(&weights).map(|(x, w)| x * w).sum::<f32>();
            let occlusion = Occlusion { patch: 1, stride: 1, fill: 1.0, batch };
            let scores = |images: &[f32]| Ok::<_, EvaluateError>(images.chunks_exact(12).map(dot).collect());
            let map = occlusion.map(&image, (3, 4), scores).unwrap();
            for ((found, x), w) in map.iter().zip(&image).zip(&weights) {
                prop_assert_eq!(*found, w * (x - 1.0));
            }
        }
    }
}
