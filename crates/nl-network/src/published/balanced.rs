//! What CUBA, COBA and COBAHH have in common: two populations of one model, connected at random.

use nl_neuron::NeuronModel;
use nl_random::Streams;
use nl_synapse::Uniform;
use nl_synapse::connectivity::{Pairs, fixed_probability};
use nl_units::{Error, Ms};

use super::{Published, Setup, record_potentials};
use crate::memory::reserve;
use crate::{NetworkBuilder, NetworkError, Projection};

/// Inputs of a neuron of the benchmarks: 2 % of 4,000.
const INPUTS: f64 = 80.0;
/// Probability of a synapse in the benchmarks.
const PROBABILITY: f64 = 0.02;

/// Size and synapses of a balanced network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wiring {
    /// As errors name it.
    pub(super) name: &'static str,
    pub(super) neurons: usize,
    pub(super) probability: Option<f64>,
    pub(super) delay: Option<Ms>,
    /// What an excitatory and an inhibitory spike add to their receptor.
    pub(super) weights: [f64; 2],
}

impl Wiring {
    /// Probability of a synapse: as asked for, else 2 %, or less in networks of more than 4000 neurons, so that each neuron
    /// keeps 80 inputs.
    pub(super) fn probability(&self) -> f64 {
        self.probability.unwrap_or((INPUTS / self.neurons as f64).min(PROBABILITY))
    }

    /// `Ok` if size, probability, delay and weights can be used.
    pub(super) fn check(&self, dt: Ms) -> Result<(), Error> {
        let name = self.name;
        super::enough(name, self.neurons)?;
        if let Some(p) = self.probability {
            Error::check(name, "probability", p, |p| p > 0.0 && p <= 1.0, "use a part above 0, at most 1")?;
        }
        if let Some(delay) = self.delay {
            super::some_steps(name, delay, dt)?;
        }
        super::finite_f32(name, "w_ex", self.weights[0])?;
        super::finite_f32(name, "w_in", self.weights[1])
    }
}

/// Two populations of one model, all four projections between them, initial conditions drawn neuron by neuron.
pub(super) fn balanced<M, const N: usize>(
    wiring: &Wiring,
    setup: Setup,
    streams: Streams,
    model: &M,
    start: impl Fn(&mut nl_random::Rng) -> [f32; N],
    variables: [&str; N],
) -> Result<Published, NetworkError>
where
    M: NeuronModel<f32> + Clone + Send + Sync + 'static,
{
    wiring.check(setup.dt)?;
    let sizes = super::sizes(wiring.neurons);
    let mut builder = NetworkBuilder::new(setup.dt, streams)?;
    let e = builder.population("E", sizes[0], model.clone())?;
    let i = builder.population("I", sizes[1], model.clone())?;
    let populations = [e, i];
    let mut synapses = [0; 2];
    for (pre, weight) in wiring.weights.into_iter().enumerate() {
        // One draw over all n targets, cut in two: who is excitatory has no part in who receives.
        let mut rng = streams.rng("connectivity", pre as u64, 0);
        let pairs = Pairs::between(sizes[pre], wiring.neurons);
        let all = fixed_probability(pairs, wiring.probability(), &mut rng)?;
        synapses[pre] = all.synapses();
        for (post, range) in [0..sizes[0], sizes[0]..wiring.neurons].into_iter().enumerate() {
            let projection = Projection::new(populations[pre], populations[post])
                .receptor(["exc", "inh"][pre])
                .delay(wiring.delay.unwrap_or(setup.dt));
            builder.connect(projection, Uniform::new(all.restrict(range)?.0, weight as f32)?)?;
        }
    }
    for population in populations {
        builder.record_spikes(population)?;
    }
    let potentials = record_potentials(&mut builder, e, sizes[0], setup)?;
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
    Ok(Published { network, populations, synapses, potentials })
}
