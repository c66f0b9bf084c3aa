import type { DataSource, Session } from "@edgewatt/onnx";
import { fittingBatches } from "../calibration/batches.ts";
import { verificationRange } from "./held-back.ts";
import { OutputMeter, type Closeness } from "./output-meter.ts";

/** Images for signal-to-noise and agreement of the whole model, and how many at most where they are asked for. */
const VERIFIED_IMAGES = 64;
const THOROUGHLY_VERIFIED_IMAGES = 1_000;

export interface Quality extends Closeness {
  readonly images: number;
  readonly heldBack: boolean;
}

/** Runs float and int8 side by side on the same images. */
export async function measureQuality(
  float: Session,
  int8: Session,
  source: DataSource,
  options: {
    readonly thorough: boolean;
    readonly signal?: AbortSignal;
    readonly onImages?: (done: number, total: number) => void;
  },
): Promise<Quality> {
  const wanted = options.thorough ? THOROUGHLY_VERIFIED_IMAGES : VERIFIED_IMAGES;
  const { first, count, heldBack } = verificationRange(source, float, wanted);
  const meter = new OutputMeter(float);
  let images = 0;
  for await (const batch of fittingBatches(float, source, first, count, options.signal)) {
    const expected = await float.run(batch.feeds, undefined, options.signal);
    const found = await int8.run(batch.feeds, undefined, options.signal);
    meter.add(expected, found, batch.labels);
    images += batch.count;
    options.onImages?.(images, count);
  }
  return { ...meter.closeness(), images, heldBack };
}
