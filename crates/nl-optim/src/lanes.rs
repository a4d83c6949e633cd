//! The loops: one per number of slices, compiled for each instruction-set level.

use nl_kernels::{Level, Vectorised};

struct Loop<F>(F);

impl<F: FnOnce()> Vectorised for Loop<F> {
    type Output = ();
    #[inline(always)]
    fn run(self) {
        (self.0)();
    }
}

/// u ← f(u)
pub(crate) fn map(u: &mut [f32], f: impl Fn(f32) -> f32) {
    Level::current().dispatch(Loop(|| {
        for u in u {
            *u = f(*u);
        }
    }));
}

/// u ← f(u, p)
pub(crate) fn map_with(u: &mut [f32], p: &[f32], f: impl Fn(f32, f32) -> f32) {
    Level::current().dispatch(Loop(|| {
        for (u, &p) in u.iter_mut().zip(p) {
            *u = f(*u, p);
        }
    }));
}

/// (u, a) ← f(u, a)
pub(crate) fn map2(u: &mut [f32], a: &mut [f32], f: impl Fn(f32, f32) -> (f32, f32)) {
    Level::current().dispatch(Loop(|| {
        for (u, a) in u.iter_mut().zip(a) {
            (*u, *a) = f(*u, *a);
        }
    }));
}

/// (u, a, b) ← f(u, a, b)
pub(crate) fn map3(u: &mut [f32], a: &mut [f32], b: &mut [f32], f: impl Fn(f32, f32, f32) -> (f32, f32, f32)) {
    Level::current().dispatch(Loop(|| {
        for ((u, a), b) in u.iter_mut().zip(a).zip(b) {
            (*u, *a, *b) = f(*u, *a, *b);
        }
    }));
}
