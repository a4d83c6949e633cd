//! Copies of operands in the order the register tile reads them.

use crate::Float;

use super::kernel::groups;

/// Side of the square that is transposed in registers.
const TILE: usize = 4;

/// dst\[p · dst_row + i\] = src\[i · row + p · col\], i < m, p < k: k rows of m contiguous elements.
///
/// # Safety
/// `src` is valid for m × k at these strides, `dst` for k rows of m, and they do not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose<T: Float>(
    src: *const T,
    row: usize,
    col: usize,
    m: usize,
    k: usize,
    dst: *mut T,
    dst_row: usize,
) {
    // SAFETY: every index below is inside m × k, for which the caller vouches.
    unsafe {
        if row == 1 {
            for p in 0..k {
                core::ptr::copy_nonoverlapping(src.add(p * col), dst.add(p * dst_row), m);
            }
            return;
        }
        let (m4, k4) = if col == 1 { (m - m % TILE, k - k % TILE) } else { (0, 0) };
        for i in (0..m4).step_by(TILE) {
            for p in (0..k4).step_by(TILE) {
                T::transpose4(src.add(i * row + p), row, dst.add(p * dst_row + i), dst_row);
            }
        }
        for i in 0..m {
            for p in if i < m4 { k4 } else { 0 }..k {
                *dst.add(p * dst_row + i) = *src.add(i * row + p * col);
            }
        }
    }
}

/// Packs the broadcast operand: for each group of rows a panel of `k` runs of its rows.
///
/// # Safety
/// `src` is valid for m × k at these strides, `dst` for m · k elements, and they do not overlap.
pub(crate) unsafe fn left<T: Float>(
    src: *const T,
    row: usize,
    col: usize,
    m: usize,
    k: usize,
    dst: *mut T,
    rows: usize,
) {
    for (start, r) in groups(m, rows) {
        // SAFETY: start + r <= m.
        unsafe { transpose(src.add(start * row), row, col, r, k, dst.add(start * k), r) };
    }
}

/// Packs the vector operand: strips of `strip` columns, each `k × strip` contiguous, the last one padded with zeros.
///
/// # Safety
/// `src` is valid for k × n at these strides, `dst` for k · n rounded up to whole strips, and they do not overlap.
pub(crate) unsafe fn right<T: Float>(
    src: *const T,
    row: usize,
    col: usize,
    k: usize,
    n: usize,
    dst: *mut T,
    strip: usize,
) {
    for j in (0..n).step_by(strip) {
        let width = strip.min(n - j);
        // SAFETY: j + width <= n; the strip starts at k · j because all strips before it are whole.
        unsafe {
            let to = dst.add(j * k);
            transpose(src.add(j * col), col, row, width, k, to, strip);
            if width < strip {
                for p in 0..k {
                    core::slice::from_raw_parts_mut(to.add(p * strip + width), strip - width).fill(T::ZERO);
                }
            }
        }
    }
}
