//! How long the published networks take: `cargo run --release -p nl-network --example sim_time -- cuba 10 40000`
//! (network, biological seconds, neurons).

use std::time::Instant;

use nl_network::published::{BrunelConfig, CobaConfig, CubaConfig, Setup, brunel, coba, cuba};
use nl_network::statistics::{binned_counts, mean_cv_isi, mean_rate, synchrony};
use nl_random::Streams;
use nl_units::Ms;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let which = words.next().unwrap_or("cuba".into());
    let short = std::env::var_os("NL_SHORT").is_some();
    let seconds: f64 = words.next().map_or(Ok(if short { 0.2 } else { 1.0 }), |s| s.parse())?;
    let n: Option<usize> = words.next().map(|s| s.parse()).transpose()?;
    let start = Instant::now();
    let (setup, streams) = (Setup::default(), Streams::new(1));
    let mut built = match which.as_str() {
        "brunel" => brunel(&BrunelConfig { neurons: n.unwrap_or(12_500), ..BrunelConfig::default() }, setup, streams)?,
        "coba" => coba(&CobaConfig { neurons: n.unwrap_or(4000), ..CobaConfig::default() }, setup, streams)?,
        _ => cuba(&CubaConfig { neurons: n.unwrap_or(4000), ..CubaConfig::default() }, setup, streams)?,
    };
    let build = start.elapsed();
    let start = Instant::now();
    built.network.run(Ms(seconds * 1000.0))?;
    let simulate = start.elapsed().as_secs_f64();
    let neurons = built.network.neurons();
    let mut events = 0;
    let mut cv = Vec::new();
    for p in built.populations {
        let spikes = built.network.spikes(p)?;
        events += spikes.len();
        cv.push(mean_cv_isi(spikes, neurons));
    }
    let counts = binned_counts(built.network.spikes(built.populations[0])?, 0, built.network.now(), 30);
    println!(
        "{which}: {neurons} neurons, {} synapses, build {build:.2?}, simulate {simulate:.3} s for {seconds} s, \
         rate {:.3} Hz, cv {cv:?}, synchrony {:?}",
        built.network.synapses(),
        mean_rate(events as u64, neurons, Ms(seconds * 1000.0)).0,
        synchrony(&counts)
    );
    Ok(())
}
