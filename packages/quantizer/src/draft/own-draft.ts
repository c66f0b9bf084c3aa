import { copyGraph, type Graph, throwIfCanceled } from "@edgewatt/onnx";
import { emitModel } from "../int8/emit.ts";
import { QuantizerError } from "../errors.ts";
import { defaultFormat, needsReducedRange, type QuantizationFormat } from "../int8/format.ts";
import { openFused } from "../int8/fusion.ts";
import type { QuantizeOptions, ReportProgress } from "../options.ts";
import { makePlan, type Plan } from "../int8/plan.ts";
import { otherThan, type Draft, type DraftModel } from "./draft.ts";
import { makeReady } from "./ready.ts";
import { nothingToQuantize, type QuantizableModel } from "./read-quantizable.ts";

/** Quantizes a model by the rules of this package; `options` have passed `checkOptions`. The draft needs the model. */
export async function draftInt8(
  { graph, perChannel }: QuantizableModel,
  options: QuantizeOptions,
  progress: ReportProgress,
): Promise<Draft> {
  const { input, signal } = options;
  const format = options.format ?? defaultFormat();
  const reducedRange = options.reduceRange ?? needsReducedRange(format);
  const keepFloat = new Set(options.keepFloat);
  checkKept(graph, keepFloat, input);

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
    floatOutputs: ready.floatOutputs,
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
