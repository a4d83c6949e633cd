//! Principal components, in f64.

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
    /// Share of the whole variance along each component, 0 to 1.
    pub explained: Vec<f64>,
}

impl Pca {
    /// The first `count` components of `rows` (`[n, dim]`, row-major), at most `dim`.
    ///
    /// Eigenvectors of C = (1/n) Σ (x − x̄)(x − x̄)ᵀ by cyclic Jacobi rotations. Source: Golub & Van Loan, "Matrix
    /// Computations", 4th ed., 2013, section 8.5.
    ///
    /// # Errors
    /// [`PcaError::Shape`] or [`PcaError::NotFinite`].
    pub fn fit(rows: &[f32], dim: usize, count: usize) -> Result<Self, PcaError> {
        check(rows, dim)?;
        let n = (rows.len() / dim).max(1) as f64;
        let mut mean = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            mean.iter_mut().zip(row).for_each(|(m, &x)| *m += f64::from(x) / n);
        }
        let mut covariance = vec![0.0; dim * dim];
        let mut centred = vec![0.0; dim];
        for row in rows.chunks_exact(dim) {
            for i in 0..dim {
                centred[i] = f64::from(row[i]) - mean[i];
            }
            for (i, line) in covariance.chunks_exact_mut(dim).enumerate() {
                let scale = centred[i] / n;
                line.iter_mut().zip(&centred).for_each(|(c, &x)| *c += scale * x);
            }
        }
        let (values, vectors) = symmetric_eigen(covariance, dim);
        let mut order: Vec<usize> = (0..dim).collect();
        order.sort_by(|&a, &b| values[b].total_cmp(&values[a]).then(a.cmp(&b)));
        order.truncate(count);
        let total: f64 = values.iter().map(|value| value.max(0.0)).sum();
        let explained = order.iter().map(|&i| if total > 0.0 { values[i].max(0.0) / total } else { 0.0 }).collect();
        let components = order.iter().map(|&i| fix_sign(&vectors[i * dim..(i + 1) * dim])).collect();
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

/// An eigenvector is one only up to its sign.
fn fix_sign(vector: &[f64]) -> Vec<f64> {
    let largest = vector.iter().fold(0.0_f64, |best, &x| if x.abs() > best.abs() + 1e-12 { x } else { best });
    vector.iter().map(|&x| if largest < 0.0 { -x } else { x }).collect()
}

/// Eigenvalues of a symmetric matrix, and the eigenvectors as rows, in no particular order.
///
/// Each rotation zeroes one pair a[p][q]: θ = (a_qq − a_pp) / 2a_pq, t = sign θ / (|θ| + √(θ² + 1)), c = 1/√(t² + 1),
/// s = tc. Sweeps repeat until what is off the diagonal vanishes beside it.
fn symmetric_eigen(mut a: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut vectors: Vec<f64> = (0..n * n).map(|i| if i / n == i % n { 1.0 } else { 0.0 }).collect();
    let scale: f64 = a.iter().map(|x| x * x).sum::<f64>().sqrt();
    for _ in 0..60 {
        let off: f64 = (0..n * n).filter(|i| i / n != i % n).map(|i| a[i] * a[i]).sum::<f64>().sqrt();
        if off <= 1e-15 * scale {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let pivot = a[p * n + q];
                if pivot.abs() <= 1e-18 * scale {
                    continue;
                }
                let theta = (a[q * n + q] - a[p * n + p]) / (2.0 * pivot);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (x, y) = (a[k * n + p], a[k * n + q]);
                    (a[k * n + p], a[k * n + q]) = (c * x - s * y, s * x + c * y);
                }
                rotate_rows(&mut a, n, p, q, c, s);
                rotate_rows(&mut vectors, n, p, q, c, s);
            }
        }
    }
    ((0..n).map(|i| a[i * n + i]).collect(), vectors)
}

/// Rows p < q become c·p − s·q and s·p + c·q.
fn rotate_rows(a: &mut [f64], n: usize, p: usize, q: usize, c: f64, s: f64) {
    let (head, tail) = a.split_at_mut(q * n);
    for (x, y) in head[p * n..(p + 1) * n].iter_mut().zip(&mut tail[..n]) {
        (*x, *y) = (c * *x - s * *y, s * *x + c * *y);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use proptest::prelude::*;
    use rand::RngExt;

    fn random(n: usize) -> Vec<f32> {
        let mut rng = Streams::new(2).rng("pca", 0, n as u64);
        (0..n).map(|_| rng.random::<f32>() - 0.5).collect()
    }

    #[test]
    fn eigenvectors_solve_their_equation() {
        for n in [1, 2, 3, 17, 64] {
            let half: Vec<f64> = random(n * n).into_iter().map(f64::from).collect();
            let a: Vec<f64> = (0..n * n).map(|i| half[i] + half[i % n * n + i / n]).collect();
            let (values, vectors) = symmetric_eigen(a.clone(), n);
            for (value, v) in values.iter().zip(vectors.chunks_exact(n)) {
                for i in 0..n {
                    let product: f64 = (0..n).map(|j| a[i * n + j] * v[j]).sum();
                    assert!((product - value * v[i]).abs() < 1e-11, "n {n}: {product} {}", value * v[i]);
                }
                assert!((v.iter().map(|x| x * x).sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn all_components_keep_every_distance() {
        let rows = random(40 * 6);
        let pca = Pca::fit(&rows, 6, 6).unwrap();
        assert!((pca.explained.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!(pca.explained.is_sorted_by(|a, b| a >= b));
        let flat = pca.project(&rows).unwrap();
        let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>();
        let wide: Vec<f64> = rows.iter().copied().map(f64::from).collect();
        for i in 1..40 {
            let before = distance(&wide[..6], &wide[i * 6..i * 6 + 6]);
            assert!((before - distance(&flat[..6], &flat[i * 6..i * 6 + 6])).abs() < 1e-12);
        }
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
            prop_assert!(dot.abs() < 1e-12);
        }
    }
}
