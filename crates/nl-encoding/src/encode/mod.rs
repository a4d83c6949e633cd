//! Encoders: numbers become spikes. What is written in rates, in times, in ranks, in changes or in bits.
//!
//! An encoder is its parameters (a plain value with serde, its number of steps T among them); [`Encoder::encode`]
//! replaces the content of a [`SpikeTrain`] that the caller keeps, so that nothing is allocated after the first images.
//!
//! How long an encoding lasts is a number of steps, never a duration: nothing has to lie on the grid of time. Where a step
//! or a count comes from a product or a quotient (rate · x · dt · T, τ / dt · ln …), a result that is a whole number but for
//! the rounding of an input in single precision is that number; halves go up.

mod burst;
mod delta;
mod latency;
mod phase;
mod poisson;
mod population;
mod rank;
mod regular;
mod superposed_poisson;
mod ttfs;

use nl_neuron::SpikeTrain;
use nl_random::Rng;

pub use burst::Burst;
pub use delta::{Delta, DeltaReference};
pub use latency::{Latency, LatencyCurve};
pub use phase::WeightedPhase;
pub use poisson::Poisson;
pub use population::{Population, PopulationCode};
pub use rank::RankOrder;
pub use regular::{Phase, Regular};
pub use superposed_poisson::{SuperposedPoisson, Superposition};
pub use ttfs::TimeToFirstSpike;

/// Why an encoder refused its parameters or its input.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A number that cannot be encoded.
    #[error("{encoder}: input {index} is {value}; {expected}")]
    Value {
        /// The encoder.
        encoder: &'static str,
        /// Where in the input.
        index: usize,
        /// What was found.
        value: f32,
        /// What it must be, and how to mend it.
        expected: &'static str,
    },
    /// A parameter out of range, or an input or a train of the wrong size.
    #[error(transparent)]
    Model(#[from] nl_units::Error),
}

/// Turns a vector of numbers into the spikes of a population over a fixed number of steps.
///
/// ```
/// use nl_encoding::encode::{Encoder, Latency, Poisson};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let encoders: [&dyn Encoder; 2] = [&Poisson::default(), &Latency::default()];
/// let (x, mut train) = ([0.0, 0.3, 1.0], SpikeTrain::new(3));
/// for encoder in encoders {
///     encoder.encode(&x, &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
///     assert_eq!(train.steps(), encoder.steps());
///     assert_eq!(train.counts()[0], 0);
/// }
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
pub trait Encoder {
    /// What the encoder is called in messages and tables.
    fn name(&self) -> &'static str;

    /// Number of time steps T.
    fn steps(&self) -> usize;

    /// Size of the population that encodes `inputs` numbers.
    fn population(&self, inputs: usize) -> usize {
        inputs
    }

    /// Refuses parameters outside their ranges.
    ///
    /// # Errors
    /// Names the parameter, its value and its range.
    fn validate(&self) -> Result<(), EncodeError>;

    /// Replaces `out` by the spikes of `x`, `steps()` steps long; encoders without chance leave `rng` alone.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); an input outside the encoder's range (or NaN); an `out` that is not of
    /// `population(x.len())` neurons. `out` is then without steps.
    fn encode(&self, x: &[f32], rng: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError>;
}

/// What every encoder does first: parameters, population, and each input within `range`; empties `out`.
fn begin(
    encoder: &(impl Encoder + ?Sized),
    x: &[f32],
    range: (f32, f32),
    expected: &'static str,
    out: &mut SpikeTrain,
) -> Result<(), EncodeError> {
    out.clear();
    out.events_mut().clear();
    encoder.validate()?;
    nl_units::Error::length(encoder.name(), "out", encoder.population(x.len()), out.population())?;
    let fits = |value: f32| (value >= range.0) & (value <= range.1);
    // First a pass without an exit, which vectorises.
    if !x.iter().fold(true, |all, &value| all & fits(value)) {
        let index = x.iter().position(|&value| !fits(value)).unwrap_or(0);
        return Err(EncodeError::Value { encoder: encoder.name(), index, value: x[index], expected });
    }
    Ok(())
}

/// The range of most encoders, for [`begin`].
const UNIT: (f32, f32) = (0.0, 1.0);
/// What to say about a number beyond it.
const UNIT_EXPECTED: &str = "use numbers from 0 to 1 (for bytes: Normalize::unit)";

/// Refuses a number of steps that is 0 or does not fit an event.
fn check_steps(encoder: &'static str, steps: usize) -> Result<(), nl_units::Error> {
    let fits = |x: f64| (1.0..=f64::from(u32::MAX)).contains(&x);
    nl_units::Error::check(encoder, "steps", steps as f64, fits, "use 1 to 4294967295 steps")
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use proptest::prelude::*;

    /// Every encoder of numbers in [0, 1], for what must hold of all of them.
    fn all() -> Vec<Box<dyn Encoder>> {
        vec![
            Box::new(Poisson::default()),
            Box::new(Latency::default()),
            Box::new(Latency { curve: LatencyCurve::Linear, ..Latency::default() }),
            Box::new(RankOrder::default()),
            Box::new(Regular::default()),
            Box::new(TimeToFirstSpike::default()),
            Box::new(WeightedPhase::default()),
            Box::new(Burst::default()),
            Box::new(Population::default()),
            Box::new(Population { code: PopulationCode::Rate(Poisson::default()), ..Population::default() }),
        ]
    }

    #[test]
    fn hostile_numbers_are_refused_and_leave_nothing_behind() {
        for encoder in all() {
            let mut train = SpikeTrain::new(encoder.population(2));
            let mut rng = Streams::new(1).rng("encode", 0, 0);
            encoder.encode(&[0.5, 1.0], &mut rng, &mut train).unwrap();
            for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1e-9] {
                let error = encoder.encode(&[0.5, bad], &mut rng, &mut train).unwrap_err();
                assert!(error.to_string().starts_with(encoder.name()), "{error}");
                assert!(matches!(error, EncodeError::Value { index: 1, .. }));
                assert_eq!(train.steps(), 0);
            }
            assert!(encoder.encode(&[0.5; 3], &mut rng, &mut train).is_err(), "a train of the wrong size");
        }
    }

    #[test]
    fn silence_costs_no_spike_and_a_second_image_no_memory() {
        for encoder in all() {
            let mut train = SpikeTrain::new(encoder.population(50));
            let mut encode = |x: &[f32]| {
                let mut rng = Streams::new(1).rng("encode", 0, 0);
                encoder.encode(x, &mut rng, &mut train).unwrap();
                train.count()
            };
            let bright: Vec<f32> = (0..50).map(|i| i as f32 / 49.0).collect();
            assert!(encode(&bright) > 0);
            let again = allocation_counter::measure(|| assert!(encode(&bright) > 0));
            assert_eq!(again.count_total, 0, "{}", encoder.name());
        }
    }

    proptest! {
        #[test]
        fn a_raster_of_the_stated_size_and_the_same_from_the_same_stream(
            x in prop::collection::vec(0.0_f32..=1.0, 0..40), seed in 0_u64..1000,
        ) {
            for encoder in all() {
                let encode = || {
                    let mut train = SpikeTrain::new(encoder.population(x.len()));
                    let mut rng = Streams::new(seed).rng("encode", 0, 0);
                    encoder.encode(&x, &mut rng, &mut train).unwrap();
                    train
                };
                let train = encode();
                prop_assert_eq!(train.steps(), encoder.steps());
                for step in 0..train.steps() {
                    prop_assert!(train.at(step).is_sorted_by(|a, b| a < b));
                    prop_assert!(train.at(step).iter().all(|&i| (i as usize) < train.population()));
                }
                prop_assert_eq!(&train, &encode());
            }
        }
    }
}
