import { RAISED_OPSET, readModel, throwIfCanceled, type Graph } from "@edgewatt/onnx";
import { emitModel } from "../emit.ts";
import { QuantizerError } from "../errors.ts";
import { defaultFormat, needsReducedRange, type QuantizationFormat } from "../format.ts";
import { openFused } from "../fusion.ts";
import { copyGraph } from "../improve/copy-graph.ts";
import type { QuantizeOptions, QuantizeStep } from "../options.ts";
import { makePlan, type Plan } from "../plan.ts";
import { prepareModel, QDQ_OPSET } from "../prepare.ts";
import { candidateTensors } from "../rules/operators.ts";
import { otherThan, type Draft, type DraftModel } from "./draft.ts";
import { makeReady } from "./ready.ts";

/** Quantizes by the rules of this package; `options` have passed `checkOptions`. */
export async function draftInt8(
  options: QuantizeOptions,
  progress: (step: QuantizeStep, done: number, total: number) => void,
): Promise<Draft> {
  const { input, signal } = options;
  const format = options.format ?? defaultFormat();
  const reducedRange = options.reduceRange ?? needsReducedRange(format);
  progress("prepare", 0, 1);
  const { graph, perChannel } = await prepare(options);
  const keepFloat = new Set(options.keepFloat);
  checkKept(graph, keepFloat, input);
  progress("prepare", 1, 1);

  const ready = await makeReady(graph, options, { format, perChannel, reducedRange }, progress);
  throwIfCanceled(signal, `quantizing ${input}`);

  progress("quantize", 0, 1);
  const exclude = new Set([...keepFloat, ...ready.floatNodes]);
  const make = (other: QuantizationFormat, source: Graph) => {
    const plan = makePlan(source, ready.ranges, other, { exclude });
    checkPlan(plan, input);
    const emitted = emitModel(source, plan, {
      format: other,
      perChannel,
      reducedRange: other === format && reducedRange,
    });
    const draft: DraftModel = {
      format: other,
      model: emitted.model,
      quantized: plan.quantized.length,
      dequantized: emitted.dequantized,
      open: (path) => openFused(path, plan, other),
    };
    return { plan, draft };
  };
  // A copy, as names that emitting takes would differ from those of the next format.
  const { plan, draft } = make(format, copyGraph(ready.graph));
  return {
    float: ready.float,
    quantized: plan.quantized,
    leftInFloat: plan.float,
    int8: draft,
    otherFormat: () => Promise.resolve(make(otherThan(format), copyGraph(ready.graph)).draft),
    perChannel,
    reducedRange,
    calibration: ready.calibration,
    method: ready.method,
    techniques: ready.techniques,
    search: ready.search,
  };
}

async function prepare({ input, perTensor, signal }: QuantizeOptions): Promise<{ graph: Graph; perChannel: boolean }> {
  let refused: string | undefined;
  const graph = prepareModel(await readModel(input, signal), {
    perChannel: perTensor !== true,
    onOpset: (raise) => (refused = raise.refused),
  });
  checkQuantizable(graph, input, refused);
  throwIfCanceled(signal, `quantizing ${input}`);
  // An operator set that could not be raised has one scale per tensor only.
  return { graph, perChannel: perTensor !== true && graph.opset >= RAISED_OPSET };
}

/** @throws QuantizerError where the model is none that int8 exists for */
function checkQuantizable(graph: Graph, input: string, refused: string | undefined): void {
  const { opset } = graph;
  if (opset < QDQ_OPSET) {
    throw new QuantizerError(
      `${input} uses opset ${opset}, which has no int8, and cannot be raised (${refused ?? "its operators are unknown"}): export it again with opset ${RAISED_OPSET} or later`,
      { code: "opset-too-old", context: { path: input, opset, refused } },
    );
  }
  if (graph.nodes.some((node) => node.opType === "QuantizeLinear" || node.opType === "DequantizeLinear")) {
    throw new QuantizerError(`${input} is quantized already: give the float model`, {
      code: "already-quantized",
      context: { path: input },
    });
  }
  if (candidateTensors(graph).length === 0) throw nothingToQuantize(input);
}

function checkKept(graph: Graph, keepFloat: ReadonlySet<string>, input: string): void {
  const names = new Set(graph.nodes.map((node) => node.name));
  const unknown = [...keepFloat].filter((name) => !names.has(name));
  if (unknown.length === 0) return;
  throw new QuantizerError(
    `${input} has no node named ${unknown.map((name) => `"${name}"`).join(", ")} to keep in float: the report of a quantization lists the names`,
    { code: "unknown-node", context: { path: input, unknown } },
  );
}

function checkPlan(plan: Plan, input: string): void {
  if (plan.weights.size === 0) throw nothingToQuantize(input, plan);
}

function nothingToQuantize(input: string, plan?: Plan): QuantizerError {
  return new QuantizerError(`${input} has no Conv, Gemm or MatMul that can be quantized: keep the float model`, {
    code: "nothing-to-quantize",
    context: { path: input, float: plan?.float },
  });
}
