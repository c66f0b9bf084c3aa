import { DataError, ModelError, throwIfCanceled } from "../errors.ts";
import type { Session } from "../session.ts";
import type { DataBatch, DataSource } from "./source.ts";

/** Input values in one batch: what bounds the memory of a run, whatever the number of images. */
const BATCH_VALUES = 65_536;
const LARGEST_BATCH = 4;

/**
 * The batch size that a model insists on; undefined where it is free.
 * @throws ModelError where it is none at all, as a source would give batches without end
 */
export function fixedBatch(session: Session): number | undefined {
  const input = session.inputs[0];
  const batch = input?.shape[0];
  if (typeof batch !== "number") return undefined;
  if (batch >= 1) return batch;
  throw new ModelError(
    `the model takes batches of ${batch} images at its input "${input?.name ?? ""}": export it again with a free batch or one of 1`,
    { code: "batch-empty", context: { input: input?.name, shape: input?.shape } },
  );
}

/**
 * Batches of a size that the model takes: its own where it is fixed (what does not fill one is left out), else bounded by memory.
 * @throws DataError where that gives no batch at all
 */
export async function* fittingBatches(
  session: Session,
  source: DataSource,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
  largestBatch = LARGEST_BATCH,
): AsyncGenerator<DataBatch> {
  const fixed = fixedBatch(session);
  const batchSize = fixed ?? (await boundedBatch(session, source, first, largestBatch));
  let yielded = 0;
  for await (const batch of source.batches({ batchSize, first, count, ...(signal === undefined ? {} : { signal }) })) {
    if (fixed !== undefined && batch.count !== fixed) continue;
    yield batch;
    yielded += batch.count;
    throwIfCanceled(signal, `reading ${source.name}`);
  }
  if (yielded > 0) return;
  throw new DataError(
    fixed === undefined
      ? `${source.name} gave no images: give at least one`
      : `${source.name} holds fewer images than the model's fixed batch of ${fixed}: give at least ${fixed}`,
    { code: "data-too-few", context: { source: source.name, batch: fixed } },
  );
}

async function boundedBatch(
  session: Session,
  source: DataSource,
  first: number,
  largestBatch: number,
): Promise<number> {
  if (largestBatch === 1) return 1;
  const sides = session.inputs[0]?.shape.slice(1) ?? [];
  const sampleValues = sides.every((side) => typeof side === "number")
    ? sides.reduce((product, side) => product * side, 1)
    : await valuesOfOne(source, first);
  return Math.max(1, Math.min(largestBatch, Math.floor(BATCH_VALUES / sampleValues)));
}

/** The size of a sample where the model leaves it open. */
async function valuesOfOne(source: DataSource, first: number): Promise<number> {
  for await (const { feeds } of source.batches({ batchSize: 1, first, count: 1 })) {
    return Math.max(1, ...Object.values(feeds).map(({ data }) => data.length));
  }
  return 1;
}
