//! The gradient of weights, shared or local.

use super::plan::{LANES, Lanes, Plan, TOGETHER, fold, lanes_at};
use crate::{Float, Vectorised};

pub(super) struct GradWeight<'a, T> {
    pub(super) plan: Plan,
    pub(super) x: &'a [T],
    pub(super) dy: &'a [T],
    pub(super) dw: &'a mut [T],
    pub(super) images: &'a mut [T],
    pub(super) outputs: &'a mut [T],
    pub(super) weights: &'a mut [T],
}

impl<T: Float> Vectorised for GradWeight<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, x, dy, dw, images, outputs, weights } = self;
        let plane = plan.size[0] * plan.size[1];
        dw.fill(T::ZERO);
        for g in 0..plan.groups {
            weights.fill(T::ZERO);
            for first in (0..plan.s.batch).step_by(LANES) {
                plan.gather(x, g, first, images);
                plan.gather_outputs(dy, g, first, outputs);
                for p in 0..plane {
                    let mut o = 0;
                    while o + TOGETHER <= plan.outputs {
                        weigh::<T, TOGETHER>(&plan, g, p, o, images, outputs, weights, dw);
                        o += TOGETHER;
                    }
                    for o in o..plan.outputs {
                        weigh::<T, 1>(&plan, g, p, o, images, outputs, weights, dw);
                    }
                }
            }
            let at = plan.weights_at(g, 0, 0);
            for (dw, lanes) in dw[at..].iter_mut().zip(weights.chunks_exact(LANES)) {
                *dw = fold(lanes_at(lanes, 0));
            }
        }
    }
}

/// The products of outputs o to o + N of position p with the images: into the lanes of shared weights, or folded into local ones.
#[inline(always)]
fn weigh<T: Float, const N: usize>(
    plan: &Plan,
    g: usize,
    p: usize,
    o: usize,
    images: &[T],
    outputs: &[T],
    weights: &mut [T],
    dw: &mut [T],
) {
    let (i, j) = (p / plan.size[1], p % plan.size[1]);
    let plane = plan.size[0] * plan.size[1];
    let dy: [Lanes<T>; N] = core::array::from_fn(|n| lanes_at(outputs, ((o + n) * plane + p) * LANES));
    if plan.local {
        let dw = &mut dw[plan.weights_at(g, p, o)..][..N * plan.taps];
        plan.each_tap(i, j, |k, at| {
            let x = lanes_at(images, at);
            for (n, dy) in dy.iter().enumerate() {
                let mut sum = x;
                for lane in 0..LANES {
                    sum[lane] = x[lane] * dy[lane];
                }
                dw[n * plan.taps + k] += fold(sum);
            }
        });
    } else {
        plan.each_tap(i, j, |k, at| {
            let x = lanes_at(images, at);
            for (n, dy) in dy.iter().enumerate() {
                let sum = &mut weights[((o + n) * plan.taps + k) * LANES..][..LANES];
                for lane in 0..LANES {
                    sum[lane] += x[lane] * dy[lane];
                }
            }
        });
    }
}
