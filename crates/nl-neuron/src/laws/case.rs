//! A random experiment: pulses of input to a few neurons; and how it is drawn.

use nl_laws::proptest::prelude::*;

use crate::SpikeTrain;
use nl_laws::Knobs;

/// Constant input to one receptor of one neuron.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pulse {
    /// The first step.
    pub start: usize,
    /// Number of steps.
    pub steps: usize,
    /// The neuron.
    pub neuron: usize,
    /// The receptor; those beyond the model's are folded back.
    pub receptor: usize,
    /// Part of the receptor's range, −1 (its lower end) to 1 (its upper end).
    pub part: f64,
}

/// One experiment, which starts at rest.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Size of the population.
    pub neurons: usize,
    /// The input; pulses that overlap add up, within the receptor's range.
    pub pulses: Vec<Pulse>,
    /// A number for the law to use: where to cut, how far to shift, which permutation.
    pub choice: usize,
    /// Jitter of the model's parameters.
    pub knobs: Knobs,
}

impl Case {
    /// The input to a receptor (one of `receptors`) of a neuron in a step, as part of its range.
    pub(crate) fn part(&self, receptor: usize, receptors: usize, neuron: usize, step: usize) -> f64 {
        let live = |pulse: &&Pulse| {
            pulse.neuron == neuron
                && pulse.receptor % receptors == receptor
                && (pulse.start..pulse.start + pulse.steps).contains(&step)
        };
        self.pulses.iter().filter(live).map(|pulse| pulse.part).sum::<f64>().clamp(-1.0, 1.0)
    }
}

/// Experiments of `steps` steps, which shrink towards few, small and early pulses to one neuron.
///
/// ```
/// use nl_neuron::laws::cases;
/// use proptest::strategy::{Strategy, ValueTree};
/// let mut runner = proptest::test_runner::TestRunner::deterministic();
/// let case = cases(100).new_tree(&mut runner).unwrap().current();
/// assert!(case.pulses.iter().all(|pulse| pulse.start < 100 && pulse.neuron < case.neurons));
/// ```
pub fn cases(steps: usize) -> impl Strategy<Value = Case> {
    let steps = steps.max(2);
    let part = prop_oneof![1 => -16..=16_i8, 2 => 8..=16_i8];
    let length = prop_oneof![2 => 1..=steps, 1 => 1..=8_usize];
    let pulse =
        (0..steps, length, any::<u8>(), 0..12_usize, part).prop_map(|(start, steps, neuron, receptor, part)| Pulse {
            start,
            steps,
            neuron: usize::from(neuron),
            receptor,
            part: f64::from(part) / 16.0,
        });
    let neurons = prop_oneof![3 => 1..=3_usize, 1 => 1..=67_usize];
    (neurons, prop::collection::vec(pulse, 0..=6), 0..steps, Knobs::strategy()).prop_map(
        |(neurons, mut pulses, choice, knobs)| {
            pulses.iter_mut().for_each(|pulse| pulse.neuron %= neurons);
            Case { neurons, pulses, choice, knobs }
        },
    )
}

/// Spike trains of `neurons` neurons over `steps` steps with at most `spikes` spikes, which shrink towards few and early
/// ones.
///
/// ```
/// use nl_neuron::laws::spike_trains;
/// use proptest::strategy::{Strategy, ValueTree};
/// let mut runner = proptest::test_runner::TestRunner::deterministic();
/// let train = spike_trains(3, 50, 10).new_tree(&mut runner).unwrap().current();
/// assert!(train.population() == 3 && train.steps() == 50 && train.count() <= 10);
/// ```
pub fn spike_trains(neurons: usize, steps: usize, spikes: usize) -> impl Strategy<Value = SpikeTrain> {
    let (neurons, steps) = (neurons.max(1), steps.max(1));
    prop::collection::vec((0..steps, 0..neurons), 0..=spikes).prop_map(move |events| {
        let events: Vec<_> = events.into_iter().map(|(step, neuron)| (step, neuron as u32)).collect();
        SpikeTrain::from_events(neurons, steps, &events).unwrap_or_else(|_| SpikeTrain::new(neurons))
    })
}
