//! What cortex and memory say about images.

use nl_brain::{RecallBatch, Scratch};
use nl_data::Images;

use super::BrainModel;
use super::evaluator::{Encoded, Evaluator};
use super::keys::Keys;
use super::objective::Evidence;
use crate::Error;
use crate::metrics::labels;

/// What cortex and memory say about `images`, and the recall it is made from; `exclude` are the ids that each query does not
/// recall. `check(images done)` is asked now and then whether to go on.
pub(super) fn evidence(
    model: &BrainModel,
    evaluator: &mut Evaluator,
    images: &Images,
    exclude: Option<&[u64]>,
    check: &mut dyn FnMut(usize) -> Result<(), Error>,
) -> Result<(Evidence, RecallBatch), Error> {
    let Some(hippocampus) = &model.hippocampus else {
        return Err(Error::config("nothing is remembered yet: a stage `remember` has to come first"));
    };
    let (mut evidence, mut recall) = (Evidence::default(), RecallBatch::default());
    let mut scratches: Vec<Scratch> = (0..rayon::current_num_threads()).map(|_| Scratch::new()).collect();
    let mut part = RecallBatch::default();
    let keys = Keys::of_model(model)?;
    for piece in evaluator.pieces(images.len()) {
        let samples: Vec<u32> = (piece.start as u32..piece.end as u32).collect();
        let Encoded { embedding, logits } =
            evaluator.encode(&model.brain, &model.parameters, &images.select(&samples))?;
        let keys = match &keys {
            Some(keys) => &keys.of(evaluator, &model.brain, &images.select(&samples))?,
            None => &embedding,
        };
        hippocampus.recall(keys, exclude.map(|ids| &ids[piece.clone()]), &mut part, &mut scratches)?;
        evidence.embedding.extend_from_slice(&embedding);
        evidence.logits.extend_from_slice(&logits);
        append(&mut recall, &part);
        check(piece.end)?;
    }
    evidence.memory.clone_from(&recall.log_probs);
    evidence.agreement.clone_from(&recall.agreement);
    evidence.distance.clone_from(&recall.mean_distance);
    evidence.labels = labels(images);
    Ok((evidence, recall))
}

fn append(all: &mut RecallBatch, part: &RecallBatch) {
    all.k = part.k;
    all.slots.extend_from_slice(&part.slots);
    all.ids.extend_from_slice(&part.ids);
    all.labels.extend_from_slice(&part.labels);
    all.distances.extend_from_slice(&part.distances);
    all.log_probs.extend_from_slice(&part.log_probs);
    all.agreement.extend_from_slice(&part.agreement);
    all.mean_distance.extend_from_slice(&part.mean_distance);
}
