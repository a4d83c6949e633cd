//! Receptive fields on a two-dimensional grid: their geometry, and local connections that share no weights.

use core::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Csr, Error};

use super::from_rows;

const NAME: &str = "receptive fields";

/// The geometry of receptive fields, as of a convolution: `[in_channels, height, width]` neurons seen through kernels by
/// `[out_channels, output height, output width]` neurons, all row-major.
///
/// Output neuron (o, y, x) sees input (c, y·stride + ky − padding, x·stride + kx − padding) for all c, ky, kx that lie on
/// the grid; output size = ⌊(size + 2·padding − kernel) / stride⌋ + 1. Pairs are `[vertical, horizontal]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Channels of the sending population.
    pub in_channels: usize,
    /// Channels of the receiving population.
    pub out_channels: usize,
    /// Height and width of the sending grid.
    pub size: [usize; 2],
    /// Height and width of a field.
    pub kernel: [usize; 2],
    /// Steps between neighbouring fields.
    pub stride: [usize; 2],
    /// Rows and columns of nothing on each side.
    pub padding: [usize; 2],
}

impl Fields {
    /// Height and width of the receiving grid.
    ///
    /// # Errors
    /// If a size, kernel, stride or number of channels is 0, a kernel exceeds the padded grid, or a population, the
    /// number of weights or of synapses exceeds 2³² − 1.
    pub fn output(&self) -> Result<[usize; 2], Error> {
        let invalid = |message| Err(Error::Invalid { what: NAME, message });
        let mut output = [0; 2];
        for d in 0..2 {
            let (size, kernel, stride, padding) = (self.size[d], self.kernel[d], self.stride[d], self.padding[d]);
            if size == 0 || kernel == 0 || stride == 0 {
                return invalid(format!("size {size}, kernel {kernel}, stride {stride}; use 1 or more of each"));
            }
            if padding >= kernel {
                return invalid(format!("a padding of {padding} leaves fields of {kernel} empty; use less"));
            }
            let padded = size as u128 + 2 * padding as u128;
            if kernel as u128 > padded || padded > u128::from(u32::MAX) {
                return invalid(format!("a kernel of {kernel} on {padded} (size and padding); use a smaller one"));
            }
            output[d] = (padded as usize - kernel) / stride + 1;
        }
        let product = |factors: &[usize]| factors.iter().try_fold(1_u128, |p, &f| p.checked_mul(f as u128));
        let too_many = Error::TooMany { what: NAME, synapses: u128::MAX };
        let neurons = |channels, grid: [usize; 2]| {
            let n = product(&[channels, grid[0], grid[1]]).unwrap_or(u128::MAX);
            nl_units::Error::population(NAME, usize::try_from(n).unwrap_or(usize::MAX))
        };
        neurons(self.in_channels, self.size)?;
        neurons(self.out_channels, output)?;
        // At least one, at most kernel size synapses for each pair of channels and field.
        let [kh, kw] = self.kernel;
        Error::count(NAME, product(&[self.in_channels, self.out_channels, kh, kw]).ok_or(too_many)?)?;
        let per_pair = self.spots(0, output) * self.spots(1, output);
        Error::count(NAME, per_pair.saturating_mul((self.in_channels as u128) * (self.out_channels as u128)))?;
        Ok(output)
    }

    /// Number of synapses: all (field, spot on the grid) pairs, for each pair of channels.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    pub fn synapses(&self) -> Result<usize, Error> {
        let output = self.output()?;
        let per_pair = self.spots(0, output) * self.spots(1, output);
        Ok(per_pair as usize * self.in_channels * self.out_channels)
    }

    /// Spots on the grid seen by the fields, summed over the fields, in direction `d`.
    fn spots(&self, d: usize, output: [usize; 2]) -> u128 {
        let (kernel, stride, end) = (self.kernel[d], self.stride[d], self.size[d] + self.padding[d]);
        // Fields wholly on the grid lie between those that overlap its edges.
        let first = self.padding[d].div_ceil(stride).min(output[d]);
        let last = if end >= kernel { ((end - kernel) / stride + 1).clamp(first, output[d]) } else { first };
        let edges: u128 = (0..first).chain(last..output[d]).map(|y| self.seen(d, y).len() as u128).sum();
        edges + (last - first) as u128 * kernel as u128
    }

    /// The kernel's places k for which field `y` lies on the grid, in direction `d`: y·stride + k − padding in [0, size).
    pub(crate) fn seen(&self, d: usize, y: usize) -> Range<usize> {
        let start = y * self.stride[d];
        let (padding, kernel, size) = (self.padding[d], self.kernel[d], self.size[d]);
        padding.saturating_sub(start).min(kernel)..(size + padding).saturating_sub(start).min(kernel)
    }

    /// The fields y that see spot `s`, in direction `d`, ascending; the kernel's place is k = s + padding − y·stride.
    pub(crate) fn seeing(&self, d: usize, s: usize, output: [usize; 2]) -> Range<usize> {
        let (stride, at) = (self.stride[d], s + self.padding[d]);
        let first = (at + 1).saturating_sub(self.kernel[d]).div_ceil(stride);
        first..(at / stride + 1).min(output[d])
    }

    /// The sending neuron's channel and place.
    pub(crate) fn place(index: usize, [height, width]: [usize; 2]) -> (usize, usize, usize) {
        (index / (height * width), index / width % height, index % width)
    }
}

/// Local receptive fields whose weights are not shared: a synapse for each neuron a field sees.
///
/// For shared weights see [`Convolution`](crate::Convolution).
///
/// ```
/// use nl_synapse::connectivity::{Fields, local};
/// let fields = Fields {
///     in_channels: 1,
///     out_channels: 1,
///     size: [1, 4],
///     kernel: [1, 2],
///     stride: [1, 2],
///     padding: [0, 0],
/// };
/// assert_eq!(local(&fields)?.edges().collect::<Vec<_>>(), [(0, 0), (1, 0), (2, 1), (3, 1)]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// As [`Fields::output`].
pub fn local(fields: &Fields) -> Result<Csr, Error> {
    let [height, width] = fields.output()?;
    let pre = fields.in_channels * fields.size[0] * fields.size[1];
    let post = fields.out_channels * height * width;
    from_rows(NAME, (pre, post), fields.synapses()? as u128, |i, targets| {
        let (_, row, column) = Fields::place(i as usize, fields.size);
        for o in 0..fields.out_channels {
            for y in fields.seeing(0, row, [height, width]) {
                let columns = fields.seeing(1, column, [height, width]);
                targets.extend(columns.map(|x| ((o * height + y) * width + x) as u32));
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every (field, kernel place) pair by the definition, for a sweep of shapes.
    #[test]
    fn equals_the_definition() {
        for (size, kernel, stride, padding) in
            [(5, 3, 1, 0), (5, 3, 1, 1), (6, 3, 2, 1), (4, 4, 3, 0), (3, 5, 1, 2), (7, 1, 3, 0), (3, 2, 5, 1)]
        {
            let fields = Fields {
                in_channels: 2,
                out_channels: 3,
                size: [size, size + 1],
                kernel: [kernel, 2],
                stride: [stride, 1],
                padding: [padding, 1],
            };
            let [height, width] = fields.output().unwrap();
            let mut edges = Vec::new();
            for (o, y, x, c, ky, kx) in (0..3)
                .flat_map(|o| (0..height).map(move |y| (o, y)))
                .flat_map(|(o, y)| (0..width).map(move |x| (o, y, x)))
                .flat_map(|(o, y, x)| (0..2).map(move |c| (o, y, x, c)))
                .flat_map(|(o, y, x, c)| (0..kernel).map(move |ky| (o, y, x, c, ky)))
                .flat_map(|(o, y, x, c, ky)| (0..2).map(move |kx| (o, y, x, c, ky, kx)))
            {
                let row = (y * stride + ky).checked_sub(padding).filter(|&r| r < size);
                let column = (x + kx).checked_sub(1).filter(|&r| r < size + 1);
                if let (Some(row), Some(column)) = (row, column) {
                    let pre = (c * size + row) * (size + 1) + column;
                    edges.push((pre as u32, ((o * height + y) * width + x) as u32));
                }
            }
            let csr = local(&fields).unwrap();
            assert_eq!(csr.synapses(), fields.synapses().unwrap());
            let expected = Csr::from_edges(csr.pre(), csr.post(), &edges).unwrap();
            assert_eq!(csr, expected, "{fields:?}");
        }
    }
}
