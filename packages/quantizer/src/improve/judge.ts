import { arch } from "node:process";
import {
  openSession,
  type DataSource,
  type Graph,
  type ModelProto,
  type Session,
  type TensorValue,
} from "@edgewatt/onnx";
import { fittingBatches } from "../calibration/batches.ts";
import type { QuantizationFormat } from "../int8/format.ts";
import { AccuracyMeter } from "../quality/classes.ts";
import { OutputMeter, type Closeness } from "../quality/output-meter.ts";
import type { ImageRange } from "./split-images.ts";

/** Outputs of the float model that are kept for the next comparison, at most; beyond, the float model runs again each time. */
const KEPT_VALUES = 2 ** 22;

/** How close an int8 model is to the float one on a judge's images. */
export interface Score extends Closeness {
  /** Infinity where all outputs are the same to the bit. */
  readonly sqnrDb: number;
  /** As `accuracy`, of the float model. */
  readonly floatAccuracy: number | null;
  readonly images: number;
}

/** Compares int8 models with one float model, always on the same images. */
export interface Judge extends AsyncDisposable {
  /** @param signal checked before each batch */
  score(int8: ModelProto, signal?: AbortSignal): Promise<Score>;
}

/** Opens the float model once for all comparisons. */
export async function openJudge(
  float: Graph,
  source: DataSource,
  images: ImageRange,
  format: QuantizationFormat,
): Promise<Judge> {
  const session = await openSession(float.model, { name: "the float model" });
  const expected = new ExpectedOutputs(session);
  return {
    async score(int8, signal) {
      await using candidate = await openSession(int8, {
        // int8 activations are slow on x64; computed in float between QuantizeLinear and DequantizeLinear they give the same.
        simulateQuantization: format === "s8s8" && arch !== "arm64",
        name: "the quantized model",
      });
      return await compare(expected, candidate, source, images, signal);
    },
    [Symbol.asyncDispose]: () => session.close(),
  };
}

async function compare(
  expected: ExpectedOutputs,
  candidate: Session,
  source: DataSource,
  images: ImageRange,
  signal: AbortSignal | undefined,
): Promise<Score> {
  const meter = new OutputMeter(candidate);
  const floatRight = new AccuracyMeter();
  let count = 0;
  for await (const batch of fittingBatches(candidate, source, images.first, images.count, signal)) {
    const wanted = await expected.outputs(count, batch.feeds, signal);
    const found = await candidate.run(batch.feeds, undefined, signal);
    meter.add(wanted, found, batch.labels);
    floatRight.add(wanted[candidate.outputs[0]?.name ?? ""], batch.labels);
    count += batch.count;
  }
  const closeness = meter.closeness();
  return {
    ...closeness,
    // Without noise there is no ratio; full agreement tells that from outputs that cannot be compared.
    sqnrDb: closeness.sqnrDb ?? (closeness.agreement === 1 ? Infinity : -Infinity),
    floatAccuracy: floatRight.share(),
    images: count,
  };
}

/** What the float model gives for the judge's batches, which come in the same order each time. */
class ExpectedOutputs {
  readonly #session: Session;
  readonly #kept = new Map<number, Record<string, TensorValue>>();
  #keptValues = 0;

  constructor(session: Session) {
    this.#session = session;
  }

  async outputs(
    firstImage: number,
    feeds: Readonly<Record<string, TensorValue>>,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, TensorValue>> {
    const kept = this.#kept.get(firstImage);
    if (kept !== undefined) return kept;
    const outputs = await this.#session.run(feeds, undefined, signal);
    const values = Object.values(outputs).reduce((sum, { data }) => sum + data.length, 0);
    if (this.#keptValues + values <= KEPT_VALUES) {
      this.#keptValues += values;
      this.#kept.set(firstImage, outputs);
    }
    return outputs;
  }
}
