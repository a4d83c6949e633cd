//! Laws of every connection: what a spike adds to whom.

use nl_neuron::Real;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::run::{Found, Title, ensure, hold, said};
use super::{Case, Cases, Config, Subject, Violation};
use crate::Connection;

pub(super) const NAIVE: Title =
    ("naive", "input_j += sum of w_ij over the spikes i and all synapses i -> j, doubled ones too");
pub(super) const ADDITIVE: Title =
    ("additive", "delivering A and then B is delivering A and B; nobody's spike delivers nothing");
pub(super) const SCALED: Title = ("scaled", "input_j += sum of s_i w_ij; factors of 1 change nothing");
pub(super) const CUT: Title = ("cut", "parts that reach disjoint targets add up to the whole, bit for bit");
pub(super) const PERMUTATION: Title =
    ("permutation", "renaming the neurons renames the input and changes nothing else");
pub(super) const REFUSAL: Title =
    ("refusal", "a spike of nobody or an input of another length is an error, and changes nothing");
pub(super) const ROUND_TRIP: Title = ("round_trip", "a connection that was written and read delivers the same bits");

/// A value for each target before delivery, so that overwriting is seen.
fn before<F: Real>(post: usize) -> Vec<F> {
    (0..post).map(|j| F::from_f64(0.25 * (j + 1) as f64)).collect()
}

/// What `connection` makes of `before` with these spikes.
pub(super) fn delivered<F: Real>(connection: &impl Connection<F>, spikes: &[u32]) -> Result<Vec<F>, String> {
    let mut input = before(connection.post());
    connection.deliver(spikes, &mut input).map_err(said)?;
    Ok(input)
}

/// `Ok` if `input` is what the list of synapses says, up to the rounding of as many terms.
pub(super) fn compare<F: Real>(input: &[F], synapses: &[(u32, u32, F)], spikes: &[(u32, f64)], post: usize) -> Found {
    let mut exact: Vec<f64> = before::<F>(post).into_iter().map(F::to_f64).collect();
    let mut size = exact.clone();
    for &(spike, factor) in spikes {
        for &(_, j, w) in synapses.iter().filter(|s| s.0 == spike) {
            exact[j as usize] += factor * w.to_f64();
            size[j as usize] += (factor * w.to_f64()).abs();
        }
    }
    let ulps = F::EPSILON.to_f64() * (synapses.len() + 2) as f64;
    for (j, (&got, (expected, size))) in input.iter().zip(exact.into_iter().zip(size)).enumerate() {
        ensure((got.to_f64() - expected).abs() <= ulps * size, || {
            format!("spikes {spikes:?}: input {j} is {got}, expected {expected}")
        })?;
    }
    Ok(())
}

fn try_on<F: Real, C>(
    title: Title,
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
    check: impl Fn(&Case, &Subject<F, C>) -> Found,
) -> Result<Cases, Box<Violation>> {
    hold(title, core::any::type_name::<C>(), &Case::strategy(), config, |case| check(case, &family(case)))
}

/// The spikes of each step that exist in the connection's own pre population.
fn steps<'a, F: Real>(case: &'a Case, connection: &'a impl Connection<F>) -> impl Iterator<Item = Vec<u32>> + 'a {
    let pre = connection.pre();
    case.raster.iter().map(move |step| step.iter().copied().filter(|&i| (i as usize) < pre).collect())
}

/// input_j += Σ_i w_ij over the spikes i.
///
/// # Errors
/// The violation, with its smallest example.
pub fn naive<F: Real, C: Connection<F>>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(NAIVE, family, config, |case, subject| {
        for spikes in steps(case, &subject.connection) {
            let input = delivered(&subject.connection, &spikes)?;
            let spikes: Vec<_> = spikes.into_iter().map(|i| (i, 1.0)).collect();
            compare(&input, &subject.synapses, &spikes, subject.connection.post())?;
        }
        Ok(())
    })
}

/// deliver(A ∪ B) = deliver(A), then deliver(B), for disjoint A, B; deliver(∅) = nothing.
///
/// # Errors
/// The violation, with its smallest example.
pub fn additive<F: Real, C: Connection<F>>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(ADDITIVE, family, config, |case, subject| {
        let connection = &subject.connection;
        ensure(delivered(connection, &[])? == before(connection.post()), || "no spikes changed the input".into())?;
        for spikes in steps(case, connection) {
            let (a, b): (Vec<u32>, Vec<u32>) = spikes.iter().partition(|&&i| case.choice >> i & 1 == 0);
            let mut input = delivered(connection, &a)?;
            connection.deliver(&b, &mut input).map_err(said)?;
            let spikes: Vec<_> = spikes.into_iter().map(|i| (i, 1.0)).collect();
            compare(&input, &subject.synapses, &spikes, connection.post())?;
        }
        Ok(())
    })
}

/// input_j += Σ_i s_i w_ij.
///
/// # Errors
/// The violation, with its smallest example.
pub fn scaled<F: Real, C: Connection<F>>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(SCALED, family, config, |case, subject| {
        let connection = &subject.connection;
        for spikes in steps(case, connection) {
            let factors: Vec<f64> = spikes.iter().map(|&i| 0.25 * (case.choice >> (2 * i) & 7) as f64).collect();
            let scale: Vec<F> = factors.iter().map(|&s| F::from_f64(s)).collect();
            let mut input = before(connection.post());
            connection.deliver_scaled(&spikes, &scale, &mut input).map_err(said)?;
            let pairs: Vec<_> = spikes.iter().copied().zip(factors).collect();
            compare(&input, &subject.synapses, &pairs, connection.post())?;
            let longer = vec![F::ONE; spikes.len() + 1];
            ensure(connection.deliver_scaled(&spikes, &longer, &mut input).is_err(), || {
                "more factors than spikes are taken".into()
            })?;
        }
        Ok(())
    })
}

/// deliver(whole) restricted to a range = deliver(restrict(range)), in bits, and so for the next range.
///
/// # Errors
/// The violation, with its smallest example.
pub fn cut<F: Real, C: Connection<F>>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(CUT, family, config, |case, subject| {
        let (connection, post) = (&subject.connection, subject.connection.post());
        let at = case.choice as usize % (post + 1);
        let mut numbers = Vec::new();
        let mut synapses = 0;
        let mut parts = Vec::new();
        for range in [0..at, at..post].into_iter().filter(|range| !range.is_empty()) {
            let Some((part, kept)) = connection.restrict(range.clone()).map_err(said)? else { return Ok(()) };
            ensure(part.pre() == connection.pre() && part.post() == range.len(), || {
                format!("the part onto {range:?} is one of {} to {}", part.pre(), part.post())
            })?;
            synapses += part.synapses();
            numbers.extend(kept);
            parts.push((range, part));
        }
        ensure(synapses == connection.synapses(), || {
            format!("{synapses} synapses in the parts, {} in the whole", connection.synapses())
        })?;
        numbers.sort_unstable();
        let each_once = numbers.iter().enumerate().all(|(k, &number)| k == number as usize);
        ensure(numbers.is_empty() || numbers.len() == synapses && each_once, || {
            format!("the parts keep the synapses {numbers:?}")
        })?;
        for spikes in steps(case, connection) {
            let whole = delivered(connection, &spikes)?;
            for (range, part) in &parts {
                let mut input = before(post)[range.clone()].to_vec();
                part.deliver(&spikes, &mut input).map_err(said)?;
                ensure(input == whole[range.clone()], || {
                    format!("spikes {spikes:?} onto {range:?}: {input:?}, of the whole {:?}", &whole[range.clone()])
                })?;
            }
        }
        for range in [post..post, 0..post + 1] {
            let refused = connection.restrict(range.clone()).is_err();
            ensure(refused, || format!("targets {range:?} of {post} are taken"))?;
        }
        Ok(())
    })
}

/// deliver(π(synapses), π(spikes)) = π(deliver(synapses, spikes)); for connections with just the synapses of the case.
///
/// # Errors
/// The violation, with its smallest example.
pub fn permutation<F: Real, C: Connection<F>>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(PERMUTATION, family, config, |case, subject| {
        let rename = |i: u32, n: usize| (u64::from(i) + case.choice % n as u64) as u32 % n as u32;
        let mut renamed = case.clone();
        for s in &mut renamed.synapses {
            (s.0, s.1) = (rename(s.0, case.pre), rename(s.1, case.post));
        }
        renamed.synapses.sort_by_key(|s| (s.0, s.1));
        let other = family(&renamed);
        for spikes in steps(case, &subject.connection) {
            let mut theirs: Vec<_> = spikes.iter().map(|&i| rename(i, case.pre)).collect();
            theirs.sort_unstable();
            let mut here = vec![F::ZERO; case.post];
            let mut there = vec![F::ZERO; case.post];
            subject.connection.deliver(&spikes, &mut here).map_err(said)?;
            other.connection.deliver(&theirs, &mut there).map_err(said)?;
            for j in 0..case.post as u32 {
                let (a, b) = (here[j as usize].to_f64(), there[rename(j, case.post) as usize].to_f64());
                // Spikes are added in another order: 12 terms of at most 2.5.
                ensure((a - b).abs() <= 30.0 * 12.0 * F::EPSILON.to_f64(), || {
                    format!("spikes {spikes:?}: input {j} is {a}, but {b} with all neurons renamed")
                })?;
            }
        }
        Ok(())
    })
}

/// A spike index of `pre` or above, or an input of another length than `post`, is an error that leaves the input alone.
///
/// # Errors
/// The violation, with its smallest example.
pub fn refusal<F: Real, C: Connection<F>>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(REFUSAL, family, config, |case, subject| {
        let connection = &subject.connection;
        let (pre, post) = (connection.pre() as u32, connection.post());
        for bad in [pre, pre + 1, u32::MAX] {
            let mut spikes: Vec<u32> = case.everybody().into_iter().filter(|&i| i < pre).collect();
            spikes.push(bad);
            let mut input = before(post);
            let refused = connection.deliver(&spikes, &mut input).is_err();
            ensure(refused && input == before(post), || format!("spike {bad} of {pre} neurons: refused {refused}"))?;
            let scale = vec![F::ONE; spikes.len()];
            let refused = connection.deliver_scaled(&spikes, &scale, &mut input).is_err();
            ensure(refused && input == before(post), || {
                format!("spike {bad} of {pre} neurons, scaled: refused {refused}")
            })?;
        }
        for length in [post - 1, post + 1] {
            let refused = connection.deliver(&[0], &mut before(length)).is_err();
            ensure(refused, || format!("an input of {length} for {post} neurons is taken"))?;
        }
        Ok(())
    })
}

/// deliver(read(written(connection))) = deliver(connection), in bits.
///
/// # Errors
/// The violation, with its smallest example.
pub fn round_trip<F: Real, C: Connection<F> + Serialize + DeserializeOwned>(
    family: &impl Fn(&Case) -> Subject<F, C>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    try_on(ROUND_TRIP, family, config, |case, subject| {
        let written = serde_json::to_string(&subject.connection).map_err(said)?;
        let read: C = serde_json::from_str(&written).map_err(said)?;
        let (a, b) = (read.synapses(), subject.connection.synapses());
        ensure(a == b, || format!("{a} synapses were read, {b} written"))?;
        for spikes in steps(case, &subject.connection) {
            let (a, b) = (delivered(&read, &spikes)?, delivered(&subject.connection, &spikes)?);
            ensure(a == b, || format!("spikes {spikes:?}: {a:?} as read, {b:?} as written"))?;
        }
        Ok(())
    })
}
