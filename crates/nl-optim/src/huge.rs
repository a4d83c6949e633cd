//! Gradients whose squares do not fit into `f32`: the averages of squares of Adam and RMSprop with such elements.
//!
//! g² leaves the range of `f32` beyond |g| = 1.8e19. An average that was ∞ once stays ∞, and g / √∞ = 0: the parameter
//! would never move again. So where |g| is above [`ORDINARY`], an element is computed in `f64`, and averages that do not
//! fit are scaled down **together**, (m, v) ← (f m, f² v) with v at [`MOST`]: m / √v, which is all that counts, stays as
//! it is. (Before a second gradient of that size the first weighs less than it should; u stays within its bounds.) Other
//! elements of the same gradient have the bits that they have without it.

/// The largest |g| that takes the fast way: squares are below `f32::MAX` / 256, so that no average of them overflows.
pub(crate) const ORDINARY: f32 = (1_u64 << 60) as f32;

/// The largest average of squares that is held; half of `f32::MAX`, so that the square of the mean, which is not
/// larger, cannot round to ∞.
const MOST: f64 = f32::MAX as f64 / 2.0;

/// m ← β₁ m + (1 − β₁) g,  v ← β₂ v + (1 − β₂) g² in `f64`, scaled down together if v is above [`MOST`].
pub(crate) fn moments(g: f32, m: f32, v: f32, beta1: f64, beta2: f64) -> (f32, f32) {
    let [g, m, v] = [g, m, v].map(f64::from);
    held(beta1 * m + (1.0 - beta1) * g, beta2 * v + (1.0 - beta2) * (g * g))
}

/// (m, v) as they are stored.
pub(crate) fn held(m: f64, v: f64) -> (f32, f32) {
    let scale = (MOST / v).min(1.0);
    ((m * scale.sqrt()) as f32, (v * scale) as f32)
}

/// x as `f32`; the largest one of its sign if it does not fit.
pub(crate) fn clamped(x: f64) -> f32 {
    (x as f32).clamp(-f32::MAX, f32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_that_do_not_fit_keep_their_ratio() {
        for g in [1e19_f32, 1e20, 1e25, f32::MAX] {
            let (m, v) = moments(g, 0.0, 0.0, 0.9, 0.999);
            let ratio = f64::from(m) / f64::from(v).sqrt();
            // 0.1 g / √(0.001 g²); both are rounded to f32.
            approx::assert_relative_eq!(ratio, 0.1 / 0.001_f64.sqrt(), max_relative = 1e-6);
            assert!(f64::from(v) <= MOST && m.is_finite());
            // Of one decay for both, the mean is not above the root of the square, and its own square fits.
            let (m, _) = moments(g, 0.0, 0.0, 0.99, 0.99);
            assert!((m * m).is_finite());
        }
        assert_eq!(moments(0.0, 0.0, 0.0, 0.9, 0.999), (0.0, 0.0));
        assert_eq!((clamped(1e300), clamped(-1e300), clamped(0.5)), (f32::MAX, -f32::MAX, 0.5));
    }
}
