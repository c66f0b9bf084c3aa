import {
  type DataSource,
  type DerivedModels,
  fittingBatches,
  type Graph,
  makeOutput,
  type TensorValue,
} from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import type { PassOptions } from "./extremes.ts";
import { HistogramBuilder, type Histogram } from "./histogram.ts";

/** Runs the model on the calibration images and bins the values of each tensor; the activations of one batch are held, no more. */
export async function collectHistograms(
  models: DerivedModels,
  graph: Graph,
  ranges: ReadonlyMap<string, Range>,
  source: DataSource,
  options: PassOptions,
): Promise<ReadonlyMap<string, Histogram>> {
  const builders = new Map([...ranges].map(([tensor, range]) => [tensor, new HistogramBuilder(range)]));
  const inputs = new Set(graph.inputNames);
  const outputs = [...builders.keys()].filter((tensor) => !inputs.has(tensor));
  await using session = await models.open({ node: [...graph.nodes], output: outputs.map(makeOutput) }, options.session);
  let images = 0;
  for await (const batch of fittingBatches(session, source, 0, source.count, options.signal)) {
    const results = await session.run(batch.feeds, undefined, options.signal);
    for (const [tensor, builder] of builders) {
      const values: TensorValue | undefined = results[tensor] ?? batch.feeds[tensor];
      if (values?.data instanceof Float32Array) builder.add(values.data);
    }
    images += batch.count;
    options.onImages?.(images);
  }
  return new Map([...builders].map(([tensor, builder]) => [tensor, builder.finish()]));
}
