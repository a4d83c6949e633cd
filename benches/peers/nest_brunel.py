"""Brunel's network of 12,500 neurons (g 5, eta 2) in NEST: biological seconds a wall second, without building.

usage: nest_brunel.py [--seconds S] [--threads N]   (needs nest-simulator)
"""
import argparse
import time

import nest

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--seconds", type=float, default=1.0)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()
nest.set_verbosity("M_ERROR")
nest.ResetKernel()
nest.SetKernelStatus({"local_num_threads": options.threads, "resolution": 0.1, "rng_seed": 1})
neuron = dict(C_m=1.0, tau_m=20.0, t_ref=2.0, E_L=0.0, V_reset=0.0, V_m=0.0, V_th=20.0)
e = nest.Create("iaf_psc_delta", 10_000, params=neuron)
i = nest.Create("iaf_psc_delta", 2_500, params=neuron)
poisson = nest.Create("poisson_generator", params={"rate": 20_000.0})
nest.Connect(poisson, e + i, syn_spec={"weight": 0.1, "delay": 1.5})
nest.Connect(e, e + i, {"rule": "fixed_indegree", "indegree": 1000}, {"weight": 0.1, "delay": 1.5})
nest.Connect(i, e + i, {"rule": "fixed_indegree", "indegree": 250}, {"weight": -0.5, "delay": 1.5})
recorder = nest.Create("spike_recorder")
nest.Connect(e + i, recorder)
nest.Prepare()
start = time.time()
nest.Run(1000.0 * options.seconds)
wall = time.time() - start
nest.Cleanup()
rate = recorder.n_events / 12_500 / options.seconds
print(f"brunel: {rate:.2f} Hz, {options.seconds / wall:.4f} x real time")
