//! Laws of short-term plasticity.

use core::fmt;

use nl_laws::proptest::prelude::*;
use nl_units::Ms;

use super::run::{Title, ensure, hold};
use super::{Cases, Config, Violation};
use crate::TsodyksMarkramParameters;

pub(super) const BOUNDED: Title = ("bounded", "u and x stay in [0, 1]");
pub(super) const STEADY_STATE: Title = ("steady_state", "a regular train settles at the closed form of u and x");
pub(super) const DIFFERENTIAL: Title =
    ("differential_form", "at each spike u and x are those of the differential equations, integrated exactly");

/// Takes the step of a neuron's next spike and returns (u, x) of that spike.
pub type Release = Box<dyn FnMut(u64) -> (f64, f64)>;

/// Parameters, and the steps of a train.
#[derive(Debug, Clone)]
struct Train {
    parameters: TsodyksMarkramParameters,
    dt: Ms,
    steps: Vec<u64>,
}

impl fmt::Display for Train {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:?}, dt {}, spikes in steps {:?}", self.parameters, self.dt, self.steps)?;
        if let Some(&last) = self.steps.last().filter(|&&last| last < 100) {
            let row: String = (0..=last).map(|k| if self.steps.contains(&k) { '|' } else { '.' }).collect();
            writeln!(f, "  pre 0  {row}")?;
        }
        Ok(())
    }
}

fn trains() -> impl Strategy<Value = Train> {
    let tau = || prop_oneof![Just(0.0), Just(10.0), Just(100.0), Just(800.0), 0.0..2000.0];
    let utilisation = prop_oneof![Just(0.5), Just(0.0), Just(1.0), 0.0..=1.0];
    let intervals = prop::collection::vec(prop_oneof![4 => 1..=40_u64, 1 => 1..=20_000_u64], 1..=40);
    (utilisation, tau(), tau(), prop_oneof![Just(1.0), Just(0.1)], 0..10_u64, intervals).prop_map(
        |(utilisation, tau_rec, tau_fac, dt, first, intervals)| {
            let steps = intervals
                .into_iter()
                .scan(first, |step, interval| {
                    let now = *step;
                    *step += interval;
                    Some(now)
                })
                .collect();
            let parameters = TsodyksMarkramParameters { utilisation, tau_rec: Ms(tau_rec), tau_fac: Ms(tau_fac) };
            Train { parameters, dt: Ms(dt), steps }
        },
    )
}

/// e^(−t/τ), 0 at once for τ = 0.
fn decay(t: f64, tau: Ms) -> f64 {
    if tau.0 == 0.0 { 0.0 } else { (-t / tau.0).exp() }
}

/// 0 ≤ u, x ≤ 1.
///
/// # Errors
/// The violation, with its smallest example.
pub fn bounded(
    family: &impl Fn(TsodyksMarkramParameters, Ms) -> Release,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(BOUNDED, "short-term plasticity", &trains(), config, |train| {
        let mut release = family(train.parameters, train.dt);
        for &step in &train.steps {
            let (u, x) = release(step);
            ensure((0.0..=1.0).contains(&u) && (0.0..=1.0).contains(&x), || format!("step {step}: u = {u}, x = {x}"))?;
        }
        Ok(())
    })
}

/// u∞ = U / (1 − (1 − U) e^(−h/τ_fac)), x∞ = (1 − e^(−h/τ_rec)) / (1 − (1 − u∞) e^(−h/τ_rec)) for intervals of h, to 1e-5.
///
/// # Errors
/// The violation, with its smallest example.
pub fn steady_state(
    family: &impl Fn(TsodyksMarkramParameters, Ms) -> Release,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(STEADY_STATE, "short-term plasticity", &trains(), config, |train| {
        let p = train.parameters;
        let interval = train.steps.get(1).map_or(10, |second| second - train.steps[0]);
        let h = interval as f64 * train.dt.0;
        let (fac, rec) = (decay(h, p.tau_fac), decay(h, p.tau_rec));
        let (u, x) = if p.utilisation == 0.0 {
            (0.0, 1.0)
        } else {
            let u = p.utilisation / (1.0 - (1.0 - p.utilisation) * fac);
            (u, (1.0 - rec) / (1.0 - (1.0 - u) * rec))
        };
        // Both approach it by these factors a spike; go on until 1e-8 is left, if that does not take for ever.
        let rate = ((1.0 - p.utilisation) * fac).max((1.0 - u) * rec);
        let spikes = if rate > 0.0 { 2.0 * (1e-8_f64.ln() / rate.ln()).ceil() + 50.0 } else { 50.0 };
        if p.utilisation > 0.0 && spikes > 20_000.0 {
            return Ok(());
        }
        let mut release = family(p, train.dt);
        let got = (0..spikes.min(20_000.0) as u64).map(|k| release(k * interval)).last().unwrap_or((u, x));
        ensure((got.0 - u).abs() < 1e-5 && (got.1 - x).abs() < 1e-5, || {
            format!("spikes every {h} ms settle at (u, x) = {got:?}, closed form ({u}, {x})")
        })
    })
}

/// u' = −u/τ_fac, x' = (1 − x)/τ_rec from u = 0, x = 1; at a spike u += U (1 − u), release u x, x −= u x. To 1e-5.
///
/// # Errors
/// The violation, with its smallest example.
pub fn differential_form(
    family: &impl Fn(TsodyksMarkramParameters, Ms) -> Release,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    hold(DIFFERENTIAL, "short-term plasticity", &trains(), config, |train| {
        let p = train.parameters;
        let mut release = family(p, train.dt);
        let (mut u, mut x, mut last) = (0.0, 1.0, None);
        for &step in &train.steps {
            let h = last.map_or(0.0, |last| (step - last) as f64 * train.dt.0);
            last = Some(step);
            u *= decay(h, p.tau_fac);
            x = 1.0 + (x - 1.0) * decay(h, p.tau_rec);
            u += p.utilisation * (1.0 - u);
            let got = release(step);
            ensure((got.0 - u).abs() < 1e-5 && (got.1 - x).abs() < 1e-5, || {
                format!("step {step}: (u, x) = {got:?}, expected ({u}, {x})")
            })?;
            x -= u * x;
        }
        Ok(())
    })
}
