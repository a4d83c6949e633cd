//! Sizes and parameters.

use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::NAME;

/// More weights or neurons than this are a typing error.
const MOST: usize = 1 << 28;

/// A population on a grid: neuron (y · width + x) · channels + c.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels, or maps, of a place.
    pub channels: usize,
}

impl Grid {
    /// Number of neurons.
    #[must_use]
    pub fn len(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of places.
    pub(super) fn places(&self) -> usize {
        self.height * self.width
    }

    /// The grid left by windows of `window` places side by side; those past the edge are cut.
    #[must_use]
    pub fn pooled(&self, window: usize) -> Self {
        let n = |size: usize| size.div_ceil(window.max(1));
        Self { height: n(self.height), width: n(self.width), channels: self.channels }
    }
}

/// Parameters of a layer; the defaults are those that read MNIST best with one layer (`configs/conv-stdp.yaml`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ConvStdpConfig {
    /// Feature maps.
    pub maps: usize,
    /// Rows and columns of a kernel.
    pub kernel: usize,
    /// Silent places around the input, p.
    pub padding: usize,
    /// θ
    pub threshold: f32,
    /// Neurons of a place that may spike at inference, the first to cross (within a bin those of highest V, of equals the
    /// first map); none: all.
    pub keep: Option<usize>,
    /// k: winners of an image.
    pub winners: usize,
    /// r: no second winner within so many rows and columns; 0: a place may win with several maps.
    pub radius: usize,
    /// a, at the start.
    pub rate: f32,
    /// a, at most.
    pub largest_rate: f32,
    /// Images between two doublings of a.
    pub double_every: u64,
    /// d: depression over potentiation.
    pub depression: f32,
    /// Mean of the first weights, drawn from a normal distribution and clamped to [0, 1].
    pub mean: f32,
    /// Their standard deviation.
    pub std: f32,
}

impl Default for ConvStdpConfig {
    fn default() -> Self {
        Self {
            maps: 64,
            kernel: 7,
            padding: 3,
            threshold: 25.0,
            keep: None,
            winners: 5,
            radius: 3,
            rate: 0.004,
            largest_rate: 0.15,
            double_every: 500,
            depression: 0.75,
            mean: 0.8,
            std: 0.05,
        }
    }
}

impl ConvStdpConfig {
    /// `Ok` if every value can be used.
    ///
    /// # Errors
    /// [`Error::Parameter`], naming the value.
    pub fn validate(&self) -> Result<(), Error> {
        let count = |name, n: usize, low: usize, expected| {
            Error::check(NAME, name, n as f64, |x| x >= low as f64 && x <= 65_536.0, expected)
        };
        count("maps", self.maps, 1, "use 1 to 65536")?;
        count("kernel", self.kernel, 1, "use 1 to 65536")?;
        let small = |p| p < self.kernel as f64;
        Error::check(NAME, "padding", self.padding as f64, small, "use less than the kernel's size")?;
        Error::positive(NAME, "threshold", self.threshold.into())?;
        if let Some(keep) = self.keep {
            count("keep", keep, 1, "use 1 to 65536, or leave it out")?;
        }
        count("winners", self.winners, 1, "use 1 to 65536")?;
        count("radius", self.radius, 0, "use 0 to 65536")?;
        let share = |x| x > 0.0 && x <= 1.0;
        Error::check(NAME, "rate", self.rate.into(), share, "use a number above 0, at most 1")?;
        let more = |x| x >= f64::from(self.rate) && x <= 1.0;
        Error::check(NAME, "largest_rate", self.largest_rate.into(), more, "use at least the rate, at most 1")?;
        Error::check(NAME, "double_every", self.double_every as f64, |x| x >= 1.0, "use at least 1 image")?;
        let less = |x| (0.0..=100.0).contains(&x);
        Error::check(NAME, "depression", self.depression.into(), less, "use 0 to 100")?;
        Error::check(NAME, "mean", self.mean.into(), |x| (0.0..=1.0).contains(&x), "use 0 to 1")?;
        Error::not_negative(NAME, "std", self.std.into())
    }

    /// The grid of the layer's neurons over `input`.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value cannot be used, or if the kernel is larger than the padded input;
    /// [`Error::Population`] if there are no inputs, or too many weights or neurons.
    pub fn output(&self, input: Grid) -> Result<Grid, Error> {
        self.validate()?;
        let few = |n: usize| if n > 0 && n <= MOST { Ok(()) } else { Err(Error::Population { model: NAME, n }) };
        few(input.len())?;
        let least = input.height.min(input.width) + 2 * self.padding;
        Error::check(NAME, "kernel", self.kernel as f64, |k| k <= least as f64, "use at most the padded input's size")?;
        few([self.kernel, self.kernel, self.maps].into_iter().fold(input.channels, usize::saturating_mul))?;
        let n = |size: usize| size + 2 * self.padding + 1 - self.kernel;
        let output = Grid { height: n(input.height), width: n(input.width), channels: self.maps };
        few(output.len())?;
        Ok(output)
    }

    /// a after `seen` images: rate · 2^⌊seen / double_every⌋, at most `largest_rate`.
    #[must_use]
    pub fn rate_after(&self, seen: u64) -> f32 {
        let doublings = (seen / self.double_every.max(1)).min(1000) as i32;
        (self.rate * 2.0_f32.powi(doublings)).min(self.largest_rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_doubles_up_to_its_bound() {
        let config = ConvStdpConfig::default();
        let rates: Vec<f32> = [0, 499, 500, 1000, 2999, 3000, u64::MAX].map(|n| config.rate_after(n)).to_vec();
        assert_eq!(rates, [0.004, 0.004, 0.008, 0.016, 0.128, 0.15, 0.15]);
    }

    #[test]
    fn sizes_follow_kernel_padding_and_pooling() {
        let input = Grid { height: 28, width: 30, channels: 2 };
        let at = |kernel, padding| ConvStdpConfig { kernel, padding, ..ConvStdpConfig::default() }.output(input);
        assert_eq!(at(7, 3).unwrap(), Grid { height: 28, width: 30, channels: 64 });
        assert_eq!(at(5, 0).unwrap(), Grid { height: 24, width: 26, channels: 64 });
        assert_eq!(at(5, 0).unwrap().pooled(4), Grid { height: 6, width: 7, channels: 64 });
        assert!(at(29, 0).is_err() && at(28, 0).is_ok());
    }

    #[test]
    fn bad_parameters_are_named() {
        let d = ConvStdpConfig::default();
        let nan = f32::NAN;
        for (config, name) in [
            (ConvStdpConfig { maps: 0, ..d.clone() }, "maps"),
            (ConvStdpConfig { maps: usize::MAX, ..d.clone() }, "maps"),
            (ConvStdpConfig { kernel: 0, ..d.clone() }, "kernel"),
            (ConvStdpConfig { padding: 7, ..d.clone() }, "padding"),
            (ConvStdpConfig { padding: usize::MAX, ..d.clone() }, "padding"),
            (ConvStdpConfig { threshold: 0.0, ..d.clone() }, "threshold"),
            (ConvStdpConfig { threshold: f32::INFINITY, ..d.clone() }, "threshold"),
            (ConvStdpConfig { keep: Some(0), ..d.clone() }, "keep"),
            (ConvStdpConfig { winners: 0, ..d.clone() }, "winners"),
            (ConvStdpConfig { radius: usize::MAX, ..d.clone() }, "radius"),
            (ConvStdpConfig { rate: nan, ..d.clone() }, "rate"),
            (ConvStdpConfig { rate: 2.0, ..d.clone() }, "rate"),
            (ConvStdpConfig { largest_rate: 0.001, ..d.clone() }, "largest_rate"),
            (ConvStdpConfig { double_every: 0, ..d.clone() }, "double_every"),
            (ConvStdpConfig { depression: -1.0, ..d.clone() }, "depression"),
            (ConvStdpConfig { mean: 1.5, ..d.clone() }, "mean"),
            (ConvStdpConfig { std: nan, ..d.clone() }, "std"),
        ] {
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        for channels in [0, usize::MAX] {
            assert!(d.output(Grid { height: 28, width: 28, channels }).is_err());
        }
        assert!(d.output(Grid { height: 1 << 20, width: 1 << 20, channels: 1 }).is_err());
    }
}
