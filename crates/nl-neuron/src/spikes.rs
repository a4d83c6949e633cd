//! Who spiked: in one step ([`SpikeSet`]), and over many ([`SpikeTrain`]).

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::exact::{filled, room};

/// The neurons of a population of `n` that spiked in one time step: indices in ascending order, none twice.
///
/// ```
/// use nl_neuron::SpikeSet;
/// let spikes = SpikeSet::from_indices(4, &[1, 3])?;
/// assert_eq!(spikes.indices(), &[1, 3]);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "UncheckedSet")]
pub struct SpikeSet {
    n: usize,
    indices: Vec<u32>,
    /// One byte a neuron: where a vectorised loop leaves its comparison; all 0 between steps, none before the first.
    #[serde(skip)]
    flags: Vec<u8>,
}

#[derive(Deserialize)]
struct UncheckedSet {
    n: usize,
    indices: Vec<u32>,
}

impl PartialEq for SpikeSet {
    fn eq(&self, other: &Self) -> bool {
        (self.n, &self.indices) == (other.n, &other.indices)
    }
}

impl Eq for SpikeSet {}

impl TryFrom<UncheckedSet> for SpikeSet {
    type Error = Error;

    fn try_from(raw: UncheckedSet) -> Result<Self, Error> {
        let UncheckedSet { n, indices } = raw;
        check_row("SpikeSet (ascending, none twice)", n, &indices)?;
        Ok(Self { n, indices, flags: Vec::new() })
    }
}

/// `Ok` if the indices ascend below `n`.
fn check_row(what: &'static str, n: usize, indices: &[u32]) -> Result<(), Error> {
    for (i, &index) in indices.iter().enumerate() {
        if index as usize >= n || (i > 0 && indices[i - 1] >= index) {
            return Err(Error::Index { what, index: index as usize, n });
        }
    }
    Ok(())
}

impl SpikeSet {
    /// No spikes of a population of `n`; takes no memory before the first step.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n, indices: Vec::new(), flags: Vec::new() }
    }

    /// Makes room for one flag a neuron, if there is none yet: what [`NeuronModel::check`](crate::NeuronModel::check) does
    /// for each model.
    ///
    /// # Errors
    /// [`Error::Memory`].
    pub fn prepare(&mut self) -> Result<(), Error> {
        if self.flags.len() != self.n {
            self.flags = filled("SpikeSet", 0, self.n)?;
        }
        Ok(())
    }

    /// The spikes of `indices`.
    ///
    /// # Errors
    /// [`Error::Index`] if an index is not below `n`, or they do not ascend.
    pub fn from_indices(n: usize, indices: &[u32]) -> Result<Self, Error> {
        let mut set = Self::new(n);
        for &index in indices {
            set.push(index)?;
        }
        Ok(set)
    }

    /// Size of the population.
    #[must_use]
    pub fn population(&self) -> usize {
        self.n
    }

    /// The indices, ascending.
    #[must_use]
    pub fn indices(&self) -> &[u32] {
        &self.indices
    }

    /// Number of spikes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.indices.len()
    }

    /// Whether nobody spiked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty()
    }

    /// Forgets the spikes, keeps the memory.
    pub fn clear(&mut self) {
        self.indices.clear();
    }

    /// Adds the spike of neuron `index`, which must lie above those already here.
    ///
    /// # Errors
    /// [`Error::Index`] if it is not below the population's size, or does not ascend.
    pub fn push(&mut self, index: u32) -> Result<(), Error> {
        if index as usize >= self.n || self.indices.last().is_some_and(|&last| last >= index) {
            return Err(Error::Index { what: "SpikeSet (ascending, none twice)", index: index as usize, n: self.n });
        }
        self.indices.push(index);
        Ok(())
    }

    /// One byte a neuron for a loop to set to 1 where a neuron spiked; [`collect`](Self::collect) reads and clears them.
    /// None at all before [`prepare`](Self::prepare).
    pub fn flags_mut(&mut self) -> &mut [u8] {
        &mut self.flags
    }

    /// Replaces the indices by those whose flag is not 0, and clears the flags.
    pub fn collect(&mut self) {
        self.indices.clear();
        Level::current().dispatch(Collect { flags: &mut self.flags, indices: &mut self.indices });
    }
}

/// Looks at blocks, then at words of eight flags, and only then at a flag: most of a network is silent.
struct Collect<'a> {
    flags: &'a mut [u8],
    indices: &'a mut Vec<u32>,
}

impl Vectorised for Collect<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const WORD: usize = 8;
        const BLOCK: usize = 256;
        let Self { flags, indices } = self;
        for (b, block) in flags.chunks_mut(BLOCK).enumerate() {
            if block.iter().fold(0, |any, &flag| any | flag) == 0 {
                continue;
            }
            for (w, word) in block.chunks_mut(WORD).enumerate() {
                let mut bytes = [0; WORD];
                bytes[..word.len()].copy_from_slice(word);
                let mut set = u64::from_le_bytes(bytes);
                if set == 0 {
                    continue;
                }
                word.fill(0);
                while set != 0 {
                    let i = set.trailing_zeros() / 8;
                    indices.push((b * BLOCK + w * WORD) as u32 + i);
                    set &= !(0xff << (8 * i));
                }
            }
        }
    }
}

/// The spikes of `n` neurons over `steps` time steps: a sparse raster, ordered by step and then by neuron.
///
/// ```
/// use nl_neuron::SpikeTrain;
/// let mut train = SpikeTrain::new(3);
/// train.push_step(&[0, 2])?; // step 0
/// train.push_step(&[])?; // step 1
/// assert_eq!((train.steps(), train.at(0), train.count()), (2, &[0, 2][..], 2));
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "UncheckedTrain")]
pub struct SpikeTrain {
    n: usize,
    offsets: Vec<usize>,
    indices: Vec<u32>,
    /// Events not yet in the raster; empty but while somebody fills it.
    #[serde(skip)]
    events: Vec<(u32, u32)>,
}

#[derive(Deserialize)]
struct UncheckedTrain {
    n: usize,
    offsets: Vec<usize>,
    indices: Vec<u32>,
}

impl TryFrom<UncheckedTrain> for SpikeTrain {
    type Error = Error;

    fn try_from(raw: UncheckedTrain) -> Result<Self, Error> {
        let UncheckedTrain { n, offsets, indices } = raw;
        let ends = offsets.first() == Some(&0) && offsets.last() == Some(&indices.len());
        if !ends || !offsets.is_sorted() {
            let got = offsets.last().copied().unwrap_or(0);
            return Err(Error::Length {
                model: "SpikeTrain",
                what: "offsets (0 to the events)",
                expected: indices.len(),
                got,
            });
        }
        for row in offsets.windows(2) {
            check_row("SpikeTrain (ascending, none twice)", n, &indices[row[0]..row[1]])?;
        }
        Ok(Self { n, offsets, indices, events: Vec::new() })
    }
}

const TRAIN: &str = "SpikeTrain";

impl SpikeTrain {
    /// A raster of `n` neurons and no steps yet.
    #[must_use]
    pub fn new(n: usize) -> Self {
        Self { n, offsets: vec![0], indices: Vec::new(), events: Vec::new() }
    }

    /// The raster of `(step, neuron)` events in any order; a doubled event counts once.
    ///
    /// # Errors
    /// [`Error::Index`] if a neuron is not below `n` or a step not below `steps`, [`Error::Memory`] if there is no room for
    /// so many steps.
    pub fn from_events(n: usize, steps: usize, events: &[(usize, u32)]) -> Result<Self, Error> {
        let mut sorted = Vec::new();
        room(TRAIN, &mut sorted, events.len())?;
        sorted.extend_from_slice(events);
        sorted.sort_unstable();
        sorted.dedup();
        if let Some(&(step, _)) = sorted.last().filter(|&&(step, _)| step >= steps) {
            return Err(Error::Index { what: "SpikeTrain::from_events (step)", index: step, n: steps });
        }
        let mut train = Self::new(n);
        room(TRAIN, &mut train.offsets, steps)?;
        let mut rest = &sorted[..];
        let mut row = Vec::new();
        for step in 0..steps {
            let here = rest.iter().take_while(|&&(s, _)| s == step).count();
            row.clear();
            row.extend(rest[..here].iter().map(|&(_, neuron)| neuron));
            train.push_step(&row)?;
            rest = &rest[here..];
        }
        Ok(train)
    }

    /// Adds one time step with the spikes of `indices`, ascending.
    ///
    /// # Errors
    /// [`Error::Index`] if an index is not below the population's size, or they do not ascend; [`Error::Memory`].
    pub fn push_step(&mut self, indices: &[u32]) -> Result<(), Error> {
        check_row("SpikeTrain (ascending, none twice)", self.n, indices)?;
        room(TRAIN, &mut self.indices, indices.len())?;
        room(TRAIN, &mut self.offsets, 1)?;
        self.indices.extend_from_slice(indices);
        self.offsets.push(self.indices.len());
        Ok(())
    }

    /// Where to put `(step, neuron)` events, in any order, for [`collect`](Self::collect) to make a raster of.
    pub fn events_mut(&mut self) -> &mut Vec<(u32, u32)> {
        &mut self.events
    }

    /// Replaces the raster by `steps` steps with the events left in [`events_mut`](Self::events_mut), and empties
    /// those; a doubled event counts once. A counting sort: fastest if the neurons of a step ascend already.
    ///
    /// ```
    /// use nl_neuron::SpikeTrain;
    /// let mut train = SpikeTrain::new(3);
    /// train.events_mut().extend([(1, 0), (0, 2), (1, 1)]);
    /// train.collect(2)?;
    /// assert_eq!((train.at(0), train.at(1)), (&[2][..], &[0, 1][..]));
    /// # Ok::<(), nl_neuron::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Index`] if a neuron is not below `n` or a step not below `steps`, [`Error::Memory`] if there is no room for
    /// so many steps; the raster and the events are then empty.
    pub fn collect(&mut self, steps: usize) -> Result<(), Error> {
        self.clear();
        if let Err(error) = self.fits(steps) {
            self.events.clear();
            return Err(error);
        }
        self.offsets.resize(steps + 1, 0);
        for &(step, _) in &self.events {
            self.offsets[step as usize] += 1;
        }
        let mut total = 0;
        for offset in &mut self.offsets {
            total += core::mem::replace(offset, total);
        }
        // Each offset moves from its step's begin to its end, which is the begin of the next.
        self.indices.resize(total, 0);
        for &(step, neuron) in &self.events {
            let slot = &mut self.offsets[step as usize];
            self.indices[*slot] = neuron;
            *slot += 1;
        }
        self.offsets.copy_within(..steps, 1);
        self.offsets[0] = 0;
        self.events.clear();
        self.order();
        Ok(())
    }

    /// `Ok` if the events lie within so many steps, with the room for their raster made.
    fn fits(&mut self, steps: usize) -> Result<(), Error> {
        for &(step, neuron) in &self.events {
            let (index, n, what) = if step as usize >= steps {
                (step as usize, steps, "SpikeTrain::collect (step)")
            } else {
                (neuron as usize, self.n, "SpikeTrain::collect (neuron)")
            };
            if index >= n {
                return Err(Error::Index { what, index, n });
            }
        }
        room(TRAIN, &mut self.offsets, steps)?;
        room(TRAIN, &mut self.indices, self.events.len())
    }

    /// Sorts the steps whose neurons do not ascend, and takes doubled ones out.
    fn order(&mut self) {
        let mut end = 0;
        let mut begin = 0;
        for step in 0..self.steps() {
            let next = self.offsets[step + 1];
            let row = &mut self.indices[begin..next];
            let ascending = row.is_sorted_by(|a, b| a < b);
            if ascending && end == begin {
                end = next;
            } else {
                row.sort_unstable();
                let first = end;
                for i in begin..next {
                    if end == first || self.indices[end - 1] != self.indices[i] {
                        self.indices[end] = self.indices[i];
                        end += 1;
                    }
                }
            }
            self.offsets[step + 1] = end;
            begin = next;
        }
        self.indices.truncate(end);
    }

    /// Forgets all steps, keeps the memory.
    pub fn clear(&mut self) {
        self.offsets.truncate(1);
        self.indices.clear();
    }

    /// Size of the population.
    #[must_use]
    pub fn population(&self) -> usize {
        self.n
    }

    /// Number of time steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Who spiked in `step`, ascending; nobody beyond the last step.
    #[must_use]
    pub fn at(&self, step: usize) -> &[u32] {
        if step < self.steps() { &self.indices[self.offsets[step]..self.offsets[step + 1]] } else { &[] }
    }

    /// Number of spikes.
    #[must_use]
    pub fn count(&self) -> usize {
        self.indices.len()
    }

    /// Spikes of each neuron: `[n]`, allocated as a `Vec` is.
    #[must_use]
    pub fn counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.n];
        for &index in &self.indices {
            counts[index as usize] += 1;
        }
        counts
    }

    /// The steps in which neuron `index` spiked.
    #[must_use]
    pub fn steps_of(&self, index: u32) -> Vec<usize> {
        (0..self.steps()).filter(|&step| self.at(step).binary_search(&index).is_ok()).collect()
    }

    /// All events as `(step, neuron)`, in order.
    pub fn events(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        (0..self.steps()).flat_map(|step| self.at(step).iter().map(move |&index| (step, index)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damaged_files_are_refused() {
        let set = SpikeSet::from_indices(3, &[0, 2]).unwrap();
        let written = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<SpikeSet>(&written).unwrap(), set);
        for indices in ["[0,3]", "[2,0]", "[1,1]"] {
            let text = format!(r#"{{"n":3,"indices":{indices}}}"#);
            assert!(serde_json::from_str::<SpikeSet>(&text).is_err(), "{text}");
        }
        let mut train = SpikeTrain::new(3);
        train.push_step(&[0, 2]).unwrap();
        let written = serde_json::to_string(&train).unwrap();
        assert_eq!(serde_json::from_str::<SpikeTrain>(&written).unwrap(), train);
        let damaged =
            [("[]", "[]"), ("[1,2]", "[0,2]"), ("[0,1]", "[0,2]"), ("[0,2,1,2]", "[0,2]"), ("[0,2]", "[2,0]")];
        for (offsets, indices) in damaged {
            let text = format!(r#"{{"n":3,"offsets":{offsets},"indices":{indices}}}"#);
            assert!(serde_json::from_str::<SpikeTrain>(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_become_indices_and_are_cleared() {
        let mut set = SpikeSet::new(150);
        assert!(set.flags_mut().is_empty());
        set.prepare().unwrap();
        for i in [0, 63, 64, 149] {
            set.flags_mut()[i] = 1;
        }
        set.collect();
        assert_eq!(set.indices(), &[0, 63, 64, 149]);
        set.collect();
        assert!(set.is_empty());
    }

    #[test]
    fn disorder_and_excess_are_refused() {
        assert!(SpikeSet::from_indices(3, &[3]).is_err());
        assert!(SpikeSet::from_indices(3, &[1, 1]).is_err());
        assert!(SpikeTrain::new(3).push_step(&[2, 1]).is_err());
        assert!(SpikeTrain::from_events(3, 2, &[(2, 0)]).is_err());
    }

    /// Sizes that no memory holds: an error at once, neither an abort nor a loop without end.
    #[test]
    fn sizes_without_memory_are_refused() {
        for steps in [usize::MAX, usize::MAX - 1, 1 << 60] {
            let mut train = SpikeTrain::new(3);
            train.events_mut().push((0, 1));
            assert!(matches!(train.collect(steps), Err(Error::Memory { .. })), "{steps}");
            assert_eq!((train.steps(), train.events_mut().len()), (0, 0));
            assert!(matches!(SpikeTrain::from_events(3, steps, &[(0, 1)]), Err(Error::Memory { .. })), "{steps}");
        }
        for n in [usize::MAX, 1 << 60] {
            let mut set = SpikeSet::new(n);
            assert!(matches!(set.prepare(), Err(Error::Memory { .. })), "{n}");
            assert!(SpikeSet::from_indices(n, &[7]).is_ok_and(|set| set.indices() == [7]));
        }
    }

    #[test]
    fn events_round_trip() {
        let events = [(0, 1), (0, 2), (3, 0)];
        let train = SpikeTrain::from_events(3, 5, &[(3, 0), (0, 2), (0, 1), (0, 1)]).unwrap();
        assert_eq!(train.events().collect::<Vec<_>>(), events);
        assert_eq!(train.steps_of(2), [0]);
        assert_eq!(train.counts(), [1, 1, 1]);
        assert!(train.at(99).is_empty());
        let mut collected = SpikeTrain::new(3);
        for _ in 0..2 {
            collected.events_mut().extend([(3, 0), (0, 2), (0, 1), (0, 1), (3, 0)]);
            collected.collect(5).unwrap();
            assert_eq!(collected, train);
        }
        for bad in [(5, 0), (0, 3)] {
            collected.events_mut().extend([(0, 1), bad]);
            assert!(collected.collect(5).is_err());
            assert_eq!((collected.steps(), collected.count(), collected.events_mut().len()), (0, 0, 0));
        }
    }
}
