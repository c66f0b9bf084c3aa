import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { calibrate } from "../../src/calibration/calibrate.ts";
import { applyTechniques, rescale, type ImproveOptions } from "../../src/improve/apply-techniques.ts";
import { TECHNIQUES } from "../../src/improve/techniques.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import { images, outputsOf, PER_TENSOR, separableNetwork, sqnrOf, unbalance, withRanges } from "./networks.ts";

const options: ImproveOptions = {
  emit: PER_TENSOR,
  source: images,
  findRanges: async (graph, method) => (await calibrate(graph, images, { method })).ranges,
};

/** A Conv with a high bias, before a layer that gives float. */
function highBias(bias: number): ReturnType<typeof prepareModel> {
  const b = new ModelBuilder();
  const biases = b.constant([2], Float32Array.of(bias, 0));
  const hidden = b.relu(b.node("Conv", [b.input("image", ["batch", 3, 8, 8]), b.weight([2, 3, 1, 1], -1, 1), biases]));
  b.output(b.gemm(b.node("Flatten", [hidden], { axis: 1n }), 2 * 64, 4), ["batch", 4]);
  return prepareModel(b.build());
}

describe("applyTechniques", () => {
  it("does all of them in one order, whatever the order in which they are named, and leaves the given graph alone", async () => {
    const graph = unbalance(separableNetwork(), 2);
    const before = await outputsOf(graph);
    const one = await applyTechniques(graph, "minmax", TECHNIQUES, options);
    const other = await applyTechniques(graph, "minmax", TECHNIQUES.toReversed(), options);
    expect(await outputsOf(other.graph)).toEqual(await outputsOf(one.graph));
    expect(await outputsOf(graph)).toEqual(before);
    expect(await sqnrOf(graph, one, PER_TENSOR)).toBeGreaterThan(
      (await sqnrOf(graph, await withRanges(graph), PER_TENSOR)) + 5,
    );
  });

  it("tells what it found nothing for, and keeps absorption where it brings the output closer", async () => {
    const none = await rescale(highBias(0), "minmax", ["equalization", "bias-absorption"], options);
    expect(none.applied).toEqual(["equalization"]);
    const absorbed = await rescale(highBias(50), "minmax", ["bias-absorption"], options);
    expect(absorbed.applied).toEqual(["bias-absorption"]);
  });
});
