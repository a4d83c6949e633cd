//! The lengths of a tensor's axes.

use crate::Error;
use core::fmt;

/// Lengths of up to six axes, outermost first; stored inline and `Copy`. Rank 0 is a scalar with one element.
///
/// ```
/// use nl_autodiff::Shape;
/// let shape = Shape::new(&[2, 3])?;
/// assert_eq!((shape.rank(), shape.len(), shape.dims()), (2, 6, &[2, 3][..]));
/// # Ok::<(), nl_autodiff::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    // Entries beyond the rank are 1, so that equality may be derived.
    dims: [usize; Shape::MAX_RANK],
    rank: u8,
}

impl Shape {
    /// The most axes a shape can have.
    pub const MAX_RANK: usize = 6;
    /// The shape of a scalar: no axes, one element.
    pub const SCALAR: Self = Self { dims: [1; Self::MAX_RANK], rank: 0 };

    /// A shape from axis lengths, outermost first.
    ///
    /// # Errors
    /// [`Error::Rank`] for more than six axes; [`Error::Value`] if there are more elements than addresses (an axis of
    /// length 0 counts as 1 here, so that no part of the shape overflows either).
    pub fn new(dims: &[usize]) -> Result<Self, Error> {
        if dims.len() > Self::MAX_RANK {
            return Err(Error::Rank { op: "Shape::new", rank: dims.len() });
        }
        check_size("Shape::new", dims)?;
        Ok(Self::from_dims(dims))
    }

    /// A shape whose rank is known to be small enough.
    pub(crate) fn from_dims(dims: &[usize]) -> Self {
        let mut all = [1; Self::MAX_RANK];
        all[..dims.len()].copy_from_slice(dims);
        Self { dims: all, rank: dims.len() as u8 }
    }

    /// Axis lengths, outermost first.
    #[must_use]
    pub fn dims(&self) -> &[usize] {
        &self.dims[..self.rank as usize]
    }

    /// Number of axes.
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank as usize
    }

    /// Number of elements: the product of the axis lengths, 1 for a scalar.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether some axis has length 0.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Length of an axis.
    ///
    /// # Errors
    /// [`Error::Axis`] if there is no such axis.
    pub fn dim(&self, axis: usize) -> Result<usize, Error> {
        self.dims().get(axis).copied().ok_or_else(|| Error::axis("Shape::dim", axis, *self))
    }

    /// The shape cut at an axis: elements before it, its length, elements after it.
    pub(crate) fn split_at(&self, axis: usize) -> (usize, usize, usize) {
        let dims = self.dims();
        (dims[..axis].iter().product(), dims[axis], dims[axis + 1..].iter().product())
    }

    /// This shape with one axis replaced.
    pub(crate) fn with_dim(mut self, axis: usize, len: usize) -> Self {
        self.dims[axis] = len;
        self
    }

    /// The common shape two shapes broadcast to: aligned at the last axis, an axis of length 1 stretches.
    ///
    /// # Errors
    /// [`Error::Shapes`] if two axes differ and neither is 1; [`Error::Value`] if the result has more elements than
    /// addresses.
    pub fn broadcast(self, other: Self) -> Result<Self, Error> {
        self.broadcast_for("broadcast", other)
    }

    pub(crate) fn broadcast_for(self, op: &'static str, other: Self) -> Result<Self, Error> {
        if self == other {
            return Ok(self);
        }
        let rank = self.rank.max(other.rank) as usize;
        let (a, b) = (self.right_aligned(rank), other.right_aligned(rank));
        let mut dims = [1; Self::MAX_RANK];
        for axis in 0..rank {
            dims[axis] = match (a[axis], b[axis]) {
                (m, n) if m == n => m,
                (1, n) => n,
                (m, 1) => m,
                _ => {
                    return Err(Error::shapes(op, self, other, "aligned at the last axis, lengths must be equal or 1"));
                }
            };
        }
        check_size(op, &dims[..rank])?;
        Ok(Self { dims, rank: rank as u8 })
    }

    /// Whether this shape broadcasts to exactly `target`.
    pub(crate) fn broadcasts_to(self, target: Self) -> bool {
        self.rank <= target.rank && self.broadcast_for("broadcast", target) == Ok(target)
    }

    /// Lengths padded with leading ones to `rank` axes.
    fn right_aligned(&self, rank: usize) -> [usize; Self::MAX_RANK] {
        let mut dims = [1; Self::MAX_RANK];
        dims[rank - self.rank as usize..rank].copy_from_slice(self.dims());
        dims
    }

    /// Row-major strides of this shape seen as `target` (aligned at the last axis), 0 where it is stretched.
    pub(crate) fn broadcast_strides(&self, target: Self) -> [usize; Self::MAX_RANK] {
        let rank = target.rank();
        let dims = self.right_aligned(rank);
        let mut strides = [0; Self::MAX_RANK];
        let mut step = 1;
        for axis in (0..rank).rev() {
            strides[axis] = if dims[axis] == 1 { 0 } else { step };
            step *= dims[axis];
        }
        strides
    }
}

/// Whether the elements of these axes, and of any part of them, can be counted.
fn check_size(op: &'static str, dims: &[usize]) -> Result<(), Error> {
    if dims.iter().try_fold(1_usize, |n, &d| n.checked_mul(d.max(1))).is_some() {
        return Ok(());
    }
    Err(Error::Value { op, message: format!("the element count of {dims:?} overflows; use smaller axes") })
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shape{:?}", self.dims())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcasting_follows_the_last_axis() -> Result<(), Error> {
        let (a, b) = (Shape::new(&[4, 1, 3])?, Shape::new(&[2, 1])?);
        let c = a.broadcast(b)?;
        assert_eq!(c.dims(), [4, 2, 3]);
        assert_eq!(a.broadcast_strides(c)[..3], [3, 0, 1]);
        assert_eq!(b.broadcast_strides(c)[..3], [0, 1, 0]);
        assert!(a.broadcasts_to(c) && b.broadcasts_to(c) && !c.broadcasts_to(a));
        assert!(Shape::new(&[3])?.broadcast(Shape::new(&[2])?).is_err());
        Ok(())
    }

    #[test]
    fn too_many_axes_and_overflow_are_refused() {
        assert_eq!(Shape::new(&[1; 7]), Err(Error::Rank { op: "Shape::new", rank: 7 }));
        assert!(Shape::new(&[usize::MAX, 2]).is_err());
        // No elements, but strides that nobody could count.
        for dims in [[0, usize::MAX, 2], [usize::MAX, 2, 0], [1 << 63, 0, 2]] {
            assert!(Shape::new(&dims).is_err(), "{dims:?}");
        }
        assert_eq!(Shape::SCALAR.len(), 1);
    }

    #[test]
    fn broadcasting_does_not_overflow() -> Result<(), Error> {
        let error = Shape::new(&[1 << 40, 1])?.broadcast(Shape::new(&[1 << 40])?).unwrap_err().to_string();
        assert!(error.starts_with("broadcast: the element count"), "{error}");
        Ok(())
    }
}
