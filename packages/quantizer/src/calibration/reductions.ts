import { DataError, makeNode, type DataSource, type Graph, type NodeProto, type TensorValue } from "@edgewatt/onnx";

/** A node that is added to a model so that a statistic of a tensor leaves the session instead of the tensor. */
export function statisticNode(
  graph: Graph,
  opType: string,
  { input, tensor }: { readonly input: string; readonly tensor: string },
): { readonly node: NodeProto; readonly output: string } {
  const output = graph.uniqueName(`${tensor}_${opType}`);
  const attributes = opType.startsWith("Reduce") ? { keepdims: 0n } : {};
  return { output, node: makeNode(opType, graph.uniqueName(`${output}_node`), [input], [output], attributes) };
}

/** NaN where the value is missing, which the check of the ranges reports. */
export function scalarOf(value: TensorValue | undefined): number {
  return value?.data instanceof Float32Array ? (value.data[0] ?? Number.NaN) : Number.NaN;
}

export function notFinite(tensor: string, source: DataSource): DataError {
  return new DataError(
    `calibration with ${source.name} gave no finite range for tensor "${tensor}": check --mean and --std, and that the data holds no NaN or infinity`,
    { code: "range-not-finite", context: { tensor } },
  );
}
