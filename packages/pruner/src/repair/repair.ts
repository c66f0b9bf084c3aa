import { throwIfCanceled, type Graph, type NodeProto } from "@edgewatt/onnx";
import type { ChannelFlow } from "../channels/flow.ts";
import type { CutGraph, KeptPlaces } from "../cut/cut-graph.ts";
import { matchStatistics, originalStatistics } from "./match-statistics.ts";
import { refitLayer } from "./refit.ts";
import type { StreamOptions } from "./two-streams.ts";

/**
 * Repairs a pruned graph, in place, layer by layer from input to output: each layer is fitted to what the original computed there, from what the
 * pruned model itself gives it, so that it also mends what those before it lost. Layers that read just what they read in the original are left.
 */
export async function repair(
  flow: ChannelFlow,
  cut: CutGraph,
  kept: KeptPlaces,
  options: StreamOptions & { readonly onLayer?: (done: number, total: number) => void },
): Promise<void> {
  const { layers, depthwise } = layersToRepair(flow, kept);
  const pending = new Set(layers.map(({ node }) => cut.nodeFor(node)));
  const isRepaired = (tensor: string): boolean => !dependsOn(cut.graph, tensor, pending);
  const expected = depthwise.length > 0 ? await originalStatistics(flow, depthwise, options) : undefined;
  for (const [index, layer] of layers.entries()) {
    throwIfCanceled(options.signal, "repairing layers");
    options.onLayer?.(index, layers.length);
    if (layer.kind === "dense") {
      await refitLayer(flow, cut, layer, kept, { ...options, isRepaired });
    } else {
      const statistics = expected?.get(layer);
      if (statistics !== undefined) await matchStatistics(flow, cut, layer, statistics, kept, options);
    }
    pending.delete(cut.nodeFor(layer.node));
  }
  options.onLayer?.(layers.length, layers.length);
}

/** The layers whose inputs differ from the original's, in the order of the graph. */
function layersToRepair(flow: ChannelFlow, kept: KeptPlaces) {
  const dense = new Map(flow.dense.map((layer) => [layer.node, layer]));
  const depthwise = new Map(flow.depthwise.map((layer) => [layer.node, layer]));
  const differs = new Set<string>();
  const layers = flow.graph.nodes.flatMap((node) => {
    const layer = dense.get(node) ?? depthwise.get(node);
    const loses = dense.has(node) && isCut(dense.get(node)?.input ?? [], kept);
    if (!loses && !node.input.some((name) => differs.has(name))) return [];
    for (const output of node.output) differs.add(output);
    return layer ?? [];
  });
  return { layers, depthwise: layers.filter((layer) => layer.kind === "grouped") };
}

/** Whether a tensor is computed by one of some nodes, or from what they give. */
function dependsOn(graph: Graph, tensor: string, nodes: ReadonlySet<NodeProto>): boolean {
  const seen = new Set<string>();
  const waiting = [tensor];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name)) continue;
    seen.add(name);
    const producer = graph.producer(name);
    if (producer === undefined) continue;
    if (nodes.has(producer)) return true;
    waiting.push(...producer.input);
  }
  return false;
}

function isCut(labels: readonly number[], kept: KeptPlaces): boolean {
  return kept(labels).length < labels.length;
}
