"""The inputs that all cases share, as integers, so that every language reads the same numbers.

noise: 10,000 integers k, one for each step of 0.1 ms; the input of step i is offset + scale * (k[i] / 1000).
       A Gaussian process with a time constant of 5 ms and unit variance, rounded to thousandths.
exc, inh: step indices of two Poisson-like spike lists, strictly increasing, about 800 and 300 in one second.

usage: make_inputs.py > inputs.json
"""
import json
import math

import numpy

STEPS, DT, TAU = 10_000, 0.1, 5.0
random = numpy.random.default_rng(20150803)
decay = math.exp(-DT / TAU)
value, noise = random.normal(), []
for _ in range(STEPS):
    noise.append(int(round(1000 * value)))
    value = decay * value + math.sqrt(1 - decay * decay) * random.normal()
lists = {name: [int(i) for i in numpy.flatnonzero(random.random(STEPS) < rate * DT * 1e-3) if i > 0]
         for name, rate in (("exc", 800.0), ("inh", 300.0))}
print(json.dumps({"steps": STEPS, "dt_ms": DT, "noise_thousandths": noise, **lists}, separators=(",", ":")))
