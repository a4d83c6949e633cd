//! Who spikes, and who wins.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use super::config::ConvStdpConfig;
use super::kernels::Kernels;
use super::layer::Activity;

/// A neuron that won, and learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Winner {
    /// Its map.
    pub map: u32,
    /// Its row.
    pub y: u32,
    /// Its column.
    pub x: u32,
    /// The bin of its spike.
    pub bin: u32,
}

/// A place's first spike: potential, place, map.
pub(super) type Offer = (f32, usize, usize);

/// Step 3 of the [module](super) in the bin whose potentials `activity` holds; `true` once there are k winners.
pub(super) fn compete(config: &ConvStdpConfig, kernels: &Kernels, bin: usize, activity: &mut Activity) -> bool {
    let (maps, width) = (kernels.output.channels, kernels.output.width);
    let Activity { potential, place_closed, map_closed, offers, winners, .. } = activity;
    offers.clear();
    for (place, row) in potential.chunks_exact(maps).enumerate().filter(|&(place, _)| !place_closed[place]) {
        let highest = Level::current().dispatch(Highest(row));
        if highest >= config.threshold
            && let Some(map) = row.iter().position(|&v| v == highest)
        {
            offers.push((highest, place, map));
        }
    }
    offers.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for &mut (_, place, map) in offers {
        place_closed[place] = true;
        let (y, x) = (place / width, place % width);
        let close = |w: &Winner| {
            let apart = y.abs_diff(w.y as usize).max(x.abs_diff(w.x as usize));
            config.radius > 0 && apart <= config.radius
        };
        if map_closed[map] || winners.iter().any(close) {
            continue;
        }
        map_closed[map] = true;
        winners.push(Winner { map: map as u32, y: y as u32, x: x as u32, bin: bin as u32 });
        if winners.len() == config.winners {
            return true;
        }
    }
    false
}

/// The largest of potentials, at least 0.
struct Highest<'a>(&'a [f32]);

impl Vectorised for Highest<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(self) -> f32 {
        highest(self.0, |_, v| v)
    }
}

/// max over i of `value`(i, row\[i\]), at least 0.
#[inline(always)]
fn highest(row: &[f32], value: impl Fn(usize, f32) -> f32) -> f32 {
    const LANES: usize = 16;
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (j, chunk) in chunks.iter().enumerate() {
        let next: [f32; LANES] = core::array::from_fn(|i| larger(lanes[i], value(j * LANES + i, chunk[i])));
        lanes = next;
    }
    let last = rest.iter().enumerate().fold(0.0, |m, (i, &v)| larger(m, value(chunks.len() * LANES + i, v)));
    lanes.into_iter().fold(last, larger)
}

/// Earliness without competition: one more bin at or above θ.
pub(super) struct Cross<'a> {
    pub(super) threshold: f32,
    pub(super) potential: &'a [f32],
    pub(super) earliness: &'a mut [u8],
}

impl Vectorised for Cross<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (earliness, potential) in self.earliness.iter_mut().zip(self.potential) {
            *earliness += u8::from(*potential >= self.threshold);
        }
    }
}

/// Earliness where only the first `keep` neurons of a place spike: `room` is how many still may, `left` is T − b.
pub(super) struct Keep<'a> {
    pub(super) threshold: f32,
    pub(super) maps: usize,
    pub(super) left: u8,
    pub(super) potential: &'a [f32],
    pub(super) earliness: &'a mut [u8],
    pub(super) room: &'a mut [u32],
}

impl Vectorised for Keep<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let rows = self.potential.chunks_exact(self.maps).zip(self.earliness.chunks_exact_mut(self.maps));
        for ((row, earliness), room) in rows.zip(self.room) {
            while *room > 0 {
                let silent = &*earliness;
                let first = highest(row, |i, v| if silent[i] == 0 { v } else { 0.0 });
                if first < self.threshold {
                    break;
                }
                let Some(map) = (0..row.len()).find(|&i| row[i] == first && earliness[i] == 0) else { break };
                earliness[map] = self.left;
                *room -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use rand::RngExt;

    #[test]
    fn every_level_gives_the_same_bits() {
        let (maps, places) = (37, 50);
        let mut rng = Streams::new(2).rng("potentials", 0, 0);
        let potential: Vec<f32> = (0..maps * places).map(|_| (rng.random::<f32>() * 40.0).floor()).collect();
        let run = |level: Level| {
            let (mut cross, mut keep, mut room) = (vec![0; maps * places], vec![0; maps * places], vec![3; places]);
            let (threshold, potential) = (35.0, &potential[..]);
            level.dispatch(Cross { threshold, potential, earliness: &mut cross });
            level.dispatch(Keep { threshold, maps, left: 4, potential, earliness: &mut keep, room: &mut room });
            let highest: Vec<f32> = potential.chunks(maps).map(|row| level.dispatch(Highest(row))).collect();
            (cross, keep, room, highest)
        };
        let expected = run(Level::Portable);
        for (row, highest) in potential.chunks(maps).zip(&expected.3) {
            assert_eq!(row.iter().copied().fold(0.0, f32::max), *highest);
        }
        assert!(expected.2.contains(&0), "places fill up");
        for level in Level::available() {
            assert_eq!(run(level), expected, "{level}");
        }
    }
}
