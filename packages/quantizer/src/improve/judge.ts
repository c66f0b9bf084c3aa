import { arch } from "node:process";
import {
  type DataSource,
  fittingBatches,
  type Graph,
  type ModelProto,
  openSession,
  type Session,
} from "@edgewatt/onnx";
import type { QuantizationFormat } from "../int8/format.ts";
import { AccuracyMeter } from "../quality/classes.ts";
import { ExpectedOutputs } from "../quality/expected-outputs.ts";
import { OutputMeter, type Closeness } from "../quality/output-meter.ts";
import type { ImageRange } from "./split-images.ts";

/** How close an int8 model is to the float one on a judge's images. */
export interface Score extends Closeness {
  /** Infinity where all outputs are the same to the bit, -Infinity where they cannot be compared. */
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

/** Runs the float model once for all comparisons. */
export function openJudge(float: Graph, source: DataSource, images: ImageRange, format: QuantizationFormat): Judge {
  const expected = new ExpectedOutputs(() => openSession(float.model, { name: "the float model" }));
  return {
    async score(int8, signal) {
      await using candidate = await openSession(int8, {
        // int8 activations are slow on x64; computed in float between QuantizeLinear and DequantizeLinear they give the same.
        simulateQuantization: format === "s8s8" && arch !== "arm64",
        name: "the quantized model",
      });
      return await compare(expected, candidate, source, images, signal);
    },
    [Symbol.asyncDispose]: () => expected[Symbol.asyncDispose](),
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
    const wanted = await expected.at(count, batch.feeds, signal);
    const found = await candidate.run(batch.feeds, undefined, signal);
    meter.add(wanted, found, batch.labels);
    floatRight.add(wanted[candidate.outputs[0]?.name ?? ""], batch.labels);
    count += batch.count;
  }
  const closeness = meter.closeness();
  return {
    ...closeness,
    // Without noise there is no ratio, nor is there one between outputs that cannot be compared.
    sqnrDb: closeness.sqnrDb ?? (closeness.exact ? Infinity : -Infinity),
    floatAccuracy: floatRight.share(),
    images: count,
  };
}
