//! The store: keys, labels, ids, and which of them stay when it is full.

use std::collections::HashMap;

use nl_random::Streams;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::index::Index;
use crate::{Error, MemoryConfig, Replacement};

/// A bounded store of (key, label, id), with exact recall of the nearest keys.
///
/// What is kept depends only on the configuration and the sequence of stores: the n-th draw of the replacement has its
/// own random stream. Equal memories recall equal bits.
///
/// ```
/// use nl_memory::{EpisodicMemory, MemoryConfig};
///
/// let mut memory = EpisodicMemory::new(MemoryConfig::new(2, 100, 2))?;
/// memory.store(&[1.0, 0.0], 0, 10)?;
/// memory.store(&[0.0, 1.0], 1, 11)?;
/// let recalled = memory.recall(&[0.9, 0.1], 1, None)?;
/// assert_eq!((recalled.neighbours[0].label, recalled.neighbours[0].id), (0, 10));
/// // Leave-one-out: what would it recall if it had never seen this one?
/// assert_eq!(memory.recall(&[0.9, 0.1], 1, Some(10))?.neighbours[0].id, 11);
/// # Ok::<(), nl_memory::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct EpisodicMemory {
    pub(crate) config: MemoryConfig,
    pub(crate) contents: Contents,
    /// Slot of each id; looked up, never iterated.
    slots: HashMap<u64, u32>,
    /// Sum of `contents.seen`.
    seen: u64,
    /// Made when a full store first has to choose among classes.
    index: Option<Index>,
}

/// Equal parameters and contents; everything else follows from them.
impl PartialEq for EpisodicMemory {
    fn eq(&self, other: &Self) -> bool {
        self.config == other.config && self.contents == other.contents
    }
}

/// Everything a memory holds; one row per slot.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Contents {
    /// `[len, dim]`
    pub(crate) keys: Vec<f32>,
    pub(crate) labels: Vec<u32>,
    pub(crate) ids: Vec<u64>,
    /// Stores per class so far, whether kept or not.
    pub(crate) seen: Vec<u64>,
    /// Memories per class.
    pub(crate) held: Vec<u64>,
    /// Classes that have been (one of) the largest while the store was full.
    pub(crate) full: Vec<bool>,
}

impl EpisodicMemory {
    /// An empty memory.
    ///
    /// # Errors
    /// [`Error::Config`] if a parameter is out of range.
    pub fn new(config: MemoryConfig) -> Result<Self, Error> {
        config.validate()?;
        let classes = config.classes;
        let contents = Contents {
            seen: vec![0; classes],
            held: vec![0; classes],
            full: vec![false; classes],
            ..Contents::default()
        };
        Ok(Self { config, contents, slots: HashMap::new(), seen: 0, index: None })
    }

    /// Puts checked parts together; `None` if an id stands twice.
    pub(crate) fn from_parts(config: MemoryConfig, contents: Contents) -> Option<Self> {
        let slots: HashMap<_, _> = contents.ids.iter().copied().zip(0..).collect();
        let seen = contents.seen.iter().sum();
        (slots.len() == contents.ids.len()).then_some(Self { config, contents, slots, seen, index: None })
    }

    /// Stores a key of `dim` components with its label and id; the slot it went to, or `None` if the store is full and
    /// the [`Replacement`] did not keep it. An id that is held already is overwritten in its slot.
    ///
    /// Costs a copy of the key, and the logarithm of the capacity once the store is full.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::NotFinite`], [`Error::Label`], or [`Error::NoMemory`] if there is no room for one
    /// more; the memory is then unchanged.
    pub fn store(&mut self, key: &[f32], label: u32, id: u64) -> Result<Option<usize>, Error> {
        let dim = self.config.dim;
        if key.len() != dim {
            return Err(Error::Dimension { op: "store", dim, got: key.len() });
        }
        check_finite("store", key)?;
        let class = label as usize;
        if class >= self.config.classes {
            return Err(Error::Label { label, classes: self.config.classes });
        }
        if let Some(&slot) = self.slots.get(&id) {
            let old = self.contents.labels[slot as usize] as usize;
            // One more of the new class has been seen, one less of the old.
            self.contents.seen[old] -= 1;
            self.contents.seen[class] += 1;
            self.overwrite(slot as usize, key, label, id);
            return Ok(Some(slot as usize));
        }
        if self.len() < self.config.capacity {
            return self.append(key, label, id).map(Some);
        }
        self.contents.seen[class] += 1;
        self.seen += 1;
        let Some(slot) = self.choose(class) else { return Ok(None) };
        self.slots.remove(&self.contents.ids[slot]);
        self.overwrite(slot, key, label, id);
        Ok(Some(slot))
    }

    fn append(&mut self, key: &[f32], label: u32, id: u64) -> Result<usize, Error> {
        let (slot, contents) = (self.len(), &mut self.contents);
        let reserved = (contents.keys.try_reserve(key.len()).ok())
            .and_then(|()| contents.labels.try_reserve(1).ok())
            .and_then(|()| contents.ids.try_reserve(1).ok())
            .and_then(|()| self.slots.try_reserve(1).ok());
        if reserved.is_none() {
            return Err(Error::NoMemory { held: slot, dim: key.len() });
        }
        contents.keys.extend_from_slice(key);
        contents.labels.push(label);
        contents.ids.push(id);
        contents.held[label as usize] += 1;
        contents.seen[label as usize] += 1;
        self.seen += 1;
        self.slots.insert(id, slot as u32);
        Ok(slot)
    }

    fn overwrite(&mut self, slot: usize, key: &[f32], label: u32, id: u64) {
        let Contents { keys, labels, ids, held, full, .. } = &mut self.contents;
        keys[slot * key.len()..][..key.len()].copy_from_slice(key);
        let old = core::mem::replace(&mut labels[slot], label);
        ids[slot] = id;
        held[old as usize] -= 1;
        held[label as usize] += 1;
        if let Some(index) = &mut self.index {
            index.moved(slot, old as usize, label as usize, held, full);
        }
        self.slots.insert(id, slot as u32);
    }

    /// The slot of a full store that a new memory of `class` takes; it has been counted as seen.
    ///
    /// The equations scan: the largest class is the first with the most memories, and the n-th of it is counted along the
    /// labels (the tests do it so); the index finds both without looking at every slot.
    fn choose(&mut self, class: usize) -> Option<usize> {
        let (len, seen, contents) = (self.len(), self.seen, &mut self.contents);
        let mut rng = Streams::new(self.config.seed).rng("memory/replace", 0, seen);
        if self.config.replacement == Replacement::Reservoir {
            let drawn = rng.random_range(0..seen);
            return (drawn < len as u64).then_some(drawn as usize);
        }
        let Contents { labels, held, full, .. } = contents;
        let index = self.index.get_or_insert_with(|| Index::new(labels, held, full));
        let largest = index.largest(full)?;
        let victim = if !full[class] {
            largest
        } else if rng.random_range(0..contents.seen[class]) < held[class] {
            class
        } else {
            return None;
        };
        let nth = rng.random_range(0..held[victim]);
        index.nth(victim, nth)
    }

    /// Forgets everything, also what was seen; the configuration stays.
    pub fn clear(&mut self) {
        let contents = &mut self.contents;
        contents.keys.clear();
        contents.labels.clear();
        contents.ids.clear();
        contents.seen.fill(0);
        contents.held.fill(0);
        contents.full.fill(false);
        self.slots.clear();
        self.seen = 0;
        self.index = None;
    }

    /// The parameters.
    #[must_use]
    pub const fn config(&self) -> &MemoryConfig {
        &self.config
    }

    /// Number of memories held.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.contents.labels.len()
    }

    /// Nothing is held.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All keys, `[len, dim]`, in slot order.
    #[must_use]
    pub fn keys(&self) -> &[f32] {
        &self.contents.keys
    }

    /// The label of each slot.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.contents.labels
    }

    /// The id of each slot.
    #[must_use]
    pub fn ids(&self) -> &[u64] {
        &self.contents.ids
    }

    /// The slot that holds `id`.
    #[must_use]
    pub fn slot_of(&self, id: u64) -> Option<usize> {
        self.slots.get(&id).map(|&slot| slot as usize)
    }
}

pub(crate) fn check_finite(op: &'static str, x: &[f32]) -> Result<(), Error> {
    match x.iter().position(|x| !x.is_finite()) {
        Some(at) => Err(Error::NotFinite { op, at, value: x[at] }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(replacement: Replacement, capacity: usize, labels: impl Iterator<Item = u32>) -> EpisodicMemory {
        let mut memory =
            EpisodicMemory::new(MemoryConfig { replacement, ..MemoryConfig::new(1, capacity, 4) }).unwrap();
        for (id, label) in (0..).zip(labels) {
            memory.store(&[id as f32], label, id).unwrap();
        }
        memory
    }

    #[test]
    fn a_reservoir_is_a_uniform_sample() {
        // Over many seeds each of 40 items stays in 10 slots with probability ¼.
        let (mut kept, seeds) = ([0_u32; 40], 2000);
        for seed in 0..seeds {
            let config = MemoryConfig { replacement: Replacement::Reservoir, seed, ..MemoryConfig::new(1, 10, 1) };
            let mut memory = EpisodicMemory::new(config).unwrap();
            for id in 0..40 {
                memory.store(&[0.0], 0, id).unwrap();
            }
            memory.ids().iter().for_each(|&id| kept[id as usize] += 1);
        }
        // Five standard deviations of a binomial: 5 √(2000 · ¼ · ¾) ≈ 97.
        assert!(kept.iter().all(|&n| n.abs_diff(500) < 97), "{kept:?}");
    }

    #[test]
    fn per_class_keeps_rare_classes() {
        // 970 of class 0 and 10 each of the others, the rare ones last.
        let labels = || (0..970).map(|_| 0).chain((0..30).map(|i| 1 + i % 3));
        let count = |memory: &EpisodicMemory| {
            (0..4).map(|c| memory.labels().iter().filter(|&&l| l == c).count()).collect::<Vec<_>>()
        };
        assert_eq!(count(&filled(Replacement::PerClass, 40, labels())), [10, 10, 10, 10]);
        assert!(count(&filled(Replacement::Reservoir, 40, labels()))[0] > 30);
    }

    #[test]
    fn an_id_that_is_held_is_overwritten() {
        let mut memory = filled(Replacement::Reservoir, 3, [0, 1, 2].into_iter());
        assert_eq!(memory.store(&[9.0], 3, 1), Ok(Some(1)));
        assert_eq!((memory.len(), memory.labels(), memory.keys()), (3, &[0, 3, 2][..], &[0.0, 9.0, 2.0][..]));
        assert_eq!(
            (memory.contents.held.as_slice(), memory.contents.seen.as_slice()),
            (&[1, 0, 1, 1][..], &[1, 0, 1, 1][..])
        );
    }

    #[test]
    fn refused_input_changes_nothing() {
        let mut memory = filled(Replacement::PerClass, 3, [0, 1].into_iter());
        let before = memory.clone();
        assert_eq!(memory.store(&[1.0, 2.0], 0, 7), Err(Error::Dimension { op: "store", dim: 1, got: 2 }));
        assert_eq!(memory.store(&[1.0], 4, 7), Err(Error::Label { label: 4, classes: 4 }));
        assert!(matches!(memory.store(&[f32::NAN], 0, 7), Err(Error::NotFinite { at: 0, .. })));
        assert_eq!(memory, before);
        memory.clear();
        assert_eq!(memory, EpisodicMemory::new(before.config).unwrap());
    }
}
