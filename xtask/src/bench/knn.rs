//! Exact k-NN over 60,000 unit vectors of 128 in ten clusters, 10,000 queries, k = 10: what FAISS's flat index does.

use nl_kernels::{Metric, Scratch, top_k_parallel};
use nl_random::Streams;
use rand::RngExt;

use super::{Figure, median_ms};

const DIM: usize = 128;
const K: usize = 10;

pub(super) fn run(threads: usize, steps: usize) -> anyhow::Result<Vec<Figure>> {
    let streams = Streams::new(0);
    let centres = normals(&streams, "centres", 10 * DIM);
    let (keys, queries) = (cloud(&streams, "keys", 60_000, &centres), cloud(&streams, "queries", 10_000, &centres));
    let n = queries.len() / DIM;
    let (mut distance, mut index) = (vec![0.0; n * K], vec![0; n * K]);
    let mut scratches: Vec<Scratch> = (0..threads).map(|_| Scratch::new()).collect();
    // A pass takes about a second: a tenth of the asked-for repetitions is plenty.
    let ms = median_ms(1, steps.div_ceil(10), || {
        let (d, i) = (&mut distance, &mut index);
        Ok(top_k_parallel(Metric::L2, DIM, &keys, &queries, K, None, d, i, &mut scratches)?)
    })?;
    check(&keys, &queries, &distance, &index)?;
    let throughput = n as f64 / (ms * 1e-3);
    Ok(vec![Figure { workload: "knn".into(), threads, throughput, unit: "queries/s", median_ms: ms }])
}

/// The benchmark knows the right answer: the nearest key of a few queries, by the definition.
fn check(keys: &[f32], queries: &[f32], distance: &[f32], index: &[u32]) -> anyhow::Result<()> {
    for (q, query) in queries.chunks_exact(DIM).enumerate().step_by(997) {
        let squared = |key: &[f32]| key.iter().zip(query).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let nearest = keys.chunks_exact(DIM).map(squared).fold(f64::INFINITY, f64::min);
        let found = squared(&keys[index[q * K] as usize * DIM..][..DIM]);
        let said = f64::from(distance[q * K]);
        anyhow::ensure!(
            found <= nearest + 1e-5 && (said - nearest).abs() < 1e-4,
            "query {q}: the nearest key is at {nearest}, found one at {found}, called {said}"
        );
    }
    Ok(())
}

/// Unit vectors: a centre drawn uniformly, plus 0.7 · N(0, 1) in each direction, normalised.
fn cloud(streams: &Streams, name: &str, n: usize, centres: &[f32]) -> Vec<f32> {
    let mut cloud = normals(streams, name, n * DIM);
    let mut rng = streams.rng(name, 1, 0);
    for row in cloud.chunks_exact_mut(DIM) {
        let centre = &centres[rng.random_range(0..10_usize) * DIM..][..DIM];
        row.iter_mut().zip(centre).for_each(|(x, c)| *x = 0.7 * *x + c);
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter_mut().for_each(|x| *x /= norm);
    }
    cloud
}

/// Standard normal numbers, by Box and Muller (1958).
fn normals(streams: &Streams, name: &str, n: usize) -> Vec<f32> {
    let mut rng = streams.rng(name, 0, 0);
    (0..n)
        .map(|_| {
            let (u, v): (f32, f32) = (1.0 - rng.random::<f32>(), rng.random());
            (-2.0 * u.ln()).sqrt() * (std::f32::consts::TAU * v).cos()
        })
        .collect()
}
