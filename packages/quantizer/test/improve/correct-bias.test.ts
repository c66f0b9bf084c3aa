import { readFloats } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { correctBiases } from "../../src/improve/correct-bias.ts";
import { splitImages } from "../../src/improve/split-images.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import { images, PER_TENSOR, separableNetwork, sqnrOf, unbalance, withRanges } from "./networks.ts";

const split = splitImages(images, 1, 8);

/** All weights but the largest lie between two integers, so that rounding takes something from each: the error has a mean. */
function biased(bias: boolean): ReturnType<typeof prepareModel> {
  const b = new ModelBuilder();
  const positive = b.node("Relu", [b.input("image", ["batch", 3, 8, 8])]);
  const weights = Float32Array.from({ length: 8 * 3 * 9 }, (_, index) => (index === 0 ? 127 : 2 + (index % 5) * 0.1));
  const inputs = [positive, b.constant([8, 3, 3, 3], weights)];
  if (bias) inputs.push(b.weight([8], -1, 1));
  b.output(b.node("Conv", inputs), ["batch", 8, 6, 6]);
  return prepareModel(b.build());
}

describe("correctBiases", () => {
  it.each([true, false])("takes the mean error out of a layer (with a bias of its own: %s)", async (bias) => {
    const graph = biased(bias);
    const candidate = await withRanges(graph);
    const { graph: corrected, layers } = await correctBiases(graph, candidate, {
      emit: PER_TENSOR,
      source: images,
      images: split,
    });
    expect(layers).toHaveLength(1);
    expect(layers[0]?.kept).toBe(true);
    expect(layers[0]?.meanErrorAfter).toBeLessThan((layers[0]?.meanErrorBefore ?? 0) / 5);
    expect(await sqnrOf(graph, { ...candidate, graph: corrected }, PER_TENSOR)).toBeGreaterThan(
      (await sqnrOf(graph, candidate, PER_TENSOR)) + 3,
    );
  });

  it("measures each layer with those before it corrected, tells its progress, and changes biases only", async () => {
    const reference = separableNetwork();
    const graph = unbalance(reference, 2);
    const candidate = await withRanges(graph);
    const progress: number[] = [];
    const { graph: corrected, layers } = await correctBiases(graph, candidate, {
      emit: PER_TENSOR,
      source: images,
      images: split,
      onLayers: (done, total) => progress.push(done / total),
    });
    expect(layers.map(({ name }) => name)).toEqual(
      graph.nodes.filter(({ opType }) => opType === "Conv" || opType === "Gemm").map(({ name }) => name),
    );
    expect(progress).toEqual([0.25, 0.5, 0.75, 1]);
    for (const { kept, meanErrorBefore, meanErrorAfter } of layers) expect(kept).toBe(meanErrorAfter < meanErrorBefore);
    for (const [index, node] of corrected.nodes.entries()) {
      const weights = (input: string | undefined): Float32Array | undefined => {
        const tensor = corrected.constant(input ?? "") ?? graph.constant(input ?? "");
        return tensor === undefined ? undefined : readFloats(tensor);
      };
      expect(weights(node.input[1])).toEqual(weights(graph.nodes[index]?.input[1]));
    }
    expect(await sqnrOf(reference, { ...candidate, graph: corrected }, PER_TENSOR)).toBeGreaterThan(
      await sqnrOf(reference, candidate, PER_TENSOR),
    );
  });

  it("stops when it is told to", async () => {
    const graph = separableNetwork();
    const candidate = await withRanges(graph);
    const stop = new AbortController();
    await expect(
      correctBiases(graph, candidate, {
        emit: PER_TENSOR,
        source: images,
        images: split,
        signal: stop.signal,
        onLayers: () => stop.abort(),
      }),
    ).rejects.toMatchObject({ name: "CanceledError" });
  });
});
