//! Random numbers that belong to a sample, not to a thread: a batch of sums drawn on one thread and on eight.
//!
//! `cargo run --release -p nl-random --example threads`

use nl_random::Streams;
use rand::RngExt;

const SAMPLES: u64 = 32;

/// The sum of a thousand numbers drawn for this sample.
fn sum(streams: Streams, sample: u64) -> f64 {
    let mut rng = streams.rng("noise", 0, sample);
    (0..1000).map(|_| rng.random::<f64>()).sum()
}

/// The sums of all samples, the samples dealt to `threads` threads.
fn sums(streams: Streams, threads: u64) -> Vec<f64> {
    let mut all: Vec<(u64, f64)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let mine = (0..SAMPLES).filter(move |sample| sample % threads == thread);
                scope.spawn(move || mine.map(|sample| (sample, sum(streams, sample))).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    all.sort_by_key(|&(sample, _)| sample);
    all.into_iter().map(|(_, sum)| sum).collect()
}

fn main() {
    let streams = Streams::new(7);
    let (one, eight) = (sums(streams, 1), sums(streams, 8));
    println!("sample   one thread    eight threads");
    for (sample, (a, b)) in one.iter().zip(&eight).enumerate().take(6) {
        println!("{sample:6}   {a:.9}   {b:.9}");
    }
    println!("all {SAMPLES} samples the same bits: {}", one == eight);
    let again = Streams::new(7).rng("noise", 0, 5).random::<f64>();
    println!("the first number of sample 5, without drawing any before it: {again}");
}
