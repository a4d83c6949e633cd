//! Synapses of a network against a loop anybody can read: delays of their own, rules that change weights late,
//! short-term plasticity, connections that cannot be cut; and inputs that change between runs.

use approx::{assert_abs_diff_eq, assert_relative_eq};
use nl_network::{Network, NetworkBuilder, PopulationId, Projection, Snapshot};
use nl_neuron::{Drive, Lif, LifParameters, NeuronModel, PopulationState, SpikeSet, SpikeTrain};
use nl_plasticity::{
    Activity, ClopathStdp, ClopathStdpParameters, DopamineInput, DopamineStdp, DopamineStdpParameters, Modulators,
    MstdpParameters, Mstdpet, Neuromodulation, NeuromodulationParameters, PairStdp, PairStdpParameters, PlasticityRule,
};
use nl_random::Streams;
use nl_synapse::{
    AllButSelf, Connection, Csr, Delay, Delayed, Dense, Sparse, TsodyksMarkram, TsodyksMarkramParameters, Uniform,
    Weights,
};
use nl_units::{Hz, Ms, Mv};
use rand::RngExt;

const DT: Ms = Ms(0.5);

fn lif() -> Lif {
    let parameters = LifParameters { drive: Drive::Jump, v_th: Mv(-60.0), ..LifParameters::default() };
    Lif::new(parameters, DT).unwrap()
}

fn random(name: &str, pre: usize, post: usize, count: usize) -> Csr {
    let mut rng = Streams::new(21).rng(name, 0, 0);
    let edges: Vec<(u32, u32)> =
        (0..count).map(|_| (rng.random_range(0..pre as u32), rng.random_range(0..post as u32))).collect();
    Csr::from_edges(pre, post, &edges).unwrap()
}

fn train(n: usize, steps: usize, probability: f64) -> SpikeTrain {
    let mut rng = Streams::new(22).rng("train", 0, 0);
    let mut train = SpikeTrain::new(n);
    for _ in 0..steps {
        let row: Vec<u32> = (0..n as u32).filter(|_| rng.random_bool(probability)).collect();
        train.push_step(&row).unwrap();
    }
    train
}

fn ago(rows: &[Vec<u32>], k: usize, delay: u32) -> &[u32] {
    k.checked_sub(delay as usize).map_or(&[], |k| &rows[k])
}

fn rows(network: &Network, population: PopulationId, steps: usize) -> Vec<Vec<u32>> {
    let mut rows = vec![Vec::new(); steps];
    for spike in network.spikes(population).unwrap() {
        rows[spike.step as usize].push(spike.neuron);
    }
    rows
}

fn dopamine(amount: f64) -> Modulators {
    Modulators { dopamine: amount, ..Modulators::default() }
}

/// Synapses of 25 different delays, with weights that a rule changes, are those of the loop; spikes of the network too.
#[test]
fn each_synapse_has_its_own_delay() {
    let (pre, n, steps) = (8, 5, 400);
    let input = train(pre, steps, 0.1);
    let csr = random("delayed", pre, n, 30);
    let mut rng = Streams::new(5).rng("delays", 0, 0);
    let mut delay = || Delay::new(rng.random_range(0..5), rng.random_range(1..6)).unwrap();
    let delays: Vec<Delay> = (0..csr.synapses()).map(|_| delay()).collect();
    let synapses = Delayed::split(&csr, &vec![2.0_f32; csr.synapses()], &delays).unwrap();
    let p = PairStdpParameters { a_plus: 0.3, a_minus: 0.2, w_max: 9.0, ..PairStdpParameters::default() };
    let rule = PairStdp::<f32>::new(p, DT).unwrap();

    for plastic in [false, true] {
        let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
        let source = builder.spike_list("input", input.clone()).unwrap();
        let cells = builder.population("cells", n, lif()).unwrap();
        builder.constant_input(cells, 0, &[0.3; 5]).unwrap();
        let projection = Projection::new(source, cells);
        let id = if plastic {
            builder.connect_plastic_delayed(projection, &synapses, rule.clone()).unwrap()
        } else {
            builder.connect_delayed(projection, &synapses).unwrap()
        };
        builder.record_spikes(cells).unwrap();
        let trace = plastic.then(|| builder.record_weights(id, &[29, 0, 7], Ms(25.0)).unwrap());
        let mut network = builder.build().unwrap();
        assert_eq!(network.synapses(), 30);
        network.run_steps(steps as u64).unwrap();

        let mut own = synapses.clone();
        let model = lif();
        let mut state = model.state(n).unwrap();
        let mut states: Vec<_> =
            own.groups().iter().map(|g| rule.state(pre, n, g.connection.synapses()).unwrap()).collect();
        let given: Vec<Vec<u32>> = (0..steps).map(|k| input.at(k).to_vec()).collect();
        let mut emitted: Vec<Vec<u32>> = Vec::new();
        for k in 0..steps {
            let mut current = vec![0.3; n];
            for group in own.groups() {
                group.connection.deliver(ago(&given, k, group.delay.total()), &mut current).unwrap();
            }
            let mut spikes = SpikeSet::new(n);
            model.step(&mut state, &current, &mut spikes).unwrap();
            emitted.push(spikes.indices().to_vec());
            for (group, state) in own.groups_mut().iter_mut().zip(&mut states).filter(|_| plastic) {
                let (pre, post) = (ago(&given, k, group.delay.axonal()), ago(&emitted, k, group.delay.dendritic()));
                rule.step(state, &Activity::spikes(k as u64, pre, post), &mut group.connection).unwrap();
            }
        }
        assert_eq!(rows(&network, cells, steps), emitted);
        assert!(emitted.concat().len() > 50);
        if plastic {
            let mut expected = vec![0.0; 30];
            for (g, group) in own.groups().iter().enumerate() {
                for (s, &w) in group.connection.weights().iter().enumerate() {
                    expected[own.number(g, s).unwrap()] = w;
                }
            }
            let weights = network.weights(id).unwrap();
            assert_eq!(weights, expected);
            assert!(weights.iter().any(|&w| w != 2.0));
            let trace = network.weight_trace(trace.unwrap()).unwrap();
            assert_eq!(trace.values[trace.values.len() - 3..], [expected[29], expected[0], expected[7]]);
            let set: Vec<f32> = (0..30).map(|s| s as f32 * 0.1).collect();
            network.set_weights(id, &set).unwrap();
            assert_eq!(network.weights(id).unwrap(), set);
        } else {
            assert!(network.weights(id).is_err());
        }
    }
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let source = builder.spike_list("input", input).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    let twice = Projection::new(source, cells).delay(Ms(1.0));
    let error = builder.connect_delayed(twice, &synapses).unwrap_err().to_string();
    assert!(error.contains("delays of their own"), "{error}");
    let whole = Sparse::new(csr, vec![1.0_f32; 30]).unwrap();
    let whole = Delayed::uniform(whole, Delay::new(2, 1).unwrap());
    let id = builder.connect_plastic_delayed(Projection::new(source, cells), &whole, rule).unwrap();
    let mut network = builder.build().unwrap();
    assert_eq!(network.weights(id).unwrap(), [1.0; 30]);
}

/// A rule whose weights are due long after its spikes pays before a spike travels.
fn late_rule<R>(rule: &R, release: bool)
where
    R: PlasticityRule<f32> + Clone + Send + Sync + 'static,
    R::State: Sync,
{
    let (pre, n, steps) = (6, 4, 600);
    let input = train(pre, steps, 0.1);
    let weights = Dense::new(pre, n, vec![1.5_f32; pre * n]).unwrap();
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let source = builder.spike_list("input", input.clone()).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    builder.constant_input(cells, 0, &[0.35; 4]).unwrap();
    // Between the synapse and the soma lie steps in which the rule owes something to the weight.
    let projection = Projection::new(source, cells).delays(Ms(0.5), Ms(2.0));
    let learnt = builder.connect_plastic(projection, weights.clone(), rule.clone()).unwrap();
    builder.record_spikes(cells).unwrap();
    let potentials = builder.record_state(cells, "v", &[0, 1, 2, 3], DT).unwrap();
    let mut network = builder.build().unwrap();
    let reward = |k: usize| if k % 150 == 149 { 0.02 } else { 0.0 };
    for k in (0..steps).step_by(50) {
        network.run_steps(49).unwrap();
        let amount = dopamine(reward(k + 49));
        if release {
            network.release(amount).unwrap();
        } else {
            network.set_modulators(amount).unwrap();
        }
        network.run_steps(1).unwrap();
        network.set_modulators(Modulators::default()).unwrap();
    }

    let given: Vec<Vec<u32>> = (0..steps).map(|k| input.at(k).to_vec()).collect();
    let (model, mut expected) = (lif(), weights);
    let (mut state, mut traces) = (model.state(n).unwrap(), rule.state(pre, n, pre * n).unwrap());
    let (mut emitted, mut v): (Vec<Vec<u32>>, Vec<f32>) = (Vec::new(), Vec::new());
    for k in 0..steps {
        let mut current = vec![0.35; n];
        let arriving = ago(&given, k, 5);
        if k > 0 {
            // Paid in full for every synapse the spikes leave, and for no other.
            rule.settle_outgoing(&mut traces, k as u64 - 1, arriving, &mut expected).unwrap();
        }
        expected.deliver(arriving, &mut current).unwrap();
        let mut spikes = SpikeSet::new(n);
        model.step(&mut state, &current, &mut spikes).unwrap();
        emitted.push(spikes.indices().to_vec());
        v.extend_from_slice(state.variable("v").unwrap());
        let activity = Activity::spikes(k as u64, ago(&given, k, 1), ago(&emitted, k, 4));
        rule.step(&mut traces, &activity.with_modulators(dopamine(reward(k))), &mut expected).unwrap();
    }
    rule.settle(&mut traces, steps as u64 - 1, &mut expected).unwrap();
    assert_eq!(rows(&network, cells, steps), emitted);
    assert_eq!(network.state_trace(potentials).unwrap().values, v);
    assert_eq!(network.weights(learnt).unwrap(), expected.weights());
    assert!(expected.weights().iter().any(|w| (w - 1.5).abs() > 0.05), "{:?}", expected.weights());
}

#[test]
fn dopamine_stdp_in_a_network_is_the_loop() {
    let p = DopamineStdpParameters { w_max: 5.0, ..DopamineStdpParameters::default() };
    late_rule(&DopamineStdp::<f32>::new(p, DT).unwrap(), true);
    let p = DopamineStdpParameters { input: DopamineInput::Concentration, a_plus: 3.0, ..p };
    late_rule(&DopamineStdp::<f32>::new(p, DT).unwrap(), false);
}

#[test]
fn mstdpet_in_a_network_is_the_loop() {
    let p = MstdpParameters { gamma: 30.0, w_max: 5.0, ..MstdpParameters::default() };
    late_rule(&Mstdpet::<f32>::new(p, DT).unwrap(), false);
}

#[test]
fn a_rule_sees_the_potentials_of_its_own_neurons() {
    let (pre, n, steps) = (6, 5000, 300);
    let input = train(pre, steps, 0.1);
    let p = ClopathStdpParameters {
        theta_minus: Mv(-70.0),
        theta_plus: Mv(-65.0),
        a_ltp: 1e-2,
        w_max: 9.0,
        ..ClopathStdpParameters::default()
    };
    let rule = ClopathStdp::<f32>::new(p, DT).unwrap();
    let weights = Dense::new(pre, n, (0..pre * n).map(|s| 0.5 + 1e-5 * s as f32).collect()).unwrap();
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let source = builder.spike_list("input", input.clone()).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    builder.poisson_input(cells, 0, Hz(500.0), 3.0).unwrap();
    let learnt = builder.connect_plastic(Projection::new(source, cells), weights.clone(), rule.clone()).unwrap();
    let all: Vec<u32> = (0..n as u32).collect();
    let potentials = builder.record_state(cells, "v", &all, DT).unwrap();
    let mut network = builder.build().unwrap();
    network.run_steps(steps as u64).unwrap();

    let (mut expected, mut state) = (weights, rule.state(pre, n, pre * n).unwrap());
    for (k, v) in network.state_trace(potentials).unwrap().values.chunks(n).enumerate() {
        let activity = Activity::spikes(k as u64, input.at(k), &[]).with_voltage(v);
        rule.step(&mut state, &activity, &mut expected).unwrap();
    }
    let learnt = network.weights(learnt).unwrap();
    assert_eq!(learnt, expected.weights());
    assert!(learnt.iter().any(|&w| w > 1.0));
}

/// Depressing synapses onto two pieces, plastic and not, with delays of their own: those of the loop, on one thread and on
/// two, and across a save.
#[test]
fn short_term_plasticity_scales_each_spike() {
    let (pre, n, steps) = (40, 5000, 120);
    let input = train(pre, steps, 0.3);
    let csr = random("short-term", pre, n, 20_000);
    let mut rng = Streams::new(6).rng("delays", 0, 0);
    let delays: Vec<Delay> = (0..20_000).map(|_| Delay::new(0, rng.random_range(1..4)).unwrap()).collect();
    let delayed = Delayed::split(&csr, &vec![4.0_f32; 20_000], &delays).unwrap();
    let plastic = Sparse::new(random("plastic", pre, n, 20_000), vec![3.0_f32; 20_000]).unwrap();
    let p = PairStdpParameters { a_plus: 0.3, w_max: 9.0, ..PairStdpParameters::default() };
    let rule = PairStdp::<f32>::new(p, DT).unwrap();
    let parameters = TsodyksMarkramParameters { tau_rec: Ms(30.0), tau_fac: Ms(20.0), utilisation: 0.4 };
    let build = || {
        let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
        let source = builder.spike_list("input", input.clone()).unwrap();
        let cells = builder.population("cells", n, lif()).unwrap();
        let first = builder.connect_delayed(Projection::new(source, cells), &delayed).unwrap();
        builder.short_term(first, parameters).unwrap();
        let projection = Projection::new(source, cells).delays(Ms(1.0), Ms(0.0));
        let learnt = builder.connect_plastic(projection, plastic.clone(), rule.clone()).unwrap();
        builder.short_term(learnt, parameters).unwrap();
        builder.record_spikes(cells).unwrap();
        (builder.build().unwrap(), cells, learnt)
    };
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut network, cells, learnt) = build();
            network.run_steps(50).unwrap();
            let saved = serde_json::to_string(&network.snapshot().unwrap()).unwrap();
            network.run_steps(3).unwrap();
            network.restore(&serde_json::from_str::<Snapshot>(&saved).unwrap()).unwrap();
            network.run_steps(steps as u64 - 50).unwrap();
            (rows(&network, cells, steps), network.weights(learnt).unwrap())
        })
    };

    let given: Vec<Vec<u32>> = (0..steps).map(|k| input.at(k).to_vec()).collect();
    let dynamics = TsodyksMarkram::<f32>::new(parameters, DT).unwrap();
    let mut dynamic: Vec<_> = (0..4).map(|_| dynamics.state(pre).unwrap()).collect();
    let (model, mut expected) = (lif(), plastic.clone());
    let (mut state, mut traces) = (model.state(n).unwrap(), rule.state(pre, n, 20_000).unwrap());
    let mut emitted: Vec<Vec<u32>> = Vec::new();
    for k in 0..steps {
        let (mut current, mut scale) = (vec![0.0; n], Vec::new());
        for (group, dynamic) in delayed.groups().iter().zip(&mut dynamic) {
            let arriving = ago(&given, k, group.delay.total());
            dynamics.release(dynamic, k as u64, arriving, &mut scale).unwrap();
            group.connection.deliver_scaled(arriving, &scale, &mut current).unwrap();
        }
        let arriving = ago(&given, k, 2);
        dynamics.release(&mut dynamic[3], k as u64, arriving, &mut scale).unwrap();
        expected.deliver_scaled(arriving, &scale, &mut current).unwrap();
        let mut spikes = SpikeSet::new(n);
        model.step(&mut state, &current, &mut spikes).unwrap();
        emitted.push(spikes.indices().to_vec());
        let activity = Activity::spikes(k as u64, ago(&given, k, 2), &emitted[k]);
        rule.step(&mut traces, &activity, &mut expected).unwrap();
    }
    let one = run(1);
    assert!(emitted.concat().len() > 1000, "{} spikes test nothing", emitted.concat().len());
    assert_eq!(one.0, emitted);
    assert_eq!(one.1, expected.weights());
    assert!(one == run(2));
}

/// A connection that does not say how to cut it.
#[derive(Clone)]
struct Whole(Uniform<f32>);

impl Connection<f32> for Whole {
    fn pre(&self) -> usize {
        self.0.pre()
    }

    fn post(&self) -> usize {
        self.0.post()
    }

    fn synapses(&self) -> usize {
        self.0.synapses()
    }

    fn deliver(&self, spikes: &[u32], input: &mut [f32]) -> Result<(), nl_synapse::Error> {
        self.0.deliver(spikes, input)
    }
}

/// Whether a population is cut, and whether the list of synapse numbers is empty, does not reach the result.
#[test]
fn connections_that_cannot_be_cut_and_those_without_a_list_of_synapses() {
    let n = 5000;
    let run = |whole: bool| {
        let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
        let source = builder.spike_list("input", train(50, 100, 0.2)).unwrap();
        let cells = builder.population("cells", n, lif()).unwrap();
        let feed = Uniform::new(random("feed", 50, n, 30_000), 5.0).unwrap();
        if whole {
            builder.connect(Projection::new(source, cells), Whole(feed)).unwrap();
        } else {
            builder.connect(Projection::new(source, cells), feed).unwrap();
        }
        let lateral = AllButSelf::new(n, -0.01_f32).unwrap();
        let lateral = builder.connect(Projection::new(cells, cells).delay(Ms(1.0)), lateral).unwrap();
        builder.short_term(lateral, TsodyksMarkramParameters::default()).unwrap();
        builder.record_spikes(cells).unwrap();
        let mut network = builder.build().unwrap();
        assert_eq!(network.synapses(), 30_000 + n * (n - 1));
        network.run_steps(100).unwrap();
        rows(&network, cells, 100)
    };
    let cut = run(false);
    assert!(cut.concat().len() > 500, "{} spikes test nothing", cut.concat().len());
    assert_eq!(cut, run(true));
}

/// The second piece of the population receives nothing: its list of synapses is empty, which is not "all of them".
#[test]
fn a_piece_that_no_synapse_reaches() {
    let n = 5000;
    let synapses = Sparse::new(Csr::from_edges(2, n, &[(0, 0), (1, 1)]).unwrap(), vec![0.5_f32, 0.25]).unwrap();
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let source = builder.spike_list("input", train(2, 20, 0.5)).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    let rule = PairStdp::<f32>::new(PairStdpParameters::default(), DT).unwrap();
    let learnt = builder.connect_plastic(Projection::new(source, cells), synapses, rule).unwrap();
    let trace = builder.record_weights(learnt, &[1, 0], Ms(5.0)).unwrap();
    let mut network = builder.build().unwrap();
    network.run_steps(20).unwrap();
    assert_eq!(network.weights(learnt).unwrap(), [0.5, 0.25]);
    assert_eq!(network.weight_trace(trace).unwrap().values, [0.25, 0.5, 0.25, 0.5]);
    network.set_weights(learnt, &[0.75, 1.0]).unwrap();
    assert_eq!(network.weights(learnt).unwrap(), [0.75, 1.0]);
}

/// Rates, currents and modulators set between runs: what they do, and that a snapshot has them.
#[test]
fn inputs_change_between_runs_and_are_saved() {
    let build = || {
        let mut builder = NetworkBuilder::new(DT, Streams::new(4)).unwrap();
        builder.neuromodulation(Neuromodulation::new(NeuromodulationParameters::default(), DT).unwrap());
        let source = builder.poisson_population("source", 200, Hz(0.0)).unwrap();
        let cells = builder.population("cells", 5000, lif()).unwrap();
        let noise = builder.poisson_input(cells, 0, Hz(0.0), 4.0).unwrap();
        builder.record_rate(source, Ms(50.0)).unwrap();
        builder.record_rate(cells, Ms(50.0)).unwrap();
        builder.record_spikes(cells).unwrap();
        (builder.build().unwrap(), source, cells, noise)
    };
    let (mut network, source, cells, noise) = build();
    network.run_steps(200).unwrap();
    assert_eq!(network.rate_trace(source).unwrap().counts, [0, 0]);
    network.set_rate(source, Hz(100.0)).unwrap();
    network.set_poisson_rate(noise, Hz(1000.0)).unwrap();
    network.run_steps(200).unwrap();
    network.set_poisson_rate(noise, Hz(0.0)).unwrap();
    network.run_steps(100).unwrap();
    network.set_constant_input(cells, 0, &vec![1.0; 5000]).unwrap();
    network.release(dopamine(1.0)).unwrap();
    network.run_steps(50).unwrap();
    assert_relative_eq!(network.modulators().dopamine, (-25.0_f64 / 200.0).exp(), max_relative = 1e-12);

    let saved = serde_json::to_string(&network.snapshot().unwrap()).unwrap();
    network.run_steps(170).unwrap();
    let (mut again, ..) = build();
    again.restore(&serde_json::from_str::<Snapshot>(&saved).unwrap()).unwrap();
    again.run_steps(170).unwrap();
    assert!(network.snapshot().unwrap() == again.snapshot().unwrap());

    let rates: Vec<f64> = network.rates(source).unwrap().iter().map(|r| r.0).collect();
    assert_eq!(rates.len(), 7);
    assert_eq!(rates[..2], [0.0, 0.0]);
    for rate in &rates[2..] {
        // 200 neurons, 50 ms, 100 Hz: 1000 spikes a bin, ± 6 σ.
        assert_abs_diff_eq!(*rate, 100.0, epsilon = 19.0);
    }
    let counts = &network.rate_trace(cells).unwrap().counts;
    assert_eq!(counts.len(), 8);
    assert_eq!(counts[..2], [0, 0]);
    assert!(counts[2] > 1000 && counts[4] == 0 && counts[6] > 1000, "{counts:?}");
    assert_eq!(counts.iter().sum::<u64>(), network.spike_count(cells).unwrap());
    for (b, &count) in counts.iter().enumerate() {
        let within = |step: u64| step / 100 == b as u64;
        let spikes = network.spikes(cells).unwrap();
        assert_eq!(count, spikes.iter().filter(|s| within(s.step)).count() as u64);
    }

    assert!(network.set_rate(cells, Hz(1.0)).is_err());
    assert!(network.set_rate(source, Hz(1e9)).is_err());
    assert!(network.set_poisson_rate(noise, Hz(f64::NAN)).is_err());
    assert!(network.set_constant_input(cells, 1, &vec![1.0; 5000]).is_err());
    assert!(network.set_constant_input(cells, 0, &[1.0]).is_err());
    assert!(network.set_constant_input(source, 0, &[1.0; 200]).is_err());
    assert!(network.set_modulators(dopamine(f64::NAN)).is_err());
    assert!(network.release(dopamine(f64::INFINITY)).is_err());
    assert!(network.run_steps(u64::MAX).is_err());
    let (other, ..) = small_without_rates();
    assert!(other.rate_trace(cells).is_err());
}

fn small_without_rates() -> (Network, PopulationId) {
    let mut builder = NetworkBuilder::new(DT, Streams::new(4)).unwrap();
    builder.poisson_population("source", 2, Hz(0.0)).unwrap();
    let cells = builder.population("cells", 5, lif()).unwrap();
    (builder.build().unwrap(), cells)
}

/// Delays, short-term plasticity, a lazily integrated rule, noise and a rate monitor: nothing is allocated once all buffers
/// have their size.
#[test]
fn nothing_is_allocated_per_step() {
    let n = 200;
    let csr = random("delayed", n, n, 2000);
    let delays: Vec<Delay> = (0..2000).map(|s| Delay::new(0, 1 + s % 4).unwrap()).collect();
    let delayed = Delayed::split(&csr, &vec![0.5_f32; 2000], &delays).unwrap();
    let rule = DopamineStdp::<f32>::new(DopamineStdpParameters::default(), DT).unwrap();
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let cells = builder.population("cells", n, lif()).unwrap();
    builder.poisson_input(cells, 0, Hz(300.0), 4.0).unwrap();
    let first = builder.connect_delayed(Projection::new(cells, cells), &delayed).unwrap();
    builder.short_term(first, TsodyksMarkramParameters::default()).unwrap();
    let lateral = Sparse::new(random("lateral", n, n, 2000), vec![0.1_f32; 2000]).unwrap();
    builder.connect_plastic(Projection::new(cells, cells).delay(Ms(2.0)), lateral, rule).unwrap();
    builder.record_rate(cells, Ms(50_000.0)).unwrap();
    let mut network = builder.build().unwrap();
    network.run_steps(20_000).unwrap();
    let before = network.spike_count(cells).unwrap();
    network.release(dopamine(0.001)).unwrap();
    let allocated = allocation_counter::measure(|| network.run_steps(500).unwrap());
    assert!(network.spike_count(cells).unwrap() > before + 500);
    assert_eq!(allocated.count_total, 0);
}
