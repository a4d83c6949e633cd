//! A recurrent layer over a whole sequence, as one operation: the scan forward keeps the gates, a scan back gives all gradients.

use super::{Op, recompute};
use crate::backward::Backward;
use crate::tape::Saved;
use crate::{Error, Scalar, Shape, Transpose, Var};
use nl_kernels::{Cell, Recurrent, RecurrentGrad};

/// The unit of a [recurrent](Var::recurrent) layer, with what only it has; the equations stand at [`nl_kernels::Cell`].
#[derive(Clone, Copy)]
pub enum Unit<'t, S> {
    /// h' = tanh(a + U h)
    Tanh,
    /// h' = max(0, a + U h)
    Relu,
    /// Reset and update gate and a candidate, whose part of U h has a bias of its own, `[H]`.
    Gru(Var<'t, S>),
    /// Input, forget and output gate around a cell, which begins at c `[B, H]`.
    Lstm(Var<'t, S>),
}

/// How a [recurrent](Var::recurrent) layer goes through a sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scan {
    /// From the last step to the first.
    pub reverse: bool,
    /// Steps after which the state counts as a constant: no gradient flows back any further (truncated back-propagation through
    /// time, Williams & Peng, 1990). 0: it flows through all.
    pub truncate: usize,
}

impl<'t, S: Scalar> Var<'t, S> {
    /// The states of all steps of a recurrent layer, y\[t\] = h' of step t: this variable is a, the input's part of the gates with
    /// its bias (one product for all steps).
    ///
    /// | | shape |
    /// |---|---|
    /// | a | `[T, B, G · H]`, G = 1 (tanh, relu), 3 (GRU: r, z, n), 4 (LSTM: i, f, g, o) |
    /// | U (`weight`) | `[G · H, H]` |
    /// | first state h | `[B, H]` |
    /// | y | `[T, B, H]` |
    ///
    /// ```
    /// use nl_autodiff::{Scan, Tape, Tensor, Unit};
    /// let tape = Tape::new();
    /// let a = tape.leaf(Tensor::new(&[2, 1, 1], vec![0.5f64, 0.0])?);
    /// let (u, h) = (tape.leaf(Tensor::full(&[1, 1], 2.0)?), tape.constant(Tensor::zeros(&[1, 1])?));
    /// let y = a.recurrent(Unit::Tanh, Scan::default(), u, h)?.value();
    /// assert!((y.as_slice()[1] - (2.0 * 0.5f64.tanh()).tanh()).abs() < 1e-15);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Shapes`] if the shapes do not fit; [`Error::DifferentTapes`].
    pub fn recurrent(self, unit: Unit<'t, S>, scan: Scan, weight: Self, h: Self) -> Result<Self, Error> {
        const OP: &str = "recurrent";
        let (a, w) = (self.shape(), weight.shape());
        let (cell, extra) = match unit {
            Unit::Tanh => (Cell::Tanh, None),
            Unit::Relu => (Cell::Relu, None),
            Unit::Gru(bias) => (Cell::Gru, Some(bias)),
            Unit::Lstm(c) => (Cell::Lstm, Some(c)),
        };
        let &[steps, batch, wide] = a.dims() else {
            return Err(Error::shape(OP, a, "a sequence has three axes, [T, B, G · H]"));
        };
        let &[rows, units] = w.dims() else {
            return Err(Error::shape(OP, w, "the weight of the state has two axes, [G · H, H]"));
        };
        if rows != wide || units.checked_mul(cell.gates()) != Some(wide) {
            return Err(Error::shapes(OP, a, w, "a is [T, B, G · H] and U is [G · H, H]; G is 1, 3 (GRU) or 4 (LSTM)"));
        }
        if h.shape().dims() != [batch, units] {
            return Err(Error::shapes(OP, a, h.shape(), "the first state is [B, H]"));
        }
        let y = Shape::new(&[steps, batch, units])?;
        if let Some(extra) = extra {
            let fits = match cell {
                Cell::Gru => extra.shape().dims() == [units],
                _ => extra.shape().dims() == [batch, units],
            };
            if !fits {
                return Err(Error::shapes(OP, y, extra.shape(), "the candidate's bias is [H], the first cell [B, H]"));
            }
        }
        let shape = Recurrent { cell, steps, batch, units, reverse: scan.reverse, truncate: scan.truncate };
        let mut kept = self.tape.take(OP, Shape::new(&[steps, batch, cell.kept(), units])?)?;
        let value =
            self.tape.compute(OP, y, [self, weight, h, extra.unwrap_or(h)], |[a, w, h, extra], y, scratch| {
                let Some(kept) = kept.as_unique_mut() else { return Ok(()) };
                let (bias, c) = apart(cell, extra);
                nl_kernels::recurrent(&shape, a, w, bias, [h, c], y, kept, scratch)
            })?;
        let op = Op::Recurrent(shape);
        Ok(match extra {
            Some(extra) => self.tape.record(op, &[self, weight, h, extra], value, Saved::Values(kept)),
            None => self.tape.record(op, &[self, weight, h], value, Saved::Values(kept)),
        })
    }
}

/// The bias of a GRU or the first cell of an LSTM, from what only one of them has.
fn apart<S>(cell: Cell, extra: &[S]) -> (&[S], &[S]) {
    match cell {
        Cell::Gru => (extra, &[]),
        Cell::Lstm => (&[], extra),
        _ => (&[], &[]),
    }
}

/// The same, stated in operations, one step after another: what is differentiated again.
fn composed<'t, S: Scalar>(shape: &Recurrent, v: &[Var<'t, S>]) -> Result<Var<'t, S>, Error> {
    let Recurrent { cell, steps, batch, units, reverse, .. } = *shape;
    let (a, weight, mut h) = (v[0], v[1], v[2]);
    let mut c = v.get(3).copied();
    let mut states = vec![h; steps];
    for k in 0..steps {
        let t = if reverse { steps - 1 - k } else { k };
        if shape.cut(k) {
            h = h.detach();
            c = if cell == Cell::Lstm { c.map(Var::detach) } else { c };
        }
        let a = a.slice(0, t..t + 1)?.reshape(&[batch, cell.gates() * units])?;
        let u = h.matmul_with(Transpose::No, weight, Transpose::Yes)?;
        let part = |x: Var<'t, S>, gate: usize| x.slice(1, gate * units..(gate + 1) * units);
        h = match (cell, c) {
            (Cell::Gru, Some(bias)) => {
                let r = part(a, 0)?.add(part(u, 0)?)?.sigmoid()?;
                let z = part(a, 1)?.add(part(u, 1)?)?.sigmoid()?;
                let n = part(a, 2)?.add(r.mul(part(u, 2)?.add(bias)?)?)?.tanh()?;
                n.add(z.mul(h.sub(n)?)?)?
            }
            (Cell::Lstm, Some(before)) => {
                let x = a.add(u)?;
                let (i, f) = (part(x, 0)?.sigmoid()?, part(x, 1)?.sigmoid()?);
                let (g, o) = (part(x, 2)?.tanh()?, part(x, 3)?.sigmoid()?);
                let now = f.mul(before)?.add(i.mul(g)?)?;
                c = Some(now);
                o.mul(now.tanh()?)?
            }
            (Cell::Relu, _) => a.add(u)?.relu()?,
            _ => a.add(u)?.tanh()?,
        };
        states[t] = h.reshape(&[1, batch, units])?;
    }
    if steps == 0 {
        return h.tape.zeros(Shape::new(&[0, batch, units])?);
    }
    Var::concat(&states, 0)
}

pub(super) fn backward<S: Scalar>(shape: Recurrent, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    const OP: &str = "recurrent";
    if !rule.fused() {
        return recompute(rule, |v| composed(&shape, v));
    }
    let Some(kept) = rule.saved_values() else { return Ok(()) };
    let (tape, cell, more) = (rule.tape(), shape.cell, rule.inputs() == 4);
    let (a, w, h, y, dy) = (rule.x(0), rule.x(1), rule.x(2), rule.y(), rule.dy());
    let extra = if more { rule.x(3) } else { h };
    // Four results of one scan: three are buffers beside the one that `compute` makes for da.
    let (mut dw, mut dh) = (tape.take(OP, w.shape())?, tape.take(OP, h.shape())?);
    let mut dextra = tape.take(OP, if more { extra.shape() } else { Shape::from_dims(&[0]) })?;
    let da = tape.compute(OP, a.shape(), [w, h, extra, y, kept, dy], |[w, h, extra, y, kept, dy], da, scratch| {
        let buffers = (dw.as_unique_mut(), dh.as_unique_mut(), dextra.as_unique_mut());
        let (Some(dw), Some(dh), Some(dextra)) = buffers else { return Ok(()) };
        let (_, c) = apart(cell, extra);
        let (bias, dc): (&mut [S], &mut [S]) = if cell == Cell::Gru { (dextra, &mut []) } else { (&mut [], dextra) };
        let grad = RecurrentGrad { a: da, weight: dw, bias, h: dh, c: dc };
        nl_kernels::recurrent_grad(&shape, w, [h, c], y, kept, dy, grad, scratch)
    })?;
    for (i, gradient) in [da, dw, dh].into_iter().enumerate() {
        let gradient = tape.record_constant(gradient);
        rule.give(i, gradient)?;
    }
    let dextra = tape.record_constant(dextra);
    if more { rule.give(3, dextra) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CreateGraph, Tape, Tensor, grad, gradcheck, gradgradcheck};

    const CELLS: [Cell; 4] = [Cell::Tanh, Cell::Relu, Cell::Gru, Cell::Lstm];

    fn numbers(dims: &[usize], salt: usize) -> Tensor<f64> {
        Tensor::from_fn(dims, |i| 2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0).unwrap()
    }

    /// a, U, h, and the bias or the first cell.
    fn inputs(cell: Cell, steps: usize, batch: usize, units: usize) -> Vec<Tensor<f64>> {
        let wide = cell.gates() * units;
        let mut all = vec![numbers(&[steps, batch, wide], 1), numbers(&[wide, units], 2), numbers(&[batch, units], 3)];
        match cell {
            Cell::Gru => all.push(numbers(&[units], 4)),
            Cell::Lstm => all.push(numbers(&[batch, units], 5)),
            _ => {}
        }
        all
    }

    fn fused<'t>(cell: Cell, scan: Scan, v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
        let unit = match cell {
            Cell::Gru => Unit::Gru(v[3]),
            Cell::Lstm => Unit::Lstm(v[3]),
            Cell::Relu => Unit::Relu,
            _ => Unit::Tanh,
        };
        v[0].recurrent(unit, scan, v[1], v[2])
    }

    /// Values and gradients of the scan equal those of its steps, in both directions, cut or not.
    #[test]
    fn the_scan_is_its_steps() -> Result<(), Error> {
        for cell in CELLS {
            for (reverse, truncate, steps) in [(false, 0, 5), (true, 0, 5), (false, 2, 5), (true, 3, 5), (false, 1, 1)]
            {
                let (batch, units) = (3, 4);
                let shape = Recurrent { cell, steps, batch, units, reverse, truncate };
                let tape = Tape::new();
                let v: Vec<_> = inputs(cell, steps, batch, units).into_iter().map(|x| tape.leaf(x)).collect();
                let weights = tape.constant(numbers(&[steps, batch, units], 9));
                let results = [fused(cell, Scan { reverse, truncate }, &v)?, composed(&shape, &v)?]
                    .map(|y| (y.value(), grad(y.mul(weights).unwrap().sum().unwrap(), &v, CreateGraph::No).unwrap()));
                let [(y, dy), (want, dwant)] = results;
                approx::assert_abs_diff_eq!(y.as_slice(), want.as_slice(), epsilon = 1e-14);
                for (i, (got, want)) in dy.iter().zip(&dwant).enumerate() {
                    let close = approx::abs_diff_eq!(got.value().as_slice(), want.value().as_slice(), epsilon = 1e-13);
                    assert!(close, "{cell:?} {reverse} {truncate}: input {i}");
                }
            }
        }
        Ok(())
    }

    #[test]
    fn first_and_second_derivatives() -> Result<(), Error> {
        for cell in CELLS {
            for reverse in [false, true] {
                let inputs = inputs(cell, 3, 2, 2);
                let scan = Scan { reverse, truncate: 0 };
                match cell {
                    Cell::Tanh => {
                        gradcheck(move |v| v[0].recurrent(Unit::Tanh, scan, v[1], v[2]), &inputs)?;
                        gradgradcheck(move |v| v[0].recurrent(Unit::Tanh, scan, v[1], v[2]), &inputs)?;
                    }
                    Cell::Relu => {
                        gradcheck(move |v| v[0].recurrent(Unit::Relu, scan, v[1], v[2]), &inputs)?;
                    }
                    Cell::Gru => {
                        gradcheck(move |v| v[0].recurrent(Unit::Gru(v[3]), scan, v[1], v[2]), &inputs)?;
                        gradgradcheck(move |v| v[0].recurrent(Unit::Gru(v[3]), scan, v[1], v[2]), &inputs)?;
                    }
                    _ => {
                        gradcheck(move |v| v[0].recurrent(Unit::Lstm(v[3]), scan, v[1], v[2]), &inputs)?;
                        gradgradcheck(move |v| v[0].recurrent(Unit::Lstm(v[3]), scan, v[1], v[2]), &inputs)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A first state that the input's part depends on: what flows through one is not counted for the other.
    #[test]
    fn inputs_that_depend_on_each_other() -> Result<(), Error> {
        fn stacked<'t>(v: &[Var<'t, f64>]) -> Result<Var<'t, f64>, Error> {
            let h = v[0].tanh()?;
            let a = Var::concat(&[h.reshape(&[1, 2, 3])?, v[0].reshape(&[1, 2, 3])?], 0)?;
            a.recurrent(Unit::Tanh, Scan::default(), v[1], h)?.recurrent(Unit::Tanh, Scan::default(), v[1], h)
        }
        let x = [numbers(&[2, 3], 1), numbers(&[3, 3], 2)];
        gradcheck(stacked, &x)?;
        gradgradcheck(stacked, &x)?;
        Ok(())
    }

    #[test]
    fn shapes_that_do_not_fit_are_refused() {
        let tape = Tape::<f64>::new();
        let of = |dims: &[usize]| tape.leaf(Tensor::zeros(dims).unwrap());
        let scan = Scan::default();
        let run = |a: &[usize], w: &[usize], h: &[usize]| of(a).recurrent(Unit::Tanh, scan, of(w), of(h)).is_err();
        assert!(!run(&[2, 3, 4], &[4, 4], &[3, 4]));
        assert!(!run(&[0, 3, 4], &[4, 4], &[3, 4]));
        assert!(!run(&[2, 0, 4], &[4, 4], &[0, 4]));
        assert!(run(&[2, 3], &[4, 4], &[3, 4]));
        assert!(run(&[2, 3, 4], &[4, 3], &[3, 4]));
        assert!(run(&[2, 3, 4], &[4, 4], &[2, 4]));
        let gru = of(&[2, 3, 12]).recurrent(Unit::Gru(of(&[3])), scan, of(&[12, 4]), of(&[3, 4]));
        assert!(gru.err().unwrap().to_string().contains("the candidate's bias is [H]"));
    }
}
