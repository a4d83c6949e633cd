//! Every spike rule against a naive reading of its equations: no common factor, no event is skipped, one synapse at a time.

use approx::abs_diff_eq;
use nl_plasticity::{
    Activity, AnyRule, ClopathStdpParameters, Coincidence, DiehlCookForm, DiehlCookStdpParameters, DopamineInput,
    DopamineStdpParameters, EpropAdaptation, EpropParameters, Gate, Gated, Interaction, Modulators, Ms,
    MstdpParameters, Mv, PairStdpParameters, Pairing, PlasticityRule, RuleKind, TripletStdpParameters,
    VogelsStdpParameters, Weights,
};
use nl_synapse::{Csr, Dense, Sparse};
use proptest::prelude::*;

const PRE: usize = 3;
const POST: usize = 2;
const STEPS: usize = 60;
const DT: f64 = 0.7;

/// Whether each neuron spikes in each step.
type Raster<const N: usize> = Vec<[bool; N]>;

fn raster<const N: usize>(p: f64) -> impl Strategy<Value = Raster<N>> {
    prop::collection::vec(prop::array::uniform::<_, N>(prop::bool::weighted(p)), STEPS)
}

fn indices<const N: usize>(row: &[bool; N]) -> Vec<u32> {
    (0..N as u32).filter(|&i| row[i as usize]).collect()
}

/// What a run shows a rule besides spikes.
#[derive(Debug, Clone)]
struct Input {
    pre: Raster<PRE>,
    post: Raster<POST>,
    dopamine: Vec<f64>,
    v: Vec<[f64; POST]>,
    psi: Vec<[f64; POST]>,
    signal: Vec<[f64; POST]>,
}

fn input() -> impl Strategy<Value = Input> {
    let values = |low: f64, high: f64| prop::collection::vec(prop::array::uniform::<_, POST>(low..high), STEPS);
    let dopamine = prop::collection::vec(prop_oneof![3 => Just(0.0), 1 => -1.0..1.0], STEPS);
    (raster(0.15), raster(0.15), dopamine, values(-80.0, 20.0), values(0.0, 1.0), values(-1.0, 1.0))
        .prop_map(|(pre, post, dopamine, v, psi, signal)| Input { pre, post, dopamine, v, psi, signal })
}

fn coincidences() -> impl Strategy<Value = Coincidence> {
    prop::sample::select(vec![Coincidence::Ignore, Coincidence::Potentiate, Coincidence::Depress, Coincidence::Both])
}

fn start(i: usize, j: usize) -> f64 {
    0.3 + 0.1 * i as f64 + 0.05 * j as f64
}

/// The weights after the run; steps without anything are left out if `skip`.
fn run<W: Weights<f64>>(kind: RuleKind, input: &Input, skip: bool, weights: &mut W) {
    let rule: AnyRule<f64> = kind.build(Ms(DT)).unwrap();
    let mut state = rule.state(PRE, POST, weights.synapses()).unwrap();
    for t in 0..STEPS {
        let (pre, post) = (indices(&input.pre[t]), indices(&input.post[t]));
        if skip && pre.is_empty() && post.is_empty() && input.dopamine[t] == 0.0 {
            continue;
        }
        let activity = Activity::spikes(1000 + t as u64, &pre, &post)
            .with_voltage(&input.v[t])
            .with_learning_signal(&input.psi[t], &input.signal[t])
            .with_modulators(Modulators { dopamine: input.dopamine[t], ..Modulators::default() });
        rule.step(&mut state, &activity, weights).unwrap();
    }
    rule.settle(&mut state, 1000 + STEPS as u64 - 1, weights).unwrap();
}

/// Compares dense and sparse runs with the naive weight of each synapse.
fn check(kind: RuleKind, input: &Input, skip: bool, naive: impl Fn(usize, usize) -> f64) -> Result<(), TestCaseError> {
    let mut dense = Dense::new(PRE, POST, (0..PRE * POST).map(|s| start(s / POST, s % POST)).collect()).unwrap();
    run(kind, input, skip, &mut dense);
    let edges = [(0, 0), (0, 1), (1, 1), (2, 0)];
    let weights = edges.iter().map(|&(i, j)| start(i as usize, j as usize)).collect();
    let mut sparse = Sparse::new(Csr::from_edges(PRE, POST, &edges).unwrap(), weights).unwrap();
    run(kind, input, skip, &mut sparse);
    for i in 0..PRE {
        for j in 0..POST {
            let (got, expected) = (dense.weights()[i * POST + j], naive(i, j));
            // 60 steps, summed in another order.
            prop_assert!(
                abs_diff_eq!(got, expected, epsilon = 1e-11 * (1.0 + expected.abs())),
                "({i}, {j}): {got} {expected}"
            );
        }
    }
    for (s, &(i, j)) in edges.iter().enumerate() {
        prop_assert_eq!(sparse.weights()[s], dense.weights()[i as usize * POST + j as usize]);
    }
    Ok(())
}

/// Steps in which neuron `i` spikes.
fn times<const N: usize>(raster: &Raster<N>, i: usize) -> Vec<usize> {
    (0..raster.len()).filter(|&t| raster[t][i]).collect()
}

fn window(from: usize, to: usize, tau: f64) -> f64 {
    (-((to - from) as f64) * DT / tau).exp()
}

type Pairs = Vec<(usize, usize)>;

/// The pairs (pre step, post step) that potentiate and that depress, as lists: Morrison et al. 2008, fig. 7.
fn pairs(pairing: Pairing, coincidence: Coincidence, pre: &[usize], post: &[usize]) -> (Pairs, Pairs) {
    let equal_plus = matches!(coincidence, Coincidence::Potentiate | Coincidence::Both);
    let equal_minus = matches!(coincidence, Coincidence::Depress | Coincidence::Both);
    let before = |a: usize, b: usize, equal: bool| a < b || (equal && a == b);
    let (mut plus, mut minus) = (Pairs::new(), Pairs::new());
    for (n, &q) in post.iter().enumerate() {
        // Pre spikes that count as before this post spike.
        let earlier: Vec<usize> = pre.iter().copied().filter(|&p| before(p, q, equal_plus)).collect();
        let last_post = n.checked_sub(1).map(|n| post[n]);
        // Of those, the ones that the post spike before this one has not already taken.
        let fresh = |p: usize| last_post.is_none_or(|last| !before(p, last, equal_plus));
        match pairing {
            Pairing::AllToAll => plus.extend(earlier.iter().map(|&p| (p, q))),
            Pairing::NearestSymmetric => plus.extend(earlier.last().map(|&p| (p, q))),
            Pairing::PresynapticCentred => plus.extend(earlier.iter().filter(|&&p| fresh(p)).map(|&p| (p, q))),
            Pairing::Restricted => plus.extend(earlier.last().filter(|&&p| fresh(p)).map(|&p| (p, q))),
        }
    }
    for (n, &p) in pre.iter().enumerate() {
        let earlier: Vec<usize> = post.iter().copied().filter(|&q| before(q, p, equal_minus)).collect();
        let last_pre = n.checked_sub(1).map(|n| pre[n]);
        let fresh = |q: usize| last_pre.is_none_or(|last| !before(q, last, equal_minus));
        match pairing {
            Pairing::AllToAll => minus.extend(earlier.iter().map(|&q| (p, q))),
            Pairing::NearestSymmetric | Pairing::PresynapticCentred => minus.extend(earlier.last().map(|&q| (p, q))),
            Pairing::Restricted => minus.extend(earlier.last().filter(|&&q| fresh(q)).map(|&q| (p, q))),
        }
    }
    (plus, minus)
}

/// Eager traces of one synapse, decayed in every step: r₁, r₂ of pre, o₁, o₂ of post; `act` sees (w, pre?, traces).
struct Eager {
    tau: [f64; 4],
    interaction: Interaction,
    coincidence: Coincidence,
}

impl Eager {
    fn run(&self, input: &Input, (i, j): (usize, usize), mut act: impl FnMut(usize, bool, [f64; 4])) {
        let mut x = [0.0; 4];
        let jump = |x: &mut f64| *x = if self.interaction == Interaction::Nearest { 1.0 } else { *x + 1.0 };
        for t in 0..STEPS {
            for (x, tau) in x.iter_mut().zip(self.tau) {
                *x *= (-DT / tau).exp();
            }
            let (pre, post) = (input.pre[t][i], input.post[t][j]);
            let slow = [x[1], x[3]];
            let order = match self.coincidence {
                Coincidence::Ignore => "PpAB",
                Coincidence::Potentiate => "pAPB",
                Coincidence::Depress => "PBpA",
                Coincidence::Both => "ABpP",
            };
            for event in order.chars() {
                match event {
                    'p' if pre => act(t, true, [x[0], slow[0], x[2], slow[1]]),
                    'P' if post => act(t, false, [x[0], slow[0], x[2], slow[1]]),
                    'A' if pre => x[..2].iter_mut().for_each(jump),
                    'B' if post => x[2..].iter_mut().for_each(jump),
                    _ => {}
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pair_stdp_is_the_sum_over_its_pairs(
        input in input(),
        pairing in prop::sample::select(vec![
            Pairing::AllToAll, Pairing::NearestSymmetric, Pairing::PresynapticCentred, Pairing::Restricted,
        ]),
        coincidence in coincidences(),
    ) {
        let p = PairStdpParameters {
            pairing, coincidence, w_min: -50.0, w_max: 50.0, tau_plus: Ms(9.0), tau_minus: Ms(14.0), ..PairStdpParameters::default()
        };
        check(RuleKind::PairStdp(p), &input, true, |i, j| {
            let (plus, minus) = pairs(pairing, coincidence, &times(&input.pre, i), &times(&input.post, j));
            start(i, j) + plus.iter().map(|&(p_, q)| p.a_plus * window(p_, q, 9.0)).sum::<f64>()
                - minus.iter().map(|&(p_, q)| p.a_minus * window(q, p_, 14.0)).sum::<f64>()
        })?;
    }

    #[test]
    fn triplet_vogels_and_diehl_cook_equal_eager_traces(
        input in input(),
        coincidence in coincidences(),
        interaction in prop::sample::select(vec![Interaction::AllToAll, Interaction::Nearest]),
        form in prop::sample::select(vec![
            DiehlCookForm::PostOnly { x_tar: 0.3, mu: 0.2 },
            DiehlCookForm::PostOnly { x_tar: 0.3, mu: 1.0 },
            DiehlCookForm::PrePost,
            DiehlCookForm::Published { tau_post2: Ms(11.0) },
        ]),
    ) {
        let p = TripletStdpParameters { interaction, coincidence, w_max: 0.6, ..TripletStdpParameters::hippocampus() };
        check(RuleKind::TripletStdp(p), &input, true, |i, j| {
            let mut w = start(i, j);
            let tau = [p.tau_plus.0, p.tau_x.0, p.tau_minus.0, p.tau_y.0];
            Eager { tau, interaction, coincidence }.run(&input, (i, j), |_, pre, [r1, r2, o1, o2]| {
                w += if pre { -o1 * (p.a2_minus + p.a3_minus * r2) } else { r1 * (p.a2_plus + p.a3_plus * o2) };
                w = w.clamp(0.0, 0.6);
            });
            w
        })?;

        let p = VogelsStdpParameters { coincidence, eta: 0.1, w_max: 0.6, ..VogelsStdpParameters::default() };
        check(RuleKind::VogelsStdp(p), &input, true, |i, j| {
            let mut w = start(i, j);
            let eager = Eager { tau: [20.0; 4], interaction: Interaction::AllToAll, coincidence };
            eager.run(&input, (i, j), |_, pre, [x, _, y, _]| {
                w += if pre { 0.1 * (y - 0.12) } else { 0.1 * x };
                w = w.clamp(0.0, 0.6);
            });
            w
        })?;

        let p = DiehlCookStdpParameters { form, interaction, coincidence, eta_pre: 0.03, ..DiehlCookStdpParameters::default() };
        check(RuleKind::DiehlCookStdp(p), &input, true, |i, j| {
            let mut w = start(i, j);
            Eager { tau: [20.0, 20.0, 20.0, 11.0], interaction, coincidence }.run(&input, (i, j), |_, pre, [x, _, y, y2]| {
                w += match (form, pre) {
                    (DiehlCookForm::PostOnly { x_tar, mu }, false) => 0.01 * (x - x_tar) * (1.0 - w).powf(mu),
                    (DiehlCookForm::PostOnly { .. }, true) => 0.0,
                    (_, true) => -0.03 * y,
                    (DiehlCookForm::Published { .. }, false) => 0.01 * x * y2,
                    (DiehlCookForm::PrePost, false) => 0.01 * x,
                };
                w = w.clamp(0.0, 1.0);
            });
            w
        })?;
    }

    /// Dopamine STDP and MSTDPET, integrated step by step; MSTDP at each spike.
    #[test]
    fn rewarded_rules_equal_eager_eligibilities(
        input in input(), coincidence in coincidences(), concentration: bool, tau_c in prop::sample::select(vec![0.5, 20.0, 300.0]),
        limit in prop::sample::select(vec![1e6, 0.7]), baseline in prop::sample::select(vec![0.01, 0.0, -0.2]),
    ) {
        let eager = Eager { tau: [20.0; 4], interaction: Interaction::AllToAll, coincidence };
        let zeta = |i, j| {
            let mut zeta = vec![0.0; STEPS];
            eager.run(&input, (i, j), |t, pre, [x, _, y, _]| zeta[t] += if pre { -1.5 * y } else { x });
            zeta
        };
        let p = DopamineStdpParameters {
            coincidence, baseline, tau_c: Ms(tau_c), tau_d: Ms(30.0), w_min: -limit, w_max: limit,
            input: if concentration { DopamineInput::Concentration } else { DopamineInput::Release },
            ..DopamineStdpParameters::default()
        };
        check(RuleKind::DopamineStdp(p), &input, true, |i, j| {
            let (mut w, mut c, mut d) = (start(i, j), 0.0, 0.0);
            for (zeta, &dopamine) in zeta(i, j).iter().zip(&input.dopamine) {
                let integral = |k: f64, time: f64| (1.0 - (-k * time).exp()) / k;
                let change = |time| {
                    let level = if concentration { dopamine * integral(1.0 / tau_c, time) } else { d * integral(1.0 / tau_c + 1.0 / 30.0, time) };
                    c * (level - baseline * integral(1.0 / tau_c, time))
                };
                // Where d falls through the baseline the weight turns.
                let turn = 30.0 * (d / baseline).ln();
                let turn = if !concentration && turn > 0.0 && turn < DT { turn } else { DT };
                w = (w + change(turn)).clamp(-limit, limit);
                w = (w + (change(DT) - change(turn))).clamp(-limit, limit);
                c *= (-DT / tau_c).exp();
                d = d * (-DT / 30.0_f64).exp() + dopamine;
                c += zeta;
            }
            w
        })?;

        let p = MstdpParameters {
            coincidence, a_minus: 1.5, gamma: 0.1, tau_z: Ms(tau_c), w_min: -limit, w_max: limit, ..MstdpParameters::default()
        };
        check(RuleKind::Mstdpet(p), &input, true, |i, j| {
            let (mut w, mut z) = (start(i, j), 0.0);
            for (zeta, &reward) in zeta(i, j).iter().zip(&input.dopamine) {
                w = (w + 0.1 * reward * z * tau_c * (1.0 - (-DT / tau_c).exp())).clamp(-limit, limit);
                z = z * (-DT / tau_c).exp() + zeta / tau_c;
            }
            w
        })?;
        let p = MstdpParameters { w_min: -1e6, w_max: 1e6, ..p };
        check(RuleKind::Mstdp(p), &input, true, |i, j| {
            start(i, j) + zeta(i, j).iter().zip(&input.dopamine).map(|(zeta, reward)| 0.1 * reward * zeta).sum::<f64>()
        })?;
    }

    #[test]
    fn clopath_equals_eager_filters(input in input()) {
        let p = ClopathStdpParameters { a_ltd: 1e-3, a_ltp: 1e-5, w_max: 0.6, u_initial: Mv(-65.0), ..ClopathStdpParameters::default() };
        check(RuleKind::ClopathStdp(p), &input, false, |i, j| {
            let (mut w, mut x, mut minus, mut plus) = (start(i, j), 0.0, -65.0, -65.0);
            for t in 0..STEPS {
                let u = input.v[t][j];
                minus += (u - minus) * (1.0 - (-DT / 10.0_f64).exp());
                plus += (u - plus) * (1.0 - (-DT / 7.0_f64).exp());
                x *= (-DT / 15.0_f64).exp();
                w += DT * 1e-5 * x * (u + 45.3).max(0.0) * (plus + 70.6).max(0.0);
                w = w.clamp(0.0, 0.6);
                if input.pre[t][i] {
                    w = (w - 1e-3 * (minus + 70.6).max(0.0)).clamp(0.0, 0.6);
                    x += 1.0 / 15.0;
                }
            }
            w
        })?;
    }

    /// e-prop's eligibility as the derivative it stands for: e = ψ dv/dw − ψ β da/dw, by forward accumulation.
    #[test]
    fn eprop_equals_the_accumulated_eligibility(input in input(), adaptive: bool, filtered: bool) {
        let adaptation = adaptive.then_some(EpropAdaptation { beta: 0.3, tau_a: Ms(25.0) });
        let p = EpropParameters {
            eta: 0.01, tau_m: Ms(8.0), adaptation, tau_out: filtered.then_some(Ms(5.0)), w_min: -9.0, w_max: 9.0, ..EpropParameters::default()
        };
        check(RuleKind::Eprop(p), &input, false, |i, j| {
            let beta = if adaptive { 0.3 } else { 0.0 };
            let (mut w, mut dv, mut da, mut history) = (start(i, j), 0.0, 0.0, Vec::new());
            for t in 0..STEPS {
                let psi = input.psi[t][j];
                dv = dv * (-DT / 8.0_f64).exp() + f64::from(u8::from(input.pre[t][i])); // ∂v/∂w without reset
                let dz = psi * (dv - beta * da); // ∂z/∂w
                da = da * (-DT / 25.0_f64).exp() + dz; // a ← ρ a + z
                history.push(dz);
                let kernel = |age: usize| if filtered { (-(age as f64) * DT / 5.0).exp() } else { f64::from(u8::from(age == 0)) };
                let sum: f64 = history.iter().enumerate().map(|(s, e)| e * kernel(t - s)).sum();
                w -= 0.01 * input.signal[t][j] * sum;
            }
            w
        })?;
    }
}

/// Settling at any time, or only the rows that are about to deliver, changes nothing but when a weight is up to date.
#[test]
fn settling_early_changes_nothing_later() {
    let dopamine = DopamineStdpParameters { tau_c: Ms(40.0), tau_d: Ms(30.0), ..DopamineStdpParameters::default() };
    for kind in [
        RuleKind::DopamineStdp(dopamine),
        RuleKind::DopamineStdp(DopamineStdpParameters { w_min: 0.9, w_max: 1.1, ..dopamine }),
        RuleKind::Mstdpet(MstdpParameters { gamma: 1.0, w_max: 9.0, ..MstdpParameters::default() }),
        RuleKind::Mstdpet(MstdpParameters { gamma: 1.0, w_min: 0.99, w_max: 1.02, ..MstdpParameters::default() }),
    ] {
        let rule: AnyRule<f64> = kind.build(Ms(DT)).unwrap();
        let run = |settle: bool| {
            let mut weights = Dense::new(PRE, POST, vec![1.0; PRE * POST]).unwrap();
            let mut state = rule.state(PRE, POST, PRE * POST).unwrap();
            let mut at_delivery = Vec::new();
            for now in 0..200 {
                let (pre, post): (&[u32], &[u32]) =
                    (if now % 7 == 0 { &[0, 2] } else { &[] }, if now % 9 == 3 { &[1] } else { &[] });
                if settle && now % 5 == 0 {
                    rule.settle(&mut state, now, &mut weights).unwrap();
                }
                if settle {
                    rule.settle_outgoing(&mut state, now, pre, &mut weights).unwrap();
                    at_delivery.extend(pre.iter().map(|&i| weights.weights()[i as usize * POST + 1]));
                }
                let modulators = Modulators {
                    dopamine: if now % 31 == 4 && now % 7 != 0 { if now % 2 == 0 { 0.3 } else { -0.2 } } else { 0.0 },
                    ..Modulators::default()
                };
                rule.step(&mut state, &Activity::spikes(now, pre, post).with_modulators(modulators), &mut weights)
                    .unwrap();
                if !settle {
                    at_delivery.extend(pre.iter().map(|&i| weights.weights()[i as usize * POST + 1]));
                }
            }
            rule.settle(&mut state, 250, &mut weights).unwrap();
            at_delivery.extend(weights.weights());
            at_delivery
        };
        let (early, late) = (run(true), run(false));
        assert!(late.iter().any(|w| (w - 1.0).abs() > 1e-3));
        for (a, b) in early.iter().zip(&late) {
            assert!(abs_diff_eq!(a, b, epsilon = 1e-12), "{}: {a} {b}", rule.name());
        }
    }
}

/// A gate multiplies every change, for any rule of the table.
#[test]
fn a_gated_rule_learns_in_proportion() {
    let events: [(u64, &[u32], &[u32]); 4] = [(0, &[0, 1], &[]), (4, &[], &[1]), (6, &[2], &[0]), (9, &[0], &[])];
    for kind in RuleKind::all() {
        let change = |bias: f64| {
            let gate = Gate { bias, noradrenaline: 0.5, ..Gate::default() };
            let rule = Gated::new(kind.build::<f64>(Ms(1.0)).unwrap(), gate).unwrap();
            let mut weights = Dense::new(PRE, POST, vec![0.5; PRE * POST]).unwrap();
            let mut state = rule.state(PRE, POST, PRE * POST).unwrap();
            for (now, pre, post) in events {
                let activity = Activity::spikes(now, pre, post)
                    .with_voltage(&[-40.0, -20.0])
                    .with_learning_signal(&[0.3, 0.2], &[0.01, -0.02])
                    .with_modulators(Modulators { dopamine: 1e-3, noradrenaline: 1.0, ..Modulators::default() });
                rule.step(&mut state, &activity, &mut weights).unwrap();
            }
            rule.settle(&mut state, 20, &mut weights).unwrap();
            weights.weights().iter().map(|w| w - 0.5).collect::<Vec<_>>()
        };
        let (shut, half, full) = (change(-0.5), change(0.0), change(0.5));
        assert!(shut.iter().all(|&change| change == 0.0), "{}", kind.name());
        assert!(full.iter().any(|&change| change.abs() > 1e-7), "{}", kind.name());
        for (half, full) in half.iter().zip(&full) {
            assert!(abs_diff_eq!(2.0 * half, *full, epsilon = 1e-12), "{}: {half} {full}", kind.name());
        }
    }
}
