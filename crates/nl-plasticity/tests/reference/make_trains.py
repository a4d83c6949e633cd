"""The spike trains of all plasticity cases, as step indices of 0.1 ms, two seconds, about 20 Hz each.

apart: pre and post never spike in the same step. mixed: six exact coincidences, correlated in part.
The first event of each pair is a pre spike (NEST's nearest-neighbour synapses take t = 0 for one otherwise), the last
event too (NEST brings a weight up to date at pre spikes only). dopamine: about 5 Hz. reward: one value for each 100 ms.

usage: make_trains.py > trains.json
"""
import json

import numpy

STEPS = 20_000
random = numpy.random.default_rng(19980806)


def poisson(rate, first, last):
    steps = numpy.flatnonzero(random.random(STEPS) < rate * 1e-4)
    steps = [int(s) for s in steps if first < s < last]
    return [s for i, s in enumerate(steps) if i == 0 or s - steps[i - 1] > 5]


def pair(coincident):
    pre = [60] + poisson(20.0, 80, 19_900) + [19_950]
    post = poisson(14.0, 100, 19_850)
    for s in pre[2:-2:3]:  # some post spikes shortly after a pre spike
        post.append(s + int(random.integers(5, 180)))
    post = sorted(set(s for s in post if s < 19_900) - set(pre))
    post = [s for i, s in enumerate(post) if i == 0 or s - post[i - 1] > 5]
    if coincident:
        chosen = [int(s) for s in random.choice(pre[3:-3], 6, replace=False)]
        post = sorted(set(s for s in post if all(abs(s - c) > 5 for c in chosen)) | set(chosen))
    return {"pre": pre, "post": post}


trains = {"dt_ms": 0.1, "steps": STEPS, "apart": pair(False), "mixed": pair(True), "dopamine": poisson(5.0, 500, 19_900),
          "reward": [int(r) for r in random.choice([-1, 0, 1], 20)]}
print(json.dumps(trains, separators=(",", ":")))
