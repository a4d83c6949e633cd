//! Pictures of what a model has learned, for TensorBoard.

use nl_layers::Recording;
use nl_report::Picture;

use crate::run::Tensor;

/// Filters shown, at most.
const FILTERS: usize = 64;
/// Pixels of a picture of one value of a filter.
const ZOOM: usize = 8;
/// Grey of what lies between pictures.
const GAP: u8 = 90;

/// The sum over channels, `[height · width]`.
pub(crate) fn summed(values: &[f32], area: usize) -> Vec<f32> {
    let mut sum = vec![0.0; area];
    for plane in values.chunks_exact(area.max(1)) {
        sum.iter_mut().zip(plane).for_each(|(sum, x)| *sum += x);
    }
    sum
}

/// Pictures of one size in rows of `across`, a pixel apart.
pub(crate) fn tiled(tiles: &[Picture], across: usize) -> Picture {
    let Some(first) = tiles.first() else { return Picture::default() };
    let (w, h) = (first.width, first.height);
    let across = across.clamp(1, tiles.len());
    let (width, height) = (across * (w + 1) - 1, tiles.len().div_ceil(across) * (h + 1) - 1);
    let mut pixels = vec![GAP; width * height];
    for (i, tile) in tiles.iter().enumerate().filter(|(_, tile)| (tile.width, tile.height) == (w, h)) {
        let (top, left) = (i / across * (h + 1), i % across * (w + 1));
        for (y, row) in tile.pixels.chunks_exact(w.max(1)).enumerate() {
            pixels[(top + y) * width + left..][..w].copy_from_slice(row);
        }
    }
    Picture { width, height, pixels }
}

/// The filters of a convolution, `[maps, channels, h, w]`, those of the first channel; or the weights of units that see all of an
/// image of `size`, `[units, height · width]`. White adds, black takes away. None of a tensor of another shape.
pub(crate) fn filters(tensor: &Tensor, size: (usize, usize)) -> Option<Picture> {
    let (each, (h, w), zoom) = match tensor.shape[..] {
        [_, c, h, w] if h > 1 || w > 1 => (c * h * w, (h, w), ZOOM),
        [_, pixels] if pixels == size.0 * size.1 => (pixels, size, 1),
        _ => return None,
    };
    if each == 0 || tensor.values.is_empty() {
        return None;
    }
    let square: f64 = tensor.values.iter().map(|&w| f64::from(w) * f64::from(w)).sum();
    let scale = 2.5 * (square / tensor.values.len() as f64).sqrt() as f32;
    let tile = |filter: &[f32]| larger(&Picture::signed(w, h, &filter[..h * w], scale), zoom);
    let tiles: Vec<Picture> = tensor.values.chunks_exact(each).take(FILTERS).map(tile).collect();
    Some(tiled(&tiles, 8))
}

/// Each pixel as a square of `zoom` pixels.
fn larger(picture: &Picture, zoom: usize) -> Picture {
    let rows = picture.pixels.chunks_exact(picture.width.max(1));
    let wide = |row: &[u8]| row.iter().flat_map(|&p| std::iter::repeat_n(p, zoom)).collect::<Vec<u8>>();
    let pixels = rows.flat_map(|row| wide(row).repeat(zoom)).collect();
    Picture { width: picture.width * zoom, height: picture.height * zoom, pixels }
}

/// What was recorded, as `activations/<path>`.
pub(crate) fn activations(recording: &Recording<f32>) -> Vec<Tensor> {
    let tensor = |(path, value): (&str, &nl_autodiff::Tensor<f32>)| Tensor {
        name: format!("activations/{path}"),
        shape: value.shape().dims().to_vec(),
        values: value.as_slice().to_vec(),
    };
    recording.iter().map(tensor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_stand_in_rows_a_pixel_apart() {
        let tile = |grey| Picture { width: 2, height: 1, pixels: vec![grey; 2] };
        let all = tiled(&[tile(1), tile(2), tile(3)], 2);
        assert_eq!((all.width, all.height), (5, 3));
        assert_eq!(all.pixels, [1, 1, 90, 2, 2, 90, 90, 90, 90, 90, 3, 3, 90, 90, 90]);
        assert_eq!(tiled(&[], 3), Picture::default());
    }

    #[test]
    fn filters_are_those_of_a_convolution_or_of_units_that_see_the_image() {
        let tensor = |shape: &[usize]| {
            let n = shape.iter().product();
            Tensor { name: "a".into(), shape: shape.to_vec(), values: (0..n).map(|i| i as f32).collect() }
        };
        let picture = filters(&tensor(&[3, 2, 1, 2]), (2, 2)).unwrap();
        assert_eq!((picture.width, picture.height), (3 * 17 - 1, 8));
        // The second filter begins with the fifth value.
        let scale = 2.5 * ((0..12).map(|i| f64::from(i * i)).sum::<f64>() / 12.0).sqrt() as f32;
        assert_eq!(picture.pixels[17], Picture::signed(1, 1, &[4.0], scale).pixels[0]);
        let seen = filters(&tensor(&[2, 4]), (2, 2)).unwrap();
        assert_eq!((seen.width, seen.height), (5, 2));
        assert!(filters(&tensor(&[2, 5]), (2, 2)).is_none() && filters(&tensor(&[4]), (2, 2)).is_none());
        assert!(filters(&tensor(&[4, 3, 1, 1]), (2, 2)).is_none(), "a filter of one pixel is no picture");
    }
}
