"""Structured pruning by L1 norm (Li et al. 2017): whole output channels go, the largest filters stay."""

import torch

from mobilenet import BLOCKS, STEM_CHANNELS, MobileNet


def kept(channels, fraction):
    return int(channels * (1 - fraction))


def largest(weight, count):
    """Indices of the `count` filters with the largest L1 norm, in ascending order."""
    norms = weight.detach().abs().flatten(1).sum(1)
    return torch.sort(torch.topk(norms, count)[1])[0]


def copy_batch_norm(target, source, channels):
    for name in ("weight", "bias", "running_mean", "running_var"):
        getattr(target, name).data.copy_(getattr(source, name).data[channels])


@torch.no_grad()
def prune(base, fraction):
    """A smaller MobileNet: the stem and every pointwise convolution lose `fraction` of their output channels."""
    blocks = [(kept(channels, fraction), stride) for channels, stride in BLOCKS]
    pruned = MobileNet(blocks, stem=kept(STEM_CHANNELS, fraction))
    inputs = largest(base.conv1.weight, kept(STEM_CHANNELS, fraction))
    pruned.conv1.weight.copy_(base.conv1.weight[inputs])
    copy_batch_norm(pruned.bn1, base.bn1, inputs)
    for small, large in zip(pruned.layers, base.layers):
        small.conv1.weight.copy_(large.conv1.weight[inputs])
        copy_batch_norm(small.bn1, large.bn1, inputs)
        outputs = largest(large.conv2.weight, small.conv2.out_channels)
        small.conv2.weight.copy_(large.conv2.weight[outputs][:, inputs])
        copy_batch_norm(small.bn2, large.bn2, outputs)
        inputs = outputs
    pruned.linear.weight.copy_(base.linear.weight[:, inputs])
    pruned.linear.bias.copy_(base.linear.bias)
    return pruned
