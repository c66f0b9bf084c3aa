import type { FileHandle } from "node:fs/promises";
import { DataError } from "../errors.ts";
import type { TensorValue, ValueDescription } from "../session.ts";
import { fixedShape, imageFeed, imageInputOf, normalizeImage } from "./image-input.ts";
import { openForReading, readExactly } from "./read-range.ts";
import { createSource, type DataOptions, type DataSource, type ReadSamples } from "./source.ts";

/** What the header of a `.npy` file says (NumPy Enhancement Proposal 1, numpy.lib.format). */
interface NpyHeader {
  readonly type: "float32" | "uint8";
  readonly shape: readonly number[];
  readonly dataOffset: number;
}

interface NpyReader {
  readonly samples: number;
  read(handle: FileHandle, first: number, count: number): Promise<TensorValue>;
}

const MAGIC = Uint8Array.of(0x93, ...new TextEncoder().encode("NUMPY"));
/** Longer headers than this do not occur for the two types that are read here; it bounds what a damaged length can ask for. */
const LARGEST_HEADER_BYTES = 65_536;

/** Whether a file begins as a `.npy` file does, whatever its name is: artifacts are kept under their digest. */
export async function isNpy(path: string): Promise<boolean> {
  await using handle = await openForReading(path);
  const start = new Uint8Array(MAGIC.length);
  await handle.read(start, 0, start.length, 0);
  return MAGIC.every((byte, index) => start[index] === byte);
}

/**
 * Opens one `.npy` file whose first axis counts samples: float32 is taken as ready for the model, in its layout; uint8 as
 * NHWC images, which are normalized. Samples are read by offset, so the file may be larger than memory.
 */
export async function openNpy(path: string, options: DataOptions): Promise<DataSource> {
  const [input] = options.inputs;
  if (input === undefined || options.inputs.length > 1) {
    throw new DataError(
      `${path} feeds one input but the model has ${options.inputs.length}: give a folder with one <input name>.npy per input`,
      {
        code: "data-shape",
        context: { path },
      },
    );
  }
  return npySource(path, [{ path, input }], options);
}

/** Opens one `<input name>.npy` per input of the model; all must hold the same number of samples. */
export async function openNpyFolder(
  folder: string,
  files: readonly { path: string; input: ValueDescription }[],
  options: DataOptions,
): Promise<DataSource> {
  return npySource(folder, files, options);
}

async function npySource(
  name: string,
  files: readonly { path: string; input: ValueDescription }[],
  options: DataOptions,
): Promise<DataSource> {
  const readers: { input: string; reader: NpyReader }[] = [];
  for (const file of files)
    readers.push({ input: file.input.name, reader: await openReader(file.path, file.input, options) });
  const sizes = new Set(readers.map(({ reader }) => reader.samples));
  if (sizes.size > 1) {
    const found = readers.map(({ input, reader }) => `${input}: ${reader.samples}`).join(", ");
    throw new DataError(
      `the .npy files of ${name} hold different numbers of samples (${found}): give the same number for each input`,
      {
        code: "data-shape",
        context: { path: name },
      },
    );
  }
  const available = readers[0]?.reader.samples ?? 0;
  if (available === 0)
    throw new DataError(`${name} holds no samples: give at least one`, { code: "data-empty", context: { path: name } });
  return createSource({ kind: "npy", name, available }, options, async () => {
    const handles: FileHandle[] = [];
    const close = async (): Promise<void> => {
      for (const handle of handles) await handle.close();
    };
    try {
      for (const file of files) handles.push(await openForReading(file.path));
    } catch (error) {
      await close();
      throw error;
    }
    const read: ReadSamples = async (first, count) => {
      const feeds: Record<string, TensorValue> = {};
      for (const [index, { input, reader }] of readers.entries()) {
        feeds[input] = await reader.read(handles[index] as FileHandle, first, count);
      }
      return { feeds };
    };
    return { read, [Symbol.asyncDispose]: close };
  });
}

async function openReader(path: string, input: ValueDescription, options: DataOptions): Promise<NpyReader> {
  const header = await readHeader(path);
  return header.type === "uint8"
    ? imageReader(path, header, input, options)
    : floatReader(path, header, input, options);
}

function floatReader(path: string, header: NpyHeader, input: ValueDescription, options: DataOptions): NpyReader {
  const isFirst = input === options.inputs[0];
  const expected = fixedShape(input, isFirst ? options.inputShape : undefined);
  const sides = header.shape.slice(1);
  const fits =
    header.shape.length === expected.length &&
    sides.every((side, axis) => typeof expected[axis + 1] === "string" || expected[axis + 1] === side);
  if (!fits || input.type !== "float32") {
    throw new DataError(
      `${path} holds float32 [${header.shape.join(", ")}] but input "${input.name}" takes ${input.type} [${expected.join(", ")}]: the first axis counts samples, the others must fit`,
      { code: "data-shape", context: { path, input: input.name } },
    );
  }
  const sampleSize = sides.reduce((product, side) => product * side, 1);
  return {
    samples: header.shape[0] ?? 0,
    async read(handle, first, count) {
      const bytes = await readExactly(handle, path, header.dataOffset + first * sampleSize * 4, count * sampleSize * 4);
      return { type: "float32", dims: [count, ...sides], data: new Float32Array(bytes.buffer) };
    },
  };
}

function imageReader(path: string, header: NpyHeader, input: ValueDescription, options: DataOptions): NpyReader {
  const image = imageInputOf({ ...options, inputs: [input] }, header.shape[1]);
  const [samples = 0, height, width, channels] = header.shape;
  if (header.shape.length !== 4 || height !== image.height || width !== image.width || channels !== image.channels) {
    throw new DataError(
      `${path} holds uint8 [${header.shape.join(", ")}] but images for input "${input.name}" are [samples, ${image.height}, ${image.width}, ${image.channels}]: resize them, or give a folder of images`,
      { code: "data-shape", context: { path, input: input.name } },
    );
  }
  const size = image.height * image.width * image.channels;
  return {
    samples,
    async read(handle, first, count) {
      const bytes = await readExactly(handle, path, header.dataOffset + first * size, count * size);
      const feed = imageFeed(image, count);
      for (let index = 0; index < count; index++) {
        normalizeImage(bytes.subarray(index * size, (index + 1) * size), "HWC", image, feed.image(index));
      }
      return feed.value;
    },
  };
}

async function readHeader(path: string): Promise<NpyHeader> {
  await using handle = await openForReading(path);
  const fileBytes = (await handle.stat()).size;
  const damaged = (why: string): DataError =>
    new DataError(`${path} is not a usable .npy file: ${why}; save it with numpy.save`, {
      code: "data-damaged",
      context: { path },
    });
  if (fileBytes < 12) throw damaged("it is too short");
  const start = await readExactly(handle, path, 0, 12);
  if (!MAGIC.every((byte, index) => start[index] === byte)) throw damaged("it does not begin with the NumPy mark");
  const view = new DataView(start.buffer);
  const [headerOffset, headerBytes] = start[6] === 1 ? [10, view.getUint16(8, true)] : [12, view.getUint32(8, true)];
  if (headerBytes > LARGEST_HEADER_BYTES || headerOffset + headerBytes > fileBytes)
    throw damaged("its header is longer than the file");
  const text = new TextDecoder("latin1").decode(await readExactly(handle, path, headerOffset, headerBytes));
  const descr = /'descr':\s*'([^']*)'/.exec(text)?.[1];
  const shapeText = /'shape':\s*\(([^)]*)\)/.exec(text)?.[1];
  if (descr === undefined || shapeText === undefined) throw damaged("its header names no type and shape");
  if (/'fortran_order':\s*True/.test(text)) throw damaged("it is in Fortran order, use numpy.ascontiguousarray");
  const type = descr === "<f4" ? "float32" : descr === "|u1" ? "uint8" : undefined;
  if (type === undefined) throw damaged(`its type is ${descr}, use float32 or uint8`);
  const shape = shapeText
    .split(",")
    .map((side) => side.trim())
    .filter((side) => side !== "")
    .map(Number);
  if (shape.length === 0 || !shape.every((side) => Number.isSafeInteger(side) && side >= 0))
    throw damaged(`its shape is (${shapeText})`);
  const dataOffset = headerOffset + headerBytes;
  const expected = shape.reduce((product, side) => product * side, type === "float32" ? 4 : 1);
  if (dataOffset + expected > fileBytes)
    throw damaged(`its shape needs ${expected} bytes but it holds ${fileBytes - dataOffset}`);
  return { type, shape, dataOffset };
}
