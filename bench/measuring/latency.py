"""Serves the latency benchmark: loads a model, and for each line "seconds" on standard input runs it that long, one image at a
time, and prints the median time of a run in ms."""

import statistics
import sys
import time

import numpy
import onnxruntime

path, threads = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
options.inter_op_num_threads = 1
options.add_session_config_entry("session.intra_op.allow_spinning", "0")
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
shape = [side if isinstance(side, int) else 1 for side in session.get_inputs()[0].shape]
size = int(numpy.prod(shape))
image = (numpy.arange(size) % 251 / 251).astype(numpy.float32).reshape(shape)
feeds = {session.get_inputs()[0].name: image}
for _ in range(100):
    session.run(None, feeds)
print("ready", flush=True)
for line in sys.stdin:
    end = time.perf_counter() + float(line)
    times = []
    while True:
        before = time.perf_counter()
        session.run(None, feeds)
        after = time.perf_counter()
        times.append(after - before)
        if after >= end:
            break
    print(1000 * statistics.median(times), flush=True)
