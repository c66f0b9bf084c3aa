import { throwIfCanceled } from "../errors.ts";
import type { TensorValue, ValueDescription } from "../session.ts";

/** Where calibration or evaluation data comes from; results name it, so that synthetic data is never taken for real. */
export type DataKind = "cifar" | "npy" | "images" | "synthetic";

/** Consecutive samples, ready to be fed: every feed's first axis is `count`. */
export interface DataBatch {
  readonly feeds: Readonly<Record<string, TensorValue>>;
  readonly count: number;
  /** One class index per sample, where the source has labels. */
  readonly labels?: Uint8Array;
}

/** Which samples to read and how. */
export interface BatchRequest {
  readonly batchSize: number;
  /** Index of the first sample; 0 unless told. */
  readonly first?: number;
  /** How many samples; the source's `count` unless told. Fewer come when the data ends before. */
  readonly count?: number;
  readonly signal?: AbortSignal;
}

/** Samples in file order. Only one batch is held in memory at a time; `batches` may be called again and starts anew. */
export interface DataSource {
  readonly kind: DataKind;
  /** What the user named: a path, or `synthetic`. */
  readonly name: string;
  /** Samples that were asked for and are there. */
  readonly count: number;
  /** All samples that are there; those from `count` on are held back. Infinity for generated data. */
  readonly available: number;
  batches(request: BatchRequest): AsyncIterable<DataBatch>;
}

/** How samples become the model's input. */
export interface DataOptions {
  /** The inputs of the model, from `describeModel` or an open session. */
  readonly inputs: readonly ValueDescription[];
  /** Use the first so many samples; 256 unless told. */
  readonly images?: number;
  /** Per channel (or one for all), after dividing by 255; 0 unless told. */
  readonly mean?: readonly number[];
  /** Per channel (or one for all); 1 unless told. */
  readonly std?: readonly number[];
  /** Fixes dynamic sides: the whole shape of the first input, batch axis included. */
  readonly inputShape?: readonly number[];
  /** Seed of generated data; 0 unless told. */
  readonly seed?: number;
}

const DEFAULT_IMAGES = 256;

/** Feeds, and labels if there are any, of `count` samples from `first` on. */
export type ReadSamples = (first: number, count: number) => Promise<Omit<DataBatch, "count">>;

/** What is open while batches are read: a file is not opened again for each of them. */
export interface SampleReader extends AsyncDisposable {
  readonly read: ReadSamples;
}

/** For samples that come from no single file. */
export function readerOf(read: ReadSamples): () => Promise<SampleReader> {
  return async () => ({ read, [Symbol.asyncDispose]: () => Promise.resolve() });
}

/** A source that reads its samples by index; the options say how many were asked for. */
export function createSource(
  origin: Pick<DataSource, "kind" | "name" | "available">,
  options: DataOptions,
  openReader: () => Promise<SampleReader>,
): DataSource {
  const count = Math.min(options.images ?? DEFAULT_IMAGES, origin.available);
  return {
    ...origin,
    count,
    async *batches(request: BatchRequest): AsyncGenerator<DataBatch> {
      await using reader = await openReader();
      const end = Math.min((request.first ?? 0) + (request.count ?? count), origin.available);
      for (let first = request.first ?? 0; first < end; first += request.batchSize) {
        throwIfCanceled(request.signal, `reading ${origin.name}`);
        const size = Math.min(request.batchSize, end - first);
        yield { ...(await reader.read(first, size)), count: size };
      }
    },
  };
}
