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
    return [[k, float(values[k])] for k in SAMPLED[::every]]


def write(name, cases):
    """One case a line, so that a difference shows which case changed."""
    with open(os.path.join(HERE, name), "w") as file:
        file.write('{"cases":[\n' + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]}\n")
    for case in cases:
        print(f"{case['name']:48s} {len(case['spike_steps']):5d} spikes")


def brian(equations, threshold, reset, method, variants, record=("v",), refractory=False, initial=None, events=None,
          namespace=None, steps=STEPS):
    """Runs the equations once with one neuron for each (offset, scale, exc weight, inh weight) of `variants`.

    Within the equations `I` is the input. Numbers are in the model's own units, only time has Brian2's.
    `events` = {"exc": "g_e += w_exc", ...}: what an input spike does. Returns [(spike_steps, {variable: values})].
    """
    import brian2 as b
    b.prefs.codegen.target = "numpy"
    b.start_scope()
    b.defaultclock.dt = DT * b.ms
    noise = b.TimedArray(NOISE, dt=DT * b.ms)
    equations += "\nI = offset + scale*noise(t) : 1\noffset : 1\nscale : 1\nw_exc : 1\nw_inh : 1"
    names = {"noise": noise, "ms": b.ms, "clip": b.clip, **(namespace or {})}
    group = b.NeuronGroup(len(variants), equations, threshold=threshold, reset=reset, refractory=refractory,
                          method=method, namespace=names)
    for i, name in enumerate(("offset", "scale", "w_exc", "w_inh")):
        setattr(group, name, [float(v[i]) for v in variants])
    for name, value in (initial or {}).items():
        setattr(group, name, value)
    net = b.Network(group)
    for name, effect in (events or {}).items():
        index = INPUTS[name]
        source = b.SpikeGeneratorGroup(1, [0] * len(index), numpy.array(index) * DT * b.ms)
        synapses = b.Synapses(source, group, on_pre=effect)
        synapses.connect()
        net.add(source, synapses)
    spikes = b.SpikeMonitor(group)
    states = b.StateMonitor(group, list(record), record=True, when="end")
    net.add(spikes, states)
    net.run(steps * DT * b.ms)
    index, found = numpy.array(spikes.i), numpy.rint(numpy.array(spikes.t / b.ms) / DT).astype(int)
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
    import brian2
    import nest
    return f"Brian2 {brian2.__version__}", f"NEST {nest.__version__}"
