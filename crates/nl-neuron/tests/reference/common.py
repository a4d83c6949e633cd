"""What the generators share: inputs, the two simulators behind one convention, and the shape of a case.

The convention of every file here: step k = 0 .. steps-1 takes the state from time k*dt to (k+1)*dt.
  1. state update with input k (constant within the step),
  2. input spikes with index k jump into their conductance or current: they act on the membrane from step k+1 on,
  3. threshold, and 4. reset. A spike found in step k is recorded as k.
A sample [k, v] is the value after step k, reset included. Where a simulator has another order, the case says so.
"""
import json
import os

import numpy

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "inputs.json")) as _file:
    INPUTS = json.load(_file)
STEPS, DT = INPUTS["steps"], INPUTS["dt_ms"]
NOISE = numpy.array(INPUTS["noise_thousandths"], float) / 1000.0
SAMPLED = list(range(137, STEPS, 199))  # 50 steps


def samples(values, every=1):
    scale = len(values) // STEPS
    return [[k * scale, float(values[k * scale])] for k in SAMPLED[::every]]


def write(name):
    """All cases that were added, one a line, so that a difference shows which case changed."""
    with open(os.path.join(HERE, name), "w") as file:
        file.write('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    for case in cases:
        print(f"{case['name']:48s} {len(case['spike_steps']):5d} spikes")


def brian(equations, threshold, reset, method, variants, record=("v",), refractory=False, initial=None, events=None,
          namespace=None, substeps=1):
    """Runs the equations once with one neuron for each (offset, scale, exc weight, inh weight) of `variants`.

    Within the equations `I` is the input. Numbers are in the model's own units, only time has Brian2's.
    With `substeps` the step is DT/substeps, and an input lasts for so many steps.
    `events` = {"exc": "g_e += w_exc", ...}: what an input spike does. Returns [(spike_steps, {variable: values})].
    """
    import brian2 as b
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    dt = DT / substeps
    b.defaultclock.dt = dt * b.ms
    noise = b.TimedArray(NOISE, dt=DT * b.ms)
    equations += "\nI : 1\noffset : 1\nscale : 1\nw_exc : 1\nw_inh : 1"
    names = {"noise": noise, "ms": b.ms, "clip": b.clip, **(namespace or {})}
    group = b.NeuronGroup(len(variants), equations, threshold=threshold, reset=reset, refractory=refractory,
                          method=method, namespace=names)
    for i, name in enumerate(("offset", "scale", "w_exc", "w_inh")):
        setattr(group, name, [float(v[i]) for v in variants])
    for name, value in (initial or {}).items():
        setattr(group, name, value)
    # Not `I = ... noise(t)` in the equations: the last stage of rk4 would look up t + dt, which is the next input.
    operation = group.run_regularly("I = offset + scale*noise(t)", when="start")
    net = b.Network(group, operation)
    for name, effect in (events or {}).items():
        index = INPUTS[name]
        source = b.SpikeGeneratorGroup(1, [0] * len(index), numpy.array(index) * DT * b.ms)
        synapses = b.Synapses(source, group, on_pre=effect)
        synapses.connect()
        net.add(source, synapses)
    spikes = b.SpikeMonitor(group)
    states = b.StateMonitor(group, list(record), record=True, when="end")
    net.add(spikes, states)
    net.run(STEPS * DT * b.ms)
    index, found = numpy.array(spikes.i), numpy.rint(numpy.array(spikes.t / b.ms) / dt).astype(int)
    return [(found[index == i].tolist(), {name: numpy.array(getattr(states, name))[i] for name in record})
            for i in range(len(variants))]


# NEST: before step 0 there are LEAD steps without input, so that delays of one step have somewhere to come from.
# The state after them is the initial state of the case (key "initial" where it is not a fixed point).
LEAD = 10
# A current that the generator switches on at t acts on the step that starts at t + dt.
CURRENT_LAG = 1


def nest_runs(requests, steps=STEPS, dt=DT):
    """requests: [(model, parameters, initial, (offset, scale, exc weight, inh weight), recorded)].

    Every model runs in its own neuron of one simulation. Returns as `brian`, and the values before step 0.
    """
    import nest
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.resolution = dt
    out = []
    for model, parameters, initial, (offset, scale, w_exc, w_inh), recorded in requests:
        neuron = nest.Create(model, params={**parameters, **initial})
        values = offset + scale * NOISE[:steps]
        if offset or scale:
            times = (numpy.arange(steps) + LEAD - CURRENT_LAG) * dt
            generator = nest.Create("step_current_generator", params={
                "amplitude_times": numpy.round(times, 6), "amplitude_values": values})
            nest.Connect(generator, neuron, syn_spec={"delay": dt})
        for name, weight in (("exc", w_exc), ("inh", w_inh)):
            if weight:
                times = (numpy.array(INPUTS[name]) + LEAD) * dt  # emitted at k*dt, arrives at (k+1)*dt: end of step k
                generator = nest.Create("spike_generator", params={"spike_times": numpy.round(times, 6)})
                nest.Connect(generator, neuron, syn_spec={"weight": weight, "delay": dt})
        spikes = nest.Create("spike_recorder")
        nest.Connect(neuron, spikes)
        meter = nest.Create("multimeter", params={"interval": dt, "record_from": list(recorded)})
        nest.Connect(meter, neuron)
        out.append((spikes, meter, recorded))
    nest.Simulate((steps + LEAD) * dt + 5 * dt)
    results = []
    for spikes, meter, recorded in out:
        found = numpy.rint(numpy.array(spikes.events["times"]) / dt).astype(int) - 1 - LEAD
        assert (found >= 0).all(), "a spike before step 0"
        stamps = numpy.rint(numpy.array(meter.events["times"]) / dt).astype(int) - 1 - LEAD
        chosen = (stamps >= 0) & (stamps < steps)
        assert (stamps[chosen] == numpy.arange(steps)).all()
        before = {name: float(numpy.array(meter.events[name])[stamps == -1][0]) for name in recorded}
        results.append((found[found < steps].tolist(),
                        {name: numpy.array(meter.events[name])[chosen] for name in recorded}, before))
    return results


def versions():
    from importlib.metadata import version
    return f"Brian2 {version('brian2')}", f"NEST {version('nest-simulator')}"


BRIAN, NEST = versions()
UNITS = ("per_mV", "per_ms", "uF_per_cm2", "mS_per_cm2", "mV", "ms", "pF", "pA", "nS", "GOhm", "per_s")
HELD_BRIAN = ("Brian2 holds V for t_ref/dt - 1 steps: after a spike in step k, V is not updated in steps "
              "k+1 .. k+R-1 (R = t_ref/dt), and the first update is in step k+R; no threshold test while held.")
HELD_NEST = ("NEST holds V for t_ref/dt steps: after a spike in step k, V is not updated in steps k+1 .. k+R "
             "(R = t_ref/dt), and the first update is in step k+R+1.")
cases = []


def stem(name):
    """A parameter's name without its unit: "tau_m_ms" -> "tau_m"."""
    for unit in UNITS:
        if name.endswith("_" + unit):
            return name[:-len(unit) - 1]
    return name


def add(name, model, parameters, initial, variant, method, simulator, order, result, recorded="v", extra=(), more=None,
        substeps=1):
    offset, scale, w_exc, w_inh, unit = variant
    spikes, values = result[0], result[1]
    cases.append({
        "name": name, "model": model, "simulator": simulator, "method": method, "dt_ms": DT / substeps,
        "steps": STEPS * substeps,
        "parameters": parameters, "initial": initial,
        "input": {"offset": offset, "scale": scale, "unit": unit, "w_exc": w_exc, "w_inh": w_inh,
                  "steps_per_input": substeps},
        "order": order, "spike_steps": spikes, "v_samples": samples(values[recorded]),
        "extra_samples": {ours: samples(values[theirs], 5) for ours, theirs in extra}, **(more or {})})


def brian_cases(model, equations, threshold, reset, parameters, initial, variants, refractory, order, method="exact",
                events=None, extra=(), tag="", substeps=1):
    """Cases with the parameters as the constants of the equations: without the unit at the end of their key."""
    import brian2
    constants = {}
    for name, value in parameters.items():
        constants[stem(name)] = value * brian2.ms if name.endswith("_ms") and "_per_" not in name else value
    results = brian(equations, threshold, reset, method, list(variants.values()), ("v",) + tuple(extra), refractory,
                    {n: v for n, v in initial.items()}, events, constants, substeps)
    for (name, variant), result in zip(variants.items(), results):
        add(f"{model}{tag}_{name}_brian2", model, parameters, initial, variant, method, BRIAN, order, result,
            extra=[(e, e) for e in extra], substeps=substeps)
