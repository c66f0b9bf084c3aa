import { create } from "@bufbuild/protobuf";
import { DataType, makeNode, makeTensor, type ModelProto, type NodeProto, type TensorProto } from "@edgewatt/onnx";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

type Attributes = Parameters<typeof makeNode>[4];
type Dims = readonly (number | string)[];

interface Declared {
  readonly name: string;
  /** Left out of the file where it is undefined. */
  readonly dims: Dims | undefined;
  readonly elementType: number;
}

interface ConvOptions {
  readonly kernel?: number;
  readonly stride?: number;
  readonly groups?: number;
  readonly bias?: boolean;
}

/** Builds small seeded float models: the same calls with the same seed give the same bytes. */
export class ModelBuilder {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: Declared[] = [];
  readonly #outputs: Declared[] = [];
  readonly #random: () => number;
  readonly #opset: number;
  readonly #domains: readonly string[];
  #count = 0;

  /** `domains`: operator sets of which version 1 is imported besides ONNX's own. */
  constructor({
    seed = 1,
    opset = 13,
    domains = [],
  }: { seed?: number; opset?: number; domains?: readonly string[] } = {}) {
    const generator = xoroshiro128plus(seed);
    this.#random = () => uniformFloat64(generator);
    this.#opset = opset;
    this.#domains = domains;
  }

  input(name: string, dims: Dims, elementType: number = DataType.FLOAT): string {
    this.#inputs.push({ name, dims, elementType });
    return name;
  }

  output(name: string, dims?: Dims, elementType: number = DataType.FLOAT): void {
    this.#outputs.push({ name, dims, elementType });
  }

  /** An initializer with values uniform in [low, high). */
  weight(dims: readonly number[], low: number, high: number): string {
    const size = dims.reduce((product, dim) => product * dim, 1);
    return this.constant(
      dims,
      Float32Array.from({ length: size }, () => low + (high - low) * this.#random()),
    );
  }

  /** An initializer with multiples of `step`, a power of two, in [low, high]: sums of products of such values are exact. */
  dyadic(dims: readonly number[], low: number, high: number, step: number): string {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const steps = (high - low) / step + 1;
    return this.constant(
      dims,
      Float32Array.from({ length: size }, () => low + step * Math.floor(steps * this.#random())),
    );
  }

  constant(dims: readonly number[], data: Float32Array | BigInt64Array): string {
    const name = this.#name("const");
    this.#initializers.push(makeTensor(name, dims, data));
    return name;
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, output = this.#name(opType)): string {
    this.#nodes.push(makeNode(opType, `node_${output}`, inputs, [output], attributes));
    return output;
  }

  /** A node with any number of outputs, or of another domain. */
  nodes(
    opType: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Attributes = {},
    domain = "",
  ): void {
    this.#nodes.push(makeNode(opType, `node_${outputs[0] ?? ""}`, inputs, outputs, attributes, domain));
  }

  conv(x: string, from: number, to: number, options: ConvOptions = {}): string {
    const { kernel = 3, stride = 1, groups = 1, bias = true } = options;
    const fan = (from / groups) * kernel * kernel;
    const limit = Math.sqrt(6 / fan);
    const weight = this.weight([to, from / groups, kernel, kernel], -limit, limit);
    const inputs = bias ? [x, weight, this.weight([to], -0.2, 0.2)] : [x, weight];
    const pad = BigInt((kernel - 1) / 2);
    return this.node("Conv", inputs, {
      kernel_shape: [BigInt(kernel), BigInt(kernel)],
      strides: [BigInt(stride), BigInt(stride)],
      pads: [pad, pad, pad, pad],
      group: BigInt(groups),
    });
  }

  batchNorm(x: string, channels: number): string {
    const scale = this.weight([channels], 0.5, 1.5);
    const shift = this.weight([channels], -0.3, 0.3);
    const mean = this.weight([channels], -0.2, 0.2);
    const variance = this.weight([channels], 0.5, 2);
    return this.node("BatchNormalization", [x, scale, shift, mean, variance]);
  }

  relu(x: string): string {
    return this.node("Relu", [x]);
  }

  relu6(x: string): string {
    return this.node("Clip", [x, this.constant([], Float32Array.of(0)), this.constant([], Float32Array.of(6))]);
  }

  gemm(x: string, from: number, to: number, attributes: Attributes = {}): string {
    const limit = Math.sqrt(6 / from);
    return this.node("Gemm", [x, this.weight([to, from], -limit, limit), this.weight([to], -0.2, 0.2)], {
      transB: 1n,
      ...attributes,
    });
  }

  /** An If whose branches give what the two bodies, which may read outer tensors, return. */
  branch(
    condition: string,
    then: (b: ModelBuilder) => string,
    otherwise: (b: ModelBuilder) => string,
    dims: Dims,
  ): string {
    const output = this.node("If", [condition]);
    const node = this.#nodes.at(-1);
    for (const [name, body] of [
      ["then_branch", then],
      ["else_branch", otherwise],
    ] as const) {
      const inner = new ModelBuilder();
      inner.output(body(inner), dims);
      const { graph } = inner.build();
      if (graph !== undefined) {
        node?.attribute.push(
          create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g: graph }),
        );
      }
    }
    return output;
  }

  build(): ModelProto {
    return create(ModelProtoSchema, {
      irVersion: 8n,
      producerName: "edgewatt-test",
      opsetImport: [
        create(OperatorSetIdProtoSchema, { domain: "", version: BigInt(this.#opset) }),
        ...this.#domains.map((domain) => create(OperatorSetIdProtoSchema, { domain, version: 1n })),
      ],
      graph: create(GraphProtoSchema, {
        name: "test",
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs.map(valueInfo),
        output: this.#outputs.map(valueInfo),
      }),
    });
  }

  #name(base: string): string {
    this.#count++;
    return `${base}_${this.#count}`;
  }
}

/** A classifier of 3x16x16 images with batch norms: stem, depthwise-separable block, pool, linear layer. */
export function buildSmallMobileNet(options: { seed?: number; opset?: number } = {}): ModelProto {
  const b = new ModelBuilder(options);
  const x = b.input("image", ["batch", 3, 16, 16]);
  const stem = b.relu(b.batchNorm(b.conv(x, 3, 16, { bias: false }), 16));
  const depthwise = b.relu(b.batchNorm(b.conv(stem, 16, 16, { groups: 16, stride: 2, bias: false }), 16));
  const pointwise = b.relu(b.batchNorm(b.conv(depthwise, 16, 32, { kernel: 1, bias: false }), 32));
  const pooled = b.node("GlobalAveragePool", [pointwise]);
  const flat = b.node("Flatten", [pooled], { axis: 1n });
  b.output(b.gemm(flat, 32, 10), ["batch", 10]);
  return b.build();
}

function valueInfo({ name, dims, elementType }: Declared) {
  const dim = dims?.map((side) =>
    create(TensorShapeProto_DimensionSchema, {
      value: typeof side === "number" ? { case: "dimValue", value: BigInt(side) } : { case: "dimParam", value: side },
    }),
  );
  const tensor = create(TypeProto_TensorSchema, {
    elemType: elementType,
    ...(dim === undefined ? {} : { shape: create(TensorShapeProtoSchema, { dim }) }),
  });
  return create(ValueInfoProtoSchema, {
    name,
    type: create(TypeProtoSchema, { value: { case: "tensorType", value: tensor } }),
  });
}
