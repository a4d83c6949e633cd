//! One part of a trained model after the other is cut out.

use nl_autodiff::{Tape, Tensor};
use nl_layers::{Context, Lesion, Mode};

use super::asking::Asked;
use crate::Error;
use crate::data::Set;
use crate::evaluate::Ablated;
use crate::metrics::{accuracy, argmax};

/// Samples that a mean is taken over, at most.
pub(crate) const MEAN_OF: usize = 256;
/// Samples on a tape at a time.
const SHARD: usize = 16;

/// What can be cut out.
pub(crate) struct Part {
    /// As the page names it.
    pub(crate) name: String,
    /// What its output is recorded as.
    pub(crate) path: String,
    /// The axis of its output that counts samples.
    pub(crate) axis: usize,
    /// Whether half of its maps are cut out, too.
    pub(crate) halves: bool,
}

/// The accuracy on `test` without each of `parts`, its output 0 or its mean over `seen`; `check` is asked between them whether to
/// go on.
pub(crate) fn ablate<M: Asked>(
    model: &M,
    parts: &[Part],
    (seen, test): (&M::Set, &M::Set),
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<Ablated>, Error> {
    let truth = test.strata();
    let mut found = Vec::with_capacity(2 * parts.len());
    for (part, mean) in parts.iter().zip(means(model, parts, seen)?) {
        let mut ways = vec![("0", Lesion::silence(&part.path))];
        if part.halves {
            let mut dims = vec![1; mean.shape().dims().len()];
            dims[1] = mean.shape().dims()[1];
            let keep = Tensor::from_fn(&dims, |map| if map % 2 == 0 { 1.0 } else { 0.0 })?;
            ways.push(("every second map 0", Lesion::part(&part.path, keep, Tensor::scalar(0.0))));
        }
        ways.push(("mean", Lesion::replace(&part.path, mean)));
        for (instead, lesion) in ways {
            let rows = model.log_probs(test, &[lesion])?;
            let accuracy = accuracy(&argmax(&rows, model.classes()), &truth).unwrap_or(0.0);
            found.push(Ablated { part: part.name.clone(), instead: instead.to_owned(), accuracy });
            check()?;
        }
    }
    Ok(found)
}

/// The output of each part, its mean over images: one sample. Sums are in f64 and in the order of images.
fn means<M: Asked>(model: &M, parts: &[Part], seen: &M::Set) -> Result<Vec<Tensor<f32>>, Error> {
    let mut sums: Vec<(Vec<usize>, Vec<f64>)> = vec![Default::default(); parts.len()];
    let mut tape = Tape::new();
    let all: Vec<u32> = (0..seen.len() as u32).collect();
    for samples in all.chunks(SHARD) {
        tape.reset();
        let pause = tape.stop_recording();
        let mut ctx = Context::new(&tape, model.parameters(), Mode::Eval).with_recording();
        model.scores(model.input(&tape, seen, samples)?, &mut ctx)?;
        let recording = ctx.into_recording();
        drop(pause);
        for (part, (dims, sum)) in parts.iter().zip(&mut sums) {
            let Some(output) = recording.get(&part.path) else {
                return Err(Error::config(format!("nothing is recorded as {}", part.path)));
            };
            let shape = output.shape();
            let (before, n, after) = around(shape.dims(), part.axis);
            sum.resize(before * after, 0.0);
            dims.clear();
            dims.extend_from_slice(shape.dims());
            dims[part.axis] = 1;
            for (i, row) in output.as_slice().chunks_exact(after.max(1)).enumerate() {
                let to = &mut sum[i / n.max(1) * after..][..after];
                to.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
            }
        }
    }
    let n = seen.len().max(1) as f64;
    let mean = |(dims, sum): (Vec<usize>, Vec<f64>)| {
        Ok(Tensor::new(&dims, sum.into_iter().map(|sum| (sum / n) as f32).collect())?)
    };
    sums.into_iter().map(mean).collect()
}

/// Products of the axes before `axis` and after it, and its length between them.
fn around(dims: &[usize], axis: usize) -> (usize, usize, usize) {
    (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::images::plain_batch;
    use nl_autodiff::Var;
    use nl_data::Images;
    use nl_layers::graph::{Form, Graph, LayerEntry};
    use nl_layers::{Builder, Layer, Parameters};
    use nl_random::Streams;

    /// Two classes: the mean of the left and of the right half, through a sequence on the way.
    struct Halves {
        graph: Graph<f32>,
        parameters: Parameters<f32>,
    }

    impl Halves {
        fn new() -> Self {
            let layers: Vec<LayerEntry> = serde_json::from_str(
                r#"[
                    {"kind": "avg-pool2d", "kernel": [2, 1], "name": "pool"},
                    {"kind": "rows", "name": "rows"},
                    {"kind": "select-step", "step": "last"}
                ]"#,
            )
            .unwrap();
            let builder = Builder::new(Streams::new(1));
            let graph = Graph::new(&layers, &Form::image(1, 2, 2), &builder).unwrap();
            Self { graph, parameters: builder.finish() }
        }
    }

    impl Asked for Halves {
        type Set = Images;

        fn input<'t>(&self, tape: &'t Tape<f32>, set: &Images, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
            plain_batch(tape, set, samples)
        }

        fn parameters(&self) -> &Parameters<f32> {
            &self.parameters
        }

        fn classes(&self) -> usize {
            2
        }

        fn log_probs(&self, images: &Images, lesions: &[Lesion<f32>]) -> Result<Vec<f32>, Error> {
            let tape = Tape::new();
            let mut ctx = Context::new(&tape, &self.parameters, Mode::Eval).with_lesions(lesions);
            let all: Vec<u32> = (0..images.len() as u32).collect();
            let y = self.graph.forward(plain_batch(&tape, images, &all)?, &mut ctx)?.log_softmax()?;
            Ok(y.value().as_slice().to_vec())
        }

        fn scores<'t>(&self, images: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Option<Var<'t, f32>>, Error> {
            Ok(Some(self.graph.forward(images, ctx)?))
        }
    }

    fn part(path: &str, axis: usize, halves: bool) -> Part {
        Part { name: path.to_owned(), path: path.to_owned(), axis, halves }
    }

    #[test]
    fn a_part_that_knows_is_missed() {
        let model = Halves::new();
        // Left bright: class 0; right bright: class 1. Of what was seen, three in four are of class 0.
        let images = |classes: &[u8]| {
            let pixels = classes.iter().flat_map(|&c| if c == 0 { [255, 0, 255, 0] } else { [0, 255, 0, 255] });
            Images::new(pixels.collect(), classes.to_vec(), 2, 2, 2).unwrap()
        };
        let (seen, test) = (images(&[0, 0, 0, 1]), images(&[0, 1, 1, 0, 1]));
        let parts = [part("pool", 0, true), part("rows", 1, false)];
        let found = ablate(&model, &parts, (&seen, &test), &mut || Ok(())).unwrap();
        let short: Vec<_> = found.iter().map(|f| (f.part.as_str(), f.instead.as_str(), f.accuracy)).collect();
        // Without an answer of its own it always says class 0: of two equals the first, and what it saw most.
        assert_eq!(
            short,
            [
                ("pool", "0", 0.4),
                ("pool", "every second map 0", 1.0),
                ("pool", "mean", 0.4),
                ("rows", "0", 0.4),
                ("rows", "mean", 0.4)
            ]
        );
        let means = means(&model, &parts, &seen).unwrap();
        assert_eq!(means[0].shape().dims(), [1, 1, 1, 2]);
        assert_eq!(means[0].as_slice(), [0.75, 0.25]);
        assert_eq!((means[1].shape().dims(), means[1].as_slice()), (&[1, 1, 2][..], &[0.75, 0.25][..]));
        assert!(ablate(&model, &[part("nowhere", 0, false)], (&seen, &test), &mut || Ok(())).is_err());
    }
}
