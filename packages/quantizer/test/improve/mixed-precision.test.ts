import { copyGraph } from "@edgewatt/onnx";
import { expect, it } from "vitest";
import { buildInt8 } from "../../src/improve/build-int8.ts";
import { replaceWeights, linearLayer, weightsOf } from "../../src/improve/linear-layer.ts";
import { rankLayers } from "../../src/improve/mixed-precision.ts";
import { images, PER_TENSOR, separableNetwork, sqnrOf, withRanges } from "./networks.ts";

it("names the layer first whose weights 8 bits cannot hold, and leaving it in float brings the output back", async () => {
  const graph = copyGraph(separableNetwork());
  const spoiled = graph.nodes.filter(({ opType }) => opType === "Conv")[1];
  const layer = spoiled === undefined ? undefined : linearLayer(graph, spoiled);
  if (spoiled === undefined || layer === undefined) throw new Error("the network has three Convs");
  // One channel 500 times as strong leaves the others one or two integers.
  replaceWeights(
    graph,
    layer,
    weightsOf(graph, layer).map((value, index) => (layer.outputOf(index) === 0 ? value : value / 500)),
  );
  const candidate = await withRanges(graph);
  const costs = await rankLayers(graph, candidate, {
    emit: PER_TENSOR,
    source: images,
    images: { first: 0, count: 8 },
  });
  expect(costs).toHaveLength(4);
  expect(costs[0]?.name).toBe(spoiled.name);
  const floatNodes = new Set([costs[0]?.name ?? ""]);
  const { plan } = buildInt8({ ...candidate, floatNodes }, PER_TENSOR);
  expect(plan.weights.size).toBe(3);
  expect(plan.float.map(({ name }) => name)).toContain(costs[0]?.name);
  expect(await sqnrOf(graph, { ...candidate, floatNodes }, PER_TENSOR)).toBeGreaterThan(
    await sqnrOf(graph, candidate, PER_TENSOR),
  );
});
