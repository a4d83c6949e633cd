//! A last layer that learns from right and wrong: reward-modulated STDP (Mozafari et al.).

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use nl_units::Error;
use serde::{Deserialize, Serialize};

use super::NAME;
use super::compete::Winner;
use super::config::{ConvStdpConfig, Grid};
use super::kernels::{Kernels, times};
use super::layer::Activity;

/// Parameters of [`RewardStdp`]; the defaults are published (SpykeTorch, `MozafariMNIST2018`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RewardConfig {
    /// Maps of each class; map m stands for class m / `maps_per_class`.
    pub maps_per_class: usize,
    /// Rows and columns of a kernel.
    pub kernel: usize,
    /// Silent places around the input.
    pub padding: usize,
    /// (a⁺, a⁻) after reward: Δw of inputs that spiked, and of the others.
    pub reward: (f32, f32),
    /// (a⁻, a⁺) after punishment: Δw of inputs that spiked, and of the others.
    pub punishment: (f32, f32),
    /// Weights stay within.
    pub bounds: (f32, f32),
    /// Images between two looks at the shares of hits and misses; 0: rates are not modulated by them.
    pub adapt_every: u64,
    /// Mean of the first weights.
    pub mean: f32,
    /// Their standard deviation.
    pub std: f32,
}

impl Default for RewardConfig {
    fn default() -> Self {
        Self {
            maps_per_class: 20,
            kernel: 5,
            padding: 2,
            reward: (0.004, -0.003),
            punishment: (-0.004, 0.0005),
            bounds: (0.2, 0.8),
            adapt_every: 1000,
            mean: 0.8,
            std: 0.05,
        }
    }
}

/// Maps that stand for classes; the most excited neuron decides, and learns.
///
/// θ is infinite until the last bin, then falls: the first neuron to spike is the one of highest V = Σ w over all inputs
/// that spiked (of equals the first place, then the first map), and its map's class is the decision. With h and m the
/// shares of hits and misses of the last `adapt_every` images (0.1 and 0.9 before):
///
/// right: Δw = m a_r⁺ if the input spiked, else m a_r⁻; wrong: Δw = h a_p⁻ if it spiked, else h a_p⁺; w within bounds.
///
/// Sources: Mozafari, Ganjtabesh, Nowzari-Dalini, Thorpe & Masquelier, "Bio-inspired digit recognition using
/// reward-modulated STDP in deep convolutional networks", Pattern Recognition 94, 2019; rates, bounds and the additive
/// rule as in SpykeTorch's `MozafariMNIST2018`. Presentations: 680 times 60,000 there.
///
/// ```
/// use nl_network::conv_stdp::{Activity, Grid, RewardConfig, RewardStdp};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let input = Grid { height: 1, width: 1, channels: 4 };
/// let config = RewardConfig { maps_per_class: 2, kernel: 1, padding: 0, ..RewardConfig::default() };
/// let mut layer = RewardStdp::new(config, input, 2, &mut Streams::new(1).rng("init", 0, 0))?;
/// let mut activity = Activity::default();
/// let (mut left, mut right) = (SpikeTrain::new(4), SpikeTrain::new(4));
/// left.push_step(&[0, 1])?;
/// right.push_step(&[2, 3])?;
/// for _ in 0..2000 {
///     layer.learn(&left, 0, &mut activity)?;
///     layer.learn(&right, 1, &mut activity)?;
/// }
/// assert_eq!(layer.decide(&left, &mut activity)?, Some(0));
/// assert_eq!(layer.decide(&right, &mut activity)?, Some(1));
/// # Ok::<(), nl_units::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RewardStdp {
    config: RewardConfig,
    kernels: Kernels,
    progress: Progress,
}

/// Shares of hits and misses.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Progress {
    /// Images, hits and misses since the last look.
    count: [u64; 3],
    /// Shares at the last look.
    hit: f32,
    miss: f32,
}

/// Everything that learning changes: what a checkpoint holds, bit for bit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RewardStdpState {
    /// Weights `[maps, channels, K, K]`.
    pub weights: Vec<f32>,
    progress: Progress,
}

impl RewardConfig {
    /// `Ok` if every value can be used.
    ///
    /// # Errors
    /// [`Error::Parameter`], naming the value.
    pub fn validate(&self) -> Result<(), Error> {
        let some = |x| (1.0..=65_536.0).contains(&x);
        Error::check(NAME, "maps_per_class", self.maps_per_class as f64, some, "use 1 to 65536")?;
        let small = |x: f64| x.abs() <= 1.0;
        for (name, (with, without)) in [("reward", self.reward), ("punishment", self.punishment)] {
            Error::check(NAME, name, with.into(), small, "use numbers from -1 to 1")?;
            Error::check(NAME, name, without.into(), small, "use numbers from -1 to 1")?;
        }
        let (low, high) = self.bounds;
        Error::check(NAME, "bounds", low.into(), |x| (0.0..1.0).contains(&x), "use 0 <= low < high <= 1")?;
        let above = |x| x > f64::from(low) && x <= 1.0;
        Error::check(NAME, "bounds", high.into(), above, "use 0 <= low < high <= 1")?;
        self.layer(1).validate()
    }

    /// The convolution.
    fn layer(&self, classes: usize) -> ConvStdpConfig {
        ConvStdpConfig {
            maps: self.maps_per_class.saturating_mul(classes),
            kernel: self.kernel,
            padding: self.padding,
            mean: self.mean,
            std: self.std,
            ..ConvStdpConfig::default()
        }
    }
}

impl RewardStdp {
    /// What it receives.
    #[must_use]
    pub fn input(&self) -> Grid {
        self.kernels.input
    }

    /// A layer of `classes` · `maps_per_class` maps over `input`, with random weights.
    ///
    /// # Errors
    /// [`Error::Parameter`] or [`Error::Population`] if a value cannot be used.
    pub fn new(config: RewardConfig, input: Grid, classes: usize, rng: &mut Rng) -> Result<Self, Error> {
        config.validate()?;
        let mut kernels = Kernels::new(&config.layer(classes), input, rng)?;
        for w in &mut kernels.weights {
            *w = w.clamp(config.bounds.0, config.bounds.1);
        }
        Ok(Self { config, kernels, progress: Progress { count: [0; 3], hit: 0.1, miss: 0.9 } })
    }

    /// The parameters.
    #[must_use]
    pub fn config(&self) -> &RewardConfig {
        &self.config
    }

    /// The class of the first neuron to spike; none if nothing excites any.
    ///
    /// # Errors
    /// As [`ConvStdp::infer`](super::ConvStdp::infer).
    pub fn decide(&self, train: &SpikeTrain, activity: &mut Activity) -> Result<Option<u32>, Error> {
        let winner = self.first(train, activity)?;
        Ok(winner.map(|winner| winner.map / self.config.maps_per_class as u32))
    }

    /// Decides, and is rewarded if the decision is `label`, else punished.
    ///
    /// # Errors
    /// As [`decide`](Self::decide).
    pub fn learn(&mut self, train: &SpikeTrain, label: u32, activity: &mut Activity) -> Result<Option<u32>, Error> {
        let winner = self.first(train, activity)?;
        let decision = winner.map(|winner| winner.map / self.config.maps_per_class as u32);
        let right = decision == Some(label);
        if let Some(winner) = winner {
            let Progress { hit, miss, .. } = self.progress;
            let (hit, miss) = if self.config.adapt_every == 0 { (1.0, 1.0) } else { (hit, miss) };
            let ((with, without), scale) =
                if right { (self.config.reward, miss) } else { (self.config.punishment, hit) };
            let (low, high) = self.config.bounds;
            times(train, &mut activity.when);
            let step = |w: f32, spiked: bool| (w + scale * if spiked { with } else { without }).clamp(low, high);
            self.kernels.update(&activity.when, winner, step);
        }
        let count = &mut self.progress.count;
        count[0] += 1;
        count[1] += u64::from(right);
        count[2] += u64::from(decision.is_some() && !right);
        if count[0] == self.config.adapt_every {
            let [images, hits, misses] = *count;
            let share = |n: u64| n as f32 / images as f32;
            self.progress = Progress { count: [0; 3], hit: share(hits), miss: share(misses) };
        }
        Ok(decision)
    }

    /// The neuron of highest V at the end, as a winner of the last bin.
    fn first(&self, train: &SpikeTrain, activity: &mut Activity) -> Result<Option<Winner>, Error> {
        self.kernels.check(train)?;
        let Grid { width, channels: maps, .. } = self.kernels.output;
        activity.begin(self.kernels.output.len());
        for bin in 0..train.steps() {
            self.kernels.integrate(train.at(bin), &mut activity.potential);
        }
        let mut best = (0.0, None);
        for (i, &v) in activity.potential.iter().enumerate() {
            if v > best.0 {
                best = (v, Some(i));
            }
        }
        let bin = train.steps().saturating_sub(1) as u32;
        Ok(best.1.map(|i| {
            let place = i / maps;
            Winner { map: (i % maps) as u32, y: (place / width) as u32, x: (place % width) as u32, bin }
        }))
    }

    /// `Ok` if every weight is a number from 0 to 1: learning does not look, call it now and then.
    ///
    /// # Errors
    /// [`Error::Parameter`], with the value.
    pub fn check_finite(&self) -> Result<(), Error> {
        self.kernels.check_finite()
    }

    /// What learning has changed.
    #[must_use]
    pub fn state(&self) -> RewardStdpState {
        RewardStdpState { weights: self.kernels.in_order(), progress: self.progress }
    }

    /// Goes back to a state.
    ///
    /// # Errors
    /// [`Error::Length`] if it is of another layer, [`Error::Parameter`] if a weight is not within 0 to 1.
    pub fn restore(&mut self, state: &RewardStdpState) -> Result<(), Error> {
        self.kernels.set_in_order(&state.weights)?;
        self.progress = state.progress;
        Ok(())
    }
}
