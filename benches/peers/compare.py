"""Our benchmark and a peer's, in turn, in one run: the ratio of each pair.

usage: compare.py WORKLOAD... [--pairs N] [--threads N] [--steps N] [--others PERCENT] [--xtask COMMAND] -- PEER COMMAND

A pair is one `cargo xtask bench WORKLOAD --json` for each workload and one run of the peer; every second pair starts
with the peer. The peer prints lines `name: … 123.4 unit` with a unit of img/s, GFLOP/s, q/s, samples/s
or x real time; `ssl` is held against
`brain-ssl`, `gemm-256` against `gemm-256`. Only ratios within a pair count: the machine's speed moves between pairs.

On Linux the column `others` is the share of the machine's processor time that went to other programs during the pair; a
pair in which that is more than --others per cent is shown, does not count, and is made again. No pair starts before
three seconds have been that quiet.
"""
import argparse
import json
import math
import os
import re
import resource
import shlex
import statistics
import subprocess
import sys
import time

LINE = re.compile(r"^\s*([\w-]+):.*?([\d.]+(?:e[+-]?\d+)?)\s*(img/s|GFLOP/s|q/s|samples/s|x real time)\b")
UNITS = {"images/s": "img/s", "queries/s": "q/s"}


def output(command):
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"exit code {result.returncode} from: {shlex.join(command)}")
    return result.stdout


def ours(options):
    figures = {}
    for workload in options.workloads:
        command = [*shlex.split(options.xtask), "bench", workload, "--threads", str(options.threads)]
        for line in output([*command, "--steps", str(options.steps), "--json"]).splitlines():
            figure = json.loads(line)
            unit = UNITS.get(figure["unit"], figure["unit"])
            figures[figure["workload"]] = (float(figure["throughput"]), unit)
    return figures


def theirs(options):
    matches = filter(None, map(LINE.match, output(options.peer).splitlines()))
    return {m[1]: (float(m[2]), m[3]) for m in matches}


def clocks():
    """Seconds: wall clock of all processors, busy time of all programs, busy time of those that were started here."""
    try:
        with open("/proc/stat") as stat:
            user, nice, system, _, _, irq, softirq, steal = map(int, stat.readline().split()[1:9])
        busy = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    except OSError:
        busy = math.nan
    own = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.time() * os.cpu_count(), busy, own.ru_utime + own.ru_stime


def share_of_others(before):
    """Per cent of the machine's processor time since `before`."""
    wall, busy, own = (after - start for after, start in zip(clocks(), before))
    return 100 * (busy - own) / wall


def wait_for_quiet(limit):
    others = math.inf
    while others > limit:
        before = clocks()
        time.sleep(3)
        others = share_of_others(before)


def main():
    if "--" not in sys.argv:
        sys.exit(__doc__)
    split = sys.argv.index("--")
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("workloads", nargs="+")
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--others", type=float, default=10.0)
    parser.add_argument("--xtask", default="cargo xtask")
    options = parser.parse_args(sys.argv[1:split])
    options.peer = sys.argv[split + 1 :]

    ratios = {}
    pair = discarded = 0
    print("pair  workload           ours       peer  unit           ratio  others")
    while pair < options.pairs:
        wait_for_quiet(options.others)
        before = clocks()
        if (pair + discarded) % 2 == 0:
            mine, peer = ours(options), theirs(options)
        else:
            peer, mine = theirs(options), ours(options)
        others = share_of_others(before)
        counts = not others > options.others
        pair, discarded = (pair + 1, discarded) if counts else (pair, discarded + 1)
        for name, (speed, unit) in mine.items():
            found = [peer[key] for key in (name, name.removeprefix("brain-")) if key in peer]
            if not found or found[0][1] != unit:
                sys.exit(f"the peer printed no figure in {unit} for {name}; it printed {peer}")
            ratio = speed / found[0][0]
            if counts:
                ratios.setdefault(name, []).append(ratio)
            label = pair if counts else "-"
            print(f"{label:>4}  {name:12} {speed:10.1f} {found[0][0]:10.4g}  {unit:11} {ratio:8.2f} {others:6.1f}%", flush=True)
        if discarded > 4 * options.pairs:
            sys.exit("the machine is too busy to compare anything; end other programs and try again")
    print("\nratio ours / peer   min  median     max")
    for name, r in ratios.items():
        print(f"{name:16} {min(r):6.2f}  {statistics.median(r):6.2f}  {max(r):6.2f}")


main()
