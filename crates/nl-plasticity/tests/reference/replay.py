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


def dopamine(case):
    p, h = case["parameters"], case["dt_ms"]
    x, y, c, n = Trace(p["tau_plus_ms"]), Trace(p["tau_minus_ms"]), Trace(p["tau_c_ms"]), Trace(p["tau_n_ms"])
    both = 1 / (1 / p["tau_c_ms"] + 1 / p["tau_n_ms"])
    w, last, samples = case["initial_weight"], 0.0, {}
    for k, what in merged(case):
        t = k * h
        c0, n0, dt = c.read(last), n.read(last), t - last
        w -= c0 * (n0 * both * math.expm1(-dt / both) - p["b_per_ms"] * p["tau_c_ms"] * math.expm1(-dt / p["tau_c_ms"]))
        last = t
        if what == "post_read":
            c.jump(t, p["A_plus"] * x.read(t))
        elif what == "pre_read":
            c.jump(t, -p["A_minus"] * y.read(t))
        elif what == "post_jump":
            y.jump(t, 1.0)
        elif what == "pre_jump":
            x.jump(t, 1.0)
        else:
            n.jump(t, 1.0 / p["tau_n_ms"])
        samples[k] = w
    return samples


def merged(case):
    return sorted(events(case) + [(k, "dopamine") for k in TRAINS["dopamine"]], key=lambda event: event[0])


def florian(case):
    p, h = case["parameters"], case["dt_ms"]
    x, y, z = Trace(p["tau_plus_ms"]), Trace(p["tau_minus_ms"]), 0.0
    tau = p.get("tau_z_ms")
    w, samples, todo = case["initial_weight"], {}, {}
    for k, what in events(case):
        todo.setdefault(k, []).append(what)
    for k in range(TRAINS["steps"]):
        r, t = TRAINS["reward"][k // 1000], k * h
        if tau:
            w += p["gamma"] * r * z * tau * -math.expm1(-h / tau)
            z *= math.exp(-h / tau)
        for what in todo.get(k, ()):
            if what == "post_jump":
                y.jump(t, p["A_minus"])
            elif what == "pre_jump":
                x.jump(t, p["A_plus"])
            else:
                zeta = (x if what == "post_read" else y).read(t)
                if tau:
                    z += zeta / tau
                else:
                    w += p["gamma"] * r * zeta
        samples[k] = w
    return samples


def clopath(case):
    p, h = case["parameters"], case["dt_ms"]
    pre, w, x, samples = set(TRAINS[case["trains"]]["pre"]), case["initial_weight"], 0.0, {}
    plus = minus = -74.0
    dp, dm, dx = (math.exp(-h / p[n]) for n in ("tau_u_bar_plus_ms", "tau_u_bar_minus_ms", "tau_x_ms"))
    for k in range(TRAINS["steps"]):
        u = -74 + 6 * ((k % 400) / 400) + 60 * max(0, 1 - abs(k % 1500 - 50) / 50)
        plus, minus, x = u + (plus - u) * dp, u + (minus - u) * dm, x * dx
        w += h * p["A_LTP"] * x * max(u - p["theta_plus_mV"], 0) * max(plus - p["theta_minus_mV"], 0)
        w = min(max(w, p["w_min"]), p["w_max"])
        if k in pre:
            w = min(max(w - p["A_LTD"] * max(minus - p["theta_minus_mV"], 0), p["w_min"]), p["w_max"])
            x += 1 / p["tau_x_ms"]
        samples[k] = w
    return samples


def clopath_recorded(case):
    p, h = case["parameters"], case["dt_ms"]
    w, x, samples = case["initial_weight"], Trace(p["tau_x_ms"]), {}
    ltp, ltd = ({row[0]: row[1:] for row in case[name]} for name in ("ltp", "ltd"))
    for k in sorted(set(ltp) | set(ltd)):
        t = k * h
        if k in ltp:
            u, plus = ltp[k]
            w = min(w + h * p["A_LTP"] * x.read(t) * (u - p["theta_plus_mV"]) * (plus - p["theta_minus_mV"]), p["w_max"])
        if k in ltd:
            minus, mean = ltd[k]
            factor = mean * mean / p["u_ref_squared_mV2"] if "u_ref_squared_mV2" in p else 1.0
            w = max(w - p["A_LTD"] * factor * max(minus - p["theta_minus_mV"], 0), p["w_min"])
            x.jump(t, 1 / p["tau_x_ms"])
        samples[k] = w
    return samples


RULES = {"dopamine": dopamine, "mstdp": florian, "mstdpet": florian, "clopath": clopath,
         "clopath_recorded": clopath_recorded}


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
