import { type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { measureShapes } from "../../src/activations/shapes.ts";
import { findGroups } from "../../src/channels/groups.ts";
import { traceChannels } from "../../src/channels/trace.ts";
import { prepareModel } from "../../src/prepare.ts";
import {
  buildDenseNet,
  buildInvertedResidual,
  buildResNet,
  buildSqueezeExcite,
  buildVgg,
  randomImages,
} from "../networks.ts";

const images = randomImages(2);

async function groupsOf(model: ModelProto) {
  const graph = prepareModel(model, "the model");
  return findGroups(traceChannels(graph, await measureShapes(graph, images, "the model")));
}

/** Sizes of the groups that may lose channels, and the reasons of those that may not. */
async function outlineOf(model: ModelProto) {
  const groups = await groupsOf(model);
  return {
    free: groups.filter(({ fixed }) => fixed === undefined).map(({ members }) => members.length),
    fixed: groups.flatMap(({ fixed }) => fixed ?? []),
  };
}

function build(body: (b: ModelBuilder, x: string) => string, dims?: readonly (number | string)[]): ModelProto {
  const b = new ModelBuilder();
  b.output(body(b, b.input("image", ["batch", 3, 16, 16])), dims);
  return b.build();
}

const classify = (b: ModelBuilder, x: string, channels: number): string =>
  b.gemm(b.node("Flatten", [b.node("GlobalAveragePool", [x])], { axis: 1n }), channels, 10);

describe("channels that hang together", () => {
  it.each([
    ["a ResNet: all that is added", buildResNet, [16, 16, 16, 32, 32, 32]],
    [
      "inverted residuals: all that is added, and each wide part with its filter",
      buildInvertedResidual,
      [16, 64, 64, 24, 64],
    ],
    ["squeeze-excite: what is multiplied", buildSqueezeExcite, [16, 8, 32, 16]],
    ["a DenseNet: each layer by itself", buildDenseNet, [16, 8, 8, 8, 24, 8, 8]],
    ["a VGG: each layer, before Flatten too", buildVgg, [16, 16, 32, 64]],
  ])("in %s", async (_name, network, sizes) => {
    const { free, fixed } = await outlineOf(network());
    expect(free.sort((a, b) => a - b)).toEqual([...sizes].sort((a, b) => a - b));
    expect(fixed).toHaveLength(1);
    expect(fixed[0]).toMatch(/they are the model's output/);
  });

  it("of a Split are a group for each part, whose sizes are written anew", async () => {
    const model = build((b, x) => {
      const conv = b.conv(x, 3, 24);
      b.nodes("Split", [conv, b.constant([2], BigInt64Array.of(16n, 8n))], ["left", "right"], { axis: 1n });
      const left = b.conv("left", 16, 8);
      return classify(b, b.node("Add", [left, "right"]), 8);
    });
    expect((await outlineOf(model)).free.sort((a, b) => a - b)).toEqual([8, 16]);
  });

  it("pass Reshape that flattens, or adds sides behind them", async () => {
    const model = build((b, x) => {
      const pooled = b.node("GlobalAveragePool", [b.conv(x, 3, 12)]);
      const flat = b.node("Reshape", [pooled, b.constant([2], BigInt64Array.of(-1n, 12n))]);
      const image = b.node("Reshape", [flat, b.constant([4], BigInt64Array.of(0n, 12n, 1n, 1n))]);
      return classify(b, image, 12);
    });
    expect((await outlineOf(model)).free).toEqual([12]);
  });

  it("pass Transpose, and a reduction of other sides", async () => {
    const model = build((b, x) => {
      const last = b.node("Transpose", [b.relu(b.conv(x, 3, 12))], { perm: [0n, 2n, 3n, 1n] });
      const mean = b.node("ReduceMean", [last], { axes: [1n, 2n], keepdims: 0n });
      return b.node("MatMul", [mean, b.weight([12, 10], -1, 1)]);
    });
    expect((await outlineOf(model)).free).toEqual([12]);
  });
});

describe("channels that have to stay", () => {
  it.each<[string, (b: ModelBuilder, x: string) => string, RegExp]>([
    [
      "before a grouped Conv, and behind it",
      (b, x) => classify(b, b.conv(b.conv(x, 3, 16), 16, 16, { groups: 4 }), 16),
      /the grouped Conv .* reads them/,
    ],
    [
      "that are shuffled by Reshape and Transpose",
      (b, x) => {
        const parts = b.node("Reshape", [b.conv(x, 3, 16), b.constant([5], BigInt64Array.of(0n, 4n, 4n, 16n, 16n))]);
        const shuffled = b.node("Transpose", [parts], { perm: [0n, 2n, 1n, 3n, 4n] });
        return classify(b, b.node("Reshape", [shuffled, b.constant([4], BigInt64Array.of(0n, 16n, 16n, 16n))]), 16);
      },
      /Reshape .* reads them, through which channels cannot be followed/,
    ],
    [
      "that Softmax weighs against each other",
      (b, x) => classify(b, b.node("Softmax", [b.conv(x, 3, 16)], { axis: 1n }), 16),
      /Softmax .* reads them/,
    ],
    [
      "that are added to the model's input",
      (b, x) => classify(b, b.node("Add", [b.conv(x, 3, 3), x]), 3),
      /Add .* reads them/,
    ],
  ])("%s", async (_what, body, reason) => {
    const { free, fixed } = await outlineOf(build(body, ["batch", 10]));
    expect(free).toEqual([]);
    expect(fixed[0]).toMatch(reason);
  });

  it("those of the model's outputs, and what is added to them", async () => {
    const model = build((b, x) => b.node("Add", [b.conv(x, 3, 8), b.conv(x, 3, 8, { kernel: 1 })], {}));
    const { free, fixed } = await outlineOf(model);
    expect(free).toEqual([]);
    expect(fixed[0]).toMatch(/they are the model's output "/);
  });
});
