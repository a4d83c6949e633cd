//! A population over a whole sequence, forward and back: the state of a few neurons stays near while all steps pass.
//!
//! Nothing is kept for the way back but what went in: each few neurons are run again, with their states written down, and then back
//! through them. That is a few operations a step more, and T · N numbers a neuron less in memory.

use nl_kernels::{Level, Scratch, Vectorised};

use super::{Algebra, Dual, Dynamics};
use crate::{Error, Float, Surrogate, SurrogateKind};

/// Neurons that pass through the steps together, of one sample or of several: a step `[B, n]` is one row of B · n of them.
pub(super) const LANES: usize = 128;

/// How a population goes through a sequence.
///
/// Step by step: u = [`advance`](Dynamics::advance)(y, x); s = Θ([`excess`](Dynamics::excess)(u)), 0 while held; y = u +
/// s ([`reset`](Dynamics::reset)(u) − u). On the way back ∂s/∂excess is the slope of the surrogate, 0 while held; who is held counts as
/// given. `smooth` puts the surrogate's primitive in the place of Θ, so that a whole network can be held against differences; who is
/// held is then still decided by Θ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scan {
    /// Steps for which a neuron is held after a spike.
    pub t_ref: u32,
    /// What stands for the derivative of Θ.
    pub surrogate: SurrogateKind,
    /// No gradient through the s of the reset (Zenke & Vogels, 2021, sec. 4.4).
    pub detach_reset: bool,
    /// The surrogate's primitive in place of Θ.
    pub smooth: bool,
    /// Steps after which no gradient flows back any further; 0: it flows through all.
    pub truncate: usize,
}

impl Default for Scan {
    /// No refractory period, arctan, gradients through the reset and through all steps.
    fn default() -> Self {
        Self { t_ref: 0, surrogate: SurrogateKind::default(), detach_reset: false, smooth: false, truncate: 0 }
    }
}

/// Sizes of a sequence `[steps, batch, neurons]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sequence {
    /// T
    pub steps: usize,
    /// B
    pub batch: usize,
    /// n
    pub neurons: usize,
}

impl Sequence {
    /// Elements of all steps; `usize::MAX` if that is more.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.steps.saturating_mul(self.batch).saturating_mul(self.neurons)
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Where the gradients of a scan go.
pub struct ScanGrad<'a, F, const R: usize, const P: usize> {
    /// Of each input, `[T, B, n]`: overwritten.
    pub inputs: [&'a mut [F]; R],
    /// Of each parameter, `[n]`: added to. `None`: nobody needs them.
    pub parameters: Option<[&'a mut [F]; P]>,
}

/// Values of a few neurons.
pub(super) type Few<F> = [F; LANES];

/// The parameters of the `width` neurons from place `first` of a step `[B, n]` on; one value stands for all.
pub(super) fn few_parameters<F: Float, const P: usize>(
    p: [&[F]; P],
    (first, width): (usize, usize),
    neurons: usize,
) -> [Few<F>; P] {
    core::array::from_fn(|k| match p[k] {
        [one] => [*one; LANES],
        all => core::array::from_fn(|i| all[(first + i.min(width - 1)) % neurons]),
    })
}

/// A few values; the last one again where there are fewer than [`LANES`], so that what nobody asked for stays finite.
#[inline(always)]
pub(super) fn load<F: Float>(from: &[F]) -> Few<F> {
    match <&Few<F>>::try_from(from) {
        Ok(all) => *all,
        Err(_) => core::array::from_fn(|i| from[i.min(from.len() - 1)]),
    }
}

/// What a few neurons are at the start of a step.
#[derive(Clone, Copy)]
pub(super) struct State<F, const N: usize> {
    pub(super) y: [Few<F>; N],
    pub(super) left: [u32; LANES],
}

impl<F: Float, const N: usize> State<F, N> {
    pub(super) fn rest<D: Dynamics<N, R, P>, const R: usize, const P: usize>(d: &D, p: &[Few<F>; P]) -> Self {
        let mut y = [[F::ZERO; LANES]; N];
        for i in 0..LANES {
            let rest = d.rest(lane(p, i));
            for k in 0..N {
                y[k][i] = rest[k];
            }
        }
        Self { y, left: [0; LANES] }
    }
}

#[inline(always)]
fn lane<F: Copy, const K: usize>(few: &[Few<F>; K], i: usize) -> [F; K] {
    core::array::from_fn(|k| few[k][i])
}

/// One step of a few neurons: the excess of each, and who would spike; the state is as before the reset.
#[inline(always)]
fn advance<F, D, const N: usize, const R: usize, const P: usize>(
    d: &D,
    p: &[Few<F>; P],
    state: &mut State<F, N>,
    x: &[Few<F>; R],
    excess: &mut Few<F>,
) where
    F: Float,
    D: Dynamics<N, R, P>,
{
    for i in 0..LANES {
        let (p, before) = (lane(p, i), lane(&state.y, i));
        let u = d.advance(p, before, lane(x, i), state.left[i] > 0);
        excess[i] = d.excess(p, before, u);
        for k in 0..N {
            state.y[k][i] = u[k];
        }
    }
}

/// Θ of the excess, and what spikes do. `smoothed`: the primitive of the excess, in place of Θ.
#[inline(always)]
fn fire<F, D, const N: usize, const R: usize, const P: usize>(
    d: &D,
    p: &[Few<F>; P],
    state: &mut State<F, N>,
    (excess, smoothed): (&Few<F>, Option<&Few<F>>),
    t_ref: u32,
    spikes: &mut Few<F>,
) where
    F: Float,
    D: Dynamics<N, R, P>,
{
    for i in 0..LANES {
        let held = state.left[i] > 0;
        let fires = !held & (excess[i] >= F::ZERO);
        let u = lane(&state.y, i);
        let after = d.reset(lane(p, i), u);
        match smoothed {
            None => {
                spikes[i] = F::select(fires, F::ONE, F::ZERO);
                for k in 0..N {
                    state.y[k][i] = F::select(fires, after[k], u[k]);
                }
            }
            Some(smoothed) => {
                let s = F::select(held, F::ZERO, smoothed[i]);
                spikes[i] = s;
                for k in 0..N {
                    state.y[k][i] = u[k] + s * (after[k] - u[k]);
                }
            }
        }
        state.left[i] = if fires { t_ref } else { state.left[i].saturating_sub(1) };
    }
}

/// What the way back needs of one step of a few neurons.
#[derive(Clone, Copy)]
pub(super) struct Noted<'a, F, const N: usize> {
    pub(super) before: &'a [Few<F>; N],
    /// 1 for who was held, else 0.
    pub(super) held: &'a Few<F>,
    pub(super) slope: &'a Few<F>,
    pub(super) spikes: &'a Few<F>,
}

/// Back through one step of a few neurons: `dy` is of the state after the step and becomes that of the state before it.
#[inline(always)]
pub(super) fn back<F, D, const N: usize, const R: usize, const P: usize, const Q: usize>(
    d: &D,
    p: &[Few<F>; P],
    noted: Noted<'_, F, N>,
    x: &[Few<F>; R],
    (detach, ds): (bool, &Few<F>),
    dy: &mut [Few<F>; N],
    (dx, dp): (&mut [Few<F>; R], &mut [Few<F>; Q]),
) where
    F: Float,
    D: Dynamics<N, R, P>,
{
    for i in 0..LANES {
        let parameters: [Dual<F, N, R, Q>; P] = core::array::from_fn(|k| Dual::parameter(p[k][i], k));
        let before: [Dual<F, N, R, Q>; N] = core::array::from_fn(|k| Dual::variable(noted.before[k][i], k));
        let inputs: [Dual<F, N, R, Q>; R] = core::array::from_fn(|k| Dual::input(x[k][i], k));
        let held = noted.held[i] > F::ZERO;
        let u = d.advance(parameters, before, inputs, held);
        let excess = d.excess(parameters, before, u);
        let after = d.reset(parameters, u);
        let slope = F::select(held, F::ZERO, noted.slope[i]);
        let spike = noted.spikes[i];
        // y' = u + s (after − u), weighed by dy.
        let (mut to_spike, mut y) = (ds[i], [F::ZERO; N]);
        let (mut inputs, mut parameters) = ([F::ZERO; R], [F::ZERO; Q]);
        for k in 0..N {
            let weight = dy[k][i];
            to_spike += F::select(detach, F::ZERO, weight * (after[k].value - u[k].value));
            let (of_u, of_after) = (weight * (F::ONE - spike), weight * spike);
            for j in 0..N {
                y[j] += of_u * u[k].variables[j] + of_after * after[k].variables[j];
            }
            for j in 0..R {
                inputs[j] += of_u * u[k].inputs[j] + of_after * after[k].inputs[j];
            }
            for j in 0..Q {
                parameters[j] += of_u * u[k].parameters[j] + of_after * after[k].parameters[j];
            }
        }
        let to_excess = to_spike * slope;
        for j in 0..N {
            dy[j][i] = y[j] + to_excess * excess.variables[j];
        }
        for j in 0..R {
            dx[j][i] = inputs[j] + to_excess * excess.inputs[j];
        }
        for j in 0..Q {
            dp[j][i] += parameters[j] + to_excess * excess.parameters[j];
        }
    }
}

/// Where a population rests may depend on its parameters.
#[inline(always)]
pub(super) fn back_to_rest<F, D, const N: usize, const R: usize, const P: usize, const Q: usize>(
    d: &D,
    p: &[Few<F>; P],
    dy: &[Few<F>; N],
    dp: &mut [Few<F>; Q],
) where
    F: Float,
    D: Dynamics<N, R, P>,
{
    for i in 0..LANES {
        let parameters: [Dual<F, N, R, Q>; P] = core::array::from_fn(|k| Dual::parameter(p[k][i], k));
        let rest = d.rest(parameters);
        for k in 0..N {
            for j in 0..Q {
                dp[j][i] += dy[k][i] * rest[k].parameters[j];
            }
        }
    }
}

impl Scan {
    /// The spikes `[T, B, n]` of a population that begins at rest: 0 or 1 (`smooth`: the primitive).
    ///
    /// `p` is one value or one a neuron, `x` one `[T, B, n]` a receptor.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice does not fit.
    pub fn forward<F, D, const N: usize, const R: usize, const P: usize>(
        &self,
        dynamics: &D,
        sequence: Sequence,
        p: [&[F]; P],
        x: [&[F]; R],
        spikes: &mut [F],
    ) -> Result<(), Error>
    where
        F: Float,
        D: Dynamics<N, R, P>,
    {
        check(D::NAME, sequence, &p, x.iter().map(|x| x.len()).chain([spikes.len()]))?;
        Level::current().dispatch(Forward::<F, D, N, R, P> { scan: self, d: dynamics, sequence, p, x, spikes });
        Ok(())
    }

    /// The gradients that `dspikes` `[T, B, n]` brings; `scratch` lends the memory of a few neurons over all steps.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice does not fit; [`Error::Memory`].
    pub fn backward<F, D, const N: usize, const R: usize, const P: usize>(
        &self,
        dynamics: &D,
        sequence: Sequence,
        p: [&[F]; P],
        x: [&[F]; R],
        dspikes: &[F],
        grad: ScanGrad<'_, F, R, P>,
        scratch: &mut Scratch,
    ) -> Result<(), Error>
    where
        F: Float,
        D: Dynamics<N, R, P>,
    {
        let lengths = x.iter().map(|x| x.len()).chain(grad.inputs.iter().map(|x| x.len())).chain([dspikes.len()]);
        check(D::NAME, sequence, &p, lengths)?;
        for (name, dp) in D::PARAMETERS.iter().zip(grad.parameters.iter().flatten()) {
            Error::length(D::NAME, name, sequence.neurons, dp.len())?;
        }
        let numbers = sequence.steps.saturating_mul(noted(N));
        let memory = |_| Error::Memory { model: D::NAME, bytes: numbers.saturating_mul(size_of::<F>()) };
        let mut notes = scratch.take::<F>(numbers).map_err(memory)?;
        let ScanGrad { inputs: dx, parameters } = grad;
        let (scan, d, notes_of) = (self, dynamics, notes.as_mut_slice());
        match parameters {
            None => {
                let dp: [&mut [F]; 0] = [];
                let back = Back::<F, D, N, R, P, 0> { scan, d, sequence, p, x, dspikes, dx, dp, notes: notes_of };
                Level::current().dispatch(back);
            }
            Some(dp) => {
                let back = Back::<F, D, N, R, P, P> { scan, d, sequence, p, x, dspikes, dx, dp, notes: notes_of };
                Level::current().dispatch(back);
            }
        }
        scratch.give(notes);
        Ok(())
    }

    /// Whether the state that step `t` begins with counts as a constant.
    #[must_use]
    pub const fn cut(&self, t: usize) -> bool {
        self.truncate > 0 && t > 0 && t.is_multiple_of(self.truncate)
    }

    /// One step of a few neurons: their excess and their spikes.
    #[inline(always)]
    pub(super) fn step<F, D, const N: usize, const R: usize, const P: usize>(
        &self,
        d: &D,
        p: &[Few<F>; P],
        state: &mut State<F, N>,
        x: &[Few<F>; R],
        (excess, spikes): (&mut Few<F>, &mut Few<F>),
    ) where
        F: Float,
        D: Dynamics<N, R, P>,
    {
        advance(d, p, state, x, excess);
        let smoothed = self.smooth.then(|| excess.map(|x| self.surrogate.primitive(x)));
        fire(d, p, state, (excess, smoothed.as_ref()), self.t_ref, spikes);
    }
}

/// `Ok` if parameters and sequences have their lengths.
pub(super) fn check<F, const P: usize>(
    name: &'static str,
    sequence: Sequence,
    p: &[&[F]; P],
    lengths: impl Iterator<Item = usize>,
) -> Result<(), Error> {
    for p in p {
        if p.len() != 1 {
            Error::length(name, "parameter (one, or one a neuron)", sequence.neurons, p.len())?;
        }
    }
    for length in lengths {
        Error::length(name, "sequence [T, B, n]", sequence.len(), length)?;
    }
    Ok(())
}

/// First place and number of each few, of the places of a step.
pub(super) fn fews(neurons: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..neurons).step_by(LANES).map(move |first| (first, LANES.min(neurons - first)))
}

struct Forward<'a, F, D, const N: usize, const R: usize, const P: usize> {
    scan: &'a Scan,
    d: &'a D,
    sequence: Sequence,
    p: [&'a [F]; P],
    x: [&'a [F]; R],
    spikes: &'a mut [F],
}

impl<F, D, const N: usize, const R: usize, const P: usize> Vectorised for Forward<'_, F, D, N, R, P>
where
    F: Float,
    D: Dynamics<N, R, P>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { scan, d, sequence: Sequence { steps, batch, neurons }, p, x, spikes } = self;
        let wide = batch * neurons;
        for (first, width) in fews(wide) {
            let p = few_parameters(p, (first, width), neurons);
            let mut state = State::<F, N>::rest(d, &p);
            for t in 0..steps {
                let at = t * wide + first;
                let x: [Few<F>; R] = core::array::from_fn(|k| load(&x[k][at..at + width]));
                let (mut excess, mut out) = ([F::ZERO; LANES], [F::ZERO; LANES]);
                scan.step(d, &p, &mut state, &x, (&mut excess, &mut out));
                spikes[at..at + width].copy_from_slice(&out[..width]);
            }
        }
    }
}

struct Back<'a, F, D, const N: usize, const R: usize, const P: usize, const Q: usize> {
    scan: &'a Scan,
    d: &'a D,
    sequence: Sequence,
    p: [&'a [F]; P],
    x: [&'a [F]; R],
    dspikes: &'a [F],
    dx: [&'a mut [F]; R],
    dp: [&'a mut [F]; Q],
    /// `[T, N + 4, LANES]`
    notes: &'a mut [F],
}

impl<F, D, const N: usize, const R: usize, const P: usize, const Q: usize> Vectorised for Back<'_, F, D, N, R, P, Q>
where
    F: Float,
    D: Dynamics<N, R, P>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { scan, d, sequence: Sequence { steps, batch, neurons }, p, x, dspikes, dx, mut dp, notes } = self;
        let mut notes = Notes::<F, N>::of(notes, steps);
        let wide = batch * neurons;
        for (first, width) in fews(wide) {
            let p = few_parameters(p, (first, width), neurons);
            let mut of_parameters = [[F::ZERO; LANES]; Q];
            let at = |t: usize| t * wide + first;
            let inputs = |t: usize| -> [Few<F>; R] { core::array::from_fn(|k| load(&x[k][at(t)..at(t) + width])) };
            notes.run(scan, d, &p, inputs);
            let mut dy = [[F::ZERO; LANES]; N];
            for t in (0..steps).rev() {
                let ds = load(&dspikes[at(t)..at(t) + width]);
                let mut of_inputs = [[F::ZERO; LANES]; R];
                let grads = (&mut of_inputs, &mut of_parameters);
                back(d, &p, notes.read(t), &inputs(t), (scan.detach_reset, &ds), &mut dy, grads);
                for k in 0..R {
                    dx[k][at(t)..at(t) + width].copy_from_slice(&of_inputs[k][..width]);
                }
                if scan.cut(t) {
                    dy = [[F::ZERO; LANES]; N];
                }
            }
            back_to_rest::<F, D, N, R, P, Q>(d, &p, &dy, &mut of_parameters);
            add_parameters(&of_parameters, (first, width), &mut dp, neurons);
        }
    }
}

/// Adds the gradients of a few neurons' parameters to those of all.
fn add_parameters<F: Float, const Q: usize>(
    of: &[Few<F>; Q],
    (first, width): (usize, usize),
    to: &mut [&mut [F]; Q],
    neurons: usize,
) {
    for (of, to) in of.iter().zip(to) {
        add_by_neuron(&of[..width], first, to, neurons);
    }
}

/// Adds what belongs to the places of a step `[B, n]` from `first` on to what belongs to their neurons.
pub(super) fn add_by_neuron<F: Float>(of: &[F], first: usize, to: &mut [F], neurons: usize) {
    for (i, &part) in of.iter().enumerate() {
        to[(first + i) % neurons] += part;
    }
}

/// Numbers that are noted of a step of [`LANES`] neurons of N variables.
pub(super) const fn noted(variables: usize) -> usize {
    (variables + 4) * LANES
}

/// What the way back needs of each step, as it went forward: states before it, spikes and who was held; excesses and slopes apart, so
/// that the surrogate sees them as two slices.
pub(super) struct Notes<'a, F, const N: usize> {
    before: &'a mut [[Few<F>; N]],
    spikes: &'a mut [Few<F>],
    held: &'a mut [Few<F>],
    excesses: &'a mut [Few<F>],
    slopes: &'a mut [Few<F>],
}

impl<'a, F: Float, const N: usize> Notes<'a, F, N> {
    /// In the memory `all`, of [`noted`] numbers for each of `steps` steps.
    pub(super) fn of(all: &'a mut [F], steps: usize) -> Self {
        let (all, _) = all.as_chunks_mut::<LANES>();
        let (before, rest) = all.split_at_mut(steps * N);
        let (spikes, rest) = rest.split_at_mut(steps);
        let (held, rest) = rest.split_at_mut(steps);
        let (excesses, rest) = rest.split_at_mut(steps);
        Self { before: before.as_chunks_mut::<N>().0, spikes, held, excesses, slopes: &mut rest[..steps] }
    }

    /// Runs step `t` and notes it.
    #[inline(always)]
    fn step<D: Dynamics<N, R, P>, const R: usize, const P: usize>(
        &mut self,
        t: usize,
        scan: &Scan,
        d: &D,
        p: &[Few<F>; P],
        state: &mut State<F, N>,
        x: &[Few<F>; R],
    ) {
        self.before[t] = state.y;
        let held = &mut self.held[t];
        for i in 0..LANES {
            held[i] = F::select(state.left[i] > 0, F::ONE, F::ZERO);
        }
        scan.step(d, p, state, x, (&mut self.excesses[t], &mut self.spikes[t]));
    }

    /// Runs all steps from rest on and notes them, with the slopes; `inputs` gives those of a step.
    #[inline(always)]
    pub(super) fn run<D: Dynamics<N, R, P>, const R: usize, const P: usize>(
        &mut self,
        scan: &Scan,
        d: &D,
        p: &[Few<F>; P],
        inputs: impl Fn(usize) -> [Few<F>; R],
    ) {
        let mut state = State::rest(d, p);
        for t in 0..self.spikes.len() {
            self.step(t, scan, d, p, &mut state, &inputs(t));
        }
        self.slopes(&scan.surrogate);
    }

    /// The surrogate's slopes of all steps.
    fn slopes(&mut self, surrogate: &SurrogateKind) {
        // Of equal length by construction.
        let _ = surrogate.slopes(self.excesses.as_flattened(), self.slopes.as_flattened_mut());
    }

    /// What was noted of step `t`.
    #[inline(always)]
    pub(super) fn read(&self, t: usize) -> Noted<'_, F, N> {
        Noted { before: &self.before[t], held: &self.held[t], slope: &self.slopes[t], spikes: &self.spikes[t] }
    }
}
