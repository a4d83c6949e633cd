//! Laws of weights that are changed in place.

use nl_neuron::Real;

use super::delivery::{compare, delivered};
use super::run::{Found, Title, ensure, hold, said};
use super::{Case, Cases, Config, Subject, Violation};
use crate::{Bounds, Dale, Norm, Normalisation, Sign, Weights};

pub(super) const VIEWS: Title =
    ("views", "the rows and the columns name the same synapses: numbers, neurons and weights");
pub(super) const IN_PLACE: Title =
    ("in_place", "a weight set through any view is the weight that the next spike delivers");
pub(super) const LIMITS: Title =
    ("limits", "after clamping no weight leaves its bounds, after enforcing Dale's law its sign");
pub(super) const NORMALISED: Title =
    ("normalised", "after normalisation the weights of a neuron have the norm wished for, or are all 0");

/// (number, pre, post, weight) of each synapse.
type Seen<F> = Vec<(usize, u32, u32, F)>;

fn rows<F: Real>(w: &mut impl Weights<F>) -> Seen<F> {
    let mut seen = Vec::new();
    for i in 0..w.pre() as u32 {
        w.for_outgoing(i, |number, j, w| seen.push((number, i, j, *w)));
    }
    seen
}

fn columns<F: Real>(w: &mut impl Weights<F>) -> Seen<F> {
    let mut seen = Vec::new();
    for j in 0..w.post() as u32 {
        w.for_incoming(j, |number, i, w| seen.push((number, i, j, *w)));
    }
    seen
}

fn try_on<F: Real, W: Weights<F>>(
    title: Title,
    family: &impl Fn(&Case) -> Subject<F, W>,
    config: &Config,
    check: impl Fn(&Case, Subject<F, W>) -> Found,
) -> Result<Cases, Box<Violation>> {
    hold(title, core::any::type_name::<W>(), &Case::strategy(), config, |case| check(case, family(case)))
}

/// {(number, i, j, w)} by rows = {(number, i, j, w)} by columns = the synapses; each view ascends.
///
/// # Errors
/// The violation, with its smallest example.
pub fn views<F: Real, W: Weights<F>>(
    family: &impl Fn(&Case) -> Subject<F, W>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(VIEWS, family, config, |_, subject| {
        let mut w = subject.connection;
        let (by_row, mut by_column) = (rows(&mut w), columns(&mut w));
        ensure(by_row.is_sorted_by_key(|s| (s.1, s.2)), || format!("a row does not ascend: {by_row:?}"))?;
        ensure(by_column.is_sorted_by_key(|s| (s.2, s.1)), || format!("a column does not ascend: {by_column:?}"))?;
        ensure(by_row.len() == w.synapses(), || format!("{} synapses in rows of {}", by_row.len(), w.synapses()))?;
        let mut sorted = by_row.clone();
        sorted.sort_by_key(|s| (s.1, s.2, s.0));
        by_column.sort_by_key(|s| (s.1, s.2, s.0));
        ensure(sorted == by_column, || format!("by rows {sorted:?}, by columns {by_column:?}"))?;
        for &(number, i, j, weight) in &by_row {
            let listed = w.weights().get(number).copied();
            ensure(listed == Some(weight), || {
                format!("synapse {number} ({i} -> {j}) has {weight}, listed {listed:?}")
            })?;
        }
        let triples = |list: &mut dyn Iterator<Item = (u32, u32, F)>| {
            let mut list: Vec<_> = list.map(|(i, j, w)| (i, j, w.to_f64())).collect();
            list.sort_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then(a.2.total_cmp(&b.2)));
            list
        };
        let got = triples(&mut by_row.iter().map(|&(_, i, j, w)| (i, j, w)));
        let claimed = triples(&mut subject.synapses.iter().copied());
        ensure(got == claimed, || format!("synapses {got:?}, claimed {claimed:?}"))
    })
}

/// Weights set by column, by row or by number are delivered, and found in every view.
///
/// # Errors
/// The violation, with its smallest example.
pub fn in_place<F: Real, W: Weights<F>>(
    family: &impl Fn(&Case) -> Subject<F, W>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(IN_PLACE, family, config, |case, subject| {
        let mut w = subject.connection;
        let fresh = |number: usize| F::from_f64(0.125 * ((number as u64 * 7 + case.choice) % 37) as f64);
        let set = |number: usize, _: u32, w: &mut F| *w = fresh(number);
        match case.choice % 3 {
            0 => (0..w.pre() as u32).for_each(|i| w.for_outgoing(i, set)),
            1 => (0..w.post() as u32).for_each(|j| w.for_incoming(j, set)),
            _ => w.weights_mut().iter_mut().enumerate().for_each(|(number, w)| *w = fresh(number)),
        }
        let synapses: Vec<_> = rows(&mut w).iter().map(|&(_, i, j, w)| (i, j, w)).collect();
        for (number, i, j, weight) in [rows(&mut w), columns(&mut w)].concat() {
            let expected = fresh(number);
            ensure(weight == expected, || format!("synapse {number} ({i} -> {j}) was set to {expected}, is {weight}"))?;
        }
        let spikes: Vec<u32> = case.everybody().into_iter().filter(|&i| (i as usize) < w.pre()).collect();
        let input = delivered(&w, &spikes)?;
        compare(&input, &synapses, &spikes.into_iter().map(|i| (i, 1.0)).collect::<Vec<_>>(), w.post())
    })
}

/// w_min ≤ w ≤ w_max after clamping; the sign of each neuron after [`Dale::enforce`]; nothing else is changed.
///
/// # Errors
/// The violation, with its smallest example.
pub fn limits<F: Real, W: Weights<F>>(
    family: &impl Fn(&Case) -> Subject<F, W>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(LIMITS, family, config, |case, subject| {
        let mut w = subject.connection;
        let signs = (0..w.pre())
            .map(|i| if case.choice >> i & 1 == 0 { Sign::Excitatory } else { Sign::Inhibitory })
            .collect::<Vec<_>>();
        let before = rows(&mut w);
        Dale::PerPre { signs: signs.clone() }.enforce(&mut w).map_err(said)?;
        Dale::PerPre { signs: signs.clone() }.verify(&mut w).map_err(said)?;
        for (&(_, i, j, old), (_, _, _, new)) in before.iter().zip(rows(&mut w)) {
            let kept = signs[i as usize].fits(old);
            ensure(new == if kept { old } else { F::ZERO }, || format!("{i} -> {j}: {old} became {new}"))?;
        }
        let bounds = Bounds::new(F::from_f64(-0.5), F::from_f64(0.75)).map_err(said)?;
        let before = rows(&mut w);
        bounds.clamp_all(w.weights_mut());
        for (&(_, i, j, old), (_, _, _, new)) in before.iter().zip(rows(&mut w)) {
            let same = new == old || !bounds.contains(old);
            ensure(bounds.contains(new) && same, || format!("{i} -> {j}: {old} became {new}"))?;
        }
        Ok(())
    })
}

/// ‖w_·j‖ = c, or 0, whether all neurons are normalised at once or one by one; and the same by rows.
///
/// # Errors
/// The violation, with its smallest example.
pub fn normalised<F: Real, W: Weights<F>>(
    family: &impl Fn(&Case) -> Subject<F, W>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(NORMALISED, family, config, |case, subject| {
        let mut w = subject.connection;
        let target = 3.0;
        let norm = if case.choice & 1 == 0 { Norm::L1 } else { Norm::L2 };
        let mut rule = Normalisation::new(norm, target).map_err(said)?;
        let incoming = case.choice & 2 == 0;
        let (pres, posts): (Vec<_>, Vec<_>) = ((0..w.pre() as u32).collect(), (0..w.post() as u32).collect());
        match (incoming, case.choice & 4 == 0) {
            (true, true) => rule.incoming(&mut w),
            (true, false) => rule.incoming_of(&mut w, &posts),
            (false, true) => rule.outgoing(&mut w),
            (false, false) => rule.outgoing_of(&mut w, &pres),
        }
        .map_err(said)?;
        let mut norms = vec![0.0; if incoming { w.post() } else { w.pre() }];
        for (_, i, j, w) in rows(&mut w) {
            let w = w.to_f64().abs();
            norms[if incoming { j } else { i } as usize] += if norm == Norm::L1 { w } else { w * w };
        }
        for (neuron, sum) in norms.into_iter().enumerate() {
            let got = if norm == Norm::L1 { sum } else { sum.sqrt() };
            let close = (got - target).abs() <= 100.0 * F::EPSILON.to_f64() * target;
            ensure(close || got == 0.0, || format!("the norm of neuron {neuron} is {got}, wished {target}"))?;
        }
        Ok(())
    })
}
