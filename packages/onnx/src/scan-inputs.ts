import { open, type FileHandle } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { ModelError } from "./errors.ts";
import { ValueInfoProtoSchema, type ValueInfoProto } from "./proto.ts";

/** Field numbers of ModelProto, GraphProto and TensorProto in onnx.proto. */
const GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const GRAPH_INPUT = 11;
const TENSOR_NAME = 8;

/** What is read at a time: nodes are small and lie together, weights are skipped. */
const WINDOW_BYTES = 65_536;
/** The longest tag and length (protobuf encoding: 5 and 10 bytes). */
const HEAD_BYTES = 15;
/** No description of a value is this long; it bounds what a damaged length can ask for. */
const LARGEST_DESCRIPTION_BYTES = 1 << 20;
/** More nodes and weights than this are faster parsed at once; in a damaged file it bounds the time that is spent on what is no field. */
const MOST_FIELDS = 100_000;

interface Field {
  readonly number: number;
  /** Of its content, which `length` bytes hold. */
  readonly offset: number;
  readonly length: number;
}

/**
 * The inputs that a model file declares, without those that an initializer fills, found without reading its weights: a model may be large and its description is not.
 * @returns undefined where only the whole file tells, as it is damaged or cannot be read
 */
export async function scanInputs(path: string): Promise<ValueInfoProto[] | undefined> {
  try {
    await using handle = await open(path, "r");
    const window = new FileWindow(handle, (await handle.stat()).size);
    const graphs: Field[] = [];
    for await (const field of fieldsOf(window, { offset: 0, length: window.fileBytes })) {
      if (field.number === GRAPH) graphs.push(field);
    }
    const [graph] = graphs;
    if (graph === undefined || graphs.length > 1) return undefined;
    const inputs: ValueInfoProto[] = [];
    const initializers: Field[] = [];
    for await (const field of fieldsOf(window, graph)) {
      if (field.number === GRAPH_INITIALIZER) initializers.push(field);
      if (field.number !== GRAPH_INPUT) continue;
      if (field.length > LARGEST_DESCRIPTION_BYTES) return undefined;
      inputs.push(fromBinary(ValueInfoProtoSchema, await window.read(field)));
    }
    if (inputs.length < 2) return inputs;
    const initialized = await namesOf(window, initializers);
    return inputs.filter((input) => !initialized.has(input.name));
  } catch {
    // Whoever then reads the whole file finds the same fault and says what it is.
    return undefined;
  }
}

async function namesOf(window: FileWindow, tensors: readonly Field[]): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const tensor of tensors) {
    for await (const field of fieldsOf(window, tensor)) {
      if (field.number !== TENSOR_NAME) continue;
      names.add(new TextDecoder().decode(await window.read(field)));
      break;
    }
  }
  return names;
}

/** The fields of a message at a place of the file, in their order, without reading their contents. */
async function* fieldsOf(window: FileWindow, place: Omit<Field, "number">): AsyncGenerator<Field> {
  const end = place.offset + place.length;
  let at = place.offset;
  for (let count = 0; at < end; count++) {
    if (count === MOST_FIELDS) throw new ModelError("too many fields to scan", { code: "model-damaged" });
    const reader = new BinaryReader(await window.read({ offset: at, length: Math.min(HEAD_BYTES, end - at) }));
    const [number, wireType] = reader.tag();
    let length = 0;
    if (wireType === WireType.Varint) reader.uint64();
    else if (wireType === WireType.LengthDelimited) length = reader.uint32();
    else if (wireType === WireType.Bit32) length = 4;
    else if (wireType === WireType.Bit64) length = 8;
    else throw new ModelError(`wire type ${wireType} is no part of a model`, { code: "model-damaged" });
    const offset = at + reader.pos;
    if (offset + length > end) throw new ModelError("a field is longer than the file", { code: "model-damaged" });
    yield { number, offset, length };
    at = offset + length;
  }
}

/** Reads a file with a look ahead, so that small neighbours cost one read together. */
class FileWindow {
  readonly fileBytes: number;
  readonly #handle: FileHandle;
  #start = 0;
  #bytes = new Uint8Array(0);

  constructor(handle: FileHandle, fileBytes: number) {
    this.#handle = handle;
    this.fileBytes = fileBytes;
  }

  async read({ offset, length }: Omit<Field, "number">): Promise<Uint8Array> {
    if (offset < this.#start || offset + length > this.#start + this.#bytes.length) {
      const bytes = new Uint8Array(Math.min(Math.max(WINDOW_BYTES, length), this.fileBytes - offset));
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, offset);
      this.#start = offset;
      this.#bytes = bytes.subarray(0, bytesRead);
    }
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }
}
