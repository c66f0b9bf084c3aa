import { type ChannelStatistics, copyGraph, type Graph } from "@edgewatt/onnx";
import { findLinks, passesConstants, type LayerLink } from "./layer-links.ts";
import { biasOf, replaceBias, weightsOf } from "./linear-layer.ts";

/** A value of a normal distribution lies below its mean by more than this many deviations once in 740 times. */
const DEVIATIONS = 3;

export interface BiasAbsorption {
  readonly graph: Graph;
  /** Channels whose bias was moved. */
  readonly channels: number;
}

/**
 * High-bias absorption (Nagel et al., ICCV 2019, section 4.1.3): what a channel always has above zero, c = max(0, mean - 3 std) of the
 * value before its Relu, is taken from the layer's bias and added to the next layer's, b1' = b1 - c and b2' = b2 + W2 c, so that the
 * range between them shrinks. Mean and deviation are measured, as batch norms are folded and gone. It changes the float result where a value
 * lies below c, so it is to be kept only where the loss falls. Links where zeros are padded in between are left alone: there a constant does
 * not arrive unchanged.
 * @param statistics of the first layers' outputs, by tensor name
 */
export function absorbHighBias(graph: Graph, statistics: ReadonlyMap<string, ChannelStatistics>): BiasAbsorption {
  const result = copyGraph(graph);
  let channels = 0;
  for (const link of findLinks(result)) {
    const measured = statistics.get(link.first.node.output[0] ?? "");
    if (!link.rectified || measured?.mean.length !== link.first.outputChannels || !passesConstants(link)) continue;
    const constants = measured.mean.map((mean, channel) => constantOf(link, measured, mean, channel));
    const moved = constants.filter((value) => value > 0).length;
    if (moved === 0) continue;
    channels += moved;
    moveConstants(result, link, constants);
  }
  result.removeUnusedInitializers();
  return { graph: result, channels };
}

/** A channel that a Clip cuts at its upper bound would no longer be cut there. */
function constantOf(link: LayerLink, { max, std }: ChannelStatistics, mean: number, channel: number): number {
  if ((max[channel] as number) >= link.upperBound) return 0;
  return Math.max(0, mean - DEVIATIONS * (std[channel] as number));
}

function moveConstants(graph: Graph, { first, second, spread }: LayerLink, constants: Float64Array): void {
  replaceBias(
    graph,
    first,
    biasOf(graph, first).map((value, channel) => value - (constants[channel] as number)),
  );
  const weights = weightsOf(graph, second);
  const added = new Float64Array(second.outputChannels);
  for (let index = 0; index < weights.length; index++) {
    const channel = second.outputOf(index);
    const constant = constants[Math.floor(second.inputOf(index) / spread)] as number;
    added[channel] = (added[channel] as number) + (weights[index] as number) * constant;
  }
  replaceBias(
    graph,
    second,
    biasOf(graph, second).map((value, channel) => value + (added[channel] as number)),
  );
}
