//! What the benches have in common: numbers to compute with, and the check that two contenders agree.

use std::time::Duration;

use rand::RngExt;

/// `n` numbers from [-1, 1), a fixed draw for each name.
#[must_use]
pub fn numbers(name: &str, n: usize) -> Vec<f32> {
    let mut rng = nl_random::Streams::new(0).rng(name, 0, 0);
    (0..n).map(|_| 2.0 * rng.random::<f32>() - 1.0).collect()
}

/// Refuses answers that differ by more than `tolerance` times the largest value expected (at least 1).
///
/// # Panics
/// If they do: a fast wrong answer is not a figure.
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    let scale = expected.iter().fold(1.0_f32, |largest, x| largest.max(x.abs()));
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(error <= tolerance * scale, "{what}[{i}]: {found} instead of {expected}");
    }
}

/// How long a contender is measured, and before that warmed up.
pub const MEASURED: Duration = Duration::from_secs(2);
/// See [`MEASURED`].
pub const WARM_UP: Duration = Duration::from_millis(500);
