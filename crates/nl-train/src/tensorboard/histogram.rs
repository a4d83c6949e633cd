//! How values are distributed.

use super::TensorBoardError;
use super::proto;

/// Counts of values in equal buckets from the least to the greatest of them.
///
/// Bucket b holds values in [min + b w, min + (b + 1) w), the last one max as well; w = (max − min) / buckets. Where all
/// values are the same there is one bucket. Values that are not finite are in none; they are counted.
///
/// ```
/// use nl_train::tensorboard::Histogram;
/// let histogram = Histogram::of(&[0.0, 1.0, 1.5, 4.0, f32::NAN], 4)?;
/// assert_eq!((histogram.counts(), histogram.left_out()), (&[1, 2, 0, 1][..], 1));
/// # Ok::<(), nl_train::tensorboard::TensorBoardError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    min: f64,
    max: f64,
    sum: f64,
    sum_squares: f64,
    counts: Vec<u64>,
    left_out: u64,
}

impl Histogram {
    /// The histogram of `values`, weights or activations, in `buckets` buckets (TensorBoard's own choice is 30).
    ///
    /// # Errors
    /// [`TensorBoardError::Histogram`] without a finite value, or without a bucket.
    pub fn of(values: &[f32], buckets: usize) -> Result<Self, TensorBoardError> {
        let finite = || values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v));
        let n = finite().count();
        if n == 0 || buckets == 0 {
            return Err(TensorBoardError::Histogram { values: values.len(), finite: n, buckets });
        }
        let (min, max) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let buckets = if max > min { buckets } else { 1 };
        let width = (max - min) / buckets as f64;
        let mut counts = vec![0; buckets];
        for value in finite() {
            // 0/0 for equal values is no number, and that is bucket 0.
            counts[(((value - min) / width) as usize).min(buckets - 1)] += 1;
        }
        let (sum, sum_squares) = finite().fold((0.0, 0.0), |(s, q), v| (s + v, q + v * v));
        Ok(Self { min, max, sum, sum_squares, counts, left_out: (values.len() - n) as u64 })
    }

    /// Values in each bucket.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The least and the greatest finite value.
    #[must_use]
    pub fn range(&self) -> (f64, f64) {
        (self.min, self.max)
    }

    /// Values that were not finite, and are in no bucket.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    pub(super) fn message(&self) -> proto::Histogram {
        let n = self.counts.len();
        // The last edge is the greatest value to the bit.
        let inner = |b: usize| self.min + (self.max - self.min) * (b as f64 / n as f64);
        proto::Histogram {
            min: self.min,
            max: self.max,
            num: self.counts.iter().sum::<u64>() as f64,
            sum: self.sum,
            sum_squares: self.sum_squares,
            bucket_limit: (1..n).map(inner).chain([self.max]).collect(),
            bucket: self.counts.iter().map(|&count| count as f64).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn by_hand() {
        let histogram = Histogram::of(&[-1.0, 0.0, 1.0, 3.0], 2).unwrap();
        let message = histogram.message();
        assert_eq!((message.min, message.max, message.num, message.sum), (-1.0, 3.0, 4.0, 3.0));
        assert_eq!((message.sum_squares, message.bucket_limit, message.bucket), (11.0, vec![1.0, 3.0], vec![2.0, 2.0]));
        let same = Histogram::of(&[0.5; 7], 30).unwrap();
        assert_eq!((same.counts(), same.range()), (&[7][..], (0.5, 0.5)));
        // The greatest range of f32 has a width in f64.
        assert_eq!(Histogram::of(&[f32::MIN, f32::MAX], 3).unwrap().counts(), [1, 0, 1]);
    }

    #[test]
    fn nothing_has_no_histogram() {
        for (values, buckets) in [(&[][..], 30), (&[f32::NAN, f32::INFINITY], 30), (&[1.0], 0)] {
            let error = Histogram::of(values, buckets).unwrap_err().to_string();
            assert!(error.contains(&format!("of {} values in {buckets} buckets", values.len())), "{error}");
        }
    }

    proptest! {
        #[test]
        fn every_finite_value_is_counted_once(values in prop::collection::vec(any::<f32>(), 1..200), buckets in 1_usize..40) {
            let finite = values.iter().filter(|v| v.is_finite()).count();
            prop_assume!(finite > 0);
            let histogram = Histogram::of(&values, buckets).unwrap();
            prop_assert_eq!(histogram.counts().iter().sum::<u64>() as usize, finite);
            prop_assert_eq!(histogram.left_out() as usize, values.len() - finite);
            let limits = histogram.message().bucket_limit;
            prop_assert!(limits.windows(2).all(|pair| pair[0] < pair[1] || pair[1] - pair[0] < 1e-300));
            prop_assert_eq!(*limits.last().unwrap(), histogram.range().1);
        }
    }
}
