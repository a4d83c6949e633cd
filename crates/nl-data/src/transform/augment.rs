//! Random geometry and erasing for one image.

use nl_random::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::warp::{Affine, Scratch, resamples, warp};
use super::{Erase, TransformError, check, check_len};

/// Random shift, rotation, scale, shear and elastic distortion, each drawn uniformly within ± its parameter; mirroring and
/// erasing (cutout), each with its probability.
///
/// The geometric parts are composed into one map from output to input pixels and resampled once, bilinearly:
/// x_in = R(-θ) · Shear(-k) · (1/s) · (x_out - c - t) + c + u(x_out), with u the elastic field. A parameter of 0
/// switches its part off; with all of them 0 the image is copied bit for bit. A mirror exchanges left and right after that,
/// x_out ← W − 1 − x_out: right for clothes, wrong for digits.
/// Source of the elastic part: Simard, Steinkraus & Platt, ICDAR 2003; of erasing: DeVries & Taylor, arXiv
/// 1708.04552, 2017 (cutout), Zhong et al., AAAI 2020.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Greatest shift along each axis, in pixels.
    pub shift: f32,
    /// Whether shifts are by whole pixels, each up to ⌊shift⌋ equally likely: between pixels an image is smoothed, and what is told by
    /// its texture is lost.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub whole_pixels: bool,
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
    /// Probability that left and right are exchanged, in [0, 1]; 0.5 for things that have no side.
    #[serde(skip_serializing_if = "is_zero")]
    pub mirror: f32,
    /// The value beyond the image's edge.
    pub fill: f32,
    /// Random erasing (cutout), after the geometry.
    pub erase: Erase,
}

impl Default for Augment {
    /// Changes nothing.
    fn default() -> Self {
        Self {
            shift: 0.0,
            whole_pixels: false,
            rotate: 0.0,
            scale: 0.0,
            shear: 0.0,
            elastic: 0.0,
            elastic_sigma: 4.0,
            mirror: 0.0,
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
        check("augment", "mirror", self.mirror, (0.0..=1.0).contains(&self.mirror), "a number in [0, 1]")?;
        check("augment", "fill", self.fill, self.fill.is_finite(), "a finite number")?;
        self.erase.validate()
    }

    /// The same geometry for images whose sides are `factor` times as long: shift, elastic and elastic_sigma are lengths and
    /// are multiplied (elastic_sigma stays at least 1); angles and proportions stay.
    ///
    /// ```
    /// let augment = nl_data::Augment { shift: 2.0, rotate: 15.0, ..Default::default() };
    /// let small = augment.scaled(8.0 / 28.0);
    /// assert_eq!((small.shift, small.rotate), (2.0 * 8.0 / 28.0, 15.0));
    /// assert_eq!(augment.scaled(1.0), augment);
    /// ```
    #[must_use]
    pub fn scaled(&self, factor: f32) -> Self {
        Self {
            shift: self.shift * factor,
            elastic: self.elastic * factor,
            elastic_sigma: (self.elastic_sigma * factor).max(1.0),
            ..*self
        }
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
            if !resamples(height, width) {
                return Err(TransformError::Size { operation: "augment", height, width });
            }
            let map = self.draw(rng);
            if self.elastic > 0.0 {
                scratch.field.draw(height, width, self.elastic, self.elastic_sigma, rng);
            }
            warp(src, [height, width], &map, self.elastic > 0.0, self.fill, out, scratch);
        } else {
            out.copy_from_slice(src);
        }
        // No draw without it: what has no mirror is distorted as ever.
        if self.mirror > 0.0 && rng.random::<f32>() < self.mirror {
            out.chunks_exact_mut(width.max(1)).for_each(<[f32]>::reverse);
        }
        self.erase.apply(out, height, width, rng)?;
        Ok(())
    }

    /// The affine part, six draws whatever is switched on.
    fn draw(&self, rng: &mut Rng) -> Affine {
        let mut within = |limit: f32| limit * (2.0 * rng.random::<f32>() - 1.0);
        let (dx, dy) = match (self.whole_pixels, self.shift.floor()) {
            (false, _) => (within(self.shift), within(self.shift)),
            // Each whole number has an interval of 1.
            (true, most) => {
                let mut whole = || within(most + 0.5).round().clamp(-most, most);
                (whole(), whole())
            }
        };
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

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(value: &f32) -> bool {
    *value == 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    const SIDE: usize = 28;

    /// A smooth blob off the centre.
    fn blob() -> Vec<f32> {
        (0..SIDE * SIDE)
            .map(|i| {
                let (x, y) = ((i % SIDE) as f32 - 16.0, (i / SIDE) as f32 - 11.0);
                (-(x * x + y * y) / 20.0).exp()
            })
            .collect()
    }

    fn apply(augment: &Augment, index: u64) -> Vec<f32> {
        let mut out = vec![f32::NAN; SIDE * SIDE];
        let mut rng = Streams::new(3).rng("augment", 0, index);
        augment.apply(&blob(), SIDE, SIDE, &mut out, &mut Scratch::new(), &mut rng).unwrap();
        out
    }

    fn centre(image: &[f32]) -> [f32; 3] {
        let mass: f32 = image.iter().sum();
        let x: f32 = image.iter().enumerate().map(|(i, v)| (i % SIDE) as f32 * v).sum();
        let y: f32 = image.iter().enumerate().map(|(i, v)| (i / SIDE) as f32 * v).sum();
        [x / mass, y / mass, mass]
    }

    #[test]
    fn nothing_asked_for_changes_no_bit() {
        assert_eq!(apply(&Augment::default(), 0), blob());
    }

    #[test]
    fn depends_on_the_generator_only() {
        let augment = Augment { shift: 2.0, rotate: 10.0, elastic: 1.0, ..Augment::default() };
        assert_eq!(apply(&augment, 1), apply(&augment, 1));
        assert_ne!(apply(&augment, 1), apply(&augment, 2));
    }

    #[test]
    fn a_used_scratch_changes_nothing() {
        let augment = Augment { shift: 2.0, rotate: 10.0, elastic: 1.0, ..Augment::default() };
        let (mut scratch, mut out) = (Scratch::new(), vec![0.0; SIDE * SIDE]);
        let streams = Streams::new(3);
        for index in [5, 6] {
            augment
                .apply(&[1.0; 63], 9, 7, &mut [0.0; 63], &mut scratch, &mut streams.rng("augment", 1, index))
                .unwrap();
            augment.apply(&blob(), SIDE, SIDE, &mut out, &mut scratch, &mut streams.rng("augment", 0, index)).unwrap();
            assert_eq!(out, apply(&augment, index));
        }
    }

    /// Each whole shift within the limit occurs about as often; pixels are moved, not mixed.
    #[test]
    fn whole_pixels_are_moved_as_they_are() {
        let augment = Augment { shift: 2.7, whole_pixels: true, fill: -1.0, ..Augment::default() };
        let mut seen = [[0; 5]; 5];
        let blob = blob();
        for index in 0..2500 {
            let out = apply(&augment, index);
            let fits = |dy: i32, dx: i32| {
                (0..28).all(|y| {
                    (0..28).all(|x| {
                        let (from_y, from_x) = (y - dy, x - dx);
                        let inside = (0..28).contains(&from_y) && (0..28).contains(&from_x);
                        out[(y * 28 + x) as usize] == if inside { blob[(from_y * 28 + from_x) as usize] } else { -1.0 }
                    })
                })
            };
            let all = (-2..=2).flat_map(|dy| (-2..=2).map(move |dx| (dy, dx)));
            let (dy, dx) = all.into_iter().find(|&(dy, dx)| fits(dy, dx)).unwrap();
            seen[(dy + 2) as usize][(dx + 2) as usize] += 1;
        }
        // 100 expected of each, standard deviation 9.8.
        assert!(seen.iter().flatten().all(|&n| (60..140).contains(&n)), "{seen:?}");
        let none = Augment { shift: 0.9, ..augment };
        assert_eq!(apply(&none, 1), blob, "no whole pixel fits");
    }

    #[test]
    fn shift_moves_the_centre_within_its_limit_and_keeps_the_mass() {
        let augment = Augment { shift: 3.0, ..Augment::default() };
        let [x, y, mass] = centre(&blob());
        let mut most = [0f32; 2];
        for index in 0..200 {
            let [sx, sy, moved] = centre(&apply(&augment, index));
            assert!((moved / mass - 1.0).abs() < 0.02, "mass {moved} of {mass}");
            most = [most[0].max((sx - x).abs()), most[1].max((sy - y).abs())];
        }
        assert!(most.iter().all(|&m| m > 2.8 && m < 3.1), "{most:?}");
    }

    #[test]
    fn rotation_keeps_the_distance_from_the_centre() {
        let radius = |[x, y, _]: [f32; 3]| (x - 13.5).hypot(y - 13.5);
        let angle = |[x, y, _]: [f32; 3]| (y - 13.5).atan2(x - 13.5).to_degrees();
        let augment = Augment { rotate: 20.0, ..Augment::default() };
        let before = centre(&blob());
        let mut most = 0f32;
        for index in 0..200 {
            let after = centre(&apply(&augment, index));
            assert!((radius(after) - radius(before)).abs() < 0.1);
            most = most.max((angle(after) - angle(before)).abs());
        }
        assert!(most > 18.0 && most < 21.0, "{most}");
    }

    #[test]
    fn scale_changes_the_mass_within_its_square() {
        let augment = Augment { scale: 0.2, ..Augment::default() };
        let mass = centre(&blob())[2];
        let ratios: Vec<f32> = (0..200).map(|index| centre(&apply(&augment, index))[2] / mass).collect();
        assert!(ratios.iter().all(|r| (0.63..1.45).contains(r)), "0.8² to 1.2²");
        assert!(ratios.iter().any(|&r| r < 0.75) && ratios.iter().any(|&r| r > 1.3));
    }

    #[test]
    fn shear_moves_the_rows_and_not_the_columns() {
        let augment = Augment { shear: 0.5, ..Augment::default() };
        let [x, y, _] = centre(&blob());
        let mut most = 0f32;
        for index in 0..200 {
            let [sx, sy, _] = centre(&apply(&augment, index));
            assert!((sy - y).abs() < 0.05);
            most = most.max((sx - x).abs());
        }
        // 0.5 pixel for each of the 2.5 rows above the centre.
        assert!(most > 1.1 && most < 1.4, "{most}");
    }

    #[test]
    fn a_mirror_reverses_rows_as_often_as_asked() {
        let mirrored: Vec<f32> = blob().chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect();
        assert_eq!(apply(&Augment { mirror: 1.0, ..Augment::default() }, 0), mirrored);
        let half = Augment { mirror: 0.5, ..Augment::default() };
        let times = (0..400).filter(|&index| apply(&half, index) == mirrored).count();
        assert!((160..240).contains(&times), "{times} of 400");
        // Drawn after the geometry, which stays what it was.
        let shift = Augment { shift: 2.0, rotate: 10.0, ..Augment::default() };
        let both = apply(&Augment { mirror: 1.0, ..shift }, 7);
        let rows = apply(&shift, 7);
        assert_eq!(both, rows.chunks(SIDE).flat_map(|row| row.iter().rev().copied()).collect::<Vec<_>>());
    }

    #[test]
    fn elastic_distorts_and_averages_out() {
        let augment = Augment { elastic: 1.5, ..Augment::default() };
        let [x, y, mass] = centre(&blob());
        let mut sum = [0.0; 3];
        for index in 0..400 {
            let out = apply(&augment, index);
            assert_ne!(out, blob());
            let after = centre(&out);
            for k in 0..3 {
                sum[k] += after[k] / 400.0;
            }
        }
        assert!((sum[0] - x).abs() < 0.3 && (sum[1] - y).abs() < 0.3 && (sum[2] / mass - 1.0).abs() < 0.1, "{sum:?}");
    }

    #[test]
    fn bad_parameters_are_named() {
        let mut out = [0.0; 4];
        let mut rng = Streams::new(1).rng("augment", 0, 0);
        for (augment, name) in [
            (Augment { shift: -1.0, ..Augment::default() }, "shift"),
            (Augment { rotate: f32::NAN, ..Augment::default() }, "rotate"),
            (Augment { scale: 1.0, ..Augment::default() }, "scale"),
            (Augment { shear: f32::INFINITY, ..Augment::default() }, "shear"),
            (Augment { mirror: 1.1, ..Augment::default() }, "mirror"),
            (Augment { mirror: f32::NAN, ..Augment::default() }, "mirror"),
            (Augment { elastic_sigma: 0.0, ..Augment::default() }, "elastic_sigma"),
            (Augment { erase: Erase { probability: 1.5, ..Erase::default() }, ..Augment::default() }, "probability"),
        ] {
            let error = augment.apply(&[0.0; 4], 2, 2, &mut out, &mut Scratch::new(), &mut rng).unwrap_err();
            assert!(error.to_string().contains(name), "{error}");
        }
        let error = Augment::default().apply(&[0.0; 4], 2, 3, &mut out, &mut Scratch::new(), &mut rng).unwrap_err();
        assert_eq!(error, TransformError::Length { operation: "augment", found: 4, height: 2, width: 3 });
        let (large, shift) = (vec![0.0; 1 << 23], Augment { shift: 1.0, ..Augment::default() });
        let error = shift.apply(&large, 1, 1 << 23, &mut large.clone(), &mut Scratch::new(), &mut rng).unwrap_err();
        assert_eq!(error, TransformError::Size { operation: "augment", height: 1, width: 1 << 23 });
    }
}
