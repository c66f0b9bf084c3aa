"""One training run: SGD with Nesterov momentum, one cycle of the learning rate, label smoothing, bfloat16 on request."""

import contextlib
import math
import os
import time

import torch
import torch.nn.functional as F

from cifar10 import augment, normalize

BATCH = 128


def one_cycle(done, warm, peak):
    """Learning rate at the share `done` of the run: linear up to `peak`, then a cosine down."""
    if done < warm:
        return max(peak * done / warm, 1e-5)
    return max(peak * 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm))), 1e-5)


@torch.no_grad()
def accuracy(model, test):
    """Top-1 accuracy, 0 to 1."""
    model.eval()
    images, labels = test
    correct = 0
    for start in range(0, len(images), 250):
        scores = model(normalize(images[start : start + 250]))
        correct += (scores.argmax(1) == labels[start : start + 250]).sum().item()
    return correct / len(images)


def fit(model, train, test, epochs, peak, checkpoint, warm, bfloat16):
    """Train in place and resume from `checkpoint` when it is there; returns the test accuracy."""
    images, labels = train
    steps_per_epoch = len(images) // BATCH
    model = model.to(memory_format=torch.channels_last)
    decayed = [p for p in model.parameters() if p.ndim > 1]
    plain = [p for p in model.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD(
        [{"params": decayed, "weight_decay": 5e-4}, {"params": plain, "weight_decay": 0}],
        lr=peak,
        momentum=0.9,
        nesterov=True,
    )
    first = 0
    if os.path.exists(checkpoint):
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
    for epoch in range(first, epochs):
        model.train()
        begun, total = time.time(), 0.0
        order = torch.randperm(len(images))
        for step in range(steps_per_epoch):
            rate = one_cycle((epoch * steps_per_epoch + step) / (epochs * steps_per_epoch), warm, peak)
            for group in optimizer.param_groups:
                group["lr"] = rate
            chosen = order[step * BATCH : (step + 1) * BATCH]
            inputs = normalize(augment(images[chosen]))
            precision = torch.autocast("cpu", dtype=torch.bfloat16) if bfloat16 else contextlib.nullcontext()
            with precision:
                scores = model(inputs)
            loss = F.cross_entropy(scores.float(), labels[chosen], label_smoothing=0.05)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            total += loss.item()
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, checkpoint)
        print(f"{checkpoint}: epoch {epoch + 1}/{epochs}, loss {total / steps_per_epoch:.4f}, {time.time() - begun:.0f} s")
    return accuracy(model, test)
