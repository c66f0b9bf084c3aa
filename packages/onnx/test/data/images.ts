import type { ValueDescription } from "../../src/session.ts";
import type { DataBatch, DataSource } from "../../src/data/source.ts";

export const NCHW_32: ValueDescription = { name: "input", type: "float32", shape: ["batch", 3, 32, 32] };
export const NHWC_32: ValueDescription = { name: "input", type: "float32", shape: ["batch", 32, 32, 3] };

export async function collect(
  source: DataSource,
  batchSize: number,
  first?: number,
  count?: number,
): Promise<DataBatch[]> {
  const batches: DataBatch[] = [];
  const range = { ...(first === undefined ? {} : { first }), ...(count === undefined ? {} : { count }) };
  for await (const batch of source.batches({ batchSize, ...range })) batches.push(batch);
  return batches;
}

/** The values of one feed of a batch. */
export function floatsOf(batch: DataBatch | undefined, feed: string): number[] {
  return Array.from(batch?.feeds[feed]?.data as Float32Array);
}

/** All values of one feed over all batches. */
export async function valuesOf(source: DataSource, feed: string): Promise<number[]> {
  return (await collect(source, 4)).flatMap((batch) => floatsOf(batch, feed));
}
