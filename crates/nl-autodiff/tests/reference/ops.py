"""Writes ops.json: values and gradients of every operation by PyTorch in float64.

    python ops.py        # needs torch (made with the version named in the file)

For each case: the inputs, y = f(inputs), and the gradient of sum(w * y) with respect to each input, where
w[i] = 0.5 + frac(0.618... * (i + 1)) over the flat elements of y. A new operation is a line in CASES here and a row in
tests/table/cases.rs.
"""

import json
import math
import pathlib

import torch
import torch.nn.functional as F

GOLDEN = 0.6180339887498949
torch.set_default_dtype(torch.float64)


def spread(salt, low, high, *shape):
    """Distinct numbers in (low, high), at least 0.05 away from 0, rounded to 1/256 so that they print short."""
    values = []
    for i in range(math.prod(shape)):
        x = low + (high - low) * ((GOLDEN * (i + 1 + 101 * salt)) % 1.0)
        x = round(x * 256) / 256
        values.append(x if abs(x) >= 0.05 else 0.0625 if x >= 0 else -0.0625)
    return torch.tensor(values).reshape(shape)


def any_(*shape, salt=0):
    return spread(salt, -2.0, 2.0, *shape)


def positive(*shape, salt=0):
    return spread(salt, 0.3, 2.5, *shape)


def small(*shape, salt=0):
    return spread(salt, -0.5, 0.5, *shape)


MASK = torch.tensor([[2.0, 0.0, 2.0], [0.0, 2.0, 2.0]])


def block(x, w, b, pool, stride=1):
    y = F.relu(F.conv2d(x, w, b, stride=stride, padding=1))
    return F.max_pool2d(y, 2) if pool else y


def local2d(x, w, stride, padding):
    """A product for each position: w is [H', W', O, C, kh, kw]."""
    down, across, outputs, _, kh, kw = w.shape
    patches = F.unfold(x, (kh, kw), stride=stride, padding=padding)
    y = torch.einsum("nkp,pok->nop", patches, w.reshape(down * across, outputs, -1))
    return y.reshape(x.shape[0], outputs, down, across)


def block_inputs(x, w, stride=1):
    """Inputs of a block (shapes of x and w) at which no cell is near the kink of ReLU, and no window near a tie."""
    for salt in range(1000):
        inputs = [any_(*x, salt=salt), small(*w, salt=salt + 1), small(w[0], salt=salt + 2)]
        z = F.conv2d(*inputs, stride=stride, padding=1)
        first, second = F.relu(F.unfold(z.flatten(0, 1).unsqueeze(1), 2, stride=2)).topk(2, 1).values.unbind(1)
        gaps = (first - second)[first > 0]
        if z.abs().min() > 0.006 and gaps.min() > 0.006:
            return inputs
    raise ValueError("no such inputs")


m, v = any_(2, 3), any_(3, salt=1)
image = any_(2, 2, 5, 4)
CASES = {
    # functions of one number
    "neg": (lambda x: -x, [m]),
    "abs": (torch.abs, [m]),
    "exp": (torch.exp, [m]),
    "log": (torch.log, [positive(2, 3)]),
    "sqrt": (torch.sqrt, [positive(2, 3)]),
    "square": (torch.square, [m]),
    "recip": (torch.reciprocal, [positive(2, 3)]),
    "relu": (F.relu, [m]),
    "leaky_relu": (lambda x: F.leaky_relu(x, 0.1), [m]),
    "sigmoid": (torch.sigmoid, [m]),
    "tanh": (torch.tanh, [m]),
    "softplus": (F.softplus, [m]),
    "gelu": (F.gelu, [m]),
    "erf": (torch.erf, [m]),
    "silu": (F.silu, [m]),
    "clamp": (lambda x: x.clamp(-1.0, 0.75), [m]),
    "powf": (lambda x: x.pow(1.7), [positive(2, 3)]),
    "powf_integer": (lambda x: x.pow(3.0), [m]),
    "affine": (lambda x: -1.5 * x + 0.25, [m]),
    "scalar_forms": (lambda x: (3.0 - (x + 1.0)) * 2.0 / 0.8 - 0.5, [m]),
    # arithmetic with broadcasting
    "add": (torch.add, [m, any_(2, 3, salt=2)]),
    "add_row": (torch.add, [m, v]),
    "sub_column": (torch.sub, [any_(2, 1, salt=3), m]),
    "mul": (torch.mul, [m, any_(2, 3, salt=2)]),
    "mul_channel": (torch.mul, [any_(2, 3, 2, 2), any_(2, 3, 1, 1, salt=4)]),
    "mul_scalar_tensor": (torch.mul, [m, any_(salt=5)]),
    "div": (torch.div, [m, positive(2, 3, salt=2)]),
    "div_outer": (torch.div, [any_(2, 1), positive(3, salt=2)]),
    "maximum": (torch.maximum, [m, any_(3, salt=6)]),
    "minimum": (torch.minimum, [m, any_(3, salt=6)]),
    # reductions and stretching
    "sum": (torch.sum, [m]),
    "sum_axes": (lambda x: x.sum((0, 2)), [any_(2, 3, 2)]),
    "sum_axes_keep": (lambda x: x.sum(1, keepdim=True), [any_(2, 3, 2)]),
    "mean": (torch.mean, [m]),
    "mean_axes": (lambda x: x.mean((1, 2)), [any_(2, 3, 2)]),
    "max": (torch.max, [m]),
    "max_axes": (lambda x: x.amax((0, 2)), [any_(2, 3, 2)]),
    "max_axes_keep": (lambda x: x.amax(1, keepdim=True), [any_(2, 3, 2)]),
    "min_axes": (lambda x: x.amin(1), [m]),
    "broadcast_to": (lambda x: x.broadcast_to(2, 2, 3), [any_(2, 1)]),
    # shape
    "reshape": (lambda x: x.reshape(3, 2), [m]),
    "flatten_from": (lambda x: x.flatten(1), [any_(2, 3, 2)]),
    "unsqueeze": (lambda x: x.unsqueeze(1) * x.unsqueeze(2), [m]),
    "permute": (lambda x: x.permute(2, 0, 1), [any_(2, 3, 4)]),
    "transpose": (lambda x: x.transpose(0, 1), [m]),
    "concat": (lambda a, b, c: torch.cat([a, b, c], 1), [m, any_(2, 1, salt=1), any_(2, 2, salt=2)]),
    "stack": (lambda a, b: torch.stack([a, b], 1), [m, any_(2, 3, salt=1)]),
    "slice_rows": (lambda x: x[1:3], [any_(4, 3)]),
    "slice_columns": (lambda x: x[:, 1:3] * x[:, 0:2], [any_(2, 4)]),
    "pad": (lambda x: F.pad(x, (1, 2)), [m]),
    "index_select": (lambda x: x.index_select(1, torch.tensor([2, 0, 2])), [any_(2, 3, 2)]),
    "embedding": (lambda t: F.embedding(torch.tensor([[1, 0], [3, 1]]), t), [any_(4, 3)]),
    "pick": (lambda x: x.gather(1, torch.tensor([[2], [0]])).squeeze(1), [m]),
    # products
    "matmul": (torch.matmul, [m, any_(3, 4, salt=1)]),
    "matmul_nt": (lambda a, b: a @ b.mT, [m, any_(4, 3, salt=1)]),
    "matmul_tn": (lambda a, b: a.mT @ b, [any_(3, 2), any_(3, 4, salt=1)]),
    "matmul_tt": (lambda a, b: a.mT @ b.mT, [any_(3, 2), any_(4, 3, salt=1)]),
    "matmul_batch": (torch.matmul, [any_(2, 2, 3), any_(2, 3, 2, salt=1)]),
    "matmul_batch_nt": (lambda a, b: a @ b.mT, [any_(2, 2, 3), any_(2, 4, 3, salt=1)]),
    "matmul_shared": (torch.matmul, [any_(2, 2, 3), any_(3, 2, salt=1)]),
    "linear": (F.linear, [m, any_(4, 3, salt=1), any_(4, salt=2)]),
    "linear_sequence": (F.linear, [any_(2, 2, 3), any_(2, 3, salt=1)]),
    # images
    "conv2d": (lambda x, w: F.conv2d(x, w), [image, small(3, 2, 3, 2, salt=1)]),
    "conv2d_bias": (
        lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 2)),
        [image, small(3, 2, 3, 3, salt=1), small(3, salt=2)],
    ),
    "conv_transpose2d": (lambda x, w: F.conv_transpose2d(x, w), [any_(2, 2, 3, 2), small(2, 3, 2, 3, salt=1)]),
    "conv_transpose2d_bias": (
        lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=(1, 0)),
        [any_(2, 2, 3, 2), small(2, 3, 3, 3, salt=1), small(3, salt=2)],
    ),
    "conv_block": (lambda x, w, b: block(x, w, b, False), block_inputs((2, 2, 5, 4), (2, 2, 3, 3))),
    "conv_block_pool": (lambda x, w, b: block(x, w, b, True), block_inputs((2, 2, 5, 4), (3, 2, 3, 3))),
    "conv_block_stride": (
        lambda x, w, b: block(x, w, b, True, 2),
        block_inputs((1, 2, 6, 7), (2, 2, 3, 3), 2),
    ),
    "grouped_conv2d": (
        lambda x, w: F.conv2d(x, w, stride=(2, 1), padding=(1, 2), dilation=(1, 2), groups=2),
        [image, small(4, 1, 3, 2, salt=1)],
    ),
    "depthwise_conv2d": (lambda x, w: F.conv2d(x, w, padding=1, groups=2), [image, small(2, 1, 3, 3, salt=1)]),
    "local2d": (lambda x, w: local2d(x, w, (2, 1), (1, 0)), [image, small(3, 3, 2, 2, 3, 2, salt=1)]),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [image]),
    "max_pool2d_overlap": (lambda x: F.max_pool2d(x, 3, stride=(1, 2), padding=1), [image]),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 2), [image]),
    "avg_pool2d_overlap": (lambda x: F.avg_pool2d(x, 3, stride=(1, 2), padding=1), [image]),
    # probabilities and losses
    "softmax": (lambda x: x.softmax(-1), [m]),
    "log_softmax": (lambda x: x.log_softmax(-1), [any_(2, 2, 3)]),
    "cross_entropy": (lambda x: F.cross_entropy(x, torch.tensor([2, 0])), [m]),
    "cross_entropy_smooth": (
        lambda x: F.cross_entropy(x, torch.tensor([2, 0]), label_smoothing=0.1, reduction="sum"),
        [m],
    ),
    "cross_entropy_none": (
        lambda x: F.cross_entropy(x, torch.tensor([2, 0]), label_smoothing=0.2, reduction="none"),
        [m],
    ),
    "nll": (lambda x: F.nll_loss(x.log_softmax(-1), torch.tensor([1, 2])), [m]),
    "mse": (F.mse_loss, [m, any_(2, 3, salt=1)]),
    "mse_sum": (lambda x, t: F.mse_loss(x, t, reduction="sum"), [m, any_(2, 3, salt=1)]),
    "bce_with_logits": (F.binary_cross_entropy_with_logits, [m, spread(1, 0.1, 0.9, 2, 3)]),
    # normalisation and dropout
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (3, 2), w, b, 1e-5), [any_(2, 3, 2), v_ := any_(3, 2, salt=1), v_ * 0.5]),
    "group_norm": (
        lambda x, w, b: F.group_norm(x, 2, w, b, 1e-5),
        [any_(2, 4, 2, 2), any_(4, salt=1), any_(4, salt=2)],
    ),
    "mask_mul": (lambda x: x * MASK, [m]),
}


def numbers(t):
    return {"shape": list(t.shape), "data": t.detach().flatten().tolist()}


def run(f, inputs):
    inputs = [x.clone().requires_grad_() for x in inputs]
    y = f(*inputs)
    w = 0.5 + torch.tensor([(GOLDEN * (i + 1)) % 1.0 for i in range(y.numel())]).reshape(y.shape)
    gradients = torch.autograd.grad((w * y).sum(), inputs)
    return {"inputs": [numbers(x) for x in inputs], "y": numbers(y), "gradients": [g.flatten().tolist() for g in gradients]}


if __name__ == "__main__":
    cases = ",\n".join(f"{json.dumps(name)}: {json.dumps(run(*case))}" for name, case in CASES.items())
    text = f'{{"torch": {json.dumps(torch.__version__)}, "cases": {{\n{cases}\n}}}}\n'
    pathlib.Path(__file__).with_name("ops.json").write_text(text)
