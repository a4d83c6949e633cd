//! The report of a simulation.

use nl_network::SpikeEvent;
use nl_network::statistics::binned_counts;
use nl_report::plots::{LineStyle, Lines, Raster, RasterGroup};
use nl_report::text::{duration, thousands};
use nl_report::{Figure, Headline, Section, Tile};
use nl_units::Ms;

use super::config::{Network, SimulationConfig};
use super::findings::Figures;
use super::spread::{intervals, pairwise, rates, weights};
use super::words::{about, expectation};
use super::{SimulationModel, description};
use crate::run::Findings;

/// Time and neurons of the raster: enough to see a pattern, few enough to see a spike.
pub(super) const RASTER_MS: f64 = 300.0;
const RASTER_NEURONS: u32 = 100;

pub(super) fn page(
    model: &SimulationModel,
    config: &SimulationConfig,
    figures: &Figures,
    spikes: &[SpikeEvent],
    excitatory: u32,
) -> Findings {
    let dt = model.dt;
    let sizes = [excitatory as usize, figures.neurons - excitatory as usize];
    let steps = |seconds: f64| (seconds * 1000.0 / dt).round() as u64;
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
        title: format!("{}: {}", figures.network.name().to_uppercase(), about(&figures.network)),
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
            .figure(activity(spikes, sizes, dt, (bio_seconds, bin)))
            .figures(potentials(model, &figures.network)),
            Section::new(
                "How they differ",
                "Rates",
                "Neurons are connected at random, so that some receive more than others.",
            )
            .figure(rates(spikes, neurons, bio_seconds))
            .figure(intervals(spikes, neurons, dt))
            .figures(pairwise(spikes, neurons, dt, (steps(skipped_seconds), steps(bio_seconds))))
            .figures(weights(&figures.network, model.built.synapses)),
            description::section(config, sizes, model.built.synapses),
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

/// The rate of each population over time.
fn activity(spikes: &[SpikeEvent], sizes: [usize; 2], dt: f64, (seconds, bin): (f64, f64)) -> Figure {
    let steps = (seconds * 1000.0 / dt).round() as u64;
    // At most 400 points.
    let width = ((bin / dt).round() as u64).max(steps.div_ceil(400)).max(1);
    // By population, as they come.
    let (e, i) = spikes.split_at(spikes.partition_point(|spike| (spike.neuron as usize) < sizes[0]));
    let line = |spikes: &[SpikeEvent], size: usize| {
        let scale = 1000.0 / (width as f64 * dt) / size as f64;
        let counts = binned_counts(spikes, 0, steps, width).into_iter().enumerate();
        counts.map(|(b, c)| ((b as f64 + 0.5) * width as f64 * dt, c as f64 * scale)).collect()
    };
    let lines = Lines {
        from_zero: true,
        x_range: Some((0.0, seconds * 1000.0)),
        ..Lines::new("time, ms", "rate, Hz").line("excitatory", line(e, sizes[0])).line("inhibitory", line(i, sizes[1]))
    };
    Figure::new("Activity", format!("Rate of each population in bins of {:.1} ms.", width as f64 * dt), lines)
}

/// The potentials that were written down, the last `RASTER_MS`.
fn potentials(model: &SimulationModel, network: &Network) -> Option<Figure> {
    let (trace, dt) = (model.potentials.as_ref()?, model.dt);
    let (last, count) = ((*trace.steps.last()? + 1) as f64 * dt, trace.neurons.len());
    let from = (last - RASTER_MS).max(0.0);
    let lines = (0..count).fold(Lines::new("time, ms", "V, mV"), |lines, k| {
        let at = trace.steps.iter().map(|&step| (step + 1) as f64 * dt);
        let points = at.zip(trace.values.iter().skip(k).step_by(count).map(|&v| f64::from(v)));
        lines.line(&format!("neuron {}", trace.neurons[k]), points.filter(|p| p.0 >= from).collect())
    });
    let threshold = network.threshold().0;
    let lines = lines.styled("threshold", vec![(from, threshold), (last, threshold)], LineStyle::Dashed);
    let lines = Lines { x_range: Some((from, last)), ..lines };
    let every = Ms(1.0).on_grid(Ms(dt));
    let text = match network {
        Network::Cobahh(_) => format!(
            "Excitatory neurons, sampled every {every}. These neurons have no reset: a spike rises above 0 mV and falls again \
             within about a millisecond, so that samples catch the tops of some and the flanks of others."
        ),
        Network::Cuba(_) | Network::Coba(_) | Network::Brunel(_) => {
            format!(
                "Excitatory neurons, sampled every {every}: a drop is the reset after a spike, which itself has no shape here."
            )
        }
    };
    Some(Figure::new("Potentials", text, lines))
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
