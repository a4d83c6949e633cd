//! Connections that depend on distance, on a line or a grid.

use nl_neuron::Real;
use nl_units::grid::whole;
use serde::{Deserialize, Serialize};

use crate::{Csr, Error, Sparse};

use super::{Autapses, reserve};

const NAME: &str = "lattice";

/// What lies beyond the edge of a lattice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Edges {
    /// Nothing.
    #[default]
    Open,
    /// The opposite edge: a ring or a torus; distance is the shortest way round.
    Torus,
}

/// One population on a line (height 1) or a grid, row-major, one unit between neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Lattice {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// What lies beyond the edge.
    #[serde(default)]
    pub edges: Edges,
}

/// A displacement within the cut-off: rows, columns, squared distance.
type Offset = (i64, i64, u64);

impl Lattice {
    /// Number of neurons.
    ///
    /// # Errors
    /// If it is 0 or exceeds 2³² − 1.
    pub fn neurons(&self) -> Result<usize, Error> {
        let n = self.height.saturating_mul(self.width);
        nl_units::Error::population(NAME, n)?;
        Ok(n)
    }

    /// Displacements from −back to +ahead along an axis of `size`, none of them twice round a ring.
    fn reach(&self, size: usize, cut_off: f64) -> (i64, i64) {
        let (back, ahead) = match self.edges {
            Edges::Open => (size - 1, size - 1),
            Edges::Torus => ((size - 1) / 2, size / 2),
        };
        let most = whole(cut_off) as usize; // saturates
        (back.min(most) as i64, ahead.min(most) as i64)
    }

    /// All displacements of at most `cut_off`; refuses more than 2³² − 1 synapses before it allocates anything.
    fn offsets(&self, cut_off: f64, autapses: Autapses) -> Result<(Vec<Offset>, usize), Error> {
        let n = self.neurons()? as u128;
        nl_units::Error::not_negative(NAME, "cut_off", cut_off)?;
        let (up, down) = self.reach(self.height, cut_off);
        let (left, right) = self.reach(self.width, cut_off);
        // Squares of distances are whole: √13 squared is 12.999999999999998, but reaches what lies (2, 3) away.
        let limit = whole(cut_off * cut_off);
        // How far along the row the disc reaches, `dy` rows away.
        let extent = |dy: i64| {
            let rest = limit - (dy * dy) as f64;
            if rest < 0.0 { -1 } else { rest.sqrt().floor().min(self.width as f64) as i64 }
        };
        let (mut synapses, mut list) = (0_u128, 0_u128);
        for dy in (0..=up.max(down)).take_while(|&dy| extent(dy) >= 0) {
            let (west, east) = (left.min(extent(dy)) as u128, right.min(extent(dy)) as u128);
            let mirrored = 1 + u128::from(dy > 0 && dy <= up.min(down));
            list += mirrored * (west + east + 1);
            synapses += mirrored
                * match self.edges {
                    Edges::Torus => n * (west + east + 1),
                    // Σ over dx of (width − |dx|), in each of the rows that have one dy away.
                    Edges::Open => {
                        (self.height as u128 - dy as u128) * (self.width as u128 * (2 * east + 1) - east * (east + 1))
                    }
                };
            Error::count(NAME, synapses)?;
        }
        let mut offsets = reserve(NAME, list as usize)?;
        for dy in -up..=down {
            let e = extent(dy.abs());
            for dx in -left.min(e)..=right.min(e) {
                if e >= 0 && (autapses == Autapses::Allow || (dy, dx) != (0, 0)) {
                    offsets.push((dy, dx, (dy * dy + dx * dx) as u64));
                }
            }
        }
        Ok((offsets, synapses as usize))
    }

    /// The neuron at a displacement from another.
    fn at(&self, i: usize, (dy, dx, _): Offset) -> Option<usize> {
        let (height, width) = (self.height as i64, self.width as i64);
        let (y, x) = ((i / self.width) as i64 + dy, (i % self.width) as i64 + dx);
        match self.edges {
            Edges::Torus => Some((y.rem_euclid(height) * width + x.rem_euclid(width)) as usize),
            Edges::Open => ((0..height).contains(&y) && (0..width).contains(&x)).then_some((y * width + x) as usize),
        }
    }
}

/// Lateral connections within a lattice: w_ij = `weight(d)` for all pairs at a distance d ≤ `cut_off` (Euclidean, in units
/// of the lattice).
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Edges, Lattice, lateral};
/// use nl_synapse::{Connection, Weights};
/// let line = Lattice { height: 1, width: 5, edges: Edges::Open };
/// let synapses = lateral(line, 2.0, Autapses::Forbid, |d| (1.0 / d) as f32)?;
/// let mut input = [0.0; 5];
/// synapses.deliver(&[1], &mut input)?;
/// assert_eq!(input, [1.0, 0.0, 1.0, 0.5, 0.0]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// If the lattice is empty, the cut-off is negative or not finite, a weight is not finite, or there are 2³² synapses or
/// more (found before anything is allocated).
pub fn lateral<F: Real>(
    lattice: Lattice,
    cut_off: f64,
    autapses: Autapses,
    weight: impl Fn(f64) -> F,
) -> Result<Sparse<F>, Error> {
    let (offsets, room) = lattice.offsets(cut_off, autapses)?;
    let mut by_offset = reserve(NAME, offsets.len())?;
    by_offset.extend(offsets.iter().map(|&(_, _, d2)| weight((d2 as f64).sqrt())));
    let n = lattice.neurons()?;
    let mut weights = reserve(NAME, room)?;
    let mut row: Vec<(u32, F)> = reserve(NAME, offsets.len())?;
    let csr = super::from_rows(NAME, (n, n), room as u128, |i, targets| {
        row.clear();
        for (&offset, &w) in offsets.iter().zip(&by_offset) {
            row.extend(lattice.at(i as usize, offset).map(|j| (j as u32, w)));
        }
        row.sort_unstable_by_key(|&(j, _)| j);
        targets.extend(row.iter().map(|&(j, _)| j));
        weights.extend(row.iter().map(|&(_, w)| w));
    })?;
    Sparse::new(csr, weights)
}

/// All pairs within a lattice at a distance of at most `radius`: 1 is the four nearest neighbours, 1.5 the eight.
///
/// ```
/// use nl_synapse::connectivity::{Autapses, Edges, Lattice, neighbours};
/// let grid = Lattice { height: 3, width: 3, edges: Edges::Open };
/// assert_eq!(neighbours(grid, 1.0, Autapses::Forbid)?.row(4), &[1, 3, 5, 7]);
/// # Ok::<(), nl_synapse::Error>(())
/// ```
///
/// # Errors
/// As [`lateral`].
pub fn neighbours(lattice: Lattice, radius: f64, autapses: Autapses) -> Result<Csr, Error> {
    let (offsets, room) = lattice.offsets(radius, autapses)?;
    let n = lattice.neurons()?;
    super::from_rows(NAME, (n, n), room as u128, |i, targets| {
        let first = targets.len();
        targets.extend(offsets.iter().filter_map(|&offset| lattice.at(i as usize, offset)).map(|j| j as u32));
        targets[first..].sort_unstable();
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance by the definition: the shorter way on each axis of a torus.
    fn distance(lattice: &Lattice, i: usize, j: usize) -> f64 {
        let axis = |a: usize, b: usize, size: usize| {
            let d = a.abs_diff(b);
            (if lattice.edges == Edges::Torus { d.min(size - d) } else { d }) as f64
        };
        let dy = axis(i / lattice.width, j / lattice.width, lattice.height);
        let dx = axis(i % lattice.width, j % lattice.width, lattice.width);
        (dy * dy + dx * dx).sqrt()
    }

    #[test]
    fn equals_the_definition() {
        for edges in [Edges::Open, Edges::Torus] {
            for (height, width) in [(1, 1), (1, 6), (1, 7), (4, 5), (2, 2), (5, 3)] {
                for radius in [0.0, 1.0, 1.5, 2.0, 13.0_f64.sqrt(), 2.9, 10.0_f64.sqrt(), 100.0, 1e300] {
                    for autapses in [Autapses::Allow, Autapses::Forbid] {
                        let lattice = Lattice { height, width, edges };
                        let n = height * width;
                        let mut expected = Vec::new();
                        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
                            if distance(&lattice, i, j) <= radius && (i != j || autapses == Autapses::Allow) {
                                expected.push((i as u32, j as u32));
                            }
                        }
                        let csr = neighbours(lattice, radius, autapses).unwrap();
                        assert_eq!(csr.edges().collect::<Vec<_>>(), expected, "{lattice:?} {radius}");
                        let self_included = if autapses == Autapses::Forbid { n } else { 0 };
                        let (_, room) = lattice.offsets(radius, autapses).unwrap();
                        assert_eq!(room, expected.len() + self_included, "counted before it is built");
                        let lateral = lateral(lattice, radius, autapses, |d| d).unwrap();
                        assert_eq!(lateral.csr(), &csr);
                        for ((i, j), w) in csr.edges().zip(crate::Weights::weights(&lateral)) {
                            assert_eq!(*w, distance(&lattice, i as usize, j as usize));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn too_many_is_known_beforehand() {
        for (height, width) in [(1, 1 << 31), (1 << 16, 1 << 15), (1 << 31, 1)] {
            for edges in [Edges::Open, Edges::Torus] {
                let lattice = Lattice { height, width, edges };
                assert!(matches!(neighbours(lattice, 1e9, Autapses::Forbid), Err(Error::TooMany { .. })));
            }
        }
    }
}
