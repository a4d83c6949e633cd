//! The parameters of a competitive layer.

use nl_units::{Error, Ms, Mv};
use serde::{Deserialize, Serialize};

pub(super) const NAME: &str = "competitive";
/// Inputs are indexed by 16 bits, one index is for silence.
pub(super) const MOST_INPUTS: usize = u16::MAX as usize;

/// A value that falls (or rises) exponentially over training: from · (to / from)^f, f from 0 to 1.
///
/// ```
/// use nl_network::competitive::Anneal;
/// let eta = Anneal { from: 0.04, to: 0.01 };
/// assert_eq!((eta.at(0.0), eta.at(0.5), eta.at(1.0)), (0.04, 0.02, 0.01));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Anneal {
    /// Value at the start.
    pub from: f64,
    /// Value at the end.
    pub to: f64,
}

impl Anneal {
    /// The same value all the time.
    #[must_use]
    pub const fn constant(value: f64) -> Self {
        Self { from: value, to: value }
    }

    /// The value after the share `f` of training.
    #[must_use]
    pub fn at(self, f: f32) -> f32 {
        let (from, to) = (self.from as f32, self.to as f32);
        if from > 0.0 { from * (to / from).powf(f) } else { from }
    }

    fn check(self, name: &'static str) -> Result<(), Error> {
        let fits = |x: f64| x == 0.0 && self.from == self.to || (1e-9..=1000.0).contains(&x);
        let expected = "use two numbers from 1e-9 to 1000, or 0 and 0";
        Error::check(NAME, name, self.from, fits, expected)?;
        Error::check(NAME, name, self.to, fits, expected)
    }
}

/// How the winner's weights w_i change; x_i is the trace of input i.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CompetitiveRule {
    /// w ← clamp(w + η (x − x_tar)(w_max − w)^μ, 0, w_max). Source: Diehl & Cook 2015, the post-spike rule of section
    /// 2.3 (the paper leaves x_tar, μ and η open).
    DiehlCook {
        /// Trace above which a weight grows, below which it falls.
        x_tar: f64,
        /// Upper bound, before normalisation.
        w_max: f64,
        /// Weight dependence; 1: linear.
        mu: f64,
    },
    /// w ← w + η x (w_max − w) − η x_tar w: growth and decay each with its own soft bound.
    TwoSided {
        /// Rate of decay, relative to that of growth.
        x_tar: f64,
        /// Upper bound of growth.
        w_max: f64,
    },
    /// w ← w + η_j (x / ‖x‖ − w), η_j = max(η, 1 / (1 + novelty · wins of j)): the weights move towards the trace itself.
    ///
    /// Online clustering by angle (competitive learning: Rumelhart & Zipser 1985; rates of 1/n: MacQueen 1967) with
    /// spikes; not Diehl & Cook's.
    Normalised {
        /// How fast the rate of a neuron falls with its wins; 0: it is η from the start.
        novelty: f64,
    },
}

impl CompetitiveRule {
    /// Its name on the command line and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::DiehlCook { .. } => "diehl-cook",
            Self::TwoSided { .. } => "two-sided",
            Self::Normalised { .. } => "normalised",
        }
    }
}

/// All parameters of a [`CompetitiveNetwork`](super::CompetitiveNetwork); the defaults are those for 400 neurons and
/// 60,000 images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CompetitiveConfig {
    /// Inputs, at most 65535.
    #[serde(skip)]
    pub inputs: usize,
    /// Neurons.
    pub neurons: usize,
    /// Time step.
    pub dt: Ms,
    /// Membrane time constant τ_m.
    pub tau_m: Ms,
    /// Threshold of a neuron with θ = 0, above rest.
    pub v_th: Mv,
    /// How long all neurons are held after a spike.
    pub t_ref: Ms,
    /// Where all but the winner restart while learning, above rest; negative: inhibited below rest.
    pub loser: Mv,
    /// The same while responding: above 0, others soon have their say too.
    pub loser_response: Mv,
    /// What a spike adds to θ, mV.
    pub theta_plus: Anneal,
    /// Time constant τ_θ of θ.
    pub tau_theta: Ms,
    /// Silence after a presentation, in which θ decays.
    pub rest: Ms,
    /// Time constant τ_x of the input traces.
    pub tau_x: Ms,
    /// Learning rate.
    pub eta: Anneal,
    /// The learning rule.
    pub rule: CompetitiveRule,
}

impl Default for CompetitiveConfig {
    fn default() -> Self {
        Self {
            inputs: 784,
            neurons: 400,
            dt: Ms(1.0),
            tau_m: Ms(100.0),
            v_th: Mv(20.0),
            t_ref: Ms(5.0),
            loser: Mv(0.0),
            loser_response: Mv(0.0),
            theta_plus: Anneal { from: 3.0, to: 0.03 },
            tau_theta: Ms(1e6),
            rest: Ms(150.0),
            tau_x: Ms(100.0),
            eta: Anneal { from: 0.02, to: 0.001 },
            rule: CompetitiveRule::DiehlCook { x_tar: 0.6, w_max: 0.3, mu: 1.0 },
        }
    }
}

impl CompetitiveConfig {
    /// `Ok` if every value can be used.
    ///
    /// # Errors
    /// The first that cannot, with its value and range.
    pub fn validate(&self) -> Result<(), Error> {
        Error::check(
            NAME,
            "inputs",
            self.inputs as f64,
            |x| (1.0..MOST_INPUTS as f64).contains(&x),
            "use 1 to 65534 inputs",
        )?;
        Error::check(NAME, "neurons", self.neurons as f64, |x| (1.0..=1e6).contains(&x), "use 1 to 1000000 neurons")?;
        for (name, value) in [("dt", self.dt), ("tau_m", self.tau_m), ("tau_theta", self.tau_theta)] {
            Error::positive(NAME, name, value.0)?;
        }
        let longer = |x: f64| x >= self.dt.0;
        Error::check(NAME, "tau_x", self.tau_x.0, longer, "use a finite time of dt or more")?;
        Error::check(NAME, "v_th", self.v_th.0, |x| x > 0.0 && x <= 1e6, "use a number above 0, at most 1e6")?;
        Error::not_negative(NAME, "rest", self.rest.0)?;
        self.t_ref.steps(NAME, "t_ref", self.dt)?;
        for (name, value) in [("loser", self.loser), ("loser_response", self.loser_response)] {
            let below = |x: f64| x < self.v_th.0 && x >= -1e6;
            Error::check(NAME, name, value.0, below, "use a number below v_th, from -1e6")?;
        }
        self.theta_plus.check("theta_plus")?;
        self.eta.check("eta")?;
        let within = |name, x: f64| Error::check(NAME, name, x, |x| (0.0..=1000.0).contains(&x), "use 0 to 1000");
        let bound =
            |x: f64| Error::check(NAME, "w_max", x, |x| x > 0.0 && x <= 1000.0, "use a number above 0, at most 1000");
        match self.rule {
            CompetitiveRule::DiehlCook { x_tar, w_max, mu } => {
                within("x_tar", x_tar)?;
                bound(w_max)?;
                Error::check(NAME, "mu", mu, |x| (0.0..=10.0).contains(&x), "use 0 to 10")
            }
            CompetitiveRule::TwoSided { x_tar, w_max } => within("x_tar", x_tar).and_then(|()| bound(w_max)),
            CompetitiveRule::Normalised { novelty } => within("novelty", novelty),
        }
    }
}
