"""Pair STDP, its nearest-neighbour schemes, triplet STDP and Vogels' rule: Brian2 (event-driven, exact) and NEST.

One convention: events happen at steps; traces decay exactly between them; w and the traces are dimensionless.
A sample [k, w] is the weight after all events of step k, for every k with a pre spike. final_weight: Brian2 at the end of
the two seconds, NEST at the last pre spike (it does not know the weight in between).
At a coincidence (pre and post in the same step):
  neither     both read the traces from before the step: first the post spike changes w, then the pre spike, then both
              traces jump. This is NEST's order. The coincident pair itself contributes nothing.
  pre_first   all of the pre spike, then all of the post spike: the pair counts as potentiation. Brian2's default order.
  post_first  the other way round: the pair counts as depression.

NEST has dendritic delay only: a post spike at t is seen by the synapse at t + d. Here d = 0.1 ms and the post spikes are
given to NEST one step earlier, so that the synapse sees both trains as they are in trains.json.

usage: pair_rules.py     (Brian2 and NEST; writes pair_rules.json)
"""
import json
import os
from importlib.metadata import version

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "trains.json")) as _file:
    TRAINS = json.load(_file)
DT, STEPS = 0.1, TRAINS["steps"]
BRIAN, NEST = f"Brian2 {version('brian2')}", f"NEST {version('nest-simulator')}"
cases = []

PLUS = "w = clip(w + lambda_*w_max*(1 - w/w_max)**mu_plus*x, 0, w_max)"
MINUS = "w = clip(w - alpha*lambda_*w_max*(w/w_max)**mu_minus*y, 0, w_max)"
# rule: traces {name: time constant}, read at post, read at pre, jump at post, jump at pre
TWO = {"x": "tau_plus", "y": "tau_minus"}
FOUR = {"r1": "tau_plus", "r2": "tau_x", "o1": "tau_minus", "o2": "tau_y"}
TRIPLET = ("w = clip(w + r1*(A2_plus + A3_plus*o2), 0, w_max)", "w = clip(w - o1*(A2_minus + A3_minus*r2), 0, w_max)")
RULES = {
    "stdp_all_to_all": (TWO, PLUS, MINUS, "y += 1", "x += 1"),
    "stdp_nearest_symmetric": (TWO, PLUS, MINUS, "y = 1", "x = 1"),
    "stdp_nearest_pre_centred": (TWO, PLUS + "\nx = 0", MINUS, "y = 1", "x += 1"),
    "stdp_nearest_restricted": (TWO, PLUS + "\nx = 0", MINUS + "\ny = 0", "y = 1", "x = 1"),
    "stdp_power_law": (TWO, "w = w + lambda_*w**mu*x", "w = clip(w - lambda_*alpha*w*y, 0, inf)", "y += 1", "x += 1"),
    "triplet_all_to_all": (FOUR, *TRIPLET, "o1 += 1\no2 += 1", "r1 += 1\nr2 += 1"),
    "triplet_nearest": (FOUR, *TRIPLET, "o1 = 1\no2 = 1", "r1 = 1\nr2 = 1"),
    "vogels": ({"x": "tau", "y": "tau"}, "w = clip(w + eta*x, 0, w_max)", "w = clip(w + eta*(y - alpha), 0, w_max)",
               "y += 1", "x += 1"),
}


RESTRICTED = (
    "NEST differs from the scheme at coincidences: it depresses at a pre spike if there was any post spike in (last pre, this "
    "pre], the coincident one included, but with the trace of the last post spike strictly before; so a coincident post spike "
    "lets an older, already used one depress again, and never depresses itself.")


def brian(rule, parameters, start, trains, coincidence):
    import brian2 as b
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    traces, at_post, at_pre, jump_post, jump_pre = RULES[rule]
    names = {n[:-3] if n.endswith("_ms") else n: v * b.ms if n.endswith("_ms") else v for n, v in parameters.items()}
    if "lambda" in names:
        names["lambda_"] = names.pop("lambda")
    names["inf"] = numpy.inf
    sources = {k: b.SpikeGeneratorGroup(1, [0] * len(TRAINS[trains][k]), numpy.array(TRAINS[trains][k]) * DT * b.ms)
               for k in ("pre", "post")}
    order = {"neither": {"post_read": 0, "pre_read": 1, "post_jump": 2, "pre_jump": 3},
             "pre_first": {"pre_read": 0, "pre_jump": 1, "post_read": 2, "post_jump": 3},
             "post_first": {"post_read": 0, "post_jump": 1, "pre_read": 2, "pre_jump": 3}}[coincidence]
    s = b.Synapses(sources["pre"], sources["post"], "w : 1\n" + "\n".join(
        f"d{n}/dt = -{n}/{tau} : 1 (event-driven)" for n, tau in traces.items()), on_pre={
            "pre_read": at_pre, "pre_jump": jump_pre}, on_post={"post_read": at_post, "post_jump": jump_post}, namespace=names)
    s.connect()
    for name, value in order.items():
        getattr(s, name).order = value
    s.w = start
    states = b.StateMonitor(s, "w", record=True, when="end")
    b.Network(*sources.values(), s, states).run(STEPS * DT * b.ms)
    w = numpy.array(states.w)[0]
    return [[k, float(w[k])] for k in TRAINS[trains]["pre"]], float(w[-1])


LEAD = 100


def nest_run(requests):
    """requests: [(synapse model, synapse parameters, post neuron's parameters, start weight, trains)], all in one run."""
    import nest
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = DT
    recorders = []
    for i, (model, synapse, neuron, start, trains) in enumerate(requests):
        nodes = {}
        for kind, shift in (("pre", 0), ("post", -1)):
            times = numpy.round((numpy.array(TRAINS[trains][kind]) + LEAD + shift) * DT, 6)
            generator = nest.Create("spike_generator", params={"spike_times": times})
            nodes[kind] = nest.Create("parrot_neuron", params=neuron if kind == "post" else {})
            nest.Connect(generator, nodes[kind], syn_spec={"delay": DT})
        recorder = nest.Create("weight_recorder")
        common = {k: v for k, v in synapse.items() if model == "stdp_pl_synapse_hom" and k != "Wmax"}
        nest.CopyModel(model, f"{model}_{i}", {"weight_recorder": recorder, **common})
        own = {k: v for k, v in synapse.items() if k not in common}
        nest.Connect(nodes["pre"], nodes["post"], syn_spec={"synapse_model": f"{model}_{i}", "weight": start, "delay": DT,
                                                            "receptor_type": 1, **own})
        recorders.append(recorder)
    nest.Simulate((STEPS + LEAD) * DT + 10)
    out = []
    for recorder, (*_, trains) in zip(recorders, requests):
        steps = numpy.rint(numpy.array(recorder.events["times"]) / DT).astype(int) - LEAD - 1
        assert steps.tolist() == TRAINS[trains]["pre"]
        weights = [float(w) for w in recorder.events["weights"]]
        out.append(([[int(k), w] for k, w in zip(steps, weights)], weights[-1]))
    return out


def add(name, rule, simulator, parameters, start, trains, coincidence, result, **more):
    traces, at_post, at_pre, jump_post, jump_pre = RULES[rule]
    cases.append({"name": name, "rule": rule, "simulator": simulator, "dt_ms": DT, "parameters": parameters,
                  "initial_weight": start, "trains": trains, "coincidence": coincidence,
                  "equations": {"decay": {n: f"{n}' = -{n}/{tau}" for n, tau in traces.items()}, "post_reads": at_post,
                                "pre_reads": at_pre, "post_jumps": jump_post, "pre_jumps": jump_pre}, **more,
                  "weight_samples": result[0], "final_weight": result[1]})


def main():
    stdp = {"tau_plus_ms": 20.0, "tau_minus_ms": 33.7, "lambda": 0.02, "alpha": 0.85, "w_max": 2.0}
    kinds = {"additive": 0.0, "multiplicative": 1.0, "guetig": 0.4}
    power = {"tau_plus_ms": 20.0, "tau_minus_ms": 33.7, "lambda": 0.1, "alpha": 0.11, "mu": 0.4}
    triplet = {"tau_plus_ms": 16.8, "tau_x_ms": 101.0, "tau_minus_ms": 33.7, "tau_y_ms": 125.0, "A2_plus": 5e-3,
               "A3_plus": 6.2e-3, "A2_minus": 7e-3, "A3_minus": 2.3e-4, "w_max": 2.0}
    vogels = {"tau_ms": 20.0, "eta": 0.01, "alpha": 0.12, "w_max": 10.0}
    table = [("stdp_all_to_all", k, {**stdp, "mu_plus": mu, "mu_minus": mu}, 1.0) for k, mu in kinds.items()]
    table += [("stdp_all_to_all", "additive_near_bound", {**stdp, "mu_plus": 0.0, "mu_minus": 0.0}, 1.98)]
    table += [("stdp_all_to_all", "mixed_exponents", {**stdp, "mu_plus": 1.0, "mu_minus": 0.0}, 1.0)]
    table += [(f"stdp_nearest_{s}", "guetig", {**stdp, "mu_plus": 0.4, "mu_minus": 0.4}, 1.0)
              for s in ("symmetric", "pre_centred", "restricted")]
    table += [("stdp_power_law", "", power, 1.0), ("triplet_all_to_all", "", triplet, 1.0),
              ("triplet_nearest", "", triplet, 1.0), ("vogels", "", vogels, 1.0)]
    for rule, tag, p, start in table:
        for trains in ("apart", "mixed"):
            for coincidence in ("neither", "pre_first", "post_first") if trains == "mixed" else ("neither",):
                add("_".join(x for x in (rule, tag, trains, coincidence if trains == "mixed" else "", "brian2") if x), rule, BRIAN,
                    p, start, trains, coincidence if trains == "mixed" else "none in the trains",
                    brian(rule, p, start, trains, coincidence))

    models = {"stdp_all_to_all": "stdp_synapse", "stdp_nearest_symmetric": "stdp_nn_symm_synapse",
              "stdp_nearest_pre_centred": "stdp_nn_pre_centered_synapse", "stdp_nearest_restricted": "stdp_nn_restr_synapse",
              "stdp_power_law": "stdp_pl_synapse_hom", "triplet_all_to_all": "stdp_triplet_synapse",
              "vogels": "vogels_sprekeler_synapse"}
    rows, requests = [], []
    for rule, tag, p, start in table:
        if rule not in models:
            continue
        if rule == "triplet_all_to_all":
            synapse = {"tau_plus": p["tau_plus_ms"], "tau_plus_triplet": p["tau_x_ms"], "Aplus": p["A2_plus"],
                       "Aplus_triplet": p["A3_plus"], "Aminus": p["A2_minus"], "Aminus_triplet": p["A3_minus"], "Wmax": p["w_max"]}
            neuron = {"tau_minus": p["tau_minus_ms"], "tau_minus_triplet": p["tau_y_ms"]}
        elif rule == "vogels":
            synapse = {"tau": p["tau_ms"], "eta": p["eta"], "alpha": p["alpha"], "Wmax": p["w_max"]}
            neuron = {"tau_minus": p["tau_ms"]}
        else:
            rename = {"tau_plus_ms": "tau_plus", "w_max": "Wmax"}
            synapse = {rename.get(n, n): v for n, v in p.items() if n != "tau_minus_ms"}
            neuron = {"tau_minus": p["tau_minus_ms"]}
        for trains in ("apart", "mixed"):
            rows.append((rule, tag, p, start, trains))
            requests.append((models[rule], synapse, neuron, start, trains))
    for (rule, tag, p, start, trains), (model, *_), result in zip(rows, requests, nest_run(requests)):
        add("_".join(x for x in (rule, tag, trains, "nest", model) if x), rule, f"{NEST}, {model}", p, start, trains,
            "neither" if trains == "mixed" else "none in the trains", result, **(
                {"cross_check": RESTRICTED} if (rule, trains) == ("stdp_nearest_restricted", "mixed") else {}))

    with open(os.path.join(HERE, "pair_rules.json"), "w") as file:
        file.write('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    for case in cases:
        print(f"{case['name']:72s} {case['final_weight']:.15f}")


if __name__ == "__main__":
    main()
