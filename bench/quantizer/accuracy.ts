import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openCifar, openSession } from "@edgewatt/onnx";
import { findPythonPeer } from "../peers/python.ts";
import { runProgram } from "../processes.ts";
import { compare, unmeasured, type BenchContext, type BenchResult, type Suite } from "../suite.ts";
import { cifarFile, zooModels, type ZooModel } from "./material.ts";
import { ourProgram, referenceProgram, type Method } from "./programs.ts";

const METHODS: readonly Method[] = ["minmax", "percentile", "entropy"];
const CALIBRATION_IMAGES = 500;
const TEST_IMAGES = 10_000;
const EVALUATION_BATCH = 100;
/** What an int8 model may lose against the reference's, in percentage points. */
const ALLOWED_LOSS_POINTS = 0.1;

/** Accuracy of our int8 models and the reference's on CIFAR-10's test images, from the same calibration images. */
export const accuracy: Suite = { run: measure };

async function* measure({ signal, say, wanted }: BenchContext): AsyncGenerator<BenchResult> {
  const path = cifarFile("data_batch_1.bin");
  const test = cifarFile("test_batch.bin");
  if (path === undefined || test === undefined) {
    yield unmeasured(
      "quantizer/accuracy",
      "%",
      "needs the labelled images of CIFAR-10: edgewatt datasets fetch cifar10",
    );
    return;
  }
  const peer = await findPythonPeer();
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-bench-quantizer-"));
  try {
    for (const model of await zooModels()) {
      const methods = METHODS.filter((method) => wanted(nameOf(model, method)));
      if (methods.length === 0) continue;
      const float = await rightAnswers(model.path, model, test, signal);
      for (const method of methods) {
        const data = { kind: "cifar", path, label: `${CALIBRATION_IMAGES} CIFAR-10 images` } as const;
        const [ours, reference] = [join(folder, "ours.onnx"), join(folder, "reference.onnx")];
        const common = { model, method, data, images: CALIBRATION_IMAGES };
        await runProgram(ourProgram({ ...common, out: ours }), signal);
        const own = await rightAnswers(ours, model, test, signal);
        let theirs: Uint8Array | null = null;
        if (peer.python !== null) {
          await runProgram(referenceProgram({ ...common, out: reference }, peer.python), signal);
          theirs = await rightAnswers(reference, model, test, signal);
        }
        const result = resultOf(model, method, { float, own, theirs }, peer);
        say(`${result.name}: ${result.note ?? ""}`);
        yield result;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function nameOf(model: ZooModel, method: Method): string {
  return `quantizer/accuracy/${method}/${model.name}`;
}

function resultOf(
  model: ZooModel,
  method: Method,
  { float, own, theirs }: { float: Uint8Array; own: Uint8Array; theirs: Uint8Array | null },
  peer: Awaited<ReturnType<typeof findPythonPeer>>,
): BenchResult {
  const [value, floatPct] = [percentRight(own), percentRight(float)];
  const peerValue = theirs === null ? null : percentRight(theirs);
  const against =
    theirs === null || peerValue === null
      ? peer.python === null
        ? peer.note
        : ""
      : `${points(value - peerValue)} against the reference (at least -${ALLOWED_LOSS_POINTS} is the goal; ${describePairs(own, theirs)})`;
  return compare(
    {
      name: nameOf(model, method),
      value,
      unit: "%",
      peer: peer.python === null ? null : peer.label,
      peerValue,
      note: `${points(value - floatPct)} against float (${floatPct.toFixed(2)} %), ${against}; ${CALIBRATION_IMAGES} calibration and ${TEST_IMAGES} test images`,
    },
    peerValue === null
      ? null
      : { comparison: ">=", ratio: Number(((peerValue - ALLOWED_LOSS_POINTS) / peerValue).toFixed(5)) },
  );
}

function points(difference: number): string {
  return `${difference < 0 ? "-" : "+"}${Math.abs(difference).toFixed(2)} points`;
}

/**
 * How many images only one of two models gets right, and the chance of a difference at least as large between models that are equally good:
 * the exact sign test on those images (McNemar 1947), two-sided.
 */
export function describePairs(own: Uint8Array, theirs: Uint8Array): string {
  const onlyOurs = own.filter((right, index) => right > (theirs[index] ?? 0)).length;
  const onlyTheirs = theirs.filter((right, index) => right > (own[index] ?? 0)).length;
  const chance = signTest(onlyOurs, onlyTheirs);
  return `right only in ours ${onlyOurs} images, only in theirs ${onlyTheirs}, p = ${chance.toFixed(2)}`;
}

function signTest(a: number, b: number): number {
  const draws = a + b;
  // Summed from logarithms, as 2 ** -draws is no number for many draws.
  let log = -draws * Math.LN2;
  let tail = 0;
  for (let wins = 0; wins <= Math.min(a, b); wins++) {
    tail += Math.exp(log);
    log += Math.log((draws - wins) / (wins + 1));
  }
  return Math.min(1, 2 * tail);
}

export function percentRight(answers: Uint8Array): number {
  return (100 * answers.reduce((sum, right) => sum + right, 0)) / answers.length;
}

/** For each test image 1 where the model names its class, else 0. */
export async function rightAnswers(
  path: string,
  model: Pick<ZooModel, "mean" | "std">,
  test: string,
  signal: AbortSignal,
): Promise<Uint8Array> {
  await using session = await openSession(path);
  const { inputs, outputs } = session;
  const source = await openCifar(test, { inputs, images: TEST_IMAGES, mean: model.mean, std: model.std });
  const answers = new Uint8Array(source.count);
  let first = 0;
  for await (const { feeds, labels = [], count } of source.batches({ batchSize: EVALUATION_BATCH, signal })) {
    const scores = (await session.run(feeds))[outputs[0]?.name ?? ""];
    const classes = scores?.dims[1] ?? 0;
    if (!(scores?.data instanceof Float32Array)) continue;
    for (const [index, label] of labels.entries()) {
      const row = scores.data.subarray(index * classes, (index + 1) * classes);
      answers[first + index] = row.indexOf(Math.max(...row)) === label ? 1 : 0;
    }
    first += count;
  }
  return answers;
}
