//! From images to outputs.

use super::plan::{LANES, Plan, TOGETHER, lanes_at};
use crate::{Float, Vectorised};

pub(super) struct Forward<'a, T> {
    pub(super) plan: Plan,
    pub(super) x: &'a [T],
    pub(super) w: &'a [T],
    pub(super) y: &'a mut [T],
    pub(super) images: &'a mut [T],
    pub(super) outputs: &'a mut [T],
}

impl<T: Float> Vectorised for Forward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, x, w, y, images, outputs } = self;
        let plane = plan.size[0] * plan.size[1];
        for g in 0..plan.groups {
            for first in (0..plan.s.batch).step_by(LANES) {
                plan.gather(x, g, first, images);
                for p in 0..plane {
                    let mut o = 0;
                    while o + TOGETHER <= plan.outputs {
                        forward::<T, TOGETHER>(&plan, g, p, o, w, images, outputs);
                        o += TOGETHER;
                    }
                    for o in o..plan.outputs {
                        forward::<T, 1>(&plan, g, p, o, w, images, outputs);
                    }
                }
                for lane in 0..plan.lanes(first) {
                    let at = ((first + lane) * plan.s.out_channels + g * plan.outputs) * plane;
                    let from = outputs.iter().skip(lane).step_by(LANES);
                    for (y, &from) in y[at..at + plan.outputs * plane].iter_mut().zip(from) {
                        *y = from;
                    }
                }
            }
        }
    }
}

/// Outputs o to o + N of position p.
#[inline(always)]
fn forward<T: Float, const N: usize>(
    plan: &Plan,
    g: usize,
    p: usize,
    o: usize,
    w: &[T],
    images: &[T],
    outputs: &mut [T],
) {
    let (i, j) = (p / plan.size[1], p % plan.size[1]);
    let w = &w[plan.weights_at(g, p, o)..][..N * plan.taps];
    let mut sums = [[T::ZERO; LANES]; N];
    plan.each_tap(i, j, |k, at| {
        let x = lanes_at(images, at);
        for (n, sum) in sums.iter_mut().enumerate() {
            let w = w[n * plan.taps + k];
            for lane in 0..LANES {
                sum[lane] += w * x[lane];
            }
        }
    });
    for (n, sum) in sums.iter().enumerate() {
        outputs[((o + n) * plan.size[0] * plan.size[1] + p) * LANES..][..LANES].copy_from_slice(sum);
    }
}
