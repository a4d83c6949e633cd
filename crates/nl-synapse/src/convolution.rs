//! A convolution of spikes: one kernel a pair of channels, shared by all places.

use nl_neuron::Real;
use serde::{Deserialize, Serialize};

use crate::connection::{assert_exists, check_delivery, check_scaled, range_of};
use crate::connectivity::Fields;
use crate::{Connection, Error, Weights};

const NAME: &str = "convolution";

/// Receptive fields that share their weights `[out_channels, in_channels, kernel height, kernel width]`; a spike scatters
/// the kernels around its place.
///
/// input(o, y, x) += Σ w(o, c, ky, kx) over the spikes (c, y·stride + ky − padding, x·stride + kx − padding): the
/// cross-correlation that the field calls convolution. Populations are `[channels, height, width]`, row-major.
///
/// As [`Weights`], a synapse's number is that of its **shared** weight: several synapses have the same number, and a rule
/// that visits each of them changes that weight several times. Only the few shared weights are stored.
///
/// ```
/// use nl_synapse::connectivity::Fields;
/// use nl_synapse::{Connection, Convolution};
/// let fields = Fields {
///     in_channels: 1,
///     out_channels: 1,
///     size: [1, 5],
///     kernel: [1, 3],
///     stride: [1, 1],
///     padding: [0, 1],
/// };
/// let synapses = Convolution::new(fields, vec![1.0_f32, 2.0, 3.0])?;
/// let mut input = [0.0; 5];
/// synapses.deliver(&[2], &mut input)?;
/// assert_eq!(input, [0.0, 3.0, 2.0, 1.0, 0.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "F: Real", try_from = "Unchecked<F>")]
pub struct Convolution<F = f32> {
    fields: Fields,
    #[serde(skip_serializing)]
    output: [usize; 2],
    #[serde(skip_serializing)]
    synapses: usize,
    weights: Vec<F>,
}

#[derive(Deserialize)]
#[serde(bound = "F: Real")]
struct Unchecked<F> {
    fields: Fields,
    weights: Vec<F>,
}

impl<F: Real> TryFrom<Unchecked<F>> for Convolution<F> {
    type Error = Error;

    fn try_from(raw: Unchecked<F>) -> Result<Self, Error> {
        Self::new(raw.fields, raw.weights)
    }
}

impl<F: Real> Convolution<F> {
    /// The connection with these kernels, `[out_channels, in_channels, kernel height, kernel width]`.
    ///
    /// # Errors
    /// As [`Fields::output`]; if the number of weights does not fit, or one is not finite.
    pub fn new(fields: Fields, weights: Vec<F>) -> Result<Self, Error> {
        let (output, synapses) = (fields.output()?, fields.synapses()?);
        let [kh, kw] = fields.kernel;
        let expected = fields.out_channels * fields.in_channels * kh * kw;
        nl_units::Error::length(NAME, "weights", expected, weights.len())?;
        for &w in &weights {
            nl_units::Error::finite(NAME, "weight", w.to_f64())?;
        }
        Ok(Self { fields, output, synapses, weights })
    }

    /// The geometry.
    #[must_use]
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// Height and width of the receiving grid.
    #[must_use]
    pub fn output(&self) -> [usize; 2] {
        self.output
    }

    /// Calls `f(weight number, post)` for each synapse of `pre`, in ascending order of post.
    #[inline]
    fn scatter(&self, pre: u32, mut f: impl FnMut(usize, usize)) {
        let Fields { in_channels, out_channels, size, kernel: [kh, kw], stride, padding, .. } = self.fields;
        let [height, width] = self.output;
        let (c, row, column) = Fields::place(pre as usize, size);
        let (rows, columns) = (self.fields.seeing(0, row, self.output), self.fields.seeing(1, column, self.output));
        for o in 0..out_channels {
            let kernel = (o * in_channels + c) * kh * kw;
            for y in rows.clone() {
                let ky = row + padding[0] - y * stride[0];
                for x in columns.clone() {
                    let kx = column + padding[1] - x * stride[1];
                    f(kernel + ky * kw + kx, (o * height + y) * width + x);
                }
            }
        }
    }
}

impl<F: Real> Connection<F> for Convolution<F> {
    fn pre(&self) -> usize {
        self.fields.in_channels * self.fields.size[0] * self.fields.size[1]
    }

    fn post(&self) -> usize {
        self.fields.out_channels * self.output[0] * self.output[1]
    }

    fn synapses(&self) -> usize {
        self.synapses
    }

    fn weight_range(&self) -> Option<(F, F)> {
        range_of(&self.weights)
    }

    fn deliver(&self, spikes: &[u32], input: &mut [F]) -> Result<(), Error> {
        check_delivery(NAME, (self.pre(), self.post()), spikes, input)?;
        for &i in spikes {
            self.scatter(i, |w, j| input[j] += self.weights[w]);
        }
        Ok(())
    }

    fn deliver_scaled(&self, spikes: &[u32], scale: &[F], input: &mut [F]) -> Result<(), Error> {
        check_scaled(NAME, (self.pre(), self.post()), spikes, scale, input)?;
        for (&i, &s) in spikes.iter().zip(scale) {
            self.scatter(i, |w, j| input[j] += s * self.weights[w]);
        }
        Ok(())
    }
}

impl<F: Real> Weights<F> for Convolution<F> {
    fn for_outgoing(&mut self, pre: u32, mut f: impl FnMut(usize, u32, &mut F)) {
        assert_exists(NAME, pre, self.pre());
        let mut weights = core::mem::take(&mut self.weights);
        self.scatter(pre, |w, j| f(w, j as u32, &mut weights[w]));
        self.weights = weights;
    }

    fn for_incoming(&mut self, post: u32, mut f: impl FnMut(usize, u32, &mut F)) {
        assert_exists(NAME, post, self.post());
        let Fields { in_channels, size, kernel: [kh, kw], stride, padding, .. } = self.fields;
        let (o, y, x) = Fields::place(post as usize, self.output);
        for c in 0..in_channels {
            for ky in self.fields.seen(0, y) {
                for kx in self.fields.seen(1, x) {
                    let (row, column) = (y * stride[0] + ky - padding[0], x * stride[1] + kx - padding[1]);
                    let number = ((o * in_channels + c) * kh + ky) * kw + kx;
                    f(number, ((c * size[0] + row) * size[1] + column) as u32, &mut self.weights[number]);
                }
            }
        }
    }

    fn weights(&self) -> &[F] {
        &self.weights
    }

    fn weights_mut(&mut self) -> &mut [F] {
        &mut self.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Sparse;
    use crate::connectivity::local;

    /// The same synapses as local fields have, with the weight of their kernel's place.
    #[test]
    fn equals_local_fields_with_equal_weights() {
        for (stride, padding) in [(1, 0), (1, 1), (2, 1), (3, 2)] {
            let fields = Fields {
                in_channels: 2,
                out_channels: 3,
                size: [5, 6],
                kernel: [3, 4],
                stride: [stride, 1],
                padding: [padding, 1],
            };
            let weights: Vec<f64> = (0..72).map(|k| f64::from(1 << (k % 30)) + f64::from(k)).collect();
            let mut shared = Convolution::new(fields, weights).unwrap();
            let csr = local(&fields).unwrap();
            let mut own = Vec::new();
            for i in 0..csr.pre() as u32 {
                shared.for_outgoing(i, |_, _, w| own.push(*w));
            }
            let mut sparse = Sparse::new(csr, own).unwrap();
            assert_eq!(Connection::<f64>::synapses(&shared), sparse.csr().synapses());
            for j in 0..shared.post() as u32 {
                let (mut a, mut b) = (Vec::new(), Vec::new());
                shared.for_incoming(j, |_, i, w| a.push((i, *w)));
                sparse.for_incoming(j, |_, i, w| b.push((i, *w)));
                assert_eq!(a, b, "post {j}, {fields:?}");
            }
            let spikes: Vec<u32> = (0..60).step_by(7).collect();
            let (mut a, mut b) = (vec![0.0; shared.post()], vec![0.0; shared.post()]);
            shared.deliver(&spikes, &mut a).unwrap();
            sparse.deliver(&spikes, &mut b).unwrap();
            assert_eq!(a, b);
        }
    }
}
