import { expect, it } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import { randomImages } from "./networks.ts";
import { expectAsReported } from "./promises.ts";

const folder = await useTempDir();

/** Grouped 1x1 Convs with a channel shuffle between them (Zhang et al. 2018), and plain ones around. */
function buildShuffleNet() {
  const b = new ModelBuilder({ seed: 31 });
  const integers = (...values: bigint[]): string => b.constant([values.length], BigInt64Array.from(values));
  const stem = b.relu(b.conv(b.relu(b.conv(b.input("image", ["batch", 3, 16, 16]), 3, 24)), 24, 16));
  const grouped = b.relu(b.conv(stem, 16, 16, { kernel: 1, groups: 4 }));
  const parts = b.node("Reshape", [grouped, integers(0n, 4n, 4n, 16n, 16n)]);
  const turned = b.node("Transpose", [parts], { perm: [0n, 2n, 1n, 3n, 4n] });
  const shuffled = b.node("Reshape", [turned, integers(0n, 16n, 16n, 16n)]);
  const last = b.relu(b.conv(b.conv(shuffled, 16, 16, { kernel: 1, groups: 4 }), 16, 32));
  b.output(b.gemm(b.node("Flatten", [b.node("GlobalAveragePool", [last])], { axis: 1n }), 32, 10), ["batch", 10]);
  return b.build();
}

it("leaves what a grouped Conv and a channel shuffle read, with the reason, and prunes the rest", async () => {
  const report = await expectAsReported(folder, buildShuffleNet, {
    fraction: 0.5,
    align: 8,
    calibration: randomImages(64),
  });
  expect(report.channels.map(({ before, after }) => [before, after])).toEqual([
    [24, 16],
    [32, 16],
  ]);
  expect(report.left.map(({ reason }) => reason)).toEqual([
    expect.stringMatching(/^the grouped Conv "node_Conv_\d+" reads them$/),
    expect.stringMatching(/^it is a grouped convolution$/),
    expect.stringMatching(/^it is a grouped convolution$/),
    expect.stringMatching(/^they are the model's output/),
  ]);
});
