"""CIFAR-10 in its official binary layout: a label byte, then 3,072 bytes of red, green and blue planes."""

import os

import numpy as np
import torch

MEAN = torch.tensor([0.4914, 0.4822, 0.4465]).view(1, 3, 1, 1)
STD = torch.tensor([0.2470, 0.2435, 0.2616]).view(1, 3, 1, 1)
RECORD_BYTES = 1 + 3 * 32 * 32


def load(folder, files):
    """Images as uint8 (N, 3, 32, 32) and labels as int64 (N,)."""
    raw = np.concatenate([np.fromfile(os.path.join(folder, name), np.uint8) for name in files]).reshape(-1, RECORD_BYTES)
    return torch.from_numpy(raw[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(raw[:, 0].astype(np.int64))


def load_train(folder):
    return load(folder, [f"data_batch_{i}.bin" for i in range(1, 6)])


def load_test(folder):
    return load(folder, ["test_batch.bin"])


def normalize(images):
    return ((images.float() / 255 - MEAN) / STD).to(memory_format=torch.channels_last)


def augment(images):
    """Random crop from 4 pixels of reflected border, then a random horizontal flip."""
    count = images.shape[0]
    padded = np.pad(images.permute(0, 2, 3, 1).numpy(), ((0, 0), (4, 4), (4, 4), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (32, 32), (1, 2))
    crops = windows[np.arange(count), np.random.randint(0, 9, count), np.random.randint(0, 9, count)]
    crops = np.ascontiguousarray(crops)
    flipped = np.random.rand(count) < 0.5
    crops[flipped] = crops[flipped, :, :, ::-1]
    return torch.from_numpy(crops)
