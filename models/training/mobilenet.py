"""MobileNetV1 for CIFAR-10 (Howard et al. 2017), with a stem of stride 1 because the images are 32 x 32 pixels."""

import torch
import torch.nn as nn
import torch.nn.functional as F

STEM_CHANNELS = 32
# (output channels, stride) of each depthwise-separable block
BLOCKS = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5 + [(1024, 2), (1024, 1)]


class DepthwiseGradient(torch.autograd.Function):
    """A 3x3 depthwise convolution with padding 1 whose backward pass avoids oneDNN's slow cases on a CPU.

    Stride 2 becomes stride 1 on a gradient dilated with zeros; maps of 2 x 2 or less are summed tap by tap.
    The result is the same as `F.conv2d`'s.
    """

    @staticmethod
    def forward(ctx, x, weight, stride):
        ctx.save_for_backward(x, weight)
        ctx.stride = stride
        return F.conv2d(x, weight, stride=stride, padding=1, groups=x.shape[1])

    @staticmethod
    def backward(ctx, grad):
        x, weight = ctx.saved_tensors
        channels, height = x.shape[1], x.shape[2]
        if ctx.stride == 2:
            dilated = torch.zeros_like(x, memory_format=torch.channels_last)
            dilated[:, :, ::2, ::2] = grad
            grad = dilated
        grad = grad.contiguous(memory_format=torch.channels_last)
        if height > 2:
            grad_x, grad_weight, _ = torch.ops.aten.convolution_backward(
                grad, x, weight, [0], [1, 1], [1, 1], [1, 1], False, [0, 0], channels, [True, True, False]
            )
            return grad_x, grad_weight, None
        grad_x = F.conv2d(grad, weight.flip(2, 3), padding=1, groups=channels)
        padded = F.pad(x, (1, 1, 1, 1))
        taps = [
            (padded[:, :, i : i + height, j : j + height] * grad).float().sum((0, 2, 3))
            for i in range(3)
            for j in range(3)
        ]
        return grad_x, torch.stack(taps, 1).view(channels, 1, 3, 3).to(weight.dtype), None


class Block(nn.Module):
    """Depthwise 3x3, then pointwise 1x1, each followed by batch norm and ReLU."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, inputs, 3, stride, 1, groups=inputs, bias=False)
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv2 = nn.Conv2d(inputs, outputs, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)

    def forward(self, x):
        if self.training:
            weight = self.conv1.weight
            if torch.is_autocast_enabled("cpu"):
                weight = weight.bfloat16()
            x = DepthwiseGradient.apply(x, weight, self.conv1.stride[0])
        else:
            x = self.conv1(x)
        x = F.relu(self.bn1(x))
        return F.relu(self.bn2(self.conv2(x)))


class MobileNet(nn.Module):
    def __init__(self, blocks=None, stem=STEM_CHANNELS, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, stem, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        layers, inputs = [], stem
        for outputs, stride in blocks or BLOCKS:
            layers.append(Block(inputs, outputs, stride))
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(inputs, classes)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = F.avg_pool2d(self.layers(x), 2)
        return self.linear(x.flatten(1))
