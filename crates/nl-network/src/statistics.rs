//! What is said of the spikes of a population: rate, irregularity, synchrony.

use nl_units::{Hz, Ms};

use crate::SpikeEvent;

/// Mean rate: spikes / (neurons · time); 0 if either is.
#[must_use]
pub fn mean_rate(spikes: u64, neurons: usize, time: Ms) -> Hz {
    let exposure = neurons as f64 * time.0 / 1000.0;
    Hz(if exposure > 0.0 { spikes as f64 / exposure } else { 0.0 })
}

/// Mean coefficient of variation of the inter-spike intervals, σ(ISI) / mean(ISI), over neurons with at least three
/// spikes (two intervals); `None` if there are none. `spikes` ascend in time; those of neurons that do not exist are
/// passed over.
///
/// 0: a clock; 1: a Poisson process. σ is the population form (division by the number of intervals).
///
/// ```
/// use nl_network::{SpikeEvent, statistics};
/// let clock: Vec<_> = (0..9).map(|k| SpikeEvent { step: 10 * k, neuron: 0 }).collect();
/// assert_eq!(statistics::mean_cv_isi(&clock, 3), Some(0.0));
/// assert_eq!(statistics::mean_cv_isi(&clock[..2], 3), None);
/// ```
#[must_use]
pub fn mean_cv_isi(spikes: &[SpikeEvent], neurons: usize) -> Option<f64> {
    let mut last = vec![None; neurons];
    // Intervals, their mean, and the sum of squares around it (Welford 1962): no difference of two large squares.
    let mut moments = vec![(0_u64, 0.0, 0.0); neurons];
    for spike in spikes {
        let i = spike.neuron as usize;
        let Some(last) = last.get_mut(i) else { continue };
        if let Some(before) = last.replace(spike.step) {
            let interval = spike.step.abs_diff(before) as f64;
            let (count, mean, squares) = &mut moments[i];
            *count += 1;
            let off = interval - *mean;
            *mean += off / *count as f64;
            *squares += off * (interval - *mean);
        }
    }
    let cvs: Vec<f64> = moments
        .iter()
        .filter(|(count, ..)| *count >= 2)
        .map(|&(count, mean, squares)| (squares / count as f64).sqrt() / mean)
        .collect();
    (!cvs.is_empty()).then(|| cvs.iter().sum::<f64>() / cvs.len() as f64)
}

/// Spikes of the population in bins of `width` steps, from step `from` to `to`; a last bin that is not full is left out.
#[must_use]
pub fn binned_counts(spikes: &[SpikeEvent], from: u64, to: u64, width: u64) -> Vec<u64> {
    let width = width.max(1);
    let mut bins = vec![0; (to.saturating_sub(from) / width) as usize];
    for spike in spikes {
        if let Some(bin) = spike.step.checked_sub(from).and_then(|t| bins.get_mut((t / width) as usize)) {
            *bin += 1;
        }
    }
    bins
}

/// Synchrony: variance / mean of the population's binned spike count (its Fano factor); 1 for independent Poisson
/// neurons, larger when they fire together. `None` without spikes.
///
/// ```
/// use nl_network::statistics;
/// assert_eq!(statistics::synchrony(&[4, 4, 4]), Some(0.0));
/// assert_eq!(statistics::synchrony(&[8, 0, 8, 0]), Some(4.0));
/// assert_eq!(statistics::synchrony(&[0, 0]), None);
/// ```
#[must_use]
pub fn synchrony(counts: &[u64]) -> Option<f64> {
    let n = counts.len() as f64;
    let mean = counts.iter().map(|&c| c as f64).sum::<f64>() / n;
    let variance = counts.iter().map(|&c| (c as f64 - mean).powi(2)).sum::<f64>() / n;
    (mean > 0.0).then(|| variance / mean)
}

/// Pearson's correlation of the spike counts of every two neurons of `neurons`, in bins of `width` steps from step `from` to
/// `to`; a last bin that is not full is left out, and so are neurons whose count never changes. Pairs in the order of
/// `neurons`: (0, 1), (0, 2), …, (1, 2), …
///
/// n neurons: n (n − 1) / 2 values from −1 to 1; near 0: independent neurons; above: they fire together.
///
/// ```
/// use nl_network::{SpikeEvent, statistics};
/// // 0 and 1 fire in the first and third bin of ten steps, 2 in the second and fourth, 3 in each.
/// let spike = |step, neuron| SpikeEvent { step, neuron };
/// let mut spikes = vec![spike(1, 0), spike(2, 1), spike(11, 2), spike(21, 0), spike(25, 1), spike(39, 2)];
/// spikes.extend((0..4).map(|bin| spike(10 * bin, 3)));
/// assert_eq!(statistics::correlations(&spikes, &[0, 1, 2, 3], (0, 40), 10), [1.0, -1.0, -1.0]);
/// ```
#[must_use]
pub fn correlations(spikes: &[SpikeEvent], neurons: &[u32], (from, to): (u64, u64), width: u64) -> Vec<f64> {
    let width = width.max(1);
    let bins = (to.saturating_sub(from) / width) as usize;
    let place: std::collections::HashMap<u32, usize> =
        neurons.iter().enumerate().map(|(k, &neuron)| (neuron, k)).collect();
    let mut counts = vec![vec![0.0_f64; bins]; neurons.len()];
    for spike in spikes {
        let bin = spike.step.checked_sub(from).map(|t| (t / width) as usize);
        if let (Some(&k), Some(bin)) = (place.get(&spike.neuron), bin.filter(|&bin| bin < bins)) {
            counts[k][bin] += 1.0;
        }
    }
    // Each row less its mean, of length 1: a correlation is then a product.
    counts.retain_mut(|row| {
        let mean = row.iter().sum::<f64>() / bins as f64;
        row.iter_mut().for_each(|count| *count -= mean);
        let length = row.iter().map(|count| count * count).sum::<f64>().sqrt();
        row.iter_mut().for_each(|count| *count /= length);
        length > 1e-9
    });
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>().clamp(-1.0, 1.0);
    let pairs = counts.iter().enumerate().flat_map(|(k, a)| counts[k + 1..].iter().map(move |b| (a, b)));
    pairs.map(|(a, b)| product(a, b)).collect()
}
