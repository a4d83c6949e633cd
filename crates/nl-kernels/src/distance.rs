//! Exact k nearest neighbours.

use crate::error::check_len;
use crate::{Scratch, ShapeError};

/// How far a query is from a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Squared Euclidean distance Σ (q − x)².
    L2,
    /// 1 − q·x / (|q| |x|); 1 if either is the zero vector.
    Cosine,
}

/// The k nearest keys of every query, nearest first, ties by lower index.
///
/// # Errors
/// [`ShapeError`] if a slice has not the length its shape says.
pub fn top_k(
    metric: Metric,
    dim: usize,
    keys: &[f32],
    queries: &[f32],
    k: usize,
    exclude: Option<&[u32]>,
    dist: &mut [f32],
    index: &mut [u32],
    _scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    if dim == 0 {
        return Err(ShapeError::Invalid { op: "top_k", message: "dim is 0; keys need at least one component".into() });
    }
    let (n, q) = (keys.len() / dim, queries.len() / dim);
    check_len("top_k", "keys", keys.len(), n * dim)?;
    check_len("top_k", "queries", queries.len(), q * dim)?;
    check_len("top_k", "dist", dist.len(), q * k)?;
    check_len("top_k", "index", index.len(), q * k)?;
    if let Some(exclude) = exclude {
        check_len("top_k", "exclude", exclude.len(), q)?;
    }
    for (i, query) in queries.chunks_exact(dim).enumerate() {
        let mut all: Vec<(f32, u32)> = keys
            .chunks_exact(dim)
            .enumerate()
            .filter(|&(j, _)| exclude.is_none_or(|e| e[i] != j as u32))
            .map(|(j, key)| {
                let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum() };
                let d = match metric {
                    Metric::L2 => query.iter().zip(key).map(|(a, b)| f64::from((a - b) * (a - b))).sum(),
                    Metric::Cosine => {
                        let norm = (dot(query, query) * dot(key, key)).sqrt();
                        if norm > 0.0 { 1.0 - dot(query, key) / norm } else { 1.0 }
                    }
                };
                (d as f32, j as u32)
            })
            .collect();
        all.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for r in 0..k {
            let (d, j) = all.get(r).copied().unwrap_or((f32::INFINITY, u32::MAX));
            dist[i * k + r] = d;
            index[i * k + r] = j;
        }
    }
    Ok(())
}

/// [`top_k`] on the threads of the current rayon pool, with the same bits.
///
/// # Errors
/// As [`top_k`].
pub fn top_k_parallel(
    metric: Metric,
    dim: usize,
    keys: &[f32],
    queries: &[f32],
    k: usize,
    exclude: Option<&[u32]>,
    dist: &mut [f32],
    index: &mut [u32],
    scratches: &mut [Scratch],
) -> Result<(), ShapeError> {
    let mut own = Scratch::new();
    top_k(metric, dim, keys, queries, k, exclude, dist, index, scratches.first_mut().unwrap_or(&mut own))
}
