//! Labelled images in memory: one byte a pixel, one byte a label.

use thiserror::Error;

/// Why a set of images was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImagesError {
    /// `pixels` is not `labels · height · width` long.
    #[error(
        "images: {found} pixels for {labels} labels of {height}x{width} images, expected {labels}*{height}*{width}; \
         pass one label and height*width bytes for each image"
    )]
    PixelCount {
        /// Pixels given.
        found: usize,
        /// Labels given.
        labels: usize,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
    /// A label is not below the number of classes.
    #[error("images: label {label} of image {index} is not below the number of classes, {classes}")]
    LabelRange {
        /// The offending label.
        label: u8,
        /// Its position.
        index: usize,
        /// The number of classes.
        classes: usize,
    },
    /// No image, or images without a pixel.
    #[error("images: empty set ({labels} images of {height}x{width}); pass at least one image of at least one pixel")]
    Empty {
        /// Labels given.
        labels: usize,
        /// Image height.
        height: usize,
        /// Image width.
        width: usize,
    },
}

/// Grey images and their labels; shapes: `pixels` `[len, height, width]`, `labels` `[len]`, each label below `classes`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    height: usize,
    width: usize,
    classes: usize,
}

impl Images {
    /// Images from their parts.
    ///
    /// # Errors
    /// An empty set, a pixel count that does not fit the labels, or a label that is not below `classes`.
    ///
    /// ```
    /// let images = nl_data::Images::new(vec![0, 255, 7, 9], vec![1, 0], 1, 2, 2)?;
    /// assert_eq!((images.len(), images.image(1)), (2, &[7, 9][..]));
    /// # Ok::<(), nl_data::ImagesError>(())
    /// ```
    pub fn new(
        pixels: Vec<u8>,
        labels: Vec<u8>,
        height: usize,
        width: usize,
        classes: usize,
    ) -> Result<Self, ImagesError> {
        if labels.is_empty() || height == 0 || width == 0 {
            return Err(ImagesError::Empty { labels: labels.len(), height, width });
        }
        let expected = height.checked_mul(width).and_then(|n| n.checked_mul(labels.len()));
        if expected != Some(pixels.len()) {
            return Err(ImagesError::PixelCount { found: pixels.len(), labels: labels.len(), height, width });
        }
        if let Some(index) = labels.iter().position(|&label| usize::from(label) >= classes) {
            return Err(ImagesError::LabelRange { label: labels[index], index, classes });
        }
        Ok(Self { pixels, labels, height, width, classes })
    }

    /// The number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image; never true of a set made by [`Images::new`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Rows of an image.
    #[must_use]
    pub fn height(&self) -> usize {
        self.height
    }

    /// Columns of an image.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Pixels of an image.
    #[must_use]
    pub fn area(&self) -> usize {
        self.height * self.width
    }

    /// The number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// All pixels, `[len, height, width]`, row-major, 0 (background) to 255.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All labels, `[len]`.
    #[must_use]
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Image `index`, `[height, width]`; panics beyond the end, as a slice does.
    #[must_use]
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.area()..][..self.area()]
    }

    /// Pixels and labels, given away.
    pub(crate) fn into_parts(self) -> (Vec<u8>, Vec<u8>) {
        (self.pixels, self.labels)
    }

    /// The images at `indices`, in that order; panics beyond the end, as a slice does.
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        let pixels = indices.iter().flat_map(|&i| self.image(i as usize)).copied().collect();
        let labels = indices.iter().map(|&i| self.labels[i as usize]).collect();
        Self { pixels, labels, ..*self }
    }
}

/// A training set and a test set that are alike: images of one size and the same classes, or
/// [`Samples`](crate::Samples) of one shape and the same targets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split<S = Images> {
    /// To learn (and validate) from.
    pub train: S,
    /// To be touched once, at the end.
    pub test: S,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_does_not_fit() {
        let new = |pixels: usize, labels: &[u8], classes| Images::new(vec![0; pixels], labels.to_vec(), 2, 3, classes);
        assert_eq!(new(0, &[], 10), Err(ImagesError::Empty { labels: 0, height: 2, width: 3 }));
        assert_eq!(new(6, &[0, 0], 10), Err(ImagesError::PixelCount { found: 6, labels: 2, height: 2, width: 3 }));
        assert_eq!(new(12, &[0, 9], 9), Err(ImagesError::LabelRange { label: 9, index: 1, classes: 9 }));
        assert!(new(12, &[0, 8], 9).is_ok());
        assert!(Images::new(vec![], vec![0], usize::MAX, 3, 1).is_err(), "overflowing sizes are refused");
    }

    #[test]
    fn selects_in_order() {
        let images = Images::new((0..12).collect(), vec![5, 6, 7], 2, 2, 8).unwrap();
        let chosen = images.select(&[2, 0]);
        assert_eq!(chosen.labels(), [7, 5]);
        assert_eq!(chosen.image(0), [8, 9, 10, 11]);
        assert_eq!(chosen.image(1), [0, 1, 2, 3]);
    }
}
