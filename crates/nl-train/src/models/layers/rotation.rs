//! Pictures turned by an angle that is to be told.

use nl_data::transform::Affine;
use nl_data::{Samples, Scratch, Targets, Values};
use nl_random::Streams;
use rand::RngExt;

use super::input::{Change, Input, planes};
use crate::Error;
use crate::gradient::Workspace;
use crate::models::standard::Standard;

/// What the value is called.
pub(super) const NAME: &str = "degrees";
/// Stream of the angles while learning.
const LEARNING: &str = "rotation";

/// The angle of a sample, uniform in ±`degrees`: the same for (epoch, sample).
pub(super) fn angle(streams: &Streams, stream: &str, epoch: u64, sample: u64, degrees: f32) -> f32 {
    degrees * (2.0 * streams.rng(stream, epoch, sample).random::<f32>() - 1.0)
}

/// The angle of sample `index` in an epoch of learning.
pub(super) fn learning_angle(change: &Change<'_>, index: u32, degrees: f32) -> f32 {
    angle(change.streams, LEARNING, change.epoch, u64::from(index), degrees)
}

/// Sample `index`, changed and then turned clockwise by its angle of this epoch, to `to`.
pub(super) fn shown(
    input: &Input<'_>,
    index: u32,
    change: &Change<'_>,
    degrees: f32,
    work: &mut Workspace,
    to: &mut [f32],
) -> Result<(), Error> {
    input.changed(index, change, work, to)?;
    let map = Affine::rotation(learning_angle(change, index, degrees));
    work.image.resize(to.len(), 0.0);
    work.image.copy_from_slice(to);
    planes(input.samples, &work.image, to, |from, to, [height, width]| {
        Ok(map.apply(from, height, width, 0.0, to, &mut work.transform)?)
    })
}

/// Each picture turned clockwise by an angle of its own, which is its target; what is drawn depends on its place only.
pub(super) fn turned(samples: &Samples, degrees: f32, streams: &Streams, stream: &str) -> Result<Samples, Error> {
    let width = samples.width();
    let (mut values, mut angles) = (vec![0.0; samples.len() * width], Vec::with_capacity(samples.len()));
    let (mut picture, mut scratch) = (vec![0.0; width], Scratch::new());
    let (as_they_are, input) = (Standard::default(), |standard| Input { samples, standard });
    for (i, to) in values.chunks_exact_mut(width).enumerate() {
        input(&as_they_are).unit(i as u32, &mut picture);
        let by = angle(streams, stream, 0, i as u64, degrees);
        let map = Affine::rotation(by);
        planes(samples, &picture, to, |from, to, [height, width]| {
            Ok(map.apply(from, height, width, 0.0, to, &mut scratch)?)
        })?;
        angles.push(by);
    }
    let targets = Targets::Values { width: 1, values: angles, names: vec![NAME.to_owned()] };
    Samples::new(samples.shape().to_vec(), Values::F32(values), targets).map_err(|e| Error::config(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dot(at: usize) -> Samples {
        let mut pixels = vec![0; 81];
        pixels[at] = 255;
        let targets = Targets::Classes { labels: vec![0], classes: 2, names: Vec::new() };
        Samples::new(vec![9, 9], Values::U8(pixels), targets).unwrap()
    }

    /// The target is the angle by which what lies right of the centre has moved down.
    #[test]
    fn the_target_is_the_angle_of_the_turn() {
        let (right, samples) = (4 * 9 + 7, dot(4 * 9 + 7).select(&[0; 64]));
        assert_eq!(right % 9, 7);
        let turned = turned(&samples, 45.0, &Streams::new(3), "test").unwrap();
        let (Targets::Values { values: angles, .. }, Values::F32(pixels)) = (turned.targets(), turned.values()) else {
            panic!("no angles");
        };
        for (angle, picture) in angles.iter().zip(pixels.chunks_exact(81)) {
            let mass: f32 = picture.iter().sum();
            let mean = |of: fn(usize) -> usize| {
                picture.iter().enumerate().map(|(i, v)| v * of(i) as f32).sum::<f32>() / mass - 4.0
            };
            let found = mean(|i| i / 9).atan2(mean(|i| i % 9)).to_degrees();
            assert!((found - angle).abs() < 2.0, "{found} of {angle}");
        }
        assert!(angles.iter().all(|a| a.abs() <= 45.0) && angles.iter().any(|&a| a > 30.0), "{angles:?}");
        assert!(angles.iter().any(|&a| a < -30.0), "{angles:?}");
    }

    /// What is shown while learning is turned by the angle that is asked for, anew in each epoch.
    #[test]
    fn learning_draws_anew() {
        let samples = dot(4 * 9 + 7);
        let (standard, streams) = (Standard::default(), Streams::new(3));
        let input = Input { samples: &samples, standard: &standard };
        let shown_in = |epoch| {
            let change = Change { augment: &nl_data::Augment::default(), streams: &streams, epoch };
            let mut to = vec![0.0; 81];
            shown(&input, 0, &change, 45.0, &mut Workspace::default(), &mut to).unwrap();
            (learning_angle(&change, 0, 45.0), to)
        };
        let (a, b) = (shown_in(0), shown_in(1));
        assert!(a.0 != b.0 && a.1 != b.1);
        assert_eq!(a, shown_in(0));
        let mut by_hand = vec![0.0; 81];
        let mut plain = vec![0.0; 81];
        input.unit(0, &mut plain);
        Affine::rotation(a.0).apply(&plain, 9, 9, 0.0, &mut by_hand, &mut Scratch::new()).unwrap();
        assert_eq!(a.1, by_hand);
    }
}
