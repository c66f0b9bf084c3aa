import type { DataSource, Session } from "@edgewatt/onnx";
import { fittingBatches } from "../calibration/batches.ts";
import { AgreementMeter } from "./classes.ts";
import { NoiseMeter } from "./noise-meter.ts";
import { verificationRange } from "./held-back.ts";

/** Images for signal-to-noise and agreement of the whole model, and how many at most where they are asked for. */
const VERIFIED_IMAGES = 64;
const THOROUGHLY_VERIFIED_IMAGES = 1_000;

export interface Quality {
  readonly sqnrDb: number | null;
  readonly agreement: number | null;
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
  const noise = new NoiseMeter();
  const classes = new AgreementMeter();
  let images = 0;
  for await (const batch of fittingBatches(float, source, first, count, options.signal)) {
    const expected = await float.run(batch.feeds, undefined, options.signal);
    const found = await int8.run(batch.feeds, undefined, options.signal);
    for (const [name, value] of Object.entries(expected)) noise.add(value, found[name]);
    const main = float.outputs[0]?.name ?? "";
    classes.add(expected[main], found[main]);
    images += batch.count;
    options.onImages?.(images, count);
  }
  return { sqnrDb: noise.decibels(), agreement: classes.share(), images, heldBack };
}
