import { randomUUID } from "node:crypto";
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { DataError, digestModel, firstLineOf, type DataKind, type Graph } from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import type { Calibration } from "./calibrate.ts";
import { CALIBRATION_METHODS, THRESHOLD_METHODS, type ThresholdMethod } from "./method.ts";

/** The number goes up when a reader of this version could not read the file. */
const SCHEMA = "edgewatt.calibration/1";
const UNIT = "value of the tensor in the float model (float32)";
const DATA_KINDS: readonly DataKind[] = ["cifar", "npy", "images", "synthetic"];

/**
 * Writes what calibration found to a JSON file, aside and then over `path`, so that other runs can quantize the same model without it.
 * @param graph the prepared graph that was calibrated, as it was then: its digest is what `loadCalibration` goes by
 * @throws DataError when the file cannot be written
 */
export async function saveCalibration(calibration: Calibration, graph: Graph, path: string): Promise<void> {
  const { method, kind, name, images, ranges, methods } = calibration;
  const table = {
    schema: SCHEMA,
    model: { sha256: digestModel(graph.model) },
    method,
    data: { kind, name, images },
    unit: UNIT,
    tensors: Object.fromEntries(
      [...ranges].map(([tensor, range]) => [tensor, { ...range, method: methods.get(tensor) }]),
    ),
  };
  const aside = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(aside, `${JSON.stringify(table, undefined, 2)}\n`);
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw new DataError(
      `cannot write calibration table ${path}: check the folder and the free space (${firstLineOf(error)})`,
      { code: "table-unwritable", context: { path }, cause: error },
    );
  }
}

/**
 * Reads a table of `saveCalibration` for a model that was prepared in the same way.
 * @throws DataError when the file cannot be read, is no table (`table-damaged`) or belongs to another model (`table-other-model`)
 */
export async function loadCalibration(path: string, graph: Graph): Promise<Calibration> {
  const reader = new TableReader(path);
  const table = reader.object(await readJson(path), "the file");
  if (table["schema"] !== SCHEMA) throw reader.damaged(`"schema" is not "${SCHEMA}"`);
  const model = reader.object(table["model"], "model");
  if (model["sha256"] !== digestModel(graph.model)) {
    throw new DataError(`calibration table ${path} was made for another model: calibrate this one`, {
      code: "table-other-model",
      context: { path, table: model["sha256"] },
    });
  }
  const data = reader.object(table["data"], "data");
  const ranges = new Map<string, Range>();
  const methods = new Map<string, ThresholdMethod>();
  for (const [tensor, value] of Object.entries(reader.object(table["tensors"], "tensors"))) {
    const entry = reader.object(value, `tensor "${tensor}"`);
    ranges.set(tensor, reader.range(entry, tensor));
    methods.set(tensor, reader.oneOf(entry["method"], THRESHOLD_METHODS, `method of tensor "${tensor}"`));
  }
  return {
    ranges,
    methods,
    method: reader.oneOf(table["method"], CALIBRATION_METHODS, "method"),
    kind: reader.oneOf(data["kind"], DATA_KINDS, "data.kind"),
    name: String(data["name"]),
    images: reader.finite(data["images"], "data.images"),
  };
}

async function readJson(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    throw new DataError(`cannot read calibration table ${path}: check the path (${firstLineOf(error)})`, {
      code: "table-unreadable",
      context: { path },
      cause: error,
    });
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new TableReader(path).damaged(firstLineOf(error), error);
  }
}

/** Checks the parts of a table and names what is wrong. */
class TableReader {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  damaged(why: string, cause?: unknown): DataError {
    return new DataError(`${this.#path} is not a calibration table, or is damaged: ${why}; calibrate again`, {
      code: "table-damaged",
      context: { path: this.#path },
      ...(cause === undefined ? {} : { cause }),
    });
  }

  object(value: unknown, what: string): Readonly<Record<string, unknown>> {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
    throw this.damaged(`${what} is no object`);
  }

  finite(value: unknown, what: string): number {
    if (typeof value === "number" && Number.isFinite(value)) return value;
    throw this.damaged(`${what} is no number`);
  }

  range(entry: Readonly<Record<string, unknown>>, tensor: string): Range {
    const range = {
      min: this.finite(entry["min"], `min of tensor "${tensor}"`),
      max: this.finite(entry["max"], `max of tensor "${tensor}"`),
    };
    if (range.min <= 0 && range.max >= 0) return range;
    throw this.damaged(`the range of tensor "${tensor}" does not hold zero`);
  }

  oneOf<T extends string>(value: unknown, allowed: readonly T[], what: string): T {
    const found = allowed.find((candidate) => candidate === value);
    if (found !== undefined) return found;
    throw this.damaged(`${what} is not one of ${allowed.join(", ")}`);
  }
}
