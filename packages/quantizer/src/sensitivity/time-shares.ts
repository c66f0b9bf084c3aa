import type { Graph, ModelProfile, NodeProto } from "@edgewatt/onnx";
import { isLayer, type Layer } from "./layers.ts";

/** What ONNX Runtime makes of layers: only such a kernel is taken for one by the tensor that it writes. */
const LAYER_KERNELS =
  /^(Fused|NhwcFused|QLinear)?Conv(Transpose)?$|^(Fused|Q)?Gemm$|^(Fused|QLinear)?MatMul$|^MatMulIntegerToFloat$/;

/** The layout transformer appends this to the names of nodes that it replaces. */
const REPLACED = /_token_\d+$/;
/** The blocked layout names its convolutions by the tensor that they write. */
const BLOCKED = /_nchwc$/;
/** A product became one with the sum after it (`/MatMulAddFusion`) or the transposition before it (`/MatmulTransposeFusion/`). */
const FUSED_PRODUCT = /\/\w+Fusion(\/.*)?$/;
/** A Gemm and the activation after it became one. */
const WITH_ACTIVATION = /^fused /;

/** How the time of a run is spent, in percent of the time of all kernels. */
export interface TimeShares {
  /** In the order of the layers; zero where no kernel of its own is left of a layer. */
  readonly layers: readonly number[];
  /** All other kernels: quantizing the input, pooling, changes of layout. */
  readonly other: number;
  /** Time of all kernels of a run, without what ONNX Runtime does between them. */
  readonly totalMs: number;
}

/** Finds for every kernel of a profile the layer that it computes, fused with what follows it or renamed as it may be. */
export function timeShares(graph: Graph, layers: readonly Layer[], profile: ModelProfile): TimeShares {
  const byName = new Map(layers.map(({ node }, index) => [node.name, index]));
  const us = layers.map(() => 0);
  const timed = new Set<number>();
  const unnamed: ModelProfile["kernels"][number][] = [];
  for (const kernel of profile.kernels) {
    const index = namesOf(kernel.name)
      .map((name) => byName.get(name))
      .find((found) => found !== undefined);
    if (index === undefined) {
      unnamed.push(kernel);
      continue;
    }
    us[index] = (us[index] ?? 0) + kernel.us;
    timed.add(index);
  }
  const writers = layers.map(({ node }) => writtenTensors(graph, node));
  for (const { name, op, us: time } of unnamed) {
    if (!LAYER_KERNELS.test(op)) continue;
    const tensor = name.replace(REPLACED, "").replace(BLOCKED, "");
    // A sum of two layers is fused with one of them, and the other has a kernel of its own.
    const index = writers.findLastIndex((tensors, layer) => tensors.includes(tensor) && !timed.has(layer));
    if (index < 0) continue;
    us[index] = (us[index] ?? 0) + time;
    timed.add(index);
  }
  const total = profile.kernels.reduce((sum, kernel) => sum + kernel.us, 0);
  const share = (time: number): number => (total === 0 ? 0 : (100 * time) / total);
  const inLayers = us.reduce((sum, time) => sum + time, 0);
  return { layers: us.map(share), other: share(total - inLayers), totalMs: total / 1000 };
}

/** The names that a node may have had before ONNX Runtime optimized the graph. */
function namesOf(kernel: string): string[] {
  const original = kernel.replace(REPLACED, "");
  return [kernel, original, original.replace(WITH_ACTIVATION, ""), original.replace(FUSED_PRODUCT, "")];
}

/** What a layer writes, and what the nodes after it do as far as each is the only reader: one kernel may do all of it. */
function writtenTensors(graph: Graph, layer: NodeProto): string[] {
  const tensors = [layer.output[0] ?? ""];
  for (;;) {
    const next = graph.soleConsumer(tensors.at(-1) ?? "");
    if (next === undefined || isLayer(graph, next) || next.output.length !== 1) return tensors;
    tensors.push(next.output[0] ?? "");
  }
}
