//! The balanced networks of Vogels & Abbott, as benchmarks 1 (COBA) and 2 (CUBA) of Brette et al. 2007.

use nl_neuron::{Coba, CobaParameters, CubaExp, CubaExpParameters, Ms, NeuronModel, TraubMiles, TraubMilesParameters};
use nl_random::Streams;
use nl_synapse::Uniform;
use nl_synapse::connectivity::{Pairs, fixed_probability};
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::{Published, record_potentials};
use crate::network::memory::reserve;
use crate::network::{NetworkBuilder, NetworkError, Projection};

/// Size and time step of [`cuba`] and [`coba`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct VogelsAbbottConfig {
    /// Neurons, four fifths of them excitatory.
    pub neurons: usize,
    /// Time step; every delay is one step.
    pub dt: Ms,
    /// Excitatory neurons whose potential is written down each millisecond (or the nearest whole number of steps).
    pub traces: u32,
}

impl Default for VogelsAbbottConfig {
    fn default() -> Self {
        Self { neurons: 4000, dt: Ms(0.1), traces: 0 }
    }
}

impl VogelsAbbottConfig {
    /// Probability of a synapse: 2 %, or less in networks of more than 4000 neurons, so that each neuron keeps 80 inputs.
    #[must_use]
    pub fn probability(&self) -> f64 {
        (80.0 / self.neurons as f64).min(0.02)
    }
}

/// CUBA: LIF neurons with exponential currents, τ_m V' = g_e + g_i − (V − E_L); asynchronous and irregular at 5.5 Hz.
///
/// V_th −50, V_reset −60, E_L −49 mV, τ_m 20, τ_e 5, τ_i 10, t_ref 5 ms; weights 1.62 and −9 mV; V starts uniform between
/// reset and threshold. Source: Vogels & Abbott 2005; Brette et al. 2007, benchmark 2; Brian2's example `CUBA`.
///
/// # Errors
/// If there are fewer than 5 neurons, or `dt` is unusable.
pub fn cuba(config: &VogelsAbbottConfig, streams: Streams) -> Result<Published, NetworkError> {
    let model = CubaExp::new(CubaExpParameters::benchmark(), config.dt)?;
    balanced(
        config,
        streams,
        &model,
        (1.62, -9.0),
        |rng| [rng.random_range(-60.0..-50.0), 0.0, 0.0],
        ["v", "i_ex", "i_in"],
    )
}

/// COBA: LIF neurons with exponential conductances.
///
/// Source: Vogels & Abbott 2005; Brette et al. 2007, benchmark 1.
///
/// # Errors
/// If there are fewer than 5 neurons, or `dt` is unusable.
pub fn coba(config: &VogelsAbbottConfig, streams: Streams) -> Result<Published, NetworkError> {
    let parameters = CobaParameters { e_l: nl_neuron::Mv(-49.0), ..CobaParameters::benchmark() };
    let model = Coba::new(parameters, config.dt)?;
    balanced(
        config,
        streams,
        &model,
        (6.0, 67.0),
        |rng| [rng.random_range(-60.0..-50.0), 0.0, 0.0],
        ["v", "g_ex", "g_in"],
    )
}

/// COBAHH: Hodgkin-Huxley neurons (Traub & Miles' kinetics) with exponential conductances.
///
/// Starts as Brian2's example `COBAHH`: V = E_L + N(−5, 5) mV, g_e = 10 · N(4, 1.5) nS, g_i = 10 · N(20, 12) nS, gates at 0.
/// Source: Brette et al. 2007, benchmark 3.
///
/// # Errors
/// If there are fewer than 5 neurons, or `dt` is unusable.
pub fn cobahh(config: &VogelsAbbottConfig, streams: Streams) -> Result<Published, NetworkError> {
    let parameters = TraubMilesParameters::default();
    let e_l = parameters.e_l.0 as f32;
    let model = TraubMiles::new(parameters, config.dt)?;
    let start = |rng: &mut nl_random::Rng| {
        let [v, g_ex, g_in] = [normal(rng), normal(rng), normal(rng)];
        [e_l + 5.0 * v - 5.0, 10.0 * (1.5 * g_ex + 4.0), 10.0 * (12.0 * g_in + 20.0), 0.0, 0.0, 0.0]
    };
    balanced(config, streams, &model, (6.0, 67.0), start, ["v", "g_ex", "g_in", "m", "h", "n"])
}

/// A standard normal number (Box & Muller 1958).
fn normal(rng: &mut nl_random::Rng) -> f32 {
    let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
    (-2.0 * u.ln()).sqrt() * (core::f32::consts::TAU * v).cos()
}

/// Two populations of one model, all four projections between them, initial conditions drawn neuron by neuron.
pub(super) fn balanced<M, const N: usize>(
    config: &VogelsAbbottConfig,
    streams: Streams,
    model: &M,
    (excitatory, inhibitory): (f32, f32),
    start: impl Fn(&mut nl_random::Rng) -> [f32; N],
    variables: [&str; N],
) -> Result<Published, NetworkError>
where
    M: NeuronModel<f32> + Clone + Send + Sync + 'static,
{
    let n = config.neurons;
    nl_neuron::Error::check(
        "balanced network",
        "neurons",
        n as f64,
        |n| n >= 5.0,
        "use 5 or more: 4 excite, 1 inhibits",
    )?;
    let sizes = [n * 4 / 5, n - n * 4 / 5];
    let mut builder = NetworkBuilder::new(config.dt, streams)?;
    let e = builder.population("E", sizes[0], model.clone())?;
    let i = builder.population("I", sizes[1], model.clone())?;
    let populations = [e, i];
    for (pre, weight) in [(0, excitatory), (1, inhibitory)] {
        // One draw over all n targets, cut in two: who is excitatory has no part in who receives.
        let mut rng = streams.rng("connectivity", pre as u64, 0);
        let all = fixed_probability(Pairs::between(sizes[pre], n), config.probability(), &mut rng)?;
        for (post, range) in [0..sizes[0], sizes[0]..n].into_iter().enumerate() {
            let projection =
                Projection::new(populations[pre], populations[post]).receptor(["exc", "inh"][pre]).delay(config.dt);
            builder.connect(projection, Uniform::new(all.restrict(range)?.0, weight)?)?;
        }
    }
    for population in populations {
        builder.record_spikes(population)?;
    }
    let potentials = record_potentials(&mut builder, e, sizes[0], config.traces, config.dt)?;
    let mut network = builder.build()?;
    for (which, population) in populations.into_iter().enumerate() {
        let mut rng = streams.rng("initial state", which as u64, 0);
        let mut drawn = reserve::<[f32; N]>("initial state", sizes[which])?;
        drawn.extend((0..sizes[which]).map(|_| start(&mut rng)));
        let mut values = reserve("initial state", sizes[which])?;
        for (k, variable) in variables.into_iter().enumerate() {
            values.clear();
            values.extend(drawn.iter().map(|drawn| drawn[k]));
            network.set_variable(population, variable, &values)?;
        }
    }
    Ok(Published { network, populations, potentials })
}
