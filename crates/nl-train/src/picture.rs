//! Pictures to be asked about: PNG files, and NPY arrays.

use std::io::Cursor;
use std::path::Path;

use nl_data::Images;

use crate::Error;
use crate::run::read_capped;

/// No file may be larger: 1 GiB.
const CAP: u64 = 1 << 30;

/// The images in a PNG file (one) or an NPY array (`[H, W]` or `[N, H, W]`, bytes, or floats from 0 to 1), of `height` rows
/// and `width` columns, for a model of so many classes. Colours become grey (ITU-R BT.601), transparency black.
///
/// # Errors
/// A file that cannot be read, is none of these, or holds images of another size.
pub fn read_pictures(path: &Path, (height, width): (usize, usize), classes: usize) -> Result<Images, Error> {
    let bytes = read_capped(path, CAP)?;
    let fail = |why: String| Error::config(format!("`{}`: {why}", path.display()));
    let (pixels, (h, w)) = if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        png(&bytes).map_err(fail)?
    } else if bytes.starts_with(b"\x93NUMPY") {
        npy(&bytes).map_err(fail)?
    } else {
        return Err(fail("this is neither a PNG file nor an NPY array".into()));
    };
    if (h, w) != (height, width) {
        return Err(fail(format!("it is {h} × {w} pixels, but the model learned {height} × {width}; scale it first")));
    }
    let n = pixels.len() / (h * w).max(1);
    Images::new(pixels, vec![0; n], h, w, classes).map_err(|e| fail(e.to_string()))
}

type Pixels = (Vec<u8>, (usize, usize));

fn png(bytes: &[u8]) -> Result<Pixels, String> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: CAP as usize });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    if size as u64 > CAP {
        return Err(format!("it would take {size} bytes"));
    }
    let mut buffer = vec![0; size];
    let info = reader.next_frame(&mut buffer).map_err(|e| e.to_string())?;
    let channels = info.color_type.samples();
    let grey = |pixel: &[u8]| {
        let luminance =
            |r: u8, g: u8, b: u8| (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000;
        let over_black = |value: u32, alpha: u8| ((value * u32::from(alpha) + 127) / 255) as u8;
        match *pixel {
            [grey] => grey,
            [grey, alpha] => over_black(grey.into(), alpha),
            [r, g, b] => luminance(r, g, b) as u8,
            [r, g, b, alpha] => over_black(luminance(r, g, b), alpha),
            _ => 0,
        }
    };
    let (height, width) = (info.height as usize, info.width as usize);
    let pixels = buffer[..info.buffer_size()].chunks_exact(channels).map(grey).collect();
    Ok((pixels, (height, width)))
}

/// `Ok` if the shape in the header of an NPY file can be multiplied out: its reader does so without a look.
fn plausible(bytes: &[u8]) -> Result<(), String> {
    let header = String::from_utf8_lossy(&bytes[..bytes.len().min(1 << 16)]);
    let shape = header.split_once("'shape'").and_then(|(_, rest)| rest.split_once('(')?.1.split_once(')'));
    let Some((shape, _)) = shape else { return Err("its header says no shape".into()) };
    let sizes = shape.split(',').map(str::trim).filter(|size| !size.is_empty());
    let product = sizes.map(|size| size.parse::<u64>().ok()).try_fold(1_u64, |n, size| n.checked_mul(size?));
    match product.filter(|&n| n <= CAP) {
        Some(_) => Ok(()),
        None => Err(format!("its shape ({shape}) is too large")),
    }
}

fn npy(bytes: &[u8]) -> Result<Pixels, String> {
    plausible(bytes)?;
    let file = npyz::NpyFile::new(bytes).map_err(|e| e.to_string())?;
    let shape = file.shape().to_vec();
    let (n, height, width) = match shape[..] {
        [h, w] => (1, h, w),
        [n, h, w] => (n, h, w),
        _ => return Err(format!("its shape is {shape:?}; use [height, width] or [images, height, width]")),
    };
    if file.order() == npyz::Order::Fortran {
        return Err("it is in Fortran order; save it with numpy.ascontiguousarray".into());
    }
    let count = n.checked_mul(height).and_then(|n| n.checked_mul(width)).filter(|&n| n <= CAP);
    let count = count.ok_or_else(|| format!("its shape {shape:?} is too large"))? as usize;
    // What a header promises must be there before anything is reserved for it.
    if count > bytes.len() {
        return Err(format!("its shape is {shape:?}, but the file has {} bytes", bytes.len()));
    }
    let dtype = file.dtype().descr();
    let unit = |x: f64| if x.is_finite() && (0.0..=1.0).contains(&x) { Ok((x * 255.0).round() as u8) } else { Err(x) };
    let outside = |x: f64| format!("a pixel is {x}; floats must be from 0 to 1");
    let pixels: Result<Vec<u8>, String> = match dtype.trim_matches('\'') {
        "|u1" | "u1" | "<u1" => file.into_vec::<u8>().map_err(|e| e.to_string()),
        "<f4" => {
            let values = file.into_vec::<f32>().map_err(|e| e.to_string())?;
            values.into_iter().map(|x| unit(x.into()).map_err(outside)).collect()
        }
        "<f8" => {
            let values = file.into_vec::<f64>().map_err(|e| e.to_string())?;
            values.into_iter().map(|x| unit(x).map_err(outside)).collect()
        }
        other => return Err(format!("its numbers are {other}; use bytes (uint8), float32 or float64")),
    };
    let pixels = pixels?;
    if pixels.len() != count {
        return Err(format!("its shape {shape:?} does not hold {} numbers", pixels.len()));
    }
    Ok((pixels, (height as usize, width as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write_png(path: &Path, color: png::ColorType, (w, h): (u32, u32), data: &[u8]) {
        let mut encoder = png::Encoder::new(std::fs::File::create(path).unwrap(), w, h);
        encoder.set_color(color);
        encoder.write_header().unwrap().write_image_data(data).unwrap();
    }

    /// Header and values by hand: the published format.
    fn write_npy(path: &Path, descr: &str, shape: &str, data: &[u8]) {
        let mut header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
        while !(10 + header.len() + 1).is_multiple_of(64) {
            header.push(' ');
        }
        header.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        std::fs::write(path, bytes).unwrap();
    }

    #[test]
    fn colours_become_grey() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.png");
        let read = || read_pictures(&path, (1, 2), 10).unwrap().pixels().to_vec();
        write_png(&path, png::ColorType::Grayscale, (2, 1), &[7, 255]);
        assert_eq!(read(), [7, 255]);
        write_png(&path, png::ColorType::GrayscaleAlpha, (2, 1), &[200, 255, 200, 0]);
        assert_eq!(read(), [200, 0]);
        // 0.299 R + 0.587 G + 0.114 B
        write_png(&path, png::ColorType::Rgb, (2, 1), &[255, 0, 0, 10, 20, 30]);
        assert_eq!(read(), [76, 18]);
        write_png(&path, png::ColorType::Rgba, (2, 1), &[255, 255, 255, 128, 0, 0, 255, 255]);
        assert_eq!(read(), [128, 29]);
    }

    #[test]
    fn arrays_hold_one_image_or_many() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.npy");
        write_npy(&path, "|u1", "(2, 1, 2)", &[1, 2, 3, 4]);
        let images = read_pictures(&path, (1, 2), 10).unwrap();
        assert_eq!((images.len(), images.pixels()), (2, &[1, 2, 3, 4][..]));
        let floats: Vec<u8> = [0.0_f32, 1.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        write_npy(&path, "<f4", "(1, 2)", &floats);
        assert_eq!(read_pictures(&path, (1, 2), 10).unwrap().pixels(), [0, 255]);
    }

    #[test]
    fn what_is_no_picture_says_why() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a");
        let refused = || read_pictures(&path, (1, 2), 10).unwrap_err().to_string();
        std::fs::write(&path, "hello").unwrap();
        assert!(refused().contains("neither a PNG file nor an NPY array"));
        write_png(&path, png::ColorType::Grayscale, (1, 2), &[7, 255]);
        assert!(refused().contains("it is 2 × 1 pixels, but the model learned 1 × 2"));
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            refused();
        }
        for (descr, shape, part) in [
            ("|u1", "(1, 2, 1, 1)", "its shape is"),
            ("|u1", "(1000000000, 1000000000, 1000000000)", "too large"),
            ("|u1", "(1000, 1000)", "but the file has"),
            ("<i8", "(1, 2)", "its numbers are"),
        ] {
            write_npy(&path, descr, shape, &[0; 16]);
            assert!(refused().contains(part), "{part}: {}", refused());
        }
        write_npy(&path, "<f4", "(1, 2)", &[2.0_f32.to_le_bytes(), 0.5_f32.to_le_bytes()].concat());
        assert!(refused().contains("a pixel is 2"));
        assert!(read_pictures(&place.path().join("none"), (1, 2), 10).is_err());
    }
}
