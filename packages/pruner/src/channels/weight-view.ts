import type { ChannelFlow, DenseLayer } from "./flow.ts";

/** The weights of a dense layer, seen as rows of taps and outputs for each block of inputs that belong to one channel. */
export interface WeightView {
  readonly outputs: number;
  /** Channels that the layer reads. */
  readonly blocks: number;
  /** Weights that join one channel to one output: the kernel of a Conv, or the positions that were flattened before a Gemm. */
  readonly taps: number;
  /** For each block, the label that stands for its channel. */
  readonly members: readonly number[];
  /** Index of a weight in the tensor. */
  at(output: number, block: number, tap: number): number;
}

/** The view of a layer's weights; undefined where the channels that it reads are not known. */
export function weightView(flow: ChannelFlow, layer: DenseLayer): WeightView | undefined {
  if (layer.input === undefined) return undefined;
  const roots = layer.input.map((label) => flow.labels.find(label));
  const outputs = layer.output.length;
  const dims = flow.shape(layer.node.input[1] ?? "") ?? [];
  const isConv = layer.node.opType === "Conv";
  const run = isConv ? 1 : commonRun(roots);
  const taps = isConv ? dims.slice(2).reduce((product, side) => product * side, 1) : run;
  const blocks = roots.length / run;
  const row = blocks * taps;
  return {
    outputs,
    blocks,
    taps,
    members: Array.from({ length: blocks }, (_, block) => roots[block * run] as number),
    at:
      layer.outputAxis === 0
        ? (output, block, tap) => output * row + block * taps + tap
        : (output, block, tap) => (block * taps + tap) * outputs + output,
  };
}

/** How many inputs in a row belong to each channel, where that is the same number for all; else 1. */
function commonRun(roots: readonly number[]): number {
  let run = 1;
  while (run < roots.length && roots[run] === roots[0]) run++;
  if (roots.length % run !== 0) return 1;
  return roots.every((root, index) => root === roots[index - (index % run)]) ? run : 1;
}
