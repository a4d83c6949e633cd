//! Matrix product, also of transposed operands and of batches.

use super::Op;
use crate::backward::Backward;
use crate::{Error, Scalar, Shape, Var};
use nl_kernels::{MatMut, MatRef, gemm};

/// Whether an operand enters a product transposed (its last two axes; nothing is copied).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transpose {
    /// As it is.
    No,
    /// Transposed.
    Yes,
}

impl Transpose {
    const fn flip(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Yes => Self::No,
        }
    }

    /// Rows and columns of the operand as it enters the product.
    const fn of(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Self::No => (rows, cols),
            Self::Yes => (cols, rows),
        }
    }
}

impl<'t, S: Scalar> Var<'t, S> {
    /// Y = A B: `[…, m, k]` × `[…, k, n]` → `[…, m, n]`. Leading axes are a batch and must be equal, or B has none and
    /// serves the whole batch. dA = dY Bᵀ, dB = Aᵀ dY.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let a = tape.leaf(Tensor::new(&[1, 2], vec![1.0, 2.0])?);
    /// let b = tape.leaf(Tensor::new(&[2, 1], vec![3.0, 4.0])?);
    /// assert_eq!(a.matmul(b)?.item()?, 11.0);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes do not fit; [`Error::DifferentTapes`].
    pub fn matmul(self, other: Self) -> Result<Self, Error> {
        self.matmul_with(Transpose::No, other, Transpose::No)
    }

    /// Y = op(A) op(B), each operand as it is or with its last two axes swapped, without a copy (but of a batch of A that is
    /// transposed and meets a B without a batch). An inner length of 0 gives zeros.
    ///
    /// # Errors
    /// As [`matmul`](Self::matmul).
    pub fn matmul_with(self, a: Transpose, other: Self, b: Transpose) -> Result<Self, Error> {
        let (left, right) = (self.shape(), other.shape());
        let fail = |advice| Err(Error::shapes("matmul", left, right, advice));
        let (&[ref lead @ .., r, c], &[ref lead_b @ .., p, q]) = (left.dims(), right.dims()) else {
            return fail("both need at least two axes; reshape a vector to one row or one column");
        };
        let ((m, k), (kb, n)) = (a.of(r, c), b.of(p, q));
        if k != kb {
            return fail("the inner lengths (after transposition) must be equal");
        }
        if lead_b.is_empty() && !lead.is_empty() {
            if a == Transpose::Yes {
                let rank = left.rank();
                return self.transpose(rank - 2, rank - 1)?.matmul_with(Transpose::No, other, b);
            }
            let rows = lead.iter().product::<usize>() * r;
            let y = self.reshape(&[rows, k])?.matmul_with(a, other, b)?;
            return y.reshape(left.with_dim(left.rank() - 1, n).dims());
        }
        if lead != lead_b {
            return fail("the leading (batch) axes must be equal; use broadcast_to");
        }
        let shape = Shape::new(left.with_dim(left.rank() - 2, m).with_dim(left.rank() - 1, n).dims())?;
        self.tape.apply("matmul", Op::MatMul { a, b }, shape, [self, other], |[x, z], y, scratch| {
            if k == 0 {
                y.fill(S::ZERO);
            }
            if m == 0 || k == 0 || n == 0 {
                return Ok(());
            }
            for ((x, z), y) in x.chunks_exact(m * k).zip(z.chunks_exact(k * n)).zip(y.chunks_exact_mut(m * n)) {
                let (x, z) = (matrix(x, r, c, a)?, matrix(z, p, q, b)?);
                gemm(S::ONE, x, z, S::ZERO, MatMut::new(y, m, n)?, scratch)?;
            }
            Ok(())
        })
    }
}

/// A contiguous matrix, perhaps seen transposed.
fn matrix<S>(x: &[S], rows: usize, cols: usize, transpose: Transpose) -> Result<MatRef<'_, S>, nl_kernels::ShapeError> {
    let matrix = MatRef::new(x, rows, cols)?;
    Ok(if transpose == Transpose::Yes { matrix.t() } else { matrix })
}

pub(super) fn backward<S: Scalar>(ta: Transpose, tb: Transpose, rule: &mut Backward<'_, '_, S>) -> Result<(), Error> {
    let (a, b, dy) = (rule.x(0), rule.x(1), rule.dy());
    if rule.needs(0) {
        let da = match ta {
            Transpose::No => dy.matmul_with(Transpose::No, b, tb.flip())?,
            Transpose::Yes => b.matmul_with(tb, dy, Transpose::Yes)?,
        };
        rule.give(0, da)?;
    }
    if rule.needs(1) {
        let db = match tb {
            Transpose::No => a.matmul_with(ta.flip(), dy, Transpose::No)?,
            Transpose::Yes => dy.matmul_with(Transpose::Yes, a, ta)?,
        };
        rule.give(1, db)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{CreateGraph, Error, Tape, Tensor, Transpose, grad, gradcheck, gradgradcheck};

    #[test]
    fn an_inner_length_of_zero_gives_zeros() -> Result<(), Error> {
        for (a, b, y) in [
            (&[2, 3, 0][..], &[0, 4][..], &[2, 3, 4][..]),
            (&[3, 0], &[0, 4], &[3, 4]),
            (&[2, 3, 0], &[2, 0, 4], &[2, 3, 4]),
            (&[0, 3, 2], &[2, 4], &[0, 3, 4]),
            (&[2, 0, 3], &[3, 4], &[2, 0, 4]),
            (&[2, 3, 2], &[2, 0], &[2, 3, 0]),
        ] {
            let tape = Tape::<f32>::new();
            let (a, b) = (tape.leaf(Tensor::full(a, 1.0)?), tape.leaf(Tensor::full(b, 1.0)?));
            let product = a.matmul(b)?;
            assert_eq!(product.value(), Tensor::zeros(y)?);
            for create_graph in [CreateGraph::No, CreateGraph::Yes] {
                let slopes = grad(product.sum()?, &[a, b], create_graph)?;
                assert_eq!(slopes[0].value(), Tensor::zeros(a.shape().dims())?);
                assert_eq!(slopes[1].value(), Tensor::zeros(b.shape().dims())?);
            }
        }
        Ok(())
    }

    /// A batch of A, transposed or not, times one B, transposed or not.
    #[test]
    fn one_right_side_serves_a_batch() -> Result<(), Error> {
        let wave = |dims: &[usize]| Tensor::from_fn(dims, |i| (1.0 + i as f64).sin());
        for (ta, a) in [(Transpose::No, [2, 3, 4]), (Transpose::Yes, [2, 4, 3])] {
            for (tb, b) in [(Transpose::No, [4, 5]), (Transpose::Yes, [5, 4])] {
                let (a, b) = (wave(&a)?, wave(&b)?);
                let tape = Tape::new();
                let y = tape.constant(a.clone()).matmul_with(ta, tape.constant(b.clone()), tb)?;
                assert_eq!(y.shape().dims(), [2, 3, 5]);
                for (n, y) in y.value().as_slice().chunks(15).enumerate() {
                    let a = tape.constant(Tensor::new(&a.shape().dims()[1..], a.as_slice()[12 * n..][..12].to_vec())?);
                    let want = a.matmul_with(ta, tape.constant(b.clone()), tb)?.value();
                    approx::assert_abs_diff_eq!(y, want.as_slice(), epsilon = 1e-14);
                }
                gradcheck(|v| v[0].matmul_with(ta, v[1], tb), &[a.clone(), b.clone()])?;
                gradgradcheck(|v| v[0].matmul_with(ta, v[1], tb), &[a, b])?;
            }
        }
        Ok(())
    }
}
