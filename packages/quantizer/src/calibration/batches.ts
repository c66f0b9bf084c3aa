import { DataError, ModelError, throwIfCanceled, type DataBatch, type DataSource, type Session } from "@edgewatt/onnx";

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

/** Batches of a size that the model takes: its own where it is fixed (what does not fill one is left out), else bounded by memory. */
export async function* fittingBatches(
  session: Session,
  source: DataSource,
  first: number,
  count: number,
  signal: AbortSignal | undefined,
  largestBatch = LARGEST_BATCH,
): AsyncGenerator<DataBatch> {
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
