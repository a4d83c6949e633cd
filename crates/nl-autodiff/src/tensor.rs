//! Values: a shape and a shared, contiguous, row-major buffer.

use crate::pool::{filled, reserved};
use crate::{Error, Scalar, Shape};
use std::sync::Arc;

/// An immutable, contiguous, row-major array; `clone`, [`reshape`](Self::reshape) and [`view`](Self::view) share its
/// buffer. Images are `[N, C, H, W]`, sequences `[T, B, N]`.
///
/// ```
/// use nl_autodiff::Tensor;
/// let t = Tensor::new(&[2, 2], vec![1.0, 2.0, 3.0, 4.0])?;
/// assert_eq!(t.reshape(&[4])?.as_slice(), t.as_slice());
/// # Ok::<(), nl_autodiff::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor<S> {
    pub(crate) shape: Shape,
    pub(crate) buffer: Arc<Vec<S>>,
    pub(crate) offset: usize,
}

impl<S: Scalar> Tensor<S> {
    /// A tensor from its elements in row-major order.
    ///
    /// # Errors
    /// [`Error::Length`] if their number does not match; [`Error::Rank`] for more than six axes.
    pub fn new(dims: &[usize], elements: Vec<S>) -> Result<Self, Error> {
        let shape = Shape::new(dims)?;
        if elements.len() != shape.len() {
            let (expected, got) = (shape.len(), elements.len());
            return Err(Error::Length { op: "Tensor::new", what: "elements", expected, got });
        }
        Ok(Self { shape, buffer: Arc::new(elements), offset: 0 })
    }

    /// A tensor of rank 0.
    #[must_use]
    pub fn scalar(x: S) -> Self {
        Self { shape: Shape::SCALAR, buffer: Arc::new(vec![x]), offset: 0 }
    }

    /// All elements equal to `x`.
    ///
    /// # Errors
    /// [`Error::Rank`] for more than six axes; [`Error::Memory`] if the memory is not there.
    pub fn full(dims: &[usize], x: S) -> Result<Self, Error> {
        let shape = Shape::new(dims)?;
        Ok(Self { shape, buffer: Arc::new(filled("Tensor::full", shape.len(), x)?), offset: 0 })
    }

    /// All elements 0.
    ///
    /// # Errors
    /// As [`full`](Self::full).
    pub fn zeros(dims: &[usize]) -> Result<Self, Error> {
        Self::full(dims, S::ZERO)
    }

    /// Element `i` (row-major) is `f(i)`.
    ///
    /// # Errors
    /// As [`full`](Self::full).
    pub fn from_fn(dims: &[usize], f: impl FnMut(usize) -> S) -> Result<Self, Error> {
        let shape = Shape::new(dims)?;
        let mut elements = reserved("Tensor::from_fn", shape.len())?;
        elements.extend((0..shape.len()).map(f));
        Ok(Self { shape, buffer: Arc::new(elements), offset: 0 })
    }

    /// A window into a shared buffer, without copying: how one flat vector holds all parameters of a model.
    ///
    /// # Errors
    /// [`Error::Length`] if the window reaches beyond the buffer.
    pub fn view(buffer: Arc<Vec<S>>, offset: usize, shape: Shape) -> Result<Self, Error> {
        match offset.checked_add(shape.len()) {
            Some(end) if end <= buffer.len() => Ok(Self { shape, buffer, offset }),
            end => Err(Error::Length {
                op: "Tensor::view",
                what: "buffer",
                expected: end.unwrap_or(usize::MAX),
                got: buffer.len(),
            }),
        }
    }

    /// The same elements in another shape; shares the buffer.
    ///
    /// # Errors
    /// [`Error::Shapes`] if the number of elements differs.
    pub fn reshape(&self, dims: &[usize]) -> Result<Self, Error> {
        let shape = Shape::new(dims)?;
        if shape.len() != self.shape.len() {
            return Err(Error::shapes("reshape", self.shape, shape, "both must have the same number of elements"));
        }
        Ok(Self { shape, buffer: self.buffer.clone(), offset: self.offset })
    }

    /// The shape.
    #[must_use]
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// The elements in row-major order.
    #[must_use]
    pub fn as_slice(&self) -> &[S] {
        &self.buffer[self.offset..self.offset + self.shape.len()]
    }

    /// The elements, if nobody else holds the buffer.
    pub(crate) fn as_unique_mut(&mut self) -> Option<&mut [S]> {
        let range = self.offset..self.offset + self.shape.len();
        Arc::get_mut(&mut self.buffer).map(|buffer| &mut buffer[range])
    }

    /// The first element: the value of a scalar. `None` for an empty tensor.
    #[must_use]
    pub fn item(&self) -> Option<S> {
        self.as_slice().first().copied()
    }
}

impl<S: Scalar> core::fmt::Debug for Tensor<S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Tensor{} {:?}", self.shape, self.as_slice())
    }
}

impl<S: Scalar> PartialEq for Tensor<S> {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape && self.as_slice() == other.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_share_and_are_checked() -> Result<(), Error> {
        let buffer = Arc::new(vec![0.0, 1.0, 2.0, 3.0]);
        let view = Tensor::view(buffer.clone(), 1, Shape::new(&[3, 1])?)?;
        assert_eq!(view.as_slice(), [1.0, 2.0, 3.0]);
        assert!(Tensor::view(buffer.clone(), 2, Shape::new(&[3])?).is_err());
        assert!(Tensor::view(buffer, usize::MAX, Shape::new(&[3])?).is_err());
        assert!(view.reshape(&[2]).is_err());
        assert!(Tensor::new(&[2], vec![1.0f32]).is_err());
        Ok(())
    }
}
