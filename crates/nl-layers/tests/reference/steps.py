"""Reference values of the layers over steps, of attention and of memory from PyTorch, float64: outputs, and gradients of
sum(y * weigh). Elman, GRU, LSTM, attention and blocks are PyTorch's own modules; what it has not got is its equation in its
operations.

usage: python steps.py > steps.json      (made with PyTorch 2.6, CPU)
"""
import json

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
out = {}


def tensor(t):
    return {"shape": list(t.shape), "data": [float(v) for v in t.detach().flatten()]}


def case(name, layers, x, params, function):
    """params: path -> shape; function(x, params) -> y"""
    x = (torch.randn(x) if isinstance(x, tuple) else x).requires_grad_(True)
    p = {k: (0.6 * torch.randn(s)).requires_grad_(True) for k, s in params.items()}
    y = function(x, p)
    weigh = torch.randn(y.shape)
    grads = torch.autograd.grad((y * weigh).sum(), [x, *p.values()], allow_unused=True)
    zeros = lambda g, like: torch.zeros_like(like) if g is None else g
    out[name] = {
        "layers": layers, "x": tensor(x), "y": tensor(y), "weigh": tensor(weigh), "dx": tensor(zeros(grads[0], x)),
        "parameters": {k: tensor(v) for k, v in p.items()},
        "gradients": {k: tensor(zeros(g, v)) for (k, v), g in zip(p.items(), grads[1:])},
    }


def recurrent(name, kind, gates, layer, x, units, layers=1, both=False, last=False, learned=False, **options):
    """PyTorch's module with our parameters: its second bias is 0 but for the GRU's candidate."""
    shapes, features = {}, x[2]
    directions = ["forward", "backward"] if both else ["forward"]
    for n in range(1, layers + 1):
        for d in directions:
            at = f"it/layer-{n}/{d}"
            shapes |= {f"{at}/input/weight": (gates * units, features), f"{at}/input/bias": (gates * units,),
                       f"{at}/recurrent/weight": (gates * units, units)}
            if kind is nn.GRU:
                shapes[f"{at}/recurrent/bias"] = (units,)
            if learned:
                shapes[f"{at}/initial/state"] = (units,)
                if kind is nn.LSTM:
                    shapes[f"{at}/initial/cell"] = (units,)
        features = units * len(directions)
    module = kind(x[2], units, layers, bidirectional=both, **options)

    def function(x, p):
        theirs, h, c = {}, [], []
        for n in range(layers):
            for d, end in zip(directions, ["", "_reverse"]):
                at, tail = f"it/layer-{n + 1}/{d}", f"l{n}{end}"
                theirs[f"weight_ih_{tail}"] = p[f"{at}/input/weight"]
                theirs[f"weight_hh_{tail}"] = p[f"{at}/recurrent/weight"]
                theirs[f"bias_ih_{tail}"] = p[f"{at}/input/bias"]
                zeros = torch.zeros(gates * units)
                if kind is nn.GRU:
                    zeros = torch.cat([torch.zeros(2 * units), p[f"{at}/recurrent/bias"]])
                theirs[f"bias_hh_{tail}"] = zeros
                first = lambda name: p[f"{at}/initial/{name}"].expand(x.shape[1], units)
                h.append(first("state") if learned else torch.zeros(x.shape[1], units))
                c.append(first("cell") if learned and kind is nn.LSTM else torch.zeros(x.shape[1], units))
        h, c = torch.stack(h), torch.stack(c)
        y, _ = functional_call(module, theirs, (x, (h, c) if kind is nn.LSTM else h))
        if not last:
            return y
        return torch.cat([y[-1, :, :units], y[0, :, units:]], 1) if both else y[-1]

    case(name, [layer | {"name": "it"}], x, shapes, function)


recurrent("elman", nn.RNN, 1, {"kind": "elman", "units": 4}, (5, 2, 3), 4)
recurrent("elman_relu_both_last", nn.RNN, 1,
          {"kind": "elman", "units": 3, "function": "relu", "layers": 2, "bidirectional": True, "output": "last"},
          (4, 2, 3), 3, layers=2, both=True, last=True, nonlinearity="relu")
recurrent("gru", nn.GRU, 3, {"kind": "gru", "units": 4}, (5, 2, 3), 4)
recurrent("gru_both", nn.GRU, 3, {"kind": "gru", "units": 3, "layers": 2, "bidirectional": True,
                                  "initial_state": "learned"}, (4, 2, 3), 3, layers=2, both=True, learned=True)
recurrent("lstm", nn.LSTM, 4, {"kind": "lstm", "units": 4}, (5, 2, 3), 4)
recurrent("lstm_both_last", nn.LSTM, 4, {"kind": "lstm", "units": 3, "layers": 2, "bidirectional": True, "output": "last",
                                         "initial_state": "learned"}, (4, 2, 3), 3, layers=2, both=True, last=True, learned=True)


def truncated(x, p):
    """Two steps, then the state is a constant."""
    h = torch.zeros(x.shape[1], 3)
    ys = []
    for t in range(x.shape[0]):
        h = h.detach() if t > 0 and t % 2 == 0 else h
        at = "it/layer-1/forward"
        h = torch.tanh(F.linear(x[t], p[f"{at}/input/weight"], p[f"{at}/input/bias"]) + F.linear(h, p[f"{at}/recurrent/weight"]))
        ys.append(h)
    return torch.stack(ys)


case("elman_truncated", [{"kind": "elman", "units": 3, "truncate": 2, "name": "it"}], (5, 2, 2),
     {"it/layer-1/forward/input/weight": (3, 2), "it/layer-1/forward/input/bias": (3,),
      "it/layer-1/forward/recurrent/weight": (3, 3)}, truncated)


def feedback(x, p):
    fed, ys = torch.zeros(x.shape[1], 3), []
    for t in range(x.shape[0]):
        fed = torch.tanh(F.linear(torch.cat([x[t], fed], 1), p["it/hidden/weight"], p["it/hidden/bias"]))
        ys.append(F.linear(fed, p["it/out/weight"], p["it/out/bias"]))
    return torch.stack(ys)


case("feedback", [{"kind": "feedback", "name": "it", "source": "h", "layers": [
    {"kind": "linear", "units": 3, "name": "hidden"}, {"kind": "activation", "function": "tanh", "name": "h"},
    {"kind": "linear", "units": 2, "name": "out"}]}], (4, 2, 2),
    {"it/hidden/weight": (3, 5), "it/hidden/bias": (3,), "it/out/weight": (2, 3), "it/out/bias": (2,)}, feedback)

case("patches", [{"kind": "patches", "size": [2, 3], "units": 5, "name": "it"}], (2, 2, 4, 6),
     {"it/weight": (5, 12), "it/bias": (5,)},
     lambda x, p: F.conv2d(x, p["it/weight"].reshape(5, 2, 2, 3), p["it/bias"], stride=(2, 3)).flatten(2).permute(2, 0, 1))
case("embedding", [{"kind": "embedding", "vocabulary": 5, "units": 3, "name": "it"}],
     torch.tensor([[0., 3., 3., 1.], [4., 0., 2., 3.]]), {"it/table": (5, 3)},
     lambda x, p: F.embedding(x.detach().long().T, p["it/table"]))
case("positions", [{"kind": "positions", "name": "it"}], (4, 2, 3), {"it/table": (4, 3)},
     lambda x, p: x + p["it/table"][:, None])


def sinusoidal(x, p):
    t, i = torch.arange(x.shape[0])[:, None], torch.arange(x.shape[2] // 2)[None]
    angle = t / 10000.0 ** (2 * i / x.shape[2])
    return x + torch.stack([angle.sin(), angle.cos()], 2).flatten(1)[:, None]


case("positions_sinusoidal", [{"kind": "positions", "encoding": "sinusoidal", "name": "it"}], (4, 2, 6), {}, sinusoidal)
case("class_token", [{"kind": "class-token", "name": "it"}], (3, 2, 4), {"it/token": (4,)},
     lambda x, p: torch.cat([p["it/token"].expand(1, 2, 4), x]))


def gate(x, p, at="it"):
    both = torch.cat([x.mean(1, True), x.amax(1, True)], 1)
    return x * torch.sigmoid(F.conv2d(both, p[f"{at}/weight"], p[f"{at}/bias"], padding=p[f"{at}/weight"].shape[2] // 2))


def cbam(x, p):
    mlp = lambda s: F.linear(F.relu(F.linear(s, p["it/squeeze/weight"], p["it/squeeze/bias"])), p["it/excite/weight"], p["it/excite/bias"])
    g = torch.sigmoid(mlp(x.mean((2, 3))) + mlp(x.amax((2, 3))))
    return gate(x * g[:, :, None, None], p, "it/spatial")


case("spatial_gate", [{"kind": "spatial-gate", "kernel": 3, "name": "it"}], (2, 3, 4, 4), {"it/weight": (1, 2, 3, 3), "it/bias": (1,)}, gate)
case("cbam", [{"kind": "cbam", "hidden": 2, "kernel": 3, "name": "it"}], (2, 3, 4, 4),
     {"it/squeeze/weight": (2, 3), "it/squeeze/bias": (2,), "it/excite/weight": (3, 2), "it/excite/bias": (3,),
      "it/spatial/weight": (1, 2, 3, 3), "it/spatial/bias": (1,)}, cbam)

OWN = {"query-key-value/weight": (12, 4), "query-key-value/bias": (12,), "output/weight": (4, 4), "output/bias": (4,)}


def seen(steps, causal, window):
    t = torch.arange(steps)
    hidden = (t[None] - t[:, None]).abs() > (window if window is not None else steps)
    return hidden | (t[None] > t[:, None]) if causal else hidden


def attention(causal=False, window=None):
    module = nn.MultiheadAttention(4, 2)

    def function(x, p):
        theirs = {"in_proj_weight": p["it/query-key-value/weight"], "in_proj_bias": p["it/query-key-value/bias"],
                  "out_proj.weight": p["it/output/weight"], "out_proj.bias": p["it/output/bias"]}
        return functional_call(module, theirs, (x, x, x), {"attn_mask": seen(x.shape[0], causal, window)})[0]

    return function


for name, options in {"attention": {}, "attention_causal": {"causal": True},
                      "attention_window": {"causal": True, "window": 1}, "attention_around": {"window": 1}}.items():
    case(name, [{"kind": "attention", "heads": 2, "name": "it"} | options], (4, 2, 4),
         {f"it/{k}": s for k, s in OWN.items()}, attention(**options))


def cross(x, p):
    module = nn.MultiheadAttention(4, 2, kdim=3, vdim=3)
    theirs = {"q_proj_weight": p["it/query/weight"], "k_proj_weight": p["it/key-value/weight"][:4], "v_proj_weight": p["it/key-value/weight"][4:],
              "in_proj_bias": torch.cat([p["it/query/bias"], p["it/key-value/bias"]]),
              "out_proj.weight": p["it/output/weight"], "out_proj.bias": p["it/output/bias"]}
    memory = F.linear(x, p["memory/weight"], p["memory/bias"])
    return functional_call(module, theirs, (x, memory, memory))[0]


case("attention_to_a_memory", [{"kind": "linear", "units": 3, "name": "memory"},
                               {"kind": "attention", "heads": 2, "name": "it", "from": ["input", "memory"]}], (4, 2, 4),
     {"memory/weight": (3, 4), "memory/bias": (3,), "it/query/weight": (4, 4), "it/query/bias": (4,),
      "it/key-value/weight": (8, 3), "it/key-value/bias": (8,), "it/output/weight": (4, 4), "it/output/bias": (4,)}, cross)


def block(first):
    module = nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0, activation="gelu", norm_first=first)
    ours = {"self_attn.in_proj_weight": "attention/query-key-value/weight", "self_attn.in_proj_bias": "attention/query-key-value/bias",
            "self_attn.out_proj.weight": "attention/output/weight", "self_attn.out_proj.bias": "attention/output/bias",
            "linear1.weight": "expand/weight", "linear1.bias": "expand/bias", "linear2.weight": "contract/weight",
            "linear2.bias": "contract/bias", "norm1.weight": "norm-1/scale", "norm1.bias": "norm-1/shift",
            "norm2.weight": "norm-2/scale", "norm2.bias": "norm-2/shift"}
    return lambda x, p: functional_call(module, {k: p[f"it/{v}"] for k, v in ours.items()}, (x,))


for name, place in {"transformer_block": "pre", "transformer_block_post": "post"}.items():
    case(name, [{"kind": "transformer-block", "heads": 2, "mlp": 6, "norm": place, "name": "it"}], (4, 2, 4),
         {f"it/attention/{k}": s for k, s in OWN.items()} |
         {"it/expand/weight": (6, 4), "it/expand/bias": (6,), "it/contract/weight": (4, 6), "it/contract/bias": (4,),
          "it/norm-1/scale": (4,), "it/norm-1/shift": (4,), "it/norm-2/scale": (4,), "it/norm-2/shift": (4,)}, block(place == "pre"))


def working_memory(x, p):
    m, ys = torch.zeros(x.shape[1], 3), []
    for t in range(x.shape[0]):
        a, u = F.linear(x[t], p["it/input/weight"], p["it/input/bias"]), F.linear(m, p["it/gates/weight"])
        w, c, v = torch.sigmoid(a[:, :3] + u[:, :3]), torch.sigmoid(a[:, 3:6] + u[:, 3:]), torch.tanh(a[:, 6:])
        m = (1 - c) * m + w * v
        ys.append(m)
    return torch.stack(ys)


case("working_memory", [{"kind": "working-memory", "units": 3, "name": "it"}], (4, 2, 2),
     {"it/input/weight": (9, 2), "it/input/bias": (9,), "it/gates/weight": (6, 3)}, working_memory)


def hopfield(x, p):
    for _ in range(2):
        x = F.softmax(1.5 * x @ p["it/patterns"].T, -1) @ p["it/patterns"]
    return x


def hopfield_memory(x, p):
    memory = F.linear(x, p["memory/weight"], p["memory/bias"]).transpose(0, 1)
    return (F.softmax(0.5 * x.transpose(0, 1) @ memory.transpose(1, 2), -1) @ memory).transpose(0, 1)


case("hopfield", [{"kind": "hopfield", "patterns": 5, "beta": 1.5, "iterations": 2, "name": "it"}], (3, 4), {"it/patterns": (5, 4)}, hopfield)
case("hopfield_memory", [{"kind": "linear", "units": 4, "name": "memory"}, {"kind": "hopfield", "from": ["input", "memory"], "name": "it"}],
     (3, 2, 4), {"memory/weight": (4, 4), "memory/bias": (4,)}, hopfield_memory)


def ntm(x, p):
    batch, w = x.shape[1], 3
    memory, read, ys = p["it/memory"].expand(batch, 4, w), torch.zeros(batch, w), []

    def address(memory, key, beta):
        lengths = (memory.square().sum(2) + 1e-8).sqrt() * (key.square().sum(1, True) + 1e-8).sqrt()
        return F.softmax(F.softplus(beta) * torch.einsum("bnw,bw->bn", memory, key) / lengths, -1)

    for t in range(x.shape[0]):
        o = F.linear(torch.cat([x[t], read], 1), p["it/head/weight"], p["it/head/bias"])
        put = address(memory, o[:, :w], o[:, 4 * w:4 * w + 1])
        memory = memory * (1 - put[:, :, None] * torch.sigmoid(o[:, w:2 * w])[:, None]) + put[:, :, None] * o[:, 2 * w:3 * w][:, None]
        take = address(memory, o[:, 3 * w:4 * w], o[:, 4 * w + 1:])
        read = torch.einsum("bn,bnw->bw", take, memory)
        ys.append(read)
    return torch.stack(ys)


case("ntm", [{"kind": "ntm", "slots": 4, "width": 3, "name": "it"}], (3, 2, 2),
     {"it/memory": (4, 3), "it/head/weight": (14, 5), "it/head/bias": (14,)}, ntm)
print(json.dumps(out, indent=None, separators=(",", ":")).replace('},"', '},\n"'))
