"""Clopath's voltage rule, dopamine-modulated STDP (Izhikevich 2007), MSTDP and MSTDPET (Florian 2007): Brian2 and NEST.

Conventions as in pair_rules.py. In Brian2 every variable is integrated over the step and then the events of the step act,
so an event with index k acts at the end of step k; only differences of times matter. Dopamine spikes never share a step
with a pre or post spike.

usage: voltage_and_reward.py     (Brian2 and NEST; writes voltage_and_reward.json)
"""
import json
import os

import numpy

from pair_rules import BRIAN, DT, HERE, LEAD, NEST, STEPS, TRAINS

cases = []
READ_THEN_JUMP = {"post_read": 0, "pre_read": 1, "post_jump": 2, "pre_jump": 3, "dopamine": 4}


def brian(equations, initial, effects, trains, method, parameters, inputs=None, every_step=None, record="w"):
    """One neuron holds all variables; `effects` = {"pre_read": code, ...}; `inputs` = {name: values, one for each step}."""
    import brian2 as b
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    names = {}
    for name, value in parameters.items():
        time = name.endswith("_ms") and "_per_" not in name
        names[name[:-3] if time else name] = value * b.ms if time else value
    names.update({"ms": b.ms, "inf": numpy.inf, "h": DT})
    for name, values in (inputs or {}).items():
        names[name + "_of"] = b.TimedArray(numpy.array(values, float), dt=DT * b.ms)
        equations += f"\n{name} : 1"
    group = b.NeuronGroup(1, equations, method=method, namespace=names)
    for name, value in initial.items():
        setattr(group, name, value)
    net = b.Network(group)
    for name in inputs or {}:
        net.add(group.run_regularly(f"{name} = {name}_of(t)", when="start"))
    if every_step:
        net.add(group.run_regularly(every_step, when="groups", order=1))
    for name, code in effects.items():
        index = TRAINS["dopamine"] if name == "dopamine" else TRAINS[trains][name.split("_")[0]]
        source = b.SpikeGeneratorGroup(1, [0] * len(index), numpy.array(index) * DT * b.ms)
        synapses = b.Synapses(source, group, on_pre=code, namespace=names)
        synapses.connect()
        synapses.pre.order = READ_THEN_JUMP[name]
        net.add(source, synapses)
    states = b.StateMonitor(group, record, record=True, when="end")
    net.add(states)
    net.run(STEPS * DT * b.ms)
    w = numpy.array(getattr(states, record))[0]
    return [[k, float(w[k])] for k in TRAINS[trains]["pre"]], float(w[-1])


def add(name, rule, simulator, parameters, start, trains, order, result, **more):
    cases.append({"name": name, "rule": rule, "simulator": simulator, "dt_ms": DT, "parameters": parameters,
                  "initial_weight": start, "trains": trains, "coincidence": "neither" if trains == "mixed" else
                  "none in the trains", "order": order, **more, "weight_samples": result[0], "final_weight": result[1]})


def dopamine():
    p = {"tau_plus_ms": 20.0, "tau_minus_ms": 20.0, "tau_c_ms": 1000.0, "tau_n_ms": 200.0, "A_plus": 1.0, "A_minus": 1.5,
         "b_per_ms": 0.002, "w_min": 0.0, "w_max": 200.0}
    text = ("x' = -x/tau_plus, y' = -y/tau_minus, c' = -c/tau_c, n' = -n/tau_n, w' = c (n - b) with t in ms, all exact between "
            "events (Brian2: rk4 at 0.1 ms, which is exact to 1e-13 here). post: c += A_plus x, then y += 1; pre: c -= A_minus y, "
            "then x += 1; dopamine spike: n += 1/tau_n. At a coincidence both read before either jumps. w stays off its bounds.")
    for b_value in (0.0, 0.002):
        q = {**p, "b_per_ms": b_value}
        tag = "baseline_" if b_value else ""
        for trains in ("apart", "mixed"):
            result = brian("""dx/dt = -x/tau_plus : 1
                dy/dt = -y/tau_minus : 1
                dc/dt = -c/tau_c : 1
                dn/dt = -n/tau_n : 1
                dw/dt = c*(n - b_per_ms)/ms : 1""", {"w": 100.0}, {
                    "post_read": "c += A_plus*x", "pre_read": "c -= A_minus*y", "post_jump": "y += 1", "pre_jump": "x += 1",
                    "dopamine": "n += 1/(tau_n/ms)"}, trains, "rk4", q)
            add(f"dopamine_{tag}{trains}_brian2", "dopamine", BRIAN, q, 100.0, trains, text, result)
        import nest
        nest.set_verbosity("M_ERROR")
        for trains in ("apart", "mixed"):
            nest.ResetKernel()
            nest.resolution = DT
            nodes = {}
            # the synapse sees a post spike d = 0.1 ms later, the volume transmitter a dopamine spike 0.1 ms later
            for kind, shift, index in (("pre", 0, TRAINS[trains]["pre"]), ("post", -1, TRAINS[trains]["post"]),
                                       ("dopamine", -1, TRAINS["dopamine"])):
                generator = nest.Create("spike_generator", params={"spike_times": numpy.round(
                    (numpy.array(index) + LEAD + shift) * DT, 6)})
                nodes[kind] = nest.Create("parrot_neuron", params={"tau_minus": q["tau_minus_ms"]})
                nest.Connect(generator, nodes[kind], syn_spec={"delay": DT})
            transmitter = nest.Create("volume_transmitter")
            nest.Connect(nodes["dopamine"], transmitter, syn_spec={"delay": DT})
            recorder = nest.Create("weight_recorder")
            nest.CopyModel("stdp_dopamine_synapse", "dopa", {
                "weight_recorder": recorder, "volume_transmitter": transmitter, "A_plus": q["A_plus"], "A_minus": q["A_minus"],
                "tau_plus": q["tau_plus_ms"], "tau_c": q["tau_c_ms"], "tau_n": q["tau_n_ms"], "b": q["b_per_ms"],
                "Wmin": q["w_min"], "Wmax": q["w_max"]})
            nest.Connect(nodes["pre"], nodes["post"], syn_spec={"synapse_model": "dopa", "weight": 100.0, "delay": DT,
                                                                "receptor_type": 1})
            nest.Simulate((STEPS + LEAD) * DT + 10)
            steps = numpy.rint(numpy.array(recorder.events["times"]) / DT).astype(int) - LEAD - 1
            assert steps.tolist() == TRAINS[trains]["pre"]
            weights = [float(w) for w in recorder.events["weights"]]
            add(f"dopamine_{tag}{trains}_nest", "dopamine", f"{NEST}, stdp_dopamine_synapse with volume_transmitter", q, 100.0,
                trains, text, ([[int(k), w] for k, w in zip(steps, weights)], weights[-1]))


def florian():
    reward = numpy.repeat(TRAINS["reward"], 1000)
    p = {"tau_plus_ms": 20.0, "tau_minus_ms": 20.0, "A_plus": 1.0, "A_minus": -1.0, "gamma": 0.01}
    text = ("P+' = -P+/tau_plus, P-' = -P-/tau_minus. post: zeta = P+, then P- += A_minus; pre: zeta = P-, then P+ += A_plus; r "
            "is reward[k / 1000] in step k. At a coincidence both read before either jumps. ")
    equations = "dx/dt = -x/tau_plus : 1\ndy/dt = -y/tau_minus : 1"
    for trains in ("apart", "mixed"):
        jumps = {"post_jump": "y += A_minus", "pre_jump": "x += A_plus"}
        result = brian(equations + "\nw : 1", {"w": 1.0}, {"post_read": "w += gamma*r*x", "pre_read": "w += gamma*r*y", **jumps},
                       trains, "exact", p, {"r": reward})
        add(f"mstdp_{trains}_brian2", "mstdp", BRIAN, p, 1.0, trains, text + "MSTDP: w += gamma r zeta at the spike.", result)
        q = {**p, "tau_z_ms": 25.0}
        result = brian(equations + "\ndz/dt = -z/tau_z : 1\ndw/dt = gamma*r*z/ms : 1", {"w": 1.0}, {
            "post_read": "z += x/(tau_z/ms)", "pre_read": "z += y/(tau_z/ms)", **jumps}, trains, "rk4", q, {"r": reward})
        add(f"mstdpet_{trains}_brian2", "mstdpet", BRIAN, q, 1.0, trains, text + "MSTDPET: z += zeta/tau_z at the spike, "
            "z' = -z/tau_z, w' = gamma r z with t in ms. Step k: first w and z are integrated over the step with r of the step "
            "(exact: w += gamma r z tau_z (1 - exp(-dt/tau_z)); rk4 in Brian2 is equal to 1e-13), then the events of step k.",
            result)


def clopath():
    p = {"tau_x_ms": 15.0, "tau_u_bar_minus_ms": 10.0, "tau_u_bar_plus_ms": 7.0, "theta_minus_mV": -70.6, "theta_plus_mV": -45.3,
         "A_LTD": 14e-5, "A_LTP": 8e-5, "w_min": 0.0, "w_max": 5.0}
    index = numpy.arange(STEPS)
    u = -74 + 6 * ((index % 400) / 400) + 60 * numpy.maximum(0, 1 - numpy.abs(index % 1500 - 50) / 50)
    names = {"theta_minus": -70.6, "theta_plus": -45.3, **{n: v for n, v in p.items() if not n.endswith("_mV")}}
    result = brian("""du_bar_plus/dt = (u - u_bar_plus)/tau_u_bar_plus : 1
        du_bar_minus/dt = (u - u_bar_minus)/tau_u_bar_minus : 1
        dx_bar/dt = -x_bar/tau_x : 1
        w : 1""", {"w": 1.0, "u_bar_plus": -74.0, "u_bar_minus": -74.0}, {
        "pre_read": "w = clip(w - A_LTD*clip(u_bar_minus - theta_minus, 0, inf), w_min, w_max)",
        "pre_jump": "x_bar += 1/(tau_x/ms)"}, "mixed", "exact", names, {"u": u},
        "w = clip(w + h*A_LTP*x_bar*clip(u - theta_plus, 0, inf)*clip(u_bar_plus - theta_minus, 0, inf), w_min, w_max)")
    add("clopath_prescribed_voltage_brian2", "clopath", BRIAN, p, 1.0, "mixed",
        "u in step k is -74 + 6 ((k mod 400)/400) + 60 max(0, 1 - |k mod 1500 - 50|/50) mV; the post train plays no part. "
        "Step k: (1) u_bar_plus, u_bar_minus (low-pass of u) and x_bar (decay) by their exact solution with u constant in the "
        "step; (2) w += dt A_LTP x_bar [u - theta_plus]+ [u_bar_plus - theta_minus]+, clipped, with dt in ms and the values "
        "after (1); (3) at a pre spike w -= A_LTD [u_bar_minus - theta_minus]+, clipped, then x_bar += 1/tau_x (tau_x in ms). "
        "No delay of u_bar. Initial u_bar_plus = u_bar_minus = -74, x_bar = 0.", result,
        voltage_samples=[[int(k), float(u[k])] for k in (0, 10, 50, 99, 399, 400, 1525, 19_999)])
    # NEST: the post neuron is simulated, and what the rule reads of it is recorded
    import nest
    nest.set_verbosity("M_ERROR")
    for tag, constant in (("", True), ("homeostatic_", False)):
        nest.ResetKernel()
        nest.resolution = DT
        # u_bar_bar is NEST's: the low-pass of u_bar_minus itself, so its square is near 70^2 and A_LTD has to be smaller
        q = p if constant else {**p, "A_LTD": 2e-6, "u_ref_squared_mV2": 60.0}
        last = 10_000
        pre, post = ([k for k in TRAINS["mixed"][kind] if k < last] for kind in ("pre", "post"))
        neuron = nest.Create("aeif_psc_delta_clopath", params={
            "A_LTD": q["A_LTD"], "A_LTP": p["A_LTP"], "theta_minus": p["theta_minus_mV"], "theta_plus": p["theta_plus_mV"],
            "tau_u_bar_minus": 10.0, "tau_u_bar_plus": 7.0, "tau_u_bar_bar": 500.0, "u_ref_squared": 60.0,
            "A_LTD_const": constant, "delay_u_bars": 5.0, "I_e": 150.0})
        times = [numpy.round((numpy.array(x) + LEAD) * DT, 6) for x in (pre, post)]
        generators = [nest.Create("spike_generator", params={"spike_times": t}) for t in times]
        parrot = nest.Create("parrot_neuron")
        nest.Connect(generators[0], parrot, syn_spec={"delay": DT})
        nest.Connect(generators[1], neuron, syn_spec={"delay": DT, "weight": 120.0})
        recorder = nest.Create("weight_recorder")
        nest.CopyModel("clopath_synapse", "clopath", {"weight_recorder": recorder})
        nest.Connect(parrot, neuron, syn_spec={"synapse_model": "clopath", "weight": 1.0, "delay": DT, "tau_x": 15.0,
                                               "Wmin": p["w_min"], "Wmax": p["w_max"]})
        meter = nest.Create("multimeter", params={"interval": DT, "record_from": ["V_m", "u_bar_plus", "u_bar_minus", "u_bar_bar"]})
        nest.Connect(meter, neuron)
        spikes = nest.Create("spike_recorder")
        nest.Connect(neuron, spikes)
        nest.Simulate((last + LEAD) * DT + 10)
        # step k of the synapse: a pre spike with stamp (k + LEAD + 1) dt; what the neuron had at t is seen at t + d
        stamp = numpy.rint(numpy.array(meter.events["times"]) / DT).astype(int) - LEAD - 1 + 1
        at = {int(k): i for i, k in enumerate(stamp)}
        e = {n: numpy.array(meter.events[n]) for n in ("V_m", "u_bar_plus", "u_bar_minus", "u_bar_bar")}
        lag = 50
        ltp, ltd = [], []
        for k in range(min(pre), max(pre) + 1):
            u_now, plus = e["V_m"][at[k]], e["u_bar_plus"][at[k] - lag]
            if u_now > p["theta_plus_mV"] and plus > p["theta_minus_mV"]:
                ltp.append([k, float(u_now), float(plus)])
        for k in pre:
            ltd.append([k, float(e["u_bar_minus"][at[k] - lag]), float(e["u_bar_bar"][at[k]])])
        steps = numpy.rint(numpy.array(recorder.events["times"]) / DT).astype(int) - LEAD - 1
        assert steps.tolist() == pre, (steps, pre)
        weights = [float(w) for w in recorder.events["weights"]]
        add(f"clopath_{tag}recorded_voltage_nest", "clopath_recorded", f"{NEST}, clopath_synapse on aeif_psc_delta_clopath", q, 1.0,
            "mixed", "The rule alone, on what NEST recorded of its neuron. Step k: if k is in `ltp` = [[k, u, u_bar_plus]]: w += dt "
            "A_LTP x_bar (u - theta_plus)(u_bar_plus - theta_minus), dt in ms, x_bar decayed to this step; then at a pre spike, with "
            "`ltd` = [[k, u_bar_minus, u_bar_bar]]: w -= A_LTD [u_bar_minus - theta_minus]+" + ("" if constant else
            " u_bar_bar^2/u_ref_squared") + ", then x_bar += 1/tau_x. Both clipped. u_bar_plus and u_bar_minus are those of 5 ms "
            "(delay_u_bars) before, u and u_bar_bar those of this step, all seen 0.1 ms (dendritic delay) late; the table already "
            "has the values as the rule reads them. Pre spikes below step 10000 only.",
            ([[int(k), w] for k, w in zip(steps, weights)], weights[-1]), post_spikes=len(spikes.events["times"]), ltp=ltp, ltd=ltd)


def main():
    dopamine(), florian(), clopath()
    with open(os.path.join(HERE, "voltage_and_reward.json"), "w") as file:
        file.write('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    for case in cases:
        print(f"{case['name']:60s} {case['final_weight']:.15f}")


if __name__ == "__main__":
    main()
