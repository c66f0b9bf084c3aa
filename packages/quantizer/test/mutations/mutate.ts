import { create } from "@bufbuild/protobuf";
import {
  makeNode,
  parseModel,
  serializeModel,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "@edgewatt/onnx";
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  GraphProtoSchema,
  OperatorSetIdProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Seeded choices for one mutation. */
class Dice {
  readonly #generator;

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed);
  }

  /** An integer in [0, below). */
  below(below: number): number {
    return uniformInt(this.#generator, 0, Math.max(0, below - 1));
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }
}

export interface Mutation {
  readonly name: string;
  readonly bytes: Uint8Array;
}

type OnBytes = (bytes: Uint8Array, dice: Dice) => Uint8Array;
type OnModel = (model: ModelProto, dice: Dice) => void;

/** The nodes come first in the file; most flips go there, as flipped weights are only other weights. */
const GRAPH_BYTES = 1500;

const BYTES: Readonly<Record<string, OnBytes>> = {
  flip(bytes, dice) {
    const copy = Uint8Array.from(bytes);
    for (let flips = 1 + dice.below(4); flips > 0; flips--) {
      const at = dice.below(dice.below(4) === 0 ? copy.length : Math.min(GRAPH_BYTES, copy.length));
      copy[at] = (copy[at] ?? 0) ^ (1 << dice.below(8));
    }
    return copy;
  },
  truncate: (bytes, dice) => bytes.slice(0, dice.below(bytes.length)),
  duplicate(bytes, dice) {
    const start = dice.below(bytes.length);
    const range = bytes.slice(start, start + 1 + dice.below(400));
    return Buffer.concat([bytes.slice(0, start), range, bytes.slice(start)]);
  },
  remove(bytes, dice) {
    const start = dice.below(bytes.length);
    return Buffer.concat([bytes.slice(0, start), bytes.slice(start + 1 + dice.below(200))]);
  },
  overwrite(bytes, dice) {
    const copy = Uint8Array.from(bytes);
    const start = dice.below(GRAPH_BYTES);
    return copy.fill(dice.pick([0, 0x7f, 0x80, 0xff]), start, start + 1 + dice.below(16));
  },
};

const SIDES = [-1n, 0n, 1n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 40n, 2n ** 53n + 1n, 2n ** 62n, -(2n ** 63n)];
const NUMBERS = [0n, -1n, 7n, 1000n, 2n ** 20n, 2n ** 31n - 1n, -(2n ** 31n), 2n ** 40n, 2n ** 63n - 1n];
const FLOATS = [0, -1, 1e-45, 1e38, Infinity, -Infinity, Number.NaN];
const OPERATORS =
  "Conv ConvTranspose Gemm MatMul Add Relu Clip BatchNormalization Softmax Flatten Reshape Concat Split Resize Transpose MaxPool If Loop Constant Identity Pad Slice Where Gather toString Foo".split(
    " ",
  );

const MODEL: Readonly<Record<string, OnModel>> = {
  cycle(model, dice) {
    const nodes = nodesOf(model);
    const from = dice.below(nodes.length);
    const later = nodes[from + dice.below(nodes.length - from)];
    replaceInput(nodes[from], dice, later?.output[0] ?? "");
  },
  selfReference(model, dice) {
    const node = dice.pick(nodesOf(model));
    replaceInput(node, dice, node.output[0] ?? "");
  },
  missingTensor(model, dice) {
    if (dice.below(2) === 0) tensorsOf(model).splice(dice.below(tensorsOf(model).length), 1);
    else replaceInput(dice.pick(nodesOf(model)), dice, "nowhere");
  },
  shape(model, dice) {
    const tensor = dice.pick(tensorsOf(model));
    const kind = dice.below(4);
    if (kind === 0) tensor.dims.push(dice.pick(SIDES));
    else if (kind === 1) tensor.dims.pop();
    else tensor.dims[dice.below(tensor.dims.length)] = dice.pick(SIDES);
  },
  inputShape(model, dice) {
    const value = dice.pick([...(model.graph?.input ?? []), ...(model.graph?.output ?? [])]);
    if (value.type?.value.case !== "tensorType") return;
    const dims = value.type.value.value.shape?.dim ?? [];
    const dim = dims[dice.below(dims.length)];
    if (dim !== undefined) dim.value = { case: "dimValue", value: dice.pick(SIDES) };
    if (dice.below(4) === 0) value.type.value.value.elemType = dice.below(30);
    if (dice.below(4) === 0) dims.pop();
  },
  dataType(model, dice) {
    dice.pick(tensorsOf(model)).dataType = dice.pick([0, 1, 2, 3, 6, 7, 8, 9, 10, 11, 16, 17, 21, 22, 99, -1]);
  },
  data(model, dice) {
    const tensor = dice.pick(tensorsOf(model));
    const kind = dice.below(3);
    if (kind === 0) tensor.rawData = tensor.rawData.slice(0, dice.below(tensor.rawData.length));
    else if (kind === 1) tensor.floatData = [1, 2, 3];
    else if (tensor.rawData.length >= 4) {
      const values = new DataView(tensor.rawData.buffer, tensor.rawData.byteOffset, tensor.rawData.byteLength);
      values.setFloat32(4 * dice.below(Math.floor(tensor.rawData.length / 4)), dice.pick(FLOATS), true);
    }
  },
  duplicateName(model, dice) {
    const [a, b] = [dice.pick(nodesOf(model)), dice.pick(nodesOf(model))];
    if (dice.below(2) === 0) a.output[0] = dice.pick([b.output[0] ?? "", b.input[0] ?? "", b.input[1] ?? ""]);
    else tensorsOf(model).push(dice.pick(tensorsOf(model)));
    a.name = b.name;
  },
  emptyName(model, dice) {
    const node = dice.pick(nodesOf(model));
    const kind = dice.below(5);
    if (kind === 0) node.output[0] = "";
    else if (kind === 1) node.opType = "";
    else if (kind === 2) dice.pick(tensorsOf(model)).name = "";
    else if (kind === 3) node.output.push("", "", "", "");
    else node.input[dice.below(node.input.length)] = "";
  },
  inputsAndOutputs(model, dice) {
    const node = dice.pick(nodesOf(model));
    const kind = dice.below(5);
    if (kind === 0) node.input.pop();
    else if (kind === 1) node.input.push(...node.input);
    else if (kind === 2) node.output = [];
    else if (kind === 3) node.output.push("another", "more");
    else if (model.graph !== undefined) model.graph.output = [];
  },
  operator(model, dice) {
    dice.pick(nodesOf(model)).opType = dice.pick(OPERATORS);
    if (dice.below(5) === 0) dice.pick(nodesOf(model)).domain = dice.pick(["com.microsoft", "ai.onnx.ml", "nowhere"]);
  },
  order(model, dice) {
    const nodes = nodesOf(model);
    const kind = dice.below(3);
    if (kind === 0) nodes.reverse();
    else if (kind === 1) nodes.splice(dice.below(nodes.length), 1);
    else nodes.push(dice.pick(nodes));
  },
  attribute(model, dice) {
    const node = dice.pick(nodesOf(model).filter(({ attribute }) => attribute.length > 0));
    const attribute = dice.pick(node.attribute);
    attribute.i = dice.pick(NUMBERS);
    attribute.f = dice.pick(FLOATS);
    if (attribute.ints.length > 0) attribute.ints[dice.below(attribute.ints.length)] = dice.pick(NUMBERS);
    const kind = dice.below(6);
    if (kind === 0) attribute.ints = [];
    else if (kind === 1) attribute.ints.push(...attribute.ints);
    else if (kind === 2) attribute.type = dice.below(16);
    else if (kind === 3) attribute.name = dice.pick(["axis", "axes", "group", "pads", "", "value", "alpha"]);
    else if (kind === 4) node.attribute.push(attribute);
  },
  opset(model, dice) {
    const version = dice.pick([...NUMBERS, 1n, 6n, 8n, 10n, 11n, 12n, 14n, 18n, 22n, 99n]);
    const kind = dice.below(3);
    if (kind === 0) model.opsetImport = [create(OperatorSetIdProtoSchema, { domain: "nowhere", version })];
    else if (kind === 1) model.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "", version }));
    else if (model.opsetImport[0] !== undefined) model.opsetImport[0].version = version;
    if (dice.below(4) === 0) model.irVersion = dice.pick([0n, 1n, 3n, 99n, -1n, 2n ** 40n]);
  },
  nesting(model, dice) {
    const depth = 1 + dice.below(60);
    let graph = create(GraphProtoSchema, { name: "inner", node: [makeNode("Relu", "r", ["image"], ["deep"])] });
    graph.output = [create(ValueInfoProtoSchema, { name: "deep" })];
    for (let level = 0; level < depth; level++) {
      const node = makeNode("If", `if_${level}`, ["image"], [`level_${level}`]);
      for (const name of ["then_branch", "else_branch"].slice(0, level > 5 ? 1 : 2)) {
        node.attribute.push(create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g: graph }));
      }
      graph = create(GraphProtoSchema, { name: `g_${level}`, node: [node] });
      graph.output = [create(ValueInfoProtoSchema, { name: `level_${level}` })];
    }
    nodesOf(model).push(...graph.node);
  },
  many(model, dice) {
    const count = 1 + dice.below(5_000);
    const kind = dice.below(5);
    const node = dice.pick(nodesOf(model));
    if (kind === 0) node.input.push(...Array.from({ length: count }, () => node.input[0] ?? ""));
    else if (kind === 1) node.output.push(...Array.from({ length: count }, (_, index) => `more_${index}`));
    else if (kind === 2) dice.pick(tensorsOf(model)).dims.push(...Array.from({ length: count }, () => 1n));
    else if (kind === 3) {
      for (let index = 0; index < count / 10; index++)
        nodesOf(model).push(makeNode("Relu", "", [index === 0 ? "image" : `chain_${index - 1}`], [`chain_${index}`]));
    } else
      model.graph?.input.push(
        ...Array.from({ length: count }, (_, i) => create(ValueInfoProtoSchema, { name: `i_${i}` })),
      );
  },
  external(model, dice) {
    const tensor = dice.pick(tensorsOf(model));
    tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
    if (dice.below(2) === 0) tensor.rawData = new Uint8Array(0);
    const number = (): string => dice.pick(["0", "-1", "4096", "9223372036854775807", "1e9", "0x10", "NaN", "", "16"]);
    const location = dice.pick([
      "",
      ".",
      "..",
      "/dev/zero",
      "../x",
      "missing",
      "\0",
      "a/../../b",
      "self.onnx",
      "small.bin",
    ]);
    tensor.externalData = Object.entries({ location, offset: number(), length: number() })
      .filter(() => dice.below(4) > 0)
      .map(([key, value]) => create(StringStringEntryProtoSchema, { key, value }));
  },
};

/** One of all kinds of damage, done to one of the models; the same seed gives the same bytes. */
export function mutate(models: readonly Uint8Array[], seed: number): Mutation {
  const dice = new Dice(seed);
  const bytes = dice.pick(models);
  const names = [...Object.keys(BYTES), ...Object.keys(BYTES), ...Object.keys(MODEL)];
  const name = dice.pick(names);
  const onBytes = BYTES[name];
  if (onBytes !== undefined) return { name, bytes: onBytes(bytes, dice) };
  const model = parseModel(Uint8Array.from(bytes), "the base of a mutation");
  MODEL[name]?.(model, dice);
  return { name, bytes: serializeModel(model) };
}

function nodesOf(model: ModelProto): NodeProto[] {
  return model.graph?.node ?? [];
}

function tensorsOf(model: ModelProto): TensorProto[] {
  return model.graph?.initializer ?? [];
}

function replaceInput(node: NodeProto | undefined, dice: Dice, name: string): void {
  if (node !== undefined) node.input[dice.below(node.input.length)] = name;
}
