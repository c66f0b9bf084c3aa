import { copyGraph, type Graph, throwIfCanceled } from "@edgewatt/onnx";
import { int8Weights } from "../int8/weights.ts";
import type { Plan } from "../int8/plan.ts";
import { planOf, type Candidate } from "./build-int8.ts";
import type { LayerwiseOptions } from "./correct-bias.ts";
import { measureMoments, weightRows, type InputMoments } from "./input-moments.ts";
import { linearLayer, replaceWeights, type LinearLayer } from "./linear-layer.ts";
import { LayerRounding } from "./layer-rounding.ts";

/** Share of the mean of H's diagonal that is added to it, against fitting the few images that it was measured on (GPTQ's `percdamp`). */
const DAMPING = 0.01;

export interface RoundingOptions extends LayerwiseOptions {
  /** How many layers, those first in which rounding the weights makes the most noise; all unless told. */
  readonly layers?: number;
}

/** What happened to the rounding of one layer. */
export interface RoundingStep {
  readonly name: string;
  readonly kept: boolean;
  /** Signal-to-noise at the layer's output that rounding its weights causes, on the judging images: to the nearest, and as chosen. */
  readonly nearestDb: number;
  readonly chosenDb: number;
}

/**
 * Chooses for the weights of the worst layers which way each is rounded (see `improveRounding`), and keeps a layer's choice only where it
 * lowers the noise of the layer's output on the judging images. Inputs are taken from the float model, so that layers do not depend on
 * each other.
 * @param reference the float model; its nodes have the candidate's names
 * @returns a graph whose float weights are the chosen integers times their scale
 */
export async function roundWeights(
  reference: Graph,
  candidate: Candidate,
  options: RoundingOptions,
): Promise<{ graph: Graph; layers: RoundingStep[] }> {
  const graph = copyGraph(candidate.graph);
  const plan = planOf(graph, candidate, options.emit);
  const nodes = graph.nodes.filter((node) => plan.weights.has(node));
  const rounded: { layer: LinearLayer; weights: Float32Array; step: RoundingStep }[] = [];
  for (const [index, node] of nodes.entries()) {
    throwIfCanceled(options.signal, "rounding weights");
    const layer = linearLayer(graph, node);
    const result = layer === undefined ? undefined : await roundLayer(reference, graph, plan, layer, options);
    if (layer !== undefined && result !== undefined) rounded.push({ layer, ...result });
    options.onLayers?.(index + 1, nodes.length);
  }
  rounded.sort((a, b) => a.step.nearestDb - b.step.nearestDb);
  const worst = rounded.slice(0, options.layers);
  for (const { layer, weights, step } of worst) {
    if (step.kept) replaceWeights(graph, layer, weights);
  }
  graph.removeUnusedInitializers();
  return { graph, layers: worst.map(({ step }) => step) };
}

async function roundLayer(
  reference: Graph,
  graph: Graph,
  plan: Plan,
  layer: LinearLayer,
  { emit, source, images, signal }: RoundingOptions,
): Promise<{ weights: Float32Array; step: RoundingStep } | undefined> {
  const rows = weightRows(layer);
  if (rows === undefined) return undefined;
  const rounded = int8Weights(graph, plan, layer.node, emit);
  const work = new LayerRounding(rounded, layer, rows);
  const moments = await measureMoments(reference, layer, rows, source, images.fit, signal);
  dampen(moments);
  await work.improve(moments, signal);
  const judge = await measureMoments(reference, layer, rows, source, images.judge, signal);
  const { power, nearest, chosen } = await work.judge(judge, signal);
  if (power === 0 || nearest === 0) return undefined;
  const step = {
    name: layer.node.name,
    kept: chosen < nearest,
    nearestDb: 10 * Math.log10(power / nearest),
    chosenDb: 10 * Math.log10(power / chosen),
  };
  return { weights: work.chosenWeights(), step };
}

function dampen({ groups, size, values }: InputMoments): void {
  for (let group = 0; group < groups; group++) {
    const start = group * size * size;
    let trace = 0;
    for (let index = 0; index < size; index++) trace += values[start + index * (size + 1)] as number;
    for (let index = 0; index < size; index++) {
      const at = start + index * (size + 1);
      values[at] = (values[at] as number) + (DAMPING * trace) / size;
    }
  }
}
