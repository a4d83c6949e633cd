//! Axonal and dendritic delays, one for all synapses or one for each.

use nl_neuron::Real;
use nl_units::Ms;
use serde::{Deserialize, Serialize};

use crate::connectivity::reserve;
use crate::{Connection, Csr, DelayLine, Error, Sparse};

const NAME: &str = "delay";

/// The two parts of a synapse's delay, in whole steps (see [`nl_units::grid`]); together at least 1.
///
/// A pre spike of step k reaches the synapse in step k + axonal, and its current the soma in step k + axonal + dendritic.
/// A post spike of step m, travelling back, reaches the synapse in step m + dendritic. A learning rule sits at the synapse:
/// it pairs pre spikes of step k + axonal with post spikes of step m + dendritic. NEST has one delay and takes all of it
/// as dendritic; Brian2's `pre.delay` is what is called axonal here, its `post.delay` delays the back-propagating spike.
///
/// ```
/// use nl_units::Ms;
/// use nl_synapse::Delay;
/// let delay = Delay::from_ms(Ms(1.0), Ms(0.5), Ms(0.1))?;
/// assert_eq!((delay.axonal(), delay.dendritic(), delay.total()), (10, 5, 15));
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "(u32, u32)", into = "(u32, u32)")]
pub struct Delay {
    axonal: u32,
    dendritic: u32,
}

impl TryFrom<(u32, u32)> for Delay {
    type Error = Error;

    fn try_from((axonal, dendritic): (u32, u32)) -> Result<Self, Error> {
        Self::new(axonal, dendritic)
    }
}

impl From<Delay> for (u32, u32) {
    fn from(delay: Delay) -> Self {
        (delay.axonal, delay.dendritic)
    }
}

impl Delay {
    /// The delay of these numbers of steps.
    ///
    /// # Errors
    /// If both are 0 (a spike cannot arrive in the step it is emitted in), or their sum exceeds 2³² − 2.
    pub fn new(axonal: u32, dendritic: u32) -> Result<Self, Error> {
        match axonal.checked_add(dendritic) {
            Some(total) if total > 0 && total < u32::MAX => Ok(Self { axonal, dendritic }),
            _ => {
                let message = format!(
                    "{axonal} axonal and {dendritic} dendritic steps; use a sum of at least 1 step and less than 2^32 - 1"
                );
                Err(Error::Invalid { what: NAME, message })
            }
        }
    }

    /// The delay of these times, each a whole number of steps of `dt`, by the rule of [`nl_units::grid`]; one drawn at
    /// random is first put on the grid, by [`Ms::on_grid`].
    ///
    /// ```
    /// use nl_units::Ms;
    /// use nl_synapse::Delay;
    /// let (drawn, dt) = (Ms(1.73), Ms(0.1));
    /// assert!(Delay::from_ms(Ms(0.0), drawn, dt).is_err()); // between 1.7 and 1.8 ms
    /// assert_eq!(Delay::from_ms(Ms(0.0), drawn.on_grid(dt), dt)?.total(), 17);
    /// # Ok::<(), nl_synapse::Error>(())
    /// ```
    ///
    /// # Errors
    /// If a time is negative, not finite or between two steps, `dt` is not positive, or as [`new`](Self::new).
    pub fn from_ms(axonal: Ms, dendritic: Ms, dt: Ms) -> Result<Self, Error> {
        Self::new(axonal.steps(NAME, "axonal", dt)?, dendritic.steps(NAME, "dendritic", dt)?)
    }

    /// Steps from the pre neuron's soma to the synapse.
    #[must_use]
    pub fn axonal(self) -> u32 {
        self.axonal
    }

    /// Steps between the synapse and the post neuron's soma, either way.
    #[must_use]
    pub fn dendritic(self) -> u32 {
        self.dendritic
    }

    /// Steps from soma to soma.
    #[must_use]
    pub fn total(self) -> u32 {
        self.axonal + self.dendritic
    }

    /// Of spikes pushed step by step, those that arrive at the post soma in the step about to be computed.
    ///
    /// # Errors
    /// If the line is shorter than [`total`](Self::total).
    pub fn arriving(self, pre: &DelayLine) -> Result<&[u32], Error> {
        pre.ago(self.total())
    }

    /// The pre spikes that are at the synapse in the step whose spikes were pushed last: what a learning rule sees.
    ///
    /// # Errors
    /// If the line is not longer than [`axonal`](Self::axonal).
    pub fn pre_at_synapse(self, pre: &DelayLine) -> Result<&[u32], Error> {
        pre.ago(self.axonal + 1)
    }

    /// The post spikes that are at the synapse in the step whose spikes were pushed last: what a learning rule sees.
    ///
    /// # Errors
    /// If the line is not longer than [`dendritic`](Self::dendritic).
    pub fn post_at_synapse(self, post: &DelayLine) -> Result<&[u32], Error> {
        post.ago(self.dendritic + 1)
    }
}

/// The synapses of a connection that share one delay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DelayGroup<C> {
    /// Their delay.
    pub delay: Delay,
    /// The synapses, an ordinary connection between the same populations.
    pub connection: C,
}

/// A connection with a delay for each synapse: groups of equal delay, in ascending order of (axonal, dendritic).
///
/// Grouping keeps the inner loop of each group that of the plain connection, and gives a rule for each group the spikes
/// that are at its synapses: [`Delay::pre_at_synapse`], [`Delay::post_at_synapse`]. One step k is:
/// [`deliver`](Self::deliver) (reads spikes up to step k − 1) → neurons → push their spikes to both lines → plasticity.
///
/// ```
/// use nl_synapse::{Csr, Delay, Delayed};
/// let csr = Csr::from_edges(1, 2, &[(0, 0), (0, 1)])?;
/// let delays = [Delay::new(1, 0)?, Delay::new(0, 2)?];
/// let synapses = Delayed::split(&csr, &[5.0_f32, 7.0], &delays)?;
/// let mut line = synapses.pre_line()?;
/// line.push(&[0]); // the spike of step 0
/// let mut input = [0.0; 2];
/// synapses.deliver(&line, &mut input)?; // step 1
/// assert_eq!(input, [5.0, 0.0]);
/// line.push(&[]);
/// synapses.deliver(&line, &mut input)?; // step 2
/// assert_eq!(input, [5.0, 7.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delayed<C> {
    groups: Vec<DelayGroup<C>>,
    /// By group, the number each synapse had before the split; empty if nothing was split.
    numbers: Vec<Vec<u32>>,
}

impl<C> Delayed<C> {
    /// A connection whose synapses all have this delay.
    #[must_use]
    pub fn uniform(connection: C, delay: Delay) -> Self {
        Self { groups: vec![DelayGroup { delay, connection }], numbers: Vec::new() }
    }

    /// The groups, in ascending order of (axonal, dendritic).
    #[must_use]
    pub fn groups(&self) -> &[DelayGroup<C>] {
        &self.groups
    }

    /// The groups, for a rule to change their weights.
    pub fn groups_mut(&mut self) -> &mut [DelayGroup<C>] {
        &mut self.groups
    }

    /// The number that a synapse of a group had before the split; `None` if nothing was split, or there is no
    /// such group or synapse.
    #[must_use]
    pub fn number(&self, group: usize, synapse: usize) -> Option<usize> {
        self.numbers.get(group)?.get(synapse).map(|&number| number as usize)
    }

    /// A line that keeps the pre population's spikes long enough for delivery and for a rule.
    ///
    /// # Errors
    /// Never: every delay is at least one step.
    pub fn pre_line(&self) -> Result<DelayLine, Error> {
        let longest = self.groups.iter().map(|g| g.delay.total().max(g.delay.axonal + 1)).max();
        DelayLine::new(longest.unwrap_or(1))
    }

    /// A line that keeps the post population's spikes long enough for a rule.
    ///
    /// # Errors
    /// Never: it keeps at least one step.
    pub fn post_line(&self) -> Result<DelayLine, Error> {
        DelayLine::new(self.groups.iter().map(|g| g.delay.dendritic + 1).max().unwrap_or(1))
    }

    /// Delivers what arrives in the step about to be computed: input_j += Σ w_ij over the synapses of each group whose
    /// pre neuron spiked total-delay steps before; groups in order.
    ///
    /// # Errors
    /// If the line is too short (see [`pre_line`](Self::pre_line)), or a spike or `input` does not fit.
    pub fn deliver<F: Real>(&self, pre: &DelayLine, input: &mut [F]) -> Result<(), Error>
    where
        C: Connection<F>,
    {
        for group in &self.groups {
            group.connection.deliver(group.delay.arriving(pre)?, input)?;
        }
        Ok(())
    }
}

impl<F: Real> Delayed<Sparse<F>> {
    /// Sorts the synapses of `csr` into groups of equal delay; `weights` and `delays` are by synapse number.
    ///
    /// # Errors
    /// If the lengths differ, a weight is not finite, or the memory is not there.
    pub fn split(csr: &Csr, weights: &[F], delays: &[Delay]) -> Result<Self, Error> {
        nl_units::Error::length(NAME, "weights", csr.synapses(), weights.len())?;
        nl_units::Error::length(NAME, "delays", csr.synapses(), delays.len())?;
        let mut kinds = reserve(NAME, delays.len())?;
        kinds.extend_from_slice(delays);
        kinds.sort_unstable();
        let sizes: Vec<usize> = kinds.chunk_by(|a, b| a == b).map(<[Delay]>::len).collect();
        kinds.dedup();
        let mut parts = sizes.into_iter().map(|size| Part::new(csr.pre(), size)).collect::<Result<Vec<_>, _>>()?;
        for i in 0..csr.pre() as u32 {
            for (synapse, &j) in csr.range(i).zip(csr.row(i)) {
                // Every delay is among the kinds: they are its own list, sorted.
                let kind = kinds.partition_point(|kind| *kind < delays[synapse]);
                let part = &mut parts[kind];
                part.targets.push(j);
                part.weights.push(weights[synapse]);
                part.numbers.push(synapse as u32);
            }
            for part in &mut parts {
                part.offsets.push(part.targets.len() as u32);
            }
        }
        let (mut groups, mut numbers) = (Vec::new(), Vec::new());
        for (delay, part) in kinds.into_iter().zip(parts) {
            let csr = Csr::new(csr.pre(), csr.post(), part.offsets, part.targets)?;
            groups.push(DelayGroup { delay, connection: Sparse::new(csr, part.weights)? });
            numbers.push(part.numbers);
        }
        Ok(Self { groups, numbers })
    }
}

/// A group while it grows.
struct Part<F> {
    offsets: Vec<u32>,
    targets: Vec<u32>,
    weights: Vec<F>,
    numbers: Vec<u32>,
}

impl<F> Part<F> {
    /// Room for so many synapses of `pre` neurons.
    fn new(pre: usize, size: usize) -> Result<Self, Error> {
        let mut offsets = reserve(NAME, pre + 1)?;
        offsets.push(0);
        let (targets, weights, numbers) = (reserve(NAME, size)?, reserve(NAME, size)?, reserve(NAME, size)?);
        Ok(Self { offsets, targets, weights, numbers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;

    fn delay(axonal: u32, dendritic: u32) -> Delay {
        Delay::new(axonal, dendritic).unwrap()
    }

    #[test]
    fn each_synapse_delivers_after_its_own_delay() {
        let csr = Csr::from_edges(2, 3, &[(0, 0), (0, 1), (0, 2), (1, 0), (1, 2)]).unwrap();
        let delays = [delay(1, 0), delay(2, 1), delay(1, 0), delay(0, 3), delay(0, 1)];
        let weights = [1.0, 2.0, 4.0, 8.0, 16.0];
        let synapses = Delayed::split(&csr, &weights, &delays).unwrap();
        assert_eq!(synapses.groups().len(), 4);
        let mut line = synapses.pre_line().unwrap();
        let spikes: [&[u32]; 6] = [&[0], &[0, 1], &[], &[1], &[], &[]];
        for step in 0..9 {
            let mut input = [0.0; 3];
            synapses.deliver(&line, &mut input).unwrap();
            let mut expected = [0.0; 3];
            for ((i, j), (w, d)) in csr.edges().zip(weights.iter().zip(delays)) {
                let emitted = (step as u32).checked_sub(d.total()).map(|k| k as usize);
                if emitted.and_then(|k| spikes.get(k)).is_some_and(|s| s.contains(&i)) {
                    expected[j as usize] += w;
                }
            }
            assert_eq!(input, expected, "step {step}");
            line.push(spikes.get(step).copied().unwrap_or(&[]));
        }
    }

    #[test]
    fn numbers_lead_back_to_the_synapses() {
        let csr = Csr::from_edges(2, 2, &[(0, 0), (0, 1), (1, 0), (1, 1)]).unwrap();
        let delays = [delay(0, 2), delay(0, 1), delay(0, 1), delay(0, 2)];
        let synapses = Delayed::split(&csr, &[0.0_f64, 1.0, 2.0, 3.0], &delays).unwrap();
        for (g, group) in synapses.groups().iter().enumerate() {
            for (s, &w) in group.connection.weights().iter().enumerate() {
                assert_eq!(synapses.number(g, s), Some(w as usize));
                assert_eq!(group.delay, delays[w as usize]);
            }
        }
    }

    /// Pairs (pre step, post step) that meet at the synapse, and how far apart, as a rule sees them.
    fn pairs(d: Delay, pre: &[usize], post: &[usize]) -> Vec<(usize, usize)> {
        let synapses = Delayed::uniform((), d);
        let (mut pre_line, mut post_line) = (synapses.pre_line().unwrap(), synapses.post_line().unwrap());
        let (mut arrived_pre, mut arrived_post) = (Vec::new(), Vec::new());
        for step in 0..40 {
            pre_line.push(if pre.contains(&step) { &[0] } else { &[] });
            post_line.push(if post.contains(&step) { &[0] } else { &[] });
            if !d.pre_at_synapse(&pre_line).unwrap().is_empty() {
                arrived_pre.push(step);
            }
            if !d.post_at_synapse(&post_line).unwrap().is_empty() {
                arrived_post.push(step);
            }
        }
        arrived_pre.into_iter().flat_map(|i| arrived_post.iter().map(move |&j| (i, j))).collect()
    }

    #[test]
    fn a_rule_sees_pre_spikes_after_the_axon_and_post_spikes_after_the_dendrite() {
        assert_eq!(pairs(delay(3, 5), &[10], &[20]), [(13, 25)]);
        // NEST's only delay is dendritic: pre spikes are seen as they are emitted, post spikes late.
        assert_eq!(pairs(delay(0, 5), &[10], &[20]), [(10, 25)]);
        assert_eq!(pairs(delay(5, 0), &[10], &[20]), [(15, 20)]);
    }

    #[test]
    fn an_axonal_delay_is_a_shifted_pre_train() {
        let (pre, post) = ([2, 3, 9, 14], [1, 5, 9, 20]);
        for d in 0..7 {
            let shifted = pre.map(|k| k + d as usize);
            assert_eq!(pairs(delay(d, 2), &pre, &post), pairs(delay(0, 2), &shifted, &post));
        }
    }

    /// 1.55 ms used to be 15 steps of 0.1 ms, and 0.04 ms none.
    #[test]
    fn delays_between_two_steps_are_refused_with_both_neighbours() {
        let dt = Ms(0.1);
        for (ms, below, above) in [(1.55, 1.5, 1.6), (0.04, 0.0, 0.1), (0.25, 0.2, 0.3)] {
            let neighbours = format!("use {} or {}", Ms(below), Ms(above));
            for delay in [Delay::from_ms(Ms(ms), Ms(1.0), dt), Delay::from_ms(Ms(0.0), Ms(ms), dt)] {
                let error = delay.unwrap_err().to_string();
                assert!(error.contains(&neighbours) && error.contains(&Ms(ms).to_string()), "{error}");
            }
            assert_eq!(Delay::from_ms(Ms(0.0), Ms(ms).on_grid(dt), dt), Delay::from_ms(Ms(0.0), Ms(above), dt));
        }
    }

    #[test]
    fn impossible_delays_are_refused() {
        let dt = Ms(0.1);
        assert!(Delay::new(0, 0).is_err() && Delay::new(u32::MAX, 1).is_err() && Delay::new(u32::MAX, 0).is_err());
        for (axonal, dendritic) in [(-1.0, 2.0), (f64::NAN, 1.0), (0.04, 0.04), (1.0, f64::INFINITY), (1e9, 1e300)] {
            assert!(Delay::from_ms(Ms(axonal), Ms(dendritic), dt).is_err());
        }
        assert!(Delay::from_ms(Ms(1.0), Ms(1.0), Ms(0.0)).is_err());
        let csr = Csr::from_edges(1, 1, &[(0, 0)]).unwrap();
        assert!(Delayed::split(&csr, &[1.0_f32], &[]).is_err());
        assert!(Delayed::split(&csr, &[f32::NAN], &[delay(1, 1)]).is_err());
    }
}
