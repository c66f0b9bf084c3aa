import { DataType, readFloats } from "@edgewatt/onnx";
import type { ChannelFlow } from "../channels/flow.ts";

/** The sum of the absolute weights that write each channel, by the label that stands for it. */
export function weightNorms(flow: ChannelFlow): ReadonlyMap<number, number> {
  const norms = new Map<number, number>();
  for (const { node, output, outputAxis } of flow.dense) {
    const tensor = flow.graph.constant(node.input[1] ?? "");
    if (tensor?.dataType !== DataType.FLOAT) continue;
    const weights = readFloats(tensor);
    // Weights of one output stand in a row of `run`, or `outputs` apart.
    const run = outputAxis === 0 ? weights.length / output.length : 1;
    const sums = new Float64Array(output.length);
    for (const [index, weight] of weights.entries()) {
      const channel = Math.floor(index / run) % output.length;
      sums[channel] = (sums[channel] as number) + Math.abs(weight);
    }
    for (const [channel, label] of output.entries()) {
      const root = flow.labels.find(label);
      norms.set(root, (norms.get(root) ?? 0) + (sums[channel] as number));
    }
  }
  return norms;
}

/** The members in the order of their norms, the smallest first; of equal ones the later. */
export function rankByNorm(members: readonly number[], norms: ReadonlyMap<number, number>): number[] {
  const normOf = (index: number): number => norms.get(members[index] as number) ?? 0;
  return [...members.keys()].sort((a, b) => normOf(a) - normOf(b) || b - a);
}
