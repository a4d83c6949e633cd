//! Where rules come to rest, and the traps that other libraries fell into.

use approx::{abs_diff_eq, assert_abs_diff_eq, assert_relative_eq, ulps_eq};
use nl_plasticity::{
    Activity, AnyRule, DopamineStdpParameters, Hz, Modulators, Ms, MstdpParameters, PairStdp, PairStdpParameters,
    PlasticityRule, RuleKind, TripletStdpParameters, VogelsStdp, VogelsStdpParameters, WeightDependence, Weights,
};
use nl_random::Streams;
use nl_synapse::Dense;
use rand::RngExt;

/// 40 inhibitory inputs hold a neuron, which would fire at 40 Hz, at ρ₀.
#[test]
fn vogels_reaches_its_target_rate() {
    for rho_0 in [5.0, 12.0] {
        let p = VogelsStdpParameters { eta: 2e-3, rho_0: Hz(rho_0), w_max: 10.0, ..VogelsStdpParameters::default() };
        let rule = VogelsStdp::<f64>::new(p, Ms(1.0)).unwrap();
        let mut weights = Dense::new(40, 1, vec![0.0; 40]).unwrap();
        let mut state = rule.state(40, 1, 40).unwrap();
        let mut rng = Streams::new(11).rng("vogels", 0, 0);
        let (steps, mut late) = (600_000, 0);
        for now in 0..steps {
            let pre: Vec<u32> = (0..40).filter(|_| rng.random::<f64>() < 0.01).collect();
            let inhibition = weights.weights().iter().sum::<f64>();
            let fires = rng.random::<f64>() < (40.0 - inhibition).max(0.0) * 1e-3;
            let post: &[u32] = if fires { &[0] } else { &[] };
            rule.step(&mut state, &Activity::spikes(now, &pre, post), &mut weights).unwrap();
            late += u64::from(fires && now >= steps / 2);
        }
        let rate = late as f64 / (steps as f64 / 2.0) * 1000.0;
        // Some 1,500 spikes or more are counted: 2.6 %, three times.
        assert_relative_eq!(rate, rho_0, max_relative = 0.08);
    }
}

fn run(kind: RuleKind, dt: f64, w: f64, events: &[(f64, bool, bool)]) -> f64 {
    let rule: AnyRule<f64> = kind.build(Ms(dt)).unwrap();
    let mut state = rule.state(1, 1, 1).unwrap();
    let mut weights = Dense::new(1, 1, vec![w]).unwrap();
    let modulators = Modulators { dopamine: 1.0, ..Modulators::default() };
    for &(ms, pre, post) in events {
        let spike = |yes: bool| if yes { &[0_u32][..] } else { &[] };
        let activity = Activity::spikes((ms / dt).round() as u64, spike(pre), spike(post)).with_modulators(modulators);
        rule.step(&mut state, &activity, &mut weights).unwrap();
    }
    rule.settle(&mut state, (500.0 / dt).round() as u64, &mut weights).unwrap();
    weights.weights()[0]
}

const EVENTS: [(f64, bool, bool); 6] = [
    (1.0, true, false),
    (8.0, false, true),
    (9.0, true, true),
    (30.0, true, false),
    (31.0, false, true),
    (90.0, true, false),
];

/// Trap 1: a trace whose jump, and so the learning rate, depends on dt (Norse), or decays by 1 − dt/τ (SpikingJelly).
#[test]
fn the_step_does_not_change_what_is_learnt() {
    let dopamine = DopamineStdpParameters { a_plus: 0.01, a_minus: 0.004, ..DopamineStdpParameters::default() };
    for kind in [
        RuleKind::PairStdp(PairStdpParameters::default()),
        RuleKind::TripletStdp(TripletStdpParameters::hippocampus()),
        RuleKind::VogelsStdp(VogelsStdpParameters::default()),
        RuleKind::DopamineStdp(dopamine),
        RuleKind::Mstdp(MstdpParameters::default()),
    ] {
        let coarse = run(kind, 1.0, 0.5, &EVENTS);
        assert!((coarse - 0.5).abs() > 1e-5, "{}", kind.name());
        for dt in [0.5, 0.1, 0.02] {
            let fine = run(kind, dt, 0.5, &EVENTS);
            assert!(abs_diff_eq!(fine, coarse, epsilon = 1e-12), "{} at {dt} ms: {fine} {coarse}", kind.name());
        }
    }
}

/// Trap 2: potentiation in proportion to w by default, without a bound (SpikingJelly, snnTorch).
#[test]
fn by_default_a_change_does_not_depend_on_the_weight_and_is_bounded() {
    let kind = RuleKind::PairStdp(PairStdpParameters::default());
    let pair = [(0.0, true, false), (10.0, false, true)];
    // An ulp of 0.7.
    assert_abs_diff_eq!(run(kind, 1.0, 0.2, &pair) - 0.2, run(kind, 1.0, 0.7, &pair) - 0.7, epsilon = 1e-15);
    assert_eq!(run(kind, 1.0, 0.999, &pair), 1.0);
    assert_eq!(run(kind, 1.0, 0.001, &[(0.0, false, true), (1.0, true, false)]), 0.0);
}

/// Trap: a time-0 sentinel that takes step 0 for "never" (sPyNNaker), and a neuron that never fired for one that fired then.
#[test]
fn the_first_step_is_a_time_like_any_other() {
    for pairing in ["all-to-all", "nearest-symmetric", "presynaptic-centred", "restricted"] {
        let text = format!(r#"{{"kind": "pair-stdp", "pairing": "{pairing}"}}"#);
        let kind: RuleKind = serde_json::from_str(&text).unwrap();
        for (events, size, tau) in [
            ([(0.0, true, false), (5.0, false, true)], 0.01, 20.0),
            ([(0.0, false, true), (5.0, true, false)], -0.0105, 20.0),
        ] {
            let exact = 0.5 + size * (-5.0_f64 / tau).exp();
            assert!(ulps_eq!(run(kind, 1.0, 0.5, &events), exact, max_ulps = 4), "{pairing}");
            let later = events.map(|(ms, pre, post)| (ms + 7.0, pre, post));
            assert!(ulps_eq!(run(kind, 1.0, 0.5, &later), exact, max_ulps = 4), "{pairing}");
        }
        assert_eq!(run(kind, 1.0, 0.5, &[(0.0, true, false), (1.0, true, false)]), 0.5);
        assert_eq!(run(kind, 1.0, 0.5, &[(0.0, false, true), (1.0, false, true)]), 0.5);
    }
}

/// Multiplicative STDP under uncorrelated Poisson trains rests where A₊ τ₊ (1 − ŵ) = A₋ τ₋ ŵ (Rubin et al. 2001); the
/// additive rule goes to a bound.
#[test]
fn multiplicative_weights_rest_inside_and_additive_ones_at_a_bound() {
    let mean = |dependence| {
        let p = PairStdpParameters { a_plus: 0.004, a_minus: 0.006, dependence, ..PairStdpParameters::default() };
        let rule = PairStdp::<f64>::new(p, Ms(1.0)).unwrap();
        let mut weights = Dense::new(50, 4, vec![0.5; 200]).unwrap();
        let mut state = rule.state(50, 4, 200).unwrap();
        let mut rng = Streams::new(2).rng("poisson", 0, 0);
        for now in 0..30_000 {
            let pre: Vec<u32> = (0..50).filter(|_| rng.random::<f64>() < 0.02).collect();
            let post: Vec<u32> = (0..4).filter(|_| rng.random::<f64>() < 0.02).collect();
            rule.step(&mut state, &Activity::spikes(now, &pre, &post), &mut weights).unwrap();
        }
        weights.weights().iter().sum::<f64>() / 200.0
    };
    let inside = mean(WeightDependence::Multiplicative);
    assert_abs_diff_eq!(inside, 0.4, epsilon = 0.02); // 200 weights that wander
    assert!(mean(WeightDependence::Additive) < 0.05);
}
