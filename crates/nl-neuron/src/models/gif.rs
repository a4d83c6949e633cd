//! The generalised integrate-and-fire neuron (GIF) with spike-triggered currents, a moving threshold and escape noise.

use nl_kernels::{Level, Vectorised};
use nl_random::Streams;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::exact::{Leak, exponential, filled, scalar, select};
use crate::receptor::CURRENTS;
use crate::slow::{AnyDecay, carry, decay};
use crate::{Error, Hz, InputChannel, Ms, Mv, NeuronModel, Ns, Pa, Pf, PopulationState, Real, SpikeSet};

const NAME: &str = "gif";

/// Parameters of [`Gif`]; the defaults are NEST's `gif_psc_exp`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GifParameters {
    /// Membrane capacitance; τ_m = C_m / g_L.
    pub c_m: Pf,
    /// Leak conductance.
    pub g_l: Ns,
    /// Leak reversal (resting) potential.
    pub e_l: Mv,
    /// Potential after a spike.
    pub v_reset: Mv,
    /// Threshold V_T* without any spikes.
    pub v_t_star: Mv,
    /// Sharpness of the threshold, Δ_V.
    pub delta_v: Mv,
    /// Rate at V = V_T, λ₀.
    pub lambda_0: Hz,
    /// Absolute refractory period; a whole number of steps, see [`grid`](crate::grid).
    pub t_ref: Ms,
    /// Time constants of the spike-triggered currents η, one for each of `q_stc`.
    pub tau_stc: Vec<Ms>,
    /// What a spike adds to each spike-triggered current (positive: outward, it slows the neuron).
    pub q_stc: Vec<Pa>,
    /// Time constants of the threshold's components γ, one for each of `q_sfa`.
    pub tau_sfa: Vec<Ms>,
    /// What a spike adds to each component of the threshold.
    pub q_sfa: Vec<Mv>,
    /// Time constant of the excitatory current.
    pub tau_syn_ex: Ms,
    /// Time constant of the inhibitory current.
    pub tau_syn_in: Ms,
    /// Constant current.
    pub i_e: Pa,
}

impl Default for GifParameters {
    fn default() -> Self {
        Self {
            c_m: Pf(80.0),
            g_l: Ns(4.0),
            e_l: Mv(-70.0),
            v_reset: Mv(-55.0),
            v_t_star: Mv(-35.0),
            delta_v: Mv(0.5),
            lambda_0: Hz(1.0),
            t_ref: Ms(4.0),
            tau_stc: Vec::new(),
            q_stc: Vec::new(),
            tau_sfa: Vec::new(),
            q_sfa: Vec::new(),
            tau_syn_ex: Ms(2.0),
            tau_syn_in: Ms(2.0),
            i_e: Pa(0.0),
        }
    }
}

/// Generalised integrate-and-fire: C_m V' = −g_L (V − E_L) − Σ η_j + I_ex + I_in + I + I_e, V_T = V_T* + Σ γ_j;
/// hazard λ = λ₀ exp((V − V_T)/Δ_V), a spike with probability p = 1 − e^(−λ dt); then η_j += q_stc, γ_j += q_sfa,
/// V := V_reset held for t_ref; η_j' = −η_j/τ_stc, γ_j' = −γ_j/τ_sfa.
///
/// V is exact with Σ η held over the step at its value from the start of the step, as V_T is (NEST's reading); the
/// synaptic currents as in [`CubaExp`](crate::CubaExp), that is from before the step's jumps (NEST's `gif_psc_exp` uses
/// them from after, one step earlier). The spike draw of neuron i in step k is word i of the ChaCha stream
/// (streams, index, k): [`set_noise`](NeuronModel::set_noise) names it, without which it is stream 0 of seed 0; the state
/// counts the steps. Δ_V → 0 makes the threshold sharp and the neuron deterministic.
///
/// Input: `exc` and `inh` jump the currents (pA; inhibition is a negative number), `current` (pA) is held over the step.
/// Source: Mensi et al., Parameter extraction and classification of three cortical neuron types, 2012;
/// Pozzorini et al., Automated high-throughput characterization of single neurons, 2015.
///
/// ```
/// use nl_neuron::{Gif, GifParameters, Ms, Mv, NeuronModel, SpikeSet};
/// use nl_random::Streams;
///
/// let p = GifParameters { tau_sfa: vec![Ms(100.0)], q_sfa: vec![Mv(5.0)], ..Default::default() };
/// let gif = Gif::<f32>::new(p, Ms(0.1))?;
/// let mut state = gif.state(10)?;
/// gif.set_noise(&mut state, Streams::new(7), 0);
/// let mut spikes = SpikeSet::new(10);
/// let mut input = vec![0.0; 30];
/// input[20..].fill(200.0); // pA into all ten
/// let mut count = 0;
/// for _ in 0..1000 {
///     gif.step(&mut state, &input, &mut spikes)?;
///     count += spikes.len();
/// }
/// assert!(count > 10);
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Gif<F = f32> {
    parameters: GifParameters,
    dt: Ms,
    constants: Constants<F>,
    stc: Vec<Component<F>>,
    sfa: Vec<Component<F>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    leak: Leak<F>,
    v_reset: F,
    v_t_star: F,
    sharpness: F,
    /// λ₀ dt, a number
    rate: F,
    refractory: u32,
    decay_ex: F,
    decay_in: F,
    gain_ex: F,
    gain_in: F,
}

/// One exponential that each spike adds `jump` to.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Component<F> {
    decay: AnyDecay<F>,
    jump: F,
}

/// State of a population of [`Gif`], with the position in its random stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GifState<F> {
    v: Vec<F>,
    i_ex: Vec<F>,
    i_in: Vec<F>,
    /// Σ η and V_T of the last step.
    stc: Vec<F>,
    v_t: Vec<F>,
    /// `[components, n]`
    eta: Vec<F>,
    gamma: Vec<F>,
    /// What rounding has kept out of η and γ; empty where all of their components decay fast enough to do without.
    residue_eta: Vec<F>,
    residue_gamma: Vec<F>,
    refractory: Vec<u32>,
    seed: u64,
    index: u64,
    step: u64,
}

/// Residues of a population of `n` with these components.
fn residues<F: Real>(components: &[Component<F>], n: usize) -> usize {
    if components.iter().any(|component| component.decay.carries) { n * components.len() } else { 0 }
}

/// The components of `tau` and `jump`, checked.
fn components<F: Real>(
    names: [&'static str; 2],
    tau: &[Ms],
    jump: impl ExactSizeIterator<Item = f64>,
    dt: Ms,
) -> Result<Vec<Component<F>>, Error> {
    Error::length(NAME, names[1], tau.len(), jump.len())?;
    tau.iter()
        .zip(jump)
        .map(|(&tau, jump)| {
            Ok(Component { decay: AnyDecay::new(NAME, names[0], tau, dt)?, jump: scalar(NAME, names[1], jump)? })
        })
        .collect()
}

impl<F: Real> Gif<F> {
    /// The model with these parameters and time step.
    ///
    /// # Errors
    /// [`Error::Parameter`] if a value is not finite, a time constant, C_m, g_L, Δ_V or dt not positive, λ₀ or t_ref
    /// negative; [`Error::Length`] if `q_stc` and `tau_stc`, or `q_sfa` and `tau_sfa`, differ in length.
    pub fn new(parameters: GifParameters, dt: Ms) -> Result<Self, Error> {
        let p = &parameters;
        Error::positive(NAME, "dt", dt.0)?;
        Error::positive(NAME, "c_m", p.c_m.0)?;
        Error::positive(NAME, "g_l", p.g_l.0)?;
        Error::positive(NAME, "delta_v", p.delta_v.0)?;
        Error::not_negative(NAME, "lambda_0", p.lambda_0.0)?;
        let tau_m = Ms(p.c_m.0 / p.g_l.0);
        let constants = Constants {
            leak: Leak::new(NAME, dt, tau_m, p.c_m, p.e_l, p.i_e)?,
            v_reset: scalar(NAME, "v_reset", p.v_reset.0)?,
            v_t_star: scalar(NAME, "v_t_star", p.v_t_star.0)?,
            sharpness: scalar(NAME, "1 / delta_v", 1.0 / p.delta_v.0)?,
            rate: scalar(NAME, "lambda_0 dt", p.lambda_0.0 * 1e-3 * dt.0)?,
            refractory: p.t_ref.steps(NAME, "t_ref", dt)?,
            decay_ex: decay(NAME, "tau_syn_ex", p.tau_syn_ex, dt)?,
            decay_in: decay(NAME, "tau_syn_in", p.tau_syn_in, dt)?,
            gain_ex: scalar(NAME, "tau_syn_ex / c_m", exponential(tau_m, p.tau_syn_ex, p.c_m, dt))?,
            gain_in: scalar(NAME, "tau_syn_in / c_m", exponential(tau_m, p.tau_syn_in, p.c_m, dt))?,
        };
        let stc = components(["tau_stc", "q_stc"], &p.tau_stc, p.q_stc.iter().map(|q| q.0), dt)?;
        let sfa = components(["tau_sfa", "q_sfa"], &p.tau_sfa, p.q_sfa.iter().map(|q| q.0), dt)?;
        Ok(Self { parameters, dt, constants, stc, sfa })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &GifParameters {
        &self.parameters
    }
}

impl<F: Real> NeuronModel<F> for Gif<F> {
    type State = GifState<F>;

    fn name(&self) -> &'static str {
        NAME
    }

    fn dt(&self) -> Ms {
        self.dt
    }

    fn receptors(&self) -> &'static [InputChannel] {
        CURRENTS
    }

    fn state(&self, n: usize) -> Result<GifState<F>, Error> {
        Error::population(NAME, n)?;
        Ok(GifState {
            v: filled(NAME, F::from_f64(self.parameters.e_l.0), n)?,
            i_ex: filled(NAME, F::ZERO, n)?,
            i_in: filled(NAME, F::ZERO, n)?,
            stc: filled(NAME, F::ZERO, n)?,
            v_t: filled(NAME, self.constants.v_t_star, n)?,
            eta: filled(NAME, F::ZERO, n * self.stc.len())?,
            gamma: filled(NAME, F::ZERO, n * self.sfa.len())?,
            residue_eta: filled(NAME, F::ZERO, residues(&self.stc, n))?,
            residue_gamma: filled(NAME, F::ZERO, residues(&self.sfa, n))?,
            refractory: filled(NAME, 0, n)?,
            seed: 0,
            index: 0,
            step: 0,
        })
    }

    fn set_noise(&self, state: &mut GifState<F>, streams: Streams, index: u64) {
        state.seed = streams.seed();
        state.index = index;
    }

    fn step(&self, state: &mut GifState<F>, input: &[F], spikes: &mut SpikeSet) -> Result<(), Error> {
        const CHUNK: usize = 256;
        let n = state.v.len();
        Error::state(
            NAME,
            n,
            &[state.i_ex.len(), state.i_in.len(), state.stc.len(), state.v_t.len(), state.refractory.len()],
        )?;
        self.check(n, input, spikes)?;
        Error::length(NAME, "state (made for other components)", n * self.stc.len(), state.eta.len())?;
        Error::length(NAME, "state (made for other components)", n * self.sfa.len(), state.gamma.len())?;
        Error::length(NAME, "state (made for other components)", residues(&self.stc, n), state.residue_eta.len())?;
        Error::length(NAME, "state (made for other components)", residues(&self.sfa, n), state.residue_gamma.len())?;
        let level = Level::current();
        level.dispatch(Sum {
            base: F::ZERO,
            components: &self.stc,
            total: &mut state.stc,
            parts: &mut state.eta,
            residues: &mut state.residue_eta,
        });
        level.dispatch(Sum {
            base: self.constants.v_t_star,
            components: &self.sfa,
            total: &mut state.v_t,
            parts: &mut state.gamma,
            residues: &mut state.residue_gamma,
        });

        let mut rng = Streams::new(state.seed).rng("neuron/gif", state.index, state.step);
        let mut words = [0_u32; CHUNK];
        let fired = spikes.flags_mut();
        for start in (0..n).step_by(CHUNK) {
            let range = start..(start + CHUNK).min(n);
            let words = &mut words[..range.len()];
            rng.fill(words);
            level.dispatch(Step {
                c: self.constants,
                v: &mut state.v[range.clone()],
                i_ex: &mut state.i_ex[range.clone()],
                i_in: &mut state.i_in[range.clone()],
                stc: &state.stc[range.clone()],
                v_t: &state.v_t[range.clone()],
                refractory: &mut state.refractory[range.clone()],
                exc: &input[range.clone()],
                inh: &input[n + range.start..n + range.end],
                current: &input[2 * n + range.start..2 * n + range.end],
                words,
                fired: &mut fired[range],
            });
        }
        spikes.collect();
        for (components, parts) in [(&self.stc, &mut state.eta), (&self.sfa, &mut state.gamma)] {
            for (component, part) in components.iter().zip(parts.chunks_exact_mut(n)) {
                for &i in spikes.indices() {
                    part[i as usize] += component.jump;
                }
            }
        }
        state.step = state.step.wrapping_add(1);
        Ok(())
    }
}

impl<F: Real> PopulationState<F> for GifState<F> {
    fn len(&self) -> usize {
        self.v.len()
    }

    fn variables(&self) -> &'static [&'static str] {
        &["v", "i_ex", "i_in", "stc", "v_t"]
    }

    fn variable(&self, name: &str) -> Option<&[F]> {
        match name {
            "v" => Some(&self.v),
            "i_ex" => Some(&self.i_ex),
            "i_in" => Some(&self.i_in),
            "stc" => Some(&self.stc),
            "v_t" => Some(&self.v_t),
            _ => None,
        }
    }

    /// `stc` and `v_t` are sums that every step makes anew: setting them has no effect.
    fn variable_mut(&mut self, name: &str) -> Option<&mut [F]> {
        match name {
            "v" => Some(&mut self.v),
            "i_ex" => Some(&mut self.i_ex),
            "i_in" => Some(&mut self.i_in),
            "stc" => Some(&mut self.stc),
            "v_t" => Some(&mut self.v_t),
            _ => None,
        }
    }
}

/// total = base + Σ parts; then the parts decay.
struct Sum<'a, F> {
    base: F,
    components: &'a [Component<F>],
    total: &'a mut [F],
    parts: &'a mut [F],
    residues: &'a mut [F],
}

impl<F: Real> Vectorised for Sum<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { base, components, total, parts, residues } = self;
        let n = total.len();
        total.fill(base);
        if residues.is_empty() {
            for (component, part) in components.iter().zip(parts.chunks_exact_mut(n)) {
                for (total, part) in total.iter_mut().zip(part) {
                    *total += *part;
                    *part = component.decay.times(*part);
                }
            }
            return;
        }
        for ((component, part), residue) in
            components.iter().zip(parts.chunks_exact_mut(n)).zip(residues.chunks_exact_mut(n))
        {
            for ((total, part), residue) in total.iter_mut().zip(part).zip(residue) {
                *total += *part;
                (*part, *residue) = carry(*part, component.decay.change(*part, *residue));
            }
        }
    }
}

struct Step<'a, F> {
    c: Constants<F>,
    v: &'a mut [F],
    i_ex: &'a mut [F],
    i_in: &'a mut [F],
    stc: &'a [F],
    v_t: &'a [F],
    refractory: &'a mut [u32],
    exc: &'a [F],
    inh: &'a [F],
    current: &'a [F],
    words: &'a [u32],
    fired: &'a mut [u8],
}

/// 1 − e^(−x) for x ≥ 0 without branches: a series below 0.02, where 1 − e^(−x) would lose its digits.
#[inline(always)]
fn probability<F: Real>(x: F) -> F {
    let [second, third, fourth, fifth] = [0.5, 1.0 / 3.0, 0.25, 0.2].map(F::from_f64);
    let one = F::ONE;
    let series = x * (one - x * second * (one - x * third * (one - x * fourth * (one - x * fifth))));
    select(x < F::from_f64(0.02), series, one - (-x).v_exp())
}

/// The middle of the interval of [0, 1) that a word names; below 1 in f32 too.
#[inline(always)]
fn uniform<F: Real>(word: u32) -> F {
    let u = F::from_f64((f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0));
    let below_one = F::ONE - F::EPSILON;
    select(u < below_one, u, below_one)
}

impl<F: Real> Vectorised for Step<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { c, v, i_ex, i_in, stc, v_t, refractory, exc, inh, current, words, fired } = self;
        advance(c, v, i_ex, i_in, stc, v_t, refractory, exc, inh, current, words, fired);
    }
}

/// The loop in a function of its own: the compiler knows that arguments do not overlap.
#[inline(always)]
fn advance<F: Real>(
    c: Constants<F>,
    v: &mut [F],
    i_ex: &mut [F],
    i_in: &mut [F],
    stc: &[F],
    v_t: &[F],
    refractory: &mut [u32],
    exc: &[F],
    inh: &[F],
    current: &[F],
    words: &[u32],
    fired: &mut [u8],
) {
    let n = v.len();
    let (i_ex, i_in, refractory) = (&mut i_ex[..n], &mut i_in[..n], &mut refractory[..n]);
    let (stc, v_t, exc, inh, current) = (&stc[..n], &v_t[..n], &exc[..n], &inh[..n], &current[..n]);
    let (words, fired) = (&words[..n], &mut fired[..n]);
    let (low, high) = (F::from_f64(-80.0), F::from_f64(80.0));
    for i in 0..n {
        let (before, left) = (v[i], refractory[i]);
        let held = left > 0;
        let moved = c.leak.advance(before, current[i] - stc[i]) + c.gain_ex * i_ex[i] + c.gain_in * i_in[i];
        let u = select(held, before, moved);
        let exponent = (u - v_t[i]) * c.sharpness;
        let exponent = select(exponent > low, exponent, low);
        let exponent = select(exponent < high, exponent, high);
        let fire = !held & (uniform::<F>(words[i]) < probability(c.rate * exponent.v_exp()));
        v[i] = select(fire, c.v_reset, u);
        i_ex[i] = c.decay_ex * i_ex[i] + exc[i];
        i_in[i] = c.decay_in * i_in[i] + inh[i];
        refractory[i] = select(fire, c.refractory, left.saturating_sub(1));
        fired[i] = u8::from(fire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_relative_eq;

    #[test]
    fn probability_is_exact_over_many_orders() {
        for k in -200..40 {
            let x = 10_f64.powf(f64::from(k) / 20.0);
            let exact = -(-x).exp_m1();
            assert!((probability(x) / exact - 1.0).abs() < 1e-9, "{x}");
            assert!((f64::from(probability(x as f32)) / exact - 1.0).abs() < 1e-5, "{x}");
        }
        assert_eq!(probability(f32::INFINITY), 1.0);
        assert!(uniform::<f32>(u32::MAX) < 1.0 && uniform::<f32>(0) > 0.0);
    }

    fn run(gif: &Gif<f64>, state: &mut GifState<f64>, current: f64, steps: usize) -> Vec<Vec<u32>> {
        let n = state.v.len();
        let mut input = vec![0.0; 3 * n];
        input[2 * n..].fill(current);
        let mut spikes = SpikeSet::new(n);
        (0..steps)
            .map(|_| {
                gif.step(state, &input, &mut spikes).unwrap();
                spikes.indices().to_vec()
            })
            .collect()
    }

    /// V = V_T held without reset: a Poisson process of rate λ₀, whose mean and variance of counts agree.
    #[test]
    fn constant_hazard_gives_poisson_spikes() {
        let p = GifParameters {
            v_t_star: Mv(-70.0),
            v_reset: Mv(-70.0),
            t_ref: Ms(0.0),
            lambda_0: Hz(500.0),
            ..Default::default()
        };
        let gif = Gif::<f64>::new(p, Ms(0.1)).unwrap();
        let mut state = gif.state(1000).unwrap();
        gif.set_noise(&mut state, Streams::new(3), 5);
        let mut counts = vec![0.0; 1000];
        for spikes in run(&gif, &mut state, 0.0, 2000) {
            for i in spikes {
                counts[i as usize] += 1.0;
            }
        }
        let mean = counts.iter().sum::<f64>() / 1000.0;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / 999.0;
        let p = 1.0 - (-0.05_f64).exp(); // binomial with 2000 draws
        assert!((mean - 2000.0 * p).abs() < 5.0 * (2.0 * p * (1.0 - p)).sqrt(), "mean {mean}");
        assert!(
            (variance / (2000.0 * p * (1.0 - p)) - 1.0).abs() < 5.0 * (2.0_f64 / 999.0).sqrt(),
            "variance {variance}"
        );
    }

    /// Power-law adaptation reaches over minutes: a million steps of two components against the closed form.
    #[test]
    fn slow_components_survive_single_precision() {
        let p = GifParameters {
            tau_sfa: vec![Ms(100.0), Ms(1e6)],
            q_sfa: vec![Mv(1.0), Mv(1.0)],
            lambda_0: Hz(0.0),
            ..Default::default()
        };
        let gif = Gif::<f32>::new(p, Ms(0.1)).unwrap();
        let mut state = gif.state(1).unwrap();
        state.gamma = vec![30.0, 20.0];
        let mut spikes = SpikeSet::new(1);
        for _ in 0..1_000_000 {
            gif.step(&mut state, &[0.0; 3], &mut spikes).unwrap();
        }
        let got = f64::from(state.gamma[1]);
        assert_relative_eq!(got, 20.0 * (-0.1_f64).exp(), max_relative = 3e-7); // a few last places of f32
        assert!(state.gamma[0].abs() < 1e-30);
        assert!(gif.step(&mut GifState { residue_gamma: Vec::new(), ..state }, &[0.0; 3], &mut spikes).is_err());
    }

    #[test]
    fn noise_is_a_function_of_streams_index_and_step() {
        let p = GifParameters { v_t_star: Mv(-60.0), lambda_0: Hz(50.0), ..Default::default() };
        let gif = Gif::<f64>::new(p, Ms(0.1)).unwrap();
        let start = |seed, index, n| {
            let mut state = gif.state(n).unwrap();
            gif.set_noise(&mut state, Streams::new(seed), index);
            state
        };
        let all = run(&gif, &mut start(1, 2, 700), 60.0, 400);
        assert!(all.iter().map(Vec::len).sum::<usize>() > 100);
        assert_ne!(all, run(&gif, &mut start(2, 2, 700), 60.0, 400));
        assert_ne!(all, run(&gif, &mut start(1, 3, 700), 60.0, 400));
        // A larger population contains the smaller one, and a state written half-way goes on.
        let mut state = start(1, 2, 900);
        let mut resumed = run(&gif, &mut state, 60.0, 200);
        let written = serde_json::to_string(&state).unwrap();
        resumed.extend(run(&gif, &mut serde_json::from_str(&written).unwrap(), 60.0, 200));
        let cut: Vec<Vec<u32>> = resumed.iter().map(|s| s.iter().copied().filter(|&i| i < 700).collect()).collect();
        assert_eq!(all, cut);
    }

    #[test]
    fn a_state_is_as_long_as_its_population() {
        let gif = Gif::<f64>::new(GifParameters::default(), Ms(0.1)).unwrap();
        assert_eq!([1, 2, 700].map(|n| gif.state(n).unwrap().len()), [1, 2, 700]);
    }
}
