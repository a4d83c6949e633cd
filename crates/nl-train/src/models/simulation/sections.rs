//! The report of a simulation.

use nl_layers::network::SpikeEvent;
use nl_layers::network::statistics::binned_counts;
use nl_neuron::Ms;
use nl_report::plots::{Bars, Lines, Raster, RasterGroup};
use nl_report::text::{duration, thousands};
use nl_report::{Figure, Headline, Section, Tile};

use super::SimulationModel;
use super::config::Network;
use super::findings::Figures;
use crate::run::Findings;

/// Time and neurons of the raster: enough to see a pattern, few enough to see a spike.
pub(super) const RASTER_MS: f64 = 300.0;
const RASTER_NEURONS: u32 = 100;

pub(super) fn page(model: &SimulationModel, figures: &Figures, spikes: &[SpikeEvent], excitatory: u32) -> Findings {
    let dt = model.dt;
    let neurons = figures.neurons as u32;
    let Figures { bio_seconds, skipped_seconds, bin, .. } = *figures;
    let headline = Headline {
        value: format!("{:.2}", figures.rate_hz),
        unit: "Hz".into(),
        lead: format!(
            "is the mean rate of {} neurons from {skipped_seconds} s to {bio_seconds} s.",
            thousands(u64::from(neurons))
        ),
        hint: expectation(figures),
        figure: None,
    };
    Findings {
        title: format!("{}: {}", figures.network.name().to_uppercase(), about(figures.network)),
        headline: Some(headline),
        tiles: tiles(figures),
        sections: vec![
            Section::new(
                "What they did",
                "Activity",
                "Every dot is a spike. Columns of dots are neurons that fire together; evenly spaced dots in a row are a neuron \
                 that ticks like a clock.",
            )
            .figure(raster(spikes, neurons, excitatory, dt, bio_seconds))
            .figure(activity(spikes, neurons, dt, (bio_seconds, bin)))
            .figures(potentials(model, figures.network)),
            Section::new(
                "How they differ",
                "Rates",
                "Neurons are connected at random, so that some receive more than others.",
            )
            .figure(rates(spikes, neurons, bio_seconds))
            .figure(intervals(spikes, neurons, dt)),
        ],
        facts: vec![("SHA-256 of the spikes", figures.spikes_sha256.clone())],
        ..Findings::default()
    }
}

fn tiles(figures: &Figures) -> Vec<Tile> {
    let show = |value: Option<f64>| value.map_or("none".to_owned(), |v| format!("{v:.3}"));
    let bin = figures.bin;
    let seconds = figures.simulate_seconds;
    vec![
        Tile::new("neurons", thousands(figures.neurons as u64), "four fifths of them excitatory"),
        Tile::new("synapses", thousands(figures.synapses as u64), "drawn at random"),
        Tile::new(
            "irregularity, CV",
            show(figures.cv_isi),
            "0: clocks; 1: Poisson processes. Too low in a short run, which sees no long interval",
        ),
        Tile::new(
            "synchrony",
            show(figures.synchrony),
            &format!("variance over mean of the spike count in {bin} ms; 1: independent neurons"),
        ),
        Tile::new(
            "left out",
            format!("{} s", figures.skipped_seconds),
            "time at the start, while the network settles, that rate, CV and synchrony leave out",
        ),
        Tile::new("wall time", duration(seconds), "simulating, without building"),
        Tile::new("speed", speed(figures.bio_seconds, seconds), "than the time that passes in the network"),
    ]
}

/// `"8.3 times faster"`, of `bio` seconds simulated in `wall` seconds.
fn speed(bio: f64, wall: f64) -> String {
    let ratio = bio / wall.max(1e-9);
    let digits = |x: f64| if x < 9.95 { format!("{x:.1}") } else { format!("{x:.0}") };
    if ratio >= 1.0 {
        format!("{} times faster", digits(ratio))
    } else {
        format!("{} times slower", digits(1.0 / ratio))
    }
}

/// What the network is, in a few words.
fn about(network: Network) -> &'static str {
    match network {
        Network::Cuba => "neurons with currents as synapses",
        Network::Coba => "neurons with conductances as synapses",
        Network::Cobahh => "Hodgkin-Huxley neurons",
        Network::Brunel => "a sparse random network",
    }
}

/// What was published about the network, beside what was measured here.
fn expectation(figures: &Figures) -> String {
    match figures.network {
        Network::Cuba => "Brette et al. 2007, benchmark 2; Brian2 gives about 5.6 Hz over 10 s.".into(),
        Network::Coba => {
            "Brette et al. 2007, benchmark 1, as a variant: the resting potential is −49 mV instead of −60, above the threshold, \
             so that the network stays active by itself. Brian2 gives about 21 Hz for this variant; the benchmark itself is \
             another network, with another rate."
                .into()
        }
        Network::Cobahh => "Brette et al. 2007, benchmark 3; Brian2 gives about 38 Hz.".into(),
        Network::Brunel => {
            let measured = match figures.cv_isi {
                Some(cv) if cv < 0.5 => format!(
                    " Here neurons fire rather regularly (CV {cv:.2}), and in time with each other: with 1,000 weak excitatory \
                     inputs, a reset to 0 mV and one delay for all synapses, the mean input alone takes a neuron to its threshold."
                ),
                Some(cv) => format!(" Here the CV is {cv:.2}."),
                None => String::new(),
            };
            format!(
                "Brunel 2000 at g = 5, η = 2, which his theory calls asynchronous and irregular, with the parameters of NEST's \
                 example (reset to 0 mV; the paper resets to 10 mV). NEST gives about 32 Hz for it at 12,500 neurons.{measured}"
            )
        }
    }
}

/// The last `RASTER_MS` of some excitatory and inhibitory neurons.
fn raster(spikes: &[SpikeEvent], neurons: u32, excitatory: u32, dt: f64, seconds: f64) -> Figure {
    let end = seconds * 1000.0;
    let from = (end - RASTER_MS).max(0.0);
    let shown_e = (RASTER_NEURONS * 4 / 5).min(excitatory);
    let shown_i = (RASTER_NEURONS - RASTER_NEURONS * 4 / 5).min(neurons - excitatory);
    let pick = |name: &str, first: u32, count: u32, at: u32| {
        let inside = spikes.iter().filter(|s| (first..first + count).contains(&s.neuron));
        let dots = inside.map(|s| (s.step as f64 * dt, s.neuron - first + at)).filter(|dot| dot.0 >= from).collect();
        RasterGroup { name: name.to_owned(), dots }
    };
    let raster = Raster {
        x: "time, ms".into(),
        y: "neuron".into(),
        rows: shown_e + shown_i,
        groups: vec![pick("excitatory", 0, shown_e, 0), pick("inhibitory", excitatory, shown_i, shown_e)],
        range: Some((from, end)),
        moments: Vec::new(),
    };
    let text = format!("{} of the neurons, the last {} ms.", shown_e + shown_i, RASTER_MS.min(end));
    Figure::new("Spikes", text, raster)
}

/// The rate of the whole population over time.
fn activity(spikes: &[SpikeEvent], neurons: u32, dt: f64, (seconds, bin): (f64, f64)) -> Figure {
    let steps = (seconds * 1000.0 / dt).round() as u64;
    // At most 400 points.
    let width = ((bin / dt).round() as u64).max(steps.div_ceil(400)).max(1);
    let scale = 1000.0 / (width as f64 * dt) / f64::from(neurons);
    let counts = binned_counts(spikes, 0, steps, width);
    let points = counts.iter().enumerate().map(|(b, &c)| ((b as f64 + 0.5) * width as f64 * dt, c as f64 * scale));
    let lines = Lines {
        from_zero: true,
        x_range: Some((0.0, seconds * 1000.0)),
        ..Lines::new("time, ms", "rate, Hz").line("all neurons", points.collect())
    };
    Figure::new("Activity", format!("Rate of all neurons in bins of {:.1} ms.", width as f64 * dt), lines)
}

/// The potentials that were written down, the last `RASTER_MS`.
fn potentials(model: &SimulationModel, network: Network) -> Option<Figure> {
    let (trace, dt) = (model.potentials.as_ref()?, model.dt);
    let (last, count) = ((*trace.steps.last()? + 1) as f64 * dt, trace.neurons.len());
    let from = (last - RASTER_MS).max(0.0);
    let lines = (0..count).fold(Lines::new("time, ms", "V, mV"), |lines, k| {
        let at = trace.steps.iter().map(|&step| (step + 1) as f64 * dt);
        let points = at.zip(trace.values.iter().skip(k).step_by(count).map(|&v| f64::from(v)));
        lines.line(&format!("neuron {}", trace.neurons[k]), points.filter(|p| p.0 >= from).collect())
    });
    let lines = Lines { x_range: Some((from, last)), ..lines };
    let every = Ms(1.0).on_grid(Ms(dt));
    let text = match network {
        Network::Cobahh => format!(
            "Excitatory neurons, sampled every {every}. These neurons have no reset: a spike rises above 0 mV and falls again \
             within about a millisecond, so that samples catch the tops of some and the flanks of others."
        ),
        Network::Cuba | Network::Coba | Network::Brunel => {
            format!(
                "Excitatory neurons, sampled every {every}: a drop is the reset after a spike, which itself has no shape here."
            )
        }
    };
    Some(Figure::new("Potentials", text, lines))
}

fn rates(spikes: &[SpikeEvent], neurons: u32, seconds: f64) -> Figure {
    let mut counts = vec![0_u64; neurons as usize];
    for spike in spikes {
        counts[spike.neuron as usize] += 1;
    }
    let rates: Vec<f64> = counts.iter().map(|&c| c as f64 / seconds).collect();
    Figure::new("Rates", "How many neurons fire how fast.", Bars::histogram("rate, Hz", "neurons", &rates, 30))
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
    Figure::new(
        "Inter-spike intervals",
        "Time from a neuron's spike to its next; the longest 2 % are not shown.",
        Bars::histogram("interval, ms", "intervals", &gaps, 40),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_a_word() {
        assert_eq!(speed(1.0, 4.5), "4.5 times slower");
        assert_eq!(speed(10.0, 0.5), "20 times faster");
        assert_eq!(speed(1.0, 1.0), "1.0 times faster");
    }
}
