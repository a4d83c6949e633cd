"""Rates, irregularity and synchrony of four published networks in NEST and Brian2: what `cargo xtask sim` is held against.

usage: spiking_networks.py brunel|cuba|coba|coba-unbiased|cobahh [--seeds 1,2,3] [--realisations N] [--seconds S] [--record FILE]

Needs nest-simulator (brunel) or brian2 (the others; C++ standalone, one thread, so a C++ compiler). Prints one JSON line for
each seed; --record puts them into FILE, in place of the same network's earlier ones.

What is measured, all of it after the first 0.2 s but for rate_hz_whole (what a plain spike count gives):
  rate_hz      spikes / neurons / seconds
  cv_isi       mean over the neurons with at least 3 spikes of (standard deviation / mean) of their inter-spike intervals,
               the deviation with division by the number of intervals; cv_isi_10 the same over neurons with at least 10 spikes
  synchrony    variance / mean of the number of spikes of the whole population in bins of 3 ms (1 for independent Poisson)
  chi          Golomb's: sqrt(Var_t(mean_i V) / mean_i(Var_t V_i)) over 200 neurons sampled each ms (brunel only)
"""
import argparse
import json
import os
import tempfile
import time

import numpy

WARM_UP, BIN = 0.2, 0.003

EQUATIONS = {
    "brunel": "Brunel 2000, delta synapses. tau_m V' = -V (C_m and R drop out), tau_m 20 ms, V_th 20 mV, V_reset 0, V held for t_ref 2 "
              "ms, exact, dt 0.1 ms; V = 0 at the start. 10000 excitatory, 2500 inhibitory; every neuron has exactly 1000 excitatory and "
              "250 inhibitory inputs, drawn with replacement and self-connections allowed (NEST's fixed_indegree); J = 0.1 mV, "
              "inhibitory -g J = -0.5 mV (g 5), all delays 1.5 ms. External: an own Poisson train for each neuron at eta nu_thr C_E = "
              "2 * 20 mV/(0.1 mV * 1000 * 20 ms) * 1000 = 20000 spikes/s, J = 0.1 mV, delay 1.5 ms.",
    "cuba": "Brette et al. 2007, benchmark 2. tau_m V' = g_e + g_i - (V - E_L) (not while refractory), g_e' = -g_e/tau_e, g_i' = -g_i/tau_i; "
            "tau_m 20, tau_e 5, tau_i 10 ms, E_L -49, V_th -50 (spike when V > V_th), V_reset -60 mV, refractory 5 ms, exact, dt 0.1 ms. "
            "3200 excitatory, 800 inhibitory, every ordered pair (self included) connected with p = 0.02; g_e += 1.62 mV, g_i -= 9 mV "
            "in the step of the spike (no delay: visible to V from the next step on). V uniform in [-60, -50], g = 0.",
    "coba": "Brette et al. 2007, benchmark 1, with a bias: E_L = -49 mV in place of -60 (the same as a constant current of 110 pA, 11 mV "
            "times the leak conductance; the resting potential that benchmark 2 has). "
            "tau_m V' = (E_L - V) + g_e (E_e - V) + g_i (E_i - V) (not while refractory), g' = -g/tau, g in units of the leak conductance "
            "(10 nS; C_m 200 pF); tau_m 20, tau_e 5, tau_i 10 ms, E_e 0, E_i -80, V_th -50 (spike when V > V_th), V_reset -60 mV, "
            "refractory 5 ms, exponential Euler, dt 0.1 ms. 3200 excitatory, 800 inhibitory, every ordered pair (self included) with p = "
            "0.02; g_e += 0.6 (6 nS), g_i += 6.7 (67 nS) in the step of the spike. V uniform in [-60, -50], g_e = g_i = 0.",
    "coba-unbiased": "As coba, but E_L = -60 mV: the activity sustains itself. V uniform in [-60, -50], g_e = max(0, normal(0.4, "
                     "0.15)), g_i = max(0, normal(2, 1.2)).",
    "cobahh": "Brette et al. 2007, benchmark 3, as Brian2's example COBAHH. area 20000 um^2: C_m 200 pF, g_L 10 nS, g_Na 20 uS, g_K 6 uS; "
              "E_L -60, E_K -90, E_Na 50, V_T -63, E_e 0, E_i -80 mV; tau_e 5, tau_i 10 ms, w_e 6 nS, w_i 67 nS. C_m V' = g_L (E_L - V) + g_e "
              "(E_e - V) + g_i (E_i - V) - g_Na m^3 h (V - E_Na) - g_K n^4 (V - E_K); x' = alpha_x (1 - x) - beta_x x; with u = V - V_T in mV, "
              "per ms: alpha_m = 0.32 (13 - u)/(exp((13 - u)/4) - 1), beta_m = 0.28 (u - 40)/(exp((u - 40)/5) - 1), alpha_h = 0.128 "
              "exp((17 - u)/18), beta_h = 4/(1 + exp((40 - u)/5)), alpha_n = 0.032 (15 - u)/(exp((15 - u)/5) - 1), beta_n = 0.5 exp((10 - "
              "u)/40). Spike when V > -20 mV and 3 ms have passed since the last one (V is not reset or held). Exponential Euler, dt 0.1 ms. "
              "3200 excitatory, 800 inhibitory, every ordered pair (self included) with p = 0.02, no delay. V = E_L + normal(-5, 5) mV, m = "
              "h = n = 0, g_e = normal(4, 1.5) * 10 nS, g_i = normal(20, 12) * 10 nS (not clipped).",
}


def measures(neurons, times, indices, seconds):
    times, indices = numpy.asarray(times), numpy.asarray(indices)
    keep = times > WARM_UP
    late, who, span = times[keep], indices[keep], seconds - WARM_UP
    order = numpy.lexsort((late, who))
    late_sorted, who_sorted = late[order], who[order]
    groups = numpy.split(late_sorted, numpy.flatnonzero(numpy.diff(who_sorted)) + 1)
    cv = {least: [numpy.std(d) / numpy.mean(d) for d in map(numpy.diff, (g for g in groups if len(g) >= least))] for least in (3, 10)}
    counts = numpy.histogram(late, numpy.arange(WARM_UP, seconds + 1e-9, BIN))[0]
    return {"neurons": neurons, "bio_seconds": seconds, "spikes": len(times), "rate_hz": len(late) / neurons / span,
            "rate_hz_whole": len(times) / neurons / seconds, "cv_isi": float(numpy.mean(cv[3])), "cv_isi_neurons": len(cv[3]),
            "cv_isi_10": float(numpy.mean(cv[10])), "synchrony": float(numpy.var(counts) / numpy.mean(counts))}


def brunel(seed, seconds, threads):
    import nest
    nest.set_verbosity("M_ERROR")
    nest.ResetKernel()
    nest.SetKernelStatus({"local_num_threads": threads, "resolution": 0.1, "rng_seed": seed})
    neuron = dict(C_m=1.0, tau_m=20.0, t_ref=2.0, E_L=0.0, V_reset=0.0, V_m=0.0, V_th=20.0)
    start = time.time()
    e = nest.Create("iaf_psc_delta", 10_000, params=neuron)
    i = nest.Create("iaf_psc_delta", 2_500, params=neuron)
    poisson = nest.Create("poisson_generator", params={"rate": 20_000.0})
    nest.Connect(poisson, e + i, syn_spec={"weight": 0.1, "delay": 1.5})
    nest.Connect(e, e + i, {"rule": "fixed_indegree", "indegree": 1000}, {"weight": 0.1, "delay": 1.5})
    nest.Connect(i, e + i, {"rule": "fixed_indegree", "indegree": 250}, {"weight": -0.5, "delay": 1.5})
    recorder = nest.Create("spike_recorder")
    nest.Connect(e + i, recorder)
    meter = nest.Create("multimeter", params={"interval": 1.0, "record_from": ["V_m"]})
    nest.Connect(meter, e[:200])
    built = time.time()
    nest.Simulate(1e3 * seconds)
    done = time.time()
    v = numpy.array(meter.events["V_m"])[numpy.lexsort((meter.events["times"], meter.events["senders"]))].reshape(200, -1)
    v = v[:, int(1e3 * WARM_UP):]
    out = measures(12_500, numpy.array(recorder.events["times"]) / 1e3, recorder.events["senders"], seconds)
    return {**out, "chi": float(numpy.sqrt(v.mean(0).var() / v.var(1).mean())), "threads": threads,
            "wall_seconds": {"build": built - start, "simulate": done - built}, "simulator": f"NEST {nest.__version__}"}


def cuba_group(b):
    names = dict(taum=20 * b.ms, taue=5 * b.ms, taui=10 * b.ms, Vt=-50 * b.mV, Vr=-60 * b.mV, El=-49 * b.mV)
    p = b.NeuronGroup(4000, """dv/dt = (ge + gi - (v - El))/taum : volt (unless refractory)
        dge/dt = -ge/taue : volt
        dgi/dt = -gi/taui : volt""", threshold="v > Vt", reset="v = Vr", refractory=5 * b.ms, method="exact", namespace=names)
    p.v = "Vr + rand()*(Vt - Vr)"
    return p, "ge += 1.62*mV", "gi -= 9*mV"


def coba_group(b, rest):
    names = dict(taum=20 * b.ms, taue=5 * b.ms, taui=10 * b.ms, Vt=-50 * b.mV, Vr=-60 * b.mV, El=rest * b.mV, Ee=0 * b.mV,
                 Ei=-80 * b.mV)
    p = b.NeuronGroup(4000, """dv/dt = ((El - v) + ge*(Ee - v) + gi*(Ei - v))/taum : volt (unless refractory)
        dge/dt = -ge/taue : 1
        dgi/dt = -gi/taui : 1""", threshold="v > Vt", reset="v = Vr", refractory=5 * b.ms, method="exponential_euler", namespace=names)
    p.v = "Vr + rand()*(Vt - Vr)"
    if rest < -50:
        p.ge = "clip(0.4 + 0.15*randn(), 0, 100)"
        p.gi = "clip(2 + 1.2*randn(), 0, 100)"
    return p, "ge += 0.6", "gi += 6.7"


def cobahh_group(b):
    names = dict(Cm=200 * b.pF, gl=10 * b.nS, gna=20 * b.uS, gkd=6 * b.uS, El=-60 * b.mV, EK=-90 * b.mV, ENa=50 * b.mV, VT=-63 * b.mV,
                 taue=5 * b.ms, taui=10 * b.ms, Ee=0 * b.mV, Ei=-80 * b.mV)
    p = b.NeuronGroup(4000, """dv/dt = (gl*(El - v) + ge*(Ee - v) + gi*(Ei - v) - gna*(m*m*m)*h*(v - ENa) - gkd*(n*n*n*n)*(v - EK))/Cm : volt
        dm/dt = alpha_m*(1 - m) - beta_m*m : 1
        dn/dt = alpha_n*(1 - n) - beta_n*n : 1
        dh/dt = alpha_h*(1 - h) - beta_h*h : 1
        dge/dt = -ge/taue : siemens
        dgi/dt = -gi/taui : siemens
        alpha_m = 0.32*4/exprel((13*mV - v + VT)/(4*mV))/ms : Hz
        beta_m = 0.28*5/exprel((v - VT - 40*mV)/(5*mV))/ms : Hz
        alpha_h = 0.128*exp((17*mV - v + VT)/(18*mV))/ms : Hz
        beta_h = 4./(1 + exp((40*mV - v + VT)/(5*mV)))/ms : Hz
        alpha_n = 0.032*5/exprel((15*mV - v + VT)/(5*mV))/ms : Hz
        beta_n = .5*exp((10*mV - v + VT)/(40*mV))/ms : Hz""", threshold="v > -20*mV", refractory=3 * b.ms,
                      method="exponential_euler", namespace=names)
    p.v = "El + (randn()*5 - 5)*mV"
    p.ge = "(randn()*1.5 + 4)*10*nS"
    p.gi = "(randn()*12 + 20)*10*nS"
    return p, "ge += 6*nS", "gi += 67*nS"


def brian(network, seeds, seconds):
    """One build; without seeds, every run draws its network from the system's entropy. A seed costs a build of its own."""
    import brian2 as b
    directory = tempfile.mkdtemp()
    b.prefs.devices.cpp_standalone.extra_make_args_unix = ["-j1"]
    for index, seed in enumerate(seeds):
        if index == 0 or seed is not None:
            b.set_device("cpp_standalone", build_on_run=False, directory=directory)
            b.device.reinit()
            b.device.activate(build_on_run=False, directory=directory)
            b.start_scope()
            b.defaultclock.dt = 0.1 * b.ms
            if seed is not None:
                b.seed(seed)
            make = {"cuba": cuba_group, "coba": lambda b: coba_group(b, -49.0), "coba-unbiased": lambda b: coba_group(b, -60.0),
                    "cobahh": cobahh_group}[network]
            group, on_e, on_i = make(b)
            e, i = b.Synapses(group, group, on_pre=on_e, name="e"), b.Synapses(group, group, on_pre=on_i, name="i")
            e.connect("i < 3200", p=0.02)
            i.connect("i >= 3200", p=0.02)
            spikes = b.SpikeMonitor(group, name="spikes")
            b.Network(group, e, i, spikes).run(seconds * b.second)
            b.device.build(directory=directory, run=False, clean=False)
        b.device.run(directory=directory)
        out = measures(4000, numpy.array(spikes.t / b.second), numpy.array(spikes.i), seconds)
        yield seed, {**out, "synapses": int(len(e) + len(i)), "threads": 1,
                     "wall_seconds": {"simulate": b.device._last_run_time}, "simulator": f"Brian2 {b.__version__} C++ standalone"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=list(EQUATIONS))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--realisations", type=int, help="so many networks from the system's entropy, in one build (not brunel)")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--threads", type=int, default=1, help="NEST only")
    parser.add_argument("--record")
    options = parser.parse_args()
    seeds = [None] * options.realisations if options.realisations else [int(s) for s in options.seeds.split(",")]
    seconds = options.seconds or (2.0 if options.network == "brunel" else 10.0)
    if options.network == "brunel":
        results = ((seed, brunel(seed, seconds, options.threads)) for seed in seeds)
    else:
        results = brian(options.network, seeds, seconds)
    runs = []
    for seed, result in results:
        runs.append({"seed": seed, **{k: round(v, 5) if isinstance(v, float) else v for k, v in result.items()}})
        print(json.dumps({"network": options.network, **runs[-1]}), flush=True)
    if options.record:
        record = {}
        if os.path.exists(options.record):
            with open(options.record) as file:
                record = json.load(file)
        keys = ("rate_hz", "rate_hz_whole", "cv_isi", "cv_isi_10", "synchrony", "chi")
        record[options.network] = {"equations": EQUATIONS[options.network], **{
            name: {k: round(float(f([r[k] for r in runs])), 4) for k in keys if k in runs[0]}
            for name, f in (("mean", numpy.mean), ("standard_deviation", lambda x: numpy.std(x, ddof=1)))}, "runs": runs}
        with open(options.record, "w") as file:
            json.dump(record, file, indent=1)
            file.write("\n")


if __name__ == "__main__":
    main()
