//! What a loss compares outputs with.

use nl_autodiff::{Scalar, Tape, Var};

use crate::Error;
use crate::error::At;

/// What is to be learned, and how much of it: the shape of a task, without its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetForm {
    /// One of so many classes.
    Classes(usize),
    /// So many numbers.
    Values(usize),
    /// So many labels, each of which holds or does not.
    Labels(usize),
}

/// The targets of a batch of B samples.
#[derive(Debug, Clone, Copy)]
pub enum Targets<'a, 't, S: Scalar> {
    /// One class for each sample, counted from 0.
    Classes(&'a [u32]),
    /// Numbers, `[B, K]`.
    Values(Var<'t, S>),
    /// 1 for a label that holds, 0 for one that does not, `[B, K]`; what lies between is a degree of belief.
    Labels(Var<'t, S>),
}

/// The targets of a batch of B samples that lie on no tape yet, so that outputs on any tape can be compared with them.
///
/// ```
/// use nl_autodiff::{Tape, Tensor};
/// use nl_layers::loss::{LossKind, Mse, TargetRows};
///
/// let wanted = TargetRows::Values { rows: &[1.0_f32, 2.0, 3.0, 4.0], width: 2 };
/// let tape = Tape::new();
/// let output = tape.leaf(Tensor::new(&[2, 2], vec![1.0, 2.0, 3.0, 6.0])?);
/// let sum = LossKind::Mse(Mse {}).loss("loss", output, &wanted.on(&tape, "loss")?)?;
/// assert_eq!(sum.item()?, 2.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub enum TargetRows<'a, S> {
    /// One class for each sample, counted from 0.
    Classes(&'a [u32]),
    /// Numbers, `[B, width]`.
    Values {
        /// Row after row.
        rows: &'a [S],
        /// K, at least 1.
        width: usize,
    },
}

impl<'a, S: Scalar> TargetRows<'a, S> {
    /// The same for outputs on `tape`: values are a constant there. `path` stands in messages.
    ///
    /// # Errors
    /// Rows that are no multiple of their width, or of none.
    pub fn on<'t>(&self, tape: &'t Tape<S>, path: &str) -> Result<Targets<'a, 't, S>, Error> {
        match *self {
            Self::Classes(classes) => Ok(Targets::Classes(classes)),
            Self::Values { rows, width } if width > 0 && rows.len().is_multiple_of(width) => {
                let dims = [rows.len() / width, width];
                Ok(Targets::Values(tape.constant_with(&dims, |to| to.copy_from_slice(rows)).at(path)?))
            }
            Self::Values { rows, width } => {
                let n = rows.len();
                Err(Error::hyperparameter(path, format!("{n} values are no rows of {width}; give each sample as many")))
            }
        }
    }
}

const CLASSES: &str = "classes";
const VALUES: &str = "values";
const LABELS: &str = "labels";

/// A target of another form than the loss takes.
pub(super) fn refused(path: &str, loss: &str, takes: &str, got: &str) -> Error {
    let other = match got {
        CLASSES => "`cross-entropy`, `focal`, `ordinal`, `least-squares` or `sigmoid`",
        VALUES => "`mse`, `huber`, `quantile` or `gaussian`",
        _ => "`sigmoid`",
    };
    Error::hyperparameter(path, format!("loss `{loss}` takes {takes}, and the target is {got}; use {other} for {got}"))
}

impl TargetForm {
    /// Its name in messages.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Classes(_) => CLASSES,
            Self::Values(_) => VALUES,
            Self::Labels(_) => LABELS,
        }
    }

    /// C, at least 2.
    pub(super) fn classes(&self, path: &str, loss: &str) -> Result<usize, Error> {
        match *self {
            Self::Classes(count) if count >= 2 => Ok(count),
            Self::Classes(count) => Err(Error::hyperparameter(
                path,
                format!("loss `{loss}` takes 2 classes or more, and there are {count}"),
            )),
            _ => Err(refused(path, loss, CLASSES, self.name())),
        }
    }

    /// K times `each`, at least 1.
    pub(super) fn values(&self, path: &str, loss: &str, each: usize) -> Result<usize, Error> {
        match *self {
            Self::Values(count) => columns(path, loss, count, each),
            _ => Err(refused(path, loss, VALUES, self.name())),
        }
    }

    /// K, at least 1.
    pub(super) fn labels(&self, path: &str, loss: &str) -> Result<usize, Error> {
        match *self {
            Self::Labels(count) => columns(path, loss, count, 1),
            _ => Err(refused(path, loss, LABELS, self.name())),
        }
    }
}

fn columns(path: &str, loss: &str, count: usize, each: usize) -> Result<usize, Error> {
    count.checked_mul(each).filter(|&outputs| outputs > 0).ok_or_else(|| {
        let message = format!("loss `{loss}` gives {each} outputs for each column, and there are {count}");
        Error::hyperparameter(path, format!("{message}; give the target at least 1 column and fewer than memory holds"))
    })
}

impl<'a, 't, S: Scalar> Targets<'a, 't, S> {
    /// Its name in messages.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Classes(_) => CLASSES,
            Self::Values(_) => VALUES,
            Self::Labels(_) => LABELS,
        }
    }

    /// The classes, of which there are `more` than columns of the output, and at least 2; their number.
    pub(super) fn classes(
        &self,
        path: &str,
        loss: &'static str,
        output: Var<'t, S>,
        more: usize,
    ) -> Result<(&'a [u32], usize), Error> {
        let &Self::Classes(classes) = self else { return Err(refused(path, loss, CLASSES, self.name())) };
        let shape = output.shape();
        let (rows, least) = (classes.len(), 2 - more);
        let count = match *shape.dims() {
            [n, columns] if n == rows && columns >= least => columns.saturating_add(more),
            _ => {
                let expected = format!("[{rows}, {least} or more]");
                return Err(Error::input(
                    path,
                    expected,
                    shape.dims(),
                    "give each sample a row, and a class for each row",
                ));
            }
        };
        match classes.iter().find(|&&class| class as usize >= count) {
            Some(&class) => {
                Err(Error::at(path, nl_autodiff::Error::Index { op: loss, index: class as usize, limit: count }))
            }
            None => Ok((classes, count)),
        }
    }

    /// The values `[B, K]`, for each of which the output has `each` columns.
    pub(super) fn values(&self, path: &str, loss: &str, output: Var<'t, S>, each: usize) -> Result<Var<'t, S>, Error> {
        let &Self::Values(values) = self else { return Err(refused(path, loss, VALUES, self.name())) };
        fitting(path, output, values, each)
    }

    /// The labels `[B, K]`, for each of which the output has a column.
    pub(super) fn labels(&self, path: &str, loss: &str, output: Var<'t, S>) -> Result<Var<'t, S>, Error> {
        let &Self::Labels(labels) = self else { return Err(refused(path, loss, LABELS, self.name())) };
        fitting(path, output, labels, 1)
    }
}

fn fitting<'t, S: Scalar>(
    path: &str,
    output: Var<'t, S>,
    target: Var<'t, S>,
    each: usize,
) -> Result<Var<'t, S>, Error> {
    let (got, wanted) = (output.shape(), target.shape());
    let &[rows, columns] = wanted.dims() else {
        return Err(Error::input(path, "[B, K]", wanted.dims(), "the target has a row for each sample"));
    };
    let width = columns.saturating_mul(each);
    if columns == 0 || got.dims() != [rows, width] {
        let help = "the target's rows are samples, its columns times the outputs for each are the last layer's";
        return Err(Error::input(path, format!("[{rows}, {width}]"), got.dims(), help));
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values come back row by row, classes as they are; half a row is refused.
    #[test]
    fn rows_lie_on_any_tape() {
        let tape = Tape::<f64>::new();
        let rows = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let Targets::Values(values) = (TargetRows::Values { rows: &rows, width: 3 }).on(&tape, "loss").unwrap() else {
            panic!("no values")
        };
        assert_eq!((values.shape().dims(), values.value().as_slice()), (&[2, 3][..], &rows[..]));
        let classes = TargetRows::<f64>::Classes(&[4, 2]).on(&tape, "loss").unwrap();
        assert!(matches!(classes, Targets::Classes([4, 2])));
        for width in [0, 4] {
            let said = (TargetRows::Values { rows: &rows, width }).on(&tape, "loss").unwrap_err().to_string();
            assert!(said.contains("6 values are no rows of"), "{said}");
        }
    }
}
