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
    each = i["steps_per_input"]
    return [i["offset"] + i["scale"] * (INPUTS["noise_thousandths"][k // each] / 1000.0) for k in range(case["steps"])]


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


UNITS = ("per_mV", "per_ms", "uF_per_cm2", "mS_per_cm2", "mV", "ms", "pF", "pA", "nS", "GOhm", "per_s")


def stem(name):
    """A parameter's name without its unit: "tau_m_ms" -> "tau_m"."""
    for unit in UNITS:
        if name.endswith("_" + unit):
            return name[:-len(unit) - 1]
    return name


def plain(parameters):
    return {stem(name): value for name, value in parameters.items()}


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


def stepper(method, f, h):
    """One step of a state (a tuple) by `method`; f(state) gives the derivatives, for exponential_euler pairs (a, b) of
    x' = a x + b with everything else frozen."""
    def shifted(x, k, by):
        return tuple(a + by * b for a, b in zip(x, k))

    def euler(x):
        return shifted(x, f(x), h)

    def rk2(x):
        return shifted(x, f(shifted(x, f(x), h / 2)), h)

    def rk4(x):
        k1 = f(x)
        k2 = f(shifted(x, k1, h / 2))
        k3 = f(shifted(x, k2, h / 2))
        k4 = f(shifted(x, k3, h))
        return tuple(a + h / 6 * (p + 2 * q + 2 * r + s) for a, p, q, r, s in zip(x, k1, k2, k3, k4))

    def exponential_euler(x):
        return tuple(v + h * b if a == 0 else (v + b / a) * math.exp(a * h) - b / a for v, (a, b) in zip(x, f(x)))

    return {"euler": euler, "rk2": rk2, "rk4": rk4, "exponential_euler": exponential_euler}[method]


def exprel(x):
    return math.expm1(x) / x if x else 1.0


def differential(case):
    """Models that are integrated numerically. `held` freezes V but nothing else."""
    p, h, model, exponential = plain(case["parameters"]), case["dt_ms"], case["model"], case["method"] == "exponential_euler"
    I, exc, inh = current(case), jumps(case, "exc"), jumps(case, "inh")
    x = tuple(case["initial"].values())
    held, now, above = 0, 0.0, False

    def voltage(a, b):  # V' = a V + b, or frozen
        return (a, b) if held == 0 else (0.0, 0.0)

    def coba(x):
        v, ge, gi = x
        if model == "coba_exp":
            a, b = -(p["g_L"] + ge + gi) / p["C_m"], (p["g_L"] * p["E_L"] + ge * p["E_ex"] + gi * p["E_in"] + now) / p["C_m"]
        else:
            a, b = -(1 + ge + gi) / p["tau_m"], (p["E_L"] + ge * p["E_ex"] + gi * p["E_in"] + now) / p["tau_m"]
        return voltage(a, b), (-1 / p["tau_syn_ex"], 0.0), (-1 / p["tau_syn_in"], 0.0)

    def diehl_cook(x):
        return (*coba(x[:3]), (-1 / p["tau_theta"], 0.0))

    def hodgkin_huxley(x):
        v, m, hh, n = x
        am, bm = 1 / exprel(-(v + 40) / 10), 4 * math.exp(-(v + 65) / 18)
        ah, bh = 0.07 * math.exp(-(v + 65) / 20), 1 / (1 + math.exp(-(v + 35) / 10))
        an, bn = 0.1 / exprel(-(v + 55) / 10), 0.125 * math.exp(-(v + 65) / 80)
        na, k = p["g_Na"] * m ** 3 * hh, p["g_K"] * n ** 4
        return ((-(na + k + p["g_L"]) / p["C_m"], (na * p["E_Na"] + k * p["E_K"] + p["g_L"] * p["E_L"] + now) / p["C_m"]),
                (-(am + bm), am), (-(ah + bh), ah), (-(an + bn), an))

    def derivatives(pairs):
        return lambda x: tuple(a * v + b for v, (a, b) in zip(x, pairs(x)))

    def qif(x):
        return ((p["a_0"] * (x[0] - p["v_rest"]) * (x[0] - p["v_c"]) + p["R"] * now) / p["tau_m"],)

    def spike_current(v):
        return p["g_L"] * p["delta_T"] * math.exp(min((v - p["v_T"]) / p["delta_T"], (p["v_peak"] - p["v_T"]) / p["delta_T"]))

    def eif(x):
        return (0.0 if held else (-p["g_L"] * (x[0] - p["E_L"]) + spike_current(x[0]) + now) / p["C_m"],)

    def adex(x):
        v, w = x
        return (0.0 if held else (-p["g_L"] * (v - p["E_L"]) + spike_current(v) - w + now) / p["C_m"],
                (p["a"] * (v - p["E_L"]) - w) / p["tau_w"])

    def morris_lecar(x):
        v, w = x
        m = 0.5 * (1 + math.tanh((v - p["V_1"]) / p["V_2"]))
        target = 0.5 * (1 + math.tanh((v - p["V_3"]) / p["V_4"]))
        return ((-p["g_Ca"] * m * (v - p["E_Ca"]) - p["g_K"] * w * (v - p["E_K"]) - p["g_L"] * (v - p["E_L"]) + now) / p["C_m"],
                p["phi"] * (target - w) * math.cosh((v - p["V_3"]) / (2 * p["V_4"])))

    pairs = {"coba_exp": coba, "diehl_cook": diehl_cook, "hodgkin_huxley": hodgkin_huxley}
    if model in pairs:
        f = pairs[model] if exponential else derivatives(pairs[model])
    else:
        f = {"qif": qif, "eif": eif, "adex": adex, "morris_lecar": morris_lecar}[model]
    step = stepper(case["method"], f, h)
    for k in range(case["steps"]):
        now = I[k]
        free = held == 0
        x = list(step(x))
        held = max(held - 1, 0)
        if model in ("coba_exp", "diehl_cook"):
            x[1], x[2] = x[1] + exc[k], x[2] + inh[k]
        if model in ("hodgkin_huxley", "morris_lecar"):  # upward crossing, no reset
            spike, above = x[0] > p["v_th"] and not above, x[0] > p["v_th"]
        else:
            bound = {"coba_exp": lambda: x[0] >= p["v_th"], "qif": lambda: x[0] >= p["v_peak"],
                     "diehl_cook": lambda: x[0] > p["v_th"] - p["theta_offset"] + x[3]}.get(
                         model, lambda: x[0] >= p["v_peak"])
            spike = free and bound()
            if spike:
                x[0] = p["v_reset"]
                held = held_steps(case)
                if model == "adex":
                    x[1] += p["b"]
                if model == "diehl_cook":
                    x[3] += p["theta_plus"]
        yield spike, x[0]


def izhikevich(case):
    p, h, I = plain(case["parameters"]), case["dt_ms"], current(case)
    v, u = case["initial"]["v"], case["initial"]["u"]
    for k in range(case["steps"]):
        if case["method"] == "euler":
            v, u = v + h * (0.04 * v * v + 5.0 * v + 140.0 - u + I[k]), u + h * p["a"] * (p["b"] * v - u)
        else:
            v += h * 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + I[k])
            v += h * 0.5 * (0.04 * v * v + 5.0 * v + 140.0 - u + I[k])
            u += h * p["a"] * (p["b"] * v - u)
        spike = v >= p["v_peak"]
        if spike:
            v, u = p["c"], u + p["d"]
        yield spike, v


def exponential(matrix):
    """exp of a small matrix by its series."""
    n = len(matrix)
    total = [[float(i == j) for j in range(n)] for i in range(n)]
    term = [row[:] for row in total]
    for order in range(1, 40):
        term = [[sum(term[i][m] * matrix[m][j] for m in range(n)) / order for j in range(n)] for i in range(n)]
        total = [[a + b for a, b in zip(x, y)] for x, y in zip(total, term)]
    return total


def adaptive_threshold(case):
    """MAT2, and AMAT2 with theta_v' = -theta_v/tau_v + d, d' = -d/tau_v + beta V'. Exact: one matrix exponential.

    The state is (1, i_ex, i_in, V - E_L, d, theta_v); the input goes into the first column.
    """
    p, h = plain(case["parameters"]), case["dt_ms"]
    I, exc, inh = current(case), jumps(case, "exc"), jumps(case, "inh")
    beta, tau_v, c = p.get("beta", 0.0), p.get("tau_v", 1.0), p["C_m"]
    slope = [1 / c, 1 / c, 1 / c, -1 / p["tau_m"], 0.0, 0.0]  # of V, for an input of 1
    rates = [[0.0] * 6, [0, -1 / p["tau_syn_ex"], 0, 0, 0, 0], [0, 0, -1 / p["tau_syn_in"], 0, 0, 0], slope,
             [beta * s for s in slope], [0, 0, 0, 0, 1.0, -1 / tau_v]]
    rates[4][4] -= 1 / tau_v
    propagate = exponential([[h * x for x in row] for row in rates])
    d1, d2 = math.exp(-h / p["tau_1"]), math.exp(-h / p["tau_2"])
    x, t1, t2, quiet = [0.0] * 6, 0.0, 0.0, 0
    for k in range(case["steps"]):
        x[0] = I[k]
        x = [sum(a * b for a, b in zip(row, x)) for row in propagate]
        x[1], x[2] = x[1] + exc[k], x[2] + inh[k]
        t1, t2 = t1 * d1, t2 * d2
        spike = False
        if quiet:
            quiet -= 1
        elif x[3] >= p["omega"] - p["E_L"] + t1 + t2 + x[5]:
            spike, t1, t2, quiet = True, t1 + p["alpha_1"], t2 + p["alpha_2"], round(p["t_ref"] / h)
        yield spike, x[3] + p["E_L"]


def gif(case):
    """GIF in NEST's order; the test for a spike is the limit of delta_V = 0."""
    p, h = plain(case["parameters"]), case["dt_ms"]
    I, exc, inh = current(case), jumps(case, "exc"), jumps(case, "inh")
    tau = p["C_m"] / p["g_L"]
    decay, de, di = math.exp(-h / tau), math.exp(-h / p["tau_syn_ex"]), math.exp(-h / p["tau_syn_in"])
    ve, vi = propagator(p["tau_syn_ex"], tau, p["C_m"], h), propagator(p["tau_syn_in"], tau, p["C_m"], h)
    sfa, stc = [0.0] * len(p["q_sfa"]), [0.0] * len(p["q_stc"])
    v, ie, ii, quiet = case["initial"]["v"], 0.0, 0.0, 0
    for k in range(case["steps"]):
        out, bound = sum(stc), p["v_T_star"] + sum(sfa)
        sfa = [x * math.exp(-h / t) for x, t in zip(sfa, p["tau_sfa"])]
        stc = [x * math.exp(-h / t) for x, t in zip(stc, p["tau_stc"])]
        ie, ii = ie * de + exc[k], ii * di + inh[k]
        spike = False
        if quiet:
            quiet, v = quiet - 1, p["v_reset"]
        else:
            v = p["E_L"] + (v - p["E_L"]) * decay + tau / p["C_m"] * (1 - decay) * (I[k] - out) + ve * ie + vi * ii
            if v > bound:
                spike, quiet = True, round(p["t_ref"] / h)
                sfa, stc = [x + q for x, q in zip(sfa, p["q_sfa"])], [x + q for x, q in zip(stc, p["q_stc"])]
        yield spike, v


MODELS = {"if": linear, "lif": linear, "lif_subtract": linear, "lif_delta": linear, "cuba_exp": linear,
          "cuba_alpha": linear, "alif": linear,
          **dict.fromkeys(("coba_exp", "diehl_cook", "hodgkin_huxley", "qif", "eif", "adex", "morris_lecar"), differential),
          "izhikevich": izhikevich, "mat2": adaptive_threshold, "amat2": adaptive_threshold, "gif": gif}


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
