//! What every episodic memory must obey, for any contents.

use approx::abs_diff_eq;
use nl_memory::{EpisodicMemory, MemoryConfig, Metric, RecallBatch, Replacement, Scratch};
use nl_random::Streams;
use proptest::prelude::*;
use rand::RngExt;

const DIM: usize = 5;
const CLASSES: usize = 3;

fn config(metric: Metric, replacement: Replacement, capacity: usize) -> MemoryConfig {
    MemoryConfig { metric, replacement, seed: 11, ..MemoryConfig::new(DIM, capacity, CLASSES) }
}

fn metric() -> impl Strategy<Value = Metric> {
    prop_oneof![Just(Metric::L2), Just(Metric::Cosine)]
}

fn replacement() -> impl Strategy<Value = Replacement> {
    prop_oneof![Just(Replacement::PerClass), Just(Replacement::Reservoir)]
}

fn items(most: usize) -> impl Strategy<Value = Vec<(Vec<f32>, u32)>> {
    prop::collection::vec((prop::collection::vec(-2.0_f32..2.0, DIM), 0..CLASSES as u32), 1..most)
}

fn filled(config: MemoryConfig, items: &[(Vec<f32>, u32)]) -> EpisodicMemory {
    let mut memory = EpisodicMemory::new(config).unwrap();
    for (id, (key, label)) in (0..).zip(items) {
        memory.store(key, *label, id).unwrap();
    }
    memory
}

/// The definition of both metrics.
fn distance(metric: Metric, a: &[f32], b: &[f32]) -> f64 {
    let pairs = || a.iter().zip(b).map(|(&a, &b)| (f64::from(a), f64::from(b)));
    match metric {
        Metric::L2 => pairs().map(|(a, b)| (a - b) * (a - b)).sum(),
        Metric::Cosine => {
            let (ab, aa, bb) =
                pairs().fold((0.0, 0.0, 0.0), |(ab, aa, bb), (a, b)| (ab + a * b, aa + a * a, bb + b * b));
            1.0 - ab / (aa * bb).sqrt()
        }
    }
}

/// The replacement by its definition: every store looks at every class and every label.
struct Scan {
    config: MemoryConfig,
    labels: Vec<u32>,
    ids: Vec<u64>,
    seen: Vec<u64>,
    held: Vec<u64>,
    full: Vec<bool>,
}

impl Scan {
    fn new(config: MemoryConfig) -> Self {
        let n = config.classes;
        Self { config, labels: vec![], ids: vec![], seen: vec![0; n], held: vec![0; n], full: vec![false; n] }
    }

    fn store(&mut self, label: u32, id: u64) -> Option<usize> {
        let class = label as usize;
        if let Some(slot) = self.ids.iter().position(|&held| held == id) {
            let old = std::mem::replace(&mut self.labels[slot], label) as usize;
            (self.held[old], self.seen[old]) = (self.held[old] - 1, self.seen[old] - 1);
            (self.held[class], self.seen[class]) = (self.held[class] + 1, self.seen[class] + 1);
            return Some(slot);
        }
        self.seen[class] += 1;
        let slot = self.choose(class)?;
        if slot == self.labels.len() {
            (self.labels, self.ids) = ([&self.labels[..], &[label]].concat(), [&self.ids[..], &[id]].concat());
        } else {
            self.held[self.labels[slot] as usize] -= 1;
            (self.labels[slot], self.ids[slot]) = (label, id);
        }
        self.held[class] += 1;
        Some(slot)
    }

    fn choose(&mut self, class: usize) -> Option<usize> {
        if self.labels.len() < self.config.capacity {
            return Some(self.labels.len());
        }
        let seen: u64 = self.seen.iter().sum();
        let mut rng = Streams::new(self.config.seed).rng("memory/replace", 0, seen);
        if self.config.replacement == Replacement::Reservoir {
            let drawn = rng.random_range(0..seen) as usize;
            return (drawn < self.labels.len()).then_some(drawn);
        }
        let most = *self.held.iter().max().unwrap();
        for (full, &held) in self.full.iter_mut().zip(&self.held) {
            *full |= held == most;
        }
        let victim = if !self.full[class] {
            self.held.iter().position(|&held| held == most).unwrap()
        } else if rng.random_range(0..self.seen[class]) < self.held[class] {
            class
        } else {
            return None;
        };
        let nth = rng.random_range(0..self.held[victim]) as usize;
        let labels = self.labels.iter().enumerate();
        labels.filter(|&(_, &label)| label as usize == victim).nth(nth).map(|(slot, _)| slot)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The same slot for every store as by looking at everything: new ids and held ones, one class or many, skewed or
    /// not, also after a round trip and after everything was forgotten.
    #[test]
    fn what_makes_room_is_what_a_scan_chooses(
        stores in prop::collection::vec((0..12_u32, 0..12_u32, 0..400_u64), 1..600),
        classes in 1..12_usize, capacity in 1..120_usize, skew in any::<bool>(), replacement in replacement(), seed in 0..4_u64,
        cut in any::<prop::sample::Index>(), forget in any::<bool>(),
    ) {
        let config = MemoryConfig { replacement, seed, ..MemoryConfig::new(1, capacity, classes) };
        let (mut memory, mut scan) = (EpisodicMemory::new(config.clone()).unwrap(), Scan::new(config.clone()));
        let cut = cut.index(stores.len());
        for (n, (a, b, id)) in stores.into_iter().enumerate() {
            if n == cut && forget {
                memory.clear();
                scan = Scan::new(config.clone());
            } else if n == cut {
                let mut bytes = Vec::new();
                memory.write_to(&mut bytes).unwrap();
                memory = EpisodicMemory::read_from(bytes.as_slice(), 1 << 20).unwrap();
            }
            let label = if skew { a.min(b) } else { a } % classes as u32;
            prop_assert_eq!(memory.store(&[0.5], label, id).unwrap(), scan.store(label, id), "store {}", n);
            prop_assert_eq!((memory.labels(), memory.ids()), (&scan.labels[..], &scan.ids[..]));
        }
    }

    #[test]
    fn capacity_holds_and_contents_come_from_what_was_stored(
        items in items(60), capacity in 1..20_usize, metric in metric(), replacement in replacement(),
    ) {
        let memory = filled(config(metric, replacement, capacity), &items);
        prop_assert_eq!(memory.len(), items.len().min(capacity));
        for slot in 0..memory.len() {
            let id = memory.ids()[slot];
            let (key, label) = &items[id as usize];
            prop_assert_eq!(&memory.keys()[slot * DIM..][..DIM], key.as_slice());
            prop_assert_eq!(memory.labels()[slot], *label);
            prop_assert_eq!(memory.slot_of(id), Some(slot));
        }
        // The same stores in the same order keep the same memories.
        prop_assert_eq!(&filled(memory.config().clone(), &items), &memory);
    }

    #[test]
    fn a_stored_key_finds_itself_unless_left_out(items in items(40), metric in metric(), k in 1..8_usize) {
        let memory = filled(config(metric, Replacement::PerClass, 100), &items);
        for (id, (key, _)) in (0..).zip(&items) {
            let found = memory.recall(key, k, None).unwrap();
            prop_assert!(abs_diff_eq!(found.neighbours[0].distance, 0.0, epsilon = 1e-5), "{:?}", found.neighbours[0]);
            let left_out = memory.recall(key, k, Some(id)).unwrap();
            prop_assert!(left_out.neighbours.iter().all(|n| n.id != id));
            prop_assert_eq!(left_out.neighbours.len(), k.min(items.len() - 1));
        }
    }

    #[test]
    fn neighbours_are_the_nearest_and_votes_sum_to_one(items in items(40), query in prop::collection::vec(-2.0_f32..2.0, DIM), metric in metric(), k in 1..8_usize) {
        let memory = filled(config(metric, Replacement::PerClass, 100), &items);
        let recalled = memory.recall(&query, k, None).unwrap();
        let mut all: Vec<f64> = items.iter().map(|(key, _)| distance(metric, &query, key)).collect();
        all.sort_by(f64::total_cmp);
        prop_assert_eq!(recalled.neighbours.len(), k.min(items.len()));
        for (neighbour, want) in recalled.neighbours.iter().zip(all) {
            // Squares of up to 20 in f32.
            let near = abs_diff_eq!(f64::from(neighbour.distance), want, epsilon = 1e-4);
            prop_assert!(near, "{} and {want}", neighbour.distance);
            let (key, label) = &items[neighbour.id as usize];
            prop_assert_eq!(neighbour.label, *label);
            prop_assert!(abs_diff_eq!(distance(metric, &query, key), want, epsilon = 1e-4));
        }
        prop_assert!(recalled.log_probs.iter().all(|p| p.is_finite()));
        let total: f64 = recalled.log_probs.iter().map(|&p| f64::from(p).exp()).sum();
        prop_assert!(abs_diff_eq!(total, 1.0, epsilon = 1e-5), "{total}");
        prop_assert!((0.0..=1.0).contains(&recalled.agreement) && recalled.mean_distance.is_finite());
    }

    #[test]
    fn the_order_of_storing_does_not_matter_without_ties(
        items in items(30), query in prop::collection::vec(-2.0_f32..2.0, DIM), metric in metric(), k in 1..6_usize,
    ) {
        let mut distances: Vec<f64> = items.iter().map(|(key, _)| distance(metric, &query, key)).collect();
        distances.sort_by(f64::total_cmp);
        prop_assume!(distances.windows(2).all(|d| d[1] - d[0] > 1e-4));
        let memory = filled(config(metric, Replacement::PerClass, 100), &items);
        let mut reversed = EpisodicMemory::new(memory.config().clone()).unwrap();
        for (id, (key, label)) in (0..).zip(&items).collect::<Vec<_>>().into_iter().rev() {
            reversed.store(key, *label, id).unwrap();
        }
        let (a, b) = (memory.recall(&query, k, None).unwrap(), reversed.recall(&query, k, None).unwrap());
        let ids = |r: &nl_memory::Recall| r.neighbours.iter().map(|n| n.id).collect::<Vec<_>>();
        prop_assert_eq!(ids(&a), ids(&b));
        for (a, b) in a.log_probs.iter().zip(&b.log_probs) {
            prop_assert!(abs_diff_eq!(a, b, epsilon = 1e-4));
        }
    }

    #[test]
    fn a_batch_equals_its_single_recalls_on_any_number_of_scratches(items in items(40), metric in metric(), k in 1..6_usize) {
        let memory = filled(config(metric, Replacement::PerClass, 100), &items);
        let queries: Vec<f32> = items.iter().flat_map(|(key, _)| key.iter().map(|x| 0.9 * x + 0.1)).collect();
        let exclude: Vec<u64> = (0..items.len() as u64).map(|id| if id % 3 == 0 { 1000 } else { id }).collect();
        let mut out = RecallBatch::default();
        for scratches in [1, 2, 5] {
            let mut scratches: Vec<_> = (0..scratches).map(|_| Scratch::new()).collect();
            memory.recall_batch(&queries, k, Some(&exclude), &mut out, &mut scratches).unwrap();
            for (row, query) in queries.chunks(DIM).enumerate() {
                let one = memory.recall(query, k, Some(exclude[row])).unwrap();
                for (i, neighbour) in one.neighbours.iter().enumerate() {
                    let at = row * k + i;
                    prop_assert_eq!((out.slots[at] as usize, out.labels[at], out.ids[at]), (neighbour.slot, neighbour.label, neighbour.id));
                    prop_assert_eq!(out.distances[at].to_bits(), neighbour.distance.to_bits());
                }
                prop_assert_eq!(&out.log_probs[row * CLASSES..][..CLASSES], one.log_probs.as_slice());
                prop_assert_eq!((out.agreement[row], out.mean_distance[row]), (one.agreement, one.mean_distance));
            }
        }
    }

    #[test]
    fn storing_goes_on_alike_after_a_round_trip(
        items in items(60), cut in 0..60_usize, capacity in 1..20_usize, replacement in replacement(),
    ) {
        let whole = filled(config(Metric::L2, replacement, capacity), &items);
        let cut = cut.min(items.len());
        let mut bytes = Vec::new();
        filled(whole.config().clone(), &items[..cut]).write_to(&mut bytes).unwrap();
        let mut resumed = EpisodicMemory::read_from(bytes.as_slice(), 1 << 20).unwrap();
        for (id, (key, label)) in (cut as u64..).zip(&items[cut..]) {
            resumed.store(key, *label, id).unwrap();
        }
        prop_assert_eq!(resumed, whole);
    }

    /// Distances that overflow are +∞, never NaN, and the votes stay a distribution.
    #[test]
    fn keys_of_any_magnitude_give_finite_votes(
        items in prop::collection::vec((prop::collection::vec(prop::num::f32::NORMAL, DIM), 0..CLASSES as u32), 1..20),
        metric in metric(), k in 1..6_usize,
    ) {
        let memory = filled(config(metric, Replacement::PerClass, 100), &items);
        for (key, _) in &items {
            let recalled = memory.recall(key, k, None).unwrap();
            prop_assert_eq!(recalled.neighbours.len(), k.min(items.len()));
            prop_assert!(recalled.neighbours.iter().all(|n| !n.distance.is_nan()));
            let total: f64 = recalled.log_probs.iter().map(|&p| f64::from(p).exp()).sum();
            prop_assert!(abs_diff_eq!(total, 1.0, epsilon = 1e-5) && recalled.mean_distance.is_finite(), "{:?}", recalled);
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0..3_u8) {
        // Plain noise, noise behind the magic, and noise behind magic and version.
        let mut input = b"NLMEMORY\x01\0\0\0"[..[0, 8, 12][start as usize]].to_vec();
        input.extend(bytes);
        prop_assert!(EpisodicMemory::read_from(input.as_slice(), 1 << 16).is_err());
    }

    #[test]
    fn any_changed_byte_is_noticed(items in items(10), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let mut bytes = Vec::new();
        filled(config(Metric::Cosine, Replacement::Reservoir, 5), &items).write_to(&mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(EpisodicMemory::read_from(bytes.as_slice(), 1 << 20).is_err());
    }
}
