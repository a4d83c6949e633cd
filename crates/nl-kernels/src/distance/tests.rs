use super::*;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

fn rng(seed: u64) -> ChaCha8Rng {
    rand::SeedableRng::seed_from_u64(seed)
}

/// Sorts all keys by the distance of the definition.
fn naive(
    metric: Metric,
    dim: usize,
    keys: &[f32],
    queries: &[f32],
    k: usize,
    exclude: Option<&[u32]>,
) -> (Vec<f32>, Vec<u32>) {
    let mut out = (Vec::new(), Vec::new());
    for (i, query) in queries.chunks_exact(dim).enumerate() {
        let mut all: Vec<(f32, u32)> = (0_u32..)
            .zip(keys.chunks_exact(dim))
            .filter(|(j, _)| exclude.is_none_or(|e| e[i] != *j))
            .map(|(j, key)| (distance(metric, query, key), j))
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        all.resize(k, (f32::INFINITY, u32::MAX));
        out.0.extend(all.iter().map(|p| p.0));
        out.1.extend(all.iter().map(|p| p.1));
    }
    out
}

fn run(
    level: Level,
    metric: Metric,
    dim: usize,
    keys: &[f32],
    queries: &[f32],
    k: usize,
    exclude: Option<&[u32]>,
    threads: usize,
) -> (Vec<f32>, Vec<u32>) {
    run_with(level, Narrow::new(level), metric, dim, keys, queries, k, exclude, threads)
}

fn run_with(
    level: Level,
    narrow: Narrow,
    metric: Metric,
    dim: usize,
    keys: &[f32],
    queries: &[f32],
    k: usize,
    exclude: Option<&[u32]>,
    threads: usize,
) -> (Vec<f32>, Vec<u32>) {
    let len = queries.len() / dim * k;
    let (mut dist, mut index) = (vec![f32::NAN; len], vec![0; len]);
    let mut scratches: Vec<Scratch> = (0..threads).map(|_| Scratch::new()).collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        search(level, narrow, metric, dim, keys, queries, k, exclude, &mut dist, &mut index, &mut scratches).unwrap();
    });
    (dist, index)
}

fn clustered(rng: &mut ChaCha8Rng, n: usize, dim: usize) -> Vec<f32> {
    (0..n * dim)
        .map(|i| ((i / dim % 5) as f32 - 2.0) * ((i % dim) as f32).cos() + rng.random_range(-0.5..0.5))
        .collect()
}

#[test]
fn equals_sorting_everything_at_every_level() {
    for level in Level::available() {
        for metric in [Metric::L2, Metric::Cosine] {
            for (dim, n, q, k) in [
                (1, 50, 5, 3),
                (3, 0, 4, 2),
                (7, 3, 40, 5),
                (16, 200, 1, 4),
                (16, 200, 3, 4),
                (17, 96, 16, 1),
                (31, 97, 17, 10),
                (32, 400, 33, 12),
                (128, 1000, 150, 10),
                (128, 300, 129, 0),
            ] {
                let mut rng = rng((dim * 7 + n) as u64);
                let (keys, queries) = (clustered(&mut rng, n, dim), clustered(&mut rng, q, dim));
                let exclude: Vec<u32> =
                    (0..q).map(|i| if i % 3 == 0 { u32::MAX } else { (i % n.max(1)) as u32 }).collect();
                for exclude in [None, Some(&exclude[..])] {
                    let expected = naive(metric, dim, &keys, &queries, k, exclude);
                    let got = run(level, metric, dim, &keys, &queries, k, exclude, 1);
                    assert_eq!(got, expected, "{level} {metric:?} dim {dim}, {n} keys, {q} queries, k {k}");
                }
            }
        }
    }
}

#[test]
fn the_distance_is_that_of_the_definition() {
    let mut rng = rng(5);
    for dim in 1..40 {
        let (q, x) = (clustered(&mut rng, 1, dim), clustered(&mut rng, 1, dim));
        let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum() };
        let l2: f64 = q.iter().zip(&x).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
        let cosine = 1.0 - dot(&q, &x) / (dot(&q, &q) * dot(&x, &x)).sqrt();
        approx::assert_relative_eq!(f64::from(distance(Metric::L2, &q, &x)), l2, epsilon = 0.0, max_relative = 1e-7);
        approx::assert_abs_diff_eq!(f64::from(distance(Metric::Cosine, &q, &x)), cosine, epsilon = 1e-6);
    }
    assert_eq!(distance(Metric::Cosine, &[0.0, 0.0], &[1.0, 2.0]), 1.0);
    assert_eq!(distance(Metric::Cosine, &[3.0, 4.0], &[3.0, 4.0]), 0.0);
}

/// Near ties, exact ties, cancellation, and magnitudes whose f32 products vanish or overflow.
#[test]
fn hard_keys_are_ranked_exactly() {
    let dim = 24;
    let mut rng = rng(6);
    for magnitude in [1e-30_f32, 1e-21, 1e-19, 1.0, 3e4, 1e19, 3e30] {
        let base = clustered(&mut rng, 1, dim);
        let near = |rng: &mut ChaCha8Rng, n: usize| -> Vec<f32> {
            (0..n * dim)
                .map(|i| magnitude * base[i % dim] * (1.0 + f32::EPSILON * rng.random_range(-3_i32..=3) as f32))
                .collect()
        };
        let mut keys = near(&mut rng, 300);
        keys.extend_from_within(..100 * dim);
        keys[50 * dim..51 * dim].fill(0.0);
        keys[7 * dim] = f32::NAN;
        keys[8 * dim] = f32::INFINITY;
        let mut queries = near(&mut rng, 20);
        queries[..dim].fill(0.0);
        for metric in [Metric::L2, Metric::Cosine] {
            let expected = naive(metric, dim, &keys, &queries, 15, None);
            for level in Level::available() {
                let got = run(level, metric, dim, &keys, &queries, 15, None, 1);
                assert_eq!(got, expected, "{level} {metric:?} at magnitude {magnitude}");
            }
        }
    }
}

#[test]
fn same_bits_on_any_number_of_threads() {
    let (dim, k) = (40, 7);
    let mut rng = rng(7);
    let (keys, queries) = (clustered(&mut rng, 900, dim), clustered(&mut rng, 3 * QUERIES + 5, dim));
    let one = run(Level::current(), Metric::L2, dim, &keys, &queries, k, None, 1);
    for threads in [2, 3] {
        assert_eq!(run(Level::current(), Metric::L2, dim, &keys, &queries, k, None, threads), one);
    }
}

#[test]
fn wrong_shapes_are_refused() {
    let (mut d, mut i, s) = ([0.0; 2], [0; 2], &mut Scratch::new());
    assert!(top_k(Metric::L2, 2, &[0.0; 4], &[0.0; 2], 2, None, &mut d, &mut i, s).is_ok());
    assert!(top_k(Metric::L2, 0, &[], &[], 2, None, &mut [], &mut [], s).is_err());
    assert!(top_k(Metric::L2, 2, &[0.0; 5], &[0.0; 2], 2, None, &mut d, &mut i, s).is_err());
    assert!(top_k(Metric::L2, 2, &[0.0; 4], &[0.0; 3], 2, None, &mut d, &mut i, s).is_err());
    assert!(top_k(Metric::L2, 2, &[0.0; 4], &[0.0; 2], 3, None, &mut d, &mut i, s).is_err());
    assert!(top_k(Metric::L2, 2, &[0.0; 4], &[0.0; 2], 2, Some(&[0, 1]), &mut d, &mut i, s).is_err());
    assert!(top_k_parallel(Metric::L2, 2, &[0.0; 4], &[0.0; 2], 2, None, &mut d, &mut i, &mut []).is_err());
}

/// The bfloat16 filter in every case it can take, never giving up; the f32 filter; one that gives up at once.
fn filters(level: Level) -> [Narrow; 3] {
    let always = Narrow { queries: 0, share: 1, ..Narrow::new(level) };
    [always, Narrow { bf16: None, ..always }, Narrow { share: usize::MAX, ..always }]
}

#[test]
fn every_filter_finds_the_same() {
    let level = Level::detect();
    for (case, dim) in [1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 65, 127, 128, 130].into_iter().enumerate() {
        let (n, q, k) = (150 + 97 * (case % 5), 3 + 29 * (case % 4), 1 + case % 11);
        let mut rng = rng(dim as u64);
        let (keys, queries) = (clustered(&mut rng, n, dim), clustered(&mut rng, q, dim));
        for metric in [Metric::L2, Metric::Cosine] {
            let expected = naive(metric, dim, &keys, &queries, k, None);
            for (at, narrow) in filters(level).into_iter().enumerate() {
                let got = run_with(level, narrow, metric, dim, &keys, &queries, k, None, 2);
                assert_eq!(got, expected, "filter {at}: {metric:?} dim {dim}, {n} keys, {q} queries, k {k}");
            }
        }
    }
}

/// Keys that differ by far less than bfloat16 resolves, worst-case rounding, and magnitudes the filter must decline.
#[test]
fn no_filter_loses_a_near_tie() {
    let (level, dim, k) = (Level::detect(), 37, 12);
    let mut rng = rng(8);
    for magnitude in [1e-38_f32, 1e-30, 1e-21, 1e-13, 1e-11, 1.0, 3e4, 1e11, 1e13, 1e19, 3e37] {
        // Half way between neighbours of bfloat16, all rounded the same way: the largest error there is.
        let base: Vec<f32> = (0..dim).map(|i| 1.0 + (2 * (i % 3) + 1) as f32 / 256.0).collect();
        let near = |rng: &mut ChaCha8Rng, n: usize, spread: f32| -> Vec<f32> {
            (0..n * dim).map(|i| magnitude * base[i % dim] * (1.0 + spread * rng.random_range(-1.0..1.0))).collect()
        };
        let mut keys = near(&mut rng, 200, 1e-5);
        keys.extend(near(&mut rng, 200, 4e-3));
        keys.extend(near(&mut rng, 100, 0.3));
        keys.extend_from_within(..20 * dim);
        keys[50 * dim..51 * dim].fill(0.0);
        keys[60 * dim] = f32::MIN_POSITIVE / 4.0;
        keys[7 * dim] = f32::NAN;
        keys[8 * dim] = f32::INFINITY;
        keys[9 * dim] = f32::MAX;
        let mut queries = near(&mut rng, 40, 1e-5);
        queries.extend(near(&mut rng, 40, 0.1));
        queries.extend(vec![0.0; dim]);
        let mut odd = queries.clone();
        odd[3 * dim] = f32::NAN;
        odd[4 * dim] = f32::NEG_INFINITY;
        odd[5 * dim..6 * dim].fill(f32::MIN_POSITIVE / 8.0);
        for (queries, metric) in [&queries, &odd].into_iter().flat_map(|q| [(q, Metric::L2), (q, Metric::Cosine)]) {
            let expected = naive(metric, dim, &keys, queries, k, None);
            for (at, narrow) in filters(level).into_iter().enumerate() {
                let got = run_with(level, narrow, metric, dim, &keys, queries, k, None, 1);
                assert_eq!(got, expected, "filter {at}: {metric:?} at magnitude {magnitude}");
            }
        }
    }
}

/// Far from the origin nearly every pair gets past bfloat16: it gives up, and f32 answers.
#[test]
fn a_filter_that_gives_up_changes_nothing() {
    let (level, dim, k) = (Level::detect(), 20, 5);
    let mut rng = rng(9);
    let mut far = |n| -> Vec<f32> { clustered(&mut rng, n, dim).iter().map(|x| 40.0 + 0.1 * x).collect() };
    let (keys, queries) = (far(3000), far(2 * QUERIES + 40));
    let [always, never, _] = filters(level);
    let expected = run_with(level, never, Metric::L2, dim, &keys, &queries, k, None, 1);
    for narrow in [always, Narrow::new(level)] {
        assert_eq!(run_with(level, narrow, Metric::L2, dim, &keys, &queries, k, None, 2), expected);
    }
}
