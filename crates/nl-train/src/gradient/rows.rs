//! Forward passes over whole sets, shard by shard, in parallel.

use std::sync::Mutex;

use nl_autodiff::{Tape, Var};
use nl_kernels::for_each_shard;
use nl_layers::{Context, Mode, Parameters};

use crate::Error;

/// Runs models without recording gradients, a shard on each thread; the same bits for any number of threads. `W` is working
/// memory of a thread.
pub struct RowEvaluator<W = ()> {
    workers: Vec<(Tape<f32>, W)>,
    shard: usize,
}

impl<W: Default + Send> RowEvaluator<W> {
    /// One worker for each thread of the current rayon pool, `shard` rows at a time.
    #[must_use]
    pub fn new(shard: usize) -> Self {
        Self { workers: (0..rayon::current_num_threads()).map(|_| Default::default()).collect(), shard: shard.max(1) }
    }

    /// Rows that one thread takes at a time.
    #[must_use]
    pub const fn shard(&self) -> usize {
        self.shard
    }

    /// `f(samples, ctx, work, out)` for consecutive pieces of `0..n`; `out` is the piece's window, `width` values a row.
    ///
    /// # Errors
    /// Those of `f`, or [`Error::Worker`].
    pub fn map<F>(&mut self, n: usize, width: usize, parameters: &Parameters<f32>, f: F) -> Result<Vec<f32>, Error>
    where
        F: Fn(&[u32], &mut Context<'_, f32>, &mut W, &mut [f32]) -> Result<(), Error> + Sync,
    {
        let order: Vec<u32> = (0..n as u32).collect();
        let mut out = vec![0.0; n * width];
        let pieces: Vec<_> = out
            .chunks_mut((self.shard * width).max(1))
            .zip(order.chunks(self.shard))
            .map(|(out, samples)| Mutex::new((out, samples, Ok(()))))
            .collect();
        for_each_shard(pieces.len(), &mut self.workers, |i, (tape, work)| {
            tape.reset();
            if let Ok(mut piece) = pieces[i].lock() {
                let (out, samples, outcome) = &mut *piece;
                let pause = tape.stop_recording();
                *outcome = f(samples, &mut Context::new(tape, parameters, Mode::Eval), work, out);
                drop(pause);
            }
            tape.reset();
        });
        for piece in pieces {
            piece.into_inner().map_err(|_| Error::Worker)?.2?;
        }
        Ok(out)
    }

    /// Any model of rows: `f` maps a constant `[rows, dim]` to `[rows, width]`.
    ///
    /// # Errors
    /// Those of `f`.
    pub fn rows<F>(
        &mut self,
        x: &[f32],
        dim: usize,
        width: usize,
        parameters: &Parameters<f32>,
        f: F,
    ) -> Result<Vec<f32>, Error>
    where
        F: for<'t> Fn(Var<'t, f32>, &mut Context<'t, f32>) -> Result<Var<'t, f32>, Error> + Sync,
    {
        self.map(x.len() / dim.max(1), width, parameters, |samples, ctx, _, out| {
            let first = samples.first().map_or(0, |&i| i as usize);
            let rows = &x[first * dim..][..samples.len() * dim];
            let input = ctx.tape().constant_with(&[samples.len(), dim], |to| to.copy_from_slice(rows))?;
            out.copy_from_slice(f(input, ctx)?.value().as_slice());
            Ok(())
        })
    }
}
