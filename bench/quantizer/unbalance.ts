import {
  dimsOf,
  Graph,
  intAttribute,
  makeTensor,
  readFloats,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "@edgewatt/onnx";

/** How many powers of ten the factors of a layer's channels span. */
const DECADES = 2;
/** Multiples of the golden ratio fill the unit interval evenly, in an order that looks random. */
const GOLDEN_RATIO = (1 + Math.sqrt(5)) / 2;

/**
 * Rescales, in place, the channels between each Conv with BatchNormalization and Relu and the Conv after it, and takes the factors back in the next
 * weights: the float model stays what it was, but one scale for all channels of a tensor no longer fits, as in networks that were trained so.
 */
export function unbalance(model: ModelProto): void {
  const graph = new Graph(model);
  let factorsMade = 0;
  for (const norm of graph.nodes) {
    if (norm.opType !== "BatchNormalization") continue;
    const relu = graph.soleConsumer(norm.output[0] ?? "");
    const conv = relu?.opType === "Relu" ? graph.soleConsumer(relu.output[0] ?? "") : undefined;
    if (conv?.opType !== "Conv") continue;
    const channels = dimsOf(constant(graph, norm, 1))[0] ?? 0;
    const factors = Array.from(
      { length: channels },
      () => 10 ** (DECADES * (((factorsMade++ * GOLDEN_RATIO) % 1) - 0.5)),
    );
    for (const index of [1, 2]) replace(graph, norm, index, (at) => factors[at] ?? 1);
    const [, perGroup = 1, ...kernel] = dimsOf(constant(graph, conv, 1));
    const volume = kernel.reduce((product, side) => product * side, 1);
    const outputsPerGroup = (dimsOf(constant(graph, conv, 1))[0] ?? 1) / intAttribute(conv, "group", 1);
    replace(graph, conv, 1, (at) => {
      const group = Math.floor(at / (volume * perGroup * outputsPerGroup));
      return 1 / (factors[group * perGroup + (Math.floor(at / volume) % perGroup)] ?? 1);
    });
  }
  graph.removeUnusedInitializers();
}

function constant(graph: Graph, node: NodeProto, index: number): TensorProto {
  return graph.constant(node.input[index] ?? "") as TensorProto;
}

/** Multiplies a constant, which other nodes may share, for one node. */
function replace(graph: Graph, node: NodeProto, index: number, factor: (at: number) => number): void {
  const old = constant(graph, node, index);
  const name = graph.uniqueName(`${old.name}_unbalanced`);
  const values = readFloats(old).map((value, at) => value * factor(at));
  graph.addInitializer(makeTensor(name, dimsOf(old), values));
  node.input[index] = name;
  graph.changed();
}
