import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blockMedians, RUNS_PER_BLOCK } from "../block-latencies.ts";
import { BenchError } from "../errors.ts";
import { findPythonPeer } from "../peers/python.ts";
import { runProgram, spreadOf } from "../processes.ts";
import { compare, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { calibrationImages, zooModels } from "./material.ts";
import { ourProgram, referenceProgram } from "./programs.ts";

const CALIBRATION_IMAGES = 128;
const BLOCKS = 60;

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
    // The median of each block's median, so that a disturbance costs a block and not the result.
    const medians = (await blockMedians(paths, BLOCKS, signal)).map((blocks) => spreadOf(blocks).median);
    const [own = Number.NaN, other] = medians;
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
