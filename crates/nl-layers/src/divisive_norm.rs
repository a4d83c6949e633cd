//! Normalisation by the activity of neighbours.

use nl_autodiff::{KeepDims, Scalar, Var};
use serde::{Deserialize, Serialize};

use crate::error::At;
use crate::graph::{Built, Form, LayerConfig, only};
use crate::{Builder, Context, Error, Layer};

/// Divisive normalisation: each unit over the root of the mean square of its neighbours and of a constant,
///
/// v = x − \[centre\] · mean_A x;  y = v / √(σ² + mean_A v²),
///
/// where A, the neighbours of a unit, are all features of its row; of an image, the channels (all, or its own) of a window around it.
/// Outside the image there are zeros, which count in the mean.
///
/// | | shape |
/// |---|---|
/// | input, output | `[B, F]`, `[T, B, F]` (each step on its own) or `[B, C, H, W]` |
///
/// Where σ is small against its neighbours a unit tells its share of their activity, where it is large the response is linear. With
/// all features, no centre and σ² = ε it is RMS normalisation.
///
/// Sources: Ren, Liao, Urtasun, Sinz & Zemel, "Normalizing the Normalizers", ICLR 2017, sec. 3 (one window A for both means); the
/// exponent 2 and the semi-saturation σ are of the normalisation equation of Carandini & Heeger, "Normalization as a canonical neural
/// computation", 2012.
#[derive(Debug, Clone)]
pub struct DivisiveNorm {
    path: String,
    form: Form,
    pool: Option<Pool>,
    center: bool,
    sigma: f64,
}

/// The neighbours of a unit of an image.
#[derive(Debug, Clone, Copy)]
struct Pool {
    window: usize,
    channels: Channels,
}

/// Which channels of an image are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Channels {
    /// All of them.
    #[default]
    All,
    /// A unit's own.
    Own,
}

/// A [`DivisiveNorm`] in a configuration: `{kind: divisive-norm, window: 5}`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct DivisiveNormConfig {
    /// Height and width, odd, of the window of neighbours in an image; 1: the pixel alone. Rows have none.
    #[serde(default = "one")]
    pub window: usize,
    /// Which channels of an image are neighbours.
    #[serde(default)]
    pub channels: Channels,
    /// Whether the mean of the neighbours is taken off first.
    #[serde(default)]
    pub center: bool,
    /// σ, the activity at which a unit begins to saturate.
    #[serde(default = "sigma")]
    pub sigma: f64,
}

const fn one() -> usize {
    1
}

const fn sigma() -> f64 {
    1.0
}

impl LayerConfig for DivisiveNormConfig {
    fn build<S: Scalar>(&self, at: &Builder, inputs: &[Form]) -> Result<Built<S>, Error> {
        let form = only(at, inputs)?;
        let path = at.path().to_owned();
        let Self { window, channels, center, sigma } = *self;
        if !(sigma > 0.0 && sigma.is_finite()) {
            return Err(Error::hyperparameter(&path, format!("sigma {sigma} must be positive and finite; 1 is usual")));
        }
        if window.is_multiple_of(2) {
            let message = format!("window {window} must be odd, so that it has a middle");
            return Err(Error::hyperparameter(&path, message));
        }
        let pool = match (form.steps, &form.dims[..]) {
            (None, &[_, height, width]) => {
                if window > height.saturating_mul(2) || window > width.saturating_mul(2) {
                    let message =
                        format!("window {window} reaches beyond {height} x {width} pixels; use a smaller one");
                    return Err(Error::hyperparameter(&path, message));
                }
                Some(Pool { window, channels })
            }
            (_, [_]) if window == 1 && channels == Channels::All => None,
            (_, [_]) => {
                let message = "window and channels are for images; all features of a row are neighbours";
                return Err(Error::hyperparameter(&path, message));
            }
            _ => {
                let help = "it normalises features and the units of images";
                return Err(Error::input(&path, "[B, F], [T, B, F] or [B, C, H, W]", &form.batched(1), help));
            }
        };
        Ok(Built::layer(DivisiveNorm { path, form: form.clone(), pool, center, sigma }, form.clone(), 0))
    }
}

impl DivisiveNorm {
    /// mean_A x
    fn mean<'t, S: Scalar>(&self, x: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let Some(Pool { window, channels }) = self.pool else {
            return x.mean_axes(&[x.shape().rank() - 1], KeepDims::Yes);
        };
        let x = if channels == Channels::All { x.mean_axes(&[1], KeepDims::Yes)? } else { x };
        if window == 1 { Ok(x) } else { x.avg_pool2d([window; 2], [1, 1], [window / 2; 2]) }
    }

    fn normalize<'t, S: Scalar>(&self, x: Var<'t, S>) -> Result<Var<'t, S>, nl_autodiff::Error> {
        let v = if self.center { x.sub(self.mean(x)?)? } else { x };
        let gain = self.mean(v.square()?)?.add_scalar(self.sigma * self.sigma)?.sqrt()?.recip()?;
        v.mul(gain)
    }
}

impl<S: Scalar> Layer<S> for DivisiveNorm {
    fn forward<'t>(&self, x: Var<'t, S>, _: &mut Context<'t, S>) -> Result<Var<'t, S>, Error> {
        let shape = x.shape();
        if !self.form.fits(shape.dims()) {
            let help = "pass samples of the form that it was built for";
            return Err(Error::input(&self.path, self.form.named(), shape.dims(), help));
        }
        self.normalize(x).at(&self.path)
    }
}
