//! A recurrent layer over a whole sequence: one scan forward, one scan back.
//!
//! What does not depend on the state (the input's product, and the gradients of both weights) is one large product outside the
//! scan; inside it there is one product and one pass over the gates for each step.

use crate::error::check_len;
use crate::matrix::{MatMut, MatRef};
use crate::size::{elements, product};
use crate::{Float, Level, Scratch, ShapeError, Vectorised, gemm};

/// The equations of a recurrent unit. a is the input's part, u = U h the state's (h and c are those of the step before); gates lie
/// behind one another in the order in which they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cell {
    /// h' = tanh(a + u): Elman, "Finding structure in time", 1990.
    Tanh,
    /// h' = max(0, a + u)
    Relu,
    /// r = σ(a_r + u_r), z = σ(a_z + u_z), n = tanh(a_n + r (u_n + b)), h' = (1 − z) n + z h: Cho et al., 2014, with the reset
    /// gate applied after the product, as in PyTorch and cuDNN (eq. 5 of version 1 of their paper), not before it.
    Gru,
    /// i = σ(a_i + u_i), f = σ(a_f + u_f), g = tanh(a_g + u_g), o = σ(a_o + u_o), c' = f c + i g, h' = o tanh c': Hochreiter &
    /// Schmidhuber, 1997, with the forget gate of Gers et al., 2000; without peepholes.
    Lstm,
}

impl Cell {
    /// Numbers that a unit is driven by.
    #[must_use]
    pub const fn gates(self) -> usize {
        match self {
            Self::Tanh | Self::Relu => 1,
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Numbers that a unit keeps of each step for the way back: none; r, z, n, u_n + b; i, f, g, o, c'.
    #[must_use]
    pub const fn kept(self) -> usize {
        match self {
            Self::Tanh | Self::Relu => 0,
            Self::Gru => 4,
            Self::Lstm => 5,
        }
    }
}

/// A recurrent layer: its cell, its sizes, and how it goes through the sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Recurrent {
    /// The equations.
    pub cell: Cell,
    /// Steps T.
    pub steps: usize,
    /// Sequences B.
    pub batch: usize,
    /// Units H.
    pub units: usize,
    /// From the last step to the first.
    pub reverse: bool,
    /// Steps after which no gradient flows back any further; 0: it flows through all.
    pub truncate: usize,
}

impl Recurrent {
    /// The place in the sequence of the k-th step of the scan.
    const fn at(&self, k: usize) -> usize {
        if self.reverse { self.steps - 1 - k } else { k }
    }

    /// Whether the state that step k of the scan is given counts as a constant.
    #[must_use]
    pub const fn cut(&self, k: usize) -> bool {
        self.truncate > 0 && k > 0 && k.is_multiple_of(self.truncate)
    }

    /// Elements of one step's state, and of one step's gates.
    fn sizes(&self, op: &'static str) -> Result<[usize; 2], ShapeError> {
        let gates = product(op, "the gates", &[self.steps.max(1), self.batch, self.units, 5])? / 5 / self.steps.max(1);
        Ok([gates, gates * self.cell.gates()])
    }

    fn check(&self, op: &'static str, lens: &[(&'static str, usize, [usize; 4])]) -> Result<(), ShapeError> {
        lens.iter().try_for_each(|&(what, got, sizes)| check_len(op, what, got, elements(&sizes)))
    }
}

/// The states of all steps, y\[t\] = h' of step t, and in `kept` what the way back needs.
///
/// | | shape |
/// |---|---|
/// | a, the input's part with its bias | `[T, B, G · H]`, G = [`Cell::gates`] |
/// | U | `[G · H, H]` |
/// | b, of [`Cell::Gru`] only | `[H]` |
/// | first state h, and c of [`Cell::Lstm`] only | `[B, H]` |
/// | y | `[T, B, H]` |
/// | kept | `[T, B, K · H]`, K = [`Cell::kept`] |
///
/// # Errors
/// [`ShapeError`] if a slice has not the length its shape says, or the memory is not there.
pub fn recurrent<T: Float>(
    shape: &Recurrent,
    a: &[T],
    weight: &[T],
    bias: &[T],
    first: [&[T]; 2],
    y: &mut [T],
    kept: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "recurrent";
    let Recurrent { cell, steps, batch, units, .. } = *shape;
    let (gates, keeps) = (cell.gates(), cell.kept());
    let [state, step] = shape.sizes(OP)?;
    shape.check(
        OP,
        &[
            ("a", a.len(), [steps, batch, gates, units]),
            ("weight", weight.len(), [gates, units, units, 1]),
            ("bias", bias.len(), [usize::from(cell == Cell::Gru), units, 1, 1]),
            ("h", first[0].len(), [batch, units, 1, 1]),
            ("c", first[1].len(), [usize::from(cell == Cell::Lstm), batch, units, 1]),
            ("y", y.len(), [steps, batch, units, 1]),
            ("kept", kept.len(), [steps, batch, keeps, units]),
        ],
    )?;
    if y.is_empty() {
        return Ok(());
    }
    let wide = gates * units;
    let [mut across, mut u] = scratch.take_all::<T, 2>(OP, [weight.len(), step])?;
    // U is read by every step: once transposed, the products find its rows where they lie.
    transpose(weight, wide, units, across.as_mut_slice());
    let level = Level::current();
    let result = (0..steps).try_for_each(|k| {
        let at = shape.at(k);
        let (h, c, now, keep) = if k == 0 {
            (first[0], first[1], &mut y[at * state..][..state], &mut kept[at * state * keeps..][..state * keeps])
        } else {
            let before = shape.at(k - 1);
            let (old, now) = two(y, before, at, state);
            let (kept_before, keep) = two(kept, before, at, state * keeps);
            (&*old, &*kept_before, now, keep)
        };
        let product = MatMut::new(u.as_mut_slice(), batch, wide)?;
        gemm(T::ONE, MatRef::new(h, batch, units)?, MatRef::new(&across, units, wide)?, T::ZERO, product, scratch)?;
        level.dispatch(Forward {
            cell,
            units,
            first: k == 0,
            a: &a[at * step..][..step],
            u: &u,
            bias,
            h,
            c,
            y: now,
            keep,
        });
        Ok(())
    });
    scratch.give_all([across, u]);
    result
}

/// Parts `i` to read and `j` to write of a slice of parts of `len`; i ≠ j.
fn two<T>(x: &mut [T], i: usize, j: usize, len: usize) -> (&mut [T], &mut [T]) {
    let (low, high) = x.split_at_mut(i.max(j) * len);
    let (low, high) = (&mut low[i.min(j) * len..][..len], &mut high[..len]);
    if i < j { (low, high) } else { (high, low) }
}

/// y `[cols, rows]` of x `[rows, cols]`.
fn transpose<T: Float>(x: &[T], rows: usize, cols: usize, y: &mut [T]) {
    for (i, x) in x.chunks_exact(cols.max(1)).enumerate() {
        for (j, &x) in x.iter().enumerate() {
            y[j * rows + i] = x;
        }
    }
}

/// One step of the scan forward.
struct Forward<'a, T> {
    cell: Cell,
    units: usize,
    first: bool,
    a: &'a [T],
    u: &'a [T],
    bias: &'a [T],
    h: &'a [T],
    /// First step: c; later ones: all that was kept of the step before.
    c: &'a [T],
    y: &'a mut [T],
    keep: &'a mut [T],
}

#[allow(clippy::redundant_closure_for_method_calls, reason = "closures are inlined with the instructions of the level")]
impl<T: Float> Vectorised for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { cell, units: n, first, a, u, bias, h, c, y, keep } = self;
        match cell {
            Cell::Tanh => plain(a, u, y, |x| x.v_tanh()),
            Cell::Relu => plain(a, u, y, |x| if x <= T::ZERO { T::ZERO } else { x }),
            Cell::Gru => {
                let rows = a.chunks_exact(3 * n).zip(u.chunks_exact(3 * n)).zip(h.chunks_exact(n));
                for (((a, u), h), (y, keep)) in rows.zip(y.chunks_exact_mut(n).zip(keep.chunks_exact_mut(4 * n))) {
                    let ((r, rest), (ar, a), (ur, u)) = (keep.split_at_mut(n), a.split_at(n), u.split_at(n));
                    let ((z, rest), (az, an), (uz, un)) = (rest.split_at_mut(n), a.split_at(n), u.split_at(n));
                    let (new, q) = rest.split_at_mut(n);
                    plain(ar, ur, r, |x| x.v_sigmoid());
                    plain(az, uz, z, |x| x.v_sigmoid());
                    gru_row(n, r, z, an, un, bias, h, new, q, y);
                }
            }
            Cell::Lstm => {
                let (row, offset) = if first { (n, 0) } else { (5 * n, 4 * n) };
                let rows = a.chunks_exact(4 * n).zip(u.chunks_exact(4 * n)).zip(c.chunks_exact(row));
                for (((a, u), c), (y, keep)) in rows.zip(y.chunks_exact_mut(n).zip(keep.chunks_exact_mut(5 * n))) {
                    let (gates, new) = keep.split_at_mut(4 * n);
                    plain(&a[..2 * n], &u[..2 * n], &mut gates[..2 * n], |x| x.v_sigmoid());
                    plain(&a[2 * n..3 * n], &u[2 * n..3 * n], &mut gates[2 * n..3 * n], |x| x.v_tanh());
                    plain(&a[3 * n..], &u[3 * n..], &mut gates[3 * n..], |x| x.v_sigmoid());
                    lstm_row(n, gates, &c[offset..][..n], new, y);
                }
            }
        }
    }
}

/// y = f(a + u)
#[inline(always)]
fn plain<T: Float>(a: &[T], u: &[T], y: &mut [T], f: impl Fn(T) -> T) {
    for ((y, &a), &u) in y.iter_mut().zip(a).zip(u) {
        *y = f(a + u);
    }
}

/// n = tanh(a + r (u + b)), h' = n + z (h − n). (Arguments of a function do not overlap, which the compiler knows.)
#[inline(always)]
fn gru_row<T: Float>(
    n: usize,
    r: &[T],
    z: &[T],
    a: &[T],
    u: &[T],
    bias: &[T],
    h: &[T],
    new: &mut [T],
    q: &mut [T],
    y: &mut [T],
) {
    let (r, z, a, u, bias, h) = (&r[..n], &z[..n], &a[..n], &u[..n], &bias[..n], &h[..n]);
    let (new, q, y) = (&mut new[..n], &mut q[..n], &mut y[..n]);
    for j in 0..n {
        q[j] = u[j] + bias[j];
        new[j] = (a[j] + r[j] * q[j]).v_tanh();
        y[j] = new[j] + z[j] * (h[j] - new[j]);
    }
}

/// c' = f c + i g, h' = o tanh c'
#[inline(always)]
fn lstm_row<T: Float>(n: usize, gates: &[T], c: &[T], new: &mut [T], y: &mut [T]) {
    let (i, f, g, o) = (&gates[..n], &gates[n..2 * n], &gates[2 * n..3 * n], &gates[3 * n..4 * n]);
    let (c, new, y) = (&c[..n], &mut new[..n], &mut y[..n]);
    for j in 0..n {
        new[j] = f[j] * c[j] + i[j] * g[j];
        y[j] = o[j] * new[j].v_tanh();
    }
}

/// Where [`recurrent_grad`] writes: each overwritten.
#[derive(Debug)]
pub struct RecurrentGrad<'a, T> {
    /// Of a, `[T, B, G · H]`.
    pub a: &'a mut [T],
    /// Of U, `[G · H, H]`.
    pub weight: &'a mut [T],
    /// Of b, `[H]`; empty but for [`Cell::Gru`].
    pub bias: &'a mut [T],
    /// Of the first h, `[B, H]`.
    pub h: &'a mut [T],
    /// Of the first c, `[B, H]`; empty but for [`Cell::Lstm`].
    pub c: &'a mut [T],
}

/// The gradients of everything that [`recurrent`] was given, from dy `[T, B, H]` and what it kept.
///
/// # Errors
/// As [`recurrent`].
pub fn recurrent_grad<T: Float>(
    shape: &Recurrent,
    weight: &[T],
    first: [&[T]; 2],
    y: &[T],
    kept: &[T],
    dy: &[T],
    grad: RecurrentGrad<'_, T>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "recurrent_grad";
    let Recurrent { cell, steps, batch, units, .. } = *shape;
    let (gates, keeps) = (cell.gates(), cell.kept());
    let [state, step] = shape.sizes(OP)?;
    let gru = usize::from(cell == Cell::Gru);
    let lstm = usize::from(cell == Cell::Lstm);
    shape.check(
        OP,
        &[
            ("weight", weight.len(), [gates, units, units, 1]),
            ("h", first[0].len(), [batch, units, 1, 1]),
            ("c", first[1].len(), [lstm, batch, units, 1]),
            ("y", y.len(), [steps, batch, units, 1]),
            ("kept", kept.len(), [steps, batch, keeps, units]),
            ("dy", dy.len(), [steps, batch, units, 1]),
            ("da", grad.a.len(), [steps, batch, gates, units]),
            ("dweight", grad.weight.len(), [gates, units, units, 1]),
            ("dbias", grad.bias.len(), [gru, units, 1, 1]),
            ("dh", grad.h.len(), [batch, units, 1, 1]),
            ("dc", grad.c.len(), [lstm, batch, units, 1]),
        ],
    )?;
    let RecurrentGrad { a: da, weight: dweight, bias: dbias, h: dh, c: dc } = grad;
    for all in [&mut *dweight, &mut *dbias, &mut *dh, &mut *dc] {
        all.fill(T::ZERO);
    }
    if y.is_empty() {
        return Ok(());
    }
    let wide = gates * units;
    // The gradient of u differs from that of a in the GRU's candidate only.
    let [mut apart] = scratch.take_all::<T, 1>(OP, [gru * da.len()])?;
    let level = Level::current();
    let result = (0..steps).rev().try_for_each(|k| {
        let at = shape.at(k);
        let part =
            |x: &[T], len: usize| -> core::ops::Range<usize> { (at * len).min(x.len())..((at + 1) * len).min(x.len()) };
        let before = if k == 0 { None } else { Some(shape.at(k - 1)) };
        let h = before.map_or(first[0], |before| &y[before * state..][..state]);
        let c = before.map_or(first[1], |before| &kept[before * state * keeps..][..state * keeps]);
        let du = part(&apart, step);
        level.dispatch(Back {
            cell,
            units,
            first: k == 0,
            y: &y[at * state..][..state],
            keep: &kept[at * state * keeps..][..state * keeps],
            h,
            c,
            dy: &dy[at * state..][..state],
            da: &mut da[at * step..][..step],
            du: &mut apart[du.clone()],
            dbias: &mut *dbias,
            dh: &mut *dh,
            dc: &mut *dc,
        });
        if shape.cut(k) {
            dh.fill(T::ZERO);
            dc.fill(T::ZERO);
            return Ok(());
        }
        let du = if gru == 1 { &apart[du] } else { &da[at * step..][..step] };
        // What flows past the gates of a GRU is in dh already.
        let keep = if gru == 1 { T::ONE } else { T::ZERO };
        let (du, u) = (MatRef::new(du, batch, wide)?, MatRef::new(weight, wide, units)?);
        gemm(T::ONE, du, u, keep, MatMut::new(dh, batch, units)?, scratch)
    });
    // dU = Σ over steps of duᵀ h: all steps but the first of the scan at once, whose states lie one step before.
    let du: &[T] = if gru == 1 { &apart } else { &*da };
    let (start, others, states) = if shape.reverse {
        ((steps - 1) * step, &du[..(steps - 1) * step], &y[state..])
    } else {
        (0, &du[step..], &y[..(steps - 1) * state])
    };
    let result = result.and_then(|()| {
        let (rows, du) = (batch * (steps - 1), &du[start..][..step]);
        let (du, h) = (MatRef::new(du, batch, wide)?.t(), MatRef::new(first[0], batch, units)?);
        gemm(T::ONE, du, h, T::ZERO, MatMut::new(dweight, wide, units)?, scratch)?;
        if rows == 0 {
            return Ok(());
        }
        let (du, h) = (MatRef::new(others, rows, wide)?.t(), MatRef::new(states, rows, units)?);
        gemm(T::ONE, du, h, T::ONE, MatMut::new(dweight, wide, units)?, scratch)
    });
    scratch.give_all([apart]);
    result
}

/// One step of the scan back: from dh (and dc) of the state after it to those of the gates, and to what flows past them.
struct Back<'a, T> {
    cell: Cell,
    units: usize,
    first: bool,
    y: &'a [T],
    keep: &'a [T],
    h: &'a [T],
    c: &'a [T],
    dy: &'a [T],
    da: &'a mut [T],
    du: &'a mut [T],
    dbias: &'a mut [T],
    dh: &'a mut [T],
    dc: &'a mut [T],
}

impl<T: Float> Vectorised for Back<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Self { cell, units: n, first, y, keep, h, c, dy, da, du, dbias, dh, dc } = self;
        match cell {
            Cell::Tanh => plain_back(y, dy, dh, da, |y| T::ONE - y * y),
            Cell::Relu => plain_back(y, dy, dh, da, |y| if y <= T::ZERO { T::ZERO } else { T::ONE }),
            Cell::Gru => {
                let rows = keep.chunks_exact(4 * n).zip(h.chunks_exact(n)).zip(dy.chunks_exact(n));
                let out = da.chunks_exact_mut(3 * n).zip(du.chunks_exact_mut(3 * n)).zip(dh.chunks_exact_mut(n));
                for (((keep, h), dy), ((da, du), dh)) in rows.zip(out) {
                    let (dar, rest) = da.split_at_mut(n);
                    let (daz, dan) = rest.split_at_mut(n);
                    let (same, dq) = du.split_at_mut(2 * n);
                    gru_back(n, keep, h, dy, dar, daz, dan, dq, dbias, dh);
                    same[..n].copy_from_slice(dar);
                    same[n..].copy_from_slice(daz);
                }
            }
            Cell::Lstm => {
                let (row, offset) = if first { (n, 0) } else { (5 * n, 4 * n) };
                let rows = keep.chunks_exact(5 * n).zip(c.chunks_exact(row)).zip(dy.chunks_exact(n));
                let out = da.chunks_exact_mut(4 * n).zip(dh.chunks_exact_mut(n)).zip(dc.chunks_exact_mut(n));
                for (((keep, c), dy), ((da, dh), dc)) in rows.zip(out) {
                    let (di, rest) = da.split_at_mut(n);
                    let (df, rest) = rest.split_at_mut(n);
                    let (dg, d_o) = rest.split_at_mut(n);
                    lstm_back(n, keep, &c[offset..][..n], dy, di, df, dg, d_o, dh, dc);
                }
            }
        }
    }
}

/// da = (dy + dh) f′
#[inline(always)]
fn plain_back<T: Float>(y: &[T], dy: &[T], dh: &[T], da: &mut [T], slope: impl Fn(T) -> T) {
    for (((da, &y), &dy), &dh) in da.iter_mut().zip(y).zip(dy).zip(dh) {
        *da = (dy + dh) * slope(y);
    }
}

#[inline(always)]
fn gru_back<T: Float>(
    n: usize,
    keep: &[T],
    h: &[T],
    dy: &[T],
    dar: &mut [T],
    daz: &mut [T],
    dan: &mut [T],
    dq: &mut [T],
    dbias: &mut [T],
    dh: &mut [T],
) {
    let (r, z, new, q) = (&keep[..n], &keep[n..2 * n], &keep[2 * n..3 * n], &keep[3 * n..4 * n]);
    let (h, dy, dar, daz, dan) = (&h[..n], &dy[..n], &mut dar[..n], &mut daz[..n], &mut dan[..n]);
    let (dq, dbias, dh) = (&mut dq[..n], &mut dbias[..n], &mut dh[..n]);
    for j in 0..n {
        let d = dh[j] + dy[j];
        let dn = d * (T::ONE - z[j]) * (T::ONE - new[j] * new[j]);
        dan[j] = dn;
        dq[j] = dn * r[j];
        dbias[j] += dn * r[j];
        dar[j] = dn * q[j] * (r[j] * (T::ONE - r[j]));
        daz[j] = d * (h[j] - new[j]) * (z[j] * (T::ONE - z[j]));
        dh[j] = d * z[j];
    }
}

#[inline(always)]
fn lstm_back<T: Float>(
    n: usize,
    keep: &[T],
    c: &[T],
    dy: &[T],
    di: &mut [T],
    df: &mut [T],
    dg: &mut [T],
    d_o: &mut [T],
    dh: &[T],
    dc: &mut [T],
) {
    let (i, f, g, o, new) =
        (&keep[..n], &keep[n..2 * n], &keep[2 * n..3 * n], &keep[3 * n..4 * n], &keep[4 * n..5 * n]);
    let (c, dy, dh, dc) = (&c[..n], &dy[..n], &dh[..n], &mut dc[..n]);
    let (di, df, dg, d_o) = (&mut di[..n], &mut df[..n], &mut dg[..n], &mut d_o[..n]);
    for j in 0..n {
        let d = dh[j] + dy[j];
        let top = new[j].v_tanh();
        let inner = dc[j] + d * o[j] * (T::ONE - top * top);
        di[j] = inner * g[j] * (i[j] * (T::ONE - i[j]));
        df[j] = inner * c[j] * (f[j] * (T::ONE - f[j]));
        dg[j] = inner * i[j] * (T::ONE - g[j] * g[j]);
        d_o[j] = d * top * (o[j] * (T::ONE - o[j]));
        dc[j] = inner * f[j];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A unit of one, written out: the equations as they stand, in f64.
    fn oracle(cell: Cell, a: &[f64], w: &[f64], b: f64, mut h: f64, mut c: f64) -> Vec<f64> {
        let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
        a.chunks(cell.gates())
            .map(|a| {
                let u: Vec<f64> = w.iter().map(|w| w * h).collect();
                h = match cell {
                    Cell::Tanh => (a[0] + u[0]).tanh(),
                    Cell::Relu => (a[0] + u[0]).max(0.0),
                    Cell::Gru => {
                        let (r, z) = (sigmoid(a[0] + u[0]), sigmoid(a[1] + u[1]));
                        (1.0 - z) * (a[2] + r * (u[2] + b)).tanh() + z * h
                    }
                    Cell::Lstm => {
                        let (i, f, o) = (sigmoid(a[0] + u[0]), sigmoid(a[1] + u[1]), sigmoid(a[3] + u[3]));
                        c = f * c + i * (a[2] + u[2]).tanh();
                        o * c.tanh()
                    }
                };
                h
            })
            .collect()
    }

    #[test]
    fn one_unit_follows_its_equations_in_both_directions() {
        for cell in [Cell::Tanh, Cell::Relu, Cell::Gru, Cell::Lstm] {
            for reverse in [false, true] {
                let shape = Recurrent { cell, steps: 4, batch: 1, units: 1, reverse, truncate: 0 };
                let g = cell.gates();
                let a: Vec<f64> = (0..4 * g).map(|i| ((i * 7 + 3) % 11) as f64 / 5.0 - 1.0).collect();
                let w: Vec<f64> = (0..g).map(|i| 0.7 - 0.3 * i as f64).collect();
                let (bias, c): (&[f64], &[f64]) =
                    (if cell == Cell::Gru { &[0.3] } else { &[] }, if cell == Cell::Lstm { &[-0.4] } else { &[] });
                let (mut y, mut kept) = (vec![f64::NAN; 4], vec![f64::NAN; 4 * cell.kept()]);
                let mut scratch = Scratch::new();
                recurrent(&shape, &a, &w, bias, [&[0.2], c], &mut y, &mut kept, &mut scratch).unwrap();
                let order: Vec<f64> = if reverse { a.chunks(g).rev().flatten().copied().collect() } else { a.clone() };
                let mut expected = oracle(cell, &order, &w, 0.3, 0.2, -0.4);
                if reverse {
                    expected.reverse();
                }
                for (y, e) in y.iter().zip(&expected) {
                    assert!((y - e).abs() < 1e-14, "{cell:?} {reverse}: {y} {e}");
                }
            }
        }
    }

    #[test]
    fn wrong_lengths_and_hostile_sizes_are_refused() {
        let shape = Recurrent { cell: Cell::Gru, steps: 2, batch: 1, units: 1, reverse: false, truncate: 0 };
        let (mut y, mut kept, mut scratch) = ([0.0; 2], [0.0; 8], Scratch::new());
        let mut run = |shape: &Recurrent, bias: &[f32]| {
            recurrent(shape, &[0.0; 6], &[0.0; 3], bias, [&[0.0], &[]], &mut y, &mut kept, &mut scratch)
        };
        assert!(run(&shape, &[0.0]).is_ok());
        assert!(run(&shape, &[]).is_err());
        assert!(run(&Recurrent { steps: 3, ..shape }, &[0.0]).is_err());
        for huge in [usize::MAX, 1 << 62] {
            assert!(run(&Recurrent { steps: huge, ..shape }, &[0.0]).is_err());
            assert!(run(&Recurrent { units: huge, ..shape }, &[0.0]).is_err());
            assert!(run(&Recurrent { batch: huge, ..shape }, &[0.0]).is_err());
        }
    }
}
