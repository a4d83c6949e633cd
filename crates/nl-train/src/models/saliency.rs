//! What the decisions on single images hang on: gradient × input, and occlusion.

use nl_autodiff::{CreateGraph, Tape, Tensor, Var, grad};
use nl_layers::{Context, Mode};
use nl_report::plots::{Strip, StripItem};
use nl_report::{Figure, Picture, Section};

use super::asking::Asked;
use super::shown::tiled;
use crate::data::Set;
use crate::evaluate::{Occlusion, most_confident_mistakes};
use crate::metrics::argmax;
use crate::models::shown::summed;
use crate::{Error, page};

/// Right images shown, at most: one a class.
const RIGHT: usize = 30;
/// Images on a tape at a time.
const SHARD: usize = 16;

/// What the decision on an image hangs on; maps are `[height, width]`.
pub(crate) struct Look {
    /// Which of the images it is, from 0.
    pub(crate) index: usize,
    /// The image.
    pub(crate) image: Picture,
    /// What it shows.
    pub(crate) truth: u32,
    /// What it was taken for.
    pub(crate) decided: u32,
    /// x ⊙ ∂s/∂x of the score s of what was decided; none of a model whose outputs are no scores of classes.
    pub(crate) gradient: Option<Vec<f32>>,
    /// How much log p of what was decided falls where the image is covered, nats.
    pub(crate) occlusion: Vec<f32>,
}

/// The surest `mistakes` on `images` and the first right image of each class, by `log_probs`, `[N, classes]`; `check` is asked
/// between images whether to go on. None of what are no pictures of bytes.
pub(crate) fn looks<M: Asked>(
    model: &M,
    images: &M::Set,
    log_probs: &[f32],
    mistakes: usize,
    check: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Vec<Look>, Error> {
    let (classes, truth) = (model.classes(), images.strata());
    // What is no picture has no patch that could be covered with black.
    let Ok((pixels, [channels, height, width])) = images.pixels() else { return Ok(Vec::new()) };
    if mistakes == 0 {
        return Ok(Vec::new());
    }
    let probabilities: Vec<f32> = log_probs.iter().map(|p| p.exp()).collect();
    let wrong = most_confident_mistakes(&probabilities, classes, &truth, mistakes)?;
    let decided = argmax(log_probs, classes);
    let right = |class: u32| (0..truth.len()).find(|&i| truth[i] == class && decided[i] == class);
    let right = (0..classes as u32).filter_map(right).take(RIGHT);
    let picked: Vec<usize> = wrong.iter().map(|mistake| mistake.index).chain(right).collect();
    let pairs: Vec<(u32, u32)> = picked.iter().map(|&i| (i as u32, decided[i])).collect();
    let gradients = gradient_times_input(model, images, &pairs)?;
    let area = height * width;
    let size = channels * area;
    // A fifth or so of the side, as 5 pixels are of 28.
    let patch = (height.min(width) * 5 / 28).max(1);
    let occlusion = Occlusion { patch, stride: (patch / 2).max(1), ..Occlusion::default() };
    let mut found = Vec::with_capacity(picked.len());
    for (k, (&index, &(_, class))) in picked.iter().zip(&pairs).enumerate() {
        let own = &pixels[index * size..][..size];
        // Patches of a white picture: what is black there is black in all channels of the picture.
        let map = occlusion.map(&vec![1.0; area], (height, width), |covers| {
            let covered = |cover: &[f32]| -> Vec<u8> {
                let planes = own.chunks_exact(area);
                planes.flat_map(|plane| plane.iter().zip(cover).map(|(&x, &c)| if c > 0.0 { x } else { 0 })).collect()
            };
            let bytes: Vec<u8> = covers.chunks_exact(area).flat_map(covered).collect();
            let same = vec![index as u32; bytes.len() / size];
            let rows = model.log_probs(&images.select(&same).with_pixels(bytes)?, &[])?;
            Ok::<_, Error>(rows.chunks_exact(classes).map(|row| row[class as usize]).collect())
        })?;
        let gradient = gradients.as_ref().map(|all| summed(&all[k * size..][..size], area));
        let grey =
            summed(&own.iter().map(|&byte| f32::from(byte) / (255.0 * channels as f32)).collect::<Vec<_>>(), area);
        let image = Picture::from_unit(width, height, &grey);
        found.push(Look { index, image, truth: truth[index], decided: class, gradient, occlusion: map });
        check()?;
    }
    Ok(found)
}

/// x ⊙ ∂s_c(x)/∂x of (image, class) pairs, `[pairs, channels · height · width]`: to first order, what each pixel adds to the score compared
/// with black; of a network of rectified units without biases all of it, Σ = s.
///
/// Source: Shrikumar, Greenside, Shcherbina & Kundaje, "Not just a black box: learning important features through propagating
/// activation differences", arXiv:1605.01713, 2016, section 3; the gradient alone: Simonyan, Vedaldi & Zisserman,
/// arXiv:1312.6034, 2013, section 3.
fn gradient_times_input<M: Asked>(model: &M, images: &M::Set, pairs: &[(u32, u32)]) -> Result<Option<Vec<f32>>, Error> {
    let classes = model.classes();
    let mut tape = Tape::new();
    let mut maps = Vec::new();
    for pairs in pairs.chunks(SHARD) {
        tape.reset();
        let samples: Vec<u32> = pairs.iter().map(|pair| pair.0).collect();
        let x = tape.leaf(model.input(&tape, images, &samples)?.value());
        let mut ctx = Context::new(&tape, model.parameters(), Mode::Eval).with_trainable(&[]);
        let Some(scores) = model.scores(x, &mut ctx)? else { return Ok(None) };
        let wanted = Tensor::from_fn(&[pairs.len(), classes], |i| {
            f32::from(u8::from(pairs[i / classes].1 as usize == i % classes))
        })?;
        maps.extend_from_slice(times_gradient(scores.mul(tape.constant(wanted))?.sum()?, x)?.as_slice());
    }
    Ok(Some(maps))
}

/// x ⊙ ∂s/∂x
fn times_gradient<'t>(score: Var<'t, f32>, x: Var<'t, f32>) -> Result<Tensor<f32>, Error> {
    let slope = grad(score, &[x], CreateGraph::No)?[0];
    Ok(slope.mul(x)?.value())
}

/// The looks as a section of a page; none without any.
pub(crate) fn section(looks: &[Look], names: &[String]) -> Section {
    if looks.is_empty() {
        return Section::default();
    }
    let item = |look: &Look| {
        let verdict = page::verdict(names, look.truth as usize, look.decided as usize);
        let caption = format!("{verdict} (no. {})", look.index);
        StripItem { pictures: look.pictures().into_iter().map(|(_, picture)| picture).collect(), caption }
    };
    let rows = looks[0].pictures().into_iter().map(|(name, _)| name.to_owned()).collect();
    let grid = |title: &str, text: &str, wrong: bool| {
        let items: Vec<StripItem> =
            looks.iter().filter(|look| (look.truth != look.decided) == wrong).map(item).collect();
        let rows: &Vec<String> = &rows;
        (!items.is_empty()).then(|| Figure::new(title, text, Strip { rows: rows.clone(), items }))
    };
    let text = "White speaks for what was decided, black against it, grey does neither; each map to its own largest value. \
                Gradient × input is what each pixel adds to the score of the class, to first order. Occlusion covers a patch \
                with black wherever it fits, and shows how much the log-probability of the class falls.";
    Section::new("What decisions hang on", "Saliency", text)
        .figures(grid("Surest mistakes", "What made it decide for the class that was wrong.", true))
        .figures(grid("Right", "The first right image of each class.", false))
}

/// The looks for TensorBoard: of each kind of picture all, side by side.
pub(crate) fn pictures(looks: &[Look]) -> Vec<(String, Picture)> {
    let mut rows: Vec<(&'static str, Vec<Picture>)> = Vec::new();
    for look in looks {
        for (name, picture) in look.pictures() {
            match rows.iter_mut().find(|row| row.0 == name) {
                Some(row) => row.1.push(picture),
                None => rows.push((name, vec![picture])),
            }
        }
    }
    let name = |name: &str| format!("saliency/{}", name.replace("the image", "image").replace(" × ", "-times-"));
    rows.into_iter().map(|row| (name(row.0), tiled(&row.1, 10))).collect()
}

impl Look {
    /// The image and its maps, each with what it is.
    pub(crate) fn pictures(&self) -> Vec<(&'static str, Picture)> {
        let signed = |map: &[f32]| {
            let most = map.iter().filter(|v| v.is_finite()).fold(0.0_f32, |most, v| most.max(v.abs()));
            Picture::signed(self.image.width, self.image.height, map, most)
        };
        let mut all = vec![("the image", self.image.clone())];
        all.extend(self.gradient.as_deref().map(|map| ("gradient × input", signed(map))));
        all.push(("occlusion", signed(&self.occlusion)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::images::plain_batch;
    use nl_data::Images;
    use nl_layers::{Builder, Initializer, Layer, Lesion, Linear, Parameters};
    use nl_random::Streams;

    /// Scores W max(0, V x), no biases.
    struct Rectified {
        layers: [Linear; 2],
        parameters: Parameters<f32>,
    }

    impl Rectified {
        fn new(pixels: usize) -> Self {
            let builder = Builder::new(Streams::new(3));
            let linear = |name: &str, from, to| {
                Linear::without_bias(&builder.child(name).unwrap(), from, to, Initializer::HE_NORMAL).unwrap()
            };
            let layers = [linear("v", pixels, 8), linear("w", 8, 3)];
            Self { layers, parameters: builder.finish() }
        }
    }

    impl Asked for Rectified {
        type Set = Images;

        fn input<'t>(&self, tape: &'t Tape<f32>, set: &Images, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
            plain_batch(tape, set, samples)
        }

        fn parameters(&self) -> &Parameters<f32> {
            &self.parameters
        }

        fn classes(&self) -> usize {
            3
        }

        fn log_probs(&self, images: &Images, _: &[Lesion<f32>]) -> Result<Vec<f32>, Error> {
            let tape = Tape::new();
            let all: Vec<u32> = (0..images.len() as u32).collect();
            let mut ctx = Context::new(&tape, &self.parameters, Mode::Eval);
            let y = self.scores(plain_batch(&tape, images, &all)?, &mut ctx)?.unwrap().log_softmax()?;
            Ok(y.value().as_slice().to_vec())
        }

        fn scores<'t>(&self, images: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Option<Var<'t, f32>>, Error> {
            let dims = images.shape();
            let rows = images.reshape(&[dims.dims()[0], dims.len() / dims.dims()[0]])?;
            let hidden = self.layers[0].forward(rows, ctx)?.relu()?;
            Ok(Some(self.layers[1].forward(hidden, ctx)?))
        }
    }

    fn images(n: usize) -> Images {
        let pixels = (0..n * 12).map(|i| (i * 83 % 251) as u8).collect();
        Images::new(pixels, (0..n).map(|i| (i % 3) as u8).collect(), 3, 4, 3).unwrap()
    }

    /// Euler: a function with s(a x) = a s(x) is Σ x ∂s/∂x.
    #[test]
    fn without_biases_the_map_adds_up_to_the_score() {
        let (model, images) = (Rectified::new(12), images(20));
        let pairs: Vec<(u32, u32)> = (0..20).map(|i| (i, i % 3)).collect();
        let maps = gradient_times_input(&model, &images, &pairs).unwrap().unwrap();
        let tape = Tape::new();
        let all: Vec<u32> = (0..20).collect();
        let mut ctx = Context::new(&tape, &model.parameters, Mode::Eval);
        let scores = model.scores(plain_batch(&tape, &images, &all).unwrap(), &mut ctx).unwrap().unwrap().value();
        for (i, (map, &(_, class))) in maps.chunks_exact(12).zip(&pairs).enumerate() {
            let (sum, score) = (map.iter().sum::<f32>(), scores.as_slice()[3 * i + class as usize]);
            assert!((sum - score).abs() < 1e-5, "image {i}: {sum} {score}");
        }
    }

    #[test]
    fn the_surest_mistakes_and_a_right_one_a_class_are_looked_at() {
        let (model, images) = (Rectified::new(12), images(30));
        let rows = model.log_probs(&images, &[]).unwrap();
        let found = looks(&model, &images, &rows, 4, &mut || Ok(())).unwrap();
        let wrong: Vec<&Look> = found.iter().filter(|look| look.truth != look.decided).collect();
        assert_eq!(wrong.len(), 4);
        let sure = |look: &&Look| rows[3 * look.index + look.decided as usize];
        assert!(wrong.windows(2).all(|pair| sure(&pair[0]) >= sure(&pair[1])));
        let right: Vec<u32> = found.iter().filter(|look| look.truth == look.decided).map(|look| look.truth).collect();
        assert!(!right.is_empty() && right.windows(2).all(|pair| pair[0] < pair[1]), "{right:?}");
        // Patches of one pixel: what covering it costs, asked directly.
        let look = &found[0];
        let mut covered = images.image(look.index).to_vec();
        covered[5] = 0;
        let covered = Images::new(covered, vec![0], 3, 4, 3).unwrap();
        let fall = sure(&look) - model.log_probs(&covered, &[]).unwrap()[look.decided as usize];
        assert!((look.occlusion[5] - fall).abs() < 1e-5, "{} {fall}", look.occlusion[5]);
        let names = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(section(&found, &names).figures.len(), 2);
        assert!(looks(&model, &images, &rows, 0, &mut || Ok(())).unwrap().is_empty());
        assert!(section(&[], &names).figures.is_empty());
    }
}
