import { extname } from "node:path";
import type { Sharp } from "sharp";
import { DataError, firstLineOf } from "../errors.ts";
import { imageFeed, normalizeImage, pictureInputOf, type ImageInput } from "./image-input.ts";
import { createSource, readerOf, type DataOptions, type DataSource } from "./source.ts";

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
  const input = pictureInputOf(options);
  const read = readerOf(async (first, count) => {
    const feed = imageFeed(input, count);
    await Promise.all(
      files.slice(first, first + count).map(async (path, index) => {
        normalizeImage(await decodeImage(path, input), "HWC", input, feed.image(index));
      }),
    );
    return { feeds: { [input.name]: feed.value } };
  });
  return createSource({ kind: "images", name: folder, available: files.length }, options, read);
}

/** The image library is loaded with the first image: its native part takes 25 MB, which other data does not need. */
async function openImage(path: string): Promise<Sharp> {
  const { default: sharp } = await import("sharp");
  return sharp(path);
}

async function decodeImage(path: string, input: ImageInput): Promise<Uint8Array> {
  try {
    const image = (await openImage(path))
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
