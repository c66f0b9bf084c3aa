import {
  DataError,
  deriveModel,
  makeNode,
  makeOutput,
  openSession,
  throwIfCanceled,
  type DataKind,
  type DataSource,
  type Graph,
  type NodeProto,
  type Session,
  type TensorValue,
} from "@edgewatt/onnx";
import type { Range } from "./arithmetic.ts";
import { candidateTensors } from "./rules/operators.ts";

/** What a run of the float model on calibration data found; it serves every format. */
export interface Calibration {
  /** Range of each float tensor that a quantized operator may read or write. */
  readonly ranges: ReadonlyMap<string, Range>;
  readonly kind: DataKind;
  readonly name: string;
  readonly images: number;
}

/** Input values in one batch: what bounds the memory of a calibration run, whatever the number of images. */
const BATCH_VALUES = 65_536;
const LARGEST_BATCH = 4;

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

/** The batch size that a model insists on; undefined where it is free. */
export function fixedBatch(session: Session): number | undefined {
  const batch = session.inputs[0]?.shape[0];
  return typeof batch === "number" ? batch : undefined;
}

/** Batches of a size that the model takes: its own where it is fixed (what does not fill one is left out), else bounded by memory. */
export async function* fittingBatches(
  session: Session,
  source: DataSource,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
  largestBatch = LARGEST_BATCH,
): AsyncGenerator<{ feeds: Readonly<Record<string, TensorValue>>; count: number }> {
  const fixed = fixedBatch(session);
  const sides = session.inputs[0]?.shape.slice(1) ?? [];
  const sampleValues = sides.reduce<number>((product, side) => product * (typeof side === "number" ? side : 1), 1);
  const batchSize = fixed ?? Math.max(1, Math.min(largestBatch, Math.floor(BATCH_VALUES / sampleValues)));
  let yielded = 0;
  for await (const batch of source.batches({ batchSize, first, count, ...(signal === undefined ? {} : { signal }) })) {
    if (fixed !== undefined && batch.count !== fixed) continue;
    yield batch;
    yielded += batch.count;
    throwIfCanceled(signal, `reading ${source.name}`);
  }
  if (yielded === 0 && fixed !== undefined) {
    throw new DataError(
      `${source.name} holds fewer images than the model's fixed batch of ${fixed}: give at least ${fixed}`,
      {
        code: "data-too-few",
        context: { source: source.name, batch: fixed },
      },
    );
  }
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
