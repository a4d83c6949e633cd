//! The matrices of F(4×4, 3×3) and their transposes, as straight-line code over vectors.
//!
//! A filter polynomial of degree 2 and an output of 4 need products at 6 points: 0, ±α, ±β, ∞. With
//! m(t) = t (t² − α²)(t² − β²) and N_p = Π_{q≠p} (p − q):
//!
//! - Aᵀ: row i holds pⁱ; the column of ∞ is 0 0 0 1.
//! - G: row p is (1, p, p²)/N_p; that of ∞ is 0 0 1.
//! - Bᵀ: row p holds the coefficients of m(t)/(t − p); that of ∞ those of m(t).

use super::super::vector::Vector;
use crate::Float;

/// α and β. ±5/8 and ±3/2 are exact in binary, and against the customary ±1 and ±2 they halve the rounding error
/// (root mean square over normal data, 16 or 64 channels) and bring its maximum to a third.
const ALPHA: f64 = 0.625;
const BETA: f64 = 1.5;
const ALPHA2: f64 = ALPHA * ALPHA;
const BETA2: f64 = BETA * BETA;
/// N_p of 0, ±α and ±β.
const N_ZERO: f64 = ALPHA2 * BETA2;
const N_ALPHA: f64 = 2.0 * ALPHA2 * (ALPHA2 - BETA2);
const N_BETA: f64 = 2.0 * BETA2 * (BETA2 - ALPHA2);

#[inline(always)]
fn constant<T: Float, V: Vector<T>>(x: f64) -> V {
    V::splat(T::from_f64(x))
}

/// Bᵀ d
#[inline(always)]
pub(super) fn input<T: Float, V: Vector<T>>(d: [V; 6]) -> [V; 6] {
    let sum = constant::<T, V>(ALPHA2 + BETA2);
    let product = constant::<T, V>(ALPHA2 * BETA2);
    let even_alpha = constant::<T, V>(BETA2).neg_mul_add(d[2], d[4]);
    let odd_alpha = constant::<T, V>(BETA2).neg_mul_add(d[1], d[3]);
    let even_beta = constant::<T, V>(ALPHA2).neg_mul_add(d[2], d[4]);
    let odd_beta = constant::<T, V>(ALPHA2).neg_mul_add(d[1], d[3]);
    let (alpha, beta) = (constant::<T, V>(ALPHA), constant::<T, V>(BETA));
    [
        product.mul_add(d[0], sum.neg_mul_add(d[2], d[4])),
        alpha.mul_add(odd_alpha, even_alpha),
        alpha.neg_mul_add(odd_alpha, even_alpha),
        beta.mul_add(odd_beta, even_beta),
        beta.neg_mul_add(odd_beta, even_beta),
        product.mul_add(d[1], sum.neg_mul_add(d[3], d[5])),
    ]
}

/// B v: the adjoint of [`input`].
#[inline(always)]
pub(super) fn input_adjoint<T: Float, V: Vector<T>>(v: [V; 6]) -> [V; 6] {
    let sum = constant::<T, V>(ALPHA2 + BETA2);
    let product = constant::<T, V>(ALPHA2 * BETA2);
    let (even_alpha, odd_alpha) = (v[1].add(v[2]), constant::<T, V>(ALPHA).mul(v[1].sub(v[2])));
    let (even_beta, odd_beta) = (v[3].add(v[4]), constant::<T, V>(BETA).mul(v[3].sub(v[4])));
    let (alpha2, beta2) = (constant::<T, V>(ALPHA2), constant::<T, V>(BETA2));
    [
        product.mul(v[0]),
        beta2.neg_mul_add(odd_alpha, alpha2.neg_mul_add(odd_beta, product.mul(v[5]))),
        beta2.neg_mul_add(even_alpha, alpha2.neg_mul_add(even_beta, constant::<T, V>(0.0).sub(sum.mul(v[0])))),
        sum.neg_mul_add(v[5], odd_alpha.add(odd_beta)),
        v[0].add(even_alpha.add(even_beta)),
        v[5],
    ]
}

/// Aᵀ m
#[inline(always)]
pub(super) fn output<T: Float, V: Vector<T>>(m: [V; 6]) -> [V; 4] {
    let (even_alpha, odd_alpha) = (m[1].add(m[2]), m[1].sub(m[2]));
    let (even_beta, odd_beta) = (m[3].add(m[4]), m[3].sub(m[4]));
    [
        m[0].add(even_alpha.add(even_beta)),
        constant::<T, V>(ALPHA).mul_add(odd_alpha, constant::<T, V>(BETA).mul(odd_beta)),
        constant::<T, V>(ALPHA2).mul_add(even_alpha, constant::<T, V>(BETA2).mul(even_beta)),
        constant::<T, V>(ALPHA * ALPHA2).mul_add(odd_alpha, constant::<T, V>(BETA * BETA2).mul_add(odd_beta, m[5])),
    ]
}

/// A y: the adjoint of [`output`].
#[inline(always)]
pub(super) fn output_adjoint<T: Float, V: Vector<T>>(y: [V; 4]) -> [V; 6] {
    let (alpha2, beta2) = (constant::<T, V>(ALPHA2), constant::<T, V>(BETA2));
    let (even_alpha, odd_alpha) = (alpha2.mul_add(y[2], y[0]), alpha2.mul_add(y[3], y[1]));
    let (even_beta, odd_beta) = (beta2.mul_add(y[2], y[0]), beta2.mul_add(y[3], y[1]));
    let (alpha, beta) = (constant::<T, V>(ALPHA), constant::<T, V>(BETA));
    [
        y[0],
        alpha.mul_add(odd_alpha, even_alpha),
        alpha.neg_mul_add(odd_alpha, even_alpha),
        beta.mul_add(odd_beta, even_beta),
        beta.neg_mul_add(odd_beta, even_beta),
        y[3],
    ]
}

/// G g
#[inline(always)]
pub(super) fn filter<T: Float, V: Vector<T>>(g: [V; 3]) -> [V; 6] {
    let at = |p: f64, n: f64| {
        let even = constant::<T, V>(1.0 / n).mul(g[0]);
        let even = constant::<T, V>(p * p / n).mul_add(g[2], even);
        let odd = constant::<T, V>(p / n);
        (odd.mul_add(g[1], even), odd.neg_mul_add(g[1], even))
    };
    let (alpha, minus_alpha) = at(ALPHA, N_ALPHA);
    let (beta, minus_beta) = at(BETA, N_BETA);
    [constant::<T, V>(1.0 / N_ZERO).mul(g[0]), alpha, minus_alpha, beta, minus_beta, g[2]]
}

/// Gᵀ u: the adjoint of [`filter`].
#[inline(always)]
pub(super) fn filter_adjoint<T: Float, V: Vector<T>>(u: [V; 6]) -> [V; 3] {
    let (even_alpha, odd_alpha) = (u[1].add(u[2]), u[1].sub(u[2]));
    let (even_beta, odd_beta) = (u[3].add(u[4]), u[3].sub(u[4]));
    let c = |x: f64| constant::<T, V>(x);
    [
        c(1.0 / N_ALPHA).mul_add(even_alpha, c(1.0 / N_BETA).mul_add(even_beta, c(1.0 / N_ZERO).mul(u[0]))),
        c(ALPHA / N_ALPHA).mul_add(odd_alpha, c(BETA / N_BETA).mul(odd_beta)),
        c(ALPHA2 / N_ALPHA).mul_add(even_alpha, c(BETA2 / N_BETA).mul_add(even_beta, u[5])),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;
    use crate::conv::vector::{Kernel, run_at};

    /// One lane through each transform: Aᵀ[(G g) ⊙ (Bᵀ d)] is the correlation, and the adjoints are adjoint.
    struct Identities;

    impl Kernel<f64> for Identities {
        type Output = ();
        #[inline(always)]
        fn run<V: Vector<f64>>(self) {
            let v = |x: f64| V::splat(x);
            let n = |x: V| x.to_array()[0];
            let d = [0.3, -1.2, 0.7, 2.1, -0.4, 1.9];
            let g = [0.8, -0.5, 1.7];
            let (wd, wg) = (input::<f64, V>(d.map(v)), filter::<f64, V>(g.map(v)));
            let y = output::<f64, V>(core::array::from_fn(|i| wd[i].mul(wg[i]))).map(n);
            for i in 0..4 {
                let direct: f64 = (0..3).map(|u| d[i + u] * g[u]).sum();
                approx::assert_abs_diff_eq!(y[i], direct, epsilon = 1e-14);
            }
            let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
            let m = [-0.9, 0.2, 1.3, 0.6, -1.1, 0.35];
            let close = |a: f64, b: f64| approx::assert_relative_eq!(a, b, epsilon = 1e-13, max_relative = 1e-13);
            close(dot(&wd.map(n), &m), dot(&d, &input_adjoint::<f64, V>(m.map(v)).map(n)));
            close(dot(&wg.map(n), &m), dot(&g, &filter_adjoint::<f64, V>(m.map(v)).map(n)));
            let dy = [1.4, -0.3, 0.9, -0.7];
            close(dot(&output::<f64, V>(m.map(v)).map(n), &dy), dot(&m, &output_adjoint::<f64, V>(dy.map(v)).map(n)));
        }
    }

    #[test]
    fn transforms_compute_the_correlation_and_their_adjoints() {
        for level in Level::available() {
            run_at(level, Identities);
        }
    }
}
