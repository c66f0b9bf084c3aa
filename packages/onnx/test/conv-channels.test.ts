import { join } from "node:path";
import { convChannels, Graph, openSession, readModel } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "./build-model.ts";
import { useTempDir } from "./temp-dir.ts";

const folder = await useTempDir();

/** A Conv, one that is grouped and one of 1x1, all with so many channels. */
function threeConvs(channels: number) {
  const b = new ModelBuilder({ seed: 3 });
  const stem = b.relu(b.conv(b.input("x", [1, 3, 16, 16]), 3, channels));
  const depthwise = b.relu(b.conv(stem, channels, channels, { groups: channels }));
  b.output(b.relu(b.conv(depthwise, channels, channels, { kernel: 1 })), [1, channels, 16, 16]);
  return b.build();
}

describe("channels of Convs", () => {
  it("are those that each reads and writes, over all groups", () => {
    const found = convChannels(threeConvs(24));
    expect(found.map(({ reads, writes }) => [reads, writes])).toEqual([
      [3, 24],
      [24, 24],
      [24, 24],
    ]);
    expect(found.every(({ layer }) => layer.startsWith("node_Conv"))).toBe(true);
  });

  it("are read through Constant nodes and DequantizeLinear, and computed weights are left out", () => {
    const b = new ModelBuilder({ seed: 3 });
    const x = b.input("x", [1, 4, 8, 8]);
    const scale = b.constant([], Float32Array.of(0.1));
    const weight = b.weight([6, 4, 1, 1], -1, 1);
    const stored = b.node("QuantizeLinear", [weight, scale]);
    const first = b.node("Conv", [x, b.node("DequantizeLinear", [weight, scale])]);
    b.output(b.node("Conv", [first, b.node("DequantizeLinear", [stored, scale])]), [1, 6, 8, 8]);
    expect(convChannels(b.build()).map(({ reads, writes }) => [reads, writes])).toEqual([[4, 6]]);
  });

  it("name a layer without a name by its output", () => {
    const model = threeConvs(8);
    const [first] = model.graph?.node ?? [];
    if (first === undefined) throw new RangeError("the model has nodes");
    first.name = "";
    expect(convChannels(model)[0]?.layer).toBe(first.output[0]);
  });
});

describe.skipIf(process.arch !== "x64")("the layout of ONNX Runtime's fast float kernels on x64", () => {
  const blocked = async (channels: number): Promise<number> => {
    const optimizedModelPath = join(folder, `optimized-${channels}.onnx`);
    await using _session = await openSession(threeConvs(channels), { optimizedModelPath });
    const { nodes } = new Graph(await readModel(optimizedModelPath));
    return nodes.filter(({ opType, domain }) => opType === "Conv" && domain === "com.microsoft.nchwc").length;
  };

  it("takes Convs that read a multiple of 4 channels, and not the others", async () => {
    expect(await blocked(64)).toBe(3);
    expect(await blocked(60)).toBe(3);
    // The first reads the three channels of the image as they are.
    expect(await blocked(62)).toBe(1);
    expect(await blocked(61)).toBe(1);
  });
});
