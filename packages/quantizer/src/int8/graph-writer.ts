import { dimsOf, Graph, makeNode, makeTensor, type NodeProto, type TensorProto } from "@edgewatt/onnx";
import { activationRange, quantizeActivations, type QuantParams } from "./arithmetic.ts";
import type { QuantizationFormat } from "./format.ts";
import { finiteFloats } from "./weights.ts";

/** Integers with their scales, as an initializer behind a DequantizeLinear. */
export interface DequantizedConstant {
  readonly values: TensorProto;
  readonly scales: Float32Array;
  /** Shape of scales and zero points: none for a scalar. */
  readonly sides: readonly number[];
  readonly zeroPoint: Int8Array | Uint8Array | undefined;
  readonly axis: number | undefined;
}

/** Collects the nodes and initializers of an int8 graph, under names that the float graph it is made from does not have. */
export class Int8Writer {
  readonly nodes: NodeProto[] = [];
  readonly initializers: TensorProto[] = [];
  /** Of its own, so that a graph from which several models are made gives the same names each time. */
  readonly #names: Graph;
  readonly #format: QuantizationFormat;

  constructor(source: Graph, format: QuantizationFormat) {
    this.#names = new Graph(source.model);
    this.#format = format;
  }

  unique(base: string): string {
    return this.#names.uniqueName(base);
  }

  /** Adds a node that writes one new tensor, and gives its name. */
  add(opType: string, base: string, input: readonly string[], output = this.unique(`${base}_Output`)): string {
    this.nodes.push(makeNode(opType, this.unique(base), input, [output]));
    return output;
  }

  /** Scale and zero point of an activation. */
  addParams(name: string, { scale, zeroPoint }: QuantParams): { scale: string; zeroPoint: string } {
    return {
      scale: this.addInitializer(`${name}_scale`, [], Float32Array.of(scale)),
      zeroPoint: this.addInteger(`${name}_zero_point`, zeroPoint),
    };
  }

  /** One integer of the activations' type. */
  addInteger(name: string, value: number): string {
    return this.addInitializer(name, [], this.#format === "u8s8" ? Uint8Array.of(value) : Int8Array.of(value));
  }

  addInitializer(base: string, dims: readonly number[], data: Float32Array | Int8Array | Uint8Array): string {
    const name = this.unique(base);
    this.initializers.push(makeTensor(name, dims, data));
    return name;
  }

  /** Quantizes a float constant as activations are, over its own range. */
  addActivationConstant(constant: TensorProto): string {
    const { data, params } = quantizeActivations(finiteFloats(constant), activationRange(this.#format));
    return this.addDequantized(constant.name, {
      values: makeTensor(constant.name, dimsOf(constant), data),
      scales: Float32Array.of(params.scale),
      sides: [],
      zeroPoint: data instanceof Uint8Array ? Uint8Array.of(params.zeroPoint) : Int8Array.of(params.zeroPoint),
      axis: undefined,
    });
  }

  /** @returns the name of the dequantized tensor */
  addDequantized(base: string, { values, scales, sides, zeroPoint, axis }: DequantizedConstant): string {
    const name = this.unique(`${base}_quantized`);
    this.initializers.push(Object.assign(values, { name }));
    const input = [name, this.addInitializer(`${base}_scale`, sides, scales)];
    if (zeroPoint !== undefined) input.push(this.addInitializer(`${base}_zero_point`, sides, zeroPoint));
    const output = this.unique(`${base}_DequantizeLinear_Output`);
    const attributes = axis === undefined ? {} : { axis: BigInt(axis) };
    this.nodes.push(makeNode("DequantizeLinear", this.unique(`${base}_DequantizeLinear`), input, [output], attributes));
    return output;
  }
}
