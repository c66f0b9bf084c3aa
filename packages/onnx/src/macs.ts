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

/**
 * Estimates what each Conv, ConvTranspose, Gemm and MatMul of a graph costs on these feeds (give one sample for the cost of one), by node name, from the
 * shapes that ONNX Runtime produces when it runs them. All other nodes are left out.
 *
 * Formulas: V. Sze et al., "Efficient Processing of Deep Neural Networks: A Tutorial and Survey", 2017, equation 1: each element of a Conv's output takes
 * C_in / groups x kernel operations, one of a Gemm or MatMul as many as the sides that are summed. A ConvTranspose is the gradient of a Conv, so each
 * element of its input takes C_out / groups x kernel.
 * @throws ModelError when ONNX Runtime cannot run the graph on the feeds
 */
export async function estimateMacs(
  graph: Graph,
  feeds: Readonly<Record<string, TensorValue>>,
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, NodeCost>> {
  const nodes = graph.nodes.filter((node) => node.domain === "" && LINEAR.has(node.opType));
  const shapes = await shapesOf(graph, nodes, feeds, signal);
  return new Map(
    nodes.map((node) => {
      const constants = node.input
        .slice(1)
        .map((name) => graph.initializer(name))
        .filter((tensor) => tensor !== undefined);
      return [
        node.name,
        {
          macs: macsOf(node, shapes),
          weightValues: sum(constants, (tensor) => elementCount(dimsOf(tensor))),
          weightBytes: sum(constants, storedBytes),
        },
      ];
    }),
  );
}

/** The shapes of what the nodes read and write. Only shapes leave the session, so that it holds no more tensors than any run. */
async function shapesOf(
  graph: Graph,
  nodes: readonly NodeProto[],
  feeds: Readonly<Record<string, TensorValue>>,
  signal: AbortSignal | undefined,
): Promise<Shapes> {
  const shapes = new Map<string, readonly number[]>();
  for (const tensor of graph.initializers) shapes.set(tensor.name, dimsOf(tensor));
  const names = new Set(nodes.flatMap((node) => [...node.input, ...node.output]));
  const asked = [...names]
    .filter((name) => name !== "" && graph.initializer(name) === undefined)
    .map((tensor) => ({ tensor, shape: graph.uniqueName(`${tensor}_shape`) }));
  if (asked.length === 0) return shapes;
  await using derived = await deriveModels(graph.model);
  await using session = await derived.open(
    {
      node: [
        ...graph.nodes,
        ...asked.map(({ tensor, shape }) => makeNode("Shape", graph.uniqueName(`${shape}_node`), [tensor], [shape])),
      ],
      output: asked.map(({ shape }) => makeOutput(shape)),
    },
    { optimization: "disabled" },
  );
  const results = await session.run(feeds, undefined, signal);
  for (const { tensor, shape } of asked) {
    const data = results[shape]?.data;
    if (data instanceof BigInt64Array) shapes.set(tensor, Array.from(data, Number));
  }
  return shapes;
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
