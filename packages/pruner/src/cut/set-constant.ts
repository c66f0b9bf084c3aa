import { makeTensor, type Graph, type NodeProto } from "@edgewatt/onnx";

type TensorData = Parameters<typeof makeTensor>[2];

/** Gives an input of a node another constant: under its old name where no other reads that, else under a new one. */
export function setConstant(
  graph: Graph,
  node: NodeProto,
  input: number,
  dims: readonly number[],
  data: TensorData,
): void {
  const old = node.input[input] ?? "";
  const readers = graph.consumers(old);
  const isOwn = readers.length === 1 && node.input.filter((name) => name === old).length === 1 && !graph.isOutput(old);
  const initializers = graph.model.graph?.initializer ?? [];
  const index = isOwn ? initializers.findIndex(({ name }) => name === old) : -1;
  if (index >= 0) {
    initializers[index] = makeTensor(old, dims, data);
  } else {
    const name = graph.uniqueName(old === "" ? `${node.input[1] ?? node.name}_bias` : `${old}_pruned`);
    graph.addInitializer(makeTensor(name, dims, data));
    while (node.input.length < input) node.input.push("");
    node.input[input] = name;
  }
  graph.changed();
}
