import {
  DataType,
  dimsOf,
  elementCount,
  floatAttribute,
  intAttribute,
  makeTensor,
  readFloats,
  type Graph,
  type NodeProto,
} from "@edgewatt/onnx";

/** A Conv, ConvTranspose or Gemm with constant float32 weights, seen as a linear map between channels. */
export interface LinearLayer {
  readonly node: NodeProto;
  readonly dims: readonly number[];
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Whether each channel is filtered alone, so that output channel c depends on input channel c only. */
  readonly depthwise: boolean;
  /** The channel that a weight, by its flat index, reads. */
  inputOf(index: number): number;
  /** The channel that a weight, by its flat index, writes. */
  outputOf(index: number): number;
}

/** The view of a node, or undefined where it is none of these, or its weights or bias are not constant float32. */
export function linearLayer(graph: Graph, node: NodeProto): LinearLayer | undefined {
  if (node.domain !== "") return undefined;
  const weight = graph.constant(node.input[1] ?? "");
  if (weight?.dataType !== DataType.FLOAT) return undefined;
  const dims = dimsOf(weight);
  const layer = layerOf(node, dims);
  if (layer === undefined) return undefined;
  const biasName = node.input[2] ?? "";
  if (biasName === "") return layer;
  const bias = graph.constant(biasName);
  const fits = bias?.dataType === DataType.FLOAT && elementCount(dimsOf(bias)) === layer.outputChannels;
  return fits ? layer : undefined;
}

export function weightsOf(graph: Graph, layer: LinearLayer): Float32Array {
  return readFloats(constantOf(graph, layer.node, 1));
}

/** The bias, zeros where the layer has none. */
export function biasOf(graph: Graph, layer: LinearLayer): Float32Array {
  return (layer.node.input[2] ?? "") === ""
    ? new Float32Array(layer.outputChannels)
    : readFloats(constantOf(graph, layer.node, 2));
}

/** Gives the layer weights of its own; the old tensor stays for other nodes that share it. */
export function replaceWeights(graph: Graph, layer: LinearLayer, values: Float32Array): void {
  replaceConstant(graph, layer.node, 1, layer.dims, values);
}

/** Gives the layer a bias of its own. */
export function replaceBias(graph: Graph, layer: LinearLayer, values: Float32Array): void {
  replaceConstant(graph, layer.node, 2, [layer.outputChannels], values);
}

function replaceConstant(
  graph: Graph,
  node: NodeProto,
  index: number,
  dims: readonly number[],
  values: Float32Array,
): void {
  const old = node.input[index] ?? "";
  const base = old === "" ? `${node.input[1] ?? node.name}_bias` : old.replace(/_improved(_\d+)?$/, "");
  const name = graph.uniqueName(`${base}_improved`);
  graph.addInitializer(makeTensor(name, dims, values));
  node.input[index] = name;
  graph.changed();
}

function constantOf(graph: Graph, node: NodeProto, index: number): Parameters<typeof readFloats>[0] {
  return graph.constant(node.input[index] ?? "") as Parameters<typeof readFloats>[0];
}

function layerOf(node: NodeProto, dims: readonly number[]): LinearLayer | undefined {
  const [first = 0, second = 0] = dims;
  switch (node.opType) {
    case "Conv": {
      const groups = intAttribute(node, "group", 1);
      const [outputs, perGroup] = [first / groups, second];
      const volume = elementCount(dims.slice(2));
      return {
        node,
        dims,
        inputChannels: perGroup * groups,
        outputChannels: first,
        depthwise: groups > 1 && perGroup === 1 && outputs === 1,
        inputOf: (index) =>
          Math.floor(Math.floor(index / (volume * perGroup)) / outputs) * perGroup +
          (Math.floor(index / volume) % perGroup),
        outputOf: (index) => Math.floor(index / (volume * perGroup)),
      };
    }
    case "ConvTranspose": {
      const groups = intAttribute(node, "group", 1);
      const [inputs, perGroup] = [first / groups, second];
      const volume = elementCount(dims.slice(2));
      return {
        node,
        dims,
        inputChannels: first,
        outputChannels: perGroup * groups,
        depthwise: groups > 1 && perGroup === 1 && inputs === 1,
        inputOf: (index) => Math.floor(index / (volume * perGroup)),
        outputOf: (index) =>
          Math.floor(Math.floor(index / (volume * perGroup)) / inputs) * perGroup +
          (Math.floor(index / volume) % perGroup),
      };
    }
    case "Gemm": {
      if (dims.length !== 2 || intAttribute(node, "transA", 0) !== 0) return undefined;
      if (floatAttribute(node, "alpha", 1) !== 1 || floatAttribute(node, "beta", 1) !== 1) return undefined;
      const transposed = intAttribute(node, "transB", 0) === 1;
      const row = (index: number): number => Math.floor(index / second);
      const column = (index: number): number => index % second;
      return {
        node,
        dims,
        inputChannels: transposed ? second : first,
        outputChannels: transposed ? first : second,
        depthwise: false,
        inputOf: transposed ? column : row,
        outputOf: transposed ? row : column,
      };
    }
    default:
      return undefined;
  }
}
