import {
  ChannelMeter,
  copyGraph,
  type DataSource,
  fittingBatches,
  Graph,
  makeOutput,
  measureChannels,
  type ModelProto,
  openSession,
  subModel,
  throwIfCanceled,
} from "@edgewatt/onnx";
import type { EmitOptions } from "../int8/emit-options.ts";
import { buildInt8, planOf, type Candidate } from "./build-int8.ts";
import { biasOf, linearLayer, replaceBias } from "./linear-layer.ts";
import type { ImageRange, ImageSplit } from "./split-images.ts";

export interface LayerwiseOptions {
  readonly emit: EmitOptions;
  readonly source: DataSource;
  /** What the technique learns from, and the other images that decide layer by layer whether it is kept. */
  readonly images: ImageSplit;
  readonly onLayers?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

/** What correcting the bias of one layer did, on the judging images. */
export interface BiasStep {
  readonly name: string;
  readonly kept: boolean;
  /** Root of the mean square, over channels, of the mean error of the layer's output. */
  readonly meanErrorBefore: number;
  readonly meanErrorAfter: number;
}

/**
 * Empirical bias correction (Nagel et al., ICCV 2019, section 4.2 and appendix D): rounding weights and activations moves the mean of
 * a layer's output; the difference of the means per channel, over images and positions, quantized minus float, is subtracted from the
 * bias. From input to output, so that each layer is measured with those before it corrected. A correction is kept only where it lowers the
 * square error of the layer's output on the judging images, which is where it lowers that of the means.
 * @param reference the float model that the means are taken from; its nodes have the candidate's names
 */
export async function correctBiases(
  reference: Graph,
  candidate: Candidate,
  { emit, source, images, onLayers, signal }: LayerwiseOptions,
): Promise<{ graph: Graph; layers: BiasStep[] }> {
  const graph = copyGraph(candidate.graph);
  const current = { ...candidate, graph };
  const plan = planOf(graph, candidate, emit);
  const nodes = graph.nodes.filter((node) => plan.weights.has(node) && linearLayer(graph, node) !== undefined);
  const outputs = new Map(reference.nodes.map((node) => [node.name, node.output[0] ?? ""]));
  const tensors = nodes.map((node) => outputs.get(node.name) ?? "");
  const fitted = await measureChannels(reference, tensors, source, images.fit, signal);
  const judged = images.heldOut ? await measureChannels(reference, tensors, source, images.judge, signal) : fitted;

  const layers: BiasStep[] = [];
  for (const [index, node] of nodes.entries()) {
    throwIfCanceled(signal, "correcting biases");
    const layer = linearLayer(graph, node);
    const output = await openLayerOutput(buildInt8(current, emit).emitted.model, node.name);
    try {
      const tensor = tensors[index] ?? "";
      const fit = difference(await output.means(source, images.fit, signal), fitted.get(tensor)?.mean);
      const judge = images.heldOut
        ? difference(await output.means(source, images.judge, signal), judged.get(tensor)?.mean)
        : fit;
      if (layer !== undefined && fit?.length === layer.outputChannels && judge !== undefined) {
        const meanErrorBefore = rootMeanSquare(judge);
        const meanErrorAfter = rootMeanSquare(judge.map((error, channel) => error - (fit[channel] as number)));
        const kept = meanErrorAfter < meanErrorBefore;
        layers.push({ name: node.name, kept, meanErrorBefore, meanErrorAfter });
        const bias = biasOf(graph, layer).map((value, channel) => value - (fit[channel] as number));
        if (kept) replaceBias(graph, layer, bias);
      }
    } finally {
      await output.close();
    }
    onLayers?.(index + 1, nodes.length);
  }
  graph.removeUnusedInitializers();
  return { graph, layers };
}

/** Opens the int8 model as far as one layer's output, before that is rounded to 8 bits. */
async function openLayerOutput(
  int8: ModelProto,
  layer: string,
): Promise<{
  means(source: DataSource, range: ImageRange, signal: AbortSignal | undefined): Promise<Float64Array>;
  close(): Promise<void>;
}> {
  const graph = new Graph(int8);
  const tensor = graph.nodes.find((node) => node.name === layer)?.output[0] ?? "";
  const session = await openSession(subModel(graph, [tensor], [makeOutput(tensor)]), { optimization: "disabled" });
  return {
    async means(source, { first, count }, signal) {
      const meter = new ChannelMeter();
      for await (const batch of fittingBatches(session, source, first, count, signal)) {
        meter.add((await session.run(batch.feeds, undefined, signal))[tensor]);
      }
      return meter.statistics().mean;
    },
    close: () => session.close(),
  };
}

function difference(found: Float64Array, expected: Float64Array | undefined): Float64Array | undefined {
  return expected?.length === found.length
    ? found.map((value, channel) => value - (expected[channel] as number))
    : undefined;
}

function rootMeanSquare(values: Float64Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / Math.max(1, values.length));
}
