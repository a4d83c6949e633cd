"""Reference values of every loss from PyTorch, float64: the sum over samples, and its gradients.

usage: python loss.py > loss.json      (made with PyTorch 2, CPU)

`loss` is a configuration. Where PyTorch has the loss, it is PyTorch's own function; `by_hand` says that it is the equation of
the paper, in PyTorch's arithmetic and gradients. Inputs are rounded to 1/64, so that the file is short and exact.
"""
import json

import torch
import torch.nn.functional as F

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
out = {}


def tensor(t):
    return {"shape": list(t.shape), "data": [float(v) for v in t.detach().flatten()]}


def randn(*shape):
    return torch.round(2 * torch.randn(shape) * 64) / 64


def case(name, loss, output, target, function, by_hand=False):
    """target: ("classes" | "values" | "labels", tensor); function(output, target) -> sum over samples"""
    x = output.requires_grad_()
    value = function(x, target[1])
    (dx,) = torch.autograd.grad(value, [x])
    given = target[1].tolist() if target[0] == "classes" else tensor(target[1])
    out[name] = {"loss": loss, "by_hand": by_hand, "output": tensor(x), "target": {target[0]: given},
                 "value": float(value), "gradients": [tensor(dx)]}


def views(name, loss, a, b, function, by_hand=True):
    a, b = a.requires_grad_(), b.requires_grad_()
    value = function(a, b) * len(a)
    gradients = torch.autograd.grad(value, [a, b])
    out[name] = {"joint_embedding": loss, "by_hand": by_hand, "a": tensor(a), "b": tensor(b),
                 "value": float(value), "gradients": [tensor(g) for g in gradients]}


classes = ("classes", torch.tensor([2, 0, 3, 1, 2, 2]))
weights = [0.5, 1.0, 2.0, 1.5]
w = torch.tensor(weights)

# Classes.
case("cross_entropy", {"kind": "cross-entropy"}, randn(6, 4), classes,
     lambda x, y: F.cross_entropy(x, y, reduction="sum"))
case("cross_entropy_smoothed", {"kind": "cross-entropy", "label_smoothing": 0.1}, randn(6, 4), classes,
     lambda x, y: F.cross_entropy(x, y, reduction="sum", label_smoothing=0.1))
case("cross_entropy_weighted", {"kind": "cross-entropy", "class_weights": weights}, randn(6, 4), classes,
     lambda x, y: F.cross_entropy(x, y, w, reduction="sum"))
case("cross_entropy_both", {"kind": "cross-entropy", "label_smoothing": 0.2, "class_weights": weights}, randn(6, 4), classes,
     lambda x, y: F.cross_entropy(x, y, w, reduction="sum", label_smoothing=0.2))


def focal(gamma, alpha):
    def function(x, y):
        p = torch.softmax(x, 1).gather(1, y[:, None])[:, 0]
        return -(alpha[y] * (1 - p) ** gamma * p.log()).sum()
    return function


case("focal", {"kind": "focal"}, randn(6, 4), classes, focal(2.0, torch.ones(4)), by_hand=True)
case("focal_weighted", {"kind": "focal", "gamma": 0.5, "class_weights": weights}, randn(6, 4), classes, focal(0.5, w), by_hand=True)


def ordinal(x, y):
    """Shi et al. 2021: for each task, binary cross-entropy over the samples that came as far as it."""
    total = 0.0
    for k in range(x.shape[1]):
        asked = y >= k
        further = (y[asked] > k).to(x.dtype)
        total = total + F.binary_cross_entropy_with_logits(x[asked, k], further, reduction="sum")
    return total


case("ordinal", {"kind": "ordinal"}, randn(6, 3), classes, ordinal, by_hand=True)

# Labels, and classes one against the rest.
case("sigmoid_labels", {"kind": "sigmoid"}, randn(4, 3), ("labels", torch.randint(0, 2, (4, 3)).to(torch.float64)),
     lambda x, t: F.binary_cross_entropy_with_logits(x, t) * len(x))
case("sigmoid_classes", {"kind": "sigmoid"}, randn(6, 4), classes,
     lambda x, y: F.binary_cross_entropy_with_logits(x, F.one_hot(y, 4).to(x.dtype)) * len(x))

# Values.
case("mse", {"kind": "mse"}, randn(4, 3), ("values", randn(4, 3)), lambda x, y: F.mse_loss(x, y) * len(x))
case("huber", {"kind": "huber"}, randn(4, 3), ("values", randn(4, 3)), lambda x, y: F.huber_loss(x, y) * len(x))
case("huber_wide", {"kind": "huber", "delta": 2.5}, randn(4, 3), ("values", randn(4, 3)),
     lambda x, y: F.huber_loss(x, y, delta=2.5) * len(x))


def pinball(quantiles):
    def function(x, y):
        u = y[:, :, None] - x.reshape(*y.shape, len(quantiles))
        tau = torch.tensor(quantiles)
        return torch.maximum(tau * u, (tau - 1) * u).mean() * len(x)
    return function


case("quantile", {"kind": "quantile"}, randn(4, 6), ("values", randn(4, 2)), pinball([0.1, 0.5, 0.9]), by_hand=True)
case("quantile_one", {"kind": "quantile", "quantiles": [0.3]}, randn(4, 2), ("values", randn(4, 2)), pinball([0.3]), by_hand=True)
# The floor is added to the variance before PyTorch sees it, so that PyTorch's own floor never acts.
case("gaussian", {"kind": "gaussian", "floor": 0.125}, randn(4, 4), ("values", randn(4, 2)),
     lambda x, y: F.gaussian_nll_loss(x[:, :2], y, 0.125 + x[:, 2:].exp(), full=True, eps=1e-12) * len(x))


# Two views.
def nt_xent(tau):
    def function(a, b):
        z = torch.cat([a, b])
        s = F.cosine_similarity(z[:, None], z[None], dim=2) / tau
        s = s.masked_fill(torch.eye(len(z), dtype=torch.bool), float("-inf"))
        return F.cross_entropy(s, (torch.arange(len(z)) + len(a)) % len(z))
    return function


def off_diagonal(c):
    return c[~torch.eye(len(c), dtype=torch.bool)]


def vic_reg(a, b):
    """The authors' reading: mean squared error, half of each variance term."""
    loss = 25.0 * F.mse_loss(a, b)
    for z in (a, b):
        loss = loss + 25.0 * F.relu(1.0 - torch.sqrt(z.var(0) + 1e-4)).mean() / 2
        loss = loss + off_diagonal(torch.cov(z.T)).square().sum() / z.shape[1]
    return loss


def barlow_twins(a, b):
    a, b = (F.batch_norm(z, None, None, training=True, eps=1e-5) for z in (a, b))
    c = a.T @ b / len(a)
    return (torch.diagonal(c) - 1).square().sum() + 0.005 * off_diagonal(c).square().sum()


views("nt_xent", {"kind": "nt-xent"}, randn(4, 3), randn(4, 3), nt_xent(0.5))
views("nt_xent_cold", {"kind": "nt-xent", "temperature": 0.1}, randn(3, 5), randn(3, 5), nt_xent(0.1))
views("vic_reg", {"kind": "vic-reg"}, randn(5, 3) / 4, randn(5, 3), vic_reg)
views("barlow_twins", {"kind": "barlow-twins"}, randn(5, 3), randn(5, 3), barlow_twins)
case("least_squares", {"kind": "least-squares"}, randn(6, 4), classes,
     lambda x, y: 0.5 * F.mse_loss(x, F.one_hot(y, 4).to(x.dtype), reduction="sum"))
print(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"'))
