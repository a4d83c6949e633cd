//! Time on the grid: how a duration becomes a number of steps, everywhere in this house.
//!
//! **The rule.** A simulation advances in steps of dt, so a duration that is counted in steps (a refractory period, a
//! delay, a window, the length of a run) is a whole number of them. [`Ms::steps`] and [`Ms::steps_u64`] *refuse* a
//! duration that is not, with [`Error::OffGrid`], which names the parameter, its value, dt and both neighbours: what was
//! asked for is then never silently something else. Rounding happens only where the caller asks for it:
//! [`Ms::on_grid`] is the nearest duration on the grid, ties up, and never 0 for a duration above 0; put it into the
//! parameters, and `parameters()` show what is used. Durations drawn at random (delays) are rounded by that same function.
//!
//! - 0 is on every grid: a refractory period of 0 is none. A delay is at least one step, because a spike cannot arrive in
//!   the step it is emitted in; of its two parts one may be 0.
//! - Time constants are not counted in steps: they take any positive value, and their decays are exact for it.
//! - Counts that are products (a rate times a duration) take [`whole`], the floor that does not lose one to rounding.
//!
//! **What counts as rounding.** 0.3 ms is 2.9999999999999996 steps of 0.1 ms, because neither decimal is a binary number:
//! value, dt and their quotient are each off by at most 2⁻⁵³ of themselves, and a duration that is itself a sum or a
//! product of a few others by some units more. A quotient of k steps therefore counts as whole within 10⁻⁹ k, a million
//! times that; at most 10⁻³ steps, so that long runs are looked at as closely. A slip of a human is larger: 0.1 ms read as
//! f32 is off by 1.5 · 10⁻⁸ of itself, and refused.

use crate::{Error, Ms};

/// How far from whole a quotient of about `steps` steps may lie by rounding alone.
fn slack(steps: f64) -> f64 {
    1e-9 * steps.abs().min(1e6)
}

/// The largest whole number that is not above `x`, where an `x` that only rounding keeps from a whole number is that
/// number: ⌊x⌋ for counts that are products.
///
/// The slack is 10⁻⁹ x, at least 10⁻⁹ and at most 10⁻³.
///
/// ```
/// use nl_units::grid::whole;
/// let spikes = 0.29_f64 * 100.0; // 28.999999999999996
/// assert_eq!((spikes.floor(), whole(spikes)), (28.0, 29.0));
/// assert_eq!((whole(28.99), whole(29.01)), (28.0, 29.0));
/// ```
#[must_use]
pub fn whole(x: f64) -> f64 {
    let near = x.round();
    if (x - near).abs() <= slack(near.abs().max(1.0)) { near } else { x.floor() }
}

/// `steps` times `dt`, as somebody would write it: 15 digits, so that 3 · 0.1 is 0.3.
fn written(steps: f64, dt: Ms) -> Ms {
    let product = steps * dt.0;
    Ms(format!("{product:.14e}").parse().unwrap_or(product))
}

impl Ms {
    /// This time as a whole number of steps of `dt`; the rule is that of [`grid`](crate::grid).
    ///
    /// ```
    /// use nl_units::Ms;
    /// assert_eq!(Ms(2.0).steps("lif", "t_ref", Ms(0.1))?, 20);
    /// assert_eq!(Ms(0.0).steps("lif", "t_ref", Ms(0.1))?, 0);
    /// let error = Ms(0.15).steps("lif", "t_ref", Ms(0.1)).unwrap_err().to_string();
    /// assert!(error.contains("use 0.1 ms or 0.2 ms"), "{error}");
    /// assert_eq!(Ms(0.15).on_grid(Ms(0.1)).steps("lif", "t_ref", Ms(0.1))?, 2);
    /// # Ok::<(), nl_units::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::OffGrid`] if it lies between two steps; [`Error::Parameter`] if either is not finite, `dt` is not positive,
    /// the time is negative, or there are 2³² or more steps.
    pub fn steps(self, model: &'static str, name: &'static str, dt: Self) -> Result<u32, Error> {
        let steps = self.steps_below(model, name, dt, f64::from(u32::MAX), "use 0 or more, below 2^32 steps")?;
        Ok(steps as u32)
    }

    /// As [`steps`](Self::steps), for the length of a run: up to 2⁵³ steps, where f64 stops counting.
    ///
    /// ```
    /// use nl_units::Ms;
    /// assert_eq!(Ms(1e12).steps_u64("network", "time", Ms(0.1))?, 10_000_000_000_000);
    /// assert!(Ms(0.04).steps_u64("network", "time", Ms(0.1)).is_err());
    /// # Ok::<(), nl_units::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`steps`](Self::steps), but for the larger limit.
    pub fn steps_u64(self, model: &'static str, name: &'static str, dt: Self) -> Result<u64, Error> {
        let most = 9_007_199_254_740_992.0;
        Ok(self.steps_below(model, name, dt, most, "use 0 or more, at most 2^53 steps")? as u64)
    }

    fn steps_below(
        self,
        model: &'static str,
        name: &'static str,
        dt: Self,
        most: f64,
        expected: &'static str,
    ) -> Result<f64, Error> {
        Error::positive(model, "dt", dt.0)?;
        let steps = self.0 / dt.0;
        let near = steps.round();
        Error::check(model, name, self.0, |x| x >= 0.0 && near <= most, expected)?;
        if (steps - near).abs() <= slack(near) {
            return Ok(near);
        }
        let (below, above) = (written(steps.floor(), dt), written(steps.floor() + 1.0, dt));
        Err(Error::OffGrid { model, name, value: self, dt, below, above })
    }

    /// The duration on the grid of `dt` that is nearest to this one, ties up; one step for what is shorter than that but
    /// above 0. A duration that is on the grid stays as it is. The rule is that of [`grid`](crate::grid).
    ///
    /// What has no place on a grid (negative, not finite, `dt` not positive) also stays as it is, for whoever takes the
    /// duration to refuse.
    ///
    /// ```
    /// use nl_units::Ms;
    /// let durations = [0.0, 0.01, 0.14, 0.15, 0.25, 0.3, 1.99].map(|ms| Ms(ms).on_grid(Ms(0.1)).0);
    /// assert_eq!(durations, [0.0, 0.1, 0.1, 0.2, 0.3, 0.3, 2.0]);
    /// ```
    #[must_use]
    pub fn on_grid(self, dt: Self) -> Self {
        let steps = self.0 / dt.0;
        let placeable = dt.0 > 0.0 && self.0 > 0.0 && steps.is_finite();
        if !placeable || (steps - steps.round()).abs() <= slack(steps.round()) {
            return self;
        }
        let below = steps.floor();
        // 0.15 / 0.1 is 1.4999999999999998: a tie but for rounding.
        let up = steps - below >= 0.5 - slack(steps.max(1.0));
        written((if up { below + 1.0 } else { below }).max(1.0), dt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: Ms = Ms(0.1);

    /// Every multiple of a usual dt, as its decimal is read, is on the grid, for a minute of it.
    #[test]
    fn decimals_are_on_the_grid() {
        for (dt, per_ms) in
            [(0.1, 10), (0.05, 20), (0.025, 40), (0.01, 100), (0.2, 5), (0.5, 2), (1.0, 1), (0.001, 1000)]
        {
            for k in (0..2000).chain((2000..60_000 * per_ms).step_by(997)) {
                let ms = Ms(f64::from(k) / f64::from(per_ms));
                assert_eq!(ms.steps("grid", "time", Ms(dt)), Ok(k), "{ms} at {dt}");
                assert_eq!(ms.on_grid(Ms(dt)), ms);
                // Also as a product, whose last digits differ.
                assert_eq!(Ms(f64::from(k) * dt).steps_u64("grid", "time", Ms(dt)), Ok(u64::from(k)));
            }
        }
        let sum: f64 = (0..1000).map(|_| 0.1).sum(); // 99.9999999999986
        assert_eq!(Ms(sum).steps("grid", "time", DT), Ok(1000));
    }

    #[test]
    fn what_lies_between_is_refused_with_both_neighbours() {
        for (ms, below, above) in [
            (0.15, 0.1, 0.2),
            (0.25, 0.2, 0.3),
            (0.04, 0.0, 0.1),
            (1e-12, 0.0, 0.1),
            (0.299_999, 0.2, 0.3),
            (700.05, 700.0, 700.1),
        ] {
            let error = Ms(ms).steps("lif", "t_ref", DT).unwrap_err();
            let (value, below, above) = (Ms(ms), Ms(below), Ms(above));
            assert_eq!(error, Error::OffGrid { model: "lif", name: "t_ref", value, dt: DT, below, above });
            assert_eq!(Ms(ms).steps_u64("lif", "t_ref", DT), Err(error.clone()));
            let text = error.to_string();
            for part in ["lif", "t_ref", &value.to_string(), "0.1 ms", &format!("use {below} or {above}"), "on_grid"] {
                assert!(text.contains(part), "{text}");
            }
        }
        assert!(Ms(f64::from(0.1_f32)).steps("grid", "time", DT).is_err());
        // A long run is looked at as closely as a short one.
        assert!(Ms(1e8 + 0.01).steps("grid", "time", DT).is_err());
    }

    #[test]
    fn what_is_no_duration_is_refused_and_left_alone() {
        for bad in [-0.1, -1e-30, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(Ms(bad).steps("grid", "time", DT), Err(Error::Parameter { name: "time", .. })), "{bad}");
            assert!(Ms(1.0).steps("grid", "time", Ms(bad)).is_err());
            assert_eq!(Ms(bad).on_grid(DT).0.to_bits(), bad.to_bits());
            assert_eq!(Ms(0.33).on_grid(Ms(bad)), Ms(0.33));
        }
        assert!(Ms(1.0).steps("grid", "time", Ms(0.0)).is_err());
        assert_eq!(Ms(0.33).on_grid(Ms(0.0)), Ms(0.33));
        assert_eq!(Ms(4_294_967_295.0).steps("grid", "time", Ms(1.0)), Ok(u32::MAX));
        assert!(Ms(4_294_967_296.0).steps("grid", "time", Ms(1.0)).is_err());
        assert_eq!(Ms(4_294_967_296.0).steps_u64("grid", "time", Ms(1.0)), Ok(1 << 32));
        assert!(Ms(1e17).steps_u64("grid", "time", Ms(1.0)).is_err());
        assert!(Ms(1e300).steps_u64("grid", "time", Ms(1e-300)).is_err());
    }

    #[test]
    fn rounding_goes_to_the_nearest_ties_up_and_never_to_nothing() {
        for dt in [0.1, 0.05, 0.3, 1.0 / 3.0, 1.0, 7.5e-3] {
            for i in 1..4000 {
                let ms = f64::from(i) * 0.013;
                let placed = Ms(ms).on_grid(Ms(dt));
                let steps = placed.steps("grid", "time", Ms(dt)).unwrap();
                assert!(
                    steps > 0 && (placed.0 - ms).abs() <= 0.5 * dt * (1.0 + 1e-8) || ms < dt,
                    "{ms} at {dt}: {placed}"
                );
                assert_eq!(placed.on_grid(Ms(dt)), placed);
            }
        }
        // k + 1/2 steps, whichever way the quotient was rounded.
        for k in 0..5000 {
            let tie = Ms(f64::from(2 * k + 1) / 20.0);
            assert_eq!(tie.on_grid(DT).steps("grid", "time", DT), Ok(k + 1), "{tie}");
        }
        assert_eq!(Ms(1e-300).on_grid(DT), DT);
    }

    #[test]
    fn floors_forgive_rounding_only() {
        // n/100 in steps of 1/100, as rates of spikes a step are: ⌊n/100 · 100⌋ = n.
        for n in 0..10_000 {
            assert_eq!(whole(f64::from(n) / 100.0 * 100.0), f64::from(n));
            assert_eq!(whole(f64::from(n) * 0.01 / 0.01), f64::from(n));
        }
        assert_eq!([0.5, 1.0 - 1e-6, -1e-12, -0.5, 1e6 - 0.01].map(whole), [0.0, 0.0, 0.0, -1.0, 999_999.0]);
        assert!(whole(f64::NAN).is_nan());
        assert_eq!(whole(f64::INFINITY), f64::INFINITY);
    }
}
