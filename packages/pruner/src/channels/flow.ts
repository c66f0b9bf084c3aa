import { DataType, readIntegers, type Graph, type NodeProto } from "@edgewatt/onnx";
import { ChannelLabels } from "./labels.ts";

/** The side of a tensor that counts its channels, and a label for each of them. */
export interface Channels {
  readonly axis: number;
  readonly labels: readonly number[];
}

/** A constant of which a node needs fewer values along one side when channels go. */
export interface ConstantUse {
  readonly node: NodeProto;
  readonly input: number;
  readonly axis: number;
  readonly labels: readonly number[];
}

/** A Conv (not grouped), Gemm or MatMul: it reads channels and writes others. */
export interface DenseLayer {
  readonly kind: "dense";
  readonly node: NodeProto;
  /** Undefined where the channels that it reads are not known, as those of the model's input. */
  readonly input: readonly number[] | undefined;
  readonly output: readonly number[];
  /** Sides of its weights that count what it reads and what it writes. */
  readonly inputAxis: number;
  readonly outputAxis: number;
}

/** A Conv that filters each channel, or each group of them, by itself. */
export interface GroupedLayer {
  readonly kind: "grouped";
  readonly node: NodeProto;
  readonly output: readonly number[];
}

/** A number that stands in the graph and counts channels. */
export type CountUse =
  | { readonly kind: "groups"; readonly node: NodeProto; readonly labels: readonly number[] }
  | { readonly kind: "split"; readonly node: NodeProto; readonly parts: readonly (readonly number[])[] }
  | {
      readonly kind: "shape";
      readonly node: NodeProto;
      readonly input: number;
      readonly position: number;
      readonly labels: readonly number[];
    };

/** How channels run through a graph, as the rules of the operators find it, node by node. */
export class ChannelFlow {
  readonly graph: Graph;
  readonly labels = new ChannelLabels();
  readonly dense: DenseLayer[] = [];
  /** Their channels are those that they read. */
  readonly depthwise: GroupedLayer[] = [];
  /** Neither dense nor depthwise: their channels stay. */
  readonly grouped: GroupedLayer[] = [];
  readonly constants: ConstantUse[] = [];
  readonly counts: CountUse[] = [];
  readonly #channels = new Map<string, Channels>();
  readonly #shapes: ReadonlyMap<string, readonly number[]>;

  constructor(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>) {
    this.graph = graph;
    this.#shapes = shapes;
  }

  /** The channels of a tensor; undefined for constants and where they are not known. */
  channels(tensor: string): Channels | undefined {
    return this.#channels.get(tensor);
  }

  setChannels(tensor: string, channels: Channels): void {
    this.#channels.set(tensor, channels);
  }

  /** The sides of a constant, or those that a tensor had for the image that the model was run on; undefined for other things than tensors. */
  shape(tensor: string): readonly number[] | undefined {
    return this.graph.initializer(tensor)?.dims.map(Number) ?? this.#shapes.get(tensor);
  }

  /** The values of a constant of integers, as shapes, axes and pads are; undefined where it is none. */
  integers(tensor: string): readonly number[] | undefined {
    const constant = this.graph.constant(tensor);
    const isInteger = constant?.dataType === DataType.INT64 || constant?.dataType === DataType.INT32;
    return isInteger ? readIntegers(constant) : undefined;
  }

  /** Says that the channels of the tensors that a node reads have to stay. */
  fixInputs(node: NodeProto, reason: string): void {
    for (const input of node.input) {
      const channels = this.channels(input);
      if (channels !== undefined) this.labels.fix(channels.labels, reason);
    }
  }
}

/** How reasons name a node. */
export function nameOf(node: NodeProto): string {
  return `${node.opType} "${node.name}"`;
}
