//! Hippocampus: what was seen, one by one.
//!
//! The hippocampus stores single episodes at once, in sparse codes that keep similar ones apart (dentate gyrus, CA3),
//! and a part of an episode recalls the whole. The cortex learns slowly what episodes have in common; together they
//! are complementary, the one quick and particular, the other slow and general.
//!
//! Source: Marr, Phil. Trans. R. Soc. B 262, 1971; McClelland, McNaughton & O'Reilly, "Why there are complementary
//! learning systems in the hippocampus and neocortex", Psychol. Rev. 102, 1995; Lengyel & Dayan, "Hippocampal
//! contributions to control: the third way", NIPS 2007 (control by recalled episodes).

use nl_memory::{EpisodicMemory, MemoryConfig, Metric, RecallBatch, Replacement, Scratch};
use serde::{Deserialize, Serialize};

use crate::{BrainConfig, Error, Recalled};

/// How much is remembered, and how it is recalled; see [`MemoryConfig`] for the equations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct HippocampusConfig {
    /// The most episodes held.
    pub capacity: usize,
    /// Episodes recalled for a query: 1 to [`MAX_NEIGHBOURS`](Self::MAX_NEIGHBOURS), and no more than the capacity.
    pub neighbours: usize,
    /// Distance between embeddings.
    pub metric: Metric,
    /// What makes room when the store is full.
    pub replacement: Replacement,
    /// Temperature of the votes, in units of the metric.
    pub temperature: f32,
    /// Share of the votes that is spread over all classes.
    pub smoothing: f32,
    /// Seed of the replacement's draws.
    pub seed: u64,
}

impl HippocampusConfig {
    /// The most neighbours of a query: far more than votes need, few enough that the recall of a whole set of images fits
    /// into memory.
    pub const MAX_NEIGHBOURS: usize = 1024;
}

impl Default for HippocampusConfig {
    /// 60,000 episodes, 10 neighbours, and the defaults of [`MemoryConfig::new`].
    fn default() -> Self {
        let memory = MemoryConfig::new(1, 60_000, 1);
        Self {
            capacity: memory.capacity,
            neighbours: 10,
            metric: memory.metric,
            replacement: memory.replacement,
            temperature: memory.temperature,
            smoothing: memory.smoothing,
            seed: memory.seed,
        }
    }
}

/// Episodes (embedding, label, id), recalled by likeness: the k nearest embeddings vote for their labels,
/// p(c) ∝ Σ_{i: label_i = c} e^(−d_i / T) (before smoothing).
///
/// | | shape |
/// |---|---|
/// | embeddings, stored or asked for | `[N, embedding]`, row-major |
/// | labels, ids | `[N]` |
/// | recall: log-probabilities, agreement, mean distance | `[N, classes]`, `[N]`, `[N]` |
///
/// Unlike CA3, it keeps embeddings as they are and compares with all of them.
///
/// ```
/// use nl_brain::{BrainConfig, Hippocampus, HippocampusConfig, RecallBatch, Scratch};
///
/// let config = BrainConfig { embedding: 2, classes: 3, ..BrainConfig::default() };
/// let mut hippocampus = Hippocampus::new(&config, HippocampusConfig { neighbours: 1, ..Default::default() })?;
/// hippocampus.store(&[1.0, 0.0, 0.0, 1.0], &[2, 0], &[100, 101])?;
///
/// let (mut recall, mut scratch) = (RecallBatch::default(), [Scratch::new()]);
/// hippocampus.recall(&[0.9, 0.1], None, &mut recall, &mut scratch)?;
/// assert_eq!(recall.labels, [2]);
/// // What is asked for does not count as its own memory:
/// hippocampus.recall(&[1.0, 0.0], Some(&[100]), &mut recall, &mut scratch)?;
/// assert_eq!(recall.labels, [0]);
/// # Ok::<(), nl_brain::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Hippocampus {
    memory: EpisodicMemory,
    neighbours: usize,
}

impl Hippocampus {
    /// An empty store for the embeddings and classes of a brain.
    ///
    /// # Errors
    /// [`Error::Memory`] or [`Error::Config`] for a parameter out of range.
    pub fn new(brain: &BrainConfig, config: HippocampusConfig) -> Result<Self, Error> {
        let HippocampusConfig { capacity, neighbours, metric, replacement, temperature, smoothing, seed } = config;
        let (dim, classes) = (brain.embedding, brain.classes);
        let memory = MemoryConfig { dim, capacity, classes, metric, replacement, temperature, smoothing, seed };
        Self::over(EpisodicMemory::new(memory)?, neighbours)
    }

    /// A store that exists already, such as one read from a file.
    ///
    /// # Errors
    /// [`Error::Memory`] if `neighbours` is 0, [`Error::Config`] if it is above the capacity or
    /// [`HippocampusConfig::MAX_NEIGHBOURS`].
    pub fn over(memory: EpisodicMemory, neighbours: usize) -> Result<Self, Error> {
        if neighbours == 0 {
            return Err(nl_memory::Error::ZeroNeighbours.into());
        }
        let capacity = memory.config().capacity;
        let most = capacity.min(HippocampusConfig::MAX_NEIGHBOURS);
        if neighbours > most {
            let message = format!("is {neighbours}, but must be at most {most}, with a capacity of {capacity}");
            return Err(Error::config("hippocampus.neighbours", message));
        }
        Ok(Self { memory, neighbours })
    }

    /// Stores a batch of episodes, in order.
    ///
    /// # Errors
    /// [`Error::Rows`] if embeddings, labels and ids differ in number (nothing is stored then); [`Error::Memory`] for an
    /// embedding that is not finite or a label that is no class (those before it are stored).
    pub fn store(&mut self, embeddings: &[f32], labels: &[u32], ids: &[u64]) -> Result<(), Error> {
        let dim = self.memory.config().dim;
        for (what, got, expected) in
            [("embeddings (rows × units)", embeddings.len(), labels.len() * dim), ("ids", ids.len(), labels.len())]
        {
            if got != expected {
                return Err(Error::Rows { region: "hippocampus", what, expected, got });
            }
        }
        for (embedding, (&label, &id)) in embeddings.chunks_exact(dim).zip(labels.iter().zip(ids)) {
            self.memory.store(embedding, label, id)?;
        }
        Ok(())
    }

    /// Recalls for each embedding its nearest episodes, without the one of its own `exclude` id; overwrites `out`.
    ///
    /// Runs on the current rayon pool with at most one task per scratch; the bits do not depend on their number.
    ///
    /// # Errors
    /// [`Error::Memory`] for embeddings of another length or that are not finite, or if there is not one id for each.
    pub fn recall(
        &self,
        embeddings: &[f32],
        exclude: Option<&[u64]>,
        out: &mut RecallBatch,
        scratches: &mut [Scratch],
    ) -> Result<(), Error> {
        Ok(self.memory.recall_batch(embeddings, self.neighbours, exclude, out, scratches)?)
    }

    /// Episodes recalled for a query.
    #[must_use]
    pub fn neighbours(&self) -> usize {
        self.neighbours
    }

    /// The store.
    #[must_use]
    pub fn memory(&self) -> &EpisodicMemory {
        &self.memory
    }

    /// The store, to be changed.
    pub fn memory_mut(&mut self) -> &mut EpisodicMemory {
        &mut self.memory
    }
}

impl<'a> From<&'a RecallBatch> for Recalled<'a> {
    fn from(batch: &'a RecallBatch) -> Self {
        Self { log_probs: &batch.log_probs, agreement: &batch.agreement, distance: &batch.mean_distance }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hippocampus() -> Hippocampus {
        let brain = BrainConfig { embedding: 2, classes: 3, ..BrainConfig::default() };
        Hippocampus::new(&brain, HippocampusConfig { neighbours: 2, ..HippocampusConfig::default() }).unwrap()
    }

    #[test]
    fn an_empty_memory_knows_nothing() {
        let mut recall = RecallBatch::default();
        hippocampus().recall(&[1.0, 2.0], None, &mut recall, &mut [Scratch::new()]).unwrap();
        let recalled = Recalled::from(&recall);
        approx::assert_relative_eq!(recalled.log_probs, &[(1.0_f32 / 3.0).ln(); 3][..], max_relative = 1e-6);
        assert_eq!(recalled.agreement, [0.0]);
    }

    #[test]
    fn a_batch_of_unequal_parts_is_refused_whole() {
        let mut hippocampus = hippocampus();
        let error = hippocampus.store(&[1.0, 2.0, 3.0], &[0, 1], &[1, 2]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "hippocampus: `embeddings (rows × units)` has 3 elements, but there should be 4; pass one row for each image"
        );
        assert!(matches!(hippocampus.store(&[1.0, 2.0], &[0], &[]), Err(Error::Rows { what: "ids", .. })));
        assert_eq!(hippocampus.memory().len(), 0);
        assert!(matches!(hippocampus.store(&[1.0, 2.0], &[3], &[1]), Err(Error::Memory(_))));
    }

    #[test]
    fn no_neighbours_is_no_memory() {
        let config = HippocampusConfig { neighbours: 0, ..HippocampusConfig::default() };
        assert!(matches!(Hippocampus::new(&BrainConfig::default(), config), Err(Error::Memory(_))));
    }

    /// Found out when the configuration is read, not when the first recall asks for a terabyte.
    #[test]
    fn more_neighbours_than_anybody_needs_are_refused() {
        let new = |capacity, neighbours| {
            let config = HippocampusConfig { capacity, neighbours, ..HippocampusConfig::default() };
            Hippocampus::new(&BrainConfig::default(), config).map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!((new(20, 20), new(5000, 1024)), (Ok(()), Ok(())));
        assert!(new(20, 21).unwrap_err().contains("neighbours is 21, but must be at most 20, with a capacity of 20"));
        assert!(new(4_000_000_000, 1_000_000_000).unwrap_err().contains("at most 1024"));
        assert!(new(5000, usize::MAX).is_err());
    }
}
