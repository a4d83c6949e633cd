//! Sizes of a brain, and what they must satisfy.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Sizes of every region; the default fits 28 × 28 grey images of ten classes.
///
/// Reads from any serde format; an unknown key is an error, a missing one has its default.
///
/// ```
/// use nl_brain::BrainConfig;
///
/// let config = BrainConfig { height: 33, width: 20, channels: 3, classes: 26, ..BrainConfig::default() };
/// config.validate()?;
/// assert!(BrainConfig { height: 3, ..config }.validate().is_err());
/// # Ok::<(), nl_brain::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct BrainConfig {
    /// Rows of an image; at least 4.
    pub height: usize,
    /// Columns of an image; at least 4.
    pub width: usize,
    /// Colour channels of an image.
    pub channels: usize,
    /// Number of classes.
    pub classes: usize,
    /// Feature maps of the retina.
    pub retina: usize,
    /// Side of the retina's receptive field; odd.
    pub retina_kernel: usize,
    /// Units of the thalamic gate's hidden layer.
    pub thalamus_hidden: usize,
    /// Feature maps of V1.
    pub v1: usize,
    /// Feature maps of V2.
    pub v2: usize,
    /// Feature maps of V4.
    pub v4: usize,
    /// Units of the inferotemporal embedding.
    pub embedding: usize,
    /// Feature maps of the cerebellum's two stages, coarse to fine.
    pub cerebellum: [usize; 2],
    /// Probability that a unit of the embedding is dropped on its way to the prefrontal cortex; in [0, 1).
    pub dropout: f64,
    /// Whether an image is recognised from both sides (see [`Brain::recognise`](crate::Brain::recognise)): for things that have no
    /// left and right, clothes and animals, not for letters.
    pub both_sides: bool,
}

impl Default for BrainConfig {
    fn default() -> Self {
        Self {
            height: 28,
            width: 28,
            channels: 1,
            classes: 10,
            retina: 16,
            retina_kernel: 5,
            thalamus_hidden: 8,
            v1: 32,
            v2: 64,
            v4: 64,
            embedding: 128,
            cerebellum: [32, 16],
            dropout: 0.2,
            both_sides: false,
        }
    }
}

impl BrainConfig {
    /// Smallest side of an image: two poolings by 2 must leave one cell.
    pub const MIN_SIDE: usize = 4;

    /// Sides of the image at full, half and quarter resolution: ⌊·/2⌋ at each pooling.
    #[must_use]
    pub const fn pyramid(&self) -> [[usize; 2]; 3] {
        let half = [self.height / 2, self.width / 2];
        [[self.height, self.width], half, [half[0] / 2, half[1] / 2]]
    }

    /// Checks every size.
    ///
    /// # Errors
    /// [`Error::Config`] naming the first field that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        let least = [
            ("height", self.height, Self::MIN_SIDE),
            ("width", self.width, Self::MIN_SIDE),
            ("channels", self.channels, 1),
            ("classes", self.classes, 2),
            ("retina", self.retina, 1),
            ("retina_kernel", self.retina_kernel, 1),
            ("thalamus_hidden", self.thalamus_hidden, 1),
            ("v1", self.v1, 1),
            ("v2", self.v2, 1),
            ("v4", self.v4, 1),
            ("embedding", self.embedding, 1),
            ("cerebellum[0]", self.cerebellum[0], 1),
            ("cerebellum[1]", self.cerebellum[1], 1),
        ];
        for (field, value, least) in least {
            if value < least {
                let why = match field {
                    "height" | "width" => " (two poolings by 2 must leave one cell); pad or enlarge the images",
                    "classes" => "; with one class there is nothing to decide",
                    _ => "",
                };
                return Err(Error::config(field, format!("is {value}, but must be at least {least}{why}")));
            }
            // Far above any image or layer, far below what could overflow a product of four sizes.
            if value > Self::MAX_SIZE {
                return Err(Error::config(field, format!("is {value}, but must be at most {}", Self::MAX_SIZE)));
            }
        }
        let weights = self.weights();
        if weights > Self::MAX_WEIGHTS {
            let message =
                format!("sizes make {weights} weights, but at most {} fit; use smaller ones", Self::MAX_WEIGHTS);
            return Err(Error::config("the", message));
        }
        if self.retina_kernel.is_multiple_of(2) {
            let message = format!("is {}, but must be odd, so that the image keeps its size", self.retina_kernel);
            return Err(Error::config("retina_kernel", message));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(Error::config("dropout", format!("is {}, but must be in [0, 1)", self.dropout)));
        }
        Ok(())
    }

    /// Weights of the largest layers, which dominate; sizes up to `MAX_SIZE` cannot overflow this.
    fn weights(&self) -> u128 {
        let product = |sizes: &[usize]| sizes.iter().map(|&size| size as u128).product::<u128>();
        let [_, _, [h4, w4]] = self.pyramid();
        let [coarse, fine] = self.cerebellum;
        product(&[self.retina, self.channels, self.retina_kernel, self.retina_kernel])
            + product(&[self.v1, self.retina, 9])
            + product(&[self.v2, self.v1, 9])
            + product(&[self.v4, self.v2, 9])
            + product(&[self.embedding, self.v4 + coarse, h4, w4])
            + product(&[coarse + self.channels, fine, 16])
            + product(&[self.embedding, self.classes])
    }

    const MAX_SIZE: usize = 1 << 14;
    /// One gigabyte in f32: far above any model that learns on a CPU in a lifetime.
    const MAX_WEIGHTS: u128 = 1 << 28;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_is_checked_and_named() {
        let good = BrainConfig::default();
        good.validate().unwrap();
        let bad = [
            (BrainConfig { height: 3, ..good }, "height is 3, but must be at least 4 (two poolings by 2"),
            (BrainConfig { width: 0, ..good }, "width is 0"),
            (BrainConfig { classes: 1, ..good }, "classes is 1"),
            (BrainConfig { channels: 0, ..good }, "channels is 0"),
            (BrainConfig { retina_kernel: 4, ..good }, "retina_kernel is 4, but must be odd"),
            (BrainConfig { cerebellum: [32, 0], ..good }, "cerebellum[1] is 0"),
            (BrainConfig { embedding: usize::MAX, ..good }, "embedding is 18446744073709551615, but must be at most"),
            (BrainConfig { dropout: 1.0, ..good }, "dropout is 1, but must be in [0, 1)"),
            (BrainConfig { dropout: f64::NAN, ..good }, "dropout is NaN"),
        ];
        for (config, message) in bad {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn unknown_keys_are_refused_and_missing_ones_have_defaults() {
        let config: BrainConfig = serde_json::from_str(r#"{"height": 32, "v1": 8}"#).unwrap();
        assert_eq!(config, BrainConfig { height: 32, v1: 8, ..BrainConfig::default() });
        let error = serde_json::from_str::<BrainConfig>(r#"{"hieght": 32}"#).unwrap_err().to_string();
        assert!(error.contains("hieght"), "{error}");
    }

    #[test]
    fn the_pyramid_rounds_down() {
        let config = BrainConfig { height: 15, width: 6, ..BrainConfig::default() };
        assert_eq!(config.pyramid(), [[15, 6], [7, 3], [3, 1]]);
    }
}
