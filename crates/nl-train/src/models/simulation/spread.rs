//! How neurons and synapses differ: rates, intervals, weights, correlations.

use nl_network::SpikeEvent;
use nl_network::statistics::correlations;
use nl_report::Figure;
use nl_report::plots::{BarGroup, Bars};
use nl_units::Ms;

use super::config::Network;
use super::description::shown;

/// Neurons whose spike counts are compared, in bins of `BIN`.
const SAMPLE: u32 = 100;
const BIN: Ms = Ms(10.0);
/// Bars of the histogram of weights.
const WEIGHT_BARS: usize = 40;

pub(super) fn rates(spikes: &[SpikeEvent], neurons: u32, seconds: f64) -> Figure {
    let mut counts = vec![0_u64; neurons as usize];
    for spike in spikes {
        counts[spike.neuron as usize] += 1;
    }
    let rates: Vec<f64> = counts.iter().map(|&c| c as f64 / seconds).collect();
    Figure::new("Rates", "How many neurons fire how fast.", Bars::histogram("rate, Hz", "neurons", &rates, 30))
}

pub(super) fn intervals(spikes: &[SpikeEvent], neurons: u32, dt: f64) -> Figure {
    let mut last = vec![None; neurons as usize];
    let mut gaps = Vec::new();
    for spike in spikes {
        if let Some(before) = last[spike.neuron as usize].replace(spike.step) {
            gaps.push((spike.step - before) as f64 * dt);
        }
    }
    // The longest gaps are few and would press the rest into one bar.
    gaps.sort_by(f64::total_cmp);
    gaps.truncate(gaps.len() - gaps.len() / 50);
    Figure::new(
        "Inter-spike intervals",
        "Time from a neuron's spike to its next; the longest 2 % are not shown.",
        Bars::histogram("interval, ms", "intervals", &gaps, 40),
    )
}

/// How many synapses have which weight; none if all have one.
pub(super) fn weights(network: &Network, synapses: [usize; 2]) -> Option<Figure> {
    let (weights, unit) = network.weights();
    let (low, high) = (weights[0].min(weights[1]), weights[0].max(weights[1]));
    if low >= high {
        return None;
    }
    let width = (high - low) / WEIGHT_BARS as f64;
    let mut bars: Vec<(f64, f64)> = (0..=WEIGHT_BARS).map(|k| (low + (k as f64 - 0.5) * width, 0.0)).collect();
    for (weight, count) in weights.into_iter().zip(synapses) {
        bars[((weight - low) / width).round() as usize].1 += count as f64;
    }
    let [excitatory, inhibitory] = weights.map(shown);
    let text = format!("Excitatory synapses have {excitatory} {unit}, inhibitory ones {inhibitory} {unit}.");
    let groups = vec![BarGroup { name: String::new(), bars }];
    let bars = Bars { x: format!("weight, {unit}"), y: "synapses".into(), width, groups, left_out: 0 };
    Some(Figure::new("Weights", text, bars))
}

/// Correlations of the spike counts of some neurons, evenly out of all, from step `from` to `to`; none if too few fire.
pub(super) fn pairwise(spikes: &[SpikeEvent], neurons: u32, dt: f64, (from, to): (u64, u64)) -> Option<Figure> {
    let shown = SAMPLE.min(neurons);
    let sample: Vec<u32> = (0..shown).map(|k| (u64::from(k) * u64::from(neurons) / u64::from(shown)) as u32).collect();
    let width = ((BIN.0 / dt).round() as u64).max(1);
    let all = correlations(spikes, &sample, (from, to), width);
    if all.is_empty() {
        return None;
    }
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let text = format!(
        "Of the spike counts of every two of {shown} neurons in bins of {} ms, neurons whose count never changes left out: {mean:.3} \
         on average. 0: independent; 1: always together.",
        width as f64 * dt
    );
    Some(Figure::new("Pairwise correlations", text, Bars::histogram("correlation", "pairs", &all, 40)))
}

#[cfg(test)]
mod tests {
    use nl_network::published::{BrunelConfig, CobaConfig};
    use nl_report::plots::Plot;
    use nl_units::Ns;

    use super::*;

    #[test]
    fn each_weight_has_its_synapses() {
        let network = Network::Brunel(BrunelConfig::default());
        let Plot::Bars(bars) = weights(&network, [800, 200]).unwrap().plot else { panic!("no bars") };
        let found: Vec<(f64, f64)> = bars.groups[0].bars.iter().copied().filter(|bar| bar.1 > 0.0).collect();
        assert_eq!(found.iter().map(|bar| bar.1).collect::<Vec<_>>(), [200.0, 800.0]);
        // A weight stands in the middle of its bar.
        for (bar, weight) in found.iter().zip([-0.5, 0.1]) {
            assert!((bar.0 + bars.width / 2.0 - weight).abs() < 1e-9, "{bar:?}");
        }
        let alike = Network::Coba(CobaConfig { w_ex: Ns(6.0), w_in: Ns(6.0), ..CobaConfig::default() });
        assert!(weights(&alike, [1, 1]).is_none());
    }

    #[test]
    fn correlations_need_spikes() {
        assert!(pairwise(&[], 500, 0.1, (0, 1000)).is_none());
        // Neurons 0 and 1 fire in every other bin.
        let spikes: Vec<SpikeEvent> =
            (0..5).flat_map(|k| [0, 1].map(|neuron| SpikeEvent { step: 200 * k, neuron })).collect();
        assert!(pairwise(&spikes, 2, 0.1, (0, 1000)).unwrap().text.contains("1.000 on average"));
    }
}
