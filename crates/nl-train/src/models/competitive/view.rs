//! Pictures for the report: receptive fields, images, and what the network saw in them.

use nl_data::Images;
use nl_encoding::decode::AllActivity;
use nl_network::competitive::{CompetitiveNetwork, OutputSpike};
use nl_report::Picture;
use nl_report::plots::{Mosaic, Strip, StripItem};

use crate::page::picture;

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

    /// No neuron stands for anything.
    pub(super) fn unnamed(neurons: usize) -> Self {
        Self { neurons: (0..neurons).collect(), classes: vec![None; neurons] }
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

/// The weights of these neurons in this order, about as many rows as columns; none, if there are none.
pub(super) fn fields(
    network: &CompetitiveNetwork,
    neurons: &[usize],
    (height, width): (usize, usize),
) -> Option<Mosaic> {
    let half = neurons.len() > MANY && height.is_multiple_of(2) && width.is_multiple_of(2);
    let tile = |&neuron: &usize| {
        let mut field = network.weights_of(neuron).unwrap_or_default();
        if half {
            let at = |i: usize| 2 * (i / (width / 2)) * width + 2 * (i % (width / 2));
            let mean = |i| field[at(i)] + field[at(i) + 1] + field[at(i) + width] + field[at(i) + width + 1];
            field = (0..height * width / 4).map(mean).collect();
        }
        let (height, width) = if half { (height / 2, width / 2) } else { (height, width) };
        Picture::brightest(width, height, &field)
    };
    let across = (neurons.len() as f64).sqrt().ceil() as usize;
    // A thousand points of the page, or the fields at twice their size if they are few.
    let zoom = (1000 / (across * width).max(1)).clamp(1, 2);
    (!neurons.is_empty()).then(|| Mosaic { tiles: neurons.iter().map(tile).collect(), across, zoom })
}

/// Images; below each the weights of the neurons that answered, as often as they did.
pub(super) fn seen(
    network: &CompetitiveNetwork,
    images: &Images,
    shown: &[usize],
    spikes: &[Vec<OutputSpike>],
    caption: impl Fn(usize) -> String,
) -> Strip {
    let answer = |i: usize| {
        let mut sum = vec![0.0; images.area()];
        for spike in &spikes[i] {
            let field = network.weights_of(spike.neuron as usize).unwrap_or_default();
            sum.iter_mut().zip(field).for_each(|(sum, w)| *sum += w);
        }
        Picture::brightest(images.width(), images.height(), &sum)
    };
    let item = |&i: &usize| StripItem { pictures: vec![picture(images, i), answer(i)], caption: caption(i) };
    let rows =
        ["the image", "what was seen in it: the weights of the neurons that answered, each as often as it spiked"];
    Strip { rows: rows.map(str::to_owned).into(), items: shown.iter().map(item).collect() }
}
