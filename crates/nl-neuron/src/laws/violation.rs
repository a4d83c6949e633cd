//! A broken law, in words, numbers and a raster.

use core::fmt;

use super::Case;
use crate::{Ms, SpikeTrain};

/// A broken law, with the shortest experiment that shows it.
pub type Violation = nl_laws::Violation<Example>;

/// The smallest experiment that shows a violation.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// The experiment.
    pub case: Case,
    /// Its time step.
    pub dt: Ms,
    /// Its input in words: one line a pulse.
    pub input: Vec<String>,
    /// Spikes, each under a heading.
    pub rasters: Vec<(String, SpikeTrain)>,
}

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  shortest example: dt = {}, {} neuron(s), starting at rest", self.dt, self.case.neurons)?;
        if self.case.knobs != super::Knobs::default() {
            write!(f, ", knobs {:?}", self.case.knobs.0)?;
        }
        for line in &self.input {
            write!(f, "\n    {line}")?;
        }
        for (heading, train) in &self.rasters {
            write!(f, "\n    {heading}\n{}", raster(train, 6))?;
        }
        Ok(())
    }
}

/// A spike train as text, `indent` columns to the right: a row for each neuron that spikes, `|` a spike, `.` a silent step;
/// at most 100 steps from the first spike on, the later spikes listed.
///
/// ```
/// use nl_neuron::{SpikeTrain, laws::raster};
/// let train = SpikeTrain::from_events(2, 9, &[(1, 0), (4, 0), (8, 1)])?;
/// assert_eq!(raster(&train, 2), "  step 1\n  0 |..|....\n  1 .......|");
/// # Ok::<(), nl_neuron::Error>(())
/// ```
#[must_use]
pub fn raster(train: &SpikeTrain, indent: usize) -> String {
    const WIDTH: usize = 100;
    let pad = " ".repeat(indent);
    let Some((first, _)) = train.events().next() else { return format!("{pad}no spikes in {} steps", train.steps()) };
    let last = train.events().last().map_or(first, |(step, _)| step);
    let end = (last + 1).min(first + WIDTH);
    let mut text = format!("{pad}step {first}");
    let digits = train.population().saturating_sub(1).to_string().len();
    for neuron in 0..train.population() as u32 {
        let steps = train.steps_of(neuron);
        if steps.is_empty() {
            continue;
        }
        text += &format!("\n{pad}{neuron:digits$} ");
        text.extend((first..end).map(|step| if steps.binary_search(&step).is_ok() { '|' } else { '.' }));
        for step in steps.iter().filter(|&&step| step >= end) {
            text += &format!(" … | at {step}");
        }
    }
    text
}
