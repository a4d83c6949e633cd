//! From outputs back to images.

use super::plan::{LANES, Lanes, Plan, TOGETHER, lanes_at};
use crate::{Float, Vectorised};

pub(super) struct GradInput<'a, T> {
    pub(super) plan: Plan,
    pub(super) dy: &'a [T],
    pub(super) w: &'a [T],
    pub(super) dx: &'a mut [T],
    pub(super) images: &'a mut [T],
    pub(super) outputs: &'a mut [T],
}

impl<T: Float> Vectorised for GradInput<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { plan, dy, w, dx, images, outputs } = self;
        let plane = plan.size[0] * plan.size[1];
        for g in 0..plan.groups {
            for first in (0..plan.s.batch).step_by(LANES) {
                plan.gather_outputs(dy, g, first, outputs);
                images.fill(T::ZERO);
                for p in 0..plane {
                    let mut o = 0;
                    while o + TOGETHER <= plan.outputs {
                        back::<T, TOGETHER>(&plan, g, p, o, w, outputs, images);
                        o += TOGETHER;
                    }
                    for o in o..plan.outputs {
                        back::<T, 1>(&plan, g, p, o, w, outputs, images);
                    }
                }
                plan.scatter(images, g, first, dx);
            }
        }
    }
}

/// From outputs o to o + N of position p to the images.
#[inline(always)]
fn back<T: Float, const N: usize>(plan: &Plan, g: usize, p: usize, o: usize, w: &[T], outputs: &[T], images: &mut [T]) {
    let (i, j) = (p / plan.size[1], p % plan.size[1]);
    let w = &w[plan.weights_at(g, p, o)..][..N * plan.taps];
    let plane = plan.size[0] * plan.size[1];
    let dy: [Lanes<T>; N] = core::array::from_fn(|n| lanes_at(outputs, ((o + n) * plane + p) * LANES));
    plan.each_tap(i, j, |k, at| {
        let mut dx = lanes_at(images, at);
        for (n, dy) in dy.iter().enumerate() {
            let w = w[n * plan.taps + k];
            for lane in 0..LANES {
                dx[lane] += w * dy[lane];
            }
        }
        images[at..at + LANES].copy_from_slice(&dx);
    });
}
