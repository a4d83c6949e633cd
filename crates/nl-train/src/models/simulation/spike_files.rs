//! Spikes for other programs: `spikes.csv` and `spikes.npz`.
//!
//! | `spikes.csv` | |
//! |---|---|
//! | `time_ms` | end of the step that the spike was emitted in, ms |
//! | `population` | `E` or `I` |
//! | `neuron` | its number within the population, from 0 |
//!
//! | `spikes.npz` | | |
//! |---|---|---|
//! | `times_ms` | f64, \[spikes\] | as above |
//! | `neurons` | u32, \[spikes\] | number within the network: excitatory neurons first |
//! | `populations` | u8, \[spikes\] | 0: excitatory, 1: inhibitory |
//! | `sizes` | u64, \[2\] | excitatory and inhibitory neurons |
//! | `dt_ms` | f64, \[\] | time step |
//!
//! Spikes ascend in time, those of one step by population and neuron.

use std::io::{self, Write};

use nl_network::SpikeEvent;

use super::config::{SimulationStage, SpikeFormat};
use super::{SimulationConfig, SimulationModel};
use crate::npz::Npz;
use crate::{Error, RunFolder};

const NAMES: [&str; 2] = ["E", "I"];

impl SpikeFormat {
    /// Name of the file.
    pub(super) const fn file(self) -> &'static str {
        match self {
            Self::Csv => "spikes.csv",
            Self::Npz => "spikes.npz",
        }
    }
}

/// Formats that a stage asks for.
pub(super) fn asked(stages: &[SimulationStage]) -> impl Iterator<Item = SpikeFormat> + '_ {
    let wants = |format: &SpikeFormat| {
        stages.iter().any(|SimulationStage::Simulate(stage)| stage.spikes.iter().any(|files| files.has(*format)))
    };
    [SpikeFormat::Csv, SpikeFormat::Npz].into_iter().filter(wants)
}

/// Writes each format that was asked for, with the spikes of the stages that asked for it.
pub(super) fn write(
    model: &SimulationModel,
    config: &SimulationConfig,
    stages: &[SimulationStage],
    folder: &RunFolder,
) -> Result<(), Error> {
    let network = &model.built.network;
    let [e, i] = model.built.populations;
    let sizes = [network.size(e)?, network.size(i)?];
    for format in asked(stages) {
        let (mut first, mut ranges) = (0, Vec::new());
        for SimulationStage::Simulate(stage) in stages {
            let end = first + stage.steps(config.dt)?;
            if stage.spikes.iter().any(|files| files.has(format)) {
                ranges.push((first, end));
            }
            first = end;
        }
        let spikes = Spikes { events: [&model.spikes[0], &model.spikes[1]], ranges: &ranges };
        folder.write_file_with(format.file(), |out| match format {
            SpikeFormat::Csv => csv(spikes, config.dt.0, out),
            SpikeFormat::Npz => npz(spikes, config.dt.0, sizes, out),
        })?;
    }
    Ok(())
}

/// The spikes of both populations within some ranges of steps, merged: (step, population, neuron within it).
#[derive(Clone, Copy)]
struct Spikes<'a> {
    events: [&'a [SpikeEvent]; 2],
    /// From the first step of each to before its last.
    ranges: &'a [(u64, u64)],
}

impl Iterator for Spikes<'_> {
    type Item = (u64, usize, u32);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let which = match self.events.map(|events| events.first().map(|event| event.step)) {
                [Some(e), Some(i)] => usize::from(i < e),
                [Some(_), None] => 0,
                [None, Some(_)] => 1,
                [None, None] => return None,
            };
            let (SpikeEvent { step, neuron }, rest) = self.events[which].split_first()?;
            self.events[which] = rest;
            if self.ranges.iter().any(|&(first, end)| (first..end).contains(step)) {
                return Some((*step, which, *neuron));
            }
        }
    }
}

/// End of a step, ms.
fn time(step: u64, dt: f64) -> f64 {
    (step + 1) as f64 * dt
}

/// Decimals that a multiple of `dt` needs, at most 9.
fn decimals(dt: f64) -> usize {
    let whole = |digits: &usize| {
        let scaled = dt * 10_f64.powi(*digits as i32);
        scaled >= 0.5 && (scaled - scaled.round()).abs() < 1e-6
    };
    (0..9).find(whole).unwrap_or(9)
}

fn csv(spikes: Spikes<'_>, dt: f64, out: &mut dyn Write) -> io::Result<()> {
    let digits = decimals(dt);
    writeln!(out, "time_ms,population,neuron")?;
    for (step, population, neuron) in spikes {
        writeln!(out, "{:.digits$},{},{neuron}", time(step, dt), NAMES[population])?;
    }
    Ok(())
}

fn npz(spikes: Spikes<'_>, dt: f64, sizes: [usize; 2], out: &mut dyn Write) -> io::Result<()> {
    let shape = [spikes.count()];
    let first = [0, sizes[0] as u32];
    let mut npz = Npz::new(out);
    npz.array("times_ms", "<f8", &shape, spikes.map(|(step, ..)| time(step, dt).to_le_bytes()))?;
    npz.array("neurons", "<u4", &shape, spikes.map(|(_, which, neuron)| (first[which] + neuron).to_le_bytes()))?;
    npz.array("populations", "|u1", &shape, spikes.map(|(_, which, _)| [which as u8]))?;
    npz.array("sizes", "<u8", &[2], sizes.iter().map(|&size| (size as u64).to_le_bytes()))?;
    npz.array("dt_ms", "<f8", &[], std::iter::once(dt.to_le_bytes()))?;
    npz.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::npz::tests::members;

    const E: [SpikeEvent; 3] = [event(0, 2), event(4, 0), event(9, 1)];
    const I: [SpikeEvent; 2] = [event(4, 0), event(5, 1)];

    const fn event(step: u64, neuron: u32) -> SpikeEvent {
        SpikeEvent { step, neuron }
    }

    #[test]
    fn lines_ascend_in_time() {
        let text = |ranges: &[(u64, u64)]| {
            let mut out = Vec::new();
            csv(Spikes { events: [&E, &I], ranges }, 0.1, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert_eq!(text(&[(0, 10)]), "time_ms,population,neuron\n0.1,E,2\n0.5,E,0\n0.5,I,0\n0.6,I,1\n1.0,E,1\n");
        assert_eq!(text(&[(0, 4), (5, 9)]), "time_ms,population,neuron\n0.1,E,2\n0.6,I,1\n");
        assert_eq!(text(&[]), "time_ms,population,neuron\n");
    }

    #[test]
    fn arrays_say_the_same() {
        let mut out = Vec::new();
        npz(Spikes { events: [&E, &I], ranges: &[(0, 10)] }, 0.5, [8, 2], &mut out).unwrap();
        let members = members(&out);
        let read = |name: &str| {
            let (_, bytes) = members.iter().find(|member| member.0 == format!("{name}.npy")).unwrap();
            npyz::NpyFile::new(&bytes[..]).unwrap()
        };
        assert_eq!(read("times_ms").into_vec::<f64>().unwrap(), [0.5, 2.5, 2.5, 3.0, 5.0]);
        assert_eq!(read("neurons").into_vec::<u32>().unwrap(), [2, 0, 8, 9, 1]);
        assert_eq!(read("populations").into_vec::<u8>().unwrap(), [0, 0, 1, 1, 0]);
        assert_eq!(read("sizes").into_vec::<u64>().unwrap(), [8, 2]);
        assert_eq!(read("dt_ms").into_vec::<f64>().unwrap(), [0.5]);
    }

    #[test]
    fn decimals_of_a_step() {
        assert_eq!([1.0, 0.1, 0.05, 0.025, 2.0, 0.125].map(decimals), [0, 1, 2, 3, 0, 3]);
        assert_eq!(decimals(1.0 / 3.0), 9);
    }
}
