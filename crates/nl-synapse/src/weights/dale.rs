//! Dale's principle: all synapses of a neuron are excitatory, or all are inhibitory.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::{Error, Weights};

const NAME: &str = "Dale";

/// What a synapse may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sign {
    /// w ≥ 0
    Excitatory,
    /// w ≤ 0
    Inhibitory,
}

impl Sign {
    /// Whether a weight has this sign; 0 has both.
    #[inline]
    #[must_use]
    pub fn fits<F: Real>(self, w: F) -> bool {
        match self {
            Self::Excitatory => w >= F::ZERO,
            Self::Inhibitory => w <= F::ZERO,
        }
    }
}

/// The signs of a connection's weights (Dale 1935; Eccles, Fatt & Koketsu 1954).
///
/// ```
/// use nl_synapse::{Csr, Dale, Sign, Sparse, Weights};
/// let mut synapses = Sparse::new(Csr::from_edges(2, 1, &[(0, 0), (1, 0)])?, vec![-0.1_f32, -2.0])?;
/// let dale = Dale::PerPre { signs: vec![Sign::Excitatory, Sign::Inhibitory] };
/// assert!(dale.verify(&mut synapses).is_err());
/// dale.enforce(&mut synapses)?;
/// assert_eq!(synapses.weights(), &[0.0, -2.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Dale {
    /// One sign for the whole connection.
    All {
        /// That sign.
        sign: Sign,
    },
    /// A sign for each pre neuron, `[pre]`.
    PerPre {
        /// The signs, in order of the neurons.
        signs: Vec<Sign>,
    },
}

impl Dale {
    /// Sets each weight of the wrong sign to 0: a synapse falls silent, it does not turn over.
    ///
    /// # Errors
    /// If there is not one sign for each pre neuron.
    pub fn enforce<F: Real>(&self, synapses: &mut impl Weights<F>) -> Result<(), Error> {
        self.visit(synapses, |_, _, sign, w| {
            if !sign.fits(*w) {
                *w = F::ZERO;
            }
        })
    }

    /// `Ok` if every weight has its sign.
    ///
    /// # Errors
    /// Names the first synapse that has not; or if there is not one sign for each pre neuron.
    pub fn verify<F: Real>(&self, synapses: &mut impl Weights<F>) -> Result<(), Error> {
        let mut wrong = None;
        self.visit(synapses, |pre, post, sign, w| {
            if wrong.is_none() && !sign.fits(*w) {
                wrong = Some(format!(
                    "{sign:?} neuron {pre} has the weight {w} onto neuron {post}; enforce() sets it to 0"
                ));
            }
        })?;
        wrong.map_or(Ok(()), |message| Err(Error::Invalid { what: NAME, message }))
    }

    fn visit<F: Real>(
        &self,
        synapses: &mut impl Weights<F>,
        mut f: impl FnMut(u32, u32, Sign, &mut F),
    ) -> Result<(), Error> {
        if let Self::PerPre { signs } = self {
            nl_units::Error::length(NAME, "signs", synapses.pre(), signs.len())?;
        }
        for pre in 0..synapses.pre() as u32 {
            let sign = match self {
                Self::All { sign } => *sign,
                Self::PerPre { signs } => signs[pre as usize],
            };
            synapses.for_outgoing(pre, |_, post, w| f(pre, post, sign, w));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dense;

    #[test]
    fn the_first_offender_is_named() {
        let mut synapses = Dense::new(2, 2, vec![0.0_f64, 1.0, 2.0, -3.0]).unwrap();
        let message = Dale::All { sign: Sign::Excitatory }.verify(&mut synapses).unwrap_err().to_string();
        assert!(message.contains("neuron 1 has the weight -3 onto neuron 1"), "{message}");
        assert!(Dale::PerPre { signs: vec![Sign::Excitatory] }.verify(&mut synapses).is_err());
        Dale::All { sign: Sign::Inhibitory }.enforce(&mut synapses).unwrap();
        assert_eq!(synapses.weights(), &[0.0, 0.0, 0.0, -3.0]);
        Dale::All { sign: Sign::Inhibitory }.verify(&mut synapses).unwrap();
    }

    #[test]
    fn signs_of_a_configuration() {
        for (text, dale) in [
            (r#"{"kind": "all", "sign": "inhibitory"}"#, Dale::All { sign: Sign::Inhibitory }),
            (
                r#"{"kind": "per-pre", "signs": ["excitatory", "inhibitory"]}"#,
                Dale::PerPre { signs: vec![Sign::Excitatory, Sign::Inhibitory] },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Dale>(text).unwrap(), dale);
            assert_eq!(serde_json::from_str::<Dale>(&serde_json::to_string(&dale).unwrap()).unwrap(), dale);
        }
        let error = serde_json::from_str::<Dale>(r#"{"kind": "PerPre", "signs": []}"#).unwrap_err().to_string();
        assert!(error.contains("PerPre") && error.contains("`per-pre`"), "{error}");
    }
}
