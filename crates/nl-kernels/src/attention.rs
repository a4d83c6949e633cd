//! Scaled dot-product attention of several heads, over sequences with time first.
//!
//! A sequence of the batch is gathered head by head (and its gradient put back) while it is in the cache; the only thing of the
//! size queries × keys is the matrix of weights, which is written once and read once on the way back.

use crate::error::check_len;
use crate::reduce::{largest, pairwise};
use crate::scratch::Buffer;
use crate::size::{elements, product};
use crate::{Float, Level, Scratch, ShapeError, Vectorised, batched_gemm, batched_gemm_nt, batched_gemm_tn};

/// The sizes of an attention, and which keys a query may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attention {
    /// Sequences B.
    pub batch: usize,
    /// Heads H, which divide the features.
    pub heads: usize,
    /// Features of a head.
    pub width: usize,
    /// Steps T of the queries.
    pub queries: usize,
    /// Steps S of the keys and values.
    pub keys: usize,
    /// Whether step t sees no later step.
    pub causal: bool,
    /// The most steps that lie between a query and a key that it sees; `usize::MAX`: any number.
    pub window: usize,
}

/// Queries, keys and values, or their gradients: in one tensor, or the queries apart.
#[derive(Debug, Clone, Copy)]
pub enum Operands<S> {
    /// `[T, B, 3 · D]`: each step's query, key and value behind one another.
    Packed(S),
    /// Queries `[T, B, D]`; keys and values behind one another, `[S, B, 2 · D]`.
    Apart(S, S),
}

impl Attention {
    /// Features D of a step.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.heads.saturating_mul(self.width)
    }

    /// The keys that step t sees.
    #[must_use]
    pub fn seen(&self, t: usize) -> core::ops::Range<usize> {
        let last = if self.causal { t } else { t.saturating_add(self.window) };
        t.saturating_sub(self.window).min(self.keys)..last.saturating_add(1).min(self.keys)
    }

    fn check(&self, op: &'static str, operands: &Operands<usize>, weights: usize, y: usize) -> Result<(), ShapeError> {
        let Self { batch, heads, width, queries, keys, .. } = *self;
        product(op, "queries, keys and values", &[3, batch, heads, width, queries.max(keys).max(1)])?;
        match *operands {
            Operands::Packed(len) if queries == keys => {
                check_len(op, "qkv", len, elements(&[3, queries, batch, heads, width]))?;
            }
            Operands::Packed(_) => {
                let message = format!("{queries} queries and {keys} keys cannot lie in one tensor; pass them apart");
                return Err(ShapeError::Invalid { op, message });
            }
            Operands::Apart(q, kv) => {
                check_len(op, "q", q, elements(&[queries, batch, heads, width]))?;
                check_len(op, "kv", kv, elements(&[2, keys, batch, heads, width]))?;
            }
        }
        check_len(op, "weights", weights, elements(&[batch, heads, queries, keys]))?;
        check_len(op, "y", y, elements(&[queries, batch, heads, width]))
    }
}

/// y_t = Σ_s p_ts v_s with p_t = softmax over the keys that t sees of q_t · k_s / √width, for each head.
///
/// | | shape |
/// |---|---|
/// | operands | see [`Operands`] |
/// | y | `[T, B, D]` |
/// | weights p, kept for the way back | `[B, H, T, S]` |
///
/// A query that sees no key gives zeros.
///
/// # Errors
/// [`ShapeError`] if a slice has not the length its shape says, or the memory is not there.
///
/// Source: Vaswani et al., "Attention is all you need", 2017, eq. 1.
pub fn attention<T: Float>(
    shape: &Attention,
    operands: Operands<&[T]>,
    y: &mut [T],
    weights: &mut [T],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "attention";
    let Attention { batch, heads, width, queries, keys, .. } = *shape;
    let lens = match &operands {
        Operands::Packed(qkv) => Operands::Packed(qkv.len()),
        Operands::Apart(q, kv) => Operands::Apart(q.len(), kv.len()),
    };
    shape.check(OP, &lens, weights.len(), y.len())?;
    if y.is_empty() {
        return Ok(());
    }
    if keys == 0 {
        y.fill(T::ZERO);
        return Ok(());
    }
    let (features, level) = (shape.features(), Level::current());
    let (few, many) = (queries * features, keys * features);
    let [mut q, mut k, mut v, mut o] = scratch.take_all::<T, 4>(OP, [few, many, many, few])?;
    let mut each = |b: usize, p: &mut [T]| {
        gather(shape, &operands, b, [&mut q, &mut k, &mut v]);
        batched_gemm_nt(level, heads, queries, keys, width, &q, &k, p, false, scratch)?;
        level.dispatch(Softmax { shape: *shape, p });
        batched_gemm(level, heads, queries, width, keys, p, &v, &mut o, false)?;
        put(&mut *y, &o, queries, [b, batch, heads, width], [0, features], T::ONE);
        Ok(())
    };
    let result = weights.chunks_exact_mut(heads * queries * keys).enumerate().try_for_each(|(b, p)| each(b, p));
    scratch.give_all([q, k, v, o]);
    result
}

/// The gradients of the operands of [`attention`], laid out as they are, from dy and the weights it kept.
///
/// # Errors
/// As [`attention`].
pub fn attention_grad<T: Float>(
    shape: &Attention,
    operands: Operands<&[T]>,
    weights: &[T],
    dy: &[T],
    mut grad: Operands<&mut [T]>,
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    const OP: &str = "attention_grad";
    let Attention { batch, heads, width, queries, keys, .. } = *shape;
    for lens in [
        match &operands {
            Operands::Packed(qkv) => Operands::Packed(qkv.len()),
            Operands::Apart(q, kv) => Operands::Apart(q.len(), kv.len()),
        },
        match &grad {
            Operands::Packed(qkv) => Operands::Packed(qkv.len()),
            Operands::Apart(q, kv) => Operands::Apart(q.len(), kv.len()),
        },
    ] {
        shape.check(OP, &lens, weights.len(), dy.len())?;
    }
    if weights.is_empty() || dy.is_empty() {
        match grad {
            Operands::Packed(qkv) => qkv.fill(T::ZERO),
            Operands::Apart(q, kv) => [q, kv].into_iter().for_each(|x| x.fill(T::ZERO)),
        }
        return Ok(());
    }
    let (features, level) = (shape.features(), Level::current());
    let (few, many, square) = (queries * features, keys * features, heads * queries * keys);
    let buffers = scratch.take_all::<T, 8>(OP, [few, many, many, few, few, many, many, square])?;
    let [mut q, mut k, mut v, mut d_o, mut dq, mut dk, mut dv, mut ds] = buffers;
    let mut each = |b: usize, p: &[T]| {
        gather(shape, &operands, b, [&mut q, &mut k, &mut v]);
        take(dy, &mut d_o, queries, [b, batch, heads, width], [0, features], T::ONE);
        batched_gemm_tn(level, heads, keys, width, queries, p, &d_o, &mut dv, false)?;
        batched_gemm_nt(level, heads, queries, keys, width, &d_o, &v, &mut ds, false, scratch)?;
        level.dispatch(Slope { keys, p, ds: &mut ds });
        batched_gemm(level, heads, queries, width, keys, &ds, &k, &mut dq, false)?;
        // q is scaled already.
        batched_gemm_tn(level, heads, keys, width, queries, &ds, &q, &mut dk, false)?;
        let at = [b, batch, heads, width];
        match &mut grad {
            Operands::Packed(x) => {
                put(x, &dq, queries, at, [0, 3 * features], scale(width));
                put(x, &dk, keys, at, [features, 3 * features], T::ONE);
                put(x, &dv, keys, at, [2 * features, 3 * features], T::ONE);
            }
            Operands::Apart(x, kv) => {
                put(x, &dq, queries, at, [0, features], scale(width));
                put(kv, &dk, keys, at, [0, 2 * features], T::ONE);
                put(kv, &dv, keys, at, [features, 2 * features], T::ONE);
            }
        }
        Ok(())
    };
    let result = weights.chunks_exact(square).enumerate().try_for_each(|(b, p)| each(b, p));
    scratch.give_all([q, k, v, d_o, dq, dk, dv, ds]);
    result
}

/// 1 / √width
fn scale<T: Float>(width: usize) -> T {
    T::from_f64(1.0 / (width as f64).sqrt())
}

/// Queries (scaled), keys and values of sequence `b`, each `[heads, steps, width]`.
fn gather<T: Float>(shape: &Attention, operands: &Operands<&[T]>, b: usize, [q, k, v]: [&mut Buffer<T>; 3]) {
    let Attention { batch, heads, width, queries, keys, .. } = *shape;
    let (at, features) = ([b, batch, heads, width], shape.features());
    match *operands {
        Operands::Packed(x) => {
            take(x, q, queries, at, [0, 3 * features], scale(width));
            take(x, k, keys, at, [features, 3 * features], T::ONE);
            take(x, v, keys, at, [2 * features, 3 * features], T::ONE);
        }
        Operands::Apart(x, kv) => {
            take(x, q, queries, at, [0, features], scale(width));
            take(kv, k, keys, at, [0, 2 * features], T::ONE);
            take(kv, v, keys, at, [features, 2 * features], T::ONE);
        }
    }
}

/// Rows of one sequence out of a tensor of rows of `stride`, of which the features begin at `offset`, head by head.
fn take<T: Float>(
    x: &[T],
    y: &mut [T],
    steps: usize,
    [b, batch, heads, width]: [usize; 4],
    [offset, stride]: [usize; 2],
    factor: T,
) {
    for t in 0..steps {
        let row = &x[(t * batch + b) * stride + offset..][..heads * width];
        for (h, row) in row.chunks_exact(width).enumerate() {
            for (y, &x) in y[(h * steps + t) * width..][..width].iter_mut().zip(row) {
                *y = factor * x;
            }
        }
    }
}

/// The way back of [`take`].
fn put<T: Float>(
    x: &mut [T],
    y: &[T],
    steps: usize,
    [b, batch, heads, width]: [usize; 4],
    [offset, stride]: [usize; 2],
    factor: T,
) {
    for t in 0..steps {
        let row = &mut x[(t * batch + b) * stride + offset..][..heads * width];
        for (h, row) in row.chunks_exact_mut(width).enumerate() {
            for (x, &y) in row.iter_mut().zip(&y[(h * steps + t) * width..][..width]) {
                *x = factor * y;
            }
        }
    }
}

/// Scores to weights, row by row, in place; 0 for what a query does not see.
struct Softmax<'a, T> {
    shape: Attention,
    p: &'a mut [T],
}

impl<T: Float> Vectorised for Softmax<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Attention { queries, keys, .. } = self.shape;
        for (row, p) in self.p.chunks_exact_mut(keys).enumerate() {
            let seen = self.shape.seen(row % queries);
            p[..seen.start].fill(T::ZERO);
            p[seen.end.max(seen.start)..].fill(T::ZERO);
            if seen.is_empty() {
                continue;
            }
            let p = &mut p[seen];
            let top = largest(p);
            for p in p.iter_mut() {
                *p = (*p - top).v_exp();
            }
            let scale = T::ONE / pairwise(p, p, |p, _| p);
            for p in p {
                *p *= scale;
            }
        }
    }
}

/// ds = p (dp − Σ dp p), row by row, in place.
struct Slope<'a, T> {
    keys: usize,
    p: &'a [T],
    ds: &'a mut [T],
}

impl<T: Float> Vectorised for Slope<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        for (p, ds) in self.p.chunks_exact(self.keys).zip(self.ds.chunks_exact_mut(self.keys)) {
            let mean = pairwise(p, ds, |p, dp| p * dp);
            for (ds, &p) in ds.iter_mut().zip(p) {
                *ds = p * (*ds - mean);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(n: usize, salt: usize) -> Vec<f64> {
        (0..n).map(|i| 2.0 * (0.618_033_988_749_894_9 * (i + 1 + 101 * salt) as f64).fract() - 1.0).collect()
    }

    /// Against the definition, query by query; packed and apart give the same.
    #[test]
    fn every_query_is_its_softmax() {
        let (queries, batch, heads, width) = (5, 2, 3, 2);
        let features = heads * width;
        for (causal, window) in [(false, usize::MAX), (true, usize::MAX), (true, 1), (false, 2), (false, 0)] {
            let shape = Attention { batch, heads, width, queries, keys: queries, causal, window };
            let x = numbers(queries * batch * 3 * features, 1);
            let (mut y, mut p) = (vec![f64::NAN; queries * batch * features], vec![f64::NAN; batch * heads * 25]);
            let mut scratch = Scratch::new();
            attention(&shape, Operands::Packed(&x), &mut y, &mut p, &mut scratch).unwrap();
            let part = |t: usize, b: usize, h: usize, which: usize| {
                &x[((t * batch + b) * 3 + which) * features + h * width..][..width]
            };
            for (t, b, h) in (0..queries).flat_map(|t| (0..batch).flat_map(move |b| (0..heads).map(move |h| (t, b, h))))
            {
                let sees = |s: usize| (!causal || s <= t) && s.abs_diff(t) <= window;
                let score = |s: usize| {
                    let dot: f64 = part(t, b, h, 0).iter().zip(part(s, b, h, 1)).map(|(q, k)| q * k).sum();
                    if sees(s) { (dot / (width as f64).sqrt()).exp() } else { 0.0 }
                };
                let total: f64 = (0..queries).map(score).sum();
                for i in 0..width {
                    let want: f64 = (0..queries).map(|s| score(s) / total * part(s, b, h, 2)[i]).sum();
                    let got = y[(t * batch + b) * features + h * width + i];
                    assert!((got - want).abs() < 1e-14, "{causal} {window} {t} {b} {h}: {got} {want}");
                }
            }
            let q: Vec<f64> = x.chunks(3 * features).flat_map(|row| &row[..features]).copied().collect();
            let kv: Vec<f64> = x.chunks(3 * features).flat_map(|row| &row[features..]).copied().collect();
            let mut apart = vec![f64::NAN; y.len()];
            attention(&shape, Operands::Apart(&q, &kv), &mut apart, &mut p, &mut scratch).unwrap();
            assert_eq!(apart, y);
        }
    }

    #[test]
    fn wrong_lengths_and_hostile_sizes_are_refused() {
        let shape = Attention { batch: 1, heads: 1, width: 1, queries: 2, keys: 2, causal: false, window: usize::MAX };
        let (mut y, mut p, mut scratch) = ([0.0_f32; 2], [0.0; 4], Scratch::new());
        let mut run = |shape: &Attention| attention(shape, Operands::Packed(&[0.0; 6]), &mut y, &mut p, &mut scratch);
        assert!(run(&shape).is_ok());
        assert!(run(&Attention { keys: 3, ..shape }).is_err());
        for huge in [usize::MAX, 1 << 62] {
            for shape in [
                Attention { batch: huge, ..shape },
                Attention { heads: huge, ..shape },
                Attention { width: huge, ..shape },
                Attention { queries: huge, keys: huge, ..shape },
            ] {
                assert!(run(&shape).is_err());
            }
        }
    }
}
