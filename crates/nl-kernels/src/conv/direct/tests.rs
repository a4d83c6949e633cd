//! Against the definition, product by product.

use super::*;

/// Calls `f(x index, w index, y index)` for every product of the definition.
fn for_each_product(shape: &DirectConv2d, mut f: impl FnMut(usize, usize, usize)) {
    let s = &shape.conv;
    let (oh, ow) = (shape.out_height(), shape.out_width());
    let (inputs, outputs) = (s.in_channels / shape.groups, s.out_channels / shape.groups);
    for n in 0..s.batch {
        for o in 0..s.out_channels {
            for (i, j) in (0..oh).flat_map(|i| (0..ow).map(move |j| (i, j))) {
                for c in 0..inputs {
                    for (u, v) in (0..s.kernel[0]).flat_map(|u| (0..s.kernel[1]).map(move |v| (u, v))) {
                        let row = (i * s.stride[0] + u * shape.dilation[0]).wrapping_sub(s.padding[0]);
                        let col = (j * s.stride[1] + v * shape.dilation[1]).wrapping_sub(s.padding[1]);
                        if row >= s.height || col >= s.width {
                            continue;
                        }
                        let channel = o / outputs * inputs + c;
                        let place = if shape.local { i * ow + j } else { 0 };
                        let w = ((place * s.out_channels + o) * inputs + c) * s.kernel[0] + u;
                        f(
                            ((n * s.in_channels + channel) * s.height + row) * s.width + col,
                            w * s.kernel[1] + v,
                            ((n * s.out_channels + o) * oh + i) * ow + j,
                        );
                    }
                }
            }
        }
    }
}

fn wave(len: usize, salt: f64) -> Vec<f64> {
    (0..len).map(|i| (1.0 + salt + 0.7 * i as f64).sin()).collect()
}

fn shapes() -> Vec<DirectConv2d> {
    let mut all = Vec::new();
    for (batch, [inputs, outputs], groups) in
        [(1, [2, 4], 2), (3, [6, 9], 3), (17, [3, 5], 1), (0, [2, 2], 2), (16, [4, 4], 4)]
    {
        for (kernel, stride, padding, dilation) in
            [([3, 2], [1, 2], [1, 0], [1, 2]), ([1, 1], [2, 1], [0, 1], [1, 1]), ([2, 3], [1, 1], [0, 2], [3, 1])]
        {
            for local in [false, true] {
                let conv = Conv2d {
                    batch,
                    in_channels: inputs,
                    height: 5,
                    width: 6,
                    out_channels: outputs,
                    kernel,
                    stride,
                    padding,
                };
                all.push(DirectConv2d { conv, dilation, groups, local });
            }
        }
    }
    all
}

#[test]
fn all_three_equal_their_definition() -> Result<(), ShapeError> {
    let scratch = &mut Scratch::new();
    for shape in shapes() {
        let x = wave(shape.conv.input_len(), 0.0);
        let w = wave(shape.weight_len(), 0.3);
        let dy = wave(shape.output_len(), 0.6);
        let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
        for_each_product(&shape, |ix, iw, iy| {
            y[iy] += x[ix] * w[iw];
            dx[ix] += dy[iy] * w[iw];
            dw[iw] += dy[iy] * x[ix];
        });
        let (mut y_, mut dx_, mut dw_) = (vec![9.0; dy.len()], vec![9.0; x.len()], vec![9.0; w.len()]);
        direct_conv2d(&shape, &x, &w, &mut y_, scratch)?;
        direct_conv2d_grad_input(&shape, &dy, &w, &mut dx_, scratch)?;
        direct_conv2d_grad_weight(&shape, &x, &dy, &mut dw_, scratch)?;
        for (got, want) in [(y_, y), (dx_, dx), (dw_, dw)] {
            for (a, b) in got.iter().zip(&want) {
                assert!((a - b).abs() < 1e-12, "{shape:?}: {a}, {b}");
            }
        }
    }
    Ok(())
}

/// An image's output and gradient have the same bits whatever block it is in.
#[test]
fn images_do_not_see_each_other() -> Result<(), ShapeError> {
    for mut shape in shapes().into_iter().filter(|shape| shape.conv.batch == 17) {
        let x: Vec<f32> = wave(shape.conv.input_len(), 0.0).iter().map(|&x| x as f32).collect();
        let w: Vec<f32> = wave(shape.weight_len(), 0.3).iter().map(|&x| x as f32).collect();
        let mut all = vec![0.0; shape.output_len()];
        direct_conv2d(&shape, &x, &w, &mut all, &mut Scratch::new())?;
        let (image, output) = (x.len() / 17, all.len() / 17);
        shape.conv.batch = 1;
        for n in [0, 7, 16] {
            let mut alone = vec![0.0; output];
            direct_conv2d(&shape, &x[n * image..][..image], &w, &mut alone, &mut Scratch::new())?;
            assert_eq!(alone, all[n * output..][..output]);
        }
    }
    Ok(())
}

#[test]
fn sizes_that_do_not_fit_are_refused() {
    let conv = Conv2d {
        batch: 1,
        in_channels: 4,
        height: 5,
        width: 5,
        out_channels: 4,
        kernel: [3, 3],
        stride: [1, 1],
        padding: [0, 0],
    };
    let good = DirectConv2d { conv, dilation: [1, 1], groups: 2, local: false };
    assert_eq!(good.validate(), Ok(()));
    let huge = usize::MAX / 2;
    for (bad, says) in [
        (DirectConv2d { groups: 3, ..good }, "cannot both be cut into 3 groups"),
        (DirectConv2d { groups: 0, ..good }, "may be 0"),
        (DirectConv2d { dilation: [0, 1], ..good }, "may be 0"),
        (DirectConv2d { dilation: [3, 1], ..good }, "larger than the padded input"),
        (DirectConv2d { dilation: [huge, 1], ..good }, "larger than the padded input"),
        (DirectConv2d { conv: Conv2d { padding: [huge, huge], ..conv }, ..good }, "overflow"),
        (DirectConv2d { conv: Conv2d { batch: huge, ..conv }, ..good }, ""),
        (DirectConv2d { conv: Conv2d { out_channels: huge & !1, ..conv }, local: true, ..good }, ""),
    ] {
        let error = bad.validate().unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
        let mut y = [0.0_f32; 4];
        assert!(direct_conv2d(&bad, &[0.0; 4], &[0.0; 4], &mut y, &mut Scratch::new()).is_err());
    }
    assert!(direct_conv2d(&good, &[0.0_f32; 99], &[0.0; 72], &mut [0.0; 36], &mut Scratch::new()).is_err());
}
