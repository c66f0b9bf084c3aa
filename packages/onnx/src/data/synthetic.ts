import { drawDeadLeaves } from "./dead-leaves.ts";
import { imageFeed, normalizeImage, pictureInputOf } from "./image-input.ts";
import { createSource, readerOf, type DataOptions, type DataSource } from "./source.ts";

/** Generated images with the statistics of natural ones, for when there is no data set; any sample can be made on its own. */
export function openSynthetic(options: DataOptions): DataSource {
  const input = pictureInputOf(options);
  const seed = options.seed ?? 0;
  const origin = { kind: "synthetic", name: "synthetic", available: Number.POSITIVE_INFINITY } as const;
  const read = readerOf(async (first, count) => {
    const feed = imageFeed(input, count);
    for (let index = 0; index < count; index++) {
      const rgb = drawDeadLeaves(input.width, input.height, seed, first + index);
      normalizeImage(input.channels === 3 ? rgb : greyOf(rgb), "HWC", input, feed.image(index));
    }
    return { feeds: { [input.name]: feed.value } };
  });
  return createSource(origin, options, read);
}

/** Luma of ITU-R BT.601, as image libraries compute grey. */
function greyOf(rgb: Uint8Array): Uint8Array {
  return Uint8Array.from({ length: rgb.length / 3 }, (_, pixel) =>
    Math.round(0.299 * (rgb[pixel * 3] ?? 0) + 0.587 * (rgb[pixel * 3 + 1] ?? 0) + 0.114 * (rgb[pixel * 3 + 2] ?? 0)),
  );
}
