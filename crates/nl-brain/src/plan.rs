//! What each region is given, gives and costs, before anything runs.

use nl_layers::graph::{Form, Line};
use nl_layers::{Entry, Parameters};

use crate::{BasalGanglia, Brain};

/// Taps of the cerebellum's transposed convolutions: 4 × 4.
const TAPS: u64 = 16;

impl Brain {
    /// A line for each region, from the image to the decision: what it is given, the form of its output, its parameters and its
    /// multiply-accumulates for one image; the cerebellum last, since nothing depends on what it draws.
    ///
    /// A convolution of k × k costs k² · in · out at each place before pooling, the thalamus its two small layers and a product
    /// at each pixel, the hippocampus a product of its query with each of `episodes` embeddings that it holds (which are data, no
    /// parameters).
    ///
    /// ```
    /// use nl_brain::{Brain, BrainConfig};
    /// use nl_random::Streams;
    ///
    /// let (brain, parameters) = Brain::new(BrainConfig::default(), Streams::new(1))?;
    /// let lines = brain.lines(&parameters, 60_000);
    /// assert_eq!((lines[0].name.as_str(), lines[0].macs), ("cortex/retina", 16 * 28 * 28 * 25));
    /// assert_eq!(lines.iter().map(|line| line.parameters).sum::<usize>(), parameters.len());
    /// # Ok::<(), nl_brain::Error>(())
    /// ```
    #[must_use]
    pub fn lines(&self, parameters: &Parameters<f32>, episodes: usize) -> Vec<Line> {
        let c = self.config();
        let [[h, w], [h2, w2], [h4, w4]] = c.pyramid();
        let [coarse, fine] = c.cerebellum;
        let product = |sizes: &[usize]| sizes.iter().fold(1_u64, |all, &n| all.saturating_mul(n as u64));
        let line = |name: &str, kind, from: &[&str], output, macs| {
            let learned = parameters.entries().iter().filter(|entry| entry.is_under(name)).map(Entry::len).sum();
            let from = from.iter().map(|&from| from.to_owned()).collect();
            Line { name: name.to_owned(), kind, from, output, parameters: learned, macs }
        };
        // 3 × 3 convolutions at each of h × w places, then pooled to the places of the output.
        let area = |name: &str, from: &str, [inputs, maps]: [usize; 2], [h, w]: [usize; 2], output: [usize; 2]| {
            line(
                name,
                "conv-block",
                &[from],
                Form::image(maps, output[0], output[1]),
                product(&[9, inputs, maps, h, w]),
            )
        };
        let code = c.v4 * h4 * w4;
        let decoder = product(&[c.embedding, coarse, h4, w4])
            .saturating_add(product(&[coarse, fine, h4, w4]).saturating_mul(TAPS))
            .saturating_add(product(&[fine, c.channels, h2, w2]).saturating_mul(TAPS));
        let gate = product(&[2, c.retina, c.thalamus_hidden]).saturating_add(product(&[c.retina, h, w]));
        let side = c.retina_kernel;
        let (it, classes) = ("cortex/it", Form::features(c.classes));
        let retina = product(&[side, side, c.channels, c.retina, h, w]);
        vec![
            line("cortex/retina", "conv-block", &["image"], Form::image(c.retina, h, w), retina),
            line("cortex/thalamus", "channel-gate", &["cortex/retina"], Form::image(c.retina, h, w), gate),
            area("cortex/v1", "cortex/thalamus", [c.retina, c.v1], [h, w], [h2, w2]),
            area("cortex/v2", "cortex/v1", [c.v1, c.v2], [h2, w2], [h4, w4]),
            area("cortex/v4", "cortex/v2", [c.v2, c.v4], [h4, w4], [h4, w4]),
            line(it, "linear", &["cortex/v4"], Form::features(c.embedding), product(&[code, c.embedding])),
            line(Self::PREFRONTAL, "linear", &[it], classes.clone(), product(&[c.embedding, c.classes])),
            line("hippocampus", "nearest neighbours", &[it], classes.clone(), product(&[episodes, c.embedding])),
            line(
                Self::BASAL_GANGLIA,
                "gate",
                &[Self::PREFRONTAL, "hippocampus"],
                classes,
                BasalGanglia::FEATURES as u64,
            ),
            line(Self::CEREBELLUM, "decoder", &[it], Form::image(c.channels, h, w), decoder),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BrainConfig;
    use nl_autodiff::{Tape, Tensor};
    use nl_layers::{Context, Mode};
    use nl_random::Streams;

    const CONFIG: BrainConfig = BrainConfig {
        height: 9,
        width: 6,
        channels: 2,
        classes: 3,
        retina: 4,
        retina_kernel: 3,
        thalamus_hidden: 5,
        v1: 6,
        v2: 7,
        v4: 8,
        embedding: 10,
        cerebellum: [3, 2],
        dropout: 0.0,
        both_sides: false,
    };

    /// Every parameter belongs to one line, and those of a line are what its equation has.
    #[test]
    fn parameters_add_up() {
        for config in [CONFIG, BrainConfig::default()] {
            let (brain, parameters) = Brain::new(config, Streams::new(1)).unwrap();
            let lines = brain.lines(&parameters, 100);
            assert_eq!(lines.iter().map(|line| line.parameters).sum::<usize>(), parameters.len());
        }
        let (brain, parameters) = Brain::new(CONFIG, Streams::new(1)).unwrap();
        let count = |name: &str| brain.lines(&parameters, 100).into_iter().find(|l| l.name == name).unwrap().parameters;
        assert_eq!(count("cortex/retina"), 4 * 2 * 9 + 4);
        assert_eq!(count("cortex/thalamus"), (4 * 5 + 5) + (5 * 4 + 4));
        assert_eq!(count("cortex/v2"), 7 * 6 * 9 + 7);
        // Two poolings leave 2 x 1.
        assert_eq!(count("cortex/it"), 8 * 2 * 10 + 10);
        assert_eq!((count("hippocampus"), count("basal_ganglia")), (0, 14));
        assert_eq!(count("cerebellum"), (10 * 6 + 6) + (3 * 2 * 16 + 2) + (2 * 2 * 16 + 2));
    }

    /// Counted by hand: how often a weight meets a value, one loop a sum of the equation.
    #[test]
    fn costs_are_those_of_the_equations() {
        let (brain, parameters) = Brain::new(CONFIG, Streams::new(1)).unwrap();
        let lines = brain.lines(&parameters, 100);
        let macs = |name: &str| lines.iter().find(|line| line.name == name).unwrap().macs;
        let mut v2 = 0;
        for _map in 0..7 {
            for _place in 0..4 * 3 {
                for _input in 0..6 {
                    v2 += 9;
                }
            }
        }
        assert_eq!(macs("cortex/v2"), v2);
        // Each pixel of the smaller image is spread over 16 of the larger one.
        // The smallest image has two by one places.
        let places = 2;
        let expand = 10 * 3 * places;
        let coarse = places * 3 * 2 * 16;
        let fine = (4 * 3) * 2 * 2 * 16;
        assert_eq!(macs("cerebellum"), expand + coarse + fine);
        assert_eq!(macs("cortex/thalamus"), 4 * 5 + 5 * 4 + 4 * 54);
        assert_eq!(macs("hippocampus"), 1000);
        let most = brain.lines(&parameters, usize::MAX);
        assert_eq!(most[7].macs, u64::MAX, "saturates");
    }

    /// The forms are those of what is computed.
    #[test]
    fn forms_are_those_of_the_answers() {
        let (brain, parameters) = Brain::new(CONFIG, Streams::new(1)).unwrap();
        let tape = Tape::new();
        let mut ctx = Context::new(&tape, &parameters, Mode::Eval).with_recording();
        let embedding = brain.encode(tape.constant(Tensor::full(&[2, 2, 9, 6], 0.5).unwrap()), &mut ctx).unwrap();
        let logits = brain.classify(embedding, &mut ctx).unwrap();
        let drawn = brain.reconstruct(embedding, &mut ctx).unwrap();
        let recording = ctx.into_recording();
        for line in brain.lines(&parameters, 0) {
            let dims = match line.name.as_str() {
                Brain::PREFRONTAL | Brain::BASAL_GANGLIA | "hippocampus" => logits.shape(),
                Brain::CEREBELLUM => drawn.shape(),
                region => recording.get(region).unwrap_or_else(|| panic!("{region}")).shape(),
            };
            assert_eq!(line.output.batched(2), dims.dims(), "{}", line.name);
        }
    }
}
