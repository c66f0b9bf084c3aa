import { DataError, throwIfCanceled } from "../errors.ts";
import { drawDeadLeaves } from "./dead-leaves.ts";
import { imageFeed, imageInputOf, normalizeImage } from "./image-input.ts";
import {
  batchRanges,
  DEFAULT_IMAGES,
  type BatchRequest,
  type DataBatch,
  type DataOptions,
  type DataSource,
} from "./source.ts";

/** Generated images with the statistics of natural ones, for when there is no data set; any sample can be made on its own. */
export function openSynthetic(options: DataOptions): DataSource {
  const input = imageInputOf(options);
  if (input.channels !== 1 && input.channels !== 3) {
    throw new DataError(
      `synthetic images have 1 or 3 channels but input "${input.name}" takes ${input.channels}: give its data as .npy`,
      {
        code: "data-shape",
        context: { input: input.name },
      },
    );
  }
  const count = options.images ?? DEFAULT_IMAGES;
  const seed = options.seed ?? 0;
  return {
    kind: "synthetic",
    name: "synthetic",
    count,
    available: Number.POSITIVE_INFINITY,
    async *batches(request: BatchRequest): AsyncGenerator<DataBatch> {
      for (const range of batchRanges(request, { count, available: Number.POSITIVE_INFINITY })) {
        throwIfCanceled(request.signal, "generating images");
        const feed = imageFeed(input, range.count);
        for (let index = 0; index < range.count; index++) {
          const rgb = drawDeadLeaves(input.width, input.height, seed, range.first + index);
          normalizeImage(input.channels === 3 ? rgb : greyOf(rgb), "HWC", input, feed.image(index));
        }
        yield { feeds: { [input.name]: feed.value }, count: range.count };
      }
    },
  };
}

/** Luma of ITU-R BT.601, as image libraries compute grey. */
function greyOf(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, pixel) =>
    Math.round(0.299 * (rgb[pixel * 3] ?? 0) + 0.587 * (rgb[pixel * 3 + 1] ?? 0) + 0.114 * (rgb[pixel * 3 + 2] ?? 0)),
  );
}
