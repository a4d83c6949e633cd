//! The network against a loop anybody can read, for any number of threads, and across a save and a load.

use nl_network::{Network, NetworkBuilder, NetworkError, Projection, Snapshot};
use nl_neuron::{Drive, Lif, LifParameters, NeuronModel, SpikeSet, SpikeTrain};
use nl_plasticity::{Activity, Modulators, PairStdp, PairStdpParameters, PlasticityRule};
use nl_random::Streams;
use nl_synapse::{Connection, Csr, Dense, Sparse, Uniform, Weights};
use nl_units::{Hz, Ms, Mv};
use rand::RngExt;

const DT: Ms = Ms(0.5);

fn lif() -> Lif {
    let parameters = LifParameters { drive: Drive::Jump, v_th: Mv(-60.0), ..LifParameters::default() };
    Lif::new(parameters, DT).unwrap()
}

/// `count` random synapses between `pre` and `post` neurons.
fn random(name: &str, pre: usize, post: usize, count: usize) -> Csr {
    let mut rng = Streams::new(11).rng(name, 0, 0);
    let edges: Vec<(u32, u32)> =
        (0..count).map(|_| (rng.random_range(0..pre as u32), rng.random_range(0..post as u32))).collect();
    Csr::from_edges(pre, post, &edges).unwrap()
}

fn train(n: usize, steps: usize, probability: f64) -> SpikeTrain {
    let mut rng = Streams::new(12).rng("train", 0, 0);
    let mut train = SpikeTrain::new(n);
    for _ in 0..steps {
        let row: Vec<u32> = (0..n as u32).filter(|_| rng.random_bool(probability)).collect();
        train.push_step(&row).unwrap();
    }
    train
}

fn all_spikes(network: &Network, populations: &[nl_network::PopulationId]) -> Vec<(u64, u32)> {
    populations.iter().flat_map(|&p| network.spikes(p).unwrap().iter().map(|s| (s.step, s.neuron))).collect()
}

#[test]
fn equals_the_naive_loop() {
    let (n, steps) = (20, 400);
    let input = train(10, steps, 0.2);
    let feed = Sparse::new(random("feed", 10, n, 60), (0..60).map(|i| 3.0 + 0.1 * i as f32).collect()).unwrap();
    let lateral = Uniform::new(random("lateral", n, n, 50), -2.0).unwrap();

    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let source = builder.spike_list("input", input.clone()).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    builder.connect(Projection::new(source, cells).delay(Ms(2.0)), feed.clone()).unwrap();
    builder.connect(Projection::new(cells, cells).delays(Ms(0.5), Ms(1.0)), lateral.clone()).unwrap();
    builder.record_spikes(cells).unwrap();
    let potentials = builder.record_state(cells, "v", &[3, 0], Ms(3.5)).unwrap();
    let mut network = builder.build().unwrap();
    network.run_steps(steps as u64).unwrap();

    let model = lif();
    let mut state = model.state(n).unwrap();
    let mut emitted: Vec<Vec<u32>> = Vec::new();
    let mut sampled = Vec::new();
    for k in 0..steps {
        let mut current = vec![0.0; n];
        if k >= 4 {
            feed.deliver(input.at(k - 4), &mut current).unwrap();
        }
        if k >= 3 {
            lateral.deliver(&emitted[k - 3], &mut current).unwrap();
        }
        let mut spikes = SpikeSet::new(n);
        model.step(&mut state, &current, &mut spikes).unwrap();
        emitted.push(spikes.indices().to_vec());
        if (k + 1) % 7 == 0 {
            let v = nl_neuron::PopulationState::variable(&state, "v").unwrap();
            sampled.extend([v[3], v[0]]);
        }
    }
    let naive: Vec<(u64, u32)> =
        emitted.iter().enumerate().flat_map(|(k, s)| s.iter().map(move |&i| (k as u64, i))).collect();
    assert!(naive.len() > 100, "{} spikes test nothing", naive.len());
    assert_eq!(all_spikes(&network, &[cells]), naive);
    assert_eq!(network.state_trace(potentials).unwrap().values, sampled);
    assert_eq!(network.spike_count(cells).unwrap(), naive.len() as u64);
}

/// The rule sees pre spikes after the axonal, post spikes after the dendritic delay; the soma is reached after both, with
/// the weight of that moment.
#[test]
fn a_rule_sees_the_spikes_that_are_at_the_synapse() {
    let (pre, n, steps) = (6, 4, 300);
    let input = train(pre, steps, 0.15);
    for (axonal, dendritic) in [(0, 1), (0, 3), (2, 0), (1, 2), (3, 3)] {
        let weights = Dense::new(pre, n, vec![0.5_f32; pre * n]).unwrap();
        let p = PairStdpParameters { a_plus: 0.03, a_minus: 0.02, w_max: 9.0, ..PairStdpParameters::default() };
        let rule = PairStdp::<f32>::new(p, DT).unwrap();
        let ms = |steps: u32| Ms(f64::from(steps) * DT.0);

        let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
        let source = builder.spike_list("input", input.clone()).unwrap();
        let cells = builder.population("cells", n, lif()).unwrap();
        builder.poisson_input(cells, 0, Hz(500.0), 6.0).unwrap();
        let projection = Projection::new(source, cells).delays(ms(axonal), ms(dendritic));
        let learnt = builder.connect_plastic(projection, weights.clone(), rule.clone()).unwrap();
        builder.record_spikes(cells).unwrap();
        let trace = builder.record_weights(learnt, &[0, 5], Ms(5.0)).unwrap();
        let mut network = builder.build().unwrap();
        network.run_steps(steps as u64).unwrap();

        let mut emitted = vec![Vec::new(); steps];
        for spike in network.spikes(cells).unwrap() {
            emitted[spike.step as usize].push(spike.neuron);
        }
        let mut expected = weights;
        let mut state = rule.state(pre, n, pre * n).unwrap();
        for k in 0..steps {
            let at_synapse = k.checked_sub(axonal as usize).map_or(&[][..], |k| input.at(k));
            let back = k.checked_sub(dendritic as usize).map_or(&[][..], |k| &emitted[k]);
            rule.step(&mut state, &Activity::spikes(k as u64, at_synapse, back), &mut expected).unwrap();
        }
        assert_eq!(network.weights(learnt).unwrap(), expected.weights(), "axonal {axonal}, dendritic {dendritic}");
        assert_ne!(expected.weights(), vec![0.5; pre * n]);
        let trace = network.weight_trace(trace).unwrap();
        assert_eq!(trace.values.last(), Some(&expected.weights()[5]));
        assert_eq!(trace.steps.len(), steps / 10);
    }
}

/// 9,000 + 500 neurons in four pieces, noise, plastic and fixed synapses, several delays.
fn large() -> (Network, [nl_network::PopulationId; 2], nl_network::ProjectionId) {
    let mut builder = NetworkBuilder::new(DT, Streams::new(3)).unwrap();
    let e = builder.population("E", 9000, lif()).unwrap();
    let i = builder.population("I", 500, lif()).unwrap();
    let source = builder.poisson_population("input", 100, Hz(40.0)).unwrap();
    builder.poisson_input(e, 0, Hz(900.0), 3.0).unwrap();
    builder.poisson_input(i, 0, Hz(100.0), 3.0).unwrap();
    builder.constant_input(i, 0, &vec![0.35; 500]).unwrap();
    let p = PairStdpParameters { a_plus: 0.05, w_max: 3.0, ..PairStdpParameters::default() };
    let rule = PairStdp::<f32>::new(p, DT).unwrap();
    let csr = random("e-e", 9000, 9000, 90_000);
    let weights = vec![0.3; csr.synapses()];
    let ee = Projection::new(e, e).delays(Ms(1.0), Ms(0.5));
    let learnt = builder.connect_plastic(ee, Sparse::new(csr, weights).unwrap(), rule.clone()).unwrap();
    let dense = Dense::new(100, 9000, vec![0.2; 900_000]).unwrap();
    builder.connect_plastic(Projection::new(source, e).delays(Ms(1.0), Ms(0.0)), dense, rule).unwrap();
    let inhibit = Uniform::new(random("i-e", 500, 9000, 20_000), -1.0).unwrap();
    builder.connect(Projection::new(i, e).delay(Ms(1.5)), inhibit).unwrap();
    let excite = Uniform::new(random("e-i", 9000, 500, 20_000), 1.0).unwrap();
    builder.connect(Projection::new(e, i).delay(Ms(2.5)), excite).unwrap();
    builder.record_spikes(e).unwrap();
    builder.record_spikes(i).unwrap();
    builder.record_state(e, "v", &[0, 8999], Ms(2.5)).unwrap();
    let mut network = builder.build().unwrap();
    let mut rng = Streams::new(3).rng("v", 0, 0);
    let v: Vec<f32> = (0..9000).map(|_| rng.random_range(-70.0..-60.0)).collect();
    network.set_variable(e, "v", &v).unwrap();
    (network, [e, i], learnt)
}

#[test]
fn the_same_bits_on_any_number_of_threads() {
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut network, populations, learnt) = large();
            network.run(Ms(60.0)).unwrap();
            let weights: Vec<u32> = network.weights(learnt).unwrap().iter().map(|w| w.to_bits()).collect();
            (all_spikes(&network, &populations), weights, network.snapshot().unwrap())
        })
    };
    let one = run(1);
    assert!(one.0.len() > 5000, "{} spikes test nothing", one.0.len());
    assert!(one == run(2));
    assert!(one == run(3));
}

#[test]
fn a_saved_network_goes_on_bit_for_bit() {
    let (mut straight, ..) = large();
    straight.run(Ms(40.0)).unwrap();

    let (mut first, ..) = large();
    first.run(Ms(17.0)).unwrap();
    first.set_modulators(Modulators::default()).unwrap();
    let saved = serde_json::to_string(&first.snapshot().unwrap()).unwrap();
    drop(first);
    let (mut second, ..) = large();
    second.run(Ms(3.0)).unwrap(); // whatever it did before is gone
    second.restore(&serde_json::from_str::<Snapshot>(&saved).unwrap()).unwrap();
    second.run(Ms(23.0)).unwrap();
    assert!(straight.snapshot().unwrap() == second.snapshot().unwrap());
}

fn small(n: usize, delay: Ms) -> Network {
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    let synapses = Uniform::new(random("small", n, n, 4 * n), 1.0).unwrap();
    builder.connect(Projection::new(cells, cells).delay(delay), synapses).unwrap();
    builder.build().unwrap()
}

#[test]
fn a_snapshot_of_another_network_is_refused_and_nothing_changes() {
    let snapshot = small(10, Ms(1.0)).snapshot().unwrap();
    for mut other in [small(11, Ms(1.0)), small(10, Ms(2.0))] {
        let before = other.snapshot().unwrap();
        let error = other.restore(&snapshot).unwrap_err();
        assert!(error.to_string().contains("build the network the same way"), "{error}");
        assert!(before == other.snapshot().unwrap());
    }
}

#[test]
fn damaged_snapshots_are_refused() {
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let cells = builder.population("cells", 10, lif()).unwrap();
    builder.connect(Projection::new(cells, cells), Uniform::new(random("small", 10, 10, 40), 1.0).unwrap()).unwrap();
    builder.record_rate(cells, Ms(1.0)).unwrap();
    let mut network = builder.build().unwrap();
    network.run(Ms(5.0)).unwrap();
    let good = serde_json::to_value(network.snapshot().unwrap()).unwrap();
    let damage: [fn(&mut serde_json::Value); 9] = [
        |s| s["lines"][0]["ring"][0] = serde_json::json!([99]),
        |s| s["lines"][0]["next"] = serde_json::json!(7),
        |s| s["pieces"][0]["cells"] = serde_json::json!([1, 2, 3]),
        |s| s["pieces"][0]["own"]["ring"] = serde_json::json!([]),
        |s| s["pieces"][0]["constant"] = serde_json::json!([1.0]),
        |s| s["pieces"][0]["poisson"] = serde_json::json!([1.0]),
        |s| s["now"] = serde_json::json!(u64::MAX),
        // More spikes than ten neurons have in as many steps.
        |s| s["populations"][0]["count"] = serde_json::json!(u64::MAX),
        |s| s["populations"][0]["rates"]["counts"][0] = serde_json::json!(21),
    ];
    for (which, spoil) in damage.iter().enumerate() {
        let mut value = good.clone();
        spoil(&mut value);
        // Some damage shows as soon as it is read.
        let taken = serde_json::from_value::<Snapshot>(value).is_ok_and(|snapshot| network.restore(&snapshot).is_ok());
        assert!(!taken, "damage {which}");
        assert_eq!(serde_json::to_value(network.snapshot().unwrap()).unwrap(), good, "damage {which}");
    }
}

#[test]
fn what_does_not_fit_is_refused_with_a_reason() {
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let cells = builder.population("cells", 4, lif()).unwrap();
    let synapses = || Uniform::new(random("four", 4, 4, 8), 1.0).unwrap();
    let says = |result: Result<(), NetworkError>, part: &str| {
        let text = result.unwrap_err().to_string();
        assert!(text.contains(part), "{text} does not say `{part}`");
    };
    let to = Projection::new(cells, cells);
    says(builder.connect(to.delay(Ms(0.0)), synapses()).map(drop), "a delay of 0 steps");
    says(builder.connect(to.delay(Ms(-1.0)), synapses()).map(drop), "delay = -1");
    says(builder.connect(to.delay(Ms(f64::NAN)), synapses()).map(drop), "delay = NaN");
    says(builder.connect(to.delay(Ms(1e9)), synapses()).map(drop), "steps");
    says(builder.connect(to.receptor(1), synapses()).map(drop), "receptor 1 does not exist; there are [0: jump (mV)]");
    says(builder.connect(to.receptor("exc"), synapses()).map(drop), "receptor `exc` does not exist");
    says(builder.connect(to.delay(Ms(0.7)), synapses()).map(drop), "use 0.5 ms or 1 ms");
    let three = Uniform::new(random("three", 3, 4, 8), 1.0).unwrap();
    says(builder.connect(to, three).map(drop), "has 4 neurons, but the connection sends from 3");
    says(builder.population("cells", 4, lif()).map(drop), "two populations are named cells");
    says(builder.population("none", 0, lif()).map(drop), "a population of 0 neurons");
    let other = Lif::new(LifParameters::default(), Ms(0.1)).unwrap();
    says(builder.population("other", 1, other).map(drop), "time step");
    says(builder.poisson_input(cells, 0, Hz(-1.0), 1.0).map(drop), "rate = -1");
    says(builder.constant_input(cells, 0, &[1.0]), "1 elements, but 4");
    says(builder.record_state(cells, "v", &[4], DT).map(drop), "neuron 4 of a population of 4");
    says(builder.record_state(cells, "v", &[0], Ms(0.0)).map(drop), "every = 0");
    says(builder.record_state(cells, "v", &[0], Ms(0.6)).map(drop), "use 0.5 ms or 1 ms");
    says(builder.record_rate(cells, Ms(0.7)), "use 0.5 ms or 1 ms");
    let fixed = builder.connect(to, synapses()).unwrap();
    says(builder.record_weights(fixed, &[0], DT).map(drop), "not a plastic projection");
    builder.record_state(cells, "w", &[0], DT).unwrap();
    says(builder.build().map(drop), "no variable `w`");
    assert!(NetworkBuilder::new(Ms(0.0), Streams::new(1)).is_err());

    let mut network = small(4, Ms(1.0));
    says(network.run(Ms(-3.0)), "time = -3");
    says(network.weights(fixed).map(drop), "not a plastic projection");
    says(network.set_variable(cells, "v", &[f32::NAN; 4]), "NaN");
    says(network.spikes(cells).map(drop), "call record_spikes");
}
