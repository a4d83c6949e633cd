//! Many small pictures as one: fields, filters, feature maps.

use serde::{Deserialize, Serialize};

use super::{Draw, Drawing};
use crate::picture::encode;
use crate::svg::escape;
use crate::{Error, Picture};

/// No mosaic is wider or higher, pixels.
const MOST: usize = 1 << 14;

/// Pictures of one size in rows, a pixel apart; between them, and where there is no picture, the page shows through.
///
/// ```
/// use nl_report::{Picture, plots::{Draw, Mosaic}};
/// let tiles = vec![Picture::from_unit(2, 2, &[0.0, 1.0, 1.0, 0.0]); 5];
/// let mosaic = Mosaic { tiles, across: 3, zoom: 8 };
/// assert_eq!(mosaic.draw("Filters")?.html.matches("<img").count(), 1);
/// # Ok::<(), nl_report::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mosaic {
    /// The pictures, row by row.
    pub tiles: Vec<Picture>,
    /// Pictures in a row, at least 1.
    pub across: usize,
    /// Points of the page to a pixel, where the page is wide enough.
    pub zoom: usize,
}

impl Mosaic {
    /// Pixels as (grey, opacity): pictures are opaque, everything else is not there.
    fn compose(&self) -> Result<(usize, usize, Vec<u8>), Error> {
        let Some(first) = self.tiles.first() else {
            return Err(Error::shape("mosaic", "there are no pictures"));
        };
        if self.across == 0 {
            return Err(Error::shape("mosaic", "0 pictures in a row; use at least 1"));
        }
        let (w, h) = (first.width, first.height);
        for (i, tile) in self.tiles.iter().enumerate() {
            tile.check("mosaic")?;
            if (tile.width, tile.height) != (w, h) {
                let what = format!("picture {i} is {} × {}, the first is {w} × {h}", tile.width, tile.height);
                return Err(Error::shape("mosaic", what));
            }
        }
        let across = self.across.min(self.tiles.len());
        let rows = self.tiles.len().div_ceil(across);
        let side = |n: usize, size: usize| size.checked_add(1).and_then(|s| s.checked_mul(n)).filter(|&s| s < MOST);
        let (Some(wide), Some(high)) = (side(across, w), side(rows, h)) else {
            return Err(Error::shape("mosaic", format!("{across} × {rows} pictures of {w} × {h} are too large")));
        };
        let (wide, high) = (wide - 1, high - 1);
        let mut bytes = vec![0; 2 * wide * high];
        for (i, tile) in self.tiles.iter().enumerate() {
            let (top, left) = (i / across * (h + 1), i % across * (w + 1));
            for (y, row) in tile.pixels.chunks_exact(w).enumerate() {
                for (x, &grey) in row.iter().enumerate() {
                    let at = 2 * ((top + y) * wide + left + x);
                    bytes[at..at + 2].copy_from_slice(&[grey, 255]);
                }
            }
        }
        Ok((wide, high, bytes))
    }
}

impl Draw for Mosaic {
    fn draw(&self, label: &str) -> Result<Drawing, Error> {
        let (width, height, bytes) = self.compose()?;
        let uri = encode(width, height, &bytes, png::ColorType::GrayscaleAlpha)
            .map_err(|error| Error::shape("mosaic", format!("it cannot be encoded: {error}")))?;
        let alt = escape(&format!("{label}: {} pictures, {} in a row", self.tiles.len(), self.across));
        let points = width * self.zoom.max(1);
        let html = format!(r#"<img class="mosaic" src="{uri}" alt="{alt}" style="width:min(100%,{points}px)">"#);
        Ok(Drawing::wide(html))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::decode;

    #[test]
    fn an_incomplete_row_leaves_nothing_behind() {
        let tiles = vec![Picture::from_unit(2, 1, &[0.0, 1.0]); 3];
        let html = Mosaic { tiles, across: 2, zoom: 1 }.draw("t").unwrap().html;
        let uri = html.split('"').find(|part| part.starts_with("data:")).unwrap();
        let (width, height, bytes) = decode(uri);
        assert_eq!((width, height), (5, 3));
        let at = |x: usize, y: usize| (bytes[2 * (y * width + x)], bytes[2 * (y * width + x) + 1]);
        assert_eq!([at(0, 0), at(1, 0), at(3, 0), at(4, 0)], [(0, 255), (255, 255), (0, 255), (255, 255)]);
        assert_eq!([at(0, 2), at(1, 2)], [(0, 255), (255, 255)]);
        // Between the pictures, and in the place of the fourth.
        for (x, y) in [(2, 0), (0, 1), (2, 1), (4, 1), (2, 2), (3, 2), (4, 2)] {
            assert_eq!(at(x, y).1, 0, "({x}, {y})");
        }
    }

    #[test]
    fn what_contradicts_is_refused() {
        let tile = |w: usize, h: usize| Picture { width: w, height: h, pixels: vec![9; w * h] };
        let error = |tiles: Vec<Picture>, across| Mosaic { tiles, across, zoom: 1 }.draw("t").unwrap_err().to_string();
        assert_eq!(error(vec![tile(2, 2), tile(2, 3)], 2), "mosaic: picture 1 is 2 × 3, the first is 2 × 2");
        assert_eq!(error(vec![], 2), "mosaic: there are no pictures");
        assert_eq!(error(vec![tile(1, 1)], 0), "mosaic: 0 pictures in a row; use at least 1");
        assert!(error(vec![tile(1, 16_384)], 1).contains("too large"));
    }
}
