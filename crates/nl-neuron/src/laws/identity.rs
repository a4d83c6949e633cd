//! Laws of sameness: what must not change a single bit.

use super::run::{Bench, Broken, Found, hold, run, same, same_spikes};
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::{NeuronModel, PopulationState, Real, SpikeSet, SpikeTrain};

/// Two runs with the same input have the same spikes and states, bit for bit.
///
/// # Errors
/// The violation.
pub fn determinism<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("determinism", "the same input gives the same spikes and state, bit for bit");
    hold(title, family, config, |subject, case| {
        let first = run(subject, case)?;
        // With a model that has been used: nothing may be left over in it.
        let mut again = Bench::new(subject, subject.dt, case.neurons)?;
        again.model = run(subject, case)?.model;
        again.play(case, 0..subject.steps, |i| i)?;
        same(("at first", &first), ("with a model used before", &again))
    })
}

/// Permuting the neurons permutes spikes and states, bit for bit.
///
/// # Errors
/// The violation.
pub fn permutation<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("permutation", "permuting the neurons permutes their spikes and states, bit for bit");
    hold(title, family, config, |subject, case| {
        let n = case.neurons;
        // Backwards and rotated: its own inverse.
        let permuted = |i: usize| (n - 1 - i + case.choice) % n;
        let straight = run(subject, case)?;
        let mut turned = Bench::new(subject, subject.dt, n)?;
        turned.play(case, 0..subject.steps, permuted)?;
        let events: Vec<_> = turned.train.events().map(|(k, i)| (k, permuted(i as usize) as u32)).collect();
        let back = SpikeTrain::from_events(n, subject.steps, &events).map_err(Broken::said)?;
        let place = format!("when neuron i stands at place ({} - i) mod {n}", n - 1 + case.choice % n);
        same_spikes(("in order", &straight.train), (&place, &back))?;
        for name in straight.state.variables() {
            for i in 0..n {
                let (a, b) = (straight.value(name, i), turned.value(name, permuted(i)));
                if a.to_bits() != b.to_bits() {
                    let what = format!("{name} of neuron {i} ends at {a} in order, but at {b} {place}");
                    return Err(Broken::said(what).with("in order", &straight.train));
                }
            }
        }
        Ok(())
    })
}

/// A population in two parts behaves like the whole, bit for bit: neurons do not know of each other.
///
/// # Errors
/// The violation.
pub fn splitting<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("splitting", "a population cut in two has the spikes and states of the whole, bit for bit");
    hold(title, family, config, |subject, case| {
        let whole = run(subject, case)?;
        let cut = case.choice % case.neurons;
        for part in [0..cut, cut..case.neurons].into_iter().filter(|part| !part.is_empty()) {
            let mut bench = Bench::new(subject, subject.dt, part.len())?;
            bench.play(case, 0..subject.steps, |i| part.start + i)?;
            let inside = |&(_, i): &(usize, u32)| part.contains(&(i as usize));
            let shifted = whole.train.events().filter(inside).map(|(k, i)| (k, i - part.start as u32));
            let events: Vec<_> = shifted.collect();
            let expected = SpikeTrain::from_events(part.len(), subject.steps, &events).map_err(Broken::said)?;
            let place = format!("as neurons {part:?} of {}", case.neurons);
            same_spikes((&place, &expected), ("by themselves", &bench.train))?;
            for name in whole.state.variables() {
                for i in 0..part.len() {
                    let (a, b) = (whole.value(name, part.start + i), bench.value(name, i));
                    if a.to_bits() != b.to_bits() {
                        let what = format!("{name} of neuron {i} ends at {a} {place}, but at {b} by itself");
                        return Err(Broken::said(what).with("by themselves", &bench.train));
                    }
                }
            }
        }
        Ok(())
    })
}

/// A run that is interrupted, its state written as JSON, and resumed from it with a new model goes on bit for bit.
///
/// # Errors
/// The violation.
pub fn resume<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("resume", "run(T) equals run(t), save, load, run(T - t), bit for bit");
    hold(title, family, config, |subject, case| {
        let through = run(subject, case)?;
        let cut = case.choice % subject.steps;
        let mut before = Bench::new(subject, subject.dt, case.neurons)?;
        before.play(case, 0..cut, |i| i)?;
        let mut after = Bench::new(subject, subject.dt, case.neurons)?;
        after.state = serde_json::from_str(&before.bits()?)
            .map_err(|e| Broken::said(format!("saved in step {cut}, the state cannot be loaded: {e}")))?;
        after.train = before.train;
        after.play(case, cut..subject.steps, |i| i)?;
        same(("in one go", &through), (&format!("resumed before step {cut}"), &after))
    })
}

/// Sizes that do not fit, also those of a damaged state, are errors, never panics.
///
/// # Errors
/// The violation.
pub fn refusal<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = (
        "refusal",
        "no neurons, input or spikes of another size, and a file's state with arrays of two sizes are errors; the state \
         stays as it was",
    );
    hold(title, family, config, |subject, case| {
        let mut bench = Bench::new(subject, subject.dt, case.neurons)?;
        if bench.model.state(0).is_ok() {
            return Err(Broken::said("a population of 0 neurons was made"));
        }
        let (n, receptors, before) = (case.neurons, bench.model.receptors().len(), bench.bits()?);
        let sizes = [(n * receptors, n + 1), (n * receptors, n - 1), (n * receptors + 1, n), (n * receptors - 1, n)];
        for (input, population) in sizes {
            let (input, mut spikes) = (vec![F::ZERO; input], SpikeSet::new(population));
            let given = format!("{} inputs and spikes of {population} for {n} neurons", input.len());
            if bench.model.step(&mut bench.state, &input, &mut spikes).is_ok() {
                return Err(Broken::said(format!("{given} were taken")));
            }
            if bench.bits()? != before || !spikes.is_empty() {
                return Err(Broken::said(format!("{given} were refused, but left a trace")));
            }
        }
        damaged(&bench, n)
    })
}

/// Each array of the state in turn one longer and one shorter, and all of them empty: not loaded, or refused by `step`.
fn damaged<F: Real, M: NeuronModel<F>>(bench: &Bench<F, M>, n: usize) -> Found {
    let written = serde_json::to_value(&bench.state).map_err(Broken::said)?;
    let Some(fields) = written.as_object() else { return Ok(()) };
    let arrays = || fields.iter().filter(|(_, value)| value.as_array().is_some_and(|array| array.len() == n));
    let mut files = Vec::new();
    for (name, value) in arrays() {
        let array = value.as_array().map_or(&[][..], Vec::as_slice);
        for other in [[array, &array[..1]].concat(), array[1..].to_vec()] {
            let mut file = fields.clone();
            file.insert(name.clone(), other.into());
            files.push((format!("`{name}` of another size"), file));
        }
    }
    let mut empty = fields.clone();
    empty.extend(arrays().map(|(name, _)| (name.clone(), Vec::<u8>::new().into())));
    files.push(("nobody".to_owned(), empty));
    for (what, file) in files {
        let Ok(state) = serde_json::from_value::<M::State>(file.into()) else { continue };
        for size in [n, state.len()] {
            let (mut state, mut spikes) = (state.clone(), SpikeSet::new(size));
            let input = vec![F::ZERO; size * bench.model.receptors().len()];
            if bench.model.step(&mut state, &input, &mut spikes).is_ok() {
                return Err(Broken::said(format!("a state of {n} neurons with {what} was taken")));
            }
        }
    }
    Ok(())
}
