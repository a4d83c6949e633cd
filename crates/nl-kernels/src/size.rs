//! Products and sums of sizes, none of which may wrap: what sizes a buffer or bounds an index comes from here.
//!
//! A product that wraps in a release build gives a buffer that is too small and an assertion that holds, so that a safe
//! call writes outside its memory. Sizes are therefore multiplied in one of two ways: checked, with an error that names
//! the operation and the sizes ([`product`]), before anything is allocated; or saturating ([`elements`], [`reach`]),
//! where the result is compared with the length of a slice, which `usize::MAX` never equals.

use crate::ShapeError;

/// Π sizes, for the elements of `what`.
pub(crate) fn product(op: &'static str, what: &'static str, sizes: &[usize]) -> Result<usize, ShapeError> {
    sizes.iter().try_fold(1_usize, |n, &size| n.checked_mul(size)).ok_or_else(|| ShapeError::Invalid {
        op,
        message: format!("{what} of {sizes:?} elements would not fit into memory; use smaller sizes"),
    })
}

/// a + b, for the elements of `what`.
pub(crate) fn sum(op: &'static str, what: &'static str, a: usize, b: usize) -> Result<usize, ShapeError> {
    a.checked_add(b).ok_or_else(|| ShapeError::Invalid {
        op,
        message: format!("{what} of {a} + {b} elements would not fit into memory; use smaller sizes"),
    })
}

/// Π sizes, `usize::MAX` if that is more.
pub(crate) const fn elements(sizes: &[usize]) -> usize {
    let (mut n, mut i) = (1_usize, 0);
    while i < sizes.len() {
        n = n.saturating_mul(sizes[i]);
        i += 1;
    }
    n
}

/// One more than the largest index that `width` neighbours reach from the last of `count` steps of each stride, given
/// as (count, stride); `usize::MAX` if that is more. Nothing is reached if a count is 0.
pub(crate) const fn reach(axes: &[(usize, usize)], width: usize) -> usize {
    let (mut end, mut i) = (width, 0);
    while i < axes.len() {
        let (count, stride) = axes[i];
        if count == 0 {
            return 0;
        }
        end = end.saturating_add((count - 1).saturating_mul(stride));
        i += 1;
    }
    end
}

/// Windows along an axis: ⌊(size + 2·padding − kernel) / stride⌋ + 1; 0 if there is none, or a size overflows.
pub(crate) const fn windows(size: usize, padding: usize, kernel: usize, stride: usize) -> usize {
    if stride == 0 {
        return 0;
    }
    let Some(padded) = padded(size, padding) else { return 0 };
    let Some(room) = padded.checked_sub(kernel) else { return 0 };
    (room / stride).saturating_add(1)
}

/// size + 2·padding
pub(crate) const fn padded(size: usize, padding: usize) -> Option<usize> {
    match padding.checked_mul(2) {
        Some(both) => size.checked_add(both),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_wraps() {
        const MAX: usize = usize::MAX;
        assert_eq!(product("op", "x", &[3, 4]).unwrap(), 12);
        assert_eq!(product("op", "x", &[0, MAX, MAX]).unwrap(), 0);
        let error = product("op", "x", &[1 << 63, 2]).unwrap_err().to_string();
        assert!(error.starts_with("op: x of [9223372036854775808, 2] elements"), "{error}");
        assert!(sum("op", "x", MAX, 1).is_err());
        assert_eq!((elements(&[1 << 63, 2]), elements(&[]), elements(&[2, 3])), (MAX, 1, 6));
        assert_eq!(reach(&[(2, 10), (3, 4)], 2), 20);
        assert_eq!((reach(&[(3, 1 << 63)], 1), reach(&[(0, MAX), (MAX, MAX)], 5)), (MAX, 0));
        assert_eq!(windows(4000, 0, 4000, 1 << 63), 1);
        assert_eq!(
            (windows(5, 1, 3, 2), windows(5, 0, 6, 1), windows(5, MAX, 1, 1), windows(5, 0, 1, 0)),
            (3, 0, 0, 0)
        );
        assert_eq!(windows(MAX, 0, 0, 1), MAX);
    }
}
