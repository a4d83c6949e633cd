"""Plain loops that reproduce the weights: the definition of each rule and of its order, in a form that can be run.

usage: replay.py FILE.json...     prints the largest relative error of the weight samples of each case
"""
import json
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "trains.json")) as _file:
    TRAINS = json.load(_file)


class Trace:
    """Decays when it is touched."""

    def __init__(self, tau):
        self.tau, self.value, self.at = tau, 0.0, 0.0

    def read(self, t):
        self.value *= math.exp((self.at - t) / self.tau)
        self.at = t
        return self.value

    def jump(self, t, by):
        self.value, self.at = self.read(t) + by, t

    def set(self, t, to):
        self.value, self.at = to, t


def events(case):
    """(time, what) in order; at a coincidence in the order that the case states."""
    order = {"pre_first": ["pre_read", "pre_jump", "post_read", "post_jump"],
             "post_first": ["post_read", "post_jump", "pre_read", "pre_jump"]}.get(
                 case["coincidence"], ["post_read", "pre_read", "post_jump", "pre_jump"])
    pair = TRAINS[case["trains"]]
    found = [(k, order.index(f"{kind}_{part}"), f"{kind}_{part}") for kind in ("pre", "post") for k in pair[kind]
             for part in ("read", "jump")]
    return [(k, what) for k, _, what in sorted(found)]


def pair(case):
    p, rule = case["parameters"], case["rule"]
    plus = p.get("tau_plus_ms", p.get("tau_ms"))
    x, y = Trace(plus), Trace(p.get("tau_minus_ms", plus))
    r2, o2 = Trace(p.get("tau_x_ms", 1.0)), Trace(p.get("tau_y_ms", 1.0))
    top = p.get("w_max", math.inf)
    nearest = "nearest" in rule
    w, samples = case["initial_weight"], {}
    for k, what in events(case):
        t = k * case["dt_ms"]
        if what == "post_read":
            if rule.startswith("triplet"):
                w += x.read(t) * (p["A2_plus"] + p["A3_plus"] * o2.read(t))
            elif rule == "vogels":
                w += p["eta"] * x.read(t)
            elif rule == "stdp_power_law":
                w += p["lambda"] * w ** p["mu"] * x.read(t)
            else:
                w += p["lambda"] * top * (1 - w / top) ** p["mu_plus"] * x.read(t)
            if rule.endswith(("pre_centred", "restricted")):
                x.set(t, 0.0)
        elif what == "pre_read":
            if rule.startswith("triplet"):
                w -= y.read(t) * (p["A2_minus"] + p["A3_minus"] * r2.read(t))
            elif rule == "vogels":
                w += p["eta"] * (y.read(t) - p["alpha"])
            elif rule == "stdp_power_law":
                w -= p["lambda"] * p["alpha"] * w * y.read(t)
            else:
                w -= p["alpha"] * p["lambda"] * top * (w / top) ** p["mu_minus"] * y.read(t)
            if rule.endswith("restricted"):
                y.set(t, 0.0)
        elif what == "post_jump":
            for trace in (y, o2):
                trace.set(t, 1.0) if nearest else trace.jump(t, 1.0)
        else:
            for trace in (x, r2):
                trace.set(t, 1.0) if nearest and not rule.endswith("pre_centred") else trace.jump(t, 1.0)
        w = min(max(w, 0.0), top)
        samples[k] = w
    return samples


RULES = {}


def check(case):
    samples = RULES.get(case["rule"], pair)(case)
    return max(abs(samples[k] - w) / abs(w) for k, w in case["weight_samples"])


if __name__ == "__main__":
    worst = 0.0
    for path in sys.argv[1:]:
        with open(path) as file:
            for case in json.load(file)["cases"]:
                error = check(case)
                worst = max(worst, 0.0 if "cross_check" in case else error)
                print(f"{case['name']:76s} {error:.1e}{'  (cross-check)' if 'cross_check' in case else ''}")
    sys.exit(worst > 1e-9)
