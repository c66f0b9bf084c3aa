import type { FileHandle } from "node:fs/promises";
import { DataError } from "../errors.ts";
import { imageFeed, imageInputOf, normalizeImage } from "./image-input.ts";
import { openForReading, readExactly } from "./read-range.ts";
import { createSource, type DataBatch, type DataOptions, type DataSource } from "./source.ts";

const SIDE = 32;
const CHANNELS = 3;
/** One label byte, then the red, green and blue planes row by row (the CIFAR-10 binary version, cs.toronto.edu/~kriz/cifar.html). */
const RECORD_BYTES = 1 + CHANNELS * SIDE * SIDE;

/**
 * Opens a CIFAR-10 binary file; its batches carry labels, so it serves for evaluation too.
 * @throws DataError when the file is no whole number of records, or the model takes no 32 by 32 RGB images
 */
export async function openCifar(path: string, options: DataOptions): Promise<DataSource> {
  const input = imageInputOf(options, SIDE);
  if (input.channels !== CHANNELS || input.height !== SIDE || input.width !== SIDE) {
    throw new DataError(
      `${path} holds RGB images of 32x32x3 but the model takes ${input.width}x${input.height}x${input.channels}: give a folder of images`,
      {
        code: "data-shape",
        context: { path },
      },
    );
  }
  const bytes = await fileSize(path);
  if (bytes === 0 || bytes % RECORD_BYTES !== 0) {
    throw new DataError(
      `${path} is not a CIFAR-10 binary file: its ${bytes} bytes are no whole number of ${RECORD_BYTES}-byte records`,
      {
        code: "data-damaged",
        context: { path, bytes },
      },
    );
  }
  const read = async (handle: FileHandle, first: number, count: number): Promise<Omit<DataBatch, "count">> => {
    const records = await readExactly(handle, path, first * RECORD_BYTES, count * RECORD_BYTES);
    const feed = imageFeed(input, count);
    const labels = new Uint8Array(count);
    for (let index = 0; index < count; index++) {
      const record = records.subarray(index * RECORD_BYTES, (index + 1) * RECORD_BYTES);
      labels[index] = record[0] as number;
      normalizeImage(record.subarray(1), "CHW", input, feed.image(index));
    }
    return { feeds: { [input.name]: feed.value }, labels };
  };
  return createSource({ kind: "cifar", name: path, available: bytes / RECORD_BYTES }, options, async () => {
    const handle = await openForReading(path);
    return {
      read: (first, count) => read(handle, first, count),
      [Symbol.asyncDispose]: () => handle.close(),
    };
  });
}

async function fileSize(path: string): Promise<number> {
  await using handle = await openForReading(path);
  return (await handle.stat()).size;
}
