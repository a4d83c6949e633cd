"""BindsNET's DiehlAndCook2015, 400 neurons, online STDP on MNIST, batch 1, 250 ms a sample at dt 1 ms: images a second.

usage: bindsnet_stdp.py MNIST_FOLDER BINDSNET_SOURCE [--samples N] [--threads N]   (needs torch and BindsNET's sources)
"""
import argparse
import gzip
import statistics
import sys
import time

import numpy
import torch

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("folder")
parser.add_argument("source")
parser.add_argument("--samples", type=int, default=6)
parser.add_argument("--threads", type=int, default=2)
options = parser.parse_args()
sys.path.insert(0, options.source)
from bindsnet.encoding import PoissonEncoder  # noqa: E402
from bindsnet.models import DiehlAndCook2015  # noqa: E402

torch.set_num_threads(options.threads)
torch.manual_seed(0)
with gzip.open(f"{options.folder}/t10k-images-idx3-ubyte.gz") as file:
    pixels = numpy.frombuffer(file.read()[16:], numpy.uint8).reshape(-1, 1, 28, 28).astype(numpy.float32)
images = torch.tensor(pixels[: options.samples + 1]) / 255 * 128
encode = PoissonEncoder(time=250, dt=1.0)
network = DiehlAndCook2015(n_inpt=784, n_neurons=400, exc=22.5, inh=120, dt=1.0, norm=78.4, theta_plus=0.05,
                           inpt_shape=(1, 28, 28), batch_size=1)
times = []
for image in images:
    spikes = encode(image).unsqueeze(1)
    start = time.perf_counter()
    network.run(inputs={"X": spikes}, time=250)
    times.append(time.perf_counter() - start)
    network.reset_state_variables()
print(f"stdp: {1 / statistics.median(times[1:]):.3f} img/s")
