//! Pictures: kernels, waves of spikes.

use nl_network::conv_stdp::ConvStdp;
use nl_report::Picture;
use nl_report::plots::Mosaic;

use super::network::{Network, Work};
use crate::Error;

/// Kernels shown.
const KERNELS: usize = 256;
/// Bins of a wave in a row.
const ACROSS: usize = 8;

/// Kernels of the first layer: even channels (ON) bright, odd ones (OFF) dark, both or none grey.
pub(super) fn kernels(layer: &ConvStdp) -> Mosaic {
    let (size, channels) = (layer.config().kernel, layer.input().channels);
    let value = |map: usize, i: usize| {
        let sign = |channel: usize| if channel.is_multiple_of(2) { 1.0 } else { -1.0 };
        let sum: f32 = (0..channels).map(|c| sign(c) * layer.weight(map, c, i / size, i % size)).sum();
        sum / channels.div_ceil(2) as f32
    };
    let tile = |map: usize| {
        let values: Vec<f32> = (0..size * size).map(|i| value(map, i)).collect();
        Picture::signed(size, size, &values, 1.0)
    };
    Mosaic { tiles: (0..layer.config().maps.min(KERNELS)).map(tile).collect(), across: 16, zoom: 6 }
}

/// The wave of `image`: a mosaic for what the first layer receives, one for each layer's spikes; a tile for each bin.
/// What has spiked is light, what spikes in the bin white; of a layer, the share of maps, brightest place white.
pub(super) fn wave(network: &Network, image: &[u8]) -> Result<Vec<Mosaic>, Error> {
    let (mut work, bins) = (Work::default(), network.bins());
    let grid = network.layers[0].layer.input();
    let received = network.received(image, 0, &mut work)?;
    let mut seen = vec![0.0; grid.height * grid.width];
    let mut frames = Vec::new();
    for bin in 0..bins {
        let mut frame: Vec<f32> = seen.clone();
        for &event in received.at(bin) {
            frame[event as usize / grid.channels] = 1.0;
            seen[event as usize / grid.channels] = 0.4;
        }
        frames.push(frame);
    }
    let mosaic = |frames: &[Vec<f32>], height: usize, width: usize| Mosaic {
        tiles: frames.iter().map(|frame| Picture::from_unit(width, height, frame)).collect(),
        across: ACROSS,
        zoom: (84 / height.max(1)).clamp(1, 12),
    };
    let mut pictures = vec![mosaic(&frames, grid.height, grid.width)];
    network.show(image, network.layers.len(), &mut work, |i, activity| {
        let grid = network.layers[i].layer.output();
        let share = |bin: usize| {
            let places = activity.earliness().chunks_exact(grid.channels);
            let count = |row: &[u8]| row.iter().filter(|&&early| usize::from(early) >= bins - bin).count() as f32;
            places.map(count).collect::<Vec<f32>>()
        };
        let mut frames: Vec<Vec<f32>> = (0..bins).map(share).collect();
        let most = frames.iter().flatten().copied().fold(1.0, f32::max);
        frames.iter_mut().flatten().for_each(|value| *value /= most);
        pictures.push(mosaic(&frames, grid.height, grid.width));
        Ok(())
    })?;
    Ok(pictures)
}
