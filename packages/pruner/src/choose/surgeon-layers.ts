import { DataType, floatAttribute, readFloats, type NodeProto } from "@edgewatt/onnx";
import type { ChannelMoments, Moments, Reader } from "../activations/channel-moments.ts";
import type { ChannelFlow } from "../channels/flow.ts";
import type { Group } from "../channels/groups.ts";
import { invertMoments, lesseningRidge } from "../linear-algebra/ridge.ts";
import { weightEnergy } from "./energy.ts";
import type { SurgeonLayer } from "./surgeon.ts";

/**
 * Of the mean variance, at most: keeps inputs that only happen to go together on the calibration images from passing for redundant.
 */
const CHOICE_RIDGE = 1e-5;
/** The `epsilon` of BatchNormalization where the node names none (ONNX operator specification). */
const DEFAULT_EPSILON = 1e-5;

/** The layers that read each of some groups. The moments of a layer that reads several of them are inverted once. */
export class SurgeonLayers {
  readonly #flow: ChannelFlow;
  readonly #moments: ChannelMoments;
  readonly #groupOf: ReadonlyMap<number, Group>;
  readonly #readers = new Map<Group, Reader[]>();
  readonly #made = new Set<Reader>();
  readonly #waiting = new Map<Group, SurgeonLayer[]>();

  constructor(flow: ChannelFlow, groups: readonly Group[], moments: ChannelMoments) {
    this.#flow = flow;
    this.#moments = moments;
    this.#groupOf = new Map(groups.flatMap((group) => group.members.map((root) => [root, group] as const)));
    for (const reader of moments.keys()) {
      for (const group of this.#groupsOf(reader)) {
        const known = this.#readers.get(group);
        if (known === undefined) this.#readers.set(group, [reader]);
        else known.push(reader);
      }
    }
  }

  /** Those of one group, which can be had once; empty where a choice by error is not possible, as nothing reads them. */
  take(group: Group): SurgeonLayer[] {
    for (const reader of this.#readers.get(group) ?? []) {
      if (this.#made.has(reader)) continue;
      this.#made.add(reader);
      this.#make(reader, this.#moments.get(reader) as Moments);
    }
    const layers = this.#waiting.get(group) ?? [];
    this.#waiting.delete(group);
    return layers;
  }

  #groupsOf({ view }: Reader): Set<Group> {
    return new Set(view.members.flatMap((root) => this.#groupOf.get(root) ?? []));
  }

  #make(reader: Reader, { covariance, columns }: Moments): void {
    const { view, layer } = reader;
    const ridge = lesseningRidge(CHOICE_RIDGE, view.blocks, columns);
    const inverse = invertMoments(Float64Array.from(covariance), view.blocks, ridge);
    if (inverse === undefined) return;
    const energy = weightEnergy(
      weightsOf(this.#flow, reader),
      view,
      scalesBehind(this.#flow, layer.node, view.outputs),
    );
    const variance = energy.reduce((sum, value, index) => sum + value * (covariance[index] as number), 0);
    for (const group of this.#groupsOf(reader)) {
      const places = new Map(group.members.map((root, member) => [root, member]));
      const inputs = [...view.members.keys()].filter((block) => places.has(view.members[block] as number));
      const inputsOf = group.members.map((): number[] => []);
      for (const [input, block] of inputs.entries())
        inputsOf[places.get(view.members[block] as number) as number]?.push(input);
      const whole = inputs.length === view.blocks;
      const part = (matrix: Float64Array): Float64Array => (whole ? matrix : partOf(matrix, view.blocks, inputs));
      const made = { size: inputs.length, inverse: part(inverse), energy: part(energy), inputsOf, variance };
      const known = this.#waiting.get(group);
      if (known === undefined) this.#waiting.set(group, [made]);
      else known.push(made);
    }
  }
}

/** Rows and columns of a square matrix. */
function partOf(matrix: Float64Array, size: number, places: readonly number[]): Float64Array {
  const part = new Float64Array(places.length ** 2);
  for (const [row, from] of places.entries()) {
    for (const [column, at] of places.entries())
      part[row * places.length + column] = matrix[from * size + at] as number;
  }
  return part;
}

export function weightsOf(flow: ChannelFlow, { layer }: Reader): Float32Array {
  return readFloats(flow.graph.constant(layer.node.input[1] ?? "") as Parameters<typeof readFloats>[0]);
}

/** What a batch norm behind a layer multiplies its outputs by, so that losses compare whether it was folded or not. */
function scalesBehind(flow: ChannelFlow, node: NodeProto, outputs: number): Float64Array | undefined {
  const behind = flow.graph.soleConsumer(node.output[0] ?? "");
  if (behind?.opType !== "BatchNormalization") return undefined;
  const [gamma, variance] = [1, 4].map((input) => flow.graph.constant(behind.input[input] ?? ""));
  if (gamma?.dataType !== DataType.FLOAT || variance?.dataType !== DataType.FLOAT) return undefined;
  const epsilon = floatAttribute(behind, "epsilon", DEFAULT_EPSILON);
  const [factors, spread] = [readFloats(gamma), readFloats(variance)];
  return Float64Array.from(
    { length: outputs },
    (_, output) => (factors[output] as number) / Math.sqrt((spread[output] as number) + epsilon),
  );
}
