import { mkdir } from "node:fs/promises";
import path from "node:path";
import type { Layers, Results } from "@edgewatt/protocol";
import writeFileAside from "write-file-atomic";
import { toCsv } from "./csv.ts";
import { ReportError } from "./errors.ts";
import { figures } from "./figures/index.ts";
import { layersFiles } from "./layers/layers-files.ts";
import { reportMarkdown } from "./markdown.ts";

/**
 * Writes `results.json`, `results.csv`, `report.md` and the figures into a folder, which it creates; each file is
 * written aside and renamed, `results.json` last. Resolves to the names of the files.
 * @param layers of the model of a study: what `writeLayersReport` writes then lies in the same folder, and the report shows its figure
 * @throws {ReportError} code `write-failed`
 */
export function writeReport(dir: string, results: Results, layers?: Layers): Promise<string[]> {
  return writeFiles(dir, [
    ...(layers === undefined ? [] : layersFiles(layers)),
    ...figures(results).map(({ name, svg }) => [`${name}.svg`, svg] as const),
    ["results.csv", toCsv(results)],
    ["report.md", reportMarkdown(results, layers)],
    ["results.json", `${JSON.stringify(results, null, 2)}\n`],
  ]);
}

/**
 * The same for the layers of a model: `layers.json`, `layers.csv`, `layers.md` and the figure.
 * @throws {ReportError} code `write-failed`
 */
export function writeLayersReport(dir: string, layers: Layers): Promise<string[]> {
  return writeFiles(dir, layersFiles(layers));
}

/** Writes files into a folder in their order, each aside and renamed. @throws {ReportError} code `write-failed` */
async function writeFiles(dir: string, files: readonly (readonly [name: string, text: string])[]): Promise<string[]> {
  try {
    await mkdir(dir, { recursive: true });
    for (const [name, text] of files) await writeFileAside(path.join(dir, name), text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new ReportError(`cannot write the report to ${dir} (${reason}): make it writable or name another folder`, {
      code: "write-failed",
      context: { dir },
      cause,
    });
  }
  return files.map(([name]) => name);
}
