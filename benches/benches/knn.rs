//! The ten nearest of 10,000 keys of 128 numbers, for 500 queries, on one thread.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nl_benches::{MEASURED, WARM_UP, assert_close, numbers};
use nl_kernels::{Metric, Scratch, top_k};

const DIM: usize = 128;
const K: usize = 10;

/// All distances by the definition, then the smallest K in order.
fn naive(keys: &[f32], queries: &[f32], distance: &mut [f32], index: &mut [u32]) {
    let mut all: Vec<(f32, u32)> = Vec::new();
    for (q, query) in queries.chunks_exact(DIM).enumerate() {
        all.clear();
        all.extend(keys.chunks_exact(DIM).zip(0..).map(|(key, i)| {
            let squared = key.iter().zip(query).map(|(a, b)| (a - b) * (a - b)).sum();
            (squared, i)
        }));
        all.select_nth_unstable_by(K, |a, b| a.0.total_cmp(&b.0));
        all[..K].sort_by(|a, b| a.0.total_cmp(&b.0));
        for (i, &(d, key)) in all[..K].iter().enumerate() {
            (distance[q * K + i], index[q * K + i]) = (d, key);
        }
    }
}

fn benches(criterion: &mut Criterion) {
    let (keys, queries) = (numbers("keys", 10_000 * DIM), numbers("queries", 500 * DIM));
    let n = queries.len() / DIM;
    let (mut distance, mut index) = (vec![0.0; n * K], vec![0; n * K]);
    let (mut distance0, mut index0) = (distance.clone(), index.clone());
    let mut scratch = Scratch::new();
    let mut fast = || {
        let (d, i) = (&mut distance, &mut index);
        top_k(Metric::L2, DIM, &keys, &queries, K, None, d, i, &mut scratch).expect("shapes fit");
    };
    fast();
    naive(&keys, &queries, &mut distance0, &mut index0);
    let mut group = criterion.benchmark_group("knn/10,000 x 128, k = 10");
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function("nl-kernels", |bench| bench.iter(&mut fast));
    group.bench_function("naive", |bench| bench.iter(|| naive(&keys, &queries, &mut distance0, &mut index0)));
    group.finish();
    // The indices may differ where two distances are equal to rounding.
    assert_close("distance", &distance, &distance0, 1e-5);
    let same = index.iter().zip(&index0).filter(|(a, b)| a == b).count();
    assert!(same * 1000 > index.len() * 995, "only {same} of {} neighbours agree", index.len());
}

criterion_group! {
    name = group;
    config = Criterion::default().sample_size(10).measurement_time(MEASURED).warm_up_time(WARM_UP);
    targets = benches
}
criterion_main!(group);
