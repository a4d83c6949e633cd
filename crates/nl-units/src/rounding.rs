//! Whole numbers from products of numbers in single precision: what is whole but for rounding counts as whole.
//!
//! 290 Hz · 0.5 ms · 200 steps are 29 spikes, though the product in floating point is 28.999999999999996; an input of 0.7
//! in single precision is 0.699999988, and ten steps of it are 7. So a step or a count is taken from an interval, value ±
//! error, and not from the value alone.

/// The relative rounding of an input in single precision (half a unit in the last place, 2⁻²⁴), doubled: the operations
/// in double precision that follow it add next to nothing.
pub const INPUT: f64 = 1.0 / 8_388_608.0;

/// An error above this would make a number of anything.
const MOST: f64 = 0.25;

/// ⌊x⌋ of an `x` ± `error`: x rounded up if that is within the error.
#[must_use]
pub fn floor(x: f64, error: f64) -> f64 {
    (x + error.min(MOST)).floor()
}

/// ⌈x⌉ of an `x` ± `error`: x rounded down if that is within the error.
#[must_use]
pub fn ceil(x: f64, error: f64) -> f64 {
    (x - error.min(MOST)).ceil()
}

/// The nearest whole number to an `x` ± `error`, halves up.
#[must_use]
pub fn round(x: f64, error: f64) -> f64 {
    floor(x + 0.5, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_but_for_rounding_is_whole() {
        let product = 290.0 * 0.5 * 1e-3 * 200.0;
        assert_eq!((f64::floor(product), floor(product, 29.0 * INPUT)), (28.0, 29.0));
        // The 11th spike of 110 Hz · 0.1 ms is due at the end of step 1000.
        let due = 11.0 / (110.0 * 0.1 * 1e-3);
        assert_eq!((f64::ceil(due), ceil(due, due * INPUT)), (1001.0, 1000.0));
        let bits = f64::from(0.7_f32) * 255.0;
        assert_eq!((bits.round(), round(bits, bits * INPUT)), (178.0, 179.0));
        for (x, down, up, near) in [(2.0, 2.0, 2.0, 2.0), (2.4, 2.0, 3.0, 2.0), (2.6, 2.0, 3.0, 3.0)] {
            assert_eq!((floor(x, 1e-6), ceil(x, 1e-6), round(x, 1e-6)), (down, up, near));
        }
        assert_eq!(floor(2.7, 1e9), 2.0, "an error is never more than a quarter");
    }
}
