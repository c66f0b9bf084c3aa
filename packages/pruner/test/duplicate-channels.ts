import { dimsOf, readFloats, type DataSource, type ModelProto } from "@edgewatt/onnx";
import { measureShapes } from "../src/activations/shapes.ts";
import { findGroups } from "../src/channels/groups.ts";
import { traceChannels } from "../src/channels/trace.ts";
import { setConstant } from "../src/cut/set-constant.ts";
import { takeAlong } from "../src/cut/take.ts";
import { prepareModel } from "../src/prepare.ts";

/** Makes the second half of each group's channels equal to the first: the layers that write them get the same weights for both. */
export async function duplicateChannels(model: ModelProto, source: DataSource): Promise<ModelProto> {
  const graph = prepareModel(model, "the model");
  const flow = traceChannels(graph, await measureShapes(graph, source, "the model"));
  const twins = new Map<number, number>();
  for (const { members, fixed } of findGroups(flow)) {
    const half = Math.ceil(members.length / 2);
    if (fixed === undefined)
      for (let member = half; member < members.length; member++)
        twins.set(members[member] as number, members[member - half] as number);
  }
  // Not what layers read: their weights may differ, as they are fed the same twice.
  const reads = new Map(flow.dense.map(({ node, inputAxis }) => [node, inputAxis]));
  for (const { node, input, axis, labels } of flow.constants) {
    if (input === 1 && reads.get(node) === axis) continue;
    const roots = labels.map((label) => flow.labels.find(label));
    const places = roots.map((root, place) => {
      const twin = twins.get(root);
      // A layer may write a channel at several places, as one that is split into values and gates.
      return twin === undefined ? place : (placesOf(roots, twin)[placesOf(roots, root).indexOf(place)] ?? place);
    });
    const tensor = graph.constant(node.input[input] ?? "");
    if (tensor === undefined) continue;
    const { dims, values } = takeAlong(readFloats(tensor), dimsOf(tensor), axis, places);
    setConstant(graph, node, input, dims, values);
  }
  return graph.model;
}

function placesOf(roots: readonly number[], wanted: number): number[] {
  return roots.flatMap((root, place) => (root === wanted ? [place] : []));
}
