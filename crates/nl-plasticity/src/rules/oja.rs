//! Oja's rule and Sanger's: principal components by local learning.

use nl_neuron::Real;
use nl_synapse::Weights;
use serde::{Deserialize, Serialize};

use super::amplitude::amplitude;
use super::common::{Clip, real};
use crate::rate::{check_populations, check_rates};
use crate::{Error, RateRule};

const OJA: &str = "oja";
const SANGER: &str = "sanger";

/// Parameters of [`Oja`] and [`Sanger`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct OjaParameters {
    /// Learning rate η, the share of the way per update at y = 1; not an amplitude of the weight.
    pub eta: f64,
    /// Strength β of forgetting, above 0: the squared norm becomes 1/β.
    pub beta: f64,
    /// Lower bound of the weight.
    pub w_min: f64,
    /// Upper bound of the weight.
    pub w_max: f64,
}

impl Default for OjaParameters {
    fn default() -> Self {
        Self { eta: 1e-3, beta: 1.0, w_min: -1.0, w_max: 1.0 }
    }
}

/// What the two rules share.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Constants<F> {
    eta: F,
    beta: F,
    clip: Clip<F>,
}

impl<F: Real> Constants<F> {
    fn new(name: &'static str, p: OjaParameters) -> Result<Self, Error> {
        nl_units::Error::positive(name, "beta", p.beta)?;
        // Nothing overflows on the way, where 0 · ∞ would end at a bound.
        let largest = p.w_min.abs().max(p.w_max.abs()).max(1.0);
        amplitude::<F>(name, "w_max", largest, 1.0)?;
        amplitude::<F>(name, "beta", p.beta, largest)?;
        Ok(Self {
            eta: amplitude(name, "eta", p.eta, 1.0)?,
            beta: real(name, "beta", p.beta)?,
            clip: Clip::new(name, p.w_min, p.w_max)?,
        })
    }
}

/// Oja's rule: Δw_ij = η y_j (x_i − β y_j w_ij), clipped to [w_min, w_max].
///
/// η has the unit of 1/y²: with y = Σ w x the weight's size is the rule's own (1/√β), so that measuring η by the bounds would
/// mean nothing. With y = Σ w x each column turns to the first principal component of x with squared norm 1/β.
///
/// Source: Oja 1982 (β = 1).
///
/// ```
/// use nl_plasticity::{Oja, OjaParameters, RateRule};
/// use nl_synapse::{Dense, Weights};
/// let rule = Oja::<f64>::new(OjaParameters { eta: 0.1, ..OjaParameters::default() })?;
/// let mut weights = Dense::new(1, 1, vec![0.5])?;
/// rule.step(&mut (), &[2.0], &[1.0], &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5 + 0.1 * (2.0 - 0.5)]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Oja<F = f32> {
    parameters: OjaParameters,
    constants: Constants<F>,
}

impl<F: Real> Oja<F> {
    /// The rule with these parameters.
    ///
    /// # Errors
    /// If a value is not finite, β not positive, or w_min above w_max.
    pub fn new(parameters: OjaParameters) -> Result<Self, Error> {
        Ok(Self { parameters, constants: Constants::new(OJA, parameters)? })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &OjaParameters {
        &self.parameters
    }
}

impl<F: Real> RateRule<F> for Oja<F> {
    type State = ();

    fn name(&self) -> &'static str {
        OJA
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.constants.clip.bounds())
    }

    fn state(&self, pre: usize, post: usize) -> Result<(), Error> {
        check_populations(OJA, pre, post)
    }

    fn step<W: Weights<F>>(&self, (): &mut (), x: &[F], y: &[F], weights: &mut W) -> Result<(), Error> {
        check_rates(OJA, x, y, weights)?;
        let Constants { eta, beta, clip } = self.constants;
        for (i, &x) in x.iter().enumerate() {
            weights.for_outgoing(i as u32, |_, j, w| {
                let y = y[j as usize];
                *w = clip.of(*w + eta * y * (x - beta * y * *w));
            });
        }
        Ok(())
    }
}

/// Sanger's rule (generalised Hebbian algorithm): Δw_ij = η y_j (x_i − β Σ_{k≤j} w_ik y_k), clipped to [w_min, w_max].
///
/// η has the unit of 1/y², as with [`Oja`]. With y = Σ w x column j turns to the j-th principal component of x with squared norm 1/β. On a sparse connection the sum
/// runs over the synapses that x_i has.
///
/// Source: Sanger 1989 (β = 1).
///
/// ```
/// use nl_plasticity::{OjaParameters, RateRule, Sanger};
/// use nl_synapse::{Dense, Weights};
/// let rule = Sanger::<f64>::new(OjaParameters { eta: 0.1, ..OjaParameters::default() })?;
/// let mut weights = Dense::new(1, 2, vec![0.5, 0.25])?;
/// rule.step(&mut (), &[2.0], &[1.0, 2.0], &mut weights)?;
/// assert_eq!(weights.weights(), &[0.5 + 0.1 * (2.0 - 0.5), 0.25 + 0.1 * 2.0 * (2.0 - 0.5 - 0.25 * 2.0)]);
/// # Ok::<(), nl_plasticity::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Sanger<F = f32> {
    parameters: OjaParameters,
    constants: Constants<F>,
}

impl<F: Real> Sanger<F> {
    /// The rule with these parameters.
    ///
    /// # Errors
    /// If a value is not finite, β not positive, or w_min above w_max.
    pub fn new(parameters: OjaParameters) -> Result<Self, Error> {
        Ok(Self { parameters, constants: Constants::new(SANGER, parameters)? })
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &OjaParameters {
        &self.parameters
    }
}

impl<F: Real> RateRule<F> for Sanger<F> {
    type State = ();

    fn name(&self) -> &'static str {
        SANGER
    }

    fn bounds(&self) -> Option<(F, F)> {
        Some(self.constants.clip.bounds())
    }

    fn state(&self, pre: usize, post: usize) -> Result<(), Error> {
        check_populations(SANGER, pre, post)
    }

    fn step<W: Weights<F>>(&self, (): &mut (), x: &[F], y: &[F], weights: &mut W) -> Result<(), Error> {
        check_rates(SANGER, x, y, weights)?;
        let Constants { eta, beta, clip } = self.constants;
        for (i, &x) in x.iter().enumerate() {
            let mut explained = F::ZERO;
            weights.for_outgoing(i as u32, |_, j, w| {
                let y = y[j as usize];
                explained += *w * y;
                *w = clip.of(*w + eta * y * (x - beta * explained));
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;
    use nl_random::Streams;
    use nl_synapse::{Csr, Dense, Sparse};
    use rand::RngExt;

    const N: usize = 4;
    /// x = Σ_a scale_a · u_a · axis_a: uncorrelated loadings of orthogonal directions.
    const AXES: [[f64; N]; N] =
        [[0.5, 0.5, 0.5, 0.5], [0.5, -0.5, 0.5, -0.5], [0.5, 0.5, -0.5, -0.5], [0.5, -0.5, -0.5, 0.5]];
    const SCALES: [f64; N] = [2.0, 1.3, 0.8, 0.3];

    fn samples(count: usize) -> Vec<[f64; N]> {
        let mut rng = Streams::new(7).rng("test", 0, 0);
        let sample = |_| {
            let mut x = [0.0; N];
            for (axis, scale) in AXES.iter().zip(SCALES) {
                let loading = scale * (rng.random::<f64>() * 2.0 - 1.0);
                for k in 0..N {
                    x[k] += loading * axis[k];
                }
            }
            x
        };
        (0..count).map(sample).collect()
    }

    /// The first principal components by power iteration with deflation.
    fn components(samples: &[[f64; N]], k: usize) -> Vec<[f64; N]> {
        let mut covariance = [[0.0; N]; N];
        for x in samples {
            for a in 0..N {
                for b in 0..N {
                    covariance[a][b] += x[a] * x[b] / samples.len() as f64;
                }
            }
        }
        let mut found: Vec<[f64; N]> = Vec::new();
        for _ in 0..k {
            let mut v = [0.9, 0.3, 0.2, 0.1];
            for _ in 0..500 {
                let mut next = [0.0; N];
                for a in 0..N {
                    next[a] = (0..N).map(|b| covariance[a][b] * v[b]).sum();
                }
                for other in &found {
                    let overlap: f64 = (0..N).map(|a| other[a] * next[a]).sum();
                    for a in 0..N {
                        next[a] -= overlap * other[a];
                    }
                }
                let norm = next.iter().map(|x| x * x).sum::<f64>().sqrt();
                v = next.map(|x| x / norm);
            }
            found.push(v);
        }
        found
    }

    fn learn<R: RateRule<f64, State = ()>, W: Weights<f64>>(rule: &R, weights: &mut W, samples: &[[f64; N]]) {
        let post = weights.post();
        for x in samples {
            let mut y = vec![0.0; post];
            for i in 0..N {
                weights.for_outgoing(i as u32, |_, j, w| y[j as usize] += x[i] * *w);
            }
            rule.step(&mut (), x, &y, weights).unwrap();
        }
    }

    fn overlap(weights: &[f64], post: usize, j: usize, component: &[f64; N]) -> f64 {
        (0..N).map(|i| weights[i * post + j] * component[i]).sum::<f64>().abs()
    }

    #[test]
    fn oja_finds_the_first_principal_component_with_norm_one_over_beta() {
        let samples = samples(40_000);
        let first = components(&samples, 1)[0];
        for beta in [1.0, 4.0] {
            let rule = Oja::<f64>::new(OjaParameters { eta: 2e-3, beta, ..OjaParameters::default() }).unwrap();
            let mut weights = Dense::new(N, 1, vec![0.1, -0.2, 0.3, 0.2]).unwrap();
            learn(&rule, &mut weights, &samples);
            let norm = weights.weights().iter().map(|w| w * w).sum::<f64>();
            // The samples' noise at η = 0.002.
            assert_abs_diff_eq!(norm * beta, 1.0, epsilon = 0.02);
            assert!(overlap(weights.weights(), 1, 0, &first) / norm.sqrt() > 0.995);
        }
    }

    #[test]
    fn sanger_finds_the_first_components_in_order_on_dense_and_sparse() {
        let samples = samples(60_000);
        let expected = components(&samples, 3);
        let rule = Sanger::<f64>::new(OjaParameters { eta: 2e-3, ..OjaParameters::default() }).unwrap();
        let start: Vec<f64> = (0..3 * N).map(|k| 0.1 + 0.3 * ((k * 7 % 12) as f64 / 12.0 - 0.5)).collect();
        let mut dense = Dense::new(N, 3, start.clone()).unwrap();
        learn(&rule, &mut dense, &samples);
        for (j, component) in expected.iter().enumerate() {
            let found = overlap(dense.weights(), 3, j, component);
            assert!(found > 0.98 && found < 1.02, "component {j}: {found}");
        }
        let edges: Vec<_> = (0..N as u32).flat_map(|i| (0..3).map(move |j| (i, j))).collect();
        let mut sparse = Sparse::new(Csr::from_edges(N, 3, &edges).unwrap(), start).unwrap();
        learn(&rule, &mut sparse, &samples);
        assert_eq!(sparse.weights(), dense.weights());
    }
}
