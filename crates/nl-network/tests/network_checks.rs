//! What a network refuses when it is declared because it cannot be meant, what it finds when it has run, and its time.

use nl_network::{NetworkBuilder, NetworkError, Projection};
use nl_neuron::{
    Coba, CobaParameters, DiehlCook, DiehlCookParameters, Drive, Izhikevich, IzhikevichParameters, Lif, LifParameters,
    SpikeTrain,
};
use nl_plasticity::{ClopathStdp, ClopathStdpParameters, PairStdp, PairStdpParameters};
use nl_random::Streams;
use nl_synapse::{AllButSelf, Csr, Dense, Sparse, Uniform};
use nl_units::{Hz, Ms};

const DT: Ms = Ms(0.1);

fn builder() -> NetworkBuilder {
    NetworkBuilder::new(DT, Streams::new(1)).unwrap()
}

fn jumping() -> Lif {
    Lif::new(LifParameters { drive: Drive::Jump, ..LifParameters::default() }, DT).unwrap()
}

fn coba() -> Coba {
    Coba::new(CobaParameters::default(), DT).unwrap()
}

fn says<T>(result: Result<T, NetworkError>, parts: &[&str]) {
    let text = result.map(drop).unwrap_err().to_string();
    for part in parts {
        assert!(text.contains(part), "{text} does not say `{part}`");
    }
}

#[test]
fn receptors_go_by_name_or_number() {
    let mut builder = builder();
    let cells = builder.population("cells", 2, coba()).unwrap();
    let synapses = || Uniform::new(Csr::from_edges(2, 2, &[(0, 1)]).unwrap(), 1.0).unwrap();
    for receptor in ["exc", "inh"] {
        builder.connect(Projection::new(cells, cells).receptor(receptor), synapses()).unwrap();
        builder.poisson_input(cells, receptor, Hz(10.0), 1.0).unwrap();
    }
    builder.connect(Projection::new(cells, cells).receptor(1), synapses()).unwrap();
    builder.constant_input(cells, 2, &[1.0, -2.0]).unwrap();
    builder.constant_input(cells, "current", &[1.0, -2.0]).unwrap();
    let wrong = builder.connect(Projection::new(cells, cells).receptor("excitatory"), synapses());
    says(wrong, &["cells", "`excitatory`", "[0: exc (nS), 1: inh (nS), 2: current (pA)]"]);
    let mut network = builder.build().unwrap();
    network.set_constant_input(cells, "current", &[0.0; 2]).unwrap();
    says(network.set_constant_input(cells, 3, &[0.0; 2]), &["receptor 3 does not exist"]);
}

#[test]
fn spikes_into_a_held_current_are_refused_unless_meant() {
    let mut builder = builder();
    let lif = Lif::new(LifParameters::default(), DT).unwrap(); // Drive::Current
    let cells = builder.population("cells", 2, lif).unwrap();
    let synapses = || Dense::new(2, 2, vec![1.0_f32; 4]).unwrap();
    let to = Projection::new(cells, cells);
    says(builder.connect(to, synapses()), &["cells", "current (pA)", "Drive::Jump", "as_current"]);
    says(builder.poisson_input(cells, 0, Hz(10.0), 1.0), &["current (pA)"]);
    let rule = PairStdp::<f32>::new(PairStdpParameters::default(), DT).unwrap();
    says(builder.connect_plastic(to, synapses(), rule), &["current (pA)"]);
    builder.connect(to.as_current(), synapses()).unwrap();
}

#[test]
fn conductances_are_never_negative() {
    let mut builder = builder();
    let cells = builder.population("cells", 3, coba()).unwrap();
    let csr = || Csr::from_edges(3, 3, &[(0, 1), (1, 2)]).unwrap();
    let to = Projection::new(cells, cells).receptor("inh");
    let words = ["cells", "-1", "inh (nS)", "never negative"];
    says(builder.connect(to, Uniform::new(csr(), -1.0).unwrap()), &words);
    says(builder.connect(to, Sparse::new(csr(), vec![2.0, -1.0]).unwrap()), &words);
    says(builder.connect(to, Dense::new(3, 3, [[0.5; 8].as_slice(), &[-1.0]].concat()).unwrap()), &words);
    says(builder.connect(to, AllButSelf::new(3, -1.0).unwrap()), &words);
    says(builder.poisson_input(cells, "exc", Hz(1.0), -1.0), &["-1", "exc (nS)"]);
    says(builder.constant_input(cells, "exc", &[0.0, 0.0, -1.0]), &["-1", "exc (nS)"]);
    let below = PairStdpParameters { w_min: -1.0, w_max: 1.0, ..PairStdpParameters::default() };
    let rule = PairStdp::<f32>::new(below, DT).unwrap();
    says(builder.connect_plastic(to, Sparse::new(csr(), vec![0.5; 2]).unwrap(), rule), &["w_min", "-1", "inh (nS)"]);
    let rule = PairStdp::<f32>::new(PairStdpParameters::default(), DT).unwrap();
    let learnt = builder.connect_plastic(to, Sparse::new(csr(), vec![0.5; 2]).unwrap(), rule).unwrap();
    let mut network = builder.build().unwrap();
    says(network.set_weights(learnt, &[0.5, -1.0]), &["-1"]);
    says(network.set_constant_input(cells, "exc", &[0.0, 0.0, -1.0]), &["-1", "exc (nS)"]);
    assert_eq!(network.weights(learnt).unwrap(), [0.5; 2]);
}

#[test]
fn weights_outside_the_rules_bounds_are_refused_with_both_numbers() {
    let mut builder = builder();
    let cells = builder.population("cells", 2, jumping()).unwrap();
    let rule = |p| PairStdp::<f32>::new(p, DT).unwrap();
    let bounds = PairStdpParameters { w_min: 0.0, w_max: 1.0, ..PairStdpParameters::default() };
    let to = Projection::new(cells, cells);
    for outside in [-3.0, 50.0] {
        let weights = Dense::new(2, 2, vec![0.5, 0.5, outside, 0.5]).unwrap();
        says(builder.connect_plastic(to, weights, rule(bounds)), &[&outside.to_string(), "0", "1"]);
    }
    let learnt = builder.connect_plastic(to, Dense::new(2, 2, vec![0.5; 4]).unwrap(), rule(bounds)).unwrap();
    let lost = PairStdpParameters { w_max: 1e9, a_plus: 1e-3, a_minus: 1e-3, ..PairStdpParameters::default() };
    says(builder.connect_plastic(to, Dense::new(2, 2, vec![0.5; 4]).unwrap(), rule(lost)), &["0.001", "1000000000"]);
    let mut network = builder.build().unwrap();
    says(network.set_weights(learnt, &[0.5, 0.5, 50.0, 0.5]), &["50", "1"]);
    assert_eq!(network.weights(learnt).unwrap(), [0.5; 4]);
}

#[test]
fn a_rule_of_voltages_needs_neurons_that_have_one() {
    let mut builder = builder();
    let cells = builder.population("cells", 2, jumping()).unwrap();
    let source = builder.spike_list("source", SpikeTrain::new(2)).unwrap();
    let rule = || ClopathStdp::<f32>::new(ClopathStdpParameters::default(), DT).unwrap();
    let weights = || Dense::new(2, 2, vec![0.5_f32; 4]).unwrap();
    builder.connect_plastic(Projection::new(source, cells), weights(), rule()).unwrap();
    // A source has no receptor either; whichever is said first, it is said before anything runs.
    assert!(builder.connect_plastic(Projection::new(cells, source), weights(), rule()).is_err());
}

#[test]
fn time_is_on_the_grid_or_refused() {
    let mut builder = builder();
    let cells = builder.population("cells", 1, jumping()).unwrap();
    let mut network = builder.build().unwrap();
    says(network.run(Ms(0.04)), &["0.04 ms", "use 0 ms or 0.1 ms"]);
    says(network.run(Ms(0.05)), &["0.05 ms"]);
    assert_eq!(network.now(), 0);
    (0..10).for_each(|_| network.run(Ms(0.3)).unwrap());
    assert_eq!(network.now(), 30);
    assert_eq!(network.mean_rate(cells).unwrap(), Hz(0.0));
}

#[test]
fn mean_rate_is_spikes_over_neurons_and_time() {
    let mut train = SpikeTrain::new(4);
    (0..1000).for_each(|k| train.push_step(if k % 100 == 7 { &[1, 3] } else { &[] }).unwrap());
    let mut builder = builder();
    let source = builder.spike_list("source", train).unwrap();
    builder.record_spikes(source).unwrap();
    let mut network = builder.build().unwrap();
    assert_eq!(network.mean_rate(source).unwrap(), Hz(0.0));
    network.run(Ms(100.0)).unwrap(); // 20 spikes of 4 neurons in 0.1 s
    assert_eq!(network.mean_rate(source).unwrap(), Hz(50.0));
    assert_eq!(network.take_spikes(source).unwrap().len(), 20);
    assert!(network.spikes(source).unwrap().is_empty());
    assert_eq!(network.spike_count(source).unwrap(), 20);
}

/// What was silent: a conductance pushed below 0, an input beyond f32.
#[test]
fn numbers_that_are_none_are_found_and_named() {
    let mut diehl_cook = builder();
    let model = DiehlCook::new(DiehlCookParameters::default(), DT).unwrap();
    let cells = diehl_cook.population("cells", 5000, model).unwrap();
    let mut network = diehl_cook.build().unwrap();
    network.run(Ms(10.0)).unwrap();
    network.check_finite().unwrap();
    let mut g = vec![0.0; 5000];
    g[4321] = -1e38;
    network.set_variable(cells, "g_ex", &g).unwrap();
    network.run(Ms(1.0)).unwrap();
    says(network.check_finite(), &["neuron 4321 of `cells`", "steps 100 to 109", "negative conductance"]);

    let mut izhikevich = builder();
    let model = Izhikevich::new(IzhikevichParameters::default(), DT).unwrap();
    let cells = izhikevich.population("cells", 2, model).unwrap();
    izhikevich.constant_input(cells, 0, &[1e38, 0.0]).unwrap();
    let mut network = izhikevich.build().unwrap();
    network.run(Ms(20.0)).unwrap();
    says(network.check_finite(), &["neuron 0 of `cells`", "steps 0 to 199"]);

    let mut twice = builder();
    let cells = twice.population("cells", 1, jumping()).unwrap();
    twice.constant_input(cells, 0, &[3e38]).unwrap();
    says(twice.constant_input(cells, 0, &[3e38]), &["sum of values", "inf"]);
}
