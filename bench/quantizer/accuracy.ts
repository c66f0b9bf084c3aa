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
/** The reference keeps all activations of its histogram methods: this many images make it hold half a gigabyte. */
const HISTOGRAM_IMAGES = 100;
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
      const floatPct = await accuracyPct(model.path, model, test, signal);
      for (const method of methods) {
        const images = method === "minmax" ? CALIBRATION_IMAGES : HISTOGRAM_IMAGES;
        const data = { kind: "cifar", path, label: `${images} CIFAR-10 images` } as const;
        const [ours, reference] = [join(folder, "ours.onnx"), join(folder, "reference.onnx")];
        const common = { model, method, data, images };
        await runProgram(ourProgram({ ...common, out: ours }), signal);
        const value = await accuracyPct(ours, model, test, signal);
        let peerValue: number | null = null;
        if (peer.python !== null) {
          await runProgram(referenceProgram({ ...common, out: reference }, peer.python), signal);
          peerValue = await accuracyPct(reference, model, test, signal);
        }
        const result = resultOf(model, method, { value, peerValue, floatPct, images }, peer);
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
  found: { value: number; peerValue: number | null; floatPct: number; images: number },
  peer: Awaited<ReturnType<typeof findPythonPeer>>,
): BenchResult {
  const { value, peerValue, floatPct, images } = found;
  const points = (difference: number): string =>
    `${difference < 0 ? "-" : "+"}${Math.abs(difference).toFixed(2)} points`;
  const against =
    peerValue === null
      ? peer.python === null
        ? peer.note
        : ""
      : `${points(value - peerValue)} against the reference (at least -${ALLOWED_LOSS_POINTS} is the goal)`;
  return compare(
    {
      name: nameOf(model, method),
      value,
      unit: "%",
      peer: peer.python === null ? null : peer.label,
      peerValue,
      note: `${points(value - floatPct)} against float (${floatPct.toFixed(2)} %), ${against}; ${images} calibration and ${TEST_IMAGES} test images`,
    },
    peerValue === null
      ? null
      : { comparison: ">=", ratio: Number(((peerValue - ALLOWED_LOSS_POINTS) / peerValue).toFixed(5)) },
  );
}

async function accuracyPct(path: string, model: ZooModel, test: string, signal: AbortSignal): Promise<number> {
  await using session = await openSession(path);
  const { inputs, outputs } = session;
  const source = await openCifar(test, { inputs, images: TEST_IMAGES, mean: model.mean, std: model.std });
  let correct = 0;
  for await (const { feeds, labels = [] } of source.batches({ batchSize: EVALUATION_BATCH, signal })) {
    const scores = (await session.run(feeds))[outputs[0]?.name ?? ""];
    const classes = scores?.dims[1] ?? 0;
    if (!(scores?.data instanceof Float32Array)) continue;
    for (const [index, label] of labels.entries()) {
      const row = scores.data.subarray(index * classes, (index + 1) * classes);
      if (row.indexOf(Math.max(...row)) === label) correct++;
    }
  }
  return (100 * correct) / source.count;
}
