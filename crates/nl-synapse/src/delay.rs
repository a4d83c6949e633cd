//! The last spikes of a population, to be read as late as a delay says.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::connectivity::reserve;

const NAME: &str = "delay line";

/// A ring of the spike lists of the last `longest` steps.
///
/// A spike of step k with a delay of d ≥ 1 steps arrives in step k + d. Keeping spikes instead of summed currents makes
/// one input buffer a receptor enough, whatever the delays, and the state to save is a handful of indices.
///
/// ```
/// use nl_synapse::DelayLine;
/// let mut line = DelayLine::new(3)?;
/// line.push(&[7]); // step 0
/// line.push(&[]); // step 1
/// assert_eq!(line.ago(2)?, &[7]); // in step 2, what was emitted two steps ago
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct DelayLine {
    ring: Vec<Vec<u32>>,
    /// Where the next step goes.
    next: usize,
}

#[derive(Deserialize)]
struct Unchecked {
    ring: Vec<Vec<u32>>,
    next: usize,
}

impl TryFrom<Unchecked> for DelayLine {
    type Error = Error;

    fn try_from(Unchecked { ring, next }: Unchecked) -> Result<Self, Error> {
        if next < ring.len() && u32::try_from(ring.len()).is_ok() {
            return Ok(Self { ring, next });
        }
        let message = format!("position {next} in a ring of {} steps; the file is damaged", ring.len());
        Err(Error::Invalid { what: NAME, message })
    }
}

impl DelayLine {
    /// A silent line for delays of 1 to `longest` steps.
    ///
    /// # Errors
    /// If `longest` is 0 (a spike cannot arrive in the step it is emitted in), or there is no memory for so many steps.
    pub fn new(longest: u32) -> Result<Self, Error> {
        if longest == 0 {
            return Err(Error::Invalid { what: NAME, message: "a delay of 0 steps; use 1 step or more".into() });
        }
        let mut ring = reserve(NAME, longest as usize)?;
        ring.resize(longest as usize, Vec::new());
        Ok(Self { ring, next: 0 })
    }

    /// The longest delay, in steps.
    #[must_use]
    pub fn longest(&self) -> u32 {
        self.ring.len() as u32
    }

    /// `Ok` if this line, read from a file, is one of a population of `n`.
    ///
    /// # Errors
    /// If a spike's index is not below `n` or does not ascend.
    pub fn check(&self, n: usize) -> Result<(), Error> {
        let ascends = |spikes: &[u32]| spikes.windows(2).all(|w| w[0] < w[1]);
        let fits = |spikes: &Vec<u32>| spikes.last().is_none_or(|&last| (last as usize) < n) && ascends(spikes);
        if self.ring.iter().all(fits) {
            return Ok(());
        }
        Err(Error::Invalid {
            what: NAME,
            message: format!("not the spikes of a population of {n}; the file is damaged"),
        })
    }

    /// Notes the spikes of one more step; the oldest are forgotten.
    pub fn push(&mut self, spikes: &[u32]) {
        let slot = &mut self.ring[self.next];
        slot.clear();
        slot.extend_from_slice(spikes);
        self.next = (self.next + 1) % self.ring.len();
    }

    /// The spikes pushed `delay` pushes ago: 1 is the last.
    ///
    /// # Errors
    /// If `delay` is 0 or above [`longest`](Self::longest).
    pub fn ago(&self, delay: u32) -> Result<&[u32], Error> {
        let longest = self.ring.len();
        if delay == 0 || delay as usize > longest {
            let message = format!("a delay of {delay} steps; this line keeps 1 to {longest}");
            return Err(Error::Invalid { what: NAME, message });
        }
        Ok(&self.ring[(self.next + longest - delay as usize) % longest])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_delay_reads_its_own_step() {
        let mut line = DelayLine::new(4).unwrap();
        for k in 0..11_u32 {
            line.push(&[k]);
            for d in 1..=4.min(k + 1) {
                assert_eq!(line.ago(d).unwrap(), &[k + 1 - d]);
            }
        }
        assert!(line.ago(0).is_err() && line.ago(5).is_err());
    }

    #[test]
    fn spikes_of_a_line_ascend_and_lie_below_n() {
        let mut line = DelayLine::new(2).unwrap();
        line.push(&[1, 4]);
        assert!(line.check(5).is_ok() && line.check(4).is_err());
        line.push(&[4, 1]);
        assert!(line.check(5).is_err());
    }
}
