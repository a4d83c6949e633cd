//! What the episodic layers of a network read: samples that are known, as the network sees them now.

use std::sync::Arc;

use nl_data::{Samples, Targets};
use nl_layers::graph::{Form, LayerEntry, LayerKind, Line};
use nl_layers::{Context, Episodes, EpisodicConfig, Mode};
use nl_memory::EpisodicMemory;
use serde::{Deserialize, Serialize};

use super::aim::Aim;
use super::input::Input;
use super::supervise::Ask;
use super::{LayersStage, SHARD};
use crate::Error;
use crate::data::{Dataset, spread};
use crate::gradient::RowEvaluator;

/// An episodic layer of the list.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    /// Its name.
    path: String,
    config: EpisodicConfig,
    /// Numbers of a question.
    features: usize,
    /// Numbers that are known of a memory.
    values: usize,
}

/// The layers with what a configuration may leave out: how many numbers are known of a sample.
///
/// # Errors
/// [`Error::Config`] for a number that the samples do not have, for what is drawn anew each time, and for a memory within a layer,
/// where nobody would fill it.
pub(super) fn completed(layers: &[LayerEntry], known: Option<usize>) -> Result<Vec<LayerEntry>, Error> {
    let mut all = layers.to_vec();
    for (i, entry) in all.iter_mut().enumerate() {
        let within = match &entry.layer {
            LayerKind::Residual(config) => &config.layers[..],
            LayerKind::Feedback(config) => &config.layers[..],
            _ => &[],
        };
        if within.iter().any(nested) {
            return Err(Error::config(format!(
                "layers[{i}]: an episodic layer cannot stand within another layer; place it in the list itself, and name in `from` \
                 what it is asked"
            )));
        }
        let LayerKind::Episodic(config) = &mut entry.layer else { continue };
        let Some(known) = known else {
            return Err(Error::config(format!(
                "layers[{i}]: an episodic layer remembers what is known of a sample, but the angle that it is turned by is drawn anew \
                 each time; leave the layer out, or learn the classes"
            )));
        };
        if let Some(values) = config.values.filter(|&values| values != known) {
            return Err(Error::config(format!(
                "layers[{i}]: values is {values}, but of each sample {known} are known (classes as one number each); leave it out"
            )));
        }
        config.values = Some(known);
    }
    Ok(all)
}

/// Whether it is an episodic layer, or has one within.
fn nested(entry: &LayerEntry) -> bool {
    match &entry.layer {
        LayerKind::Episodic(_) => true,
        LayerKind::Residual(config) => config.layers.iter().any(nested),
        LayerKind::Feedback(config) => config.layers.iter().any(nested),
        _ => false,
    }
}

/// The episodic layers among `lines`, whose configurations are `layers`.
pub(super) fn readers(layers: &[LayerEntry], lines: &[Line], input: &Form) -> Vec<Reader> {
    let form = |name: &str| lines.iter().find(|line| line.name == name).map_or(input, |line| &line.output);
    let reader = |(entry, line): (&LayerEntry, &Line)| {
        let LayerKind::Episodic(config) = entry.layer else { return None };
        let features = form(line.from.first()?).len();
        Some(Reader { path: line.name.clone(), config, features, values: line.output.len() })
    };
    layers.iter().zip(lines).filter_map(reader).collect()
}

/// `Ok` if a stage can learn with such layers: local ways take areas of their own.
pub(super) fn suits(stage: &LayersStage, readers: &[Reader]) -> Result<(), Error> {
    match (stage, readers.first()) {
        (LayersStage::PredictiveCoding(_) | LayersStage::FeedbackAlignment(_), Some(reader)) => {
            Err(Error::config(format!(
                "layers: {} is an episodic layer, which learns by `supervise`, `contrast` and `reconstruct` only",
                reader.path
            )))
        }
        _ => Ok(()),
    }
}

/// What all episodic layers read: what each was asked, by the weights of `ask`, of the samples whose answers are known.
///
/// A later layer is filled while the earlier ones read.
pub(super) fn fill(
    ask: &Ask<'_>,
    data: &Dataset<Samples>,
    aim: Option<&Aim>,
    readers: &[Reader],
) -> Result<Arc<[Episodes]>, Error> {
    let samples = &data.split.train;
    let input = Input { samples, standard: ask.inputs };
    let mut filled = Vec::with_capacity(readers.len());
    for reader in readers {
        let known = data.labelled.len();
        let kept = spread(known, reader.config.capacity.unwrap_or(known).min(known));
        let ids: Vec<u32> = kept.into_iter().map(|i| data.labelled[i as usize]).collect();
        let question = EpisodicConfig::question(&reader.path);
        let before: Arc<[Episodes]> = filled.clone().into();
        let mut rows = RowEvaluator::<()>::new(SHARD);
        let keys = rows.map(ids.len(), reader.features, ask.parameters, |piece, ctx, (), out| {
            let ids: Vec<u32> = piece.iter().map(|&i| ids[i as usize]).collect();
            let mut ctx = Context::new(ctx.tape(), ask.parameters, Mode::Eval).with_recording();
            ctx.set_episodes(Arc::clone(&before));
            ask.network.embed(input.plain(ctx.tape(), &ids)?, &mut ctx)?;
            let recording = ctx.into_recording();
            let asked = recording.get(&question);
            let asked = asked.ok_or_else(|| Error::config(format!("{} was not asked anything", reader.path)))?;
            out.copy_from_slice(asked.as_slice());
            Ok(())
        })?;
        let mut memory = reader.config.memory(&reader.path, reader.features, ids.len().max(1))?;
        let mut values = Vec::with_capacity(ids.len() * reader.values);
        for (&id, key) in ids.iter().zip(keys.chunks_exact(reader.features)) {
            memory.store(key, 0, id.into()).map_err(|error| Error::config(format!("{}: {error}", reader.path)))?;
            known_of(samples, id, aim, reader.values, &mut values);
        }
        filled.push(Episodes::new(&reader.path, memory, values)?);
    }
    Ok(filled.into())
}

/// Appends what is known of a sample: its class, as probabilities, or its values in the unit in which they are learned.
fn known_of(samples: &Samples, id: u32, aim: Option<&Aim>, width: usize, to: &mut Vec<f32>) {
    let from = to.len();
    to.resize(from + width, 0.0);
    let row = &mut to[from..];
    match samples.targets() {
        Targets::Classes { labels, .. } => row[labels[id as usize] as usize] = 1.0,
        Targets::Values { values, .. } => {
            row.copy_from_slice(&values[id as usize * width..][..width]);
            if let Some(aim) = aim {
                aim.standard.apply(row);
            }
        }
    }
}

/// Episodes in a checkpoint.
#[derive(Serialize, Deserialize)]
pub(super) struct EpisodesState {
    memory: Vec<u8>,
    values: Vec<f32>,
}

impl EpisodesState {
    pub(super) fn of(episodes: &[Episodes]) -> Result<Vec<Self>, Error> {
        let state = |episodes: &Episodes| {
            let mut memory = Vec::new();
            episodes.memory().write_to(&mut memory)?;
            Ok(Self { memory, values: episodes.values().to_vec() })
        };
        episodes.iter().map(state).collect()
    }

    /// What the readers read; nothing if the checkpoint is from before anything was remembered.
    pub(super) fn restored(states: &[Self], readers: &[Reader]) -> Result<Arc<[Episodes]>, Error> {
        if states.is_empty() {
            return Ok(Arc::default());
        }
        if states.len() != readers.len() {
            let (found, expected) = (states.len(), readers.len());
            return Err(Error::config(format!(
                "the checkpoint holds {found} memories, but the network has {expected} episodic layers; it is another's"
            )));
        }
        let restored = states.iter().zip(readers).map(|(state, reader)| {
            let Self { memory, values } = state;
            let memory = EpisodicMemory::read_from(&memory[..], memory.len() as u64)?;
            let fits = memory.config().dim == reader.features
                && memory.config().metric == reader.config.kernel.metric()
                && values.len() == memory.len() * reader.values
                && values.iter().all(|value| value.is_finite());
            if !fits {
                return Err(Error::config(format!(
                    "what the checkpoint remembers for {} does not fit it; it is another's",
                    reader.path
                )));
            }
            Ok(Episodes::new(&reader.path, memory, values.clone())?)
        });
        restored.collect()
    }
}
