"""Reference trajectories of optimisers and schedules, made by PyTorch in float32.

Run in this folder: python optim.py   (needs torch; the version is written into optim.json).
Gradient of step t: curvature * p + noise[t]. `config` is an OptimizerConfig of this crate with the same meaning.
Parameters are recorded after steps 1, 2, 3 and every 5th; schedules at each of 100 steps.
"""
import json
import warnings

import torch

warnings.filterwarnings("ignore")
torch.manual_seed(7)
STEPS, N = 100, 6
RECORDED = [t for t in range(STEPS) if t < 3 or t % 5 == 4]
start = torch.randn(N)
curvature = torch.tensor([0.01, 0.1, 0.5, 1.0, 2.0, 4.0])
noise = 0.3 * torch.randn(STEPS, N)
noise[40] *= 50  # something to clip


def trajectory(make, make_schedule=None, prepare=None):
    p = torch.nn.Parameter(start.clone())
    optimizer = make([p])
    schedule = make_schedule(optimizer) if make_schedule else None
    rows = []
    for t in range(STEPS):
        p.grad = curvature * p.detach() + noise[t]
        if prepare:
            prepare(p)
        optimizer.step()
        if schedule:
            schedule.step()
        if t in RECORDED:
            rows.append([float(x) for x in p.detach()])
    return rows


def rates(make_schedule, lr):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule, out = make_schedule(optimizer), []
    for t in range(STEPS):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if t < STEPS - 1:
            schedule.step()
    return out


def config(kind, rate, algorithm=None, **rest):
    return {"algorithm": {"kind": kind, **(algorithm or {})}, "schedule": {"kind": "constant", "rate": rate}, **rest}


def l1(p):
    p.grad += 0.05 * p.detach().sign()


O, S = torch.optim, torch.optim.lr_scheduler
optimizers = [
    (config("sgd", 0.1), lambda ps: O.SGD(ps, lr=0.1), None, None),
    (config("momentum", 0.05), lambda ps: O.SGD(ps, lr=0.05, momentum=0.9), None, None),
    (config("momentum", 0.05, {"beta": 0.8, "dampening": 0.3}), lambda ps: O.SGD(ps, lr=0.05, momentum=0.8, dampening=0.3), None, None),
    (config("nesterov", 0.05), lambda ps: O.SGD(ps, lr=0.05, momentum=0.9, nesterov=True), None, None),
    (config("rms-prop", 0.01), lambda ps: O.RMSprop(ps, lr=0.01), None, None),
    (config("rms-prop", 0.01, {"decay": 0.9, "centered": True}), lambda ps: O.RMSprop(ps, lr=0.01, alpha=0.9, centered=True), None, None),
    (config("rms-prop", 0.005, {"momentum": 0.9, "epsilon": 1e-3}), lambda ps: O.RMSprop(ps, lr=0.005, momentum=0.9, eps=1e-3), None, None),
    (config("rms-prop", 0.005, {"momentum": 0.5, "centered": True}), lambda ps: O.RMSprop(ps, lr=0.005, momentum=0.5, centered=True), None, None),
    (config("adam", 0.02), lambda ps: O.Adam(ps, lr=0.02), None, None),
    (config("adam", 0.02, {"beta1": 0.8, "beta2": 0.9, "epsilon": 1e-2}), lambda ps: O.Adam(ps, lr=0.02, betas=(0.8, 0.9), eps=1e-2), None, None),
    (config("adam", 0.02, {"beta2": 0.9, "amsgrad": True}), lambda ps: O.Adam(ps, lr=0.02, betas=(0.9, 0.9), amsgrad=True), None, None),
    (config("adam", 0.02, l2=0.1), lambda ps: O.Adam(ps, lr=0.02, weight_decay=0.1), None, None),
    (config("adam-w", 0.02), lambda ps: O.AdamW(ps, lr=0.02), None, None),
    (config("adam-w", 0.02, {"weight_decay": 0.5, "amsgrad": True}), lambda ps: O.AdamW(ps, lr=0.02, weight_decay=0.5, amsgrad=True), None, None),
    (config("momentum", 0.05, l2=0.2), lambda ps: O.SGD(ps, lr=0.05, momentum=0.9, weight_decay=0.2), None, None),
    (config("sgd", 0.1, l1=0.05), lambda ps: O.SGD(ps, lr=0.1), None, l1),
    (config("momentum", 0.05, clip_norm=0.5), lambda ps: O.SGD(ps, lr=0.05, momentum=0.9), None,
     lambda p: torch.nn.utils.clip_grad_norm_([p], 0.5)),
    (config("adam", 0.02, clip_value=0.3), lambda ps: O.Adam(ps, lr=0.02), None,
     lambda p: torch.nn.utils.clip_grad_value_([p], 0.3)),
    ({"algorithm": {"kind": "adam-w"}, "schedule": {"kind": "one-cycle", "peak": 0.05, "steps": 100}},
     lambda ps: O.AdamW(ps, lr=0.05), lambda o: S.OneCycleLR(o, 0.05, total_steps=STEPS + 1, cycle_momentum=False), None),
]
# One cycle of PyTorch refuses the step after its last, so it is asked for one more; the configuration says so too.
optimizers[-1][0]["schedule"]["steps"] = STEPS + 1

schedules = [
    ({"kind": "constant", "rate": 0.3}, 0.3, lambda o: S.ConstantLR(o, factor=1.0)),
    ({"kind": "step", "rate": 0.3, "every": 7, "factor": 0.5}, 0.3, lambda o: S.StepLR(o, 7, 0.5)),
    ({"kind": "multi-step", "rate": 0.3, "milestones": [5, 30, 31], "factor": 0.2}, 0.3, lambda o: S.MultiStepLR(o, [5, 30, 31], 0.2)),
    ({"kind": "exponential", "rate": 0.3, "factor": 0.97}, 0.3, lambda o: S.ExponentialLR(o, 0.97)),
    ({"kind": "cosine", "rate": 0.3, "steps": 99, "floor": 0.01}, 0.3, lambda o: S.CosineAnnealingLR(o, 99, 0.01)),
    ({"kind": "cosine-restarts", "rate": 0.3, "period": 9, "floor": 0.01}, 0.3, lambda o: S.CosineAnnealingWarmRestarts(o, 9, 1, 0.01)),
    ({"kind": "cosine-restarts", "rate": 0.3, "period": 9, "growth": 2}, 0.3, lambda o: S.CosineAnnealingWarmRestarts(o, 9, 2)),
    ({"kind": "one-cycle", "peak": 0.3, "steps": 100}, 0.3, lambda o: S.OneCycleLR(o, 0.3, total_steps=100)),
    ({"kind": "one-cycle", "peak": 0.3, "steps": 100, "warm_up": 0.15, "start_divisor": 10.0, "end_divisor": 100.0}, 0.3,
     lambda o: S.OneCycleLR(o, 0.3, total_steps=100, pct_start=0.15, div_factor=10.0, final_div_factor=100.0)),
    ({"kind": "warm-up", "steps": 12, "start": 0.1, "then": {"kind": "cosine", "rate": 0.3, "steps": 88}}, 0.3,
     lambda o: S.SequentialLR(o, [S.LinearLR(o, 0.1, 1.0, 12), S.CosineAnnealingLR(o, 88)], [12])),
]


def plateau(lr, metrics, **arguments):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    schedule, out = S.ReduceLROnPlateau(optimizer, **arguments), []
    for metric in metrics:
        schedule.step(metric)
        out.append(optimizer.param_groups[0]["lr"])
    return out


metrics = [float(x) for x in 1.0 / (1.0 + 0.3 * torch.arange(40)) + 0.05 * torch.randn(40)]
plateaus = [
    ({"patience": 2}, metrics, plateau(1.0, metrics, patience=2)),
    ({"factor": 0.5, "patience": 1, "cooldown": 3, "threshold": 0.01, "min_scale": 0.1}, metrics,
     plateau(1.0, metrics, factor=0.5, patience=1, cooldown=3, threshold=0.01, min_lr=0.1)),
    ({"factor": 0.5, "patience": 0, "maximise": True}, metrics, plateau(1.0, metrics, mode="max", factor=0.5, patience=0, eps=0.0)),
]

# Gradients beyond 1.8e19, whose squares are infinite in float32, then ordinary ones; within 6e20, where PyTorch itself
# still holds. Positions are recorded in units of the learning rate, from 0, after each step.
huge = [[1e20, 1.0, 1.0, 0.5], [1.0, -3e20, 2e20, 1.0, 1.0], [1.85e19, -1.85e19, 0.0, 1e-20, 1.0]]


def walk(make, gradients):
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer, rows = make([p]), []
    for g in gradients:
        p.grad = torch.tensor([g])
        optimizer.step()
        rows.append(float(p.detach()[0]))
    return rows


walks = [
    ({"kind": "adam"}, lambda ps: O.Adam(ps, lr=1.0)),
    ({"kind": "adam", "amsgrad": True}, lambda ps: O.Adam(ps, lr=1.0, amsgrad=True)),
    ({"kind": "adam-w", "weight_decay": 0.0}, lambda ps: O.AdamW(ps, lr=1.0, weight_decay=0.0)),
    ({"kind": "rms-prop", "decay": 0.999}, lambda ps: O.RMSprop(ps, lr=1.0, alpha=0.999)),
    ({"kind": "rms-prop", "decay": 0.999, "centered": True}, lambda ps: O.RMSprop(ps, lr=1.0, alpha=0.999, centered=True)),
    ({"kind": "rms-prop", "decay": 0.999, "momentum": 0.5}, lambda ps: O.RMSprop(ps, lr=1.0, alpha=0.999, momentum=0.5)),
]

with open("huge.json", "w") as out:
    json.dump({
        "torch": torch.__version__,
        "walks": [{"algorithm": a, "gradients": g, "positions": walk(make, g)} for a, make in walks for g in huge],
    }, out, indent=1)
    out.write("\n")

with open("optim.json", "w") as out:
    json.dump({
        "torch": torch.__version__,
        "start": start.tolist(), "curvature": curvature.tolist(), "noise": noise.tolist(), "recorded": RECORDED,
        "optimizers": [{"config": c, "trajectory": trajectory(*rest)} for c, *rest in optimizers],
        "schedules": [{"config": c, "rates": rates(make, lr)} for c, lr, make in schedules],
        "plateaus": [{"config": c, "metrics": m, "scales": s} for c, m, s in plateaus],
    }, out)
    out.write("\n")
