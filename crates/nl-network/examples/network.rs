//! A network of one's own: two populations, four projections, noise, a learning rule, and what they do.
//!
//! `cargo run --release -p nl-network --example network`
//!
//! 800 excitatory and 200 inhibitory neurons with conductances. Inhibition onto excitatory neurons learns (Vogels et al. 2011)
//! until each fires at 5 Hz: excitation and inhibition balance themselves.

use nl_network::statistics::{binned_counts, mean_cv_isi, synchrony};
use nl_network::{NetworkBuilder, Projection};
use nl_neuron::{Coba, CobaParameters};
use nl_plasticity::{VogelsStdp, VogelsStdpParameters};
use nl_random::Streams;
use nl_synapse::connectivity::{Autapses, Pairs, fixed_probability};
use nl_synapse::{Sparse, Uniform};
use nl_units::{Hz, Ms};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (dt, streams) = (Ms(0.1), Streams::new(1));
    let mut rng = streams.rng("connectivity", 0, 0);
    let mut builder = NetworkBuilder::new(dt, streams)?;
    let model = Coba::new(CobaParameters::benchmark(), dt)?;
    let e = builder.population("excitatory", 800, model.clone())?;
    let i = builder.population("inhibitory", 200, model)?;
    for cells in [e, i] {
        builder.poisson_input(cells, "exc", Hz(1000.0), 1.0)?; // nS
        builder.record_spikes(cells)?;
    }
    let p = 0.05;
    let ee = fixed_probability(Pairs::recurrent(800, Autapses::Forbid), p, &mut rng)?;
    let ei = fixed_probability(Pairs::between(800, 200), p, &mut rng)?;
    let ii = fixed_probability(Pairs::recurrent(200, Autapses::Forbid), p, &mut rng)?;
    let ie = fixed_probability(Pairs::between(200, 800), p, &mut rng)?;
    builder.connect(Projection::new(e, e).receptor("exc").delay(Ms(1.5)), Uniform::new(ee, 1.0)?)?;
    builder.connect(Projection::new(e, i).receptor("exc").delay(Ms(1.5)), Uniform::new(ei, 1.0)?)?;
    builder.connect(Projection::new(i, i).receptor("inh").delay(Ms(1.0)), Uniform::new(ii, 5.0)?)?;
    let rule =
        VogelsStdp::new(VogelsStdpParameters { rho_0: Hz(5.0), eta: 0.5, w_max: 100.0, ..Default::default() }, dt)?;
    let start = vec![0.5; ie.synapses()];
    let to = Projection::new(i, e).receptor("inh").delay(Ms(1.0));
    let learnt = builder.connect_plastic(to, Sparse::new(ie, start)?, rule)?;
    let mut network = builder.build()?;

    let seconds = if std::env::var_os("NL_SHORT").is_some() { 2 } else { 8 };
    for second in 1..=seconds {
        network.run(Ms(1000.0))?;
        network.check_finite()?;
        let spikes = network.take_spikes(e)?;
        let weights = network.weights(learnt)?;
        let mean = weights.iter().map(|&w| f64::from(w)).sum::<f64>() / weights.len() as f64;
        let counts = binned_counts(&spikes, network.now() - 10_000, network.now(), 30);
        println!(
            "second {second}: excitatory neurons at {:5.2} Hz, CV {:.2}, synchrony {:5.2}; mean inhibition {mean:6.2} nS",
            spikes.len() as f64 / 800.0,
            mean_cv_isi(&spikes, 800).unwrap_or(f64::NAN),
            synchrony(&counts).unwrap_or(f64::NAN),
        );
    }
    Ok(())
}
