"""onnxruntime's static quantizer as its documentation runs it: pre-processing, then quantize_static.

Takes one JSON argument: {"model", "out", "data", "kind": "cifar" | "npy", "images", "mean", "std", "input", "method", "activations": "QUInt8" | "QInt8", "reduceRange"}.
"cifar" is a CIFAR-10 binary file, "npy" holds float32 samples that are ready for the model.
"""

import json
import os
import sys
import tempfile

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

SIDE = 32
CHANNELS = 3
RECORD_BYTES = 1 + CHANNELS * SIDE * SIDE
METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}


class Images(CalibrationDataReader):
    """Reads one image at a time, so that only what the quantizer keeps counts as its memory."""

    def __init__(self, args):
        self.args = args
        self.next = 0
        if args["kind"] == "npy":
            self.samples = np.load(args["data"], mmap_mode="r")

    def get_next(self):
        if self.next >= self.args["images"]:
            return None
        index, self.next = self.next, self.next + 1
        return {self.args["input"]: self.read(index)}

    def read(self, index):
        if self.args["kind"] == "npy":
            return np.ascontiguousarray(self.samples[index : index + 1])
        record = np.fromfile(self.args["data"], dtype=np.uint8, offset=index * RECORD_BYTES, count=RECORD_BYTES)
        image = record[1:].reshape(1, CHANNELS, SIDE, SIDE).astype(np.float32) / 255
        mean = np.array(self.args["mean"], dtype=np.float32).reshape(1, CHANNELS, 1, 1)
        std = np.array(self.args["std"], dtype=np.float32).reshape(1, CHANNELS, 1, 1)
        return (image - mean) / std


def main():
    args = json.loads(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        prepared = os.path.join(folder, "prepared.onnx")
        quant_pre_process(args["model"], prepared)
        quantize_static(
            prepared,
            args["out"],
            Images(args),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=args["reduceRange"],
            activation_type=QuantType[args["activations"]],
            weight_type=QuantType.QInt8,
            calibrate_method=METHODS[args["method"]],
        )


main()
