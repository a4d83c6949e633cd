//! Recall: the nearest keys, and what they vote for.

use nl_kernels::{Scratch, top_k, top_k_parallel};

use crate::episodic::check_finite;
use crate::{EpisodicMemory, Error, Metric};

/// One recalled memory.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Where it is stored.
    pub slot: usize,
    /// Its distance from the query.
    pub distance: f32,
    /// Its label.
    pub label: u32,
    /// Its id.
    pub id: u64,
}

/// What a single query recalls.
#[derive(Debug, Clone, PartialEq)]
pub struct Recall {
    /// At most k memories, nearest first, ties by lower slot.
    pub neighbours: Vec<Neighbour>,
    /// `[classes]`, see [`RecallBatch::log_probs`].
    pub log_probs: Vec<f32>,
    /// See [`RecallBatch::agreement`].
    pub agreement: f32,
    /// See [`RecallBatch::mean_distance`].
    pub mean_distance: f32,
}

/// What n queries recall; filled by [`EpisodicMemory::recall_batch`], which reuses its buffers.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RecallBatch {
    /// Neighbours asked for.
    pub k: usize,
    /// `[n, k]` slots, nearest first, ties by lower slot; `u32::MAX` where there are fewer than k memories.
    pub slots: Vec<u32>,
    /// `[n, k]` distances, +∞ where there is no neighbour.
    pub distances: Vec<f32>,
    /// `[n, k]` labels, `u32::MAX` where there is no neighbour.
    pub labels: Vec<u32>,
    /// `[n, k]` ids, `u64::MAX` where there is no neighbour; check `slots`, for that may be a real id too.
    pub ids: Vec<u64>,
    /// `[n, classes]` votes:
    ///
    /// log p\[c\] = log((1 − ε) Σᵢ wᵢ \[labelᵢ = c\] + ε / classes),  wᵢ = e^(−dᵢ/T) / Σⱼ e^(−dⱼ/T)
    ///
    /// over the neighbours i, with T and ε the `temperature` and `smoothing` of the configuration; uniform if there is
    /// no neighbour. Source: Vinyals et al., "Matching networks for one shot learning", 2016, eq 1-2 (attention as a
    /// softmax over similarities), cut to the k nearest; the smoothing is ours.
    pub log_probs: Vec<f32>,
    /// `[n]` share of the neighbours that have the most frequent label; 0 if there is no neighbour.
    pub agreement: Vec<f32>,
    /// `[n]` mean distance of the neighbours; if there is none, the largest of the metric (2 for cosine, `f32::MAX`
    /// for L2), so that it stays finite.
    pub mean_distance: Vec<f32>,
    exclude: Vec<u32>,
    votes: Vec<f32>,
}

impl RecallBatch {
    /// Room for n queries with `all` neighbours and `votes` votes in all; `None`, and nothing more allocated, if there is
    /// no memory for them.
    fn reserve(&mut self, n: usize, all: usize, votes: usize) -> Option<()> {
        fn room<T>(buffer: &mut Vec<T>, len: usize) -> Option<()> {
            buffer.try_reserve_exact(len.saturating_sub(buffer.len())).ok()
        }
        // The largest first: what does not fit is refused before the rest is taken.
        room(&mut self.ids, all)?;
        room(&mut self.slots, all)?;
        room(&mut self.distances, all)?;
        room(&mut self.labels, all)?;
        room(&mut self.log_probs, votes)?;
        room(&mut self.agreement, n)?;
        room(&mut self.mean_distance, n)?;
        room(&mut self.exclude, n)
    }
}

impl EpisodicMemory {
    /// The k memories nearest to `query`, without the one of `exclude_id`. Fewer if fewer are held.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::NotFinite`] or [`Error::ZeroNeighbours`].
    pub fn recall(&self, query: &[f32], k: usize, exclude_id: Option<u64>) -> Result<Recall, Error> {
        if query.len() != self.config.dim {
            return Err(Error::Dimension { op: "recall", dim: self.config.dim, got: query.len() });
        }
        // More than are held are not there to be found.
        let k = if k == 0 { 0 } else { k.min(self.len().max(1)) };
        let mut batch = RecallBatch::default();
        let excluded = exclude_id.map(|id| [id]);
        self.recall_batch(query, k, excluded.as_ref().map(<[u64; 1]>::as_slice), &mut batch, &mut [Scratch::new()])?;
        let neighbours = (batch.slots.iter().zip(&batch.distances).zip(batch.labels.iter().zip(&batch.ids)))
            .filter(|((slot, _), _)| **slot != u32::MAX)
            .map(|((&slot, &distance), (&label, &id))| Neighbour { slot: slot as usize, distance, label, id })
            .collect();
        Ok(Recall {
            neighbours,
            log_probs: batch.log_probs,
            agreement: batch.agreement[0],
            mean_distance: batch.mean_distance[0],
        })
    }

    /// The k ≤ capacity nearest memories of each of n queries `[n, dim]`, each without the one of its own `exclude_ids` (`[n]`;
    /// an id that is not held leaves nothing out). Overwrites `out`; allocates nothing once its buffers have grown.
    ///
    /// Runs on the current rayon pool with at most one task per scratch; the bits do not depend on their number.
    ///
    /// ```
    /// use nl_memory::{EpisodicMemory, MemoryConfig, RecallBatch, Scratch};
    ///
    /// let mut memory = EpisodicMemory::new(MemoryConfig::new(2, 10, 2))?;
    /// memory.store(&[1.0, 0.0], 0, 0)?;
    /// memory.store(&[0.0, 1.0], 1, 1)?;
    /// let (mut out, mut scratches) = (RecallBatch::default(), [Scratch::new(), Scratch::new()]);
    /// memory.recall_batch(&[1.0, 0.1, 0.2, 1.0], 2, None, &mut out, &mut scratches)?;
    /// assert_eq!(out.labels, [0, 1, 1, 0]);
    /// assert!(out.log_probs[0] > out.log_probs[1]);
    /// # Ok::<(), nl_memory::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Dimension`] if `queries` is not whole rows, [`Error::NotFinite`], [`Error::ZeroNeighbours`],
    /// [`Error::TooMany`] if k is above the capacity or there is no memory for n · k neighbours, [`Error::ExcludeCount`]
    /// if there is not one id per query, or [`Error::Kernel`] if `scratches` is empty.
    pub fn recall_batch(
        &self,
        queries: &[f32],
        k: usize,
        exclude_ids: Option<&[u64]>,
        out: &mut RecallBatch,
        scratches: &mut [Scratch],
    ) -> Result<(), Error> {
        let dim = self.config.dim;
        if !queries.len().is_multiple_of(dim) {
            return Err(Error::Dimension { op: "recall", dim, got: queries.len() });
        }
        let n = queries.len() / dim;
        if k == 0 {
            return Err(Error::ZeroNeighbours);
        }
        let capacity = self.config.capacity;
        let too_many = Error::TooMany { k, capacity, queries: n };
        let (Some(all), Some(votes)) = (n.checked_mul(k), n.checked_mul(self.config.classes)) else {
            return Err(too_many);
        };
        if k > capacity {
            return Err(too_many);
        }
        if let Some(ids) = exclude_ids.filter(|ids| ids.len() != n) {
            return Err(Error::ExcludeCount { ids: ids.len(), queries: n });
        }
        check_finite("recall", queries)?;
        out.reserve(n, all, votes).ok_or(too_many)?;
        let exclude = exclude_ids.map(|ids| {
            out.exclude.clear();
            out.exclude.extend(ids.iter().map(|&id| self.slot_of(id).map_or(u32::MAX, |slot| slot as u32)));
            out.exclude.as_slice()
        });
        out.k = k;
        out.slots.resize(n * k, 0);
        out.distances.resize(n * k, 0.0);
        let (metric, keys) = (self.config.metric.into(), self.keys());
        let (distances, slots) = (&mut out.distances, &mut out.slots);
        if let [scratch] = scratches {
            top_k(metric, dim, keys, queries, k, exclude, distances, slots, scratch)?;
        } else {
            top_k_parallel(metric, dim, keys, queries, k, exclude, distances, slots, scratches)?;
        }
        self.describe(n, out);
        Ok(())
    }

    /// Labels, ids and votes of the slots and distances found.
    fn describe(&self, n: usize, out: &mut RecallBatch) {
        let (k, classes) = (out.k, self.config.classes);
        out.labels.clear();
        out.labels.extend(out.slots.iter().map(|&slot| self.labels().get(slot as usize).copied().unwrap_or(u32::MAX)));
        out.ids.clear();
        out.ids.extend(out.slots.iter().map(|&slot| self.ids().get(slot as usize).copied().unwrap_or(u64::MAX)));
        out.log_probs.resize(n * classes, 0.0);
        out.agreement.resize(n, 0.0);
        out.mean_distance.resize(n, 0.0);
        for row in 0..n {
            // Missing neighbours stand at the end.
            let found = out.slots[row * k..][..k].iter().take_while(|&&slot| slot != u32::MAX).count();
            let distances = &out.distances[row * k..][..found];
            let labels = &out.labels[row * k..][..found];
            let votes = &mut out.log_probs[row * classes..][..classes];
            out.agreement[row] = count_votes(labels, &mut out.votes, classes);
            out.mean_distance[row] = mean_distance(distances, self.config.metric);
            log_votes(distances, labels, self.config.temperature, self.config.smoothing, votes);
        }
    }
}

/// Share of the most frequent label.
fn count_votes(labels: &[u32], counts: &mut Vec<f32>, classes: usize) -> f32 {
    counts.clear();
    counts.resize(classes, 0.0);
    labels.iter().for_each(|&label| counts[label as usize] += 1.0);
    counts.iter().copied().fold(0.0, f32::max) / labels.len().max(1) as f32
}

fn mean_distance(distances: &[f32], metric: Metric) -> f32 {
    if distances.is_empty() {
        return match metric {
            Metric::Cosine => 2.0,
            Metric::L2 => f32::MAX,
        };
    }
    let total: f64 = distances.iter().map(|&d| f64::from(d)).sum();
    (total / distances.len() as f64).min(f64::from(f32::MAX)) as f32
}

/// See [`RecallBatch::log_probs`]; the nearest distance is subtracted first, and sums run in `f64`, nearest first.
fn log_votes(distances: &[f32], labels: &[u32], temperature: f32, smoothing: f32, log_probs: &mut [f32]) {
    let Some(&nearest) = distances.first() else {
        log_probs.fill(-(log_probs.len() as f32).ln());
        return;
    };
    let weight = |&d: &f32| {
        // Two keys farther away than f32 can say are equally far.
        let gap = if d == nearest { 0.0 } else { f64::from(d) - f64::from(nearest) };
        (-gap / f64::from(temperature)).exp()
    };
    let total: f64 = distances.iter().map(weight).sum();
    let (vote, floor) = (1.0 - f64::from(smoothing), f64::from(smoothing) / log_probs.len() as f64);
    let log_floor = floor.ln() as f32;
    log_probs.fill(log_floor);
    // A class's votes are added up at its first neighbour; k is small.
    for (i, &label) in labels.iter().enumerate().filter(|&(i, label)| !labels[..i].contains(label)) {
        let share: f64 =
            (distances[i..].iter().zip(&labels[i..])).filter(|(_, l)| **l == label).map(|(d, _)| weight(d)).sum();
        log_probs[label as usize] = (vote * share / total + floor).ln() as f32;
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_relative_eq;

    use super::*;
    use crate::MemoryConfig;

    fn memory(metric: Metric) -> EpisodicMemory {
        let config = MemoryConfig { metric, temperature: 0.5, smoothing: 0.1, ..MemoryConfig::new(2, 10, 3) };
        let mut memory = EpisodicMemory::new(config).unwrap();
        for (id, (key, label)) in (100..).zip([([0.0, 1.0], 0), ([0.0, 2.0], 1), ([3.0, 0.0], 1), ([0.0, -1.0], 2)]) {
            memory.store(&key, label, id).unwrap();
        }
        memory
    }

    #[test]
    fn votes_equal_the_equation() {
        let recalled = memory(Metric::L2).recall(&[0.0, 1.0], 3, None).unwrap();
        let distances: Vec<f32> = recalled.neighbours.iter().map(|n| n.distance).collect();
        assert_eq!(distances, [0.0, 1.0, 4.0]);
        assert_eq!(recalled.neighbours[1], Neighbour { slot: 1, distance: 1.0, label: 1, id: 101 });
        let w = [1.0, (-2.0_f64).exp(), (-8.0_f64).exp()];
        let total: f64 = w.iter().sum();
        for c in 0..3 {
            let want = (0.9 * w[c] / total + 0.1 / 3.0).ln();
            // Computed in f64, rounded to f32.
            assert_relative_eq!(f64::from(recalled.log_probs[c]), want, max_relative = 1e-6);
        }
        assert_relative_eq!(recalled.agreement, 1.0 / 3.0);
        assert_relative_eq!(recalled.mean_distance, 5.0 / 3.0);
    }

    #[test]
    fn fewer_memories_than_k_and_none() {
        let memory = memory(Metric::Cosine);
        let (mut out, mut scratches) = (RecallBatch::default(), [Scratch::new()]);
        memory.recall_batch(&[1.0, 0.0], 6, Some(&[102]), &mut out, &mut scratches).unwrap();
        assert_eq!(out.slots, [0, 1, 3, u32::MAX, u32::MAX, u32::MAX]);
        assert_eq!(out.labels, [0, 1, 2, u32::MAX, u32::MAX, u32::MAX]);
        assert_eq!((out.agreement[0], out.mean_distance[0]), (1.0 / 3.0, 1.0));
        let empty = EpisodicMemory::new(memory.config().clone()).unwrap();
        empty.recall_batch(&[1.0, 0.0, 0.0, 0.0], 2, None, &mut out, &mut scratches).unwrap();
        assert_eq!((out.slots.as_slice(), out.distances.as_slice()), (&[u32::MAX; 4][..], &[f32::INFINITY; 4][..]));
        assert_eq!((out.agreement.as_slice(), out.mean_distance.as_slice()), (&[0.0; 2][..], &[2.0; 2][..]));
        assert_relative_eq!(out.log_probs[..], [(1.0_f32 / 3.0).ln(); 6][..], max_relative = 1e-6);
        assert_eq!(empty.recall(&[1.0, 0.0], 5, Some(3)).unwrap().neighbours, []);
    }

    #[test]
    fn distances_far_apart_do_not_overflow() {
        let mut log_probs = [0.0; 2];
        log_votes(&[1e-30, 3e38], &[1, 0], 1e-3, 0.01, &mut log_probs);
        // The logarithm of a number near 1 has few digits.
        assert_relative_eq!(log_probs[..], [0.005_f32.ln(), 0.995_f32.ln()][..], epsilon = 1e-6, max_relative = 1e-6);
        log_votes(&[f32::INFINITY, f32::INFINITY], &[1, 0], 1.0, 0.01, &mut log_probs);
        assert_relative_eq!(log_probs[..], [0.5_f32.ln(); 2][..], max_relative = 1e-6);
    }

    #[test]
    fn bad_queries_are_named() {
        let memory = memory(Metric::L2);
        let (mut out, mut scratches) = (RecallBatch::default(), [Scratch::new()]);
        assert_eq!(memory.recall(&[1.0], 1, None), Err(Error::Dimension { op: "recall", dim: 2, got: 1 }));
        assert_eq!(memory.recall(&[1.0, 2.0], 0, None), Err(Error::ZeroNeighbours));
        assert!(matches!(memory.recall(&[1.0, f32::INFINITY], 1, None), Err(Error::NotFinite { at: 1, .. })));
        let error = memory.recall_batch(&[1.0; 4], 1, Some(&[1]), &mut out, &mut scratches).unwrap_err();
        assert_eq!(error, Error::ExcludeCount { ids: 1, queries: 2 });
        for k in [11, 1_000_000_000, usize::MAX / 2, usize::MAX] {
            let error = memory.recall_batch(&[1.0; 4], k, None, &mut out, &mut scratches).unwrap_err();
            assert_eq!(error, Error::TooMany { k, capacity: 10, queries: 2 });
        }
        // A store that may hold that many, and a machine that does not.
        let vast = MemoryConfig { dim: 1, ..MemoryConfig::new(1, u32::MAX as usize - 1, 1 << 16) };
        let vast = EpisodicMemory::new(vast).unwrap();
        let error = vast.recall_batch(&[1.0; 100_000], 4_000_000_000, None, &mut out, &mut scratches).unwrap_err();
        assert!(error.to_string().contains("4000000000 neighbours of 100000 queries"), "{error}");
        assert!(out.slots.capacity() < 1 << 20);
        assert_eq!(memory.recall(&[1.0, 0.0], usize::MAX, None).unwrap().neighbours.len(), 4);
        assert!(memory.recall_batch(&[1.0; 3], 1, None, &mut out, &mut scratches).is_err());
    }
}
