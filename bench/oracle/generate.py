"""Runs the reference quantizer on the models and samples of write-models.ts and writes what it gives; see README.md."""

import base64
import hashlib
import json
import logging
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.calibrate import HistogramCollector
from onnxruntime.quantization.shape_inference import quant_pre_process

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "packages/quantizer/test/golden"
WRITER = ROOT / "bench/oracle/dist/packages/quantizer/test/parity/write-models.js"

METHODS = {
    "minmax": (CalibrationMethod.MinMax, {}),
    "average": (CalibrationMethod.MinMax, {"CalibMovingAverage": True}),
    "percentile": (CalibrationMethod.Percentile, {}),
    "percentile-99": (CalibrationMethod.Percentile, {"CalibPercentile": 99.0}),
    "entropy": (CalibrationMethod.Entropy, {}),
}
ACTIVATIONS = {"u8s8": QuantType.QUInt8, "s8s8": QuantType.QInt8}
# The reference's pre-processing is the same for all methods and formats: these models show it.
PREPROCESSED = ("network", "batch-norms", "constant-nodes", "embeddings")


class Samples(CalibrationDataReader):
    def __init__(self, path):
        types = {"float32": np.float32, "int32": np.int32, "int64": np.int64}
        self.samples = iter(
            {
                name: np.frombuffer(base64.b64decode(v["data"]), types[v["type"]]).reshape(v["dims"])
                for name, v in sample.items()
            }
            for sample in json.loads(path.read_text())
        )

    def get_next(self):
        return next(self.samples, None)


def float_hex(value):
    """Little-endian, as initializers hold it."""
    return np.float32(np.asarray(value).reshape(())).tobytes().hex()


def attribute(a):
    value = onnx.helper.get_attribute_value(a)
    if a.type == onnx.AttributeProto.FLOAT:
        return f"{a.name}={float_hex(value)}"
    if a.type == onnx.AttributeProto.STRING:
        return f"{a.name}={value.decode()}"
    if a.type == onnx.AttributeProto.INTS:
        return f"{a.name}={','.join(map(str, value))}"
    return f"{a.name}={value}" if a.type == onnx.AttributeProto.INT else a.name


def node_line(node):
    parts = [node.op_type, ",".join(node.input), "->", ",".join(node.output), *sorted(map(attribute, node.attribute))]
    return " ".join(parts)


def tensor_text(tensor):
    data = onnx.numpy_helper.to_array(tensor).tobytes()
    shown = data.hex() if len(data) <= 16 else "sha256:" + hashlib.sha256(data).hexdigest()[:24]
    return f"{tensor.data_type} [{','.join(map(str, tensor.dims))}] {shown}"


def describe(model):
    nodes = [node_line(node) for node in model.graph.node]
    tensors = {t.name: tensor_text(t) for t in sorted(model.graph.initializer, key=lambda t: t.name)}
    return nodes, tensors


def digest(lines):
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:24]


def quantize(model, samples, method, activation, per_channel, reduce_range, folder):
    """The int8 model, or the reference's error; and the ranges, which it finds before."""
    calibration, extra = METHODS[method]
    cache, output = folder / "ranges.json", folder / "int8.onnx"
    cache.unlink(missing_ok=True)
    try:
        quantize_static(
            model,
            output,
            Samples(samples),
            quant_format=QuantFormat.QDQ,
            per_channel=per_channel,
            reduce_range=reduce_range,
            activation_type=activation,
            weight_type=QuantType.QInt8,
            calibrate_method=calibration,
            extra_options=extra,
            calibration_cache_path=cache,
        )
        result = onnx.load(output)
    except Exception as error:
        result = f"{type(error).__name__}: {error}".splitlines()[0]
    ranges = json.loads(cache.read_text())["data"]
    number = lambda v: float_hex(v["data"] if isinstance(v, dict) else v)
    return result, {k: [number(v["lowest"]), number(v["highest"])] for k, v in sorted(ranges.items())}


def check_exact(name, model_path, samples):
    """All sums of float32 values with few bits are exact whatever their order, if none needs more than 24 bits."""
    model = onnx.shape_inference.infer_shapes(onnx.load(model_path))
    known = {v.name for v in model.graph.output}
    model.graph.output.extend(
        v for v in model.graph.value_info if v.name not in known and v.type.tensor_type.elem_type == 1
    )
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    transcendental = {o for n in model.graph.node if n.op_type in ("Softmax", "Sigmoid") for o in n.output}
    reader = Samples(samples)
    while (feeds := reader.get_next()) is not None:
        for output, value in zip(session.get_outputs(), session.run(None, feeds)):
            if value.dtype != np.float32 or output.name in transcendental or name == "arbitrary-weights":
                continue
            bits = next((b for b in range(60) if np.all(np.ldexp(value.astype(np.float64), b) % 1 == 0)), None)
            largest = float(np.max(np.abs(value), initial=0.0))
            exact = bits is not None and (bits > 30 or largest * 2.0**bits < 2.0**23)
            if not exact:
                print(f"  not exact: {name} {output.name}: {bits} fraction bits, largest {largest}")


def write(name, document):
    versions = {"onnxruntime": onnxruntime.__version__, "onnx": onnx.__version__, "numpy": np.__version__}
    path = GOLDEN / f"{name}.json"
    path.write_text(json.dumps({"reference": versions, **document}, indent=1) + "\n")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


def generate_model(name, models, folder):
    original, samples = models / f"{name}.onnx", models / f"{name}.samples.json"
    check_exact(name, original, samples)
    graphs, ranges, results = {}, {}, {}
    variants = [("ort", original, METHODS)]
    if name in PREPROCESSED:
        preprocessed = folder / f"{name}-preprocessed.onnx"
        quant_pre_process(original, preprocessed)
        variants.append(("ort-preprocessed", preprocessed, ("minmax", "percentile")))
    for parity, model, methods in variants:
        for method in methods:
            for format, activation in ACTIVATIONS.items():
                for per_channel in (False, True):
                    for reduce_range in (False, True):
                        flags = ("/per-channel" if per_channel else "") + ("/reduced" if reduce_range else "")
                        key = f"{parity}/{method}/{format}{flags}"
                        int8, found = quantize(model, samples, method, activation, per_channel, reduce_range, folder)
                        ranges[f"{parity}/{method}"] = found
                        if isinstance(int8, str):
                            results[key] = {"refused": int8}
                            continue
                        nodes, tensors = describe(int8)
                        graphs[digest(nodes)] = nodes
                        results[key] = {
                            "graph": digest(nodes),
                            "digest": digest([f"{k} {v}" for k, v in tensors.items()]),
                            **({"tensors": tensors} if method == "minmax" else {}),
                        }
    write(name, {"ranges": ranges, "graphs": graphs, "results": results})


def packed(array):
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def generate_numerics():
    """The statistics alone, on plain arrays; only basic float32 arithmetic, which is the same on every processor."""
    rng = np.random.default_rng(42)
    f32 = lambda a: np.asarray(a, dtype=np.float32)
    arrays = {
        "normal": f32(rng.standard_normal(3000)),
        "relu": f32(np.maximum(rng.standard_normal(3000), 0)),
        "outliers": f32(np.concatenate([rng.standard_normal(2990) / 8, rng.standard_normal(10) * 40])),
        "edges": f32(np.arange(-1024, 1025) / 512),
        "offset": f32(5 + rng.random(2000)),
        "constant": f32(np.full(50, 0.75)),
        "zeros": f32(np.zeros(50)),
        "tiny": f32(rng.standard_normal(500) * 1e-30),
        "large": f32(rng.standard_normal(500) * 1e30),
        "quarters": f32([0.25, 0.5, 0.75, 1]),
    }
    histograms, thresholds, means = [], [], []
    for name, values in arrays.items():
        for bins in (128, 2048):
            hist, edges = np.histogram(np.absolute(values), bins=bins)
            assert edges.dtype == np.float32
            text = hashlib.sha256(hist.astype("<i4").tobytes()).hexdigest()[:24]
            edge_text = hashlib.sha256(edges.astype("<f4").tobytes()).hexdigest()[:24]
            histograms.append({"array": name, "bins": bins, "counts": text, "edges": edge_text})
        for percentile in (99.999, 99.9, 99.0, 90.0, 75.0):
            collector = HistogramCollector("percentile", True, 2048, 128, percentile, "same")
            collector.collect({"t": values})
            low, high = collector.compute_percentile()["t"][:2]
            thresholds.append(
                {"array": name, "method": "percentile", "percentile": percentile, "bins": 2048, "range": [float_hex(low), float_hex(high)]}
            )
        for bins in (128, 256, 1024, 2048):
            collector = HistogramCollector("entropy", False, bins, 128, 99.999, "same")
            collector.collect({"t": values})
            low, high = collector.get_entropy_threshold(collector.histogram_dict["t"], 128)
            thresholds.append({"array": name, "method": "entropy", "bins": bins, "range": [float_hex(low), float_hex(high)]})
    for count in (1, 7, 8, 9, 100, 129, 1000):
        values = f32(rng.standard_normal(count))
        mean = np.nanmean([values[i : i + 1] for i in range(count)], axis=0)
        means.append({"count": count, "values": packed(values), "mean": float_hex(mean)})
    write(
        "numerics",
        {
            "arrays": {name: packed(values) for name, values in arrays.items()},
            "histograms": histograms,
            "thresholds": thresholds,
            "means": means,
        },
    )


def main():
    logging.disable(logging.WARNING)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        models = pathlib.Path(temporary) / "models"
        subprocess.run(["node", str(WRITER), str(models)], check=True)
        wanted = sys.argv[1:]
        for path in sorted(models.glob("*.onnx")):
            if not wanted or path.stem in wanted:
                generate_model(path.stem, models, pathlib.Path(temporary))
    if not wanted or "numerics" in wanted:
        generate_numerics()


if __name__ == "__main__":
    main()
