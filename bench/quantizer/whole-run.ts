import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchError } from "../errors.ts";
import { findPythonPeer } from "../peers/python.ts";
import { describeSpread, interleave, spreadOf, type ProcessRun } from "../processes.ts";
import { compare, type BenchContext, type BenchResult, type Goal, type Suite } from "../suite.ts";
import { calibrationImages, zooModels } from "./material.ts";
import { ourProgram, referenceProgram, type Method, type Quantization } from "./programs.ts";

const IMAGES = 500;

/** What was promised, and how often the two run: the reference's histogram methods take long. */
const PLANS: Readonly<Record<Method, { wall: Goal | null; memory: Goal; rounds: number }>> = {
  minmax: { wall: { comparison: "<=", ratio: 0.5 }, memory: { comparison: "<=", ratio: 0.7 }, rounds: 5 },
  percentile: { wall: null, memory: { comparison: "<=", ratio: 0.2 }, rounds: 2 },
  entropy: { wall: null, memory: { comparison: "<=", ratio: 0.2 }, rounds: 2 },
};

/** Wall time and peak memory of quantizing the unpruned MobileNetV1, whole processes, ours and the reference's in turn. */
export function wholeRun(method: Method): Suite {
  return { run: (context) => measure(method, context) };
}

async function* measure(method: Method, { signal }: BenchContext): AsyncGenerator<BenchResult> {
  const [model] = await zooModels();
  if (model === undefined) throw new BenchError("models/manifest.json names no model", { code: "no-model" });
  const plan = PLANS[method];
  const peer = await findPythonPeer();
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-quantizer-"));
  try {
    const data = await calibrationImages(model, IMAGES, folder);
    const quantization = (out: string): Quantization => ({
      model,
      method,
      data,
      images: IMAGES,
      out: join(folder, out),
    });
    const programs = [
      ourProgram(quantization("ours.onnx")),
      ...(peer.python === null ? [] : [referenceProgram(quantization("reference.onnx"), peer.python)]),
    ];
    const [ours = [], theirs] = await interleave(programs, plan.rounds, signal);
    const figures = [
      { name: "wall", unit: "s", goal: plan.wall, digits: 2, of: (run: ProcessRun) => run.wallS },
      { name: "memory", unit: "MB", goal: plan.memory, digits: 0, of: (run: ProcessRun) => run.peakMemoryMb },
    ];
    for (const { name, unit, goal, digits, of } of figures) {
      const own = spreadOf(ours.map(of));
      const other = theirs === undefined ? undefined : spreadOf(theirs.map(of));
      const note = [
        `${model.name}, ${data.label}, ${plan.rounds} runs: ${describeSpread(own, digits)} ${unit} (min / median / max)`,
        peer.python === null
          ? peer.note
          : other && `reference: ${describeSpread(other, digits)} ${unit}, one image per batch`,
      ];
      yield compare(
        {
          name: `quantizer/${method}/${name}`,
          value: own.median,
          unit,
          peer: peer.python === null ? null : peer.label,
          peerValue: other?.median ?? null,
          note: note.filter((part) => part !== undefined).join("; "),
        },
        goal,
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
