//! Laws of delays: when a spike reaches the soma, and when the synapse.

use super::run::{Title, ensure, hold, said};
use super::{Case, Cases, Config, Violation};
use crate::{Delay, Error};

pub(super) const ARRIVAL: Title =
    ("arrival", "a spike of step k reaches the soma in step k + axonal + dendritic, and in no other");
pub(super) const AT_SYNAPSE: Title = (
    "at_synapse",
    "a rule sees a pre spike of step k in step k + axonal, a post spike of step k in step k + dendritic",
);

/// One step: returns what arrives at the post neurons in this step, then takes the spikes that this step emits.
pub type Transport = Box<dyn FnMut(&[u32]) -> Result<Vec<f64>, Error>>;

/// One step: takes the pre and post spikes that this step emits, and returns those that are at the synapse now.
pub type AtSynapse = Box<dyn FnMut(&[u32], &[u32]) -> Result<(Vec<u32>, Vec<u32>), Error>>;

/// input_j(k) = Σ w_ij s_i(k − d_ij), d = axonal + dendritic. The family builds the transport of a case's synapses, weights
/// and delays.
///
/// # Errors
/// The violation, with its smallest example.
pub fn arrival(family: &impl Fn(&Case) -> Transport, config: &Config) -> Result<Cases, Box<Violation>> {
    hold(ARRIVAL, "a transport", &Case::strategy(), config, |case| {
        let mut transport = family(case);
        // Silence at the end, until the last spike must have arrived.
        for k in 0..case.raster.len() + 8 {
            let got = transport(case.raster.get(k).map_or(&[][..], |step| step)).map_err(said)?;
            let mut expected = vec![0.0; case.post];
            for (&(i, j, w), delay) in case.synapses.iter().zip(&case.delays) {
                let emitted = k.checked_sub(delay.total() as usize).and_then(|k| case.raster.get(k));
                if emitted.is_some_and(|step| step.contains(&i)) {
                    expected[j as usize] += w;
                }
            }
            let close = got.len() == case.post && got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4);
            ensure(close, || format!("in step {k} arrives {got:?}, expected {expected:?}"))?;
        }
        Ok(())
    })
}

/// pre at the synapse (k) = s_i(k − axonal), post at the synapse (k) = s_j(k − dendritic). The family builds the view of
/// synapses of this delay.
///
/// # Errors
/// The violation, with its smallest example.
pub fn at_synapse(family: &impl Fn(Delay) -> AtSynapse, config: &Config) -> Result<Cases, Box<Violation>> {
    hold(AT_SYNAPSE, "a view of spikes at the synapse", &Case::strategy(), config, |case| {
        for &delay in &case.delays {
            let mut view = family(delay);
            for k in 0..case.raster.len() + 8 {
                let step = |raster: &[Vec<u32>], k: Option<usize>| -> Vec<u32> {
                    k.and_then(|k| raster.get(k)).cloned().unwrap_or_default()
                };
                let now = (step(&case.raster, Some(k)), step(&case.post_raster, Some(k)));
                let got = view(&now.0, &now.1).map_err(said)?;
                let expected = (
                    step(&case.raster, k.checked_sub(delay.axonal() as usize)),
                    step(&case.post_raster, k.checked_sub(delay.dendritic() as usize)),
                );
                ensure(got == expected, || {
                    format!("{delay:?}: in step {k} the (pre, post) spikes {got:?} are seen, expected {expected:?}")
                })?;
            }
        }
        Ok(())
    })
}
