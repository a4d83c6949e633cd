//! A random experiment: spike trains, a connection, weights, a time step; and how it is drawn.

use core::fmt;

use nl_laws::proptest::prelude::*;
use nl_units::Ms;

use nl_laws::Knobs;

/// One experiment. Weights are parts in [0, 1] of the way between the bounds in which they may start.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Number of presynaptic neurons.
    pub pre: usize,
    /// Number of postsynaptic neurons.
    pub post: usize,
    /// (step, neuron) of the presynaptic spikes, ascending.
    pub pre_spikes: Vec<(u64, u32)>,
    /// (step, neuron) of the postsynaptic spikes, ascending.
    pub post_spikes: Vec<(u64, u32)>,
    /// (step, size) of the pulses of the neuromodulators; a size may be negative.
    pub pulses: Vec<(u64, f64)>,
    /// Number of steps.
    pub steps: u64,
    /// (pre, post, part) of each synapse, ascending, no pair twice.
    pub synapses: Vec<(u32, u32, f64)>,
    /// The time step.
    pub dt: Ms,
    /// A number for the law to use: where to cut, how far to shift.
    pub choice: u64,
    /// Jitter of the rule's parameters.
    pub knobs: Knobs,
    /// The weights at part 0 and at part 1.
    pub start: (f64, f64),
}

impl Case {
    const NEURONS: u32 = 3;
    const STEPS: u64 = 30;
    /// The longest silence in between, in steps: more than 20 time constants of the laws' quick subjects, after which lazy
    /// traces are written anew.
    const SILENCE: u64 = 400;

    /// All experiments: up to 3 × 3 neurons, 30 steps, 12 spikes a side, pulses of both signs; every fourth is cut in two by
    /// a long silence.
    pub(crate) fn strategy() -> impl Strategy<Value = Self> {
        let spikes = || prop::collection::vec((0..Self::STEPS, 0..Self::NEURONS), 0..=12);
        let parts = prop_oneof![Just(8_u8), Just(0), Just(16), 0..=16_u8];
        let synapses = prop::collection::vec((parts, prop_oneof![3 => Just(true), 1 => Just(false)]), 9);
        let sizes = (1..=Self::NEURONS, 1..=Self::NEURONS);
        let sizes_of_pulses = (1..=4_u8, any::<bool>()).prop_map(|(n, negative)| {
            let size = 0.25 * f64::from(n);
            if negative { -size } else { size }
        });
        let pulses = prop::collection::vec((0..Self::STEPS, sizes_of_pulses), 0..=8);
        let silence = (0..=Self::STEPS, prop_oneof![3 => Just(0), 1 => 0..=Self::SILENCE]);
        let dt = prop_oneof![Just(1.0), Just(0.5), Just(2.0), Just(0.1)];
        (sizes, spikes(), spikes(), pulses, synapses, dt, 0..=Self::STEPS, Knobs::strategy(), silence).prop_map(
            |((pre, post), pre_spikes, post_spikes, mut pulses, synapses, dt, choice, knobs, (from, silence))| {
                let fold = |spikes: Vec<(u64, u32)>, n| {
                    let mut folded: Vec<_> = spikes.into_iter().map(|(step, i)| (step, i % n)).collect();
                    folded.sort_unstable();
                    folded.dedup();
                    folded
                };
                pulses.sort_by_key(|pulse| pulse.0);
                pulses.dedup_by_key(|pulse| pulse.0);
                let mut list = Vec::new();
                for i in 0..pre {
                    for j in 0..post {
                        let (part, connected) = synapses[(i * Self::NEURONS + j) as usize];
                        if connected || (i, j) == (0, 0) {
                            list.push((i, j, f64::from(part) / 16.0));
                        }
                    }
                }
                Self {
                    pre: pre as usize,
                    post: post as usize,
                    pre_spikes: fold(pre_spikes, pre),
                    post_spikes: fold(post_spikes, post),
                    pulses,
                    steps: Self::STEPS + 1,
                    synapses: list,
                    dt: Ms(dt),
                    choice,
                    knobs,
                    start: (0.0, 1.0),
                }
                .at_steps(|step| if step >= from { step + silence } else { step })
            },
        )
    }

    /// One synapse with these spikes.
    pub(crate) fn single(dt: Ms, pre: &[u64], post: &[u64], part: f64) -> Self {
        let of = |steps: &[u64]| steps.iter().map(|&step| (step, 0)).collect();
        Self {
            pre: 1,
            post: 1,
            pre_spikes: of(pre),
            post_spikes: of(post),
            pulses: Vec::new(),
            steps: pre.iter().chain(post).max().map_or(1, |&last| last + 1),
            synapses: vec![(0, 0, part)],
            dt,
            choice: 0,
            knobs: Knobs::default(),
            start: (0.0, 1.0),
        }
    }

    /// The steps at which neuron `i` of a side spikes.
    pub(crate) fn steps_of(spikes: &[(u64, u32)], i: u32) -> Vec<u64> {
        spikes.iter().filter(|&&(_, neuron)| neuron == i).map(|&(step, _)| step).collect()
    }

    /// The same experiment with each step index changed.
    pub(crate) fn at_steps(&self, f: impl Fn(u64) -> u64) -> Self {
        let mut case = self.clone();
        case.pre_spikes.iter_mut().chain(&mut case.post_spikes).for_each(|spike| spike.0 = f(spike.0));
        case.pulses.iter_mut().for_each(|pulse| pulse.0 = f(pulse.0));
        case.steps = f(self.steps - 1) + 1;
        case
    }

    /// The same experiment without spikes.
    pub(crate) fn silent(self) -> Self {
        Self { pre_spikes: Vec::new(), post_spikes: Vec::new(), ..self }
    }

    /// The first step in which both neurons of a synapse spike.
    pub(crate) fn coincidence(&self) -> Option<u64> {
        let pairs = |&(step, i): &(u64, u32)| {
            let joined = |j| self.synapses.iter().any(|&(from, to, _)| (from, to) == (i, j));
            self.post_spikes.iter().any(|&(other, j)| other == step && joined(j))
        };
        self.pre_spikes.iter().find(|spike| pairs(spike)).map(|spike| spike.0)
    }

    /// One synapse and a single pre and post spike, `choice + least` steps apart.
    pub(crate) fn pair(self, least: u64) -> Self {
        let lag = self.choice + least;
        let (first, later) = (self.pre_spikes.len() as u64, self.pre_spikes.len() as u64 + lag);
        let (pre, post) = if self.post_spikes.len().is_multiple_of(2) { (first, later) } else { (later, first) };
        Self { knobs: self.knobs, ..Self::single(self.dt, &[pre], &[post], self.synapses[0].2) }
    }
}

/// Shows a raster only up to this step; later spikes are listed.
const WIDTH: u64 = 100;

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.pre_spikes.iter().chain(&self.post_spikes).map(|spike| spike.0).max().unwrap_or(0);
        write!(f, "  shortest example: dt = {}, {} pre, {} post, at first", self.dt, self.pre, self.post)?;
        for (n, (i, j, part)) in self.synapses.iter().enumerate() {
            let w = self.start.0 + part * (self.start.1 - self.start.0);
            write!(f, "{} w({i}→{j}) = {w}", if n == 0 { "" } else { "," })?;
        }
        if self.knobs != Knobs::default() {
            write!(f, ", knobs {:?}", self.knobs.0)?;
        }
        let columns = last.clamp(9, WIDTH) + 1;
        let axis: String = (0..columns).step_by(5).map(|step| format!("{step:<5}")).collect();
        write!(f, "\n    {:8}{}", "step", axis.trim_end())?;
        for (side, n, spikes) in [("pre", self.pre, &self.pre_spikes), ("post", self.post, &self.post_spikes)] {
            for i in 0..n as u32 {
                let steps = Self::steps_of(spikes, i);
                write!(f, "\n    {:8}", format!("{side} {i}"))?;
                for step in 0..columns {
                    f.write_str(if steps.contains(&step) { "|" } else { "." })?;
                }
                for step in steps.iter().filter(|&&step| step >= columns) {
                    write!(f, " … | at {step}")?;
                }
            }
        }
        for (step, size) in &self.pulses {
            write!(f, "\n    modulator {size} in step {step}")?;
        }
        match self.coincidence() {
            Some(step) => write!(
                f,
                "\n  hint: a pre and a post spike coincide in step {step}; what such a pair does, and which of the two acts \
                 first, is the subject's claim `.coincidence(…)`: see `Coincidence` and the law `coincidence`"
            ),
            None => Ok(()),
        }
    }
}
