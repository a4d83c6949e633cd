"""Reference values of every layer from PyTorch, float64: outputs, and gradients of sum(y * weigh).

usage: python layers.py > layers.json      (made with PyTorch 2, CPU; Dropout has no reference, its mask is our own)
"""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
out = {}


def tensor(t):
    return {"shape": list(t.shape), "data": [float(v) for v in t.detach().flatten()]}


def case(name, x_shape, params, function):
    """params: name -> shape; function(x, **params) -> y"""
    x = torch.randn(x_shape, requires_grad=True)
    p = {k: torch.randn(s, requires_grad=True) for k, s in params.items()}
    y = function(x, *p.values())
    weigh = torch.randn(y.shape)
    grads = torch.autograd.grad((y * weigh).sum(), [x, *p.values()])
    out[name] = {
        "x": tensor(x), "y": tensor(y), "weigh": tensor(weigh), "dx": tensor(grads[0]),
        "parameters": {k: tensor(v) for k, v in p.items()},
        "gradients": {k: tensor(g) for k, g in zip(p, grads[1:])},
    }


case("linear", (2, 3, 4), {"weight": (5, 4), "bias": (5,)}, F.linear)
case("linear_without_bias", (3, 4), {"weight": (2, 4)}, F.linear)
case("conv2d", (2, 3, 5, 6), {"weight": (4, 3, 3, 2), "bias": (4,)},
     lambda x, w, b: F.conv2d(x, w, b, stride=(2, 1), padding=(1, 0)))
case("conv_transpose2d", (2, 3, 3, 4), {"weight": (3, 2, 4, 4), "bias": (2,)},
     lambda x, w, b: F.conv_transpose2d(x, w, b, stride=2, padding=1, output_padding=(1, 0)))
case("conv_block", (2, 2, 5, 4), {"weight": (3, 2, 3, 3), "bias": (3,)},
     lambda x, w, b: F.relu(F.conv2d(x, w, b, padding=1)))
case("conv_block_pool", (2, 2, 5, 6), {"weight": (3, 2, 3, 3), "bias": (3,)},
     lambda x, w, b: F.max_pool2d(F.relu(F.conv2d(x, w, b, padding=1)), 2))
case("layer_norm", (3, 4), {"scale": (4,), "shift": (4,)}, lambda x, g, b: F.layer_norm(x, (4,), g, b, 1e-5))
case("group_norm", (2, 6, 2, 3), {"scale": (6,), "shift": (6,)}, lambda x, g, b: F.group_norm(x, 3, g, b, 1e-5))
case("max_pool2d", (2, 2, 5, 5), {}, lambda x: F.max_pool2d(x, (3, 2), (2, 1), (1, 0)))
case("avg_pool2d", (2, 2, 5, 5), {}, lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0)))
case("channel_gate", (2, 4, 3, 3),
     {"squeeze/weight": (3, 4), "squeeze/bias": (3,), "excite/weight": (4, 3), "excite/bias": (4,)},
     lambda x, w1, b1, w2, b2: x * torch.sigmoid(F.linear(F.relu(F.linear(x.mean((2, 3)), w1, b1)), w2, b2))[:, :, None, None])
for name, f in {"relu": F.relu, "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softplus": F.softplus, "gelu": F.gelu}.items():
    case(name, (3, 5), {}, f)
print(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"'))
