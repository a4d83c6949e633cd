//! Patches of images as a sequence.

use nl_autodiff::{Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, Size, image, product};
use crate::{Builder, Context, Error, Initializer, Layer, Linear};

/// Patches of an image in a configuration: `{kind: patches, size: 4, units: 64}`, a sequence of the image's squares (row by row, from
/// above), each through one learned linear map.
///
/// x_t = E p_t + b, p_t the pixels of patch t, channel by channel
///
/// | | shape |
/// |---|---|
/// | input | `[B, C, H, W]` |
/// | output | `[T, B, units]`, T = (H / height) · (W / width) |
/// | E (`weight`), b (`bias`) | `[units, C · height · width]`, `[units]` |
///
/// Source: Dosovitskiy et al., "An image is worth 16 × 16 words", 2021, eq. 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PatchesConfig {
    /// Height and width of a patch; they divide the image's.
    pub size: Size,
    /// Features of a step.
    pub units: usize,
    /// Whether there is a bias.
    #[serde(default = "yes")]
    pub bias: bool,
}

const fn yes() -> bool {
    true
}

struct Patches {
    path: String,
    image: [usize; 3],
    size: [usize; 2],
    map: Linear,
}

impl LayerConfig for PatchesConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let image = image(at, inputs)?;
        let ([channels, height, width], size) = (image, self.size.pair());
        let [down, across] = size;
        if down == 0 || across == 0 || !height.is_multiple_of(down) || !width.is_multiple_of(across) {
            let message = format!(
                "patches of {down} x {across} do not tile {height} x {width} pixels; choose divisors, or pad the image"
            );
            return Err(Error::hyperparameter(at.path(), message));
        }
        let (steps, pixels) = ((height / down) * (width / across), channels * down * across);
        let make = if self.bias { Linear::new } else { Linear::without_bias };
        let map = make(at, pixels, self.units, Initializer::XavierUniform)?;
        let layer = Patches { path: at.path().to_owned(), image, size, map };
        Ok(Built::layer(layer, Form::sequence(steps, self.units), product(&[steps, pixels, self.units])))
    }
}

impl<S: Scalar> Layer<S> for Patches {
    fn forward<'t>(&self, x: Var<'t, S>, ctx: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        let ([channels, height, width], [down, across]) = (self.image, self.size);
        let &[batch, c, h, w] = shape.dims() else { return Err(self.refuse(shape.dims())) };
        if [c, h, w] != self.image {
            return Err(self.refuse(shape.dims()));
        }
        let (rows, cols) = (height / down, width / across);
        let tiles = x.reshape(&[batch, channels, rows, down, cols, across]).at(&self.path)?;
        let patches = tiles.permute(&[2, 4, 0, 1, 3, 5]).at(&self.path)?;
        let patches = patches.reshape(&[rows * cols, batch, channels * down * across]).at(&self.path)?;
        self.map.forward(patches, ctx)
    }
}

impl Patches {
    fn refuse(&self, got: &[usize]) -> Error {
        let [c, h, w] = self.image;
        Error::input(&self.path, format!("[B, {c}, {h}, {w}]"), got, "pass images of the size the layer was built for")
    }
}
