//! Brunel's sparse random network of excitatory and inhibitory LIF neurons with delta synapses.

use nl_neuron::{Drive, Hz, Lif, LifParameters, Ms, Mv, Pf};
use nl_random::Streams;
use nl_synapse::Uniform;
use nl_synapse::connectivity::{Multapses, Pairs, fixed_in_degree};
use serde::{Deserialize, Serialize};

use super::{Published, record_potentials};
use crate::network::{NetworkBuilder, NetworkError, Projection};

/// Parameters of [`brunel`]; the defaults are the asynchronous irregular regime of NEST's example.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BrunelConfig {
    /// Neurons, four fifths of them excitatory.
    pub neurons: usize,
    /// Part of each population that reaches a neuron (ε).
    pub epsilon: f64,
    /// Weight of an excitatory synapse (J).
    pub j: Mv,
    /// Inhibition over excitation: inhibitory synapses weigh −g J.
    pub g: f64,
    /// External rate over the rate that takes a neuron to its threshold (η).
    pub eta: f64,
    /// Delay of every synapse (D).
    pub delay: Ms,
    /// Time step.
    pub dt: Ms,
    /// Excitatory neurons whose potential is written down each millisecond (or the nearest whole number of steps).
    pub traces: u32,
}

impl Default for BrunelConfig {
    fn default() -> Self {
        Self { neurons: 12_500, epsilon: 0.1, j: Mv(0.1), g: 5.0, eta: 2.0, delay: Ms(1.5), dt: Ms(0.1), traces: 0 }
    }
}

/// Membrane of all neurons: V_th 20, V_reset 0 mV, τ_m 20, t_ref 2 ms, resting at 0 mV (NEST's example; the paper resets
/// to 10 mV).
fn membrane() -> LifParameters {
    LifParameters {
        tau_m: Ms(20.0),
        c_m: Pf(1.0),
        e_l: Mv(0.0),
        v_th: Mv(20.0),
        v_reset: Mv(0.0),
        t_ref: Ms(2.0),
        drive: Drive::Jump,
        ..LifParameters::default()
    }
}

/// Each neuron receives ε N_E excitatory synapses of J, ε N_I inhibitory ones of −g J (in-degrees are fixed, partners
/// drawn with replacement), and external Poisson spikes of J at the rate η ν_th C_E, ν_th = V_th / (J C_E τ_m).
///
/// g = 5, η = 2 is asynchronous and irregular; g = 4.5, η = 0.9 slow oscillation; g = 3, η = 2 synchronous and regular.
/// Source: Brunel, J. Comput. Neurosci. 2000, section 2 and fig. 8.
///
/// # Errors
/// If there are fewer than 5 neurons, ε lies outside 0 … 1, or another value is unusable.
pub fn brunel(config: &BrunelConfig, streams: Streams) -> Result<Published, NetworkError> {
    const NAME: &str = "brunel";
    let n = config.neurons;
    nl_neuron::Error::check(NAME, "neurons", n as f64, |n| n >= 5.0, "use 5 or more: 4 excite, 1 inhibits")?;
    nl_neuron::Error::check(NAME, "epsilon", config.epsilon, |e| e > 0.0 && e <= 1.0, "use a part above 0, at most 1")?;
    nl_neuron::Error::positive(NAME, "j", config.j.0)?;
    nl_neuron::Error::not_negative(NAME, "g", config.g)?;
    nl_neuron::Error::not_negative(NAME, "eta", config.eta)?;
    let sizes = [n * 4 / 5, n - n * 4 / 5];
    let degrees = sizes.map(|size| ((size as f64 * config.epsilon).round() as usize).max(1));
    let membrane = membrane();
    // ν_ext C_E = η V_th / (J τ_m): the in-degree cancels.
    let rate = config.eta * membrane.v_th.0 / (config.j.0 * membrane.tau_m.0) * 1000.0;
    let weights = [config.j.0, -config.g * config.j.0];

    let mut builder = NetworkBuilder::new(config.dt, streams)?;
    let model = Lif::new(membrane, config.dt)?;
    let populations = [builder.population("E", sizes[0], model.clone())?, builder.population("I", sizes[1], model)?];
    for (post, &target) in populations.iter().enumerate() {
        builder.poisson_input(target, "jump", Hz(rate), config.j.0 as f32)?;
        builder.record_spikes(target)?;
        for (pre, &source) in populations.iter().enumerate() {
            let mut rng = streams.rng("connectivity", pre as u64, post as u64);
            let pairs = Pairs::between(sizes[pre], sizes[post]);
            let csr = fixed_in_degree(pairs, degrees[pre], Multapses::Allow, &mut rng)?;
            let projection = Projection::new(source, target).delay(config.delay);
            builder.connect(projection, Uniform::new(csr, weights[pre] as f32)?)?;
        }
    }
    let potentials = record_potentials(&mut builder, populations[0], sizes[0], config.traces, config.dt)?;
    Ok(Published { network: builder.build()?, populations, potentials })
}
