//! Population code: a number is told by who answers, each neuron having a number of its own.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, Latency, LatencyCurve, Poisson, begin};

const NAME: &str = "population";

/// How an activation in [0, 1] is told.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum PopulationCode {
    /// By rate.
    Rate(Poisson),
    /// By time.
    Latency(Latency),
}

/// Neuron i of the m of an input answers with a_i = e^(−(x − μ_i)² / 2σ²), told by rate or by latency.
///
/// μ_i = low + (i − ½)(high − low)/(m − 2), i = 0 … m − 1, σ = (high − low)/(γ (m − 2)): Gaussian receptive fields, the
/// outermost centres just outside the range. Neuron i of input j has index j m + i. Source: Bohte, Kok & La Poutré 2002
/// (with γ = 1.5, a spike time linear in a, and activations below 0.1 silent: the defaults, with m = 8 and 20 steps).
/// Inputs: numbers from low to high.
///
/// ```
/// use nl_encoding::encode::{Encoder, Population};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let (encoder, mut train) = (Population { neurons: 5, ..Population::default() }, SpikeTrain::new(5));
/// encoder.encode(&[0.5], &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// // Centres at -1/6, 1/6, 1/2, 5/6, 7/6: the middle one first, its neighbours together.
/// assert_eq!(train.events().collect::<Vec<_>>(), [(0, 2), (13, 1), (13, 3)]);
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Population {
    /// Neurons m of each input, 3 or more.
    pub neurons: usize,
    /// Lowest and highest input.
    pub range: [f32; 2],
    /// Sharpness γ: distance of two centres in units of σ.
    pub gamma: f64,
    /// How activations are told.
    pub code: PopulationCode,
}

impl Default for Population {
    fn default() -> Self {
        let latency = Latency { curve: LatencyCurve::Linear, threshold: 0.1, steps: 20 };
        Self { neurons: 8, range: [0.0, 1.0], gamma: 1.5, code: PopulationCode::Latency(latency) }
    }
}

impl Population {
    /// The activations of the neurons of one input.
    pub fn activations(&self, x: f32) -> impl Iterator<Item = f32> + use<> {
        let [low, high] = self.range.map(f64::from);
        let between = (high - low) / (self.neurons as f64 - 2.0);
        let gamma = self.gamma;
        (0..self.neurons).map(move |i| {
            let distance = (f64::from(x) - (low + (i as f64 - 0.5) * between)) * gamma / between;
            (-0.5 * distance * distance).exp() as f32
        })
    }
}

impl Encoder for Population {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        match &self.code {
            PopulationCode::Rate(code) => code.steps(),
            PopulationCode::Latency(code) => code.steps(),
        }
    }

    fn population(&self, inputs: usize) -> usize {
        inputs.saturating_mul(self.neurons)
    }

    fn validate(&self) -> Result<(), EncodeError> {
        let fits = |m: f64| (3.0..=65536.0).contains(&m);
        nl_units::Error::check(NAME, "neurons", self.neurons as f64, fits, "use 3 to 65536")?;
        let [low, high] = self.range.map(f64::from);
        nl_units::Error::finite(NAME, "range[0]", low)?;
        nl_units::Error::check(NAME, "range[1]", high, |high| high > low, "use a number above range[0]")?;
        nl_units::Error::positive(NAME, "gamma", self.gamma)?;
        match &self.code {
            PopulationCode::Rate(code) => code.validate(),
            PopulationCode::Latency(code) => code.validate(),
        }
    }

    fn encode(&self, x: &[f32], rng: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, self.range.into(), "use numbers within the encoder's `range`", out)?;
        let activations = x.iter().flat_map(|&x| self.activations(x));
        match &self.code {
            PopulationCode::Rate(code) => code.events(activations, rng, out.events_mut()),
            PopulationCode::Latency(code) => {
                let spikes = activations.zip(0..).filter_map(|(a, neuron)| Some((code.step(a)?, neuron)));
                out.events_mut().extend(spikes);
            }
        }
        Ok(out.collect(self.steps())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use nl_units::{Hz, Ms};
    use proptest::prelude::*;

    fn encode(encoder: Population, x: &[f32]) -> SpikeTrain {
        let mut train = SpikeTrain::new(encoder.population(x.len()));
        encoder.encode(x, &mut Streams::new(5).rng("encode", 0, 0), &mut train).unwrap();
        train
    }

    #[test]
    fn rates_are_the_activations() {
        let code = Poisson { rate: Hz(1000.0), steps: 10_000, dt: Ms(1.0) };
        let encoder =
            Population { neurons: 6, range: [-2.0, 2.0], code: PopulationCode::Rate(code), ..Population::default() };
        let counts = encode(encoder, &[0.0, 1.3]).counts();
        for (input, x) in [0.0_f64, 1.3].into_iter().enumerate() {
            for i in 0..6 {
                // Centres −2.5, −1.5 … 2.5, σ = 2/3.
                let a = (-0.5 * ((x - (i as f64 - 2.5)) * 1.5).powi(2)).exp();
                let sigma = (1e4 * a * (1.0 - a)).sqrt();
                let got = f64::from(counts[6 * input + i]);
                assert!((got - 1e4 * a).abs() <= 5.0 * sigma + 1e-3, "neuron {i}: {got}, {}", 1e4 * a);
            }
        }
    }

    #[test]
    fn hostile_numbers_and_parameters_are_refused() {
        let p = Population { range: [-1.0, 1.0], ..Population::default() };
        let mut rng = Streams::new(5).rng("encode", 0, 0);
        for bad in [f32::NAN, -1.1, 1.1] {
            assert!(p.encode(&[bad], &mut rng, &mut SpikeTrain::new(8)).is_err());
        }
        for (encoder, name) in [
            (Population { neurons: 2, ..p }, "neurons"),
            (Population { range: [1.0, 1.0], ..p }, "range[1]"),
            (Population { range: [f32::NAN, 1.0], ..p }, "range[0]"),
            (Population { gamma: 0.0, ..p }, "gamma"),
            (Population { code: PopulationCode::Latency(Latency { steps: 0, ..Latency::default() }), ..p }, "steps"),
        ] {
            assert!(encoder.validate().unwrap_err().to_string().contains(name));
        }
    }

    proptest! {
        #[test]
        fn the_nearest_centre_is_never_later(x in 0.0_f32..=1.0) {
            let train = encode(Population::default(), &[x]);
            let distance = |i: u32| (x - (i as f32 - 0.5) / 6.0).abs();
            let nearest = (0..8).min_by(|&a, &b| distance(a).total_cmp(&distance(b))).unwrap();
            let first = train.events().map(|(step, _)| step).next();
            prop_assert_eq!(first, train.steps_of(nearest).first().copied());
        }
    }

    #[test]
    fn codes_of_a_configuration() {
        let read = |text: &str| toml::from_str::<PopulationCode>(text);
        let curve = LatencyCurve::Charging { tau: 5.0 };
        let text = "kind = \"latency\"\nsteps = 9\ncurve = {kind = \"charging\", tau = 5.0}";
        assert_eq!(read(text), Ok(PopulationCode::Latency(Latency { curve, steps: 9, ..Latency::default() })));
        assert_eq!(read("kind = \"rate\"").unwrap(), PopulationCode::Rate(Poisson::default()));
        assert!(read("kind = \"Rate\"").unwrap_err().to_string().contains("`rate`"));
        assert!(read("kind = \"rate\"\nstep = 1").unwrap_err().to_string().contains("step"));
    }
}
