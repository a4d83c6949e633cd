//! Pictures for the report: receptive fields, images, and what the network saw in them.

use nl_data::Images;
use nl_data::decode::AllActivity;
use nl_layers::competitive::{CompetitiveNetwork, OutputSpike};

use crate::report::Picture;

/// Above this number of neurons, fields are drawn at half their size.
const MANY: usize = 2500;

/// Neurons sorted by the class they stand for; those without one last.
pub(super) struct Order {
    /// Neurons in the order shown.
    pub(super) neurons: Vec<usize>,
    /// The class of each neuron.
    pub(super) classes: Vec<Option<u8>>,
}

impl Order {
    pub(super) fn new(names: &AllActivity) -> Self {
        let classes = names.assignments().to_vec();
        let mut neurons: Vec<usize> = (0..classes.len()).collect();
        neurons.sort_by_key(|&neuron| (classes[neuron].map_or(u32::MAX, u32::from), neuron));
        Self { neurons, classes }
    }

    /// Neurons of each class, and those of none.
    pub(super) fn sizes(&self, classes: usize) -> Vec<usize> {
        let mut sizes = vec![0; classes + 1];
        self.classes.iter().for_each(|class| sizes[class.map_or(classes, usize::from)] += 1);
        sizes
    }

    /// Where each neuron stands in the order.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut ranks = vec![0; self.neurons.len()];
        self.neurons.iter().zip(0..).for_each(|(&neuron, rank)| ranks[neuron] = rank);
        ranks
    }
}

/// Equal tiles in rows, a pixel apart, on grey.
fn grid(tiles: &[Vec<f32>], columns: usize, (height, width): (usize, usize)) -> Picture {
    let columns = columns.clamp(1, tiles.len().max(1));
    let rows = tiles.len().div_ceil(columns).max(1);
    let wide = columns * (width + 1) + 1;
    let mut values = vec![0.25; wide * (rows * (height + 1) + 1)];
    for (i, tile) in tiles.iter().enumerate() {
        let (top, left) = (i / columns * (height + 1) + 1, i % columns * (width + 1) + 1);
        for (y, row) in tile.chunks_exact(width).enumerate() {
            values[(top + y) * wide + left..][..width].copy_from_slice(row);
        }
    }
    Picture::from_unit(wide, values.len() / wide, &values)
}

/// The largest value becomes white.
fn bright(values: &mut [f32]) {
    let most = values.iter().fold(0.0, |most: f32, &value| most.max(value));
    if most > 0.0 {
        values.iter_mut().for_each(|value| *value /= most);
    }
}

/// The weights of all neurons in this order, as many rows as columns.
pub(super) fn fields(network: &CompetitiveNetwork, order: &Order, (height, width): (usize, usize)) -> Picture {
    let half = order.neurons.len() > MANY && height % 2 == 0 && width % 2 == 0;
    let tile = |&neuron: &usize| {
        let mut field = network.weights_of(neuron).unwrap_or_default();
        if half {
            let at = |i: usize| 2 * (i / (width / 2)) * width + 2 * (i % (width / 2));
            let mean = |i| field[at(i)] + field[at(i) + 1] + field[at(i) + width] + field[at(i) + width + 1];
            field = (0..height * width / 4).map(mean).collect();
        }
        bright(&mut field);
        field
    };
    let tiles: Vec<Vec<f32>> = order.neurons.iter().map(tile).collect();
    let columns = (tiles.len() as f64).sqrt().ceil() as usize;
    grid(&tiles, columns, if half { (height / 2, width / 2) } else { (height, width) })
}

/// Each pixel twice as wide and high: a picture of a few images is shown as it is.
fn twice(tile: &[f32], width: usize) -> Vec<f32> {
    let rows = tile.chunks_exact(width).flat_map(|row| [row, row]);
    rows.flatten().flat_map(|&value| [value, value]).collect()
}

/// Images in a row; below each the weights of the neurons that answered, as often as they did.
pub(super) fn seen(
    network: &CompetitiveNetwork,
    images: &Images,
    shown: &[usize],
    spikes: &[Vec<OutputSpike>],
) -> Picture {
    let image = |&i: &usize| images.image(i).iter().map(|&byte| f32::from(byte) / 255.0).collect();
    let answer = |&i: &usize| {
        let mut sum = vec![0.0; images.area()];
        for spike in &spikes[i] {
            let field = network.weights_of(spike.neuron as usize).unwrap_or_default();
            sum.iter_mut().zip(field).for_each(|(sum, w)| *sum += w);
        }
        bright(&mut sum);
        sum
    };
    let tiles: Vec<Vec<f32>> = shown
        .iter()
        .map(image)
        .chain(shown.iter().map(answer))
        .map(|tile: Vec<f32>| twice(&tile, images.width()))
        .collect();
    grid(&tiles, shown.len(), (2 * images.height(), 2 * images.width()))
}
