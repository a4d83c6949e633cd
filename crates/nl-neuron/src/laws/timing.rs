//! Laws of time: where it starts, and how finely it is cut.

use super::response::share;
use super::run::{Bench, Broken, hold, same_spikes};
use super::subject::Convergence;
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::{Ms, NeuronModel, PopulationState, Real, SpikeTrain};

/// From rest, the same input later makes the same spikes later.
///
/// # Errors
/// The violation.
pub fn time_shift<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = ("time_shift", "after a pause without input, a neuron at rest spikes as without the pause, only later");
    hold(title, family, config, |subject, case| {
        let mut now = Bench::new(subject, subject.dt, case.neurons)?;
        now.constant(subject.steps, |_| 0.0)?; // what rounding leaves of the way to rest
        now.train.clear();
        let mut later = Bench::new(subject, subject.dt, case.neurons)?;
        later.state = now.state.clone();
        let pause = case.choice;
        now.play(case, 0..subject.steps, |i| i)?;
        later.constant(pause, |_| 0.0)?;
        if let Some((step, i)) = later.train.events().next() {
            let what = format!("without input, neuron {i} spikes in step {step}");
            return Err(Broken::said(what).with("no input", &later.train));
        }
        later.train.clear();
        later.play(case, 0..subject.steps, |i| i)?;
        same_spikes(("at once", &now.train), (&format!("after a pause of {pause} steps"), &later.train))
    })
}

/// The subthreshold state under a constant weak current converges at the declared order as dt shrinks.
///
/// # Errors
/// The violation.
pub fn order<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title =
        ("order", "below threshold, halving dt divides the error by 2^p, p the declared order (exact: no error)");
    hold(title, family, config, |subject, case| {
        let current = subject.quiet * share(case);
        let steps = 64;
        let state = |factor: f64| {
            let dt = Ms(subject.dt.0 * factor);
            let mut bench = Bench::new(subject, dt, 1)?;
            bench.constant((f64::from(steps) / factor).round() as usize, |_| current)?;
            if bench.train.count() > 0 {
                let what = format!("the quiet current {current} makes a spike at dt = {dt}");
                return Err(Broken::said(what).with("spikes", &bench.train));
            }
            Ok(bench.state.variables().iter().map(|name| (*name, bench.value(name, 0))).collect::<Vec<_>>())
        };
        let distance = |a: &[(&str, f64)], b: &[(&str, f64)]| {
            let relative = |(a, b): (&(&str, f64), &(&str, f64))| ((a.1 - b.1) / (1.0 + b.1.abs())).abs();
            a.iter().zip(b).map(relative).fold(0.0, |worst: f64, d| if d > worst || d.is_nan() { d } else { worst })
        };
        // Below this the differences are rounding, over all these steps.
        let noise = 1e4 * F::EPSILON.to_f64();
        // Coarser steps where the error is too small to be seen.
        for factor in [1.0, 2.0, 4.0] {
            let states = [state(factor)?, state(factor / 2.0)?, state(factor / 4.0)?];
            let (first, second) = (distance(&states[0], &states[1]), distance(&states[1], &states[2]));
            let dt = subject.dt.0 * factor;
            let said = || {
                format!(
                    "under {current}, halving dt = {dt} ms moves the state by {first:.3e}, halving it again by \
                     {second:.3e}: {states:?}"
                )
            };
            match subject.convergence {
                Convergence::Exact if first > noise || first.is_nan() => {
                    return Err(Broken::said(format!("{}, but it is declared exact", said())));
                }
                Convergence::Order(p) if second > noise || second.is_nan() => {
                    let slope = (first / second).log2();
                    if slope < f64::from(p) - 0.35 || slope.is_nan() {
                        return Err(Broken::said(format!("{}, order {slope:.2}, declared {p}", said())));
                    }
                    return Ok(());
                }
                Convergence::Exact | Convergence::Order(_) => {}
            }
        }
        Ok(())
    })
}

/// Spike times under a constant current converge, at first order at least, as dt shrinks.
///
/// # Errors
/// The violation.
pub fn refinement<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title =
        ("refinement", "spike m comes within `lateness`·m·dt of where it comes for dt → 0, and halving dt helps");
    hold(title, family, config, |subject, case| {
        let current = (0.5 + 0.5 * share(case)) * subject.range(subject.current).end();
        let times = |factor: f64| {
            let dt = subject.dt.0 * factor;
            let mut bench = Bench::new(subject, Ms(dt), 1)?;
            bench.constant((subject.steps as f64 / factor).round() as usize, |_| current)?;
            // In coarse steps; a spike is known to lie before the end of its step.
            let times = bench.train.steps_of(0).into_iter().take(3).map(|step| (step + 1) as f64 * factor);
            Ok::<_, Broken>((times.collect::<Vec<_>>(), bench.train))
        };
        let ((coarse, train), (half, _), (fine, _)) = (times(1.0)?, times(0.5)?, times(0.0625)?);
        let compare = |train: &SpikeTrain, what: String| Err(Broken::said(what).with("at the coarse dt", train));
        for m in 0..coarse.len().max(fine.len()) {
            let due = subject.lateness * (m + 1) as f64;
            let end = subject.steps as f64;
            let at = |times: &[f64]| times.get(m).copied().unwrap_or(f64::INFINITY);
            let (a, b, c) = (at(&coarse), at(&half), at(&fine));
            if a.max(b).max(c) > end - due {
                return Ok(()); // too near the end to be sure that all see it
            }
            if (a - c).abs() > due {
                let what = format!("under {current}, spike {} ends step {a} at dt, but {c:.2} at dt/16", m + 1);
                return compare(&train, what);
            }
            if (b - c).abs() > 0.75 * (a - c).abs() + (m + 1) as f64 {
                let what =
                    format!("under {current}, spike {} ends step {a} at dt, {b} at dt/2, {c:.2} at dt/16", m + 1);
                return compare(&train, what);
            }
        }
        Ok(())
    })
}
