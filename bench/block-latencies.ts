import { performance } from "node:perf_hooks";
import { openCalibration, openSession, type DataBatch, type Session } from "@edgewatt/onnx";
import { BenchError } from "./errors.ts";
import { spreadOf } from "./processes.ts";

export const RUNS_PER_BLOCK = 50;
const WARM_UP_RUNS = 100;

/**
 * Latencies of some model files, in ms: for each of them the median of each block of `RUNS_PER_BLOCK` runs. One image, one thread, the same ONNX Runtime in
 * the same process, blocks in turn, so that those of the same number were timed right after one another.
 */
export async function blockMedians(paths: readonly string[], blocks: number, signal: AbortSignal): Promise<number[][]> {
  await using stack = new Sessions();
  const sessions = await stack.open(paths);
  const [first] = sessions;
  if (first === undefined) return [];
  const image = await oneImage(first);
  for (const session of sessions) await timedRuns(session, image, WARM_UP_RUNS);
  const medians: number[][] = sessions.map(() => []);
  for (let block = 0; block < blocks; block++) {
    signal.throwIfAborted();
    // The order turns from block to block, so that none of them always follows the other.
    const order = [...sessions.entries()];
    for (const [index, session] of block % 2 === 0 ? order : order.toReversed()) {
      medians[index]?.push(spreadOf(await timedRuns(session, image, RUNS_PER_BLOCK)).median);
    }
  }
  return medians;
}

async function timedRuns(session: Session, image: DataBatch, runs: number): Promise<number[]> {
  const timesMs: number[] = [];
  for (let run = 0; run < runs; run++) {
    const startedMs = performance.now();
    await session.run(image.feeds);
    timesMs.push(performance.now() - startedMs);
  }
  return timesMs;
}

async function oneImage(session: Session): Promise<DataBatch> {
  const source = await openCalibration("synthetic", { inputs: session.inputs, images: 1 });
  for await (const batch of source.batches({ batchSize: 1 })) return batch;
  throw new BenchError("no image was generated", { code: "no-image" });
}

/** Sessions that are closed together. */
class Sessions implements AsyncDisposable {
  readonly #open: Session[] = [];

  async open(paths: readonly string[]): Promise<Session[]> {
    for (const path of paths) this.#open.push(await openSession(path, { threads: 1 }));
    return this.#open;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#open) await session.close();
  }
}
