//! The trained brain is asked: without one region at a time, and about single images.

use nl_autodiff::{Tape, Var};
use nl_brain::Thalamus;
use nl_data::Images;
use nl_layers::{Context, Lesion, Mode, Parameters};
use nl_report::Picture;

use super::config::BrainStage;
use super::evaluator::{Decided, Evaluator};
use super::findings::{View, answers};
use super::objective::Evidence;
use super::{BrainModel, SHARD};
use crate::Error;
use crate::data::{Dataset, spread};
use crate::evaluate::{Ablated, Ablation, Tempered};
use crate::metrics::{accuracy, argmax, labels, log_softmax};
use crate::models::ablate::{MEAN_OF, Part, ablate};
use crate::models::asking::Asked;
use crate::models::images::plain_batch;
use crate::models::shown::{activations, filters, tiled};
use crate::page::picture;
use crate::run::{Model, Progress, Shown};

/// What can be cut out of the way to the embedding: name, path, and whether half of its maps are cut out, too.
const REGIONS: [(&str, &str, bool); 6] = [
    ("retina", "cortex/retina", false),
    ("gains of the thalamus", Thalamus::GATE, false),
    ("V1", "cortex/v1", true),
    ("V2", "cortex/v2", true),
    ("V4", "cortex/v4", true),
    ("inferotemporal cortex", "cortex/it", false),
];

impl Asked for BrainModel {
    type Set = Images;

    fn input<'t>(&self, tape: &'t Tape<f32>, set: &Images, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
        plain_batch(tape, set, samples)
    }

    fn parameters(&self) -> &Parameters<f32> {
        &self.parameters
    }

    fn classes(&self) -> usize {
        self.brain.config().classes
    }

    /// What cortex and memory decide together. Memories are those of the whole brain.
    fn log_probs(&self, images: &Images, lesions: &[Lesion<f32>]) -> Result<Vec<f32>, Error> {
        let mut evaluator = Evaluator::new(SHARD).with_lesions(lesions);
        Ok(answers(self, &mut evaluator, images, &mut |_| Ok(()))?.2.log_probs)
    }

    /// The cortex's logits: what memory says is no function on a tape.
    fn scores<'t>(&self, images: Var<'t, f32>, ctx: &mut Context<'t, f32>) -> Result<Option<Var<'t, f32>>, Error> {
        let embedding = self.brain.recognise(images, ctx)?;
        Ok(Some(self.brain.classify(embedding, ctx)?))
    }
}

impl View<'_> {
    /// The accuracy of the decision without each region; none if it was not asked for, or no class was learned.
    pub(super) fn ablation(&self, progress: &Progress<'_>) -> Result<Option<Ablation>, Error> {
        let most = self.config.evaluate.ablation;
        let learned = |stage: &BrainStage| matches!(stage, BrainStage::Classify(_) | BrainStage::Remember(_));
        if most == 0 || !self.stages.iter().any(learned) {
            return Ok(None);
        }
        let (model, split) = (self.model, &self.data.split);
        let test = split.test.select(&spread(split.test.len(), most));
        let seen = self.data.some_learned(MEAN_OF);
        let part = |(name, path, halves): (&str, &str, bool)| Part {
            name: name.to_owned(),
            path: path.to_owned(),
            axis: 0,
            halves,
        };
        let mut cuts = ablate(model, &REGIONS.map(part), (&seen, &test), &mut || progress.check())?;
        let (evidence, recall, decided) = answers(model, &mut Evaluator::new(SHARD), &test, &mut |_| progress.check())?;
        let right = |rows: &[f32]| accuracy(&argmax(rows, model.classes()), &evidence.labels).unwrap_or(0.0);
        if recall.is_some() {
            let cut = |part: &str, instead: &str, rows: &[f32]| Ablated {
                part: part.to_owned(),
                instead: instead.to_owned(),
                accuracy: right(rows),
            };
            cuts.extend([
                cut("hippocampus", "the cortex decides alone", &evidence.logits),
                cut("prefrontal cortex", "the memory decides alone", &evidence.memory),
                cut("basal ganglia", "the mean of both advisers", &halves(&evidence, model.classes())),
            ]);
        }
        Ok(Some(Ablation { images: test.len(), mean_of: seen.len(), whole: right(&decided.log_probs), cuts }))
    }

    /// What a temperature does to each adviser and to the mixture, fitted on the images held out.
    pub(super) fn tempered(
        &self,
        evaluator: &mut Evaluator,
        evidence: &Evidence,
        decided: &Decided,
        progress: &Progress<'_>,
    ) -> Result<Vec<(&'static str, Tempered)>, Error> {
        let (model, classes) = (self.model, self.model.classes());
        let held_out = self.data.held_out();
        let (kept, recall, mixed) = answers(model, evaluator, &held_out, &mut |_| progress.check())?;
        let (fitted, truth) = (labels(&held_out), &evidence.labels);
        let one = |name, from: &[f32], to: &[f32]| {
            Ok::<_, Error>((name, Tempered::of((from, &fitted), (to, truth), classes)?))
        };
        let cortex = one("cortex", &log_softmax(&kept.logits, classes), &log_softmax(&evidence.logits, classes))?;
        if recall.is_none() {
            return Ok(vec![cortex]);
        }
        let memory = one("memory", &kept.memory, &evidence.memory)?;
        Ok(vec![one("mixed", &mixed.log_probs, &decided.log_probs)?, cortex, memory])
    }
}

/// Images whose answers and drawings TensorBoard is shown.
const SHOWN: usize = 64;
/// Drawings in a row.
const ACROSS: usize = 16;

/// What the regions answer to some images, what the cerebellum draws of them, and the filters of the retina.
pub(super) fn shown(model: &BrainModel, data: &Dataset) -> Result<Shown, Error> {
    let images = data.some_held_out(SHOWN);
    let tape = Tape::new();
    let pause = tape.stop_recording();
    let mut ctx = Context::new(&tape, &model.parameters, Mode::Eval).with_recording();
    let all: Vec<u32> = (0..images.len() as u32).collect();
    let embedding = model.brain.encode(plain_batch(&tape, &images, &all)?, &mut ctx)?;
    let drawn = model.brain.reconstruct(embedding, &mut ctx)?.sigmoid()?.value();
    let activations = activations(&ctx.into_recording());
    drop(pause);
    let (height, width) = (images.height(), images.width());
    let drawn = drawn.as_slice().chunks_exact(images.area()).map(|image| Picture::from_unit(width, height, image));
    let drawn: Vec<Picture> = drawn.collect();
    let rows = all.chunks(ACROSS).flat_map(|row| {
        let images = row.iter().map(|&i| picture(&images, i as usize));
        images.chain(row.iter().map(|&i| drawn[i as usize].clone())).collect::<Vec<_>>()
    });
    let mut pictures = vec![("drawn".to_owned(), tiled(&rows.collect::<Vec<_>>(), ACROSS))];
    let retina = model.tensors().into_iter().find(|tensor| tensor.name == "cortex/retina/weight");
    pictures.extend(retina.and_then(|it| Some(("filters/retina".to_owned(), filters(&it, (height, width))?))));
    Ok(Shown { activations, pictures })
}

/// ½ p_cortex + ½ p_memory, as neither has been made as sure as it is right.
fn halves(evidence: &Evidence, classes: usize) -> Vec<f32> {
    let cortex = log_softmax(&evidence.logits, classes);
    cortex.iter().zip(&evidence.memory).map(|(c, m)| 0.5 * (c.exp() + m.exp())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_advisers_weigh_the_same() {
        let evidence =
            Evidence { logits: vec![0.0, 3_f32.ln()], memory: vec![0.9_f32.ln(), 0.1_f32.ln()], ..Evidence::default() };
        let mean = halves(&evidence, 2);
        assert!((mean[0] - (0.25 + 0.9) / 2.0).abs() < 1e-6 && (mean[1] - (0.75 + 0.1) / 2.0).abs() < 1e-6);
    }
}
