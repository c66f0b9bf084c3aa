import { Graph, type ModelProto } from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import type { EmittedModel } from "../int8/emit.ts";
import { QuantizerError } from "../errors.ts";
import type { QuantizationFormat } from "../int8/format.ts";
import type { FloatNode } from "../int8/float-node.ts";
import { activationParams } from "./activation-params.ts";
import { allInitializerParams } from "./initializer-params.ts";
import { Inserter } from "./insert.ts";
import { Marks } from "./marks.ts";
import { activationType } from "./numbers.ts";
import { referenceRule } from "./operators/rules.ts";
import { ReferenceGraph } from "./reference-graph.ts";
import { knownFloats } from "./tensor-types.ts";

/** QuantizeLinear exists since this operator set; the reference converts older models, which is not done here. */
const OLDEST_OPSET = 10;

/** What the reference's `quantize_static` is asked for; everything else keeps its default there. */
export interface ReferenceOptions {
  /** `u8s8`: QUInt8 activations, `s8s8`: QInt8; weights are QInt8 in both. */
  readonly format: QuantizationFormat;
  readonly perChannel: boolean;
  /** `reduce_range`: 7 bits for all initializers, those of elementwise operators included. */
  readonly reducedRange: boolean;
  /** What error messages call the model. */
  readonly name?: string;
}

/** The reference's int8 model, with what became of the float model's nodes. */
export interface ReferenceModel extends EmittedModel {
  readonly quantized: readonly { readonly name: string; readonly opType: string }[];
  readonly float: readonly FloatNode[];
}

/**
 * Quantizes as onnxruntime 1.30's `quantize_static(QuantFormat.QDQ)` does: the same decisions, names, scales, zero points and integers
 * (`QDQQuantizer` of qdq_quantizer.py). The model itself is not changed.
 * @param ranges from `calibrateAsReference` of the same model
 * @throws QuantizerError where the reference refuses or breaks the model, and for what `checkForParity` refuses
 */
export async function quantizeAsReference(
  model: ModelProto,
  ranges: ReadonlyMap<string, Range>,
  options: ReferenceOptions,
): Promise<ReferenceModel> {
  const { name = "the model" } = options;
  const source = new Graph(model);
  checkForParity(source, name);
  const type = activationType(options.format);
  const graph = new ReferenceGraph(model);
  const activations = activationParams(graph, ranges, type);
  const marks = new Marks(graph, {
    opset: source.opset,
    floats: await knownFloats(source, name),
    calibrated: activations,
    perChannel: options.perChannel,
  });
  const quantized: { name: string; opType: string }[] = [];
  const float: FloatNode[] = [];
  for (const node of graph.nodes) {
    const rule = referenceRule(node.opType);
    const reason = rule === undefined ? "the reference has no rule for it" : rule(node, marks);
    if (reason === undefined) quantized.push({ name: node.name, opType: node.opType });
    else float.push({ name: node.name, op: node.opType, reason });
  }
  const initializers = allInitializerParams(marks, activations, { type, reduced: options.reducedRange });
  const inserter = new Inserter(marks, type);
  inserter.insertTensors(initializers, activations);
  inserter.insertSharing();
  inserter.insertBiases();
  graph.removeNodes(marks.removed);
  return { model: graph.toModel(), dequantized: inserter.dequantized, quantized, float };
}

/** Refuses what parity mode does not do as the reference would: models of an old operator set, and those that are quantized already. */
export function checkForParity(graph: Graph, name: string): void {
  if (graph.opset < OLDEST_OPSET) {
    throw new QuantizerError(
      `${name} uses opset ${graph.opset}, which the reference converts before it quantizes: export it again with opset 13, or quantize without --parity`,
      { code: "opset-too-old", context: { path: name, opset: graph.opset } },
    );
  }
  if (graph.nodes.some((node) => node.opType === "QuantizeLinear" || node.opType === "DequantizeLinear")) {
    throw new QuantizerError(`${name} is quantized already: give the float model`, {
      code: "already-quantized",
      context: { path: name },
    });
  }
}
