import { open } from "node:fs/promises";
import { DataError } from "../errors.ts";
import type { DataSource } from "./source.ts";

const BATCH = 64;

/**
 * Writes images as one `.npy` file of bytes (samples, height, width, channels), which says the same to any model of these sides: its
 * normalization comes in when that file is read.
 *
 * @param source opened without mean and deviation, so that its values are bytes ÷ 255
 * @throws DataError where the source gives no images
 */
export async function packImages(source: DataSource, file: string, signal?: AbortSignal): Promise<void> {
  await using handle = await open(file, "w");
  let written = false;
  for await (const { feeds } of source.batches({ batchSize: BATCH, ...(signal === undefined ? {} : { signal }) })) {
    const [feed] = Object.values(feeds);
    if (!(feed?.data instanceof Float32Array)) {
      throw new DataError(`cannot pack ${source.name}: it gives no images, so give its data as .npy`, {
        code: "input-not-image",
      });
    }
    const [count = 0, ...sides] = feed.dims;
    const [channels = 0, height = 0, width = 0] = isPlanes(sides) ? sides : [sides[2], sides[0], sides[1]];
    if (!written) await handle.write(npyHeader([source.count, height, width, channels]));
    written = true;
    await handle.write(isPlanes(sides) ? interleaved(feed.data, count, channels, height * width) : bytesOf(feed.data));
  }
}

function isPlanes([first = 0]: readonly number[]): boolean {
  return first === 1 || first === 3;
}

function bytesOf(values: Float32Array): Uint8Array {
  return Uint8Array.from(values, (value) => Math.round(255 * value));
}

function interleaved(values: Float32Array, count: number, channels: number, pixels: number): Uint8Array {
  const bytes = new Uint8Array(values.length);
  for (let image = 0; image < count; image++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let pixel = 0; pixel < pixels; pixel++) {
        const from = (image * channels + channel) * pixels + pixel;
        bytes[(image * pixels + pixel) * channels + channel] = Math.round(255 * (values[from] ?? 0));
      }
    }
  }
  return bytes;
}

/** Version 1.0 of the format (NumPy, `numpy.lib.format`): magic, version, length, a dictionary padded to 64 bytes. */
function npyHeader(shape: readonly number[]): Uint8Array {
  const text = `{'descr': '|u1', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const length = Math.ceil((text.length + 11) / 64) * 64 - 10;
  const head = Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, length & 255, length >> 8]);
  return Buffer.concat([head, Buffer.from(`${text.padEnd(length - 1)}\n`, "latin1")]);
}
