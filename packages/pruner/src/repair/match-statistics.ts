import {
  ChannelMeter,
  fittingBatches,
  openSession,
  type ChannelStatistics,
  type DataSource,
  type Graph,
  type NodeProto,
} from "@edgewatt/onnx";
import { LARGEST_BATCH } from "../activations/channel-moments.ts";
import { ExtraNodes } from "../activations/extra-nodes.ts";
import { samplePositions, stepOf } from "../activations/sampled-rows.ts";
import type { ChannelFlow, GroupedLayer } from "../channels/flow.ts";
import type { CutGraph, KeptPlaces } from "../cut/cut-graph.ts";
import { batchNormBehind, scaleOutputs } from "./adjust.ts";
import type { StreamOptions } from "./two-streams.ts";

/** Below this share of the original's deviation a channel says nothing, and is only moved. */
const LEAST_SHARE = 1e-3;

/** Mean and deviation of what some layers of the original write, after the batch norm behind them, in one pass over the images. */
export async function originalStatistics(
  flow: ChannelFlow,
  layers: readonly GroupedLayer[],
  options: StreamOptions,
): Promise<ReadonlyMap<GroupedLayer, ChannelStatistics>> {
  const tensors = layers.map(({ node }) => outputOf(flow.graph, node));
  const found = await statisticsOf(flow, flow.graph, tensors, tensors, options);
  return new Map(layers.map((layer, index) => [layer, found[index] as ChannelStatistics]));
}

/**
 * Keeps the kernels of a depthwise Conv, and gives each channel that it writes the mean and the deviation that it had in the original.
 */
export async function matchStatistics(
  flow: ChannelFlow,
  cut: CutGraph,
  layer: GroupedLayer,
  expected: ChannelStatistics,
  kept: KeptPlaces,
  options: StreamOptions,
): Promise<void> {
  const node = cut.nodeFor(layer.node);
  const [found] = await statisticsOf(
    flow,
    cut.graph,
    [outputOf(cut.graph, node)],
    [outputOf(flow.graph, layer.node)],
    options,
  );
  if (found === undefined) return;
  const places = kept(layer.output);
  const scale = Float64Array.from(places, (place, channel) => {
    const [wanted, is] = [expected.std[place] as number, found.std[channel] as number];
    return is > LEAST_SHARE * wanted && is > 0 ? wanted / is : 1;
  });
  const shift = Float64Array.from(
    places,
    (place, channel) => (expected.mean[place] as number) - (scale[channel] as number) * (found.mean[channel] as number),
  );
  scaleOutputs(cut.graph, node, scale, shift);
}

function outputOf(graph: Graph, node: NodeProto): string {
  return (batchNormBehind(graph, node) ?? node).output[0] ?? "";
}

/** @param named what the tensors are called in the original, whose shapes are known */
async function statisticsOf(
  flow: ChannelFlow,
  graph: Graph,
  tensors: readonly string[],
  named: readonly string[],
  { source, signal }: { source: DataSource; signal?: AbortSignal },
): Promise<ChannelStatistics[]> {
  const nodes = new ExtraNodes(graph);
  const outputs = tensors.map((tensor, index) => {
    const shape = flow.shape(named[index] ?? "") ?? [];
    return nodes.add("Identity", [samplePositions(nodes, tensor, shape.length, stepOf(shape, source.count))]);
  });
  const meters = tensors.map(() => new ChannelMeter());
  await using session = await openSession(nodes.model(tensors, outputs), { memoryPattern: false });
  for await (const { feeds } of fittingBatches(session, source, 0, source.count, signal, LARGEST_BATCH)) {
    const results = await session.run(feeds, outputs, signal);
    for (const [index, meter] of meters.entries()) meter.add(results[outputs[index] as string]);
  }
  return meters.map((meter) => meter.statistics());
}
