//! COBA: LIF neurons with exponential conductances, benchmark 1 of Brette et al. 2007 with a bias.

use nl_neuron::{Coba, CobaParameters};
use nl_random::Streams;
use nl_units::{Error, Ms, Mv, Ns, Pf};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::balanced::{Wiring, balanced};
use super::{Published, Setup};
use crate::NetworkError;

/// Parameters of [`coba`]; the defaults are those of the benchmark but for `e_l`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CobaConfig {
    /// Neurons, four fifths of them excitatory.
    #[cfg_attr(feature = "schema", schemars(range(min = 5)))]
    pub neurons: usize,
    /// Probability of a synapse between two neurons. Without it 2 %, or less in networks of more than 4000 neurons, so that
    /// each keeps 80 inputs.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0)))]
    pub probability: Option<f64>,
    /// Delay of every synapse, in whole steps. Without it one step.
    pub delay: Option<Ms>,
    /// What an excitatory spike adds to the excitatory conductance g_e.
    pub w_ex: Ns,
    /// What an inhibitory spike adds to the inhibitory conductance g_i; positive, as E_i lies below the threshold.
    pub w_in: Ns,
    /// Membrane capacitance C_m; τ_m = C_m / g_L.
    pub c_m: Pf,
    /// Leak conductance g_L.
    pub g_l: Ns,
    /// Leak reversal potential E_L: −49 mV, above the threshold, which keeps the network active; −60 mV in the benchmark.
    pub e_l: Mv,
    /// Excitatory reversal potential E_e.
    pub e_ex: Mv,
    /// Inhibitory reversal potential E_i.
    pub e_in: Mv,
    /// Threshold V_th.
    pub v_th: Mv,
    /// Potential after a spike V_r, below the threshold.
    pub v_reset: Mv,
    /// Absolute refractory period t_ref, in whole steps.
    pub t_ref: Ms,
    /// Time constant of the excitatory conductance τ_e.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory conductance τ_i.
    pub tau_syn_in: Ms,
}

impl Default for CobaConfig {
    fn default() -> Self {
        let CobaParameters { c_m, g_l, e_ex, e_in, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, .. } =
            CobaParameters::benchmark();
        Self {
            neurons: 4000,
            probability: None,
            delay: None,
            w_ex: Ns(6.0),
            w_in: Ns(67.0),
            c_m,
            g_l,
            e_l: Mv(-49.0),
            e_ex,
            e_in,
            v_th,
            v_reset,
            t_ref,
            tau_syn_ex,
            tau_syn_in,
        }
    }
}

impl CobaConfig {
    /// Probability of a synapse, as it is used.
    #[must_use]
    pub fn probability(&self) -> f64 {
        self.wiring().probability()
    }

    /// `Ok` if every value can be used in steps of `dt`.
    ///
    /// # Errors
    /// The first value out of range, by its name.
    pub fn validate(&self, dt: Ms) -> Result<(), Error> {
        self.wiring().check(dt)?;
        Error::not_negative("coba", "w_ex", self.w_ex.0)?;
        Error::not_negative("coba", "w_in", self.w_in.0)?;
        super::starts_below("coba", self.v_reset, self.v_th)?;
        self.model(dt).map(drop)
    }

    fn wiring(&self) -> Wiring {
        let Self { neurons, probability, delay, w_ex, w_in, .. } = *self;
        Wiring { name: "coba", neurons, probability, delay, weights: [w_ex.0, w_in.0] }
    }

    fn model(&self, dt: Ms) -> Result<Coba, Error> {
        let Self { c_m, g_l, e_l, e_ex, e_in, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, .. } = *self;
        let parameters = CobaParameters {
            c_m,
            g_l,
            e_l,
            e_ex,
            e_in,
            v_th,
            v_reset,
            t_ref,
            tau_syn_ex,
            tau_syn_in,
            ..CobaParameters::benchmark()
        };
        Coba::new(parameters, dt)
    }
}

/// COBA: LIF neurons with exponential conductances, C_m V' = −g_L (V − E_L) − g_e (V − E_e) − g_i (V − E_i).
///
/// V starts uniform between reset and threshold. Source: Vogels & Abbott 2005; Brette et al. 2007, benchmark 1, there with
/// E_L = −60 mV and a start by external stimulation.
///
/// # Errors
/// A value out of range, as [`CobaConfig::validate`] says, or no memory.
pub fn coba(config: &CobaConfig, setup: Setup, streams: Streams) -> Result<Published, NetworkError> {
    config.validate(setup.dt)?;
    let model = config.model(setup.dt)?;
    let (low, high) = (config.v_reset.0 as f32, config.v_th.0 as f32);
    let start = |rng: &mut nl_random::Rng| [rng.random_range(low..high), 0.0, 0.0];
    balanced(&config.wiring(), setup, streams, &model, start, ["v", "g_ex", "g_in"])
}
