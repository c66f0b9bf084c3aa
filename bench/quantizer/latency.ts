import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { openCalibration, openSession, type DataBatch, type Session } from "@edgewatt/onnx";
import { BenchError } from "../errors.ts";
import { findPythonPeer } from "../peers/python.ts";
import { runProgram, spreadOf } from "../processes.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { calibrationImages, zooModels } from "./material.ts";
import { ourProgram, referenceProgram } from "./programs.ts";

const CALIBRATION_IMAGES = 128;
const BLOCKS = 60;
const RUNS_PER_BLOCK = 50;
const WARM_UP_RUNS = 100;

/** Latency of our int8 file and the reference's: one image, one thread, the same ONNX Runtime in the same process, blocks in turn. */
export const latency: Suite = { run: measure };

async function* measure({ signal }: BenchContext): AsyncGenerator<BenchResult> {
  const [model] = await zooModels();
  if (model === undefined) throw new BenchError("models/manifest.json names no model", { code: "no-model" });
  const peer = await findPythonPeer();
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-quantizer-"));
  try {
    const data = await calibrationImages(model, CALIBRATION_IMAGES, folder);
    const common = { model, method: "minmax", data, images: CALIBRATION_IMAGES } as const;
    const [ours, reference] = [join(folder, "ours.onnx"), join(folder, "reference.onnx")];
    await runProgram(ourProgram({ ...common, out: ours }), signal);
    if (peer.python !== null) await runProgram(referenceProgram({ ...common, out: reference }, peer.python), signal);
    const paths = [ours, ...(peer.python === null ? [] : [reference])];
    const [own = Number.NaN, other] = await medianLatencies(paths, signal);
    yield compare(
      {
        name: "quantizer/latency/p50",
        value: own,
        unit: "ms",
        peer: peer.python === null ? null : `int8 model of ${peer.label}`,
        peerValue: other ?? null,
        note: `${model.name}, int8, one image, one thread, ${BLOCKS * RUNS_PER_BLOCK} runs of each in blocks of ${RUNS_PER_BLOCK} in turn${
          peer.python === null ? `; ${peer.note}` : ""
        }`,
      },
      { comparison: "<=", ratio: 1.02 },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The median over blocks of each block's median, so that a disturbance costs a block and not the result. */
async function medianLatencies(paths: readonly string[], signal: AbortSignal): Promise<number[]> {
  await using stack = new Sessions();
  const sessions = await stack.open(paths);
  const [first] = sessions;
  if (first === undefined) return [];
  const image = await oneImage(first);
  for (const session of sessions) await timedRuns(session, image, WARM_UP_RUNS);
  const blocks: number[][] = sessions.map(() => []);
  for (let block = 0; block < BLOCKS; block++) {
    signal.throwIfAborted();
    // The order turns from block to block, so that none of them always follows the other.
    const order = [...sessions.entries()];
    for (const [index, session] of block % 2 === 0 ? order : order.toReversed()) {
      blocks[index]?.push(spreadOf(await timedRuns(session, image, RUNS_PER_BLOCK)).median);
    }
  }
  return blocks.map((medians) => spreadOf(medians).median);
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
