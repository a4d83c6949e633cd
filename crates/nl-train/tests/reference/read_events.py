"""What TensorBoard makes of the event files in the folder `tensorboard` beside this script.

Run in this folder: python read_events.py > read_events.txt   (needs tensorboard; its version is printed)
The run was killed in the middle of an event at step 7 and went on from step 5 in a second file, with 100 added to its loss.
Of `only/first` the second attempt measures nothing: the data server, which looks at each tag alone, keeps its step 6.
"""
import importlib.metadata
import logging
import os
import shutil
import struct
import tempfile

from tensorboard import context
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.util import tensor_util

logging.disable(logging.WARNING)
RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tensorboard")
KINDS = ["scalars", "images", "histograms", "tensors"]


def accumulated(folder):
    events = event_accumulator.EventAccumulator(folder, size_guidance={kind: 0 for kind in KINDS})
    return events.Reload()


def losses(events):
    return " ".join(f"{e.step}:{e.value:.4f}" for e in events.Scalars("train/loss"))


print("tensorboard", importlib.metadata.version("tensorboard"))
for name in sorted(os.listdir(RUN)):
    print(name, os.path.getsize(os.path.join(RUN, name)), "bytes")

print("\n== EventAccumulator")
events = accumulated(RUN)
for kind in KINDS:
    print(kind, sorted(events.Tags()[kind]))
for tag in sorted(events.Tags()["scalars"]):
    for e in events.Scalars(tag):
        print(f"{tag} step {e.step} time {e.wall_time:.0f} value {e.value:.6f}")
for tag in sorted(events.Tags()["images"]):
    for e in events.Images(tag):
        print(f"{tag} step {e.step}: {e.width} x {e.height}, {len(e.encoded_image_string)} bytes, PNG "
              f"{e.encoded_image_string.startswith(bytes([137]) + b'PNG')}")
for e in events.Histograms("weights/v1"):
    h = e.histogram_value
    print(f"weights/v1 step {e.step}: {h.num:.0f} from {h.min:.4f} to {h.max:.4f}, sum {h.sum:.4f}, squares "
          f"{h.sum_squares:.4f}, below {[round(x, 4) for x in h.bucket_limit]}: {h.bucket}")
for e in events.Tensors("note"):
    print("note step", e.step, tensor_util.make_ndarray(e.tensor_proto))
content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
for name, value in sorted(hparams.parse_session_start_info_plugin_data(content).hparams.items()):
    print("hyper-parameter", name, str(value).strip())


def provided(provider, title):
    """What the pages of TensorBoard ask for."""
    print(f"\n== {title}")
    ctx, every = context.RequestContext(), None
    found = provider.read_scalars(ctx, experiment_id="", plugin_name="scalars", downsample=1000, run_tag_filter=every)
    for run, tags in sorted(found.items()):
        for tag, points in sorted(tags.items()):
            print(f"run {run!r} {tag}", " ".join(f"{p.step}:{p.value:.4f}" for p in points))
    found = provider.read_tensors(ctx, experiment_id="", plugin_name="histograms", downsample=1000, run_tag_filter=every)
    for run, tags in sorted(found.items()):
        for tag, points in sorted(tags.items()):
            print(f"run {run!r} {tag}", " ".join(f"{p.step}:{p.numpy[:, 2].sum():.0f}" for p in points))
    found = provider.list_blob_sequences(ctx, experiment_id="", plugin_name="images")
    for run, tags in sorted(found.items()):
        print(f"run {run!r} images", {tag: series.max_step for tag, series in sorted(tags.items())})


# Every run is in the multiplexer from the start, and nothing is sampled away.
multiplexer = EventMultiplexer(tensor_size_guidance={"scalars": 0, "histograms": 0, "images": 0})
multiplexer.AddRunsFromDirectory(RUN)
multiplexer.Reload()
provided(MultiplexerDataProvider(multiplexer, RUN), "the pages' data provider (load_fast=false)")

try:
    from tensorboard.data import server_ingester
    binary = server_ingester.get_server_binary()
    ingester = server_ingester.SubprocessServerDataIngester(
        server_binary=binary, logdir=RUN, reload_interval=0,
        channel_creds_type=__import__("tensorboard.util.grpc_util", fromlist=["x"]).ChannelCredsType.LOCAL)
    ingester.start()
    provided(ingester.data_provider, "the data server (what `tensorboard --logdir` uses)")
except Exception as error:  # not built for every platform
    print("\n== the data server is not there:", type(error).__name__)


def records(path):
    """(begin, end) of each whole record."""
    bytes_, places, begin = open(path, "rb").read(), [], 0
    while begin + 12 <= len(bytes_):
        end = begin + 16 + struct.unpack("<Q", bytes_[begin:begin + 8])[0]
        if end > len(bytes_):
            break
        places.append((begin, end))
        begin = end
    return bytes_, places


print("\n== a TensorBoard that is open while a run is killed and goes on")
first, second = (os.path.join(RUN, name) for name in sorted(os.listdir(RUN)))
with tempfile.TemporaryDirectory() as folder:
    shutil.copy(first, folder)
    events = accumulated(folder)
    print("before", losses(events))
    shutil.copy(second, folder)
    print("with a second file", losses(events.Reload()))
with tempfile.TemporaryDirectory() as folder:
    path = shutil.copy(first, folder)
    events = accumulated(folder)
    # Cut back to where step 5 began, and gone on with the events of the second file.
    old, places = records(first)
    new, later = records(second)
    step_5 = next(begin for begin, _ in places if old[begin + 21:begin + 23] == bytes([2 << 3, 5]))
    with open(path, "r+b") as file:
        file.truncate(step_5)
    with open(path, "ab") as file:
        file.write(new[later[2][0]:])
    print("with the first file cut", losses(events.Reload()))
    print("the same, opened anew", losses(accumulated(folder)))
