import path from "node:path";
import { type Context, print, printJson, say } from "../context.ts";
import { columns, megabytes } from "../columns.ts";
import { CATALOGUE } from "../datasets/catalogue.ts";
import { fetchDataset } from "../datasets/fetch.ts";
import { type Dataset, findDataset, searchPath, sourceOf } from "../datasets/find.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption, JsonOption } from "../options.ts";
import { Progress } from "../progress.ts";

type Options = DataOption & DatasetsOption & JsonOption;

/** The data sets that were found, and where they were looked for. */
export async function listDatasets(context: Context, options: Options): Promise<void> {
  const folders = searchPath(context, options);
  const all = await Promise.all(CATALOGUE.map(({ name }) => findDataset(name, folders)));
  const found = all.filter((dataset) => dataset !== undefined);
  if (options.json === true) return printJson(context, { datasets: found, searched: folders });
  if (found.length === 0) return say(context, missing(CATALOGUE.map(({ name }) => name).join(", "), folders));
  const size = (dataset: Dataset): string => megabytes(dataset.files.reduce((sum, file) => sum + file.bytes, 0));
  print(
    context,
    columns(
      ["NAME", "SIZE", "FOLDER"],
      found.map((dataset) => [dataset.name, size(dataset), dataset.path]),
    ),
  );
}

function missing(name: string, folders: readonly string[]): string {
  return `no data set ${name} in ${folders.join(" or ")}: download it with \`edgewatt datasets fetch ${name}\`, or name its parent folder with --datasets`;
}

/** The folder of one data set. */
export async function printDatasetPath(context: Context, name: string, options: Options): Promise<void> {
  sourceOf(name);
  const folders = searchPath(context, options);
  const dataset = await findDataset(name, folders);
  if (dataset === undefined) throw new UsageError(missing(name, folders), { name });
  if (options.json === true) printJson(context, dataset);
  else print(context, dataset.path);
}

/** Downloads a data set, unless the data folder has it. */
export async function fetchNamedDataset(
  context: Context,
  name: string,
  options: DataOption & JsonOption & { readonly url?: string },
): Promise<void> {
  const known = sourceOf(name);
  const source = options.url === undefined ? known : { ...known, url: options.url };
  const folder = path.resolve(context.cwd, options.data, "datasets");
  const present = await findDataset(name, [folder]);
  const target = present?.path ?? (await fetchWithProgress(context, source, folder));
  if (options.json === true) printJson(context, { name, path: target, downloaded: present === undefined });
  else print(context, target);
}

/** Downloads a data set and shows on a terminal how far it is. */
export async function fetchWithProgress(
  context: Context,
  source: Parameters<typeof fetchDataset>[0],
  folder: string,
): Promise<string> {
  using progress = new Progress(context);
  return await fetchDataset(source, {
    folder,
    signal: context.signal,
    onProgress: (done, total) =>
      progress.update(
        source.name,
        `${source.name}: ${megabytes(done)}${total === undefined ? "" : ` of ${megabytes(total)}`}`,
      ),
  });
}
