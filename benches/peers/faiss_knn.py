"""Exact nearest neighbours by FAISS's flat index: the peer of `cargo xtask bench knn`.

60,000 unit vectors of 128 in ten clusters, 10,000 queries, k = 10, squared Euclidean distance: the distribution of ours,
drawn by another generator.

usage: faiss_knn.py [--threads N] [--steps N]
"""
import argparse
import statistics
import time

import faiss
import numpy as np

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=30, help="a tenth of it is timed, as in ours")
options = parser.parse_args()
faiss.omp_set_num_threads(options.threads)

DIM, K = 128, 10
rng = np.random.default_rng(0)
centres = rng.normal(size=(10, DIM)).astype("f")


def cloud(n):
    x = (centres[rng.integers(0, 10, n)] + 0.7 * rng.normal(size=(n, DIM))).astype("f")
    return x / np.linalg.norm(x, axis=1, keepdims=True)


keys, queries = cloud(60_000), cloud(10_000)
index = faiss.IndexFlatL2(DIM)
index.add(keys)
times = []
for _ in range(1 + -(-options.steps // 10)):
    start = time.perf_counter()
    distance, found = index.search(queries, K)
    times.append(time.perf_counter() - start)
for q in range(0, len(queries), 997):
    nearest = ((keys - queries[q]) ** 2).sum(1).min()
    assert abs(distance[q, 0] - nearest) < 1e-4, f"query {q}: {distance[q, 0]} instead of {nearest}"
median = statistics.median(times[1:])  # the first is the warm-up
print(f"knn: median {1e3 * median:.1f} ms  {len(queries) / median:.0f} q/s")
