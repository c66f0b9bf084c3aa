import { extname } from "node:path";
import sharp from "sharp";
import { DataError, firstLineOf, throwIfCanceled } from "../errors.ts";
import { imageFeed, imageInputOf, normalizeImage, type ImageInput } from "./image-input.ts";
import {
  batchRanges,
  DEFAULT_IMAGES,
  type BatchRequest,
  type DataBatch,
  type DataOptions,
  type DataSource,
} from "./source.ts";

const IMAGE_EXTENSIONS = new Set([".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff", ".avif"]);

/** Whether a file's name says that it is an image which can be read. */
export function isImageFile(path: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(path).toLowerCase());
}

/**
 * Images of any size, each scaled so that its shorter side fits the model's input, and cropped to its centre.
 * @param files in the order in which they are used
 */
export function openImages(folder: string, files: readonly string[], options: DataOptions): DataSource {
  const input = imageInputOf(options);
  if (input.channels !== 1 && input.channels !== 3) {
    throw new DataError(
      `images have 1 or 3 channels but input "${input.name}" takes ${input.channels}: give its data as .npy`,
      {
        code: "data-shape",
        context: { path: folder },
      },
    );
  }
  const available = files.length;
  const count = Math.min(options.images ?? DEFAULT_IMAGES, available);
  return {
    kind: "images",
    name: folder,
    count,
    available,
    async *batches(request: BatchRequest): AsyncGenerator<DataBatch> {
      for (const range of batchRanges(request, { count, available })) {
        throwIfCanceled(request.signal, `reading ${folder}`);
        const feed = imageFeed(input, range.count);
        const paths = files.slice(range.first, range.first + range.count);
        await Promise.all(
          paths.map(async (path, index) => {
            normalizeImage(await decodeImage(path, input), "HWC", input, feed.image(index));
          }),
        );
        yield { feeds: { [input.name]: feed.value }, count: range.count };
      }
    },
  };
}

async function decodeImage(path: string, input: ImageInput): Promise<Uint8Array> {
  try {
    const image = sharp(path)
      .autoOrient()
      .resize(input.width, input.height, { fit: "cover", position: "centre" })
      .flatten()
      .toColourspace(input.channels === 1 ? "b-w" : "srgb");
    return await image.raw({ depth: "uchar" }).toBuffer();
  } catch (error) {
    throw new DataError(`cannot decode image ${path}: remove it or save it again (${firstLineOf(error)})`, {
      code: "data-damaged",
      context: { path },
      cause: error,
    });
  }
}
