//! Random geometry and erasing for one image.

use nl_random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::warp::{Affine, Scratch, warp};
use super::{Erase, TransformError, check, check_len};

/// Random shift, rotation, scale, shear, elastic distortion and erasing, each drawn uniformly within ± its parameter.
///
/// The geometric parts are composed into one map from output to input pixels and resampled once, bilinearly:
/// x_in = R(-θ) · Shear(-k) · (1/s) · (x_out - c - t) + c + u(x_out), with u the elastic field. A parameter of 0
/// switches its part off; with all of them 0 the image is copied bit for bit.
/// Source of the elastic part: Simard, Steinkraus & Platt, ICDAR 2003; of erasing: Zhong et al., AAAI 2020.
///
/// ```
/// use nl_data::{Augment, Scratch};
/// use nl_random::Streams;
///
/// let augment = Augment { shift: 2.0, rotate: 15.0, elastic: 1.0, ..Augment::default() };
/// let (image, mut out, mut scratch) = ([0.5; 28 * 28], [0.0; 28 * 28], Scratch::new());
/// let mut rng = Streams::new(1).rng("augment", 0, 41); // epoch 0, sample 41
/// augment.apply(&image, 28, 28, &mut out, &mut scratch, &mut rng)?;
/// # Ok::<(), nl_data::TransformError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Greatest shift along each axis, in pixels.
    pub shift: f32,
    /// Greatest rotation, in degrees.
    pub rotate: f32,
    /// Greatest relative change of size, in [0, 1): 0.1 is a factor from 0.9 to 1.1, for each axis.
    pub scale: f32,
    /// Greatest horizontal shear (slant), as the shift per pixel of height.
    pub shear: f32,
    /// Root-mean-square elastic displacement along each axis, in pixels.
    pub elastic: f32,
    /// Smoothness σ of the elastic field, in pixels; at least 1.
    pub elastic_sigma: f32,
    /// The value beyond the image's edge.
    pub fill: f32,
    /// Random erasing, after the geometry.
    pub erase: Erase,
}

impl Default for Augment {
    /// Changes nothing.
    fn default() -> Self {
        Self {
            shift: 0.0,
            rotate: 0.0,
            scale: 0.0,
            shear: 0.0,
            elastic: 0.0,
            elastic_sigma: 4.0,
            fill: 0.0,
            erase: Erase::default(),
        }
    }
}

impl Augment {
    /// Refuses parameters outside their ranges.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    pub fn validate(&self) -> Result<(), TransformError> {
        for (name, value) in
            [("shift", self.shift), ("rotate", self.rotate), ("shear", self.shear), ("elastic", self.elastic)]
        {
            check("augment", name, value, value.is_finite() && value >= 0.0, "a finite number >= 0")?;
        }
        check("augment", "scale", self.scale, (0.0..1.0).contains(&self.scale), "a number in [0, 1)")?;
        let sigma = self.elastic_sigma;
        check("augment", "elastic_sigma", sigma, sigma.is_finite() && sigma >= 1.0, "a finite number >= 1")?;
        check("augment", "fill", self.fill, self.fill.is_finite(), "a finite number")?;
        self.erase.validate()
    }

    /// `src` to `out`, both `[height, width]`; allocates nothing once `scratch` has seen the size.
    ///
    /// # Errors
    /// A parameter outside its range, or a slice that is not `height · width` long.
    pub fn apply(
        &self,
        src: &[f32],
        height: usize,
        width: usize,
        out: &mut [f32],
        scratch: &mut Scratch,
        rng: &mut Rng,
    ) -> Result<(), TransformError> {
        self.validate()?;
        check_len("augment", src.len(), height, width)?;
        check_len("augment", out.len(), height, width)?;
        let geometric = [self.shift, self.rotate, self.scale, self.shear, self.elastic].iter().any(|&p| p != 0.0);
        if geometric {
            let map = self.draw(rng);
            if self.elastic > 0.0 {
                scratch.field.draw(height, width, self.elastic, self.elastic_sigma, rng);
            }
            warp(src, [height, width], &map, self.elastic > 0.0, self.fill, out, scratch);
        } else {
            out.copy_from_slice(src);
        }
        self.erase.apply(out, height, width, rng)?;
        Ok(())
    }

    /// The affine part, six draws whatever is switched on.
    fn draw(&self, rng: &mut Rng) -> Affine {
        let mut within = |limit: f32| limit * (2.0 * rng.random::<f32>() - 1.0);
        let (dx, dy) = (within(self.shift), within(self.shift));
        let angle = within(self.rotate.to_radians());
        let (sx, sy) = (1.0 / (1.0 + within(self.scale)), 1.0 / (1.0 + within(self.scale)));
        let shear = within(self.shear);
        let (sin, cos) = angle.sin_cos();
        // R(-θ) · Shear(-k) · diag(1/s)
        let matrix = [cos * sx, (sin - cos * shear) * sy, -sin * sx, (cos + sin * shear) * sy];
        let [a, b, c, d] = matrix;
        Affine { matrix, offset: [-(a * dx + b * dy), -(c * dx + d * dy)] }
    }
}
