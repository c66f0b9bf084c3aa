import { type DataSource, fittingBatches, type Session } from "@edgewatt/onnx";
import type { ExpectedOutputs } from "./expected-outputs.ts";
import { verificationRange } from "./held-back.ts";
import { OutputMeter, type Closeness } from "./output-meter.ts";

/** Images for signal-to-noise and agreement of the whole model, and how many at most where they are asked for. */
export const VERIFIED_IMAGES = 64;
const THOROUGHLY_VERIFIED_IMAGES = 1_000;

export interface Quality extends Closeness {
  readonly images: number;
  readonly heldBack: boolean;
}

/** Compares the outputs of an int8 model with those of the float model, on the same images. */
export async function measureQuality(
  expected: ExpectedOutputs,
  int8: Session,
  source: DataSource,
  options: {
    readonly thorough: boolean;
    readonly signal?: AbortSignal;
    readonly onImages?: (done: number, total: number) => void;
  },
): Promise<Quality> {
  const most = options.thorough ? THOROUGHLY_VERIFIED_IMAGES : VERIFIED_IMAGES;
  const { first, count, heldBack } = verificationRange(source, int8, most);
  const meter = new OutputMeter(int8);
  let images = 0;
  for await (const batch of fittingBatches(int8, source, first, count, options.signal)) {
    const wanted = await expected.at(images, batch.feeds, options.signal);
    meter.add(wanted, await int8.run(batch.feeds, undefined, options.signal), batch.labels);
    images += batch.count;
    options.onImages?.(images, count);
  }
  return { ...meter.closeness(), images, heldBack };
}
