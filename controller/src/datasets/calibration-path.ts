import { existsSync } from "node:fs";
import path from "node:path";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption } from "../options.ts";
import { CIFAR10, CIFAR10_CALIBRATION } from "./catalogue.ts";
import { findDataset, searchPath } from "./find.ts";

/** The file or folder that `--calibration` names, a data set's by its name. */
export async function calibrationPath(
  context: Context,
  what: string,
  options: DataOption & DatasetsOption,
): Promise<string> {
  if (what === "synthetic") return what;
  const file = path.resolve(context.cwd, what);
  if (what !== CIFAR10.name) return file;
  const dataset = await findDataset(what, searchPath(context, options));
  if (dataset !== undefined) return path.join(dataset.path, CIFAR10_CALIBRATION);
  if (existsSync(file)) return file;
  throw new UsageError(
    `data set ${what} is not here: download it with \`edgewatt datasets fetch ${what}\`, or name its parent folder with --datasets`,
  );
}
