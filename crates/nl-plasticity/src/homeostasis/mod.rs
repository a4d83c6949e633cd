//! What keeps learning in bounds: rates, scaling, normalisation, thresholds.

mod intrinsic;
mod normalisation;
mod rate_estimate;
mod scaling;
mod threshold;

pub use intrinsic::IntrinsicPlasticity;
pub use normalisation::WeightNormalisation;
pub use rate_estimate::RateEstimate;
pub use scaling::{SynapticScaling, SynapticScalingParameters};
pub use threshold::{AdaptiveThreshold, AdaptiveThresholdParameters};

/// `Ok` if all spikes lie below `n`.
fn check_spikes(what: &'static str, spikes: &[u32], n: usize) -> Result<(), nl_units::Error> {
    match spikes.iter().find(|&&i| i as usize >= n) {
        Some(&index) => Err(nl_units::Error::Index { what, index: index as usize, n }),
        None => Ok(()),
    }
}
