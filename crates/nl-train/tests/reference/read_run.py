"""What TensorBoard's own reader makes of a run that was logged for it: every tag of every stage, and whether it can be drawn.

Run: python read_run.py FOLDER, a run with `log: {tensorboard: true}` (needs tensorboard; its version is printed).
read_run.txt is what it printed of two runs, named in the first line of each part. Fails if a kind of entry is missing.
"""
import importlib.metadata
import logging
import math
import os
import struct
import sys

from tensorboard.backend.event_processing import event_accumulator

logging.disable(logging.WARNING)
KINDS = ["scalars", "images", "histograms"]


def size_of_png(data):
    """Width and height in the header of a PNG."""
    assert data.startswith(bytes([137]) + b"PNG\r\n"), "not a PNG"
    return struct.unpack(">II", data[16:24])


def stage(folder):
    events = event_accumulator.EventAccumulator(folder, size_guidance={kind: 0 for kind in KINDS}).Reload()
    tags = events.Tags()
    for tag in sorted(tags["scalars"]):
        found = events.Scalars(tag)
        assert all(math.isfinite(e.value) for e in found), tag
        steps = [e.step for e in found]
        assert steps == sorted(steps), f"{tag}: steps go back"
        print(f"  scalar {tag}: {len(found)} from step {steps[0]} to {steps[-1]}")
    for tag in sorted(tags["histograms"]):
        found = events.Histograms(tag)
        for e in found:
            h = e.histogram_value
            assert h.min <= h.max and abs(sum(h.bucket) - h.num) < 1e-6 * h.num, tag
        print(f"  histogram {tag}: {len(found)}, of {found[-1].histogram_value.num:.0f} values")
    for tag in sorted(tags["images"]):
        found = events.Images(tag)
        for e in found:
            assert size_of_png(e.encoded_image_string) == (e.width, e.height), tag
        print(f"  image {tag}: {len(found)}, {found[-1].width} x {found[-1].height}")
    return {kind: tags[kind] for kind in KINDS}


run = sys.argv[1]
print("tensorboard", importlib.metadata.version("tensorboard"))
place = os.path.join(run, "tensorboard")
found = {}
for name in sorted(os.listdir(place)):
    print(name)
    found[name] = stage(os.path.join(place, name))
learned = [kinds for name, kinds in found.items() if name != "test"]
assert any(tag.startswith("activations/") for kinds in learned for tag in kinds["histograms"]), "no activations"
assert any(kinds["images"] for kinds in learned), "no pictures while it learned"
assert any(tag.startswith("saliency/") for tag in found["test"]["images"]), "no saliency"
