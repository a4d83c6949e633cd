//! Shared weights: what one spike adds to the potentials, and what learning changes.

use nl_kernels::{Level, Vectorised};
use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::Error;
use rand::RngExt;

use super::config::{ConvStdpConfig, Grid};
use super::{NAME, Winner};

/// When each input spiked, for learning: its bin, or `SILENT`.
pub(super) const SILENT: u8 = u8::MAX;

/// Weights `[channel][ky][K − 1 − kx][map]`: what one spike adds to a row of places is one contiguous run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kernels {
    pub(super) input: Grid,
    pub(super) output: Grid,
    pub(super) size: usize,
    pub(super) padding: usize,
    pub(super) weights: Vec<f32>,
}

impl Kernels {
    /// Weights drawn from N(mean, std²), clamped to [0, 1].
    pub(super) fn new(config: &ConvStdpConfig, input: Grid, rng: &mut Rng) -> Result<Self, Error> {
        let output = config.output(input)?;
        let n = input.channels * config.kernel * config.kernel * config.maps;
        let mut weights = Vec::new();
        let full = |_| Error::Memory { model: NAME, bytes: n.saturating_mul(size_of::<f32>()) };
        weights.try_reserve_exact(n).map_err(full)?;
        weights.extend((0..n).map(|_| (config.mean + config.std * normal(rng)).clamp(0.0, 1.0)));
        Ok(Self { input, output, size: config.kernel, padding: config.padding, weights })
    }

    /// Where w_m(c, ky, kx) is.
    pub(super) fn index(&self, map: usize, channel: usize, ky: usize, kx: usize) -> usize {
        ((channel * self.size + ky) * self.size + (self.size - 1 - kx)) * self.output.channels + map
    }

    /// Every (map, channel, ky, kx), in this order, as an index of the weights.
    fn order(&self) -> impl Iterator<Item = usize> + '_ {
        let (maps, channels, size) = (self.output.channels, self.input.channels, self.size);
        (0..maps * channels * size * size).map(move |i| {
            self.index(i / (channels * size * size), i / (size * size) % channels, i / size % size, i % size)
        })
    }

    /// Weights `[map, channel, ky, kx]`.
    pub(super) fn in_order(&self) -> Vec<f32> {
        self.order().map(|i| self.weights[i]).collect()
    }

    /// `Ok` if every weight is a number from 0 to 1.
    pub(super) fn check_finite(&self) -> Result<(), Error> {
        let unsound = self.weights.iter().find(|w| !(0.0..=1.0).contains(*w));
        unsound.map_or(Ok(()), |&w| {
            Err(Error::Parameter {
                model: NAME,
                name: "weight",
                value: w.into(),
                expected: "look at the rates of the rule",
            })
        })
    }

    /// Takes weights `[map, channel, ky, kx]` over.
    pub(super) fn set_in_order(&mut self, weights: &[f32]) -> Result<(), Error> {
        Error::length(NAME, "weights", self.weights.len(), weights.len())?;
        if let Some(&w) = weights.iter().find(|w| !(0.0..=1.0).contains(*w)) {
            return Err(Error::Parameter { model: NAME, name: "weight", value: w.into(), expected: "use 0 to 1" });
        }
        let mut new = vec![0.0; weights.len()];
        for (i, &w) in self.order().zip(weights) {
            new[i] = w;
        }
        self.weights = new;
        Ok(())
    }

    /// Refuses a train of other neurons, or of more bins than earliness can count.
    pub(super) fn check(&self, train: &SpikeTrain) -> Result<(), Error> {
        Error::length(NAME, "spikes (neurons)", self.input.len(), train.population())?;
        let fits = |bins| bins < f64::from(SILENT);
        Error::check(NAME, "bins of the spikes", train.steps() as f64, fits, "use at most 254 time steps")
    }

    /// V += Σ w over `events`, the inputs that spike in a bin.
    pub(super) fn integrate(&self, events: &[u32], potential: &mut [f32]) {
        Level::current().dispatch(Scatter { kernels: self, events, potential });
    }

    /// w := `change`(w, whether the input spiked in the winner's bin or before) for each weight of the winner's map.
    pub(super) fn update(&mut self, when: &[u8], winner: Winner, change: impl Fn(f32, bool) -> f32) {
        let Grid { height, width, channels } = self.input;
        for channel in 0..channels {
            for ky in 0..self.size {
                for kx in 0..self.size {
                    let y = (winner.y as usize + ky).wrapping_sub(self.padding);
                    let x = (winner.x as usize + kx).wrapping_sub(self.padding);
                    let inside = y < height && x < width;
                    let bin = if inside { when[(y * width + x) * channels + channel] } else { SILENT };
                    let index = self.index(winner.map as usize, channel, ky, kx);
                    self.weights[index] = change(self.weights[index], bin != SILENT && u32::from(bin) <= winner.bin);
                }
            }
        }
    }
}

/// The bin of each input's spike (its first, if it has several), or `SILENT`.
pub(super) fn times(train: &SpikeTrain, when: &mut Vec<u8>) {
    when.clear();
    when.resize(train.population(), SILENT);
    for bin in (0..train.steps()).rev() {
        for &event in train.at(bin) {
            when[event as usize] = bin as u8;
        }
    }
}

/// A standard normal number (Box & Muller 1958).
fn normal(rng: &mut Rng) -> f32 {
    let u: f64 = 1.0 - rng.random::<f64>();
    let v: f64 = rng.random();
    ((-2.0 * u.ln()).sqrt() * (core::f64::consts::TAU * v).cos()) as f32
}

struct Scatter<'a> {
    kernels: &'a Kernels,
    events: &'a [u32],
    potential: &'a mut [f32],
}

impl Vectorised for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const LANES: usize = 16;
        let Kernels { input, output, size, padding, weights } = self.kernels;
        let (size, padding, maps) = (*size, *padding, output.channels);
        for &event in self.events {
            let (place, channel) = (event as usize / input.channels, event as usize % input.channels);
            let (y, x) = (place / input.width + padding, place % input.width + padding);
            // Places x + p − kx, from x + p − (K − 1) to x + p, as far as there are any; rows likewise.
            let (first, end) = ((x + 1).saturating_sub(size), (x + 1).min(output.width));
            if first >= end {
                continue;
            }
            let (skip, run) = ((first + size - 1 - x) * maps, (end - first) * maps);
            for ky in 0..size.min(y + 1) {
                if y - ky >= output.height {
                    continue;
                }
                let to = ((y - ky) * output.width + first) * maps;
                let from = (channel * size + ky) * size * maps + skip;
                // Through a value, sixteen at a time: one wide sum each.
                let (to, to_rest) = self.potential[to..to + run].as_chunks_mut::<LANES>();
                let (from, from_rest) = weights[from..from + run].as_chunks::<LANES>();
                for (v, w) in to.iter_mut().zip(from) {
                    let sum: [f32; LANES] = core::array::from_fn(|i| v[i] + w[i]);
                    *v = sum;
                }
                for (v, w) in to_rest.iter_mut().zip(from_rest) {
                    *v += w;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;

    #[test]
    fn a_weight_that_is_none_is_found() {
        let input = Grid { height: 5, width: 5, channels: 1 };
        let config = ConvStdpConfig { maps: 2, kernel: 3, padding: 0, ..ConvStdpConfig::default() };
        let mut kernels = Kernels::new(&config, input, &mut Streams::new(1).rng("init", 0, 0)).unwrap();
        kernels.check_finite().unwrap();
        for value in [f32::NAN, f32::INFINITY, -0.5] {
            kernels.weights[17] = value;
            assert!(kernels.check_finite().unwrap_err().to_string().contains(&format!("weight = {value}")));
        }
    }

    #[test]
    fn every_level_gives_the_same_bits() {
        let input = Grid { height: 9, width: 11, channels: 3 };
        let config = ConvStdpConfig { maps: 21, kernel: 5, padding: 2, ..ConvStdpConfig::default() };
        let kernels = Kernels::new(&config, input, &mut Streams::new(1).rng("init", 0, 0)).unwrap();
        let events: Vec<u32> = (0..input.len() as u32).filter(|i| i % 3 != 1).collect();
        let run = |level: Level| {
            let mut potential = vec![0.1; kernels.output.len()];
            level.dispatch(Scatter { kernels: &kernels, events: &events, potential: &mut potential });
            potential
        };
        let expected = run(Level::Portable);
        assert!(expected.iter().all(|&v| v > 1.0));
        for level in Level::available() {
            assert_eq!(run(level), expected, "{level}");
        }
    }

    #[test]
    fn weights_in_order_come_back() {
        let input = Grid { height: 4, width: 4, channels: 2 };
        let config = ConvStdpConfig { maps: 3, kernel: 3, padding: 1, ..ConvStdpConfig::default() };
        let mut kernels = Kernels::new(&config, input, &mut Streams::new(1).rng("init", 0, 0)).unwrap();
        let before = kernels.clone();
        let ordered = kernels.in_order();
        assert_eq!(ordered[((2 * 2 + 1) * 3 + 1) * 3 + 2], kernels.weights[kernels.index(2, 1, 1, 2)]);
        kernels.set_in_order(&ordered).unwrap();
        assert_eq!(kernels, before);
    }
}
