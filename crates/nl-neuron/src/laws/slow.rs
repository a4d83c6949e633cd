//! The law of slow change: what a million small steps come to.

use super::run::{Bench, Broken, hold};
use super::{Cases, Config, Knobs, Subject, Violation};
use crate::{Ms, NeuronModel, PopulationState, Real};

/// How finely a step is cut: 6,400 of them are a million and a bit.
const CUT: usize = 160;

/// A million steps of dt/160 without input lead where coarse ones do, within 1 %: nothing is lost to rounding.
///
/// Each variable starts a twentieth of its resting value away from it (at 0.5, if it rests at 0) and is compared after
/// 100, 400, 1,600 and 6,400 steps of dt (a scalar as wide as f64: 100 and 400). A model may refuse dt/160 instead, with
/// [`Error::TooSlow`](crate::Error::TooSlow).
///
/// # Errors
/// The violation.
pub fn slow_decay<F: Real, M: NeuronModel<F>>(
    family: &impl Fn(&Knobs) -> Subject<F, M>,
    config: &Config,
) -> Result<Cases, Box<Violation>> {
    let title = (
        "slow_decay",
        "a million steps of dt/160 end within 1 % of where steps of dt/8 do, or dt/160 is refused as too slow",
    );
    // A case takes a million steps: two of them, and not much shrinking.
    let config = &Config { cases: config.cases.min(2), shrinks: config.shrinks.min(64), ..*config };
    hold(title, family, config, |subject, _| {
        let fine = Ms(subject.dt.0 / CUT as f64);
        match (subject.build)(fine) {
            Err(crate::Error::TooSlow { .. }) => return Ok(()),
            Err(error) => return Err(Broken::said(error)),
            Ok(_) => {}
        }
        let mut coarse = Bench::new(subject, Ms(subject.dt.0 / 8.0), 1)?;
        let mut fine = Bench::new(subject, fine, 1)?;
        let names = coarse.state.variables();
        let mut start = Vec::new();
        for &name in names {
            let rest = coarse.value(name, 0);
            let value = if rest == 0.0 { 0.5 } else { 1.05 * rest };
            for bench in [&mut coarse, &mut fine] {
                if let Some(values) = bench.state.variable_mut(name) {
                    values.fill(F::from_f64(value));
                }
            }
            start.push(value.abs());
        }
        let mut done = 0;
        let wide = F::EPSILON.to_f64() < 1e-10;
        for &until in if wide { &[100, 400][..] } else { &[100, 400, 1_600, 6_400] } {
            coarse.constant(8 * (until - done), |_| 0.0)?;
            fine.constant(CUT * (until - done), |_| 0.0)?;
            done = until;
            if coarse.train.count() + fine.train.count() > 0 {
                return Ok(()); // a spike's time depends on dt
            }
            for (&name, start) in names.iter().zip(&start) {
                let (a, b) = (coarse.value(name, 0), fine.value(name, 0));
                // Below 0.1 a gate follows the potential so steeply that its own size says little.
                let close = (a - b).abs() <= 0.01 * start.max(a.abs()).max(0.1);
                if !close {
                    let what = format!("{name} is {a} after {until} steps, but {b} if each is cut in {CUT}");
                    return Err(Broken::said(what));
                }
            }
        }
        Ok(())
    })
}
