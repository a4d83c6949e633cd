//! Rank-order code: who is brighter speaks earlier; by how much is forgotten.

use nl_neuron::SpikeTrain;
use nl_random::Rng;
use serde::{Deserialize, Serialize};

use super::{EncodeError, Encoder, begin, check_steps};

const NAME: &str = "rank order";

/// The n inputs above 0, brightest first (of equals the lower index first), spike once each: ranks ⌊b n / T⌋ to
/// ⌊(b + 1) n / T⌋ in step b.
///
/// Every step has the same share of the spikes, whatever the contrast. Inputs: any finite number from 0. Source:
/// Thorpe & Gautrais, "Rank order coding", 1998; the steps of equal size as in Kheradpisheh et al. 2018 and SpykeTorch
/// (`intensity_to_latency`), where T = 15 (the default; 30 and 20 are used there too). With T = n each spike has a step
/// of its own: Thorpe's order.
///
/// ```
/// use nl_encoding::encode::{Encoder, RankOrder};
/// use nl_neuron::SpikeTrain;
/// use nl_random::Streams;
///
/// let mut train = SpikeTrain::new(5);
/// let x = [0.1, 0.0, 0.9, 0.2, 0.2];
/// RankOrder { steps: 2 }.encode(&x, &mut Streams::new(1).rng("encode", 0, 0), &mut train)?;
/// assert_eq!((train.at(0), train.at(1)), (&[2, 3][..], &[0, 4][..]));
/// # Ok::<(), nl_encoding::encode::EncodeError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct RankOrder {
    /// Number of steps.
    pub steps: usize,
}

impl Default for RankOrder {
    fn default() -> Self {
        Self { steps: 15 }
    }
}

impl RankOrder {
    /// Σ_i w_i m^rank(i): how a neuron with shunting inhibition reads the order; each later step counts m times less.
    ///
    /// Here the rank is the step: equal for all that spike in one. m = `modulation` in [0, 1]. Source: Thorpe &
    /// Gautrais 1998, eq. 1; m = 0.9 is usual.
    ///
    /// # Errors
    /// If there are not as many weights as neurons, or m is outside [0, 1].
    pub fn activation(train: &SpikeTrain, weights: &[f32], modulation: f32) -> Result<f32, EncodeError> {
        let fits = |m| (0.0..=1.0).contains(&m);
        nl_units::Error::check(NAME, "modulation", modulation.into(), fits, "use a number from 0 to 1")?;
        nl_units::Error::length(NAME, "weights", train.population(), weights.len())?;
        let mut sensitivity = 1.0;
        let mut sum = 0.0;
        for step in 0..train.steps() {
            sum += sensitivity * train.at(step).iter().map(|&i| weights[i as usize]).sum::<f32>();
            sensitivity *= modulation;
        }
        Ok(sum)
    }
}

impl Encoder for RankOrder {
    fn name(&self) -> &'static str {
        NAME
    }

    fn steps(&self) -> usize {
        self.steps
    }

    fn validate(&self) -> Result<(), EncodeError> {
        Ok(check_steps(NAME, self.steps)?)
    }

    fn encode(&self, x: &[f32], _: &mut Rng, out: &mut SpikeTrain) -> Result<(), EncodeError> {
        begin(self, x, (0.0, f32::MAX), "use finite numbers from 0", out)?;
        let events = out.events_mut();
        // The bits of a positive float order as the float does; their complement the other way round.
        events.extend(x.iter().zip(0..).filter(|&(&value, _)| value > 0.0).map(|(value, i)| (!value.to_bits(), i)));
        events.sort_unstable();
        let n = events.len();
        for step in 0..self.steps {
            let ranks = step * n / self.steps..(step + 1) * n / self.steps;
            for event in &mut events[ranks] {
                event.0 = step as u32;
            }
        }
        Ok(out.collect(self.steps)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nl_random::Streams;
    use proptest::prelude::*;

    fn encode(steps: usize, x: &[f32]) -> SpikeTrain {
        let mut train = SpikeTrain::new(x.len());
        RankOrder { steps }.encode(x, &mut Streams::new(1).rng("encode", 0, 0), &mut train).unwrap();
        train
    }

    #[test]
    fn thorpes_order_with_a_step_each_and_ties_by_index() {
        let train = encode(4, &[0.2, 7.5, 0.2, 0.9]);
        let order: Vec<u32> = train.events().map(|(_, neuron)| neuron).collect();
        assert_eq!(order, [1, 3, 0, 2]);
        assert_eq!(train.at(3), [2]);
    }

    #[test]
    fn later_steps_count_less() {
        let train = encode(3, &[0.1, 0.5, 1.0]);
        let at = |m| RankOrder::activation(&train, &[4.0, 2.0, 1.0], m).unwrap();
        assert_eq!((at(0.0), at(0.5), at(1.0)), (1.0, 1.0 + 1.0 + 1.0, 7.0));
        assert!(RankOrder::activation(&train, &[1.0; 2], 0.5).is_err());
        assert!(RankOrder::activation(&train, &[1.0; 3], f32::NAN).is_err());
    }

    #[test]
    fn no_steps_are_refused() {
        assert!(RankOrder { steps: 0 }.validate().is_err());
    }

    proptest! {
        #[test]
        fn shares_are_equal_and_brighter_is_never_later(
            x in prop::collection::vec(prop_oneof![Just(0.0_f32), 0.0_f32..1e6], 0..80), steps in 1_usize..20,
        ) {
            let train = encode(steps, &x);
            prop_assert_eq!(train.count(), x.iter().filter(|&&value| value > 0.0).count());
            for step in 0..steps {
                prop_assert!(train.at(step).len().abs_diff(train.count() / steps) <= 1);
            }
            let events: Vec<(usize, u32)> = train.events().collect();
            for &(early, i) in &events {
                for &(late, j) in &events {
                    let (a, b) = (x[i as usize], x[j as usize]);
                    prop_assert!(early >= late || a > b || (a == b && i < j));
                }
            }
        }
    }
}
