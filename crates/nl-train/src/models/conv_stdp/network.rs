//! From pixels to features: eye, layers, pooling.

use nl_data::Images;
use nl_encoding::encode::{Encoder, RankOrder};
use nl_encoding::front_end::{FrontEnd, FrontEndScratch};
use nl_network::conv_stdp::{Activity, ConvStdp, Grid, earliest, spikes};
use nl_neuron::SpikeTrain;
use nl_random::Streams;
use rayon::prelude::*;

use super::config::ConvStdpModelConfig;
use crate::Error;

/// The part of the run that computing features goes to.
pub(super) const FEATURES: &str = "Features";

/// The eye and all layers.
pub(super) struct Network {
    eye: FrontEnd,
    latency: RankOrder,
    height: usize,
    width: usize,
    pub(super) layers: Vec<Stacked>,
}

/// A layer, and the windows its spikes are pooled in.
pub(super) struct Stacked {
    pub(super) layer: ConvStdp,
    pool: usize,
    next: usize,
}

/// Working memory of one image; one for each thread.
#[derive(Default)]
pub(super) struct Work {
    scratch: FrontEndScratch,
    pixels: Vec<f32>,
    response: Vec<f32>,
    pub(super) activity: Activity,
    pooled: Vec<u8>,
    /// What each layer receives.
    trains: Vec<SpikeTrain>,
}

impl Network {
    /// The network before it learns.
    pub(super) fn new(config: &ConvStdpModelConfig, seed: u64, height: usize, width: usize) -> Result<Self, Error> {
        let eye = config.eye.front_end()?;
        let streams = Streams::new(seed);
        let mut input = Grid { height, width, channels: eye.channels() };
        let mut layers = Vec::new();
        for (i, l) in config.layers.iter().enumerate() {
            let mut rng = streams.rng(&format!("init/{}", i + 1), 0, 0);
            let layer = ConvStdp::new(l.stdp.clone(), input, &mut rng)?;
            input = layer.output().pooled(l.next);
            layers.push(Stacked { layer, pool: l.pool, next: l.next });
        }
        Ok(Self { eye, latency: config.eye.latency, height, width, layers })
    }

    /// The grid of a layer's features.
    pub(super) fn grid(&self, layer: usize) -> Grid {
        let Stacked { layer, pool, .. } = &self.layers[layer];
        layer.output().pooled(*pool)
    }

    /// Features of an image: those of all layers, one behind the other.
    pub(super) fn width(&self) -> usize {
        (0..self.layers.len()).map(|layer| self.grid(layer).len()).sum()
    }

    /// What layer `layer` receives when `image` is shown.
    pub(super) fn received<'w>(&self, image: &[u8], layer: usize, work: &'w mut Work) -> Result<&'w SpikeTrain, Error> {
        self.show(image, layer, work, |_, _| Ok(()))?;
        Ok(&work.trains[layer])
    }

    /// Shows `image` up to what layer `last` receives; `look` at each layer's activity on the way.
    pub(super) fn show(
        &self,
        image: &[u8],
        last: usize,
        work: &mut Work,
        mut look: impl FnMut(usize, &Activity) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while work.trains.len() < self.layers.len() {
            let input = self.layers[work.trains.len()].layer.input();
            work.trains.push(SpikeTrain::new(input.len()));
        }
        let Work { scratch, pixels, response, activity, pooled, trains } = work;
        pixels.clear();
        pixels.extend(image.iter().map(|&byte| f32::from(byte)));
        response.resize(self.height * self.width * self.eye.channels(), 0.0);
        self.eye.apply(pixels, self.height, self.width, scratch, response)?;
        self.latency.encode(response, &mut Streams::new(0).rng("", 0, 0), &mut trains[0])?;
        for (i, stacked) in self.layers.iter().enumerate().take(last) {
            stacked.layer.infer(&trains[i], activity)?;
            look(i, activity)?;
            if let Some(train) = trains.get_mut(i + 1) {
                earliest(activity.earliness(), stacked.layer.output(), stacked.next, pooled)?;
                spikes(pooled, self.latency.steps, train)?;
            }
        }
        Ok(())
    }

    /// Features of `image`, into `out` of [`width`](Self::width).
    fn features(&self, image: &[u8], work: &mut Work, out: &mut [u8]) -> Result<(), Error> {
        let (mut from, mut pooled) = (0, Vec::new());
        self.show(image, self.layers.len(), work, |i, activity| {
            let Stacked { layer, pool, .. } = &self.layers[i];
            let grid = earliest(activity.earliness(), layer.output(), *pool, &mut pooled)?;
            out[from..from + grid.len()].copy_from_slice(&pooled);
            from += grid.len();
            Ok(())
        })
    }

    /// Features of these images, one row of `out` each, on all threads.
    pub(super) fn features_of(&self, images: &Images, samples: &[u32], out: &mut [u8]) -> Result<(), Error> {
        out.par_chunks_mut(self.width().max(1))
            .zip(samples)
            .map_init(Work::default, |work, (row, &i)| self.features(images.image(i as usize), work, row))
            .collect()
    }

    /// Rows and columns of the images.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    /// What layer `layer` receives from each of these images, on all threads.
    pub(super) fn trains(&self, images: &Images, samples: &[u32], layer: usize) -> Result<Vec<SpikeTrain>, Error> {
        let show = |work: &mut Work, &i: &u32| self.received(images.image(i as usize), layer, work).cloned();
        samples.par_iter().map_init(Work::default, show).collect()
    }

    /// Bins of spikes, T.
    pub(super) fn bins(&self) -> usize {
        self.latency.steps
    }
}
