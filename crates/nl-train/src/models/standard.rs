//! Numbers in units of their own spread.

use serde::{Deserialize, Serialize};

/// y = (x − mean) / deviation of each of `dim` columns; a column that never varies, or by no more than the rounding of its own
/// values, becomes 0. Without columns it changes nothing.
///
/// Moments are those of x − x₀ with x₀ the first row: a column that is constant has exactly none, whatever its value, and
/// nothing depends on the unit in which the rows are measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standard {
    mean: Vec<f64>,
    /// 1 / deviation, or 0.
    factor: Vec<f64>,
}

impl Standard {
    /// The statistics of `n` samples of `width` values that `fill` writes, in rows of `dim` columns: all the values of a sample,
    /// or each value a row of its own.
    pub(crate) fn of(n: usize, width: usize, dim: usize, mut fill: impl FnMut(usize, &mut [f32])) -> Self {
        let rows = (n * (width / dim.max(1))).max(1) as f64;
        let (mut sample, mut first) = (vec![0.0_f32; width], vec![0.0_f32; dim]);
        let (mut shift, mut square) = (vec![0.0; dim], vec![0.0; dim]);
        for i in 0..n {
            fill(i, &mut sample);
            if i == 0 {
                first.copy_from_slice(&sample[..dim]);
            }
            for row in sample.chunks_exact(dim.max(1)) {
                for (((shift, square), &x), &first) in shift.iter_mut().zip(&mut square).zip(row).zip(&first) {
                    let d = f64::from(x) - f64::from(first);
                    *shift += d / rows;
                    *square += d * d / rows;
                }
            }
        }
        let mean: Vec<f64> = shift.iter().zip(&first).map(|(shift, &first)| f64::from(first) + shift).collect();
        let factor = |((shift, square), mean): ((&f64, &f64), &f64)| {
            let variance = square - shift * shift;
            let rounding = f64::from(f32::EPSILON).powi(2) * (mean * mean + square);
            if variance > rounding { variance.sqrt().recip() } else { 0.0 }
        };
        Self { factor: shift.iter().zip(&square).zip(&mean).map(factor).collect(), mean }
    }

    /// One column of this mean and deviation.
    pub(crate) fn known(mean: f64, deviation: f64) -> Self {
        Self { mean: vec![mean], factor: vec![deviation.recip()] }
    }

    /// Whether it can be one: each column has a finite mean and a factor that is finite and not below 0.
    pub(crate) fn is_sound(&self) -> bool {
        self.mean.len() == self.factor.len()
            && self.mean.iter().all(|mean| mean.is_finite())
            && self.factor.iter().all(|&factor| factor >= 0.0 && factor.is_finite())
    }

    /// How many columns it has.
    pub(crate) fn len(&self) -> usize {
        self.mean.len()
    }

    /// Mean and deviation of each column, in single precision.
    pub(crate) fn moments(&self) -> [Vec<f32>; 2] {
        [
            self.mean.iter().map(|&mean| mean as f32).collect(),
            self.factor.iter().map(|&factor| deviation(factor) as f32).collect(),
        ]
    }

    /// Rows, in place.
    pub(crate) fn apply(&self, rows: &mut [f32]) {
        for (x, (mean, factor)) in rows.iter_mut().zip(self.columns()) {
            *x = ((f64::from(*x) - mean) * factor) as f32;
        }
    }

    /// Rows.
    pub(crate) fn applied(&self, rows: &[f32]) -> Vec<f32> {
        let mut rows = rows.to_vec();
        self.apply(&mut rows);
        rows
    }

    /// Back to the unit of the data: x = mean + deviation · y, in place; each column is that of `each` numbers.
    pub(crate) fn undo(&self, rows: &mut [f32], each: usize) {
        for (y, (mean, factor)) in rows.chunks_mut(each.max(1)).zip(self.columns()) {
            y.iter_mut().for_each(|y| *y = (mean + deviation(factor) * f64::from(*y)) as f32);
        }
    }

    /// Standard deviations back in the unit of the data, in place.
    pub(crate) fn undo_deviations(&self, rows: &mut [f32]) {
        for (y, (_, factor)) in rows.iter_mut().zip(self.columns()) {
            *y = (deviation(factor) * f64::from(*y)) as f32;
        }
    }

    fn columns(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        self.mean.iter().copied().zip(self.factor.iter().copied()).cycle()
    }
}

fn deviation(factor: f64) -> f64 {
    if factor > 0.0 { factor.recip() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use rand::RngExt;

    fn of(rows: &[f32], dim: usize) -> Standard {
        Standard::of(rows.len() / dim, dim, dim, |i, to| to.copy_from_slice(&rows[i * dim..][..dim]))
    }

    /// Any unit of measure, and constants of any value among columns that vary.
    #[test]
    fn standardising_knows_no_unit_and_no_constant() {
        let mut rng = Streams::new(6).rng("scale test", 0, 0);
        for size in [1e-12_f32, 1e-6, 1.0, 1e6, 1e12] {
            for constant in [0.0, 0.1, 1.0 / 3.0, 1e-3, 7e4] {
                let rows: Vec<f32> =
                    (0..300).flat_map(|_| [size * (rng.random::<f32>() + 3.0), constant * size]).collect();
                let scale = of(&rows, 2);
                assert_eq!(scale.factor[1], 0.0, "a constant {constant} in units of {size}");
                let mut scaled = scale.applied(&rows);
                let moment = |power| scaled.iter().step_by(2).map(|&x| f64::from(x).powi(power)).sum::<f64>() / 300.0;
                // Rounded to f32 at the end.
                approx::assert_abs_diff_eq!(moment(1), 0.0, epsilon = 1e-6);
                approx::assert_relative_eq!(moment(2), 1.0, max_relative = 1e-6);
                scale.undo(&mut scaled, 1);
                for (back, x) in scaled.iter().zip(&rows) {
                    approx::assert_relative_eq!(back, x, max_relative = 1e-6);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_statistics_is_told() {
        assert!(
            Standard::default().is_sound() && Standard::known(3.0, 0.5).is_sound() && of(&[1.0, 2.0], 1).is_sound()
        );
        let with = |mean: &[f64], factor: &[f64]| Standard { mean: mean.to_vec(), factor: factor.to_vec() };
        for crooked in [
            with(&[1.0], &[]),
            with(&[1.0], &[1.0, 1.0]),
            with(&[f64::NAN], &[1.0]),
            with(&[1.0], &[-1.0]),
            with(&[1.0], &[f64::INFINITY]),
        ] {
            assert!(!crooked.is_sound(), "{crooked:?}");
        }
    }

    #[test]
    fn all_values_of_a_sample_are_one_column() {
        let all = [1.0_f32, 2.0, 3.0, 6.0];
        let together = Standard::of(2, 2, 1, |i, to| to.copy_from_slice(&all[2 * i..][..2]));
        assert_eq!((together.mean[0], together.len()), (3.0, 1));
        approx::assert_relative_eq!(together.factor[0], 3.5_f64.sqrt().recip());
        let mut quantiles = [0.0, 1.0];
        together.undo(&mut quantiles, 2);
        approx::assert_relative_eq!(quantiles[1], 3.0 + 3.5_f32.sqrt());
        let mut deviations = [2.0];
        together.undo_deviations(&mut deviations);
        approx::assert_relative_eq!(deviations[0], 2.0 * 3.5_f32.sqrt());
        let mut same = [5.0_f32];
        Standard::default().apply(&mut same);
        Standard::default().undo(&mut same, 1);
        assert_eq!(same, [5.0]);
    }
}
