"""Train MobileNetV1 on CIFAR-10, prune it, fine-tune each pruning, export ONNX files.

    python train.py --cifar10 FOLDER --out FOLDER

FOLDER holds the official binary files. Two CPU cores need about a day. Every step resumes where it stopped.
"""

import argparse
import copy
import json
import os

import numpy as np
import torch

from cifar10 import load_test, load_train
from fit import accuracy, fit
from mobilenet import MobileNet
from pruning import prune

FRACTIONS = (0.05, 0.1, 0.2, 0.3, 0.4)
FINE_TUNE_EPOCHS = 5


def export(model, path):
    """ONNX opset 13, float32, batch normalization kept as nodes, dynamic batch."""
    plain = copy.deepcopy(model).to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(
        plain,
        torch.randn(1, 3, 32, 32),
        path,
        opset_version=13,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}},
        do_constant_folding=True,
        training=torch.onnx.TrainingMode.PRESERVE,
        dynamo=False,
    )


def save(model, out, fraction, epochs, before, after):
    name = f"mobilenetv1-cifar10-p{round(fraction * 100):02d}"
    path = os.path.join(out, f"{name}.onnx")
    export(model, path)
    facts = {
        "name": name,
        "pruning": fraction,
        "fineTuneEpochs": epochs,
        "params": sum(p.numel() for p in model.parameters()),
        "bytes": os.path.getsize(path),
        "accuracyBeforeFineTune": before,
        "accuracy": after,
    }
    with open(os.path.join(out, f"{name}.json"), "w", encoding="utf-8") as file:
        json.dump(facts, file, indent=1)
    print(facts)


def train_base(out, train, test):
    """22 epochs in float32, then a warm restart of 24 in bfloat16."""
    model = MobileNet()
    fit(model, train, test, 22, 0.2, os.path.join(out, "base-1.pt"), warm=0.2, bfloat16=False)
    result = fit(model, train, test, 24, 0.1, os.path.join(out, "base-2.pt"), warm=0.15, bfloat16=True)
    return model, result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", required=True)
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    np.random.seed(0)
    torch.manual_seed(0)
    train, test = load_train(options.cifar10), load_test(options.cifar10)

    base, result = train_base(options.out, train, test)
    save(base, options.out, 0, 0, None, result)
    for fraction in FRACTIONS:
        pruned = prune(base, fraction)
        before = accuracy(pruned.to(memory_format=torch.channels_last), test)
        checkpoint = os.path.join(options.out, f"p{round(fraction * 100):02d}.pt")
        after = fit(pruned, train, test, FINE_TUNE_EPOCHS, 0.02, checkpoint, warm=0.1, bfloat16=True)
        save(pruned, options.out, fraction, FINE_TUNE_EPOCHS, before, after)


if __name__ == "__main__":
    main()
