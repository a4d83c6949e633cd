//! Exact k nearest neighbours: a matrix product finds the candidates, an exact distance ranks them.
//!
//! For every (query q, key x) pair the product gives q·x with rounding error at most (dim + c) u |q||x| (Higham 2002,
//! eq. (3.5), u = 2⁻²⁴), hence a lower bound of the distance: since 2|q||x| <= |q|² + |x|²,
//!
//!   |q − x|² >= (1 − s)(|q|² + |x|²) − 2 fl(q·x),   s = 1.1 (dim + 16) u.
//!
//! A pair whose bound exceeds the query's current k-th distance is out; that is all but a few hundred of them. The
//! others are measured in f64 and ranked by (distance rounded to f32, index). So the result is exact, and the same at
//! every level and for any number of threads.
//!
//! Where the CPU multiplies bfloat16 faster than f32, the product is of numbers rounded to it, with the larger s of
//! [`bf16`]; where that leaves too many pairs (distances tiny against the norms), f32 takes over. Which of them filters
//! changes no result.

mod bf16;
#[cfg(test)]
mod tests;

use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::OnceLock;

use self::bf16::Bf16;
use crate::error::check_len;
use crate::gemm::kernel::{self, Job, Left};
use crate::gemm::pack;
use crate::parallel::{Chunks, for_each_shard};
use crate::simd::prefetch;
use crate::size::{elements, product};
use crate::{Level, Scratch, ShapeError, Vectorised};

/// How far a query is from a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Squared Euclidean distance Σ (q − x)².
    L2,
    /// 1 − q·x / (|q| |x|), in \[0, 2\]; 1 if either is the zero vector.
    Cosine,
}

/// Queries that share one pass over the keys, and one task of [`top_k_parallel`].
const QUERIES: usize = 256;
/// Keys measured at a time; with their products they stay in L1 and L2.
const KEYS: usize = 96;
/// Up to this many queries, measuring every key outright is faster than a matrix product.
const FEW: usize = 2;
/// Keys prepared by one task.
const PREPARED: usize = 1024;
/// Partial sums of a distance.
const LANES: usize = 8;

/// The k nearest of `keys` \[n, dim\] for every row of `queries` \[q, dim\], exactly.
///
/// Writes `dist` and `index` \[q, k\], nearest first, ties by lower index. Distances are summed in f64 and rounded to
/// f32 once; a NaN counts as +∞. `exclude` names one key per query that is not to be returned (`u32::MAX`: none). If
/// fewer than k keys are left, the rest is index `u32::MAX`, distance +∞.
///
/// ```
/// use nl_kernels::{Metric, Scratch, top_k};
/// let keys = [0.0, 0.0, 1.0, 0.0, 5.0, 5.0]; // three points of the plane
/// let (mut dist, mut index) = ([0.0; 2], [0; 2]);
/// top_k(Metric::L2, 2, &keys, &[0.9, 0.0], 2, None, &mut dist, &mut index, &mut Scratch::new())?;
/// assert_eq!(index, [1, 0]);
/// # Ok::<(), nl_kernels::ShapeError>(())
/// ```
///
/// # Errors
/// [`ShapeError`] if `dim` is 0, there are `u32::MAX` keys or more, or a slice has not the length its shape says.
pub fn top_k(
    metric: Metric,
    dim: usize,
    keys: &[f32],
    queries: &[f32],
    k: usize,
    exclude: Option<&[u32]>,
    dist: &mut [f32],
    index: &mut [u32],
    scratch: &mut Scratch,
) -> Result<(), ShapeError> {
    top_k_parallel(metric, dim, keys, queries, k, exclude, dist, index, core::slice::from_mut(scratch))
}

/// [`top_k`] on the threads of the current rayon pool, one per scratch, over fixed blocks of queries: the same bits.
///
/// # Errors
/// As [`top_k`]; also if `scratches` is empty.
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
    let level = Level::current();
    search(level, Narrow::new(level), metric, dim, keys, queries, k, exclude, dist, index, scratches)
}

/// Whether and when to filter in bfloat16.
#[derive(Clone, Copy)]
struct Narrow {
    /// Whether the CPU can.
    bf16: Option<Bf16>,
    /// From this many queries on, rounding the keys pays.
    queries: usize,
    /// The filter gives up when more than one key in so many got past it.
    share: usize,
}

impl Narrow {
    /// What is fastest: measuring one key in 64 costs about what the narrower product saves.
    fn new(level: Level) -> Self {
        Self { bf16: Bf16::detect(level), queries: 32, share: 64 }
    }
}

fn search(
    level: Level,
    narrow: Narrow,
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
    const OP: &str = "top_k";
    let invalid = |message| Err(ShapeError::Invalid { op: OP, message });
    if dim == 0 {
        return invalid("dim is 0; keys need at least one component".into());
    }
    let (n, q) = (keys.len() / dim, queries.len() / dim);
    if n >= u32::MAX as usize {
        return invalid(format!("{n} keys do not fit 32-bit indices; search in parts"));
    }
    check_len(OP, "keys", keys.len(), n * dim)?;
    check_len(OP, "queries", queries.len(), q * dim)?;
    check_len(OP, "dist", dist.len(), elements(&[q, k]))?;
    check_len(OP, "index", index.len(), elements(&[q, k]))?;
    if let Some(exclude) = exclude {
        check_len(OP, "exclude", exclude.len(), q)?;
    }
    let Some(first) = scratches.first_mut() else { return invalid("no scratch; pass one per thread".into()) };
    if k == 0 || q == 0 {
        return Ok(());
    }
    dist.fill(f32::INFINITY);
    index.fill(u32::MAX);
    let bf16 = narrow.bf16.filter(|_| q > FEW && q >= narrow.queries);
    let width = bf16::words(dim);
    let rounded = if bf16.is_some() { n } else { 0 };
    let lens = [
        if q > FEW { product(OP, "bounds of the keys", &[2, n])? } else { 0 },
        product(OP, "bounds of the keys", &[2, rounded])?,
        product(OP, "rounded keys", &[rounded, width])?,
    ];
    let [mut affine, mut narrow_affine, mut narrow_keys] = first.take_all::<f32, 3>(OP, lens)?;
    if q > FEW {
        let affine = Chunks::new(affine.as_mut_slice(), 2 * PREPARED);
        let narrow_affine = Chunks::new(narrow_affine.as_mut_slice(), 2 * PREPARED);
        let narrow_keys = Chunks::new(narrow_keys.as_mut_slice(), width * PREPARED);
        for_each_shard(n.div_ceil(PREPARED), scratches, |chunk, _| {
            let keys = &keys[chunk * PREPARED * dim..];
            let keys = &keys[..keys.len().min(PREPARED * dim)];
            // SAFETY: `for_each_shard` hands out every chunk once.
            level.dispatch(Bounds { metric, dim, narrow: false, keys, out: unsafe { affine.get(chunk) } });
            if let Some(bf16) = bf16 {
                // SAFETY: as above.
                let (out, words) = unsafe { (narrow_affine.get(chunk), narrow_keys.get(chunk)) };
                level.dispatch(Bounds { metric, dim, narrow: true, keys, out });
                bf16.round(dim, keys, words);
            }
        });
    }
    let all = Search { level, metric, dim, keys, k };
    let wide = Filter { bf16: None, width: dim, keys, affine: affine.as_slice(), slack: slack(dim), share: 1 };
    let narrow = bf16.map(|token| Filter {
        bf16: Some(token),
        width,
        keys: narrow_keys.as_slice(),
        affine: narrow_affine.as_slice(),
        slack: bf16::slack(dim),
        share: narrow.share,
    });
    // All memory is there before anything is searched: the first block is the largest.
    let blocks = q.div_ceil(QUERIES);
    if q > FEW {
        for filter in [Some(&wide), narrow.as_ref()].into_iter().flatten() {
            for scratch in scratches.iter_mut().take(blocks) {
                let buffers = scratch.take_all::<f32, 6>(OP, all.lens(filter, q.min(QUERIES))?)?;
                scratch.give_all(buffers);
            }
        }
    }
    let gave_up = AtomicBool::new(false);
    let failure = OnceLock::new();
    let (dist, index) = (Chunks::new(dist, QUERIES.saturating_mul(k)), Chunks::new(index, QUERIES.saturating_mul(k)));
    for_each_shard(blocks, scratches, |block, scratch| {
        let start = block * QUERIES;
        let end = (start + QUERIES).min(q);
        let queries = &queries[start * dim..end * dim];
        let exclude = exclude.map(|e| &e[start..end]);
        // SAFETY: `for_each_shard` hands out every block once.
        let (dist, index) = unsafe { (dist.get(block), index.get(block)) };
        if q <= FEW {
            all.level.dispatch(Outright { all: &all, queries, exclude, dist, index });
            return;
        }
        let fits = || queries.chunks_exact(dim).all(|query| bf16::fits(products_f64(query, query)));
        // The flag only says which filter is faster, hence `Relaxed`.
        if let Some(filter) = narrow.as_ref().filter(|_| !gave_up.load(Ordering::Relaxed) && fits()) {
            match all.block(filter, queries, exclude, dist, index, scratch) {
                Ok(true) => return,
                Ok(false) => {}
                Err(error) => return drop(failure.set(error)),
            }
            gave_up.store(true, Ordering::Relaxed);
            dist.fill(f32::INFINITY);
            index.fill(u32::MAX);
        }
        if let Err(error) = all.block(&wide, queries, exclude, dist, index, scratch) {
            drop(failure.set(error));
        }
    });
    scratches[0].give_all([affine, narrow_affine, narrow_keys]);
    failure.into_inner().map_or(Ok(()), Err)
}

/// The slack s of the bound by f32 products.
fn slack(dim: usize) -> f64 {
    1.1 * (dim + 16) as f64 * f64::from(f32::EPSILON) / 2.0
}

/// What all blocks share.
struct Search<'a> {
    level: Level,
    metric: Metric,
    dim: usize,
    keys: &'a [f32],
    k: usize,
}

/// How products bound distances: in f32 or in bfloat16.
struct Filter<'a> {
    /// Pairs of bfloat16 in place of f32.
    bf16: Option<Bf16>,
    /// Words of 32 bits per key.
    width: usize,
    /// \[n, width\], the left operand of the product
    keys: &'a [f32],
    /// Per key (offset, scale): the bound of a pair is offset + scale · fl(q·x), plus a number of the query.
    affine: &'a [f32],
    /// |fl(q·x) − q·x| is at most so many |q||x|.
    slack: f64,
    /// As [`Narrow::share`]; 1 never gives up.
    share: usize,
}

impl Search<'_> {
    /// Queries of a strip, and queries of a block of `count` rounded up to whole strips.
    fn strips(&self, count: usize) -> (usize, usize) {
        let (_, tile) = kernel::tile_shape::<f32>(self.level.min(Level::detect()));
        let lanes = if count <= tile / 2 { tile / 2 } else { tile };
        (lanes, count.next_multiple_of(lanes))
    }

    /// The working memory of [`block`](Self::block) for `count` queries.
    fn lens(&self, filter: &Filter<'_>, count: usize) -> Result<[usize; 6], ShapeError> {
        const OP: &str = "top_k";
        let (lanes, wide) = self.strips(count);
        Ok([
            product(OP, "packed queries", &[wide, filter.width])?,
            product(OP, "queries", &[count, self.dim])?,
            if filter.bf16.is_some() { product(OP, "rounded queries", &[count, filter.width])? } else { 0 },
            wide,
            wide,
            KEYS * lanes,
        ])
    }

    /// One block of queries against all keys, unless the filter gives up; whether it did not.
    fn block(
        &self,
        filter: &Filter<'_>,
        queries: &[f32],
        exclude: Option<&[u32]>,
        dist: &mut [f32],
        index: &mut [u32],
        scratch: &mut Scratch,
    ) -> Result<bool, ShapeError> {
        let (dim, level) = (self.dim, self.level.min(Level::detect()));
        let count = queries.len() / dim;
        let (tile_rows, _) = kernel::tile_shape::<f32>(level);
        let (lanes, wide) = self.strips(count);

        // Queries side by side in the lanes; for the cosine of unit length, so that bounds are absolute.
        let [mut packed, mut own, mut rounded, mut numbers, mut limits, mut products] =
            scratch.take_all::<f32, 6>("top_k", self.lens(filter, count)?)?;
        own.as_mut_slice().copy_from_slice(queries);
        limits.as_mut_slice().fill(f32::NEG_INFINITY);
        for (i, query) in own.as_mut_slice().chunks_exact_mut(dim).enumerate() {
            let norm = products_f64(query, query);
            numbers.as_mut_slice()[i] = match self.metric {
                Metric::L2 => (norm * (1.0 - filter.slack)) as f32,
                Metric::Cosine => {
                    let scale = if norm > 0.0 { 1.0 / norm.sqrt() } else { 0.0 };
                    query.iter_mut().for_each(|x| *x = (f64::from(*x) * scale) as f32);
                    0.0
                }
            };
            limits.as_mut_slice()[i] = f32::INFINITY;
        }
        let operand = match filter.bf16 {
            None => own.as_slice(),
            Some(bf16) => {
                bf16.round(dim, own.as_slice(), rounded.as_mut_slice());
                rounded.as_slice()
            }
        };
        let width = filter.width;
        // SAFETY: `operand` holds count × width, read as its width × count transpose; `packed` holds width rows of
        // `wide`.
        unsafe {
            pack::right(operand.as_ptr(), 1, width, width, count, packed.as_mut_slice().as_mut_ptr(), lanes);
        }
        let (mut measured, mut done) = (0, true);
        for (c, keys) in filter.keys.chunks(KEYS * width).enumerate() {
            let rows = keys.len() / width;
            // The first keys are measured in any case.
            if measured > count.saturating_mul(self.k.saturating_mul(8).saturating_add(KEYS + c * KEYS / filter.share))
            {
                done = false;
                break;
            }
            let next = &filter.keys[c * KEYS * width + keys.len()..];
            let mut ahead = next[..next.len().min(KEYS * width)].chunks((width * tile_rows * lanes).div_ceil(wide));
            for strip in (0..wide).step_by(lanes) {
                for (start, m) in kernel::groups(rows, tile_rows) {
                    // The next keys come while these are worked on.
                    prefetch(ahead.next().unwrap_or_default());
                    let job = Job {
                        m,
                        n: lanes,
                        k: width,
                        a: keys[start * width..].as_ptr(),
                        left: Left::Strided { row: width, col: 1 },
                        b: packed.as_slice()[strip * width..].as_ptr(),
                        b_row: lanes,
                        b_strip: lanes * width,
                        c: products.as_mut_slice()[start * lanes..].as_mut_ptr(),
                        c_row: lanes,
                        alpha: 1.0,
                        beta: 0.0,
                    };
                    // SAFETY: the level is the CPU's; from `start` on there are m keys of `width` words and m rows of
                    // products; the strip holds width × lanes.
                    unsafe {
                        match filter.bf16 {
                            None => kernel::Compiled::run(level, &job),
                            Some(bf16) => bf16.run(&job),
                        }
                    }
                }
                let last = (strip + lanes).min(count);
                let body = Scan {
                    all: self,
                    filter,
                    measured: 0,
                    first_key: c * KEYS,
                    rows,
                    products: products.as_slice(),
                    limits: &mut limits.as_mut_slice()[strip..strip + lanes],
                    numbers: &numbers.as_slice()[strip..strip + lanes],
                    queries: &queries[strip * dim..last * dim],
                    exclude: exclude.map(|e| &e[strip..last]),
                    dist: &mut dist[strip * self.k..last * self.k],
                    index: &mut index[strip * self.k..last * self.k],
                };
                measured += match lanes {
                    32 => level.dispatch(Wide::<32>(body)),
                    16 => level.dispatch(Wide::<16>(body)),
                    8 => level.dispatch(Wide::<8>(body)),
                    _ => level.dispatch(Wide::<4>(body)),
                };
            }
        }
        scratch.give_all([packed, own, rounded, numbers, limits, products]);
        Ok(done)
    }
}

/// The products of some keys with a strip of queries, and what is known of those queries so far.
struct Scan<'a> {
    all: &'a Search<'a>,
    filter: &'a Filter<'a>,
    /// Distances measured so far.
    measured: usize,
    first_key: usize,
    rows: usize,
    /// \[rows, lanes\]
    products: &'a [f32],
    /// A pair with a larger bound (less the query's number) is out.
    limits: &'a mut [f32],
    numbers: &'a [f32],
    queries: &'a [f32],
    exclude: Option<&'a [u32]>,
    dist: &'a mut [f32],
    index: &'a mut [u32],
}

/// A [`Scan`] of `N` lanes, N <= 32; returns how many distances it measured.
struct Wide<'a, const N: usize>(Scan<'a>);

impl<const N: usize> Vectorised for Wide<'_, N> {
    type Output = usize;
    #[inline(always)]
    fn run(self) -> usize {
        let mut s = self.0;
        let affine = s.filter.affine[2 * s.first_key..].chunks_exact(2);
        for ((row, products), affine) in s.products.as_chunks::<N>().0[..s.rows].iter().enumerate().zip(affine) {
            let Some(limits) = s.limits.first_chunk::<N>() else { unreachable!("one limit per lane") };
            // Not `<=`: a NaN (an overflow, a key without a bound) has to be measured.
            let open = |p: f32, limit: f32| {
                !matches!((affine[0] + affine[1] * p).partial_cmp(&limit), Some(core::cmp::Ordering::Greater))
            };
            // Plain loops: `fold` need not be inlined, and would then lack this level's instructions.
            let (mut hit, mut hits) = (false, 0);
            for i in 0..N {
                hit |= open(products[i], limits[i]);
            }
            if hit {
                for i in 0..N {
                    hits |= u32::from(open(products[i], limits[i])) << i;
                }
                s.measure(row, hits);
            }
        }
        s.measured
    }
}

impl Scan<'_> {
    /// Measures the key of `row` for every query whose bit is set.
    #[inline(never)]
    fn measure(&mut self, row: usize, mut hits: u32) {
        let Search { metric, dim, k, .. } = *self.all;
        while hits != 0 {
            let lane = hits.trailing_zeros() as usize;
            hits &= hits - 1;
            // Lanes without a query.
            let Some(query) = self.queries.get(lane * dim..(lane + 1) * dim) else { return };
            self.measured += 1;
            let rows = lane * k..(lane + 1) * k;
            let exclude = self.exclude.map_or(u32::MAX, |e| e[lane]);
            let (dist, index) = (&mut self.dist[rows.clone()], &mut self.index[rows]);
            if consider(self.all, self.first_key + row, query, exclude, dist, index) {
                self.limits[lane] = limit(metric, dim, self.filter.slack, dist[k - 1], self.numbers[lane]);
            }
        }
    }
}

/// What `offset + scale · product` may be at most for a distance of at most `worst`; rounded up. `filter` is its slack.
#[inline(always)]
fn limit(metric: Metric, dim: usize, filter: f64, worst: f32, number: f32) -> f32 {
    let worst = f64::from(worst);
    let limit = match metric {
        Metric::L2 => worst - f64::from(number),
        Metric::Cosine => worst - 1.0 + filter + slack(dim),
    };
    // The smallest normal number covers what products lose by underflow.
    ((limit + f64::from(f32::MIN_POSITIVE)) as f32).next_up()
}

/// Measures a key for a query and enters it if it is among the k nearest so far; whether it was.
#[inline(always)]
fn consider(all: &Search<'_>, key: usize, query: &[f32], exclude: u32, dist: &mut [f32], index: &mut [u32]) -> bool {
    let d = distance(all.metric, query, &all.keys[key * all.dim..][..all.dim]);
    let (key, last) = (key as u32, dist.len() - 1);
    let nearer = |at: usize, dist: &[f32], index: &[u32]| d < dist[at] || (d == dist[at] && key < index[at]);
    if key == exclude || !nearer(last, dist, index) {
        return false;
    }
    let mut at = last;
    while at > 0 && nearer(at - 1, dist, index) {
        dist[at] = dist[at - 1];
        index[at] = index[at - 1];
        at -= 1;
    }
    dist[at] = d;
    index[at] = key;
    true
}

/// The distance of the documentation of [`Metric`], rounded once; +∞ for NaN.
#[inline(always)]
fn distance(metric: Metric, q: &[f32], x: &[f32]) -> f32 {
    let d = match metric {
        Metric::L2 => sum(q, x, |a, b| (a - b) * (a - b)),
        Metric::Cosine => {
            let norms = products_f64(q, q) * products_f64(x, x);
            if norms > 0.0 { 1.0 - products_f64(q, x) / norms.sqrt() } else { 1.0 }
        }
    };
    if d.is_nan() { f32::INFINITY } else { d as f32 }
}

#[inline(always)]
fn products_f64(a: &[f32], b: &[f32]) -> f64 {
    sum(a, b, |a, b| a * b)
}

/// Σ f(a, b) in f64, in interleaved partial sums: a fixed order, the same bits at every level.
#[inline(always)]
fn sum(a: &[f32], b: &[f32], f: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_parts, b_parts) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_parts.remainder().iter().zip(b_parts.remainder());
    for (a, b) in a_parts.zip(b_parts) {
        let terms: [f64; LANES] = core::array::from_fn(|i| f(f64::from(a[i]), f64::from(b[i])));
        for i in 0..LANES {
            sums[i] += terms[i];
        }
    }
    let tail = rest.fold(0.0, |sum, (&a, &b)| sum + f(f64::from(a), f64::from(b)));
    ((sums[0] + sums[4]) + (sums[2] + sums[6])) + ((sums[1] + sums[5]) + (sums[3] + sums[7])) + tail
}

/// Computes (offset, scale) of every key.
struct Bounds<'a> {
    metric: Metric,
    dim: usize,
    /// For products in bfloat16.
    narrow: bool,
    keys: &'a [f32],
    out: &'a mut [f32],
}

impl Vectorised for Bounds<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let slack = if self.narrow { bf16::slack(self.dim) } else { slack(self.dim) };
        for (key, out) in self.keys.chunks_exact(self.dim).zip(self.out.chunks_exact_mut(2)) {
            let norm = products_f64(key, key);
            (out[0], out[1]) = match self.metric {
                // No bound: NaN, so that the key is measured.
                Metric::L2 if self.narrow && !bf16::fits(norm) => (f32::NAN, 0.0),
                Metric::L2 => ((norm * (1.0 - slack)) as f32, -2.0),
                Metric::Cosine if norm == 0.0 => (0.0, 0.0),
                // Where products would under- or overflow.
                Metric::Cosine if !bf16::fits(norm) => (f32::NAN, 0.0),
                Metric::Cosine => (0.0, (-1.0 / norm.sqrt()) as f32),
            };
        }
    }
}

/// Measures every key for a few queries.
struct Outright<'a> {
    all: &'a Search<'a>,
    queries: &'a [f32],
    exclude: Option<&'a [u32]>,
    dist: &'a mut [f32],
    index: &'a mut [u32],
}

impl Vectorised for Outright<'_> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        let Search { dim, k, .. } = *self.all;
        let rows = self.dist.chunks_exact_mut(k).zip(self.index.chunks_exact_mut(k));
        for (i, (query, (dist, index))) in self.queries.chunks_exact(dim).zip(rows).enumerate() {
            let exclude = self.exclude.map_or(u32::MAX, |e| e[i]);
            for key in 0..self.all.keys.len() / dim {
                consider(self.all, key, query, exclude, dist, index);
            }
        }
    }
}
