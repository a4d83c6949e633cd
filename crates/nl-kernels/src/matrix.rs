//! Matrix views over slices: a shape and two strides, checked once against the slice.

use crate::ShapeError;

/// A read-only `rows × cols` view: element (i, j) is `data[i · row_stride + j · col_stride]`.
///
/// ```
/// use nl_kernels::MatRef;
/// let m = MatRef::new(&[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3)?;
/// assert_eq!(m.get(1, 0), Some(4.0));
/// assert_eq!(m.t().get(2, 1), Some(6.0));
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// A writable `rows × cols` view; no two of its elements share a cell.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

/// The last index of a view plus one, 0 if it has no elements; `None` if it overflows.
fn extent(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> Option<usize> {
    if rows == 0 || cols == 0 {
        return Some(0);
    }
    let down = (rows - 1).checked_mul(row_stride)?;
    let across = (cols - 1).checked_mul(col_stride)?;
    down.checked_add(across)?.checked_add(1)
}

fn check(op: &'static str, len: usize, rows: usize, cols: usize, strides: [usize; 2]) -> Result<(), ShapeError> {
    let Some(expected) = extent(rows, cols, strides[0], strides[1]) else {
        return Err(ShapeError::Invalid {
            op,
            message: format!("{rows}x{cols} with strides {strides:?} overflows the address space; check the shape"),
        });
    };
    if expected <= len { Ok(()) } else { Err(ShapeError::Length { op, what: "data", expected, got: len }) }
}

impl<'a, T> MatRef<'a, T> {
    /// The contiguous row-major matrix `data` of exactly `rows · cols` elements.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` has another length.
    pub fn new(data: &'a [T], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        crate::error::check_len("MatRef::new", "data", data.len(), crate::size::elements(&[rows, cols]))?;
        Ok(Self { data, rows, cols, row_stride: cols, col_stride: 1 })
    }

    /// Element (i, j) at `data[i · row_stride + j · col_stride]`; strides may be 0 (a broadcast).
    ///
    /// # Errors
    /// [`ShapeError`] if an element would lie outside `data`.
    pub fn strided(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        check("MatRef::strided", data.len(), rows, cols, [row_stride, col_stride])?;
        Ok(Self { data, rows, cols, row_stride, col_stride })
    }

    /// The transposed view.
    #[must_use]
    pub const fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Distance in elements between rows.
    #[must_use]
    pub const fn row_stride(&self) -> usize {
        self.row_stride
    }

    /// Distance in elements between columns.
    #[must_use]
    pub const fn col_stride(&self) -> usize {
        self.col_stride
    }

    /// Element (i, j), `None` outside.
    #[must_use]
    pub fn get(&self, i: usize, j: usize) -> Option<T>
    where
        T: Copy,
    {
        (i < self.rows && j < self.cols).then(|| self.data[i * self.row_stride + j * self.col_stride])
    }

    pub(crate) const fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }
}

impl<'a, T> MatMut<'a, T> {
    /// The contiguous row-major matrix `data` of exactly `rows · cols` elements.
    ///
    /// # Errors
    /// [`ShapeError`] if `data` has another length.
    pub fn new(data: &'a mut [T], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        crate::error::check_len("MatMut::new", "data", data.len(), crate::size::elements(&[rows, cols]))?;
        Ok(Self { data, rows, cols, row_stride: cols, col_stride: 1 })
    }

    /// Element (i, j) at `data[i · row_stride + j · col_stride]`.
    ///
    /// # Errors
    /// [`ShapeError`] if an element would lie outside `data`, or if the strides do not nest (one stride must step over
    /// everything the other reaches), so that two elements might share a cell.
    pub fn strided(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        const OP: &str = "MatMut::strided";
        check(OP, data.len(), rows, cols, [row_stride, col_stride])?;
        // The check above proved that these products do not overflow.
        let nests =
            |inner: usize, n: usize, outer: usize, m: usize| (n < 2 || inner > 0) && (m < 2 || outer > (n - 1) * inner);
        let distinct = rows == 0
            || cols == 0
            || nests(col_stride, cols, row_stride, rows)
            || nests(row_stride, rows, col_stride, cols);
        if !distinct {
            return Err(ShapeError::Invalid {
                op: OP,
                message: format!(
                    "elements of a {rows}x{cols} matrix with strides [{row_stride}, {col_stride}] may overlap; \
                     make one stride larger than the reach of the other"
                ),
            });
        }
        Ok(Self { data, rows, cols, row_stride, col_stride })
    }

    /// The transposed view.
    #[must_use]
    pub fn t(self) -> Self {
        Self {
            data: self.data,
            rows: self.cols,
            cols: self.rows,
            row_stride: self.col_stride,
            col_stride: self.row_stride,
        }
    }

    /// The same cells, read-only.
    #[must_use]
    pub fn as_ref(&self) -> MatRef<'_, T> {
        MatRef {
            data: self.data,
            rows: self.rows,
            cols: self.cols,
            row_stride: self.row_stride,
            col_stride: self.col_stride,
        }
    }

    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_mut_ptr()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_stay_inside_their_slice() {
        let data = [0.0_f32; 12];
        assert!(MatRef::new(&data, 3, 4).is_ok());
        assert!(MatRef::new(&data, 3, 5).is_err());
        assert!(MatRef::new(&data, 2, 5).is_err());
        assert!(MatRef::new(&data, usize::MAX, 2).is_err());
        assert!(MatRef::strided(&data, 3, 2, 5, 1).is_ok());
        assert!(MatRef::strided(&data, 3, 3, 5, 1).is_err());
        assert!(MatRef::strided(&data, 3, 3, 0, 0).is_ok());
        assert!(MatRef::strided(&data, usize::MAX, 2, usize::MAX, 1).is_err());
        assert!(MatRef::strided(&data, 2, 2, usize::MAX, 1).is_err());
        assert!(MatRef::strided(&data[..0], 0, 7, 9, 9).is_ok());
    }

    #[test]
    fn writable_views_have_distinct_cells() {
        let mut data = [0.0_f32; 12];
        assert!(MatMut::strided(&mut data, 3, 2, 2, 1).is_ok());
        assert!(MatMut::strided(&mut data, 3, 2, 1, 3).is_ok());
        assert!(MatMut::strided(&mut data, 3, 2, 1, 2).is_err());
        assert!(MatMut::strided(&mut data, 3, 2, 0, 1).is_err());
        assert!(MatMut::strided(&mut data, 3, 1, 0, 1).is_err());
        assert!(MatMut::strided(&mut data, 1, 3, 0, 1).is_ok());
        assert!(MatMut::strided(&mut data, 1, 1, 0, 0).is_ok());
    }

    #[test]
    fn transposing_swaps_indices() {
        let data: Vec<i32> = (0..6).collect();
        let m = MatRef::new(&data, 2, 3).unwrap();
        for i in 0..2 {
            for j in 0..3 {
                assert_eq!(m.get(i, j), m.t().get(j, i));
            }
        }
        assert_eq!(m.get(2, 0), None);
        assert_eq!(m.get(0, 3), None);
    }
}
