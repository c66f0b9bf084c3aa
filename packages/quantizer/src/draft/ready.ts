import type { DataSource, Graph } from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import { calibrate, type Calibration } from "../calibration/calibrate.ts";
import { loadCalibration, saveCalibration } from "../calibration/table.ts";
import type { EmitOptions } from "../int8/emit-options.ts";
import type { ImproveOptions } from "../improve/apply-techniques.ts";
import type { SearchTarget } from "../improve/search-target.ts";
import { RESCALING } from "../improve/techniques.ts";
import type { QuantizeOptions, ReportProgress } from "../options.ts";
import { VERIFIED_IMAGES } from "../quality/compare.ts";
import type { Draft } from "./draft.ts";

/** A float graph that is ready to be written in int8, its ranges, and how both came about. */
export interface Ready extends Pick<
  Draft,
  "float" | "floatOutputs" | "calibration" | "method" | "techniques" | "search"
> {
  /** `float` itself, or with weights and biases that make up for what int8 loses. */
  readonly graph: Graph;
  readonly ranges: ReadonlyMap<string, Range>;
  /** Nodes that the search left in float. */
  readonly floatNodes: ReadonlySet<string>;
}

/** Finds the ranges, from a table, by one method, with the techniques that were asked for, or by a search for a target. */
export async function makeReady(
  graph: Graph,
  options: QuantizeOptions,
  emit: EmitOptions,
  progress: ReportProgress,
): Promise<Ready> {
  const { calibration: source, table, target } = options;
  if (table !== undefined || source === undefined)
    return { ...fromCalibration(await loadCalibration(table ?? "", graph)), ...unchanged(graph) };
  if (target !== undefined) return search(graph, options, { source, target, emit }, progress);
  if ((options.techniques ?? []).length > 0) return improve(graph, options, { source, emit }, progress);
  // A thorough verification compares with the file as it is, which is not what calibration runs.
  const keptImages = options.verify === true ? 0 : VERIFIED_IMAGES;
  const calibration = await find(graph, options.method ?? "minmax", source, options, progress, keptImages);
  if (options.saveTable !== undefined) await saveCalibration(calibration, graph, options.saveTable);
  return { ...fromCalibration(calibration), ...unchanged(graph), floatOutputs: calibration.outputs };
}

async function improve(
  graph: Graph,
  options: QuantizeOptions,
  { source, emit }: { source: DataSource; emit: EmitOptions },
  progress: ReportProgress,
): Promise<Ready> {
  // Loaded only where it is asked for, as the search below: most models need neither.
  const { rescale, tuneLayers } = await import("../improve/apply-techniques.ts");
  const { techniques = [], method = "minmax", signal } = options;
  let found: Calibration | undefined;
  const settings: ImproveOptions = {
    emit,
    source,
    findRanges: async (from, wanted) => (found = await find(from, wanted, source, options, progress)).ranges,
    keepFloat: new Set(options.keepFloat),
    ...(signal === undefined ? {} : { signal }),
  };
  progress("improve", 0, 1);
  const rescaled = await rescale(graph, method, techniques, settings);
  const candidate = await tuneLayers(rescaled, techniques, settings);
  progress("improve", 1, 1);
  return {
    ...fromCalibration(found as Calibration),
    // Not the last that were found: a technique that did not help is taken back.
    ranges: candidate.ranges,
    graph: candidate.graph,
    float: rescaled.graph,
    // Those that rescale are left out where they found nothing to do, or nothing that helped.
    techniques: techniques.filter((technique) => !RESCALING.has(technique) || rescaled.applied.includes(technique)),
    search: null,
    floatNodes: new Set(),
  };
}

async function search(
  graph: Graph,
  options: QuantizeOptions,
  { source, target, emit }: { source: DataSource; target: SearchTarget; emit: EmitOptions },
  progress: ReportProgress,
): Promise<Ready> {
  const { searchQuantization } = await import("../improve/search.ts");
  const { signal } = options;
  let tries = 0;
  const result = await searchQuantization(graph, {
    target,
    emit,
    source,
    findRanges: async (from, method) => (await find(from, method, source, options, undefined)).ranges,
    keepFloat: new Set(options.keepFloat),
    ...(signal === undefined ? {} : { signal }),
    onStart: () => progress("improve", tries, ++tries),
  });
  progress("improve", tries, tries);
  const { method, techniques } = result.best.configuration;
  return {
    graph: result.candidate.graph,
    float: result.float,
    ranges: result.candidate.ranges,
    floatNodes: result.candidate.floatNodes ?? new Set(),
    calibration: { kind: source.kind, name: source.name, images: source.count },
    method,
    techniques,
    search: result,
  };
}

function find(
  graph: Graph,
  method: Calibration["method"],
  source: DataSource,
  options: QuantizeOptions,
  progress: ReportProgress | undefined,
  keptImages = 0,
): Promise<Calibration> {
  const { format, percentile, signal } = options;
  return calibrate(graph, source, {
    method,
    name: options.input,
    keptImages,
    ...(format === undefined ? {} : { format }),
    ...(percentile === undefined ? {} : { percentile }),
    ...(signal === undefined ? {} : { signal }),
    onImages: (done, total) => progress?.("calibrate", done, total),
  });
}

function fromCalibration({ ranges, method, kind, name, images }: Calibration) {
  return { ranges, method, calibration: { kind, name, images } };
}

function unchanged(graph: Graph) {
  return { graph, float: graph, techniques: [], search: null, floatNodes: new Set<string>() };
}
