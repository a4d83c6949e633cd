//! Picking rows by index, and its adjoint, adding rows at indices: the pair behind `index_select`, `embedding`, pooling
//! and picking the target's log-probability.

use super::Op;
use crate::backward::Backward;
use crate::tape::{Pooled, Saved};
use crate::{Error, Scalar, Shape, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// Entries of one axis by index: y\[…, i, …\] = x\[…, indices\[i\], …\]. dx adds each dy to where it came from, so an
    /// index may repeat.
    ///
    /// # Errors
    /// [`Error::Axis`] if there is no such axis; [`Error::Index`] if an index is beyond its end.
    pub fn index_select(self, axis: usize, indices: &[u32]) -> Result<Self, Error> {
        const OP: &str = "index_select";
        let from = self.shape();
        if axis >= from.rank() {
            return Err(Error::axis(OP, axis, from));
        }
        let (outer, len, inner) = from.split_at(axis);
        check_indices(OP, indices, len)?;
        check_rows(OP, outer * len)?;
        let shape = Shape::new(from.with_dim(axis, indices.len()).dims())?;
        let (rows, ()) = self.tape.indices(OP, outer * indices.len(), |rows| {
            for (block, rows) in rows.chunks_exact_mut(indices.len().max(1)).enumerate() {
                for (row, &index) in rows.iter_mut().zip(indices) {
                    *row = (block * len) as u32 + index;
                }
            }
        })?;
        gather_rows(self, rows, shape, inner)
    }

    /// Rows of a table by index: x `[vocabulary, features]`, `indices` of any shape `dims` → `[dims…, features]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the table has not two axes; [`Error::Length`] if `indices` does not fill `dims`;
    /// [`Error::Index`] if an index is beyond the table.
    pub fn embedding(self, dims: &[usize], indices: &[u32]) -> Result<Self, Error> {
        const OP: &str = "embedding";
        let table = self.shape();
        let &[rows, features] = table.dims() else {
            return Err(Error::shape(OP, table, "the table has two axes, [vocabulary, features]"));
        };
        if dims.len() >= Shape::MAX_RANK {
            return Err(Error::Rank { op: OP, rank: dims.len() + 1 });
        }
        let expected = Shape::new(dims)?.len();
        if indices.len() != expected {
            return Err(Error::Length { op: OP, what: "indices", expected, got: indices.len() });
        }
        check_indices(OP, indices, rows)?;
        let mut all = [features; Shape::MAX_RANK];
        all[..dims.len()].copy_from_slice(dims);
        let indices = self.tape.copy_indices(OP, indices)?;
        gather_rows(self, indices, Shape::new(&all[..=dims.len()])?, features)
    }

    /// Rows of a table by numbers that are themselves values: x `[vocabulary, features]`, `tokens` of any shape `dims`, each a whole
    /// number below `vocabulary` → `[dims…, features]`. No gradient flows to the tokens.
    ///
    /// # Errors
    /// As [`embedding`](Self::embedding); [`Error::Value`] for a token that is no whole number below `vocabulary`.
    pub fn lookup(self, tokens: Self) -> Result<Self, Error> {
        const OP: &str = "lookup";
        self.tape.check_same(OP, &[tokens])?;
        let (table, dims) = (self.shape(), tokens.shape());
        let &[rows, features] = table.dims() else {
            return Err(Error::shape(OP, table, "the table has two axes, [vocabulary, features]"));
        };
        if dims.rank() >= Shape::MAX_RANK {
            return Err(Error::Rank { op: OP, rank: dims.rank() + 1 });
        }
        check_rows(OP, rows)?;
        let values = tokens.value();
        let whole = |x: f64| x >= 0.0 && x < rows as f64 && x.fract() == 0.0;
        if let Some(bad) = values.as_slice().iter().map(|x| x.to_f64()).find(|&x| !whole(x)) {
            let message = format!("{bad} is no token; tokens are whole numbers from 0 to below {rows}");
            return Err(Error::Value { op: OP, message });
        }
        let mut all = [features; Shape::MAX_RANK];
        all[..dims.rank()].copy_from_slice(dims.dims());
        let (indices, ()) = self.tape.indices(OP, dims.len(), |indices| {
            for (index, x) in indices.iter_mut().zip(values.as_slice()) {
                *index = x.to_f64() as u32;
            }
        })?;
        gather_rows(self, indices, Shape::new(&all[..=dims.rank()])?, features)
    }

    /// One entry of `axis` for each position of the other axes: y = x\[…, indices\[position\], …\]; `indices` has one
    /// entry for each element of the result, which has not got that axis.
    ///
    /// # Errors
    /// [`Error::Axis`], [`Error::Length`] or [`Error::Index`].
    pub fn pick(self, axis: usize, indices: &[u32]) -> Result<Self, Error> {
        const OP: &str = "pick";
        let from = self.shape();
        let (_, shape) = super::sum::reduced(OP, from, &[axis])?;
        let (outer, len, inner) = from.split_at(axis);
        if indices.len() != outer * inner {
            return Err(Error::Length { op: OP, what: "indices", expected: outer * inner, got: indices.len() });
        }
        check_indices(OP, indices, len)?;
        check_rows(OP, from.len())?;
        let (cells, ()) = self.tape.indices(OP, indices.len(), |cells| {
            for (at, (cell, &index)) in cells.iter_mut().zip(indices).enumerate() {
                *cell = ((at / inner * len + index as usize) * inner + at % inner) as u32;
            }
        })?;
        gather_rows(self, cells, shape, 1)
    }

    /// Rows of `width` elements added into zeros of `shape`: row i of x goes to row `rows[i]` of the result.
    pub(super) fn scatter_rows(self, rows: &[u32], shape: Shape, width: usize) -> Result<Self, Error> {
        check_rows("scatter", shape.len())?;
        let rows = self.tape.copy_indices("scatter", rows)?;
        scatter_rows(self, rows, shape, width)
    }
}

pub(super) fn check_indices(op: &'static str, indices: &[u32], limit: usize) -> Result<(), Error> {
    match indices.iter().find(|&&i| i as usize >= limit) {
        Some(&index) => Err(Error::Index { op, index: index as usize, limit }),
        None => Ok(()),
    }
}

/// Row numbers are stored in 32 bits.
pub(super) fn check_rows(op: &'static str, rows: usize) -> Result<(), Error> {
    if u32::try_from(rows).is_ok() {
        return Ok(());
    }
    Err(Error::Value { op, message: format!("{rows} rows; at most {} can be indexed, so split the tensor", u32::MAX) })
}

/// y row i = x row `rows[i]`; rows of `width` elements. The indices are in range.
pub(super) fn gather_rows<'t, S: Scalar>(
    x: Var<'t, S>,
    rows: Pooled<u32>,
    shape: Shape,
    width: usize,
) -> Result<Var<'t, S>, Error> {
    let y = x.tape.compute("gather", shape, [x], |[x], y, _| {
        if width == 1 {
            for (y, &row) in y.iter_mut().zip(rows.as_slice()) {
                *y = x[row as usize];
            }
        } else if width > 0 {
            for (y, &row) in y.chunks_exact_mut(width).zip(rows.as_slice()) {
                y.copy_from_slice(&x[row as usize * width..][..width]);
            }
        }
        Ok(())
    })?;
    Ok(x.tape.record(Op::GatherRows { width }, &[x], y, Saved::Indices(rows)))
}

/// y row `rows[i]` += x row i, in order of i.
fn add_rows<S: Scalar>(rows: &[u32], width: usize, x: &[S], y: &mut [S]) {
    if width == 1 {
        for (&x, &row) in x.iter().zip(rows) {
            y[row as usize] += x;
        }
    } else if width > 0 {
        for (x, &row) in x.chunks_exact(width).zip(rows) {
            super::add_assign(x, &mut y[row as usize * width..][..width]);
        }
    }
}

/// The adjoint of [`gather_rows`].
pub(super) fn scatter_rows<'t, S: Scalar>(
    x: Var<'t, S>,
    rows: Pooled<u32>,
    shape: Shape,
    width: usize,
) -> Result<Var<'t, S>, Error> {
    let y = x.tape.compute("scatter", shape, [x], |[x], y, _| {
        y.fill(S::ZERO);
        add_rows(rows.as_slice(), width, x, y);
        Ok(())
    })?;
    Ok(x.tape.record(Op::ScatterRows { width }, &[x], y, Saved::Indices(rows)))
}

pub(super) fn gather_backward<S: Scalar>(width: usize, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let Some(rows) = rule.saved_indices() else { return Ok(()) };
    if rule.fused() {
        return rule.give_part(0, |dy, dx| add_rows(rows.as_slice(), width, dy, dx));
    }
    let dx = scatter_rows(rule.dy(), rows, rule.x(0).shape(), width)?;
    rule.give(0, dx)
}

pub(super) fn scatter_backward<S: Scalar>(width: usize, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let Some(rows) = rule.saved_indices() else { return Ok(()) };
    let dx = gather_rows(rule.dy(), rows, rule.x(0).shape(), width)?;
    rule.give(0, dx)
}
