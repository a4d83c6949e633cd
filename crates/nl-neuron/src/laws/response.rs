//! Laws of the response: what input may and may not do.

use super::run::{Bench, Broken, Found, hold, run};
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::{LifParameters, NeuronModel, PopulationState, Real};

/// Input up to ten times its range, and any potential from −100 to 60, leave every variable finite.
///
/// # Errors
/// The violation.
pub fn finite<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("finite", "ten times the range of input, and any potential from -100 to 60, leave the state finite");
    hold(title, family, config, |subject, case| {
        // Whole numbers, where removable poles lie.
        let mut start = Bench::new(subject, subject.dt, 161)?;
        let potential = start.state.variables().first().copied().unwrap_or("v");
        if let Some(v) = start.state.variable_mut(potential) {
            v.iter_mut().zip(-100..).for_each(|(v, whole)| *v = F::from_f64(f64::from(whole)));
        }
        for _ in 0..3 {
            start.step(|_, _| 0.0)?;
            all_finite(&start, |i| format!(" from {potential} = {}", i as i32 - 100))?;
        }
        let mut bench = Bench::new(subject, subject.dt, case.neurons)?;
        for step in 0..subject.steps {
            let strong = |receptor: usize, neuron: usize| {
                let receptors = bench.model.receptors().len();
                10.0 * subject.amplitude(receptor, case.part(receptor, receptors, neuron, step))
            };
            let input: Vec<_> = (0..bench.model.receptors().len())
                .flat_map(|r| (0..case.neurons).map(move |i| (r, i)))
                .map(|(r, i)| strong(r, i))
                .collect();
            bench.step(|r, i| input[r * case.neurons + i])?;
            all_finite(&bench, |_| format!(" in step {step}, with ten times the input below"))?;
        }
        Ok(())
    })
}

fn all_finite<F: Real, M: NeuronModel<F>>(bench: &Bench<'_, F, M>, place: impl Fn(usize) -> String) -> Found {
    for name in bench.state.variables() {
        let values = bench.state.variable(name).unwrap_or(&[]);
        if let Some(i) = values.iter().position(|value| !value.is_finite()) {
            let what = format!("{name} of neuron {i} became {}{}", values[i], place(i));
            return Err(Broken::said(what).with("spikes so far", &bench.train));
        }
    }
    Ok(())
}

/// From rest, no input and weak currents make no spikes.
///
/// # Errors
/// The violation.
pub fn silence<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("silence", "a neuron at rest does not spike without input, nor with a current up to `quiet`");
    hold(title, family, config, |subject, case| {
        let mut bench = Bench::new(subject, subject.dt, 2)?;
        let current = subject.quiet * share(case);
        bench.constant(4 * subject.steps, |neuron| if neuron == 0 { 0.0 } else { current })?;
        match bench.train.events().next() {
            None => Ok(()),
            Some((step, i)) => {
                let current = if i == 0 { 0.0 } else { current };
                let what = format!("a constant current of {current} made a spike in step {step}");
                Err(Broken::said(what).with(&format!("no current, and {current}"), &bench.train))
            }
        }
    })
}

/// A number in (0, 1] that shrinks towards small ones.
pub(crate) fn share(case: &super::Case) -> f64 {
    (case.choice % 64 + 1) as f64 / 64.0
}

/// A stronger constant current makes at least as many spikes, up to one at the end.
///
/// # Errors
/// The violation.
pub fn monotone<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("monotone", "I < J implies at most one spike more at I than at J");
    hold(title, family, config, |subject, case| {
        // A coarse grid of currents, and two of the case's own.
        let top = *subject.range(subject.current).end();
        let level = |part: f64| part.clamp(0.0, 1.0) * top;
        let mut currents: Vec<f64> = (0..=8).map(|i| level(f64::from(i) / 8.0)).collect();
        currents.push(level(share(case)));
        currents.push(level(case.pulses.first().map_or(0.5, |pulse| pulse.part.abs())));
        currents.sort_by(f64::total_cmp);
        let mut bench = Bench::new(subject, subject.dt, currents.len())?;
        bench.constant(2 * subject.steps, |neuron| currents[neuron])?;
        let counts = bench.train.counts();
        for j in 1..counts.len() {
            for i in 0..j {
                if counts[i] > counts[j] + 1 {
                    let (low, high) = (currents[i], currents[j]);
                    let what = format!("{} spikes at {low}, but only {} at {high}", counts[i], counts[j]);
                    return Err(Broken::said(what).with(&format!("currents {currents:?}"), &bench.train));
                }
            }
        }
        Ok(())
    })
}

/// Spike times of a leaky integrate-and-fire neuron under constant current are those of the closed form, to the step.
///
/// From V₀ the threshold is reached after τ_m ln((RI + E_L − V₀) / (RI + E_L − V_th)), R = τ_m / C_m; the first spike starts at
/// V₀ = E_L, the others at V_reset after t_ref. `parameters` are those of the family; the drive is a current.
///
/// Source: Gerstner et al., Neuronal Dynamics, 2014, eq. 1.22.
///
/// # Errors
/// The violation.
pub fn lif_closed_form<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
    parameters: impl Fn(&Knobs) -> LifParameters,
) -> Result<Cases, Box<Violation>> {
    let title = ("lif_closed_form", "spikes come t_ref + τ_m ln((RI + E_L − V_reset)/(RI + E_L − V_th)) apart");
    hold(title, family, config, |subject, case| {
        let (p, dt) = (parameters(&case.knobs), subject.dt.0);
        let current = share(case) * subject.range(subject.current).end();
        let mut bench = Bench::new(subject, subject.dt, 1)?;
        bench.constant(4 * subject.steps, |_| current)?;
        let steps = bench.train.steps_of(0);
        let drive = p.tau_m.0 / p.c_m.0 * (current + p.i_e.0) + p.e_l.0;
        let rise = |from: f64| p.tau_m.0 * ((drive - from) / (drive - p.v_th.0)).ln() / dt;
        let held = f64::from(p.t_ref.steps("lif", "t_ref", subject.dt).map_err(Broken::said)?);
        let show = |what: String| Err(Broken::said(what).with(&format!("constant current {current}"), &bench.train));
        if drive <= p.v_th.0 {
            return match steps.first() {
                None => Ok(()),
                Some(first) => show(format!("RI + E_L = {drive} mV stays below V_th, but step {first} has a spike")),
            };
        }
        // A spike waits for the end of its step; a rise that takes a whole number of steps may be rounded either way.
        let fits = |got: usize, exact: f64| {
            let tolerance = 1e-6 + 1e3 * F::EPSILON.to_f64() * exact;
            ((exact - tolerance).ceil()..=(exact + tolerance).ceil()).contains(&(got as f64))
        };
        let first = rise(p.e_l.0);
        match steps.first() {
            None if first >= bench.train.steps() as f64 => return Ok(()),
            None => return show(format!("no spike, but V reaches V_th after {first} steps")),
            Some(&step) if !fits(step + 1, first) => {
                return show(format!("the first spike is in step {step}, but V reaches V_th after {first} steps"));
            }
            Some(_) => {}
        }
        let exact = rise(p.v_reset.0);
        for pair in steps.windows(2) {
            let rising = pair[1] - pair[0];
            if !fits(rising.saturating_sub(held as usize), exact) {
                return show(format!("an interval of {rising} steps, but t_ref takes {held} and the rise {exact}"));
            }
        }
        Ok(())
    })
}

/// Spikes of one neuron are more than t_ref apart.
///
/// # Errors
/// The violation.
pub fn refractory<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("refractory", "after a spike in step k the next one comes in step k + t_ref/dt + 1 or later");
    hold(title, family, config, |subject, case| {
        let held = subject.t_ref.steps("law", "t_ref", subject.dt).map_err(Broken::said)? as usize;
        // Strong currents too: they cross the threshold as soon as they may.
        let top = *subject.range(subject.current).end();
        let mut strong = Bench::new(subject, subject.dt, 4)?;
        strong.constant(subject.steps, |neuron| top * [1.0, 10.0, 1e3, 1e5][neuron])?;
        for bench in [run(subject, case)?, strong] {
            for neuron in 0..bench.state.len() as u32 {
                if let Some(pair) = bench.train.steps_of(neuron).windows(2).find(|pair| pair[1] - pair[0] <= held) {
                    let what = format!("neuron {neuron} spikes in steps {} and {}, t_ref is {held}", pair[0], pair[1]);
                    return Err(Broken::said(what).with("spikes", &bench.train));
                }
            }
        }
        Ok(())
    })
}
