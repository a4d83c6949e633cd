//! Every level against the definition, over swept shapes, strides and scalars, with NaN in all cells that must not be
//! read and guards in all that must not be written.

use super::*;
use proptest::prelude::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Small integers: sums are exact in both types, so results must be equal, whatever the order.
fn integers<T: Float>(rng: &mut ChaCha8Rng, n: usize) -> Vec<T> {
    (0..n).map(|_| T::from_f64(f64::from(rng.random_range(-4_i32..=4)))).collect()
}

/// How a matrix lies in memory.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Layout {
    Rows,
    Columns,
    PaddedRows,
    PaddedColumns,
    Spread,
}

const LAYOUTS: [Layout; 5] = [Layout::Rows, Layout::Columns, Layout::PaddedRows, Layout::PaddedColumns, Layout::Spread];

impl Layout {
    fn strides(self, rows: usize, cols: usize) -> (usize, usize) {
        match self {
            Self::Rows => (cols, 1),
            Self::Columns => (1, rows),
            Self::PaddedRows => (cols + 3, 1),
            Self::PaddedColumns => (1, rows + 5),
            Self::Spread => (cols * 2 + 1, 2),
        }
    }

    /// Memory with `values` (row-major) laid out in it and NaN elsewhere.
    fn spread<T: Float>(self, values: &[T], rows: usize, cols: usize) -> Vec<T> {
        let (rs, cs) = self.strides(rows, cols);
        let len = if rows * cols == 0 { 0 } else { (rows - 1) * rs + (cols - 1) * cs + 1 };
        let mut data = vec![T::from_f64(f64::NAN); len + 40];
        for i in 0..rows {
            for j in 0..cols {
                data[i * rs + j * cs] = values[i * cols + j];
            }
        }
        data
    }
}

#[derive(Debug, Clone, Copy)]
struct Case {
    m: usize,
    n: usize,
    k: usize,
    alpha: f64,
    beta: f64,
    layouts: [Layout; 3],
}

/// One product against the definition, guards included.
fn check<T: Float>(level: Level, case: Case, scratch: &mut Scratch) {
    let Case { m, n, k, layouts, .. } = case;
    let mut rng: ChaCha8Rng = rand::SeedableRng::seed_from_u64((m * 10007 + n * 101 + k) as u64);
    let (alpha, beta) = (T::from_f64(case.alpha), T::from_f64(case.beta));
    let (a, b) = (integers::<T>(&mut rng, m * k), integers::<T>(&mut rng, k * n));
    let old = if case.beta == 0.0 { vec![T::from_f64(f64::NAN); m * n] } else { integers::<T>(&mut rng, m * n) };
    let mut expected = vec![T::ZERO; m * n];
    for i in 0..m {
        for j in 0..n {
            let sum = (0..k).fold(T::ZERO, |sum, p| sum + a[i * k + p] * b[p * n + j]);
            let rest = if case.beta == 0.0 { T::ZERO } else { beta * old[i * n + j] };
            expected[i * n + j] = alpha * sum + rest;
        }
    }
    let (a_data, b_data) = (layouts[0].spread(&a, m, k), layouts[1].spread(&b, k, n));
    let mut c_data = layouts[2].spread(&old, m, n);
    let view = |layout: Layout, rows, cols| layout.strides(rows, cols);
    let (ar, ac) = view(layouts[0], m, k);
    let (br, bc) = view(layouts[1], k, n);
    let (cr, cc) = view(layouts[2], m, n);
    gemm_at(
        level,
        alpha,
        MatRef::strided(&a_data, m, k, ar, ac).unwrap(),
        MatRef::strided(&b_data, k, n, br, bc).unwrap(),
        beta,
        MatMut::strided(&mut c_data, m, n, cr, cc).unwrap(),
        scratch,
    )
    .unwrap();
    let full = layouts[2].spread(&expected, m, n);
    for (at, (got, want)) in c_data.iter().zip(&full).enumerate() {
        let same = got == want || (got.to_f64().is_nan() && want.to_f64().is_nan());
        assert!(same, "{level} {case:?}: cell {at} of C is {got}, not {want}");
    }
}

fn row_major(m: usize, n: usize, k: usize) -> Case {
    Case { m, n, k, alpha: 1.0, beta: 0.0, layouts: [Layout::Rows; 3] }
}

#[test]
fn every_small_shape_at_every_level() {
    let mut scratch = Scratch::new();
    for level in Level::available() {
        for m in [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 24, 25] {
            for n in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 49, 65] {
                for k in [0, 1, 3, 18] {
                    check::<f32>(level, row_major(m, n, k), &mut scratch);
                    check::<f64>(level, row_major(m, n, k), &mut scratch);
                }
            }
        }
    }
}

#[test]
fn every_layout_and_scalar_at_every_level() {
    let mut scratch = Scratch::new();
    for level in Level::available() {
        for (m, n, k) in [(1, 1, 1), (5, 33, 7), (13, 17, 70), (37, 9, 20), (16, 70, 130), (50, 70, 9)] {
            for a in LAYOUTS {
                for b in LAYOUTS {
                    for c in LAYOUTS {
                        for (alpha, beta) in [(1.0, 0.0), (0.5, -3.0), (0.0, 2.0)] {
                            let case = Case { m, n, k, alpha, beta, layouts: [a, b, c] };
                            check::<f32>(level, case, &mut scratch);
                            check::<f64>(level, case, &mut scratch);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn shapes_that_cross_every_block_size() {
    let mut scratch = Scratch::new();
    for level in Level::available() {
        for (m, n, k) in
            [(70, 700, 400), (16, 128, 3136), (16, 500, 128), (300, 40, 900), (12, 1700, 385), (3, 5, 9000)]
        {
            for (a, b, c) in [
                (Layout::Rows, Layout::Rows, Layout::Rows),
                (Layout::Rows, Layout::Columns, Layout::Rows),
                (Layout::Columns, Layout::Rows, Layout::Columns),
                (Layout::Columns, Layout::PaddedColumns, Layout::PaddedRows),
            ] {
                let case = Case { m, n, k, alpha: 1.0, beta: 2.0, layouts: [a, b, c] };
                check::<f32>(level, case, &mut scratch);
            }
        }
    }
}

#[test]
fn shapes_that_do_not_chain_are_refused() {
    let data = [0.0_f32; 12];
    let mut c = [0.0_f32; 9];
    let a = MatRef::new(&data, 3, 4).unwrap();
    let b = MatRef::new(&data, 4, 3).unwrap();
    let mut scratch = Scratch::new();
    assert!(gemm(1.0, a, b, 0.0, MatMut::new(&mut c, 3, 3).unwrap(), &mut scratch).is_ok());
    let error = gemm(1.0, a, b.t(), 0.0, MatMut::new(&mut c, 3, 3).unwrap(), &mut scratch).unwrap_err();
    assert_eq!(error.to_string(), "gemm: A is 3x4, B is 3x4, C is 3x3; pass A [m, k], B [k, n] and C [m, n]");
    assert!(gemm(1.0, b, a, 0.0, MatMut::new(&mut c, 3, 3).unwrap(), &mut scratch).is_err());
    assert!(gemm_parallel(1.0, a, b, 0.0, MatMut::new(&mut c, 3, 3).unwrap(), &mut []).is_err());
}

/// Real numbers in (−1, 1): orders of summation show in the last bits.
fn reals(seed: u64, n: usize) -> Vec<f32> {
    let mut rng: ChaCha8Rng = rand::SeedableRng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

#[test]
fn parallel_has_the_bits_of_serial() {
    for (m, n, k) in [(16, 128, 3136), (16, 3136, 128), (128, 3136, 16), (150, 170, 500), (333, 60, 70), (5, 5, 5)] {
        let (a, b) = (reals(1, m * k), reals(2, k * n));
        for transposed in [false, true] {
            let a = MatRef::new(&a, m, k).unwrap();
            let b = if transposed { MatRef::new(&b, n, k).unwrap().t() } else { MatRef::new(&b, k, n).unwrap() };
            let mut serial = vec![0.0; m * n];
            gemm(1.5, a, b, 0.0, MatMut::new(&mut serial, m, n).unwrap(), &mut Scratch::new()).unwrap();
            for threads in 1..=3 {
                let mut c = vec![0.0; m * n];
                let mut scratches: Vec<Scratch> = (0..threads).map(|_| Scratch::new()).collect();
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let out = MatMut::new(&mut c, m, n).unwrap();
                pool.install(|| gemm_parallel(1.5, a, b, 0.0, out, &mut scratches)).unwrap();
                assert!(c == serial, "{m}x{n}x{k} on {threads} threads");
            }
        }
    }
}

#[test]
fn error_stays_within_the_bound_of_a_sum() {
    // |fl(Σ) − Σ| <= k ε Σ |a b|, Higham 2002, eq. (3.5), to first order.
    let (m, n, k) = (40, 50, 1000);
    let (a, b) = (reals(3, m * k), reals(4, k * n));
    for level in Level::available() {
        let mut c = vec![0.0_f32; m * n];
        let (a_view, b_view) = (MatRef::new(&a, m, k).unwrap(), MatRef::new(&b, k, n).unwrap());
        gemm_at(level, 1.0, a_view, b_view, 0.0, MatMut::new(&mut c, m, n).unwrap(), &mut Scratch::new()).unwrap();
        for i in 0..m {
            for j in 0..n {
                let terms = (0..k).map(|p| f64::from(a[i * k + p]) * f64::from(b[p * n + j]));
                let (sum, size) = terms.fold((0.0, 0.0), |(s, t), x| (s + x, t + x.abs()));
                let error = (f64::from(c[i * n + j]) - sum).abs();
                assert!(error <= k as f64 * f64::from(f32::EPSILON) * size, "{level}: error {error} at ({i}, {j})");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_shape_and_layout(
        m in 0..60_usize, n in 0..90_usize, k in 0..60_usize,
        layouts in prop::array::uniform3(0..5_usize), beta in -2..=2_i32,
    ) {
        let layouts = layouts.map(|l| LAYOUTS[l]);
        let mut scratch = Scratch::new();
        for level in Level::available() {
            let case = Case { m, n, k, alpha: 3.0, beta: f64::from(beta), layouts };
            check::<f32>(level, case, &mut scratch);
            check::<f64>(level, case, &mut scratch);
        }
    }
}

/// A matrix without elements may have any size: there is nothing to do, at once.
#[test]
fn matrices_of_nothing_cost_nothing() {
    const MAX: usize = usize::MAX;
    let scratch = &mut Scratch::new();
    let nothing = [0.0_f32; 0];
    for (m, n, k) in [(MAX, 0, 0), (0, MAX, 0), (1 << 63, 0, 0), (0, 0, 0), (0, 0, MAX)] {
        let (a, b) = (MatRef::new(&nothing, m, k).unwrap(), MatRef::new(&nothing, k, n).unwrap());
        for alpha in [0.0, 1.0] {
            gemm(alpha, a, b, 1.0, MatMut::new(&mut [], m, n).unwrap(), scratch).unwrap();
        }
    }
}
