//! Every connection, delay and builder of the crate obeys every law; hostile values are refused, never a panic.

use nl_synapse::connectivity::{
    Autapses, Edges, Fields, Lattice, Pairs, all_to_all, fixed_in_degree, fixed_out_degree, fixed_probability, lateral,
    local,
};
use nl_synapse::laws::{self, Case, Config, Release, Subject, Transport};
use nl_synapse::{
    AllButSelf, Connection, Convolution, Csr, Delay, DelayLine, Delayed, Dense, Error, Real, Sparse, TsodyksMarkram,
    TsodyksMarkramParameters, Uniform, Weights, connection_laws,
};
use nl_units::Ms;

fn csr(case: &Case) -> Csr {
    Csr::from_edges(case.pre, case.post, &case.edges()).unwrap()
}

fn sparse<F: Real>(case: &Case) -> Subject<F, Sparse<F>> {
    Subject::wired(case, Sparse::new(csr(case), case.weights()).unwrap())
}

fn uniform<F: Real>(case: &Case) -> Subject<F, Uniform<F>> {
    let weight = F::from_f64(0.1 * (case.choice % 7) as f64 - 0.3);
    let synapses = case.synapses.iter().map(|s| (s.0, s.1, weight)).collect();
    Subject { connection: Uniform::new(csr(case), weight).unwrap(), synapses }
}

/// All pairs; the weight of a pair is that of its last synapse in the case, or 0.
fn dense<F: Real>(case: &Case) -> Subject<F, Dense<F>> {
    let mut weights = vec![F::ZERO; case.pre * case.post];
    for &(i, j, w) in &case.synapses {
        weights[i as usize * case.post + j as usize] = F::from_f64(w);
    }
    let pairs = (0..case.pre).flat_map(|i| (0..case.post).map(move |j| (i as u32, j as u32)));
    let synapses = pairs.zip(&weights).map(|((i, j), &w)| (i, j, w)).collect();
    Subject { connection: Dense::new(case.pre, case.post, weights).unwrap(), synapses }
}

fn all_but_self(case: &Case) -> Subject<f32, AllButSelf<f32>> {
    let n = case.pre as u32;
    let weight = 0.1 * (case.choice % 7) as f32 - 0.3;
    let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).filter(|(i, j)| i != j);
    let synapses = pairs.map(|(i, j)| (i, j, weight)).collect();
    Subject { connection: AllButSelf::new(case.pre, weight).unwrap(), synapses }
}

/// A convolution from a line of up to 5 neurons, with the weight of each place of the kernel.
fn convolution(case: &Case) -> Subject<f64, Convolution<f64>> {
    let (stride, padding) = (1 + case.choice as usize % 2, case.choice as usize / 2 % 2);
    let fields = Fields {
        in_channels: 1,
        out_channels: 2,
        size: [1, case.pre],
        kernel: [1, 2.min(case.pre)],
        stride: [1, stride],
        padding: [0, padding.min(case.pre - 1)],
    };
    let kernel = fields.kernel[1];
    let weights: Vec<f64> = (0..2 * kernel).map(|k| 0.1 * (k + case.post) as f64).collect();
    let connection = Convolution::new(fields, weights.clone()).unwrap();
    let width = connection.output()[1];
    let mut synapses = Vec::new();
    for (o, x, k) in (0..2).flat_map(|o| (0..width).flat_map(move |x| (0..kernel).map(move |k| (o, x, k)))) {
        if let Some(i) = (x * stride + k).checked_sub(fields.padding[1]).filter(|&i| i < case.pre) {
            synapses.push((i as u32, (o * width + x) as u32, weights[o * kernel + k]));
        }
    }
    Subject { connection, synapses }
}

connection_laws!(weights sparse_f32, sparse::<f32>);
connection_laws!(weights sparse_f64, sparse::<f64>);
connection_laws!(weights dense_f32, dense::<f32>);
connection_laws!(weights dense_f64, dense::<f64>);
connection_laws!(wired uniform_f32, uniform::<f32>);
connection_laws!(wired uniform_f64, uniform::<f64>);
connection_laws!(lateral_inhibition, all_but_self);
connection_laws!(shared_kernels, convolution);

/// Shared weights obey the laws of weights that do not speak of a pre neuron's own.
#[test]
fn shared_kernels_have_views() {
    laws::in_place(&convolution, &Config::default()).unwrap();
    laws::views(&convolution, &Config::default()).unwrap();
}

fn transport(case: &Case) -> Transport {
    let synapses = Delayed::split(&csr(case), &case.weights::<f64>(), &case.delays).unwrap();
    let written = serde_json::to_string(&synapses).unwrap();
    let synapses: Delayed<Sparse<f64>> = serde_json::from_str(&written).unwrap();
    let mut line = synapses.pre_line().unwrap();
    let post = case.post;
    Box::new(move |spikes| {
        let mut input = vec![0.0; post];
        synapses.deliver(&line, &mut input)?;
        line.push(spikes);
        Ok(input)
    })
}

#[test]
fn delayed_spikes_arrive_on_time() {
    laws::arrival(&transport, &Config::default()).unwrap();
    laws::at_synapse(
        &|delay| {
            let synapses = Delayed::uniform((), delay);
            let (mut pre, mut post) = (synapses.pre_line().unwrap(), synapses.post_line().unwrap());
            Box::new(move |now, post_now| {
                pre.push(now);
                post.push(post_now);
                Ok((delay.pre_at_synapse(&pre)?.to_vec(), delay.post_at_synapse(&post)?.to_vec()))
            })
        },
        &Config::default(),
    )
    .unwrap();
}

fn release<F: Real>(parameters: TsodyksMarkramParameters, dt: Ms) -> Release {
    let synapses = TsodyksMarkram::<F>::new(parameters, dt).unwrap();
    let mut state = synapses.state(3).unwrap();
    let mut scale = Vec::new();
    Box::new(move |step| {
        synapses.release(&mut state, step, &[1], &mut scale).unwrap();
        assert_eq!(scale, [state.u()[1] * state.x()[1]]);
        (state.u()[1].to_f64(), state.x()[1].to_f64())
    })
}

#[test]
fn short_term_plasticity_follows_its_equations() {
    for family in [release::<f32>, release::<f64>] {
        laws::bounded(&family, &Config::default()).unwrap();
        laws::steady_state(&family, &Config::default()).unwrap();
        laws::differential_form(&family, &Config::default()).unwrap();
    }
}

#[test]
fn degrees_and_probabilities_are_as_asked_for() {
    laws::in_degree(&fixed_in_degree, &Config::default()).unwrap();
    laws::out_degree(&fixed_out_degree, &Config::default()).unwrap();
    laws::probability(&fixed_probability, &Config::default()).unwrap();
}

#[test]
fn the_document_states_every_law() {
    let document = include_str!("../../../docs/laws-of-synapses.md");
    for (name, statement) in laws::ALL {
        let row = document.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("`{name}` is missing"));
        assert!(row.ends_with(&format!("| {statement} |")), "another statement than \"{statement}\": {row}");
    }
}

mod hostile {
    //! A value is used or refused with a message, whatever it is.

    use super::*;
    use nl_random::Streams;
    use nl_synapse::connectivity::{MexicanHat, Multapses, mexican_hat, neighbours, one_to_one};
    use nl_synapse::{Bounds, Conductance, Nmda, Norm, Normalisation, Receptor, WeightInit};
    use proptest::prelude::*;

    /// Sizes that fit, or that no memory holds; nothing between, so that refusing costs nothing.
    fn size() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 0..=9_usize, 1 => Just(1 << 32), 1 => Just(usize::MAX), 1 => Just(usize::MAX / 2 + 1)]
    }

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            2 => -3.0..3.0,
            1 => proptest::sample::select(vec![
                0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324,
                1e300, -1e300, 4_294_967_296.0, 1e19,
            ]),
        ]
    }

    fn index() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 0..=9_u32, 1 => Just(u32::MAX)]
    }

    /// An error must say what is wrong and how to mend it.
    fn told<T>(result: Result<T, Error>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                assert!(error.to_string().len() > 20, "{error}");
                None
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn builders(pre in size(), post in size(), recurrent: bool, forbid: bool, k in size(), p in number()) {
            let autapses = if forbid { Autapses::Forbid } else { Autapses::Allow };
            let pairs = if recurrent { Pairs::recurrent(pre, autapses) } else { Pairs::between(pre, post) };
            let mut rng = Streams::new(1).rng("hostile", 0, 0);
            told(one_to_one(pre));
            told(all_to_all(pairs));
            told(fixed_probability(pairs, p, &mut rng));
            for multapses in [Multapses::Allow, Multapses::Forbid] {
                told(fixed_in_degree(pairs, k, multapses, &mut rng));
                told(fixed_out_degree(pairs, k, multapses, &mut rng));
            }
        }

        #[test]
        fn grids(height in size(), width in size(), torus: bool, cut_off in number(), a in number(), sigma in number()) {
            let edges = if torus { Edges::Torus } else { Edges::Open };
            let lattice = Lattice { height, width, edges };
            told(neighbours(lattice, cut_off, Autapses::Forbid));
            told(lateral(lattice, cut_off, Autapses::Allow, |d| a / d));
            let hat = MexicanHat { a_exc: a, sigma_exc: sigma, a_inh: 1.0, sigma_inh: 2.0, cut_off };
            told(mexican_hat::<f32>(lattice, &hat, Autapses::Allow));
        }

        #[test]
        fn fields(channels in (size(), size()), dims in (size(), size()), kernel in (size(), size()),
                  stride in (size(), size()), padding in (size(), size()), weights in 0..9_usize) {
            let fields = Fields {
                in_channels: channels.0,
                out_channels: channels.1,
                size: dims.into(),
                kernel: kernel.into(),
                stride: stride.into(),
                padding: padding.into(),
            };
            if let Some(csr) = told(local(&fields)) {
                prop_assert_eq!(csr.synapses(), fields.synapses().unwrap());
            }
            told(Convolution::new(fields, vec![1.0_f32; weights]));
        }

        #[test]
        fn lists(pre in size(), post in size(), edges in proptest::collection::vec((index(), index()), 0..6),
                 offsets in proptest::collection::vec(index(), 0..6), w in number()) {
            if let Some(csr) = told(Csr::from_edges(pre, post, &edges)) {
                prop_assert_eq!(csr.synapses(), edges.len());
                told(csr.restrict(1..post));
                told(Uniform::new(csr.clone(), w));
                told(Sparse::new(csr.clone(), vec![w; edges.len()]));
                told(Delayed::split(&csr, &vec![w; edges.len()], &vec![Delay::new(1, 0).unwrap(); pre]));
            }
            let targets = edges.iter().map(|e| e.1).collect();
            told(Csr::new(pre, post, offsets, targets));
            told(Dense::new(pre, post, vec![w as f32; 4]));
            told(AllButSelf::new(pre, w));
        }

        #[test]
        fn numbers(a in number(), b in number(), c in number(), d in number(), n in size()) {
            let mut rng = Streams::new(1).rng("hostile", 0, 0);
            for init in [
                WeightInit::Constant { value: a },
                WeightInit::Uniform { low: a, high: b },
                WeightInit::Normal { mean: a, std: b },
                WeightInit::ClippedNormal { mean: a, std: b, low: c, high: d },
                WeightInit::TruncatedNormal { mean: a, std: b, low: c, high: d },
            ] {
                // A list that no memory holds is refused at once; of the rest only a few are drawn.
                if let Some(weights) = told(init.sample::<f32>(if n > 9 { usize::MAX } else { n.min(2) }, &mut rng)) {
                    prop_assert!(weights.iter().all(|w| w.is_finite()));
                }
            }
            if let Some(bounds) = told(Bounds::new(a, b)) {
                prop_assert!(c.is_nan() || bounds.contains(bounds.clamp(c)));
            }
            told(Normalisation::new(Norm::L2, a));
            told(Delay::from_ms(Ms(a), Ms(b), Ms(c)));
            told(DelayLine::new(if a > 0.0 { 3 } else { 0 }));
            for receptor in [
                Receptor::<f32>::exponential(Ms(a), Ms(b)),
                Receptor::alpha(Ms(a), Ms(b)),
                Receptor::dual_exponential(Ms(a), Ms(b), Ms(c)),
            ] {
                if let Some(receptor) = told(receptor) {
                    told(receptor.state(n.max(10))).map_or(Ok(()), |mut state| receptor.step(&mut state, &[1.0])).ok();
                    let mut state = receptor.state(2).unwrap();
                    for _ in 0..3 {
                        receptor.step(&mut state, &[1.0, 0.0]).unwrap();
                    }
                    prop_assert!(state.g().iter().all(|g| g.is_finite()));
                }
            }
            told(Conductance::new(nl_units::Mv(a)));
            told(Nmda::new(nl_units::Mv(a), b));
            let p = TsodyksMarkramParameters { utilisation: a, tau_rec: Ms(b), tau_fac: Ms(c) };
            if let Some(synapses) = told(TsodyksMarkram::<f32>::new(p, Ms(d))) {
                told(synapses.state(n));
                let mut state = synapses.state(1).unwrap();
                let mut scale = Vec::new();
                for step in [0, 1, 1000, u64::MAX - 1] {
                    synapses.release(&mut state, step, &[0], &mut scale).unwrap();
                    prop_assert!((0.0..=1.0).contains(&scale[0]));
                }
            }
        }
    }

    /// 2³² synapses are refused before a byte is allocated for them: this test would not end otherwise.
    #[test]
    fn a_list_of_2_to_the_32_is_refused_at_once() {
        let mut rng = Streams::new(1).rng("hostile", 0, 0);
        let pairs = Pairs::between(1 << 16, 1 << 16);
        let too_many = |result: Result<Csr, Error>| {
            let error = result.unwrap_err();
            assert!(matches!(error, Error::TooMany { .. }), "{error}");
            assert!(error.to_string().contains("4294967295"), "{error}");
        };
        too_many(all_to_all(pairs));
        too_many(fixed_probability(pairs, 1.0, &mut rng));
        too_many(fixed_in_degree(pairs, 1 << 16, Multapses::Allow, &mut rng));
        too_many(fixed_out_degree(pairs, 1 << 16, Multapses::Allow, &mut rng));
        assert!(matches!(Dense::new(1 << 16, 1 << 16, vec![0.0_f32]), Err(Error::TooMany { .. })));
        let big = Fields {
            in_channels: 1 << 11,
            out_channels: 1 << 11,
            size: [32, 32],
            kernel: [1, 1],
            stride: [1, 1],
            padding: [0, 0],
        };
        too_many(local(&big));
    }

    #[test]
    fn files_with_impossible_connections_are_refused() {
        for text in [
            r#"{"csr":{"pre":1,"post":1,"offsets":[0,1],"targets":[7]},"weights":[1.0]}"#,
            r#"{"csr":{"pre":1,"post":1,"offsets":[0,1],"targets":[0]},"weights":[]}"#,
            r#"{"csr":{"pre":1,"post":1,"offsets":[0,2],"targets":[0]},"weights":[1.0]}"#,
        ] {
            assert!(serde_json::from_str::<Sparse<f32>>(text).is_err(), "{text}");
        }
        assert!(serde_json::from_str::<Dense<f32>>(r#"{"pre":2,"post":2,"weights":[1.0]}"#).is_err());
        assert!(
            serde_json::from_str::<AllButSelf<f32>>(r#"{"n":2,"weight":1.0,"targets":{"start":0,"end":3}}"#).is_err()
        );
        assert!(serde_json::from_str::<Delay>("[0, 0]").is_err());
        assert!(serde_json::from_str::<Nmda>(r#"{"e_rev": 0.0, "mg": -3.57}"#).is_err());
        for line in [r#"{"ring":[],"next":0}"#, r#"{"ring":[[]],"next":1}"#] {
            assert!(serde_json::from_str::<DelayLine>(line).is_err(), "{line}");
        }
    }

    /// A neuron beyond the population is a documented panic, never another neuron's weight.
    #[test]
    fn views_of_nobody_panic() {
        fn check<W: Weights<f64> + Clone + std::panic::RefUnwindSafe + std::panic::UnwindSafe>(synapses: &W) {
            for extra in [0, 1, 1 << 20] {
                let (pre, post) = ((synapses.pre() + extra) as u32, (synapses.post() + extra) as u32);
                let mut own = synapses.clone();
                assert!(std::panic::catch_unwind(move || own.for_outgoing(pre, |_, _, _| ())).is_err());
                let mut own = synapses.clone();
                assert!(std::panic::catch_unwind(move || own.for_incoming(post, |_, _, _| ())).is_err());
            }
        }
        check(&Sparse::new(Csr::from_edges(2, 3, &[(0, 1), (1, 2)]).unwrap(), vec![1.0, 2.0]).unwrap());
        check(&Dense::new(2, 3, vec![1.0; 6]).unwrap());
        let fields =
            Fields { in_channels: 2, out_channels: 2, size: [2, 3], kernel: [1, 2], stride: [1, 1], padding: [0, 0] };
        check(&Convolution::new(fields, vec![1.0; 8]).unwrap());
    }

    #[test]
    fn weights_are_where_rules_expect_them() {
        let mut synapses = Sparse::new(Csr::from_edges(1, 1, &[(0, 0)]).unwrap(), vec![1.0_f32]).unwrap();
        synapses.for_incoming(0, |_, _, w| *w = 2.0);
        let mut input = [0.0];
        synapses.deliver(&[0], &mut input).unwrap();
        assert_eq!(input, [2.0]);
    }
}
