//! Dropout with a given mask.

use crate::{Error, Scalar, Var};

impl<'t, S: Scalar> Var<'t, S> {
    /// y = x · mask, element by element: dropout with a mask somebody else drew, which holds 0 (dropped) or 1 / keep
    /// probability (kept, "inverted" dropout, so that nothing is to do at evaluation). dx = dy · mask.
    ///
    /// ```
    /// use nl_autodiff::{Tape, Tensor};
    /// let tape = Tape::new();
    /// let x = tape.leaf(Tensor::new(&[3], vec![1.0f32, 2.0, 3.0])?);
    /// let mask = tape.constant_with(&[3], |m| m.copy_from_slice(&[2.0, 0.0, 2.0]))?;
    /// assert_eq!(x.mask_mul(mask)?.value().as_slice(), [2.0, 0.0, 6.0]);
    /// # Ok::<(), nl_autodiff::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shapes`] if the shapes differ.
    pub fn mask_mul(self, mask: Self) -> Result<Self, Error> {
        if self.shape() != mask.shape() {
            return Err(Error::shapes(
                "mask_mul",
                self.shape(),
                mask.shape(),
                "there must be one mask entry for each element",
            ));
        }
        self.mul(mask)
    }
}
