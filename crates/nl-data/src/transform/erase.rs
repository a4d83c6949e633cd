//! Random erasing (cutout): a rectangle of the image is overwritten.

use nl_random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{TransformError, check, check_len};

/// With probability `probability`, a rectangle of area ratio and aspect ratio drawn at random is set to `fill`.
///
/// area s ~ U(area₀, area₁) · H · W, aspect r = h/w log-uniform in [aspect, 1/aspect]; h = √(s r), w = √(s / r); drawn
/// again (up to 20 times) until it fits. Zhong et al., "Random erasing data augmentation", AAAI 2020, algorithm 1,
/// which draws r uniformly and fills with noise; log-uniform (as in torchvision) treats tall and flat alike, and the
/// fill here is a constant. With `probability: 1`, one area and `aspect: 1` it is cutout (`DeVries` & Taylor, "Improved
/// regularization of convolutional neural networks with cutout", 2017), but for squares that reach beyond the edge.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Erase {
    /// How often, in [0, 1].
    pub probability: f32,
    /// Least and greatest share of the image, 0 < area₀ ≤ area₁ ≤ 1.
    pub area: [f32; 2],
    /// Least ratio of height to width, in (0, 1]; its reciprocal is the greatest.
    pub aspect: f32,
    /// The value written.
    pub fill: f32,
}

impl Default for Erase {
    /// Never; when switched on by `probability`: area 2 % to 20 %, aspect 0.3 to 3.3, background.
    fn default() -> Self {
        Self { probability: 0.0, area: [0.02, 0.2], aspect: 0.3, fill: 0.0 }
    }
}

impl Erase {
    /// Refuses parameters outside their ranges.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    pub fn validate(&self) -> Result<(), TransformError> {
        let p = self.probability;
        check("erase", "probability", p, (0.0..=1.0).contains(&p), "a number in [0, 1]")?;
        let [low, high] = self.area;
        check("erase", "area[0]", low, low > 0.0 && low <= 1.0, "a number in (0, 1]")?;
        check("erase", "area[1]", high, high >= low && high <= 1.0, "a number from area[0] to 1")?;
        check("erase", "aspect", self.aspect, self.aspect > 0.0 && self.aspect <= 1.0, "a number in (0, 1]")?;
        check("erase", "fill", self.fill, self.fill.is_finite(), "a finite number")
    }

    /// Erases in place; returns the rectangle (top, left, height, width), if any.
    ///
    /// # Errors
    /// A parameter outside its range, or a slice that is not `height · width` long.
    pub fn apply(
        &self,
        image: &mut [f32],
        height: usize,
        width: usize,
        rng: &mut Rng,
    ) -> Result<Option<[usize; 4]>, TransformError> {
        self.validate()?;
        check_len("erase", image.len(), height, width)?;
        if self.probability == 0.0 || rng.random::<f32>() >= self.probability {
            return Ok(None);
        }
        for _ in 0..20 {
            let [low, high] = self.area;
            let area = (low + (high - low) * rng.random::<f32>()) * (height * width) as f32;
            let aspect = ((2.0 * rng.random::<f32>() - 1.0) * self.aspect.ln()).exp();
            let (h, w) = ((area * aspect).sqrt().round() as usize, (area / aspect).sqrt().round() as usize);
            if h == 0 || w == 0 || h > height || w > width {
                continue;
            }
            let top = rng.random_range(0..=(height - h) as u32) as usize;
            let left = rng.random_range(0..=(width - w) as u32) as usize;
            for row in top..top + h {
                image[row * width + left..][..w].fill(self.fill);
            }
            return Ok(Some([top, left, h, w]));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    #[test]
    fn erases_one_rectangle_of_the_stated_area_and_nothing_else() {
        let erase = Erase { probability: 1.0, fill: -1.0, ..Erase::default() };
        for index in 0..300 {
            let mut image = vec![0.5; 28 * 20];
            let mut rng = Streams::new(1).rng("erase", 0, index);
            let [top, left, h, w] = erase.apply(&mut image, 28, 20, &mut rng).unwrap().expect("fits within 20 tries");
            for (i, &pixel) in image.iter().enumerate() {
                let inside = (top..top + h).contains(&(i / 20)) && (left..left + w).contains(&(i % 20));
                assert_eq!(pixel, if inside { -1.0 } else { 0.5 });
            }
            let share = (h * w) as f32 / 560.0;
            assert!((0.005..0.25).contains(&share), "{h}x{w}: the stated share, give or take rounding");
        }
    }

    #[test]
    fn as_often_as_stated() {
        let erase = Erase { probability: 0.3, ..Erase::default() };
        let mut rng = Streams::new(1).rng("erase", 0, 0);
        let erased = (0..4000).filter(|_| erase.apply(&mut [0.0; 100], 10, 10, &mut rng).unwrap().is_some()).count();
        // Binomial(4000, 0.3): five standard deviations are 145.
        assert!(erased.abs_diff(1200) < 145, "{erased}");
    }

    #[test]
    fn never_by_default() {
        let mut image = [0.5; 4];
        let mut rng = Streams::new(1).rng("erase", 0, 0);
        assert_eq!(Erase::default().apply(&mut image, 2, 2, &mut rng), Ok(None));
        assert_eq!(image, [0.5; 4]);
    }

    #[test]
    fn bad_parameters_are_named() {
        let erase = Erase::default();
        for (erase, name) in [
            (Erase { area: [0.0, 0.5], ..erase }, "area[0]"),
            (Erase { area: [0.5, 0.4], ..erase }, "area[1]"),
            (Erase { aspect: 0.0, ..erase }, "aspect"),
            (Erase { fill: f32::NAN, ..erase }, "fill"),
        ] {
            assert!(erase.validate().unwrap_err().to_string().contains(name));
        }
    }
}
