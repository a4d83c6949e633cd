//! The competitive layer against its equations, step by step and neuron by neuron, in f64.

use approx::assert_abs_diff_eq;
use nl_network::competitive::{Anneal, CompetitiveConfig, CompetitiveNetwork, CompetitiveRule, Presentation, Stimulus};
use nl_plasticity::{
    Activity, Coincidence, DiehlCookForm, DiehlCookStdp, DiehlCookStdpParameters, Interaction, PlasticityRule,
};
use nl_random::Streams;
use nl_synapse::{Connection, Dense, Norm, Normalisation, Weights};
use nl_units::{Ms, Mv};
use proptest::prelude::*;
use rand::RngExt;

/// The layer as its documentation states it.
struct Naive {
    config: CompetitiveConfig,
    /// `[inputs][neurons]`
    w: Vec<Vec<f64>>,
    theta: Vec<f64>,
    wins: Vec<u64>,
}

impl Naive {
    fn of(network: &CompetitiveNetwork) -> Self {
        let config = *network.config();
        let weights = network.state().weights;
        let w = weights.chunks(config.neurons).map(|row| row.iter().map(|&w| w.into()).collect());
        Self { config, w: w.collect(), theta: vec![0.0; config.neurons], wins: vec![0; config.neurons] }
    }

    fn show(&mut self, steps: &[Vec<u32>], progress: Option<f64>) -> Vec<(usize, usize)> {
        let c = self.config;
        let at = |a: Anneal, f: f64| if a.from > 0.0 { a.from * (a.to / a.from).powf(f) } else { 0.0 };
        let loser = if progress.is_some() { c.loser.0 } else { c.loser_response.0 };
        let (mut v, mut x) = (vec![0.0; c.neurons], vec![0.0; c.inputs]);
        let (mut spikes, mut held_until) = (Vec::new(), 0);
        for (t, inputs) in steps.iter().enumerate() {
            x.iter_mut().for_each(|x| *x *= (-c.dt.0 / c.tau_x.0).exp());
            inputs.iter().for_each(|&i| x[i as usize] += 1.0);
            if t < held_until {
                continue;
            }
            for j in 0..c.neurons {
                v[j] *= (-c.dt.0 / c.tau_m.0).exp();
                inputs.iter().for_each(|&i| v[j] += self.w[i as usize][j]);
            }
            let excess = |j: usize| v[j] - (c.v_th.0 + self.theta[j]);
            let best = (0..c.neurons).reduce(|a, b| if excess(b) > excess(a) { b } else { a }).unwrap();
            if excess(best) <= 0.0 {
                continue;
            }
            if let Some(f) = progress {
                self.learn(best, &x, at(c.eta, f));
                self.theta[best] += at(c.theta_plus, f);
            }
            v.fill(loser);
            v[best] = 0.0;
            held_until = t + 1 + (c.t_ref.0 / c.dt.0).round() as usize;
            spikes.push((t, best));
        }
        if progress.is_some() {
            let shown = steps.len() as f64 * c.dt.0 + c.rest.0;
            self.theta.iter_mut().for_each(|theta| *theta *= (-shown / c.tau_theta.0).exp());
        }
        spikes
    }

    fn learn(&mut self, j: usize, x: &[f64], eta: f64) {
        let rate = |novelty: f64| eta.max(1.0 / (1.0 + novelty * self.wins[j] as f64));
        let length = x.iter().map(|x| x * x).sum::<f64>().sqrt();
        for (row, &x) in self.w.iter_mut().zip(x) {
            let w = row[j];
            row[j] = match self.config.rule {
                CompetitiveRule::DiehlCook { x_tar, w_max, mu } => {
                    (w + eta * (x - x_tar) * (w_max - w).max(0.0).powf(mu)).clamp(0.0, w_max)
                }
                CompetitiveRule::TwoSided { x_tar, w_max } => (w + eta * x * (w_max - w) - eta * x_tar * w).max(0.0),
                CompetitiveRule::Normalised { novelty } => w + rate(novelty) * (x / length - w),
            };
        }
        self.wins[j] += 1;
        let norm = self.w.iter().map(|row| row[j] * row[j]).sum::<f64>().sqrt();
        self.w.iter_mut().for_each(|row| row[j] /= norm);
    }
}

/// Inputs of one of five patterns, each with spikes of its own chance; some doubled.
fn patterns(inputs: usize, samples: usize, steps: usize, doubled: bool) -> Vec<Vec<Vec<u32>>> {
    let streams = Streams::new(3);
    let pattern = |k: u64| -> Vec<f32> {
        let mut rng = streams.rng("test/pattern", 0, k);
        (0..inputs).map(|_| if rng.random::<f32>() < 0.3 { rng.random::<f32>() } else { 0.0 }).collect()
    };
    let sample = |s: u64| -> Vec<Vec<u32>> {
        let (p, mut rng) = (pattern(s % 5), streams.rng("test/spikes", 0, s));
        let mut step = || -> Vec<u32> {
            let drawn = (0..inputs as u32).filter(|&i| rng.random::<f32>() < p[i as usize] * 0.2);
            drawn.flat_map(|i| if doubled && i % 7 == 0 { vec![i, i] } else { vec![i] }).collect()
        };
        (0..steps).map(|_| step()).collect()
    };
    (0..samples as u64).map(sample).collect()
}

fn stimulus(inputs: usize, steps: &[Vec<u32>]) -> Stimulus {
    let mut stimulus = Stimulus::new(inputs).unwrap();
    steps.iter().for_each(|spikes| stimulus.push_step(spikes).unwrap());
    stimulus
}

fn config(neurons: usize, rule: CompetitiveRule) -> CompetitiveConfig {
    CompetitiveConfig {
        inputs: 60,
        neurons,
        v_th: Mv(3.0),
        theta_plus: Anneal { from: 0.5, to: 0.1 },
        tau_theta: Ms(1e4),
        eta: Anneal { from: 0.1, to: 0.02 },
        rule,
        ..CompetitiveConfig::default()
    }
}

fn spikes(p: &Presentation) -> Vec<(usize, usize)> {
    p.spikes().iter().map(|spike| (spike.step as usize, spike.neuron as usize)).collect()
}

const RULES: [CompetitiveRule; 4] = [
    CompetitiveRule::DiehlCook { x_tar: 0.6, w_max: 0.3, mu: 1.0 },
    CompetitiveRule::DiehlCook { x_tar: 0.4, w_max: 0.5, mu: 0.2 },
    CompetitiveRule::TwoSided { x_tar: 0.6, w_max: 0.3 },
    CompetitiveRule::Normalised { novelty: 0.3 },
];

/// Same spikes, weights and thresholds within rounding: sizes around a block of 80, each rule, losers that restart below,
/// at and above rest.
#[test]
fn spikes_and_weights_are_those_of_the_equations() {
    for (case, neurons) in [1, 7, 79, 80, 81, 200].into_iter().enumerate() {
        for rule in RULES {
            let (loser, response) = [(0.0, 2.0), (-2.0, 1.0), (1.0, -1.0)][case % 3];
            let (loser, loser_response) = (Mv(loser), Mv(response));
            let config = CompetitiveConfig { loser, loser_response, ..config(neurons, rule) };
            let mut network = CompetitiveNetwork::new(config, &Streams::new(neurons as u64)).unwrap();
            let mut naive = Naive::of(&network);
            let mut p = Presentation::new(&network);
            let samples = patterns(60, 40, 120, true);
            let mut all = 0;
            for (s, steps) in samples.iter().enumerate() {
                let progress = s as f32 / 40.0;
                network.learn(&stimulus(60, steps), progress, &mut p).unwrap();
                assert_eq!(spikes(&p), naive.show(steps, Some(progress.into())), "{neurons} {rule:?} sample {s}");
                all += p.spikes().len();
            }
            assert!(all > 40, "{all} spikes are no test");
            for (i, row) in network.state().weights.chunks(neurons).enumerate() {
                for (j, &w) in row.iter().enumerate() {
                    // Some hundred updates in f32, each rounded by 2^-24 of a weight of at most 1.
                    assert_abs_diff_eq!(f64::from(w), naive.w[i][j], epsilon = 1e-5);
                }
            }
            for (theta, expected) in network.theta().zip(&naive.theta) {
                assert_abs_diff_eq!(f64::from(theta), expected, epsilon = 1e-4); // sums of some hundred mV in f32
            }
            assert_eq!(network.wins(), naive.wins);
            for steps in &samples[..10] {
                network.respond(&stimulus(60, steps), &mut p).unwrap();
                assert_eq!(spikes(&p), naive.show(steps, None), "{neurons} {rule:?} response");
            }
        }
    }
}

/// The published rule once more, composed of what the other crates offer: dense weights, Diehl & Cook's post-spike STDP
/// with all-to-all traces, normalisation. (Their neuron model lets several neurons spike at once and holds each for
/// itself, so that the potentials are a plain loop here.)
#[test]
fn the_published_rule_is_that_of_the_other_crates() {
    let (x_tar, w_max, mu, eta, theta_plus) = (0.6, 0.3, 1.0, 0.05, 0.3);
    let config = CompetitiveConfig {
        theta_plus: Anneal::constant(theta_plus),
        eta: Anneal::constant(eta),
        tau_theta: Ms(1e12),
        ..config(30, CompetitiveRule::DiehlCook { x_tar, w_max, mu })
    };
    let mut network = CompetitiveNetwork::new(config, &Streams::new(1)).unwrap();
    let rule = DiehlCookStdp::<f64>::new(
        DiehlCookStdpParameters {
            eta_post: eta,
            tau_pre: config.tau_x,
            form: DiehlCookForm::PostOnly { x_tar, mu },
            interaction: Interaction::AllToAll,
            w_max,
            coincidence: Coincidence::Both,
            ..DiehlCookStdpParameters::default()
        },
        config.dt,
    )
    .unwrap();
    let norm = Normalisation::new(Norm::L2, 1.0).unwrap();
    let first = network.state().weights.iter().map(|&w| w.into()).collect();
    let mut weights = Dense::new(60, 30, first).unwrap();
    let mut theta = [0.0; 30];
    let mut p = Presentation::new(&network);
    for steps in patterns(60, 60, 120, false) {
        network.learn(&stimulus(60, &steps), 0.5, &mut p).unwrap();
        let mut state = rule.state(60, 30, 60 * 30).unwrap();
        let (mut v, mut expected, mut held_until) = ([0.0; 30], Vec::new(), 0);
        for (t, pre) in steps.iter().enumerate() {
            let mut winner = None;
            if t >= held_until {
                v.iter_mut().for_each(|v| *v *= (-config.dt.0 / config.tau_m.0).exp());
                weights.deliver(pre, &mut v).unwrap();
                let over = (0..30).map(|j| (v[j] - config.v_th.0 - theta[j], j)).filter(|over| over.0 > 0.0);
                winner = over.reduce(|a, b| if b.0 > a.0 { b } else { a }).map(|over| over.1 as u32);
            }
            rule.step(&mut state, &Activity::spikes(t as u64, pre, winner.as_slice()), &mut weights).unwrap();
            if let Some(j) = winner {
                norm.incoming_of(&mut weights, &[j]).unwrap();
                theta[j as usize] += theta_plus;
                v.fill(0.0);
                held_until = t + 6;
                expected.push((t, j as usize));
            }
        }
        assert_eq!(spikes(&p), expected);
    }
    let learned = network.state().weights;
    let far = learned.iter().zip(weights.weights()).map(|(&a, b)| (f64::from(a) - b).abs());
    let far = far.fold(0.0, f64::max);
    assert!(far < 1e-5, "{far}");
    assert!(network.wins().iter().sum::<u64>() > 300);
}

#[test]
fn a_restored_layer_goes_on_bit_for_bit() {
    let config = config(100, RULES[3]);
    let samples = patterns(60, 30, 100, true);
    let mut whole = CompetitiveNetwork::new(config, &Streams::new(1)).unwrap();
    let mut p = Presentation::new(&whole);
    let mut other = CompetitiveNetwork::new(config, &Streams::new(2)).unwrap();
    assert_ne!(whole, other);
    for (s, steps) in samples.iter().enumerate() {
        if s == 15 {
            let text = serde_json::to_string(&whole.state()).unwrap();
            other.restore(&serde_json::from_str(&text).unwrap()).unwrap();
        }
        whole.learn(&stimulus(60, steps), 0.1, &mut p).unwrap();
        if s >= 15 {
            other.learn(&stimulus(60, steps), 0.1, &mut p).unwrap();
        }
    }
    assert_eq!(whole, other);
    let state = whole.state();
    for (change, part) in [(0, "weights"), (1, "theta"), (2, "wins")] {
        let mut bad = state.clone();
        match change {
            0 => bad.weights.truncate(5),
            1 => bad.theta[3] = f32::NAN,
            _ => bad.wins.clear(),
        }
        assert!(other.restore(&bad).unwrap_err().to_string().contains(part));
    }
    assert_eq!(whole, other, "what is refused changes nothing");
}

#[test]
fn silence_changes_nothing_but_theta_which_decays() {
    let mut network = CompetitiveNetwork::new(config(90, RULES[0]), &Streams::new(1)).unwrap();
    let mut p = Presentation::new(&network);
    let fresh = network.clone();
    let silent = stimulus(60, &vec![Vec::new(); 200]);
    network.learn(&silent, 0.0, &mut p).unwrap();
    assert!(p.spikes().is_empty());
    assert_eq!(network, fresh);
    patterns(60, 5, 100, false).iter().for_each(|s| network.learn(&stimulus(60, s), 0.0, &mut p).unwrap());
    let before = network.state();
    network.learn(&silent, 0.0, &mut p).unwrap();
    network.respond(&stimulus(60, &patterns(60, 1, 300, false)[0]), &mut p).unwrap();
    assert!(!p.spikes().is_empty());
    let after = network.state();
    assert_eq!((&before.weights, &before.wins), (&after.weights, &after.wins));
    for (before, after) in before.theta.iter().zip(&after.theta) {
        assert_abs_diff_eq!(*after, before * (-350.0_f32 / 1e4).exp(), epsilon = 1e-6);
    }
}

#[test]
fn nothing_is_allocated_after_the_first_images() {
    let mut network = CompetitiveNetwork::new(config(90, RULES[0]), &Streams::new(1)).unwrap();
    let mut p = Presentation::new(&network);
    let shown = stimulus(60, &patterns(60, 1, 400, true)[0]);
    network.learn(&shown, 0.0, &mut p).unwrap();
    let again = allocation_counter::measure(|| {
        network.respond(&shown, &mut p).unwrap();
        network.learn(&shown, 0.1, &mut p).unwrap();
    });
    assert_eq!(again.count_total, 0);
}

#[test]
fn misfits_are_refused() {
    let mut network = CompetitiveNetwork::new(config(90, RULES[0]), &Streams::new(1)).unwrap();
    let small = CompetitiveNetwork::new(config(30, RULES[0]), &Streams::new(1)).unwrap();
    let mut p = Presentation::new(&network);
    let good = stimulus(60, &[vec![1]]);
    assert!(network.learn(&stimulus(61, &[vec![1]]), 0.0, &mut p).is_err());
    assert!(network.learn(&good, 1.5, &mut p).unwrap_err().to_string().contains("progress"));
    assert!(network.learn(&good, f32::NAN, &mut p).is_err());
    assert!(small.respond(&good, &mut p).is_err());
    assert!(network.weights_of(90).is_err());
    assert!(Stimulus::new(0).is_err() && Stimulus::new(65535).is_err());
    assert!(Stimulus::new(65534).unwrap().push_step(&[65534]).is_err());
}

fn hostile() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(-1.0),
        Just(0.0),
        Just(1e-300),
        Just(1e300),
        Just(1e-9),
        Just(1000.0),
        Just(1.0),
    ]
}

proptest! {
    /// Any parameter, any value: an error that names the model, or a layer whose weights stay finite.
    #[test]
    fn hostile_parameters_are_refused_or_harmless(
        which in 0_usize..15, value in hostile(), second in 0_usize..15, other in hostile(), rule in 0_usize..4,
    ) {
        let mut c = config(81, RULES[rule]);
        for (which, value) in [(which, value), (second, other)] {
            match which {
                0 => c.dt = Ms(value),
                1 => c.tau_m = Ms(value),
                2 => c.v_th = Mv(value),
                3 => c.t_ref = Ms(value),
                4 => c.loser = Mv(value),
                5 => c.loser_response = Mv(value),
                6 => c.theta_plus = Anneal::constant(value),
                7 => c.theta_plus.to = value,
                8 => c.tau_theta = Ms(value),
                9 => c.rest = Ms(value),
                10 => c.tau_x = Ms(value),
                11 => c.eta.from = value,
                12 => c.rule = CompetitiveRule::DiehlCook { x_tar: value, w_max: 0.3, mu: 0.5 },
                13 => c.rule = CompetitiveRule::DiehlCook { x_tar: 0.4, w_max: value, mu: value },
                _ => c.rule = CompetitiveRule::Normalised { novelty: value },
            }
        }
        match CompetitiveNetwork::new(c, &Streams::new(1)) {
            Err(error) => prop_assert!(error.to_string().contains("competitive"), "{error}"),
            Ok(mut network) => {
                let mut p = Presentation::new(&network);
                for steps in patterns(60, 3, 60, true) {
                    network.learn(&stimulus(60, &steps), 0.7, &mut p).unwrap();
                }
                prop_assert!(network.state().weights.iter().all(|w| w.is_finite()), "{c:?}");
                prop_assert!(network.theta().all(|theta| theta.is_finite() && theta >= 0.0), "{c:?}");
            }
        }
    }
}
