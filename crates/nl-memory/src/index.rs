//! Who makes room in a full store: the n-th memory of a class in slot order, and the largest class, in logarithmic time.

/// No slot.
const NONE: u32 = u32::MAX;

/// The slots of each class in ascending order: a treap per class. A slot is in one class, so that the links of all trees
/// fit into one array each, a node being its slot. The shape depends only on which slots a class has.
///
/// Source: Seidel & Aragon, "Randomized search trees", Algorithmica 16, 1996; sizes of subtrees give the n-th element.
#[derive(Debug, Clone)]
struct Slots {
    left: Vec<u32>,
    right: Vec<u32>,
    /// Slots in the subtree.
    size: Vec<u32>,
    /// Per class.
    roots: Vec<u32>,
}

/// A heap's order for the treap, a bijection, so that no two slots tie: the finaliser of MurmurHash3 (Appleby, 2011).
const fn priority(slot: u32) -> u32 {
    let mut x = slot;
    x = (x ^ (x >> 16)).wrapping_mul(0x85eb_ca6b);
    x = (x ^ (x >> 13)).wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

impl Slots {
    /// In linear time: slots come in order, so that each joins the right edge of its class's tree.
    fn new(labels: &[u32], classes: usize) -> Self {
        let n = labels.len();
        let mut slots =
            Self { left: vec![NONE; n], right: vec![NONE; n], size: vec![1; n], roots: vec![NONE; classes] };
        let mut edges: Vec<Vec<u32>> = vec![Vec::new(); classes];
        for (slot, &label) in (0..).zip(labels) {
            let edge = &mut edges[label as usize];
            while let Some(last) = edge.pop_if(|last| priority(*last) < priority(slot)) {
                slots.count(last);
                slots.left[slot as usize] = last;
            }
            match edge.last() {
                Some(&above) => slots.right[above as usize] = slot,
                None => slots.roots[label as usize] = slot,
            }
            edge.push(slot);
        }
        for edge in &edges {
            edge.iter().rev().for_each(|&slot| slots.count(slot));
        }
        slots
    }

    fn len(&self, tree: u32) -> u32 {
        if tree == NONE { 0 } else { self.size[tree as usize] }
    }

    fn count(&mut self, slot: u32) {
        let at = slot as usize;
        self.size[at] = 1 + self.len(self.left[at]) + self.len(self.right[at]);
    }

    /// The n-th slot of the class, in ascending order.
    fn nth(&self, class: usize, mut n: u32) -> Option<usize> {
        let mut tree = self.roots[class];
        while tree != NONE {
            let before = self.len(self.left[tree as usize]);
            if n == before {
                return Some(tree as usize);
            }
            if n < before {
                tree = self.left[tree as usize];
            } else {
                n -= before + 1;
                tree = self.right[tree as usize];
            }
        }
        None
    }

    /// `tree` as (slots below `slot`, slots above it).
    fn split(&mut self, tree: u32, slot: u32) -> (u32, u32) {
        if tree == NONE {
            return (NONE, NONE);
        }
        let at = tree as usize;
        if tree < slot {
            let (below, above) = self.split(self.right[at], slot);
            self.right[at] = below;
            self.count(tree);
            (tree, above)
        } else {
            let (below, above) = self.split(self.left[at], slot);
            self.left[at] = above;
            self.count(tree);
            (below, tree)
        }
    }

    /// One tree of two, all of `below` standing before all of `above`.
    fn join(&mut self, below: u32, above: u32) -> u32 {
        if below == NONE || above == NONE {
            return if below == NONE { above } else { below };
        }
        if priority(below) > priority(above) {
            self.right[below as usize] = self.join(self.right[below as usize], above);
            self.count(below);
            below
        } else {
            self.left[above as usize] = self.join(below, self.left[above as usize]);
            self.count(above);
            above
        }
    }

    /// `tree` with the new `slot`.
    fn insert(&mut self, tree: u32, slot: u32) -> u32 {
        let at = slot as usize;
        if tree == NONE || priority(slot) > priority(tree) {
            (self.left[at], self.right[at]) = self.split(tree, slot);
            self.count(slot);
            return slot;
        }
        if slot < tree {
            self.left[tree as usize] = self.insert(self.left[tree as usize], slot);
        } else {
            self.right[tree as usize] = self.insert(self.right[tree as usize], slot);
        }
        self.count(tree);
        tree
    }

    /// `tree` without `slot`, which is in it.
    fn remove(&mut self, tree: u32, slot: u32) -> u32 {
        if tree == slot || tree == NONE {
            let (left, right) = (self.left[slot as usize], self.right[slot as usize]);
            return self.join(left, right);
        }
        if slot < tree {
            self.left[tree as usize] = self.remove(self.left[tree as usize], slot);
        } else {
            self.right[tree as usize] = self.remove(self.right[tree as usize], slot);
        }
        self.count(tree);
        tree
    }
}

/// The largest of some numbers, some of which may be missing: a tree of the larger of each pair.
#[derive(Debug, Clone)]
struct Largest {
    /// The root at 1, the children of i at 2 i and 2 i + 1; `None` is below every number.
    tree: Vec<Option<u64>>,
}

impl Largest {
    fn new(values: impl ExactSizeIterator<Item = Option<u64>>) -> Self {
        let leaves = values.len().next_power_of_two();
        let mut tree = vec![None; 2 * leaves];
        tree[leaves..].iter_mut().zip(values).for_each(|(leaf, value)| *leaf = value);
        for at in (1..leaves).rev() {
            tree[at] = tree[2 * at].max(tree[2 * at + 1]);
        }
        Self { tree }
    }

    fn set(&mut self, index: usize, value: Option<u64>) {
        let mut at = self.tree.len() / 2 + index;
        self.tree[at] = value;
        while at > 1 {
            at /= 2;
            self.tree[at] = self.tree[2 * at].max(self.tree[2 * at + 1]);
        }
    }

    /// The largest number and the first index that has it.
    fn find(&self) -> Option<(u64, usize)> {
        let largest = self.tree[1]?;
        let (mut at, leaves) = (1, self.tree.len() / 2);
        while at < leaves {
            at = if self.tree[2 * at] == self.tree[1] { 2 * at } else { 2 * at + 1 };
        }
        Some((largest, at - leaves))
    }
}

/// What class-balancing replacement asks of a full store. Follows from its contents and is not saved with them.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    slots: Slots,
    held: Largest,
    /// `held` of the classes that were never the largest.
    never: Largest,
}

impl Index {
    /// The index of a full store: class of each slot, memories per class, and which were the largest before.
    pub(crate) fn new(labels: &[u32], held: &[u64], full: &[bool]) -> Self {
        Self {
            slots: Slots::new(labels, held.len()),
            held: Largest::new(held.iter().map(|&held| Some(held))),
            never: Largest::new(held.iter().zip(full).map(|(&held, &full)| (!full).then_some(held))),
        }
    }

    /// Marks the classes that are (among) the largest now in `full`; the first of them. Each is marked once, so that the
    /// loop costs a step per class over the life of a store.
    pub(crate) fn largest(&mut self, full: &mut [bool]) -> Option<usize> {
        let (most, first) = self.held.find()?;
        while let Some((_, class)) = self.never.find().filter(|&(held, _)| held == most) {
            full[class] = true;
            self.never.set(class, None);
        }
        Some(first)
    }

    /// The n-th memory of `class` in slot order.
    pub(crate) fn nth(&self, class: usize, n: u64) -> Option<usize> {
        u32::try_from(n).ok().and_then(|n| self.slots.nth(class, n))
    }

    /// A slot went from one class to another; `held` and `full` are those after.
    pub(crate) fn moved(&mut self, slot: usize, from: usize, to: usize, held: &[u64], full: &[bool]) {
        if from == to {
            return;
        }
        let slot = slot as u32;
        self.slots.roots[from] = self.slots.remove(self.slots.roots[from], slot);
        self.slots.roots[to] = self.slots.insert(self.slots.roots[to], slot);
        for class in [from, to] {
            self.held.set(class, Some(held[class]));
            if !full[class] {
                self.never.set(class, Some(held[class]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against the scan over all labels, through any sequence of moves.
        #[test]
        fn the_nth_of_a_class_is_what_a_scan_finds(
            mut labels in prop::collection::vec(0..4_u32, 1..200),
            moves in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u32), 0..200),
        ) {
            let counts = |labels: &[u32]| {
                (0..4).map(|c| labels.iter().filter(|&&l| l == c).count() as u64).collect::<Vec<_>>()
            };
            let mut index = Index::new(&labels, &counts(&labels), &[false; 4]);
            for (at, to) in moves {
                let slot = at.index(labels.len());
                let from = std::mem::replace(&mut labels[slot], to);
                let held = counts(&labels);
                index.moved(slot, from as usize, to as usize, &held, &[false; 4]);
                for class in 0..4 {
                    let scan = labels.iter().enumerate().filter(|&(_, &l)| l as usize == class).map(|(slot, _)| slot);
                    for (n, want) in (0..).zip(scan) {
                        prop_assert_eq!(index.nth(class, n), Some(want));
                    }
                    prop_assert_eq!(index.nth(class, held[class]), None);
                }
                // The shape is that of a tree built anew.
                let fresh = Index::new(&labels, &held, &[false; 4]);
                prop_assert_eq!(&index.slots.roots, &fresh.slots.roots);
                let most = *held.iter().max().unwrap();
                let mut full = [false; 4];
                let first = index.clone().largest(&mut full);
                prop_assert_eq!(first, held.iter().position(|&h| h == most));
                prop_assert!(full.iter().zip(&held).all(|(&full, &h)| full == (h == most)));
            }
        }
    }

    /// Slots at any stride, not only random ones, stay shallow.
    #[test]
    fn trees_stay_shallow() {
        fn depth(slots: &Slots, tree: u32) -> u32 {
            if tree == NONE {
                return 0;
            }
            1 + depth(slots, slots.left[tree as usize]).max(depth(slots, slots.right[tree as usize]))
        }
        for classes in [1, 2, 10, 89, 1000] {
            let labels: Vec<u32> = (0..100_000).map(|slot| slot % classes).collect();
            let slots = Slots::new(&labels, classes as usize);
            for &root in &slots.roots {
                // A treap of n random priorities is some 2 ln n deep; 5 ln n is hardly ever reached.
                let n = f64::from(slots.len(root));
                assert!(f64::from(depth(&slots, root)) < 5.0 * n.ln() + 5.0, "{classes} classes");
            }
        }
    }
}
