//! COBAHH: Hodgkin-Huxley neurons with exponential conductances, benchmark 3 of Brette et al. 2007.

use nl_neuron::{TraubMiles, TraubMilesParameters};
use nl_random::Streams;
use nl_units::{Error, Ms, Mv, Ns, Pf};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::balanced::{Wiring, balanced};
use super::{Published, Setup};
use crate::NetworkError;

/// Parameters of [`cobahh`]; the defaults are those of the benchmark, for a membrane of 20,000 µm².
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CobahhConfig {
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
    /// What an inhibitory spike adds to the inhibitory conductance g_i; positive.
    pub w_in: Ns,
    /// Membrane capacitance C_m.
    pub c_m: Pf,
    /// Sodium conductance g_Na.
    pub g_na: Ns,
    /// Potassium (delayed rectifier) conductance g_K.
    pub g_k: Ns,
    /// Leak conductance g_L.
    pub g_l: Ns,
    /// Sodium reversal potential E_Na.
    pub e_na: Mv,
    /// Potassium reversal potential E_K.
    pub e_k: Mv,
    /// Leak reversal potential E_L.
    pub e_l: Mv,
    /// Shift of the kinetics V_T.
    pub v_t: Mv,
    /// Excitatory reversal potential E_e.
    pub e_ex: Mv,
    /// Inhibitory reversal potential E_i.
    pub e_in: Mv,
    /// A spike is an upward crossing of this level V_th; nothing is reset.
    pub v_th: Mv,
    /// Time after a spike in which no other is counted, in whole steps.
    pub t_ref: Ms,
    /// Time constant of the excitatory conductance τ_e.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory conductance τ_i.
    pub tau_syn_in: Ms,
}

impl Default for CobahhConfig {
    fn default() -> Self {
        let TraubMilesParameters { c_m, g_na, g_k, g_l, e_na, e_k, e_l, v_t, e_ex, e_in, v_th, t_ref, .. } =
            TraubMilesParameters::default();
        let TraubMilesParameters { tau_syn_ex, tau_syn_in, .. } = TraubMilesParameters::default();
        Self {
            neurons: 4000,
            probability: None,
            delay: None,
            w_ex: Ns(6.0),
            w_in: Ns(67.0),
            c_m,
            g_na,
            g_k,
            g_l,
            e_na,
            e_k,
            e_l,
            v_t,
            e_ex,
            e_in,
            v_th,
            t_ref,
            tau_syn_ex,
            tau_syn_in,
        }
    }
}

impl CobahhConfig {
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
        Error::not_negative("cobahh", "w_ex", self.w_ex.0)?;
        Error::not_negative("cobahh", "w_in", self.w_in.0)?;
        self.model(dt).map(drop)
    }

    fn wiring(&self) -> Wiring {
        let Self { neurons, probability, delay, w_ex, w_in, .. } = *self;
        Wiring { name: "cobahh", neurons, probability, delay, weights: [w_ex.0, w_in.0] }
    }

    fn model(&self, dt: Ms) -> Result<TraubMiles, Error> {
        let Self { c_m, g_na, g_k, g_l, e_na, e_k, e_l, v_t, e_ex, e_in, v_th, t_ref, .. } = *self;
        let Self { tau_syn_ex, tau_syn_in, .. } = *self;
        let parameters = TraubMilesParameters {
            c_m,
            g_na,
            g_k,
            g_l,
            e_na,
            e_k,
            e_l,
            v_t,
            tau_syn_ex,
            tau_syn_in,
            e_ex,
            e_in,
            v_th,
            t_ref,
            ..TraubMilesParameters::default()
        };
        TraubMiles::new(parameters, dt)
    }
}

/// COBAHH: Hodgkin-Huxley neurons (Traub & Miles' kinetics) with exponential conductances.
///
/// Starts as Brian2's example `COBAHH`: V = E_L + N(−5, 5) mV, g_e = 10 · N(4, 1.5) nS, g_i = 10 · N(20, 12) nS, gates at 0.
/// Source: Brette et al. 2007, benchmark 3.
///
/// # Errors
/// A value out of range, as [`CobahhConfig::validate`] says, or no memory.
pub fn cobahh(config: &CobahhConfig, setup: Setup, streams: Streams) -> Result<Published, NetworkError> {
    config.validate(setup.dt)?;
    let model = config.model(setup.dt)?;
    let e_l = config.e_l.0 as f32;
    let start = |rng: &mut nl_random::Rng| {
        let [v, g_ex, g_in] = [normal(rng), normal(rng), normal(rng)];
        [e_l + 5.0 * v - 5.0, 10.0 * (1.5 * g_ex + 4.0), 10.0 * (12.0 * g_in + 20.0), 0.0, 0.0, 0.0]
    };
    balanced(&config.wiring(), setup, streams, &model, start, ["v", "g_ex", "g_in", "m", "h", "n"])
}

/// A standard normal number (Box & Muller 1958).
fn normal(rng: &mut nl_random::Rng) -> f32 {
    let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (core::f32::consts::TAU * v).cos()
}
