//! A random experiment: synapses with weights, delays and a spike raster; and how it is drawn.

use core::fmt;

use nl_laws::proptest::prelude::*;
use nl_neuron::Real;

use crate::Delay;

/// Synapses between a few neurons and the spikes of some steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Number of presynaptic neurons, 1 to 5.
    pub pre: usize,
    /// Number of postsynaptic neurons, 1 to 5.
    pub post: usize,
    /// (pre, post, weight) of each synapse, ascending by pair; a pair may come several times.
    pub synapses: Vec<(u32, u32, f64)>,
    /// A delay for each synapse.
    pub delays: Vec<Delay>,
    /// The presynaptic spikes of each step, ascending.
    pub raster: Vec<Vec<u32>>,
    /// The postsynaptic spikes of each step, ascending.
    pub post_raster: Vec<Vec<u32>>,
    /// Numbers for the law to use: where to cut, how to permute, what to set.
    pub choice: u64,
}

impl Case {
    const NEURONS: u32 = 5;
    const STEPS: usize = 8;

    /// All cases: up to 5 × 5 neurons, 12 synapses, 8 steps. Weights are multiples of 1/8, whose sums are exact, or of 0.1,
    /// whose sums are not; delays 1 to 6 steps.
    pub fn strategy() -> impl Strategy<Value = Self> {
        let pair = (0..Self::NEURONS, 0..Self::NEURONS);
        let synapse = (pair, -20..=20_i8, (0..=3_u32, 0..=3_u32));
        let spikes = || prop::collection::vec((0..Self::STEPS, 0..Self::NEURONS), 0..=10);
        let unit = prop_oneof![Just(0.125), Just(0.1)];
        let sizes = (1..=Self::NEURONS, 1..=Self::NEURONS);
        let synapses = prop::collection::vec(synapse, 0..=12);
        (sizes, synapses, unit, spikes(), spikes(), any::<u64>()).prop_map(
            |((pre, post), synapses, unit, spikes, post_spikes, choice)| {
                let mut wired: Vec<_> =
                    synapses.into_iter().map(|((i, j), w, d)| ((i % pre, j % post), f64::from(w) * unit, d)).collect();
                wired.sort_by_key(|s| s.0);
                let delay = |(axonal, dendritic)| {
                    Delay::new(axonal, dendritic).or_else(|_| Delay::new(0, 1)).expect("one step is a delay")
                };
                Self {
                    pre: pre as usize,
                    post: post as usize,
                    delays: wired.iter().map(|s| delay(s.2)).collect(),
                    synapses: wired.into_iter().map(|((i, j), w, _)| (i, j, w)).collect(),
                    raster: raster(&spikes, pre),
                    post_raster: raster(&post_spikes, post),
                    choice,
                }
            },
        )
    }

    /// The (pre, post) pairs of the synapses, ascending.
    #[must_use]
    pub fn edges(&self) -> Vec<(u32, u32)> {
        self.synapses.iter().map(|s| (s.0, s.1)).collect()
    }

    /// The weights of the synapses.
    #[must_use]
    pub fn weights<F: Real>(&self) -> Vec<F> {
        self.synapses.iter().map(|s| F::from_f64(s.2)).collect()
    }

    /// All neurons that spike in any step, ascending.
    pub(super) fn everybody(&self) -> Vec<u32> {
        let mut all = self.raster.concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Events as the ascending spikes of each step of `n` neurons.
fn raster(spikes: &[(usize, u32)], n: u32) -> Vec<Vec<u32>> {
    let mut steps = vec![Vec::new(); Case::STEPS];
    for &(step, i) in spikes {
        steps[step].push(i % n);
    }
    for step in &mut steps {
        step.sort_unstable();
        step.dedup();
    }
    steps
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {} pre and {} post neurons; synapses:", self.pre, self.post)?;
        for ((i, j, w), d) in self.synapses.iter().zip(&self.delays) {
            writeln!(f, "    {i} -> {j}  weight {w}, delay {} axonal + {} dendritic", d.axonal(), d.dendritic())?;
        }
        for (side, raster, n) in [("pre ", &self.raster, self.pre), ("post", &self.post_raster, self.post)] {
            for i in 0..n as u32 {
                let row: String = raster.iter().map(|step| if step.contains(&i) { '|' } else { '.' }).collect();
                writeln!(f, "  {side} {i}  {row}")?;
            }
        }
        Ok(())
    }
}

/// What a family builds from a case: a connection, and the synapses it claims to have.
#[derive(Debug, Clone)]
pub struct Subject<F, C> {
    /// The connection.
    pub connection: C,
    /// (pre, post, weight) of all its synapses, in any order: what it is compared with.
    pub synapses: Vec<(u32, u32, F)>,
}

impl<F: Real, C> Subject<F, C> {
    /// A connection with just the synapses of the case.
    pub fn wired(case: &Case, connection: C) -> Self {
        let synapses = case.synapses.iter().map(|&(i, j, w)| (i, j, F::from_f64(w))).collect();
        Self { connection, synapses }
    }
}
