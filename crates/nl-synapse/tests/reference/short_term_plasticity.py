"""Tsodyks-Markram short-term plasticity: NEST tsodyks2_synapse and Brian2 (event-driven, exact).

A sample is the amplitude w u x that the n-th pre spike transmits. Delays shift its arrival, not its value.

usage: short_term_plasticity.py     (Brian2 and NEST; writes short_term_plasticity.json)
"""
import json
import os
from importlib.metadata import version

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
DT, STEPS, LEAD = 0.1, 20_000, 100
random = numpy.random.default_rng(1997)
PRE = {"regular_20Hz": list(range(100, 15_100, 500)) + [19_000],
       "poisson_30Hz": [int(k) for k in numpy.flatnonzero(random.random(STEPS) < 30e-4) if k > 0],
       "burst": [100, 110, 120, 130, 140, 150, 5000, 5001, 5002, 12_000]}
KINDS = {"depressing": {"U": 0.5, "tau_rec_ms": 800.0, "tau_fac_ms": 0.0}, "facilitating": {"U": 0.1, "tau_rec_ms": 100.0,
         "tau_fac_ms": 1000.0}, "both": {"U": 0.45, "tau_rec_ms": 750.0, "tau_fac_ms": 50.0}}
WEIGHT = 3.0
TEXT = ("Start u = U, x = 1 at the first spike. At every later spike, h after the one before: x := 1 + (x - x u - 1) exp(-h/tau_rec) "
        "with the old u, then u := U + u (1 - U) exp(-h/tau_fac), the exponential being 0 for tau_fac = 0; amplitude w u x with the "
        "new u and x. The same as u' = -u/tau_fac, x' = (1-x)/tau_rec from u = 0, x = 1 with, at a spike: u += U (1 - u), amplitude w u "
        "x, x -= u x (that form is Brian2's here).")


def nest_run():
    import nest
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = DT
    out = {}
    for train, steps in PRE.items():
        for kind, p in KINDS.items():
            generator = nest.Create("spike_generator", params={"spike_times": numpy.round((numpy.array(steps) + LEAD) * DT, 6)})
            parrot, target, recorder = nest.Create("parrot_neuron"), nest.Create("parrot_neuron"), nest.Create("weight_recorder")
            nest.Connect(generator, parrot, syn_spec={"delay": DT})
            model = f"tsodyks2_{train}_{kind}"
            nest.CopyModel("tsodyks2_synapse", model, {"weight_recorder": recorder})
            nest.Connect(parrot, target, syn_spec={"synapse_model": model, "weight": WEIGHT, "delay": DT, "U": p["U"], "u": p["U"],
                                                   "x": 1.0, "tau_rec": p["tau_rec_ms"], "tau_fac": p["tau_fac_ms"],
                                                   "receptor_type": 1})
            out[train, kind] = recorder
    nest.Simulate((STEPS + LEAD) * DT + 10)
    results = {}
    for (train, kind), recorder in out.items():
        found = numpy.rint(numpy.array(recorder.events["times"]) / DT).astype(int) - LEAD - 1
        assert found.tolist() == PRE[train]
        results[train, kind] = [float(w) for w in recorder.events["weights"]]
    return results


def brian_run(train, p):
    import brian2 as b
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    source = b.SpikeGeneratorGroup(1, [0] * len(PRE[train]), numpy.array(PRE[train]) * DT * b.ms)
    target = b.NeuronGroup(1, "v : 1")
    s = b.Synapses(source, target, "amplitude : 1\ndu/dt = -u/tau_fac : 1 (event-driven)\ndx/dt = (1 - x)/tau_rec : 1 (event-driven)",
                   on_pre="u += U*(1 - u)\namplitude = weight*u*x\nx -= u*x",
                   namespace={"U": p["U"], "tau_fac": p["tau_fac_ms"] * b.ms, "tau_rec": p["tau_rec_ms"] * b.ms, "weight": WEIGHT})
    s.connect()
    s.x = 1
    m = b.StateMonitor(s, "amplitude", record=True, when="end")
    b.Network(source, target, s, m).run(STEPS * DT * b.ms)
    return [float(m.amplitude[0][k]) for k in PRE[train]]


def replay(train, p):
    u, x, last, out = p["U"], 1.0, None, []
    for k in PRE[train]:
        if last is not None:
            h = (k - last) * DT
            x = 1 + (x - x * u - 1) * numpy.exp(-h / p["tau_rec_ms"])
            u = p["U"] + u * (1 - p["U"]) * (numpy.exp(-h / p["tau_fac_ms"]) if p["tau_fac_ms"] else 0.0)
        last = k
        out.append(WEIGHT * u * x)
    return out


def main():
    cases = []
    for (train, kind), result in nest_run().items():
        p = KINDS[kind]
        versions = [(f"NEST {version('nest-simulator')}, tsodyks2_synapse", result)]
        if p["tau_fac_ms"]:
            versions.append((f"Brian2 {version('brian2')}", brian_run(train, p)))
        for simulator, amplitudes in versions:
            error = max(abs(a / b - 1) for a, b in zip(replay(train, p), amplitudes))
            name = f"tsodyks_markram_{kind}_{train}_{simulator.split()[0].lower()}"
            print(f"{name:60s} a plain loop is within {error:.1e}")
            cases.append({"name": name, "rule": "tsodyks_markram", "simulator": simulator, "dt_ms": DT, "parameters": p, "weight":
                          WEIGHT, "order": TEXT, "pre_steps": PRE[train], "amplitudes": amplitudes})
    with open(os.path.join(HERE, "short_term_plasticity.json"), "w") as file:
        file.write('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")


main()
