import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { AttributeProto_AttributeType as AttributeType } from "onnx-buf";
import { dimsOf, type ModelProto, type NodeProto, type TensorProto } from "@edgewatt/onnx";

/** What bench/oracle/generate.py wrote for one model. */
export interface Golden {
  /** By `parity/method`: little-endian float32 in hexadecimal, smallest and largest value. */
  readonly ranges: Readonly<Record<string, Readonly<Record<string, readonly [string, string]>>>>;
  /** The nodes of each graph, one line each, by digest. */
  readonly graphs: Readonly<Record<string, readonly string[]>>;
  /** By `parity/method/format` with `/per-channel` and `/reduced` where they apply. */
  readonly results: Readonly<Record<string, GoldenResult>>;
}

type GoldenResult =
  | {
      readonly graph: string;
      /** Of all initializers. */
      readonly digest: string;
      readonly tensors?: Readonly<Record<string, string>>;
    }
  /** The reference's error. */
  | { readonly refused: string };

export async function readGolden<T = Golden>(name: string): Promise<T> {
  return JSON.parse(await readFile(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as T;
}

export function floatOf(hex: string): number {
  return Buffer.from(hex, "hex").readFloatLE(0);
}

export function digestOf(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}

/** The nodes as generate.py writes them. */
export function nodeLines(model: ModelProto): string[] {
  return (model.graph?.node ?? []).map((node) =>
    [node.opType, node.input.join(","), "->", node.output.join(","), ...attributesOf(node)].join(" "),
  );
}

/** The initializers as generate.py writes them, sorted by name. */
export function tensorTexts(model: ModelProto): Record<string, string> {
  const tensors = (model.graph?.initializer ?? []).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return Object.fromEntries(tensors.map((tensor) => [tensor.name, tensorText(tensor)]));
}

function tensorText(tensor: TensorProto): string {
  const data = rawBytes(tensor);
  const shown = data.length <= 16 ? Buffer.from(data).toString("hex") : `sha256:${digestOf(data)}`;
  return `${tensor.dataType} [${dimsOf(tensor).join(",")}] ${shown}`;
}

function rawBytes(tensor: TensorProto): Uint8Array {
  if (tensor.rawData.length > 0) return tensor.rawData;
  const values = [Float32Array.from(tensor.floatData), BigInt64Array.from(tensor.int64Data)];
  const data = values.find((array) => array.length > 0) ?? new Uint8Array(0);
  return new Uint8Array(data.buffer);
}

function attributesOf(node: NodeProto): string[] {
  return node.attribute.map((attribute) => `${attribute.name}${valueText(attribute)}`).toSorted();
}

function valueText({ type, f, i, s, ints }: NodeProto["attribute"][number]): string {
  if (type === AttributeType.FLOAT) return `=${Buffer.from(Float32Array.of(f).buffer).toString("hex")}`;
  if (type === AttributeType.INT) return `=${i}`;
  if (type === AttributeType.STRING) return `=${new TextDecoder().decode(s)}`;
  return type === AttributeType.INTS ? `=${ints.join(",")}` : "";
}
