//! Numerical integrators apart from models: one step of dt over a small system of ordinary differential equations.

use nl_kernels::Float;
use serde::{Deserialize, Serialize};

/// The right-hand side of dy/dt = f(y), y of N variables, with everything else (input, parameters) held constant.
///
/// Mark the implementations `#[inline(always)]` and branch-free: a population's loop vectorises through them.
///
/// ```
/// use nl_neuron::integrate::{Integrator, Ode, Rk4};
///
/// struct Decay; // y' = −y
/// impl Ode<f64, 1> for Decay {
///     fn slope(&self, [y]: [f64; 1]) -> [f64; 1] {
///         [-y]
///     }
/// }
/// let [y] = Rk4::step(&Decay, [1.0], 0.1);
/// assert!((y - (-0.1_f64).exp()).abs() < 1e-7);
/// ```
pub trait Ode<F: Float, const N: usize> {
    /// f(y).
    fn slope(&self, y: [F; N]) -> [F; N];

    /// The conditionally linear form (a, b) of f_i(y) = a_i − b_i y_i, where a_i and b_i may depend on the other
    /// variables; the default b = 0 turns exponential Euler into Euler.
    #[inline(always)]
    fn linear(&self, y: [F; N]) -> ([F; N], [F; N]) {
        (self.slope(y), [F::ZERO; N])
    }
}

/// A one-step method.
pub trait Integrator {
    /// p, where the error at a fixed time shrinks like dt^p.
    const ORDER: u32;

    /// y(t + dt) from y(t).
    fn step<F: Float, const N: usize, O: Ode<F, N>>(ode: &O, y: [F; N], dt: F) -> [F; N];
}

/// y + dt f(y).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Euler;

/// y_i + (a_i − b_i y_i) (1 − e^(−b_i dt)) / b_i, with a and b of [`Ode::linear`] at the start of the step: exact where
/// they are constant, and never unstable for b > 0 (MacGregor 1987; Rush & Larsen 1978 for gates).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExponentialEuler;

/// The midpoint method: y + dt f(y + dt/2 f(y)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rk2;

/// The classical Runge-Kutta method of Kutta 1901.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rk4;

/// The integrators by name: what a model's parameters hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// [`Euler`], order 1.
    Euler,
    /// [`ExponentialEuler`], order 1.
    ExponentialEuler,
    /// [`Rk2`], order 2.
    Rk2,
    /// [`Rk4`], order 4.
    Rk4,
}

impl Method {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Euler, Self::ExponentialEuler, Self::Rk2, Self::Rk4];

    /// The declared order.
    #[must_use]
    pub fn order(self) -> u32 {
        match self {
            Self::Euler => Euler::ORDER,
            Self::ExponentialEuler => ExponentialEuler::ORDER,
            Self::Rk2 => Rk2::ORDER,
            Self::Rk4 => Rk4::ORDER,
        }
    }
}

impl Integrator for Euler {
    const ORDER: u32 = 1;

    #[inline(always)]
    fn step<F: Float, const N: usize, O: Ode<F, N>>(ode: &O, y: [F; N], dt: F) -> [F; N] {
        ahead(y, dt, ode.slope(y))
    }
}

impl Integrator for ExponentialEuler {
    const ORDER: u32 = 1;

    #[inline(always)]
    fn step<F: Float, const N: usize, O: Ode<F, N>>(ode: &O, mut y: [F; N], dt: F) -> [F; N] {
        let (a, b) = ode.linear(y);
        // By hand: left to the compiler, a loop over six variables stays one, and the population's loop stays scalar.
        macro_rules! relax {
            ($($i:literal)*) => {
                $(if $i < N {
                    y[$i] += (a[$i] - b[$i] * y[$i]) * dt / over_one_minus_exp(b[$i] * dt);
                })*
            };
        }
        relax!(0 1 2 3 4 5 6 7);
        for i in 8..N {
            y[i] += (a[i] - b[i] * y[i]) * dt / over_one_minus_exp(b[i] * dt);
        }
        y
    }
}

impl Integrator for Rk2 {
    const ORDER: u32 = 2;

    #[inline(always)]
    fn step<F: Float, const N: usize, O: Ode<F, N>>(ode: &O, y: [F; N], dt: F) -> [F; N] {
        let middle = ahead(y, dt * F::from_f64(0.5), ode.slope(y));
        ahead(y, dt, ode.slope(middle))
    }
}

impl Integrator for Rk4 {
    const ORDER: u32 = 4;

    #[inline(always)]
    fn step<F: Float, const N: usize, O: Ode<F, N>>(ode: &O, mut y: [F; N], dt: F) -> [F; N] {
        let (half, sixth, two) = (dt * F::from_f64(0.5), dt * F::from_f64(1.0 / 6.0), F::from_f64(2.0));
        let k1 = ode.slope(y);
        let k2 = ode.slope(ahead(y, half, k1));
        let k3 = ode.slope(ahead(y, half, k2));
        let k4 = ode.slope(ahead(y, dt, k3));
        for i in 0..N {
            y[i] += sixth * (k1[i] + two * (k2[i] + k3[i]) + k4[i]);
        }
        y
    }
}

/// y + h k.
#[inline(always)]
fn ahead<F: Float, const N: usize>(mut y: [F; N], h: F, k: [F; N]) -> [F; N] {
    for i in 0..N {
        y[i] += h * k[i];
    }
    y
}

/// x / (1 − e^(−x)), 1 at its removable pole x = 0; branch-free.
///
/// The rates of Hodgkin and Huxley have this form, and (1 − e^(−x)) / x is its inverse. Near 0, where 1 − e^(−x) would
/// cancel, the series Σ B_n (−x)^n / n! is taken; its remainder is below 10⁻¹⁵ there.
///
/// ```
/// use nl_neuron::integrate::over_one_minus_exp;
/// assert_eq!(over_one_minus_exp(0.0_f64), 1.0);
/// assert!((over_one_minus_exp(1e-9_f64) - (1.0 + 0.5e-9)).abs() < 1e-15);
/// ```
#[inline(always)]
#[must_use]
pub fn over_one_minus_exp<F: Float>(x: F) -> F {
    const SERIES: [f64; 7] = [
        1.0,
        1.0 / 12.0,
        -1.0 / 720.0,
        1.0 / 30_240.0,
        -1.0 / 1_209_600.0,
        1.0 / 47_900_160.0,
        -691.0 / 1_307_674_368_000.0,
    ];
    let square = x * x;
    let mut series = F::from_f64(SERIES[6]);
    for i in (0..6).rev() {
        series = series * square + F::from_f64(SERIES[i]);
    }
    let near = series + F::from_f64(0.5) * x;
    let far = x / (F::ONE - (-x).v_exp());
    if x.abs() < F::from_f64(0.5) { near } else { far }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use approx::{assert_abs_diff_eq, assert_relative_eq};

    /// Asserts that every integrator approaches y(t) of `ode` from `y` at its declared order, within 0.1.
    pub(crate) fn assert_orders<const N: usize>(name: &str, ode: &impl Ode<f64, N>, y: [f64; N], t: f64, dt: f64) {
        assert_order::<Euler, N>(name, ode, y, t, dt / 64.0);
        assert_order::<ExponentialEuler, N>(name, ode, y, t, dt / 64.0);
        assert_order::<Rk2, N>(name, ode, y, t, dt / 8.0);
        assert_order::<Rk4, N>(name, ode, y, t, dt);
    }

    fn run<I: Integrator, const N: usize>(ode: &impl Ode<f64, N>, mut y: [f64; N], t: f64, dt: f64) -> [f64; N] {
        for _ in 0..(t / dt).round() as usize {
            y = I::step(ode, y, dt);
        }
        y
    }

    pub(crate) fn assert_order<I: Integrator, const N: usize>(
        name: &str,
        ode: &impl Ode<f64, N>,
        y: [f64; N],
        t: f64,
        dt: f64,
    ) {
        // Differences of successive halvings shrink by 2^p; no exact solution is needed.
        let ys = [dt, dt / 2.0, dt / 4.0].map(|dt| run::<I, N>(ode, y, t, dt));
        let distance = |a: &[f64; N], b: &[f64; N]| {
            (0..N).map(|i| ((a[i] - b[i]) / (1.0 + ys[2][i].abs())).powi(2)).sum::<f64>().sqrt()
        };
        let slope = (distance(&ys[0], &ys[1]) / distance(&ys[1], &ys[2])).log2();
        let method = core::any::type_name::<I>();
        assert!((slope - f64::from(I::ORDER)).abs() < 0.1, "{name}, {method}: order {slope}, declared {}", I::ORDER);
    }

    /// Lotka & Volterra: x' = x (1 − y), y' = y (x − 1); conditionally linear in both.
    struct Predators;

    impl Ode<f64, 2> for Predators {
        fn slope(&self, [x, y]: [f64; 2]) -> [f64; 2] {
            [x * (1.0 - y), y * (x - 1.0)]
        }

        fn linear(&self, [x, y]: [f64; 2]) -> ([f64; 2], [f64; 2]) {
            ([0.0, 0.0], [y - 1.0, 1.0 - x])
        }
    }

    #[test]
    fn a_nonlinear_system_converges_at_the_declared_orders() {
        assert_orders("Lotka-Volterra", &Predators, [1.5, 0.7], 2.0, 0.1);
    }

    #[test]
    fn exponential_euler_is_exact_for_a_linear_equation() {
        struct Decay;
        impl Ode<f64, 1> for Decay {
            fn slope(&self, [y]: [f64; 1]) -> [f64; 1] {
                [3.0 - 2.0 * y]
            }
            fn linear(&self, _: [f64; 1]) -> ([f64; 1], [f64; 1]) {
                ([3.0], [2.0])
            }
        }
        for dt in [1e-9, 0.1, 0.249, 0.251, 10.0, 1e4] {
            let [y] = ExponentialEuler::step(&Decay, [5.0], dt);
            // Some last places of 5.
            assert_abs_diff_eq!(y, 1.5 + 3.5 * (-2.0 * dt).exp(), epsilon = 4e-15);
        }
    }

    #[test]
    fn the_removable_pole_is_accurate_to_the_last_places() {
        let exact = |x: f64| if x == 0.0 { 1.0 } else { x / -(-x).exp_m1() };
        for i in -4000..=4000 {
            let x = f64::from(i) * 0.0137;
            let error = (over_one_minus_exp(x) / exact(x) - 1.0).abs();
            assert!(error < 2e-15, "f64 at {x}: {error:e}");
            let single = x as f32;
            let error = (f64::from(over_one_minus_exp(single)) / exact(f64::from(single)) - 1.0).abs();
            assert!(error < 6e-7, "f32 at {x}: {error:e}");
        }
        for tiny in [1e-300, 1e-12, -1e-12, 1e-7, -1e-7, 0.499_999, 0.500_001] {
            assert_relative_eq!(over_one_minus_exp(tiny), exact(tiny), max_relative = 2e-15); // ten last places
        }
        assert_eq!((over_one_minus_exp(-1e4_f32), over_one_minus_exp(1e4_f32)), (0.0, 1e4));
    }
}
