//! Every model obeys every law, but for the exemptions stated with it.
//!
//! Laws of dt build a model with coarser and finer steps, where t_ref is put on the grid of each.

use nl_neuron::integrate::Method;
use nl_neuron::laws::{Convergence, Knobs, Subject, lif_closed_form};
use nl_neuron::*;

fn lif_parameters(knobs: &Knobs) -> LifParameters {
    LifParameters {
        tau_m: Ms(knobs.jitter(0, 10.0)),
        v_th: Mv(-55.0 + knobs.shift(1, 3.0)),
        v_reset: Mv(-70.0 + knobs.shift(2, 5.0)),
        t_ref: Ms(2.0 + knobs.shift(3, 2.0)),
        ..LifParameters::default()
    }
}

fn lif<F: Real>(knobs: &Knobs) -> Subject<F, Lif<F>> {
    let p = lif_parameters(knobs);
    Subject::new(move |dt| Lif::new(LifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -400.0..=900.0)
        .t_ref(p.t_ref)
        .quiet(200.0)
        .convergence(Convergence::Exact)
}

fn lif_subtract(knobs: &Knobs) -> Subject<f64, Lif<f64>> {
    let p = LifParameters { reset: Reset::Subtract, ..lif_parameters(knobs) };
    Subject::new(move |dt| Lif::new(LifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -400.0..=900.0)
        .t_ref(p.t_ref)
        .quiet(200.0)
        .convergence(Convergence::Exact)
}

fn lif_jumps(knobs: &Knobs) -> Subject<f64, Lif<f64>> {
    let p = LifParameters { drive: Drive::Jump, ..lif_parameters(knobs) };
    Subject::new(move |dt| Lif::new(LifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -5.0..=8.0)
        .t_ref(p.t_ref)
        .quiet(0.05)
}

#[test]
fn lif_spikes_at_the_times_of_the_closed_form() {
    let config = laws::Config::default();
    lif_closed_form(&lif::<f64>, &config, lif_parameters).unwrap_or_else(|violation| panic!("{violation}"));
    lif_closed_form(&lif::<f32>, &config, lif_parameters).unwrap_or_else(|violation| panic!("{violation}"));
}

fn integrate_and_fire<F: Real>(knobs: &Knobs) -> Subject<F, IntegrateAndFire<F>> {
    let p = IntegrateAndFireParameters { c_m: Pf(knobs.jitter(0, 250.0)), ..IntegrateAndFireParameters::default() };
    Subject::new(
        move |dt| IntegrateAndFire::new(IntegrateAndFireParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        -400.0..=900.0,
    )
    .t_ref(p.t_ref)
    .quiet(5.0) // it has no leak: 160 ms of it must stay below the threshold
    .convergence(Convergence::Exact)
}

fn cuba_exp<F: Real>(knobs: &Knobs) -> Subject<F, CubaExp<F>> {
    let p = CubaExpParameters {
        tau_m: Ms(knobs.jitter(0, 10.0)),
        tau_syn_ex: Ms(knobs.jitter(1, 2.0)),
        tau_syn_in: Ms(knobs.jitter(2, 5.0)),
        ..CubaExpParameters::default()
    };
    Subject::new(
        move |dt| CubaExp::new(CubaExpParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [0.0..=500.0, -500.0..=0.0, -400.0..=900.0],
    )
    .current(2)
    .t_ref(p.t_ref)
    .quiet(200.0)
    .convergence(Convergence::Exact)
}

fn cuba_alpha<F: Real>(knobs: &Knobs) -> Subject<F, CubaAlpha<F>> {
    let p = CubaAlphaParameters {
        tau_m: Ms(knobs.jitter(0, 10.0)),
        tau_syn_ex: Ms(knobs.jitter(1, 2.0)),
        tau_syn_in: Ms(knobs.jitter(2, 5.0)),
        ..CubaAlphaParameters::default()
    };
    Subject::new(
        move |dt| CubaAlpha::new(CubaAlphaParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [0.0..=500.0, -500.0..=0.0, -400.0..=900.0],
    )
    .current(2)
    .t_ref(p.t_ref)
    .quiet(200.0)
    .convergence(Convergence::Exact)
}

fn coba<F: Real>(knobs: &Knobs) -> Subject<F, Coba<F>> {
    let p = CobaParameters {
        tau_syn_ex: Ms(knobs.jitter(0, 5.0)),
        tau_syn_in: Ms(knobs.jitter(1, 10.0)),
        ..CobaParameters::default()
    };
    Subject::new(
        move |dt| Coba::new(CobaParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [0.0..=5.0, 0.0..=20.0, -400.0..=900.0],
    )
    .current(2)
    .t_ref(p.t_ref)
    .quiet(150.0)
}

fn alif<F: Real>(knobs: &Knobs) -> Subject<F, Alif<F>> {
    let p =
        AlifParameters { tau_m: Ms(knobs.jitter(0, 20.0)), tau_a: Ms(knobs.jitter(1, 200.0)), ..Default::default() };
    Subject::new(move |dt| Alif::new(AlifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -2.0..=4.0)
        .t_ref(p.t_ref)
        .quiet(0.5)
        .convergence(Convergence::Exact)
}

fn mat2<F: Real>(knobs: &Knobs) -> Subject<F, Mat2<F>> {
    let p = Mat2Parameters { tau_m: Ms(knobs.jitter(0, 5.0)), tau_1: Ms(knobs.jitter(1, 10.0)), ..Default::default() };
    Subject::new(
        move |dt| Mat2::new(Mat2Parameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [0.0..=300.0, -300.0..=0.0, -400.0..=1500.0],
    )
    .current(2)
    .t_ref(p.t_ref)
    .quiet(200.0)
    .convergence(Convergence::Exact)
}

fn srm0<F: Real>(knobs: &Knobs) -> Subject<F, Srm0<F>> {
    let p =
        Srm0Parameters { tau_m: Ms(knobs.jitter(0, 10.0)), tau_eta: Ms(knobs.jitter(1, 10.0)), ..Default::default() };
    Subject::new(
        move |dt| Srm0::new(Srm0Parameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [-200.0..=500.0, -400.0..=900.0],
    )
    .current(1)
    .t_ref(p.t_ref)
    .quiet(200.0)
    .convergence(Convergence::Exact)
}

fn gif<F: Real>(knobs: &Knobs) -> Subject<F, Gif<F>> {
    let p = GifParameters {
        v_reset: Mv(-55.0 + knobs.shift(0, 5.0)),
        tau_sfa: vec![Ms(100.0)],
        q_sfa: vec![Mv(2.0)],
        tau_stc: vec![Ms(50.0)],
        q_stc: vec![Pa(20.0)],
        ..GifParameters::default()
    };
    let t_ref = p.t_ref;
    Subject::new(
        move |dt| Gif::new(GifParameters { t_ref: t_ref.on_grid(dt), ..p.clone() }, dt),
        [0.0..=100.0, -100.0..=0.0, -100.0..=400.0],
    )
    .current(2)
    .t_ref(t_ref)
    .quiet(50.0)
    .convergence(Convergence::Exact)
}

fn diehl_cook<F: Real>(knobs: &Knobs) -> Subject<F, DiehlCook<F>> {
    let p = DiehlCookParameters { tau_m: Ms(knobs.jitter(0, 100.0)), ..DiehlCookParameters::default() };
    Subject::new(
        move |dt| DiehlCook::new(DiehlCookParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [0.0..=1.0, 0.0..=1.0, -50.0..=200.0],
    )
    .current(2)
    .t_ref(p.t_ref)
    .quiet(5.0)
}

fn qif<F: Real>(knobs: &Knobs) -> Subject<F, Qif<F>> {
    let p = QifParameters { tau_m: Ms(knobs.jitter(0, 10.0)), t_ref: Ms(2.0), ..QifParameters::default() };
    Subject::new(move |dt| Qif::new(QifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -200.0..=500.0)
        .t_ref(p.t_ref)
        .quiet(20.0)
        .convergence(Convergence::Order(4))
}

fn eif<F: Real>(knobs: &Knobs) -> Subject<F, Eif<F>> {
    let p = EifParameters { g_l: Ns(knobs.jitter(0, 20.0)), ..EifParameters::default() };
    Subject::new(move |dt| Eif::new(EifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -300.0..=600.0)
        .t_ref(p.t_ref)
        .quiet(10.0)
        .convergence(Convergence::Order(4))
}

fn eif_rk2(knobs: &Knobs) -> Subject<f64, Eif<f64>> {
    let p = EifParameters { g_l: Ns(knobs.jitter(0, 20.0)), method: Method::Rk2, ..EifParameters::default() };
    Subject::new(move |dt| Eif::new(EifParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -300.0..=600.0)
        .t_ref(p.t_ref)
        .quiet(10.0)
        .convergence(Convergence::Order(2))
}

fn adex<F: Real>(knobs: &Knobs) -> Subject<F, AdEx<F>> {
    let p = AdExParameters { a: Ns(knobs.jitter(0, 4.0)), tau_w: Ms(knobs.jitter(1, 144.0)), ..Default::default() };
    Subject::new(move |dt| AdEx::new(AdExParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -800.0..=2500.0)
        .t_ref(p.t_ref)
        .quiet(300.0)
        .convergence(Convergence::Order(4))
}

fn adex_single(knobs: &Knobs) -> Subject<f32, AdEx<f32>> {
    let p = AdExParameters { a: Ns(knobs.jitter(0, 4.0)), t_ref: Ms(1.0), method: Method::Euler, ..Default::default() };
    Subject::new(move |dt| AdEx::new(AdExParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -800.0..=2500.0)
        .t_ref(p.t_ref)
        .quiet(300.0)
}

fn izhikevich_of<F: Real>(preset: IzhikevichPreset, knobs: &Knobs) -> Subject<F, Izhikevich<F>> {
    let p = IzhikevichParameters { t_ref: Ms(knobs.shift(0, 1.0).max(0.0)).on_grid(Ms(0.1)), ..preset.parameters() };
    Subject::new(move |dt| Izhikevich::new(IzhikevichParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -10.0..=30.0)
        .t_ref(p.t_ref)
        .quiet(0.2)
        .lateness(6.0)
}

fn izhikevich_rs<F: Real>(knobs: &Knobs) -> Subject<F, Izhikevich<F>> {
    izhikevich_of(IzhikevichPreset::Rs, knobs)
}

fn izhikevich_ch(knobs: &Knobs) -> Subject<f64, Izhikevich<f64>> {
    izhikevich_of(IzhikevichPreset::Ch, knobs)
}

fn izhikevich_rz(knobs: &Knobs) -> Subject<f64, Izhikevich<f64>> {
    izhikevich_of(IzhikevichPreset::Rz, knobs)
}

fn izhikevich_euler(knobs: &Knobs) -> Subject<f32, Izhikevich<f32>> {
    let p = IzhikevichParameters { a: knobs.jitter(0, 0.02), scheme: IzhikevichScheme::Euler, ..Default::default() };
    Subject::new(move |dt| Izhikevich::new(IzhikevichParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt), -10.0..=30.0)
        .t_ref(p.t_ref)
        .quiet(0.2)
}

fn hodgkin_huxley<F: Real>(knobs: &Knobs) -> Subject<F, HodgkinHuxley<F>> {
    let p = HodgkinHuxleyParameters { g_l: knobs.jitter(0, 0.3), ..HodgkinHuxleyParameters::default() };
    Subject::new(
        move |dt| HodgkinHuxley::new(HodgkinHuxleyParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        -10.0..=30.0,
    )
    .t_ref(p.t_ref)
    .quiet(1.0)
    .lateness(15.0)
}

fn hodgkin_huxley_rk4(_: &Knobs) -> Subject<f64, HodgkinHuxley<f64>> {
    let p = HodgkinHuxleyParameters { method: Method::Rk4, ..HodgkinHuxleyParameters::default() };
    Subject::new(
        move |dt| HodgkinHuxley::new(HodgkinHuxleyParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        -2.0..=30.0,
    )
    .dt(Ms(0.025))
    .steps(800)
    .t_ref(p.t_ref)
    .quiet(1.0)
    .convergence(Convergence::Order(4))
}

fn traub_miles_of<F: Real>(e_l: f64, knobs: &Knobs) -> Subject<F, TraubMiles<F>> {
    let tau_syn_ex = Ms(knobs.jitter(0, 5.0));
    let p = TraubMilesParameters { e_l: Mv(e_l), tau_syn_ex, ..TraubMilesParameters::default() };
    Subject::new(
        move |dt| TraubMiles::new(TraubMilesParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        [0.0..=6.0, 0.0..=20.0, -200.0..=600.0],
    )
    .current(2)
    .t_ref(p.t_ref)
    .quiet(10.0)
    .lateness(15.0)
}

fn traub_miles<F: Real>(knobs: &Knobs) -> Subject<F, TraubMiles<F>> {
    traub_miles_of(-70.0, knobs)
}

fn traub_miles_benchmark(knobs: &Knobs) -> Subject<f64, TraubMiles<f64>> {
    traub_miles_of(-60.0, knobs)
}

fn morris_lecar_1(_: &Knobs) -> Subject<f64, MorrisLecar<f64>> {
    let p = MorrisLecarParameters { method: Method::Rk4, ..MorrisLecarParameters::type_1() };
    Subject::new(
        move |dt| MorrisLecar::new(MorrisLecarParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        -10.0..=90.0,
    )
    .dt(Ms(0.3))
    .quiet(20.0)
    .convergence(Convergence::Order(4))
}

fn morris_lecar_2<F: Real>(knobs: &Knobs) -> Subject<F, MorrisLecar<F>> {
    let p = MorrisLecarParameters { phi: knobs.jitter(0, 0.04), t_ref: Ms(10.0), ..MorrisLecarParameters::type_2() };
    Subject::new(
        move |dt| MorrisLecar::new(MorrisLecarParameters { t_ref: p.t_ref.on_grid(dt), ..p }, dt),
        -50.0..=150.0,
    )
    .dt(Ms(0.3))
    .t_ref(p.t_ref.on_grid(Ms(0.3)))
    .quiet(20.0)
    .lateness(15.0)
}

neuron_laws!(mod lif_laws, lif::<f64>);
neuron_laws!(mod lif_single_laws, lif::<f32>);
neuron_laws!(mod lif_subtract_laws, lif_subtract);
neuron_laws!(mod lif_jumps_laws, lif_jumps, exempt: [
    Order = "a jump in every step is another input at another dt",
    Refinement = "a jump in every step is another input at another dt",
]);
neuron_laws!(mod integrate_and_fire_laws, integrate_and_fire::<f64>);
neuron_laws!(mod cuba_exp_laws, cuba_exp::<f64>);
neuron_laws!(mod cuba_alpha_laws, cuba_alpha::<f64>);
neuron_laws!(mod coba_laws, coba::<f64>);
neuron_laws!(mod alif_laws, alif::<f64>);
neuron_laws!(mod mat2_laws, mat2::<f64>);
neuron_laws!(mod srm0_laws, srm0::<f64>);
neuron_laws!(mod gif_laws, gif::<f64>, exempt: [
    Permutation = "its draws belong to a neuron's place in the population",
    Splitting = "its draws belong to a neuron's place in the population",
    TimeShift = "its draws belong to a step",
    Refinement = "it draws once a step: another dt, other draws",
]);
neuron_laws!(mod diehl_cook_laws, diehl_cook::<f64>);
neuron_laws!(mod qif_laws, qif::<f64>);
neuron_laws!(mod eif_laws, eif::<f64>);
neuron_laws!(mod eif_rk2_laws, eif_rk2);
neuron_laws!(mod adex_laws, adex::<f64>);
neuron_laws!(mod adex_single_laws, adex_single);
neuron_laws!(mod izhikevich_rs_laws, izhikevich_rs::<f64>);
neuron_laws!(mod izhikevich_ch_laws, izhikevich_ch, exempt: [
    Monotone = "it fires in bursts: a stronger current may shorten a burst",
]);
neuron_laws!(mod izhikevich_rz_laws, izhikevich_rz);
neuron_laws!(mod izhikevich_euler_laws, izhikevich_euler);
neuron_laws!(mod hodgkin_huxley_laws, hodgkin_huxley::<f64>);
neuron_laws!(mod hodgkin_huxley_rk4_laws, hodgkin_huxley_rk4);
neuron_laws!(mod hodgkin_huxley_single_laws, hodgkin_huxley::<f32>);
neuron_laws!(mod traub_miles_laws, traub_miles::<f64>);
neuron_laws!(mod traub_miles_benchmark_laws, traub_miles_benchmark, exempt: [
    Silence = "with the benchmark's leak it fires without input",
    TimeShift = "with the benchmark's leak it never rests",
]);
neuron_laws!(mod morris_lecar_1_laws, morris_lecar_1);
neuron_laws!(mod morris_lecar_2_laws, morris_lecar_2::<f64>);

/// Single precision is where slow decays are lost: every model once more.
#[test]
fn slow_decays_survive_single_precision() {
    fn check<M: NeuronModel<f32>>(family: impl Fn(&Knobs) -> Subject<f32, M>) {
        laws::slow_decay(&family, &laws::Config::default()).unwrap_or_else(|violation| panic!("{violation}"));
    }
    check(integrate_and_fire);
    check(cuba_exp);
    check(cuba_alpha);
    check(coba);
    check(alif);
    check(mat2);
    check(srm0);
    check(gif);
    check(diehl_cook);
    check(qif);
    check(eif);
    check(adex);
    check(izhikevich_rs);
    check(traub_miles);
    check(morris_lecar_2);
}

#[test]
fn the_document_states_every_law() {
    let document = include_str!("../../../docs/laws-of-neurons.md");
    for law in laws::Law::ALL {
        assert!(document.contains(&format!("| `{}` |", law.name())), "`{}` is missing", law.name());
    }
    for (model, exempt) in [
        ("GIF", gif_laws::EXEMPT),
        ("LIF with jumps", lif_jumps_laws::EXEMPT),
        ("Izhikevich, chattering", izhikevich_ch_laws::EXEMPT),
        ("Traub-Miles, benchmark values", traub_miles_benchmark_laws::EXEMPT),
    ] {
        for (law, reason) in exempt {
            let row = format!("| {model} | `{}` | {reason} |", law.name());
            assert!(document.contains(&row), "missing: {row}");
        }
    }
}
