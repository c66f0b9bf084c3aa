import {
  DataError,
  deriveModel,
  makeNode,
  makeOutput,
  openSession,
  type DataKind,
  type DataSource,
  type Graph,
  type NodeProto,
  type TensorValue,
} from "@edgewatt/onnx";
import type { Range } from "../arithmetic.ts";
import { candidateTensors } from "../rules/operators.ts";
import { fittingBatches } from "./batches.ts";

/** What a run of the float model on calibration data found; it serves every format. */
export interface Calibration {
  /** Range of each float tensor that a quantized operator may read or write. */
  readonly ranges: ReadonlyMap<string, Range>;
  readonly kind: DataKind;
  readonly name: string;
  readonly images: number;
}

/** Runs the prepared model on the calibration images and keeps the smallest and largest value of each tensor, nothing else. */
export async function calibrateMinMax(
  graph: Graph,
  source: DataSource,
  options: {
    readonly name?: string;
    readonly signal?: AbortSignal;
    readonly onImages?: (done: number, total: number) => void;
  } = {},
): Promise<Calibration> {
  const tensors = await floatTensors(graph, options.name);
  const reductions = tensors.map((name) => ({
    min: reduction(graph, "ReduceMin", name),
    max: reduction(graph, "ReduceMax", name),
  }));
  const model = deriveModel(graph.model, {
    node: [...graph.nodes, ...reductions.flatMap(({ min, max }) => [min.node, max.node])],
    output: reductions.flatMap(({ min, max }) => [makeOutput(min.output), makeOutput(max.output)]),
  });
  await using session = await openSession(model, { optimization: "disabled", name: "the calibration graph" });
  const found = tensors.map(() => ({ min: Infinity, max: -Infinity }));
  let done = 0;
  for await (const batch of fittingBatches(session, source, 0, source.count, options.signal)) {
    const results = await session.run(batch.feeds, undefined, options.signal);
    for (const [index, { min, max }] of reductions.entries()) {
      const range = found[index] as { min: number; max: number };
      range.min = Math.min(range.min, scalarOf(results[min.output]));
      range.max = Math.max(range.max, scalarOf(results[max.output]));
    }
    done += batch.count;
    options.onImages?.(done, source.count);
  }
  checkRanges(tensors, found, source);
  return {
    ranges: new Map(tensors.map((name, index) => [name, found[index] as Range])),
    kind: source.kind,
    name: source.name,
    images: done,
  };
}

/** The tensors among the candidates that are float32, which ONNX Runtime's own type inference tells. */
async function floatTensors(graph: Graph, modelName = "the model"): Promise<string[]> {
  const candidates = candidateTensors(graph);
  const inputs = new Set(graph.inputNames);
  const model = deriveModel(graph.model, {
    node: [...graph.nodes],
    output: candidates.filter((name) => !inputs.has(name) && graph.initializer(name) === undefined).map(makeOutput),
  });
  await using session = await openSession(model, { optimization: "disabled", name: modelName });
  const types = new Map([...session.inputs, ...session.outputs].map((value) => [value.name, value.type]));
  return candidates.filter((name) => types.get(name) === "float32");
}

function reduction(
  graph: Graph,
  opType: "ReduceMin" | "ReduceMax",
  tensor: string,
): { node: NodeProto; output: string } {
  const output = graph.uniqueName(`${tensor}_${opType}`);
  return { node: makeNode(opType, graph.uniqueName(`${output}_node`), [tensor], [output], { keepdims: 0n }), output };
}

/** NaN where the value is missing, which the check of the ranges reports. */
function scalarOf(value: TensorValue | undefined): number {
  return value?.data instanceof Float32Array ? (value.data[0] ?? Number.NaN) : Number.NaN;
}

function checkRanges(tensors: readonly string[], ranges: readonly Range[], source: DataSource): void {
  const bad = ranges.findIndex((range) => !Number.isFinite(range.min) || !Number.isFinite(range.max));
  if (bad < 0) return;
  throw new DataError(
    `calibration with ${source.name} gave no finite range for tensor "${tensors[bad] ?? ""}": check --mean and --std, and that the data holds no NaN or infinity`,
    { code: "range-not-finite", context: { tensor: tensors[bad] } },
  );
}
