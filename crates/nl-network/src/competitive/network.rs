//! Competition and learning.

use nl_random::Streams;
use nl_units::Error;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::block::{BLOCK, CHUNK, Row, Track};
use super::config::{CompetitiveConfig, CompetitiveRule, NAME};
use super::stimulus::Stimulus;

/// Weights are drawn from [0, this) before they are normalised.
const INITIAL: f32 = 0.3;
/// Traces are kept as x e^(t/τ_x); beyond this factor they are scaled back.
const LARGE: f64 = 1e20;

/// A spike of the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputSpike {
    /// Step of the presentation.
    pub step: u32,
    /// Who won.
    pub neuron: u32,
}

/// Everything that learning changes, in plain order: what a checkpoint holds, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompetitiveState {
    /// Weights \[inputs, neurons\], row-major.
    pub weights: Vec<f32>,
    /// Adaptive part θ of each neuron's threshold, mV.
    pub theta: Vec<f32>,
    /// Spikes of each neuron while learning.
    pub wins: Vec<u64>,
}

/// Working memory of one presentation, and the spikes it ended with; one for each thread.
#[derive(Debug, Clone)]
pub struct Presentation {
    v: Vec<Row>,
    thresholds: Vec<Row>,
    x: Vec<f32>,
    spikes: Vec<OutputSpike>,
    chunk: usize,
}

impl Presentation {
    /// For `network`, or one of its size.
    #[must_use]
    pub fn new(network: &CompetitiveNetwork) -> Self {
        let blocks = network.theta.len();
        Self {
            v: vec![[0.0; BLOCK]; blocks],
            thresholds: vec![[0.0; BLOCK]; blocks],
            x: vec![0.0; network.config.inputs + 1],
            spikes: Vec::new(),
            chunk: CHUNK,
        }
    }

    /// The spikes of the layer, in order of time.
    #[must_use]
    pub fn spikes(&self) -> &[OutputSpike] {
        &self.spikes
    }

    /// Spikes of each neuron that spiked: (neuron, count), ascending.
    #[must_use]
    pub fn counts(&self) -> Vec<(u32, u32)> {
        let mut winners: Vec<u32> = self.spikes.iter().map(|spike| spike.neuron).collect();
        winners.sort_unstable();
        winners.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u32)).collect()
    }
}

/// The layer: see the [module](super) for its equations and an example.
#[derive(Debug, Clone, PartialEq)]
pub struct CompetitiveNetwork {
    config: CompetitiveConfig,
    /// Blocks of `inputs + 1` rows, an input each; the last row is 0 and stands for silence.
    weights: Vec<Row>,
    /// θ in blocks; neurons that only fill the last block have an infinite one.
    theta: Vec<Row>,
    wins: Vec<u64>,
    constants: Constants,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants {
    /// e^(−dt/τ_m)
    decay: f32,
    /// e^(dt/τ_x)
    growth: f64,
    v_th: f32,
    /// Steps from a spike to the first one that counts again.
    held: usize,
}

impl CompetitiveNetwork {
    /// The layer with random weights, all of norm 1, and θ = 0.
    ///
    /// # Errors
    /// If a parameter is out of range, or the memory is not there.
    pub fn new(config: CompetitiveConfig, streams: &Streams) -> Result<Self, Error> {
        config.validate()?;
        let blocks = config.neurons.div_ceil(BLOCK);
        let mut network = Self {
            config,
            weights: filled([0.0; BLOCK], blocks * (config.inputs + 1))?,
            theta: filled([f32::INFINITY; BLOCK], blocks)?,
            wins: filled(0, config.neurons)?,
            constants: Constants {
                decay: (-config.dt.0 / config.tau_m.0).exp() as f32,
                growth: (config.dt.0 / config.tau_x.0).exp(),
                v_th: config.v_th.0 as f32,
                held: 1 + config.t_ref.steps(NAME, "t_ref", config.dt)? as usize,
            },
        };
        let mut rng = streams.rng("stdp/weights", 0, 0);
        for neuron in 0..config.neurons {
            let (block, lane) = network.column(neuron);
            block.iter_mut().for_each(|row| row[lane] = rng.random::<f32>() * INITIAL);
            normalise(block, lane);
            network.theta[neuron / BLOCK][lane] = 0.0;
        }
        Ok(network)
    }

    /// The parameters.
    #[must_use]
    pub fn config(&self) -> &CompetitiveConfig {
        &self.config
    }

    /// θ of each neuron, mV.
    pub fn theta(&self) -> impl Iterator<Item = f32> + '_ {
        self.theta.iter().flatten().copied().take(self.config.neurons)
    }

    /// Spikes of each neuron while learning.
    #[must_use]
    pub fn wins(&self) -> &[u64] {
        &self.wins
    }

    /// The weights of a neuron, an input each.
    ///
    /// # Errors
    /// [`Error::Index`] if there is no such neuron.
    pub fn weights_of(&self, neuron: usize) -> Result<Vec<f32>, Error> {
        let (n, rows) = (self.config.neurons, self.config.inputs + 1);
        if neuron >= n {
            return Err(Error::Index { what: "competitive weights", index: neuron, n });
        }
        let block = &self.weights[neuron / BLOCK * rows..][..self.config.inputs];
        Ok(block.iter().map(|row| row[neuron % BLOCK]).collect())
    }

    /// Everything that learning has changed.
    #[must_use]
    pub fn state(&self) -> CompetitiveState {
        let CompetitiveConfig { inputs, neurons, .. } = self.config;
        let mut weights = Vec::with_capacity(inputs * neurons);
        for input in 0..inputs {
            let row = self.weights.iter().skip(input).step_by(inputs + 1).flatten();
            weights.extend(row.take(neurons));
        }
        CompetitiveState { weights, theta: self.theta().collect(), wins: self.wins.clone() }
    }

    /// Goes back to a state that was taken from a layer of the same size.
    ///
    /// # Errors
    /// [`Error::Length`] if it was of another size; a weight that is not finite, or a θ that is not finite and 0 or above.
    pub fn restore(&mut self, state: &CompetitiveState) -> Result<(), Error> {
        let CompetitiveConfig { inputs, neurons, .. } = self.config;
        Error::length(NAME, "weights", inputs * neurons, state.weights.len())?;
        Error::length(NAME, "theta", neurons, state.theta.len())?;
        Error::length(NAME, "wins", neurons, state.wins.len())?;
        state.weights.iter().try_for_each(|&w| Error::finite(NAME, "weights", w.into()))?;
        state.theta.iter().try_for_each(|&theta| Error::not_negative(NAME, "theta", theta.into()))?;
        for (input, row) in state.weights.chunks_exact(neurons).enumerate() {
            for (block, part) in row.chunks(BLOCK).enumerate() {
                self.weights[block * (inputs + 1) + input][..part.len()].copy_from_slice(part);
            }
        }
        for (block, part) in self.theta.iter_mut().zip(state.theta.chunks(BLOCK)) {
            block[..part.len()].copy_from_slice(part);
        }
        self.wins.copy_from_slice(&state.wins);
        Ok(())
    }

    /// `Ok` if every weight and every θ is a finite number: a step does not look, call it now and then.
    ///
    /// # Errors
    /// [`Error::Parameter`], with the value; the input and the neuron are those of [`weights_of`](Self::weights_of).
    pub fn check_finite(&self) -> Result<(), Error> {
        let rows = self.config.inputs + 1;
        for (block, weights) in self.weights.chunks_exact(rows).enumerate() {
            let lanes = (self.config.neurons - block * BLOCK).min(BLOCK);
            for lane in 0..lanes {
                Error::not_negative(NAME, "theta", self.theta[block][lane].into())?;
                weights.iter().try_for_each(|row| Error::finite(NAME, "weight", row[lane].into()))?;
            }
        }
        Ok(())
    }

    /// Shows `stimulus` and learns from it; `progress`, from 0 to 1, is the share of training that has passed.
    ///
    /// # Errors
    /// If the stimulus or the presentation is of another size, or `progress` is not in 0 to 1.
    pub fn learn(&mut self, stimulus: &Stimulus, progress: f32, presentation: &mut Presentation) -> Result<(), Error> {
        let unit = |x: f64| (0.0..=1.0).contains(&x);
        Error::check(NAME, "progress", progress.into(), unit, "use a number from 0 to 1")?;
        self.begin(stimulus, presentation)?;
        let p = presentation;
        let eta = self.config.eta.at(progress);
        let theta_plus = self.config.theta_plus.at(progress);
        let loser = self.config.loser.0 as f32;
        let growth = self.constants.growth;
        p.x.fill(0.0);
        let (mut done, mut scale) = (0, 1.0_f64);
        let (mut from, mut first) = (0, 0);
        while let Some(crossing) = self.track(stimulus, &p.thresholds, p.chunk).race(&mut p.v, from, first) {
            let neuron = crossing.neuron;
            while done <= crossing.step {
                for &row in stimulus.rows(done) {
                    p.x[usize::from(row)] += scale as f32;
                }
                done += 1;
                scale *= growth;
                if scale > LARGE {
                    p.x.iter_mut().for_each(|x| *x = (f64::from(*x) / scale) as f32);
                    scale = 1.0;
                }
            }
            self.update(neuron, &p.x[..self.config.inputs], (growth / scale) as f32, eta);
            let (block, lane) = (neuron / BLOCK, neuron % BLOCK);
            self.theta[block][lane] += theta_plus;
            p.thresholds[block][lane] = self.theta[block][lane] + self.constants.v_th;
            p.win(crossing.step, neuron, loser);
            (from, first) = (crossing.step + self.constants.held, block);
        }
        let shown = stimulus.steps() as f64 * self.config.dt.0 + self.config.rest.0;
        let kept = (-shown / self.config.tau_theta.0).exp() as f32;
        self.theta.iter_mut().flatten().for_each(|theta| *theta *= kept);
        Ok(())
    }

    /// Shows `stimulus` to the layer as it is: nothing is learned, θ stays.
    ///
    /// # Errors
    /// If the stimulus or the presentation is of another size.
    pub fn respond(&self, stimulus: &Stimulus, presentation: &mut Presentation) -> Result<(), Error> {
        self.begin(stimulus, presentation)?;
        let p = presentation;
        let loser = self.config.loser_response.0 as f32;
        let (mut from, mut first) = (0, 0);
        while let Some(crossing) = self.track(stimulus, &p.thresholds, p.chunk).race(&mut p.v, from, first) {
            p.win(crossing.step, crossing.neuron, loser);
            (from, first) = (crossing.step + self.constants.held, crossing.neuron / BLOCK);
        }
        Ok(())
    }

    fn begin(&self, stimulus: &Stimulus, p: &mut Presentation) -> Result<(), Error> {
        Error::length(NAME, "stimulus", self.config.inputs, stimulus.inputs())?;
        Error::length(NAME, "presentation (inputs)", self.config.inputs + 1, p.x.len())?;
        Error::length(NAME, "presentation (blocks)", self.theta.len(), p.v.len())?;
        p.v.fill([0.0; BLOCK]);
        p.spikes.clear();
        for (threshold, theta) in p.thresholds.iter_mut().flatten().zip(self.theta.iter().flatten()) {
            *threshold = theta + self.constants.v_th;
        }
        Ok(())
    }

    fn track<'a>(&'a self, stimulus: &'a Stimulus, thresholds: &'a [Row], chunk: usize) -> Track<'a> {
        Track { weights: &self.weights, thresholds, stimulus, decay: self.constants.decay, chunk }
    }

    /// The rows of a neuron's block without that of silence, and its place in them.
    fn column(&mut self, neuron: usize) -> (&mut [Row], usize) {
        let inputs = self.config.inputs;
        (&mut self.weights[neuron / BLOCK * (inputs + 1)..][..inputs], neuron % BLOCK)
    }

    /// The rule, for a neuron that has just won; the traces are `x · unit`.
    fn update(&mut self, neuron: usize, x: &[f32], unit: f32, eta: f32) {
        let wins = self.wins[neuron];
        self.wins[neuron] += 1;
        let rule = self.config.rule;
        let (block, lane) = self.column(neuron);
        let weights = block.iter_mut().map(|row| &mut row[lane]).zip(x);
        match rule {
            CompetitiveRule::DiehlCook { x_tar, w_max, mu } => {
                let (x_tar, w_max, mu) = (x_tar as f32, w_max as f32, mu as f32);
                let change = |w: f32, x: f32, room: f32| (w + eta * (x * unit - x_tar) * room).clamp(0.0, w_max);
                // Two loops, so that the usual one has no power in it.
                if mu == 1.0 {
                    weights.for_each(|(w, &x)| *w = change(*w, x, w_max - *w));
                } else {
                    weights.for_each(|(w, &x)| *w = change(*w, x, (w_max - *w).max(0.0).powf(mu)));
                }
            }
            CompetitiveRule::TwoSided { x_tar, w_max } => {
                let (x_tar, w_max) = (x_tar as f32, w_max as f32);
                for (w, &x) in weights {
                    *w = (*w + eta * (x * unit * (w_max - *w) - x_tar * *w)).max(0.0);
                }
            }
            CompetitiveRule::Normalised { novelty } => {
                let rate = if novelty > 0.0 { eta.max(1.0 / (1.0 + novelty as f32 * wins as f32)) } else { eta };
                let norm = x.iter().map(|x| x * x).sum::<f32>().sqrt();
                let unit = if norm > 0.0 { 1.0 / norm } else { 0.0 };
                for (w, &x) in weights {
                    *w += rate * (x * unit - *w);
                }
            }
        }
        normalise(block, lane);
    }
}

impl Presentation {
    /// A neuron has won: it is reset, all others restart at `loser`.
    fn win(&mut self, step: usize, neuron: usize, loser: f32) {
        self.v.fill([loser; BLOCK]);
        self.v[neuron / BLOCK][neuron % BLOCK] = 0.0;
        self.spikes.push(OutputSpike { step: step as u32, neuron: neuron as u32 });
    }
}

/// `n` times `value`, or an error where the memory is not there.
fn filled<T: Clone>(value: T, n: usize) -> Result<Vec<T>, Error> {
    let mut list = Vec::new();
    let full = |_| Error::Memory { model: NAME, bytes: n.saturating_mul(size_of::<T>()) };
    list.try_reserve_exact(n).map_err(full)?;
    list.resize(n, value);
    Ok(list)
}

/// Σ_i w_i² = 1; weights that are all 0 stay so.
fn normalise(block: &mut [Row], lane: usize) {
    let square = block.iter().map(|row| row[lane] * row[lane]).sum::<f32>();
    if square > 0.0 {
        let scale = 1.0 / square.sqrt();
        block.iter_mut().for_each(|row| row[lane] *= scale);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_is_none_is_found_and_the_last_block_may_be_filled_up() {
        let config = CompetitiveConfig { inputs: 3, neurons: BLOCK + 2, ..CompetitiveConfig::default() };
        let network = CompetitiveNetwork::new(config, &Streams::new(1)).unwrap();
        network.check_finite().unwrap();
        for value in [f32::NAN, f32::INFINITY] {
            let mut unsound = network.clone();
            unsound.weights[4 + 2][1] = value; // input 2 of neuron BLOCK + 1
            assert!(unsound.check_finite().unwrap_err().to_string().contains("weight"));
            let mut unsound = network.clone();
            unsound.theta[1][1] = value;
            assert!(unsound.check_finite().unwrap_err().to_string().contains("theta"));
        }
    }
}
