import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError, firstLineOf } from "../errors.ts";
import { openCifar } from "./cifar.ts";
import { isImageFile, openImages } from "./image-folder.ts";
import { isNpy, openNpy, openNpyFolder } from "./npy.ts";
import type { DataOptions, DataSource } from "./source.ts";
import { openSynthetic } from "./synthetic.ts";

/**
 * Opens the calibration data that a user names: a folder of images (centre crop, resized; sub-folders too, in the order of their paths), a folder
 * with one `<input name>.npy` per input, one `.npy` file, a CIFAR binary file, or `synthetic`.
 * @throws DataError when it is none of these or does not fit the model
 */
export async function openCalibration(what: string, options: DataOptions): Promise<DataSource> {
  if (options.images !== undefined && !(Number.isSafeInteger(options.images) && options.images > 0)) {
    throw new DataError(`--images must be a whole number above 0, but is ${options.images}`, { code: "images-count" });
  }
  if (what === "synthetic") return openSynthetic(options);
  let isFolder: boolean;
  try {
    isFolder = (await stat(what)).isDirectory();
  } catch (error) {
    throw new DataError(
      `cannot read calibration data ${what}: give a folder of images, a CIFAR binary file, a .npy file, a folder of .npy files, or the word synthetic (${firstLineOf(error)})`,
      { code: "data-unreadable", context: { path: what }, cause: error },
    );
  }
  if (isFolder) return openFolder(what, options);
  return what.endsWith(".npy") || (await isNpy(what)) ? openNpy(what, options) : openCifar(what, options);
}

async function openFolder(folder: string, options: DataOptions): Promise<DataSource> {
  const files = await listFiles(folder);
  const arrays = options.inputs.map((input) => ({ input, path: join(folder, `${input.name}.npy`) }));
  if (arrays.length > 0 && arrays.every((array) => files.includes(array.path)))
    return openNpyFolder(folder, arrays, options);
  const images = files.filter(isImageFile);
  if (images.length > 0) return openImages(folder, images, options);
  const missing = arrays.filter((array) => !files.includes(array.path)).map((array) => array.path);
  throw new DataError(
    `${folder} holds no images and not all of ${missing.join(", ")}: give a folder with images or one .npy per input of the model`,
    {
      code: "data-empty",
      context: { path: folder },
    },
  );
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}
