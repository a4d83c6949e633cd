//! CUBA: LIF neurons with exponential currents, benchmark 2 of Brette et al. 2007.

use nl_neuron::{CubaExp, CubaExpParameters};
use nl_random::Streams;
use nl_units::{Error, Ms, Mv, Pf};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::balanced::{Wiring, balanced};
use super::{Published, Setup};
use crate::NetworkError;

/// Parameters of [`cuba`]; the defaults are those of the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CubaConfig {
    /// Neurons, four fifths of them excitatory.
    #[cfg_attr(feature = "schema", schemars(range(min = 5)))]
    pub neurons: usize,
    /// Probability of a synapse between two neurons. Without it 2 %, or less in networks of more than 4000 neurons, so that
    /// each keeps 80 inputs.
    #[cfg_attr(feature = "schema", schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0)))]
    pub probability: Option<f64>,
    /// Delay of every synapse, in whole steps. Without it one step.
    pub delay: Option<Ms>,
    /// What an excitatory spike adds to the excitatory current g_e, in mV: the current times the membrane's resistance.
    pub w_ex: Mv,
    /// What an inhibitory spike adds to g_i; negative.
    pub w_in: Mv,
    /// Membrane time constant τ_m.
    pub tau_m: Ms,
    /// Leak reversal potential E_L; above the threshold in the benchmark, which keeps the network active.
    pub e_l: Mv,
    /// Threshold V_th.
    pub v_th: Mv,
    /// Potential after a spike V_r, below the threshold.
    pub v_reset: Mv,
    /// Absolute refractory period t_ref, in whole steps.
    pub t_ref: Ms,
    /// Time constant of the excitatory current τ_e.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory current τ_i.
    pub tau_syn_in: Ms,
}

impl Default for CubaConfig {
    fn default() -> Self {
        let CubaExpParameters { tau_m, e_l, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, .. } =
            CubaExpParameters::benchmark();
        Self {
            neurons: 4000,
            probability: None,
            delay: None,
            w_ex: Mv(1.62),
            w_in: Mv(-9.0),
            tau_m,
            e_l,
            v_th,
            v_reset,
            t_ref,
            tau_syn_ex,
            tau_syn_in,
        }
    }
}

impl CubaConfig {
    /// Probability of a synapse, as it is used.
    #[must_use]
    pub fn probability(&self) -> f64 {
        self.wiring().probability()
    }

    /// `Ok` if every value can be used in steps of `dt`.
    ///
    /// ```
    /// use nl_network::published::CubaConfig;
    /// use nl_units::{Ms, Mv};
    /// let config = CubaConfig { w_in: Mv(9.0), ..CubaConfig::default() };
    /// let error = config.validate(Ms(0.1)).unwrap_err().to_string();
    /// assert_eq!(error, "cuba: w_in = 9 is not usable; use 0 mV or less: inhibition lowers the potential");
    /// ```
    ///
    /// # Errors
    /// The first value out of range, by its name.
    pub fn validate(&self, dt: Ms) -> Result<(), Error> {
        self.wiring().check(dt)?;
        Error::not_negative("cuba", "w_ex", self.w_ex.0)?;
        let inhibits = "use 0 mV or less: inhibition lowers the potential";
        Error::check("cuba", "w_in", self.w_in.0, |w| w <= 0.0, inhibits)?;
        super::starts_below("cuba", self.v_reset, self.v_th)?;
        self.model(dt).map(drop)
    }

    fn wiring(&self) -> Wiring {
        let Self { neurons, probability, delay, w_ex, w_in, .. } = *self;
        Wiring { name: "cuba", neurons, probability, delay, weights: [w_ex.0, w_in.0] }
    }

    fn model(&self, dt: Ms) -> Result<CubaExp, Error> {
        let Self { tau_m, e_l, v_th, v_reset, t_ref, tau_syn_ex, tau_syn_in, .. } = *self;
        // With C_m = τ_m in numbers the resistance is 1: a weight in mV is passed as one in pA.
        let c_m = Pf(tau_m.0);
        let parameters = CubaExpParameters {
            tau_m,
            c_m,
            e_l,
            v_th,
            v_reset,
            t_ref,
            tau_syn_ex,
            tau_syn_in,
            ..CubaExpParameters::benchmark()
        };
        CubaExp::new(parameters, dt)
    }
}

/// CUBA: LIF neurons with exponential currents, τ_m V' = g_e + g_i − (V − E_L); asynchronous and irregular at 5.5 Hz.
///
/// V starts uniform between reset and threshold. Source: Vogels & Abbott 2005; Brette et al. 2007, benchmark 2; Brian2's
/// example `CUBA`.
///
/// # Errors
/// A value out of range, as [`CubaConfig::validate`] says, or no memory.
pub fn cuba(config: &CubaConfig, setup: Setup, streams: Streams) -> Result<Published, NetworkError> {
    config.validate(setup.dt)?;
    let model = config.model(setup.dt)?;
    let (low, high) = (config.v_reset.0 as f32, config.v_th.0 as f32);
    let start = |rng: &mut nl_random::Rng| [rng.random_range(low..high), 0.0, 0.0];
    balanced(&config.wiring(), setup, streams, &model, start, ["v", "i_ex", "i_in"])
}
