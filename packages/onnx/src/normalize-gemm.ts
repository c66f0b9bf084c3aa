import { floatAttribute, setAttribute } from "./attributes.ts";
import { DataType } from "./data-type.ts";
import type { Graph } from "./graph.ts";
import type { NodeProto } from "./proto.ts";
import { dimsOf, elementCount, makeTensor, readFloats } from "./tensor.ts";

/** Moves alpha and beta into constant weights and bias, as QGemm has no beta (quantized Gemm of com.microsoft). */
export function normalizeGemm(graph: Graph, gemm: NodeProto): void {
  if (gemm.opType !== "Gemm" || gemm.domain !== "") return;
  for (const [attribute, index] of [
    ["alpha", 1],
    ["beta", 2],
  ] as const) {
    const factor = floatAttribute(gemm, attribute, 1);
    const name = gemm.input[index] ?? "";
    const tensor = graph.constant(name);
    if (factor === 1 || tensor?.dataType !== DataType.FLOAT) continue;
    const scaled = graph.uniqueName(`${name}_${attribute}`);
    graph.addInitializer(
      makeTensor(
        scaled,
        dimsOf(tensor),
        readFloats(tensor).map((value) => value * factor),
      ),
    );
    gemm.input[index] = scaled;
    setAttribute(gemm, attribute, 1);
    graph.changed();
  }
  const bias = graph.constant(gemm.input[2] ?? "");
  // QGemm takes a bias of shape [N]; exporters also write [1, N].
  if (bias?.dataType === DataType.FLOAT && dimsOf(bias).length === 2 && dimsOf(bias)[0] === 1) {
    const flat = graph.uniqueName(`${bias.name}_flat`);
    graph.addInitializer(makeTensor(flat, [elementCount(dimsOf(bias))], readFloats(bias)));
    gemm.input[2] = flat;
    graph.changed();
  }
  graph.removeUnusedInitializers();
}
