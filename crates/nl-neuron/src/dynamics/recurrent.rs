//! A population whose spikes come back to it one step later, over a whole sequence and back.

use nl_kernels::{
    Level, Lists, MatMut, MatRef, Scratch, ShapeError, Vectorised, count_nonzero, gather_sum, gemm,
    sparse_linear_grad_weight, transpose,
};

use super::Dynamics;
use super::scan::{
    Few, LANES, Notes, Scan, Sequence, State, add_by_neuron, back, back_to_rest, check, few_parameters, fews, load,
    noted,
};
use crate::{Error, Float};

/// As [`Scan`], with x\[t\] + U s\[t − 1\] in the place of the first input: U `[n, n]`, to row from column.
///
/// A [truncated](Scan::truncate) scan cuts the spikes that come back as it cuts the state; U learns from them all the same.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecurrentScan(pub Scan);

/// Where the gradients of a recurrent scan go.
pub struct RecurrentGrad<'a, F, const R: usize, const P: usize> {
    /// Of each input, `[T, B, n]`: overwritten.
    pub inputs: [&'a mut [F]; R],
    /// Of U `[n, n]`: overwritten.
    pub weight: &'a mut [F],
    /// Of each parameter, `[n]`: added to. `None`: nobody needs them.
    pub parameters: Option<[&'a mut [F]; P]>,
}

/// Memory that is not there, and nothing else: the sizes were checked.
fn memory(name: &'static str) -> impl Fn(ShapeError) -> Error {
    move |error| match error {
        ShapeError::Memory { bytes, .. } => Error::Memory { model: name, bytes },
        _ => Error::Memory { model: name, bytes: usize::MAX },
    }
}

impl RecurrentScan {
    /// The spikes `[T, B, n]` of a population that begins at rest and in silence.
    ///
    /// # Errors
    /// [`Error::Length`] if a slice does not fit; [`Error::Memory`].
    pub fn forward<F, D, const N: usize, const R: usize, const P: usize>(
        &self,
        dynamics: &D,
        sequence: Sequence,
        p: [&[F]; P],
        (x, weight): ([&[F]; R], &[F]),
        spikes: &mut [F],
        scratch: &mut Scratch,
    ) -> Result<(), Error>
    where
        F: Float,
        D: Dynamics<N, R, P>,
    {
        let Sequence { steps, batch, neurons } = sequence;
        check(D::NAME, sequence, &p, x.iter().map(|x| x.len()).chain([spikes.len()]))?;
        Error::length(D::NAME, "weight [n, n]", neurons.saturating_mul(neurons), weight.len())?;
        if sequence.is_empty() {
            return Ok(());
        }
        let (wide, lost) = (batch * neurons, memory(D::NAME));
        let lanes = wide.next_multiple_of(LANES);
        let mut table = scratch.take::<F>(weight.len()).map_err(&lost)?;
        transpose(weight, neurons, neurons, &mut table).map_err(&lost)?;
        let mut current = scratch.take::<F>(wide).map_err(&lost)?;
        let mut y = scratch.take::<F>(lanes * N).map_err(&lost)?;
        let mut left = scratch.take::<u32>(lanes).map_err(&lost)?;
        for t in 0..steps {
            let (past, now) = spikes.split_at_mut(t * wide);
            if t > 0 {
                let lists = Lists::rows(&past[(t - 1) * wide..], batch, neurons, scratch).map_err(&lost)?;
                gather_sum(&lists, &table, neurons, &[], &mut current, scratch).map_err(&lost)?;
                lists.give(scratch);
            } else {
                current.fill(F::ZERO);
            }
            let at = t * wide..(t + 1) * wide;
            let x: [&[F]; R] = core::array::from_fn(|k| &x[k][at.clone()]);
            current.iter_mut().zip(x[0]).for_each(|(sum, &x)| *sum = x + *sum);
            let x: [&[F]; R] = core::array::from_fn(|k| if k == 0 { current.as_slice() } else { x[k] });
            let (scan, d, first, spikes) = (&self.0, dynamics, t == 0, &mut now[..wide]);
            let (y, left) = (y.as_mut_slice(), left.as_mut_slice());
            Level::current().dispatch(Step::<F, D, N, R, P> { scan, d, neurons, first, p, x, y, left, spikes });
        }
        scratch.give(table);
        scratch.give(current);
        scratch.give(y);
        scratch.give(left);
        Ok(())
    }

    /// The gradients that `dspikes` brings; `spikes` are those of [`forward`](Self::forward).
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn backward<F, D, const N: usize, const R: usize, const P: usize>(
        &self,
        dynamics: &D,
        sequence: Sequence,
        p: [&[F]; P],
        (x, weight): ([&[F]; R], &[F]),
        (spikes, dspikes): (&[F], &[F]),
        grad: RecurrentGrad<'_, F, R, P>,
        scratch: &mut Scratch,
    ) -> Result<(), Error>
    where
        F: Float,
        D: Dynamics<N, R, P>,
    {
        let Sequence { steps, batch, neurons } = sequence;
        let lengths = x.iter().map(|x| x.len()).chain(grad.inputs.iter().map(|x| x.len()));
        check(D::NAME, sequence, &p, lengths.chain([spikes.len(), dspikes.len()]))?;
        for weight in [weight, &*grad.weight] {
            Error::length(D::NAME, "weight [n, n]", neurons.saturating_mul(neurons), weight.len())?;
        }
        for (name, dp) in D::PARAMETERS.iter().zip(grad.parameters.iter().flatten()) {
            Error::length(D::NAME, name, neurons, dp.len())?;
        }
        grad.weight.fill(F::ZERO);
        if sequence.is_empty() {
            return Ok(());
        }
        let (wide, lost) = (batch * neurons, memory(D::NAME));
        let groups = wide.div_ceil(LANES);
        // What came in, spikes that came back included: one product, since all spikes are known.
        let mut total = scratch.take::<F>(x[0].len()).map_err(&lost)?;
        let before = (steps - 1) * wide;
        {
            let mut table = scratch.take::<F>(weight.len()).map_err(&lost)?;
            transpose(weight, neurons, neurons, &mut table).map_err(&lost)?;
            let lists = Lists::rows(&spikes[..before], (steps - 1) * batch, neurons, scratch).map_err(&lost)?;
            gather_sum(&lists, &table, neurons, &[], &mut total[wide..], scratch).map_err(&lost)?;
            lists.give(scratch);
            scratch.give(table);
        }
        total[..wide].fill(F::ZERO);
        total.iter_mut().zip(x[0]).for_each(|(sum, &x)| *sum = x + *sum);
        let each = noted(N).saturating_mul(steps);
        let mut notes = scratch.take::<F>(groups.saturating_mul(each)).map_err(&lost)?;
        let mut dy = scratch.take::<F>(groups * N * LANES).map_err(&lost)?;
        let mut ds = scratch.take::<F>(wide).map_err(&lost)?;
        let mut parameters = scratch.take::<F>(P * groups * LANES).map_err(&lost)?;
        parameters.fill(F::ZERO);
        dy.fill(F::ZERO);
        let x: [&[F]; R] = core::array::from_fn(|k| if k == 0 { total.as_slice() } else { x[k] });
        let (scan, d, all) = (&self.0, dynamics, notes.as_mut_slice());
        Level::current().dispatch(Again::<F, D, N, R, P> { scan, d, sequence, p, x, notes: all });
        let mut dx = grad.inputs;
        for t in (0..steps).rev() {
            let at = t * wide..(t + 1) * wide;
            ds.copy_from_slice(&dspikes[at.clone()]);
            if t + 1 < steps && !self.0.cut(t + 1) {
                let next = MatRef::new(&dx[0][at.end..at.end + wide], batch, neurons).map_err(&lost)?;
                let u = MatRef::new(weight, neurons, neurons).map_err(&lost)?;
                let to = MatMut::new(&mut ds, batch, neurons).map_err(&lost)?;
                gemm(F::ONE, next, u, F::ONE, to, scratch).map_err(&lost)?;
            }
            let (ds, dy, dp, notes) =
                (ds.as_slice(), dy.as_mut_slice(), parameters.as_mut_slice(), notes.as_mut_slice());
            let x: [&[F]; R] = core::array::from_fn(|k| &x[k][at.clone()]);
            let dx: [&mut [F]; R] = dx.each_mut().map(|dx| &mut dx[at.clone()]);
            Level::current().dispatch(Back::<F, D, N, R, P> { scan, d, sequence, t, p, x, ds, dx, dy, dp, notes });
        }
        if let Some(dp) = grad.parameters {
            for (k, dp) in dp.into_iter().enumerate() {
                add_by_neuron(&parameters[k * groups * LANES..][..wide], 0, dp, neurons);
            }
        }
        if steps > 1 {
            let size = ((steps - 1) * batch, neurons, neurons);
            let past = (&spikes[..before], count_nonzero(&spikes[..before]));
            sparse_linear_grad_weight(size, past, &dx[0][wide..], grad.weight, scratch).map_err(&lost)?;
        }
        for buffer in [total, notes, dy, ds, parameters] {
            scratch.give(buffer);
        }
        Ok(())
    }
}

/// One step of all neurons of all samples.
struct Step<'a, F, D, const N: usize, const R: usize, const P: usize> {
    scan: &'a Scan,
    d: &'a D,
    neurons: usize,
    /// Whether they are at rest.
    first: bool,
    p: [&'a [F]; P],
    /// `[B, n]` each
    x: [&'a [F]; R],
    /// `[groups, N, LANES]`
    y: &'a mut [F],
    left: &'a mut [u32],
    spikes: &'a mut [F],
}

impl<F, D, const N: usize, const R: usize, const P: usize> Vectorised for Step<'_, F, D, N, R, P>
where
    F: Float,
    D: Dynamics<N, R, P>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { scan, d, neurons, first: begins, p, x, y, left, spikes } = self;
        let (mut y, mut left) = (y.chunks_exact_mut(N * LANES), left.chunks_exact_mut(LANES));
        for (first, width) in fews(spikes.len()) {
            let (Some(y), Some(left)) = (y.next(), left.next()) else { return };
            let p = few_parameters(p, (first, width), neurons);
            let mut state = State::<F, N>::rest(d, &p);
            if !begins {
                for k in 0..N {
                    state.y[k].copy_from_slice(&y[k * LANES..][..LANES]);
                }
                state.left.copy_from_slice(left);
            }
            let x: [Few<F>; R] = core::array::from_fn(|k| load(&x[k][first..first + width]));
            let (mut excess, mut out) = ([F::ZERO; LANES], [F::ZERO; LANES]);
            scan.step(d, &p, &mut state, &x, (&mut excess, &mut out));
            spikes[first..first + width].copy_from_slice(&out[..width]);
            for k in 0..N {
                y[k * LANES..][..LANES].copy_from_slice(&state.y[k]);
            }
            left.copy_from_slice(&state.left);
        }
    }
}

/// All steps again, for their notes.
struct Again<'a, F, D, const N: usize, const R: usize, const P: usize> {
    scan: &'a Scan,
    d: &'a D,
    sequence: Sequence,
    p: [&'a [F]; P],
    x: [&'a [F]; R],
    notes: &'a mut [F],
}

impl<F, D, const N: usize, const R: usize, const P: usize> Vectorised for Again<'_, F, D, N, R, P>
where
    F: Float,
    D: Dynamics<N, R, P>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { scan, d, sequence: Sequence { steps, batch, neurons }, p, x, notes } = self;
        let mut notes = notes.chunks_exact_mut(noted(N) * steps);
        let wide = batch * neurons;
        for (first, width) in fews(wide) {
            let Some(notes) = notes.next() else { return };
            let p = few_parameters(p, (first, width), neurons);
            let at = |t: usize| t * wide + first;
            let inputs = |t: usize| -> [Few<F>; R] { core::array::from_fn(|k| load(&x[k][at(t)..at(t) + width])) };
            Notes::<F, N>::of(notes, steps).run(scan, d, &p, inputs);
        }
    }
}

/// Back through step `t` of all neurons of all samples.
struct Back<'a, F, D, const N: usize, const R: usize, const P: usize> {
    scan: &'a Scan,
    d: &'a D,
    sequence: Sequence,
    t: usize,
    p: [&'a [F]; P],
    /// `[B, n]` each
    x: [&'a [F]; R],
    ds: &'a [F],
    dx: [&'a mut [F]; R],
    /// `[groups, N, LANES]`
    dy: &'a mut [F],
    /// `[P, B · n in whole groups]`
    dp: &'a mut [F],
    notes: &'a mut [F],
}

impl<F, D, const N: usize, const R: usize, const P: usize> Vectorised for Back<'_, F, D, N, R, P>
where
    F: Float,
    D: Dynamics<N, R, P>,
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { scan, d, sequence: Sequence { steps, neurons, .. }, t, p, x, ds, dx, dy, dp, notes } = self;
        let (mut dy, mut notes) = (dy.chunks_exact_mut(N * LANES), notes.chunks_exact_mut(noted(N) * steps));
        let rows = ds.len().next_multiple_of(LANES);
        for (first, width) in fews(ds.len()) {
            let (Some(dy), Some(notes)) = (dy.next(), notes.next()) else { return };
            let p = few_parameters(p, (first, width), neurons);
            let mut of_parameters: [Few<F>; P] = core::array::from_fn(|k| load(&dp[k * rows + first..][..LANES]));
            let notes = Notes::<F, N>::of(notes, steps);
            let mut of_state: [Few<F>; N] = core::array::from_fn(|k| load(&dy[k * LANES..][..LANES]));
            let x: [Few<F>; R] = core::array::from_fn(|k| load(&x[k][first..first + width]));
            let mut of_inputs = [[F::ZERO; LANES]; R];
            let ds = load(&ds[first..first + width]);
            let grads = (&mut of_inputs, &mut of_parameters);
            back(d, &p, notes.read(t), &x, (scan.detach_reset, &ds), &mut of_state, grads);
            if t == 0 {
                back_to_rest::<F, D, N, R, P, P>(d, &p, &of_state, &mut of_parameters);
            }
            if scan.cut(t) {
                of_state = [[F::ZERO; LANES]; N];
            }
            for k in 0..N {
                dy[k * LANES..][..LANES].copy_from_slice(&of_state[k]);
            }
            for k in 0..R {
                dx[k][first..first + width].copy_from_slice(&of_inputs[k][..width]);
            }
            for k in 0..P {
                dp[k * rows + first..][..LANES].copy_from_slice(&of_parameters[k]);
            }
        }
    }
}
