//! Samples on their way into a network.

use nl_autodiff::{Tape, Var};
use nl_data::{Augment, Corruption, Samples, Scratch, Values};
use nl_layers::graph::Form;
use nl_random::Streams;

use crate::Error;
use crate::config::Normalization;
use crate::data::SampleForm;
use crate::gradient::Workspace;
use crate::models::standard::Standard;

/// The form of one sample for a network: grey pictures have one channel.
pub(super) fn network_form(sample: &SampleForm) -> Form {
    match (sample.picture(), &sample.shape[..]) {
        (Some([channels, height, width]), _) => Form::image(channels, height, width),
        (None, []) => Form::features(1),
        (None, shape) => Form { steps: None, dims: shape.to_vec() },
    }
}

/// The statistics of the samples `learn`, as far as they are to be standardised.
pub(super) fn standard(samples: &Samples, learn: &[u32], normalize: Normalization) -> Standard {
    let (width, row) = (samples.width(), samples.shape().len() < 2);
    let table = row && matches!(samples.values(), Values::F32(_));
    match normalize {
        Normalization::Auto if !table => Standard::default(),
        Normalization::None => Standard::default(),
        _ if learn.is_empty() => Standard::default(),
        _ => {
            let dim = if row { width } else { 1 };
            Standard::of(learn.len(), width, dim, |i, to| unit(samples, learn[i], to))
        }
    }
}

/// Sample `index`, bytes scaled to [0, 1].
fn unit(samples: &Samples, index: u32, to: &mut [f32]) {
    let at = index as usize * samples.width()..(index as usize + 1) * samples.width();
    match samples.values() {
        Values::U8(bytes) => {
            to.iter_mut().zip(&bytes[at]).for_each(|(to, &byte)| *to = f32::from(byte) * (1.0 / 255.0));
        }
        Values::F32(values) => to.copy_from_slice(&values[at]),
    }
}

/// Samples as a network is shown them.
#[derive(Clone, Copy)]
pub(super) struct Input<'a> {
    pub(super) samples: &'a Samples,
    pub(super) standard: &'a Standard,
}

/// How one picture is changed before it is shown; what is drawn depends on (epoch, sample) only.
pub(super) struct Change<'a> {
    pub(super) augment: &'a Augment,
    pub(super) streams: &'a Streams,
    pub(super) epoch: u64,
}

impl Input<'_> {
    /// A constant `[samples, …]` of what `fill` writes, sample by sample, standardised.
    pub(super) fn batch<'t>(
        &self,
        tape: &'t Tape<f32>,
        samples: &[u32],
        mut fill: impl FnMut(&mut [f32], u32) -> Result<(), Error>,
    ) -> Result<Var<'t, f32>, Error> {
        let mut dims = [1; Self::AXES];
        let shape = self.samples.shape();
        let dims = match shape {
            // One channel; one number.
            [height, width] => axes(&mut dims, &[samples.len(), 1, *height, *width]),
            [] => axes(&mut dims, &[samples.len(), 1]),
            _ if shape.len() < Self::AXES => {
                dims[0] = samples.len();
                dims[1..=shape.len()].copy_from_slice(shape);
                &dims[..=shape.len()]
            }
            _ => return Err(Error::config(format!("samples of shape {shape:?} have more axes than a network takes"))),
        };
        let mut outcome = Ok(());
        let batch = tape.constant_with(dims, |all| {
            outcome = all.chunks_exact_mut(self.samples.width()).zip(samples).try_for_each(|(to, &i)| {
                fill(to, i)?;
                self.standard.apply(to);
                Ok(())
            });
        })?;
        outcome.map(|()| batch)
    }

    /// Axes of a tensor.
    const AXES: usize = 8;

    /// Sample `index`, bytes scaled to [0, 1].
    pub(super) fn unit(&self, index: u32, to: &mut [f32]) {
        unit(self.samples, index, to);
    }

    /// Samples as they are.
    pub(super) fn plain<'t>(&self, tape: &'t Tape<f32>, samples: &[u32]) -> Result<Var<'t, f32>, Error> {
        self.batch(tape, samples, |to, i| {
            unit(self.samples, i, to);
            Ok(())
        })
    }

    /// Sample `index`, changed, to `to`; all channels of a picture have the same geometry.
    pub(super) fn changed(
        &self,
        index: u32,
        change: &Change<'_>,
        work: &mut Workspace,
        to: &mut [f32],
    ) -> Result<(), Error> {
        let Change { augment, streams, epoch } = *change;
        if *augment == Augment::default() {
            unit(self.samples, index, to);
            return Ok(());
        }
        work.image.resize(self.samples.width(), 0.0);
        unit(self.samples, index, &mut work.image);
        planes(self.samples, &work.image, to, |from, to, [height, width]| {
            let mut rng = streams.rng("augment", epoch, u64::from(index));
            Ok(augment.apply(from, height, width, to, &mut work.transform, &mut rng)?)
        })
    }
}

/// Noise on a picture, the same on all of its channels.
pub(super) fn corrupted(
    samples: &Samples,
    index: u32,
    corruption: &Corruption,
    (streams, epoch): (&Streams, u64),
    scratch: &mut Scratch,
    picture: &mut [f32],
) -> Result<(), Error> {
    let size = plane(samples)?;
    for plane in picture.chunks_exact_mut(size[0] * size[1]) {
        let mut rng = streams.rng("corrupt", epoch, u64::from(index));
        corruption.apply(plane, size[0], size[1], scratch, &mut rng)?;
    }
    Ok(())
}

/// `change` of each channel of a picture.
pub(super) fn planes(
    samples: &Samples,
    from: &[f32],
    to: &mut [f32],
    mut change: impl FnMut(&[f32], &mut [f32], [usize; 2]) -> Result<(), Error>,
) -> Result<(), Error> {
    let size = plane(samples)?;
    let area = size[0] * size[1];
    from.chunks_exact(area).zip(to.chunks_exact_mut(area)).try_for_each(|(from, to)| change(from, to, size))
}

/// Height and width of a picture.
fn plane(samples: &Samples) -> Result<[usize; 2], Error> {
    match *samples.shape() {
        [height, width] | [1 | 3, height, width] => Ok([height, width]),
        ref shape => Err(Error::config(format!("samples of shape {shape:?} are no pictures"))),
    }
}

fn axes<'d>(dims: &'d mut [usize; Input::AXES], of: &[usize]) -> &'d [usize] {
    dims[..of.len()].copy_from_slice(of);
    &dims[..of.len()]
}
