//! Pictures: kernels, waves of spikes, digits.

use nl_data::Images;
use nl_layers::conv_stdp::ConvStdp;

use super::network::{Network, Work};
use crate::Error;
use crate::report::Picture;

/// Between two tiles, pixels.
const GAP: usize = 2;
/// Images in a row.
pub(super) const ACROSS: usize = 10;

/// Tiles `[height, width]` of values from 0 to 1, side by side in rows of `across`, each pixel `zoom` pixels wide.
pub(super) fn tiles(tiles: &[Vec<f32>], height: usize, width: usize, across: usize, zoom: usize) -> Picture {
    let across = across.clamp(1, tiles.len().max(1));
    let (h, w) = (height * zoom + GAP, width * zoom + GAP);
    let (rows, total) = (tiles.len().div_ceil(across) * h + GAP, across * w + GAP);
    let mut picture = vec![0.35_f32; rows * total];
    for (t, tile) in tiles.iter().enumerate() {
        let (top, left) = (t / across * h + GAP, t % across * w + GAP);
        for y in 0..height * zoom {
            for x in 0..width * zoom {
                picture[(top + y) * total + left + x] = tile[y / zoom * width + x / zoom];
            }
        }
    }
    Picture::from_unit(total, rows, &picture)
}

/// Kernels of the first layer: even channels (ON) bright, odd ones (OFF) dark, both or none grey.
pub(super) fn kernels(layer: &ConvStdp) -> Picture {
    let (size, channels) = (layer.config().kernel, layer.input().channels);
    let value = |map: usize, i: usize| {
        let sign = |channel: usize| if channel.is_multiple_of(2) { 1.0 } else { -1.0 };
        let sum: f32 = (0..channels).map(|c| sign(c) * layer.weight(map, c, i / size, i % size)).sum();
        0.5 + sum / channels.div_ceil(2) as f32 / 2.0
    };
    let maps = layer.config().maps.min(256);
    let drawn: Vec<Vec<f32>> = (0..maps).map(|map| (0..size * size).map(|i| value(map, i)).collect()).collect();
    tiles(&drawn, size, size, 16, 6)
}

/// The wave of `image`: a row for what the first layer receives, a row for each layer's spikes; a column for each bin.
/// What has spiked is light, what spikes in the bin white; of a layer, the share of maps, brightest place white.
pub(super) fn wave(network: &Network, image: &[u8]) -> Result<Vec<Picture>, Error> {
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
    let mut pictures = vec![tiles(&frames, grid.height, grid.width, 8, 3)];
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
        pictures.push(tiles(&frames, grid.height, grid.width, 8, (84 / grid.height.max(1)).max(1)));
        Ok(())
    })?;
    Ok(pictures)
}

/// Some images side by side.
pub(super) fn images(images: &Images, which: &[usize]) -> Picture {
    let drawn: Vec<Vec<f32>> =
        which.iter().map(|&i| images.image(i).iter().map(|&byte| f32::from(byte) / 255.0).collect()).collect();
    tiles(&drawn, images.height(), images.width(), ACROSS, 3)
}
