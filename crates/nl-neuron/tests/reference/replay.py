"""Plain loops that reproduce the cases: the definition of each scheme and its order, in a form that can be run.

usage: replay.py FILE.json...      prints, for each case, whether all spikes are equal and the largest error in V
"""
import json
import math
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "inputs.json")) as _file:
    INPUTS = json.load(_file)


def current(case):
    i = case["input"]
    return [i["offset"] + i["scale"] * (k / 1000.0) for k in INPUTS["noise_thousandths"][:case["steps"]]]


def jumps(case, name):
    """The weight that arrives in each step."""
    out = [0.0] * case["steps"]
    for k in INPUTS[name]:
        if k < case["steps"]:
            out[k] = case["input"].get("w_" + name, 0.0)
    return out


def held_steps(case):
    """Steps without update after a spike: one less in Brian2 than in NEST."""
    steps = round(case["parameters"].get("t_ref_ms", 0.0) / case["dt_ms"])
    return max(steps - 1, 0) if case["simulator"].startswith("Brian2") else steps


def plain(parameters):
    """Parameters without their unit, which is the end of the key."""
    return {(n.rsplit("_", 1)[0] if n.rsplit("_", 1)[-1] in ("mV", "ms", "pF", "pA", "nS") else n): v
            for n, v in parameters.items()}


def propagator(tau_syn, tau_m, c, h):
    """What a current of 1 that decays with tau_syn adds to V within h."""
    if tau_syn == tau_m:
        return h / c * math.exp(-h / tau_m)
    return tau_syn * tau_m / (c * (tau_m - tau_syn)) * (math.exp(-h / tau_m) - math.exp(-h / tau_syn))


def propagators_alpha(tau_syn, tau_m, c, h):
    """What x (rate of the current) and i add to V within h."""
    if tau_syn == tau_m:
        return h * h / (2 * c) * math.exp(-h / tau_m), h / c * math.exp(-h / tau_m)
    b = 1 / tau_m - 1 / tau_syn
    es, em = math.exp(-h / tau_syn), math.exp(-h / tau_m)
    return (h * es / b - (es - em) / (b * b)) / c, (es - em) / (b * c)


def linear(case):
    """IF, LIF, CUBA and ALIF, exact."""
    p, h, model = plain(case["parameters"]), case["dt_ms"], case["model"]
    I, exc, inh = current(case), jumps(case, "exc"), jumps(case, "inh")
    tau = p.get("tau_m", math.inf)
    decay, resistance = math.exp(-h / tau), tau / p["C_m"] if "C_m" in p else 1.0
    alpha, exponential = model == "cuba_alpha", model == "cuba_exp"
    if exponential:
        ve, vi = propagator(p["tau_syn_ex"], tau, p["C_m"], h), propagator(p["tau_syn_in"], tau, p["C_m"], h)
    if alpha:
        xe_v, ie_v = propagators_alpha(p["tau_syn_ex"], tau, p["C_m"], h)
        xi_v, ii_v = propagators_alpha(p["tau_syn_in"], tau, p["C_m"], h)
    if exponential or alpha:
        de, di = math.exp(-h / p["tau_syn_ex"]), math.exp(-h / p["tau_syn_in"])
    da = math.exp(-h / p["tau_a"]) if model == "alif" else 0.0
    v, ie, ii, xe, xi, a, held = case["initial"]["v"], 0.0, 0.0, 0.0, 0.0, 0.0, 0
    reset = p.get("v_reset")
    for k in range(case["steps"]):
        free = held == 0
        if free:
            if model == "if":
                v += h / p["C_m"] * I[k]
            else:
                v = p["E_L"] + (v - p["E_L"]) * decay + resistance * (1 - decay) * I[k]
            if exponential:
                v += ve * ie + vi * ii
            if alpha:
                v += xe_v * xe + ie_v * ie + xi_v * xi + ii_v * ii
            if model == "lif_delta":
                v += exc[k] + inh[k]
        else:
            held -= 1
        if alpha:
            ie, ii = de * (ie + h * xe), di * (ii + h * xi)
            xe, xi = de * xe + math.e / p["tau_syn_ex"] * exc[k], di * xi + math.e / p["tau_syn_in"] * inh[k]
        if exponential:
            ie, ii = de * ie + exc[k], di * ii + inh[k]
        a *= da
        spike = free and v >= p["v_th"] + p.get("beta", 0.0) * a
        if spike:
            v = reset if reset is not None else v - p["v_th"]
            a += 1.0
            held = held_steps(case)
        yield spike, v


MODELS = {"if": linear, "lif": linear, "lif_subtract": linear, "lif_delta": linear, "cuba_exp": linear,
          "cuba_alpha": linear, "alif": linear}


def check(case):
    spikes, values = [], []
    for k, (spike, v) in enumerate(MODELS[case["model"]](case)):
        if spike:
            spikes.append(k)
        values.append(v)
    error = max(abs(values[k] - v) for k, v in case["v_samples"])
    same = spikes == case["spike_steps"]
    differ = sum(a != b for a, b in zip(spikes, case["spike_steps"])) + abs(len(spikes) - len(case["spike_steps"]))
    return same, differ, error


if __name__ == "__main__":
    failed = 0
    for path in sys.argv[1:]:
        with open(path) as file:
            for case in json.load(file)["cases"]:
                if case["model"] not in MODELS or "cross_check" in case:
                    print(f"{case['name']:52s} no loop (cross-check)")
                    continue
                same, differ, error = check(case)
                failed += not same
                print(f"{case['name']:52s} {len(case['spike_steps']):4d} spikes, {differ} differ; V within {error:.1e}")
    sys.exit(failed > 0)
