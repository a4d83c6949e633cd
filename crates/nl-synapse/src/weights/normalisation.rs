//! Sums of weights held constant.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::{Error, Weights};

const NAME: &str = "normalisation";

/// What is held constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Σ |w|: the sum, if no weight is negative.
    L1,
    /// √Σ w²
    L2,
}

/// Scales the weights that reach (or leave) a neuron so that their norm is `target`: w ← w · target / ‖w‖.
///
/// Norms are summed in `f64` in ascending order of the other neuron; weights that are all 0 are left alone. Incoming
/// normalisation to Σ = 78.4 is Diehl & Cook's (2015); von der Malsburg 1973 introduced it.
///
/// ```
/// use nl_synapse::{Dense, Norm, Normalisation, Weights};
/// let mut synapses = Dense::new(2, 2, vec![1.0_f32, 0.0, 3.0, 0.0])?;
/// Normalisation::new(Norm::L1, 2.0)?.incoming(&mut synapses)?;
/// assert_eq!(synapses.weights(), &[0.5, 0.0, 1.5, 0.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    norm: Norm,
    target: f64,
    /// Σ by post neuron, kept to be reused.
    #[serde(skip)]
    sums: Vec<f64>,
}

impl Normalisation {
    /// The normalisation to this norm.
    ///
    /// # Errors
    /// If `target` is not positive.
    pub fn new(norm: Norm, target: f64) -> Result<Self, Error> {
        nl_units::Error::positive(NAME, "target", target)?;
        Ok(Self { norm, target, sums: Vec::new() })
    }

    #[inline(always)]
    fn term<F: Real>(&self, w: F) -> f64 {
        match self.norm {
            Norm::L1 => w.to_f64().abs(),
            Norm::L2 => w.to_f64() * w.to_f64(),
        }
    }

    /// What to multiply by, given the sum of terms.
    fn factor(&self, sum: f64) -> f64 {
        let norm = if self.norm == Norm::L1 { sum } else { sum.sqrt() };
        if norm > 0.0 { self.target / norm } else { 1.0 }
    }

    /// Normalises what reaches each post neuron.
    ///
    /// # Errors
    /// If synapses share weights (a convolution), or there is no memory for a sum for each post neuron.
    pub fn incoming<F: Real>(&mut self, synapses: &mut impl Weights<F>) -> Result<(), Error> {
        unshared(synapses)?;
        // Row by row, in the order of the memory; a column's terms still come in ascending order of pre.
        let mut sums = core::mem::take(&mut self.sums);
        sums.clear();
        let (what, bytes) = (NAME, synapses.post() as u128 * 8);
        sums.try_reserve_exact(synapses.post()).map_err(|_| Error::Memory { what, bytes })?;
        sums.resize(synapses.post(), 0.0);
        for pre in 0..synapses.pre() as u32 {
            synapses.for_outgoing(pre, |_, post, w| sums[post as usize] += self.term(*w));
        }
        for sum in &mut sums {
            *sum = self.factor(*sum);
        }
        for pre in 0..synapses.pre() as u32 {
            synapses.for_outgoing(pre, |_, post, w| scale(w, sums[post as usize]));
        }
        self.sums = sums;
        Ok(())
    }

    /// Normalises what reaches the given post neurons, such as those that learned.
    ///
    /// # Errors
    /// If a neuron does not exist, or synapses share weights.
    pub fn incoming_of<F: Real>(&self, synapses: &mut impl Weights<F>, posts: &[u32]) -> Result<(), Error> {
        unshared(synapses)?;
        within(posts, synapses.post())?;
        for &post in posts {
            let mut sum = 0.0;
            synapses.for_incoming(post, |_, _, w| sum += self.term(*w));
            let factor = self.factor(sum);
            synapses.for_incoming(post, |_, _, w| scale(w, factor));
        }
        Ok(())
    }

    /// Normalises what leaves each pre neuron.
    ///
    /// # Errors
    /// If synapses share weights (a convolution).
    pub fn outgoing<F: Real>(&self, synapses: &mut impl Weights<F>) -> Result<(), Error> {
        unshared(synapses)?;
        for pre in 0..synapses.pre() as u32 {
            self.row(synapses, pre);
        }
        Ok(())
    }

    /// Normalises what leaves the given pre neurons.
    ///
    /// # Errors
    /// If a neuron does not exist, or synapses share weights.
    pub fn outgoing_of<F: Real>(&self, synapses: &mut impl Weights<F>, pres: &[u32]) -> Result<(), Error> {
        unshared(synapses)?;
        within(pres, synapses.pre())?;
        for &pre in pres {
            self.row(synapses, pre);
        }
        Ok(())
    }

    fn row<F: Real>(&self, synapses: &mut impl Weights<F>, pre: u32) {
        let mut sum = 0.0;
        synapses.for_outgoing(pre, |_, _, w| sum += self.term(*w));
        let factor = self.factor(sum);
        synapses.for_outgoing(pre, |_, _, w| scale(w, factor));
    }
}

#[inline(always)]
fn scale<F: Real>(w: &mut F, factor: f64) {
    *w = F::from_f64(w.to_f64() * factor);
}

fn unshared<F: Real>(synapses: &impl Weights<F>) -> Result<(), Error> {
    if synapses.synapses() == synapses.weights().len() {
        return Ok(());
    }
    let message = "these synapses share weights; normalise weights_mut() kernel by kernel".into();
    Err(Error::Invalid { what: NAME, message })
}

fn within(neurons: &[u32], n: usize) -> Result<(), Error> {
    match neurons.iter().find(|&&i| i as usize >= n) {
        Some(&index) => Err(nl_units::Error::Index { what: NAME, index: index as usize, n }.into()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Connection, Csr, Sparse};

    fn synapses() -> Sparse<f64> {
        let csr = Csr::from_edges(3, 3, &[(0, 0), (0, 2), (1, 0), (2, 0), (2, 2)]).unwrap();
        Sparse::new(csr, vec![1.0, -3.0, 2.0, 5.0, 4.0]).unwrap()
    }

    #[test]
    fn norms_are_as_wished_and_silent_neurons_stay() {
        let mut w = synapses();
        Normalisation::new(Norm::L2, 10.0).unwrap().incoming(&mut w).unwrap();
        let scale = 10.0 / 30.0_f64.sqrt();
        assert_eq!(w.weights(), &[scale, -6.0, 2.0 * scale, 5.0 * scale, 8.0]);
        let mut w = synapses();
        Normalisation::new(Norm::L1, 8.0).unwrap().outgoing(&mut w).unwrap();
        assert_eq!(w.weights(), &[2.0, -6.0, 8.0, 5.0 * (8.0 / 9.0), 4.0 * (8.0 / 9.0)]);
    }

    #[test]
    fn some_neurons_as_all_neurons() {
        let mut rule = Normalisation::new(Norm::L1, 3.0).unwrap();
        let (mut all, mut some) = (synapses(), synapses());
        rule.incoming(&mut all).unwrap();
        rule.incoming_of(&mut some, &[2, 0, 1]).unwrap();
        assert_eq!(all, some);
        let before = some.weights().to_vec();
        rule.outgoing_of(&mut some, &[1]).unwrap();
        assert_eq!(some.weights()[2], 3.0);
        assert_eq!(some.weights()[3..], before[3..]);
        assert!(rule.incoming_of(&mut some, &[3]).is_err() && rule.outgoing_of(&mut some, &[3]).is_err());
        assert_eq!(some.synapses(), 5);
    }

    #[test]
    fn shared_weights_are_refused() {
        use crate::{Convolution, connectivity::Fields};
        let fields =
            Fields { in_channels: 1, out_channels: 1, size: [3, 3], kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
        let mut shared = Convolution::new(fields, vec![1.0_f32; 4]).unwrap();
        let mut rule = Normalisation::new(Norm::L1, 1.0).unwrap();
        for refused in [
            rule.incoming(&mut shared),
            rule.outgoing(&mut shared),
            rule.incoming_of(&mut shared, &[0]),
            rule.outgoing_of(&mut shared, &[0]),
        ] {
            assert!(refused.unwrap_err().to_string().contains("share weights"));
        }
        assert_eq!(shared.weights(), [1.0; 4]);
        assert!(Normalisation::new(Norm::L1, 0.0).is_err());
    }
}
