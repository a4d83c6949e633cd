//! The scan over a sequence: its spikes are the population's, its gradients those of differences.

use nl_kernels::Scratch;
use nl_neuron::dynamics::{Dynamics, RecurrentGrad, RecurrentScan, Scan, ScanGrad, Sequence};
use nl_neuron::{
    Alif, AlifDynamics, AlifParameters, CubaExp, CubaExpParameters, CubaLifDynamics, Drive, Lif, LifDynamics,
    LifParameters, Ms, Mv, NeuronModel, Pf, Reset, SpikeSet, SurrogateKind,
};

/// Numbers in [−1, 1), scattered evenly.
fn numbers(n: usize, salt: usize) -> Vec<f64> {
    (0..n).map(|i| 2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0).collect()
}

/// The scan's spikes are those of the population, bit for bit, whatever the reset, the refractory period and the number of neurons.
#[test]
fn spikes_of_the_population() {
    for reset in [Reset::Hard, Reset::Subtract] {
        for t_ref in [0.0, 1.0, 3.0] {
            for neurons in [1, 31, 32, 33, 70] {
                let parameters = LifParameters {
                    tau_m: Ms(10.0),
                    c_m: Pf(10.0),
                    e_l: Mv(0.0),
                    v_th: Mv(1.0),
                    v_reset: Mv(0.0),
                    t_ref: Ms(t_ref),
                    drive: Drive::Jump,
                    reset,
                    ..LifParameters::default()
                };
                let lif = Lif::<f64>::new(parameters, Ms(1.0)).unwrap();
                let sequence = Sequence { steps: 60, batch: 2, neurons };
                let x: Vec<f64> = numbers(sequence.len(), 1).iter().map(|x| 0.4 * x + 0.25).collect();
                let mut spikes = vec![f64::NAN; sequence.len()];
                let decay = (-0.1_f64).exp();
                let scan = Scan { t_ref: t_ref as u32, ..Scan::default() };
                let p = [decay, 1.0, 0.0, 1.0, 0.0];
                let p: [&[f64]; 5] = std::array::from_fn(|k| &p[k..=k]);
                scan.forward(&LifDynamics { reset }, sequence, p, [&x], &mut spikes).unwrap();
                let mut count = 0;
                for b in 0..2 {
                    let (mut state, mut set) = (lif.state(neurons).unwrap(), SpikeSet::new(neurons));
                    for t in 0..60 {
                        let at = (t * 2 + b) * neurons;
                        lif.step(&mut state, &x[at..at + neurons], &mut set).unwrap();
                        for i in 0..neurons {
                            let spiked = set.indices().contains(&(i as u32));
                            assert_eq!(
                                spikes[at + i],
                                f64::from(u8::from(spiked)),
                                "{reset:?} {t_ref} {neurons}: {t} {i}"
                            );
                        }
                        count += set.len();
                    }
                }
                assert!(count > neurons, "{count} spikes");
            }
        }
    }
}

/// Σ weights · s of a smooth scan.
fn loss<D: Dynamics<N, R, P>, const N: usize, const R: usize, const P: usize>(
    (d, scan, sequence): (&D, &Scan, Sequence),
    p: &[Vec<f64>; P],
    x: &[Vec<f64>; R],
    weights: &[f64],
) -> f64 {
    let mut spikes = vec![0.0; sequence.len()];
    let (p, x) = (std::array::from_fn(|k| &p[k][..]), std::array::from_fn(|k| &x[k][..]));
    scan.forward(d, sequence, p, x, &mut spikes).unwrap();
    spikes.iter().zip(weights).map(|(s, w)| s * w).sum()
}

/// The largest relative difference between the gradients of a smooth scan and central differences.
fn worst<D: Dynamics<N, R, P>, const N: usize, const R: usize, const P: usize>(
    of: (&D, &Scan, Sequence),
    p: &[Vec<f64>; P],
    x: &[Vec<f64>; R],
) -> f64 {
    let (d, scan, sequence) = of;
    let weights = numbers(sequence.len(), 9);
    let (mut dx, mut dp) = (x.clone(), std::array::from_fn::<_, P, _>(|_| vec![0.0; sequence.neurons]));
    let grad =
        ScanGrad { inputs: dx.each_mut().map(|x| &mut x[..]), parameters: Some(dp.each_mut().map(|x| &mut x[..])) };
    let (ps, xs) = (std::array::from_fn(|k| &p[k][..]), std::array::from_fn(|k| &x[k][..]));
    scan.backward(d, sequence, ps, xs, &weights, grad, &mut Scratch::new()).unwrap();
    let mut worst = 0.0_f64;
    let mut compare = |got: f64, up: f64, down: f64, h: f64| {
        let difference = (up - down) / (2.0 * h);
        worst = worst.max((got - difference).abs() / (1.0 + difference.abs()));
    };
    let h = 1e-6;
    for k in 0..R {
        for i in 0..x[k].len() {
            let at = |by: f64| {
                let mut x = x.clone();
                x[k][i] += by;
                loss(of, p, &x, &weights)
            };
            compare(dx[k][i], at(h), at(-h), h);
        }
    }
    for k in 0..P {
        for i in 0..p[k].len() {
            let at = |by: f64| {
                let mut p = p.clone();
                p[k][i] += by;
                loss(of, &p, x, &weights)
            };
            compare(dp[k][i], at(h), at(-h), h);
        }
    }
    worst
}

/// The same of a recurrent scan, its weight included.
fn worst_recurrent<D: Dynamics<N, R, P>, const N: usize, const R: usize, const P: usize>(
    (d, scan, sequence): (&D, &Scan, Sequence),
    p: &[Vec<f64>; P],
    x: &[Vec<f64>; R],
    weight: &[f64],
) -> f64 {
    let (weights, mut scratch) = (numbers(sequence.len(), 9), Scratch::new());
    let scan = RecurrentScan(*scan);
    let run = |p: &[Vec<f64>; P], x: &[Vec<f64>; R], weight: &[f64], scratch: &mut Scratch| {
        let mut spikes = vec![0.0; sequence.len()];
        let (p, x) = (std::array::from_fn(|k| &p[k][..]), std::array::from_fn(|k| &x[k][..]));
        scan.forward(d, sequence, p, (x, weight), &mut spikes, scratch).unwrap();
        spikes
    };
    let spikes = run(p, x, weight, &mut scratch);
    let (mut dx, mut dp) = (x.clone(), std::array::from_fn::<_, P, _>(|_| vec![0.0; sequence.neurons]));
    let mut dw = vec![f64::NAN; weight.len()];
    let grad = RecurrentGrad {
        inputs: dx.each_mut().map(|x| &mut x[..]),
        weight: &mut dw,
        parameters: Some(dp.each_mut().map(|x| &mut x[..])),
    };
    let (ps, xs) = (std::array::from_fn(|k| &p[k][..]), std::array::from_fn(|k| &x[k][..]));
    scan.backward(d, sequence, ps, (xs, weight), (&spikes, &weights), grad, &mut scratch).unwrap();
    let h = 1e-6;
    let mut worst = 0.0_f64;
    let mut loss = |p: &[Vec<f64>; P], x: &[Vec<f64>; R], weight: &[f64]| -> f64 {
        run(p, x, weight, &mut scratch).iter().zip(&weights).map(|(s, w)| s * w).sum()
    };
    let mut compare = |got: f64, mut at: Box<dyn FnMut(f64) -> f64 + '_>| {
        let difference = (at(h) - at(-h)) / (2.0 * h);
        worst = worst.max((got - difference).abs() / (1.0 + difference.abs()));
    };
    for k in 0..R {
        for i in 0..x[k].len() {
            let mut x = x.clone();
            let (first, loss) = (x[k][i], &mut loss);
            compare(
                dx[k][i],
                Box::new(move |by| {
                    x[k][i] = first + by;
                    loss(p, &x, weight)
                }),
            );
        }
    }
    for k in 0..P {
        for i in 0..p[k].len() {
            let mut p = p.clone();
            let (first, loss) = (p[k][i], &mut loss);
            compare(
                dp[k][i],
                Box::new(move |by| {
                    p[k][i] = first + by;
                    loss(&p, x, weight)
                }),
            );
        }
    }
    for i in 0..weight.len() {
        let mut weight = weight.to_vec();
        let (first, loss) = (weight[i], &mut loss);
        compare(
            dw[i],
            Box::new(move |by| {
                weight[i] = first + by;
                loss(p, x, &weight)
            }),
        );
    }
    worst
}

/// The spikes of `model` for `x` `[T, n]`.
fn simulated<M: NeuronModel<f64>>(model: &M, x: &[f64], neurons: usize, receptors: usize) -> Vec<f64> {
    let (mut state, mut set) = (model.state(neurons).unwrap(), SpikeSet::new(neurons));
    let mut spikes = Vec::new();
    for x in x.chunks(neurons) {
        let input = [x, &vec![0.0; neurons * (receptors - 1)]].concat();
        model.step(&mut state, &input, &mut set).unwrap();
        spikes.extend((0..neurons as u32).map(|i| f64::from(u8::from(set.indices().contains(&i)))));
    }
    spikes
}

/// The same for neurons of two variables.
#[test]
fn spikes_of_adaptive_and_of_current_based_neurons() {
    let sequence = Sequence { steps: 200, batch: 1, neurons: 5 };
    let x: Vec<f64> = numbers(sequence.len(), 4).iter().map(|x| 2.0 * x + 2.5).collect();
    for reset in [Reset::Hard, Reset::Subtract] {
        let scan = Scan { t_ref: 2, ..Scan::default() };
        let parameters = AlifParameters { reset, ..AlifParameters::default() };
        let decay = (-1.0_f64 / 20.0).exp();
        let p = [decay, 1.0 - decay, 0.0, 1.0, 0.0, (-1.0_f64 / 200.0).exp(), 0.18];
        let mut spikes = vec![0.0; sequence.len()];
        let p: [&[f64]; 7] = std::array::from_fn(|k| &p[k..=k]);
        scan.forward(&AlifDynamics { reset }, sequence, p, [&x], &mut spikes).unwrap();
        let expected = simulated(&Alif::new(parameters, Ms(1.0)).unwrap(), &x, 5, 1);
        assert_eq!(spikes, expected, "{reset:?}");
        assert!(spikes.iter().sum::<f64>() > 20.0);
    }
    let parameters =
        CubaExpParameters { c_m: Pf(10.0), e_l: Mv(0.0), v_th: Mv(1.0), v_reset: Mv(0.0), ..Default::default() };
    let cuba = CubaExp::new(parameters, Ms(1.0)).unwrap();
    // τ_m = 10 ms, τ_syn = 2 ms, R = 1.
    let (decay, decay_syn) = ((-0.1_f64).exp(), (-0.5_f64).exp());
    let gain = (decay - decay_syn) * 2.0 / (10.0 - 2.0);
    let p = [decay, gain, 0.0, 1.0, 0.0, decay_syn];
    let p: [&[f64]; 6] = std::array::from_fn(|k| &p[k..=k]);
    let mut spikes = vec![0.0; sequence.len()];
    let scan = Scan { t_ref: 2, ..Scan::default() };
    scan.forward(&CubaLifDynamics { reset: Reset::Hard }, sequence, p, [&x], &mut spikes).unwrap();
    assert_eq!(spikes, simulated(&cuba, &x, 5, 3));
    assert!(spikes.iter().sum::<f64>() > 20.0);
}

#[test]
fn gradients_are_differences() {
    let sequence = Sequence { steps: 7, batch: 2, neurons: 3 };
    let surrogate: SurrogateKind = serde_json::from_str(r#"{"kind": "sigmoid", "k": 3}"#).unwrap();
    let x = [numbers(sequence.len(), 1).iter().map(|x| 0.6 * x + 0.3).collect::<Vec<f64>>()];
    for reset in [Reset::Hard, Reset::Subtract] {
        for t_ref in [0, 2] {
            let scan = Scan { t_ref, surrogate, smooth: true, ..Scan::default() };
            let p = [0.8, 0.7, 0.1, 0.9, 0.05].map(|x| (0..3).map(|i| x + 0.03 * f64::from(i)).collect::<Vec<f64>>());
            let worst = worst((&LifDynamics { reset }, &scan, sequence), &p, &x);
            assert!(worst < 1e-8, "{reset:?} {t_ref}: {worst}");
            let adaptive =
                [0.8, 0.7, 0.1, 0.6, 0.05, 0.9, 0.4].map(|x| (0..3).map(|i| x + 0.01 * f64::from(i)).collect());
            let found = self::worst((&AlifDynamics { reset }, &scan, sequence), &adaptive, &x);
            assert!(found < 1e-8, "alif, {reset:?} {t_ref}: {found}");
            let current = [0.8, 0.7, 0.1, 0.6, 0.05, 0.7].map(|x| (0..3).map(|i| x + 0.01 * f64::from(i)).collect());
            let found = self::worst((&CubaLifDynamics { reset }, &scan, sequence), &current, &x);
            assert!(found < 1e-8, "cuba-lif, {reset:?} {t_ref}: {found}");
            let weight: Vec<f64> = numbers(9, 5).iter().map(|x| 0.5 * x).collect();
            let worst = worst_recurrent((&LifDynamics { reset }, &scan, sequence), &p, &x, &weight);
            assert!(worst < 1e-8, "recurrent, {reset:?} {t_ref}: {worst}");
        }
    }
}
