"""Izhikevich's model with both published schemes and all presets: NEST.

usage: izhikevich.py     (NEST; writes izhikevich.json)
"""
from common import NEST, add, nest_runs, write

PRESETS = {"RS": (0.02, 0.2, -65.0, 8.0), "IB": (0.02, 0.2, -55.0, 4.0), "CH": (0.02, 0.2, -50.0, 2.0),
           "FS": (0.1, 0.2, -65.0, 2.0), "LTS": (0.02, 0.25, -65.0, 2.0), "TC": (0.02, 0.25, -65.0, 0.05),
           "RZ": (0.1, 0.26, -65.0, 2.0)}
INPUTS = {"constant": (10.0, 0.0, 0, 0, "1"), "noisy": (6.0, 6.0, 0, 0, "1")}
TEXT = {
    False: "The scheme of the paper (2003): v += h/2 f(v, u), again with the new v, then u += h a (b v - u) with the new v",
    True: "Plain Euler: v += h f(v, u), u += h a (b v - u), both from the old v and u"}
rows = [(scheme, name, kind) for scheme in TEXT for name in PRESETS for kind in INPUTS]
runs = nest_runs([("izhikevich", dict(zip("abcd", PRESETS[name]), V_th=30.0, consistent_integration=scheme),
                   {"V_m": -65.0, "U_m": PRESETS[name][1] * -65.0}, INPUTS[kind][:4], ("V_m", "U_m"))
                  for scheme, name, kind in rows])
for (scheme, name, kind), result in zip(rows, runs):
    a, b, c, d = PRESETS[name]
    label = "euler" if scheme else "paper"
    add(f"izhikevich_{name}_{label}_{kind}_nest", "izhikevich", {"a": a, "b": b, "c": c, "d": d, "v_peak_mV": 30.0},
        {"v": result[2]["V_m"], "u": result[2]["U_m"]}, INPUTS[kind], label, f"{NEST} (consistent_integration={scheme})",
        "f = 0.04 v^2 + 5 v + 140 - u + I. " + TEXT[scheme] + "; spike when v >= v_peak: v = c, u += d. No refractory "
        "period. The initial state is NEST's after ten steps without input from v = -65, u = b v.", result, "V_m",
        [("u", "U_m")])
write("izhikevich.json")
