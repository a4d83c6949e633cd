//! Samples as a stage with labels shows them, and what is to be learned of them.

use nl_autodiff::Var;
use nl_data::{Augment, Targets as Given};
use nl_layers::Context;
use nl_layers::loss::{TargetForm, TargetRows};
use nl_random::Streams;

use super::aim::Aim;
use super::input::{Change, Input};
use super::rotation;
use crate::Error;
use crate::gradient::Shard;

/// Samples, distorted; what is drawn depends on (epoch, sample).
#[derive(Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) input: Input<'a>,
    pub(super) aim: &'a Aim,
    pub(super) augment: Augment,
    pub(super) streams: Streams,
}

impl Shown<'_> {
    /// The same samples, as they are.
    pub(super) fn plain(self) -> Self {
        Self { augment: Augment::default(), ..self }
    }

    /// The samples of a shard; what is to be learned of them is then in its workspace ([`Aim::targets`]).
    pub(super) fn batch<'t>(&self, shard: &mut Shard<'_>, ctx: &Context<'t, f32>) -> Result<Var<'t, f32>, Error> {
        let Self { input, aim, .. } = self;
        let change = Change { augment: &self.augment, streams: &self.streams, epoch: shard.epoch };
        let work = &mut *shard.workspace;
        let view = input.batch(ctx.tape(), shard.samples, |to, i| match aim.degrees {
            Some(degrees) => rotation::shown(input, i, &change, degrees, work, to),
            None => input.changed(i, &change, work, to),
        })?;
        match (aim.degrees, input.samples.targets()) {
            (Some(degrees), _) => aim.rows(shard.samples, &mut work.values, |i, to| {
                to[0] = rotation::learning_angle(&change, i, degrees);
            }),
            (None, Given::Classes { labels, .. }) => {
                work.labels.clear();
                work.labels.extend(shard.samples.iter().map(|&i| labels[i as usize]));
            }
            (None, Given::Values { values, .. }) => aim.given(values, shard.samples, &mut work.values),
        }
        Ok(view)
    }
}

impl Aim {
    /// What is to be learned of the samples that a shard was [shown](Shown::batch) last: the classes or the values there.
    pub(super) fn targets<'w>(&self, labels: &'w [u32], values: &'w [f32]) -> TargetRows<'w, f32> {
        match self.form {
            TargetForm::Values(width) => TargetRows::Values { rows: values, width },
            _ => TargetRows::Classes(labels),
        }
    }

    /// What `fill` writes for each of `samples`, `[samples, values]`, in the unit in which it is learned.
    fn rows(&self, samples: &[u32], rows: &mut Vec<f32>, mut fill: impl FnMut(u32, &mut [f32])) {
        let width = self.values();
        rows.clear();
        rows.resize(samples.len() * width, 0.0);
        for (to, &i) in rows.chunks_exact_mut(width.max(1)).zip(samples) {
            fill(i, to);
            self.standard.apply(to);
        }
    }

    /// Those of `values` (of all samples) that are of `samples`, `[samples, values]`, in the unit in which they are learned.
    pub(super) fn given(&self, values: &[f32], samples: &[u32], rows: &mut Vec<f32>) {
        let width = self.values();
        self.rows(samples, rows, |i, to| to.copy_from_slice(&values[i as usize * width..][..width]));
    }
}
