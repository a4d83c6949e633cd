//! Folders of PNG and JPEG files, one folder a class.

use std::fs::File;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::form::is_picture;
use super::{Colour, Found, Options, ReadError, aligned, within};
use crate::samples::MOST_CLASSES;
use crate::{Limits, Samples, Targets, Values};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";
/// Files that systems leave in folders; those that begin with a dot are passed over, too.
const LITTER: [&str; 2] = ["thumbs.db", "desktop.ini"];
/// Files of one set.
const MOST_FILES: usize = 10_000_000;
/// Pixels of one side.
const LONGEST_SIDE: usize = 1 << 14;
const LAYOUT: &str =
    "put the pictures of each class into a folder named after it, within train and test or directly in this one";

/// Reads the pictures of `dir`: `train/CLASS/*.png` and `test/CLASS/*.png`, or `CLASS/*.png` where the test set is to
/// be drawn.
///
/// Classes are the names of the folders, in order; pictures (PNG or JPEG, told by their first bytes) are in order of
/// their names. All are of one size, and grey `[height, width]` or coloured `[3, height, width]` as `options.colour`
/// says. Of 16 bits the upper 8 are kept; what is transparent becomes black.
///
/// # Errors
/// [`ReadError`]: a folder without pictures, another file among them, a picture that is damaged or too large, two of
/// different size or colour, a class of the test set that is not in the training set.
///
/// ```no_run
/// use nl_data::{read, Limits};
///
/// let found = read::picture_dir("pets".as_ref(), &read::Options::default(), &Limits::default())?;
/// println!("{} pictures of {:?}", found.train.len(), found.train.targets().names());
/// # Ok::<(), nl_data::read::ReadError>(())
/// ```
pub fn picture_dir(dir: &Path, options: &Options, limits: &Limits) -> Result<Found, ReadError> {
    let (train, test) = (dir.join("train"), dir.join("test"));
    if !(train.is_dir() && test.is_dir()) {
        return Ok(Found { train: Set::new(options, limits).read(dir)?, test: None, unused: Vec::new() });
    }
    let mut set = Set::new(options, limits);
    let learned = set.read(&train)?;
    let held = aligned(&learned, set.read(&test)?, &test)?;
    Ok(Found { train: learned, test: Some(held), unused: Vec::new() })
}

/// One picture, PNG or JPEG: grey `[height, width]` or coloured `[3, height, width]` as `colour` says.
pub(super) fn picture_file(
    path: &Path,
    options: &Options,
    limits: &Limits,
) -> Result<(Vec<usize>, Vec<u8>), ReadError> {
    let (mut set, mut values) = (Set::new(options, limits), Vec::new());
    set.picture(path, &mut values)?;
    Ok((set.first.map_or_else(Vec::new, |(_, look)| look.shape()), values))
}

/// What is in a folder, but for litter, in order of names.
fn listed(dir: &Path) -> Result<Vec<(String, PathBuf)>, ReadError> {
    let mut entries = Vec::new();
    for entry in dir.read_dir().map_err(ReadError::io(dir))? {
        let entry = entry.map_err(ReadError::io(dir))?;
        let Ok(name) = entry.file_name().into_string() else {
            let what = format!("the name {:?} is not UTF-8", entry.file_name());
            return Err(ReadError::format(dir, what, "rename it"));
        };
        if name.starts_with('.') || LITTER.contains(&name.to_ascii_lowercase().as_str()) {
            continue;
        }
        entries.push((name, entry.path()));
        if entries.len() > MOST_FILES {
            return Err(ReadError::format(dir, format!("more than {MOST_FILES} files"), "split the set"));
        }
    }
    entries.sort();
    Ok(entries)
}

/// The size and the colour of pictures: what all have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Look {
    height: usize,
    width: usize,
    coloured: bool,
}

impl Look {
    fn words(self) -> String {
        format!("{}x{} {}", self.height, self.width, if self.coloured { "in colour" } else { "in grey" })
    }

    fn shape(self) -> Vec<usize> {
        if self.coloured { vec![3, self.height, self.width] } else { vec![self.height, self.width] }
    }
}

/// Folders of classes that belong together.
struct Set<'a> {
    colour: Colour,
    limits: &'a Limits,
    /// The first picture, which all others must look like.
    first: Option<(PathBuf, Look)>,
}

impl<'a> Set<'a> {
    fn new(options: &Options, limits: &'a Limits) -> Self {
        Self { colour: options.colour, limits, first: None }
    }

    fn read(&mut self, dir: &Path) -> Result<Samples, ReadError> {
        let (mut names, mut values, mut labels) = (Vec::new(), Vec::new(), Vec::new());
        for (name, class) in listed(dir)? {
            if !class.is_dir() {
                return Err(ReadError::format(&class, "a file among the folders of classes", LAYOUT));
            }
            let label = names.len() as u32;
            for (_, path) in listed(&class)? {
                if !is_picture(&path) {
                    return Err(ReadError::format(&path, "no PNG or JPEG file", "remove it, or save it as one"));
                }
                self.picture(&path, &mut values)?;
                labels.push(label);
            }
            if labels.last() != Some(&label) {
                return Err(ReadError::format(&class, "a class without a picture", "add one, or remove the folder"));
            }
            names.push(name);
            if names.len() > MOST_CLASSES {
                return Err(ReadError::format(dir, format!("more than {MOST_CLASSES} classes"), LAYOUT));
            }
        }
        let Some((_, look)) = self.first.as_ref().filter(|_| !labels.is_empty()) else {
            return Err(ReadError::format(dir, "no folder with pictures", LAYOUT));
        };
        let targets = Targets::Classes { labels, classes: names.len(), names };
        Samples::new(look.shape(), Values::U8(values), targets).map_err(ReadError::samples(dir))
    }

    /// Adds the pixels of one picture to `values`.
    fn picture(&mut self, path: &Path, values: &mut Vec<u8>) -> Result<(), ReadError> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(ReadError::io(path))?;
        file.take(self.limits.max_bytes.saturating_add(1)).read_to_end(&mut bytes).map_err(ReadError::io(path))?;
        within(path, bytes.len() as u64, self.limits)?;
        let broken = |what: String| ReadError::format(path, what, "get or save the file again");
        let decode: Decode = match () {
            () if bytes.starts_with(PNG) => png,
            () if bytes.starts_with(JPEG) => jpeg,
            () => return Err(broken("neither PNG nor JPEG, whatever its name says".to_owned())),
        };
        let room = self.limits.max_bytes.saturating_sub(values.len() as u64);
        let Pixels { height, width, channels, bytes } = decode(&bytes, self.limits.max_bytes).map_err(broken)?;
        let coloured = match self.colour {
            Colour::Auto => channels == 3,
            Colour::Grey => false,
            Colour::Rgb => true,
        };
        let look = Look { height, width, coloured };
        match &self.first {
            None => self.first = Some((path.to_path_buf(), look)),
            Some((_, first)) if *first == look => {}
            Some((first, expected)) => {
                return Err(ReadError::PicturesDiffer {
                    first: first.clone(),
                    first_is: expected.words(),
                    second: path.to_path_buf(),
                    second_is: look.words(),
                });
            }
        }
        let area = height * width;
        let added = if coloured { 3 * area } else { area };
        if added as u64 > room {
            let (declared, limit) = (values.len() as u64 + added as u64, self.limits.max_bytes);
            return Err(ReadError::TooLarge { file: path.to_path_buf(), declared, limit });
        }
        match (channels, coloured) {
            (1, false) => values.extend_from_slice(&bytes),
            (1, true) => (0..3).for_each(|_| values.extend_from_slice(&bytes)),
            (_, true) => (0..3).for_each(|c| values.extend(bytes.iter().skip(c).step_by(3))),
            (_, false) => values.extend(bytes.chunks_exact(3).map(|pixel| luma(pixel[0], pixel[1], pixel[2]))),
        }
        Ok(())
    }
}

/// ITU-R BT.601: Y = 0.299 R + 0.587 G + 0.114 B, to the nearest byte.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8
}

/// A decoded picture: `[height, width, channels]`, of 1 or 3 channels.
struct Pixels {
    height: usize,
    width: usize,
    channels: usize,
    bytes: Vec<u8>,
}

/// From the bytes of a file and the most bytes of its pixels.
type Decode = fn(&[u8], u64) -> Result<Pixels, String>;

fn size_fits(height: usize, width: usize, cap: u64) -> Result<(), String> {
    // Four channels at most; the product of two short sides fits.
    let fits = height <= LONGEST_SIDE && width <= LONGEST_SIDE && (height * width) as u64 <= cap / 4;
    if fits { Ok(()) } else { Err(format!("{height}x{width} pixels are more than are read")) }
}

fn png(bytes: &[u8], cap: u64) -> Result<Pixels, String> {
    let limits = png::Limits { bytes: usize::try_from(cap).unwrap_or(usize::MAX) };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let (width, height) = reader.info().size();
    size_fits(height as usize, width as usize, cap)?;
    let mut buffer = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let info = reader.next_frame(&mut buffer).map_err(|e| e.to_string())?;
    buffer.truncate(info.buffer_size());
    let over_black = |value: u8, alpha: u8| ((u32::from(value) * u32::from(alpha) + 127) / 255) as u8;
    let (channels, bytes) = match info.color_type.samples() {
        1 => (1, buffer),
        2 => (1, buffer.chunks_exact(2).map(|pixel| over_black(pixel[0], pixel[1])).collect()),
        3 => (3, buffer),
        _ => {
            let blended = buffer.chunks_exact(4).flat_map(|pixel| [0, 1, 2].map(|c| over_black(pixel[c], pixel[3])));
            (3, blended.collect())
        }
    };
    Ok(Pixels { height: info.height as usize, width: info.width as usize, channels, bytes })
}

fn jpeg(bytes: &[u8], cap: u64) -> Result<Pixels, String> {
    // Its authors call a panic on a damaged file "okay, but should be fixed when reported": none shall get through
    // here.
    let decoded = catch_unwind(AssertUnwindSafe(|| decoded_jpeg(bytes, cap)));
    decoded.unwrap_or_else(|_| Err("the JPEG decoder gave up on it".to_owned()))
}

fn decoded_jpeg(bytes: &[u8], cap: u64) -> Result<Pixels, String> {
    let options =
        DecoderOptions::new_safe().set_strict_mode(true).set_max_width(LONGEST_SIDE).set_max_height(LONGEST_SIDE);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let info = decoder.info().ok_or("no size")?;
    let (height, width) = (usize::from(info.height), usize::from(info.width));
    size_fits(height, width, cap)?;
    let (channels, space) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma | ColorSpace::LumaA) => (1, ColorSpace::Luma),
        _ => (3, ColorSpace::RGB),
    };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let bytes = decoder.decode().map_err(|e| e.to_string())?;
    match bytes.len() == height * width * channels {
        true => Ok(Pixels { height, width, channels, bytes }),
        false => Err("its pixels do not fill its size".to_owned()),
    }
}
