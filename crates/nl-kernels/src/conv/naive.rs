//! Six nested loops: the definition of the convolution and its gradients, and the oracle of the tests.

use super::Conv2d;
use crate::Float;

/// Calls `f(x index, w index, y index)` for every product in the sum that defines the convolution.
fn for_each_product(s: &Conv2d, mut f: impl FnMut(usize, usize, usize)) {
    let (oh, ow) = (s.out_height(), s.out_width());
    for n in 0..s.batch {
        for o in 0..s.out_channels {
            for i in 0..oh {
                for j in 0..ow {
                    for c in 0..s.in_channels {
                        for u in 0..s.kernel[0] {
                            for v in 0..s.kernel[1] {
                                let (row, col) = (i * s.stride[0] + u, j * s.stride[1] + v);
                                if row < s.padding[0] || col < s.padding[1] {
                                    continue;
                                }
                                let (row, col) = (row - s.padding[0], col - s.padding[1]);
                                if row < s.height && col < s.width {
                                    f(
                                        ((n * s.in_channels + c) * s.height + row) * s.width + col,
                                        ((o * s.in_channels + c) * s.kernel[0] + u) * s.kernel[1] + v,
                                        ((n * s.out_channels + o) * oh + i) * ow + j,
                                    );
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(super) fn forward<T: Float>(s: &Conv2d, x: &[T], w: &[T], bias: Option<&[T]>, y: &mut [T]) {
    let plane = s.out_height() * s.out_width();
    for (i, y) in y.iter_mut().enumerate() {
        *y = bias.map_or(T::ZERO, |bias| bias[i / plane % s.out_channels]);
    }
    for_each_product(s, |ix, iw, iy| y[iy] += x[ix] * w[iw]);
}

pub(super) fn grad_input<T: Float>(s: &Conv2d, dy: &[T], w: &[T], dx: &mut [T]) {
    dx.fill(T::ZERO);
    for_each_product(s, |ix, iw, iy| dx[ix] += dy[iy] * w[iw]);
}

pub(super) fn grad_weight<T: Float>(s: &Conv2d, x: &[T], dy: &[T], dw: &mut [T]) {
    dw.fill(T::ZERO);
    for_each_product(s, |ix, iw, iy| dw[iw] += x[ix] * dy[iy]);
}
