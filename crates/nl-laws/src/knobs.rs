//! Jitter of the parameters of what is tested.

use proptest::strategy::Strategy;

/// Small random numbers with which a subject may jitter its parameters; all 0 in a shrunk counter-example.
///
/// ```
/// use nl_laws::Knobs;
/// let still = Knobs::default();
/// assert_eq!((still.scale(0, 20.0), still.jitter(1, 20.0), still.shift(2, 3.0)), (20.0, 20.0, 0.0));
/// let turned = Knobs([4, -4, 2, 0, 0, 0, 0, 0]);
/// assert_eq!((turned.scale(0, 20.0), turned.jitter(1, 20.0), turned.shift(2, 3.0)), (40.0, 16.0, 1.5));
/// assert_eq!(turned.pick(2, &["a", "b", "c"]), "c");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Knobs(pub [i8; 8]);

impl Knobs {
    /// The number of steps a knob has to each side of 0.
    pub const REACH: i8 = 4;

    /// All settings, which shrink towards none.
    pub fn strategy() -> impl Strategy<Value = Self> {
        proptest::array::uniform8(-Self::REACH..=Self::REACH).prop_map(Self)
    }

    /// How far a knob is turned, −1 to 1. Knobs run from 0 to 7.
    fn turned(self, knob: usize) -> f64 {
        f64::from(self.0[knob % 8]) / f64::from(Self::REACH)
    }

    /// `base` times 2^k, k from −1 to 1: `base` itself when the knob stands at 0.
    #[must_use]
    pub fn scale(&self, knob: usize, base: f64) -> f64 {
        base * 2.0_f64.powf(self.turned(knob))
    }

    /// `base` times 1 + k, k from −0.2 to 0.2.
    #[must_use]
    pub fn jitter(&self, knob: usize, base: f64) -> f64 {
        base + self.shift(knob, 0.2 * base)
    }

    /// Something from −`reach` to `reach`, 0 when the knob stands at 0.
    #[must_use]
    pub fn shift(&self, knob: usize, reach: f64) -> f64 {
        reach * self.turned(knob)
    }

    /// One of `options`: the first when the knob stands at 0.
    ///
    /// # Panics
    /// If there are no options.
    #[must_use]
    pub fn pick<T: Copy>(&self, knob: usize, options: &[T]) -> T {
        options[self.0[knob % 8].unsigned_abs() as usize % options.len()]
    }
}
