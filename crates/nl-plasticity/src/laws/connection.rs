//! A synapse sees its own two neurons, whatever the connection around it looks like.

use nl_neuron::Real;

use super::run::{Bench, Show, Title, compare, dense, hold, outcome, same_bits, sparse};
use super::{Case, Cases, Config, Knobs, Subject, Violation};
use crate::PlasticityRule;

const UNTOUCHED: Title = ("untouched", "a synapse between two neurons that never spike keeps its weight");
const LOCALITY: Title =
    ("locality", "a synapse changes as it would if it were the only one of its connection, whoever else fires");
const COPIES: Title = ("copies", "two unconnected copies of a network learn what each learns alone");
const PERMUTATION: Title = ("permutation", "renaming the neurons renames the weights and changes nothing else");
const DENSE_SPARSE: Title = ("dense_sparse", "dense weights and sparse ones with all pairs end with the same bits");

/// No spike of i, none of j ⇒ Δw_ij = 0.
///
/// # Errors
/// The violation, with its shortest example.
pub fn untouched<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(UNTOUCHED, family, config, |subject, case| {
        let before = Bench::new(subject, case.dt, sparse(subject, case)?)?.weights();
        let mut after = outcome(subject, case, Show::default())?;
        for (s, &(i, j, _)) in case.synapses.iter().enumerate() {
            if case.pre_spikes.iter().any(|spike| spike.1 == i) || case.post_spikes.iter().any(|spike| spike.1 == j) {
                after[s] = before[s];
            }
        }
        same_bits(case, ("at the end, untouched", &after), ("at first", &before))
    })
}

/// w_ij(network) = w_ij(synapse i→j alone) = w_ij(network beside two neurons without synapses that fire in every step).
///
/// The two drive whatever a rule keeps for all its neurons at once, such as a common factor of lazy traces.
///
/// # Errors
/// The violation, with its shortest example.
pub fn locality<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(LOCALITY, family, config, |subject, case| {
        let together = outcome(subject, case, Show::default())?;
        let mut alone = Vec::new();
        for &(i, j, part) in &case.synapses {
            let (pre, post) = (Case::steps_of(&case.pre_spikes, i), Case::steps_of(&case.post_spikes, j));
            let (pulses, steps) = (case.pulses.clone(), case.steps);
            let single = Case { pulses, steps, ..Case::single(case.dt, &pre, &post, part) };
            alone.extend(outcome(subject, &single, Show::default())?);
        }
        compare(subject, case, ("in the network", &together), ("alone", &alone))?;
        let beside = |spikes: &[(u64, u32)], n: usize| {
            let mut all: Vec<_> = spikes.iter().copied().chain((0..case.steps).map(|step| (step, n as u32))).collect();
            all.sort_unstable();
            all
        };
        let crowded = Case {
            pre: case.pre + 1,
            post: case.post + 1,
            pre_spikes: beside(&case.pre_spikes, case.pre),
            post_spikes: beside(&case.post_spikes, case.post),
            ..case.clone()
        };
        let crowded = outcome(subject, &crowded, Show::default())?;
        compare(subject, case, ("beside neurons without synapses that fire in every step", &crowded), ("alone", &alone))
    })
}

/// w(A ⊕ B) = w(A) ⊕ w(B), B being A in the opposite order of time.
///
/// # Errors
/// The violation, with its shortest example.
pub fn copies<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(COPIES, family, config, |subject, case| {
        let last = case.steps - 1;
        let mut other = case.clone();
        other.pre_spikes.iter_mut().chain(&mut other.post_spikes).for_each(|spike| spike.0 = last - spike.0);
        other.pre_spikes.sort_unstable();
        other.post_spikes.sort_unstable();
        let (m, n) = (case.pre as u32, case.post as u32);
        let join = |a: &[(u64, u32)], b: &[(u64, u32)], shift| {
            let mut all: Vec<_> = a.iter().copied().chain(b.iter().map(|&(step, i)| (step, i + shift))).collect();
            all.sort_unstable();
            all
        };
        let shifted = other.synapses.iter().map(|&(i, j, part)| (i + m, j + n, part));
        let both = Case {
            pre: 2 * case.pre,
            post: 2 * case.post,
            pre_spikes: join(&case.pre_spikes, &other.pre_spikes, m),
            post_spikes: join(&case.post_spikes, &other.post_spikes, n),
            synapses: case.synapses.iter().copied().chain(shifted).collect(),
            ..case.clone()
        };
        let alone = [outcome(subject, case, Show::default())?, outcome(subject, &other, Show::default())?].concat();
        let together = outcome(subject, &both, Show::default())?;
        compare(subject, &both, ("beside the copy", &together), ("alone", &alone))
    })
}

/// w_π(i)σ(j)(π pre, σ post) = w_ij(pre, post).
///
/// # Errors
/// The violation, with its shortest example.
pub fn permutation<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(PERMUTATION, family, config, |subject, case| {
        // Rotations of both sides and a mirror of the pre side reach all permutations of up to three neurons.
        let mirror = case.choice & 1 == 1;
        let (m, n) = (case.pre as u32, case.post as u32);
        let turn = |i: u32, n: u32| ((u64::from(i) + case.choice / 2) % u64::from(n)) as u32;
        let pre = |i: u32| if mirror { m - 1 - turn(i, m) } else { turn(i, m) };
        let post = |j: u32| turn(j, n);
        let rename = |spikes: &[(u64, u32)], f: &dyn Fn(u32) -> u32| {
            let mut renamed: Vec<_> = spikes.iter().map(|&(step, i)| (step, f(i))).collect();
            renamed.sort_unstable();
            renamed
        };
        let mut order: Vec<usize> = (0..case.synapses.len()).collect();
        order.sort_by_key(|&s| (pre(case.synapses[s].0), post(case.synapses[s].1)));
        let place = |&s: &usize| {
            let (i, j, part) = case.synapses[s];
            (pre(i), post(j), part)
        };
        let renamed = Case {
            pre_spikes: rename(&case.pre_spikes, &pre),
            post_spikes: rename(&case.post_spikes, &post),
            synapses: order.iter().map(place).collect(),
            ..case.clone()
        };
        let mut back = vec![0.0; order.len()];
        for (&s, w) in order.iter().zip(outcome(subject, &renamed, Show::default())?) {
            back[s] = w;
        }
        let plain = outcome(subject, case, Show::default())?;
        compare(subject, case, ("under other names", &back), ("as it stands", &plain))
    })
}

/// w(dense) = w(sparse with all pairs), bit for bit.
///
/// # Errors
/// The violation, with its shortest example.
pub fn dense_sparse<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(DENSE_SPARSE, family, config, |subject, case| {
        let part = |i, j| case.synapses.iter().find(|s| (s.0, s.1) == (i, j)).map_or(0.5, |s| s.2);
        let all = |i| (0..case.post as u32).map(move |j| (i, j, part(i, j)));
        let full = Case { synapses: (0..case.pre as u32).flat_map(all).collect(), ..case.clone() };
        let mut matrix = Bench::new(subject, full.dt, dense(subject, &full)?)?;
        matrix.show(&full, 0..full.steps, Show::default(), |_, _| Ok(()))?;
        let rows = outcome(subject, &full, Show::default())?;
        same_bits(&full, ("dense", &matrix.weights()), ("sparse", &rows))
    })
}
