"""CUBA (Brette et al. 2007, benchmark 2) in Brian2's C++ standalone: biological seconds a wall second, without compilation.

usage: brian2_cuba.py [--seconds S]   (needs brian2 and a C++ compiler; one thread: OpenMP makes this network slower)
"""
import argparse
import json
import subprocess
import sys
from pathlib import Path

parser = argparse.ArgumentParser(usage=__doc__)
parser.add_argument("--seconds", type=float, default=10.0)
options = parser.parse_args()
script = Path(__file__).with_name("spiking_networks.py")
command = [sys.executable, str(script), "cuba", "--realisations", "1", "--seconds", str(options.seconds)]
lines = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
run = json.loads([line for line in lines if line.startswith("{")][-1])
speed = options.seconds / run["wall_seconds"]["simulate"]
print(f"cuba: {run['rate_hz_whole']:.2f} Hz, {speed:.3f} x real time")
