//! The published networks do what the records in `benches/records` say of them.

use approx::assert_abs_diff_eq;
use nl_kernels::Level;
use nl_network::published::{
    BrunelConfig, CobaConfig, CobahhConfig, CubaConfig, Published, Setup, brunel, coba, cobahh, cuba,
};
use nl_random::Streams;
use nl_units::{Ms, Mv, Ns, Pf};

/// One second, seed 1: the rate on every SIMD level (whose last bits differ, and with them each spike of a chaotic network),
/// and on the level of the records every single spike.
#[test]
fn rates_are_those_of_the_records() {
    let setup = Setup::default();
    let networks: [(&str, Published, f64, u64); 4] = [
        ("CUBA", cuba(&CubaConfig::default(), setup, Streams::new(1)).unwrap(), 5.62, 22_481),
        ("COBA", coba(&CobaConfig::default(), setup, Streams::new(1)).unwrap(), 20.1, 80_433),
        ("COBAHH", cobahh(&CobahhConfig::default(), setup, Streams::new(1)).unwrap(), 33.7, 134_760),
        ("Brunel", brunel(&BrunelConfig::default(), setup, Streams::new(1)).unwrap(), 32.0, 399_822),
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

/// Half a second of Brunel's network at one seed: rate, Hz.
fn rate(config: &BrunelConfig) -> f64 {
    let Published { mut network, populations, .. } = brunel(config, Setup::default(), Streams::new(1)).unwrap();
    network.run(Ms(500.0)).unwrap();
    let spikes: u64 = populations.iter().map(|&p| network.spike_count(p).unwrap()).sum();
    spikes as f64 / network.neurons() as f64 / 0.5
}

/// Brunel 2000, section 3: below g = 4 excitation wins and only t_ref limits the rate; above, inhibition holds it down; more
/// input from outside is more rate, and too little is silence.
#[test]
fn brunels_parameters_move_the_network_as_the_paper_says() {
    let small = BrunelConfig { neurons: 1000, j: Mv(0.5), ..BrunelConfig::default() };
    let [excited, balanced, inhibited] = [3.0, 4.5, 6.0].map(|g| rate(&BrunelConfig { g, ..small }));
    assert!(excited > 1.5 * balanced && balanced > inhibited && inhibited > 1.0, "{excited} {balanced} {inhibited}");
    assert!(excited < 1000.0 / small.t_ref.0, "{excited}");
    let [little, more] = [0.9, 4.0].map(|eta| rate(&BrunelConfig { g: 6.0, eta, ..small }));
    assert!(little < inhibited && inhibited < more, "{little} {inhibited} {more}");
    assert!(rate(&BrunelConfig { eta: 0.2, ..small }) < 0.1);
    // A slower membrane, a longer hold, a lower threshold: each is another network.
    let base = rate(&small);
    assert!(rate(&BrunelConfig { t_ref: Ms(10.0), ..small }) < base);
    assert_ne!(rate(&BrunelConfig { delay: Ms(3.0), ..small }), base);
    assert_ne!(rate(&BrunelConfig { v_reset: Mv(10.0), ..small }), base);
    assert_ne!(rate(&BrunelConfig { epsilon: 0.2, ..small }), base);
}

/// Each parameter out of its range is named.
#[test]
fn parameters_out_of_range_are_named() {
    let dt = Ms(0.1);
    let brunel = BrunelConfig::default();
    let faults = [
        (BrunelConfig { neurons: 4, ..brunel }.validate(dt), "neurons"),
        (BrunelConfig { epsilon: 0.0, ..brunel }.validate(dt), "epsilon"),
        (BrunelConfig { j: Mv(0.0), ..brunel }.validate(dt), "j"),
        (BrunelConfig { g: f64::NAN, ..brunel }.validate(dt), "g"),
        (BrunelConfig { eta: -1.0, ..brunel }.validate(dt), "eta"),
        (BrunelConfig { delay: Ms(0.0), ..brunel }.validate(dt), "delay"),
        (BrunelConfig { delay: Ms(0.25), ..brunel }.validate(dt), "delay"),
        (BrunelConfig { tau_m: Ms(0.0), ..brunel }.validate(dt), "tau_m"),
        (BrunelConfig { v_th: Mv(-1.0), ..brunel }.validate(dt), "v_th"),
        (BrunelConfig { v_reset: Mv(20.0), ..brunel }.validate(dt), "v_reset"),
        (BrunelConfig { t_ref: Ms(-2.0), ..brunel }.validate(dt), "t_ref"),
        (CubaConfig { probability: Some(1.5), ..CubaConfig::default() }.validate(dt), "probability"),
        (CubaConfig { w_in: Mv(9.0), ..CubaConfig::default() }.validate(dt), "w_in"),
        (CubaConfig { tau_syn_ex: Ms(0.0), ..CubaConfig::default() }.validate(dt), "tau_syn_ex"),
        (CubaConfig { v_reset: Mv(-50.0), ..CubaConfig::default() }.validate(dt), "v_reset"),
        (CobaConfig { w_in: Ns(-67.0), ..CobaConfig::default() }.validate(dt), "w_in"),
        (CobaConfig { c_m: Pf(0.0), ..CobaConfig::default() }.validate(dt), "c_m"),
        (CobahhConfig { w_ex: Ns(1e39), ..CobahhConfig::default() }.validate(dt), "w_ex"),
        (CobahhConfig { g_na: Ns(-1.0), ..CobahhConfig::default() }.validate(dt), "g_na"),
    ];
    for (found, name) in faults {
        let error = found.unwrap_err().to_string();
        assert!(error.contains(&format!(": {name} = ")), "{name}: {error}");
    }
}

/// The probability is as asked for; without it each neuron keeps 80 inputs.
#[test]
fn inputs_of_a_neuron() {
    let inputs = |neurons, probability| {
        let config = CubaConfig { neurons, probability, ..CubaConfig::default() };
        let built = cuba(&config, Setup::default(), Streams::new(1)).unwrap();
        assert_eq!(built.synapses.iter().sum::<usize>(), built.network.synapses());
        built.network.synapses() as f64 / neurons as f64
    };
    assert_abs_diff_eq!(inputs(2000, None), 40.0, epsilon = 1.0);
    assert_abs_diff_eq!(inputs(8000, None), 80.0, epsilon = 1.0);
    assert_abs_diff_eq!(inputs(2000, Some(0.1)), 200.0, epsilon = 3.0);
}
