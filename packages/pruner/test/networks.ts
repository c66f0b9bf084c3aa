import { foldBatchNorm, Graph, type DataSource, type ModelProto } from "@edgewatt/onnx";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { randomSource } from "../../onnx/test/random-source.ts";

/** Random images for the networks here; as many more are held back. */
export const randomImages = (count: number): DataSource =>
  randomSource([{ name: "image", shape: ["batch", 3, 16, 16] }], count);

function start(seed: number, opset = 13): { b: ModelBuilder; x: string } {
  const b = new ModelBuilder({ seed, opset });
  return { b, x: b.input("image", ["batch", 3, 16, 16]) };
}

/** Pooling and a linear layer give ten values. */
function finish(b: ModelBuilder, x: string, channels: number): ModelProto {
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [x])], { axis: 1n });
  b.output(b.gemm(flat, channels, 10), ["batch", 10]);
  return b.build();
}

interface ConvSettings {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
}

function convNorm(b: ModelBuilder, x: string, from: number, to: number, settings: ConvSettings = {}): string {
  return b.batchNorm(b.conv(x, from, to, { bias: false, ...settings }), to);
}

/** Two stages of residual blocks, the second with a strided 1x1 Conv as its first shortcut (He et al. 2016). */
export function buildResNet(seed = 1): ModelProto {
  const { b, x } = start(seed);
  const block = (input: string, from: number, to: number, stride: number): string => {
    const inner = b.relu(convNorm(b, input, from, to, { stride }));
    const outer = convNorm(b, inner, to, to);
    const shortcut = from === to ? input : convNorm(b, input, from, to, { kernel: 1, stride });
    return b.relu(b.node("Add", [outer, shortcut]));
  };
  const stem = b.relu(convNorm(b, x, 3, 16));
  const first = block(block(stem, 16, 16, 1), 16, 16, 1);
  return finish(b, block(block(first, 16, 32, 2), 32, 32, 1), 32);
}

/** Inverted residuals with Clip(0, 6), one of them with a shortcut (Sandler et al. 2018). */
export function buildInvertedResidual(seed = 2): ModelProto {
  const { b, x } = start(seed);
  const block = (input: string, from: number, to: number, stride: number): string => {
    const wide = b.relu6(convNorm(b, input, from, 4 * from, { kernel: 1 }));
    const filtered = b.relu6(convNorm(b, wide, 4 * from, 4 * from, { groups: 4 * from, stride }));
    const narrow = convNorm(b, filtered, 4 * from, to, { kernel: 1 });
    return from === to && stride === 1 ? b.node("Add", [input, narrow]) : narrow;
  };
  const stem = b.relu6(convNorm(b, x, 3, 16, { stride: 2 }));
  const body = block(block(stem, 16, 16, 1), 16, 24, 2);
  return finish(b, b.relu6(convNorm(b, body, 24, 64, { kernel: 1 })), 64);
}

/** Squeeze-excite (Hu et al. 2018) by 1x1 Convs and HardSigmoid, as MobileNetV3 has it. */
export function buildSqueezeExcite(seed = 3): ModelProto {
  // HardSwish is an operator since 14.
  const { b, x } = start(seed, 14);
  const excite = (input: string, channels: number): string => {
    const squeezed = b.relu(b.conv(b.node("GlobalAveragePool", [input]), channels, channels / 2, { kernel: 1 }));
    return b.node("Mul", [input, b.node("HardSigmoid", [b.conv(squeezed, channels / 2, channels, { kernel: 1 })])]);
  };
  const stem = b.node("HardSwish", [convNorm(b, x, 3, 16)]);
  const first = excite(b.relu(convNorm(b, stem, 16, 16, { groups: 16, stride: 2 })), 16);
  const second = b.relu(convNorm(b, first, 16, 32, { kernel: 1 }));
  return finish(b, excite(second, 32), 32);
}

/** Layers that each read all those before them, with batch norm and Relu first, and a transition (Huang et al. 2017). */
export function buildDenseNet(seed = 4): ModelProto {
  const { b, x } = start(seed);
  const block = (input: string, from: number, growth: number, layers: number): string => {
    let joined = input;
    for (let layer = 0; layer < layers; layer++) {
      const channels = from + layer * growth;
      const added = b.conv(b.relu(b.batchNorm(joined, channels)), channels, growth, { bias: false });
      joined = b.node("Concat", [joined, added], { axis: 1n });
    }
    return joined;
  };
  const dense = block(b.conv(x, 3, 16, { bias: false }), 16, 8, 3);
  const transition = b.conv(b.relu(b.batchNorm(dense, 40)), 40, 24, { kernel: 1, bias: false });
  const pooled = b.node("AveragePool", [transition], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  return finish(b, b.relu(b.batchNorm(block(pooled, 24, 8, 2), 40)), 40);
}

/** Plain 3x3 Convs with biases, then Flatten and two linear layers (Simonyan and Zisserman 2015). */
export function buildVgg(seed = 5): ModelProto {
  const { b, x } = start(seed);
  const pool = (input: string): string => b.node("MaxPool", [input], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  const first = pool(b.relu(b.conv(b.relu(b.conv(x, 3, 16)), 16, 16)));
  const second = pool(b.relu(b.conv(first, 16, 32)));
  const flat = b.node("Flatten", [second], { axis: 1n });
  b.output(b.gemm(b.relu(b.gemm(flat, 32 * 16, 64)), 64, 10), ["batch", 10]);
  return b.build();
}

/** For one image at a time, with shapes written out, and dilated, padded and asymmetric kernels on the way. */
function buildFixedShapes(seed = 7): ModelProto {
  const b = new ModelBuilder({ seed });
  const x = b.input("image", [1, 3, 16, 16]);
  const conv = (
    input: string,
    dims: readonly number[],
    attributes: Record<string, readonly bigint[] | string>,
  ): string => b.relu(b.node("Conv", [input, b.weight(dims, -0.3, 0.3)], attributes));
  const wide = conv(x, [16, 3, 1, 5], { pads: [0n, 2n, 0n, 2n] });
  const dilated = conv(wide, [16, 16, 3, 3], { dilations: [2n, 2n], pads: [2n, 2n, 2n, 2n] });
  const same = conv(dilated, [24, 16, 3, 3], { auto_pad: "SAME_UPPER", strides: [2n, 2n] });
  const larger = b.node("Resize", [same, "", "", b.constant([4], BigInt64Array.of(1n, 24n, 8n, 8n))], {
    mode: "linear",
  });
  const flat = b.node("Reshape", [larger, b.constant([2], BigInt64Array.of(1n, 24n * 64n))]);
  const hidden = b.relu(
    b.node("Add", [b.node("MatMul", [flat, b.weight([24 * 64, 32], -0.1, 0.1)]), b.weight([32], -1, 1)]),
  );
  b.output(b.gemm(hidden, 32, 10), [1, 10]);
  return b.build();
}

/** Operators that channels pass or divide at, beside the usual ones. */
function buildOddities(seed = 8): ModelProto {
  const { b, x } = start(seed);
  const integers = (...values: bigint[]): string => b.constant([values.length], BigInt64Array.from(values));
  const normal = b.node("InstanceNormalization", [b.conv(x, 3, 32), b.weight([32], 0.5, 1.5), b.weight([32], -1, 1)]);
  const bent = b.node("PRelu", [normal, b.weight([32, 1, 1], 0.05, 0.3)]);
  const padded = b.node("Pad", [bent, integers(0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n)]);
  const inner = b.node("Slice", [padded, integers(1n, 1n), integers(17n, 17n), integers(2n, 3n)]);
  const factors = b.constant([4], Float32Array.of(1, 1, 0.5, 0.5));
  const small = b.node("Resize", [inner, "", factors], { mode: "nearest" });
  const gates = b.conv(small, 32, 24);
  b.nodes("Split", [gates], ["value", "gate"], { axis: 1n });
  const gated = b.node("Mul", ["value", b.node("Sigmoid", ["gate"])]);
  const twice = b.node("Concat", [gated, b.node("Softmax", [gated], { axis: 3n })], { axis: 2n });
  const scaled = b.node("Div", [twice, b.weight([1, 12, 1, 1], 0.5, 2)]);
  const mean = b.node("ReduceMean", [scaled], { axes: [3n], keepdims: 0n });
  const image = b.node("Unsqueeze", [mean, integers(3n)]);
  const pooled = b.node("Squeeze", [b.node("GlobalAveragePool", [image]), integers(2n, 3n)]);
  b.output(b.gemm(pooled, 12, 10), ["batch", 10]);
  return b.build();
}

/** MobileNetV1's pattern: depthwise and 1x1 Convs in turn (Howard et al. 2017). */
export function buildSeparable(seed = 6): ModelProto {
  const { b, x } = start(seed);
  const block = (input: string, from: number, to: number, stride: number): string =>
    b.relu(convNorm(b, b.relu(convNorm(b, input, from, from, { groups: from, stride })), from, to, { kernel: 1 }));
  const stem = b.relu(convNorm(b, x, 3, 16));
  return finish(b, block(block(stem, 16, 32, 1), 32, 48, 2), 48);
}

/** The same network with its batch norms folded into the Convs, where that is possible. */
function folded(build: () => ModelProto): () => ModelProto {
  return () => {
    const model = build();
    foldBatchNorm(new Graph(model));
    return model;
  };
}

export const NETWORKS: readonly (readonly [string, () => ModelProto])[] = [
  ["a ResNet", buildResNet],
  ["a ResNet with folded batch norms", folded(buildResNet)],
  ["inverted residuals", buildInvertedResidual],
  ["inverted residuals with folded batch norms", folded(buildInvertedResidual)],
  ["squeeze-excite", buildSqueezeExcite],
  ["a DenseNet", buildDenseNet],
  ["a VGG", buildVgg],
  ["fixed shapes", buildFixedShapes],
  ["operators beside the usual ones", buildOddities],
  ["depthwise-separable blocks", buildSeparable],
  ["depthwise-separable blocks with folded batch norms", folded(buildSeparable)],
];
