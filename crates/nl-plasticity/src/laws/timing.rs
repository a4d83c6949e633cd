//! When spikes come: the window, sums over pairs, shifts, finer steps, delays.

use nl_neuron::Real;
use nl_synapse::DelayLine;
use nl_units::Ms;

use super::run::{Bench, Found, Show, Title, compare, hold, hold_on, outcome, said, sparse};
use super::subject::Window;
use super::{Case, Cases, Config, Knobs, Subject, Violation};
use crate::{Coincidence, Pairing, PlasticityRule};

const WINDOW: Title =
    ("window", "one pre and one post spike change the weight by the window at t_post - t_pre, exactly");
const COINCIDENCE: Title = ("coincidence", "a pre and a post spike of the same step do what the named option says");
const PAIRS: Title = ("pairs", "the weight is that of the offline sum over the pairs of the scheme");
const TIME_SHIFT: Title = ("time_shift", "the same spikes later give the same weights");
const REFINEMENT: Title = ("refinement", "the same spike times on a finer time grid give the same weights");
const AXONAL: Title = ("axonal_delay", "an axonal delay d is a pre spike train later by d");
const DENDRITIC: Title = ("dendritic_delay", "a dendritic delay d is a post spike train later by d");

/// Δw = W(t_post − t_pre) for one pair, besides what each spike does alone.
///
/// # Errors
/// The violation, with its shortest example.
pub fn window<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold_on(WINDOW, family, config, |case| case.pair(1), against_offline)
}

/// Δw = 0, W(0⁺), W(0⁻) or both for t_pre = t_post, as [`Coincidence`] says.
///
/// # Errors
/// The violation, with its shortest example.
pub fn coincidence<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold_on(
        COINCIDENCE,
        family,
        config,
        |case| Case { choice: 0, ..case }.pair(0),
        |subject, case| {
            against_offline(subject, case).map_err(|found| format!("{found} (the option is {:?})", subject.coincidence))
        },
    )
}

/// Δw = Σ over the scheme's pairs of W(t_post − t_pre), clipped after each spike; all-to-all: the double sum.
///
/// # Errors
/// The violation, with its shortest example.
pub fn pairs<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(PAIRS, family, config, against_offline)
}

/// w({t_i + T}, {t_j + T}) = w({t_i}, {t_j}).
///
/// # Errors
/// The violation, with its shortest example.
pub fn time_shift<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(TIME_SHIFT, family, config, |subject, case| {
        let by = [1, 7, 1000, 1 << 30, 1 << 40][case.choice as usize % 5];
        let later = case.at_steps(|step| step + by);
        let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        bench.show(&later, by..later.steps, Show::default(), |_, _| Ok(()))?;
        let plain = outcome(subject, case, Show::default())?;
        compare(subject, case, (&format!("{by} steps later"), &bench.weights()), ("as it stands", &plain))
    })
}

/// w(dt/m; same spike times in ms) = w(dt), m = 2 and 10.
///
/// # Errors
/// The violation, with its shortest example.
pub fn refinement<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(REFINEMENT, family, config, |subject, case| {
        let coarse = outcome(subject, case, Show::default())?;
        for m in [2, 10] {
            let fine = Case { dt: Ms(case.dt.0 / m as f64), ..case.at_steps(|step| step * m) };
            let weights = outcome(subject, &fine, Show::default())?;
            let named = format!("with dt = {}", fine.dt);
            compare(subject, case, (&named, &weights), (&format!("with dt = {}", case.dt), &coarse))?;
        }
        Ok(())
    })
}

/// w with axonal delay d = w({t_pre + d}, {t_post}); a rule with delays of its own is asked for them
/// ([`Subject::delayed`]), else a delay line stands before it.
///
/// # Errors
/// The violation, with its shortest example.
pub fn axonal_delay<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(AXONAL, family, config, |subject, case| delay(subject, case, (1, 0)))
}

/// w with dendritic delay d = w({t_pre}, {t_post + d}); as [`axonal_delay`].
///
/// # Errors
/// The violation, with its shortest example.
pub fn dendritic_delay<F: Real, R: PlasticityRule<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, R>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(DENDRITIC, family, config, |subject, case| delay(subject, case, (0, 1)))
}

fn delay<F: Real, R: PlasticityRule<F>>(subject: &Subject<F, R>, case: &Case, (pre, post): (u64, u64)) -> Found {
    let d = 1 + case.choice % 8;
    let longer = Case { steps: case.steps + 2 * d, ..case.clone() };
    let mut shifted = longer.clone();
    shifted.pre_spikes.iter_mut().for_each(|spike| spike.0 += pre * d);
    shifted.post_spikes.iter_mut().for_each(|spike| spike.0 += post * d);
    let expected = outcome(subject, &shifted, Show::default())?;
    let (axonal, dendritic) = ((pre * d) as u32, (post * d) as u32);
    let delayed = if let Some(build) = &subject.delayed {
        let mut bench = Bench::new(subject, case.dt, sparse(subject, case)?)?;
        bench.rule = build(case.dt, axonal, dendritic);
        bench.state = bench.rule.state(case.pre, case.post, case.synapses.len()).map_err(said)?;
        bench.show(&longer, 0..longer.steps, Show::default(), |_, _| Ok(()))?;
        bench.weights()
    } else {
        let pre_spikes = through(&case.pre_spikes, axonal, longer.steps)?;
        let post_spikes = through(&case.post_spikes, dendritic, longer.steps)?;
        outcome(subject, &Case { pre_spikes, post_spikes, ..longer }, Show::default())?
    };
    let named = format!("with {} delay of {d} steps", if pre > 0 { "an axonal" } else { "a dendritic" });
    compare(subject, case, (&named, &delayed), ("with the train itself later", &expected))
}

/// What comes out of a delay line.
fn through(spikes: &[(u64, u32)], delay: u32, steps: u64) -> Result<Vec<(u64, u32)>, String> {
    if delay == 0 {
        return Ok(spikes.to_vec());
    }
    let mut line = DelayLine::new(delay).map_err(said)?;
    let mut out = Vec::new();
    for now in 0..steps {
        out.extend(line.ago(delay).map_err(said)?.iter().map(|&i| (now, i)));
        let here: Vec<u32> = spikes.iter().filter(|spike| spike.0 == now).map(|spike| spike.1).collect();
        line.push(&here);
    }
    Ok(out)
}

fn against_offline<F: Real, R: PlasticityRule<F>>(subject: &Subject<F, R>, case: &Case) -> Found {
    let online = outcome(subject, case, Show::default())?;
    let mut offline = Vec::new();
    for &(i, j, part) in &case.synapses {
        let (pre, post) = (Case::steps_of(&case.pre_spikes, i), Case::steps_of(&case.post_spikes, j));
        offline.push(summed(subject, case.dt, &pre, &post, subject.weight(part))?);
    }
    compare(subject, case, ("online", &online), ("by the formula", &offline))
}

/// The weight after these trains, from pairs alone: at each step the pairs of the one spike, then those of the other, in the
/// order of the coincidence option.
fn summed<F: Real, R: PlasticityRule<F>>(
    subject: &Subject<F, R>,
    dt: Ms,
    pre: &[u64],
    post: &[u64],
    start: f64,
) -> Result<f64, String> {
    if let Some(formula) = &subject.offline {
        let ms = |steps: &[u64]| steps.iter().map(|&step| step as f64 * dt.0).collect::<Vec<_>>();
        return Ok(formula(&ms(pre), &ms(post), start));
    }
    let Window { plus, minus, alone } =
        subject.window.as_ref().ok_or("no window is claimed: add `.window(plus, minus)` or an exemption")?;
    let (low, high) = subject.bounds.unwrap_or((f64::NEG_INFINITY, f64::INFINITY));
    let (potentiate, depress) = match subject.coincidence {
        Coincidence::Ignore => (false, false),
        Coincidence::Potentiate => (true, false),
        Coincidence::Depress => (false, true),
        Coincidence::Both => (true, true),
    };
    let lag = |from: u64, to: u64| (to - from) as f64 * dt.0;
    let mut w = start;
    let mut steps = [pre, post].concat();
    steps.sort_unstable();
    steps.dedup();
    for now in steps {
        let post_first = matches!(subject.coincidence, Coincidence::Ignore | Coincidence::Depress);
        for now_is_post in [post_first, !post_first] {
            let (ours, theirs, tied) = if now_is_post { (post, pre, potentiate) } else { (pre, post, depress) };
            if !ours.contains(&now) {
                continue;
            }
            let partners = partners(theirs, ours, now, tied, subject.pairing, now_is_post);
            let (pair, alone) = if now_is_post { (plus, &alone.1) } else { (minus, &alone.0) };
            let change = partners.iter().map(|&t| pair(lag(t, now), w)).sum::<f64>() + alone(w);
            w = (w + change).clamp(low, high);
        }
    }
    Ok(w)
}

/// The spikes of `theirs` with which the spike `now` of `ours` forms pairs; `tied`: spikes of the same step are a pair, and
/// use each other up where the scheme says so.
fn partners(theirs: &[u64], ours: &[u64], now: u64, tied: bool, pairing: Pairing, now_is_post: bool) -> Vec<u64> {
    let before = |t: u64, now: u64| t < now || tied && t == now;
    let earlier: Vec<u64> = theirs.iter().copied().filter(|&t| before(t, now)).collect();
    let unused = |t: u64| !ours.iter().any(|&mine| mine < now && before(t, mine));
    let latest = earlier.last().copied();
    match pairing {
        Pairing::AllToAll => earlier,
        Pairing::PresynapticCentred if now_is_post => earlier.into_iter().filter(|&t| unused(t)).collect(),
        Pairing::NearestSymmetric | Pairing::PresynapticCentred => latest.into_iter().collect(),
        Pairing::Restricted => latest.filter(|&t| unused(t)).into_iter().collect(),
    }
}
