//! Pictures for an event.

use nl_report::Picture;

use super::TensorBoardError;
use super::proto;

/// A picture, encoded as PNG.
///
/// ```
/// use nl_train::tensorboard::Image;
/// let digit = nl_report::Picture { width: 28, height: 28, pixels: vec![0; 28 * 28] };
/// assert_eq!(Image::of(&digit)?, Image::grey(28, 28, &[0; 28 * 28])?);
/// assert!(Image::grey(28, 28, &[0; 3]).unwrap_err().to_string().contains("has 784 bytes, not 3"));
/// # Ok::<(), nl_train::tensorboard::TensorBoardError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    width: i32,
    height: i32,
    channels: i32,
    png: Vec<u8>,
}

impl Image {
    /// Grey: a byte a pixel, `[height, width]`.
    ///
    /// # Errors
    /// [`TensorBoardError::Image`] if the sizes do not fit or are 0, [`TensorBoardError::Png`].
    pub fn grey(width: usize, height: usize, pixels: &[u8]) -> Result<Self, TensorBoardError> {
        Self::encode(width, height, 1, png::ColorType::Grayscale, pixels)
    }

    /// Red, green and blue: three bytes a pixel, `[height, width, 3]`.
    ///
    /// # Errors
    /// As [`grey`](Self::grey).
    pub fn rgb(width: usize, height: usize, pixels: &[u8]) -> Result<Self, TensorBoardError> {
        Self::encode(width, height, 3, png::ColorType::Rgb, pixels)
    }

    /// A picture of a page.
    ///
    /// # Errors
    /// As [`grey`](Self::grey).
    pub fn of(picture: &Picture) -> Result<Self, TensorBoardError> {
        Self::grey(picture.width, picture.height, &picture.pixels)
    }

    fn encode(
        width: usize,
        height: usize,
        channels: usize,
        colour: png::ColorType,
        pixels: &[u8],
    ) -> Result<Self, TensorBoardError> {
        let bytes = width.checked_mul(height).and_then(|n| n.checked_mul(channels)).filter(|&n| n > 0);
        let sides = i32::try_from(width).ok().zip(i32::try_from(height).ok());
        let (Some((w, h)), true) = (sides, bytes == Some(pixels.len())) else {
            let expected = bytes.map_or_else(|| "no number of".to_owned(), |n| n.to_string());
            return Err(TensorBoardError::Image { width, height, channels, expected, found: pixels.len() });
        };
        let failed = |error: png::EncodingError| TensorBoardError::Png { reason: error.to_string() };
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, w as u32, h as u32);
        encoder.set_color(colour);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(pixels).and_then(|()| writer.finish()).map_err(failed)?;
        Ok(Self { width: w, height: h, channels: channels as i32, png: out })
    }

    pub(super) fn message(&self) -> proto::Image {
        proto::Image {
            height: self.height,
            width: self.width,
            colorspace: self.channels,
            encoded_image_string: self.png.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_read_back() {
        let pixels = [0, 50, 100, 150, 200, 250];
        for (image, colour, width) in [
            (Image::grey(3, 2, &pixels).unwrap(), png::ColorType::Grayscale, 3),
            (Image::rgb(1, 2, &pixels).unwrap(), png::ColorType::Rgb, 1),
        ] {
            let message = image.message();
            let mut reader = png::Decoder::new(std::io::Cursor::new(message.encoded_image_string)).read_info().unwrap();
            let mut found = vec![0; 6];
            let info = reader.next_frame(&mut found).unwrap();
            assert_eq!((info.color_type, info.width, info.height), (colour, width, 2));
            assert_eq!((message.width as u32, message.height, found), (width, 2, pixels.to_vec()));
        }
    }

    #[test]
    fn sizes_that_do_not_fit_are_refused() {
        for (width, height, length) in [(0, 0, 0), (0, 5, 0), (2, 2, 3), (usize::MAX, 2, 3), (1 << 32, 1 << 31, 3)] {
            let error = Image::grey(width, height, &vec![0; length]).unwrap_err().to_string();
            assert!(error.contains(&format!("a picture of {width} × {height} pixels")), "{error}");
        }
        assert!(Image::rgb(1, 1, &[1, 2]).unwrap_err().to_string().contains("in 3 channels has 3 bytes, not 2"));
    }
}
