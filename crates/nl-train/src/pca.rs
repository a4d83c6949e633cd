//! Principal components, in f64.

use nalgebra::{DMatrix, SymmetricEigen};

/// The rows do not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PcaError {
    /// The number of values is no multiple of the dimension, or the dimension is zero.
    #[error("principal components: {values} values are no rows of {dim}")]
    Shape {
        /// Number of values.
        values: usize,
        /// Values in a row.
        dim: usize,
    },
    /// The search for the axes did not end.
    #[error("principal components: no eigenvectors after {0} steps; scale the rows, or use fewer columns")]
    NoEnd(usize),
    /// NaN or infinity.
    #[error("principal components: row {row} holds a value that is not finite")]
    NotFinite {
        /// The first such row.
        row: usize,
    },
}

/// The directions in which rows vary most.
///
/// ```
/// let rows = [0.0, 0.0, 2.0, 2.0, 4.0, 4.0_f32]; // along the diagonal
/// let pca = nl_train::Pca::fit(&rows, 2, 1)?;
/// assert!((pca.components[0][0] - 0.5_f64.sqrt()).abs() < 1e-12);
/// assert!((pca.explained[0] - 1.0).abs() < 1e-12);
/// # Ok::<(), nl_train::PcaError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    /// The mean row.
    pub mean: Vec<f64>,
    /// Unit vectors, by falling variance; the sign makes the largest entry positive.
    pub components: Vec<Vec<f64>>,
    /// Share of the whole variance along each component, 0 to 1; 0 if rows do not vary at all.
    pub explained: Vec<f64>,
}

impl Pca {
    /// The first `count` components of `rows` (`[n, dim]`, row-major), at most `dim`.
    ///
    /// Moments are those of x − x₀ with x₀ the first row, so that equal rows have none, whatever their value: the rounding
    /// of their mean would otherwise look like a variance. Eigenvectors of C = (1/n) Σ (x − x̄)(x − x̄)ᵀ by tridiagonalisation
    /// and implicit QR steps (nalgebra). Source: Golub & Van Loan, "Matrix Computations", 4th ed., 2013, section 8.3.
    ///
    /// # Errors
    /// [`PcaError::Shape`], [`PcaError::NotFinite`] or [`PcaError::NoEnd`].
    pub fn fit(rows: &[f32], dim: usize, count: usize) -> Result<Self, PcaError> {
        check(rows, dim)?;
        let n = (rows.len() / dim).max(1) as f64;
        let first: Vec<f64> =
            rows.get(..dim).map_or(vec![0.0; dim], |row| row.iter().copied().map(f64::from).collect());
        let mut shift = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            shift.iter_mut().zip(row).zip(&first).for_each(|((m, &x), first)| *m += (f64::from(x) - first) / n);
        }
        let mut covariance = vec![0.0; dim * dim];
        let mut centred = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            for i in 0..dim {
                centred[i] = f64::from(row[i]) - first[i] - shift[i];
            }
            for (i, line) in covariance.chunks_exact_mut(dim).enumerate() {
                let scale = centred[i] / n;
                line.iter_mut().zip(&centred).for_each(|(c, &x)| *c += scale * x);
            }
        }
        let steps = STEPS_A_COLUMN * dim;
        let eigen = SymmetricEigen::try_new(DMatrix::from_vec(dim, dim, covariance), f64::EPSILON, steps);
        let SymmetricEigen { eigenvalues: values, eigenvectors } = eigen.ok_or(PcaError::NoEnd(steps))?;
        let mut order: Vec<usize> = (0..dim).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
        order.truncate(count);
        let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
        let explained = order.iter().map(|&i| if total > 0.0 { values[i].max(0.0) / total } else { 0.0 }).collect();
        let components = order.iter().map(|&i| fix_sign(eigenvectors.column(i).as_slice())).collect();
        let mean = first.iter().zip(&shift).map(|(first, shift)| first + shift).collect();
        Ok(Self { mean, components, explained })
    }

    /// Coordinates of `rows` (`[n, dim]`) along the components: `[n, components]`, row-major.
    ///
    /// # Errors
    /// [`PcaError::Shape`] or [`PcaError::NotFinite`].
    pub fn project(&self, rows: &[f32]) -> Result<Vec<f64>, PcaError> {
        let dim = self.mean.len();
        check(rows, dim)?;
        let along = |row: &[f32], component: &[f64]| -> f64 {
            row.iter().zip(&self.mean).zip(component).map(|((&x, m), c)| (f64::from(x) - m) * c).sum()
        };
        Ok(rows.chunks_exact(dim).flat_map(|row| self.components.iter().map(move |c| along(row, c))).collect())
    }
}

fn check(rows: &[f32], dim: usize) -> Result<(), PcaError> {
    if dim == 0 || !rows.len().is_multiple_of(dim) {
        return Err(PcaError::Shape { values: rows.len(), dim });
    }
    rows.iter().position(|x| !x.is_finite()).map_or(Ok(()), |at| Err(PcaError::NotFinite { row: at / dim }))
}

/// Far more QR steps than a column ever needs, which is about two.
const STEPS_A_COLUMN: usize = 100;

/// An eigenvector is one only up to its sign.
fn fix_sign(vector: &[f64]) -> Vec<f64> {
    let largest = vector.iter().fold(0.0_f64, |best, &x| if x.abs() > best.abs() + 1e-12 { x } else { best });
    vector.iter().map(|&x| if largest < 0.0 { -x } else { x }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};
    use nl_random::Streams;
    use proptest::prelude::*;
    use rand::RngExt;

    fn random(n: usize) -> Vec<f32> {
        let mut rng = Streams::new(2).rng("pca", 0, n as u64);
        (0..n).map(|_| rng.random::<f32>() - 0.5).collect()
    }

    /// C v = λ v for the covariance as it is defined, for any width.
    #[test]
    fn components_are_eigenvectors_of_the_covariance() {
        for dim in [1, 2, 3, 17, 64] {
            let n = 2 * dim + 3;
            let rows = random(n * dim);
            let pca = Pca::fit(&rows, dim, dim).unwrap();
            let mean = |i: usize| (0..n).map(|k| f64::from(rows[k * dim + i])).sum::<f64>() / n as f64;
            let centred: Vec<f64> = (0..n * dim).map(|at| f64::from(rows[at]) - mean(at % dim)).collect();
            let covariance = |i: usize, j: usize| {
                (0..n).map(|k| centred[k * dim + i] * centred[k * dim + j]).sum::<f64>() / n as f64
            };
            let total: f64 = (0..dim).map(|i| covariance(i, i)).sum();
            for (v, share) in pca.components.iter().zip(&pca.explained) {
                for i in 0..dim {
                    let product: f64 = (0..dim).map(|j| covariance(i, j) * v[j]).sum();
                    assert_abs_diff_eq!(product, share * total * v[i], epsilon = 1e-12);
                }
                assert_relative_eq!(v.iter().map(|x| x * x).sum::<f64>(), 1.0, max_relative = 1e-12);
            }
        }
    }

    #[test]
    fn all_components_keep_every_distance() {
        let rows = random(40 * 6);
        let pca = Pca::fit(&rows, 6, 6).unwrap();
        assert_relative_eq!(pca.explained.iter().sum::<f64>(), 1.0, max_relative = 1e-12);
        assert!(pca.explained.is_sorted_by(|a, b| a >= b));
        let flat = pca.project(&rows).unwrap();
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
        let wide: Vec<f64> = rows.iter().copied().map(f64::from).collect();
        for i in 1..40 {
            let before = distance(&wide[..6], &wide[i * 6..i * 6 + 6]);
            assert_relative_eq!(before, distance(&flat[..6], &flat[i * 6..i * 6 + 6]), max_relative = 1e-12);
        }
    }

    /// The mean of n equal numbers is not exactly that number in floating point; a variance of its rounding is none.
    #[test]
    fn rows_that_do_not_vary_explain_nothing() {
        for value in [0.1_f32, 1.0 / 3.0, -7.7e-20, 3.3e30, 0.0] {
            for n in [1, 3, 7, 40, 1000] {
                let pca = Pca::fit(&[value, 2.0 * value].repeat(n), 2, 2).unwrap();
                assert_eq!(pca.explained, [0.0, 0.0], "{n} rows of {value}");
                assert_eq!(pca.mean, [f64::from(value), f64::from(2.0 * value)]);
            }
        }
        // One axis that varies beside a large one that does not has all of the variance.
        let rows: Vec<f32> = (0..50).flat_map(|i| [1e-3 * (i % 7) as f32, 12_345.6]).collect();
        assert_eq!(Pca::fit(&rows, 2, 2).unwrap().explained, [1.0, 0.0]);
    }

    #[test]
    fn bad_rows_are_errors() {
        assert_eq!(Pca::fit(&[1.0; 5], 2, 1), Err(PcaError::Shape { values: 5, dim: 2 }));
        assert_eq!(Pca::fit(&[1.0; 5], 0, 1), Err(PcaError::Shape { values: 5, dim: 0 }));
        assert_eq!(Pca::fit(&[0.0, 0.0, f32::NAN, 0.0], 2, 1), Err(PcaError::NotFinite { row: 1 }));
        assert_eq!(Pca::fit(&[], 2, 2).unwrap().project(&[]), Ok(vec![]));
    }

    proptest! {
        #[test]
        fn a_stretched_axis_is_found(axis in 0_usize..5, stretch in 5.0_f32..50.0) {
            let mut rows = random(200 * 5);
            rows.chunks_exact_mut(5).for_each(|row| row[axis] *= stretch);
            let pca = Pca::fit(&rows, 5, 2).unwrap();
            prop_assert!(pca.components[0][axis] > 0.95, "{:?}", pca.components);
            let dot: f64 = pca.components[0].iter().zip(&pca.components[1]).map(|(a, b)| a * b).sum();
            prop_assert!(approx::abs_diff_eq!(dot, 0.0, epsilon = 1e-12));
        }
    }
}
