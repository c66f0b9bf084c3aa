import { copyGraph, type DataSource, type Graph, openSession } from "@edgewatt/onnx";
import { emitModel } from "../int8/emit.ts";
import type { EmitOptions } from "../int8/emit-options.ts";
import { makePlan } from "../int8/plan.ts";
import { compareVariants } from "../sensitivity/alone.ts";
import { planOf, type Candidate } from "./build-int8.ts";
import type { ImageRange } from "./split-images.ts";

/** A layer, and the signal-to-noise of the model's output when nothing else is quantized. */
export interface LayerCost {
  readonly name: string;
  /** Infinity where the output does not change. */
  readonly sqnrDb: number;
}

/**
 * Ranks the quantized layers with weights by what they cost, the worst first: each alone is quantized, and the model's output compared with the
 * float model's. Leaving the first of them in float drops the QuantizeLinear and DequantizeLinear around them.
 * @param reference the float model
 */
export async function rankLayers(
  reference: Graph,
  candidate: Candidate,
  {
    emit,
    source,
    images,
    signal,
    onImages,
  }: {
    readonly emit: EmitOptions;
    readonly source: DataSource;
    readonly images: ImageRange;
    readonly signal?: AbortSignal;
    readonly onImages?: (done: number, total: number) => void;
  },
): Promise<LayerCost[]> {
  const all = planOf(candidate.graph, candidate, emit);
  const names = candidate.graph.nodes.filter((node) => all.weights.has(node)).map((node) => node.name);
  await using float = await openSession(reference.model, { name: "the float model" });
  const variants = names.map((name) => () => {
    const graph = copyGraph(candidate.graph);
    const plan = makePlan(graph, candidate.ranges, emit.format, { only: new Set([name]) });
    return emitModel(graph, plan, emit).model;
  });
  const { figures } = await compareVariants(
    float,
    variants,
    { source, ...images },
    { signal, ...(onImages === undefined ? {} : { onImages }) },
  );
  return names
    .map((name, index) => ({ name, sqnrDb: figures[index]?.sqnrDb ?? Infinity }))
    .sort((a, b) => a.sqnrDb - b.sqnrDb);
}
