//! Networks of many pieces that each spike reaches few of: the same numbers as a loop over the whole, memory linear in
//! neurons and synapses.

use approx::assert_relative_eq;
use nl_network::{Network, NetworkBuilder, PopulationId, Projection, ProjectionId, Snapshot, WeightTraceId};
use nl_neuron::{Drive, Lif, LifParameters, NeuronModel, SpikeSet, SpikeTrain};
use nl_plasticity::{Activity, PairStdp, PairStdpParameters, PlasticityRule};
use nl_random::Streams;
use nl_synapse::connectivity::{Pairs, fixed_probability};
use nl_synapse::{Connection, Csr, Delay, Delayed, Sparse, TsodyksMarkram, TsodyksMarkramParameters, Uniform, Weights};
use nl_units::{Ms, Mv};
use rand::RngExt;

const DT: Ms = Ms(0.5);
/// Five pieces of 4096.
const N: usize = 20_480;
const PRE: usize = 600;

fn lif() -> Lif {
    let parameters = LifParameters { drive: Drive::Jump, v_th: Mv(-60.0), ..LifParameters::default() };
    Lif::new(parameters, DT).unwrap()
}

/// Two synapses of each pre neuron on average: of five pieces it reaches less than half.
fn sparse(name: &str, pre: usize) -> Csr {
    fixed_probability(Pairs::between(pre, N), 2.0 / N as f64, &mut Streams::new(5).rng(name, 0, 0)).unwrap()
}

fn weights(synapses: usize) -> Vec<f32> {
    (0..synapses).map(|k| 3.0 + 0.01 * (k % 700) as f32).collect()
}

fn train(steps: usize) -> SpikeTrain {
    let mut rng = Streams::new(12).rng("train", 0, 0);
    let mut train = SpikeTrain::new(PRE);
    for _ in 0..steps {
        let row: Vec<u32> = (0..PRE as u32).filter(|_| rng.random_bool(0.2)).collect();
        train.push_step(&row).unwrap();
    }
    train
}

const DEPRESSION: TsodyksMarkramParameters =
    TsodyksMarkramParameters { tau_rec: Ms(50.0), tau_fac: Ms(20.0), utilisation: 0.5 };

fn rule() -> PairStdp<f32> {
    let p = PairStdpParameters { a_plus: 0.4, a_minus: 0.3, w_max: 12.0, ..PairStdpParameters::default() };
    PairStdp::new(p, DT).unwrap()
}

struct Parts {
    each: Sparse,
    one: Uniform,
    lateral: Csr,
    learnt: Sparse,
}

fn parts() -> Parts {
    let (each, learnt) = (sparse("each", PRE), sparse("learnt", PRE));
    Parts {
        each: Sparse::new(each.clone(), weights(each.synapses())).unwrap(),
        one: Uniform::new(sparse("one", PRE), 8.0).unwrap(),
        lateral: sparse("lateral", N),
        learnt: Sparse::new(learnt.clone(), weights(learnt.synapses())).unwrap(),
    }
}

fn lateral_delay(synapse: usize) -> u32 {
    3 + synapse as u32 % 4
}

/// Every kind of synapse that is routed: one weight, a weight each, short-term plasticity, delays of their own, a rule.
fn network(axonal: u32, steps: usize) -> (Network, PopulationId, ProjectionId, WeightTraceId) {
    let Parts { each, one, lateral, learnt } = parts();
    let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
    let source = builder.spike_list("input", train(steps)).unwrap();
    let cells = builder.population("cells", N, lif()).unwrap();
    builder.connect(Projection::new(source, cells).delay(Ms(2.0)), each).unwrap();
    let depressed = builder.connect(Projection::new(source, cells).delay(Ms(1.5)), one).unwrap();
    builder.short_term(depressed, DEPRESSION).unwrap();
    let delays: Vec<Delay> = (0..lateral.synapses()).map(|k| Delay::new(0, lateral_delay(k)).unwrap()).collect();
    let minus = vec![-2.0; lateral.synapses()];
    builder
        .connect_delayed(Projection::new(cells, cells), &Delayed::split(&lateral, &minus, &delays).unwrap())
        .unwrap();
    let to = Projection::new(source, cells).delays(Ms(f64::from(axonal) * DT.0), Ms(1.0));
    let learnt = builder.connect_plastic(to, learnt, rule()).unwrap();
    builder.record_spikes(cells).unwrap();
    let trace = builder.record_weights(learnt, &[0, 7], Ms(5.0)).unwrap();
    (builder.build().unwrap(), cells, learnt, trace)
}

#[test]
fn many_pieces_equal_the_naive_loop() {
    let steps = 200;
    for axonal in [0, 2] {
        let input = train(steps);
        let Parts { each, one, lateral, learnt } = parts();
        let model = lif();
        let mut state = model.state(N).unwrap();
        let depression = TsodyksMarkram::<f32>::new(DEPRESSION, DT).unwrap();
        let mut release = depression.state(PRE).unwrap();
        let (mut expected, rule) = (learnt, rule());
        let mut traces = rule.state(PRE, N, expected.synapses()).unwrap();
        let mut emitted: Vec<Vec<u32>> = Vec::new();
        for k in 0..steps {
            let mut jumps = vec![0.0; N];
            let ago = |d: usize| k.checked_sub(d).map_or(&[][..], |k| input.at(k));
            each.deliver(ago(4), &mut jumps).unwrap();
            let mut scale = Vec::new();
            if k >= 3 {
                depression.release(&mut release, k as u64, ago(3), &mut scale).unwrap();
                one.deliver_scaled(ago(3), &scale, &mut jumps).unwrap();
            }
            for delay in 3..7 {
                for &i in k.checked_sub(delay as usize).map_or(&[][..], |k| &emitted[k]) {
                    for synapse in lateral.range(i).filter(|&synapse| lateral_delay(synapse) == delay) {
                        jumps[lateral.targets()[synapse] as usize] += -2.0;
                    }
                }
            }
            expected.deliver(ago(2 + axonal as usize), &mut jumps).unwrap();
            let mut spikes = SpikeSet::new(N);
            model.step(&mut state, &jumps, &mut spikes).unwrap();
            emitted.push(spikes.indices().to_vec());
            let back = k.checked_sub(2).map_or(&[][..], |k| &emitted[k]);
            rule.step(&mut traces, &Activity::spikes(k as u64, ago(axonal as usize), back), &mut expected).unwrap();
        }
        let naive: Vec<(u64, u32)> =
            emitted.iter().enumerate().flat_map(|(k, s)| s.iter().map(move |&i| (k as u64, i))).collect();
        assert!(naive.len() > 1000, "{} spikes test nothing", naive.len());

        let (mut network, cells, projection, trace) = network(axonal, steps);
        network.run_steps(steps as u64).unwrap();
        let spikes: Vec<_> = network.spikes(cells).unwrap().iter().map(|s| (s.step, s.neuron)).collect();
        assert!(spikes == naive, "axonal {axonal}");
        let learnt = network.weights(projection).unwrap();
        let start = weights(learnt.len());
        assert!(learnt.iter().zip(&start).filter(|(a, b)| a != b).count() > 500, "nothing was learnt");
        for (a, b) in learnt.iter().zip(expected.weights()) {
            // A trace's common factor starts with the first spike that a piece sees, so that the last bits differ.
            assert_relative_eq!(a, b, max_relative = 1e-5);
        }
        let x = network.trace(projection, "x").unwrap().values;
        let whole = rule.trace(&traces, steps as u64 - 1, "x").unwrap().values;
        let csr = sparse("learnt", PRE);
        for (i, (a, b)) in x.iter().zip(&whole).enumerate() {
            let heard = !csr.row(i as u32).is_empty();
            assert_relative_eq!(*a, if heard { *b } else { 0.0 }, max_relative = 1e-5);
        }
        assert!(x.iter().filter(|&&x| x > 0.0).count() > PRE / 2);
        let trace = network.weight_trace(trace).unwrap();
        assert_eq!(trace.values[trace.values.len() - 2..], [learnt[0], learnt[7]]);
    }
}

#[test]
fn many_pieces_give_the_same_bits_on_any_number_of_threads_and_after_a_restore() {
    let run = |threads, cut: u64| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let (mut first, ..) = network(1, 120);
            first.run_steps(cut).unwrap();
            let saved = serde_json::to_string(&first.snapshot().unwrap()).unwrap();
            drop(first);
            let (mut network, ..) = network(1, 120);
            network.restore(&serde_json::from_str::<Snapshot>(&saved).unwrap()).unwrap();
            network.run_steps(120 - cut).unwrap();
            network.snapshot().unwrap()
        })
    };
    let one = run(1, 0);
    assert!(one == run(2, 0));
    assert!(one == run(3, 57));
}

/// Ten times the neurons take ten times the memory: a place for every sender in every piece would take a hundred times.
#[test]
fn memory_grows_with_neurons_and_synapses() {
    let bytes = |n: usize, plastic: bool| {
        let csr =
            fixed_probability(Pairs::between(n, n), 6.0 / n as f64, &mut Streams::new(2).rng("edges", 0, 0)).unwrap();
        let each = vec![1.0; csr.synapses()];
        let info = allocation_counter::measure(|| {
            let mut builder = NetworkBuilder::new(DT, Streams::new(1)).unwrap();
            let cells = builder.population("cells", n, lif()).unwrap();
            let to = Projection::new(cells, cells).delay(Ms(1.0));
            if plastic {
                builder.connect_plastic(to, Sparse::new(csr, each).unwrap(), rule()).unwrap();
            } else {
                builder.connect(to, Uniform::new(csr, 1.0).unwrap()).unwrap();
            }
            let mut network = builder.build().unwrap();
            network.set_variable(cells, "v", &vec![-59.0; n]).unwrap();
            network.run_steps(3).unwrap();
        });
        info.bytes_max as f64 / n as f64
    };
    for plastic in [false, true] {
        let (few, many) = (bytes(40_960, plastic), bytes(409_600, plastic));
        assert!(many < 1.3 * few, "plastic {plastic}: {few:.0} bytes a neuron, then {many:.0}");
    }
}
