//! The report of a simulation.

use nl_layers::network::SpikeEvent;
use nl_layers::network::statistics::binned_counts;
use nl_neuron::Ms;

use super::{SimModel, SimRun, SimSummary};
use crate::Error;
use crate::report::{Figure, Plot, RunInfo, Section, Sheet};

/// Time and neurons of the raster: enough to see a pattern, few enough to see a spike.
pub(super) const RASTER_MS: f64 = 300.0;
const RASTER_NEURONS: u32 = 100;

pub(super) fn sheet(
    run: &SimRun,
    summary: &SimSummary,
    spikes: &[SpikeEvent],
    excitatory: u32,
) -> Result<Sheet, Error> {
    let dt = run.config.dt.0;
    let neurons = summary.neurons as u32;
    let show = |value: Option<f64>| value.map_or("none".to_owned(), |v| format!("{v:.3}"));
    let SimSummary { seed, threads, bio_seconds, skipped_seconds, synchrony_bin_ms: bin, .. } = *summary;
    let synchrony = format!("variance over mean of the spike count in {bin} ms; 1: independent neurons");
    let tiles = [
        ("neurons", summary.neurons.to_string(), "four fifths of them excitatory"),
        ("synapses", summary.synapses.to_string(), "drawn at random"),
        (
            "irregularity, CV",
            show(summary.cv_isi),
            "0: clocks; 1: Poisson processes. Too low in a short run, which sees no long interval",
        ),
        ("synchrony", show(summary.synchrony), synchrony.as_str()),
        (
            "left out, s",
            skipped_seconds.to_string(),
            "time at the start, while the network settles, that rate, CV and synchrony leave out",
        ),
        ("wall time", format!("{:.2} s", summary.wall_seconds.simulate), "simulating, without building"),
        (
            "times real time",
            format!("{:.2}", bio_seconds / summary.wall_seconds.simulate.max(1e-9)),
            "biological over wall time",
        ),
    ];
    Ok(Sheet {
        run: RunInfo {
            name: summary.model.name().into(),
            started: run.started().into(),
            version: env!("CARGO_PKG_VERSION").into(),
            command: format!("cargo xtask sim {} --seconds {bio_seconds} --seed {seed}", summary.model.name()),
            seed,
            threads,
            simd: nl_kernels::Level::current().to_string(),
            weights_sha256: summary.spikes_sha256.clone(),
            seconds: summary.wall_seconds.simulate,
            ..RunInfo::default()
        },
        headline: (format!("{:.2}", summary.rate_hz), "Hz".into()),
        lead: format!(
            "is the mean rate of {neurons} neurons from {skipped_seconds} s to {bio_seconds} s. {}",
            expectation(summary.model)
        ),
        data: (false, String::new()),
        tiles: tiles.into_iter().map(|(n, v, m)| (n.to_owned(), v, m.to_owned())).collect(),
        sections: vec![
            Section {
                title: "What they did".into(),
                text:
                    "Every dot is a spike. Columns of dots are neurons that fire together; evenly spaced dots in a row \
                       are a neuron that ticks like a clock."
                        .into(),
                figures: [
                    raster(spikes, neurons, excitatory, dt, bio_seconds),
                    activity(spikes, neurons, dt, (bio_seconds, bin)),
                ]
                .into_iter()
                .chain(potentials(run, dt))
                .collect(),
            },
            Section {
                title: "How they differ".into(),
                text: "Neurons are connected at random, so that some receive more than others.".into(),
                figures: vec![rates(spikes, neurons, bio_seconds), intervals(spikes, neurons, dt)],
            },
        ],
        config: serde_saphyr::to_string(&run.config).map_err(|e| Error::config(e.to_string()))?,
    })
}

fn expectation(model: SimModel) -> &'static str {
    match model {
        SimModel::Cuba => "Brette et al. 2007, benchmark 2; Brian2 gives about 5.6 Hz over 10 s.",
        SimModel::Coba => {
            "Brette et al. 2007, benchmark 1, with a resting potential of −49 mV instead of −60: above the threshold, so \
             that the network stays active by itself. Brian2 gives about 21 Hz for it."
        }
        SimModel::Cobahh => "Brette et al. 2007, benchmark 3; Brian2 gives about 38 Hz.",
        SimModel::Brunel => "Brunel 2000, asynchronous and irregular (g = 5, η = 2); NEST gives about 32 Hz.",
    }
}

/// The last `RASTER_MS` of some excitatory and inhibitory neurons.
fn raster(spikes: &[SpikeEvent], neurons: u32, excitatory: u32, dt: f64, seconds: f64) -> Figure {
    let from = (seconds * 1000.0 - RASTER_MS).max(0.0);
    let shown_e = (RASTER_NEURONS * 4 / 5).min(excitatory);
    let shown_i = (RASTER_NEURONS - RASTER_NEURONS * 4 / 5).min(neurons - excitatory);
    let pick = |first: u32, count: u32, at: u32| -> Vec<(f64, u32)> {
        let inside = spikes.iter().filter(|s| (first..first + count).contains(&s.neuron));
        inside.map(|s| (s.step as f64 * dt, s.neuron - first + at)).filter(|dot| dot.0 >= from).collect()
    };
    let groups = vec![
        ("excitatory".to_owned(), pick(0, shown_e, 0)),
        ("inhibitory".to_owned(), pick(excitatory, shown_i, shown_e)),
    ];
    Figure {
        title: "Spikes".into(),
        text: format!("{} of the neurons, the last {} ms.", shown_e + shown_i, RASTER_MS.min(seconds * 1000.0)),
        plot: Plot::Raster { x: "time, ms".into(), neurons: shown_e + shown_i, groups },
    }
}

/// The rate of the whole population over time.
fn activity(spikes: &[SpikeEvent], neurons: u32, dt: f64, (seconds, bin): (f64, f64)) -> Figure {
    let steps = (seconds * 1000.0 / dt).round() as u64;
    // At most 400 points.
    let width = ((bin / dt).round() as u64).max(steps.div_ceil(400)).max(1);
    let scale = 1000.0 / (width as f64 * dt) / f64::from(neurons);
    let counts = binned_counts(spikes, 0, steps, width);
    let points = counts.iter().enumerate().map(|(b, &c)| ((b as f64 + 0.5) * width as f64 * dt, c as f64 * scale));
    Figure {
        title: "Activity".into(),
        text: format!("Rate of all neurons in bins of {:.1} ms.", width as f64 * dt),
        plot: Plot::Lines { x: "time, ms".into(), y: "rate, Hz".into(), lines: vec![("all".into(), points.collect())] },
    }
}

/// The potentials that were written down, the last `RASTER_MS`.
fn potentials(run: &SimRun, dt: f64) -> Option<Figure> {
    let trace = run.potentials()?;
    let (last, count) = (*trace.steps.last()? as f64 * dt, trace.neurons.len());
    let from = (last - RASTER_MS).max(0.0);
    let lines = (0..count).map(|k| {
        let at = trace.steps.iter().map(|&step| (step + 1) as f64 * dt);
        let points = at.zip(trace.values.iter().skip(k).step_by(count).map(|&v| f64::from(v)));
        (format!("neuron {}", trace.neurons[k]), points.filter(|p| p.0 >= from).map(|p| (p.0 - from, p.1)).collect())
    });
    Some(Figure {
        title: "Potentials".into(),
        text: format!(
            "Excitatory neurons, sampled every {}: a drop is the reset after a spike.",
            Ms(1.0).on_grid(Ms(dt))
        ),
        plot: Plot::Lines { x: format!("time from {from:.0} ms, ms"), y: "V, mV".into(), lines: lines.collect() },
    })
}

fn rates(spikes: &[SpikeEvent], neurons: u32, seconds: f64) -> Figure {
    let mut counts = vec![0_u64; neurons as usize];
    for spike in spikes {
        counts[spike.neuron as usize] += 1;
    }
    let rates: Vec<f64> = counts.iter().map(|&c| c as f64 / seconds).collect();
    let (width, bars) = histogram(&rates, 30);
    Figure {
        title: "Rates".into(),
        text: "How many neurons fire how fast.".into(),
        plot: Plot::Bars { x: "rate, Hz".into(), y: "neurons".into(), width, bars },
    }
}

fn intervals(spikes: &[SpikeEvent], neurons: u32, dt: f64) -> Figure {
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
    let (width, bars) = histogram(&gaps, 40);
    Figure {
        title: "Inter-spike intervals".into(),
        text: "Time from a neuron's spike to its next; the longest 2 % are not shown.".into(),
        plot: Plot::Bars { x: "interval, ms".into(), y: "intervals".into(), width, bars },
    }
}

/// Width and (left edge, count) of `bins` bins from 0 to the largest value.
fn histogram(values: &[f64], bins: usize) -> (f64, Vec<(f64, f64)>) {
    let most = values.iter().copied().fold(0.0, f64::max);
    let width = if most > 0.0 { most / bins as f64 } else { 1.0 };
    let mut counts = vec![0.0; bins];
    for value in values {
        counts[((value / width) as usize).min(bins - 1)] += 1.0;
    }
    (width, counts.into_iter().enumerate().map(|(b, count)| (b as f64 * width, count)).collect())
}
