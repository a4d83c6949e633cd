//! Between two layers: the earliest spike of a window, and spikes from earliness.

use nl_neuron::SpikeTrain;
use nl_units::Error;

use super::NAME;
use super::config::Grid;

/// The earliest spike of each map in windows of `window` × `window` places side by side (cut at the edge): the largest
/// earliness, into `out` `[⌈height / window⌉, ⌈width / window⌉, channels]`, whose grid is returned.
///
/// # Errors
/// [`Error::Length`] if `earliness` is not of `grid`, [`Error::Parameter`] if the window is 0.
pub fn earliest(earliness: &[u8], grid: Grid, window: usize, out: &mut Vec<u8>) -> Result<Grid, Error> {
    Error::length(NAME, "earliness", grid.len(), earliness.len())?;
    Error::check(NAME, "window", window as f64, |w| w >= 1.0, "use at least 1 place")?;
    let pooled = grid.pooled(window);
    out.clear();
    out.resize(pooled.len(), 0);
    let channels = grid.channels.max(1);
    for (place, row) in earliness.chunks_exact(channels).enumerate() {
        let (y, x) = (place / grid.width / window, place % grid.width / window);
        for (to, &from) in out[(y * pooled.width + x) * channels..][..channels].iter_mut().zip(row) {
            *to = if from > *to { from } else { *to };
        }
    }
    Ok(pooled)
}

/// Spikes in bin T − earliness of the neurons whose earliness is not 0, `bins` = T.
///
/// # Errors
/// [`Error::Length`] if the train is not of so many neurons, [`Error::Index`] if an earliness is above `bins`; the train
/// is then empty.
pub fn spikes(earliness: &[u8], bins: usize, train: &mut SpikeTrain) -> Result<(), Error> {
    Error::length(NAME, "spikes (neurons)", earliness.len(), train.population())?;
    let events = train.events_mut();
    events.clear();
    for (neuron, &early) in earliness.iter().enumerate().filter(|(_, early)| **early > 0) {
        // An earliness above T wraps to a step far beyond, which the train refuses.
        events.push((bins.wrapping_sub(early.into()).min(u32::MAX as usize) as u32, neuron as u32));
    }
    train.collect(bins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_keep_the_earliest_and_are_cut_at_the_edge() {
        let grid = Grid { height: 3, width: 3, channels: 2 };
        let earliness: Vec<u8> = (0..18).collect();
        let mut out = Vec::new();
        assert_eq!(earliest(&earliness, grid, 2, &mut out).unwrap(), Grid { height: 2, width: 2, channels: 2 });
        assert_eq!(out, [8, 9, 10, 11, 14, 15, 16, 17]);
        assert_eq!(earliest(&earliness, grid, 100, &mut out).unwrap().len(), 2);
        assert_eq!(out, [16, 17]);
        assert!(earliest(&earliness, grid, 0, &mut out).is_err());
        assert!(earliest(&earliness[1..], grid, 1, &mut out).is_err());
    }

    #[test]
    fn spikes_and_earliness_are_the_same_thing() {
        let mut train = SpikeTrain::new(4);
        spikes(&[0, 3, 1, 3], 3, &mut train).unwrap();
        assert_eq!((train.at(0), train.at(1), train.at(2)), (&[1, 3][..], &[][..], &[2][..]));
        assert!(spikes(&[0, 4, 0, 0], 3, &mut train).is_err());
        assert_eq!(train.count(), 0);
        assert!(spikes(&[1; 3], 3, &mut train).is_err());
    }
}
