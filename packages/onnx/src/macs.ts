import { deriveModels } from "./derived.ts";
import { makeNode, makeOutput, type Graph } from "./graph.ts";
import type { NodeProto, TensorProto } from "./proto.ts";
import type { TensorValue } from "./session.ts";
import { intAttribute } from "./attributes.ts";
import { dimsOf, elementCount, storedBytes } from "./tensor.ts";

/** What a node costs. */
export interface NodeCost {
  /** Multiply-accumulate operations of one run; those with the zeros of padding count too. */
  readonly macs: number;
  /** Constant weights and biases: how many values, and the bytes that they take in the file. */
  readonly weightValues: number;
  readonly weightBytes: number;
}

type Shapes = ReadonlyMap<string, readonly number[]>;

const LINEAR = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** What a graph needs beside its own nodes so that a run tells their costs. Only shapes leave the session, so that it holds no more tensors than any run. */
export interface CostProbe {
  readonly nodes: readonly NodeProto[];
  readonly outputs: readonly string[];
  /** Of the nodes by their names, from the results of a run. */
  costs(results: Readonly<Record<string, TensorValue>>): ReadonlyMap<string, NodeCost>;
}

/**
 * Estimates what each Conv, ConvTranspose, Gemm and MatMul of a graph costs in a run (feed one sample for the cost of one), by node name, from the
 * shapes that ONNX Runtime produces. All other nodes are left out.
 *
 * Formulas: V. Sze et al., "Efficient Processing of Deep Neural Networks: A Tutorial and Survey", 2017, equation 1: each element of a Conv's output takes
 * C_in / groups x kernel operations, one of a Gemm or MatMul as many as the sides that are summed. A ConvTranspose is the gradient of a Conv, so each
 * element of its input takes C_out / groups x kernel.
 */
export function probeCosts(graph: Graph): CostProbe {
  const linear = graph.nodes.filter((node) => node.domain === "" && LINEAR.has(node.opType));
  const names = new Set(linear.flatMap((node) => [...node.input, ...node.output]));
  const asked = [...names]
    .filter((name) => name !== "" && graph.initializer(name) === undefined)
    .map((tensor) => ({ tensor, shape: graph.uniqueName(`${tensor}_shape`) }));
  return {
    nodes: asked.map(({ tensor, shape }) => makeNode("Shape", graph.uniqueName(`${shape}_node`), [tensor], [shape])),
    outputs: asked.map(({ shape }) => shape),
    costs(results) {
      const shapes = new Map<string, readonly number[]>();
      for (const tensor of graph.initializers) shapes.set(tensor.name, dimsOf(tensor));
      for (const { tensor, shape } of asked) {
        const data = results[shape]?.data;
        if (data instanceof BigInt64Array) shapes.set(tensor, Array.from(data, Number));
      }
      return new Map(linear.map((node) => [node.name, costOf(graph, node, shapes)]));
    },
  };
}

/**
 * Runs a graph on some feeds for the costs that `probeCosts` tells.
 * @throws ModelError when ONNX Runtime cannot run the graph on the feeds
 */
export async function estimateMacs(
  graph: Graph,
  feeds: Readonly<Record<string, TensorValue>>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, NodeCost>> {
  const probe = probeCosts(graph);
  if (probe.outputs.length === 0) return probe.costs({});
  await using derived = await deriveModels(graph.model);
  await using session = await derived.open(
    { node: [...graph.nodes, ...probe.nodes], output: probe.outputs.map(makeOutput) },
    { optimization: "disabled" },
  );
  return probe.costs(await session.run(feeds, undefined, signal));
}

function costOf(graph: Graph, node: NodeProto, shapes: Shapes): NodeCost {
  const constants = node.input
    .slice(1)
    .map((name) => graph.initializer(name))
    .filter((tensor) => tensor !== undefined);
  return {
    macs: macsOf(node, shapes),
    weightValues: sum(constants, (tensor) => elementCount(dimsOf(tensor))),
    weightBytes: sum(constants, storedBytes),
  };
}

function macsOf(node: NodeProto, shapes: Shapes): number {
  const first = shapes.get(node.input[0] ?? "") ?? [];
  const weight = shapes.get(node.input[1] ?? "") ?? [];
  const output = elementCount(shapes.get(node.output[0] ?? "") ?? [0]);
  switch (node.opType) {
    case "Conv":
      return output * elementCount(weight.slice(1));
    case "ConvTranspose":
      return elementCount(first) * elementCount(weight.slice(1));
    case "Gemm":
      return output * (first[intAttribute(node, "transA", 0) === 1 ? 0 : 1] ?? 0);
    default:
      return output * (first.at(-1) ?? 0);
  }
}

function sum(tensors: readonly TensorProto[], value: (tensor: TensorProto) => number): number {
  return tensors.reduce((total, tensor) => total + value(tensor), 0);
}
