//! t-SNE for up to a few thousand points: exact repulsion, attraction over each point's nearest neighbours.
//!
//! No randomness: the start is the plane of the first two principal components. Rows are computed in parallel, each by
//! one thread, and sums run in index order: the same bits for any number of threads.

use rayon::prelude::*;

use crate::pca::{Pca, PcaError};

/// Why there is no map.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TsneError {
    /// The rows do not fit, or hold values that are not finite.
    #[error("t-SNE: {0}")]
    Rows(#[from] PcaError),
    /// A setting is out of range.
    #[error("t-SNE: {name} is {value}, but must be {expected}")]
    Setting {
        /// The field of [`Tsne`].
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it must be.
        expected: &'static str,
    },
}

/// Settings of [`Tsne::layout`]; the defaults suit 200 to 2,000 points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tsne {
    /// The effective number of neighbours of a point, at least 1; more than a third of the other points count as a third.
    pub perplexity: f64,
    /// Steps of gradient descent.
    pub iterations: usize,
    /// Factor on the attraction in the first quarter of the steps, at least 1.
    pub exaggeration: f64,
}

impl Default for Tsne {
    fn default() -> Self {
        Self { perplexity: 30.0, iterations: 600, exaggeration: 12.0 }
    }
}

/// Attraction of one point to its neighbours: index and p.
type Row = Vec<(u32, f64)>;

impl Tsne {
    /// Lays out `rows` (`[n, dim]`, row-major) in the plane: one `[x, y]` a row.
    ///
    /// Minimises KL(P ‖ Q): pⱼ|ᵢ ∝ exp(−‖xᵢ − xⱼ‖² / 2σᵢ²) with σᵢ set by the perplexity, pᵢⱼ = (pⱼ|ᵢ + pᵢ|ⱼ) / 2n,
    /// qᵢⱼ ∝ 1 / (1 + ‖yᵢ − yⱼ‖²); gradient 4 Σⱼ (pᵢⱼ − qᵢⱼ)(yᵢ − yⱼ) / (1 + ‖yᵢ − yⱼ‖²).
    ///
    /// Sources: van der Maaten & Hinton, "Visualizing data using t-SNE", 2008, eq. 3-5; the 3 · perplexity nearest
    /// neighbours of van der Maaten, "Accelerating t-SNE using tree-based algorithms", 2014; start and learning rate of
    /// Kobak & Berens, "The art of using t-SNE for single-cell transcriptomics", 2019.
    ///
    /// ```
    /// // Two clusters on a line stay two clusters.
    /// let rows: Vec<f32> = (0..40).map(|i| if i < 20 { 0.0 } else { 9.0 } + (i % 20) as f32 * 0.01).collect();
    /// let map = nl_train::Tsne { perplexity: 5.0, ..Default::default() }.layout(&rows, 1)?;
    /// let centre = |part: &[[f64; 2]]| part.iter().map(|p| p[0]).sum::<f64>() / 20.0;
    /// assert!((centre(&map[..20]) - centre(&map[20..])).abs() > 5.0);
    /// # Ok::<(), nl_train::TsneError>(())
    /// ```
    ///
    /// The unit of the rows does not matter: distances are compared with each other only.
    ///
    /// # Errors
    /// [`TsneError::Setting`] for a setting out of range; [`TsneError::Rows`] if the rows do not fit `dim` or hold values
    /// that are not finite.
    pub fn layout(&self, rows: &[f32], dim: usize) -> Result<Vec<[f64; 2]>, TsneError> {
        for (name, value) in [("perplexity", self.perplexity), ("exaggeration", self.exaggeration)] {
            if !(value >= 1.0 && value.is_finite()) {
                return Err(TsneError::Setting { name, value, expected: "a finite number, 1 or more" });
            }
        }
        let start = Pca::fit(rows, dim, 2)?.project(rows)?;
        let n = rows.len() / dim;
        let mut y: Vec<[f64; 2]> = if dim == 1 {
            start.iter().map(|&x| [x, 0.0]).collect()
        } else {
            start.chunks_exact(2).map(|p| [p[0], p[1]]).collect()
        };
        if n < 4 {
            return Ok(y);
        }
        let spread = (y.iter().map(|p| p[0] * p[0]).sum::<f64>() / n as f64).sqrt();
        // Points that are all equal start in one place.
        let spread = if spread > 0.0 { spread } else { 1.0 };
        // A lattice of tiny offsets parts points that are equal: equal points feel equal forces and would never part.
        for (i, p) in y.iter_mut().enumerate() {
            *p = [1e-4 * p[0] / spread + 1e-9 * (i % 97) as f64, 1e-4 * p[1] / spread + 1e-9 * (i % 89) as f64];
        }
        let attraction = attraction(rows, dim, self.perplexity.min((n - 1) as f64 / 3.0));
        self.descend(&mut y, &attraction);
        Ok(y)
    }

    fn descend(&self, y: &mut [[f64; 2]], attraction: &[Row]) {
        let n = y.len();
        let rate = n as f64 / (4.0 * self.exaggeration);
        let mut velocity = vec![[0.0_f64; 2]; n];
        let mut gain = vec![[1.0_f64; 2]; n];
        let mut forces = vec![(0.0, [0.0; 2], [0.0; 2]); n];
        for iteration in 0..self.iterations {
            let early = iteration < self.iterations / 4;
            let exaggeration = if early { self.exaggeration } else { 1.0 };
            let momentum = if early { 0.5 } else { 0.8 };
            let (xs, ys): (Vec<f64>, Vec<f64>) = y.iter().map(|p| (p[0], p[1])).unzip();
            forces.par_iter_mut().enumerate().for_each(|(i, force)| {
                let (z, push) = repulsion(&xs, &ys, i);
                let mut pull = [0.0; 2];
                for &(j, p) in &attraction[i] {
                    let (dx, dy) = (xs[i] - xs[j as usize], ys[i] - ys[j as usize]);
                    let w = p / (1.0 + dx * dx + dy * dy);
                    pull = [pull[0] + w * dx, pull[1] + w * dy];
                }
                *force = (z, push, pull);
            });
            let z: f64 = forces.iter().map(|force| force.0).sum();
            for (i, (_, push, pull)) in forces.iter().enumerate() {
                for axis in 0..2 {
                    let slope = 4.0 * (exaggeration * pull[axis] - push[axis] / z);
                    let g = &mut gain[i][axis];
                    *g = if (slope > 0.0) == (velocity[i][axis] > 0.0) { (*g * 0.8).max(0.01) } else { *g + 0.2 };
                    velocity[i][axis] = momentum * velocity[i][axis] - rate * *g * slope;
                    y[i][axis] += velocity[i][axis];
                }
            }
            for axis in 0..2 {
                let mean = y.iter().map(|p| p[axis]).sum::<f64>() / n as f64;
                y.iter_mut().for_each(|p| p[axis] -= mean);
            }
        }
    }
}

/// Σⱼ w and Σⱼ w² (yᵢ − yⱼ) with w = 1 / (1 + ‖yᵢ − yⱼ‖²), over j ≠ i, in four lanes so that the compiler can vectorise.
fn repulsion(xs: &[f64], ys: &[f64], i: usize) -> (f64, [f64; 2]) {
    const LANES: usize = 4;
    let (mut z, mut fx, mut fy) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
    let mut add = |lane: usize, x: f64, y: f64| {
        let (dx, dy) = (xs[i] - x, ys[i] - y);
        let w = 1.0 / (1.0 + dx * dx + dy * dy);
        z[lane] += w;
        fx[lane] += w * w * dx;
        fy[lane] += w * w * dy;
    };
    let (x_chunks, x_rest) = xs.as_chunks::<LANES>();
    let (y_chunks, y_rest) = ys.as_chunks::<LANES>();
    for (x, y) in x_chunks.iter().zip(y_chunks) {
        for lane in 0..LANES {
            add(lane, x[lane], y[lane]);
        }
    }
    for (lane, (&x, &y)) in x_rest.iter().zip(y_rest).enumerate() {
        add(lane, x, y);
    }
    // j = i added w = 1 and no force.
    (z.iter().sum::<f64>() - 1.0, [fx.iter().sum(), fy.iter().sum()])
}

/// The symmetric p: conditional probabilities over the 3 · perplexity nearest neighbours, then pᵢⱼ = (pⱼ|ᵢ + pᵢ|ⱼ)/2n.
fn attraction(rows: &[f32], dim: usize, perplexity: f64) -> Vec<Row> {
    let n = rows.len() / dim;
    let neighbours = ((3.0 * perplexity) as usize).clamp(1, n - 1);
    let conditional: Vec<Row> = (0..n)
        .into_par_iter()
        .map(|i| {
            let row = |i: usize| &rows[i * dim..(i + 1) * dim];
            let distance = |j: usize| -> f64 {
                row(i).iter().zip(row(j)).map(|(&a, &b)| f64::from(a) - f64::from(b)).map(|d| d * d).sum()
            };
            let mut near: Vec<(f64, u32)> = (0..n).filter(|&j| j != i).map(|j| (distance(j), j as u32)).collect();
            near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            near.truncate(neighbours);
            calibrate(&near, perplexity)
        })
        .collect();
    let mut joint: Vec<Row> = vec![Vec::new(); n];
    for (i, row) in conditional.iter().enumerate() {
        for &(j, p) in row {
            let half = p / (2.0 * n as f64);
            joint[i].push((j, half));
            joint[j as usize].push((i as u32, half));
        }
    }
    for row in &mut joint {
        row.sort_by_key(|entry| entry.0);
        row.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
    }
    joint
}

/// Bisects β = 1/2σ² until the entropy of pⱼ ∝ exp(−β dⱼ²) is log(perplexity), from one over the mean of the dⱼ² beyond
/// the nearest: whatever the unit of d, the search is the same.
fn calibrate(near: &[(f64, u32)], perplexity: f64) -> Row {
    let target = perplexity.min(near.len() as f64).ln();
    let offset = near.first().map_or(0.0, |first| first.0);
    let mean = near.iter().map(|&(d, _)| d - offset).sum::<f64>() / near.len().max(1) as f64;
    // All equally far: any β says the same.
    let start = if mean > 0.0 { mean.recip() } else { 1.0 };
    let (mut low, mut high, mut beta) = (0.0, f64::INFINITY, start);
    let mut row: Row = Vec::new();
    for _ in 0..64 {
        row = near.iter().map(|&(d, j)| (j, (-beta * (d - offset)).exp())).collect();
        let sum: f64 = row.iter().map(|entry| entry.1).sum();
        row.iter_mut().for_each(|entry| entry.1 /= sum);
        let entropy: f64 = row.iter().filter(|entry| entry.1 > 0.0).map(|entry| -entry.1 * entry.1.ln()).sum();
        if (entropy - target).abs() < 1e-5 {
            break;
        }
        if entropy > target {
            low = beta;
            beta = if high.is_finite() { f64::midpoint(beta, high) } else { beta * 2.0 };
        } else {
            high = beta;
            beta = f64::midpoint(low, beta);
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use rand::RngExt;

    /// `n` points in `dim` dimensions around `clusters` corners.
    fn clusters(n: usize, dim: usize, clusters: usize) -> Vec<f32> {
        let mut rng = Streams::new(5).rng("clusters", 0, 0);
        (0..n * dim)
            .map(|i| {
                let (row, column) = (i / dim, i % dim);
                let corner = if column % clusters == row % clusters { 4.0 } else { 0.0 };
                corner + (0..4).map(|_| rng.random::<f32>() - 0.5).sum::<f32>()
            })
            .collect()
    }

    #[test]
    fn calibration_reaches_the_perplexity() {
        let near: Vec<(f64, u32)> = (0..90).map(|j| (3.0 + f64::from(j * j), j)).collect();
        let row = calibrate(&near, 20.0);
        let entropy: f64 = row.iter().map(|&(_, p)| -p * p.max(1e-300).ln()).sum();
        approx::assert_abs_diff_eq!(entropy.exp(), 20.0, epsilon = 0.01);
        approx::assert_abs_diff_eq!(row.iter().map(|entry| entry.1).sum::<f64>(), 1.0, epsilon = 1e-12);
    }

    #[test]
    fn attraction_is_symmetric_and_sums_to_one() {
        let joint = attraction(&clusters(60, 8, 4), 8, 10.0);
        let total: f64 = joint.iter().flatten().map(|entry| entry.1).sum();
        approx::assert_abs_diff_eq!(total, 1.0, epsilon = 1e-12);
        for (i, row) in joint.iter().enumerate() {
            for &(j, p) in row {
                let back = joint[j as usize].iter().find(|entry| entry.0 as usize == i).unwrap().1;
                assert!(approx::abs_diff_eq!(p, back, epsilon = 1e-15) && j as usize != i);
            }
        }
    }

    #[test]
    fn repulsion_equals_the_plain_sum() {
        let y: Vec<[f64; 2]> = (0..11).map(|i| [f64::from(i * i % 7), f64::from(i * 5 % 11)]).collect();
        let (xs, ys): (Vec<f64>, Vec<f64>) = y.iter().map(|p| (p[0], p[1])).unzip();
        for i in 0..y.len() {
            let (mut z, mut force) = (0.0, [0.0; 2]);
            for j in (0..y.len()).filter(|&j| j != i) {
                let d = [y[i][0] - y[j][0], y[i][1] - y[j][1]];
                let w = 1.0 / (1.0 + d[0] * d[0] + d[1] * d[1]);
                z += w;
                force = [force[0] + w * w * d[0], force[1] + w * w * d[1]];
            }
            let (fast_z, fast) = repulsion(&xs, &ys, i);
            // Summed in another order.
            approx::assert_abs_diff_eq!(z, fast_z, epsilon = 1e-12);
            approx::assert_abs_diff_eq!(force[..], fast[..], epsilon = 1e-12);
        }
    }

    #[test]
    fn clusters_stay_together_the_same_bits_every_time() {
        let rows = clusters(120, 12, 6);
        let settings = Tsne { perplexity: 10.0, ..Tsne::default() };
        let map = settings.layout(&rows, 12).unwrap();
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(map, one_thread.install(|| settings.layout(&rows, 12).unwrap()));
        let squared = |i: usize, j: usize| (map[i][0] - map[j][0]).powi(2) + (map[i][1] - map[j][1]).powi(2);
        for i in 0..120 {
            let nearest = (0..120).filter(|&j| j != i).min_by(|&a, &b| squared(i, a).total_cmp(&squared(i, b)));
            assert_eq!(nearest.unwrap() % 6, i % 6, "the neighbour of point {i}");
        }
    }

    /// Rows in metres or in nanometres are the same rows. A power of two scales every number without rounding: the same
    /// bits; any other factor rounds the rows first, and the same clusters must be found.
    #[test]
    fn the_unit_of_the_rows_does_not_matter() {
        let rows = clusters(80, 6, 4);
        let settings = Tsne { perplexity: 8.0, iterations: 300, ..Tsne::default() };
        let scaled = |factor: f32| rows.iter().map(|x| x * factor).collect::<Vec<_>>();
        let map = settings.layout(&rows, 6).unwrap();
        for power in [-60, -40, -7, 3, 40, 60] {
            assert_eq!(settings.layout(&scaled(2.0_f32.powi(power)), 6).unwrap(), map, "2^{power}");
        }
        for factor in [1e-12, 1e-5, 3.7e4, 1e12] {
            let map = settings.layout(&scaled(factor), 6).unwrap();
            let squared = |i: usize, j: usize| (map[i][0] - map[j][0]).powi(2) + (map[i][1] - map[j][1]).powi(2);
            for i in 0..80 {
                let nearest = (0..80).filter(|&j| j != i).min_by(|&a, &b| squared(i, a).total_cmp(&squared(i, b)));
                assert_eq!(nearest.unwrap() % 4, i % 4, "the neighbour of point {i} in units of {factor}");
            }
        }
    }

    #[test]
    fn calibration_reaches_the_perplexity_in_any_unit() {
        for unit in [1e-24, 1e-9, 1.0, 1e9, 1e24, 1e70] {
            let near: Vec<(f64, u32)> = (0..90).map(|j| (unit * (3.0 + f64::from(j * j)), j)).collect();
            let row = calibrate(&near, 20.0);
            let entropy: f64 = row.iter().map(|&(_, p)| -p * p.max(1e-300).ln()).sum();
            // The bisection ends at 1e-5 of the entropy.
            approx::assert_relative_eq!(entropy.exp(), 20.0, max_relative = 1e-4);
        }
    }

    #[test]
    fn settings_that_make_no_map_are_refused() {
        let rows = clusters(20, 3, 2);
        for bad in [f64::NAN, 0.0, -1.0, 0.5, f64::INFINITY, f64::NEG_INFINITY] {
            for settings in [Tsne { perplexity: bad, ..Tsne::default() }, Tsne { exaggeration: bad, ..Tsne::default() }]
            {
                let error = settings.layout(&rows, 3).unwrap_err().to_string();
                assert!(error.contains("must be a finite number, 1 or more"), "{error}");
            }
        }
    }

    #[test]
    fn few_or_equal_points_are_no_trouble() {
        for (n, dim) in [0, 1, 2, 3, 4, 9].into_iter().flat_map(|n| [(n, 1), (n, 2), (n, 3)]) {
            let map = Tsne::default().layout(&vec![1.5; n * dim], dim).unwrap();
            assert_eq!(map.len(), n);
            assert!(map.iter().flatten().all(|value| value.is_finite()));
        }
    }
}
