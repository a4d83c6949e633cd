//! All surrogates as one value, for configurations, and over slices.

use nl_kernels::{Level, Vectorised};
use serde::{Deserialize, Serialize};

use super::{
    Arctan, Circ, Erf, EscapeRate, Exponential, FastSigmoid, Fourier, LeakyRectangle, LeakyRelu, LogAbs,
    PiecewiseQuadratic, QPseudoSpike, S2nn, Sigmoid, SoftSign, SparseFastSigmoid, StraightThrough, SuperSpike,
    Surrogate, Tanh, Triangle,
};
use crate::{Error, Float};

/// Any of the surrogates, by name: in a configuration `{kind: fast-sigmoid, k: 100}`; missing parameters are defaults.
///
/// The default is [`Arctan`], α = 2 (snnTorch's).
///
/// ```
/// use nl_neuron::{Surrogate, SurrogateKind};
///
/// let kind: SurrogateKind = serde_json::from_str(r#"{ "kind": "triangle", "gamma": 0.5 }"#)?;
/// kind.check()?;
/// let mut slopes = [0.0_f32; 3];
/// kind.slopes(&[-2.0, 0.0, 0.5], &mut slopes)?;
/// assert_eq!(slopes, [0.0, 0.5, 0.25]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is the surrogate of that name")]
pub enum SurrogateKind {
    FastSigmoid(FastSigmoid),
    SuperSpike(SuperSpike),
    SoftSign(SoftSign),
    Arctan(Arctan),
    Sigmoid(Sigmoid),
    Triangle(Triangle),
    PiecewiseQuadratic(PiecewiseQuadratic),
    Exponential(Exponential),
    Erf(Erf),
    Tanh(Tanh),
    Circ(Circ),
    LeakyRectangle(LeakyRectangle),
    StraightThrough(StraightThrough),
    LeakyRelu(LeakyRelu),
    QPseudoSpike(QPseudoSpike),
    LogAbs(LogAbs),
    S2nn(S2nn),
    Fourier(Fourier),
    EscapeRate(EscapeRate),
    SparseFastSigmoid(SparseFastSigmoid),
}

impl Default for SurrogateKind {
    fn default() -> Self {
        Self::Arctan(Arctan::default())
    }
}

/// What is done with the surrogate that a [`SurrogateKind`] holds, compiled once for each of them.
pub trait SurrogateVisitor {
    /// What it gives.
    type Output;
    /// Called with the surrogate.
    fn visit<S: Surrogate>(self, surrogate: &S) -> Self::Output;
}

impl SurrogateKind {
    /// Every surrogate with its default parameters.
    #[must_use]
    pub fn all() -> [Self; 20] {
        [
            Self::FastSigmoid(FastSigmoid::default()),
            Self::SuperSpike(SuperSpike::default()),
            Self::SoftSign(SoftSign::default()),
            Self::Arctan(Arctan::default()),
            Self::Sigmoid(Sigmoid::default()),
            Self::Triangle(Triangle::default()),
            Self::PiecewiseQuadratic(PiecewiseQuadratic::default()),
            Self::Exponential(Exponential::default()),
            Self::Erf(Erf::default()),
            Self::Tanh(Tanh::default()),
            Self::Circ(Circ::default()),
            Self::LeakyRectangle(LeakyRectangle::default()),
            Self::StraightThrough(StraightThrough::default()),
            Self::LeakyRelu(LeakyRelu::default()),
            Self::QPseudoSpike(QPseudoSpike::default()),
            Self::LogAbs(LogAbs::default()),
            Self::S2nn(S2nn::default()),
            Self::Fourier(Fourier::default()),
            Self::EscapeRate(EscapeRate::default()),
            Self::SparseFastSigmoid(SparseFastSigmoid::default()),
        ]
    }

    /// Chooses once; loops belong into the visitor.
    #[inline]
    pub fn visit<V: SurrogateVisitor>(&self, visitor: V) -> V::Output {
        match self {
            Self::FastSigmoid(s) => visitor.visit(s),
            Self::SuperSpike(s) => visitor.visit(s),
            Self::SoftSign(s) => visitor.visit(s),
            Self::Arctan(s) => visitor.visit(s),
            Self::Sigmoid(s) => visitor.visit(s),
            Self::Triangle(s) => visitor.visit(s),
            Self::PiecewiseQuadratic(s) => visitor.visit(s),
            Self::Exponential(s) => visitor.visit(s),
            Self::Erf(s) => visitor.visit(s),
            Self::Tanh(s) => visitor.visit(s),
            Self::Circ(s) => visitor.visit(s),
            Self::LeakyRectangle(s) => visitor.visit(s),
            Self::StraightThrough(s) => visitor.visit(s),
            Self::LeakyRelu(s) => visitor.visit(s),
            Self::QPseudoSpike(s) => visitor.visit(s),
            Self::LogAbs(s) => visitor.visit(s),
            Self::S2nn(s) => visitor.visit(s),
            Self::Fourier(s) => visitor.visit(s),
            Self::EscapeRate(s) => visitor.visit(s),
            Self::SparseFastSigmoid(s) => visitor.visit(s),
        }
    }

    /// out\[i\] = ψ(x\[i\]), vectorised.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    pub fn slopes<F: Float>(&self, x: &[F], out: &mut [F]) -> Result<(), Error> {
        Error::length(self.name(), "out", x.len(), out.len())?;
        self.visit(Slopes { x, out });
        Ok(())
    }

    /// out\[i\] = g(x\[i\]), vectorised.
    ///
    /// # Errors
    /// [`Error::Length`] if the slices differ in length.
    pub fn primitives<F: Float>(&self, x: &[F], out: &mut [F]) -> Result<(), Error> {
        Error::length(self.name(), "out", x.len(), out.len())?;
        self.visit(Primitives { x, out });
        Ok(())
    }
}

impl Surrogate for SurrogateKind {
    fn name(&self) -> &'static str {
        self.visit(Name)
    }

    #[inline]
    fn slope<F: Float>(&self, x: F) -> F {
        self.visit(Slope(x))
    }

    #[inline]
    fn primitive<F: Float>(&self, x: F) -> F {
        self.visit(Primitive(x))
    }

    fn check(&self) -> Result<(), Error> {
        self.visit(Check)
    }
}

struct Name;
impl SurrogateVisitor for Name {
    type Output = &'static str;
    fn visit<S: Surrogate>(self, surrogate: &S) -> &'static str {
        surrogate.name()
    }
}

struct Check;
impl SurrogateVisitor for Check {
    type Output = Result<(), Error>;
    fn visit<S: Surrogate>(self, surrogate: &S) -> Result<(), Error> {
        surrogate.check()
    }
}

struct Slope<F>(F);
impl<F: Float> SurrogateVisitor for Slope<F> {
    type Output = F;
    #[inline]
    fn visit<S: Surrogate>(self, surrogate: &S) -> F {
        surrogate.slope(self.0)
    }
}

struct Primitive<F>(F);
impl<F: Float> SurrogateVisitor for Primitive<F> {
    type Output = F;
    #[inline]
    fn visit<S: Surrogate>(self, surrogate: &S) -> F {
        surrogate.primitive(self.0)
    }
}

struct Slopes<'a, F> {
    x: &'a [F],
    out: &'a mut [F],
}

impl<F: Float> SurrogateVisitor for Slopes<'_, F> {
    type Output = ();
    fn visit<S: Surrogate>(self, surrogate: &S) {
        let slope = |x| surrogate.slope(x);
        Level::current().dispatch(Map { f: slope, x: self.x, out: self.out });
    }
}

struct Primitives<'a, F> {
    x: &'a [F],
    out: &'a mut [F],
}

impl<F: Float> SurrogateVisitor for Primitives<'_, F> {
    type Output = ();
    fn visit<S: Surrogate>(self, surrogate: &S) {
        let primitive = |x| surrogate.primitive(x);
        Level::current().dispatch(Map { f: primitive, x: self.x, out: self.out });
    }
}

/// out = f(x), element by element.
struct Map<'a, F, M> {
    f: M,
    x: &'a [F],
    out: &'a mut [F],
}

impl<F: Float, M: Fn(F) -> F> Vectorised for Map<'_, F, M> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (out, &x) in self.out.iter_mut().zip(self.x) {
            *out = (self.f)(x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use approx::assert_abs_diff_eq;

    /// Points away from the kinks and jumps of all: none is a multiple of 1/16.
    fn points() -> impl Iterator<Item = f64> {
        (-400..400).map(|i| (f64::from(i) + 0.5) * 0.0137).filter(|x| (x * 16.0 - (x * 16.0).round()).abs() > 1e-3)
    }

    fn even(kind: SurrogateKind) -> bool {
        use SurrogateKind::{EscapeRate, LeakyRelu, S2nn, SparseFastSigmoid};
        !matches!(kind, EscapeRate(_) | LeakyRelu(_) | S2nn(_) | SparseFastSigmoid(_))
    }

    /// ∫ψ as documented; `None`: infinite or not defined.
    fn integral(kind: SurrogateKind) -> Option<f64> {
        Some(match kind {
            SurrogateKind::FastSigmoid(s) => 2.0 / s.k,
            SurrogateKind::SuperSpike(s) => 2.0 * s.alpha,
            SurrogateKind::Triangle(s) => s.gamma * s.width,
            SurrogateKind::Exponential(s) => 2.0 * s.gamma / s.beta,
            SurrogateKind::Tanh(s) => 2.0 / s.k,
            SurrogateKind::Circ(s) => 2.0 * s.alpha,
            SurrogateKind::EscapeRate(s) => 2.0 * s.k / s.beta,
            SurrogateKind::SparseFastSigmoid(s) => 1.0 / s.k - s.b / (1.0 + s.k * s.b.abs()),
            SurrogateKind::SoftSign(_)
            | SurrogateKind::Arctan(_)
            | SurrogateKind::Sigmoid(_)
            | SurrogateKind::PiecewiseQuadratic(_)
            | SurrogateKind::Erf(_)
            | SurrogateKind::QPseudoSpike(_) => 1.0,
            _ => return None,
        })
    }

    #[test]
    fn slope_is_the_derivative_of_the_primitive() {
        for kind in SurrogateKind::all() {
            let largest = points().map(|x| kind.slope(x).abs()).fold(0.0, f64::max);
            for x in points() {
                let h = 1e-5;
                let difference = (kind.primitive(x + h) - kind.primitive(x - h)) / (2.0 * h);
                let slope = kind.slope(x);
                assert!((difference - slope).abs() < 1e-6 * largest, "{} at {x}: {slope}, {difference}", kind.name());
            }
        }
    }

    #[test]
    fn finite_and_even_as_documented() {
        for kind in SurrogateKind::all() {
            let mut asymmetric = false;
            for i in 0..=4000 {
                let x = 1e-3 * 10_f64.powf(f64::from(i) * 6.0 / 4000.0);
                for x in [x, -x, 0.0] {
                    assert!(kind.slope(x).is_finite() && kind.primitive(x).is_finite(), "{} at {x}", kind.name());
                    let x = x as f32;
                    assert!(kind.slope(x).is_finite() && kind.primitive(x).is_finite(), "{} at {x}", kind.name());
                    let error = (f64::from(kind.slope(x)) - kind.slope(f64::from(x))).abs();
                    assert!(
                        error <= 1e-5 * (1.0 + kind.slope(0.0_f64).abs()),
                        "{} at {x} in f32: {error}",
                        kind.name()
                    );
                }
                asymmetric |= kind.slope(x) != kind.slope(-x);
            }
            assert_eq!(even(kind), !asymmetric, "{}", kind.name());
        }
    }

    /// Midpoint rule over t in (−1, 1) with x = t/(1 − |t|): tails like 1/x² become finite.
    #[test]
    fn integrals_are_as_documented() {
        for kind in SurrogateKind::all() {
            let Some(expected) = integral(kind) else { continue };
            let n = 400_000;
            let term = |i: i32| {
                let t = (f64::from(i) + 0.5) / f64::from(n);
                let d = 1.0 - t.abs();
                kind.slope(t / d) / (d * d) / f64::from(n)
            };
            let sum: f64 = (-n..n).map(term).sum();
            assert!((sum / expected - 1.0).abs() < 2e-4, "{}: {sum}, {expected}", kind.name());
            // ∫ψ = 1: the primitive is a smooth step from 0 to 1.
            if expected == 1.0 {
                assert!(kind.primitive(-1e9) < 1e-6 && kind.primitive(1e9) > 1.0 - 1e-6, "{}", kind.name());
                assert_abs_diff_eq!(kind.primitive(0.0_f64), 0.5, epsilon = 1e-12); // by symmetry, but for rounding
            }
        }
    }

    #[test]
    fn names_and_values_survive_a_configuration() {
        let names: Vec<&str> = SurrogateKind::all().iter().map(Surrogate::name).collect();
        for (i, kind) in SurrogateKind::all().into_iter().enumerate() {
            assert!(!names[..i].contains(&names[i]));
            assert!(kind.check().is_ok());
            let text = serde_json::to_string(&kind).unwrap();
            assert!(text.contains(&format!("\"kind\":\"{}\"", kind.name())), "{text}");
            assert_eq!(serde_json::from_str::<SurrogateKind>(&text).unwrap(), kind);
            let short = format!("{{\"kind\":\"{}\"}}", kind.name());
            assert_eq!(serde_json::from_str::<SurrogateKind>(&short).unwrap(), kind);
            let unknown = format!("{{\"kind\":\"{}\",\"nonsense\":1}}", kind.name());
            assert!(serde_json::from_str::<SurrogateKind>(&unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn slices_agree_with_single_values_and_lengths_are_checked() {
        let x: Vec<f32> = (-50..50).map(|i| i as f32 * 0.1).collect();
        let mut out = vec![0.0; x.len()];
        for kind in SurrogateKind::all() {
            kind.slopes(&x, &mut out).unwrap();
            assert!(x.iter().zip(&out).all(|(&x, &y)| kind.slope(x) == y), "{}", kind.name());
            kind.primitives(&x, &mut out).unwrap();
            assert!(x.iter().zip(&out).all(|(&x, &y)| kind.primitive(x) == y), "{}", kind.name());
            assert!(kind.slopes(&x, &mut out[1..]).is_err());
        }
    }

    #[test]
    fn meaningless_parameters_are_refused() {
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            let kinds = [
                SurrogateKind::FastSigmoid(FastSigmoid { k: bad }),
                SurrogateKind::SuperSpike(SuperSpike { alpha: bad }),
                SurrogateKind::SoftSign(SoftSign { alpha: bad }),
                SurrogateKind::Arctan(Arctan { alpha: bad }),
                SurrogateKind::Sigmoid(Sigmoid { k: bad }),
                SurrogateKind::Triangle(Triangle { gamma: bad, width: 1.0 }),
                SurrogateKind::Triangle(Triangle { gamma: 1.0, width: bad }),
                SurrogateKind::PiecewiseQuadratic(PiecewiseQuadratic { alpha: bad }),
                SurrogateKind::Exponential(Exponential { gamma: 1.0, beta: bad }),
                SurrogateKind::Erf(Erf { alpha: bad }),
                SurrogateKind::Tanh(Tanh { k: bad }),
                SurrogateKind::Circ(Circ { alpha: bad }),
                SurrogateKind::LeakyRectangle(LeakyRectangle { w: bad, c: 0.0 }),
                SurrogateKind::LeakyRelu(LeakyRelu { k: bad }),
                SurrogateKind::QPseudoSpike(QPseudoSpike { alpha: bad }),
                SurrogateKind::LogAbs(LogAbs { alpha: bad }),
                SurrogateKind::S2nn(S2nn { alpha: bad, beta: 1.0 }),
                SurrogateKind::Fourier(Fourier { n: 2, period: bad }),
                SurrogateKind::EscapeRate(EscapeRate { beta: bad, k: 1.0 }),
                SurrogateKind::SparseFastSigmoid(SparseFastSigmoid { k: bad, b: 1.0 }),
            ];
            for kind in kinds {
                assert!(kind.check().is_err(), "{kind:?}");
            }
        }
        assert!(QPseudoSpike { alpha: 1.0 }.check().is_err());
        for n in [0, 1, 1026] {
            assert!(Fourier { n, period: 8.0 }.check().is_err());
        }
    }
}
