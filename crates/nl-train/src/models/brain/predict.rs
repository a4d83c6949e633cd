//! What a trained brain says about single images.

use std::collections::BTreeMap;

use nl_data::Images;

use super::BrainModel;
use super::evaluator::{Decided, Encoded, Evaluator};
use super::recall::evidence;
use crate::metrics::{argmax, log_softmax};
use crate::run::{Neighbour, Opinion, Prediction, Setting};
use crate::{Error, page};

/// For each image: the decision, what cortex and memory each say, the memories it recalls, and the trust.
pub(super) fn predict(
    model: &BrainModel,
    setting: Setting<'_, BrainModel>,
    images: &Images,
) -> Result<Vec<Prediction>, Error> {
    model.fits(images)?;
    let (brain, classes) = (&model.brain, model.brain.config().classes);
    let names = page::class_names(&setting.images()?.source, classes);
    let mut evaluator = Evaluator::new(super::SHARD);
    let Encoded { logits, .. } = evaluator.encode(brain, &model.parameters, images)?;
    let cortex = log_softmax(&logits, classes);
    let found = match &model.hippocampus {
        None => None,
        Some(_) => {
            let (evidence, recall) = evidence(model, &mut evaluator, images, None, &mut |_| Ok(()))?;
            let decided = evaluator.decide(brain, &model.parameters, &evidence)?;
            Some((evidence, recall, decided))
        }
    };
    let name = |class: usize| page::class_name(&names, class).to_owned();
    let opinion = |rows: &[f32], i: usize| {
        let row = &rows[i * classes..][..classes];
        let class = argmax(row, classes)[0] as usize;
        Opinion { class, name: name(class), probability: f64::from(row[class]).exp() }
    };
    let one = |i: usize| {
        let log_probs = found.as_ref().map_or(&cortex, |(_, _, Decided { log_probs, .. })| log_probs);
        let row = &log_probs[i * classes..][..classes];
        let class = argmax(row, classes)[0] as usize;
        let mut advisers = BTreeMap::from([("cortex".to_owned(), opinion(&cortex, i))]);
        let mut neighbours = Vec::new();
        if let Some((evidence, recall, _)) = &found {
            advisers.insert("memory".to_owned(), opinion(&evidence.memory, i));
            let slots = i * recall.k..(i + 1) * recall.k;
            neighbours.extend(slots.filter(|&at| recall.slots[at] != u32::MAX).map(|at| {
                let class = recall.labels[at] as usize;
                Neighbour { image: recall.ids[at], class, name: name(class), distance: f64::from(recall.distances[at]) }
            }));
        }
        Prediction {
            class,
            name: name(class),
            probabilities: row.iter().map(|&p| f64::from(p).exp()).collect(),
            advisers,
            neighbours,
            trust: found.as_ref().map(|(_, _, decided)| f64::from(decided.trust[i])),
        }
    };
    Ok((0..images.len()).map(one).collect())
}
