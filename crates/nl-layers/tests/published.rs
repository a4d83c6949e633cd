//! The published networks do what the records in `benches/records` say of them.

use approx::assert_abs_diff_eq;
use nl_kernels::Level;
use nl_layers::network::published::{BrunelConfig, Published, VogelsAbbottConfig, brunel, coba, cobahh, cuba};
use nl_neuron::Ms;
use nl_random::Streams;

/// One second, seed 1: the rate on every SIMD level (whose last bits differ, and with them each spike of a chaotic network),
/// and on the level of the records every single spike.
#[test]
fn rates_are_those_of_the_records() {
    let size = VogelsAbbottConfig::default();
    let networks: [(&str, Published, f64, u64); 4] = [
        ("CUBA", cuba(&size, Streams::new(1)).unwrap(), 5.62, 22_481),
        ("COBA", coba(&size, Streams::new(1)).unwrap(), 20.1, 80_433),
        ("COBAHH", cobahh(&size, Streams::new(1)).unwrap(), 33.7, 134_760),
        ("Brunel", brunel(&BrunelConfig::default(), Streams::new(1)).unwrap(), 32.0, 399_822),
    ];
    for (name, Published { mut network, populations, .. }, rate, expected) in networks {
        network.run(Ms(1000.0)).unwrap();
        network.check_finite().unwrap();
        let spikes: u64 = populations.iter().map(|&p| network.spike_count(p).unwrap()).sum();
        let found = spikes as f64 / network.neurons() as f64;
        // Other levels are other draws of the same network: a tenth is five times what they differ by.
        assert_abs_diff_eq!(found, rate, epsilon = rate / 10.0);
        if Level::current() == Level::Avx512 {
            assert_eq!(spikes, expected, "{name}");
        }
    }
}
