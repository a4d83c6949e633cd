//! What is shown to a competitive layer.

use nl_neuron::SpikeTrain;
use nl_units::Error;

use super::config::{MOST_INPUTS, NAME};

/// Rows added at a time; each step's spikes are filled up to a multiple of it.
pub(super) const GROUP: usize = 4;

/// The input spikes of one presentation, step by step; an input may spike several times in a step.
///
/// ```
/// use nl_network::competitive::Stimulus;
/// let mut stimulus = Stimulus::new(3)?;
/// stimulus.push_step(&[2, 0, 2])?;
/// stimulus.push_step(&[])?;
/// assert_eq!((stimulus.steps(), stimulus.spikes()), (2, 3));
/// assert!(stimulus.push_step(&[3]).is_err());
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stimulus {
    inputs: usize,
    /// Row numbers of each step, filled up with `inputs`: a row of zeros.
    rows: Vec<u16>,
    /// Where each step begins, and the end.
    starts: Vec<usize>,
    spikes: usize,
}

impl Stimulus {
    /// Of `inputs` inputs, without any step yet.
    ///
    /// # Errors
    /// If there are none, or more than 65534.
    pub fn new(inputs: usize) -> Result<Self, Error> {
        let fits = |x: f64| (1.0..MOST_INPUTS as f64).contains(&x);
        Error::check(NAME, "inputs", inputs as f64, fits, "use 1 to 65534 inputs")?;
        Ok(Self { inputs, rows: Vec::new(), starts: vec![0], spikes: 0 })
    }

    /// The spikes of `train`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_train(train: &SpikeTrain) -> Result<Self, Error> {
        let mut stimulus = Self::new(train.population())?;
        for step in 0..train.steps() {
            stimulus.push_step(train.at(step))?;
        }
        Ok(stimulus)
    }

    /// Forgets everything, keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.starts.truncate(1);
        self.spikes = 0;
    }

    /// One more step in which these inputs spike, in any order, some perhaps several times.
    ///
    /// # Errors
    /// [`Error::Index`] if there is no such input, [`Error::Parameter`] after 2³² − 1 steps: a spike's step is a `u32`.
    #[inline]
    pub fn push_step(&mut self, spikes: &[u32]) -> Result<(), Error> {
        if self.steps() >= u32::MAX as usize {
            let (value, expected) = (self.steps() as f64, "show less than 2^32 steps at a time");
            return Err(Error::Parameter { model: NAME, name: "steps", value, expected });
        }
        if let Some(&index) = spikes.iter().find(|&&index| index as usize >= self.inputs) {
            return Err(Error::Index { what: "stimulus", index: index as usize, n: self.inputs });
        }
        self.rows.extend(spikes.iter().map(|&index| index as u16));
        let filled = self.rows.len().next_multiple_of(GROUP);
        self.rows.resize(filled, self.inputs as u16);
        self.starts.push(filled);
        self.spikes += spikes.len();
        Ok(())
    }

    /// Inputs.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Steps.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.starts.len() - 1
    }

    /// Spikes of all steps.
    #[must_use]
    pub fn spikes(&self) -> usize {
        self.spikes
    }

    /// The rows of a step, a whole number of groups.
    #[inline(always)]
    pub(super) fn rows(&self, step: usize) -> &[u16] {
        &self.rows[self.starts[step]..self.starts[step + 1]]
    }
}
