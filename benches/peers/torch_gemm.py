"""Square f32 matrix products by torch.mm (MKL on x86): the peer of `cargo xtask bench gemm`.

usage: torch_gemm.py [--threads N] [--steps N]
"""
import argparse
import statistics
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=30)
options = parser.parse_args()
torch.set_num_threads(options.threads)

for n in (256, 512, 1024, 2048):
    # The same small integers as ours, whose products are exact, and as many repetitions within a measurement.
    index = torch.arange(n * n)
    a = (index % 17 - 8).to(torch.float32).view(n, n)
    b = (index % 13 - 6).to(torch.float32).view(n, n)
    c = torch.empty(n, n)
    repeats = max(1, 1_000_000_000 // (2 * n**3))
    times = []
    for _ in range(options.steps + 1):
        start = time.perf_counter()
        for _ in range(repeats):
            torch.mm(a, b, out=c)
        times.append((time.perf_counter() - start) / repeats)
    assert c[0, 0].item() == (a[0] * b[:, 0]).sum().item()
    median = statistics.median(times[1:])  # the first is the warm-up
    print(f"gemm-{n}: median {1e3 * median:.3f} ms  {2e-9 * n**3 / median:.1f} GFLOP/s")
