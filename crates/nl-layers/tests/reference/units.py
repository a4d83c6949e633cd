"""Reference values of layers as a configuration describes them, from PyTorch in float64: outputs, and gradients of sum(y * weigh).

usage: python units.py > units.json      (made with PyTorch 2.6, CPU)

What PyTorch has not as a module is written from its equation in a line or two; gradients are always autograd's.
"""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
out = {}


def tensor(t):
    return {"shape": list(t.shape), "data": [float(v) for v in t.detach().flatten()]}


def case(name, config, x_shape, params, function, mode="eval", fixed=()):
    """params: name -> shape or tensor; function(x, **params) -> y; fixed: parameters without a gradient"""
    x = torch.randn(x_shape, requires_grad=True)
    p = {k: s.clone() if torch.is_tensor(s) else torch.randn(s) for k, s in params.items()}
    learned = {k: v.requires_grad_() for k, v in p.items() if k not in fixed}
    y = function(x, *p.values())
    weigh = torch.randn(y.shape)
    grads = torch.autograd.grad((y * weigh).sum(), [x, *learned.values()])
    out[name] = {
        "config": config, "mode": mode, "x": tensor(x), "y": tensor(y), "weigh": tensor(weigh), "dx": tensor(grads[0]),
        "parameters": {k: tensor(v) for k, v in p.items()},
        "gradients": {k: tensor(g) for k, g in zip(learned, grads[1:])},
    }


def local2d(x, w, b, stride, padding):
    down, across, outputs, _, kh, kw = w.shape
    patches = F.unfold(x, (kh, kw), stride=stride, padding=padding)
    y = torch.einsum("nkp,pok->nop", patches, w.reshape(down * across, outputs, -1))
    return y.reshape(x.shape[0], outputs, down, across) + b


case("local2d", {"kind": "local2d", "channels": 3, "kernel": [3, 2], "stride": [2, 1], "padding": [1, 0]}, (2, 2, 5, 4),
     {"weight": (3, 3, 3, 2, 3, 2), "bias": (3, 3, 3)}, lambda x, w, b: local2d(x, w, b, (2, 1), (1, 0)))
case("conv2d_groups", {"kind": "conv2d", "channels": 6, "kernel": 3, "padding": 1, "groups": 2}, (2, 4, 4, 5),
     {"weight": (6, 2, 3, 3), "bias": (6,)}, lambda x, w, b: F.conv2d(x, w, b, padding=1, groups=2))
case("conv2d_depthwise", {"kind": "conv2d", "channels": 3, "kernel": 3, "stride": 2, "padding": 1, "groups": 3}, (2, 3, 5, 5),
     {"weight": (3, 1, 3, 3), "bias": (3,)}, lambda x, w, b: F.conv2d(x, w, b, stride=2, padding=1, groups=3))
case("conv2d_dilation", {"kind": "conv2d", "channels": 3, "kernel": [3, 2], "padding": [2, 1], "dilation": [2, 3]}, (2, 2, 5, 6),
     {"weight": (3, 2, 3, 2), "bias": (3,)}, lambda x, w, b: F.conv2d(x, w, b, padding=(2, 1), dilation=(2, 3)))

norm = {"scale": (3,), "shift": (3,), "mean": (3,), "variance": torch.rand(3) + 0.5}
running = ("mean", "variance")
case("batch_norm_train_rows", {"kind": "batch-norm"}, (5, 3), norm,
     lambda x, g, b, m, v: F.batch_norm(x, None, None, g, b, True, 0.1, 1e-5), "train", running)
case("batch_norm_train_images", {"kind": "batch-norm"}, (3, 3, 2, 2), norm,
     lambda x, g, b, m, v: F.batch_norm(x, None, None, g, b, True, 0.1, 1e-5), "train", running)
case("batch_norm_train_steps", {"kind": "batch-norm"}, (2, 4, 3), norm,
     lambda x, g, b, m, v: F.batch_norm(x.reshape(8, 3), None, None, g, b, True, 0.1, 1e-5).reshape(2, 4, 3), "train", running)
case("batch_norm_eval", {"kind": "batch-norm"}, (3, 3, 2, 2), norm,
     lambda x, g, b, m, v: F.batch_norm(x, m, v, g, b, False, 0.1, 1e-5), "eval", running)
case("rms_norm", {"kind": "rms-norm"}, (3, 4), {"scale": (4,)}, lambda x, g: F.rms_norm(x, (4,), g, 1e-5))


def divisive(x, window, all_channels, center, sigma):
    def mean(v):
        v = v.mean(1, keepdim=True) if all_channels else v
        return F.avg_pool2d(v, window, stride=1, padding=window // 2)
    v = x - mean(x) if center else x
    return v / torch.sqrt(sigma ** 2 + mean(v ** 2))


case("divisive_norm", {"kind": "divisive-norm", "window": 3, "sigma": 0.5}, (2, 3, 4, 3), {},
     lambda x: divisive(x, 3, True, False, 0.5))
case("divisive_norm_own_center", {"kind": "divisive-norm", "window": 3, "channels": "own", "center": True}, (2, 2, 4, 3), {},
     lambda x: divisive(x, 3, False, True, 1.0))
case("soft_winner_take_all", {"kind": "soft-winner-take-all", "temperature": 0.5}, (2, 3, 2, 2), {},
     lambda x: (x / 0.5).softmax(1))
case("k_winners_take_all", {"kind": "k-winners-take-all", "winners": 2}, (3, 5), {},
     lambda x: x * (x >= x.topk(2, -1).values[..., -1:]))


def settle(u, lateral, f, steps):
    x = f(u)
    for _ in range(steps):
        x = f(u + lateral(x))
    return x


def hat(size, center, surround, a, b):
    d = torch.arange(size) - size // 2
    square = d[:, None] ** 2 + d[None, :] ** 2
    g = [torch.exp(-square / (2 * s * s)) for s in (center, surround)]
    return a * g[0] / g[0].sum() - b * g[1] / g[1].sum()


case("lateral_all_but_self",
     {"kind": "lateral", "connections": {"kind": "all-but-self", "inhibition": 0.2}, "until": {"kind": "steps", "count": 4}},
     (3, 5), {}, lambda u: settle(u, lambda x: -0.2 * (x.sum(-1, keepdim=True) - x), F.relu, 4))
case("lateral_difference_of_gaussians",
     {"kind": "lateral", "connections": {"kind": "difference-of-gaussians", "size": 3, "center": 0.7, "surround": 1.5},
      "activation": "tanh"}, (2, 2, 4, 3), {},
     lambda u: settle(u, lambda x: F.conv2d(x, hat(3, 0.7, 1.5, 0.5, 0.5).expand(2, 1, 3, 3), padding=1, groups=2), torch.tanh, 3))
others = torch.ones(2, 2, 3, 3)
others[[0, 1], [0, 1], 1, 1] = 0
case("lateral_learned", {"kind": "lateral", "connections": {"kind": "learned", "sign": "inhibitory", "size": 3}, "activation": "tanh"},
     (2, 2, 4, 3), {"weight": torch.randn(2, 2, 3, 3) - 2},
     lambda u, w: settle(u, lambda x: F.conv2d(x, -F.softplus(w) * others, padding=1), torch.tanh, 3))
# At rest: autograd through two hundred steps, which is the implicit gradient to rounding.
case("lateral_rest",
     {"kind": "lateral", "connections": {"kind": "learned"}, "activation": "tanh",
      "until": {"kind": "rest", "tolerance": 1e-15, "most": 200}},
     (3, 4), {"weight": torch.randn(4, 4) * 0.2},
     lambda u, w: settle(u, lambda x: x @ (w * (1 - torch.eye(4))).T, torch.tanh, 200))
case("residual_projection",
     {"kind": "residual", "layers": [{"kind": "conv2d", "channels": 3, "kernel": 3, "stride": 2, "padding": 1},
                                     {"kind": "activation", "function": "tanh"}]}, (2, 2, 5, 4),
     {"conv2d-1/weight": (3, 2, 3, 3), "conv2d-1/bias": (3,), "shortcut/weight": (3, 2, 1, 1), "shortcut/bias": (3,)},
     lambda x, w, b, s, t: torch.tanh(F.conv2d(x, w, b, stride=2, padding=1)) + F.conv2d(x, s, t, stride=2))
print(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"'))
