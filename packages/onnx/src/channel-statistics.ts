import { fittingBatches } from "./data/batches.ts";
import type { DataSource } from "./data/source.ts";
import { makeOutput, type Graph } from "./graph.ts";
import { openSession, type TensorValue } from "./session.ts";
import { subModel } from "./sub-model.ts";

/** What one channel of a tensor held over all images and positions. */
export interface ChannelStatistics {
  readonly min: Float64Array;
  readonly max: Float64Array;
  readonly mean: Float64Array;
  readonly std: Float64Array;
}

/** Gathers the statistics of a tensor [batch, channels, …] batch by batch. */
export class ChannelMeter {
  #min = new Float64Array(0);
  #max = new Float64Array(0);
  #sum = new Float64Array(0);
  #squares = new Float64Array(0);
  #count = 0;

  /** Leaves out what is not float32 or has no channels. */
  add(value: TensorValue | undefined): void {
    if (value === undefined || !(value.data instanceof Float32Array) || value.dims.length < 2) return;
    const [images = 0, channels = 0] = value.dims;
    if (this.#count === 0) {
      this.#min = new Float64Array(channels).fill(Infinity);
      this.#max = new Float64Array(channels).fill(-Infinity);
      this.#sum = new Float64Array(channels);
      this.#squares = new Float64Array(channels);
    }
    const positions = value.data.length / (images * channels);
    for (let row = 0; row < images * channels; row++)
      this.#addRow(row % channels, value.data, row * positions, positions);
    this.#count += images * positions;
  }

  statistics(): ChannelStatistics {
    const mean = this.#sum.map((sum) => sum / this.#count);
    const std = this.#squares.map((squares, channel) =>
      Math.sqrt(Math.max(0, squares / this.#count - (mean[channel] as number) ** 2)),
    );
    return { min: this.#min, max: this.#max, mean, std };
  }

  #addRow(channel: number, data: Float32Array, start: number, length: number): void {
    let [min, max, sum, squares] = [Infinity, -Infinity, 0, 0];
    for (let index = start; index < start + length; index++) {
      const value = data[index] as number;
      if (value < min) min = value;
      if (value > max) max = value;
      sum += value;
      squares += value * value;
    }
    this.#min[channel] = Math.min(this.#min[channel] as number, min);
    this.#max[channel] = Math.max(this.#max[channel] as number, max);
    this.#sum[channel] = (this.#sum[channel] as number) + sum;
    this.#squares[channel] = (this.#squares[channel] as number) + squares;
  }
}

/** Runs the model, node by node as it is, and measures the channels of some tensors; one image's activations are held at a time. */
export async function measureChannels(
  graph: Graph,
  tensors: readonly string[],
  source: DataSource,
  images: { readonly first: number; readonly count: number },
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ChannelStatistics>> {
  if (tensors.length === 0) return new Map();
  const meters = new Map(tensors.map((name) => [name, new ChannelMeter()]));
  await using session = await openSession(subModel(graph, tensors, tensors.map(makeOutput)), {
    optimization: "disabled",
  });
  for await (const batch of fittingBatches(session, source, images.first, images.count, signal, 1)) {
    const results = await session.run(batch.feeds, undefined, signal);
    for (const [name, meter] of meters) meter.add(results[name]);
  }
  return new Map([...meters].map(([name, meter]) => [name, meter.statistics()]));
}
