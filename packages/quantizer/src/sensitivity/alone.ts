import {
  type DataBatch,
  type DataSource,
  fittingBatches,
  type ModelProto,
  openSession,
  type Session,
  type TensorValue,
  throwIfCanceled,
} from "@edgewatt/onnx";
import { AccuracyMeter } from "../quality/classes.ts";
import { OutputMeter, type Closeness } from "../quality/output-meter.ts";

/** Inputs and float outputs that are held while all layers run on them: 64 MB, whatever the number of images. */
const BLOCK_VALUES = 16 * 2 ** 20;

/** The part of a source to measure on. */
export interface EvaluationRange {
  readonly source: DataSource;
  readonly first: number;
  readonly count: number;
}

export interface AloneOptions {
  readonly signal?: AbortSignal | undefined;
  /** Runs of an image in one of the models that are done. */
  readonly onImages?: (done: number, total: number) => void;
}

interface KeptBatch extends DataBatch {
  readonly expected: Readonly<Record<string, TensorValue>>;
}

/**
 * Compares models, each with one layer quantized, with the float model. Images are read once, block by block: the float outputs of a block
 * are computed once for all models, and only one of these is loaded at a time.
 * @param variants each makes its model when it is needed
 */
export async function compareVariants(
  float: Session,
  variants: readonly (() => ModelProto)[],
  { source, first, count }: EvaluationRange,
  { signal, onImages }: AloneOptions,
): Promise<{ figures: Closeness[]; accuracy: number | null; images: number }> {
  const meters = variants.map(() => new OutputMeter(float));
  const floatAccuracy = new AccuracyMeter();
  const main = float.outputs[0]?.name ?? "";
  let images = 0;
  let done = 0;
  for await (const block of blocks(float, { source, first, count }, signal)) {
    for (const { expected, labels } of block) floatAccuracy.add(expected[main], labels);
    for (const [index, variant] of variants.entries()) {
      const meter = meters[index];
      if (meter === undefined) continue;
      throwIfCanceled(signal, `measuring with ${source.name}`);
      await using session = await openSession(variant(), {
        simulateQuantization: true,
        name: "the model with one quantized layer",
      });
      for (const { feeds, expected, labels, count: size } of block) {
        const found = await session.run(feeds, undefined, signal);
        meter.add(expected, found, labels);
        done += size;
        onImages?.(done, count * variants.length);
        await letOthersRun();
      }
    }
    images += block.reduce((sum, batch) => sum + batch.count, 0);
  }
  return {
    figures: meters.map((meter) => meter.closeness()),
    accuracy: floatAccuracy.share(),
    images,
  };
}

/** The images in blocks of bounded size, with what the float model makes of them. */
async function* blocks(
  float: Session,
  { source, first, count }: EvaluationRange,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly KeptBatch[]> {
  let block: KeptBatch[] = [];
  let values = 0;
  for await (const batch of fittingBatches(float, source, first, count, signal)) {
    const expected = await float.run(batch.feeds, undefined, signal);
    block.push({ ...batch, expected });
    values += sizeOf(batch.feeds) + sizeOf(expected);
    if (values < BLOCK_VALUES) continue;
    yield block;
    block = [];
    values = 0;
  }
  if (block.length > 0) yield block;
}

function sizeOf(tensors: Readonly<Record<string, TensorValue>>): number {
  return Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
}

/** Inference blocks the event loop: without a pause no signal or message would come through in a minute's work. */
function letOthersRun(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
