import { DataError, type DataSource, type DerivedModels, fittingBatches, type Graph, makeOutput } from "@edgewatt/onnx";
import type { Range } from "../../int8/arithmetic.ts";
import type { PassOptions } from "./extremes.ts";
import { addAbsoluteValues, histogramEdges } from "./numpy-histogram.ts";

interface Histogram {
  readonly counts: Float64Array;
  readonly edges: Float32Array;
}

/**
 * Counts the absolute values of the tensors in equal bins over `spans` (`collect_absolute_value`), one sample after the other: counts of
 * fixed bins add up, so they are those of all samples at once.
 */
export async function collectHistograms(
  models: DerivedModels,
  graph: Graph,
  spans: ReadonlyMap<string, Range>,
  bins: number,
  source: DataSource,
  options: PassOptions,
): Promise<ReadonlyMap<string, Histogram>> {
  const tensors = [...spans.keys()];
  const inputs = new Set(graph.inputNames);
  await using session = await models.open(
    { node: [...graph.nodes], output: tensors.filter((tensor) => !inputs.has(tensor)).map(makeOutput) },
    { optimization: "disabled", memoryPattern: false, name: options.name },
  );
  const histograms = Array.from(spans, ([tensor, span]) => ({
    tensor,
    counts: new Float64Array(bins),
    spread: histogramEdges(span.min, span.max, bins),
  }));
  let images = 0;
  for await (const batch of fittingBatches(session, source, 0, source.count, options.signal, 1)) {
    const results = await session.run(batch.feeds, undefined, options.signal);
    for (const { tensor, counts, spread } of histograms) {
      const values = (inputs.has(tensor) ? batch.feeds[tensor] : results[tensor])?.data;
      if (!(values instanceof Float32Array) || !addAbsoluteValues(counts, spread, values))
        throw holdsNaN(tensor, source);
    }
    images += batch.count;
    options.onImages(images);
  }
  return new Map(histograms.map(({ tensor, counts, spread }) => [tensor, { counts, edges: spread.edges }]));
}

function holdsNaN(tensor: string, source: DataSource): DataError {
  return new DataError(
    `calibration with ${source.name} gave NaN in tensor "${tensor}": check --mean and --std, and that the data holds no NaN`,
    { code: "range-not-finite", context: { tensor } },
  );
}
