//! Grey pictures, and how they get into a page: as PNG in a data URI.

use serde::{Deserialize, Serialize};

use crate::Error;

/// A grey picture, row by row, 0 black to 255 white.
///
/// ```
/// use nl_report::Picture;
/// let picture = Picture::from_unit(2, 1, &[0.0, 1.0]);
/// assert_eq!(picture.pixels, [0, 255]);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width · height` grey values.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// From values of 0 (black) to 1 (white); others are clamped, what is no number is black.
    #[must_use]
    pub fn from_unit(width: usize, height: usize, values: &[f32]) -> Self {
        let pixels = values.iter().map(|v| (v.clamp(0.0, 1.0) * 255.0).round() as u8).collect();
        Self { width, height, pixels }
    }

    /// From values of 0 (black) and more, the largest of them white; all black if none is above 0.
    ///
    /// ```
    /// assert_eq!(nl_report::Picture::brightest(3, 1, &[0.0, 2.0, 4.0]).pixels, [0, 128, 255]);
    /// ```
    #[must_use]
    pub fn brightest(width: usize, height: usize, values: &[f32]) -> Self {
        let most = values.iter().copied().fold(0.0, f32::max);
        let unit: Vec<f32> = values.iter().map(|v| if most > 0.0 { v / most } else { 0.0 }).collect();
        Self::from_unit(width, height, &unit)
    }

    /// From values of either sign: `scale` and more is white, 0 is grey, `-scale` black.
    ///
    /// ```
    /// assert_eq!(nl_report::Picture::signed(3, 1, &[-2.0, 0.0, 2.0], 2.0).pixels, [0, 128, 255]);
    /// ```
    #[must_use]
    pub fn signed(width: usize, height: usize, values: &[f32], scale: f32) -> Self {
        let scale = if scale > 0.0 { scale } else { 1.0 };
        let unit: Vec<f32> = values.iter().map(|v| 0.5 + 0.5 * v / scale).collect();
        Self::from_unit(width, height, &unit)
    }

    /// Its size and number of pixels agree, and it has some.
    pub(crate) fn check(&self, plot: &'static str) -> Result<(), Error> {
        let Self { width, height, pixels } = self;
        if width.checked_mul(*height) != Some(pixels.len()) || pixels.is_empty() {
            let what = format!("a picture of {width} × {height} has {} pixels", pixels.len());
            return Err(Error::shape(plot, what));
        }
        Ok(())
    }

    /// `data:image/png;base64,…`
    pub(crate) fn data_uri(&self, plot: &'static str) -> Result<String, Error> {
        self.check(plot)?;
        encode(self.width, self.height, &self.pixels, png::ColorType::Grayscale)
            .map_err(|error| Error::shape(plot, format!("a picture cannot be encoded: {error}")))
    }
}

/// A PNG of 8 bits a channel as a data URI.
pub(crate) fn encode(
    width: usize,
    height: usize,
    bytes: &[u8],
    colour: png::ColorType,
) -> Result<String, png::EncodingError> {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size(width), size(height));
    encoder.set_color(colour);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(bytes)?;
    writer.finish()?;
    Ok(format!("data:image/png;base64,{}", base64(&file)))
}

/// Three bytes make four characters. Source: RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().chain(&[0, 0]).take(3).fold(0_u32, |group, &byte| group << 8 | u32::from(byte));
        for i in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * i)) as usize & 63];
            out.push(if i <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    out
}

/// What a data URI of ours holds: width, height and bytes. For the tests of what is drawn.
#[cfg(test)]
pub(crate) fn decode(uri: &str) -> (usize, usize, Vec<u8>) {
    let text = uri.strip_prefix("data:image/png;base64,").expect("a PNG");
    let digit = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut file = Vec::new();
    for chunk in text.as_bytes().chunks(4) {
        let group = chunk.iter().fold(0_u32, |g, &c| g << 6 | if c == b'=' { 0 } else { u32::from(digit(c)) });
        let count = 3 - chunk.iter().filter(|&&c| c == b'=').count();
        file.extend(&group.to_be_bytes()[1..=count]);
    }
    let mut reader = png::Decoder::new(std::io::Cursor::new(&file)).read_info().expect("a PNG");
    let mut bytes = vec![0; reader.output_buffer_size().expect("a size")];
    let info = reader.next_frame(&mut bytes).expect("a frame");
    (info.width as usize, info.height as usize, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_reference() {
        // RFC 4648, section 10.
        for (plain, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
        assert_eq!(base64(&[0xff, 0xef, 0xbe]), "/+++");
    }

    #[test]
    fn a_picture_survives_its_png() {
        let picture = Picture { width: 3, height: 2, pixels: vec![0, 1, 127, 128, 254, 255] };
        assert_eq!(decode(&picture.data_uri("strip").unwrap()), (3, 2, picture.pixels));
        let torn = Picture { width: 3, height: usize::MAX, pixels: vec![0; 3] };
        assert!(torn.data_uri("strip").unwrap_err().to_string().contains("has 3 pixels"));
        assert!(Picture::default().data_uri("strip").is_err());
    }

    #[test]
    fn what_is_no_number_is_black() {
        assert_eq!(Picture::from_unit(3, 1, &[f32::NAN, -1.0, f32::INFINITY]).pixels, [0, 0, 255]);
        assert_eq!(Picture::signed(1, 1, &[0.0], 0.0).pixels, [128]);
        assert_eq!(Picture::brightest(3, 1, &[f32::NAN, -1.0, 0.5]).pixels, [0, 0, 255]);
        assert_eq!(Picture::brightest(2, 1, &[-1.0, 0.0]).pixels, [0, 0]);
    }
}
